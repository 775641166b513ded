"""The baselines are scikit-learn's DummyClassifier, and the skills are measured against them."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from sklearn import metrics
from sklearn.dummy import DummyClassifier

import workbench as wb
from tests.performance.measured import one, run, scored, table, value
from workbench.core.intervals import wilson

CHECK = "performance.baseline"


def dummy(strategy: str, learn: pd.DataFrame) -> DummyClassifier:
    """Return scikit-learn's baseline, fitted on the rows that have a truth."""
    known = learn.dropna(subset=["y"])
    return DummyClassifier(strategy=strategy, random_state=0).fit(np.zeros((len(known), 1)), known.y.astype(int))


def expected(data: pd.DataFrame, learn: pd.DataFrame) -> dict[str, float]:
    """Return every measure by scikit-learn and by expectation."""
    known, teacher = data.dropna(subset=["y"]), learn.dropna(subset=["y"])
    y, s, x = known.y.to_numpy(int), known.score.to_numpy(), np.zeros((len(known), 1))
    model = metrics.accuracy_score(y, s >= 0.5)
    majority = dummy("most_frequent", learn).score(x, y)
    q = teacher.y.mean()
    random = float(np.mean(np.where(y == 1, q, 1 - q)))
    found = {
        "majority_accuracy": majority,
        "accuracy_over_majority": model - majority,
        "random_guess_accuracy": random,
        "accuracy_over_random": model - random,
    }
    if not 0 < q < 1:
        return found | dict.fromkeys(
            ("no_skill_brier", "brier_skill_score", "no_skill_log_loss", "log_loss_skill"), math.nan
        )
    constant = dummy("prior", learn).predict_proba(x)[:, 1]
    losses = {
        "brier": (metrics.brier_score_loss(y, s, pos_label=1), metrics.brier_score_loss(y, constant, pos_label=1)),
        "log": (metrics.log_loss(y, s, labels=[0, 1]), metrics.log_loss(y, constant, labels=[0, 1])),
    }
    return found | {
        "no_skill_brier": losses["brier"][1],
        "brier_skill_score": 1 - losses["brier"][0] / losses["brier"][1],
        "no_skill_log_loss": losses["log"][1],
        "log_loss_skill": 1 - losses["log"][0] / losses["log"][1],
    }


@settings(max_examples=100)
@given(scored())
def test_learnt_from_the_rows_themselves(data: pd.DataFrame) -> None:
    """Without a reference the baselines learn from the current rows."""
    finding = run(CHECK, data)
    if data.y.notna().sum() == 0:
        assert all(m.value is None and m.undefined_because for m in finding.measures)
        return
    for name, number in expected(data, data).items():
        assert value(finding, name) == pytest.approx(number, rel=1e-9, abs=1e-9, nan_ok=True), name


@settings(max_examples=100)
@given(scored(), scored())
def test_learnt_from_the_reference(data: pd.DataFrame, reference: pd.DataFrame) -> None:
    """With a reference the baselines are fitted there and judged here."""
    if data.y.notna().sum() == 0 or reference.y.notna().sum() == 0:
        return
    finding = run(CHECK, data, reference)

    assert finding.notes == ("the baselines learn from the reference",)
    for name, number in expected(data, reference).items():
        assert value(finding, name) == pytest.approx(number, rel=1e-9, abs=1e-9, nan_ok=True), name


def test_expected_guess_is_the_mean_of_guesses() -> None:
    """The expected accuracy of a guess is the mean over scikit-learn's stratified guesses."""
    data = pd.DataFrame({"y": [1] * 30 + [0] * 70, "score": np.linspace(1, 0, 100)})
    x, y = np.zeros((100, 1)), data.y
    drawn = [DummyClassifier(strategy="stratified", random_state=i).fit(x, y).score(x, y) for i in range(2000)]

    assert value(run(CHECK, data), "random_guess_accuracy") == pytest.approx(np.mean(drawn), abs=0.005)


def test_intervals_cover() -> None:
    """Over 400 samples the 95 % intervals of difference and skills cover the truth about as often as they say."""
    rng = np.random.default_rng(8)
    levels = np.array([0.1, 0.3, 0.6, 0.8])
    p = np.clip(levels * 0.8 + 0.05, 0, 1)  # the true rates: the scores are a little off
    q = p.mean()
    brier = 1 - np.mean(p * (1 - levels) ** 2 + (1 - p) * levels**2) / (q * (1 - q))
    entropy = -(q * math.log(q) + (1 - q) * math.log(1 - q))
    log = 1 - np.mean(-p * np.log(levels) - (1 - p) * np.log(1 - levels)) / entropy
    accuracy = np.mean(np.where(levels >= 0.5, p, 1 - p)) - (1 - q)
    truth = {"brier_skill_score": brier, "log_loss_skill": log, "accuracy_over_majority": accuracy}
    covered = dict.fromkeys(truth, 0)
    for _ in range(400):
        at = rng.integers(0, 4, 300)
        finding = run(CHECK, pd.DataFrame({"y": (rng.random(300) < p[at]).astype(int), "score": levels[at]}))
        for name, true in truth.items():
            m = one(finding, name)
            assert m.low is not None
            assert m.high is not None
            covered[name] += m.low <= true <= m.high

    assert all(0.92 <= c / 400 <= 0.985 for c in covered.values()), covered


def test_named_methods_and_denominators() -> None:
    """Every number has its n and interval; the table repeats them."""
    data = pd.DataFrame({"y": [1] * 30 + [0] * 70 + [None] * 5, "score": np.linspace(1, 0, 105)})
    finding = run(CHECK, data)
    m, ends = one(finding, "majority_accuracy"), wilson(70, 100)
    assert ends is not None

    assert (m.value, m.low, m.high, m.n) == pytest.approx((0.7, ends.low, ends.high, 100))
    assert one(finding, "accuracy_over_majority").method == "multinomial bootstrap"
    assert one(finding, "brier_skill_score").method == "t, delta method"
    assert all(m.n == 100 for m in finding.measures)
    shown = table(finding, "baselines")
    assert shown.accuracy.tolist()[1:3] == pytest.approx([0.7, 0.58])
    assert shown["brier score"].tolist()[0] == pytest.approx(float(((data.y - data.score).dropna() ** 2).mean()))
    assert "same rows" in finding.notes[0]


def test_hostile_frames() -> None:
    """One class, a prediction without a score, and no truth."""
    one_class = run(CHECK, pd.DataFrame({"y": [0] * 20, "score": [0.3] * 20}))
    assert value(one_class, "accuracy_over_majority") == 0
    assert "certainty" in one(one_class, "brier_skill_score").undefined_because
    labels = pd.DataFrame({"y": [0, 1] * 20, "p": [0, 1, 1, 1] * 10})
    audit = wb.Audit(labels, target="y", prediction="p", checks=[CHECK], policy={"rules": []}).run()
    frame = audit.to_frame().set_index("measure")
    assert frame.value["accuracy_over_majority"] == pytest.approx(0.25)
    assert "brier_skill_score" not in frame.index
    assert "target" in wb.Audit(labels, prediction="p", checks=[CHECK], policy={"rules": []}).run().findings[0].reason


@pytest.mark.parametrize("other", [None, 0.3], ids=["itself", "reference"])
def test_width_of_the_skills_is_that_of_resampled_rows(other: float | None) -> None:
    """The delta method's standard error is that of skills over resampled rows, the prevalence learnt again or fixed."""
    rng = np.random.default_rng(6)
    s = rng.choice([0.1, 0.4, 0.8, 0.95], 1500)
    data = pd.DataFrame({"y": (rng.random(1500) < s * 0.5).astype(int), "score": s})
    reference = None if other is None else pd.DataFrame({"y": [1] * 30 + [0] * 70, "score": 0.5})
    m = one(run(CHECK, data, reference), "brier_skill_score")
    y, drawn = data.y.to_numpy(), []
    for _ in range(2000):
        at = rng.integers(0, 1500, 1500)
        q = y[at].mean() if other is None else other
        drawn.append(1 - np.mean((y[at] - s[at]) ** 2) / np.mean((y[at] - q) ** 2))
    assert m.low is not None
    assert m.high is not None

    assert (m.high - m.low) / (2 * 1.96) == pytest.approx(np.std(drawn), rel=0.06)

"""Classification measures against scikit-learn, and the split of the Brier score against its definition."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from scipy import stats
from sklearn import metrics

from tests.performance.measured import one, run, scored, value
from workbench.core.finding import Status
from workbench.core.intervals import newcombe_difference, wilson

CHECK = "performance.classification"
close = {"abs": 1e-9, "nan_ok": True}


def rate(x: int, n: int) -> float:
    """Return x / n, NaN for 0/0."""
    return x / n if n else math.nan


@settings(max_examples=200)
@given(scored())
def test_as_scikit_learn(data: pd.DataFrame) -> None:
    """Kappa, F-beta and the four rates on random frames with ties, missing truths and one class."""
    finding = run(CHECK, data, beta=2.0)
    known = data.dropna(subset=["y"])
    y, p = known.y.to_numpy(int), (known.score >= 0.5).to_numpy(int)
    (tn, fp), (fn, tp) = metrics.confusion_matrix(y, p, labels=[0, 1]) if len(y) else ((0, 0), (0, 0))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        kappa = metrics.cohen_kappa_score(y, p, labels=[0, 1]) if len(y) else math.nan
        f_two = metrics.fbeta_score(y, p, beta=2.0, zero_division=np.nan) if len(y) else math.nan
    expected = {
        "cohen_kappa": kappa,
        "f_beta": f_two,
        "negative_predictive_value": rate(tn, tn + fn),
        "false_positive_rate": rate(fp, fp + tn),
        "false_negative_rate": rate(fn, fn + tp),
        "informedness": rate(tp, tp + fn) - rate(fp, fp + tn),
    }
    for name, number in expected.items():
        assert value(finding, name) == pytest.approx(number, **close), name


def split(y: np.ndarray, s: np.ndarray) -> tuple[float, float, float, float]:
    """Return Murphy's three terms and the two terms inside bins, row by row."""
    which = np.minimum((s * 10).astype(int), 9)
    forecast = np.array([s[which == b].mean() for b in which])
    observed = np.array([y[which == b].mean() for b in which])
    inside = np.mean((s - forecast) ** 2) - 2 * np.mean((s - forecast) * (y - observed))
    return (
        float(np.mean((forecast - observed) ** 2)),
        float(np.mean((observed - y.mean()) ** 2)),
        float(y.mean() * (1 - y.mean())),
        float(inside),
    )


@settings(max_examples=200)
@given(scored())
def test_brier_split(data: pd.DataFrame) -> None:
    """Each term by its definition over rows, and together they are scikit-learn's Brier score."""
    finding = run(CHECK, data)
    known = data.dropna(subset=["y"])
    names = ("brier_reliability", "brier_resolution", "brier_uncertainty", "brier_within_bins")
    found = [value(finding, name) for name in names]
    if not len(known):
        assert all(math.isnan(f) for f in found)
        return
    y, s = known.y.to_numpy(), known.score.to_numpy()

    assert found == pytest.approx(split(y, s), abs=1e-9)
    whole = found[0] - found[1] + found[2] + found[3]
    assert whole == pytest.approx(np.mean((y - s) ** 2), abs=1e-9)
    assert metrics.brier_score_loss(y, np.full(len(y), y.mean()), pos_label=1) == pytest.approx(found[2], abs=1e-9)


def test_what_chance_gives() -> None:
    """The null mean and quantile of reliability and resolution are those of simulated data."""
    rng = np.random.default_rng(5)
    s = rng.choice([0.05, 0.15, 0.35, 0.65], 200)
    y = (rng.random(200) < s).astype(int)
    finding = run(CHECK, pd.DataFrame({"y": y, "score": s}))
    calibrated = [split((rng.random(200) < s).astype(float), s)[0] for _ in range(3000)]
    shuffled = [split(rng.permutation(y).astype(float), s)[1] for _ in range(3000)]

    for name, drawn in (("brier_reliability", calibrated), ("brier_resolution", shuffled)):
        error = 5 * np.std(drawn) / math.sqrt(3000)
        assert value(finding, f"{name}_null_mean") == pytest.approx(np.mean(drawn), abs=error)
        assert value(finding, f"{name}_null_quantile") == pytest.approx(np.quantile(drawn, 0.95), rel=0.12)
        assert one(finding, name).low is None
    assert value(finding, "brier_resolution") > value(finding, "brier_resolution_null_quantile")


def kappa_error(p: np.ndarray, n: int) -> float:
    """Return the large-sample standard error of Fleiss, Cohen and Everitt (1969)."""
    row, column, agree = p.sum(axis=1), p.sum(axis=0), float(np.trace(p))
    chance = float(row @ column)
    k = (agree - chance) / (1 - chance)
    a = sum(p[i, i] * (1 - (row[i] + column[i]) * (1 - k)) ** 2 for i in range(2))
    b = (1 - k) ** 2 * sum(p[i, j] * (column[i] + row[j]) ** 2 for i in range(2) for j in range(2) if i != j)
    return math.sqrt((a + b - (k - chance * (1 - k)) ** 2) / n) / (1 - chance)


def test_intervals_and_denominators() -> None:
    """Hand-worked counts: tp 30, fp 20, fn 10, tn 40; each measure's n and interval by its named method."""
    counts = {(1, 0.9): 30, (0, 0.9): 20, (1, 0.1): 10, (0, 0.1): 40}
    data = pd.DataFrame([(y, s) for (y, s), n in counts.items() for _ in range(n)], columns=["y", "score"])
    finding = run(CHECK, data)

    for name, x, n in (
        ("negative_predictive_value", 40, 50),
        ("false_positive_rate", 20, 60),
        ("false_negative_rate", 10, 40),
    ):
        m, expected = one(finding, name), wilson(x, n)
        assert expected is not None
        assert (m.n, m.low, m.high) == pytest.approx((n, expected.low, expected.high))
    m, gap = one(finding, "informedness"), newcombe_difference(30, 40, 20, 60)
    assert gap is not None
    assert (m.value, m.low, m.high) == pytest.approx((30 / 40 - 20 / 60, gap.low, gap.high))
    kappa = one(finding, "cohen_kappa")
    assert kappa.value == pytest.approx((0.7 - 0.5) / (1 - 0.5))
    assert kappa.low is not None
    assert kappa.high is not None
    width = (kappa.high - kappa.low) / (2 * stats.norm.ppf(0.975))
    assert width == pytest.approx(kappa_error(np.array([[0.3, 0.1], [0.2, 0.4]]), 100), rel=0.08)
    base = one(finding, "brier_uncertainty")
    ends = wilson(40, 100)
    assert ends is not None
    assert (base.value, base.low, base.high) == pytest.approx(
        (0.24, ends.low * (1 - ends.low), ends.high * (1 - ends.high)), abs=1e-9
    )


def test_f_beta_only_when_asked() -> None:
    """F1 is always there; `f_beta` only when beta is not 1; a beta that means nothing is refused."""
    data = pd.DataFrame({"y": [0, 1] * 10, "score": [0.2, 0.8, 0.6, 0.4] * 5})
    plain, half = run(CHECK, data), run(CHECK, data, beta=0.5)

    assert "f_beta" not in {m.name for m in plain.measures}
    assert value(plain, "f1") == value(half, "f1")
    assert value(half, "f_beta") == pytest.approx(metrics.fbeta_score(data.y, data.score >= 0.5, beta=0.5), abs=1e-9)
    assert run(CHECK, data, beta=0.0).status is Status.ERROR
    assert "beta" in run(CHECK, data, beta=-1.0).reason


def test_scores_that_are_no_probabilities() -> None:
    """The Brier score's terms are undefined with a reason."""
    finding = run(CHECK, pd.DataFrame({"y": [0, 1] * 10, "score": [-3.0, 2.0] * 10}))

    for name in ("brier_reliability", "brier_resolution", "brier_uncertainty", "brier_within_bins"):
        assert "not probabilities" in one(finding, name).undefined_because

"""Performance without labels: against row-by-row oracles, NannyML's figures, coverage, and what it cannot see."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.isotonic import IsotonicRegression
from sklearn.metrics import average_precision_score, f1_score, precision_score, recall_score, roc_auc_score

import workbench as wb
from workbench.core.label_free import Decided, Estimator, isotonic, values


def counted(scores: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return distinct scores with positives and negatives at each."""
    distinct, place = np.unique(scores, return_inverse=True)
    hits = np.bincount(place, weights=truth, minlength=len(distinct)).astype(np.int64)
    return distinct, hits, np.bincount(place, minlength=len(distinct)) - hits


def decided(scores: np.ndarray, threshold: float = 0.5) -> Decided:
    """Return the table of rows at each score."""
    distinct, rows = np.unique(scores, return_counts=True)
    selected = np.where(distinct >= threshold, rows, 0)
    return Decided(distinct, selected, rows - selected)


@settings(max_examples=25)
@given(st.integers(0, 100_000), st.sampled_from([1, 2, 8]))
def test_estimates_are_sums_over_rows(seed: int, digits: int) -> None:
    """Each metric is scikit-learn's on every row counted twice, as positive and as negative, weighted by isotonic P."""
    rng = np.random.default_rng(seed)
    old, new = rng.random(300).round(digits), rng.beta(2, 3, 200).round(digits)
    truth = (rng.random(300) < old**1.5).astype(int)
    truth[:2] = [0, 1]
    found = Estimator(*counted(old, truth), draws=20).estimate(decided(new)).value
    p = IsotonicRegression(out_of_bounds="clip").fit(old, truth).predict(new)
    both = np.concatenate((np.ones(200), np.zeros(200)))
    weight, scores = np.concatenate((p, 1 - p)), np.concatenate((new, new))
    made = (scores >= 0.5).astype(int)
    about: dict[str, Any] = {"sample_weight": weight}
    assert found["prevalence"] == pytest.approx(p.mean(), abs=1e-9)
    assert found["accuracy"] == pytest.approx(np.average(made == both, weights=weight), abs=1e-9)
    for name, oracle in (("recall", recall_score), ("f1", f1_score), ("precision", precision_score)):
        if made.any():
            assert found[name] == pytest.approx(oracle(both, made, **about), abs=1e-9)
    assert found["roc_auc"] == pytest.approx(roc_auc_score(both, scores, **about), abs=1e-9)
    assert found["average_precision"] == pytest.approx(average_precision_score(both, scores, **about), abs=1e-9)


def test_calibration_is_scikit_learns() -> None:
    """Between and beyond the knots too."""
    rng = np.random.default_rng(1)
    x = rng.random(500).round(2)
    y = (rng.random(500) < x).astype(int)
    scores, hits, rest = counted(x, y)
    at = np.linspace(-0.2, 1.2, 400)
    oracle = IsotonicRegression(out_of_bounds="clip").fit(x, y).predict(at)
    assert isotonic(scores, hits, hits + rest).at(at) == pytest.approx(oracle, abs=1e-12)


CAR_LOAN = {
    "roc_auc": [0.9707436, 0.9710106, 0.9714067, 0.9710914, 0.9711231, 0.9610903, 0.9618247, 0.9610734, 0.9625335,
                0.9613162],
    "f1": [0.9430304, 0.9413245, 0.9435742, 0.9431585, 0.9442042, 0.9117534, 0.9117657, 0.9116608, 0.9137627,
           0.9147512],
    "precision": [0.957786, 0.9579556, 0.9582755, 0.9569985, 0.9582079, 0.9413175, 0.9418681, 0.9394133, 0.9433469,
                  0.9411329],
    "recall": [0.9287227, 0.925261, 0.9293172, 0.9297131, 0.9306038, 0.8839898, 0.8835278, 0.8855011, 0.8859776,
               0.8898083],
    "specificity": [0.955879, 0.9607685, 0.9610578, 0.959469, 0.9588727, 0.9398724, 0.9410231, 0.9387479, 0.9441904,
                    0.9366749],
    "accuracy": [0.9417919, 0.9433212, 0.9454916, 0.944816, 0.944645, 0.9107142, 0.9111495, 0.9111927, 0.9143894,
                 0.9117313],
}  # fmt: skip
"""CBPE of NannyML 0.13.1 on the car-loan data, analysis rows in ten chunks of 5,000."""


@pytest.mark.cases
def test_car_loan_is_as_nannyml_estimates_it(shared_data: Path) -> None:
    """The same isotonic calibration gives the same figures, without labels; the fall at chunk 5 is seen."""
    folder = shared_data / "car-loan"
    audit = wb.Audit(
        pd.read_csv(folder / "synthetic_car_loan_analysis.csv"),
        reference=pd.read_csv(folder / "synthetic_car_loan_reference.csv"),
        target="repaid", score="y_pred_proba", prediction="y_pred", time="timestamp", id="id",
        windows={"rows": 5000}, checks={"performance.estimated": {"by_group": False}}, policy={"rules": []},
    )  # fmt: skip
    frame = audit.run().to_frame()
    frame = frame[frame.window != ""]
    realised = pd.read_csv(folder / "synthetic_car_loan_analysis_target.csv")["repaid"].to_numpy()
    predicted = pd.read_csv(folder / "synthetic_car_loan_analysis.csv")["y_pred"].to_numpy()
    for name, expected in CAR_LOAN.items():
        found = frame[frame.measure == f"estimated_{name}"]
        assert found.value.tolist() == pytest.approx(expected, abs=6e-8)
    accuracy = frame[frame.measure == "estimated_accuracy"]
    held = []
    for i, (low, high) in enumerate(zip(accuracy.low, accuracy.high, strict=True)):
        at = slice(5000 * i, 5000 * (i + 1))
        held.append(low <= (realised[at] == predicted[at]).mean() <= high)
    assert sum(held) >= 9  # ninth chunk: 0.9224, a little above


def world(n: int, rng: np.random.Generator, shift: float = 0.0, concept: float = 0.0) -> pd.DataFrame:
    """Return rows whose score is the probability of the label, unless the concept has moved."""
    x, sex = rng.normal(shift, 1, n), rng.choice(["F", "M"], n)
    score = 1 / (1 + np.exp(-(0.3 + 1.2 * x + 0.4 * (sex == "M"))))
    p = 1 / (1 + np.exp(-(0.3 + concept + 1.2 * x + 0.4 * (sex == "M"))))
    return pd.DataFrame({"x": x, "sex": sex, "score": score, "y": (rng.random(n) < p).astype(int)})


def audit(current: pd.DataFrame, reference: pd.DataFrame, **params: Any) -> pd.DataFrame:
    """Return the long table of performance.estimated."""
    about: dict[str, Any] = {"target": "y", "score": "score", "sensitive": ["sex"], "policy": {"rules": []}}
    checks = {"performance.estimated": params}
    return wb.Audit(current, reference=reference, checks=checks, **about).run().to_frame()


def one(frame: pd.DataFrame, name: str, group: str = "", **where: str) -> Any:
    """Return one measure's row."""
    found = frame[(frame.measure == name) & (frame.group == group)]
    for key, value in where.items():
        found = found[found[key] == value]
    assert len(found) == 1
    return found.iloc[0]


def test_labels_may_be_missing_altogether() -> None:
    """The current data has no target column at all, only the reference has; nothing is undefined."""
    rng = np.random.default_rng(0)
    frame = audit(world(1000, rng).drop(columns="y"), world(3000, rng))
    accuracy = one(frame, "estimated_accuracy")
    assert accuracy.low < accuracy.value < accuracy.high
    assert one(frame, "estimated_recall", "sex=F").value is not None
    gap = one(frame, "estimated_true_positive_rate_difference", column="sex")
    assert 0 <= gap.low <= gap.value <= gap.high


def test_concept_shift_is_not_seen_until_labels_are_there() -> None:
    """Labels that follow another rule leave the estimate as it was; once they come, the miss is outside zero."""
    rng = np.random.default_rng(2)
    reference = world(4000, rng)
    same, moved = world(2000, rng), world(2000, rng, concept=-2.0)
    moved["score"], moved["x"], moved["sex"] = same["score"], same["x"], same["sex"]
    moved["y"] = (rng.random(2000) < 1 / (1 + np.exp(-(-1.7 + 1.2 * same["x"])))).astype(int)
    quiet, loud = audit(same, reference), audit(moved, reference)
    assert one(quiet, "estimated_accuracy").value == one(loud, "estimated_accuracy").value
    assert one(quiet, "estimate_miss").low <= 0 <= one(quiet, "estimate_miss").high
    assert one(loud, "estimate_miss").high < 0


def test_a_covariate_that_the_score_omits_is_not_seen() -> None:
    """The score leaves sex out; a shift of sex changes accuracy and not the estimate, and the notes say so."""
    rng = np.random.default_rng(3)

    def rows(n: int, women: float) -> pd.DataFrame:
        x, sex = rng.normal(size=n), rng.choice(["F", "M"], n, p=[women, 1 - women])
        p = 1 / (1 + np.exp(-(1.5 * x + np.where(sex == "F", -2.5, 0.0))))
        return pd.DataFrame(
            {"x": x, "sex": sex, "score": 1 / (1 + np.exp(-1.1 * x)), "y": (rng.random(n) < p).astype(int)}
        )

    current, reference = rows(3000, 0.95), rows(6000, 0.5)
    frame = audit(current, reference)
    realised = ((current.score >= 0.5) == current.y).mean()
    estimate = one(frame, "estimated_accuracy")
    assert not estimate.low <= realised <= estimate.high
    about: dict[str, Any] = {"target": "y", "score": "score", "checks": ["performance.estimated"]}
    finding = wb.Audit(current, reference=reference, **about).run().findings[0]
    assert any("something that the score leaves out" in note for note in finding.notes)


def test_a_group_with_few_reference_rows_is_not_estimated() -> None:
    """Under fifty labelled rows of a class teach nothing: undefined with the reason, and in no gap."""
    rng = np.random.default_rng(4)
    reference = world(3000, rng)
    reference.loc[:20, "sex"] = "X"
    current = world(1000, rng)
    current.loc[:100, "sex"] = "X"
    frame = audit(current, reference)
    few = one(frame, "estimated_accuracy", "sex=X")
    assert few.value is None or np.isnan(few.value)
    assert "under 50 labelled rows" in few.undefined_because


def test_rows_outside_what_was_learnt_are_counted() -> None:
    """A tenth of x lies beyond the reference's range: the share is exact and named."""
    rng = np.random.default_rng(5)
    reference, current = world(2000, rng), world(1000, rng)
    current.loc[:99, "x"] = 50.0
    share = one(audit(current, reference), "outside_support_share")
    assert share["where"] == "x"
    assert share.value == pytest.approx(0.1, abs=0.002)


def covered(window: int, reference: int, runs: int, seed: int) -> dict[str, float]:
    """Return how often intervals hold the realised metrics of a window that the score knows well."""
    hits: dict[str, int] = {}
    for run in range(runs):
        rng = np.random.default_rng((seed, run))
        old, new = world(reference, rng), world(window, rng, shift=0.4)
        scores = (old["score"].round(3).to_numpy(), new["score"].round(3).to_numpy())
        estimate = Estimator(*counted(scores[0], old["y"].to_numpy()), seed=run, draws=200).estimate(decided(scores[1]))
        distinct, positive, negative = counted(scores[1], new["y"].to_numpy())
        at = distinct >= 0.5
        real = values(
            {
                "tp": positive[at].sum(keepdims=True), "fp": negative[at].sum(keepdims=True),
                "fn": positive[~at].sum(keepdims=True), "tn": negative[~at].sum(keepdims=True),
                "positive": positive[None, :].astype(float), "negative": negative[None, :].astype(float),
            }
        )  # fmt: skip
        for name, interval in estimate.interval.items():
            hits[name] = hits.get(name, 0) + (interval.low <= float(real[name][0]) <= interval.high)
    return {name: n / runs for name, n in hits.items()}


@pytest.mark.slow
@pytest.mark.parametrize(("window", "reference"), [(300, 1000), (1000, 1000), (1000, 5000)])
def test_intervals_hold_what_is_measured_later(window: int, reference: int) -> None:
    """At least 93 % of 95 % intervals, for a score that is right and a window no larger than the reference."""
    found = covered(window, reference, 400, window + reference)
    print(window, reference, {k: round(v, 3) for k, v in found.items()})
    for share in found.values():
        assert share >= 0.93 - 2 * np.sqrt(0.93 * 0.07 / 400)


def numbers(n: int, rng: np.random.Generator, shift: float = 0.0) -> pd.DataFrame:
    """Return a predicted number whose error grows with x."""
    x = rng.normal(shift, 1, n)
    truth = 2 * x + rng.normal(0, 1, n) * (0.5 + np.abs(x))
    return pd.DataFrame({"x": x, "made": 2 * x, "y": truth})


def test_losses_of_predicted_numbers_are_expected() -> None:
    """Where x moves to large errors the expected error grows as the realised one does."""
    rng = np.random.default_rng(6)
    reference, current = numbers(4000, rng), numbers(1500, rng, shift=0.5)
    about: dict[str, Any] = {"target": "y", "prediction": "made", "task": "regression", "policy": {"rules": []}}
    frame = (
        wb.Audit(current.drop(columns="y"), reference=reference, checks=["performance.estimated"], **about)
        .run()
        .to_frame()
    )
    real = {
        "mean_absolute_error": float((current.made - current.y).abs().mean()),
        "root_mean_squared_error": float(np.sqrt(((current.made - current.y) ** 2).mean())),
    }
    before = float((reference.made - reference.y).abs().mean())
    for name, value in real.items():
        estimate = one(frame, f"estimated_{name}")
        # One window in twenty lies outside its interval; none far outside.
        assert abs(value - estimate.value) <= (estimate.high - estimate.low)
    assert one(frame, "estimated_mean_absolute_error").value > before + 0.05


@pytest.mark.slow
def test_intervals_of_losses_hold_what_is_measured_later() -> None:
    """At least 93 % of 95 % intervals where x has moved by half a deviation, on windows smaller than the reference."""
    hits: dict[str, list[bool]] = {}
    about: dict[str, Any] = {"target": "y", "prediction": "made", "task": "regression", "policy": {"rules": []}}
    for run in range(60):
        rng = np.random.default_rng((run, 5))
        reference, current = numbers(3000, rng), numbers(1000, rng, shift=0.5)
        miss = (current.made - current.y).to_numpy()
        frame = wb.Audit(
            current.drop(columns="y"), reference=reference, checks=["performance.estimated"], **about
        ).run().to_frame()  # fmt: skip
        real = {"mean_absolute_error": np.abs(miss).mean(), "root_mean_squared_error": np.sqrt((miss**2).mean())}
        for name, value in real.items():
            estimate = one(frame, f"estimated_{name}")
            hits.setdefault(name, []).append(bool(estimate.low <= value <= estimate.high))
    print({name: np.mean(found) for name, found in hits.items()})
    for found in hits.values():
        assert np.mean(found) >= 0.93 - 2 * np.sqrt(0.93 * 0.07 / 60)


def test_several_classes_are_estimated() -> None:
    """Calibrated, normalised probabilities expect the accuracy and the macro AUC that labels show later."""
    rng = np.random.default_rng(7)

    def rows(n: int, shift: float) -> pd.DataFrame:
        x = rng.normal(shift, 1, (n, 1))
        logits = np.concatenate((1.5 * x, -1.5 * x, np.zeros((n, 1))), axis=1)
        p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        y = (rng.random((n, 1)) > np.cumsum(p, axis=1)[:, :2]).sum(axis=1)
        names = np.array(["a", "b", "c"])
        return pd.DataFrame({"pa": p[:, 0], "pb": p[:, 1], "pc": p[:, 2], "y": names[y]})

    reference, current = rows(3000, 0.0), rows(1000, 0.5)
    about: dict[str, Any] = {"target": "y", "probabilities": {"a": "pa", "b": "pb", "c": "pc"}, "policy": {"rules": []}}
    checks = {"performance.estimated": {"draws": 100}}
    frame = wb.Audit(current.drop(columns="y"), reference=reference, checks=checks, **about).run().to_frame()
    made = np.array(["a", "b", "c"])[current[["pa", "pb", "pc"]].to_numpy().argmax(axis=1)]
    accuracy = one(frame, "estimated_accuracy")
    assert accuracy.low <= (made == current.y).mean() <= accuracy.high
    auc = one(frame, "estimated_macro_roc_auc")
    real = roc_auc_score(current.y, current[["pa", "pb", "pc"]], multi_class="ovr")
    assert auc.low <= real <= auc.high

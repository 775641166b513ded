"""The cheapest threshold, its cost and the saving, against brute force over rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from sklearn import metrics

import workbench as wb
from tests.performance.measured import GROUPED, one, run, scored, table, value
from workbench.core.finding import Status
from workbench.core.numbers import NumberCounts
from workbench.core.sweep import between, candidates

CHECK = "optimize.threshold"
PRICES = {"cost_false_positive": 2.0, "cost_false_negative": 5.0, "gain_true_positive": 1.0, "gain_true_negative": 0.5}


def cost(data: pd.DataFrame, threshold: float, fp: float = 1, fn: float = 1, tp: float = 0, tn: float = 0) -> float:
    """Return the cost per labelled row, row by row."""
    y, s = data.y.to_numpy(), data.score.to_numpy() >= threshold
    each = np.where(y == 1, np.where(s, -tp, fn), np.where(s, fp, -tn))
    return float(each.mean())


def every(data: pd.DataFrame) -> np.ndarray:
    """Return a threshold for every way in which one can part the rows."""
    return np.append(np.unique(data.score), data.score.max() + 1)


@settings(max_examples=200)
@given(scored())
def test_cheapest_by_brute_force(data: pd.DataFrame) -> None:
    """No threshold is cheaper than the proposal, and both costs are the rows' own."""
    finding = run(CHECK, data, **PRICES)
    known = data.dropna(subset=["y"])
    if not len(known):
        assert all(np.isnan(value(finding, m)) for m in ("expected_cost", "proposed_threshold", "saving"))
        return
    prices = (2.0, 5.0, 1.0, 0.5)
    proposal = value(finding, "proposed_threshold")
    least = min(cost(known, t, *prices) for t in every(known))

    assert value(finding, "expected_cost") == pytest.approx(cost(known, 0.5, *prices), abs=1e-9)
    assert value(finding, "apparent_expected_cost_at_proposal") == pytest.approx(least, abs=1e-9)
    assert cost(known, proposal, *prices) == pytest.approx(least, abs=1e-9)
    assert value(finding, "apparent_saving") == pytest.approx(cost(known, 0.5, *prices) - least, abs=1e-9)
    for name in ("expected_cost", "apparent_expected_cost_at_proposal", "apparent_saving", "saving"):
        m = one(finding, name)
        assert m.value is not None
        assert m.low is not None
        assert m.high is not None
        assert m.low <= m.value <= m.high
    assert value(finding, "calibrated_threshold") == pytest.approx(2.5 / 8.5)


@settings(max_examples=60)
@given(scored(), scored())
def test_chosen_on_the_reference(data: pd.DataFrame, reference: pd.DataFrame) -> None:
    """With a reference the threshold is the cheapest there, and its cost is the current rows'."""
    known, teacher = data.dropna(subset=["y"]), reference.dropna(subset=["y"])
    if not len(known) or not len(teacher):
        return
    finding = run(CHECK, data, reference)
    proposal = value(finding, "proposed_threshold")

    assert cost(teacher, proposal) == pytest.approx(min(cost(teacher, t) for t in every(teacher)), abs=1e-9)
    assert value(finding, "expected_cost_at_proposal") == pytest.approx(cost(known, proposal), abs=1e-9)
    assert value(finding, "saving") == pytest.approx(cost(known, 0.5) - cost(known, proposal), abs=1e-9)
    assert "same rows" not in one(finding, "saving").method
    assert "apparent_saving" not in {m.name for m in finding.measures}


def people(n: int, seed: int = 0) -> pd.DataFrame:
    """Return scores that are too low in group b."""
    rng = np.random.default_rng(seed)
    p = rng.random(n)
    g = rng.choice(["a", "b"], n)
    return pd.DataFrame(
        {"y": (rng.random(n) < p).astype(int), "score": np.round(np.where(g == "b", p / 2, p), 3), "g": g}
    )


def test_groups_by_brute_force() -> None:
    """Each group's cheapest threshold, and those nearest to the overall true positive and selection rate."""
    data = people(150)
    data = pd.concat([data, pd.DataFrame({"y": [1] * 3, "score": [0.9] * 3, "g": ["tiny"] * 3})])
    data = pd.concat([data, pd.DataFrame({"y": [0] * 12, "score": [0.7] * 12, "g": [None] * 12})], ignore_index=True)
    finding = run(CHECK, data, roles=GROUPED)
    best = value(finding, "proposed_threshold")
    selected = data.score >= best
    tpr = metrics.recall_score(data.y, selected)

    for name in "ab":
        part, place = data[data.g == name], {"column": "g", "group": f"g={name}"}
        least = min(cost(part, t) for t in every(part))
        assert cost(part, value(finding, "proposed_threshold", **place)) == pytest.approx(least, abs=1e-9)
        assert value(finding, "apparent_expected_cost_at_proposal", **place) == pytest.approx(least, abs=1e-9)
        assert value(finding, "expected_cost", **place) == pytest.approx(cost(part, 0.5), abs=1e-9)
        tried = every(data)
        rates = [(part.score >= t).mean() for t in tried]
        recalls = [metrics.recall_score(part.y, part.score >= t) for t in tried]
        same = value(finding, "equal_selection_rate_threshold", **place)
        equal = value(finding, "equal_true_positive_rate_threshold", **place)
        assert abs((part.score >= same).mean() - selected.mean()) == pytest.approx(
            min(abs(r - selected.mean()) for r in rates), abs=1e-9
        )
        assert abs(metrics.recall_score(part.y, part.score >= equal) - tpr) == pytest.approx(
            min(abs(r - tpr) for r in recalls), abs=1e-9
        )
    measured = {m.group for m in finding.measures if m.name == "proposed_threshold"}
    assert measured == {"", "g=a", "g=b"}
    assert value(finding, "excluded_groups", column="g") == 1
    shown = table(finding, "thresholds by g").set_index("label")
    assert shown.loc["tiny"].isna().sum() == len(shown.columns) - 2
    assert shown.loc["missing", "rows"] == 12
    assert not {m.group for m in run(CHECK, data, roles=GROUPED, per_group=False).measures} - {""}


def test_the_correction_takes_off_the_optimism() -> None:
    """Over 60 samples of 100 rows whose scores say nothing, the saving is flattered and the corrected one is not."""
    rng = np.random.default_rng(4)
    apparent, corrected = [], []
    for _ in range(60):
        data = pd.DataFrame({"y": rng.integers(0, 2, 100), "score": rng.random(100)})
        finding = run(CHECK, data)
        apparent.append(value(finding, "apparent_expected_cost_at_proposal"))
        corrected.append(value(finding, "expected_cost_at_proposal"))
        assert "same rows" in one(finding, "apparent_saving").method
        assert "same rows" not in one(finding, "saving").method
        assert any("optimistic" in note for note in finding.notes)

    assert np.mean(apparent) < 0.46
    assert np.mean(corrected) == pytest.approx(0.5, abs=0.02)


def test_the_correction_adds_up() -> None:
    """Corrected cost and saving are two sides of the cost now; at a sharp minimum they are the uncorrected ones."""
    data = pd.DataFrame({"y": [0] * 200 + [1] * 200, "score": [0.1] * 200 + [0.3] * 200})
    finding = run(CHECK, data)

    assert value(finding, "proposed_threshold") == 0.2
    assert value(finding, "expected_cost") == 0.5
    assert value(finding, "apparent_saving") == value(finding, "saving") == 0.5
    assert value(finding, "expected_cost_at_proposal") == 0
    noisy = run(CHECK, people(90, 3))
    left = value(noisy, "expected_cost_at_proposal") + value(noisy, "saving")
    assert left == pytest.approx(value(noisy, "expected_cost"), abs=1e-9)


def test_curve_and_proposal() -> None:
    """The curve's points are the costs of the rows; the proposal says what, how much and why."""
    data = people(400, 2)
    finding = run(CHECK, data, **PRICES)
    curve = table(finding, "cost")

    for _, row in curve.iterrows():
        assert row.y == pytest.approx(cost(data, row.x, 2.0, 5.0, 1.0, 0.5), abs=1e-9)
        assert row.low <= row.y <= row.high
    assert curve.x.is_monotonic_increasing
    proposal = table(finding, "proposal").set_index("what")
    assert proposal.value["threshold proposed"] == value(finding, "proposed_threshold")
    assert list(proposal.columns) == ["value", "why"]
    assert {e.kind for e in finding.evidence} == {"lines", "proposal"}


def test_thresholds_tell_neighbours_apart() -> None:
    """A threshold has as few digits as the gap between two scores allows, and parts them after rounding."""
    assert between(0.1, 0.3) == 0.2
    assert 0.123456789 < between(0.123456789, 0.123456790) <= 0.123456790
    x = np.sort(np.random.default_rng(0).random(150))
    found = candidates(NumberCounts.of(x), 0.5, 200)
    shares = {int((x >= t).sum()) for t in found}
    assert shares == set(range(151))
    many = candidates(NumberCounts.of(np.random.default_rng(0).random(5000)), 0.5, 200)
    assert 190 <= len(many) <= 203


@pytest.mark.parametrize(
    "wrong",
    [{"cost_false_positive": -1.0}, {"cost_false_negative": 0.0}, {"gain_true_positive": float("inf")}],
    ids=["negative", "free", "infinite"],
)
def test_costs_that_mean_nothing(wrong: dict[str, float]) -> None:
    """An error that costs no more than a right decision is refused."""
    assert run(CHECK, people(50), **wrong).status is Status.ERROR


def test_hostile_frames() -> None:
    """One class, one score value, infinite scores, other predictions than the score's, and no truth."""
    zeros = run(CHECK, pd.DataFrame({"y": [0] * 20, "score": [0.6] * 20}))
    assert value(zeros, "proposed_threshold") > 0.6
    assert value(zeros, "saving") == 1
    endless = pd.DataFrame({"y": [1, 0, 1, 0] * 5, "score": [np.inf, -np.inf, 3.0, 2.0] * 5})
    assert value(run(CHECK, endless), "expected_cost_at_proposal") == 0
    other = people(60).assign(p=1)
    policy = {"rules": []}
    audit = wb.Audit(other, target="y", score="score", prediction="p", checks=[CHECK], policy=policy)
    assert any("not those of the score" in note for note in audit.run().findings[0].notes)
    without = wb.Audit(other, score="score", checks=[CHECK], policy=policy).run().findings[0]
    assert without.reason == "no target column was given"

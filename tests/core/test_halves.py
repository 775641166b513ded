"""Choosing on some rows and judging on others."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from fairlearn.metrics import demographic_parity_difference, equalized_odds_difference
from sklearn.metrics import accuracy_score, balanced_accuracy_score

from tests.performance.measured import GROUPED, counted, one, run, value
from workbench.core.halves import dealt, judged
from workbench.core.intervals import paired_difference
from workbench.core.joint import JointCounts
from workbench.core.rates import groupings


def people(n: int, seed: int, useful: bool = True) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    p, g = rng.random(n).round(2), rng.choice(list("abc"), n)
    y = (rng.random(n) < (p if useful else 0.5)).astype(int)
    return pd.DataFrame({"y": y, "score": np.where(g == "a", p, p * 0.8), "g": g})


def joint_of(data: pd.DataFrame) -> JointCounts:
    found = counted(data, GROUPED).joint
    assert found is not None
    return found


def test_halves_are_dealt_row_by_row() -> None:
    """Together they are the whole, each is about half of every cell, and the seed decides."""
    data = people(4000, 1)
    data.loc[:200, "score"], data.loc[100:300, "y"] = np.nan, np.nan
    data.loc[301:310, "score"] = np.inf
    joint = joint_of(data)
    one_half, other = dealt(joint, 7)

    assert (one_half + other).to_dict() == joint.to_dict()
    assert sum(one_half.rows.values()) == pytest.approx(2000, abs=200)
    assert dealt(joint, 7)[0].to_dict() == one_half.to_dict() != dealt(joint, 8)[0].to_dict()
    for key, table in one_half.scores.items():
        assert table.n + sum(table.infinite) <= one_half.rows[key]


@pytest.mark.parametrize("seed", range(4))
def test_judged_by_brute_force(seed: int) -> None:
    """Changes of both accuracies and the gap, as scikit-learn and fairlearn on the decisions themselves."""
    data = people(700, seed)
    joint, rng = joint_of(data), np.random.default_rng(seed)
    (grouping,) = groupings(joint, 10, 1)
    chosen = {(g,): float(t) for g, t in zip("abc", rng.random(3).round(2), strict=True)}
    now, there = data.score >= 0.5, data.score >= data.g.map({g: t for (g,), t in chosen.items()})
    for rates, gap in (
        (("selection_rate",), demographic_parity_difference),
        (("true_positive_rate", "false_positive_rate"), equalized_odds_difference),
    ):
        (accuracy, balanced), disparity = judged(joint, grouping, chosen, 0.5, rates, 0.95)
        assert disparity is not None
        assert disparity.value == pytest.approx(gap(data.y, there, sensitive_features=data.g), abs=1e-9)
    assert accuracy.value == pytest.approx(accuracy_score(data.y, there) - accuracy_score(data.y, now), abs=1e-9)
    moved = balanced_accuracy_score(data.y, there) - balanced_accuracy_score(data.y, now)
    assert balanced.value == pytest.approx(moved, abs=1e-9)
    better, worse = ((there == data.y) & (now != data.y)).sum(), ((there != data.y) & (now == data.y)).sum()
    ends = paired_difference(int(better), int(worse), 700)
    assert ends is not None
    assert (accuracy.low, accuracy.high) == pytest.approx((ends.low, ends.high))


def test_what_is_chosen_on_noise_gains_nothing_held_out() -> None:
    """Scores that say nothing: the apparent gain is positive every time, the one held out is none on average."""
    apparent, held = [], []
    for seed in range(12):
        finding = run("optimize.frontier", people(300, seed, useful=False), roles=GROUPED)
        place = {"column": "g", "where": "threshold per group"}
        apparent.append(value(finding, "apparent_accuracy_gain_at_present_disparity", **place))
        held.append(value(finding, "held_out_accuracy_change", **place))
        assert "one half of the rows" in one(finding, "held_out_accuracy_change", **place).method
    assert min(apparent) > 0
    assert np.mean(apparent) > 0.03
    assert abs(np.mean(held)) < 0.02


def test_a_reference_is_what_is_learnt_from() -> None:
    """With truth and score there, the current rows only judge: the sizes are theirs, and the thresholds do not move."""
    reference = people(3000, 3)
    first, second = (run("optimize.frontier", people(n, s), reference, roles=GROUPED) for n, s in ((400, 1), (500, 2)))
    m = one(first, "held_out_accuracy_change", column="g", where="one threshold")
    assert (m.n, "on the reference" in m.method) == (400, True)
    assert one(second, "held_out_disparity", column="g", where="as it is").n == 500

"""Predicted numbers: every measure against scikit-learn; intervals against their textbook forms."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn import metrics as sk

import workbench as wb
from workbench.core.errors import DataError

ALONE = {"policy": {"rules": [], "minimum_group_size": 2}, "target": "y", "prediction": "p", "task": "regression"}


def measures(data: pd.DataFrame, check: str = "performance.regression", **more: object) -> pd.DataFrame:
    frame = wb.Audit(data, **{**ALONE, "checks": [check], **more}).run().to_frame()
    return frame[frame.window == ""].set_index(["measure", "column", "group"])


def one(frame: pd.DataFrame, name: str, column: str = "", group: str = "") -> pd.Series:
    return frame.loc[(name, column, group)]


@settings(max_examples=80)
@given(
    seed=st.integers(0, 2**32 - 1), n=st.integers(3, 200), scale=st.sampled_from([1e-3, 1.0, 1e6]), ties=st.booleans()
)
def test_measures_as_scikit_learn(seed: int, n: int, scale: float, ties: bool) -> None:
    rng = np.random.default_rng(seed)
    y = rng.normal(10, 3, n) * scale
    p = y + rng.standard_t(3, n) * scale
    if ties:
        y, p = np.round(y / scale) * scale + scale / 2, np.round(p / scale) * scale
    found = measures(pd.DataFrame({"y": [*y, np.nan, 1.0], "p": [*p, 1.0, np.nan]}))
    expected = {
        "mean_absolute_error": sk.mean_absolute_error(y, p),
        "root_mean_squared_error": sk.root_mean_squared_error(y, p),
        "median_absolute_error": sk.median_absolute_error(y, p),
        "max_error": sk.max_error(y, p),
        "bias": float(np.mean(p - y)),
        "mean_absolute_percentage_error": sk.mean_absolute_percentage_error(y, p),
        "pinball_0.1": sk.mean_pinball_loss(y, p, alpha=0.1),
        "pinball_0.9": sk.mean_pinball_loss(y, p, alpha=0.9),
        "symmetric_mape": float(np.mean(2 * np.abs(p - y) / (np.abs(p) + np.abs(y)))),
    }
    if np.ptp(y):
        expected["r_squared"] = sk.r2_score(y, p)
    for name, number in expected.items():
        assert one(found, name).value == pytest.approx(number, rel=1e-9, abs=1e-9 * scale), name
        assert one(found, name).n == n


def test_intervals_of_means_are_students() -> None:
    rng = np.random.default_rng(3)
    y, p = rng.normal(0, 1, 60), rng.normal(0, 1, 60)
    found = measures(pd.DataFrame({"y": y, "p": p}))
    low, high = stats.t.interval(0.95, 59, np.mean(np.abs(p - y)), stats.sem(np.abs(p - y)))

    assert one(found, "mean_absolute_error").low == pytest.approx(low, abs=1e-9)
    assert one(found, "mean_absolute_error").high == pytest.approx(high, abs=1e-9)


def test_interval_of_r_squared_agrees_with_the_jackknife() -> None:
    rng = np.random.default_rng(5)
    y = rng.normal(1000, 5, 400)
    p = y + rng.normal(0, 2, 400)
    found = one(measures(pd.DataFrame({"y": y, "p": p})), "r_squared")
    left_out = [sk.r2_score(np.delete(y, i), np.delete(p, i)) for i in range(400)]
    error = np.sqrt(399 / 400 * np.sum((left_out - np.mean(left_out)) ** 2))

    assert (found.high - found.low) / 2 / 1.96 == pytest.approx(error, rel=0.02)


def test_r_squared_covers() -> None:
    """Seeded: of 60 samples of 200 rows at least 52 hold the population's value."""
    rng = np.random.default_rng(11)
    inside = 0
    for _ in range(60):
        y = rng.normal(0, 1, 200)
        found = one(measures(pd.DataFrame({"y": y, "p": y + rng.normal(0, 0.5, 200)})), "r_squared")
        inside += found.low <= 0.75 <= found.high
    assert inside >= 52


def test_a_truth_of_zero_makes_mape_undefined_and_says_why() -> None:
    found = one(measures(pd.DataFrame({"y": [0.0, 1, 2], "p": [1.0, 1, 2]})), "mean_absolute_percentage_error")

    assert np.isnan(found.value)
    assert "the truth is 0 in 1 rows" in found.undefined_because


def test_infinite_numbers_are_counted_and_left_out() -> None:
    audit = wb.Audit(pd.DataFrame({"y": [1.0, 2, np.inf], "p": [1.0, -np.inf, 3]}),
                     **ALONE, checks=["performance.regression"])  # fmt: skip
    (finding,) = audit.run().findings

    assert any("2 rows have an infinite" in note for note in finding.notes)
    assert next(m for m in finding.measures if m.name == "mean_absolute_error").n == 1


def test_gaps_between_groups_hold_for_all_pairs_at_once() -> None:
    rng = np.random.default_rng(2)
    group = np.repeat(["a", "b", "c"], [80, 60, 40])
    y = rng.normal(0, 1, 180)
    p = y + rng.normal(0, 1, 180) + np.select([group == "b"], [0.5], 0.0)
    found = measures(pd.DataFrame({"y": y, "p": p, "g": group}), "bias.error_parity", sensitive=["g"])
    e = pd.Series(p - y).groupby(group)
    gap, z = one(found, "bias_difference", "g"), stats.studentized_range.ppf(0.95, 3, np.inf) / np.sqrt(2)
    means, errors = e.mean(), e.var(ddof=1) / e.count()
    pairs = [(means[i] - means[j], np.sqrt(errors[i] + errors[j])) for i in "abc" for j in "abc" if i != j]

    assert gap.value == pytest.approx(means.max() - means.min(), abs=1e-9)
    assert gap.high == pytest.approx(max(d + z * s for d, s in pairs), abs=1e-6)
    assert gap.low == pytest.approx(max(0, *(d - z * s for d, s in pairs)), abs=1e-6)
    assert one(found, "mean_absolute_error", "g", "g=b").value == pytest.approx(
        sk.mean_absolute_error(y[group == "b"], p[group == "b"]), abs=1e-9
    )


@pytest.mark.parametrize("weights", [[2, 0, 1, 3], [1, 1, 1, 1]])
def test_frequency_weights_count_rows_that_often(weights: list[int]) -> None:
    data = pd.DataFrame({"y": [1.0, 2, 3, 5], "p": [1.5, 2, 2, 9], "w": weights})
    weighted = measures(data, weight="w")
    repeated = measures(data.loc[data.index.repeat(weights)].drop(columns="w"))

    for name in ("mean_absolute_error", "r_squared", "root_mean_squared_error"):
        assert one(weighted, name)[["value", "low", "high", "n"]].tolist() == pytest.approx(
            one(repeated, name)[["value", "low", "high", "n"]].tolist(), nan_ok=True
        )


@pytest.mark.parametrize(
    ("weights", "why"), [([0.5, 1, 1, 1], "not whole"), ([-1, 1, 1, 1], "negative"), ([None, 1, 1, 1], "empty in 1")]
)
def test_other_weights_are_refused_with_the_reason(weights: list[float], why: str) -> None:
    data = pd.DataFrame({"y": [1.0, 2, 3, 5], "p": [1.5, 2, 2, 9], "w": weights})
    with pytest.raises(DataError, match=why):
        wb.Audit(data, **ALONE, weight="w", checks=["performance.regression"]).run()


def test_interval_of_rmse_is_bonetts() -> None:
    """By its formula, and on 30 skewed errors far nearer to 95 % than the t interval of squared errors."""
    rng = np.random.default_rng(8)
    e = rng.normal(0, 2, 40)
    found = one(measures(pd.DataFrame({"y": np.zeros(40), "p": e})), "root_mean_squared_error")
    m, c = np.mean(e**2), 40 / (40 - stats.norm.ppf(0.975))
    half = stats.t.ppf(0.975, 39) * c * np.sqrt((np.mean(e**4) / m**2 - 1) / 39)
    assert (found.low**2, found.high**2) == pytest.approx((c * m * np.exp(-half), c * m * np.exp(half)), rel=1e-9)
    alike = one(measures(pd.DataFrame({"y": [0.0, 0, 0], "p": [2.0, -2, 2]})), "root_mean_squared_error")
    assert alike.low == alike.value == 2 < alike.high


def test_numbers_whose_squares_no_float_holds_leave_out_the_interval() -> None:
    """A truth that varies by 1e-72 only: R squared is a number without an interval, and no other number is lost."""
    p = np.zeros(17)
    y = p.copy()
    y[12], p[12] = 1.260744e-72, 139770.0
    found = measures(pd.DataFrame({"y": y, "p": p}))
    assert one(found, "r_squared").value < -1e150
    assert np.isnan(one(found, "r_squared").low)
    assert one(found, "max_error").value == 139770.0

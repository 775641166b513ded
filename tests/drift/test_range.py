"""Values outside the reference's range by hand and by NumPy; columns that stand still."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

import workbench as wb
from tests.performance.measured import one, run, value
from workbench.core import extremes
from workbench.core.dataset import Roles
from workbench.core.finding import Finding
from workbench.core.intervals import wilson
from workbench.core.numbers import LIMIT, NumberCounts

NOBODY = Roles()
numbers = st.lists(st.integers(-6, 6).map(float) | st.sampled_from([np.inf, -np.inf]), min_size=1, max_size=30)


def drift(current: object, reference: object) -> Finding:
    """Compare two columns called x."""
    return run("drift.range", *(pd.DataFrame({"x": c}) for c in (current, reference)), NOBODY)


def of(finding: Finding, name: str) -> float:
    """Return a measure of x."""
    return value(finding, name, column="x")


@given(numbers, numbers)
def test_shares_are_numpys(b: list[float], a: list[float]) -> None:
    """Below and above the reference's own extremes, infinities as the largest and smallest of all numbers."""
    found = drift(b, a)
    below, above = np.mean(np.array(b) < min(a)), np.mean(np.array(b) > max(a))

    assert of(found, "below_share") == pytest.approx(below, abs=1e-12)
    assert of(found, "above_share") == pytest.approx(above, abs=1e-12)
    assert of(found, "outside_share") == pytest.approx(below + above, abs=1e-12)
    assert of(found, "infinite_share") == pytest.approx(np.mean(np.isinf(b)), abs=1e-12)
    assert of(found, "infinite_share_change") == pytest.approx(np.mean(np.isinf(b)) - np.mean(np.isinf(a)), abs=1e-12)


def test_interval_and_what_chance_shows() -> None:
    """Wilson on the values now; 2 / (m + 1) is what m reference values leave outside on average."""
    rng = np.random.default_rng(2)
    shares = []
    for _ in range(400):
        found = drift(rng.normal(size=200), rng.normal(size=99))
        shares.append(of(found, "outside_share"))
    assert of(found, "outside_share_null_mean") == 0.02
    assert np.mean(shares) == pytest.approx(0.02, rel=0.1)

    m = one(drift([0.0, 5, 6, 11, 12], [1.0, 10]), "outside_share", column="x")
    expected = wilson(3, 5)
    assert expected is not None
    assert (m.value, m.n, m.low, m.high) == (0.6, 5, pytest.approx(expected.low), pytest.approx(expected.high))


@given(st.integers(0, 60), st.integers(1, 60), st.integers(2, 400))
def test_p_beyond_chance_is_the_beta_binomial_tail(x: int, n: int, m: int) -> None:
    """At no limit the p is SciPy's beta-binomial tail, either side; a limit above 0 can only make it larger."""
    x = min(x, n)
    law = stats.betabinom(n, 2, m - 1)

    assert extremes.outside_p_value(x, n, m, 0.0, "above") == pytest.approx(law.sf(x - 1), abs=1e-6)
    assert extremes.outside_p_value(x, n, m, 0.0, "below") == pytest.approx(law.cdf(x), abs=1e-6)
    assert extremes.outside_p_value(x, n, m, 0.1, "above") >= extremes.outside_p_value(x, n, m, 0.0, "above")
    interval = extremes.outside_interval(x, n, m)
    assert -1 <= interval.low <= x / n - 2 / (m + 1) <= interval.high <= 1


def test_interval_beyond_chance_covers() -> None:
    """Of samples whose current side has 3 % more outside than the reference's extremes leave."""
    rng = np.random.default_rng(9)
    covered = 0
    for _ in range(400):
        n, m = (int(v) for v in rng.integers(50, 500, 2))
        x = rng.binomial(n, min(1.0, rng.beta(2, m - 1) + 0.03))
        interval = extremes.outside_interval(x, n, m)
        covered += interval.low <= 0.03 <= interval.high
    assert covered >= 0.93 * 400


def test_judged_by_its_own_p() -> None:
    """The packaged rule on the range takes the beta-binomial p, and a small reference alone raises no alarm."""
    rng = np.random.default_rng(12)
    reference = pd.DataFrame({"x": rng.normal(size=60)})
    low, high = reference.x.min(), reference.x.max()
    for share, outcome in ((0.05, "cannot_tell"), (0.4, "warn")):
        outside = int(200 * share)
        current = pd.DataFrame({"x": [high + 1] * outside + [(low + high) / 2] * (200 - outside)})
        record = wb.Audit(current, reference=reference, checks=["drift.range"]).run()
        found = next(j for j in record.verdict.judgements if j.rule == "values-outside-range")
        assert (found.outcome, found.n) == (outcome, 200)
        expected = extremes.outside_p_value(outside, 200, 60, 0.01, "above")
        assert found.p_value == pytest.approx(expected, rel=1e-5)
    alone = drift([1.0, 2.0], [1.0])
    assert "one value" in one(alone, "outside_share_beyond_chance", column="x").undefined_because


def test_bins_across_an_end_are_the_error_bound() -> None:
    """Where the current values fell into bins, those of a bin across the reference's end may be in or out."""
    rng = np.random.default_rng(5)
    current = rng.normal(size=LIMIT + 70_000)
    table = NumberCounts.of(current)
    inside = np.flatnonzero(table.lows < table.highs)[[100, -100]]
    low, high = table.values[inside]  # in the middle of bins that hold several values
    m = one(drift(current, [low, high]), "outside_share", column="x")
    exact = float(np.mean((current < low) | (current > high)))

    assert m.error_bound is not None
    assert 0 < m.error_bound < 0.001
    assert (m.value or 0) <= exact <= (m.value or 0) + m.error_bound
    assert (m.high or 0) > exact


def test_columns_that_stand_still() -> None:
    """One value now and several before; with it, how likely that many rows alike are if nothing changed."""
    reference = pd.DataFrame({"x": [0.0] * 9 + [1.0], "t": [*"aaab", *"aaaaaa"], "still": [3] * 10})
    current = pd.DataFrame({"x": [0.0] * 20, "t": ["a"] * 20, "still": [3] * 20})
    found = run("drift.range", current, reference, NOBODY)

    assert [value(found, "new_constant", column=c) for c in ("x", "t", "still")] == [1, 1, 0]
    assert [value(found, "constant_in_reference", column=c) for c in ("x", "t", "still")] == [0, 0, 1]
    for name in ("x", "t"):
        p = value(found, "new_constant_p_value", column=name)
        assert p == pytest.approx(0.9**20 + 0.1**20, rel=1e-9)
    assert not [m for m in found.measures if m.column == "still" and m.name == "new_constant_p_value"]
    # A rare flag that happens to be off everywhere is no news.
    rare = drift([0.0] * 100, [0.0] * 999 + [1.0])
    assert of(rare, "new_constant_p_value") == pytest.approx(0.999**100, rel=1e-9)


@pytest.mark.parametrize("side", ["current", "reference"])
def test_nothing_on_one_side(side: str) -> None:
    """Without a value there is no range: undefined with a reason."""
    order = ([np.nan], [1.0, 2]) if side == "current" else ([1.0, 2], [np.nan])
    where = "current data" if side == "current" else "reference"
    found = drift(*order)

    assert {m.value for m in found.measures} == {None}
    assert {m.undefined_because for m in found.measures} == {f"every value is missing in the {where}"}


def test_only_infinities() -> None:
    """A reference of infinities alone has no finite range, and values beside it lie outside."""
    found = drift([1.0, np.inf], [np.inf, np.inf])

    assert (of(found, "below_share"), of(found, "above_share"), of(found, "infinite_share_change")) == (0.5, 0.0, -0.5)
    assert of(drift([np.inf, -np.inf, 1.0, 1.0], [1.0, 2.0]), "outside_share") == 0.5

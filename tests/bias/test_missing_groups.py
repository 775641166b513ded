"""Bounds under missing groups, against every assignment of the unknown people and a linear program."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog
from scipy.stats import chi2, norm, studentized_range

import workbench as wb
from workbench.core import intervals
from workbench.core.finding import Finding, Measure, Status
from workbench.core.unknown_groups import closest, difference_bounds, gap_interval, imbens_manski, ratio_bounds

CHECK = "bias.missing_groups"


def bounds(data: Any, minimum: int = 1, sensitive: list[str] | None = None, **roles: Any) -> Finding:
    """Return the finding of the check on a frame, run through the public door."""
    policy = {"minimum_group_size": minimum, "rules": []}
    roles = {"prediction": "p", **roles}
    return wb.Audit(data, sensitive=sensitive or ["g"], checks=[CHECK], policy=policy, **roles).run().findings[0]


def people(counts: dict[Any, tuple[int, int]]) -> pd.DataFrame:
    """Return one row a person from selected and all by group."""
    parts = [pd.DataFrame({"g": k, "p": [1] * x + [0] * (n - x)}) for k, (x, n) in counts.items()]
    return pd.concat(parts, ignore_index=True).astype({"g": object})


def get(finding: Finding, name: str, column: str = "g") -> Measure:
    """Return the one measure of that name."""
    found = [m for m in finding.measures if (m.name, m.column) == (name, column)]
    assert len(found) == 1, (name, len(found))
    return found[0]


def splits(n: int, groups: int) -> Iterator[tuple[int, ...]]:
    """Yield every way to give n people to the groups."""
    if groups == 1:
        yield (n,)
        return
    for first in range(n + 1):
        for rest in splits(n - first, groups - 1):
            yield (first, *rest)


def every_gap(
    known: list[tuple[int, int]], unknown: tuple[int, int], elsewhere: bool
) -> tuple[list[float], list[float]]:
    """Return differences and ratios over all assignments of whole people."""
    places = len(known) + elsewhere
    differences, ratios = [], []
    for a, b in product(splits(unknown[0], places), splits(unknown[1] - unknown[0], places)):
        rates = [(x + a[i]) / (n + a[i] + b[i]) for i, (x, n) in enumerate(known)]
        differences.append(max(rates) - min(rates))
        if max(rates) > 0:
            ratios.append(min(rates) / max(rates))
    return differences, ratios


fractions = st.integers(1, 9).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
small = st.tuples(
    st.lists(fractions, min_size=2, max_size=3),
    st.integers(0, 6).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))),
    st.booleans(),
)


@settings(max_examples=150)
@given(small)
def test_against_every_assignment(case: tuple[list[tuple[int, int]], tuple[int, int], bool]) -> None:
    """The far ends are those of the worst assignment; the near ends are safe, off by less than a person per group."""
    known, unknown, elsewhere = case
    differences, ratios = every_gap(known, unknown, elsewhere)

    near, far = difference_bounds(known, unknown)
    assert far == pytest.approx(max(differences), abs=1e-9)
    assert near <= min(differences) + 1e-9
    assert min(differences) - near <= 2 / min(n for _, n in known) + 1e-9
    answer = ratio_bounds(known, unknown)
    if answer is None:
        assert not ratios
        return
    assert answer[0] == pytest.approx(min(ratios), abs=1e-9)
    assert answer[1] >= max(ratios) - 1e-9
    if not unknown[1]:
        assert near == pytest.approx(differences[0], abs=1e-9)
        assert answer[1] == pytest.approx(ratios[0], abs=1e-9)


def possible(known: list[tuple[int, int]], unknown: tuple[int, int], low: float, high: float, elsewhere: bool) -> bool:
    """Say by a linear program whether the unknown can be given out so that every rate lies within low..high."""
    k, (a, n) = len(known), unknown
    rows, ends = [], []
    for i, (x, size) in enumerate(known):
        over, under = np.zeros(2 * k), np.zeros(2 * k)
        over[i], over[k + i] = 1 - high, -high
        under[i], under[k + i] = low - 1, low
        rows += [over, under]
        ends += [high * size - x, x - low * size]
    sums = np.zeros((2, 2 * k))
    sums[0, :k] = sums[1, k:] = 1
    given_out = {"A_ub": np.vstack([rows, sums]), "b_ub": [*ends, a, n - a]} if elsewhere else {
        "A_ub": np.array(rows), "b_ub": ends, "A_eq": sums, "b_eq": [a, n - a]
    }  # fmt: skip
    return bool(linprog(np.zeros(2 * k), **given_out, bounds=(0, None)).status == 0)


medium = st.tuples(
    st.lists(
        st.integers(5, 60).flatmap(lambda n: st.tuples(st.integers(1, n - 1), st.just(n))), min_size=2, max_size=5
    ),
    st.integers(0, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))),
    st.booleans(),
)


@settings(max_examples=60)
@given(medium)
def test_the_near_end_against_a_linear_program(case: tuple[list[tuple[int, int]], tuple[int, int], bool]) -> None:
    """With divisible people the near end is reached, and neither of its two rates can be brought any nearer."""
    known, unknown, elsewhere = case
    top, bottom = (x / n for x, n in closest(known, unknown))
    near = difference_bounds(known, unknown)[0]
    assert near == pytest.approx(max(0.0, top - bottom), abs=1e-9)

    slack = 1e-6
    if top <= bottom:
        overall = (sum(x for x, _ in known) + unknown[0]) / (sum(n for _, n in known) + unknown[1])
        assert possible(known, unknown, overall - slack, overall + slack, elsewhere)
        return
    assert possible(known, unknown, bottom - slack, top + slack, elsewhere)
    assert not possible(known, unknown, bottom + slack, 1.0, elsewhere)
    assert not possible(known, unknown, 0.0, top - slack, elsewhere)


def test_by_hand() -> None:
    """a 8 of 10, b 2 of 10, unknown 2 selected and 3 not: 10/12 - 2/13 at most, 8/13 - 4/12 at least."""
    finding = bounds(people({"a": (8, 10), "b": (2, 10), None: (2, 5)}))

    assert get(finding, "unknown_count").value == 5
    lower, upper = (get(finding, f"selection_rate_difference_{end}_bound") for end in ("lower", "upper"))
    assert (lower.value, upper.value) == pytest.approx((8 / 13 - 4 / 12, 10 / 12 - 2 / 13), abs=1e-9)
    assert (lower.low, lower.high, lower.n) == (upper.low, upper.high, 25)
    assert lower.low <= lower.value <= upper.value <= lower.high
    ratios = [get(finding, f"selection_rate_ratio_{end}_bound").value for end in ("lower", "upper")]
    assert ratios == pytest.approx([(2 / 13) / (10 / 12), (4 / 12) / (8 / 13)], abs=1e-9)


def test_nobody_missing_gives_the_gap_itself() -> None:
    """Without missing groups both bounds are the gap, with the interval of the gap, and a note says so."""
    known = {"a": (8, 10), "b": (2, 10), "c": (5, 12)}
    finding = bounds(people(known))

    for kind, function in (("difference", intervals.gap_difference), ("ratio", intervals.gap_ratio)):
        value, interval = function(list(known.values()))
        for end in ("lower", "upper"):
            m = get(finding, f"selection_rate_{kind}_{end}_bound")
            assert (m.value, m.low, m.high) == pytest.approx((value, interval.low, interval.high), abs=1e-9)
    assert finding.notes == ("g: no row lacks a group, so the bounds are the gap itself",)


def test_error_rates_are_bounded_among_those_with_that_truth() -> None:
    """The true positive rate's bounds use the truly positive only, the false positive rate's the truly negative."""
    rng = np.random.default_rng(2)
    data = pd.DataFrame(
        {"g": rng.choice(["a", "b", "c"], 300), "p": rng.integers(0, 2, 300), "y": rng.integers(0, 2, 300)}
    )
    data = data.astype({"g": object})
    data.loc[rng.random(300) < 0.1, "g"] = None
    finding = bounds(data, target="y")

    for rate, truth in (("true_positive_rate", 1), ("false_positive_rate", 0)):
        part = bounds(data[data.y == truth])
        for kind, end in product(("difference", "ratio"), ("lower", "upper")):
            mine = get(finding, f"{rate}_{kind}_{end}_bound")
            other = get(part, f"selection_rate_{kind}_{end}_bound")
            assert (mine.value, mine.low, mine.high, mine.n) == (other.value, other.low, other.high, other.n)


@pytest.mark.parametrize(("wide", "spread"), [(0.0, 0.1), (0.05, 0.1), (0.3, 0.1), (9.0, 0.1), (0.1, 0.0)])
def test_imbens_manski_coefficient(wide: float, spread: float) -> None:
    """The coefficient solves its equation: two-sided without width, one-sided with much."""
    c = imbens_manski(wide, spread, 0.95)
    if spread:
        assert norm.cdf(c + wide / spread) - norm.cdf(-c) == pytest.approx(0.95, abs=1e-8)
    else:
        assert c == pytest.approx(norm.ppf(0.95), abs=1e-9)


def test_interval_against_its_formula_for_two_groups() -> None:
    """For two groups the ends are the hybrid score ends of the two worst cases, shortened by c / z."""
    known, unknown = [(80, 100), (20, 110)], (5, 12)
    interval = gap_interval(known, unknown, "difference")

    near, far = 80 / 107 - 25 / 115, 85 / 105 - 20 / 117
    low = intervals.newcombe_difference(80, 107, 25, 115).low
    high = intervals.newcombe_difference(85, 105, 20, 117).high
    z = norm.ppf(0.975)
    c = imbens_manski(far - near, max(near - low, high - far) / z)
    assert interval.method == "imbens-manski"
    assert (interval.low, interval.high) == pytest.approx(
        (near - c / z * (near - low), far + c / z * (high - far)), abs=1e-9
    )


def test_interval_against_its_formula_for_three_groups() -> None:
    """The near end pools the two lower groups, at the Scheffe quantile; the far end is a pair's, at the Tukey one."""
    known, unknown = [(90, 100), (20, 110), (25, 120)], (20, 30)
    interval = gap_interval(known, unknown, "difference")

    near, far = 90 / 110 - 65 / 250, 110 / 120 - 20 / 120
    assert difference_bounds(known, unknown) == pytest.approx((near, far), abs=1e-9)
    low = intervals.newcombe_difference(90, 110, 65, 250, z=np.sqrt(chi2.ppf(0.95, 2))).low
    tukey = studentized_range.ppf(0.95, 3, np.inf) / np.sqrt(2)
    high = min(1.0, intervals.newcombe_difference(110, 120, 20, 120, z=tukey).high)
    z = norm.ppf(0.975)
    c = imbens_manski(far - near, max(near - low, high - far) / z)
    expected = (near - c / z * (near - low), far + c / z * (high - far))
    assert (interval.low, interval.high) == pytest.approx(expected, abs=1e-7)


def test_the_interval_covers_the_true_gap() -> None:
    """Whatever rule hides the group, the interval covers the gap of the population at least as often as it says."""
    rng = np.random.default_rng(5)
    rates, shares, covered, draws = np.array([0.6, 0.4, 0.5]), [0.4, 0.35, 0.25], 0, 400
    for _ in range(draws):
        group = rng.choice(3, 500, p=shares)
        selected = rng.random(500) < rates[group]
        # Those of the worst-off group hide when selected, those of the best-off when not: it hides part of the gap.
        hidden = rng.random(500) < np.where((group == 1) == selected, 0.15, 0.02)
        known = [
            (int((selected & (group == g) & ~hidden).sum()), int(((group == g) & ~hidden).sum())) for g in range(3)
        ]
        interval = gap_interval(known, (int((selected & hidden).sum()), int(hidden.sum())), "difference")
        covered += interval.low <= 0.2 <= interval.high
    assert covered / draws >= 0.95


def test_groups_that_are_not_compared_may_take_people_in() -> None:
    """A small group that the unknown may belong to changes neither end, and is noted."""
    known = {"a": (8, 10), "b": (2, 10), None: (0, 40)}
    without = bounds(people(known), minimum=5)
    beside = bounds(people({**known, "c": (1, 1)}), minimum=5)

    expected = difference_bounds([(8, 10), (2, 10)], (0, 40))
    found = [get(beside, f"selection_rate_difference_{end}_bound").value for end in ("lower", "upper")]
    assert found == pytest.approx(expected, abs=1e-9)
    other = [get(without, f"selection_rate_difference_{end}_bound").value for end in ("lower", "upper")]
    assert found == other
    assert any("too small" in note for note in beside.notes)


@settings(max_examples=40)
@given(medium)
def test_intervals_hold_their_bounds(case: tuple[list[tuple[int, int]], tuple[int, int], bool]) -> None:
    """The interval always holds both bounds."""
    known, unknown, _ = case
    assume(unknown[1] > 0)
    for kind, function in (("difference", difference_bounds), ("ratio", ratio_bounds)):
        ends = function(known, unknown)
        interval = gap_interval(known, unknown, kind)
        assert 0 <= interval.low <= ends[0] + 1e-12 <= ends[1] + 2e-12
        assert ends[1] <= interval.high + 1e-12 <= 1 + 2e-12


def test_undefined_says_why() -> None:
    """One group, nobody selected, nobody with a group: undefined with a reason, never 0."""
    one = bounds(people({"a": (5, 20), None: (5, 6)}))
    assert (
        get(one, "selection_rate_difference_upper_bound").undefined_because == "fewer than two groups can be compared"
    )
    nobody = bounds(people({"a": (0, 20), "b": (0, 10), None: (0, 6)}))
    assert get(nobody, "selection_rate_ratio_lower_bound").undefined_because.startswith("0/0")
    assert get(nobody, "selection_rate_difference_upper_bound").value == 0
    unknown = bounds(people({None: (5, 20)}))
    assert get(unknown, "unknown_count").value == 20
    assert get(unknown, "selection_rate_difference_upper_bound").value is None
    assert bounds(people({"a": (5, 20)}).drop(columns="p"), prediction=None).status is Status.NOT_APPLICABLE

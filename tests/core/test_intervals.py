"""Intervals against published examples, SciPy and properties."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, false_discovery_control, norm, studentized_range

from workbench.core import intervals as iv

counts = st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


def ends(interval: iv.Interval | None) -> tuple[float, float]:
    """Return both ends."""
    assert interval is not None
    return interval.low, interval.high


@pytest.mark.parametrize(("x", "n"), [(81, 263), (15, 148), (0, 20), (1, 29), (29, 29)])
def test_wilson_is_scipys(x: int, n: int) -> None:
    """Wilson equals SciPy's; Newcombe's 1998 table has 81/263 as 0.2553 to 0.3662."""
    expected = binomtest(x, n).proportion_ci(method="wilson")

    assert ends(iv.wilson(x, n)) == pytest.approx((expected.low, expected.high), abs=1e-12)
    assert iv.wilson(0, 0) is None


@pytest.mark.parametrize(
    ("one", "two", "expected"),
    [  # Newcombe (1998) Statistics in Medicine 17:873, table II, method 10
        ((56, 70), (48, 80), (0.0524, 0.3339)),
        ((9, 10), (3, 10), (0.1705, 0.8090)),
        ((6, 7), (2, 7), (0.0582, 0.8062)),
        ((5, 56), (0, 29), (-0.0381, 0.1926)),
        ((0, 10), (0, 20), (-0.1611, 0.2775)),
        ((0, 10), (0, 10), (-0.2775, 0.2775)),
        ((10, 10), (0, 20), (0.6791, 1.0)),
        ((10, 10), (0, 10), (0.6075, 1.0)),
    ],
)
def test_newcombe_reproduces_his_table(
    one: tuple[int, int], two: tuple[int, int], expected: tuple[float, float]
) -> None:
    """Difference of two rates, to the four digits printed."""
    assert ends(iv.newcombe_difference(*one, *two)) == pytest.approx(expected, abs=5e-5)


@given(counts, counts)
def test_ratio_and_difference_properties(one: tuple[int, int], two: tuple[int, int]) -> None:
    """Both contain their value, mirror under exchange, and tell apart the same pairs at the same z."""
    difference, mirrored = iv.newcombe_difference(*one, *two), iv.newcombe_difference(*two, *one)
    p1, p2 = one[0] / one[1], two[0] / two[1]
    assert difference is not None
    assert mirrored is not None
    assert difference.low - 1e-12 <= p1 - p2 <= difference.high + 1e-12
    assert (difference.low, difference.high) == pytest.approx((-mirrored.high, -mirrored.low), abs=1e-12)
    ratio = iv.ratio_mover_r(*one, *two)
    if p1 == 0 and p2 == 0:
        assert ratio is None
        return
    assert ratio is not None
    assert 0 <= ratio.low <= ratio.high
    if p2 > 0:
        assert ratio.low - 1e-9 <= p1 / p2 <= ratio.high + 1e-9


def test_ratio_by_hand() -> None:
    """MOVER-R of 40/100 over 50/100 from its own formula with SciPy's Wilson limits."""
    l1, u1 = binomtest(40, 100).proportion_ci(method="wilson")
    l2, u2 = binomtest(50, 100).proportion_ci(method="wilson")
    p1, p2 = 0.4, 0.5
    low = (p1 * p2 - math.sqrt((p1 * p2) ** 2 - l1 * u2 * (2 * p1 - l1) * (2 * p2 - u2))) / (u2 * (2 * p2 - u2))
    high = (p1 * p2 + math.sqrt((p1 * p2) ** 2 - u1 * l2 * (2 * p1 - u1) * (2 * p2 - l2))) / (l2 * (2 * p2 - l2))

    assert ends(iv.ratio_mover_r(40, 100, 50, 100)) == pytest.approx((low, high), abs=1e-12)


@pytest.mark.parametrize("k", [2, 3, 5, 12, 40])
@pytest.mark.parametrize("level", [0.9, 0.95, 0.99])
def test_tukey_is_scipys(k: int, level: float) -> None:
    """The studentised range at infinite degrees of freedom."""
    assert iv.tukey_z(k, level) == pytest.approx(studentized_range.ppf(level, k, np.inf) / math.sqrt(2), abs=1e-6)


@given(st.lists(counts, min_size=2, max_size=8))
def test_gaps_hold_their_value_and_every_pair(groups: list[tuple[int, int]]) -> None:
    """The gap is largest minus smallest; its interval is the extreme of the ordered pairs at Tukey's z."""
    answer = iv.gap_difference(groups)
    assert answer is not None
    value, interval = answer
    z = iv.tukey_z(len(groups))
    pairs = [
        ends(iv.newcombe_difference(*a, *b, z=z)) for i, a in enumerate(groups) for j, b in enumerate(groups) if i != j
    ]
    rates = [x / n for x, n in groups]
    assert value == pytest.approx(max(rates) - min(rates))
    assert interval.low == pytest.approx(max(0, *(p[0] for p in pairs)), abs=1e-9)
    assert interval.high == pytest.approx(max(p[1] for p in pairs), abs=1e-9)
    ratio = iv.gap_ratio(groups)
    if any(x for x, _ in groups):
        assert ratio is not None
        assert ratio[0] == pytest.approx(min(rates) / max(rates))
        assert ratio[1].low - 1e-9 <= ratio[0] <= ratio[1].high + 1e-9
    else:
        assert ratio is None


def test_group_against_overall_is_the_scaled_newcombe() -> None:
    """A quarter of the rows: group minus overall is three quarters of group minus rest."""
    inner = ends(iv.newcombe_difference(30, 100, 90, 300))
    found = ends(iv.group_to_overall_difference(30, 100, 120, 400))

    assert found == pytest.approx((0.75 * inner[0], 0.75 * inner[1]))
    assert ends(iv.group_to_overall_difference(5, 9, 5, 9)) == (0, 0)
    assert ends(iv.group_to_overall_ratio(5, 9, 5, 9)) == (1, 1)


def test_auc_interval_solves_its_equation() -> None:
    """At each end the distance is z standard errors of Newcombe's variance at that end."""
    m, n, auc = 50, 60, 0.8
    for end in ends(iv.auc_interval(auc, m, n)):
        extra = (m + n) / 2 - 1
        variance = end * (1 - end) / (m * n) * (1 + extra * (1 - end) / (2 - end) + extra * end / (1 + end))
        assert abs(end - auc) == pytest.approx(norm.ppf(0.975) * math.sqrt(variance), rel=1e-9)
    assert iv.auc_interval(1.0, 1, 60) is None
    low, high = ends(iv.auc_interval(1.0, 20, 20))
    assert high == 1.0
    # 40 rows cannot prove perfection: the other root of 1 - t = z sqrt(V(t)), not the trivial one at 1.
    spread = low * (1 - low) * (1 + 19 * (1 - low) / (2 - low) + 19 * low / (1 + low)) / 400
    assert 0.85 < low < 0.95
    assert 1 - low == pytest.approx(1.959963984540054 * spread**0.5)
    assert ends(iv.auc_interval(0.0, 20, 20)) == pytest.approx((0.0, 1 - low))


def test_bootstrap_of_a_rate_is_near_wilson() -> None:
    """A seeded multinomial bootstrap of a plain share agrees with Wilson, and repeats."""
    cells = np.array([300, 700])
    found = iv.bootstrap_counts(cells, lambda t: t[:, 0] / t.sum(axis=1), seed=3)

    assert ends(found) == pytest.approx(ends(iv.wilson(300, 1000)), abs=0.004)
    assert found == iv.bootstrap_counts(cells, lambda t: t[:, 0] / t.sum(axis=1), seed=3)
    assert iv.bootstrap_counts(np.array([0, 0]), lambda t: t[:, 0], seed=0) is None


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_benjamini_hochberg_is_scipys(p_values: list[float]) -> None:
    """Adjusted p-values as SciPy's."""
    rejected, adjusted = iv.benjamini_hochberg(p_values)

    assert adjusted == pytest.approx(list(false_discovery_control(p_values)), abs=1e-12)
    assert rejected == [p <= 0.05 for p in adjusted]


def test_mover_of_two_wilsons_is_newcombe() -> None:
    """The general difference reduces to Newcombe's for rates."""
    one, two = iv.wilson(56, 70), iv.wilson(48, 80)
    assert one is not None
    assert two is not None

    assert ends(iv.mover_difference(0.8, one, 0.6, two)) == pytest.approx(ends(iv.newcombe_difference(56, 70, 48, 80)))

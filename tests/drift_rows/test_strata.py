"""Change of the truth at like scores, from counts: hand-worked, SciPy's tests, and simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize, stats

from workbench.core.strata import (
    Line,
    Stratum,
    bin_words,
    by_value,
    calibrated,
    chi_square,
    edges_of,
    score_strata,
    slope_of,
    standardised,
)


def counts(scores: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the distinct scores with positives and negatives at each."""
    values, at = np.unique(scores, return_inverse=True)
    positive = np.bincount(at, weights=truth).astype(np.int64)
    return values, positive, np.bincount(at) - positive


def test_one_bins_interval_is_newcombes_published_one() -> None:
    """Newcombe (1998), example of 56/70 against 48/80 by method 10: 0.0524 to 0.3339; moved by what is expected."""
    plain, moved = Stratum("", 70, 56, 80, 48), Stratum("", 70, 56, 80, 48, expected=0.05)
    value, interval = plain.change(0.95)
    assert value == pytest.approx(0.2)
    assert (interval.low, interval.high) == pytest.approx((0.0524, 0.3339), abs=5e-5)
    value, interval = moved.change(0.95)
    assert value == pytest.approx(0.15)
    assert (interval.low, interval.high) == pytest.approx((0.0024, 0.2839), abs=5e-5)


@given(st.lists(st.tuples(st.integers(5, 90), st.integers(5, 90), st.integers(5, 90), st.integers(5, 90)), max_size=6))
def test_the_test_is_the_sum_of_pearsons(tables: list[tuple[int, int, int, int]]) -> None:
    strata = [Stratum("", a + b, a, c + d, c) for a, b, c, d in tables]
    statistic, dof, p = chi_square([s.square for s in strata])
    expected = sum(stats.chi2_contingency([[a, b], [c, d]], correction=False).statistic for a, b, c, d in tables)

    assert statistic == pytest.approx(expected, abs=1e-9)
    assert dof == len(tables)
    assert p == pytest.approx(stats.chi2.sf(expected, len(tables)) if tables else 1.0, abs=1e-12)


def test_the_mean_change_by_hand() -> None:
    """Two bins of 30 and 10 current rows: 0.75 x 0.2 + 0.25 x (-0.1), ends as MOVER combines them."""
    strata = [Stratum("", 30, 15, 50, 15), Stratum("", 10, 4, 20, 10)]
    value, interval = standardised(strata, 0.95)
    one, two = (s.change(0.95)[1] for s in strata)

    assert value == pytest.approx(0.75 * 0.2 - 0.25 * 0.1)
    assert interval.low == pytest.approx(value - math.hypot(0.75 * (0.2 - one.low), 0.25 * (-0.1 - two.low)))
    assert interval.high == pytest.approx(value + math.hypot(0.75 * (one.high - 0.2), 0.25 * (two.high + 0.1)))
    assert standardised([], 0.95) is None


def test_bins_are_tenths_where_there_is_enough_and_merged_where_not() -> None:
    rng = np.random.default_rng(0)
    scores = [rng.random(4000), rng.random(6000) ** 2]
    tables = [counts(s, rng.random(len(s)) < s) for s in scores]
    edges = edges_of(*tables, 10, 30)
    pooled = np.concatenate(scores)
    held = np.histogram(pooled, [*np.maximum(edges, 0), 1.0])[0]
    assert len(edges) == 10
    assert held == pytest.approx(np.full(10, 1000), abs=60)

    rare = edges_of(counts(scores[0][:300], np.arange(300) < 12), counts(scores[1][:300], np.arange(300) < 9), 10, 30)
    assert len(rare) <= 4  # 21 positives give at most four bins of five
    for table in tables:
        at = np.searchsorted(edges, table[0], side="right") - 1
        assert np.bincount(at, weights=table[1] + table[2]).min() >= 30
    assert edges_of(counts(np.ones(50), np.ones(50)), counts(np.ones(50), np.zeros(50)), 10, 30).tolist() == [-math.inf]


def test_names_of_bins_read_as_conditions() -> None:
    edges = [-math.inf, 0.25, 0.5]
    assert [bin_words("score", edges, k) for k in range(3)] == ["score < 0.25", "0.25 <= score < 0.5", "score >= 0.5"]
    assert bin_words("score", [-math.inf], 0) == "any score"


def test_the_slope_is_the_likelihoods_and_its_error_the_sandwich() -> None:
    rng = np.random.default_rng(3)
    s = rng.beta(2, 3, 1500)
    y = (rng.random(1500) < 0.2 + 0.5 * s**2).astype(float)
    slope, error = slope_of(counts(s, y))
    x = np.column_stack([np.ones(1500), np.log(s / (1 - s))])

    def loss(b: np.ndarray) -> float:
        return float(np.sum(np.logaddexp(0, x @ b) - y * (x @ b)))

    best = optimize.minimize(loss, [0, 1], method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-12}).x
    p = 1 / (1 + np.exp(-x @ best))
    bread = np.linalg.inv(x.T @ (x * (p * (1 - p))[:, None]))
    sandwich = bread @ (x.T @ (x * ((y - p) ** 2)[:, None])) @ bread
    assert slope == pytest.approx(best[1], abs=1e-5)
    assert error == pytest.approx(math.sqrt(sandwich[1, 1]), rel=1e-4)
    assert slope_of(counts(s, np.ones(1500))) is None


@pytest.mark.parametrize("scale", [1.0, 40.0])
def test_a_line_of_scores_on_any_scale_follows_the_truth(scale: float) -> None:
    rng = np.random.default_rng(5)
    z = rng.normal(0, 1, 40_000)
    s = 1 / (1 + np.exp(-z)) if scale == 1 else scale * z - 7
    line = Line.of(counts(s, rng.random(40_000) < 1 / (1 + np.exp(-(0.5 + 1.3 * z)))))
    at = np.array([-1.0, 0.0, 1.0])
    where = 1 / (1 + np.exp(-at)) if scale == 1 else scale * at - 7
    assert line.at(where) == pytest.approx(1 / (1 + np.exp(-(0.5 + 1.3 * at))), abs=0.02)


def test_a_calibrated_curve_follows_what_no_line_does() -> None:
    rng = np.random.default_rng(6)
    s = rng.random(40_000)
    wave = 0.5 + 0.4 * np.sin(6 * s)
    curve = calibrated(s, (rng.random(40_000) < wave).astype(float))
    assert np.abs(curve(s) - wave).max() < 0.2
    assert np.abs(curve(s) - wave).mean() < 0.04
    line = Line.of(counts(s, rng.random(40_000) < wave))
    assert np.abs(line.at(s) - wave).mean() > 0.1
    means = by_value(np.array([0.0, 0.0, 1.0]), np.array([1.0, 0.0, 0.5]))
    assert means(np.array([0.0, 1.0, 7.0])).tolist() == [0.5, 0.5, 0.5]


def test_a_shift_of_scores_alone_is_no_change_of_the_truth() -> None:
    """Bins of the reference's scores hold other scores now; less what the line expects nothing is left."""
    rng = np.random.default_rng(7)
    low, high = rng.beta(2, 4, 40_000), rng.beta(4, 2, 40_000)
    tables = [counts(np.round(s, 3), rng.random(40_000) < s) for s in (high, low)]
    coarse = score_strata(*tables, 3, 30)
    naive = [abs(s.x / s.n - s.y / s.m) for s in coarse]
    assert min(naive) > 0.045
    assert max(abs(s.change(0.95)[0]) for s in coarse) < 0.025


@pytest.mark.slow
@pytest.mark.parametrize("moved", [(2, 3), (3, 2)])
@pytest.mark.parametrize("kind", ["calibrated", "flattened"])
def test_false_alarms_keep_the_level(moved: tuple[int, int], kind: str) -> None:
    """Without a change, and with one of the scores alone, p is at most 0.05 in about 25 of 500, and intervals cover."""
    told = covered = 0
    for seed in range(500):
        rng = np.random.default_rng(seed)
        sides = [rng.beta(*moved, 800), rng.beta(2, 3, 1500)]
        tables = []
        for s in sides:
            p = s if kind == "calibrated" else 1 / (1 + np.exp(-(0.6 * np.log(s / (1 - s)) - 0.5)))
            tables.append(counts(np.round(s, 4), rng.random(len(s)) < p))
        found = score_strata(*tables, 10, 30)
        told += chi_square([s.square for s in found])[2] <= 0.05
        interval = standardised(found, 0.95)[1]
        covered += interval.low <= 0 <= interval.high

    assert told <= 41  # 42 or more of 500 have probability 0.001 at 5 %
    assert covered >= 459

"""The kernel two-sample test: against sums written out, SciPy's distances, and simulation."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.spatial.distance import cdist, pdist

from tests.drift_rows.subjects import run, subject
from tests.performance.measured import value
from workbench.core.mmd import discrepancy, median_distance, squared_distances


def written_out(x: np.ndarray, y: np.ndarray, width: float) -> float:
    """Return the unbiased estimate by its three sums over pairs."""

    def k(a: np.ndarray, b: np.ndarray) -> float:
        return float(np.exp(-np.sum((a - b) ** 2) / (2 * width**2)))

    n, m = len(x), len(y)
    within = sum(k(x[i], x[j]) for i in range(n) for j in range(n) if i != j) / (n * (n - 1))
    within += sum(k(y[i], y[j]) for i in range(m) for j in range(m) if i != j) / (m * (m - 1))
    return within - 2 * sum(k(a, b) for a in x for b in y) / (n * m)


@given(st.integers(2, 9), st.integers(2, 9), st.integers(1, 3), st.integers(0, 10**6))
def test_the_value_is_the_sum_written_out(n: int, m: int, width: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x, y = rng.normal(0, 1, (n, width)), rng.normal(0.5, 2, (m, width))
    found = discrepancy(x, y, 20, seed)

    assert found.bandwidth == pytest.approx(np.median(pdist(np.concatenate((x, y)))), rel=1e-9)
    assert found.value == pytest.approx(written_out(x, y, found.bandwidth), abs=1e-9)


def test_every_permutation_gives_the_value_of_its_own_split() -> None:
    """With two rows a side the six splits give three values, each twice, whose mean is 0 up to the draws."""
    rows = np.array([[0.0], [1.0], [3.0], [7.0]])
    found = discrepancy(rows[:2], rows[2:], 3000, 1)
    width = np.median(pdist(rows))
    splits = [((0, 1), (2, 3)), ((0, 2), (1, 3)), ((0, 3), (1, 2))]
    values = [written_out(rows[list(a)], rows[list(b)], width) for a, b in splits]
    share = np.mean([v >= values[0] - 1e-12 for v in values])

    assert found.value == pytest.approx(values[0])
    assert found.null_mean == pytest.approx(np.mean(values), abs=0.02)
    assert found.p_value == pytest.approx(share, abs=0.04)


def test_distances_are_those_of_scipy() -> None:
    x = np.random.default_rng(0).normal(0, 3, (40, 5))
    squared = squared_distances(x)

    assert squared == pytest.approx(cdist(x, x, "sqeuclidean"), abs=1e-9)
    assert median_distance(squared) == pytest.approx(np.median(pdist(x)), rel=1e-12)


def test_rows_that_are_mostly_equal_still_have_a_bandwidth() -> None:
    same = np.zeros((30, 2))
    assert median_distance(squared_distances(same)) == 1.0
    assert median_distance(squared_distances(np.concatenate((same, [[3.0, 4.0]])))) == pytest.approx(5.0)
    assert discrepancy(same, same, 50, 0).p_value == 1.0


def frame(n: int, seed: int, turn: float = 0.0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    x = rng.normal(0, 1, (2, n))
    words = rng.choice(list("ab"), n)
    return pd.DataFrame({"u": x[0], "v": turn * x[0] + np.sqrt(1 - turn**2) * x[1], "w": words})


def test_a_change_of_relation_is_found_and_the_sample_is_told() -> None:
    finding = run("drift.mmd", subject(frame(900, 1, 0.9), frame(3000, 0)), most_rows=500, permutations=199)

    assert value(finding, "mmd_squared_p_value") == pytest.approx(1 / 200)
    assert value(finding, "mmd_squared") > value(finding, "mmd_squared_null_quantile")
    assert "500 of 900 rows now" in finding.notes[0]
    assert "500 of 3\u202f000 rows of the reference" in finding.notes[0]


def test_whole_numbers_meet_others() -> None:
    """A column of int64 in one file and of float64 in the other is one column."""
    whole, other = frame(200, 0).assign(k=np.arange(200)), frame(200, 1).assign(k=np.arange(200) + 0.5)
    assert value(run("drift.mmd", subject(whole, other), permutations=99), "mmd_squared_p_value") > 0.01


@pytest.mark.slow
def test_p_is_uniform_when_nothing_differs() -> None:
    ps = []
    for seed in range(300):
        finding = run("drift.mmd", subject(frame(60, 2 * seed), frame(90, 2 * seed + 1)), permutations=99)
        ps.append(value(finding, "mmd_squared_p_value"))

    # A discrete uniform on 0.01, ..., 1: half a step of slack.
    assert stats.kstest(np.array(ps) - 0.005, "uniform").pvalue > 0.001
    assert np.mean(np.array(ps) <= 0.05) <= 0.09

"""Distances and score measures against SciPy, scikit-learn and published vectors (S12)."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats as scipy_stats
from scipy.spatial.distance import jensenshannon
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, roc_auc_score

from workbench.core import distances as d
from workbench.core import rank_tests, stats
from workbench.core.numbers import NumberCounts, common_support

Ints = NDArray[np.int64]

tied = st.lists(st.integers(-5, 5).map(float), min_size=2, max_size=60)
spread = st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=60)
with_ends = st.lists(st.sampled_from([-np.inf, -1.0, 0.0, 2.5, np.inf]), min_size=2, max_size=30)


def ranked(a: list[float], b: list[float]) -> tuple[Ints, Ints]:
    """Return counts of two samples at each of their values, infinities included."""
    values = np.unique(np.array([*a, *b]) + 0.0)
    low, high = (np.array([np.count_nonzero(np.array(x) == v) for v in values], np.int64) for x in (a, b))
    return low, high


@given(tied | spread, tied | spread)
def test_ks_and_wasserstein_are_scipys(a: list[float], b: list[float]) -> None:
    """On random and tied data, from count tables."""
    values, low, high, bound = common_support(NumberCounts.of(np.array(a)), NumberCounts.of(np.array(b)))

    assert bound == 0
    assert d.ks_from_counts(low, high) == pytest.approx(scipy_stats.ks_2samp(a, b, method="asymp").statistic, abs=1e-9)
    expected = scipy_stats.wasserstein_distance(a, b)
    assert d.wasserstein_from_counts(values, low, high) == pytest.approx(expected, rel=1e-9, abs=1e-9)
    expected = scipy_stats.energy_distance(a, b)
    assert d.energy_from_counts(values, low, high) == pytest.approx(expected, rel=1e-9, abs=1e-9)


@given(tied | spread | with_ends, tied | spread | with_ends)
@example([0.0, 1.0], [0.0, 1.0])
def test_cramer_von_mises_is_scipys(a: list[float], b: list[float]) -> None:
    """Statistic and p on random, tied and infinite data; the p exact up to 20 values a side."""
    found = rank_tests.cramer_von_mises(*ranked(a, b))
    expected = scipy_stats.cramervonmises_2samp(a, b)

    assert found is not None
    assert found.statistic == pytest.approx(expected.statistic, rel=1e-9, abs=1e-9)
    assert found.p_value == pytest.approx(expected.pvalue, rel=1e-9, abs=1e-9)
    assert found.method == ("exact" if max(len(a), len(b)) <= 20 else "asymptotic")
    assert rank_tests.cramer_von_mises(*ranked(a[:1], b)) is None


@given(tied | spread | with_ends, tied | spread | with_ends)
@pytest.mark.filterwarnings("ignore:p-value:UserWarning")
def test_anderson_darling_is_scipys(a: list[float], b: list[float]) -> None:
    """Standardised midrank statistic and p, capped and floored as SciPy does; undefined where all values are one."""
    assume(len({*a, *b}) > 1)
    found = rank_tests.anderson_darling(*ranked(a, b))
    expected = scipy_stats.anderson_ksamp([a, b])

    assert found is not None
    assert found.statistic == pytest.approx(expected.statistic, rel=1e-9, abs=1e-9)
    assert found.p_value == pytest.approx(expected.pvalue, rel=1e-9, abs=1e-9)
    assert (found.method == "capped at 25 %") == (found.p_value == 0.25)
    assert rank_tests.anderson_darling(np.array([3]), np.array([4])) is None
    assert rank_tests.anderson_darling(np.array([1, 0]), np.array([1, 1])) is None


def test_anderson_darling_far_apart_and_large() -> None:
    """The floor of p; the closed form of the variance also where a sum over every rank would take long."""
    rng = np.random.default_rng(5)
    a, b = rng.normal(0, 1, 3000).round(2), rng.normal(1, 1, 2000).round(2)
    found = rank_tests.anderson_darling(*ranked(a.tolist(), b.tolist()))
    with pytest.warns(UserWarning, match="floored"):
        expected = scipy_stats.anderson_ksamp([a, b])

    assert found is not None
    assert (found.statistic, found.p_value) == pytest.approx((expected.statistic, 0.001), rel=1e-9)
    assert found.method == "floored at 0.1 %"
    many = rank_tests.anderson_darling(np.array([10**8, 10**8]), np.array([10**8, 10**8]))
    assert many is not None
    assert many.statistic == pytest.approx(-1 / math.sqrt(2 * (math.pi**2 - 9) / 3), rel=1e-6)  # limit: A2 is 0


@given(st.integers(0, 10**6))
def test_cramer_von_mises_in_bins_keeps_its_bound(seed: int) -> None:
    """Values that share a bin move the statistic by no more than the bound says."""
    rng = np.random.default_rng(seed)
    a, b = (rng.integers(0, 50, n) / 1.0 for n in rng.integers(2, 80, 2))
    low, high = ranked(a.tolist(), b.tolist())
    exact = rank_tests.cramer_von_mises(low, high)
    starts = np.arange(0, len(low), int(rng.integers(2, 6)))
    binned = [np.add.reduceat(c, starts) for c in (low, high)]
    mixed = np.diff(np.append(starts, len(low))) > 1
    found = rank_tests.cramer_von_mises(binned[0], binned[1], mixed)

    assert exact is not None
    assert found is not None
    assert exact.error_bound is None
    assert abs(found.statistic - exact.statistic) <= (found.error_bound or 0.0) + 1e-12


def test_published_vectors() -> None:
    """S12: SciPy's documented examples and the three-bin PSI."""
    values, low, high, _ = common_support(
        NumberCounts.of(np.array([0, 1, 3.0])), NumberCounts.of(np.array([5, 6, 8.0]))
    )
    assert d.wasserstein_from_counts(values, low, high) == 5.0
    support = np.array([1.4, 3.4, 3.9, 4.5, 7.5, 7.8])
    one, two = np.array([0, 1.4, 0.9, 0, 3.1, 7.2]), np.array([3.5, 0, 0, 3.2, 0, 0])
    assert d.wasserstein_from_counts(support, one, two) == pytest.approx(4.0781331438047861, abs=1e-12)  # type: ignore[arg-type]
    assert d.js_distance(np.array([1.0, 0, 0]), np.array([0, 1.0, 0])) == 1.0
    assert d.js_distance(np.array([1.0, 0]), np.array([0.5, 0.5]), math.e) == pytest.approx(0.46450140402245893)
    statistic, p, dof = d.chi_square_contingency(np.array([10, 10, 20]), np.array([20, 20, 20]))
    assert (statistic, p, dof) == pytest.approx((2.7777777777777777, 0.24935220877729622, 2))
    psi = d.psi_from_shares(np.array([0.4, 0.3, 0.3]), np.array([0.35, 0.25, 0.4]))
    assert psi == pytest.approx(0.0445608547, abs=1e-9)
    # scipy.stats.entropy's documented example: pk = [1/2, 1/2] against qk = [9/10, 1/10].
    assert d.kl_divergence(np.array([9, 1]), np.array([5, 5])) == (pytest.approx(0.5108256237659907, abs=1e-12), False)
    energy = d.energy_from_counts(np.array([0.0, 1.0, 2.0]), np.array([1, 0, 0]), np.array([0, 1, 1]))
    assert energy == pytest.approx(scipy_stats.energy_distance([0], [1, 2]), abs=1e-12)


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), min_size=2, max_size=12))
def test_category_distances(table: list[tuple[int, int]]) -> None:
    """Chi-square and Jensen-Shannon as SciPy's; one half enters PSI only where a bin is empty."""
    low, high = (np.array(v) for v in zip(*table, strict=True))
    if not low.sum() or not high.sum():
        return
    assert d.js_distance(low, high) == pytest.approx(jensenshannon(low, high, base=2), abs=1e-7)
    kept = (low + high) > 0
    if kept.sum() > 1:
        expected = scipy_stats.chi2_contingency(np.stack((low[kept], high[kept])), correction=False)
        assert d.chi_square_contingency(low, high) == pytest.approx(
            (expected.statistic, expected.pvalue, expected.dof), abs=1e-9
        )
        expected = scipy_stats.chi2_contingency(
            np.stack((low[kept], high[kept])), correction=False, lambda_="log-likelihood"
        )
        assert d.g_test(low, high) == pytest.approx((expected.statistic, expected.pvalue, expected.dof), abs=1e-9)
    if kept.sum() == 2:
        expected = scipy_stats.chi2_contingency(np.stack((low[kept], high[kept])), correction=True)
        assert d.yates(low[kept], high[kept]) == pytest.approx((expected.statistic, expected.pvalue), abs=1e-9)
    p, q = low / low.sum(), high / high.sum()
    assert d.hellinger(low, high) == pytest.approx(math.sqrt(max(0.0, 1 - np.sqrt(p * q).sum())), abs=1e-7)
    assert d.l_infinity(low, high) == pytest.approx(max(abs(x - y) for x, y in zip(p, q, strict=True)), abs=1e-12)
    divergence, halved = d.kl_divergence(low[kept], high[kept])
    other = d.kl_divergence(high[kept], low[kept])[0]
    sides = [(c[kept] + 0.5 * halved) for c in (low, high)]
    assert divergence == pytest.approx(scipy_stats.entropy(sides[1], sides[0]), abs=1e-9)
    assert d.psi(low[kept], high[kept])[0] == pytest.approx(divergence + other, abs=1e-9)
    value, added = d.psi(low[kept], high[kept])
    assert added == bool((low[kept] == 0).any() or (high[kept] == 0).any())
    assert value >= 0


def test_nulls_by_simulation() -> None:
    """Null means and quantiles of PSI, Jensen-Shannon and Wasserstein hold when nothing differs."""
    rng = np.random.default_rng(0)
    share, n, m = np.array([0.1, 0.2, 0.3, 0.4]), 800, 1200
    draws = [(rng.multinomial(m, share), rng.multinomial(n, share)) for _ in range(2000)]
    both = (
        (d.psi_null, lambda a, b: d.psi(a, b)[0]),
        (d.js_null, d.js_distance),
        (d.hellinger_null, d.hellinger),
        (lambda *a: tuple(v / 2 for v in d.psi_null(*a)), lambda a, b: d.kl_divergence(a, b)[0]),
    )
    for null, distance in both:
        values = [distance(a, b) for a, b in draws]
        mean, quantile = null(4, n, m)
        assert np.mean(values) == pytest.approx(mean, rel=0.05)
        assert np.mean(np.array(values) > quantile) == pytest.approx(0.05, abs=0.015)
    pairs = [(rng.random(300), rng.random(400)) for _ in range(600)]
    found = [scipy_stats.wasserstein_distance(a, b) for a, b in pairs]
    grid = np.linspace(0, 1, 2001)
    nulls = d.area_nulls(grid, np.ones(2001, np.int64), 300, 400)
    energies = [scipy_stats.energy_distance(a, b) for a, b in pairs]
    for values, (mean, quantile) in zip((found, energies), nulls, strict=True):
        assert np.mean(values) == pytest.approx(mean, rel=0.08)
        assert np.mean(np.array(values) > quantile) == pytest.approx(0.05, abs=0.03)


def test_corrected_v() -> None:
    """Bergsma's formula by hand; what it takes away is what chance adds: V^2 is on average (k - 1) / (n - 1)."""
    # chi-square 2.7777 of 100 rows, three categories: 2.7777/100 - 2/99 over min(2 - 4/99, 1 - 1/99).
    assert d.cramers_v_corrected(25 / 9, 100, 2) == pytest.approx(math.sqrt((25 / 900 - 2 / 99) / (98 / 99)), abs=1e-12)
    assert d.cramers_v_corrected(1.0, 100, 2) == 0.0
    assert d.cramers_v_corrected(1.0, 2, 1) is None
    rng = np.random.default_rng(8)
    rows, side = np.repeat([0, 1, 2, 3], [5, 10, 15, 20]), np.arange(50) < 20
    squares = []
    for _ in range(4000):
        mixed = rng.permutation(rows)
        table = [np.bincount(mixed[s], minlength=4) for s in (side, ~side)]
        squares.append(d.chi_square_contingency(*table)[0] / 50)
    assert np.mean(squares) == pytest.approx(3 / 49, rel=0.03)


def test_minimum_effect_p_values() -> None:
    """At no limit KS is SciPy's asymptotic p and V's is the chi-square's; within the limit there is no evidence."""
    rng = np.random.default_rng(1)
    a, b = rng.normal(0, 1, 500), rng.normal(0.2, 1, 700)
    expected = scipy_stats.ks_2samp(a, b, method="asymp")
    assert d.ks_p_value(expected.statistic, 500, 700) == pytest.approx(expected.pvalue, rel=0.15)
    assert d.ks_p_value(0.09, 500, 700, limit=0.1) == 1.0
    assert d.cramers_v_p_value(d.cramers_v(7.5, 400), 400, 3, 0.0) == pytest.approx(scipy_stats.chi2.sf(7.5, 3))
    low_v = d.cramers_v_interval(0.0, 4, 1)
    assert (low_v.low, low_v.high > 0.5) == (0.0, True)  # four rows prove no agreement


def test_doane_is_numpys() -> None:
    """Bin edges from moments as NumPy computes them from rows."""
    rng = np.random.default_rng(2)
    for x in (rng.normal(size=1000), rng.gamma(1, size=333), rng.poisson(3, 300), np.full(9, 4.0)):
        skew = float(np.mean((x - x.mean()) ** 3)) / float(x.std()) ** 3 if x.std() else 0.0
        integral = x.dtype.kind == "i"
        edges = d.doane_edges(len(x), x.min(), x.max(), float(x.std()), skew, integral=integral)
        assert np.allclose(edges, np.histogram_bin_edges(x, "doane"))


@given(st.lists(st.tuples(st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.9, 1.0]), st.booleans()), min_size=4, max_size=80))
def test_score_measures_are_scikit_learns(rows: list[tuple[float, bool]]) -> None:
    """AUC with ties, average precision, Brier score and log loss from counts."""
    score, truth = (np.array(v) for v in zip(*rows, strict=True))
    values, at = np.unique(score, return_inverse=True)
    positive = np.bincount(at, weights=truth, minlength=len(values)).astype(np.int64)
    negative = np.bincount(at, weights=~truth, minlength=len(values)).astype(np.int64)
    if not truth.any() or truth.all():
        return
    assert stats.auc_from_counts(positive, negative) == pytest.approx(roc_auc_score(truth, score), abs=1e-9)
    brier = stats.brier_from_counts(values, positive, negative)[0]
    assert brier == pytest.approx(brier_score_loss(truth, score), abs=1e-9)
    expected = average_precision_score(truth, score)
    assert stats.average_precision_from_counts(positive, negative) == pytest.approx(expected, abs=1e-9)
    assert stats.log_loss_from_counts(values, positive, negative)[0] == pytest.approx(log_loss(truth, score), abs=1e-9)


def test_calibration_line_is_scikit_learns() -> None:
    """Slope and intercept as an unpenalised logistic regression on the log-odds; undefined on separation."""
    rng = np.random.default_rng(3)
    score = rng.random(3000) * 0.98 + 0.01
    truth = rng.random(3000) < score**1.5
    slope, intercept, slope_error, _ = stats.calibration_slope_intercept(
        score, truth.astype(np.int64), (~truth).astype(np.int64)
    ) or (0, 0, 0, 0)
    fit = LogisticRegression(C=np.inf, tol=1e-10).fit(np.log(score / (1 - score))[:, None], truth)

    assert (slope, intercept) == pytest.approx((fit.coef_[0, 0], fit.intercept_[0]), abs=1e-4)
    assert 0.02 < slope_error < 0.1
    apart = np.array([0.1, 0.2, 0.8, 0.9])
    ones = np.array([0, 0, 1, 1])
    assert stats.calibration_slope_intercept(apart, ones, 1 - ones) is None


def test_the_interval_of_v_reaches_the_value() -> None:
    """With nearly as many categories as rows V is near 1 by itself; its interval holds it."""
    statistic, n, dof = 1975.0, 2000, 1890
    found = d.cramers_v_interval(statistic, n, dof)
    assert found.low < 0.5 < d.cramers_v(statistic, n) <= found.high

"""Distances between two distributions given as counts on one support, and what they are when nothing differs."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from workbench.core.intervals import Interval

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def ks_from_counts(reference: Ints, current: Ints) -> float:
    """Return the largest distance of two right-continuous distribution functions (Kolmogorov-Smirnov)."""
    a, b = np.cumsum(reference) / reference.sum(), np.cumsum(current) / current.sum()
    return float(np.abs(a - b).max())


@lru_cache(maxsize=16)
def _kolmogorov_quantile(level: float) -> float:
    from scipy.special import kolmogi

    return float(kolmogi(1 - level))


def ks_band(n: int, m: int, level: float = 0.95) -> float:
    """Return the half-width of the band: the Kolmogorov quantile times sqrt(1/n + 1/m)."""
    return _kolmogorov_quantile(level) * math.sqrt(1 / n + 1 / m)


def ks_p_value(d: float, n: int, m: int, limit: float = 0.0) -> float:
    """Return the p of H0: distance <= limit, K((d - limit) / sqrt(1/n + 1/m)); conservative for a limit above 0."""
    from scipy.special import kolmogorov

    return 1.0 if d <= limit else float(kolmogorov((d - limit) / math.sqrt(1 / n + 1 / m)))


def psi_from_shares(expected: Floats, observed: Floats) -> float:
    """Return the population stability index, sum of (o - e) ln(o / e), natural logarithm."""
    return float(np.sum((observed - expected) * np.log(observed / expected)))


def psi(reference: Ints, current: Ints) -> tuple[float, bool]:
    """Return the index from counts, and whether one half was added to every bin because one was empty."""
    empty = bool((reference == 0).any() or (current == 0).any())
    e, o = (c + 0.5 * empty for c in (reference, current))
    return psi_from_shares(e / e.sum(), o / o.sum()), empty


def kl_divergence(reference: Ints, current: Ints) -> tuple[float, bool]:
    """Return the divergence of current from reference, sum of o ln(o / e), and whether one half was added to every bin.

    Natural logarithm; one half is added as for the index, whose value is this divergence plus that of the other way
    round. Source: Kullback and Leibler (1951) Annals of Mathematical Statistics 22:79.
    """
    empty = bool((reference == 0).any() or (current == 0).any())
    e, o = ((c + 0.5 * empty) / (c + 0.5 * empty).sum() for c in (reference, current))
    return max(0.0, float(np.sum(o * np.log(o / e)))), empty


def hellinger(reference: Floats | Ints, current: Floats | Ints) -> float:
    """Return the Hellinger distance of shares, sqrt(sum of (sqrt p - sqrt q)^2 / 2), in 0..1. Hellinger (1909)."""
    p, q = reference / reference.sum(), current / current.sum()
    return min(1.0, math.sqrt(float(np.sum((np.sqrt(p) - np.sqrt(q)) ** 2)) / 2))


def l_infinity(reference: Ints, current: Ints) -> float:
    """Return the largest absolute difference of shares."""
    return float(np.abs(reference / reference.sum() - current / current.sum()).max())


def js_distance(p: Floats | Ints, q: Floats | Ints, base: float = 2.0) -> float:
    """Return the Jensen-Shannon distance: the square root of the divergence to the mixture, logarithm to `base`."""
    p, q = p / p.sum(), q / q.sum()
    m = (p + q) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        parts = [np.where(v > 0, v * np.log(v / m), 0.0).sum() for v in (p, q)]
    return math.sqrt(max(0.0, float(parts[0] + parts[1]) / 2 / math.log(base)))


def wasserstein_from_counts(values: Floats, reference: Ints, current: Ints) -> float:
    """Return the first Wasserstein distance, the area between the distribution functions, in the values' unit."""
    gap = np.abs(np.cumsum(reference) / reference.sum() - np.cumsum(current) / current.sum())
    return float(np.sum(gap[:-1] * np.diff(values)))


def energy_from_counts(values: Floats, reference: Ints, current: Ints) -> float:
    """Return the energy distance, sqrt(2 integral of (F - G)^2), in the square root of the values' unit (as SciPy).

    Source: Szekely and Rizzo (2013) Journal of Statistical Planning and Inference 143:1249.
    """
    gap = np.cumsum(reference) / reference.sum() - np.cumsum(current) / current.sum()
    return math.sqrt(2 * float(np.sum(gap[:-1] ** 2 * np.diff(values))))


def total_variation(reference: Ints, current: Ints) -> float:
    """Return half the sum of absolute differences of shares."""
    return float(np.abs(reference / reference.sum() - current / current.sum()).sum() / 2)


def chi_square_contingency(reference: Ints, current: Ints) -> tuple[float, float, int]:
    """Return statistic, p and degrees of freedom of the 2 x k contingency table without empty categories (Pearson)."""
    from scipy.special import chdtrc

    table = np.stack((reference, current)).astype(np.float64)
    table = table[:, table.sum(axis=0) > 0]
    dof = table.shape[1] - 1
    if dof < 1:
        return 0.0, 1.0, 0
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0, keepdims=True) / table.sum()
    statistic = float(((table - expected) ** 2 / expected).sum())
    return statistic, float(chdtrc(dof, statistic)), dof


def g_test(reference: Ints, current: Ints) -> tuple[float, float, int]:
    """Return statistic, p and degrees of freedom of the likelihood-ratio test of the same table: 2 sum of o ln(o / e).

    Source: Wilks (1938) Annals of Mathematical Statistics 9:60.
    """
    from scipy.special import chdtrc, xlogy

    table = np.stack((reference, current)).astype(np.float64)
    table = table[:, table.sum(axis=0) > 0]
    dof = table.shape[1] - 1
    if dof < 1:
        return 0.0, 1.0, 0
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0, keepdims=True) / table.sum()
    statistic = max(0.0, 2 * float(xlogy(table, table / expected).sum()))
    return statistic, float(chdtrc(dof, statistic)), dof


def yates(reference: Ints, current: Ints) -> tuple[float, float]:
    """Return statistic and p of the 2 x 2 table with each deviation drawn half a row nearer to 0, at most to it.

    Source: Yates (1934) Supplement to the JRSS 1:217; so SciPy and NannyML test two categories.
    """
    from scipy.special import chdtrc

    table = np.stack((reference, current)).astype(np.float64)
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0, keepdims=True) / table.sum()
    statistic = float((np.maximum(0.0, np.abs(table - expected) - 0.5) ** 2 / expected).sum())
    return statistic, float(chdtrc(1, statistic))


def cramers_v_corrected(statistic: float, n: int, dof: int) -> float | None:
    """Return V of a 2 x k table less what chance adds to it; None where it is undefined (fewer than 3 rows).

    Formula: sqrt(max(0, x2/n - (k-1)/(n-1)) / min(k' - 1, r' - 1)), k' = k - (k-1)^2/(n-1), r' = 2 - 1/(n-1).
    Source: Bergsma (2013) Journal of the Korean Statistical Society 42:323.
    """
    if n < 3 or dof < 1:
        return None
    beyond = max(0.0, statistic / n - dof / (n - 1))
    least = min(dof - dof * dof / (n - 1), 1 - 1 / (n - 1))
    return min(1.0, math.sqrt(beyond / least)) if least > 0 else None


def cramers_v(statistic: float, n: int) -> float:
    """Return Cramer's V of a 2 x k table: sqrt(statistic / n)."""
    return math.sqrt(statistic / n)


def cramers_v_interval(statistic: float, n: int, dof: int, level: float = 0.95) -> Interval:
    """Return the interval of V by inverting the noncentral chi-square, V = sqrt(noncentrality / n). Smithson (2003)."""
    from scipy.optimize import brentq
    from scipy.special import chndtr

    tail = (1 - level) / 2

    def end(x: float, share: float) -> float:
        if float(chndtr(x, dof, 0.0)) <= share:
            return 0.0
        top = x + 10 * math.sqrt(x + dof) + 50
        return float(brentq(lambda c: float(chndtr(x, dof, c)) - share, 0.0, top))

    # A statistic below its expectation would close the interval at 0, however few the rows: the upper end stays open.
    low, high = end(statistic, 1 - tail), end(max(statistic, float(dof)), tail)
    # Nearly as many categories as rows lift V far above what it estimates: the interval reaches up to it all the same.
    return Interval(math.sqrt(low / n), min(1.0, math.sqrt(max(high, statistic) / n)), "noncentral chi-square")


def cramers_v_p_value(value: float, n: int, dof: int, limit: float) -> float:
    """Return the p of H0: V <= limit: the noncentral chi-square tail at noncentrality n limit^2."""
    from scipy.special import chndtr

    return float(1 - chndtr(n * value * value, dof, n * limit * limit))


def psi_null(bins: int, n: int, m: int) -> tuple[float, float]:
    """Return mean and 95 % quantile of the index when nothing differs: chi-square with bins - 1 times (1/n + 1/m)."""
    from scipy.special import chdtri

    scale = 1 / n + 1 / m
    return (bins - 1) * scale, float(chdtri(bins - 1, 0.05)) * scale if bins > 1 else 0.0


def js_null(bins: int, n: int, m: int) -> tuple[float, float]:
    """Return mean and 95 % quantile of the distance when nothing differs: divergence ~ chi-square / (8 ln 2)."""
    from scipy.special import chdtri, gammaln

    if bins < 2:
        return 0.0, 0.0
    dof, scale = bins - 1, math.sqrt((1 / n + 1 / m) / (8 * math.log(2)))
    mean = math.sqrt(2) * math.exp(float(gammaln((dof + 1) / 2) - gammaln(dof / 2)))
    return mean * scale, math.sqrt(float(chdtri(dof, 0.05))) * scale


def hellinger_null(bins: int, n: int, m: int) -> tuple[float, float]:
    """Return mean and 95 % quantile of the distance when nothing differs: its square ~ chi-square / 8 (1/n + 1/m)."""
    mean, quantile = js_null(bins, n, m)
    return mean * math.sqrt(math.log(2)), quantile * math.sqrt(math.log(2))


def area_nulls(values: Floats, pooled: Ints, n: int, m: int) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return mean and 95 % quantile of the Wasserstein and of the energy distance when nothing differs.

    F - G is then sqrt(1/n + 1/m) times a Brownian bridge at F: 1,000 of them from a fixed seed, on at most 64 points
    of the pooled distribution.
    """
    f = np.cumsum(pooled) / pooled.sum()
    at = np.unique(np.searchsorted(f, (np.arange(64) + 0.5) / 64))
    at = np.unique(np.concatenate(([0], at[at < len(values)], [len(values) - 1])))
    if len(at) < 2:
        return (0.0, 0.0), (0.0, 0.0)
    time, width = f[at[:-1]], np.diff(values[at])
    steps = np.diff(np.concatenate(([0.0], time, [1.0])))
    walk = np.cumsum(_normals()[:, : len(steps)] * np.sqrt(np.maximum(0, steps)), axis=1)
    bridge = (walk[:, :-1] - walk[:, -1:] * time) * math.sqrt(1 / n + 1 / m)
    areas, energies = np.abs(bridge) @ width, np.sqrt(2 * (bridge**2 @ width))
    both = [(float(a.mean()), float(np.quantile(a, 0.95))) for a in (areas, energies)]
    return both[0], both[1]


@lru_cache(maxsize=1)
def _normals() -> Floats:
    return np.random.default_rng(20261123).standard_normal((1000, 68))


def ece_null(n: Ints, mean_score: Floats, seed: int = 0, draws: int = 2000) -> tuple[float, float]:
    """Return mean and 95 % quantile of the calibration error if each bin's truth were binomial at its mean score."""
    hits = np.random.default_rng(seed).binomial(n, np.clip(mean_score, 0, 1), size=(draws, len(n)))
    errors = np.sum(np.abs(hits - n * mean_score), axis=1) / n.sum()
    return float(errors.mean()), float(np.quantile(errors, 0.95))


def reliability_null(n: Ints, mean_score: Floats, seed: int = 0, draws: int = 2000) -> tuple[float, float]:
    """Return mean and 95 % quantile of a Brier score's reliability if each bin's truth were binomial at its mean score.

    The mean is exact: the sum over bins of score (1 - score) over all rows; the quantile is from seeded draws.
    """
    p = np.clip(mean_score, 0, 1)
    hits = np.random.default_rng(seed).binomial(n, p, size=(draws, len(n)))
    drawn = np.sum((hits - n * mean_score) ** 2 / n, axis=1) / n.sum()
    return float(np.sum(p * (1 - p)) / n.sum()), float(np.quantile(drawn, 0.95))


def resolution_null(n: Ints, hits: Ints) -> tuple[float, float]:
    """Return mean and 95 % quantile of a Brier score's resolution when truth has nothing to do with the bins.

    Resolution is p (1 - p) / n times Pearson's statistic of bins x truth: its mean (bins - 1) n / (n - 1) is exact when
    the truths are shuffled, and its quantile is that of chi-square.
    """
    from scipy.special import chdtri

    total, bins = int(n.sum()), len(n)
    if bins < 2 or total < 2:
        return 0.0, 0.0
    p = float(hits.sum()) / total
    return p * (1 - p) * (bins - 1) / (total - 1), p * (1 - p) * float(chdtri(bins - 1, 0.05)) / total


def doane_edges(n: int, low: float, high: float, sd: float, skew: float, *, integral: bool) -> Floats:
    """Return the bin edges that numpy.histogram_bin_edges(x, "doane") gives; population deviation and skewness.

    Source: Doane (1976) The American Statistician 30:181.
    """
    if high == low:
        low, high = low - 0.5, high + 0.5
    width = 0.0
    if n > 2 and sd > 0:
        spread = math.sqrt(6.0 * (n - 2) / ((n + 1.0) * (n + 3)))
        width = (high - low) / (1.0 + math.log2(n) + math.log2(1.0 + abs(skew) / spread))
    if integral and 0 < width < 1:
        width = 1.0
    bins = math.ceil((high - low) / width) if width else 1
    return np.linspace(low, high, max(1, bins) + 1)

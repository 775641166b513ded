"""Tests of two samples by ranks alone, from counts at each value in ascending order: Cramer-von Mises and Anderson."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MOST_EXACT = 20
"""Largest sample for which the p of Cramer-von Mises is exact, as SciPy has it."""
_SHARES = (0.25, 0.1, 0.05, 0.025, 0.01, 0.005, 0.001)


@dataclass(frozen=True, slots=True)
class RankTest:
    """A statistic, its p of no difference, how the p was found, and the largest error that bins can have caused."""

    statistic: float
    p_value: float
    method: str
    error_bound: float | None = None


def cramer_von_mises(reference: Ints, current: Ints, mixed: NDArray[np.bool_] | None = None) -> RankTest | None:
    """Return the two-sample Cramer-von Mises test by midranks; None under two values a side.

    With shares p, q and mid distribution functions x, y of the sides (n, m values) at each value, T is
    nm/(2(n+m)) sum of [(p + q)(x - y)^2 + (p^3 + q^3 - 3 p^2 q - 3 p q^2)/12] plus terms of ties, which is Anderson's
    U/(nm(n+m)) - (4nm - 1)/(6(n+m)) without its loss of digits. `mixed` says which counts are of bins that hold more
    than one value. Source: Anderson (1962) Annals of Mathematical Statistics 33:1148; p as scipy.stats gives it, exact
    up to 20 values a side (without regard to ties), else by the limit law (Csorgo and Faraway 1996, equation 1.2).
    """
    n, m = int(reference.sum()), int(current.sum())
    if n < 2 or m < 2:
        return None
    p, q = reference / n, current / m
    gap = (np.cumsum(p) - p / 2) - (np.cumsum(q) - q / 2)
    scale, ties = n * m / (n + m) / 2, 12.0 * n * m * (n + m)
    core = (p + q) * gap**2 + (p**3 + q**3 - 3 * p * p * q - 3 * p * q * q) / 12
    tied = float(n) ** 4 * p**3 + float(m) ** 4 * q**3
    least = (float(n) * n + float(m) * m) / ties
    t = scale * float(core.sum()) + float(tied.sum()) / ties - least + 1 / (6 * (n + m))
    bound = None
    if mixed is not None and mixed.any():
        both = (p + q)[mixed]
        spread = both**2 * np.abs(gap[mixed]) + both**3 * (1 / 4 + 1 / 6)
        bound = scale * float(spread.sum()) + float(tied[mixed].sum()) / ties
    if max(n, m) <= MOST_EXACT:
        return RankTest(t, _exact_p(reference, current), "exact", bound)
    return RankTest(t, _limit_p(t, n, m), "asymptotic", bound)


def _exact_p(reference: Ints, current: Ints) -> float:
    from scipy.stats import cramervonmises_2samp

    ranks = np.arange(len(reference))
    return float(cramervonmises_2samp(np.repeat(ranks, reference), np.repeat(ranks, current), method="exact").pvalue)


def _limit_p(t: float, n: int, m: int) -> float:
    total, pairs = n + m, n * m
    mean = (1 + 1 / total) / 6
    variance = (total + 1) * (4 * pairs * total - 3 * (n * n + m * m) - 2 * pairs) / (45 * total**2 * 4 * pairs)
    standard = 1 / 6 + (t - mean) / math.sqrt(45 * variance)
    return 1.0 if standard < 0.003 else max(0.0, 1.0 - _limit_law(standard))


def _limit_law(x: float) -> float:
    from scipy.special import gammaln, kv

    total, k = 0.0, 0
    while True:
        y = 4 * k + 1
        q = y * y / (16 * x)
        share: float = math.exp(float(gammaln(k + 0.5) - gammaln(k + 1))) / (math.pi**1.5 * math.sqrt(x))
        term = share * math.sqrt(y) * math.exp(-q) * float(kv(0.25, q))
        total, k = total + term, k + 1
        if abs(term) < 1e-7:  # where SciPy stops: the numbers are to agree
            return total


def anderson_darling(reference: Ints, current: Ints) -> RankTest | None:
    """Return the k-sample Anderson-Darling test for two samples by midranks, standardised; None without spread.

    The p is interpolated between seven tabulated points and kept within 0.1 % and 25 %, as scipy.stats.anderson_ksamp
    does. Needs two distinct and four values. Source: Scholz and Stephens (1987) JASA 82:918, equation 7 and table 2.
    """
    kept = (reference + current) > 0
    sides = [c[kept].astype(np.float64) for c in (reference, current)]
    sizes = [float(s.sum()) for s in sides]
    pooled = sides[0] + sides[1]
    total = float(pooled.sum())
    if len(pooled) < 2 or total < 4 or not all(sizes):
        return None
    middle = np.cumsum(pooled) - pooled / 2
    room = middle * (total - middle) - total * pooled / 4
    raw = 0.0
    for side, n in zip(sides, sizes, strict=True):
        gap = total * (np.cumsum(side) - side / 2) - middle * n
        raw += float(np.sum(pooled / total * gap**2 / room)) / n
    spread = _anderson_deviation(sizes[0], sizes[1])
    statistic = (raw * (total - 1) / total - 1) / spread
    p, how = _anderson_p(statistic)
    return RankTest(statistic, p, how)


def _anderson_deviation(n: float, m: float) -> float:
    from scipy.special import digamma, zeta

    total, k = n + m, 2
    each = 1 / n + 1 / m
    # H is the sum of 1/i up to N, H2 that of 1/i^2; the double sum g of the paper is H2 - 2 H / N + 1 / N^2.
    harmonic = float(digamma(total + 1)) + float(np.euler_gamma)
    squares = math.pi**2 / 6 - float(zeta(2, total + 1))
    h, g = harmonic - 1 / total, squares - 2 * harmonic / total + 1 / total**2
    a = (4 * g - 6) * (k - 1) + (10 - 6 * g) * each
    b = (2 * g - 4) * k**2 + 8 * h * k + (2 * g - 14 * h - 4) * each - 8 * h + 4 * g - 6
    c = (6 * h + 2 * g - 2) * k**2 + (4 * h - 4 * g + 6) * k + (2 * h - 6) * each + 4 * h
    d = (2 * h + 6) * k**2 - 4 * h * k
    return math.sqrt((a * total**3 + b * total**2 + c * total + d) / ((total - 1) * (total - 2) * (total - 3)))


@lru_cache(maxsize=1)
def _anderson_table() -> tuple[float, float, Floats]:
    """Return the smallest and largest tabulated value for two samples, and the parabola of ln p between them."""
    first = np.array([0.675, 1.281, 1.645, 1.96, 2.326, 2.573, 3.085])
    second = np.array([-0.245, 0.25, 0.678, 1.149, 1.822, 2.364, 3.615])
    third = np.array([-0.105, -0.305, -0.362, -0.391, -0.396, -0.345, -0.154])
    critical = first + second + third
    return float(critical.min()), float(critical.max()), np.polyfit(critical, np.log(_SHARES), 2)


def _anderson_p(statistic: float) -> tuple[float, str]:
    low, high, parabola = _anderson_table()
    if statistic < low:
        return _SHARES[0], "capped at 25 %"
    if statistic > high:
        return _SHARES[-1], "floored at 0.1 %"
    return math.exp(float(np.polyval(parabola, statistic))), "interpolated"

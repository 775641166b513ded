"""Intervals from counts and moments, as STATISTICS section 3 fixes them; undefined is None."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Fraction = tuple[int, int]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Interval:
    """The ends of an interval and the method that made it."""

    low: float
    high: float
    method: str


@lru_cache(maxsize=1024)
def normal_quantile(level: float = 0.95) -> float:
    """Return z so that a standard normal lies within +-z with probability `level`."""
    from scipy.special import ndtri

    return float(ndtri((1 + level) / 2))


def _wilson_ends(x: Floats, n: Floats, z: float) -> tuple[Floats, Floats]:
    p, square = x / n, z * z
    centre = (p + square / (2 * n)) / (1 + square / n)
    half = z / (1 + square / n) * np.sqrt(p * (1 - p) / n + square / (4 * n * n))
    low, high = np.maximum(0.0, centre - half), np.minimum(1.0, centre + half)
    return np.where(x == 0, 0.0, low), np.where(x == n, 1.0, high)


def wilson(successes: int, n: int, level: float = 0.95) -> Interval | None:
    """Return the score interval of a rate.

    Formula: (p + z^2/2n -+ z sqrt(p(1-p)/n + z^2/4n^2)) / (1 + z^2/n). Source: Wilson (1927) JASA 22:209.
    """
    if n <= 0:
        return None
    low, high = wilson_ends(successes, n, normal_quantile(level))
    return Interval(low, high, "wilson")


def wilson_ends(x: float, n: float, z: float) -> tuple[float, float]:
    """Return the ends of the score interval of x of n at the normal quantile z."""
    p, square = x / n, z * z
    centre = (p + square / (2 * n)) / (1 + square / n)
    half = z / (1 + square / n) * math.sqrt(p * (1 - p) / n + square / (4 * n * n))
    return (0.0 if x == 0 else max(0.0, centre - half), 1.0 if x == n else min(1.0, centre + half))


def wilson_p_value(successes: int, n: int, limit: float, side: str) -> float:
    """Return the one-sided score-test p of H0: rate <= limit (side "above") or rate >= limit (side "below").

    Formula: z = (p - limit) / sqrt(limit (1 - limit) / n). Source: Wilson (1927), the test that his interval inverts.
    """
    from scipy.special import ndtr

    p, spread = successes / n, math.sqrt(limit * (1 - limit) / n) if 0 < limit < 1 else 0.0
    distance = p - limit if side == "above" else limit - p
    if spread == 0:
        return 0.0 if distance > 0 else 1.0
    return float(ndtr(-distance / spread))


def newcombe_difference(
    x1: int, n1: int, x2: int, n2: int, level: float = 0.95, z: float | None = None
) -> Interval | None:
    """Return the hybrid score interval of p1 - p2. Source: Newcombe (1998) Statistics in Medicine 17:873, method 10."""
    if n1 <= 0 or n2 <= 0:
        return None
    z = normal_quantile(level) if z is None else z
    (l1, u1), (l2, u2) = wilson_ends(x1, n1, z), wilson_ends(x2, n2, z)
    p1, p2 = x1 / n1, x2 / n2
    low = p1 - p2 - math.hypot(p1 - l1, u2 - p2)
    high = p1 - p2 + math.hypot(u1 - p1, p2 - l2)
    return Interval(max(-1.0, low), min(1.0, high), "newcombe")


def paired_difference(b: int, c: int, n: int, level: float = 0.95) -> Interval | None:
    """Return the score interval of (b - c) / n, b and c being pairs in which only the first or only the second is 1.

    It inverts the score test of paired proportions. Source: Tango (1998) Statistics in Medicine 17:891.
    """
    from scipy.optimize import brentq

    if n <= 0:
        return None
    z, value = normal_quantile(level), (b - c) / n

    def short(delta: float) -> float:
        # The maximum-likelihood share of c-pairs under the difference delta.
        linear = -b - c + (2 * n - b + c) * delta
        root = math.sqrt(max(0.0, linear**2 - 8 * n * -c * delta * (1 - delta)))
        q = (root - linear) / (4 * n)
        variance = n * (2 * q + delta * (1 - delta))
        return abs(b - c - n * delta) - z * math.sqrt(max(0.0, variance))

    edge, step = 1 - 1e-12, 1e-9  # at the value itself the equation may hold and say nothing: look just beside it
    low = -1.0 if b - c <= -n or short(-edge) <= 0 else float(brentq(short, -edge, value - step))
    high = 1.0 if b - c >= n or short(edge) <= 0 else float(brentq(short, value + step, edge))
    return Interval(low, high, "tango")


def group_to_overall_difference(x: int, n: int, x_all: int, n_all: int, level: float = 0.95) -> Interval | None:
    """Return the interval of group minus overall: Newcombe of the group against the rest, scaled by 1 - n / n_all."""
    if n <= 0 or n_all <= 0:
        return None
    rest = n_all - n
    if rest <= 0:
        return Interval(0.0, 0.0, "the group is everyone")
    inner = newcombe_difference(x, n, x_all - x, rest, level)
    scale = rest / n_all
    return None if inner is None else Interval(inner.low * scale, inner.high * scale, "newcombe, group against rest")


def ratio_mover_r(x1: int, n1: int, x2: int, n2: int, level: float = 0.95, z: float | None = None) -> Interval | None:
    """Return the MOVER-R interval of p1 / p2 from Wilson limits; the upper end may be infinite.

    Source: Donner and Zou (2012) Statistical Methods in Medical Research 21:347, equation 9.
    """
    if n1 <= 0 or n2 <= 0 or (x1 == 0 and x2 == 0):
        return None
    z = normal_quantile(level) if z is None else z
    (l1, u1), (l2, u2) = wilson_ends(x1, n1, z), wilson_ends(x2, n2, z)
    p1, p2 = x1 / n1, x2 / n2
    square = (p1 * p2) ** 2
    under = p1 * p2 + math.sqrt(max(0.0, square - l1 * u2 * (2 * p1 - l1) * (2 * p2 - u2)))
    over = p1 * p2 + math.sqrt(max(0.0, square - u1 * l2 * (2 * p1 - u1) * (2 * p2 - l2)))
    # The root in this form has no 0/0 where 2 p2 = u2; _mover_r below is the same for arrays.
    low = 0.0 if l1 == 0 or under == 0 else max(0.0, l1 * (2 * p1 - l1) / under)
    high = math.inf if p2 == 0 or l2 <= 0 else over / (l2 * (2 * p2 - l2))
    return Interval(low, high, "mover-r")


def _mover_r(p1: Floats, l1: Floats, u1: Floats, p2: Floats, l2: Floats, u2: Floats) -> tuple[Floats, Floats]:
    with np.errstate(divide="ignore", invalid="ignore"):
        under = np.maximum(0.0, (p1 * p2) ** 2 - l1 * u2 * (2 * p1 - l1) * (2 * p2 - u2))
        over = np.maximum(0.0, (p1 * p2) ** 2 - u1 * l2 * (2 * p1 - u1) * (2 * p2 - l2))
        # In this form the root has no 0/0 where 2 p2 = u2.
        low = l1 * (2 * p1 - l1) / (p1 * p2 + np.sqrt(under))
        high = (p1 * p2 + np.sqrt(over)) / (l2 * (2 * p2 - l2))
    low = np.where((p1 == 0) | ~np.isfinite(low), 0.0, np.maximum(low, 0.0))
    return low, np.where((l2 <= 0) | (p2 == 0), np.inf, high)


def group_to_overall_ratio(x: int, n: int, x_all: int, n_all: int, level: float = 0.95) -> Interval | None:
    """Return the interval of p_group / p_overall, from the ratio r to the rest: r / (w r + 1 - w), w = n / n_all."""
    if n <= 0 or n_all <= 0 or x_all <= 0:
        return None
    w = n / n_all
    if n >= n_all:
        return Interval(1.0, 1.0, "the group is everyone")
    inner = ratio_mover_r(x, n, x_all - x, n_all - n, level)
    if inner is None:
        return None
    high = 1 / w if math.isinf(inner.high) else inner.high / (w * inner.high + 1 - w)
    return Interval(inner.low / (w * inner.low + 1 - w), high, "mover-r, group against rest")


@lru_cache(maxsize=256)
def tukey_z(k: int, level: float = 0.95) -> float:
    """Return q(k) / sqrt 2 of the studentised range with infinite degrees of freedom (k = 2 gives z)."""
    from scipy.optimize import brentq
    from scipy.special import ndtr

    if k <= 2:
        return normal_quantile(level)
    x, weight = np.polynomial.legendre.leggauss(256)
    x = x * 9.0
    density = np.exp(-x * x / 2) / math.sqrt(2 * math.pi) * weight * 9.0

    def short(q: float) -> float:
        # P(range <= q) = k * integral of phi(x) (Phi(x) - Phi(x - q))^(k - 1)
        return float(k * np.sum(density * (ndtr(x) - ndtr(x - q)) ** (k - 1)) - level)

    return float(brentq(short, 0.1, 30.0, xtol=1e-12)) / math.sqrt(2)


def _rates_and_ends(counts: Sequence[Fraction], z: float) -> tuple[Floats, Floats, Floats]:
    x, n = (np.array(v, dtype=np.float64) for v in zip(*counts, strict=True))
    return (x / n, *_wilson_ends(x, n, z))


def gap_difference(counts: Sequence[Fraction], level: float = 0.95) -> tuple[float, Interval] | None:
    """Return the largest minus the smallest rate of several groups, with a simultaneous interval.

    Newcombe intervals of all ordered pairs at the Tukey quantile; [max(0, largest lower), largest upper].
    """
    counts = [c for c in counts if c[1] > 0]
    if len(counts) < 2:
        return None
    p, low, high = _rates_and_ends(counts, tukey_z(len(counts), level))
    gaps = p[:, None] - p[None, :]
    down = np.sqrt((p - low)[:, None] ** 2 + (high - p)[None, :] ** 2)
    ends = (gaps - down, gaps + down.T)
    apart = ~np.eye(len(p), dtype=bool)
    interval = Interval(max(0.0, float(ends[0][apart].max())), min(1.0, float(ends[1][apart].max())), "newcombe-tukey")
    return float(p.max() - p.min()), interval


def gap_ratio(counts: Sequence[Fraction], level: float = 0.95) -> tuple[float, Interval] | None:
    """Return the smallest over the largest rate of several groups, with a simultaneous interval; 0/0 is None.

    MOVER-R intervals of all ordered pairs at the Tukey quantile; [smallest lower, min(1, smallest upper)].
    """
    counts = [c for c in counts if c[1] > 0]
    if len(counts) < 2 or all(x == 0 for x, _ in counts):
        return None
    p, low, high = _rates_and_ends(counts, tukey_z(len(counts), level))
    one = (v[:, None] + np.zeros((1, len(p))) for v in (p, low, high))
    two = (v[None, :] + np.zeros((len(p), 1)) for v in (p, low, high))
    lows, highs = _mover_r(*one, *two)
    apart = ~np.eye(len(p), dtype=bool)
    interval = Interval(float(lows[apart].min()), min(1.0, float(highs[apart].min())), "mover-r-tukey")
    return float(p.min() / p.max()), interval


def combine_gaps(
    families: Sequence[Sequence[Fraction]], level: float = 0.95, *, kind: str = "difference"
) -> tuple[float, Interval] | None:
    """Return the worst gap over several rates (equalised odds), each at the Sidak level, extremes of the ends taken."""
    each = level ** (1 / len(families))
    function, extreme = (gap_difference, max) if kind == "difference" else (gap_ratio, min)
    answers = [a for family in families if (a := function(family, each)) is not None]
    if len(answers) < len(families):
        return None
    value = extreme(a[0] for a in answers)
    ends = [extreme(getattr(a[1], end) for a in answers) for end in ("low", "high")]
    return value, Interval(ends[0], ends[1], f"{answers[0][1].method}, sidak")


def mean_interval(n: int, mean: float, variance: float, level: float = 0.95) -> Interval | None:
    """Return the t interval of a mean from its sample variance: mean -+ t sqrt(variance / n)."""
    from scipy.special import stdtrit

    if n < 2 or not math.isfinite(variance):
        return None
    half = float(stdtrit(n - 1, (1 + level) / 2)) * math.sqrt(variance / n)
    return Interval(mean - half, mean + half, "t")


def auc_interval(auc: float, n_pos: int, n_neg: int, level: float = 0.95) -> Interval | None:
    """Return Newcombe's interval of an AUC: solve |t - auc| = z sqrt(V(t)); needs two of each class.

    Formula: V(t) = t (1 - t) (1 + N (1 - t) / (2 - t) + N t / (1 + t)) / (m n), N = (m + n) / 2 - 1.
    Source: Newcombe (2006) Statistics in Medicine 25:559, method 5.
    """
    from scipy.optimize import brentq

    if n_pos < 2 or n_neg < 2:
        return None
    z, extra = normal_quantile(level), (n_pos + n_neg) / 2 - 1

    def short(t: float) -> float:
        spread = t * (1 - t) * (1 + extra * (1 - t) / (2 - t) + extra * t / (1 + t)) / (n_pos * n_neg)
        return abs(t - auc) - z * math.sqrt(max(0.0, spread))

    # The spread vanishes at 0 and at 1, which solves the equation there and says nothing: look just inside.
    low = 0.0 if auc <= 0 else float(brentq(short, 0.0, min(auc, 1 - 1e-12)))
    high = 1.0 if auc >= 1 else float(brentq(short, max(auc, 1e-12), 1.0))
    return Interval(low, high, "newcombe 2006, method 5")


def average_precision_interval(value: float, n_pos: int, level: float = 0.95) -> Interval | None:
    """Return the logit interval of an average precision; at 0 or 1, where it has no width, Wilson's.

    Formula: expit(logit(v) -+ z / sqrt(n_pos v (1 - v))). Source: Boyd, Eng and Page (2013), ECML PKDD.
    """
    if n_pos <= 0:
        return None
    z = normal_quantile(level)
    if not 0 < value < 1:
        return Interval(*wilson_ends(value * n_pos, n_pos, z), "wilson")
    centre, half = math.log(value / (1 - value)), z / math.sqrt(n_pos * value * (1 - value))
    return Interval(1 / (1 + math.exp(half - centre)), 1 / (1 + math.exp(-half - centre)), "logit")


def bootstrap_counts(
    counts: NDArray[np.int64],
    metric: Callable[[Floats], Floats],
    *,
    seed: int = 0,
    draws: int = 2000,
    level: float = 0.95,
) -> Interval | None:
    """Return the percentile interval of a metric over seeded multinomial draws of joint counts, one half added to each.

    `metric` maps an array (draws, cells) to (draws,). Undefined draws are dropped; None when more than half are.
    """
    n = int(counts.sum())
    if n == 0:
        return None
    shares = (counts + 0.5) / (n + 0.5 * len(counts))
    table = np.random.default_rng(seed).multinomial(n, shares, size=draws).astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        values = metric(table)
    values = values[np.isfinite(values)]
    if len(values) < draws / 2:
        return None
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high), "multinomial bootstrap")


def mover_difference(value1: float, one: Interval, value2: float, two: Interval) -> Interval:
    """Return the MOVER interval of the difference of two independent quantities from their own intervals.

    Source: Zou and Donner (2008) Statistics in Medicine 27:1693; for two rates it is Newcombe's.
    """
    low = value1 - value2 - math.hypot(value1 - one.low, two.high - value2)
    high = value1 - value2 + math.hypot(one.high - value1, value2 - two.low)
    return Interval(low, high, "mover-d")


def side_p_value(value: float, interval: Interval, limit: float, side: str, level: float = 0.95) -> float:
    """Return the one-sided p of H0 "within the limit" by a normal approximation on the interval's side facing it."""
    from scipy.special import ndtr

    if side == "above":
        distance, half = value - limit, value - interval.low
    else:
        distance, half = limit - value, interval.high - value
    if distance <= 0:
        # On the permitted side the other half-width faces the limit.
        half = (interval.high - value) if side == "above" else (value - interval.low)
    if half <= 0 or math.isinf(half):
        return 0.0 if distance > 0 and half <= 0 else 1.0
    return float(ndtr(-distance / (half / normal_quantile(level))))


def benjamini_hochberg(p_values: Sequence[float], q: float = 0.05) -> tuple[list[bool], list[float]]:
    """Return which hypotheses are rejected at false discovery rate `q`, and the adjusted p-values.

    Source: Benjamini and Hochberg (1995) JRSS B 57:289.
    """
    m = len(p_values)
    if not m:
        return [], []
    order = np.argsort(p_values, kind="stable")
    ranked = np.asarray(p_values, float)[order] * m / np.arange(1, m + 1)
    adjusted = np.empty(m)
    adjusted[order] = np.minimum(1.0, np.minimum.accumulate(ranked[::-1])[::-1])
    return [bool(p <= q) for p in adjusted], [float(p) for p in adjusted]


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values adjusted so that no true null is rejected with probability 1 - level. Source: Holm (1979)."""
    order = np.argsort(p_values, kind="stable")
    m, adjusted = len(p_values), np.empty(len(p_values))
    steps = np.asarray(p_values, float)[order] * (m - np.arange(m))
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(steps))
    return [float(p) for p in adjusted]


def minimum_detectable(standard_error: float, limit: float, side: str, alpha: float, power: float = 0.8) -> float:
    """Return the smallest true value beyond the limit that fails with the given power: limit -+ (z_a + z_b) se."""
    from scipy.special import ndtri

    reach = float(ndtri(1 - alpha) + ndtri(power)) * standard_error
    return limit + reach if side == "above" else limit - reach


def minimum_detectable_rate(n: int, limit: float, side: str, alpha: float, power: float = 0.8) -> float | None:
    """Return the smallest true rate beyond the limit that the score test at `alpha` rejects with the given power.

    Formula: solve (|p - limit| - z_a sqrt(limit (1 - limit) / n)) / sqrt(p (1 - p) / n) = z_power. None when none can.
    """
    from scipy.optimize import brentq
    from scipy.special import ndtri

    if n <= 0 or not 0 <= limit <= 1:
        return None
    z_alpha, z_power = float(ndtri(1 - alpha)), float(ndtri(power))
    sign = 1.0 if side == "above" else -1.0

    def short(p: float) -> float:
        reach = sign * (p - limit) - z_alpha * math.sqrt(limit * (1 - limit) / n)
        return reach - z_power * math.sqrt(p * (1 - p) / n)

    end = 1.0 if side == "above" else 0.0
    if short(end) <= 0:
        return None
    return float(brentq(short, limit, end))

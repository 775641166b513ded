"""Numbers far from the rest: robust z-scores by the median absolute deviation, Tukey's fences, on the fitting scale."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.core.numbers import Floats, Ints

Mask = NDArray[np.bool_]

THRESHOLD = 5.0
"""Robust standard deviations: of a normal distribution 6 values in 10 million lie beyond."""
FENCES = 3.0
"""Interquartile ranges from the quartiles: what Tukey calls far out."""
LEAST = 20
_TAIL = 3.0
_TO_DEVIATIONS = 1.482602218505602  # 1 / the third quartile of the standard normal
_SKEWED = 0.1


@dataclass(frozen=True, slots=True)
class Fences:
    """What lies outside `low` to `high` is an outlier, outside `far_low` to `far_high` also for a column's long tail.

    `scale` is plain or log; `why` says why there are no fences.
    """

    low: float = -np.inf
    high: float = np.inf
    far_low: float = -np.inf
    far_high: float = np.inf
    scale: str = "plain"
    why: str = ""

    def outside(self, values: Floats) -> Mask:
        """Return which values are outliers."""
        return np.asarray(((values < self.low) & (values != 0)) | (values > self.high), bool)

    def far(self, values: Floats) -> Mask:
        """Return which outliers are far also as tails go: they are suspected to be wrong."""
        return self.outside(values) & ((values < self.far_low) | (values > self.far_high))


def fences(values: Floats, counts: Ints, *, method: str = "mad", threshold: float | None = None) -> Fences:
    """Return the fences of weighted values (NaN left out).

    `mad`: median -+ threshold * 1.4826 * median |x - median| (Iglewicz and Hoaglin 1993); `tukey`: quartiles -+
    threshold * interquartile range (Tukey 1977). Far: the 5 % quantile less, or the 95 % quantile plus, three times
    its distance from the median; it reaches farther the longer the tail is. Where no value is negative, zeros are left
    out, and the others are taken by their logarithm where that makes the quartiles more symmetric (Bowley's skewness).
    """
    known = ~np.isnan(values) & (counts > 0)
    if known.any() and values[known].min() >= 0:
        known &= values > 0
    values, counts = values[known], counts[known]
    if counts.sum() < LEAST:
        return Fences(why=f"fewer than {LEAST} numbers")
    order = np.argsort(values, kind="stable")
    values, counts = values[order], counts[order]
    ends = np.cumsum(counts)
    logarithmic = values[0] > 0 and _skewness(np.log(values), ends) < _skewness(values, ends) - _SKEWED
    x = np.log(values) if logarithmic else values
    reach = (_mad_ends if method == "mad" else _tukey_ends)(x, counts, ends, threshold)
    if reach is None:
        return Fences(why="half of the values or more are the same")
    left, middle, right = _quantiles(x, ends, (0.05, 0.5, 0.95))
    found = (*reach, left - _TAIL * (middle - left), right + _TAIL * (right - middle))
    with np.errstate(over="ignore"):
        low, high, far_low, far_high = (float(np.exp(v)) if logarithmic else v for v in found)
    return Fences(low, high, far_low, far_high, "log" if logarithmic else "plain")


def _mad_ends(x: Floats, counts: Ints, ends: Ints, threshold: float | None) -> tuple[float, float] | None:
    (median,) = _quantiles(x, ends, (0.5,))
    apart = np.abs(x - median)
    order = np.argsort(apart, kind="stable")
    (spread,) = _quantiles(apart[order], np.cumsum(counts[order]), (0.5,))
    reach = (THRESHOLD if threshold is None else threshold) * _TO_DEVIATIONS * spread
    return (median - reach, median + reach) if reach > 0 else None


def _tukey_ends(x: Floats, counts: Ints, ends: Ints, threshold: float | None) -> tuple[float, float] | None:
    del counts
    first, third = _quantiles(x, ends, (0.25, 0.75))
    reach = (FENCES if threshold is None else threshold) * (third - first)
    return (first - reach, third + reach) if reach > 0 else None


def _quantiles(x: Floats, ends: Ints, wanted: Sequence[float]) -> list[float]:
    n = int(ends[-1])
    found = []
    for q in wanted:
        below = int(q * (n - 1))
        left, right = (float(x[np.searchsorted(ends, i, side="right")]) for i in (below, min(below + 1, n - 1)))
        found.append(left + (right - left) * (q * (n - 1) - below) if right != left else left)
    return found


def _skewness(x: Floats, ends: Ints) -> float:
    first, median, third = _quantiles(x, ends, (0.25, 0.5, 0.75))
    return abs(first + third - 2 * median) / (third - first) if third > first else 0.0

"""What a mean on the reference would become if one feature were distributed as it is now, all else as it was."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from workbench.core.intervals import Interval, normal_quantile
from workbench.core.numbers import Floats, Ints
from workbench.core.outcome import texts_and_codes
from workbench.core.rows import as_numbers

MOST_CATEGORIES = 20


@dataclass(frozen=True)
class Binned:
    """The bin of each row of the reference and of the current data, from 0 up to, not including, `bins`."""

    reference: Ints
    current: Ints
    bins: int


def binned_numbers(reference: pa.Array, current: pa.Array, bins: int = 10) -> Binned:
    """Return the bins of numbers between quantiles of the reference, equal values together, missing ones apart."""
    there, here = as_numbers(reference), as_numbers(current)
    known = there[~np.isnan(there)]
    edges = np.zeros(0)
    if len(known):
        edges = np.unique(np.quantile(known, np.arange(1, bins) / bins, method="higher"))
        edges = edges[edges > known.min()]
    parts = [np.where(np.isnan(x), len(edges) + 1, np.searchsorted(edges, x, side="right")) for x in (there, here)]
    return Binned(parts[0], parts[1], len(edges) + 2)


def binned_categories(reference: pa.Array, current: pa.Array, most: int = MOST_CATEGORIES) -> Binned:
    """Return the bins of the reference's most frequent categories, of its others, of missing and of unseen values."""
    values, codes = texts_and_codes(reference)
    counts = np.bincount(codes, minlength=len(values)) if len(values) else np.zeros(0, int)
    named = [i for i in range(len(values)) if values[i] is not None]
    named.sort(key=lambda i: (-int(counts[i]), values[i] or ""))
    others, missing, unseen = most, most + 1, most + 2
    place: dict[str | None, int] = {values[i]: min(at, others) for at, i in enumerate(named)}
    place[None] = missing
    new, new_codes = texts_and_codes(current)
    there = np.array([place[v] for v in values] or [missing], np.int64)
    here = np.array([place.get(v, unseen) for v in new] or [missing], np.int64)
    return Binned(there[codes], here[new_codes], most + 3)


@dataclass(frozen=True)
class Shift:
    """The expected change of a mean with its interval, and the share of current rows in bins without a reference row.

    `sensitivity` is the correlation ratio, corrected for the number of bins: 0 when the bins say nothing of the
    outcome, 1 when they say everything.
    """

    value: float
    interval: Interval
    unsupported: float
    sensitivity: float
    n: int
    reference_n: int


def expected_shift(outcome: Floats, where: Binned, level: float) -> Shift | None:
    """Return the shift of the reference's mean outcome when its bins get the current shares; None under two rows.

    Formula: sum over bins of (current share - reference share) x mean outcome of the reference in the bin; bins that
    the reference does not have take its overall mean. The interval is normal: the variance of the current shares given
    the means, plus that of the reference by its influence function w (y - m) - (y - mean). Source: post-stratification,
    Holt and Smith (1979) JRSS A 142:33; for the correlation ratio Kelley (1935).
    """
    known = ~np.isnan(outcome)
    y, bins = outcome[known], where.reference[known]
    n, m = len(y), len(where.current)
    if n < 2 or m < 1:
        return None
    y = y - y[0]  # only differences count: a constant outcome must leave no rounding behind
    counts, now = (np.bincount(b, minlength=where.bins).astype(np.float64) for b in (bins, where.current))
    mean = float(y.mean())
    means = np.where(counts > 0, np.bincount(bins, weights=y, minlength=where.bins) / np.maximum(1, counts), mean)
    shares = now / m
    value = float(shares @ means) - mean
    unsupported = float(shares[counts == 0].sum())
    weights = np.divide(shares * n, counts, out=np.zeros(where.bins), where=counts > 0)
    influence = weights[bins] * (y - means[bins]) - (1 - unsupported) * (y - mean)
    spread = max(0.0, float(shares @ means**2) - float(shares @ means) ** 2)
    half = normal_quantile(level) * math.sqrt(spread / m + float(influence @ influence) / n**2)
    return Shift(
        value, Interval(value - half, value + half, "normal"), unsupported, _sensitivity(y, counts, means), m, n
    )


def _sensitivity(y: Floats, counts: Floats, means: Floats) -> float:
    n, k = len(y), int((counts > 0).sum())
    deviations = y - y.mean()
    total = float(deviations @ deviations)
    if total <= 0 or n <= k:
        return 0.0
    between = float(counts @ (means - y.mean()) ** 2)
    return math.sqrt(max(0.0, 1 - (1 - between / total) * (n - 1) / (n - k)))

"""How strongly two columns go together: Pearson, Spearman, the correlation ratio and Cramer's V, with intervals."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa

from workbench.core.distances import cramers_v_interval
from workbench.core.intervals import Interval, normal_quantile
from workbench.core.numbers import Floats, Ints
from workbench.core.outcome import texts_and_codes
from workbench.core.rows import MOST_LEVELS, as_numbers

MISSING = -1
"""Code of a missing category."""


@dataclass(frozen=True, slots=True)
class Association:
    """One measure of two columns over the `n` rows that have both; None with a reason where it is undefined."""

    name: str
    value: float | None
    n: int
    interval: Interval | None = None
    undefined_because: str = ""


@dataclass(frozen=True)
class Column:
    """A column of a sample: numbers with NaN for missing, codes of categories with -1 for missing, or both."""

    name: str
    numbers: Floats | None = None
    codes: Ints | None = None

    @property
    def present(self) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Return which rows have a value."""
        return ~np.isnan(self.numbers) if self.numbers is not None else np.asarray(self.codes) != MISSING

    @cached_property
    def ranks(self) -> Floats:
        """Return the mid-ranks of the numbers, for the pairs in which no row is left out."""
        return _ranks(np.asarray(self.numbers))


def number_column(name: str, column: pa.Array) -> Column:
    """Return a column as numbers; infinite ones count as missing."""
    return Column(name, numbers=as_numbers(column))


def category_column(name: str, column: pa.Array) -> Column:
    """Return a column as codes of its most frequent values, all others sharing one."""
    values, codes = texts_and_codes(column)
    if not values:
        return Column(name, codes=np.full(len(column), MISSING, np.int64))
    counts = np.bincount(codes, minlength=len(values))
    order = sorted(
        (i for i, v in enumerate(values) if v is not None), key=lambda i: (-counts[i], str(values[i]))
    )  # ties by value: the order of rows must not matter
    place = np.full(len(values), MISSING, np.int64)
    for rank, i in enumerate(order):
        place[i] = min(rank, MOST_LEVELS)
    return Column(name, codes=place[codes])


def scale_column(name: str, column: pa.Array) -> Column:
    """Return whole numbers of few values as numbers and as categories: a scale and a code look alike."""
    return Column(name, as_numbers(column), category_column(name, column).codes)


def associations(one: Column, two: Column, level: float = 0.95) -> list[Association]:
    """Return the measures for a pair: of two numbers, of a number with a category, of two categories.

    Where a column is both, the pair has the measures of both; the last is the one to compare pairs by.
    """
    both = one.present & two.present
    found: list[Association] = []
    if one.numbers is not None and two.numbers is not None:
        x, y = one.numbers[both], two.numbers[both]
        ranks = (one.ranks, two.ranks) if both.all() else (_ranks(x), _ranks(y))
        found += [pearson(x, y, level), _of_ranks(*ranks, level)]
    for numeric, other in ((one, two), (two, one)):
        alone = numeric.codes is None or other.numbers is None  # two scales have V and correlations
        if numeric.numbers is not None and other.codes is not None and alone:
            found.append(correlation_ratio(numeric.numbers[both], other.codes[both], level))
    if one.codes is not None and two.codes is not None:
        found.append(cramers_v(one.codes[both], two.codes[both], level))
    return found


def pearson(x: Floats, y: Floats, level: float = 0.95) -> Association:
    """Return the product-moment correlation; interval by Fisher's z, standard error 1 / sqrt(n - 3) (Fisher 1921)."""
    return _correlation("pearson", x, y, level, lambda r, n: 1 / math.sqrt(n - 3))


def spearman(x: Floats, y: Floats, level: float = 0.95) -> Association:
    """Return the correlation of mid-ranks; interval by Fisher's z with the standard error of Bonett and Wright (2000).

    Psychometrika 65:23: sqrt((1 + r^2 / 2) / (n - 3)).
    """
    return _of_ranks(_ranks(x), _ranks(y), level)


def _of_ranks(x: Floats, y: Floats, level: float) -> Association:
    return _correlation("spearman", x, y, level, lambda r, n: math.sqrt((1 + r * r / 2) / (n - 3)))


def _ranks(x: Floats) -> Floats:
    from scipy.stats import rankdata

    return np.asarray(rankdata(x), np.float64)


def _correlation(name: str, x: Floats, y: Floats, level: float, error: Callable[[float, int], float]) -> Association:
    n = len(x)
    if n < 2:
        return Association(name, None, n, undefined_because="fewer than two rows have both")
    a, b = _centred(x), _centred(y)
    if a is None or b is None:
        return Association(name, None, n, undefined_because="one of them has no spread where both are present")
    r = min(1.0, max(-1.0, float(np.sum(a * b))))
    if n < 4:
        return Association(name, r, n)
    if abs(r) == 1:
        return Association(name, r, n, Interval(r, r, "fisher z"))
    reach = normal_quantile(level) * error(r, n)
    return Association(
        name, r, n, Interval(math.tanh(math.atanh(r) - reach), math.tanh(math.atanh(r) + reach), "fisher z")
    )


def _centred(x: Floats) -> Floats | None:
    """Return deviations from the mean divided by their length, None without spread; large numbers do not overflow."""
    largest = float(np.max(np.abs(x)))
    if largest == 0 or bool((x == x[0]).all()):
        return None
    d = x / largest
    d = d - np.mean(d)
    length = math.sqrt(float(np.sum(d * d)))
    return d / length if length > 1e-13 * math.sqrt(len(x)) else None


def correlation_ratio(x: Floats, codes: Ints, level: float = 0.95) -> Association:
    """Return eta, the root of the share of a number's variance that lies between categories (Pearson 1905).

    Interval by inverting the noncentral F distribution, eta^2 = L / (L + n) (Smithson 2003), widened to hold the value.
    """
    name, n = "correlation_ratio", len(x)
    kinds, at = np.unique(codes, return_inverse=True)
    d = _centred(x) if n > 1 else None
    if d is None or len(kinds) < 2:
        return Association(name, None, n, undefined_because="one of them has no spread where both are present")
    sizes = np.bincount(at)
    between = min(1.0, float(np.sum(np.bincount(at, weights=d) ** 2 / sizes)))
    value = math.sqrt(between)
    dof = (len(kinds) - 1, n - len(kinds))
    if dof[1] < 1:
        return Association(name, value, n)
    return Association(name, value, n, _ratio_interval(between, dof, n, level))


def _ratio_interval(between: float, dof: tuple[int, int], n: int, level: float) -> Interval:
    from scipy.optimize import brentq
    from scipy.special import ncfdtr

    method, value = "noncentral F", math.sqrt(between)
    if between > 1 - 1e-12:
        return Interval(value, 1.0, method)
    statistic = between / dof[0] / ((1 - between) / dof[1])
    tail = (1 - level) / 2

    def end(share: float) -> float:
        def short(c: float) -> float:
            return float(ncfdtr(*dof, c, statistic)) - share

        if short(0.0) <= 0:
            return 0.0
        top = 2.0 * n * between / (1 - between) + 10.0 * (dof[0] + 10)
        while short(top) > 0:
            top *= 2
        return float(brentq(short, 0.0, top, rtol=1e-10))

    low, high = (math.sqrt(c / (c + n)) for c in (end(1 - tail), end(tail)))
    return Interval(min(low, value), max(high, value), method)


def cramers_v(one: Ints, two: Ints, level: float = 0.95) -> Association:
    """Return Cramer's V, sqrt(chi^2 / (n min(r - 1, k - 1))) of the r x k table of two categories (Cramer 1946).

    Interval by inverting the noncentral chi-square distribution (Smithson 2003), widened to hold the value.
    """
    n = len(one)
    table = _crossed(one, two)
    least = min(table.shape) - 1 if n else 0
    if least < 1:
        why = "one of them has no spread where both are present"
        return Association("cramers_v", None, n, undefined_because=why)
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0, keepdims=True) / n
    statistic = float(((table - expected) ** 2 / expected).sum())
    value = min(1.0, math.sqrt(statistic / (n * least)))
    dof = (table.shape[0] - 1) * (table.shape[1] - 1)
    found = cramers_v_interval(statistic, n * least, dof, level)
    interval = Interval(min(found.low, value), max(found.high, value), found.method)
    return Association("cramers_v", value, n, interval)


def _crossed(one: Ints, two: Ints) -> Floats:
    (rows, a), (columns, b) = (np.unique(x, return_inverse=True) for x in (one, two))
    flat = np.bincount(a * len(columns) + b, minlength=len(rows) * len(columns))
    return flat.reshape(len(rows), len(columns)).astype(np.float64)

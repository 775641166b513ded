"""One number for how far a feature has moved, on one scale for numbers and for categories, from its count tables."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from workbench.core import distances
from workbench.core.counts import ColumnCounts
from workbench.core.numbers import Floats, Ints, NumberCounts, common_support
from workbench.core.values import ValueCounts

_MEAN_KOLMOGOROV = math.sqrt(math.pi / 2) * math.log(2)


@dataclass(frozen=True)
class Effect:
    """How far a feature moved (0 to 1), what that is in the mean when nothing differs, and the p of no change."""

    name: str
    value: float
    by_chance: float
    p_value: float
    n: int
    m: int

    @property
    def beyond_chance(self) -> float:
        """Return the part of the value that chance does not give in the mean."""
        return max(0.0, self.value - self.by_chance)


def effect_of(current: ColumnCounts, reference: ColumnCounts) -> Effect | None:
    """Return the larger of the change of the values present and of the share missing; None when a side has no row.

    Values present: Kolmogorov-Smirnov's distance of numbers, total variation of categories; for two values both are
    the difference of shares. The p is Bonferroni's of both tests.
    """
    if not current.rows or not reference.rows:
        return None
    missing = _missing(current, reference)
    values = _numbers(current, reference) if current.numbers is not None else _values(current, reference)
    if values is None:
        return missing
    larger = values if values.value >= missing.value else missing
    p = min(1.0, 2 * min(values.p_value, missing.p_value))
    return Effect(larger.name, larger.value, larger.by_chance, p, larger.n, larger.m)


def _missing(current: ColumnCounts, reference: ColumnCounts) -> Effect:
    counts = [np.array([c.missing, c.present], np.int64) for c in (reference, current)]
    return _of_categories("missing_change", *counts)


def _numbers(current: ColumnCounts, reference: ColumnCounts) -> Effect | None:
    tables = [c.numbers if c.numbers is not None else NumberCounts() for c in (reference, current)]
    return number_effect(*tables)


def number_effect(reference: NumberCounts, current: NumberCounts) -> Effect | None:
    """Return Kolmogorov-Smirnov's distance, infinities among the values; None when a side has none."""
    _, low, high, _ = common_support(reference, current)
    sides = [
        np.concatenate(([t.infinite[0]], counts, [t.infinite[1]])) for t, counts in ((reference, low), (current, high))
    ]
    m, n = (int(s.sum()) for s in sides)
    if not n or not m:
        return None
    value = distances.ks_from_counts(*sides)
    return Effect("ks", value, _MEAN_KOLMOGOROV * math.sqrt(1 / n + 1 / m), distances.ks_p_value(value, n, m), n, m)


def _values(current: ColumnCounts, reference: ColumnCounts) -> Effect | None:
    tables = [c.values if c.values is not None else ValueCounts() for c in (reference, current)]
    level = max(t.level for t in tables)
    tables = [t.at_level(level) for t in tables]
    names = sorted({*tables[0].counts, *tables[1].counts})
    return category_effect(*(np.array([t.counts.get(v, 0) for v in names], np.int64) for t in tables))


def category_effect(reference: Ints, current: Ints) -> Effect | None:
    """Return the total variation of counts of the same categories; None when a side has none.

    By chance: half the sum of the means of absolute normal differences of shares.
    """
    return _of_categories("total_variation", reference, current) if reference.any() and current.any() else None


def _of_categories(name: str, reference: Ints, current: Ints) -> Effect:
    m, n = int(reference.sum()), int(current.sum())
    shares: Floats = (reference + current) / (n + m)
    spread = np.sqrt(shares * (1 - shares) * (1 / n + 1 / m))
    _, p, _ = distances.chi_square_contingency(reference, current)
    value = distances.total_variation(reference, current)
    return Effect(name, value, float(spread.sum()) / math.sqrt(2 * math.pi), p, n, m)

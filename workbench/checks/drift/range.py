"""Values outside the range that the reference spans, and columns that stand still."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from workbench.core.check import NotApplicableError, check
from workbench.core.counts import ColumnCounts
from workbench.core.extremes import outside_interval
from workbench.core.finding import Evidence, Measure, Result
from workbench.core.intervals import newcombe_difference, wilson
from workbench.core.numbers import Floats, NumberCounts
from workbench.core.pairing import NUMBERS, is_all_missing, kind_of_both, pairs
from workbench.core.rates import measure, with_interval
from workbench.core.subject import Subject

_SHARES = ("outside_share", "below_share", "above_share", "infinite_share")


@check("drift.range", "D004", "Values outside the reference range", needs=("reference",))
def value_range(subject: Subject) -> Result:
    """Measure how many values lie outside the reference's smallest and largest value, and which columns stand still.

    Measures: per number column `outside_share`, the share of current values below the reference's minimum or above its
        maximum, with a Wilson interval; what chance alone shows (2 / (m + 1) of m reference values) and
        `outside_share_beyond_chance`, the difference of both with an interval that allows for the chance of both
        samples; below and above apart; `infinite_share`, the share of current values that are infinite, and its change.
        Per feature `new_constant` (1: one distinct value now, several in the reference; with the chance of that in so
        many rows if nothing had changed) and `constant_in_reference`.
    Reads well when: the reference has some hundreds of values, so that its range is not an accident.
    Signs of risk: values the model extrapolates to; a unit that changed; a feed that repeats its last value.
    Limits: the range is that of the reference rows given, errors in them included: one wild value widens it for ever. A
        value inside the range may still be far from all reference values (drift.numeric). Infinities count as outside
        unless the reference holds the same one. Beyond 131,072 distinct values a bin may lie across an end of the
        range: its values are left out and are the error bound.
    Reference: Wilson (1927) JASA 22:209; Wilks (1941) Annals of Mathematical Statistics 12:91 for the share outside the
        extremes of a sample.
    """
    if subject.reference is None:
        raise NotApplicableError("no reference data was given")
    found: list[Measure] = []
    rows = []
    for current, reference in pairs(subject):
        if kind_of_both(current, reference) in NUMBERS:
            measures, row = _outside(current, reference, subject.level)
            found += measures
            rows.append(row)
        found += _constant(current, reference)
    if not found:
        raise NotApplicableError("no feature column is in both data sets")
    columns = ("column", "reference minimum", "reference maximum", "minimum", "maximum", "below", "above", "infinite")
    table = Evidence("ranges", "Ranges of the number columns", "table", columns, tuple(rows))
    return Result(found, [table] if rows else [])


def _outside(
    current: ColumnCounts, reference: ColumnCounts, level: float
) -> tuple[list[Measure], tuple[str | float | int | None, ...]]:
    name, why = current.name, is_all_missing(current, reference)
    a, b = reference.numbers or NumberCounts(), current.numbers or NumberCounts()
    n, m = (t.n + sum(t.infinite) for t in (b, a))
    if why or not n or not m:
        undefined = [
            Measure(k, None, name, n=n, unit="share", undefined_because=why or "one side has no value") for k in _SHARES
        ]
        return undefined, (name, a.minimum, a.maximum, b.minimum, b.maximum, None, None, None)
    below, above, across = _beyond(a, b)
    infinite, before = sum(b.infinite), sum(a.infinite)
    outside = measure("outside_share", below + above, n, wilson(below + above, n, level), column=name)
    change = Measure("infinite_share_change", infinite / n - before / m, name, n=n, unit="share")
    found = [
        _with_bound(outside, across / n),
        Measure("outside_share_null_mean", 2 / (m + 1), name, n=n, unit="share"),
        *_beyond_chance(name, below + above, n, m, level),
        measure("below_share", below, n, wilson(below, n, level), column=name),
        measure("above_share", above, n, wilson(above, n, level), column=name),
        measure("infinite_share", infinite, n, wilson(infinite, n, level), column=name),
        with_interval(change, newcombe_difference(infinite, n, before, m, level)),
    ]
    return found, (name, a.minimum, a.maximum, b.minimum, b.maximum, below, above, infinite)


def _beyond(a: NumberCounts, b: NumberCounts) -> tuple[int, int, int]:
    """Return how many values of b are below and above the range of a, and how many may be either inside or outside."""
    low = -math.inf if a.infinite[0] else math.inf if a.minimum is None else a.minimum
    high = math.inf if a.infinite[1] else -math.inf if a.maximum is None else a.maximum
    under, over = b.highs < low, b.lows > high
    across = ((b.lows < low) | (b.highs > high)) & ~under & ~over
    below = int(b.counts[under].sum()) + (0 if a.infinite[0] else b.infinite[0])
    above = int(b.counts[over & ~under].sum()) + (0 if a.infinite[1] else b.infinite[1])
    return below, above, int(b.counts[across].sum())


def _beyond_chance(name: str, x: int, n: int, m: int, level: float) -> list[Measure]:
    key = "outside_share_beyond_chance"
    if m < 2:
        why = "the reference has one value: it spans no range"
        return [Measure(key, None, name, n=n, unit="share", undefined_because=why)]
    excess = Measure(key, x / n - 2 / (m + 1), name, n=n, unit="share")
    return [
        with_interval(excess, outside_interval(x, n, m, level)),
        Measure(f"{key}_reference_n", m, name, n=m, unit="rows"),
    ]


def _with_bound(m: Measure, bound: float) -> Measure:
    return replace(m, error_bound=bound, high=min(1.0, (m.high or 0.0) + bound)) if bound else m


def _constant(current: ColumnCounts, reference: ColumnCounts) -> list[Measure]:
    name, why = current.name, is_all_missing(current, reference)
    if why:
        return [
            Measure(k, None, name, n=current.present, undefined_because=why)
            for k in ("new_constant", "constant_in_reference")
        ]
    before, now = _shares(reference), _shares(current)
    new = int(len(now) == 1 and len(before) > 1)
    found = [
        Measure("new_constant", new, name, n=current.present),
        Measure("constant_in_reference", int(len(before) == 1), name, n=reference.present),
    ]
    if new:
        p = float(np.sum(before**current.present))
        found.append(Measure("new_constant_p_value", p, name, n=current.present, method="all rows alike by chance"))
    return found


def _shares(column: ColumnCounts) -> Floats:
    """Return the share of each distinct value, infinities included; of a sample of values, those of the sample."""
    if column.numbers is not None:
        counts = [*column.numbers.counts.tolist(), *(c for c in column.numbers.infinite if c)]
    else:
        counts = [] if column.values is None else [*column.values.counts.values()]
        # What the sample of values left out is at least one more value.
        counts += [column.values.other] if column.values is not None and column.values.other else []
    shares: Floats = np.sort(np.asarray(counts, np.float64)) / max(1, sum(counts))
    return shares

"""Treatment equality: false negatives for every false positive, of a group and between groups.

Given the number of errors, false negatives are binomial: their ratio to false positives is the odds of their share,
and its interval the odds of Wilson's.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import permutations

from workbench.core import intervals
from workbench.core.finding import Measure
from workbench.core.intervals import Interval
from workbench.core.joint import Confusion
from workbench.core.rates import with_interval

NAME = "treatment_equality"


def errors_ratio(counts: Confusion) -> float | None:
    """Return false negatives over false positives, or None without a false positive."""
    return counts.fn / counts.fp if counts.fp else None


def treatment_measure(counts: Confusion, level: float, *, column: str = "", group: str = "") -> Measure:
    """Return the ratio with the odds of Wilson's interval; undefined without a false positive, with the reason."""
    n, value = counts.fn + counts.fp, errors_ratio(counts)
    if value is None:
        why = "no row is a false positive" if n else "0/0: no row is a false positive or a false negative"
        return Measure(NAME, None, column, group, n=n, unit="ratio", undefined_because=why)
    interval = _odds(counts, intervals.normal_quantile(level))
    return with_interval(Measure(NAME, value, column, group, n=n, unit="ratio"), interval)


def treatment_gap(groups: Sequence[Confusion], column: str, level: float) -> Measure:
    """Return the largest minus the smallest ratio of the groups that have one, with a simultaneous interval.

    MOVER intervals of all ordered pairs at the Tukey quantile; [max(0, largest lower), largest upper].
    """
    usable = [c for c in groups if c.fp]
    n = sum(c.fn + c.fp for c in usable)
    if len(usable) < 2:
        why = "fewer than two groups with a false positive can be compared"
        return Measure(f"{NAME}_difference", None, column, n=n, unit="ratio", undefined_because=why)
    z = intervals.tukey_z(len(usable), level)
    ends = [(c.fn / c.fp, _odds(c, z)) for c in usable]
    pairs = [_difference(a, b) for a, b in permutations(ends, 2)]
    interval = Interval(max(0.0, max(p.low for p in pairs)), max(p.high for p in pairs), "wilson odds, mover-d-tukey")
    values = [v for v, _ in ends]
    return with_interval(Measure(f"{NAME}_difference", max(values) - min(values), column, n=n, unit="ratio"), interval)


def treatment_to_reference(
    counts: Confusion, base: Confusion, column: str, group: str, level: float, *, itself: bool
) -> Measure:
    """Return the group's ratio minus the reference group's, with a MOVER interval of two odds."""
    name, n = f"{NAME}_to_reference_difference", counts.fn + counts.fp
    mine, other = errors_ratio(counts), errors_ratio(base)
    if mine is None or other is None:
        why = "the group or the reference group has no false positive"
        return Measure(name, None, column, group, n=n, unit="ratio", undefined_because=why)
    z = intervals.normal_quantile(level)
    interval = _difference((mine, _odds(counts, z)), (other, _odds(base, z)))
    same = Interval(0.0, 0.0, "itself")
    return with_interval(Measure(name, mine - other, column, group, n=n, unit="ratio"), same if itself else interval)


def _odds(c: Confusion, z: float) -> Interval:
    low, high = intervals.wilson_ends(c.fn, c.fn + c.fp, z)
    return Interval(low / (1 - low), high / (1 - high) if high < 1 else math.inf, "wilson odds")


def _difference(one: tuple[float, Interval], two: tuple[float, Interval]) -> Interval:
    found = intervals.mover_difference(*one, *two)
    return Interval(found.low, found.high, "wilson odds, mover-d")

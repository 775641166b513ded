"""Means of losses compared: rates by counts where losses are 0 or 1, else by t."""

from __future__ import annotations

import math

import numpy as np

from workbench.core import intervals
from workbench.core.finding import Measure
from workbench.core.intervals import Interval
from workbench.core.numbers import Floats
from workbench.core.rates import with_interval


def mean_of(
    name: str, values: Floats, level: float, *, unit: str = "", where: str = "", group: str = "", column: str = ""
) -> Measure:
    """Return the mean of values (NaN left out), with a Wilson interval when they are 0 and 1, else a t interval."""
    values = values[~np.isnan(values)]
    n = len(values)
    if not n:
        why = "no row has what it needs"
        return Measure(name, None, column, group, where=where, n=0, unit=unit, undefined_because=why)
    m = Measure(name, float(values.mean()), column, group, where=where, n=n, unit=unit)
    return with_interval(m, interval_of(values, level))


def interval_of(values: Floats, level: float) -> Interval | None:
    """Return the interval of a mean: Wilson for values that are 0 or 1, else t."""
    if unit_values(values):
        return intervals.wilson(int(values.sum()), len(values), level)
    variance = float(values.var(ddof=1)) if len(values) > 1 else math.nan
    return intervals.mean_interval(len(values), float(values.mean()), variance, level)


def unit_values(values: Floats) -> bool:
    """Say whether every value is 0 or 1."""
    return bool(((values == 0) | (values == 1)).all())


def difference_of(one: Floats, two: Floats, level: float) -> tuple[float, Interval, float] | None:
    """Return mean of one minus mean of two of independent rows, its interval, and p of H0 "not above 0".

    Newcombe (1998) for values that are 0 or 1, else Welch (1947) Biometrika 34:28; None under two rows each.
    """
    if len(one) < 2 or len(two) < 2:
        return None
    value = float(one.mean() - two.mean())
    if unit_values(one) and unit_values(two):
        counts = (int(one.sum()), len(one), int(two.sum()), len(two))
        interval = intervals.newcombe_difference(*counts, level)
        if interval is None:
            return None
        return value, interval, intervals.side_p_value(value, interval, 0.0, "above", level)
    return _welch(one, two, value, level)


def _welch(one: Floats, two: Floats, value: float, level: float) -> tuple[float, Interval, float]:
    from scipy.special import stdtr, stdtrit

    a, b = float(one.var(ddof=1)) / len(one), float(two.var(ddof=1)) / len(two)
    if a + b == 0:
        return value, Interval(value, value, "welch"), 0.0 if value > 0 else 1.0
    freedom = (a + b) ** 2 / (a**2 / (len(one) - 1) + b**2 / (len(two) - 1))
    half = float(stdtrit(freedom, (1 + level) / 2)) * math.sqrt(a + b)
    return value, Interval(value - half, value + half, "welch"), float(stdtr(freedom, -value / math.sqrt(a + b)))


def paired(name: str, changes: Floats, level: float, *, unit: str = "", where: str = "") -> Measure:
    """Return the mean of paired differences (NaN left out) with its t interval."""
    changes = changes[~np.isnan(changes)]
    if not len(changes):
        return Measure(name, None, where=where, n=0, unit=unit, undefined_because="no row has what it needs")
    variance = float(changes.var(ddof=1)) if len(changes) > 1 else math.nan
    mean = float(changes.mean())
    m = Measure(name, mean, where=where, n=len(changes), unit=unit)
    interval = intervals.mean_interval(len(changes), mean, variance, level) if not math.isnan(variance) else None
    return with_interval(m, None if interval is None else Interval(interval.low, interval.high, "paired t"))

"""Treatment equality: false negatives for every false positive, of a group and between groups."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from workbench.core import intervals
from workbench.core.finding import Measure
from workbench.core.intervals import Interval
from workbench.core.joint import Confusion
from workbench.core.rates import with_interval

NAME = "treatment_equality"
_DRAWS = 2000
_Floats = NDArray[np.float64]


def errors_ratio(counts: Confusion) -> float | None:
    """Return false negatives over false positives, or None without a false positive."""
    return counts.fn / counts.fp if counts.fp else None


def treatment_measure(counts: Confusion, seed: int, level: float, *, column: str = "", group: str = "") -> Measure:
    """Return the ratio with a bootstrap interval; undefined without a false positive, with the reason."""
    n, value = counts.fn + counts.fp, errors_ratio(counts)
    if value is None:
        why = "no row is a false positive" if n else "0/0: no row is a false positive or a false negative"
        return Measure(NAME, None, column, group, n=n, unit="ratio", undefined_because=why)
    interval = intervals.bootstrap_counts(_table(counts), _smooth, seed=seed, draws=_DRAWS, level=level)
    return with_interval(Measure(NAME, value, column, group, n=n, unit="ratio"), _holding(value, interval))


def treatment_gap(groups: Sequence[Confusion], column: str, seed: int, level: float) -> Measure:
    """Return the largest minus the smallest ratio of the groups that have one, with a simultaneous interval.

    Each group's ends hold for all groups at once: on the logarithm, max-|t| over seeded multinomial draws of the
    counts with one half added; then [max(0, largest lower - upper), largest upper - lower] over ordered pairs.
    """
    usable = [c for c in groups if c.fp]
    n = sum(c.fn + c.fp for c in usable)
    if len(usable) < 2:
        why = "fewer than two groups with a false positive can be compared"
        return Measure(f"{NAME}_difference", None, column, n=n, unit="ratio", undefined_because=why)
    values = np.array([c.fn / c.fp for c in usable])
    lows, highs = _simultaneous(usable, seed, level)
    apart = ~np.eye(len(values), dtype=bool)
    low = max(0.0, float((lows[:, None] - highs[None, :])[apart].max()))
    high = float((highs[:, None] - lows[None, :])[apart].max())
    value = float(values.max() - values.min())
    m = Measure(f"{NAME}_difference", value, column, n=n, unit="ratio")
    return with_interval(m, _holding(value, Interval(low, high, "multinomial bootstrap, max-|t|")))


def treatment_to_reference(
    counts: Confusion, base: Confusion, column: str, group: str, seed: int, level: float, *, itself: bool
) -> Measure:
    """Return the group's ratio minus the reference group's, with a bootstrap interval over both groups' counts."""
    name, n = f"{NAME}_to_reference_difference", counts.fn + counts.fp
    mine, other = errors_ratio(counts), errors_ratio(base)
    if mine is None or other is None:
        why = "the group or the reference group has no false positive"
        return Measure(name, None, column, group, n=n, unit="ratio", undefined_because=why)
    m = Measure(name, mine - other, column, group, n=n, unit="ratio")
    if itself:
        return with_interval(m, Interval(0.0, 0.0, "itself"))

    def difference(draws: _Floats) -> _Floats:
        return _smooth(draws[:, :4]) - _smooth(draws[:, 4:])

    both = np.concatenate((_table(counts), _table(base)))
    interval = intervals.bootstrap_counts(both, difference, seed=seed, draws=_DRAWS, level=level)
    return with_interval(m, _holding(mine - other, interval))


def _table(c: Confusion) -> NDArray[np.int64]:
    return np.array([c.tp, c.fp, c.fn, c.tn], np.int64)


def _smooth(draws: _Floats) -> _Floats:
    # Without the halves a draw without false positives is infinite, and the interval would leave it out.
    return np.asarray((draws[:, 2] + 0.5) / (draws[:, 1] + 0.5))


def _holding(value: float, interval: Interval | None) -> Interval | None:
    # Half counts may move the ends past the value.
    return interval and Interval(min(interval.low, value), max(interval.high, value), interval.method)


def _simultaneous(groups: Sequence[Confusion], seed: int, level: float) -> tuple[_Floats, _Floats]:
    rng, centres, spreads, farthest = np.random.default_rng(seed), [], [], np.zeros(_DRAWS)
    for c in groups:
        table = _table(c)
        shares = (table + 0.5) / (table.sum() + 2.0)
        draws = np.log(_smooth(rng.multinomial(int(table.sum()), shares, size=_DRAWS).astype(np.float64)))
        centre, spread = math.log((c.fn + 0.5) / (c.fp + 0.5)), float(draws.std())
        centres.append(centre)
        spreads.append(spread)
        if spread:
            farthest = np.maximum(farthest, np.abs(draws - centre) / spread)
    reach = float(np.quantile(farthest, level)) * np.array(spreads)
    return np.exp(np.array(centres) - reach), np.exp(np.array(centres) + reach)

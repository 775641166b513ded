"""Entities (persons, accounts) with several rows: outcome tables by slice of entities, and intervals widened by them.

Rows of one entity are alike, so that intervals which take rows as independent are too narrow: rows in clusters of five
with an intra-class correlation of 0.3 make a nominal 95 % interval cover 81 %.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from operator import add
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workbench.core.finding import Evidence, Measure, Result

if TYPE_CHECKING:
    from workbench.core.subject import Subject

SLICES = 64
"""Into how many slices entities are hashed (STATISTICS section 1)."""

_Key = tuple[str, str, str, str, str]
_Runs = dict[_Key, list[float]]


def slices_of(hashes: NDArray[np.uint64], rows: NDArray[np.uint64], missing: int) -> NDArray[np.int64]:
    """Return the slice of each row from its entity's hash; a row without an entity is an entity of its own."""
    entity = np.where(hashes == np.uint64(missing), rows, hashes)
    # The product's top bits depend on all bits of the hash (Knuth, The Art of Computer Programming 3, 6.4).
    return ((entity * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(58)).astype(np.int64)


class Sliced:
    """One builder for all rows, and one for each slice when entities were named."""

    def __init__(self, make: Callable[[], Any], *, by_entity: bool) -> None:
        self._whole = make()
        self._parts = [make() for _ in range(SLICES)] if by_entity else []

    def push(self, places: NDArray[np.int64] | None, *arrays: Any, method: str = "push") -> None:
        """Hand a batch to the builder of all rows and its parts to those of the slices; None passes as it is."""
        getattr(self._whole, method)(*arrays)
        if not self._parts or places is None:
            return
        order = np.argsort(places, kind="stable")
        ends = np.searchsorted(places[order], np.arange(SLICES + 1))
        for part, start, end in zip(self._parts, ends[:-1], ends[1:], strict=True):
            if end > start:
                rows = order[start:end]
                getattr(part, method)(*(a[rows] if isinstance(a, np.ndarray) else a for a in arrays))

    def done(self, cells: Sequence[Any], **about: Any) -> tuple[Any, tuple[Any, ...]]:
        """Return the table of all rows and those of the slices."""
        return self._whole.done(cells, **about), tuple(p.done(cells, **about) for p in self._parts)


@dataclass(frozen=True)
class EntitySlices:
    """Outcome tables of the slices of entities; adding them gives the table of all rows."""

    tables: tuple[Any, ...]

    def __add__(self, other: EntitySlices) -> EntitySlices:
        return EntitySlices(tuple(a + b for a, b in zip(self.tables, other.tables, strict=True)))

    def without(self) -> list[Any]:
        """Return, for each slice, the table of all others."""
        before = list(accumulate(self.tables[:-1], add))
        after = list(accumulate(self.tables[:0:-1], add))[::-1]
        middle = [a + b for a, b in zip(before[:-1], after[1:], strict=True)]
        return [after[0], *middle, before[-1]]


def widened(subject: Subject, result: Result, again: Callable[[Subject], Result]) -> Result:
    """Return the result with intervals widened to what leaving out one slice of entities after another shows.

    The delete-a-group jackknife gives each measure's standard error; where t (63 degrees of freedom) times it exceeds
    the half-width, both sides of the interval grow by the quotient. A gap grows as the most affected group. Intervals
    never shrink. Source: Kott (2001) Journal of Official Statistics 17:521; Korn and Graubard (1998) for the t.
    """
    found = subject.current.slices
    if found is None:
        return result
    runs: _Runs = {}
    others = [None] * SLICES if subject.reference is None else _tables(subject.reference)
    # The same slice is left out of both: an entity in both data sets makes their difference steadier or less steady.
    for current, reference in zip(_tables(subject.current), others, strict=True):
        subject.stop()
        there = replace(subject, current=current, reference=reference)
        for m in again(there).measures:
            if m.value is not None:
                runs.setdefault(_key(m), []).append(float(m.value))
    factors = _factors(result.measures, runs, subject.level)
    measures = [_wider(m, factors.get(_key(m), 1.0)) for m in result.measures]
    return Result(measures, [_redrawn(e, measures) for e in result.evidence], [*result.notes, _NOTE])


def taken_as_independent(result: Result) -> Result:
    """Return the result of a check that knows no entities, saying so."""
    return Result(result.measures, result.evidence, [*result.notes, _UNKNOWING])


_NOTE = (
    f"intervals allow for entities with several rows ({SLICES} slices, jackknife); p-values and null quantiles do not"
)
_UNKNOWING = "rows of one entity are taken as independent here: intervals are too narrow where entities have several"
_ALONE = "none: too few entities"


def _tables(counted: Any) -> list[Any]:
    if counted.slices is None:
        return [counted] * SLICES
    outcome = next(name for name in ("joint", "classes", "regression") if getattr(counted, name) is not None)
    return [replace(counted, **{outcome: table}, slices=None) for table in counted.slices.without()]


def _key(m: Measure) -> _Key:
    return m.name, m.column, m.group, m.window, m.where


def _factors(measures: Sequence[Measure], runs: _Runs, level: float) -> dict[_Key, float]:
    own = {
        _key(m): _factor(m, runs.get(_key(m), []), level) for m in measures if m.low is not None or m.high is not None
    }
    found = {}
    for key, factor in own.items():
        name, column, group, window, where = key
        overall = own.get((name, "", "", window, where), 1.0)
        related = [factor, overall]
        if column and not group:
            related += _of_groups(name, column, own)
        found[key] = max(related)
    return found


def _of_groups(name: str, column: str, own: Mapping[_Key, float]) -> list[float]:
    """Return the factors of the groups that a gap is between: of its own rate, or of every rate when it is composed."""
    groups = {k: v for k, v in own.items() if k[1] == column and k[2]}
    base = [v for k, v in groups.items() if name.startswith(k[0])]
    return base or list(groups.values())


def _factor(m: Measure, values: Sequence[float], level: float) -> float:
    from scipy.special import stdtrit

    finite = [v for v in values if math.isfinite(v)]
    ends = [e for e in (m.low, m.high) if e is not None and math.isfinite(e)]
    if not ends or m.value is None:
        return 1.0
    if len(finite) < SLICES:  # undefined without one slice: that slice's entities say it all
        return math.inf
    spread = np.asarray(finite) - np.mean(finite)
    error = math.sqrt((SLICES - 1) / SLICES * float((spread**2).sum()))
    half = sum(abs(e - m.value) for e in ends) / len(ends)
    return max(1.0, float(stdtrit(SLICES - 1, (1 + level) / 2)) * error / half) if half > 0 else 1.0


def _wider(m: Measure, factor: float) -> Measure:
    if m.value is None or (m.low is None and m.high is None):
        return m
    if math.isinf(factor):
        return replace(m, low=None, high=None, method=_ALONE)
    least, most = _bounds(m)
    low = None if m.low is None else max(least, m.value - factor * (m.value - m.low))
    high = None if m.high is None else min(most, m.value + factor * (m.high - m.value))
    # Another name even where nothing grew: the exact tests of independent rows do not hold.
    return replace(m, low=low, high=high, method=f"{m.method}, entities")


def _bounds(m: Measure) -> tuple[float, float]:
    if m.unit == "share":
        return (-1.0, 1.0) if (m.low or 0.0) < 0 else (0.0, 1.0)
    return (0.0 if m.low is not None and m.low >= 0 else -math.inf), math.inf


def _redrawn(table: Evidence, measures: Sequence[Measure]) -> Evidence:
    """Return a drawing of groups with the widened ends of their measures."""
    if table.kind != "forest" or "group" not in table.columns:
        return table
    name, column = table.notes.get("measure"), table.notes.get("column")
    ends = {m.group: (m.low, m.high) for m in measures if m.name == name and m.column == column and m.group}
    at = [table.columns.index(c) for c in ("group", "low", "high")]
    rows = []
    for row in table.rows:
        cells = list(row)
        if row[at[0]] in ends:
            cells[at[1]], cells[at[2]] = ends[str(row[at[0]])]
        rows.append(tuple(cells))
    return replace(table, rows=tuple(rows))

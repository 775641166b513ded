"""An attacker on a shareable record: what everything in it together says of a cell that it does not tell.

Each number that counts rows is a linear equation over the unknown joint table (values of the sensitive columns x truth
x score bin or prediction). The smallest and the largest value of a cell under all of them are two linear programs
(Fischetti and Salazar 2003, Management Science 49:1008, for the audit of suppressed tables), solved by HiGHS.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbench.audit.cells import (
    COUNTS,
    ON_ALL_ROWS,
    RATES,
    UNKNOWN,
    Columns,
    Group,
    State,
    as_dicts,
    counts_of,
    group_of,
)
from workbench.audit.record import Record
from workbench.core.errors import thousands
from workbench.core.finding import Cell, Evidence, Finding, Measure

MOST_UNKNOWNS = 6_000
"""Cells of the joint table beyond which the programs would take minutes."""

_TABLE_COUNTS: Mapping[str, frozenset[State]] = {
    "rows": COUNTS["count"],
    "selected": COUNTS["selected"],
    "benefit_0": COUNTS["false_negatives"],
    "benefit_1": COUNTS["true_positives"] | COUNTS["true_negatives"],
    "benefit_2": COUNTS["false_positives"],
}
_TOLERANCE = 1e-6


class TooLargeError(Exception):
    """The joint table has more cells than can be attacked; nothing may be said to be protected."""


class Part(NamedTuple):
    """Some rows: those of a group (no columns: all), with these states, or of a truth and scores from `low` to `high`.

    `window` is "" for the current data and "reference"; scores count from the first edge on, up to the second.
    """

    columns: Columns = ()
    group: Group = ()
    states: frozenset[State] = COUNTS["count"]
    window: str = ""
    truths: tuple[int, ...] = ()
    low: float = -math.inf
    high: float = math.inf


class Range(NamedTuple):
    """The smallest and the largest number of rows that all equations together allow a part to have."""

    low: int
    high: float

    def leaves_open(self, minimum: int, total: int | None = None) -> bool:
        """Say whether the number may be the minimum or more, and is one of `minimum` values or more.

        Where all rows together have fewer (`total`), nobody can hide more than that.
        """
        most = minimum if total is None else min(minimum, total)
        return self.high >= most and self.high - self.low >= min(minimum - 1, most)

    def gives_away(self, minimum: int, total: int | None = None) -> bool:
        """Say whether it tells a small number: not none for certain, not large, and not left open."""
        return not (self.high == 0 or self.low >= minimum or self.leaves_open(minimum, total))


@dataclass
class Attacker:
    """Reads a record, and knows which groups there are (`groups`, by the columns that form them)."""

    record: Record
    groups: Mapping[Columns, Iterable[Group]]
    exact: bool = False
    _systems: dict[tuple[Columns, str], _System] = field(default_factory=dict)

    @cached_property
    def facts(self) -> list[tuple[Part, int]]:
        """Return every equation: a part and how many rows it has."""
        found = dict(_facts(self.record, self._columns))
        found |= dict(_from_differences(self.record, found))
        return list(found.items())

    @cached_property
    def _columns(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(c for columns in self.groups for c in columns))

    def range(self, part: Part) -> Range:
        """Return what the equations allow a part; TooLargeError when there are too many unknowns."""
        return self._system(part).ranges([part])[0]

    def given_away(self, parts: Iterable[Part], minimum: int) -> list[Part]:
        """Return those parts that the equations tell to be small, more than their totals over all rows tell.

        A group that is the only one of its columns holds all rows: what is told of them is told of it.
        """
        by_system: dict[_System, list[Part]] = {}
        for part in (p for p in parts if len(list(self.groups[p.columns])) > 1):
            by_system.setdefault(self._system(part), []).append(part)
        found: list[Part] = []
        for system, some in by_system.items():
            of_all = [self._total(part) for part in some]
            ranges = system.ranges(some, [(minimum, total) for total in of_all])
            found += [p for p, r, total in zip(some, ranges, of_all, strict=True) if r.gives_away(minimum, total)]
        return found

    def _total(self, part: Part) -> int | None:
        """Return how many rows of any group are like a part at most."""
        overall = part._replace(columns=(), group=())
        if overall not in self._totals:
            high = self._system(part).ranges([overall])[0].high
            self._totals[overall] = int(high) if math.isfinite(high) else None
        return self._totals[overall]

    @cached_property
    def _totals(self) -> dict[Part, int | None]:
        return dict(self.facts)

    def reasons(self, part: Part) -> list[Part]:
        """Return what is told of groups that holds a part in its range; nothing where all rows together do."""
        return self._system(part).reasons(part)

    def _system(self, part: Part) -> _System:
        key = self._joined(part), part.window
        if key not in self._systems:
            self._systems[key] = _System(self.facts, key[0], self.groups, part.window, self.exact)
        return self._systems[key]

    def _joined(self, part: Part) -> Columns:
        """Return the columns that equations join to a part's; the others say nothing of it that all rows do not."""
        found = set(part.columns)
        joins = [set(p.columns) for p, _ in self.facts if len(p.columns) > 1 and p.window == part.window]
        before = -1
        while before != len(found):
            before = len(found)
            for some in joins:
                found |= some if some & found else set()
        return tuple(c for c in self._columns if c in found)


class _System:
    """The equations of one window over its joint table."""

    def __init__(
        self,
        facts: Sequence[tuple[Part, int]],
        columns: tuple[str, ...],
        groups: Mapping[Columns, Iterable[Group]],
        window: str,
        exact: bool,
    ) -> None:
        from scipy.sparse import csr_array

        mine = [(part, count) for part, count in facts if part.window == window and set(part.columns) <= {*columns}]
        self._columns, self._exact = columns, exact
        self._values = [_values(c, groups) for c in columns]
        self._threshold = _audited(mine)
        if self._threshold is None:  # predictions are not these scores cut at an edge: two tables, not one
            mine = [(part, count) for part, count in mine if not part.truths]
        self._edges = sorted({e for part, _ in mine for e in (part.low, part.high) if math.isfinite(e)})
        # The last slot holds rows without a prediction; without edges: not selected, selected, none.
        slots = len(self._edges) + 2 if self._edges else 3
        self._shape = (*(len(v) for v in self._values), 3, slots)
        if math.prod(self._shape) > MOST_UNKNOWNS:
            raise TooLargeError(f"{thousands(math.prod(self._shape))} unknowns")
        rows = {self._mask(part).tobytes(): (part, count) for part, count in mine}
        masks = np.array([np.frombuffer(m, bool) for m in rows], float).reshape(len(rows), math.prod(self._shape))
        self._parts = [part for part, _ in rows.values()]
        self._equations, self._totals = csr_array(masks), np.array([count for _, count in rows.values()], float)

    def _mask(self, part: Part) -> NDArray[np.bool_]:
        inside = np.ones(self._shape, bool)
        for column, value in zip(part.columns, part.group, strict=True):
            axis = self._columns.index(column)
            chosen = np.array([v == value for v in self._values[axis]])
            inside &= chosen.reshape([-1 if i == axis else 1 for i in range(len(self._shape))])
        states = np.zeros(self._shape[-2:], bool)
        if part.truths:
            for truth in part.truths:
                states[truth, self._between(part.low, part.high)] = True
        else:
            for truth, prediction in part.states:
                states[truth, self._predicted(prediction)] = True
        found: NDArray[np.bool_] = inside & states
        return found

    def _between(self, low: float, high: float) -> list[int]:
        starts = [-math.inf, *self._edges]
        return [i for i, start in enumerate(starts) if low <= start < high]

    def _predicted(self, prediction: int) -> list[int]:
        last = self._shape[-1] - 1
        if prediction == UNKNOWN:
            return [last]
        if not self._edges:
            return [1] if prediction else [0]
        at = -math.inf if self._threshold is None else self._threshold
        return self._between(at, math.inf) if prediction else self._between(-math.inf, at)

    def ranges(self, parts: Sequence[Part], enough: Sequence[tuple[int, int | None]] = ()) -> list[Range]:
        """Return the range of each part by two programs, in whole numbers when exact.

        A solution found for one part is a table that fits the equations, and so a witness for all: where `enough` (a
        minimum and a total for each) is given, a part that is seen to be protected costs no program of its own.
        """
        aims = np.array([self._mask(part).ravel() for part in parts], float)
        seen = np.array([[np.inf, -np.inf]] * len(parts))
        for i in range(len(parts)):
            for sign in (-1.0, 1.0):
                if enough and np.isfinite(seen[i]).all() and _whole(seen[i]).leaves_open(*enough[i]):
                    break
                answer = self._solve(sign * aims[i])
                if answer.status != 0:  # equations that contradict each other protect nothing for certain
                    return [Range(0, 0.5)] * len(parts)
                values = aims @ answer.x
                seen = np.stack((np.minimum(seen[:, 0], values), np.maximum(seen[:, 1], values)), axis=1)
        return [_whole(ends) for ends in seen]

    def _solve(self, aim: NDArray[np.float64]) -> Any:
        """Return SciPy's answer: among the tables that fit the equations, one that makes the aim smallest."""
        from scipy.optimize import LinearConstraint, linprog, milp

        if self._exact:
            limits = LinearConstraint(self._equations, self._totals, self._totals)
            return milp(aim, constraints=limits, integrality=np.ones(len(aim)))
        return linprog(aim, A_eq=self._equations, b_eq=self._totals, method="highs")

    def reasons(self, part: Part) -> list[Part]:
        """Return the equations about groups that hold a part where it is, by the programs' dual values.

        None is returned where what is told of all rows together holds it there.
        """
        aim = self._mask(part).ravel().astype(float)
        found: dict[Part, None] = {}
        for sign in (-1.0, 1.0):
            answer = self._solve(sign * aim)
            weights = answer.eqlin.marginals if answer.status == 0 else np.ones(len(self._parts))
            found |= {p: None for p, w in zip(self._parts, weights, strict=True) if abs(w) > _TOLERANCE and p.columns}
        return list(found)


def _whole(ends: NDArray[np.float64]) -> Range:
    return Range(math.ceil(ends[0] - _TOLERANCE), math.floor(ends[1] + _TOLERANCE))


def _values(column: str, groups: Mapping[Columns, Iterable[Group]]) -> list[str | None]:
    found = {g[columns.index(column)]: None for columns, some in groups.items() if column in columns for g in some}
    return list(found)


def _audited(facts: Sequence[tuple[Part, int]]) -> float | None:
    """Return the edge at which the counts by prediction and those by score agree, or None where none does."""
    by_part = dict(facts)
    selected = by_part.get(Part(states=COUNTS["selected"]))
    for part, count in facts:
        if not part.columns and part.truths == (1, 0, UNKNOWN) and part.high == math.inf and count == selected:
            return part.low
    return None


# ---------------------------------------------------------------------------- what a record says


def _facts(record: Record, columns: tuple[str, ...]) -> Iterator[tuple[Part, int]]:
    for window in ("current", "reference"):
        side = record.subject.get(window) or {}
        if side.get("rows") is not None:
            yield Part(window="" if window == "current" else window), int(side["rows"])
    for finding in record.findings:
        for m in finding.measures:
            yield from _of_measure(finding, m, columns)
        for evidence in finding.evidence:
            yield from _of_table(evidence, _reference_present(record, str(evidence.notes.get("column") or "")))


def _of_measure(finding: Finding, m: Measure, columns: tuple[str, ...]) -> Iterator[tuple[Part, int]]:
    if m.where:
        return
    if m.name == "missing_share" and m.column in columns and m.value is not None and m.n is not None:
        yield Part((m.column,), (None,), window=m.window), round(m.value * m.n)
    if m.name == "unknown_count" and m.column in columns and m.value is not None:
        yield Part((m.column,), (None,)), round(m.value)
    if finding.check not in ON_ALL_ROWS or m.window or (m.column and not m.group):
        return
    place = group_of(m.group) if m.group else ((), ())
    base = m.name.partition("_to_")[0]
    if base != m.name and base in RATES and m.n is not None:
        yield Part(*place, RATES[base][1]), m.n
    for states, count in counts_of(m):
        yield Part(*place, states), count


def _from_differences(record: Record, known: Mapping[Part, int]) -> Iterator[tuple[Part, int]]:
    """Yield numerators from a group's difference to the overall rate, where that one and the denominator are known."""
    for finding, m in record.measures():
        base, _, rest = m.name.partition("_to_overall_")
        if not m.group or rest != "difference" or base not in RATES or m.value is None or not m.n:
            continue
        inner, outer = (known.get(Part(states=s)) for s in RATES[base])
        if inner is not None and outer and finding.check in ON_ALL_ROWS:
            yield Part(*group_of(m.group), RATES[base][0]), round(m.n * (m.value + inner / outer))


def _of_table(evidence: Evidence, n_reference: int | None) -> Iterator[tuple[Part, int]]:
    if evidence.kind == "threshold":
        yield from _of_thresholds(evidence)
        return
    if "group" not in evidence.columns:
        return
    measure = str(evidence.notes.get("measure") or "")
    for row in as_dicts(evidence):
        if not row["group"]:
            continue
        place = group_of(str(row["group"]))
        # A category that the current data has not is given its reference's number of rows.
        counted = () if row.get("current") == 0 else _TABLE_COUNTS.items()
        for name, states in counted:
            if (count := row.get(name)) is not None:
                yield Part(*place, states), round(float(count))
        if measure in RATES and row.get("n") is not None:
            value = row.get("value")
            shown = Measure(measure, None if value is None else float(value), n=int(row["n"] or 0))
            yield from ((Part(*place, states), count) for states, count in counts_of(shown))
        if evidence.kind == "categories" and row.get("reference") is not None and n_reference is not None:
            yield Part(*place, window="reference"), round(float(row["reference"] or 0) * n_reference)


def _reference_present(record: Record, column: str) -> int | None:
    rows = (record.subject.get("reference") or {}).get("rows")
    for _, m in record.measures():
        if (m.name, m.column, m.window) == ("missing_share", column, "reference") and m.value is not None and rows:
            return int(rows) - round(m.value * int(rows))
    return None


def _of_thresholds(evidence: Evidence) -> Iterator[tuple[Part, int]]:
    for row in as_dicts(evidence):
        place = group_of(str(row["group"])) if row["group"] else ((), ())
        edge = float(row["threshold"] or 0)
        wanted: tuple[tuple[str, tuple[int, ...], float], ...] = (
            ("selected", (1, 0, UNKNOWN), edge),
            ("true_positives", (1,), edge),
            ("false_positives", (0,), edge),
            ("predicted", (1, 0, UNKNOWN), -math.inf),
            ("positives", (1,), -math.inf),
        )
        for name, truths, low in wanted:
            count: Cell = row.get(name)
            if count is not None:
                yield Part(*place, truths=truths, low=low), round(float(count))
        if row.get("labelled") is not None and row.get("positives") is not None:
            negatives = round(float(row["labelled"] or 0)) - round(float(row["positives"] or 0))
            yield Part(*place, truths=(0,)), negatives
        if row.get("rows") is not None:
            yield Part(*place), round(float(row["rows"] or 0))

"""Which groups are withheld from a shareable record, and how finely the others are told.

A group is told at a level only when each of its cells there is 0 or at least the minimum. What is withheld of a line
(the groups of one column, or those that share all values but one) is the line's total minus what is told of it: that
rest must be two groups or more with cells of 0 or at least the minimum too, so the smallest other groups join it
(complementary suppression; Hundepool et al. 2012, Statistical Disclosure Control, chapter 4).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations

from workbench.audit.cells import COARSER, COUNTS, Cells, Columns, Group, Level

Tables = Mapping[Columns, Mapping[Group, Cells]]


@dataclass(frozen=True)
class Withheld:
    """The groups withheld, by columns and level; what is withheld at a coarse level is at every finer one."""

    groups: Mapping[tuple[Columns, Level], frozenset[Group]]

    def at(self, columns: Columns, level: Level) -> frozenset[Group]:
        """Return the groups of these columns that are not told at a level."""
        return self.groups.get((columns, level), frozenset())

    def any(self, columns: Columns) -> bool:
        """Say whether anything of these columns' groups is withheld at any level."""
        return any(self.at(columns, level) for level in Level)

    @property
    def nothing(self) -> bool:
        """Say whether nothing is withheld at all."""
        return not any(self.groups.values())

    def hidden(self) -> Iterator[tuple[Columns, Group]]:
        """Yield the groups of which not even the number of rows is told."""
        for (columns, level), groups in self.groups.items():
            if level is Level.ROWS:
                yield from ((columns, group) for group in groups)


def choose(tables: Tables, minimum: int, more: Iterable[tuple[Columns, Level, Group]] = ()) -> Withheld:
    """Return the smallest withholding by the rules above that also withholds `more`."""
    found: dict[tuple[Columns, Level], set[Group]] = {}
    for columns in sorted(tables, key=lambda c: (len(c), c)):
        for level in Level:
            groups = tables[columns]
            start = {g for g, cells in groups.items() if not _told(cells, level, minimum)}
            start |= {g for c, at, g in more if c == columns and (at is level or at in COARSER[level])}
            for coarse in COARSER[level]:
                start |= found[columns, coarse]
            start |= set(_of_withheld_parents(columns, groups, found, level))
            found[columns, level] = _completed(columns, groups, level, start, found, minimum)
    return Withheld({key: frozenset(groups) for key, groups in found.items() if groups})


def may(count: int, minimum: int) -> bool:
    """Say whether a number of rows may be told."""
    return count == 0 or count >= minimum


def _told(cells: Cells, level: Level, minimum: int) -> bool:
    counts = cells.at(level)
    told = counts is not None and all(may(c, minimum) for c in counts.values())
    return told and (level is not Level.ROWS or may(cells.reference, minimum))


def parents(columns: Columns) -> Iterator[tuple[tuple[int, ...], Columns]]:
    """Yield the places and the columns that are left when one of several columns is taken out; none for one."""
    if len(columns) > 1:
        for places in combinations(range(len(columns)), len(columns) - 1):
            yield places, tuple(columns[p] for p in places)


def _of_withheld_parents(
    columns: Columns,
    groups: Mapping[Group, Cells],
    found: Mapping[tuple[Columns, Level], set[Group]],
    level: Level,
) -> Iterator[Group]:
    for places, parent in parents(columns):
        hidden = found.get((parent, level), set())
        yield from (g for g in groups if tuple(g[p] for p in places) in hidden)


def lines(columns: Columns, groups: Mapping[Group, Cells]) -> list[list[Group]]:
    """Return the sets of groups whose total somebody may know: all of a column, or all that share the other values."""
    if len(columns) == 1:
        return [list(groups)]
    found: dict[tuple[Columns, Group], list[Group]] = {}
    for places, parent in parents(columns):
        for g in groups:
            found.setdefault((parent, tuple(g[p] for p in places)), []).append(g)
    return list(found.values())


def _completed(
    columns: Columns,
    groups: Mapping[Group, Cells],
    level: Level,
    start: set[Group],
    found: Mapping[tuple[Columns, Level], set[Group]],
    minimum: int,
) -> set[Group]:
    withheld, before = set(start), -1
    while before != len(withheld):
        before = len(withheld)
        for line in lines(columns, groups):
            while not _covered([g for g in line if g in withheld], groups, level, minimum):
                rest = [g for g in line if g not in withheld]
                if not rest:
                    break
                withheld.add(min(rest, key=lambda g: cost(g, groups[g])))
    return withheld


def cost(group: Group, cells: Cells) -> tuple[bool, int, tuple[str, ...]]:
    """Order groups by what withholding them costs: those without a value first, then the smallest."""
    return None not in group, cells.rows, tuple(v or "" for v in group)


def _covered(withheld: list[Group], groups: Mapping[Group, Cells], level: Level, minimum: int) -> bool:
    """Say whether the withheld groups of a line hide each other."""
    if not withheld:
        return True
    parts = [counts for g in withheld if (counts := groups[g].at(level)) is not None]
    if len(withheld) < 2 or len(parts) < len(withheld):
        return len(withheld) >= 2 and not parts
    totals = {states: sum(counts.get(states, 0) for counts in parts) for states in {s for c in parts for s in c}}
    if not all(may(total, minimum) for total in totals.values()):
        return False
    if level is not Level.ROWS:
        return True
    # Each of them is there: the others take at least one row, and what is left must reach the minimum.
    return totals[COUNTS["count"]] >= minimum + len(withheld) - 1 and may(
        sum(groups[g].reference for g in withheld), minimum
    )

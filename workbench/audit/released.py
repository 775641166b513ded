"""Which measures of a record go into its shareable derivative, and which are emptied or left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from workbench.audit import vocabulary as known
from workbench.audit.cells import ON_ALL_ROWS, RATES, Cells, Columns, Group, Level, group_of
from workbench.audit.record import Record
from workbench.audit.suppressed import WITHHELD, without_numbers
from workbench.audit.withheld import Withheld
from workbench.core.finding import Finding, Measure, column_label, group_parts
from workbench.core.rates import Fraction, gap_measures


@dataclass(frozen=True)
class Release:
    """A record, its groups' cells, what is withheld of them, and the minimum."""

    record: Record
    tables: Mapping[Columns, Mapping[Group, Cells]]
    withheld: Withheld
    minimum: int

    @cached_property
    def groupings(self) -> dict[str, Columns]:
        """Return the columns that form groups, by the label that measures of theirs carry."""
        named = {column_label(columns): columns for columns in self.tables}
        sensitive = self.record.subject.get("roles", {}).get("sensitive", ())
        return {**{column: (column,) for column in sensitive}, **named}

    def shows(self, columns: Columns, group: Group, level: Level) -> bool:
        """Say whether a group is told at a level."""
        there = group in self.tables.get(columns, {})
        return there and not any(group in self.withheld.at(columns, at) for at in (Level.ROWS, level))

    def shows_compared(self, columns: Columns, level: Level) -> bool:
        """Say whether every group that enters comparisons is told at a level."""
        groups = self.tables.get(columns, {})
        small = {g for g, cells in groups.items() if None in g or cells.rows < self.record.minimum_group_size}
        return bool(groups) and self.withheld.at(columns, level) <= small

    # ------------------------------------------------------------------------ measures

    def measures(self, finding: Finding) -> list[Measure]:
        """Return the measures of a finding that go out; emptied ones say that they are withheld."""
        return [kept for m in finding.measures if (kept := self._measure(finding, m)) is not None]

    def _measure(self, finding: Finding, m: Measure) -> Measure | None:
        if m.where and finding.check not in known.WHERE_IS_NO_SUBSET:
            return None
        if finding.check == "optimize.mitigation" and not self.withheld.nothing:
            return None
        if m.group:
            return self._of_group(finding, m)
        if m.column in self.groupings:
            m = self._of_grouping(finding, m, self.groupings[m.column])
        elif self._tells_of_withheld(finding, m):
            m = emptied(m)
        return emptied(m) if self._of_few_rows(m) else m

    def _tells_of_withheld(self, finding: Finding, m: Measure) -> bool:
        """Say whether a measure of several columns is also about one of which groups are withheld."""
        if m.name in known.OF_ALL_COLUMNS:
            return any(self.withheld.at(columns, Level.ROWS) for columns in self.tables)
        pair = group_parts(m.column) if finding.check in known.OF_PAIRS else []
        return any(self.withheld.any((column,)) for column, _ in pair)

    def _of_few_rows(self, m: Measure) -> bool:
        of_rows = m.unit in ("", "share", "rows", "ratio") and m.name not in known.NOT_OF_ROWS
        if m.n is not None and 0 < m.n < self.minimum and of_rows:
            return True
        if m.name in known.QUANTILES:
            q = known.QUANTILES[m.name]
            return m.n is None or m.n * min(q, 1 - q) < self.minimum
        return m.name in known.SINGLE_VALUES

    def _of_group(self, finding: Finding, m: Measure) -> Measure | None:
        columns, group = group_of(m.group)
        if not self.shows(columns, group, Level.ROWS) or m.window or m.where:
            return None
        if finding.check not in ON_ALL_ROWS:
            fitted = m.name in known.OF_MODELS and not self.withheld.any(columns) and (m.n or 0) >= self.minimum
            return m if fitted else None
        return m if self.tells_group(columns, group, m) else emptied(m)

    def tells_group(self, columns: Columns, group: Group, m: Measure) -> bool:
        """Say whether a measure of a group that is told may keep its numbers."""
        level = known.level_of(m.name)
        if level is None or not self.shows(columns, group, level):
            return False
        if known.depends_on_others(m.name) and not self.shows_compared(columns, level):
            return False
        return m.n is None or m.n == 0 or m.n >= self.minimum

    def _of_grouping(self, finding: Finding, m: Measure, columns: Columns) -> Measure:
        if finding.check.split(".")[0] not in ("bias", "optimize", "performance"):
            return emptied(m) if self.withheld.at(columns, Level.ROWS) else m
        level = known.GAPS.get(m.name)
        if level is not None:
            return m if self.shows_compared(columns, level) else emptied(m)
        base, _, kind = m.name.rpartition("_")
        rate = known.ALIASES.get(base, base)
        if kind in ("difference", "ratio") and known.base_of(base) in {*RATES, *known.ALIASES}:
            return self._gap(m, columns, base, rate)
        return emptied(m) if self.withheld.any(columns) else m

    def _gap(self, m: Measure, columns: Columns, base: str, rate: str) -> Measure:
        level = known.level_of(rate) or Level.BOTH
        if self.shows_compared(columns, level):
            return m
        if rate not in RATES or m.where or m.window:
            return emptied(m)
        told = gap_measures(base, m.column, self._fractions(columns, rate, level), self._level)
        for gap in told:
            if gap.name == m.name:
                method = f"{gap.method}, of the groups told" if gap.method else "of the groups told"
                return replace(gap.frozen(), method=method)
        return emptied(m)

    @property
    def _level(self) -> float:
        return float(self.record.policy.get("level", 0.95))

    def _fractions(self, columns: Columns, rate: str, level: Level) -> list[Fraction]:
        inner, outer = RATES[rate]
        found = []
        for group, cells in self.tables[columns].items():
            compared = None not in group and cells.rows >= self.record.minimum_group_size
            if compared and self.shows(columns, group, level) and cells.counts.get(outer):
                found.append((cells.counts[inner], cells.counts[outer]))
        return found


def emptied(m: Measure) -> Measure:
    """Return a measure without its numbers and without its method, which may hold some."""
    return replace(without_numbers(m, WITHHELD), method="")

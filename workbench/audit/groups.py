"""The groups of a record with their counts, at the audit's threshold or at another, and which of them may be told.

Intersections are counted at the audit's threshold only; single columns at every threshold of the record.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property

from workbench.audit.cells import COUNTS, Cells, Columns, Group, group_of, read_cells
from workbench.audit.record import Record
from workbench.audit.threshold import audited_threshold, confusion_of, counts_at_thresholds, nearest, rows_at
from workbench.audit.threshold import thresholds as thresholds_of
from workbench.audit.withheld import choose
from workbench.core.finding import column_label, group_label
from workbench.core.joint import Confusion
from workbench.core.rates import GroupCounts, Grouping

WITHHELD = "withheld"
"""What is said of a group that would give away the numbers of a small one."""


class Groups:
    """The groupings of one record. Groups under the minimum are never told.

    With `complement` those that a small one could be worked out from, by subtraction, are told at the audit's threshold
    only, as they are in the findings: whoever has the rows can count them, whoever only reads the record must not.
    """

    def __init__(self, record: Record, *, complement: bool = True) -> None:
        self.record = record
        self.minimum = record.minimum_group_size
        self.level = float(record.policy.get("level", 0.95))
        self._complement = complement
        self._evidence = counts_at_thresholds(record)
        self.thresholds = thresholds_of(record)
        self.audited = audited_threshold(record)

    @cached_property
    def _cells(self) -> dict[Columns, dict[Group, Cells]]:
        wanted = set(self.record.subject.get("roles", {}).get("sensitive") or ())
        found = {c: g for c, g in read_cells(self.record).items() if not wanted or set(c) <= wanted}
        return {c: g for c, g in found.items() if any(COUNTS["predicted"] in cells.counts for cells in g.values())}

    @cached_property
    def untold(self) -> Mapping[str, str]:
        """Return the labels of groups whose numbers are told nowhere, with what stands in their place."""
        found = dict.fromkeys(self.record.small_groups, f"n < {self.minimum}")
        for columns, groups in self._cells.items():
            for group, cells in groups.items():
                if COUNTS["count"] not in cells.counts:  # a shareable record does not tell it
                    found.setdefault(group_label(columns, group), WITHHELD)
        return found

    @cached_property
    def _elsewhere(self) -> Mapping[str, str]:
        if not self._complement:
            return self.untold
        single: dict[Columns, dict[Group, Cells]] = {c: g for c, g in self._cells.items() if len(c) == 1}
        hidden = [group_label(*pair) for pair in choose(single, self.minimum).hidden()]
        return {**dict.fromkeys(hidden, WITHHELD), **self.untold}

    def hidden(self, threshold: float | None = None) -> Mapping[str, str]:
        """Return the labels of groups not told at a threshold, with what stands in their place."""
        return self.untold if threshold in (None, self.audited) else self._elsewhere

    @cached_property
    def columns(self) -> Mapping[str, Columns]:
        """Return the columns of every grouping by its label, single columns first, then their intersections."""
        return {column_label(c): c for c in sorted(self._cells, key=len)}

    def moves(self, label: str) -> bool:
        """Say whether a grouping's rates are known at other thresholds than the audit's."""
        return label in self._tabled

    def nearest(self, threshold: float | None) -> float | None:
        """Return the threshold that the record answers for nearest to one; None where it has no scores."""
        if not self.thresholds:
            return None
        return self.audited if threshold is None else nearest(self.thresholds, threshold)

    @cached_property
    def _tabled(self) -> frozenset[str]:
        if self._evidence is None:
            return frozenset()
        at = self._evidence.columns.index("column")
        return frozenset(str(row[at]) for row in self._evidence.rows if row[at])

    def overall(self, threshold: float | None = None) -> Confusion | None:
        """Return the counts of all rows at a threshold, or as the audit measured them."""
        if self._evidence is None:
            return self._measured
        at = self.audited if threshold is None else threshold
        return next((confusion_of(r) for r in rows_at(self._evidence, float(at or 0)) if not r["group"]), None)

    @cached_property
    def _measured(self) -> Confusion | None:
        """Add up a column whose groups are all counted: every row is in one of them."""
        for columns, groups in self._cells.items():
            if len(columns) == 1:
                return _sum(_confusion(cells) for cells in groups.values())
        return None

    def grouping(self, label: str, threshold: float | None = None) -> Grouping | None:
        """Return a grouping at one of the record's thresholds, or as measured; None when the record has none of it."""
        if label in self._tabled and self._evidence is not None:
            at = self.audited if threshold is None else threshold
            rows = [r for r in rows_at(self._evidence, float(at or 0)) if r["column"] == label]
            groups = [self._group(str(r["group"]), confusion_of(r), at) for r in rows]
        elif label in self.columns:
            table = self._cells[self.columns[label]]
            groups = [self._group(group_label(self.columns[label], g), _confusion(c)) for g, c in table.items()]
        else:
            return None
        overall = self.overall(threshold if self.moves(label) else None)
        return Grouping(self.columns.get(label, (label,)), tuple(groups), overall or _sum(g.counts for g in groups))

    def _group(self, label: str, counts: Confusion, threshold: float | None = None) -> GroupCounts:
        _, values = group_of(label)
        told = label not in self.hidden(threshold)
        return GroupCounts(values, label, counts, told and counts.rows >= self.minimum and None not in values)


def _confusion(cells: Cells) -> Confusion:
    def count(name: str) -> int:
        return cells.counts.get(COUNTS[name], 0)

    return Confusion(
        tp=count("true_positives"),
        fp=count("false_positives"),
        fn=count("false_negatives"),
        tn=count("true_negatives"),
        rows=count("count"),
        predicted=count("predicted"),
        selected=count("selected"),
        labelled=count("labelled"),
        positives=count("positives"),
    )


def _sum(tables: Iterable[Confusion]) -> Confusion:
    return Confusion(*map(sum, zip(*tables, strict=True))) if (tables := list(tables)) else Confusion(*[0] * 9)

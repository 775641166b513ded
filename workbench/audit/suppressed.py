"""What is taken out of measures, judgements and tables, whoever decides that it must not be seen."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from workbench.core.finding import Cell, Evidence, Measure
from workbench.core.personal import kind_by_name

if TYPE_CHECKING:
    from workbench.audit.record import Judgement, Record

WITHHELD = "withheld: a small group could be worked out from it"
"""Why a number is not in a shareable record."""

DISCLOSED = "disclosed"
"""Where a shareable derivative's subject names its parent's digest and its minimum."""

KEPT_COLUMNS = frozenset({"group", "label", "category", "column", "threshold"})


def small_groups(record: Record) -> frozenset[str]:
    """Return the labels of groups with fewer rows than the minimum, by their `count` or by the rows of a table."""
    least = record.minimum_group_size
    counted = (m for _, m in record.measures() if m.group and m.name == "count")
    found = {m.group for m in counted if (m.value or 0) < least}
    for finding in record.findings:
        for evidence in finding.evidence:
            found |= _small_in(evidence, least)
    return frozenset(found)


def _small_in(evidence: Evidence, minimum: int) -> set[str]:
    if not {"group", "rows"} <= set(evidence.columns):
        return set()
    group, rows = evidence.columns.index("group"), evidence.columns.index("rows")
    return {
        str(row[group])
        for row in evidence.rows
        if row[group] and isinstance(size := row[rows], int | float) and size < minimum
    }


def holds_personal_data(record: Record, column: str) -> bool:
    """Say whether a column holds personal data or secrets, by its name or by what the check of it found."""
    return bool(kind_by_name(column)) or column in personal_by_values(record)


def personal_by_values(record: Record) -> frozenset[str]:
    """Return the columns of which the audit found that they hold personal data or secrets."""
    return frozenset(m.column for _, m in record.measures() if m.name == "flagged" and m.value)


def without_numbers(m: Measure, because: str) -> Measure:
    """Return a measure without its numbers, with the reason in their place."""
    return replace(m, value=None, low=None, high=None, n=None, error_bound=None, undefined_because=because)


def judgement_without_numbers(j: Judgement, because: str) -> Judgement:
    """Return a judgement without its numbers, with the reason in place of its own."""
    bare = replace(j, value=None, low=None, high=None, n=None, p_value=None, adjusted_p_value=None)
    return replace(bare, minimum_detectable=None, reason=because)


def rows_without_numbers(evidence: Evidence, groups: frozenset[str]) -> tuple[Evidence, frozenset[int]]:
    """Return a table without the numbers of these groups' rows, and which rows these are."""
    if "group" not in evidence.columns:
        return evidence, frozenset()
    at = evidence.columns.index("group")
    hidden = frozenset(i for i, row in enumerate(evidence.rows) if row[at] in groups)
    rows = tuple(_blank(evidence, row) if i in hidden else row for i, row in enumerate(evidence.rows))
    return replace(evidence, rows=rows), hidden


def _blank(evidence: Evidence, row: tuple[Cell, ...]) -> tuple[Cell, ...]:
    pairs = zip(evidence.columns, row, strict=True)
    return tuple(cell if name in KEPT_COLUMNS else None for name, cell in pairs)

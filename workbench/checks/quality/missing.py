"""How much of each column is missing, and which columns are missing together."""

from __future__ import annotations

from workbench.core.check import check
from workbench.core.counts import Counted
from workbench.core.finding import Cell, Evidence, Measure, Result
from workbench.core.intervals import wilson
from workbench.core.missing import MissingCounts
from workbench.core.rates import measure
from workbench.core.subject import Subject

_MOST_SETS = 15
_MOST_IN_A_SET = 30


@check("quality.missing", "Q002", "Missing values", version="2")
def missing(subject: Subject) -> Result:
    """Measure the share of missing values in every column, and which columns are missing together.

    Measures: `missing_share` per column, rows without a value over all rows, with a Wilson interval; `missing_cells`,
        the number of them in all; `complete_row_share`, rows without any missing value over all rows;
        `missing_sets`, the number of different sets of columns that are missing together; the reference's under window
        "reference".
    Reads well when: missing values are written as missing (null, NaN, an empty field, or a declared token).
    Signs of risk: a share above what the model was trained with; a column that becomes empty; a sensitive column with
        gaps, because every group comparison leaves those rows out; columns that are missing together, as after a join
        that found nothing.
    Limits: tokens such as "?" or -999 count as values unless they are declared. It says how much is missing, not why.
        Sets of fewer rows than the smallest group that may be shown are shown as one. Beyond 4,096 sets a hashed sample
        of them is kept; complete rows are always counted.
    Reference: Wilson (1927) JASA 22:209 for the interval; Rubin (1976) Biometrika 63:581 on why the reason matters.
    """
    found = _of(subject.current, "", subject.level)
    if subject.reference is not None:
        found += _of(subject.reference, "reference", subject.level)
    tables = [_columns(subject), _sets(subject)]
    return Result(found, [table for table in tables if table is not None])


def _of(counted: Counted, window: str, level: float) -> list[Measure]:
    why = "there are no rows"
    found = [
        measure(
            "missing_share", c.missing, c.rows, wilson(c.missing, c.rows, level), column=name, window=window, why=why
        )
        for name, c in counted.columns.items()
    ]
    cells = sum(c.missing for c in counted.columns.values())
    n = counted.rows * len(counted.columns)
    found.append(Measure("missing_cells", cells, window=window, n=n))
    table = counted.missing
    if table is None:
        return found
    interval = wilson(table.complete, table.rows, level)
    whole = measure("complete_row_share", table.complete, table.rows, interval, window=window, why=why)
    sets = sum(1 for bits in table.counts if any(bits))
    method = "" if table.exact else "hashed sample"
    return [*found, whole, Measure("missing_sets", sets << table.level, window=window, n=table.rows, method=method)]


def _columns(subject: Subject) -> Evidence:
    rows = []
    for name, column in subject.current.columns.items():
        other = None if subject.reference is None else subject.reference.columns.get(name)
        now = column.missing / column.rows if column.rows else None
        rows.append((name, now, other.missing / other.rows if other and other.rows else None))
    rows.sort(key=lambda row: -max(row[1] or 0.0, row[2] or 0.0))
    return Evidence("missing", "Missing share by column", "missing", ("column", "current", "reference"), tuple(rows))


def _sets(subject: Subject) -> Evidence | None:
    """Return one row for each set and each column missing in it; the rest of the rows as one set without columns."""
    table = subject.current.missing
    if table is None or table.complete == table.rows:
        return None
    before = None if subject.reference is None else subject.reference.missing
    rows: list[tuple[Cell, ...]] = [("no cell", None, table.complete, *_shares(table, before, ()))]
    shown = 0
    for at, (columns, count) in enumerate(table.top(_MOST_SETS), 1):
        if count < subject.minimum_group_size:
            break
        shown += count
        rows += [(f"set {at}", c, count, *_shares(table, before, columns)) for c in columns[:_MOST_IN_A_SET]]
    rest = table.rows - table.complete - shown
    if rest:
        rows.append(("other sets", None, rest, rest / table.rows, None))
    names = ("set", "column", "rows", "current", "reference")
    return Evidence("sets", "Columns that are missing together", "missing_sets", names, tuple(rows))


def _shares(table: MissingCounts, before: MissingCounts | None, columns: tuple[str, ...]) -> tuple[Cell, Cell]:
    known = before is not None and before.rows and set(columns) <= set(before.names)
    there = before.of(columns) / before.rows if before is not None and known else None
    return table.of(columns) / table.rows, there

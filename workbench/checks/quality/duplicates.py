"""Rows that occur more than once."""

from __future__ import annotations

from workbench.core.check import check
from workbench.core.counts import Counted
from workbench.core.finding import Measure, Result
from workbench.core.intervals import wilson
from workbench.core.rates import measure
from workbench.core.subject import Subject


@check("quality.duplicates", "Q003", "Duplicate rows")
def duplicates(subject: Subject) -> Result:
    """Count rows that are equal in every column to an earlier one, and ids that repeat.

    Measures: `duplicate_rows`, rows beyond the first of their kind; `duplicate_share` of all rows, with a Wilson
        interval; `duplicate_kinds`, the number of distinct rows that recur; `duplicate_ids` when a column is the id;
        the reference's values under window "reference".
    Reads well when: rows are meant to be distinct cases.
    Signs of risk: repeated rows in an evaluation set make every interval too narrow; repeated ids mean that rows of
        one person are treated as independent.
    Limits: rows are compared by a 128-bit hash of all columns; near duplicates are not found. With few columns, equal
        rows can be different cases.
    Reference: exact duplicates as pandas.DataFrame.duplicated counts them; Wilson (1927) for the interval.
    """
    found = _of(subject.current, "", subject)
    if subject.reference is not None:
        found += _of(subject.reference, "reference", subject)
    repeated = [m for m in found if m.name == "duplicate_ids" and m.value]
    return Result(found, notes=[_CLUSTERS] if repeated else [])


_CLUSTERS = (
    "ids repeat: rows of one id are not independent, and intervals that treat them as such are too narrow: name the "
    "column as `entity`, if it says whose row it is"
)


def _of(counted: Counted, window: str, subject: Subject) -> list[Measure]:
    d = counted.duplicates
    if d is None:
        why = "row hashes were not kept with these counts"
        return [Measure("duplicate_rows", None, window=window, n=counted.rows, undefined_because=why)]
    interval = wilson(d.repeated, d.rows, subject.level)
    found = [
        Measure("duplicate_rows", d.repeated, window=window, n=d.rows, unit="rows"),
        measure("duplicate_share", d.repeated, d.rows, interval, window=window, why="there are no rows"),
        Measure("duplicate_kinds", d.kinds, window=window, n=d.rows),
    ]
    column = None if subject.roles.id is None else counted.columns.get(subject.roles.id)
    if column is not None:
        table = column.numbers if column.numbers is not None else column.values
        exact = table is not None and table.exact
        value = column.present - table.distinct if table is not None and exact else None
        why = "" if exact else "there are more distinct ids than are counted exactly"
        found.append(
            Measure("duplicate_ids", value, column.name, window=window, n=column.present, undefined_because=why)
        )
    return found

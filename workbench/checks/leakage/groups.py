"""Persons or things with rows on both sides."""

from __future__ import annotations

from workbench.core.check import NotApplicableError, check
from workbench.core.counts import ColumnCounts
from workbench.core.errors import ConfigError, unknown
from workbench.core.finding import Measure, Result
from workbench.core.intervals import wilson
from workbench.core.overlap import SharedIds, shared_ids
from workbench.core.rates import measure
from workbench.core.subject import Subject


@check("leakage.groups", "L006", "Shared persons or things", needs=("reference",))
def groups(subject: Subject, *, columns: list[str] | None = None) -> Result:
    """Count the entities (persons, accounts) that have rows in both the reference and the current data.

    Measures: per column `shared_ids`, distinct values that the reference has too, and `shared_id_share` of the current
        data's; `rows_of_shared_ids` and `rows_of_shared_ids_share`, the current rows they have; shares with Wilson
        intervals.
    Reads well when: the column says whose row it is, and the split was meant to keep each on one side.
    Signs of risk: the same patient in training and test: the test measures whether the model knows the patient.
    Limits: takes the `entity` column, else the `id`, unless `columns` are given. Row numbers are in both data sets and
        mean nothing: a note says where ids look like that. Numbers beyond 131,072 distinct ids cannot be compared;
        of texts beyond that a sample of the ids is.
    Reference: non-independence of training and test, Kapoor and Narayanan (2023) Patterns 4:100804, type L3.2; Wilson
        (1927).
    """
    if subject.reference is None:
        raise NotApplicableError("no reference data was given")
    role = subject.roles.entity or subject.roles.id
    names = columns if columns is not None else [role] if role else []
    if not names:
        raise NotApplicableError("there is no `entity` and no `id`: name the columns that say whose row it is")
    measures: list[Measure] = []
    notes = []
    for name in names:
        here, there = subject.current.columns.get(name), subject.reference.columns.get(name)
        if here is None:
            raise ConfigError("leakage.groups: " + unknown("column", name, subject.current.columns))
        if there is None:
            notes.append(f"the reference has no column {name!r}")
            continue
        measures += _measures(name, shared_ids(here, there), here, subject.level)
        if _numbered(here) and _numbered(there):
            notes.append(f"{name!r} numbers the rows of both data sets: equal numbers need not mean the same thing")
    if not measures:
        raise NotApplicableError("; ".join(notes) or "there is nothing to compare")
    return Result(measures, notes=notes)


def _measures(name: str, found: SharedIds | None, here: ColumnCounts, level: float) -> list[Measure]:
    labels = (("shared_ids", "ids"), ("shared_id_share", "share"), ("rows_of_shared_ids", "rows"),
              ("rows_of_shared_ids_share", "share"))  # fmt: skip
    if found is None:
        why = "there are more distinct ids than are counted exactly, or ids of two kinds"
        return [Measure(m, None, name, n=here.present, unit=u, undefined_because=why) for m, u in labels]
    shares = [
        measure(label, x, n, wilson(x, n, level), column=name, why="no row has an id")
        for label, x, n in (
            ("rows_of_shared_ids_share", found.shared_rows, found.rows),
            ("shared_id_share", found.shared, found.ids),
        )
    ]
    return [
        *shares,
        Measure("rows_of_shared_ids", found.shared_rows, name, n=found.rows, unit="rows", method=found.method),
        Measure("shared_ids", found.shared, name, n=found.ids, unit="ids", method=found.method),
    ]


def _numbered(column: ColumnCounts) -> bool:
    table = column.numbers
    if table is None or not table.n or not column.integral or not table.exact:
        return False
    first, last = float(table.lows[0]), float(table.highs[-1])
    return first in (0.0, 1.0) and last - first + 1 == table.n == table.distinct

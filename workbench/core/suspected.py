"""How suspected cells and rows are reported: how many of how many, and a few examples by the name of their row."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest

import numpy as np
from numpy.typing import NDArray

from workbench.core.counts import Counted
from workbench.core.distinct import Distinct, of_counted
from workbench.core.finding import Cell, Evidence, Measure, Result
from workbench.core.intervals import wilson
from workbench.core.outcome import canonical
from workbench.core.rates import measure
from workbench.core.sample import Sample
from workbench.core.subject import Subject

Mask = NDArray[np.bool_]

MOST_EXAMPLES = 20
_MOST_KINDS = 50
_LONGEST_TOLD = 200
_MOST_SIFTED = 500


@dataclass(frozen=True)
class Faulty:
    """One column's distinct values with what is wrong with which of them; `meant` says which value another may be."""

    distinct: Distinct
    faults: Mapping[str, Mask]
    meant: Mapping[int, int] = field(default_factory=dict)

    @property
    def wrong(self) -> Mask:
        """Return which values have any fault."""
        found = self.distinct.none
        for mask in self.faults.values():
            found = found | mask
        return found

    def cells(self, mask: Mask) -> int:
        """Return how many cells hold the values."""
        return int(self.distinct.counts[mask].sum())


@dataclass(frozen=True)
class Example:
    """One suspected row of the sample: the column (or columns) it is about, why, and the values if they may be told."""

    column: str
    row: int
    why: str
    value: str | None = None
    meant: str | None = None


def value_columns(subject: Subject) -> list[str]:
    """Return the columns whose values are looked at: features and target, as far as the data has them."""
    names = [*subject.features, *filter(None, [subject.roles.target])]
    return [c for c in dict.fromkeys(names) if c in subject.current.columns]


def in_each_column(counted: Counted, names: Iterable[str], find: Callable[[Distinct], Faulty | None]) -> list[Faulty]:
    """Return what is found in each column; those that it is not for are left out."""
    return [f for d in of_counted(counted, names) if (f := find(d)) is not None]


def value_result(
    subject: Subject, names: Sequence[str], find: Callable[[Distinct], Faulty | None], title: str
) -> Result:
    """Return measures of current data and reference, a table of what was found, and examples from the sample."""
    found = in_each_column(subject.current, names, find)
    measures = column_measures(found, subject.level)
    if subject.reference is not None:
        measures += column_measures(in_each_column(subject.reference, names, find), subject.level, "reference")
    examples = value_examples(found, subject)
    evidence = [kinds_table(found, subject, title), examples_table(examples, subject, title)]
    words = [f"column {f.distinct.name!r} is measured on {f.distinct.words}" for f in found if f.distinct.words]
    return Result(measures, [e for e in evidence if e.rows], [*words[:MOST_EXAMPLES], *untold(examples, subject)])


def column_measures(found: Sequence[Faulty], level: float, window: str = "") -> list[Measure]:
    """Return the number and share of suspected cells of each column, and the number by what is wrong (`where`)."""
    measures = []
    for f in found:
        name, n = f.distinct.name, f.distinct.n
        measures += suspected(f.cells(f.wrong), n, level, name, window)
        kinds = {why: f.cells(mask) for why, mask in f.faults.items()}
        measures += [
            Measure("suspected_cells", cells, name, window=window, where=why, n=n, unit="cells")
            for why, cells in kinds.items()
            if cells and len(kinds) > 1
        ]
    return measures


def suspected(x: int, n: int, level: float, column: str = "", window: str = "", unit: str = "cells") -> list[Measure]:
    """Return which share of cells (or rows) is suspected, with a Wilson interval, and how many they are."""
    share = measure(
        "suspected_share", x, n, wilson(x, n, level), column=column, window=window, why=f"there are no {unit}"
    )
    return [share, Measure(f"suspected_{unit}", x, column, window=window, n=n, unit=unit)]


def kinds_table(found: Sequence[Faulty], subject: Subject, title: str) -> Evidence:
    """Return a table of what is wrong in which column, the most cells first, with the most frequent such value."""
    rows: list[tuple[Cell, ...]] = []
    for f in found:
        for why, mask in f.faults.items():
            if cells := f.cells(mask):
                at = int(np.argmax(np.where(mask, f.distinct.counts, -1)))
                told = told_value(f.distinct, at, subject)
                rows.append(
                    (f.distinct.name, why, cells, f.distinct.n, int((mask & (f.distinct.counts > 0)).sum()), told)
                )
    rows.sort(key=lambda r: (-int(r[2] or 0), str(r[0]), str(r[1])))
    columns = ("column", "what", "cells", "of", "distinct values", "most frequent")
    return Evidence("kinds", title, "table", columns, tuple(rows[:_MOST_KINDS]))


def told_value(d: Distinct, at: int, subject: Subject) -> str | None:
    """Return a value where it may be told: of no sensitive column, held by enough rows, short; else None."""
    return may_be_told(d.name, d.labels[at], int(d.counts[at]), subject)


def may_be_told(column: str, value: str, rows: int, subject: Subject) -> str | None:
    """Return a value of a column unless the column is sensitive, too few rows hold it or it is too long to be read."""
    hidden = column in subject.roles.sensitive or rows < subject.minimum_group_size
    return None if hidden or len(value) > _LONGEST_TOLD else value


def value_examples(found: Sequence[Faulty], subject: Subject) -> list[Example]:
    """Return rows of the sample that hold suspected values, taken from each column and fault in turn."""
    sample = subject.current.sample
    if sample is None:
        return []
    return in_turn([_of_fault(f, why, sample, subject) for f in found for why in f.faults])


def _of_fault(f: Faulty, why: str, sample: Sample, subject: Subject) -> list[Example]:
    """Return a few rows with the fault, of different values as far as there are."""
    d = f.distinct
    codes = d.codes(sample.rows.column(d.name))
    rows = np.flatnonzero((codes >= 0) & np.append(f.faults[why], False)[codes])[:_MOST_SIFTED]
    by_value: dict[int, list[Example]] = {}
    for row, at in zip(rows.tolist(), codes[rows].tolist(), strict=True):
        meant = told_value(d, f.meant[at], subject) if at in f.meant else None
        by_value.setdefault(at, []).append(Example(d.name, row, why, told_value(d, at, subject), meant))
    return in_turn(list(by_value.values()))


def in_turn(lists: Sequence[Sequence[Example]], most: int = MOST_EXAMPLES) -> list[Example]:
    """Return examples from several lists, the first of each, then the second of each, up to a number."""
    dealt = [e for turn in zip_longest(*lists) for e in turn if e is not None]
    return dealt[:most]


def examples_table(examples: Sequence[Example], subject: Subject, title: str) -> Evidence:
    """Return the examples with the name of each row: its id where the data has one, else a short hash of the row."""
    names = row_names(subject, [e.row for e in examples])
    rows = tuple((e.column, name, e.why, e.value, e.meant) for e, name in zip(examples, names, strict=True))
    has = [i for i in range(5) if i < 3 or any(row[i] is not None for row in rows)]
    columns = ("column", "row", "why", "value", "meant")
    said = "id" if subject.roles.id is not None else "hash of the row"
    kept = tuple(tuple(row[i] for i in has) for row in rows)
    return Evidence("examples", f"{title}: examples", "table", tuple(columns[i] for i in has), kept, {"row": said})


def row_names(subject: Subject, rows: Sequence[int]) -> list[str]:
    """Return the id of each of the sample's rows, or the first twelve digits of the row's hash.

    The hash where the row has no id or an endless one, or where ids are sensitive.
    """
    sample, own = subject.current.sample, subject.roles.id
    if sample is None:
        return []
    ids: list[object] = [None] * len(rows)
    if own is not None and own not in subject.roles.sensitive and own in sample.rows.schema.names:
        ids = sample.rows.column(own).take(list(rows)).to_pylist() if len(rows) else []
    told = ["" if value is None else canonical(value) for value in ids]
    return [
        name if name and len(name) <= _LONGEST_TOLD else f"#{int(sample.hashes[row, 0]):016x}"[:13]
        for row, name in zip(rows, told, strict=True)
    ]


def untold(examples: Sequence[Example], subject: Subject) -> list[str]:
    """Return a note where values of examples are held back, else nothing."""
    if all(e.value is not None for e in examples):
        return []
    least = subject.minimum_group_size
    return [f"values that fewer than {least} rows hold, long ones and those of sensitive columns are not shown"]

"""Which cells of a table are suspected to be wrong, and why; from the table alone.

Each error check reports one kind of these; `suspects` puts all of them together, to be held against known errors.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from workbench.core import dates, dependencies, outliers, patterns, spelling
from workbench.core.arrow import Kind
from workbench.core.dependencies import Dependency, Deviations
from workbench.core.distinct import Distinct, of_rows
from workbench.core.numbers import Ints

Mask = NDArray[np.bool_]
Faults = dict[str, Mask]
"""What is wrong -> which of a column's distinct values it is wrong with."""

MOST_COLUMNS = 200
"""Dependencies are searched among this many columns at most."""


def formats_of(d: Distinct) -> Faults:
    """Return the values of a text column that are written otherwise than the column: types, units, shapes."""
    if d.kind is not Kind.TEXT or d.texts is None:
        return {}
    return patterns.written_otherwise(d.texts, d.said, d.read)


def spellings_of(d: Distinct) -> dict[str, spelling.Links]:
    """Return the values that seem to be spellings of a more frequent one, with that one."""
    if d.kind is not Kind.TEXT or d.texts is None or not any(_worded(d)):
        return {}
    same = spelling.variants(d.texts, d.said)
    near = spelling.near_spellings(d.texts, d.said)
    return {"case or space": same, "letters": {i: j for i, j in near.items() if i not in same}}


def _worded(d: Distinct) -> Iterator[bool]:
    return (read is None or bool(read[1]) for read, n in zip(d.read, d.said.tolist(), strict=True) if n)


def outliers_of(d: Distinct) -> Faults:
    """Return the numbers far from the rest of their column even for its tails; codes of one length are no numbers."""
    if d.numbers is None or (d.texts is not None and patterns.fixed_length(d.texts, d.said)):
        return {}
    return {"far": outliers.fences(d.numbers, d.said).far(d.numbers) & (d.said > 0)}


def dates_of(d: Distinct) -> Faults:
    """Return the dates that no calendar has, or that lie outside the years 1900 to 2100; placeholders left out."""
    if d.kind is Kind.TIME:
        return {"outside the years": dates.impossible_times(d.plain) & (d.said > 0)}
    if d.kind is not Kind.TEXT or d.texts is None:
        return {}
    return {why: mask & (d.said > 0) for why, mask in dates.impossible_texts(d.texts, d.said).items()}


def any_of(faults: Mapping[str, Mask], d: Distinct) -> Mask:
    """Return which values have any of the faults."""
    found = d.none
    for mask in faults.values():
        found = found | mask
    return found


def _misspelt(d: Distinct) -> Faults:
    found = {}
    for why, links in spellings_of(d).items():
        found[why] = d.none
        found[why][list(links)] = True
    return found


IN_VALUES: Mapping[str, Callable[[Distinct], Faults]] = {
    "placeholder": lambda d: d.placeholders,
    "format": formats_of,
    "spelling": _misspelt,
    "outlier": outliers_of,
    "date": dates_of,
}
"""Kind of error -> what finds it among the distinct values of one column."""


@dataclass(frozen=True)
class Coded:
    """Columns as codes of their values: -1 for unknown ones; `clean` has -1 also for what is suspected already."""

    names: tuple[str, ...]
    codes: tuple[Ints, ...]
    clean: tuple[Ints, ...]
    values: tuple[tuple[str, ...], ...]
    keys: tuple[int, ...]


def coded(batch: pa.RecordBatch, kinds: Mapping[str, Kind], names: Sequence[str]) -> Coded:
    """Return columns as codes; what may be a key: all but numbers with decimals, which are measured quantities."""
    kept: list[str] = []
    codes: list[Ints] = []
    clean: list[Ints] = []
    values: list[tuple[str, ...]] = []
    keys: list[int] = []
    for name in names:
        d = of_rows(name, batch.column(name), kinds[name])
        if d is None or not len(d):
            continue
        said, trusted = d.said > 0, d.said > 0
        for why in ("format", "spelling"):
            wrong = any_of(IN_VALUES[why](d), d)
            # A fault of most of the column is its way of writing, and tells its values apart all the same.
            trusted &= ~wrong if 2 * d.counts[wrong].sum() < d.n else True
        own = d.codes(batch.column(name))
        if d.numbers is None or not (np.mod(d.numbers[~np.isnan(d.numbers)], 1) != 0).any():
            keys.append(len(kept))
        kept.append(name)
        values.append(d.labels)
        codes.append(_only(own, said))
        clean.append(_only(own, trusted))
    return Coded(tuple(kept), tuple(codes), tuple(clean), tuple(values), tuple(keys))


def _only(codes: Ints, wanted: Mask) -> Ints:
    return np.asarray(np.where((codes >= 0) & wanted[codes], codes, -1), np.int64)


@dataclass(frozen=True)
class Fixed:
    """The dependencies among coded columns and each column's deviating cells."""

    coded: Coded
    found: tuple[Dependency, ...]
    deviations: tuple[Deviations, ...]


def fixed(
    batch: pa.RecordBatch,
    kinds: Mapping[str, Kind],
    names: Sequence[str],
    *,
    confidence: float = dependencies.CONFIDENCE,
    least_rows: int = dependencies.LEAST_ROWS,
    seed: int = 0,
    stop: Callable[[], None] = lambda: None,
) -> Fixed:
    """Return the near dependencies among the first `MOST_COLUMNS` columns of a batch and the cells that deviate.

    Values that are suspected for another reason do not count when dependencies are looked for.
    """
    c = coded(batch, kinds, names[:MOST_COLUMNS])
    found = dependencies.dependencies(
        c.clean, c.keys, confidence=confidence, least_rows=least_rows, seed=seed, stop=stop
    )
    return Fixed(c, tuple(found), tuple(dependencies.deviations(c.codes, found, least_rows)))


@dataclass(frozen=True)
class Suspects:
    """Which cells of a batch are suspected: (column, kind of error) -> rows."""

    rows: int
    found: Mapping[tuple[str, str], Mask]

    def kinds(self) -> tuple[str, ...]:
        """Return the kinds of error that were looked for."""
        return tuple(dict.fromkeys(kind for _, kind in self.found))

    def cells(self, kind: str | None = None) -> dict[str, Mask]:
        """Return each column's suspected rows, of one kind or of any."""
        cells: dict[str, Mask] = {}
        for (column, own), mask in self.found.items():
            if kind in (None, own):
                cells[column] = cells.get(column, np.zeros(self.rows, bool)) | mask
        return cells


def suspects(
    batch: pa.RecordBatch, kinds: Mapping[str, Kind], *, columns: Sequence[str] | None = None, seed: int = 0
) -> Suspects:
    """Return the suspected cells of a batch of normalised columns, with what every check does by default."""
    names = tuple(batch.schema.names if columns is None else columns)
    found: dict[tuple[str, str], Mask] = {}
    for name in names:
        d = of_rows(name, batch.column(name), kinds[name])
        if d is None:
            continue
        for kind, find in IN_VALUES.items():
            wrong = any_of(find(d), d)
            if wrong.any():
                found[name, kind] = d.rows_of(batch.column(name), wrong)
    tied = fixed(batch, kinds, names, seed=seed)
    for name, cells in zip(tied.coded.names, tied.deviations, strict=True):
        if cells.cells.any():
            found[name, "dependency"] = cells.cells
    return Suspects(batch.num_rows, found)

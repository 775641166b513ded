"""The distinct values of one column with how often each occurs: of all rows where they are counted exactly, or of rows.

What is wrong with a value does not depend on its row, so it is looked for once per distinct value.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from workbench.core.arrow import Kind
from workbench.core.counts import ColumnCounts, Counted
from workbench.core.numbers import Floats, Ints
from workbench.core.patterns import NUMERIC, number_and_unit
from workbench.core.placeholders import placeholder_days, placeholder_numbers, placeholder_texts
from workbench.core.rows import as_numbers

Mask = NDArray[np.bool_]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_AS_NUMBERS = (Kind.NUMBER, Kind.TIME, Kind.DURATION, Kind.CLOCK)


@dataclass(frozen=True)
class Distinct:
    """Distinct values of a column: texts, or numbers (times as UTC microseconds); `n` cells have a value.

    `words` says which rows were looked at, "" for all of them; infinite numbers are not among the values.
    """

    name: str
    kind: Kind
    counts: Ints
    n: int
    texts: tuple[str, ...] | None = None
    plain: Floats = field(default_factory=lambda: np.zeros(0))
    words: str = ""

    def __len__(self) -> int:
        return len(self.counts)

    @cached_property
    def read(self) -> tuple[tuple[float, str] | None, ...]:
        """Return each text as a number and what stands around it, None where it is no number."""
        return tuple(number_and_unit(text) for text in self.texts or ())

    @cached_property
    def numbers(self) -> Floats | None:
        """Return each value as a number, NaN where it is none; None for a column of words or times."""
        if self.texts is None:
            return self.plain if self.kind is Kind.NUMBER else None
        if self.kind is not Kind.TEXT:
            return None
        numbers = np.array([np.nan if r is None else r[0] for r in self.read])
        words, _ = self._words
        silent = words | self.blank
        n = self.counts[~silent].sum()
        return numbers if n and self.counts[~np.isnan(numbers)].sum() >= NUMERIC * n else None

    @cached_property
    def blank(self) -> Mask:
        """Return which texts are empty or nothing but spaces."""
        return np.array([not text.strip() for text in self.texts or ()], bool) if self.texts else self.none

    @cached_property
    def _words(self) -> tuple[Mask, Mask]:
        if self.texts is None or self.kind is not Kind.TEXT:
            return self.none, self.none
        return placeholder_texts(self.texts, self.counts)

    @cached_property
    def placeholders(self) -> dict[str, Mask]:
        """Return the values that stand for "no value", by what they are."""
        if self.texts is None:
            of_times = self.kind is not Kind.NUMBER
            return {
                "day" if of_times else "number": (placeholder_days if of_times else placeholder_numbers)(
                    self.plain, self.counts
                )
            }
        words, empty = self._words
        found = {"word or sign": words, "empty text": empty}
        if self.numbers is not None:
            known, coded = ~np.isnan(self.numbers), self.none
            coded[known] = placeholder_numbers(self.numbers[known], self.counts[known])
            found["number"] = coded
        return found

    @cached_property
    def said(self) -> Ints:
        """Return the counts with nobody holding a placeholder or an empty text."""
        silent = self.blank
        for mask in self.placeholders.values():
            silent = silent | mask
        return np.where(silent, 0, self.counts)

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """Return each value as a text, whole numbers without a point."""
        if self.texts is not None:
            return self.texts
        write = _as_time if self.kind is Kind.TIME else _as_number
        return tuple(write(v) for v in self.plain.tolist())

    @property
    def none(self) -> Mask:
        """Return a mask of the values, all false."""
        return np.zeros(len(self), bool)

    def codes(self, column: pa.Array) -> Ints:
        """Return for each row of a column, of this or of other rows, the place of its value here, -1 for none."""
        if self.texts is None:
            numbers = as_numbers(column)
            at = np.minimum(np.searchsorted(self.plain, numbers), max(0, len(self) - 1))
            known = self.plain[at] == numbers if len(self) else np.zeros(len(numbers), bool)
            return np.asarray(np.where(known, at, -1), np.int64)
        places = {text: i for i, text in enumerate(self.texts)}
        own = column.dictionary_encode(null_encoding="encode")
        known = [
            -1 if v is None else places.get(v if isinstance(v, str) else str(v), -1) for v in own.dictionary.to_pylist()
        ]
        return np.asarray(np.array(known or [-1], np.int64)[own.indices.to_numpy()], np.int64)

    def rows_of(self, column: pa.Array, wanted: Mask) -> Mask:
        """Return which rows of a column hold one of the wanted values."""
        codes = self.codes(column)
        return np.asarray((codes >= 0) & np.append(wanted, False)[codes], bool)


def _as_number(value: float) -> str:
    return str(int(value)) if value.is_integer() and abs(value) < 2**53 else str(value)


def _as_time(micros: float) -> str:
    try:
        return (_EPOCH + timedelta(microseconds=micros)).isoformat()
    except OverflowError:
        return "outside the years 1 to 9999"


def of_rows(name: str, column: pa.Array, kind: Kind, words: str = "") -> Distinct | None:
    """Return the distinct values of a normalised Arrow column; None for bytes, which are only hashed."""
    if kind in _AS_NUMBERS:
        numbers = as_numbers(column)
        values, counts = np.unique(numbers[~np.isnan(numbers)], return_counts=True)
        return Distinct(name, kind, counts.astype(np.int64), len(column) - column.null_count, None, values, words)
    if kind is Kind.BINARY:
        return None
    coded = column.dictionary_encode().drop_null() if column.null_count else column.dictionary_encode()
    counts = np.bincount(coded.indices.to_numpy(), minlength=len(coded.dictionary)).astype(np.int64)
    texts = tuple(v if isinstance(v, str) else str(v) for v in coded.dictionary.to_pylist())
    order = sorted(range(len(texts)), key=texts.__getitem__)
    return Distinct(name, kind, counts[order], int(counts.sum()), tuple(texts[i] for i in order), words=words)


def of_counts(column: ColumnCounts) -> Distinct | None:
    """Return the distinct values of a counted column; None where they were too many to be counted exactly."""
    numbers, values = column.numbers, column.values
    if column.kind in _AS_NUMBERS:
        if numbers is None or not numbers.exact:
            return None
        return Distinct(column.name, column.kind, numbers.counts, column.present, None, numbers.values)
    if values is None or not values.exact or column.kind is Kind.BINARY:
        return None
    texts = sorted(values.counts)
    counts = np.array([values.counts[t] for t in texts], np.int64)
    return Distinct(column.name, column.kind, counts, column.present, tuple(texts))


def of_counted(counted: Counted, names: Iterable[str]) -> list[Distinct]:
    """Return the distinct values of columns, from all rows, or from the sample where they are too many for that."""
    found = []
    for name in names:
        column = counted.columns.get(name)
        if column is None:
            continue
        distinct = of_counts(column)
        if distinct is None and counted.sample is not None:
            distinct = of_rows(name, counted.sample.rows.column(name), column.kind, counted.sample.words)
        if distinct is not None:
            found.append(distinct)
    return found

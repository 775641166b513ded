"""Segments of rows: bins of one feature, and of two, with names that read like conditions."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations, pairwise

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from workbench.core.finding import group_label
from workbench.core.frame import Kind
from workbench.core.numbers import Floats
from workbench.core.outcome import floats, texts_and_codes
from workbench.core.rows import as_numbers

WRITTEN = "conditions"
"""The column of a table that holds segments as `written`: names round their edges, and rows are found by these."""

BINS = 5
MOST_VALUES = 8

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Segment:
    """A condition on one feature, or on several at once: who is in it, of the rows it was made for and of any other."""

    name: str
    columns: tuple[str, ...]
    conditions: tuple[Bin, ...]

    def mask(self, batch: pa.RecordBatch) -> Mask:
        """Return which rows of a batch are in the segment."""
        found = np.ones(batch.num_rows, bool)
        for condition in self.conditions:
            found &= condition.holds(batch)
        return found

    @property
    def written(self) -> str:
        """Return the conditions with their exact edges as JSON text, which `read` reads."""
        bins = [{k: v for k, v in asdict(c).items() if v not in (None, False)} for c in self.conditions]
        return json.dumps(bins, ensure_ascii=False)


@dataclass(frozen=True)
class Bin:
    """A feature's values from `low` up to, not including, `high`; or one of its categories; or missing."""

    column: str
    low: float | None = None
    high: float | None = None
    value: str | None = None
    missing: bool = False

    def holds(self, batch: pa.RecordBatch) -> Mask:
        """Return for which rows of a batch the condition holds."""
        column = batch.column(self.column)
        if self.missing:
            return np.asarray(column.is_null().to_numpy(zero_copy_only=False), bool)
        if self.value is not None:
            values, codes = texts_and_codes(column)
            return np.array([v == self.value for v in values] or [False], bool)[codes]
        numbers = floats(column)  # infinities too: they lie in the outer ranges
        above = np.ones(len(numbers), bool) if self.low is None else numbers >= self.low
        below = np.ones(len(numbers), bool) if self.high is None else numbers < self.high
        return np.asarray(above & below & ~np.isnan(numbers), bool)

    @property
    def words(self) -> str:
        """Return the condition as it is written."""
        name = group_label((self.column,), ("",)).removesuffix("=")
        if self.missing:
            return f"{name} missing"
        if self.value is not None:
            return group_label((self.column,), (self.value,))
        if self.low is None:
            return f"{name} < {self.high:.4g}"
        return f"{name} >= {self.low:.4g}" if self.high is None else f"{self.low:.4g} <= {name} < {self.high:.4g}"


def read(written: str) -> tuple[Bin, ...]:
    """Return the bins of a segment as `written`; ValueError or TypeError when it is none."""
    return tuple(Bin(**one) for one in json.loads(written))


def segments(batch: pa.RecordBatch, columns: Sequence[str], kinds: dict[str, Kind]) -> list[Segment]:
    """Return the bins of each feature: fifths of its numbers, its most frequent categories, its missing values."""
    found = []
    for column in columns:
        conditions = _ranges(batch, column) if kinds[column] is Kind.NUMBER else _categories(batch, column, kinds)
        if batch.column(column).null_count:
            conditions = [*conditions, Bin(column, missing=True)]
        found += [Segment(c.words, (column,), (c,)) for c in conditions] if len(conditions) > 1 else []
    return found


def _ranges(batch: pa.RecordBatch, column: str) -> list[Bin]:
    numbers: Floats = as_numbers(batch.column(column))
    known = numbers[~np.isnan(numbers)]
    if not len(known):
        return []
    inner = np.unique(np.quantile(known, np.arange(1, BINS) / BINS, method="higher"))
    inner = inner[inner > known.min()].tolist()
    ends: list[float | None] = [None, *inner, None]
    return [Bin(column, low, high) for low, high in pairwise(ends)]


def _categories(batch: pa.RecordBatch, column: str, kinds: dict[str, Kind]) -> list[Bin]:
    if kinds[column] in (Kind.TIME, Kind.DURATION, Kind.CLOCK):
        return []
    values, codes = texts_and_codes(batch.column(column))
    counts = np.bincount(codes, minlength=len(values)) if len(values) else np.zeros(0, int)
    named = sorted((-int(n), v) for v, n in zip(values, counts, strict=True) if v is not None)
    return [Bin(column, value=v) for _, v in named[:MOST_VALUES]]


def pairs(found: Sequence[Segment]) -> Iterator[Segment]:
    """Yield every two segments of different features at once."""
    for one, two in combinations(found, 2):
        if one.columns != two.columns:
            name = f"{one.name} & {two.name}"
            yield Segment(name, one.columns + two.columns, one.conditions + two.conditions)

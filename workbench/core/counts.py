"""Counting: one streaming pass turns a data set into count tables, whatever checks will ask of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from workbench.core.dataset import Dataset
from workbench.core.duplicates import DuplicateBuilder, DuplicateCounts
from workbench.core.fingerprint import NULL, Fingerprint, FingerprintBuilder, Hashes, mixed, number_hashes
from workbench.core.frame import Field, Kind
from workbench.core.joint import JointCounts
from workbench.core.numbers import NumberBuilder, NumberCounts
from workbench.core.outcome import OutcomeReader, Predictor
from workbench.core.values import ValueBuilder, ValueCounts

_TIME = np.uint64(0x74696D6574696D65)
_TRUE, _FALSE = np.uint64(0x747275657472756F), np.uint64(0x66616C736566616D)
_NUMERIC = (Kind.NUMBER, Kind.TIME, Kind.DURATION, Kind.CLOCK)


@dataclass(frozen=True)
class ColumnCounts:
    """One column: its kind, rows and missing, and a table of numbers (times as UTC microseconds) or of values."""

    name: str
    kind: Kind
    integral: bool
    rows: int
    missing: int
    numbers: NumberCounts | None = None
    values: ValueCounts | None = None

    @property
    def numeric(self) -> bool:
        """Say whether the column holds numbers proper (not times or durations)."""
        return self.kind is Kind.NUMBER

    @property
    def present(self) -> int:
        """Return the number of rows with a value."""
        return self.rows - self.missing

    def __add__(self, other: ColumnCounts) -> ColumnCounts:
        numbers = self.numbers + other.numbers if self.numbers and other.numbers else self.numbers or other.numbers
        values = self.values + other.values if self.values and other.values else self.values or other.values
        rows, missing = self.rows + other.rows, self.missing + other.missing
        return ColumnCounts(self.name, self.kind, self.integral and other.integral, rows, missing, numbers, values)

    def to_dict(self) -> dict[str, Any]:
        """Return the table as JSON data."""
        return {
            "name": self.name,
            "kind": str(self.kind),
            "integral": self.integral,
            "rows": self.rows,
            "missing": self.missing,
            "numbers": None if self.numbers is None else self.numbers.to_dict(),
            "values": None if self.values is None else self.values.to_dict(),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> ColumnCounts:
        """Read what `to_dict` wrote."""
        return cls(
            data["name"],
            Kind(data["kind"]),
            data["integral"],
            data["rows"],
            data["missing"],
            None if data["numbers"] is None else NumberCounts.from_dict(data["numbers"]),
            None if data["values"] is None else ValueCounts.from_dict(data["values"]),
        )


@dataclass(frozen=True)
class Counted:
    """Everything counted of one data set; what checks compute on."""

    name: str
    rows: int
    columns: Mapping[str, ColumnCounts]
    joint: JointCounts | None
    fingerprint: Fingerprint
    duplicates: DuplicateCounts | None = None
    score_digest: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return the tables as JSON data."""
        return {
            "name": self.name,
            "rows": self.rows,
            "columns": [c.to_dict() for c in self.columns.values()],
            "joint": None if self.joint is None else self.joint.to_dict(),
            "fingerprint": self.fingerprint.to_dict(),
            "score_digest": self.score_digest,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Counted:
        """Read what `to_dict` wrote; row hashes are not kept, so duplicates are unknown."""
        columns = [ColumnCounts.from_dict(c) for c in data["columns"]]
        return cls(
            data["name"],
            data["rows"],
            {c.name: c for c in columns},
            None if data["joint"] is None else JointCounts.from_dict(data["joint"]),
            Fingerprint.from_dict(data["fingerprint"]),
            score_digest=data["score_digest"],
        )


class _ColumnCounter:
    """Counts and hashes one column, batch by batch."""

    def __init__(self, about: Field) -> None:
        self._about = about
        self._missing = self._rows = 0
        self._numeric = about.kind in _NUMERIC
        self._numbers, self._values = NumberBuilder(), ValueBuilder()

    def push(self, column: pa.Array) -> Hashes:
        """Count a batch and return its cell hashes."""
        self._rows += len(column)
        self._missing += column.null_count
        if self._numeric:
            return self._push_numbers(column, self._numbers)
        if self._about.kind is Kind.BOOLEAN:
            return self._push_booleans(column, self._values)
        return self._values.push(column, NULL)

    def _push_numbers(self, column: pa.Array, numbers: NumberBuilder) -> Hashes:
        raw, valid = _to_numpy(column)
        extra = None
        if pa.types.is_timestamp(column.type) and column.type.unit == "ns":
            raw, extra = raw // 1000, (raw % 1000).astype(np.uint64)
        hashes = number_hashes(raw)
        if self._about.kind is not Kind.NUMBER:
            hashes = mixed(hashes ^ _TIME if extra is None else hashes ^ _TIME ^ extra)
        if valid is None:
            numbers.push(raw.astype(np.float64))
        else:
            hashes[~valid] = NULL
            numbers.push(raw[valid].astype(np.float64))
        return hashes

    def _push_booleans(self, column: pa.Array, values: ValueBuilder) -> Hashes:
        true = column.fill_null(False).to_numpy(zero_copy_only=False)
        valid = column.is_valid().to_numpy(zero_copy_only=False)
        yes = int(np.count_nonzero(true & valid))
        values.add("True", yes)
        values.add("False", int(valid.sum()) - yes)
        return np.where(valid, np.where(true, _TRUE, _FALSE), NULL)

    def done(self) -> ColumnCounts:
        """Return the column's table."""
        a = self._about
        numbers = self._numbers.done() if self._numeric else None
        values = None if self._numeric else self._values.done()
        # By value, as everything: 1.0 is whole whatever the dtype it came in.
        integral = numbers is not None and numbers.whole
        return ColumnCounts(a.name, a.kind, integral, self._rows, self._missing, numbers, values)


def count(
    dataset: Dataset,
    *,
    model: Predictor | None = None,
    on_batch: Callable[[int], None] | None = None,
    stop: Callable[[], None] | None = None,
) -> Counted:
    """Count a data set in one streaming pass; `on_batch` hears the rows done, `stop` may raise CancelledError."""
    frame = dataset.frame
    counters = {f.name: _ColumnCounter(f) for f in frame.fields}
    prints = FingerprintBuilder({f.name: str(f.kind) for f in frame.fields})
    scores = FingerprintBuilder({"row": "row", "score": "number"})
    outcome, repeats, rows = OutcomeReader(dataset, model), DuplicateBuilder(), 0
    for batch in frame.batches():
        if stop is not None:
            stop()
        for i, name in enumerate(frame.names):
            prints.column(name, counters[name].push(batch.column(i)))
        first, second = prints.end_batch(batch.num_rows)
        repeats.push(first, second)
        if outcome.used:
            _bind_scores(scores, first, outcome.push(batch))
        rows += batch.num_rows
        if on_batch is not None:
            on_batch(rows)
    joint = outcome.done()
    digest = scores.done().table if model is not None and joint is not None and joint.has_score else ""
    columns = {name: c.done() for name, c in counters.items()}
    return Counted(dataset.name, rows, columns, joint, prints.done(), repeats.done(), digest)


def _bind_scores(scores: FingerprintBuilder, row: Hashes, score: Any) -> None:
    if score is not None:
        scores.column("row", row)
        scores.column("score", number_hashes(score))
        scores.end_batch(len(row))


def _to_numpy(column: pa.Array) -> tuple[Any, Any]:
    if not pa.types.is_floating(column.type) and column.type != pa.int64():
        column = column.cast(pa.int64())
    if not column.null_count:
        return column.to_numpy(zero_copy_only=False), None
    valid = column.is_valid().to_numpy(zero_copy_only=False)
    return column.fill_null(0).to_numpy(zero_copy_only=False), valid

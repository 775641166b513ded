"""Counting: one streaming pass turns a data set into count tables, whatever checks will ask of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from workbench.core.class_outcome import ClassReader
from workbench.core.classes import ClassCounts
from workbench.core.dataset import Dataset, Roles
from workbench.core.duplicates import DuplicateBuilder, DuplicateCounts
from workbench.core.entities import EntitySlices, slices_of
from workbench.core.errors import DataError, shown, thousands
from workbench.core.fingerprint import NULL, Fingerprint, FingerprintBuilder, Hashes, added_hex, mixed, number_hashes
from workbench.core.frame import Field, Kind
from workbench.core.joint import JointCounts
from workbench.core.missing import MissingBuilder, MissingCounts
from workbench.core.number_outcome import NumberReader
from workbench.core.numbers import NumberBuilder, NumberCounts
from workbench.core.outcome import OutcomeReader, Predictor, check_labels
from workbench.core.regression import RegressionCounts
from workbench.core.sample import Sample, SampleBuilder, SampleOf
from workbench.core.values import ValueBuilder, ValueCounts

MOST_REPEATED = 10_000_000
"""Number of rows that one batch of weighted rows may stand for."""

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
        a, b = (self, other) if self.present else (other, self)
        if b.present and a.kind is not b.kind:
            raise DataError(
                f"column {shown(self.name)} holds {self.kind.value} values in one part of the data and "
                f"{other.kind.value} values in another: give all parts one type."
            )
        if a.kind is not b.kind:  # a part where the column is empty has no say in what it holds
            rows, missing = a.rows + b.rows, a.missing + b.missing
            return ColumnCounts(a.name, a.kind, a.integral, rows, missing, a.numbers, a.values)
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
    classes: ClassCounts | None = None
    regression: RegressionCounts | None = None
    slices: EntitySlices | None = None  # never stored: 64 tables, for intervals where entities have several rows
    sample: Sample | None = None  # never stored: counts may be shared where rows may not
    missing: MissingCounts | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the tables as JSON data."""
        return {
            "name": self.name,
            "rows": self.rows,
            "columns": [c.to_dict() for c in self.columns.values()],
            "joint": None if self.joint is None else self.joint.to_dict(),
            "fingerprint": self.fingerprint.to_dict(),
            "duplicates": None if self.duplicates is None else self.duplicates.to_dict(),
            "score_digest": self.score_digest,
            "classes": None if self.classes is None else self.classes.to_dict(),
            "regression": None if self.regression is None else self.regression.to_dict(),
            "missing": None if self.missing is None else self.missing.to_dict(),
        }

    def __add__(self, other: Counted) -> Counted:
        """Return the tables of both sets of rows; duplicates between them are unknown."""
        if set(self.columns) != set(other.columns):
            odd = sorted(set(self.columns) ^ set(other.columns))
            named = ", ".join(shown(c) for c in odd[:5])
            raise DataError(f"parts of the data differ in their columns: {named} is in one and not in the other.")
        outcomes = (_added(getattr(self, a), getattr(other, a)) for a in ("joint", "classes", "regression"))
        joint, classes, regression = outcomes
        columns = {name: column + other.columns[name] for name, column in self.columns.items()}
        schema = {name: str(column.kind) for name, column in columns.items()}
        return Counted(
            self.name,
            self.rows + other.rows,
            columns,
            joint,
            replace(self.fingerprint + other.fingerprint, schema=schema),
            score_digest=added_hex(self.score_digest, other.score_digest),
            classes=classes,
            regression=regression,
            slices=_added(self.slices, other.slices),
            missing=self.missing + other.missing if self.missing and other.missing else None,
        )

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Counted:
        """Read what `to_dict` wrote."""
        columns = [ColumnCounts.from_dict(c) for c in data["columns"]]
        return cls(
            data["name"],
            data["rows"],
            {c.name: c for c in columns},
            None if data["joint"] is None else JointCounts.from_dict(data["joint"]),
            Fingerprint.from_dict(data["fingerprint"]),
            None if data.get("duplicates") is None else DuplicateCounts(**data["duplicates"]),
            score_digest=data["score_digest"],
            classes=None if data.get("classes") is None else ClassCounts.from_dict(data["classes"]),
            regression=None if data.get("regression") is None else RegressionCounts.from_dict(data["regression"]),
            missing=None if data.get("missing") is None else MissingCounts.from_dict(data["missing"]),
        )


def _added(one: Any, two: Any) -> Any:
    return one + two if one and two else one or two


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

    def fold(self) -> None:
        """Turn the values held so far into a table."""
        self._numbers.fold()

    def done(self) -> ColumnCounts:
        """Return the column's table."""
        a = self._about
        numbers = self._numbers.done() if self._numeric else None
        values = None if self._numeric else self._values.done()
        # By value, as everything: 1.0 is whole whatever the dtype it came in.
        integral = numbers is not None and numbers.whole
        return ColumnCounts(a.name, a.kind, integral, self._rows, self._missing, numbers, values)


def cell_hashes(column: pa.Array, kind: Kind) -> Hashes:
    """Return the 64-bit hash of each cell of a normalised column, as fingerprints take it."""
    return _ColumnCounter(Field("", kind, False, "")).push(column)


class Counter:
    """Counts batches of some of a data set's rows; `rows_hashed` takes two 64-bit hashes of each row.

    `sampling` says how many rows to keep beside the counts; nothing is kept when it is None. `beside` is a sample that
    several counters fill together.
    """

    def __init__(
        self,
        fields: Sequence[Field],
        roles: Roles,
        model: Predictor | None,
        rows_hashed: Callable[[Hashes, Hashes], None],
        name: str = "data",
        sampling: SampleOf | None = None,
        beside: SampleBuilder | None = None,
    ) -> None:
        self._name, self._fields = name, tuple(fields)
        self._sample = None if sampling is None else SampleBuilder(sampling)
        self._samples = [s for s in (self._sample, beside) if s is not None]
        self._counters = {f.name: _ColumnCounter(f) for f in fields}
        self._missing = MissingBuilder([f.name for f in fields])
        self._prints = FingerprintBuilder({f.name: str(f.kind) for f in fields})
        self._scores = FingerprintBuilder({"row": "row", "score": "number"})
        self._outcome = _READERS[roles.kind_of_task](fields, roles, model)
        self._rows_hashed, self._model = rows_hashed, model
        names = [f.name for f in fields]
        self._weight = names.index(roles.weight) if roles.weight in names else None
        self._entity = roles.entity if roles.entity in names else None
        self.rows = 0

    def push(self, batch: pa.RecordBatch) -> None:
        """Take a batch of normalised columns, in the order of the fields; a row of weight w counts as w rows."""
        distinct = None
        if self._weight is not None:
            repeats = frequencies(batch.column(self._weight), self._fields[self._weight].name)
            batch = batch.take(pa.array(np.repeat(np.arange(batch.num_rows), repeats)))
            distinct = np.cumsum(repeats[repeats > 0]) - 1
        entities = None
        self._missing.push(batch)
        for i, field in enumerate(self._fields):
            hashes = self._counters[field.name].push(batch.column(i))
            self._prints.column(field.name, hashes)
            entities = hashes if field.name == self._entity else entities
        first, second = self._prints.end_batch(batch.num_rows)
        self._rows_hashed(*((first, second) if distinct is None else (first[distinct], second[distinct])))
        for sample in self._samples:
            sample.push(batch, first, second)
        if self._outcome.used:
            places = None if entities is None else slices_of(entities, first, int(NULL))
            _bind_scores(self._scores, first, self._outcome.push(batch, places))
        self.rows += batch.num_rows

    def fold(self) -> None:
        """Turn the rows that columns still hold into tables."""
        for counter in self._counters.values():
            counter.fold()

    @property
    def seen(self) -> dict[str, frozenset[str]]:
        """Return the labels met so far by role (target, prediction), for `check_labels`."""
        return self._outcome.seen

    def done(self) -> Counted:
        """Return the tables of everything pushed; duplicates are not part of them."""
        outcome, slices = self._outcome.done()
        scores = self._scores.done()
        columns = {name: c.done() for name, c in self._counters.items()}
        return Counted(
            self._name,
            self.rows,
            columns,
            outcome if isinstance(outcome, JointCounts) else None,
            self._prints.done(),
            score_digest=scores.table if self._model is not None and scores.rows else "",
            classes=outcome if isinstance(outcome, ClassCounts) else None,
            regression=outcome if isinstance(outcome, RegressionCounts) else None,
            slices=EntitySlices(slices) if slices else None,
            sample=None if self._sample is None else self._sample.done(),
            missing=self._missing.done(),
        )


_READERS: Mapping[str, Callable[..., OutcomeReader | ClassReader | NumberReader]] = {
    "binary": OutcomeReader,
    "multiclass": ClassReader,
    "regression": NumberReader,
}


def count(
    dataset: Dataset,
    *,
    model: Predictor | None = None,
    on_batch: Callable[[int], None] | None = None,
    stop: Callable[[], None] | None = None,
    sampling: SampleOf | None = None,
) -> Counted:
    """Count a data set in one streaming pass; `on_batch` hears the rows done, `stop` may raise CancelledError."""
    frame, repeats = dataset.frame, DuplicateBuilder()
    if frame.distributed is not None:
        from workbench.core.spark import count_on_spark

        return count_on_spark(dataset, model, sampling)
    counter = Counter(frame.fields, dataset.roles, model, repeats.push, dataset.name, sampling)
    for batch in frame.batches():
        if stop is not None:
            stop()
        counter.push(batch)
        if on_batch is not None:
            on_batch(counter.rows)
    check_labels(frame.fields, dataset.roles, counter.seen)
    return replace(counter.done(), duplicates=repeats.done())


def frequencies(column: pa.Array, name: str) -> NDArray[np.int64]:
    """Return frequency weights, whole and not negative; DataError for any other."""
    what = f"weight column {shown(name)}"
    if column.null_count:
        raise DataError(f"{what} is empty in {column.null_count} rows: give each row how often it counts, 0 for never.")
    try:
        weights = pc.cast(column, pa.int64()).to_numpy(zero_copy_only=False)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        raise DataError(
            f"{what} holds numbers that are not whole: only frequency weights count rows. Sampling weights are not "
            "measured, and intervals that took them for frequencies would be wrong."
        ) from None
    if len(weights) and weights.min() < 0:
        raise DataError(f"{what} holds negative numbers: a row counts 0 or more times.")
    if weights.sum() > MOST_REPEATED:
        raise DataError(
            f"{what} repeats {thousands(len(weights))} rows more than {thousands(MOST_REPEATED)} times: "
            "divide the weights."
        )
    return np.asarray(weights, np.int64)


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

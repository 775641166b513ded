"""Which rows an audit is about: conditions on columns, typed and never code."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from workbench.core.arrow import Kind, normal
from workbench.core.errors import ConfigError, DataError, shown, unknown
from workbench.core.finding import group_parts
from workbench.core.frame import Again, Field, Frame

Value = bool | int | float | str
BOTH, CURRENT = "both", "current"
"""What a condition narrows: current data and reference, or the current data only."""

OPERATORS = ("==", "!=", "<", "<=", ">", ">=", "in", "not in", "missing", "present")
_ORDERED: Mapping[str, Callable[..., pa.Array]] = {
    "<": pc.less,
    "<=": pc.less_equal,
    ">": pc.greater,
    ">=": pc.greater_equal,
}
_COMPARED = (Kind.NUMBER, Kind.TIME)
_EXPECTED = {Kind.NUMBER: "a number", Kind.BOOLEAN: "true or false", Kind.TEXT: "text", Kind.TIME: "an ISO 8601 time"}
COMPARABLE = frozenset(_EXPECTED)
"""Kinds of columns whose values can be compared with."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition on a column: `value` is a tuple for `in` and `not in`, None for `missing` and `present`.

    A missing value meets `missing`, `!=` and `not in` alone. Times are ISO 8601 text, UTC where no offset is given.
    With `data` "current" the reference keeps all of its rows: a window of time is compared with what was before it.
    """

    column: str
    operator: str
    value: Value | tuple[Value, ...] | None = None
    data: str = BOTH

    def __post_init__(self) -> None:
        if self.data not in (BOTH, CURRENT):
            raise ConfigError(f"where: {shown(self.column)}: " + unknown("data", self.data, (BOTH, CURRENT)))
        if self.operator not in OPERATORS:
            raise ConfigError(f"where: {shown(self.column)}: " + unknown("operator", self.operator, OPERATORS))
        several = self.operator in ("in", "not in")
        none = self.operator in ("missing", "present")
        if several != isinstance(self.value, tuple) or none != (self.value is None):
            expected = "a list of values" if several else "no value" if none else "one value"
            raise ConfigError(f"where: {shown(self.column)}: operator `{self.operator}` takes {expected}.")

    @property
    def values(self) -> tuple[Value, ...]:
        """Return the values compared with."""
        return self.value if isinstance(self.value, tuple) else () if self.value is None else (self.value,)

    def to_dict(self) -> dict[str, Any]:
        """Return the condition as plain data."""
        value = list(self.value) if isinstance(self.value, tuple) else self.value
        found = {"column": self.column, "operator": self.operator, **({} if value is None else {"value": value})}
        return found if self.data == BOTH else {**found, "data": self.data}


def filtered(frame: Frame, conditions: Sequence[Condition]) -> Frame:
    """Return the frame with only the rows that meet every condition, read afresh at each reading.

    DataError when a column is not there, ConfigError when a value does not fit the column's kind.
    """
    if not conditions:
        return frame
    tests = [_Test.of(frame, c) for c in conditions]
    found = copy.copy(frame)
    found.size = None
    if frame.distributed is not None:
        found.distributed = replace(frame.distributed, prepare=_Prepared(frame.distributed.prepare, tuple(tests)))
        return found
    found.native = None  # DuckDB's own relation has the other rows too
    found.narrow(lambda read: _reader(read, frame, tests))
    if frame.again is not None:
        found.again = Again(_again, (frame.again, tuple(conditions)), frame.again.files)
    return found


def _again(opening: Again, conditions: Sequence[Condition]) -> Frame:
    return filtered(opening(), conditions)


def _reader(read: Any, frame: Frame, tests: Sequence[_Test]) -> Any:
    def kept(columns: Sequence[str] | None) -> Iterable[pa.RecordBatch]:
        own = frame.own_names
        wanted = list(own if columns is None else columns)
        extra = [name for name in dict.fromkeys(own[t.position] for t in tests) if name not in wanted]
        at = {name: i for i, name in enumerate([*wanted, *extra])}
        for batch in read([*wanted, *extra]):
            mask = _mask(batch, [(t, at[own[t.position]]) for t in tests])
            yield batch.select(range(len(wanted))).filter(mask)

    return kept


@dataclass(frozen=True)
class _Prepared:
    """Filters a batch where it is counted; sent to executors by value."""

    first: Callable[[pa.RecordBatch], pa.RecordBatch] | None
    tests: tuple[_Test, ...]

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        batch = batch if self.first is None else self.first(batch)
        return batch.filter(_mask(batch, [(t, t.position) for t in self.tests]))


def _mask(batch: pa.RecordBatch, tests: Iterable[tuple[_Test, int]]) -> pa.Array:
    mask = None
    for test, at in tests:
        found = test(batch.column(at))
        mask = found if mask is None else pc.and_(mask, found)
    return mask


@dataclass(frozen=True)
class _Test:
    """A condition made to fit its column."""

    position: int
    kind: Kind
    operator: str
    values: tuple[Any, ...]

    @classmethod
    def of(cls, frame: Frame, c: Condition) -> _Test:
        if c.column not in frame.names:
            raise DataError("where: " + unknown("column", c.column, frame.names))
        at = frame.names.index(c.column)
        field = frame.fields[at]
        _check_operator(field, c.operator)
        return cls(at, field.kind, c.operator, tuple(_fitting(field, v) for v in c.values))

    def __call__(self, column: pa.Array) -> pa.Array:
        array = normal(column, self.kind)
        if self.operator == "missing":
            return pc.is_null(array)
        if self.operator == "present":
            return pc.is_valid(array)
        if self.operator in _ORDERED:
            return pc.fill_null(_ORDERED[self.operator](*_comparable(array, self.values[0])), False)
        equal = [pc.equal(*_comparable(array, v)) for v in self.values]
        some = equal[0] if equal else pa.nulls(len(array), pa.bool_())
        for more in equal[1:]:
            some = pc.or_(some, more)
        some = pc.fill_null(some, False)
        return pc.invert(some) if self.operator in ("!=", "not in") else some


def _check_operator(field: Field, operator: str) -> None:
    if operator in ("missing", "present"):
        return
    if field.kind not in _EXPECTED:
        raise ConfigError(f"where: {shown(field.name)} holds {field.kind} values: only missing and present are told.")
    if operator in _ORDERED and field.kind not in _COMPARED:
        raise ConfigError(f"where: {shown(field.name)} holds {field.kind} values, which have no order: use == or in.")


def _fitting(field: Field, value: Value) -> Any:
    if field.kind is Kind.NUMBER and _is_number(value):
        return value
    if field.kind is Kind.BOOLEAN and isinstance(value, bool):
        return value
    if field.kind is Kind.TEXT and isinstance(value, str):
        return value
    if field.kind is Kind.TIME and isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            moment = None
        if moment is not None:
            return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    raise ConfigError(
        f"where: {shown(field.name)} holds {field.kind} values: found {shown(value)}, expected {_EXPECTED[field.kind]}."
    )


def _is_number(value: Value) -> bool:
    if isinstance(value, bool | str):
        return False
    try:
        return not math.isnan(float(value))
    except OverflowError:
        return False


def _comparable(array: pa.Array, value: Any) -> tuple[pa.Array, pa.Scalar]:
    """Return array and value as types that Arrow compares; exactly, also of whole numbers beyond 2**53."""
    if pa.types.is_floating(array.type):
        return array, pa.scalar(float(value), array.type)
    if not pa.types.is_integer(array.type):
        return array, pa.scalar(value, array.type)
    if -(2**63) <= value < 2**63 and value == int(value):
        return array, pa.scalar(int(value), array.type)
    # A broken number is below 2**53, where rounding whole numbers changes no order; beyond int64 stands infinity.
    far = math.inf if value >= 2**63 else -math.inf if value < -(2**63) else float(value)
    return array.cast(pa.float64(), safe=False), pa.scalar(far, pa.float64())


def of_group(label: str, frame: Frame) -> list[Condition]:
    """Return the conditions that a group's label stands for; ConfigError when it names no value of the column."""
    return [of_value(frame, column, value) for column, value in group_parts(label)]


def of_value(frame: Frame, column: str, value: str | None) -> Condition:
    """Return the condition that a column holds a value, as groups write values; None is missing."""
    if value is None:
        return Condition(column, "missing")
    kind = frame.kind(column)
    if kind is Kind.NUMBER:
        try:
            number = float(value)
        except ValueError:
            raise ConfigError(f"where: {shown(column)} holds numbers, and {shown(value)} is none.") from None
        return Condition(column, "==", int(value) if value.lstrip("-").isdecimal() else number)
    if kind is Kind.BOOLEAN:
        return Condition(column, "==", value.lower() == "true")
    return Condition(column, "==", value)

"""Rules about rows on the columns of a batch, by Arrow's kernels; `contract_sql` says the same to DuckDB."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import singledispatch
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from workbench.core.arrow import Kind
from workbench.core.contract_rules import Compare, InSet, Length, NotNull, Pattern, Range, RowRule
from workbench.core.contract_types import TYPES
from workbench.core.contract_values import Limit, Scalar, as_time, whole_pattern

Mask = NDArray[np.bool_]
INT64 = 2**63


def wrong_type(column: pa.Array, kind: Kind, type_: str) -> Mask:
    """Return which values are not of a contract's type; a missing value is of each."""
    present = column.is_valid().to_numpy(zero_copy_only=False)
    wanted = TYPES[type_]
    if wanted is not None and kind is not wanted:
        return np.asarray(present, np.bool_)
    if type_ == "integer" and pa.types.is_floating(column.type):
        return _not(pc.and_(pc.is_finite(column), pc.equal(pc.floor(column), column)))
    return np.zeros(len(column), np.bool_)


def broken_rows(rule: RowRule, table: pa.Table) -> Iterator[tuple[str, Mask]]:
    """Yield what a rule says and which rows break it; a range yields each of its limits by itself."""
    asked = selected(rule, table)
    for label, kept in _kept(rule, lambda name: table[name].combine_chunks()):
        mask = _not(kept)
        yield label + rule.condition, mask if asked is None else mask & asked


def selected(rule: RowRule, table: pa.Table) -> Mask | None:
    """Return which rows a rule's condition selects, or None without one."""
    if rule.when is None:
        return None
    column = table[rule.when.column].combine_chunks()
    return ~_not(pc.and_(column.is_valid(), pc.fill_null(_is_one_of(column, rule.when.values), False)))


def _not(mask: pa.Array) -> Mask:
    inside: Mask = pc.fill_null(mask, True).to_numpy(zero_copy_only=False)
    return ~inside


Get = Callable[[str], pa.Array]
Kept = Iterator[tuple[str, pa.Array]]


@singledispatch
def _kept(rule: RowRule, get: Get) -> Kept:
    """Yield each part of a rule with the rows that keep it: null where there is nothing to judge."""
    raise NotImplementedError(rule.kind)


@_kept.register
def _not_null(rule: NotNull, get: Get) -> Kept:
    yield "not null", get(rule.column).is_valid()


@_kept.register
def _in_set(rule: InSet, get: Get) -> Kept:
    column = get(rule.column)
    yield "allowed values", pc.or_(_is_one_of(column, rule.values), pc.is_null(column))


@_kept.register
def _range(rule: Range, get: Get) -> Kept:
    column = get(rule.column)
    compare = {"minimum": pc.greater_equal, "maximum": pc.less_equal, "above": pc.greater, "below": pc.less}
    for name, limit in rule.bounds.items():
        yield f"{name} {limit}", compare[name](*_comparable(column, limit))


@_kept.register
def _length(rule: Length, get: Get) -> Kept:
    length = pc.utf8_length(get(rule.column))
    if rule.minimum is not None:
        yield f"length at least {rule.minimum}", pc.greater_equal(length, pa.scalar(rule.minimum, pa.int64()))
    if rule.maximum is not None:
        yield f"length at most {rule.maximum}", pc.less_equal(length, pa.scalar(rule.maximum, pa.int64()))


@_kept.register
def _pattern(rule: Pattern, get: Get) -> Kept:
    yield "pattern", pc.match_substring_regex(get(rule.column), whole_pattern(rule.pattern))


_COMPARE: Mapping[str, Callable[[Any, Any], Any]] = {
    "<": pc.less, "<=": pc.less_equal, "==": pc.equal, "!=": pc.not_equal, ">=": pc.greater_equal, ">": pc.greater,
}  # fmt: skip


@_kept.register
def _compare(rule: Compare, get: Get) -> Kept:
    one, two = get(rule.column), get(rule.other)
    if pa.types.is_floating(one.type) != pa.types.is_floating(two.type):
        one, two = (c.cast(pa.float64(), safe=False) for c in (one, two))
    yield f"{rule.relation} {rule.other}", _COMPARE[rule.operator](one, two)


def _comparable(column: pa.Array, limit: Limit) -> tuple[pa.Array, pa.Scalar]:
    if isinstance(limit, str):
        return column.cast(pa.int64()), pa.scalar(ticks(limit, column.type.unit), pa.int64())
    if pa.types.is_integer(column.type) and exact(limit):
        return column, pa.scalar(limit, pa.int64())
    return column.cast(pa.float64(), safe=False), pa.scalar(float(limit), pa.float64())


def exact(value: Scalar) -> bool:
    """Say whether a number is an integer of 64 bits, to be compared as such."""
    return isinstance(value, int) and not isinstance(value, bool) and -INT64 <= value < INT64


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def ticks(text: str, unit: str) -> int:
    """Return a time as microseconds or nanoseconds since 1970; one beyond what 64 bits hold as the last they hold."""
    found = (as_time(text) - _EPOCH) // timedelta(microseconds=1) * (1000 if unit == "ns" else 1)
    return max(-INT64, min(INT64 - 1, found))


def fitting(values: Sequence[Scalar], kind: Kind, unit: str = "us", *, whole: bool = False) -> list[Any]:
    """Return those of a set's values that a column can hold, as it holds them: times as ticks, `whole` for integers."""
    if kind is Kind.BOOLEAN:
        return [v for v in values if isinstance(v, bool)]
    if kind is Kind.TEXT:
        return [v for v in values if isinstance(v, str)]
    if kind is Kind.TIME:
        return [ticks(v, unit) for v in values if isinstance(v, str)]
    numbers = [v for v in values if isinstance(v, int | float) and not isinstance(v, bool)]
    return [int(v) for v in numbers if v == int(v) and exact(int(v))] if whole else [float(v) for v in numbers]


def _is_one_of(column: pa.Array, values: Sequence[Scalar]) -> pa.Array:
    kind = column.type
    if pa.types.is_timestamp(kind):
        column, found = column.cast(pa.int64()), fitting(values, Kind.TIME, kind.unit)
    elif pa.types.is_boolean(kind):
        found = fitting(values, Kind.BOOLEAN)
    elif pa.types.is_string(kind):
        found = fitting(values, Kind.TEXT)
    else:
        found = fitting(values, Kind.NUMBER, whole=pa.types.is_integer(kind))
        column = column if pa.types.is_integer(kind) else pc.add(column, 0.0)  # -0.0 is 0.0
    return pc.is_in(column, value_set=pa.array(found, column.type))

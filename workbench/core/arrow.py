"""Arrow arrays as any engine gives them, made into the few logical types that counting knows."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from workbench.core.errors import DataError, shown


class Kind(StrEnum):
    """The logical type of a column."""

    NUMBER = "number"
    BOOLEAN = "boolean"
    TEXT = "text"
    TIME = "time"
    DURATION = "duration"
    CLOCK = "clock"
    BINARY = "binary"
    NESTED = "nested"


_TESTS = (
    (pa.types.is_boolean, Kind.BOOLEAN),
    (pa.types.is_timestamp, Kind.TIME),
    (pa.types.is_date, Kind.TIME),
    (pa.types.is_duration, Kind.DURATION),
    (pa.types.is_interval, Kind.NESTED),
    (pa.types.is_time, Kind.CLOCK),
    (pa.types.is_nested, Kind.NESTED),
    (pa.types.is_integer, Kind.NUMBER),
    (pa.types.is_floating, Kind.NUMBER),
    (pa.types.is_decimal, Kind.NUMBER),
    (pa.types.is_null, Kind.NUMBER),
    (pa.types.is_binary, Kind.BINARY),
    (pa.types.is_large_binary, Kind.BINARY),
    (pa.types.is_fixed_size_binary, Kind.BINARY),
    (pa.types.is_binary_view, Kind.BINARY),
)


def kind_of(kind: pa.DataType) -> Kind:
    """Return the logical kind of an Arrow type; dictionaries and extensions count as what they hold."""
    if pa.types.is_dictionary(kind):
        return kind_of(kind.value_type)
    if isinstance(kind, pa.UuidType):
        return Kind.TEXT
    if isinstance(kind, pa.BaseExtensionType):
        return kind_of(kind.storage_type)
    return next((found for test, found in _TESTS if test(kind)), Kind.TEXT)


def normal(array: pa.Array, kind: Kind) -> pa.Array:
    """Return an array as counting takes it.

    Numbers as int64 or float64 with NaN as null, text as string, times as UTC timestamps (microseconds, or nanoseconds
    where the source has them), durations and clock times as int64 microseconds, nested values as JSON text.
    """
    if isinstance(array.type, pa.UuidType):
        return pa.array([None if v is None else str(v) for v in array.to_pylist()], pa.string())
    if isinstance(array, pa.ExtensionArray):
        array = array.storage
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    return _NORMAL[kind](array)


def normal_batch(batch: pa.RecordBatch, names: Sequence[str], kinds: Sequence[Kind]) -> pa.RecordBatch:
    """Return a batch as counting takes it; DataError names the column whose times lie beyond 64 bits."""
    arrays = []
    for i, (name, kind) in enumerate(zip(names, kinds, strict=True)):
        try:
            arrays.append(normal(batch.column(i), kind))
        except pa.ArrowInvalid:
            raise DataError(
                f"column {shown(name)} holds a {kind} that is out of range (times reach 292,000 years from 1970): "
                "repair it, or leave the column out."
            ) from None
    return pa.RecordBatch.from_arrays(arrays, names=list(names))


def _number(array: pa.Array) -> pa.Array:
    kind = array.type
    if kind == pa.int64():
        return array
    if pa.types.is_uint64(kind):
        top = pc.max(array).as_py()
        return array.cast(pa.int64() if top is None or top < 2**63 else pa.float64(), safe=False)
    if pa.types.is_integer(kind):
        return array.cast(pa.int64())
    array = array.cast(pa.float64(), safe=False)
    # NaN is how some libraries write a missing number.
    return pc.if_else(pc.is_nan(array), pa.scalar(None, pa.float64()), array) if len(array) else array


def _time(array: pa.Array) -> pa.Array:
    if pa.types.is_date(array.type):
        array = array.cast(pa.timestamp("ms")).cast(pa.timestamp("us"))
    kind = array.type
    if kind.unit == "ns":
        # Sources that always store nanoseconds rarely mean them.
        ticks = array.cast(pa.int64())
        whole = pc.all(pc.equal(pc.subtract(ticks, pc.multiply(pc.divide(ticks, 1000), 1000)), 0)).as_py()
        return array.cast(pa.timestamp("us", kind.tz)).cast(pa.timestamp("us", "UTC")) if whole is not False else array
    return array.cast(pa.timestamp("us", kind.tz)).cast(pa.timestamp("us", "UTC"))


def _micros(array: pa.Array) -> pa.Array:
    if pa.types.is_duration(array.type):
        return array.cast(pa.duration("us"), safe=False).cast(pa.int64())
    return array.cast(pa.time64("us"), safe=False).cast(pa.int64())


def _text(array: pa.Array) -> pa.Array:
    return array if pa.types.is_string(array.type) else array.cast(pa.string())


def _nested(array: pa.Array) -> pa.Array:
    texts = [
        None if v is None else json.dumps(v, default=str, sort_keys=True, ensure_ascii=False) for v in array.to_pylist()
    ]
    return pa.array(texts, pa.string())


_NORMAL = {
    Kind.NUMBER: _number,
    Kind.BOOLEAN: lambda a: a,
    Kind.TEXT: _text,
    Kind.TIME: _time,
    Kind.DURATION: _micros,
    Kind.CLOCK: _micros,
    Kind.BINARY: lambda a: a.cast(pa.binary()),
    Kind.NESTED: _nested,
}


class Texts:
    """A pandas column of texts as it is now; made into Arrow piece by piece when it is read, each piece once.

    Python objects are slow to copy into Arrow, and nobody who opens data should wait for that.
    """

    type = pa.string()

    def __init__(self, series: Any) -> None:
        self._values = series.to_numpy(dtype=object, copy=True)
        self._pieces: dict[tuple[int, int], pa.Array] = {}

    def slice(self, start: int, rows: int) -> pa.Array:
        """Return some rows."""
        if (start, rows) not in self._pieces:
            self._pieces[start, rows] = self._made(self._values[start : start + rows])
        return self._pieces[start, rows]

    @staticmethod
    def _made(values: Any) -> pa.Array:
        try:
            return pa.array(values, type=pa.string(), from_pandas=True)
        except (UnicodeEncodeError, pa.ArrowInvalid):  # lone surrogates: the slow way replaces them
            return pa.array([_legal(v) if isinstance(v, str) else None for v in values], pa.string())


def from_pandas_series(series: Any) -> pa.Array | pa.ChunkedArray | Texts:
    """Return a pandas column as Arrow: by its dtype, or, for objects, by what all of its values are."""
    import pandas as pd

    if isinstance(series.dtype, pd.CategoricalDtype):
        series = series.astype(series.cat.categories.dtype)
    if isinstance(series.dtype, pd.PeriodDtype | pd.IntervalDtype):
        series = series.astype(str).where(series.notna(), None)
    if isinstance(series.dtype, pd.SparseDtype):
        series = series.sparse.to_dense()
    if series.dtype == object:
        return _from_objects(series)
    if series.dtype.kind == "c":
        return pa.array([None if v != v else str(v) for v in series], pa.string())
    return pa.Array.from_pandas(series)


def _from_objects(series: Any) -> pa.Array | Texts:
    import pandas as pd

    if pd.api.types.infer_dtype(series, skipna=True) == "string":
        return Texts(series)
    values = [
        None if v is None or v is pd.NA or v is pd.NaT or (isinstance(v, float) and v != v) else v for v in series
    ]
    kinds = {type(v) for v in values if v is not None}
    if not kinds:
        return pa.nulls(len(values))
    if kinds == {UUID}:
        return _as_text(values)
    if kinds <= {str}:
        return (
            pa.array(values, pa.string()) if _encodable(values) else pa.array([_legal(v) for v in values], pa.string())
        )
    if kinds <= {int, np.int64, np.int32} and bool not in kinds:
        fits = all(v is None or -(2**63) <= v < 2**63 for v in values)
        return pa.array(values, pa.int64()) if fits else _as_text(values)
    if kinds <= {int, float, np.float64, np.int64, Decimal} and bool not in kinds:
        return pa.array([None if v is None else float(v) for v in values], pa.float64())
    if all(issubclass(k, datetime) for k in kinds) and all(v is None or v.tzinfo is not None for v in values):
        return _in_utc(values)
    try:
        found = pa.array(values, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError):
        return _as_text(values)
    # Arrow takes mixed bytes and text, and other pairs, without a word.
    return found if len(kinds) == 1 or all(issubclass(k, bool | np.bool_) for k in kinds) else _as_text(values)


def _in_utc(values: list[Any]) -> pa.Array:
    # Arrow drops zones where PYARROW_IGNORE_TIMEZONE is set, as importing pyspark.pandas or pandera does.
    moments = [None if v is None else v.astimezone(UTC).replace(tzinfo=None) for v in values]
    found = pa.array(moments, from_pandas=True)
    return found.cast(pa.timestamp(found.type.unit, "UTC"))


def _as_text(values: list[Any]) -> pa.Array:
    return pa.array([None if v is None else _legal(str(v)) for v in values], pa.string())


def _encodable(values: list[Any]) -> bool:
    try:
        for v in values:
            if v is not None:
                v.encode()
    except UnicodeEncodeError:
        return False
    return True


def _legal(text: str | None) -> str | None:
    return None if text is None else text.encode("utf-8", "replace").decode()

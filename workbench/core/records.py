"""Records as they arrive (JSON, JSON lines, Arrow) as the columns of a contract; what does not fit is a fault."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa

from workbench.core.contract import Column, Contract, Fault
from workbench.core.errors import ConfigError, DataError, shown, thousands

MOST_RECORDS = 100_000
ARROW = {
    "integer": pa.int64(),
    "number": pa.float64(),
    "boolean": pa.bool_(),
    "text": pa.string(),
    "time": pa.timestamp("us", "UTC"),
}
_NO_RECORD = "not a JSON object"


def arrow_type(name: str, column: Column) -> pa.DataType:
    """Return what holds a column of a stream; ConfigError when the contract does not say its type."""
    if column.type not in ARROW:
        raise ConfigError(f"contract: column {shown(name)} has no type: a stream needs one of {', '.join(ARROW)}.")
    return ARROW[column.type]


@dataclass(frozen=True, slots=True)
class Arrived:
    """A batch in the contract's columns, the faults met while reading it, and each record as it came (JSON text)."""

    table: pa.Table
    faults: tuple[Fault, ...]
    raw: tuple[str, ...]


def read_json(data: bytes, contract: Contract) -> Arrived:
    """Read one JSON object or an array of them; DataError when the text as a whole is no JSON."""
    found = _parsed(data)
    records = found if isinstance(found, list) else [found]
    return _arrived(records, [_text(r) for r in records], contract)


def read_lines(data: bytes, contract: Contract) -> Arrived:
    """Read JSON lines; a line that is no JSON object is a fault of that record alone."""
    lines = [line for line in data.split(b"\n") if line.strip()]
    records: list[Any] = []
    for line in lines:
        try:
            records.append(_parsed(line))
        except DataError:
            records.append(None)
    return _arrived(records, [line.decode("utf-8", "replace") for line in lines], contract)


def read_arrow(data: bytes, contract: Contract) -> Arrived:
    """Read an Arrow stream or file; DataError when it is neither."""
    try:
        with pa.ipc.open_stream(data) as stream:
            table = stream.read_all()
    except pa.ArrowInvalid:
        try:
            table = pa.ipc.open_file(data).read_all()
        except pa.ArrowInvalid:
            raise DataError("the body is neither an Arrow stream nor an Arrow file.") from None
    _refuse_many(table.num_rows)
    records = table.to_pylist()
    return _arrived([_plain(r) for r in records], [_text(r) for r in records], contract)


def _plain(record: dict[str, Any]) -> dict[str, Any]:
    return {k: v.isoformat() if hasattr(v, "isoformat") else v for k, v in record.items()}


def _parsed(data: bytes) -> Any:
    def refuse(name: str) -> None:
        raise ValueError(name)

    try:
        return json.loads(data, parse_constant=refuse)
    except (ValueError, RecursionError):
        # The parser's message may quote the text.
        raise DataError("the body is no JSON (UTF-8; NaN and Infinity are not JSON).") from None


def _text(record: Any) -> str:
    try:
        return json.dumps(record, ensure_ascii=True, default=str)
    except (ValueError, RecursionError):
        return "null"


def _refuse_many(count: int) -> None:
    if count > MOST_RECORDS:
        raise DataError(
            f"found {thousands(count)} records in one batch, expected at most {thousands(MOST_RECORDS)}: "
            "send several batches."
        )


def _arrived(records: Sequence[Any], raw: Sequence[str], contract: Contract) -> Arrived:
    _refuse_many(len(records))
    objects = [r if isinstance(r, dict) else None for r in records]
    faults = [Fault("", _NO_RECORD, _at(r is None for r in objects))]
    columns = {}
    for name, column in contract.columns.items():
        arrow_type(name, column)
        values = [None if r is None else r.get(name) for r in objects]
        columns[name], wrong = _column(values, column.type)
        # What is not of its column's type cannot be kept there, whatever was decided about the type.
        faults.append(Fault(name, f"type {column.type}", np.array(wrong, np.int64), name))
        if column.required and column.state == "accepted":
            faults.append(Fault(name, "required", _at(r is not None and name not in r for r in objects), name))
    if contract.closed:
        extra = (r is not None and not r.keys() <= contract.columns.keys() for r in objects)
        faults.append(Fault("", "a column that is not in the contract", _at(extra)))
    return Arrived(pa.table(columns), tuple(f for f in faults if len(f.rows)), tuple(raw))


def _at(broken: Iterable[bool]) -> Any:
    return np.flatnonzero(np.fromiter(broken, np.bool_))


def _column(values: list[Any], kind: str) -> tuple[pa.Array, list[int]]:
    """Return the values as one type, those that are of another as null, and where these are."""
    plain, convert = _WAYS[kind]
    if set(map(type, values)) <= {plain, type(None)}:
        try:
            return pa.array(values, ARROW[kind]), []
        except (pa.ArrowInvalid, OverflowError, UnicodeEncodeError):
            pass
    found, wrong = [], []
    for at, value in enumerate(values):
        try:
            found.append(None if value is None else convert(value))
        except (ValueError, TypeError, OverflowError):
            found.append(None)
            wrong.append(at)
    return pa.array(found, ARROW[kind]), wrong


def _integer(value: Any) -> int:
    whole = type(value) is int or (type(value) is float and value.is_integer())
    if not whole or not -(2**63) <= value < 2**63:
        raise ValueError
    return int(value)


def _number(value: Any) -> float:
    if type(value) not in (int, float):
        raise ValueError
    return float(value)


def _boolean(value: Any) -> bool:
    if type(value) is not bool:
        raise ValueError
    return value


def _string(value: Any) -> str:
    if type(value) is not str:
        raise ValueError
    value.encode()  # half of a surrogate pair is no text
    return value


def _time(value: Any) -> datetime:
    found = datetime.fromisoformat(value)
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


_WAYS: dict[str, tuple[type, Callable[[Any], Any]]] = {
    "integer": (int, _integer),
    "number": (float, _number),
    "boolean": (bool, _boolean),
    "text": (str, _string),
    "time": (datetime, _time),
}

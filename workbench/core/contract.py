"""The contract of a stream of records: what each column must hold, judged a batch at a time, column by column."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from workbench.core.counts import Counted
from workbench.core.errors import ConfigError, DataError, shown, unknown
from workbench.core.fingerprint import Hashes
from workbench.core.frame import Kind, wrap
from workbench.core.keys import key_hashes

Scalar = str | int | float | bool
Mask = NDArray[np.bool_]
Ints = NDArray[np.int64]
Scope = Callable[[Mask], Ints]
"""Rows that no other rule refuses -> the window of each row: keys are unique within a window."""

Seen = Callable[[int, Ints, Hashes], Mask]
"""(number of the unique rule, windows, hashes (n, 2) in order of arrival) -> which were accepted before."""

TYPES: dict[str, Kind] = {
    "integer": Kind.NUMBER,
    "number": Kind.NUMBER,
    "boolean": Kind.BOOLEAN,
    "text": Kind.TEXT,
    "time": Kind.TIME,
}
MOST_ALLOWED = 50


@dataclass(frozen=True, slots=True)
class ColumnRule:
    """What one column must hold; `required`: named in every record (what is not is null).

    `pattern` is an RE2 expression that has to match the whole text.
    """

    type: str = "text"
    nullable: bool = True
    required: bool = True
    minimum: float | str | None = None
    maximum: float | str | None = None
    allowed: tuple[Scalar, ...] | None = None
    pattern: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the rule as plain data, defaults left out."""
        found = {f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name) != f.default}
        found["type"] = self.type
        return {k: list(v) if isinstance(v, tuple) else v for k, v in found.items()}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], column: str = "") -> ColumnRule:
        """Read what `to_dict` wrote; ConfigError says which field of which column is wrong."""
        if not isinstance(data, Mapping):
            raise ConfigError(f"contract: column {shown(column)}: found {type(data).__name__}, expected rules by name.")
        known = [f.name for f in fields(cls)]
        for key in data:
            if key not in known:
                raise ConfigError(f"contract: column {shown(column)}: " + unknown("rule", key, known))
        given: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in data.items()}
        rule = cls(**given)
        rule.check(column)
        return rule

    def check(self, column: str) -> None:
        """Raise ConfigError when the rule contradicts itself or cannot be judged."""
        what = f"contract: column {shown(column)}"
        if self.type not in TYPES:
            raise ConfigError(f"{what}: " + unknown("type", self.type, TYPES))
        ends = [v for v in (self.minimum, self.maximum) if v is not None]
        numeric = self.type in ("integer", "number")
        if ends and not numeric and self.type != "time":
            raise ConfigError(f"{what}: minimum and maximum are for integer, number and time, not {self.type}.")
        for end in ends:
            if numeric and (isinstance(end, bool) or not isinstance(end, int | float) or end != end):
                raise ConfigError(f"{what}: found the limit {shown(end)}, expected a number.")
        if self.pattern is not None:
            self._check_pattern(what)
        for name in ("nullable", "required"):
            if not isinstance(getattr(self, name), bool):
                raise ConfigError(f"{what}: {name}: found {shown(getattr(self, name))}, expected true or false.")
        if self.allowed is not None and not isinstance(self.allowed, tuple):
            raise ConfigError(f"{what}: allowed: found {shown(self.allowed)}, expected a list of values.")
        if self.type == "time":
            _times([str(e) for e in ends], what)

    def _check_pattern(self, what: str) -> None:
        if self.type != "text":
            raise ConfigError(f"{what}: a pattern is for text, not {self.type}.")
        try:
            pc.match_substring_regex(pa.array(["x"]), whole_pattern(str(self.pattern)))
        except pa.ArrowInvalid:
            raise ConfigError(f"{what}: the pattern {shown(self.pattern)} is no RE2 expression.") from None


def whole_pattern(pattern: str) -> str:
    """Return a pattern that has to match the whole text."""
    return rf"\A(?:{pattern})\z"


def _times(texts: Sequence[str], what: str) -> list[Any]:
    try:
        return pa.array(texts, pa.string()).cast(pa.timestamp("us", "UTC")).to_pylist()  # type: ignore[no-any-return]
    except pa.ArrowInvalid:
        pass
    try:
        return pa.array(texts, pa.string()).cast(pa.timestamp("us")).cast(pa.timestamp("us", "UTC")).to_pylist()  # type: ignore[no-any-return]
    except pa.ArrowInvalid:
        raise ConfigError(
            f"{what}: found a limit that is no time; expected one such as 2026-01-31T00:00:00Z."
        ) from None


@dataclass(frozen=True)
class Contract:
    """Columns and their rules; `unique` lists keys (each one or more columns); `closed` refuses columns not named."""

    name: str
    columns: Mapping[str, ColumnRule]
    unique: tuple[tuple[str, ...], ...] = ()
    closed: bool = False
    version: str = "1.0.0"

    def to_dict(self) -> dict[str, Any]:
        """Return the contract as plain data."""
        found: dict[str, Any] = {"name": self.name, "version": self.version}
        found["columns"] = {name: rule.to_dict() for name, rule in self.columns.items()}
        return found | {"unique": [list(key) for key in self.unique], "closed": self.closed}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Contract:
        """Read what `to_dict` wrote, or what a person wrote; ConfigError says what is wrong."""
        known = [f.name for f in fields(cls)]
        for key in data:
            if key not in known:
                raise ConfigError("contract: " + unknown("key", key, known))
        columns = data.get("columns")
        if not isinstance(columns, Mapping) or not columns:
            raise ConfigError("contract: columns: expected at least one column with its rules.")
        rules = {str(name): ColumnRule.from_dict(rule, str(name)) for name, rule in columns.items()}
        unique = tuple((k,) if isinstance(k, str) else tuple(str(c) for c in k) for k in data.get("unique") or ())
        for column in (c for key in unique for c in key):
            if column not in rules:
                raise ConfigError("contract: unique: " + unknown("column", column, rules))
        name, version = str(data.get("name", "contract")), str(data.get("version", "1.0.0"))
        return cls(name, rules, unique, bool(data.get("closed", False)), version)


@dataclass(frozen=True, slots=True)
class Fault:
    """One rule that some rows break; `rows` are their positions in the batch."""

    column: str
    rule: str
    rows: NDArray[np.int64]

    @property
    def label(self) -> str:
        """Return the fault as people and counters name it."""
        return f"{self.column}: {self.rule}" if self.column else self.rule


@dataclass(frozen=True, slots=True)
class Validation:
    """A batch judged: which rows are accepted, and every fault of the others."""

    accepted: Mask
    faults: tuple[Fault, ...] = ()

    @property
    def rows(self) -> int:
        """Return the number of rows judged."""
        return len(self.accepted)

    def reasons(self) -> dict[int, list[str]]:
        """Return what each quarantined row broke, by its position; no value of a row is in it."""
        found: dict[int, list[str]] = {}
        for fault in self.faults:
            for row in fault.rows.tolist():
                found.setdefault(row, []).append(fault.label)
        return dict(sorted(found.items()))

    def counts(self) -> dict[str, int]:
        """Return the number of rows that broke each rule."""
        found: dict[str, int] = {}
        for fault in self.faults:
            found[fault.label] = found.get(fault.label, 0) + len(fault.rows)
        return found


def validate_batch(
    batch: Any,
    contract: Contract,
    *,
    faults: Sequence[Fault] = (),
    scope: Scope | None = None,
    seen: Seen | None = None,
) -> Validation:
    """Judge a batch (a frame of any kind that is read): columns by their rules, then keys, first arrival accepted.

    `faults` are those met while the batch was made (types in JSON); `scope` gives each row's window, in which a key is
    unique (default: one for all); `seen` says which keys earlier batches took.
    """
    frame = wrap(batch)
    batches = list(frame.batches())
    table = pa.Table.from_batches(batches) if batches else None
    rows = 0 if table is None else table.num_rows
    found = list(faults)
    if table is not None:
        for name, rule in contract.columns.items():
            column = table[name].combine_chunks() if name in frame.names else None
            kind = frame.kind(name) if column is not None else None
            found += _faults(name, rule, column, kind, rows)
        if contract.closed:
            everything = np.arange(rows)
            found += [Fault(n, "not in the contract", everything) for n in frame.names if n not in contract.columns]
    accepted = np.ones(rows, np.bool_)
    for fault in found:
        accepted[fault.rows] = False
    if table is not None and contract.unique:
        windows = np.zeros(rows, np.int64) if scope is None else scope(accepted.copy())
        found += _repeats(table, contract.unique, accepted, windows, seen)
        for fault in found:
            accepted[fault.rows] = False
    return Validation(accepted, tuple(f for f in found if len(f.rows)))


def _faults(name: str, rule: ColumnRule, column: pa.Array | None, kind: Kind | None, rows: int) -> Iterator[Fault]:
    if column is None:
        if rule.required:
            yield Fault(name, "required", np.arange(rows))
        return
    present = column.is_valid().to_numpy(zero_copy_only=False)
    if not rule.nullable:
        yield Fault(name, "not null", np.flatnonzero(~present))
    if not present.any():
        return
    if kind is not TYPES[rule.type]:
        yield Fault(name, f"type {rule.type}", np.flatnonzero(present))
        return
    for label, broken in _value_rules(rule, column):
        yield Fault(name, label, np.flatnonzero(broken & present))


def _value_rules(rule: ColumnRule, column: pa.Array) -> Iterator[tuple[str, Mask]]:
    if rule.type == "integer" and pa.types.is_floating(column.type):
        whole = pc.equal(pc.floor(column), column)
        yield "type integer", _not(whole)
    for label, limit, compare in (
        (f"minimum {rule.minimum}", rule.minimum, pc.greater_equal),
        (f"maximum {rule.maximum}", rule.maximum, pc.less_equal),
    ):
        if limit is not None:
            yield label, _not(compare(*_comparable(column, limit)))
    if rule.allowed is not None:
        yield "allowed values", _not(_is_allowed(column, rule.allowed))
    if rule.pattern is not None:
        yield "pattern", _not(pc.match_substring_regex(column, whole_pattern(rule.pattern)))


def _comparable(column: pa.Array, limit: Scalar) -> tuple[pa.Array, pa.Scalar]:
    if pa.types.is_timestamp(column.type):
        return column, pa.scalar(_times([str(limit)], "contract")[0], pa.timestamp("us", "UTC"))
    if pa.types.is_integer(column.type) and isinstance(limit, int) and abs(limit) < 2**63:
        return column, pa.scalar(limit, pa.int64())
    return column.cast(pa.float64(), safe=False), pa.scalar(float(limit), pa.float64())


def _not(mask: pa.Array) -> Mask:
    inside: Mask = pc.fill_null(mask, True).to_numpy(zero_copy_only=False)
    return ~inside


def _is_allowed(column: pa.Array, allowed: Sequence[Scalar]) -> pa.Array:
    if pa.types.is_boolean(column.type):
        values = pa.array([v for v in allowed if isinstance(v, bool)], pa.bool_())
    elif pa.types.is_string(column.type):
        values = pa.array([v for v in allowed if isinstance(v, str)], pa.string())
    else:
        numbers = [float(v) for v in allowed if isinstance(v, int | float) and not isinstance(v, bool)]
        return pc.is_in(column.cast(pa.float64(), safe=False), value_set=pa.array(numbers, pa.float64()))
    return pc.is_in(column, value_set=values)


def _repeats(
    table: pa.Table, unique: Sequence[tuple[str, ...]], accepted: Mask, windows: Ints, seen: Seen | None
) -> list[Fault]:
    """Return what repeats a key among the rows that no other rule refuses; only an accepted row takes its keys."""
    hashes, fresh = [], []
    for number, key in enumerate(unique):
        if any(c not in table.column_names for c in key):
            continue
        found, complete = key_hashes(table, key)
        at = np.flatnonzero(accepted & complete)
        new = np.ones(len(at), np.bool_) if seen is None else ~seen(number, windows[at], found[at])
        hashes.append((" & ".join(key), found))
        fresh.append(dict(zip(at.tolist(), new.tolist(), strict=True)))
    taken: list[set[bytes]] = [set() for _ in hashes]
    broken: list[list[int]] = [[] for _ in hashes]
    words = [np.column_stack((windows.view(np.uint64), found)) for _, found in hashes]
    for row in np.flatnonzero(accepted).tolist():
        keys = {k: words[k][row].tobytes() for k in range(len(hashes)) if row in fresh[k]}
        again = [k for k, value in keys.items() if not fresh[k][row] or value in taken[k]]
        for k in again:
            broken[k].append(row)
        if not again:
            for k, value in keys.items():
                taken[k].add(value)
    return [Fault(name, "unique", np.array(rows, np.int64)) for (name, _), rows in zip(hashes, broken, strict=True)]


def infer_contract(counted: Counted, *, name: str = "contract", unique: Sequence[str] = ()) -> Contract:
    """Return the contract that a reference's counts satisfy: types, nulls, ranges seen, sets of up to 50 texts."""
    rules = {column: _inferred(counted.columns[column]) for column in counted.columns}
    for column in unique:
        if column not in rules:
            raise DataError(unknown("column", column, rules))
    return Contract(name, rules, tuple((column,) for column in unique))


def _inferred(column: Any) -> ColumnRule:
    kinds = {Kind.BOOLEAN: "boolean", Kind.TIME: "time", Kind.NUMBER: "integer" if column.integral else "number"}
    kind, nullable = kinds.get(column.kind, "text"), column.missing > 0
    if kind in ("integer", "number") and column.numbers is not None and column.numbers.n:
        ends = (column.numbers.minimum, column.numbers.maximum)
        low, high = (int(e) if kind == "integer" else e for e in ends)
        return ColumnRule(kind, nullable, minimum=low, maximum=high)
    few = kind == "text" and column.values is not None and column.values.exact
    if few and 0 < column.values.distinct <= MOST_ALLOWED:
        return ColumnRule(kind, nullable, allowed=tuple(sorted(column.values.counts)))
    return ColumnRule(kind, nullable)

"""The contract of a table or a stream: its columns, their rules, and the judging of a batch, column by column."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from workbench.core.contract_arrow import broken_rows, wrong_type
from workbench.core.contract_kinds import rule_of
from workbench.core.contract_rules import NotNull, RowRule, Rule
from workbench.core.contract_types import TYPES, check_fit, unjudged
from workbench.core.contract_values import READERS, Grounds, flag, legal
from workbench.core.contract_whole import Unique
from workbench.core.errors import ConfigError, shown, unknown
from workbench.core.fingerprint import Hashes
from workbench.core.frame import Frame, Kind, joined, wrap
from workbench.core.keys import key_hashes

Mask = NDArray[np.bool_]
Ints = NDArray[np.int64]
Scope = Callable[[Mask], Ints]
"""Rows that no other rule refuses -> the window of each row: keys are unique within a window."""

Seen = Callable[[int, Ints, Hashes], Mask]
"""(number of the unique rule, windows, hashes (n, 2) in order of arrival) -> which were accepted before."""

_SHORT = ("nullable", "minimum", "maximum", "allowed", "pattern")


@dataclass(frozen=True, slots=True)
class Column:
    """What a column is: its type ("any": not said), whether it has to be there, whether its values are shown to nobody.

    `required`: named in every record (what is not is null). `state` and `evidence` are those of the type.
    """

    type: str = "any"
    required: bool = True
    sensitive: bool = False
    state: str = "accepted"
    evidence: Grounds | None = None

    @property
    def live(self) -> bool:
        """Say whether the type is checked."""
        return self.state != "rejected"

    def to_dict(self) -> dict[str, Any]:
        """Return the column as plain data, defaults left out."""
        found = {f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name) != f.default}
        evidence = {} if self.evidence is None else {"evidence": self.evidence.to_dict()}
        return {"type": self.type, **found, **evidence}


@dataclass(frozen=True)
class Contract:
    """Columns and rules; `closed` refuses columns that are not named; ConfigError when rules and columns do not fit."""

    name: str
    columns: Mapping[str, Column]
    rules: tuple[Rule, ...] = ()
    closed: bool = False
    version: str = "1.0.0"

    def __post_init__(self) -> None:
        if not self.columns:
            raise ConfigError("contract: columns: expected at least one column with its rules.")
        keys, types = set[str](), self.types
        for rule in self.rules:
            if rule.key in keys:
                raise ConfigError(f"contract: two rules are called {shown(rule.key)}: give one of them a `name`.")
            keys.add(rule.key)
            check_fit(rule, types)

    @property
    def types(self) -> dict[str, str]:
        """Return each column's type."""
        return {name: column.type for name, column in self.columns.items()}

    @property
    def unique(self) -> tuple[tuple[str, ...], ...]:
        """Return the keys that a stream is held to, each one or more columns: those of accepted rules."""
        return tuple(r.columns for r in self.rules if isinstance(r, Unique) and r.state == "accepted" and r.mostly == 1)

    def to_dict(self) -> dict[str, Any]:
        """Return the contract as plain data."""
        return {
            "name": self.name,
            "version": self.version,
            "closed": self.closed,
            "columns": {name: column.to_dict() for name, column in self.columns.items()},
            "rules": [rule.to_dict() for rule in self.rules],
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Contract:
        """Read what `to_dict` wrote, or what a person wrote; ConfigError says what is wrong.

        A column may name `nullable`, `minimum`, `maximum`, `allowed` and `pattern` beside its type, and `unique` lists
        keys: short ways to write accepted rules.
        """
        known = ("name", "version", "closed", "columns", "rules", "unique")
        for key in data:
            if key not in known:
                raise ConfigError("contract: " + unknown("key", key, known))
        given = data.get("columns")
        if not isinstance(given, Mapping):
            raise ConfigError("contract: columns: expected at least one column with its rules.")
        columns: dict[str, Column] = {}
        rules: list[Rule] = []
        for label, about in given.items():
            name = legal(str(label))
            if name in columns:
                raise ConfigError(f"contract: two columns are called {shown(name)}.")
            columns[name] = _column(name, about)
            rules += _short_rules(name, about)
        rules += [rule_of(r, f"contract: rule {i}") for i, r in enumerate(_listed(data, "rules"), 1)]
        rules += [rule_of({"rule": "unique", "columns": k}, "contract: unique") for k in _listed(data, "unique")]
        closed = _read("contract: closed", flag, data.get("closed", False))
        name, version = legal(str(data.get("name", "contract"))), legal(str(data.get("version", "1.0.0")))
        return cls(name, columns, tuple(rules), closed, version)


def _listed(data: Mapping[str, Any], key: str) -> list[Any]:
    found = data.get(key) or []
    if not isinstance(found, list | tuple):
        raise ConfigError(f"contract: {key}: found {type(found).__name__}, expected a list.")
    return list(found)


def _read(where: str, reader: Callable[[Any], Any], value: Any) -> Any:
    try:
        return reader(value)
    except ConfigError as error:
        raise ConfigError(f"{where}: {error}") from None


_COLUMN: Mapping[str, Callable[[Any], Any]] = {
    "required": flag, "sensitive": flag, "state": READERS["state"], "evidence": READERS["evidence"],
}  # fmt: skip


def _column(name: str, about: Any) -> Column:
    what = f"contract: column {shown(name)}"
    if not isinstance(about, Mapping):
        raise ConfigError(f"{what}: found {type(about).__name__}, expected rules by name.")
    for key in about:
        if key not in ("type", *_COLUMN, *_SHORT):
            raise ConfigError(f"{what}: " + unknown("rule", key, ("type", *_COLUMN, *_SHORT)))
    kind = about.get("type", "any")
    if kind not in TYPES:
        raise ConfigError(f"{what}: " + unknown("type", kind, TYPES))
    given = {k: _read(f"{what}: {k}", _COLUMN[k], v) for k, v in about.items() if k in _COLUMN}
    return Column(kind, **given)


def _short_rules(name: str, about: Mapping[str, Any]) -> Iterator[Rule]:
    what = f"contract: column {shown(name)}"
    limits = {k: about[k] for k in ("minimum", "maximum") if about.get(k) is not None}
    if not _read(f"{what}: nullable", flag, about.get("nullable", True)):
        yield rule_of({"rule": "not_null", "column": name}, what)
    if limits:
        yield rule_of({"rule": "range", "column": name, **limits}, what)
    if about.get("allowed") is not None:
        yield rule_of({"rule": "in_set", "column": name, "values": about["allowed"]}, what)
    if about.get("pattern") is not None:
        yield rule_of({"rule": "pattern", "column": name, "pattern": about["pattern"]}, what)


# ---------------------------------------------------------------------------- a batch


@dataclass(frozen=True, slots=True)
class Fault:
    """A rule that some rows break, as people read it; `rows` are their positions in the batch, `key` is the rule's."""

    column: str
    rule: str
    rows: Ints
    key: str = ""

    @property
    def label(self) -> str:
        """Return the fault as people and counters name it."""
        return f"{self.column}: {self.rule}" if self.column else self.rule


@dataclass(frozen=True, slots=True)
class Validation:
    """A batch judged: which rows are accepted, every fault of the others, and what proposed rules would refuse."""

    accepted: Mask
    faults: tuple[Fault, ...] = ()
    doubts: tuple[Fault, ...] = ()

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
    """Judge a batch (a frame of any kind that is read): rows by their rules, then keys, first arrival accepted.

    `faults` are those met while the batch was made (types in JSON); `scope` gives each row's window, in which a key is
    unique (default: one for all); `seen` says which keys earlier batches took. Rules that need the whole data, and
    those that some rows may break (`mostly`), refuse no row: `judge_data` judges them.
    """
    frame = wrap(batch)
    batches = list(frame.batches())
    table = joined(batches) if batches else None
    rows = 0 if table is None else table.num_rows
    found, doubts = list(faults), list[Fault]()
    if table is not None:
        for fault, state in _faults(table, _kinds(table, frame), contract):
            (found if state == "accepted" else doubts).append(fault)
    accepted = _without(np.ones(rows, np.bool_), found)
    if table is not None and contract.unique:
        windows = np.zeros(rows, np.int64) if scope is None else scope(accepted.copy())
        found += _repeats(table, contract.unique, accepted, windows, seen)
        accepted = _without(accepted, found)
    broken, doubted = (tuple(f for f in some if len(f.rows)) for some in (found, doubts))
    return Validation(accepted, broken, doubted)


def _kinds(table: pa.Table, frame: Frame) -> dict[str, Kind | None]:
    """Return what each column holds; None where it is empty, which every type and rule allows."""
    return {n: frame.kind(n) if table[n].null_count < table.num_rows else None for n in frame.names}


def _without(accepted: Mask, faults: Iterable[Fault]) -> Mask:
    for fault in faults:
        accepted[fault.rows] = False
    return accepted


def _faults(table: pa.Table, kinds: Mapping[str, Kind | None], contract: Contract) -> Iterator[tuple[Fault, str]]:
    """Yield every fault of the batch, with the state of the rule that names it."""
    everything = np.arange(table.num_rows)
    for name, column in contract.columns.items():
        if column.live and name not in kinds and column.required:
            yield Fault(name, "required", everything, name), column.state
        elif column.live and (kind := kinds.get(name)) is not None:
            wrong = wrong_type(table[name].combine_chunks(), kind, column.type)
            yield Fault(name, f"type {column.type}", np.flatnonzero(wrong), name), column.state
    for rule in contract.rules:
        if isinstance(rule, RowRule) and rule.live and rule.mostly == 1 and _judged(rule, kinds, contract):
            for label, broken in broken_rows(rule, table):
                yield Fault(rule.column, label, np.flatnonzero(broken), rule.key), rule.state
    if contract.closed:
        for name in kinds:
            if name not in contract.columns:
                yield Fault(name, "not in the contract", everything, name), "accepted"


def _judged(rule: RowRule, kinds: Mapping[str, Kind | None], contract: Contract) -> bool:
    """Say whether a rule can be judged here, and there is something that could break it."""
    if unjudged(rule, kinds, contract.types):
        return False
    read = rule.about[1:] if isinstance(rule, NotNull) else rule.about
    return all(kinds[column] is not None for column in read)


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
    pairs = zip(hashes, broken, strict=True)
    return [Fault(name, "unique", np.array(rows, np.int64), f"{name}: unique") for (name, _), rows in pairs]

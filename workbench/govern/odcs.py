"""Contracts to and from the Open Data Contract Standard, version 3 (Bitol, bitol.io)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from workbench.core.contract import ColumnRule, Contract
from workbench.core.errors import ConfigError, import_extra, shown

VERSION = "v3.1.0"
_TO = {"integer": "integer", "number": "number", "boolean": "boolean", "text": "string", "time": "timestamp"}
_FROM = {**{v: k for k, v in _TO.items()}, "date": "time"}
_OPTIONS = ("minimum", "maximum", "pattern")
_OWN = "workbench."
_READ = {"name", "logicalType", "logicalTypeOptions", "required", "unique", "primaryKey", "primaryKeyPosition",
         "quality", "customProperties", "properties", "physicalType", "description"}  # fmt: skip


def to_odcs(contract: Contract) -> dict[str, Any]:
    """Return a contract as an ODCS document; what the standard has no word for goes into custom properties."""
    single = {key[0] for key in contract.unique if len(key) == 1}
    own = {"closed": contract.closed, "unique": [list(key) for key in contract.unique if len(key) > 1]}
    schema: dict[str, Any] = {
        "name": contract.name,
        "logicalType": "object",
        "properties": [_property(name, rule, name in single) for name, rule in contract.columns.items()],
        "customProperties": [{"property": f"{_OWN}{k}", "value": v} for k, v in own.items() if v],
    }
    if not schema["customProperties"]:
        del schema["customProperties"]
    head = {"kind": "DataContract", "apiVersion": VERSION, "id": contract.name, "status": "active"}
    return {**head, "name": contract.name, "version": contract.version, "schema": [schema]}


def _property(name: str, rule: ColumnRule, unique: bool) -> dict[str, Any]:
    found: dict[str, Any] = {"name": name, "logicalType": _TO[rule.type], "required": not rule.nullable}
    if unique:
        found["unique"] = True
    options = {option: getattr(rule, option) for option in _OPTIONS if getattr(rule, option) is not None}
    if options:
        found["logicalTypeOptions"] = options
    if rule.allowed is not None:
        arguments = {"validValues": list(rule.allowed)}
        check = {"type": "library", "metric": "invalidValues", "arguments": arguments, "mustBe": 0}
        found["quality"] = [check]
    if not rule.required:
        found["customProperties"] = [{"property": f"{_OWN}required", "value": False}]
    return found


def from_odcs(data: Mapping[str, Any]) -> tuple[Contract, list[str]]:
    """Return the contract of an ODCS document's first schema, and what was not taken over, in words."""
    model = import_extra("open_data_contract_standard.model", "governance", "reading an ODCS contract")
    try:
        model.OpenDataContractStandard(**data)
    except (ValueError, TypeError) as error:
        details: list[Any] = error.errors() if hasattr(error, "errors") else []
        where = ".".join(str(p) for p in details[0]["loc"]) if details else ""
        raise ConfigError(f"the document is no Open Data Contract: {where or type(error).__name__} is wrong.") from None
    schemas = data.get("schema") or []
    if not schemas:
        raise ConfigError("the contract has no schema: expected one with properties.")
    left = [f"schema {shown(s.get('name'))}: only the first schema is read" for s in schemas[1:]]
    head = schemas[0]
    own = _own(head)
    columns: dict[str, ColumnRule] = {}
    unique: list[tuple[str, ...]] = []
    for entry in head.get("properties") or []:
        name = str(entry.get("name"))
        columns[name] = _rule(name, entry, left)
        if entry.get("unique") or entry.get("primaryKey"):
            unique.append((name,))
    left += [f"{shown(head.get('name'))}: quality rule {_told(q)}" for q in head.get("quality") or []]
    left += [
        f"{k} is not part of a contract here" for k in ("slaProperties", "servers", "price", "roles") if data.get(k)
    ]
    keys = tuple(unique) + tuple(tuple(key) for key in own.get("unique") or [])
    name, version = str(data.get("name") or head.get("name") or data.get("id")), str(data.get("version", "1.0.0"))
    made = Contract(name, columns, keys, bool(own.get("closed", False)), version)
    return Contract.from_dict(made.to_dict()), left


def _own(entry: Mapping[str, Any]) -> dict[str, Any]:
    custom = entry.get("customProperties") or []
    return {
        str(c["property"]).removeprefix(_OWN): c.get("value") for c in custom if str(c.get("property")).startswith(_OWN)
    }


def _rule(name: str, entry: Mapping[str, Any], left: list[str]) -> ColumnRule:
    kind = str(entry.get("logicalType", "string"))
    if kind not in _FROM:
        left.append(f"column {shown(name)}: type {shown(kind)} is read as text")
    options = dict(entry.get("logicalTypeOptions") or {})
    taken = {k: options.pop(k) for k in _OPTIONS if k in options}
    left += [f"column {shown(name)}: option {shown(o)}" for o in options]
    left += [f"column {shown(name)}: {k}" for k in entry if k not in _READ and entry[k] not in (None, [], False)]
    return ColumnRule(
        type=_FROM.get(kind, "text"),
        nullable=not entry.get("required", False),
        required=bool(_own(entry).get("required", True)),
        allowed=next(_allowed(name, entry, left), None),
        **taken,
    )


def _allowed(name: str, entry: Mapping[str, Any], left: list[str]) -> Iterator[tuple[Any, ...]]:
    found = []
    for check in entry.get("quality") or []:
        values = (check.get("arguments") or {}).get("validValues")
        if check.get("metric", check.get("rule")) == "invalidValues" and check.get("mustBe") == 0 and values:
            found.append(tuple(values))
        else:
            left.append(f"column {shown(name)}: quality rule {_told(check)}")
    yield from found


def _told(check: Mapping[str, Any]) -> str:
    return shown(check.get("name") or check.get("metric") or check.get("rule") or check.get("type") or "without a name")

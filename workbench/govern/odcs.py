"""Contracts to and from the Open Data Contract Standard, version 3 (Bitol, bitol.io).

What the standard has words for is written in them (types, required, unique, lengths, limits, patterns, the library's
metrics); every other rule, and what a person decided about it, goes into custom quality checks of the engine
"workbench", so that a contract comes back as it was. A pattern is taken to match the whole value.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from workbench.core.contract import Column, Contract
from workbench.core.contract_rules import Counting, InSet, Length, NotNull, Pattern, Range, RowRule, Rule
from workbench.core.contract_whole import RowCount, Unique
from workbench.core.errors import ConfigError, import_extra, shown
from workbench.govern.foreign import Gathered

VERSION = "v3.1.0"
_TO = {"integer": "integer", "number": "number", "boolean": "boolean", "text": "string", "time": "timestamp"}
_FROM = {**{v: k for k, v in _TO.items()}, "date": "time"}
_OPTIONS = {
    "minimum": "minimum", "maximum": "maximum", "exclusiveMinimum": "above", "exclusiveMaximum": "below",
}  # fmt: skip
_OWN, _ENGINE, _HIDDEN = "workbench.", "workbench", ("restricted", "confidential")
_READ = {"name", "logicalType", "logicalTypeOptions", "required", "unique", "primaryKey", "primaryKeyPosition", "enum",
         "quality", "customProperties", "properties", "physicalType", "description", "classification"}  # fmt: skip


# ---------------------------------------------------------------------------- writing


def to_odcs(contract: Contract) -> dict[str, Any]:
    """Return a contract as an ODCS document; what the standard has no word for goes into custom checks."""
    properties = {name: _property(name, column) for name, column in contract.columns.items()}
    quality: list[dict[str, Any]] = []
    for rule in contract.rules:
        if _written(rule, contract.types[rule.about[0]] if rule.about else "any", properties):
            continue
        metric = _metric(rule)
        if isinstance(rule, RowRule) and metric is not None:
            properties[rule.column].setdefault("quality", []).append(metric)
        else:
            quality.append(metric or _custom(rule))
    schema: dict[str, Any] = {"name": contract.name, "logicalType": "object", "properties": list(properties.values())}
    if quality:
        schema["quality"] = quality
    if contract.closed:
        schema["customProperties"] = [{"property": f"{_OWN}closed", "value": True}]
    head = {"kind": "DataContract", "apiVersion": VERSION, "id": contract.name, "status": "active"}
    return {**head, "name": contract.name, "version": contract.version, "schema": [schema]}


def _property(name: str, column: Column) -> dict[str, Any]:
    # The standard's schema knows no column without a type: text is what says least.
    found: dict[str, Any] = {"name": name, "logicalType": _TO.get(column.type, "string")}
    if column.type not in _TO:
        found["description"] = "The contract says nothing of its type."
    if column.sensitive:
        found["classification"] = _HIDDEN[0]
    rest = {k: v for k, v in column.to_dict().items() if k in ("state", "evidence")}
    own = {**({} if column.required else {"required": False}), **rest}
    own |= {} if column.type in _TO else {"type": column.type}
    if own:
        found["customProperties"] = [{"property": f"{_OWN}{k}", "value": v} for k, v in own.items()]
    return found


def _plain(rule: Rule, *but: str) -> bool:
    """Say whether a rule is one that the standard's own words hold: in force, without a name, for every row."""
    return rule.to_dict().keys().isdisjoint({"state", "evidence", "name", "when", "mostly"} - {*but})


def _written(rule: Rule, kind: str, properties: Mapping[str, dict[str, Any]]) -> bool:
    """Write a rule into its column's property (of type `kind`), where the standard has a place that is still free."""
    if not _plain(rule):
        return False
    if isinstance(rule, Unique) and len(rule.columns) == 1:
        return _placed(properties[rule.columns[0]], {"unique": True})
    if not isinstance(rule, RowRule):
        return False
    entry = properties[rule.column]
    if isinstance(rule, NotNull):
        return _placed(entry, {"required": True})
    options: dict[str, Any] = {}
    if isinstance(rule, Range):
        options = {word: rule.bounds[name] for word, name in _OPTIONS.items() if name in rule.bounds}
    elif isinstance(rule, Length):
        options = {f"{end[:3]}Length": value for end, value in rule.bounds.items()}
    elif isinstance(rule, Pattern):
        options = {"pattern": rule.pattern}
    fits = bool(options) and kind in _TO
    return fits and _placed(entry.setdefault("logicalTypeOptions", {}), options)


def _placed(entry: dict[str, Any], words: Mapping[str, Any]) -> bool:
    if set(words) & set(entry) or (_limits(words) and _limits(entry)):
        return False
    entry.update(words)
    return True


def _limits(words: Mapping[str, Any]) -> bool:
    return bool(set(words) & set(_OPTIONS))


def _metric(rule: Rule) -> dict[str, Any] | None:
    """Return a rule as a metric of the standard's library, or None."""
    if not _plain(rule, "mostly"):
        return None
    if isinstance(rule, NotNull) and rule.mostly < 1:
        return _library("nullValues", rule)
    if isinstance(rule, InSet):
        return _library("invalidValues", rule, arguments={"validValues": list(rule.values)})
    if isinstance(rule, Pattern) and rule.mostly < 1:
        return _library("invalidValues", rule, arguments={"pattern": rule.pattern})
    if isinstance(rule, Unique) and rule.mostly == 1:
        return _library("duplicateValues", rule, arguments={"properties": list(rule.columns)})
    if isinstance(rule, RowCount):
        ends = [rule.bounds.get("minimum"), rule.bounds.get("maximum")]
        return {"type": "library", "metric": "rowCount", **_ends(*ends)}
    return None


def _ends(low: float | None, high: float | None) -> dict[str, Any]:
    if low is None or high is None:
        return {"mustBeLessOrEqualTo": high} if low is None else {"mustBeGreaterOrEqualTo": low}
    return {"mustBe": low} if low == high else {"mustBeBetween": [low, high]}


def _library(metric: str, rule: Counting, **more: Any) -> dict[str, Any] | None:
    if rule.mostly == 1:
        return {"type": "library", "metric": metric, **more, "mustBe": 0}
    percent = round(100 * (1 - rule.mostly), 9)
    exact = _mostly(percent) == rule.mostly
    return (
        {"type": "library", "metric": metric, **more, "mustBeLessOrEqualTo": percent, "unit": "percent"}
        if exact
        else None
    )


def _mostly(percent: float) -> float:
    return round(1 - percent / 100, 12)


def _custom(rule: Rule) -> dict[str, Any]:
    return {"type": "custom", "engine": _ENGINE, "name": rule.key, "implementation": rule.to_dict()}


# ---------------------------------------------------------------------------- reading


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
    found, head = Gathered(), schemas[0]
    for other in schemas[1:]:
        found.leave(f"schema {shown(other.get('name'))}", "only the first schema is read")
    entries = [(str(e.get("name")), e) for e in head.get("properties") or []]
    for name, entry in entries:
        _column(found, name, entry)
    _primary_key(found, entries)
    for check in head.get("quality") or []:
        _check(found, shown(head.get("name")), None, check)
    for key in ("slaProperties", "servers", "price", "roles"):
        if data.get(key):
            found.leave(key, "it is not part of a contract here")
    name = str(data.get("name") or head.get("name") or data.get("id"))
    return found.contract(
        name, closed=_own(head).get("closed") is True, version=str(data.get("version", "1.0.0"))
    ), found.left


def _own(entry: Mapping[str, Any]) -> dict[str, Any]:
    custom = entry.get("customProperties") or []
    own = {f"{_OWN}{name}": name for name in ("closed", "required", "state", "evidence", "type")}
    return {own[c["property"]]: c.get("value") for c in custom if c.get("property") in own}


def _column(found: Gathered, name: str, entry: Mapping[str, Any]) -> None:
    what, kind, own = f"column {shown(name)}", entry.get("logicalType"), _own(entry)
    if kind is not None and kind not in _FROM:
        found.leave(f"{what}: type {shown(kind)}", "it is not checked here")
    hidden = entry.get("classification")
    if hidden is not None and hidden not in _HIDDEN:
        found.leave(f"{what}: classification {shown(hidden)}", f"only {' and '.join(_HIDDEN)} mean something here")
    about = Contract.from_dict({"columns": {name: {"type": _FROM.get(str(kind), "any"), **own}}}).columns[name]
    found.columns[name] = replace(about, sensitive=hidden in _HIDDEN)
    _options(found, what, name, dict(entry.get("logicalTypeOptions") or {}))
    if entry.get("required"):
        found.rule(what, rule="not_null", column=name)
    if entry.get("unique"):
        found.rule(what, rule="unique", columns=[name])
    if values := entry.get("enum"):
        found.rule(f"{what}: enum", rule="in_set", column=name, values=[v.get("value") for v in values])
    for check in entry.get("quality") or []:
        _check(found, what, name, check)
    for key in entry:
        if key not in _READ and entry[key] not in (None, [], False):
            found.leave(f"{what}: {key}")


def _options(found: Gathered, what: str, name: str, options: dict[str, Any]) -> None:
    limits = {to: options.pop(word) for word, to in _OPTIONS.items() if word in options}
    if limits:
        found.rule(f"{what}: limits", rule="range", column=name, **limits)
    lengths = {f"{end}imum": options.pop(f"{end}Length") for end in ("min", "max") if f"{end}Length" in options}
    if lengths:
        found.rule(f"{what}: length", rule="length", column=name, **lengths)
    if "pattern" in options:
        found.rule(f"{what}: pattern", rule="pattern", column=name, pattern=options.pop("pattern"))
    for option in options:
        found.leave(f"{what}: option {shown(option)}")


def _primary_key(found: Gathered, entries: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
    """Take a primary key over: its columns, in the order of their positions, unique together and never missing."""
    key = sorted(
        (e.get("primaryKeyPosition") or 0, i, name) for i, (name, e) in enumerate(entries) if e.get("primaryKey")
    )
    names = [name for _, _, name in key]
    if names:
        found.rule("primary key", rule="unique", columns=names)
    for name in names:
        found.rule("primary key", rule="not_null", column=name)


def _check(found: Gathered, where: str, column: str | None, check: Mapping[str, Any]) -> None:
    what = f"{where}: quality rule {_told(check)}"
    if check.get("type") == "custom" and check.get("engine") == _ENGINE:
        found.attempt(what, _own_rule, check.get("implementation"))
        return
    metric = str(check.get("metric", check.get("rule")))
    arguments = check.get("arguments") or {}
    if metric == "rowCount":
        ends = _bounds(check)
        found.rule(what, rule="row_count", **ends) if ends else found.leave(what)
        return
    mostly = _allowed_share(check)
    rule = _METRICS[metric](column, arguments) if metric in _METRICS else None
    if mostly is None or rule is None or (mostly < 1 and rule["rule"] == "unique"):
        found.leave(what)
    else:
        found.rule(what, **rule, **({} if mostly == 1 else {"mostly": mostly}))


def _own_rule(found: Gathered, what: str, data: Mapping[str, Any]) -> None:
    found.rule(what, **data)


def _invalid(column: str | None, arguments: Mapping[str, Any]) -> dict[str, Any] | None:
    if column is None or set(arguments) not in ({"validValues"}, {"pattern"}):
        return None
    if "pattern" in arguments:
        return {"rule": "pattern", "column": column, "pattern": arguments["pattern"]}
    return {"rule": "in_set", "column": column, "values": arguments["validValues"]}


def _duplicate(column: str | None, arguments: Mapping[str, Any]) -> dict[str, Any] | None:
    names = arguments.get("properties") or ([column] if column is not None else [])
    return {"rule": "unique", "columns": names} if names else None


def _null(column: str | None, arguments: Mapping[str, Any]) -> dict[str, Any] | None:
    return None if column is None else {"rule": "not_null", "column": column}


_METRICS: Mapping[str, Callable[[str | None, Mapping[str, Any]], dict[str, Any] | None]] = {
    "nullValues": _null,
    "invalidValues": _invalid,
    "duplicateValues": _duplicate,
}


def _allowed_share(check: Mapping[str, Any]) -> float | None:
    """Return the share of rows that have to keep a check, or None where it counts in another way."""
    if check.get("mustBe") == 0:
        return 1.0
    percent = check.get("mustBeLessOrEqualTo")
    fits = check.get("unit") == "percent" and isinstance(percent, int | float) and 0 <= percent < 100
    return _mostly(percent) if fits and percent is not None else None


def _bounds(check: Mapping[str, Any]) -> dict[str, Any]:
    between = check.get("mustBeBetween") or [None, None]
    least, most = check.get("mustBeGreaterThan"), check.get("mustBeLessThan")
    found = {
        "minimum": [
            check.get("mustBe"),
            check.get("mustBeGreaterOrEqualTo"),
            between[0],
            None if least is None else least + 1,
        ],
        "maximum": [
            check.get("mustBe"),
            check.get("mustBeLessOrEqualTo"),
            between[1],
            None if most is None else most - 1,
        ],
    }
    return {end: next(v for v in given if v is not None) for end, given in found.items() if set(given) != {None}}


def _told(check: Mapping[str, Any]) -> str:
    return shown(check.get("name") or check.get("metric") or check.get("rule") or check.get("type") or "without a name")

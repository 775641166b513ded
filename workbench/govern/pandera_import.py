"""pandera schemas as contracts: the YAML or JSON that pandera writes, or a schema (or model class) in Python.

Both hold missing values alike: a column without `nullable` must have none, and checks pass over them (`ignore_na`, on
unless told otherwise; where it is off the difference is listed). They differ in keys: pandera takes missing values for
equal ones, here a row without a key is not judged. Types are those of the values here, whatever the dtype: 1.0 is
whole. `$` at the end of a text does not stand before a line's end.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from workbench.core.contract import Contract
from workbench.core.errors import ConfigError, shown
from workbench.govern.foreign import (
    ASCII_NOTE,
    NO_RULE,
    Gathered,
    ascii_only,
    begun,
    plain_pairs,
    re2,
    searched,
    type_of,
)

_ABOUT = ("dtype", "nullable", "unique", "required", "regex", "coerce", "checks", "title", "description", "metadata",
          "default", "drop_invalid_rows", "report_duplicates", "name")  # fmt: skip


def from_pandera(schema: Any) -> tuple[Contract, list[str]]:
    """Return a schema's contract and what was not taken over; `schema` is its plain data or a pandera object.

    pandera itself is not needed. ConfigError when it is neither.
    """
    data = schema if isinstance(schema, Mapping) else _plain(schema)
    columns = data.get("columns")
    if not isinstance(columns, Mapping) or not columns:
        raise ConfigError("found no columns, expected a pandera schema: `schema.to_yaml()`, or the schema itself.")
    found = Gathered()
    for name, about in columns.items():
        _column(found, str(name), about if isinstance(about, Mapping) else {})
    for key in ("index", "checks", "ordered", "coerce", "dtype"):
        if data.get(key) not in (None, False, [], {}):
            found.leave(f"schema: {key}", _WHY.get(key, "it is about the whole schema, and no rule here asks for it"))
    if keys := data.get("unique"):
        found.rule("schema: unique", rule="unique", columns=[keys] if isinstance(keys, str) else list(keys))
    if data.get("strict") == "filter":
        found.leave("schema: strict", "columns are refused or let in here, not taken out")
    return found.contract(str(data.get("name") or "contract"), closed=data.get("strict") is True), found.left


_WHY = {
    "ordered": "the order of columns is not part of a contract here",
    "coerce": "nothing is converted here",
    "index": "an index is not data here: make it a column",
    "checks": "it is a function of its own",
}


def _column(found: Gathered, name: str, about: Mapping[str, Any]) -> None:
    what = f"column {shown(name)}"
    if about.get("regex"):
        found.leave(what, "it stands for all columns whose name matches: name them one by one")
        return
    found.column(name, _type(found, what, about.get("dtype")), required=bool(about.get("required", True)))
    nullable = bool(about.get("nullable", False))
    if not nullable:
        found.rule(what, rule="not_null", column=name)
    if about.get("unique"):
        found.rule(what, rule="unique", columns=[name])
    if about.get("coerce"):
        found.leave(f"{what}: coerce", _WHY["coerce"])
    for check, given, options in _checks(about):
        if not options.get("ignore_na", True) and nullable:
            found.leave(f"{what}: {check}", "a missing value breaks it there (ignore_na: false), and does not here")
        if check in _CHECKS:
            # A check that only warns is what a proposal is here.
            state = "proposed" if options.get("raise_warning") else "accepted"
            found.attempt(f"{what}: {check}", _CHECKS[check], name, given, state)
        else:
            found.leave(f"{what}: {check}", NO_RULE if given is not None else _WHY["checks"])


def _type(found: Gathered, what: str, dtype: object) -> str:
    type_ = "any" if dtype is None else type_of(dtype)
    if dtype is not None and type_ == "any" and str(dtype) != "object":
        found.leave(f"{what}: type {shown(dtype)}", "it is not checked here")
    return type_


def _checks(about: Mapping[str, Any]) -> Iterator[tuple[str, Any, Mapping[str, Any]]]:
    """Yield each check's name, what it is given, and its options, however the version of pandera writes them."""
    inline = {k: v for k, v in about.items() if k not in _ABOUT}
    listed = about.get("checks") or {}
    pairs = [*plain_pairs(inline), *plain_pairs(listed)]
    for one in listed if isinstance(listed, list) else ():
        pairs += [(str((one.get("options") or {}).get("check_name", "")), one)] if isinstance(one, Mapping) else []
    for name, given in pairs:
        if not isinstance(given, Mapping):
            yield _ALIASES.get(name, name), given, {}
            continue
        options = {**{k: given[k] for k in _OPTIONS if k in given}, **(given.get("options") or {})}
        own = {k: v for k, v in given.items() if k not in (*_OPTIONS, "options")}
        name = str(options.get("check_name") or name)
        yield _ALIASES.get(name, name), own.get("value", own) if set(own) == {"value"} else own, options


_OPTIONS = ("raise_warning", "ignore_na", "n_failure_cases", "name", "title", "description", "error", "check_name")
_ALIASES = {
    "eq": "equal_to", "gt": "greater_than", "ge": "greater_than_or_equal_to", "lt": "less_than",
    "le": "less_than_or_equal_to", "between": "in_range",
}  # fmt: skip


def _one(given: Any) -> Any:
    """Return the one value that a check is given, by whatever name."""
    return next(iter(given.values()), None) if isinstance(given, Mapping) else given


Check = Callable[[Gathered, str, str, Any, str], None]


def _between(found: Gathered, what: str, name: str, given: Any, state: str) -> None:
    low = "minimum" if given.get("include_min", True) else "above"
    high = "maximum" if given.get("include_max", True) else "below"
    ends = {low: given.get("min_value"), high: given.get("max_value")}
    found.rule(what, rule="range", column=name, state=state, **ends)


def _end(end: str) -> Check:
    def take(found: Gathered, what: str, name: str, given: Any, state: str) -> None:
        found.rule(what, rule="range", column=name, state=state, **{end: _one(given)})

    return take


def _set(found: Gathered, what: str, name: str, given: Any, state: str) -> None:
    values = _one(given)
    listed = sorted(values, key=str) if isinstance(values, set | frozenset) else values
    listed = list(listed) if isinstance(listed, list | tuple) else [listed]
    found.rule(what, rule="in_set", column=name, values=listed, state=state)


def _length(found: Gathered, what: str, name: str, given: Any, state: str) -> None:
    exact = given.get("exact_value") if isinstance(given, Mapping) else given
    low, high = (exact, exact) if exact is not None else (given.get("min_value"), given.get("max_value"))
    found.rule(what, rule="length", column=name, minimum=low, maximum=high, state=state)


def _pattern(change: Callable[[str], str], *, literal: bool = False) -> Check:
    def take(found: Gathered, what: str, name: str, given: Any, state: str) -> None:
        text = str(_one(given))
        if not literal and ascii_only(text):
            found.leave(what, ASCII_NOTE)
        found.rule(
            what, rule="pattern", column=name, pattern=change(re.escape(text) if literal else re2(text)), state=state
        )

    return take


_CHECKS: Mapping[str, Check] = {
    "greater_than": _end("above"),
    "greater_than_or_equal_to": _end("minimum"),
    "less_than": _end("below"),
    "less_than_or_equal_to": _end("maximum"),
    "in_range": _between,
    "isin": _set,
    "equal_to": _set,
    "str_length": _length,
    "str_matches": _pattern(begun),
    "str_contains": _pattern(searched),
    "str_startswith": _pattern(begun, literal=True),
    "str_endswith": _pattern(lambda text: f"(?s:.*){text}", literal=True),
}


# ---------------------------------------------------------------------------- objects


def _plain(schema: Any) -> dict[str, Any]:
    """Return a pandera schema (or a model class, by its own `to_schema`) as the plain data that its YAML holds."""
    if isinstance(schema, type) and hasattr(schema, "to_schema"):
        schema = schema.to_schema()
    columns = getattr(schema, "columns", None)
    if not isinstance(columns, Mapping):
        raise ConfigError(f"found a {type(schema).__name__}, expected a pandera schema or its plain data.")
    names = ("name", "strict", "ordered", "unique", "index", "checks", "coerce")
    about = {name: getattr(schema, name, None) for name in names}
    return {**about, "columns": {name: _plain_column(column) for name, column in columns.items()}}


def _plain_column(column: Any) -> dict[str, Any]:
    about = {
        name: getattr(column, name, None) for name in ("dtype", "nullable", "unique", "required", "regex", "coerce")
    }
    checks = [_plain_check(c) for c in getattr(column, "checks", None) or ()]
    return {**about, "checks": checks}


def _plain_check(check: Any) -> dict[str, Any]:
    given = getattr(check, "statistics", None)
    options = {"check_name": getattr(check, "name", None) or "check"}
    options |= {name: getattr(check, name) for name in ("raise_warning", "ignore_na") if hasattr(check, name)}
    plain = {k: _plain_value(v) for k, v in (given or {}).items()}
    own = plain if plain and not getattr(check, "groupby", None) else {"value": None}
    return {**own, "options": options}


def _plain_value(value: Any) -> Any:
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain_value(v) for v in value]
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return value.item() if hasattr(value, "item") else value

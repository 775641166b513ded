"""The types of a contract's columns: which rules fit which, and which can be judged on the data at hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from workbench.core.arrow import Kind
from workbench.core.contract_rules import Compare, InSet, NotNull, Range, RowRule, Rule
from workbench.core.contract_values import Scalar, as_time
from workbench.core.contract_whole import Determines, Unique
from workbench.core.errors import ConfigError, near_matches, shown, unknown

TYPES: Mapping[str, Kind | None] = {
    "integer": Kind.NUMBER,
    "number": Kind.NUMBER,
    "boolean": Kind.BOOLEAN,
    "text": Kind.TEXT,
    "time": Kind.TIME,
    "any": None,
}
"""Type of a column -> kind of data that has it; "any" says nothing."""

TYPE_WORDS: Mapping[str, str] = {
    "integer": "is a whole number",
    "number": "is a number",
    "boolean": "is true or false",
    "text": "is text",
    "time": "is a time",
    "any": "is a column of the data",
}
"""Type of a column -> what it asks of a value, as a sentence without its subject."""

_OF_KIND = {
    Kind.NUMBER: ("integer", "number"),
    Kind.BOOLEAN: ("boolean",),
    Kind.TEXT: ("text",),
    Kind.TIME: ("time",),
}
_ORDERED = (Kind.NUMBER, Kind.TIME)


def check_fit(rule: Rule, types: Mapping[str, str]) -> None:
    """Raise ConfigError when a rule names no column of the contract, or does not fit its type."""
    for column in rule.about:
        if column not in types:
            raise ConfigError(f"contract: rule {shown(rule.key)}: " + unknown("column", column, types))
    subject = rule.about[0] if rule.about else None
    kind = types[subject] if subject is not None else "any"
    what = f"contract: column {shown(subject)}"
    if kind != "any" and kind not in rule.types:
        raise ConfigError(f"{what}: {rule.kind} is for {', '.join(sorted(rule.types))}, not {kind}.")
    if isinstance(rule, Range):
        _check_limits(rule, kind, what)
    if isinstance(rule, InSet):
        _check_values(rule.values, kind, what)
    if isinstance(rule, Compare) and "any" not in (kind, types[rule.other]):
        _check_pair(rule, kind, types[rule.other], what)
    if isinstance(rule, RowRule) and rule.when is not None:
        _check_values(rule.when.values, types[rule.when.column], f"contract: column {shown(rule.when.column)}")


def _check_limits(rule: Range, kind: str, what: str) -> None:
    for limit in rule.bounds.values():
        if kind in ("integer", "number") and isinstance(limit, str):
            raise ConfigError(f"{what}: found the limit {shown(limit)}, expected a number.")
        if kind == "time" and not isinstance(limit, str):
            raise ConfigError(f"{what}: found the limit {shown(limit)}, expected a time such as 2026-01-31.")


def _check_values(values: Sequence[Scalar], kind: str, what: str) -> None:
    for value in values:
        fits = {
            "text": isinstance(value, str),
            "time": isinstance(value, str),
            "boolean": isinstance(value, bool),
        }.get(kind, isinstance(value, int | float) and not isinstance(value, bool))
        if kind != "any" and not fits:
            hint = "; put it in quotes" if kind == "text" else ""
            raise ConfigError(f"{what}: found the value {shown(value)}, expected {kind}{hint}.")
        if kind == "time":
            as_time(str(value))


def _check_pair(rule: Compare, one: str, two: str, what: str) -> None:
    if TYPES[one] is not TYPES[two]:
        raise ConfigError(f"{what} is {one}, {shown(rule.other)} is {two}: they cannot be compared.")
    if TYPES[one] not in _ORDERED and rule.operator not in ("==", "!="):
        raise ConfigError(f"{what} is {one}, which has no order here: compare it by == or !=.")


def unjudged(rule: Rule, kinds: Mapping[str, Kind | None], types: Mapping[str, str]) -> str:
    """Return why a rule cannot be judged on columns that hold these kinds (None: nothing), or an empty string."""
    for column in rule.about:
        if column not in kinds:
            return absent(column, kinds)
        wanted, found = TYPES[types[column]], kinds[column]
        if None not in (wanted, found) and found is not wanted and not _only_presence(rule, column):
            return f"column {shown(column)} holds {found}, not {types[column]}"
    held = {c: k for c in rule.about if (k := kinds[c]) is not None}
    condition = rule.when.column if isinstance(rule, RowRule) and rule.when is not None else ""
    if held.get(condition, Kind.TEXT) not in _OF_KIND:
        return f"column {shown(condition)} holds {held[condition]}, which no condition is about"
    return _unfit(rule, held)


def absent(column: str, known: Mapping[str, object]) -> str:
    """Say that the data lacks a column, with the nearest of those it has."""
    close = near_matches(column, known)
    hint = f" (it has {' and '.join(shown(c) for c in close)})" if close else ""
    return f"the data has no column {shown(column)}{hint}"


def _only_presence(rule: Rule, column: str) -> bool:
    return isinstance(rule, NotNull) and column == rule.column


def _unfit(rule: Rule, kinds: Mapping[str, Kind]) -> str:
    subject = rule.about[0] if rule.about else ""
    if subject not in kinds or isinstance(rule, NotNull | Unique | Determines):
        return ""
    kind = kinds[subject]
    if not set(_OF_KIND.get(kind, ())) & rule.types:
        return f"column {shown(subject)} holds {kind}: {rule.kind} is for {', '.join(sorted(rule.types))}"
    if isinstance(rule, Range) and (kind is Kind.TIME) != isinstance(next(iter(rule.bounds.values())), str):
        return f"column {shown(subject)} holds {kind}, the limits are of another kind"
    if isinstance(rule, Compare) and rule.other in kinds:
        return _incomparable(rule, kind, kinds[rule.other])
    return ""


def _incomparable(rule: Compare, one: Kind, two: Kind) -> str:
    if one is not two:
        return f"column {shown(rule.column)} holds {one}, {shown(rule.other)} {two}: they cannot be compared"
    if one not in _ORDERED and rule.operator not in ("==", "!="):
        return f"column {shown(rule.column)} holds {one}, which has no order here"
    return ""

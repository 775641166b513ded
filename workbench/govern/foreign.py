"""Gathering a contract from what another tool wrote: rules both know, and a list of the rest with reasons."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from workbench.core.contract import Column, Contract
from workbench.core.contract_kinds import rule_of
from workbench.core.contract_rules import Rule
from workbench.core.contract_types import check_fit
from workbench.core.errors import ConfigError, shown

NO_RULE = "no rule here asks for it"
"""Why most of what is left is left."""


class Gathered:
    """Columns and rules taken over so far; `left` says what was not taken over, or not quite, and why."""

    def __init__(self) -> None:
        self.columns: dict[str, Column] = {}
        self.rules: list[Rule] = []
        self.left: list[str] = []

    def leave(self, what: str, why: str = NO_RULE) -> None:
        """Say that something is not taken over, or means something else here."""
        self.left.append(f"{what}: {why}")

    def column(self, name: str, type_: str = "any", **about: Any) -> None:
        """Take a column over; a type said before stays unless it said nothing."""
        known = self.columns.get(name, Column())
        self.columns[name] = replace(known, type=type_ if known.type == "any" else known.type, **about)

    def rule(self, what: str, **data: Any) -> None:
        """Take a rule over; one that cannot be held here is left, with what is wrong with it."""
        plain = {k: v for k, v in data.items() if v is not None}
        try:
            rule = rule_of(plain)
            for column in rule.about:
                self.columns.setdefault(column, Column())
            check_fit(rule, {name: column.type for name, column in self.columns.items()})
        except ConfigError as error:
            self.leave(what, str(error).removeprefix("contract: rules: "))
            return
        if rule not in self.rules:
            self.rules.append(self._named(rule))

    def attempt(self, what: str, take: Callable[..., None], *given: Any) -> None:
        """Let `take` gather from what was given; what is not made as it expects is left."""
        try:
            take(self, what, *given)
        except (AttributeError, KeyError, TypeError, ValueError):
            self.leave(what, "it is not given what it takes")

    def _named(self, rule: Rule) -> Rule:
        keys, name, number = {r.key for r in self.rules}, rule.key, 1
        while name in keys:
            number += 1
            name = f"{rule.key} ({number})"
        return rule if number == 1 else replace(rule, name=name)

    def contract(self, name: str, *, closed: bool = False, version: str = "1.0.0") -> Contract:
        """Return the contract of what was taken over; ConfigError when nothing was."""
        if not self.columns:
            raise ConfigError(f"{shown(name)}: no column was taken over: there is nothing to hold data to.")
        return Contract(name, self.columns, tuple(self.rules), closed, version)


def searched(pattern: str) -> str:
    """Return the pattern of the texts in which an expression is found anywhere (Python's `re.search`)."""
    return rf"(?s:.*)(?:{pattern})(?s:.*)"


def begun(pattern: str) -> str:
    """Return the pattern of the texts that an expression matches from the start (Python's `re.match`)."""
    return rf"(?:{pattern})(?s:.*)"


def re2(pattern: str) -> str:
    r"""Return an expression of Python's as RE2 writes it: `\Z` is `\z`; what RE2 lacks is refused when it is read."""
    return re.sub(r"(?<!\\)((?:\\\\)*)\\Z", r"\1\\z", pattern)


def ascii_only(pattern: str) -> bool:
    r"""Say whether an expression has a class that knows only ASCII in RE2 (\d, \w, \s, \b and their opposites)."""
    return re.search(r"(?<!\\)(?:\\\\)*\\[dwsbDWSB]", pattern) is not None


ASCII_NOTE = r"\d, \w, \s and \b know only ASCII here"


def type_of(native: object) -> str:
    """Return the contract's type of another tool's name of a type, "any" for one that it does not know."""
    text = re.sub(r"[\[(<].*", "", str(native)).lower().strip()
    for type_, names in _TYPES.items():
        if re.fullmatch(names, text):
            return type_
    return "any"


_TYPES: Mapping[str, str] = {
    "integer": r"u?int(8|16|32|64|eger)?|(tiny|small|big)int(eger)?|integertype|longtype|shorttype",
    "number": r"float(16|32|64)?|double|decimal|numeric|real|number|floattype|doubletype|decimaltype",
    "boolean": r"bool|boolean|bool_|booleantype",
    "text": r"str|string|text|varchar|char|nvarchar|stringtype|large_string|utf8",
    "time": r"datetime(64|tz)?|timestamp(_ns|_s|_ms)?|date|date32|datetype|timestamptype",
}


def plain_pairs(found: object) -> Iterable[tuple[str, Any]]:
    """Return a mapping's pairs with names as text; nothing for what is no mapping."""
    return [(str(k), v) for k, v in found.items()] if isinstance(found, Mapping) else []

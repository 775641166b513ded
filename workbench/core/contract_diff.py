"""What changed between two versions of a contract, and whom it breaks."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from workbench.core.contract import Column, Contract
from workbench.core.contract_rules import Rule
from workbench.core.contract_values import as_time, duration


@dataclass(frozen=True, slots=True)
class Change:
    """One change: `tighter` refuses data that was accepted, `looser` lets in what readers were promised not to meet.

    A change is breaking when it is tighter, or takes a column away; compatible otherwise. Readers that rely on the
    promise look at `looser` too.
    """

    key: str
    words: str
    tighter: bool = False
    looser: bool = False
    gone: bool = False

    @property
    def breaking(self) -> bool:
        """Say whether data that kept the first contract may break the second, or a column is no longer promised."""
        return self.tighter or self.gone

    def breaks(self, readers: bool) -> bool:
        """Say whether the change breaks whom one asks for: who sends data, or (`readers`) who relies on it."""
        return self.looser or self.gone if readers else self.breaking

    def to_dict(self, *, readers: bool = False) -> dict[str, Any]:
        """Return the change as plain data, marked for whom one asks."""
        mark = "breaking" if self.breaks(readers) else "compatible"
        return {"key": self.key, "change": self.words, "mark": mark, "tighter": self.tighter, "looser": self.looser}


def changes(before: Contract, after: Contract) -> list[Change]:
    """Return what changed in what the contracts enforce (accepted rules), and in what is only proposed or rejected."""
    found = [*_columns(before, after), *_closed(before, after)]
    one, two = ({r.key: r for r in c.rules} for c in (before, after))
    for key in dict.fromkeys([*one, *two]):
        found += _rule(key, one.get(key), two.get(key))
    return found


def _closed(before: Contract, after: Contract) -> Iterator[Change]:
    if before.closed != after.closed:
        words = "columns that are not named are refused" if after.closed else "columns that are not named are let in"
        yield Change("closed", words, tighter=after.closed, looser=not after.closed)


def _columns(before: Contract, after: Contract) -> Iterator[Change]:
    for name in dict.fromkeys([*before.columns, *after.columns]):
        one, two = before.columns.get(name), after.columns.get(name)
        if one is None and two is not None:
            needed = two.required and two.state == "accepted"
            # A closed contract refused the column: now it is let in.
            yield Change(name, f"column added ({'required' if needed else 'optional'})", needed, before.closed)
        elif two is None:
            yield Change(name, "column removed", tighter=after.closed, gone=True)
        elif one is not None:
            yield from _column(name, one, two)


def _column(name: str, one: Column, two: Column) -> Iterator[Change]:
    a, b = (c.type if c.state == "accepted" else "any" for c in (one, two))
    if a != b:
        narrower, wider = _within(b, a), _within(a, b)
        yield Change(name, f"type {a} became {b}", tighter=not wider, looser=not narrower)
    need, needed = (c.required and c.state == "accepted" for c in (two, one))
    if need != needed:
        yield Change(name, "required" if need else "no longer required", tighter=need, looser=needed)
    if one.sensitive != two.sensitive:
        yield Change(name, "sensitive" if two.sensitive else "no longer sensitive")


def _within(narrow: str, wide: str) -> bool:
    return narrow == wide or wide == "any" or (narrow, wide) == ("integer", "number")


def _rule(key: str, one: Rule | None, two: Rule | None) -> Iterator[Change]:
    before, after = (None if r is None or r.state != "accepted" else r for r in (one, two))
    if before is None and after is None:
        if one != two:
            states = " became ".join("absent" if r is None else r.state for r in (one, two))
            yield Change(key, f"not enforced: {states}")
    elif before is None and after is not None:
        yield Change(key, f"rule {'added' if one is None else 'accepted'}: {after.words}", tighter=True)
    elif after is None and before is not None:
        words = "rule removed" if two is None else f"rule now {two.state}"
        yield Change(key, f"{words}: {before.words}", looser=True)
    elif before is not None and after is not None:
        tighter, looser = compared(before, after)
        if tighter or looser:
            yield Change(key, f"{before.words} became {after.words}{_shares(before, after)}", tighter, looser)


def _shares(one: Any, two: Any) -> str:
    a, b = (getattr(r, "mostly", 1.0) for r in (one, two))
    return "" if a == b else f" (in at least {a:g} of the rows, now {b:g})"


def compared(one: Rule, two: Rule) -> tuple[bool, bool]:
    """Return whether the second rule refuses what the first accepts, and accepts what the first refuses."""
    if type(one) is not type(two):
        return True, True
    directions = {(a < b) - (a > b) for a, b in _orders(one, two)}
    for field in fields(one):
        name = field.name
        if name in _ORDERED or name in ("name", "state", "evidence"):
            continue
        a, b = getattr(one, name), getattr(two, name)
        if name == "values":
            a, b = {*map(repr, a)}, {*map(repr, b)}
            directions |= ({1} if a - b else set()) | ({-1} if b - a else set())
        elif a != b:
            directions |= {1, -1}
    return 1 in directions, -1 in directions


_ORDERED = ("minimum", "maximum", "above", "below", "mostly", "within", "strict")


def _orders(one: Rule, two: Rule) -> Iterator[tuple[Any, Any]]:
    """Yield pairs of numbers, of which the larger one is the stricter."""
    for inside, strict, sign in (("minimum", "above", 1), ("maximum", "below", -1)):
        yield _end(one, inside, strict, sign), _end(two, inside, strict, sign)
    for name, read in (("mostly", float), ("strict", bool)):
        if hasattr(one, name):
            yield read(getattr(one, name)), read(getattr(two, name))
    if hasattr(one, "within") and hasattr(two, "within"):
        yield -duration(one.within).total_seconds(), -duration(two.within).total_seconds()


def _number(limit: Any) -> float:
    found: Any = as_time(limit) if isinstance(limit, str) else limit
    return found.timestamp() if isinstance(found, datetime) else found


def _end(rule: Rule, inside: str, strict: str, sign: int) -> tuple[float, bool]:
    """Return a limit as a number that grows as the limit gets stricter, and whether the limit itself is refused."""
    ends = [(sign * _number(rule.bounds[k]), k == strict) for k in (inside, strict) if k in rule.bounds]
    return max(ends, default=(-math.inf, False))

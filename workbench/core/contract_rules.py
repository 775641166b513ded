"""The rules of a contract: what each asks of the data, and how it is read from and written as plain data.

Rules about rows (`RowRule`) judge one row at a time, so a gateway can refuse it; the others need the whole data.
A missing value breaks `not_null` and no other rule: what is not there has no value to be wrong. Great Expectations
and pandera (`ignore_na`) hold the same; where they differ the rule's text says so.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, ClassVar

from workbench.core.contract_values import (
    OPERATORS,
    Grounds,
    Limit,
    Scalar,
    When,
    bounds_words,
    check_pattern,
    same_kind,
    value_words,
)
from workbench.core.errors import ConfigError, shown

NUMERIC, TEXTS, TIMES = frozenset({"integer", "number"}), frozenset({"text"}), frozenset({"time"})
EVERY = NUMERIC | TEXTS | TIMES | {"boolean"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What every rule has: its state, what a proposal rests on, and a name where two rules would be called alike.

    `called` and `says` are templates of a rule's name and of its sentence, filled from its own fields.
    """

    kind: ClassVar[str] = ""
    types: ClassVar[frozenset[str]] = EVERY
    called: ClassVar[str] = ""
    says: ClassVar[str] = ""
    name: str = ""
    state: str = "accepted"
    evidence: Grounds | None = None

    @property
    def key(self) -> str:
        """Return the name by which people and counters know the rule; no two rules of a contract share one."""
        return self.name or self.called.format(self)

    @property
    def words(self) -> str:
        """Return what the rule asks, as a sentence without its subject."""
        return self.says.format(self)

    @property
    def sentence(self) -> str:
        """Return what the rule asks, as a whole sentence: "age is at least 18"."""
        subject = " & ".join(getattr(self, "columns", self.about[:1]))
        return f"{subject} {self.words}"

    @property
    def about(self) -> tuple[str, ...]:
        """Return the columns that the rule reads."""
        return ()

    @property
    def live(self) -> bool:
        """Say whether the rule is checked."""
        return self.state != "rejected"

    @property
    def bounds(self) -> dict[str, Any]:
        """Return the limits that are given, by name."""
        every = {name: getattr(self, name, None) for name in ("minimum", "maximum", "above", "below")}
        return {name: value for name, value in every.items() if value is not None}

    @property
    def between(self) -> str:
        """Return the limits in words."""
        return bounds_words(self.bounds)

    def check(self) -> None:
        """Raise ConfigError when the rule contradicts itself."""

    def __post_init__(self) -> None:
        try:
            self.check()
        except ConfigError as error:
            raise ConfigError(f"contract: rule {shown(self.key)}: {error}") from None

    def to_dict(self) -> dict[str, Any]:
        """Return the rule as plain data, defaults left out."""
        found: dict[str, Any] = {"rule": self.kind}
        for f in sorted(fields(self), key=lambda f: _LAST.index(f.name) if f.name in _LAST else -1):
            value = getattr(self, f.name)
            if value != f.default:
                found[f.name] = _plain(value)
        return found


_LAST = ("mostly", "when", "name", "state", "evidence")
"""What is written after a rule's own fields."""


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return list(value)
    return value.to_dict() if hasattr(value, "to_dict") else value


def check_bounds(rule: Rule) -> None:
    """Raise ConfigError when a rule has neither limit, or nothing between them."""
    ends = rule.bounds
    if not ends:
        raise ConfigError("expected at least one of minimum, maximum.")
    if len(ends) == 2 and ends["minimum"] > ends["maximum"]:
        raise ConfigError("the lower limit is over the upper one.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Counting(Rule):
    """A rule that single rows break; it holds when at least the share `mostly` of the rows judged do not."""

    mostly: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RowRule(Counting):
    """A rule that each row keeps or breaks by itself, judged on the rows that `when` selects."""

    column: str
    when: When | None = None

    @property
    def about(self) -> tuple[str, ...]:
        """Return the columns that the rule reads."""
        return (self.column,) if self.when is None else (self.column, self.when.column)

    @property
    def condition(self) -> str:
        """Return the condition in words, with a space before it."""
        return "" if self.when is None else f" when {self.when.words}"


@dataclass(frozen=True, slots=True, kw_only=True)
class NotNull(RowRule):
    """A value is there; `mostly` 0.95 permits a missing share of 5 %."""

    kind: ClassVar[str] = "not_null"
    called: ClassVar[str] = "{0.column}: not null{0.condition}"
    says: ClassVar[str] = "is not missing{0.condition}"


@dataclass(frozen=True, slots=True, kw_only=True)
class InSet(RowRule):
    """The value is one of `values`."""

    kind: ClassVar[str] = "in_set"
    called: ClassVar[str] = "{0.column}: allowed values{0.condition}"
    says: ClassVar[str] = "is {0.listed}{0.condition}"
    values: tuple[Scalar, ...]

    @property
    def listed(self) -> str:
        """Return the values in words."""
        return value_words(self.values)


@dataclass(frozen=True, slots=True, kw_only=True)
class Range(RowRule):
    """A number or time is at least `minimum`, at most `maximum`, over `above`, under `below`."""

    kind: ClassVar[str] = "range"
    types: ClassVar[frozenset[str]] = NUMERIC | TIMES
    called: ClassVar[str] = "{0.column}: range{0.condition}"
    says: ClassVar[str] = "is {0.between}{0.condition}"
    minimum: Limit | None = None
    maximum: Limit | None = None
    above: Limit | None = None
    below: Limit | None = None

    def check(self) -> None:
        """Raise ConfigError when there is no limit, limits of two kinds, or nothing between them."""
        if not self.bounds:
            raise ConfigError("expected at least one of minimum, maximum, above, below.")
        same_kind(self.bounds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Length(RowRule):
    """A text has at least `minimum` and at most `maximum` characters (Unicode code points)."""

    kind: ClassVar[str] = "length"
    types: ClassVar[frozenset[str]] = TEXTS
    called: ClassVar[str] = "{0.column}: length{0.condition}"
    says: ClassVar[str] = "has {0.between} characters{0.condition}"
    minimum: int | None = None
    maximum: int | None = None

    def check(self) -> None:
        """Raise ConfigError when there is no limit, or nothing between them."""
        check_bounds(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern(RowRule):
    """An RE2 expression matches the whole text."""

    kind: ClassVar[str] = "pattern"
    types: ClassVar[frozenset[str]] = TEXTS
    called: ClassVar[str] = "{0.column}: pattern{0.condition}"
    says: ClassVar[str] = "matches {0.pattern}{0.condition}"
    pattern: str

    def check(self) -> None:
        """Raise ConfigError when RE2 does not know the expression."""
        check_pattern(self.pattern)


@dataclass(frozen=True, slots=True, kw_only=True)
class Compare(RowRule):
    """A value stands to that of another column of its row as `operator` says; judged where both are there.

    Great Expectations judges rows where one of both is missing too, unless told `either_value_is_missing`.
    """

    kind: ClassVar[str] = "compare"
    called: ClassVar[str] = "{0.column} {0.operator} {0.other}{0.condition}"
    says: ClassVar[str] = "is {0.relation} {0.other}{0.condition}"
    operator: str
    other: str

    @property
    def about(self) -> tuple[str, ...]:
        """Return the columns that the rule reads."""
        return (self.column, self.other) if self.when is None else (self.column, self.other, self.when.column)

    @property
    def relation(self) -> str:
        """Return the operator in words."""
        return OPERATORS[self.operator]

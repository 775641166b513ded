"""What the fields of a contract's rules hold: limits, sets, patterns, spans of time; read strictly, told in words."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from workbench.core.errors import ConfigError, shown, thousands, unknown

Scalar = str | int | float | bool
Limit = str | int | float
"""A number, or a time as ISO text."""

STATES = ("proposed", "accepted", "rejected")
"""What a person decided: a proposed rule is checked and warns, an accepted one fails, a rejected one is not checked."""
OPERATORS = {"<": "under", "<=": "at most", "==": "equal to", "!=": "other than", ">=": "at least", ">": "over"}
DIRECTIONS = ("increasing", "decreasing")
UNITS = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400, "week": 604_800}
MOST_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Grounds:
    """What a proposal rests on: rows looked at, the share of them that keep the rule, and what was seen, in words."""

    n: int
    share: float | None = None
    seen: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return the grounds as plain data, empty fields left out."""
        return {k: v for k in self.__slots__ if (v := getattr(self, k)) not in (None, "")}


@dataclass(frozen=True, slots=True)
class When:
    """The rows that a rule is about: those where `column` is one of `values` (a missing one is not)."""

    column: str
    values: tuple[Scalar, ...]

    @property
    def words(self) -> str:
        """Return the condition in words."""
        return f"{self.column} is {value_words(self.values)}"

    def to_dict(self) -> dict[str, Any]:
        """Return the condition as plain data."""
        return {"column": self.column, "values": list(self.values)}


def value_words(values: Sequence[Scalar]) -> str:
    """Return a few values in words, and how many more there are."""
    more = len(values) - MOST_SHOWN
    listed = ", ".join(map(str, values[:MOST_SHOWN]))
    return listed if more <= 0 else f"{listed} or {thousands(more)} more"


_ENDS = {"minimum": "at least", "maximum": "at most", "above": "over", "below": "under"}


def bounds_words(limits: Mapping[str, Any]) -> str:
    """Return limits in words, such as "at least 0 and under 1"."""
    told = {name: f"{limit:.9g}" if isinstance(limit, float) else limit for name, limit in limits.items()}
    return " and ".join(f"{_ENDS[name]} {limit}" for name, limit in told.items())


# ---------------------------------------------------------------------------- reading


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ConfigError(f"found {shown(value)}, expected text.")
    return legal(value)


def legal(text: str) -> str:
    """Return text with halves of surrogate pairs replaced: no data could hold them."""
    return text.encode("utf-8", "replace").decode()


def _column(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float | date):
        raise ConfigError(f"found {shown(value)}, expected the name of a column.")
    return legal(str(value))


def _columns(value: Any) -> tuple[str, ...]:
    found = tuple(_column(v) for v in (value if isinstance(value, list | tuple) else [value]))
    if not found:
        raise ConfigError("expected at least one column.")
    return found


def _one_of(known: Sequence[str], what: str) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if value not in known:
            raise ConfigError(unknown(what, value, known))
        return str(value)

    return read


def number(value: Any) -> int | float:
    """Return a finite number; ConfigError for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not _finite(value):
        raise ConfigError(f"found {shown(value)}, expected a number.")
    return value


def _finite(value: int | float) -> bool:
    try:
        return math.isfinite(float(value))
    except OverflowError:
        return False


def _count(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ConfigError(f"found {shown(value)}, expected a whole number, 0 or more.")
    return value


def _share(value: Any) -> float:
    found = float(number(value))
    if not 0 < found <= 1:
        raise ConfigError(f"found {shown(value)}, expected a share over 0 and at most 1.")
    return found


def _quantile(value: Any) -> float:
    found = float(number(value))
    if not 0 <= found <= 1:
        raise ConfigError(f"found {shown(value)}, expected a number from 0 to 1.")
    return found


def limit(value: Any) -> Limit:
    """Return a limit: a number, or text that should be a time; ConfigError for anything else."""
    if isinstance(value, date):
        return value.isoformat()
    return legal(value) if isinstance(value, str) else number(value)


def _scalar(value: Any) -> Scalar:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, str):
        return legal(value)
    return value if isinstance(value, bool) else number(value)


def _values(value: Any) -> tuple[Scalar, ...]:
    if not isinstance(value, list | tuple):
        raise ConfigError(f"found {shown(value)}, expected a list of values.")
    if not value:
        raise ConfigError("expected at least one value.")
    return tuple(_scalar(v) for v in value)


def flag(value: Any) -> bool:
    """Return true or false; ConfigError for anything else."""
    if not isinstance(value, bool):
        raise ConfigError(f"found {shown(value)}, expected true or false.")
    return value


def grounds(value: Any) -> Grounds | None:
    """Read what a proposal rests on."""
    if value is None or isinstance(value, Grounds):
        return value
    if not isinstance(value, Mapping) or set(value) - {"n", "share", "seen"} or "n" not in value:
        raise ConfigError("expected n, and share and seen where they are known.")
    share = value.get("share")
    return Grounds(_count(value["n"]), None if share is None else float(number(share)), _text(value.get("seen", "")))


def _when(value: Any) -> When | None:
    if value is None or isinstance(value, When):
        return value
    if not isinstance(value, Mapping) or set(value) != {"column", "values"}:
        raise ConfigError("expected a column and a list of its values.")
    return When(_column(value["column"]), _values(value["values"]))


READERS: Mapping[str, Callable[[Any], Any]] = {
    "name": _text,
    "state": _one_of(STATES, "state"),
    "evidence": grounds,
    "mostly": _share,
    "when": _when,
    "column": _column,
    "other": _column,
    "determined": _column,
    "to": _column,
    "columns": _columns,
    "values": _values,
    "minimum": limit,
    "maximum": limit,
    "above": limit,
    "below": limit,
    "bound": number,
    "count": _count,
    "pattern": _text,
    "operator": _one_of(tuple(OPERATORS), "operator"),
    "direction": _one_of(DIRECTIONS, "direction"),
    "strict": flag,
    "data": _text,
    "within": _text,
    "q": _quantile,
}
"""Field of a rule -> what reads it; ConfigError says what was found and what was expected."""


# ---------------------------------------------------------------------------- times, patterns


def as_time(text: str) -> datetime:
    """Return a time written as ISO text, in UTC where it names no zone; ConfigError when it is none."""
    for zone in ("UTC", None):
        try:
            found = pa.array([text], pa.string()).cast(pa.timestamp("us", zone)).cast(pa.timestamp("us", "UTC"))
        except pa.ArrowInvalid:
            continue
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=found.cast(pa.int64())[0].as_py())
    raise ConfigError(f"found {shown(text)}, no time: expected a number, or a time such as 2026-01-31T00:00:00Z.")


def duration(text: str) -> timedelta:
    """Return a span of time such as "36 hours"; ConfigError when it is none."""
    found = re.fullmatch(r"\s*(\d{1,9}(?:\.\d{1,6})?)\s*([a-z]+?)s?\s*", text)
    if found is None or found[2] not in UNITS:
        raise ConfigError(f"found {shown(text)}, expected a span such as 36 hours ({', '.join(UNITS)}s).")
    return timedelta(seconds=float(found[1]) * UNITS[found[2]])


def whole_pattern(pattern: str) -> str:
    r"""Return the RE2 expression that has to match the whole text; `.` does not match a line's end."""
    return rf"\A(?:{pattern})\z"


_NOT_IN_RE2 = (
    (r"\(\?<?[=!]", "lookahead and lookbehind"),
    (r"\\[1-9]|\(\?P=", "references back to a group"),
    (r"\(\?>|[*+?}]\+", "atomic groups and possessive repetition"),
    (r"\(\?\(", "conditions on a group"),
    (r"\\[ZG]", r"\Z and \G (write \z)"),
)


def check_pattern(pattern: str) -> None:
    """Raise ConfigError when RE2 does not know an expression, naming what it lacks on purpose.

    RE2 takes time linear in the text whatever the expression; what would cost more is not part of it.
    """
    for text in (pattern, whole_pattern(pattern)):
        try:
            pc.match_substring_regex(pa.array(["x"]), text)
        except pa.ArrowInvalid as error:
            lacking = [name for part, name in _NOT_IN_RE2 if re.search(part, pattern)]
            why = f"RE2 has no {' and no '.join(lacking)}" if lacking else _reason(str(error))
            raise ConfigError(f"the pattern {shown(pattern)} is no RE2 expression: {why}.") from None


def _reason(message: str) -> str:
    found = re.search(r"Invalid regular expression: ([a-z ()-]+)", message)
    return found[1].strip() if found else "it cannot be read"


def same_kind(limits: Mapping[str, Limit]) -> None:
    """Raise ConfigError when limits mix numbers and times, or leave nothing between them."""
    if len({isinstance(v, str) for v in limits.values()}) > 1:
        raise ConfigError("limits are numbers or times, not both.")
    given = {k: as_time(v) if isinstance(v, str) else v for k, v in limits.items()}
    low = [given[k] for k in ("minimum", "above") if k in given]
    high = [given[k] for k in ("maximum", "below") if k in given]
    if any(a > b for a in low for b in high):  # type: ignore[operator]
        raise ConfigError("the lower limit is over the upper one.")

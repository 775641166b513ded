"""What a check returns: measures (numbers), evidence (small tables) and the finding that holds them."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from html import escape
from typing import Any

Cell = str | int | float | bool | None

SIGNIFICANT_DIGITS = 12
_FILE = re.compile(r"[a-z]+[.][a-z0-9_]+[.][a-z0-9]+")


class Status(StrEnum):
    """What became of a check; "not applicable" and "error" are results too."""

    MEASURED = "measured"
    NOT_APPLICABLE = "not_applicable"
    ERROR = "error"
    CANCELLED = "cancelled"


def rounded(value: float | int | None) -> float | int | None:
    """Round to 12 significant digits, so that the last bits of two machines' libraries agree; NaN becomes None."""
    if value is None or isinstance(value, int):
        return value
    value = float(value)
    if math.isnan(value):
        return None
    if math.isinf(value) or value == 0:
        return value + 0.0
    return float(f"{value:.{SIGNIFICANT_DIGITS}g}")


@dataclass(frozen=True, slots=True)
class Measure:
    """One number with its denominator and interval; a share is in 0..1; undefined is None with a reason."""

    name: str
    value: float | int | None
    column: str = ""
    group: str = ""
    window: str = ""
    where: str = ""
    low: float | None = None
    high: float | None = None
    method: str = ""
    n: int | None = None
    unit: str = ""
    error_bound: float | None = None
    undefined_because: str = ""

    def frozen(self) -> Measure:
        """Return the measure as it is recorded: rounded, infinities of an interval kept as None (unbounded)."""
        value, low, high = rounded(self.value), rounded(self.low), rounded(self.high)
        because = self.undefined_because
        if value is not None and math.isinf(value):
            value, because = None, because or "the value is infinite"
        if value is None and not because:
            because = "undefined"
        low = None if low is None or math.isinf(low) else low
        high = None if high is None or math.isinf(high) else high
        # Written out: dataclasses.replace is ten times slower, and this runs for every measure.
        head = (self.name, value, self.column, self.group, self.window, self.where)
        return Measure(*head, low, high, self.method, self.n, self.unit, rounded(self.error_bound), because)

    def to_dict(self) -> dict[str, Any]:
        """Return the measure as plain data, empty fields left out."""
        every = {name: getattr(self, name) for name in self.__slots__}
        return {k: v for k, v in every.items() if k in {"name", "value"} or v not in ("", None)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Measure:
        """Read what `to_dict` wrote."""
        return cls(**{"value": None, **data})


@dataclass(frozen=True, slots=True)
class Evidence:
    """A small table and how to draw it: `kind` names the drawing, `notes` its axis labels, limits and the like.

    A row about a group names it in a column called `group` and gives the group's number of rows in `rows`: renderers
    suppress it below the policy's minimum.
    """

    name: str
    title: str
    kind: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: Mapping[str, Cell] = field(default_factory=dict)

    def frozen(self) -> Evidence:
        """Return the table as it is recorded: numbers rounded, NaN and infinities as None."""
        return replace(self, rows=tuple(tuple(_plain(c) for c in row) for row in self.rows))

    def to_dict(self) -> dict[str, Any]:
        """Return the table as plain data."""
        return {
            "name": self.name,
            "title": self.title,
            "kind": self.kind,
            "columns": list(self.columns),
            "rows": [list(row) for row in self.rows],
            "notes": dict(self.notes),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Evidence:
        """Read what `to_dict` wrote."""
        table = {**data, "columns": tuple(data["columns"])}
        return cls(**{**table, "rows": tuple(tuple(row) for row in data["rows"])})


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that a check made, kept beside the record in the bundle under its plain name; never digested with it.

    Whoever shows it shows it as another maker's: an HTML page must hold its content in a sandboxed frame.
    """

    name: str
    media_type: str
    data: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if not _FILE.fullmatch(self.name):
            raise ValueError(f"an attachment is named like quality.check.html, not {self.name!r}")

    @property
    def sha256(self) -> str:
        """Return the hex digest of the content."""
        return hashlib.sha256(self.data).hexdigest()

    def about(self) -> dict[str, Any]:
        """Return what is kept of it beside the record."""
        return {"media_type": self.media_type, "bytes": len(self.data), "sha256": self.sha256}

    def _repr_html_(self) -> str:
        """Show a page in a notebook: in a frame without scripts, forms or origin."""
        page = escape(self.data.decode("utf-8", "replace")) if self.media_type == "text/html" else ""
        return f'<iframe title="{self.name}" sandbox style="width:100%;height:80vh;border:0" srcdoc="{page}"></iframe>'


@dataclass(frozen=True, slots=True)
class Result:
    """What a check's function gives back; the decorator makes the finding of it."""

    measures: Sequence[Measure]
    evidence: Sequence[Evidence] = ()
    notes: Sequence[str] = ()
    attachments: Sequence[Attachment] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """One check's answer: status, measures, evidence, the parameters it ran with.

    `seconds` and `attachments` are never digested; a finding read from a file has no attachments, they lie beside it.
    """

    check: str
    code: str
    version: str
    status: Status
    params: Mapping[str, Any] = field(default_factory=dict)
    measures: tuple[Measure, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    notes: tuple[str, ...] = ()
    reason: str = ""
    seconds: float = 0.0
    attachments: tuple[Attachment, ...] = ()
    _places: dict[tuple[str, ...], Measure] = field(init=False, repr=False, compare=False, default_factory=dict)

    def measure(self, name: str, like: Measure, window: str) -> Measure | None:
        """Return the first measure of that name and window about the same column, group and place as another."""
        if not self._places:
            self._places.update(
                {(m.name, m.column, m.group, m.where, m.window): m for m in reversed(self.measures)}
            )  # wide data has tens of thousands, and a rule on the reference looks for each one's twin
        return self._places.get((name, like.column, like.group, like.where, window))

    def to_dict(self) -> dict[str, Any]:
        """Return what is digested of the finding, as plain data."""
        return {
            "check": self.check,
            "code": self.code,
            "version": self.version,
            "status": str(self.status),
            "params": dict(self.params),
            "measures": [m.to_dict() for m in self.measures],
            "evidence": [e.to_dict() for e in self.evidence],
            "notes": list(self.notes),
            "reason": self.reason,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], seconds: float = 0.0) -> Finding:
        """Read what `to_dict` wrote."""
        return cls(
            check=data["check"],
            code=data["code"],
            version=data["version"],
            status=Status(data["status"]),
            params=dict(data["params"]),
            measures=tuple(Measure.from_dict(m) for m in data["measures"]),
            evidence=tuple(Evidence.from_dict(e) for e in data["evidence"]),
            notes=tuple(data["notes"]),
            reason=data["reason"],
            seconds=seconds,
        )


def _plain(cell: Any) -> Cell:
    if cell is None or isinstance(cell, str | bool):
        return cell
    if isinstance(cell, int):
        return cell if abs(cell) < 2**53 else float(cell)
    value = rounded(float(cell))
    return None if value is not None and math.isinf(value) else value


def group_label(columns: Sequence[str], values: Sequence[str | None]) -> str:
    r"""Write a group as `race=Asian & sex=Female`; `&`, `=` and `\` escaped by a backslash, null as `\N`."""
    return " & ".join(f"{_escaped(c)}={_escaped(v)}" for c, v in zip(columns, values, strict=True))


def column_label(columns: Sequence[str]) -> str:
    """Write the columns of a group as `race & sex`, escaped as in `group_label`; one column is itself."""
    return columns[0] if len(columns) == 1 else " & ".join(_escaped(c) for c in columns)


def _escaped(text: str | None) -> str:
    if text is None:
        return r"\N"
    return text.replace("\\", "\\\\").replace("&", r"\&").replace("=", r"\=")


def group_parts(label: str) -> list[tuple[str, str | None]]:
    r"""Read `race=Asian & sex=\N` back into (column, value) pairs; a missing value is None."""
    pairs = []
    for part in _split(label, " & "):
        column, *values = _split(part, "=")
        value = "=".join(values)
        pairs.append((_unescaped(column), None if value == r"\N" else _unescaped(value)))
    return pairs


def _split(text: str, mark: str) -> list[str]:
    # A mark counts only where an even number of backslashes stands before its `&` or `=`.
    parts, start, at = [], 0, 0
    while at < len(text):
        if text[at] == "\\":
            at += 2
        elif text.startswith(mark, at):
            parts.append(text[start:at])
            at = start = at + len(mark)
        else:
            at += 1
    return [*parts, text[start:]]


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL)

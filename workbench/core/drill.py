"""What a row of a table, a window or a segment is of, as conditions: exactly the rows that were counted in it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from workbench.core.errors import ConfigError, DataError, shown
from workbench.core.filter import COMPARABLE, CURRENT, Condition, of_group, of_value
from workbench.core.finding import Cell, Evidence, Finding
from workbench.core.frame import Frame, Kind
from workbench.core.segments import WRITTEN, Bin, read
from workbench.core.windows import Cut

OF_COLUMNS = frozenset({"quality.profile", "drift.numeric", "drift.categorical"})
"""Checks whose drawings are of columns of the data; others draw scores, residuals, lengths."""

BY_ROWS = "windows of a number of rows are told by the order of the rows, and no column tells it: cut them by time"
_TOLD_APART = 2**53
_OTHERS = re.compile(r"\((\d+ )?others?\)")
_LONG = "\ue000 … "  # a very long text is counted under its beginning (core.values)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def of_row(finding: Finding, table: Evidence, at: int, frame: Frame) -> list[Condition] | None:
    """Return the conditions that the rows behind one row of a finding's table meet; None where there are none.

    None too where they cannot be told exactly: edges that the record's digits do not tell apart, all others together.
    """
    row = dict(zip(table.columns, table.rows[at], strict=True))
    try:
        if isinstance(row.get(WRITTEN), str):
            return of_segment(str(row[WRITTEN]), frame)
        if table.kind in ("distribution", "categories", "missing"):
            return _of_column(finding, table, at, row, frame)
        return of_group(str(row["group"]), frame) if row.get("group") else None
    except (ConfigError, DataError, ValueError, TypeError):  # of another version, or of a column that is gone
        return None


def of_segment(written: str, frame: Frame) -> list[Condition]:
    """Return the conditions of a segment as it is written beside its name; ValueError when they cannot be told."""
    found = [c for one in read(written) for c in _of_bin(one, frame)]
    if not found or any(c.column not in frame.names for c in found):
        raise ValueError("no conditions on columns that are here")
    return found


def of_segments(finding: Finding, frame: Frame) -> dict[str, list[Condition]]:
    """Return the conditions of every segment that a finding tells of, by its name."""
    found = {}
    for table in finding.evidence:
        if "segment" in table.columns and WRITTEN in table.columns:
            name = table.columns.index("segment")
            for at, row in enumerate(table.rows):
                if (conditions := of_row(finding, table, at, frame)) is not None:
                    found[str(row[name])] = conditions
    return found


def of_window(label: str, windows: Mapping[str, Any], time: str | None) -> list[Condition]:
    """Return the conditions of a window of the calendar: from its first microsecond to before the next one's.

    The reference keeps its rows. `windows` is how a record's subject says that it was cut. ConfigError where rows are
    cut by their number, where the window is of the reference, or where the label is none.
    """
    by = windows.get("by")
    if not by or not time:
        raise ConfigError(f"{BY_ROWS}, such as windows={{'by': 'month'}}.")
    if label.startswith("reference "):
        raise ConfigError("this window is of the reference: the rows on screen are of the current data.")
    if label == "undated":
        return [Condition(time, "missing", data=CURRENT)]
    cut = Cut(by=str(by), time=time)
    number = cut.number_of(label)
    start, end = cut.start(number), cut.end(number)
    if start is None or end is None:
        raise ConfigError(f"there is no window called {shown(label)}.")
    return [Condition(time, ">=", _iso(start), CURRENT), Condition(time, "<", _iso(end), CURRENT)]


def _of_column(
    finding: Finding, table: Evidence, at: int, row: Mapping[str, Cell], frame: Frame
) -> list[Condition] | None:
    if table.kind == "missing":
        column = str(row.get("column"))
        return [Condition(column, "missing")] if column in frame.names else None
    column = str(table.notes.get("column"))
    if finding.check not in OF_COLUMNS or column not in frame.names or frame.kind(column) not in COMPARABLE:
        return None
    if table.kind == "distribution":
        return _of_number_bin(table, at, row, column)
    if "edges" in table.notes:
        return _of_time_bin(str(table.notes["edges"]).split(), at, column, frame)
    value = str(row["category"])
    if _LONG in value or (at == len(table.rows) - 1 and _OTHERS.fullmatch(value)):
        return None
    return [of_value(frame, column, value)]


def _of_number_bin(table: Evidence, at: int, row: Mapping[str, Cell], column: str) -> list[Condition] | None:
    first, last = at == 0, at == len(table.rows) - 1
    if not _apart(table) or (table.notes.get("infinite") and (first or last)):
        return None  # infinities are counted in no bin, and an outer one has no other end
    low, high = float(row["low"] or 0), float(row["high"] or 0)
    return _between(column, None if first else low, None if last else high)


def _apart(table: Evidence) -> bool:
    low, high = table.columns.index("low"), table.columns.index("high")
    return all(isinstance(r[low], int | float) and isinstance(r[high], int | float) for r in table.rows) and all(
        float(r[low] or 0) < float(r[high] or 0) for r in table.rows
    )


def _of_time_bin(edges: Sequence[str], at: int, column: str, frame: Frame) -> list[Condition] | None:
    if frame.kind(column) is not Kind.TIME:
        return None
    ends = [None, *(_iso(int(e)) for e in edges), None]
    low, high = ends[at], ends[at + 1]
    return _between(column, low, high)


def _of_bin(one: Bin, frame: Frame) -> Iterator[Condition]:
    if one.missing:
        yield Condition(one.column, "missing")
    elif one.value is not None:
        yield of_value(frame, one.column, one.value)
    else:
        yield from _between(one.column, one.low, one.high)


def _between(column: str, low: float | str | None, high: float | str | None) -> list[Condition]:
    """Return that a value is at least `low` and under `high`; present, where neither is there."""
    found = []
    for operator, end in ((">=", low), ("<", high)):
        if end is not None:
            found.append(Condition(column, operator, end if isinstance(end, str) else _plain(end)))
    return found or [Condition(column, "present")]


def _plain(end: float) -> float | int:
    if abs(end) >= _TOLD_APART:
        raise ValueError("counts do not tell whole numbers apart that are this large")
    return int(end) if end.is_integer() else end


def _iso(micros: int) -> str:
    try:
        return (_EPOCH + timedelta(microseconds=micros)).isoformat()
    except OverflowError:
        raise ConfigError("a time lies outside the years 1 to 9999, and no condition tells such.") from None


def as_data(conditions: Sequence[Condition] | None) -> list[dict[str, Any]] | None:
    """Return conditions as plain data, for the views; None stays None."""
    return None if conditions is None else [c.to_dict() for c in conditions]

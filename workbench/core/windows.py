"""Windows: which period of the calendar, or which run of rows, a row falls into; each counted by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from workbench.core.errors import ConfigError, shown, thousands
from workbench.core.frame import BLOCK, Field, Kind

Ints = NDArray[np.int64]
UNDATED = np.iinfo(np.int64).min
"""The number of the window that holds rows without a time; it is counted and never judged."""

MOST_WINDOWS = 2_000
_WEEK = 4  # 1970-01-01 was a Thursday; weeks begin on Monday


@dataclass(frozen=True, slots=True)
class Cut:
    """The rule that numbers windows; numbers follow the time (or the rows), so they can be compared.

    Either `by` a period of the calendar (UTC, from the column `time`) or by a number of `rows`. Windows of one `season`
    (hour of the day, weekday or month) are alike.
    """

    by: str | None = None
    rows: int | None = None
    time: str | None = None
    season: str | None = None

    def __post_init__(self) -> None:
        if self.by is not None and self.time is None:
            raise ConfigError("windows by calendar need the role `time`: name the column that holds it.")

    def numbers(self, batch: pa.RecordBatch, start: int) -> Ints:
        """Return each row's window; `start` is the number of rows that came before the batch."""
        if self.rows is not None:
            return (np.arange(batch.num_rows, dtype=np.int64) + start) // self.rows
        column = batch.column(batch.schema.get_field_index(str(self.time)))
        micros = pc.fill_null(column.cast(pa.timestamp("us", "UTC")).cast(pa.int64()), UNDATED).to_numpy()
        found = period_of(micros, str(self.by))
        found[micros == UNDATED] = UNDATED
        return found

    def number_at(self, micros: int) -> int:
        """Return the window of the calendar that an instant (microseconds since 1970, UTC) is in."""
        return int(period_of(np.array([micros], np.int64), str(self.by))[0])

    def label(self, number: int) -> str:
        """Return the name of a window: 2026-01-31T05, 2026-01-31, 2026-W05, 2026-01, 2026-Q1, 2026, or its rows."""
        if number == UNDATED:
            return "undated"
        if self.rows is not None:
            size = self.rows
            return f"rows-{number * size + 1:09d}-{(number + 1) * size:09d}"
        return _LABELS[str(self.by)](number)

    def number_of(self, label: str) -> int:
        """Return the number of the window of the calendar that has this name; ConfigError when none has."""
        try:
            start = _START_OF[str(self.by)](label)
            number = self.number_at(int(start.astype("datetime64[us]").astype(np.int64)))
        except (KeyError, ValueError):
            number = UNDATED
        if number == UNDATED or self.label(number) != label:
            raise ConfigError(f"there is no window by {self.by} called {shown(label)}.")
        return number

    def end(self, number: int) -> int | None:
        """Return the first microsecond (UTC, since 1970) after a window of the calendar."""
        if number == UNDATED or self.by is None:
            return None
        return int(_starts(number + 1, self.by).astype("datetime64[us]").astype(np.int64))

    def start(self, number: int) -> int | None:
        """Return the first microsecond (UTC, since 1970) of a window of the calendar."""
        return None if number == UNDATED else self.end(number - 1)

    def season_of(self, number: int) -> str:
        """Return which hour, weekday or month a window of the calendar begins in; empty without a season."""
        start = self.start(number)
        if self.season is None or start is None:
            return ""
        at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=start)
        return {"hour": f"hour {at:%H}", "weekday": f"{at:%A}", "month": f"{at:%B}"}[self.season]


def period_of(micros: Ints, by: str) -> Ints:
    """Return the number of the hour, day, week, month, quarter or year (UTC) since 1970 that each instant is in."""
    at = micros.view("datetime64[us]")
    if by == "week":
        days = at.astype("datetime64[D]").astype(np.int64)
        return (days + _WEEK - 1) // 7
    found = at.astype(f"datetime64[{_UNITS[by]}]").astype(np.int64)
    return found // 3 if by == "quarter" else found


def _starts(number: int, by: str) -> Any:
    count, unit = {"week": (number * 7 - _WEEK + 1, "D"), "quarter": (number * 3, "M")}.get(
        by, (number, _UNITS.get(by))
    )
    return np.array(count, np.int64).astype(f"datetime64[{unit}]")


def _week_label(number: int) -> str:
    year, week, _ = _starts(number, "week").item().isocalendar()
    return f"{year}-W{week:02d}"


_UNITS = {"hour": "h", "day": "D", "week": "D", "month": "M", "quarter": "M", "year": "Y"}
_LABELS: dict[str, Callable[[int], str]] = {
    "hour": lambda n: str(_starts(n, "hour")),
    "day": lambda n: str(_starts(n, "day")),
    "week": _week_label,
    "month": lambda n: str(_starts(n, "month")),
    "quarter": lambda n: f"{1970 + n // 4}-Q{n % 4 + 1}",
    "year": lambda n: str(_starts(n, "year")),
}


def _start_of_week(label: str) -> Any:
    year, week = label.split("-W")
    return np.datetime64(date.fromisocalendar(int(year), int(week), 1), "D")


def _start_of_quarter(label: str) -> Any:
    year, quarter = label.split("-Q")
    return np.datetime64(f"{year}-{3 * int(quarter) - 2:02d}", "M")


_START_OF: dict[str, Callable[[str], Any]] = {
    "hour": lambda label: np.datetime64(label, "h"),
    "day": lambda label: np.datetime64(label, "D"),
    "week": _start_of_week,
    "month": lambda label: np.datetime64(label, "M"),
    "quarter": _start_of_quarter,
    "year": lambda label: np.datetime64(label, "Y"),
}


class CountsBatches(Protocol):
    """What counts the rows of one window."""

    def push(self, batch: pa.RecordBatch) -> None:
        """Take a batch of normalised columns, in the order of the fields."""

    def done(self) -> Any:
        """Return the tables of everything pushed."""


class WindowCounter:
    """Counts batches into tables for each window, in blocks of one size, so that a window counts as its rows alone."""

    def __init__(self, cut: Cut, make: Callable[[], CountsBatches], start: int = 0) -> None:
        self._cut, self._make = cut, make
        self._counters: dict[int, CountsBatches] = {}
        self._waiting: dict[int, list[pa.RecordBatch]] = {}
        self.rows = start

    def push(self, batch: pa.RecordBatch) -> None:
        """Take a batch of normalised columns, in the order of the fields."""
        numbers = self._cut.numbers(batch, self.rows)
        self.rows += batch.num_rows
        for number in np.unique(numbers).tolist():
            self._take(number, batch.filter(pa.array(numbers == number)))

    def _take(self, number: int, rows: pa.RecordBatch) -> None:
        if number not in self._counters:
            if len(self._counters) >= MOST_WINDOWS:
                raise ConfigError(f"the data falls into more than {thousands(MOST_WINDOWS)} windows: take longer ones.")
            self._counters[number] = self._make()
            self._waiting[number] = []
        waiting = [*self._waiting[number], rows]
        held = sum(b.num_rows for b in waiting)
        if held >= BLOCK:
            whole = pa.Table.from_batches(waiting).combine_chunks().to_batches(max_chunksize=BLOCK)
            full = [b for b in whole if b.num_rows == BLOCK]
            for block in full:
                self._counters[number].push(block)
            waiting = whole[len(full) :]
        self._waiting[number] = waiting

    def done(self) -> Iterator[tuple[int, Any]]:
        """Yield the number and the tables of each window that had rows, in order."""
        for number, counter in sorted(self._counters.items()):
            rest = self._waiting[number]
            if rest:
                counter.push(pa.Table.from_batches(rest).combine_chunks().to_batches()[0])
            yield number, counter.done()


def check_time(cut: Cut, fields: Sequence[Field]) -> None:
    """Raise ConfigError when windows follow the calendar and the time column holds no times."""
    if cut.by is None:
        return
    kinds = {f.name: f.kind for f in fields}
    if kinds.get(str(cut.time)) is not Kind.TIME:
        found = kinds.get(str(cut.time))
        said = f"{found.value}s" if found else "nothing"
        said += " (or no value at all)" if found is Kind.TEXT else ""  # files without a value have no other type
        raise ConfigError(
            f"time column {cut.time!r} holds {said}, expected times, all with a zone or all without: write them as "
            "2026-01-31 10:00:00, or cut windows by `rows`."
        )

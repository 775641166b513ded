"""What the instants of a time column have in common: their step, how regular it is, and where it is broken."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from workbench.core.numbers import NumberCounts

SECOND = 1_000_000
DAY = 86_400 * SECOND
REGULAR = 0.5
"""Share of the steps that must be alike for times to be called regular."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NAMES = {
    1_000: "every millisecond",
    SECOND: "every second",
    60 * SECOND: "every minute",
    900 * SECOND: "every quarter of an hour",
    1800 * SECOND: "every half hour",
    3600 * SECOND: "hourly",
    DAY: "daily",
    7 * DAY: "weekly",
}
_CALENDAR = ((28, 31, "monthly"), (90, 92, "quarterly"), (365, 366, "yearly"))


@dataclass(frozen=True, slots=True)
class Steps:
    """Steps between successive distinct instants, in microseconds; `alike` of `n` are the typical one.

    `gaps` are steps over one and a half times the typical one; they are only told where times are regular.
    """

    n: int
    typical: float
    alike: int
    name: str
    gaps: int | None
    largest: float
    largest_from: float

    @property
    def regular(self) -> bool:
        """Say whether at least half of the steps are alike."""
        return self.alike >= REGULAR * self.n


def steps(table: NumberCounts) -> Steps | None:
    """Return the steps of an exact table of at least two distinct instants, or None."""
    if not table.exact or len(table.keys) < 2:
        return None
    apart = np.diff(table.values)
    widest = int(np.argmax(apart))
    largest, start = float(apart[widest]), float(table.values[widest])
    low, high, name = _typical(apart)
    alike = int(np.count_nonzero((apart >= low) & (apart <= high)))
    if alike < REGULAR * len(apart):
        return Steps(len(apart), float(np.median(apart)), alike, "irregular", None, largest, start)
    gaps = int(np.count_nonzero(apart > 1.5 * high))
    return Steps(
        len(apart), float(np.median(apart[(apart >= low) & (apart <= high)])), alike, name, gaps, largest, start
    )


def _typical(apart: np.ndarray) -> tuple[float, float, str]:
    sizes, counts = np.unique(apart, return_counts=True)
    step = float(sizes[np.argmax(counts)])
    for least, most, name in _CALENDAR:
        if least * DAY <= step <= most * DAY:
            return float(least * DAY), float(most * DAY), name
    return step, step, _NAMES.get(int(step), f"every {span(step)}")


def span(micros: float) -> str:
    """Return a length of time in words: "3 days", "1.5 hours", "250 ms"."""
    for size, unit in ((DAY, "days"), (3600 * SECOND, "hours"), (60 * SECOND, "minutes"), (SECOND, "seconds")):
        if micros >= size:
            return f"1 {unit[:-1]}" if micros == size else f"{micros / size:.3g} {unit}"
    return f"{micros / 1000:.3g} ms"


def instant(micros: float) -> str:
    """Return an instant as ISO 8601 in UTC, to the second."""
    try:
        return (_EPOCH + timedelta(microseconds=micros)).isoformat(timespec="seconds")
    except OverflowError:
        return "outside the years 1 to 9999"

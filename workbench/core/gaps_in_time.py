"""What a table of times tells of them: first, last, and the gaps between consecutive distinct times; in seconds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from workbench.core.errors import ConfigError, shown
from workbench.core.numbers import NumberCounts

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROS = 1e6


@dataclass(frozen=True)
class Gaps:
    """Gaps between consecutive distinct times in seconds; `bound` is how much longer the largest may be.

    The median is None where times fell into bins, and both are under two distinct times.
    """

    largest: float | None
    median: float | None
    bound: float = 0.0


def gaps(times: NumberCounts) -> Gaps:
    """Return the gaps of a table of UTC microseconds."""
    if len(times.lows) < 2:
        # One bin of several times: all that is known is its width.
        width = float(times.highs[0] - times.lows[0]) / _MICROS if times.n else 0.0
        return Gaps(None, None, width)
    between = (times.lows[1:] - times.highs[:-1]) / _MICROS
    largest = float(between.max())
    if times.exact:
        return Gaps(largest, float(np.median(between)))
    widest = float((times.highs - times.lows).max()) / _MICROS
    return Gaps(largest, None, max(0.0, widest - largest))


def before(times: NumberCounts, moment: float) -> tuple[int, int]:
    """Return how many times lie before a moment (UTC microseconds), and how many may or may not."""
    under = times.highs < moment
    across = (times.lows < moment) & ~under
    return int(times.counts[under].sum()), int(times.counts[across].sum())


def as_text(micros: float | None) -> str | None:
    """Return UTC microseconds as ISO text; None stays None."""
    if micros is None:
        return None
    try:
        return (_EPOCH + timedelta(microseconds=micros)).isoformat(timespec="seconds")
    except OverflowError:
        return "outside the years 1 to 9999"


def moment_of(text: str) -> float:
    """Return an ISO time as UTC microseconds; without a zone it is UTC. ConfigError when it is none."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigError(f"as_of: found {shown(text)}, expected a time such as 2026-05-31T12:00:00+00:00.") from None
    found = found.replace(tzinfo=UTC) if found.tzinfo is None else found
    return (found - _EPOCH) / timedelta(microseconds=1)

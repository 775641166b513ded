"""Dates written as text that no calendar has, and days outside the years that are meant."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from workbench.core.numbers import Floats, Ints

Mask = NDArray[np.bool_]

EARLIEST, LATEST = date(1900, 1, 1), date(2100, 12, 31)
_ARE_DATES = 0.9
_LEAST = 20
_LEAST_PAIRS = 50
_ORDERED = 0.99
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ISO = re.compile(r"([0-9]{4})[-/.]([0-9]{1,2})[-/.]([0-9]{1,2})(?:[T ].*)?")
_NAMED = re.compile(r"([0-9]{1,2})[-/.]([0-9]{1,2})[-/.]([0-9]{4}|[0-9]{2})(?: .*)?")
_Parts = tuple[int, int, int]


def impossible_texts(
    values: Sequence[str], counts: Ints, earliest: date = EARLIEST, latest: date = LATEST
) -> dict[str, Mask]:
    """Return which values of a column of dates no calendar has, and which lie outside the days given; else nothing.

    Year first, or year last; there the column decides whether the day or the month comes first, by what fits more.
    """
    parts = [_parts(v) for v in values]
    are = np.array([p is not None for p in parts], bool)
    n = int(counts.sum())
    if n < _LEAST or counts[are].sum() < _ARE_DATES * n:
        return {}
    kept = [p if p is not None else (0, 0, 0) for p in parts]
    swapped = [(y, d, m) for y, m, d in kept]
    fits, fits_swapped = (np.array([_exists(p) for p in ps], bool) for ps in (kept, swapped))
    year_last = np.array([_ISO.fullmatch(v.strip()) is None for v in values], bool)
    month_first = counts[fits & year_last].sum() >= counts[fits_swapped & year_last].sum()
    chosen = [p if month_first or not last else s for p, s, last in zip(kept, swapped, year_last, strict=True)]
    exists = np.array([_exists(p) for p in chosen], bool)
    outside = [e and not _within(p, earliest, latest) for p, e in zip(chosen, exists, strict=True)]
    return {"no such day": are & ~exists, "outside the years": np.array(outside, bool)}


def are_dates(values: Sequence[str], counts: Ints) -> bool:
    """Say whether nine in ten of a text column's values are written as dates."""
    n = int(counts.sum())
    return (
        n >= _LEAST
        and sum(c for v, c in zip(values, counts.tolist(), strict=True) if c and _parts(v)) >= _ARE_DATES * n
    )


def reversed_pairs(times: Mapping[str, Floats]) -> Iterator[tuple[str, str, Mask]]:
    """Yield pairs of columns of times of which the first is at most the second in 99 % of the rows, and the rest.

    At least 50 rows must have both, and some must differ; NaN is missing.
    """
    for one, two in permutations(times, 2):
        known = ~np.isnan(times[one]) & ~np.isnan(times[two])
        with np.errstate(invalid="ignore"):
            after, before = known & (times[one] > times[two]), known & (times[one] < times[two])
        if known.sum() >= _LEAST_PAIRS and before.any() and after.sum() <= (1 - _ORDERED) * known.sum():
            yield one, two, after


def impossible_times(micros: Floats, earliest: date = EARLIEST, latest: date = LATEST) -> Mask:
    """Return which times, in microseconds since 1970 UTC, lie before the first or after the last day given."""
    return np.asarray((micros < _micros(earliest)) | (micros >= _micros(latest) + 86_400e6), bool)


def _micros(day: date) -> float:
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return float((start - _EPOCH) // timedelta(microseconds=1))


def _parts(text: str) -> _Parts | None:
    text = text.strip()
    if (found := _ISO.fullmatch(text)) is not None:
        return int(found[1]), int(found[2]), int(found[3])
    if (found := _NAMED.fullmatch(text)) is None:
        return None
    year = int(found[3])
    year += 0 if len(found[3]) == 4 else 2000 if year < 69 else 1900  # two digits as POSIX takes them
    return year, int(found[1]), int(found[2])


def _exists(parts: _Parts) -> bool:
    year, month, day = parts
    return 1 <= month <= 12 and year >= 1 and 1 <= day <= monthrange(year, month)[1]


def _within(parts: _Parts, earliest: date, latest: date) -> bool:
    return earliest <= date(*parts) <= latest

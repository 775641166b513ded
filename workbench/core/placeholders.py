"""Values that stand for "no value": words and signs, numbers far from all others, first and last days of calendars."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from workbench.core.numbers import Floats, Ints

Mask = NDArray[np.bool_]

WORDS = frozenset(
    {
        "?", "??", "???", "-", "--", "---", ".", "..", "...", "*", "#", "_", "n/a", "n.a.", "n.a", "na", "<na>", "#n/a",
        "#n/a n/a", "#na", "nan", "-nan", "1.#ind", "-1.#ind", "1.#qnan", "-1.#qnan", "null", "(null)", "<null>",
        "none", "nil", "nat", "not available", "not applicable", "#value!", "#ref!", "#name?", "#div/0!", "#null!",
    }
)  # fmt: skip
"""Written in any case, with spaces around. Source: what pandas.read_csv takes for missing, spreadsheets' errors."""
DAYS = frozenset({"0001-01-01", "1753-01-01", "1899-12-30", "1899-12-31", "1900-01-01", "1970-01-01", "9999-12-31"})
"""Days that systems put where there is no date: the ends or starts of their calendars."""
_NUMBERS = (9, 99, 999, 9999, 99999, 999999, 9999999, 99999999, 999999999)
EXPECTED = 0.9
"""An empty text is suspected where at least this share of the column's cells is filled; below it stands for "none"."""
_LEAST = 20
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_GAP = 3.0
"""A number is a placeholder where it lies this many times the range of the bulk away from it."""


def is_word(text: str) -> bool:
    """Say whether a text is a word or sign for "no value", or a day that is none; an empty text is not."""
    folded = text.strip().casefold()
    return folded in WORDS or (folded[:10] in DAYS and folded[10:].strip("t:. 0z") == "")


def placeholder_texts(values: Sequence[str], counts: Ints) -> tuple[Mask, Mask]:
    """Return which distinct values of a text column stand for "no value" by their words, and which are empty texts.

    Empty texts are suspected only where nearly every cell is filled (`EXPECTED`): elsewhere they say "none".
    """
    words = np.array([is_word(v) for v in values], bool)
    empty = np.array([not v.strip() for v in values], bool)
    few = int(counts[~empty].sum()) >= EXPECTED * int(counts.sum())
    return words, empty if few else np.zeros(len(values), bool)


def placeholder_numbers(values: Floats, counts: Ints) -> Mask:
    """Return which distinct finite numbers stand for "no value": nines (or minus one) that recur, far from the rest.

    Far: beyond the 1st or 99th percentile of the other values by three times their distance; or, for a negative
    one, where no other value is negative.
    """
    found = np.zeros(len(values), bool)
    coded = np.isin(np.abs(values), _NUMBERS) & (counts > 1)
    rest = ~coded
    if not coded.any() or counts[rest].sum() < _LEAST:
        return found
    low, high = _percentiles(values[rest], counts[rest])
    apart = _GAP * max(high - low, np.finfo(float).tiny)
    far = (values < low - apart) | (values > high + apart)
    return coded & (far | ((values < 0) & bool((values[rest] >= 0).all())))


def placeholder_days(micros: Floats, counts: Ints) -> Mask:
    """Return which times (microseconds since 1970, UTC) are days that stand for none: recurring, beyond the others.

    Beyond: outside the 1st to 99th percentile of the other times.
    """
    found = np.isin(micros, [_micros(day) for day in DAYS]) & (counts > 1)
    if not found.any() or counts[~found].sum() < _LEAST:
        return np.zeros(len(micros), bool)
    low, high = _percentiles(micros[~found], counts[~found])
    return found & ((micros < low) | (micros > high))


def _micros(day: str) -> float:
    start = datetime.fromisoformat(day).replace(tzinfo=UTC)
    return float((start - _EPOCH) // timedelta(microseconds=1))


def _percentiles(values: Floats, counts: Ints) -> tuple[float, float]:
    order = np.argsort(values, kind="stable")
    ends = np.cumsum(counts[order])
    at = np.searchsorted(ends, [0.01 * ends[-1], 0.99 * ends[-1]])
    low, high = values[order][np.minimum(at, len(values) - 1)]
    return float(low), float(high)

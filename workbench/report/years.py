"""Numbers that read as years, which no one parts into thousands."""

from __future__ import annotations

from collections.abc import Iterable

from workbench.report import words


def like_years(values: Iterable[object]) -> bool:
    """Say whether numbers read as years: whole ones or halves between them, all from 1000 to below 10,000."""
    found = list(values)
    return bool(found) and all(
        isinstance(v, int | float) and not isinstance(v, bool) and 1000 <= v < 10_000 and v % 0.5 == 0 for v in found
    )


def year(value: float | None) -> str:
    """Return a number that reads as a year, without a space for thousands."""
    return words.NOTHING if value is None else f"{value:g}"

"""Measures over windows: which there are, their drawing, and how many rows lie outside what the reference covers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from workbench.core.counts import ColumnCounts, Counted
from workbench.core.finding import Cell, Evidence, Measure
from workbench.core.intervals import wilson
from workbench.core.rates import measure
from workbench.core.subject import Subject
from workbench.core.windowed import Window

REFERENCE = "reference "
"""What the name of a window of the reference begins with."""
_MOST_DRAWN = 60


@dataclass(frozen=True, slots=True)
class Point:
    """One value of a drawn series: its window, the series' name and the measure."""

    window: str
    series: str
    measure: Measure


def spans(subject: Subject) -> Iterator[tuple[str, Counted]]:
    """Yield all current rows under an empty name, then each window under its own."""
    yield "", subject.current
    for window in subject.windows:
        yield window.label, window.counted


def labelled(subject: Subject) -> Iterator[tuple[str, Window]]:
    """Yield each window of the reference and of the current data under the name that its measures bear."""
    for window in subject.reference_windows:
        yield REFERENCE + window.label, window
    for window in subject.windows:
        yield window.label, window


def drawing(prefix: str, points: Sequence[Point], short: frozenset[str] = frozenset()) -> list[Evidence]:
    """Return a table of the values over windows for each measure and column, drawn as lines with bands."""
    by_name: dict[tuple[str, str], list[Point]] = {}
    for p in points:
        name = p.measure.name.removeprefix("estimated_")
        by_name.setdefault((name, p.measure.column), []).append(p)
    found = []
    for (name, column), of_name in list(by_name.items())[:_MOST_DRAWN]:
        rows: list[tuple[Cell, ...]] = [
            (p.window, p.series, p.measure.value, p.measure.low, p.measure.high, p.measure.n, p.window in short)
            for p in of_name
        ]
        title = f"{name.replace('_', ' ')} over the windows" + (f", {column}" if column else "")
        columns = ("window", "series", "value", "low", "high", "n", "short")
        notes = {"measure": of_name[0].measure.name, "column": column, "unit": of_name[0].measure.unit}
        title = title[0].upper() + title[1:]
        label = f"{prefix} {name} {column}".strip()
        found.append(Evidence(label, title, "windows", columns, tuple(rows), notes))
    return found


def outside(current: ColumnCounts, reference: ColumnCounts | None) -> int:
    """Return how many values are outside the reference's range, or of a category or a kind that it does not have."""
    if reference is None:
        return 0
    if not reference.present or (current.present and current.kind is not reference.kind):
        return current.present
    if current.numbers is not None and reference.numbers is not None:
        low, high, table = reference.numbers.minimum, reference.numbers.maximum, current.numbers
        if low is None or high is None:
            return 0
        beyond = (table.highs < low) | (table.lows > high)
        return int(table.counts[beyond].sum()) + sum(table.infinite)
    if current.values is None or reference.values is None or not (current.values.exact and reference.values.exact):
        return 0
    return sum(n for value, n in current.values.counts.items() if value not in reference.values.counts)


def outside_support(subject: Subject) -> tuple[list[Measure], list[str]]:
    """Return, for all rows and each window, the share outside the reference in the feature where it is largest."""
    found, notes = [], []
    if subject.reference is None:
        return [], []
    for label, counted in spans(subject):
        each = [
            (outside(counted.columns[name], subject.reference.columns.get(name)), name) for name in subject.features
        ]
        if not each or not counted.rows:
            continue
        most, name = max(each, key=lambda pair: (pair[0], pair[1]))
        share = measure("outside_support_share", most, counted.rows, wilson(most, counted.rows, subject.level))
        head = (share.name, share.value, "", "", label, name if most else "")
        found.append(Measure(*head, share.low, share.high, share.method, share.n, share.unit))
        if not label and most > 0.01 * counted.rows:
            said = f"{most / counted.rows:.1%} of rows lie outside what the reference covers in {name!r}"
            notes.append(f"{said}: what was learnt there does not reach them")
    return found, notes

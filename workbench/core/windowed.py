"""A data set counted window by window in one pass; the windows' tables add up to those of the whole."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from itertools import accumulate
from operator import add

import numpy as np

from workbench.core.counts import Counted, Counter
from workbench.core.dataset import Dataset
from workbench.core.duplicates import DuplicateBuilder
from workbench.core.errors import ConfigError, DataError, EvidenceError
from workbench.core.outcome import Predictor, check_labels
from workbench.core.sample import SampleBuilder, SampleOf
from workbench.core.windows import UNDATED, Cut, WindowCounter, check_time

WINDOW_SAMPLE = 5_000
"""Rows kept of each window at most, where a check needs rows."""
_COVERED = 0.9
_MANY = 1_000_000


@dataclass(frozen=True)
class Window:
    """One window: its number in time, name and counts; `short` when it is not complete, `season` what it is like."""

    number: int
    label: str
    counted: Counted
    short: bool = False
    season: str = ""


def count_windows(
    dataset: Dataset,
    cut: Cut,
    *,
    model: Predictor | None = None,
    on_batch: Callable[[int], None] | None = None,
    stop: Callable[[], None] | None = None,
    sampling: SampleOf | None = None,
) -> tuple[Counted, tuple[Window, ...]]:
    """Return the counts of all rows, and those of each window; rows without a time are in the former only."""
    frame = dataset.frame
    if frame.distributed is not None:
        raise ConfigError("windows are cut on this computer only: leave `engine: spark` out, or use a monitor.")
    check_time(cut, frame.fields)
    repeats, kept = DuplicateBuilder(), None if sampling is None else SampleBuilder(sampling)
    small = None if sampling is None else sampling._replace(size=min(sampling.size, WINDOW_SAMPLE))
    made: list[Counter] = []

    def make() -> Counter:
        made.append(Counter(frame.fields, dataset.roles, model, repeats.push, dataset.name, small, kept))
        return made[-1]

    counter, folded = WindowCounter(cut, make), 0
    for batch in frame.batches():
        if stop is not None:
            stop()
        counter.push(batch)
        if counter.rows - folded >= _MANY:  # what waits in many windows at once must not fill the memory
            folded = counter.rows
            for each in made:
                each.fold()
        if on_batch is not None:
            on_batch(counter.rows)
    tables = list(counter.done())
    if not tables:
        raise DataError(f"the {dataset.name} data has no rows: there is nothing to audit.")
    seen = [each.seen for each in made]
    roles = dict.fromkeys(role for labels in seen for role in labels)
    check_labels(frame.fields, dataset.roles, {r: frozenset().union(*(s.get(r, ()) for s in seen)) for r in roles})
    whole = reduce(add, (table for _, table in tables))
    whole = replace(whole, duplicates=repeats.done(), sample=None if kept is None else kept.done())
    return whole, tuple(_windows(tables, cut))


def _windows(tables: Sequence[tuple[int, Counted]], cut: Cut) -> list[Window]:
    dated = [(number, table) for number, table in tables if number != UNDATED]
    return [
        Window(number, cut.label(number), table, _short(number, table, dated, cut), cut.season_of(number))
        for number, table in dated
    ]


def _short(number: int, table: Counted, dated: Sequence[tuple[int, Counted]], cut: Cut) -> bool:
    if cut.rows is not None:
        return table.rows < cut.rows
    if number not in (dated[0][0], dated[-1][0]):
        return False
    start, end = cut.start(number), cut.end(number)
    times = table.columns[str(cut.time)].numbers
    if start is None or end is None or times is None or times.minimum is None or times.maximum is None:
        return False
    return times.maximum - times.minimum < _COVERED * (end - start) and table.rows < _COVERED * _usual(dated)


def _usual(dated: Sequence[tuple[int, Counted]]) -> float:
    return float(np.median([table.rows for _, table in dated]))


def to_bytes(windows: Sequence[Window]) -> bytes:
    """Return windows as compressed JSON, without rows."""
    data = [
        {"number": w.number, "label": w.label, "short": w.short, "season": w.season, "counted": w.counted.to_dict()}
        for w in windows
    ]
    return zlib.compress(json.dumps(data, ensure_ascii=False, sort_keys=True).encode("utf-8", "surrogatepass"), 3)


def from_bytes(data: bytes) -> tuple[Window, ...]:
    """Read what `to_bytes` wrote; EvidenceError when it is damaged."""
    try:
        found = json.loads(zlib.decompress(data).decode("utf-8", "surrogatepass"))
        return tuple(Window(**{**w, "counted": Counted.from_dict(w["counted"])}) for w in found)
    except (ValueError, KeyError, TypeError, zlib.error) as error:
        raise EvidenceError("stored windows are damaged, or of another version.") from error


def others(windows: Sequence[Window]) -> list[Counted | None]:
    """Return, for each window, the counts of all others of its season (of all others without seasons)."""
    found: list[Counted | None] = [None] * len(windows)
    for season in dict.fromkeys(w.season for w in windows):
        at = [i for i, w in enumerate(windows) if w.season == season]
        tables = [windows[i].counted for i in at]
        before = [None, *accumulate(tables[:-1], add)]
        after = [*list(accumulate(tables[:0:-1], add))[::-1], None]
        for i, a, b in zip(at, before, after, strict=True):
            found[i] = a + b if a is not None and b is not None else a if a is not None else b
    return found


def alike(windows: Sequence[Window], season: str, whole: Counted) -> Counted:
    """Return the reference for a window: the windows of its season, or the whole where it has none."""
    same = [w.counted for w in windows if w.season == season]
    return reduce(add, same) if season and same else whole


def recut(windows: Sequence[Window], old: Cut, new: Cut) -> tuple[Window, ...]:
    """Return coarser windows as sums of finer ones, no row read again; ConfigError when they do not nest.

    Days make weeks, months, quarters and years; n rows make k times n rows.
    """
    numbers = [recut_number(w.number, old, new) for w in windows]
    found = []
    for number in dict.fromkeys(numbers):
        parts = [w for w, n in zip(windows, numbers, strict=True) if n == number]
        table = reduce(add, (w.counted for w in parts))
        found.append((number, table))
    return tuple(_windows(found, new))


def recut_number(number: int, old: Cut, new: Cut) -> int:
    """Return the number of the coarser window that holds a finer one; ConfigError when they do not nest."""
    if number == UNDATED:
        return UNDATED
    if old.rows is not None and new.rows is not None and new.rows % old.rows == 0:
        return number * old.rows // new.rows
    if old.by is not None and new.by in _HOLDS.get(old.by, ()):
        start = old.start(number)
        return int(new.number_at(start or 0))
    was, wanted = (f"{c.rows} rows" if c.rows is not None else str(c.by) for c in (old, new))
    raise ConfigError(f"windows of {was} do not add up to windows of {wanted}: take one that they fit into.")


_PERIODS = ("hour", "day", "month", "quarter", "year")
_HOLDS = {finer: _PERIODS[i:] for i, finer in enumerate(_PERIODS)} | {
    "hour": (*_PERIODS, "week"),
    "day": (*_PERIODS[1:], "week"),
    "week": ("week",),
}

"""Another threshold on tables that are counted already: predictions are decided anew, without reading data again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from workbench.core.counts import Counted
from workbench.core.entities import EntitySlices
from workbench.core.joint import UNKNOWN, JointCounts, Key
from workbench.core.numbers import NumberCounts
from workbench.core.subject import Subject
from workbench.core.windowed import Window


def decided_at(subject: Subject, threshold: float) -> Subject | None:
    """Return the subject as it is counted with another threshold; None where only another count can tell.

    Every score must have a bin of its own (`NumberCounts.exact`): then the tables are those of another count, to the
    last bit. A prediction that the data holds, and a task without a threshold, stay as they are.
    """
    roles = replace(subject.roles, threshold=threshold)
    if roles == subject.roles or roles.kind_of_task != "binary":
        return replace(subject, roles=roles)
    counted = [subject.current, *([] if subject.reference is None else [subject.reference])]
    cuts = (subject.windows, subject.reference_windows)
    if not np.isfinite(threshold) or not all(_exact(c) for c in (*counted, *(w.counted for cut in cuts for w in cut))):
        return None
    given = roles.prediction

    def again(old: Counted) -> Counted:
        return old if given in old.columns else _counted(old, threshold)

    def each(windows: Iterable[Window]) -> tuple[Window, ...]:
        return tuple(replace(w, counted=again(w.counted)) for w in windows)

    return replace(
        subject,
        roles=roles,
        current=again(subject.current),
        reference=None if subject.reference is None else again(subject.reference),
        windows=each(subject.windows),
        reference_windows=each(subject.reference_windows),
    )


def _exact(counted: Counted) -> bool:
    slices = () if counted.slices is None else counted.slices.tables
    tables = [t for t in (counted.joint, *slices) if isinstance(t, JointCounts) and t.has_score]
    # Rows that a model decided without a score have no table.
    return all(t.scores.keys() == t.rows.keys() and all(s.exact for s in t.scores.values()) for t in tables)


def _counted(old: Counted, threshold: float) -> Counted:
    slices = None if old.slices is None else EntitySlices(tuple(_joint(t, threshold) for t in old.slices.tables))
    return replace(old, joint=None if old.joint is None else _joint(old.joint, threshold), slices=slices)


def _joint(old: JointCounts, threshold: float) -> JointCounts:
    if not old.has_score:
        return old
    rows: dict[Key, int] = {}
    scores: dict[Key, NumberCounts] = {}
    for key, table in old.scores.items():
        cell, truth, was = key
        if was == UNKNOWN:  # rows without a score
            rows[key], scores[key] = old.rows[key], table
            continue
        for prediction, part in enumerate(_parted(table, threshold)):
            if n := part.n + sum(part.infinite):
                to = (cell, truth, prediction)
                rows[to] = rows.get(to, 0) + n
                scores[to] = scores[to] + part if to in scores else part
    return replace(old, rows=dict(sorted(rows.items())), scores=dict(sorted(scores.items())))


def _parted(table: NumberCounts, at: float) -> tuple[NumberCounts, NumberCounts]:
    """Return an exact table's values below `at`, a finite number, and those from there on."""
    place = int(np.searchsorted(table.lows, at, side="left"))
    below, above = table.infinite
    return _cut(table, slice(None, place), (below, 0)), _cut(table, slice(place, None), (0, above))


def _cut(table: NumberCounts, part: slice, infinite: tuple[int, int]) -> NumberCounts:
    return replace(
        table,
        keys=table.keys[part],
        counts=table.counts[part],
        lows=table.lows[part],
        highs=table.highs[part],
        infinite=infinite,
    )

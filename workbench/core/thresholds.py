"""Counts at many thresholds, so that rates and intervals at any of them need no rows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from workbench.core.finding import Evidence, group_label
from workbench.core.joint import UNKNOWN, JointCounts
from workbench.core.numbers import Floats, Ints, NumberCounts

MOST_THRESHOLDS = 100
COLUMNS = (
    "threshold",
    "group",
    "column",
    "rows",
    "labelled",
    "positives",
    "selected",
    "true_positives",
    "false_positives",
    "predicted",
)


def grid(scores: NumberCounts, threshold: float) -> list[float]:
    """Return at most 101 thresholds: scores that occur, evenly spread over the rows, and the audit's own."""
    lows = scores.lows
    if len(lows) > MOST_THRESHOLDS:
        ends = np.cumsum(scores.counts)
        at = np.searchsorted(ends, np.linspace(0, scores.n, MOST_THRESHOLDS, endpoint=False), side="right")
        lows = lows[np.unique(at)]
    return sorted({*(float(v) for v in lows), float(threshold)})


def threshold_evidence(joint: JointCounts, threshold: float, *, groups: bool = True) -> Evidence:
    """Return the counts of rows at or above each threshold: overall, and by group of each sensitive column."""
    points = grid(joint.all_scores, threshold)
    rows = _rows(joint, None, "", "", points)
    for columns in joint.groupings(1) if groups else ():
        for values, cells in joint.members(columns).items():
            rows += _rows(joint, cells, group_label(columns, values), columns[0], points)
    return Evidence(
        name="threshold_counts",
        title="Counts at or above each threshold" + (", by group" if groups else ""),
        kind="threshold",
        columns=COLUMNS,
        rows=tuple(rows),
        notes={"threshold": threshold},
    )


def _rows(
    joint: JointCounts, cells: Sequence[int] | None, label: str, column: str, points: Sequence[float]
) -> list[tuple[str | float | int, ...]]:
    total = joint.confusion(cells).rows
    sides = [at_or_above(joint, cells, truth, points) for truth in (0, 1, UNKNOWN)]
    labelled = int(sides[0][1] + sides[1][1])
    predicted = labelled + int(sides[2][1])
    return [
        (
            t,
            label,
            column,
            total,
            labelled,
            int(sides[1][1]),
            int(sides[0][0][i] + sides[1][0][i] + sides[2][0][i]),
            int(sides[1][0][i]),
            int(sides[0][0][i]),
            predicted,
        )
        for i, t in enumerate(points)
    ]


def at_or_above(
    joint: JointCounts, cells: Sequence[int] | None, truth: int, points: Sequence[float]
) -> tuple[Ints, int]:
    """Return how many rows of that truth have a score at or above each point, and how many have a score at all."""
    wanted = None if cells is None else set(cells)
    at, whole = np.zeros(len(points), np.int64), 0
    for (cell, t, _), table in joint.scores.items():
        if t == truth and (wanted is None or cell in wanted):
            at += _tail(table, np.asarray(points))
            whole += table.n + sum(table.infinite)
    return at, whole


def _tail(table: NumberCounts, points: Floats) -> Ints:
    # Bins nest, and every grid point but the audit's own is the smallest value of a coarser bin: no bin straddles it.
    above = np.concatenate((np.cumsum(table.counts[::-1])[::-1], [0]))
    return np.asarray(above[np.searchsorted(table.lows, points, side="left")] + table.infinite[1], np.int64)

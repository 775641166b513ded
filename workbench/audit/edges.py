"""Counts at thresholds with so few edges that every cell between two of them may be told."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from workbench.audit.cells import Level, as_dicts, group_of
from workbench.audit.withheld import Withheld
from workbench.core.finding import Cell, Evidence
from workbench.core.numbers import Ints

MOST_EDGES = 20


@dataclass(frozen=True)
class Tails:
    """Rows at or above each threshold by truth (1, 0, missing), shape (edges, 3), and all rows with a score, (3,)."""

    above: Ints
    whole: Ints

    def __add__(self, other: Tails) -> Tails:
        return Tails(self.above + other.above, self.whole + other.whole)

    def __sub__(self, other: Tails) -> Tails:
        return Tails(self.above - other.above, self.whole - other.whole)


def tails_of(evidence: Evidence) -> dict[str, Tails]:
    """Return the tails of overall ("") and of each group's label."""
    by_label: dict[str, list[dict[str, Cell]]] = {}
    for row in as_dicts(evidence):
        by_label.setdefault(str(row["group"] or ""), []).append(row)
    return {label: _tails(rows) for label, rows in by_label.items()}


def _tails(rows: Sequence[dict[str, Cell]]) -> Tails:
    def numbers(name: str) -> Ints:
        return np.array([round(float(r[name] or 0)) for r in rows], np.int64)

    positive, negative = numbers("true_positives"), numbers("false_positives")
    above = np.stack((positive, negative, numbers("selected") - positive - negative), axis=1)
    positives, labelled, predicted = (int(numbers(n)[0]) for n in ("positives", "labelled", "predicted"))
    return Tails(above, np.array([positives, labelled - positives, predicted - labelled]))


def merged(evidence: Evidence, withheld: Withheld, minimum: int, most: int, by_score: bool) -> tuple[Evidence, bool]:
    """Return the table with merged score bins, and whether groups are in it.

    Groups are told when predictions are scores cut at the audit's threshold (`by_score`) and their counts by truth and
    prediction are told; between two edges each of them, and what is left of each column, has 0 rows of a truth or at
    least the minimum.
    """
    tails = tails_of(evidence)
    points = list(dict.fromkeys(float(r["threshold"] or 0) for r in as_dicts(evidence)))
    kept = [label for label in tails if label and by_score and not _hidden(label, withheld)]
    units = [*(tails[label] for label in kept), *_rests(tails, kept)] or [tails[""]]
    at = points.index(float(evidence.notes["threshold"] or 0))
    chosen = _thinned(_chosen(at, units, minimum), at, max(1, min(most, MOST_EDGES)))
    column, group = (evidence.columns.index(name) for name in ("threshold", "group"))
    wanted = {points[i] for i in chosen}
    rows = tuple(r for r in evidence.rows if r[column] in wanted and (not r[group] or r[group] in kept))
    return replace(evidence, rows=rows), bool(kept)


def _hidden(label: str, withheld: Withheld) -> bool:
    columns, group = group_of(label)
    return group in withheld.at(columns, Level.BOTH)


def _rests(tails: dict[str, Tails], kept: Iterable[str]) -> list[Tails]:
    """Return, for each column that has groups told, what all rows have beyond these."""
    told: dict[tuple[str, ...], Tails] = {}
    for label in kept:
        columns, _ = group_of(label)
        told[columns] = told[columns] + tails[label] if columns in told else tails[label]
    return [tails[""] - some for some in told.values()]


def _chosen(at: int, units: Sequence[Tails], minimum: int) -> list[int]:
    above, whole = np.stack([u.above for u in units]), np.stack([u.whole for u in units])

    def may(between: Ints, beyond: Ints) -> bool:
        told = all(bool(((part == 0) | (part >= minimum)).all()) for part in (between, beyond))
        return told and bool(between.any())

    up, down = [at], [at]
    for i in range(at + 1, above.shape[1]):
        if may(above[:, up[-1]] - above[:, i], above[:, i]):
            up.append(i)
    for i in range(at - 1, -1, -1):
        if may(above[:, i] - above[:, down[-1]], whole - above[:, i]):
            down.append(i)
    return sorted({*up, *down})


def _thinned(chosen: list[int], at: int, most: int) -> list[int]:
    # Bins that may be told add up to bins that may be told.
    if len(chosen) <= most:
        return chosen
    even = np.linspace(0, len(chosen) - 1, most).round().astype(int)
    return sorted({at, *(chosen[i] for i in even[: most - 1])})

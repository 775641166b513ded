"""Joint counts of truth x prediction x score x groups: what every performance and bias measure is arithmetic on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbench.core.numbers import Floats, Ints, NumberBuilder, NumberCounts, common_support

UNKNOWN = 2
"""Code of a missing truth or prediction; 0 is negative, 1 positive."""

Key = tuple[int, int, int]  # cell, truth, prediction
Group = tuple[str | None, ...]


class Confusion(NamedTuple):
    """Counts of one group; `rows` includes rows whose truth or prediction is missing."""

    tp: int
    fp: int
    fn: int
    tn: int
    rows: int
    predicted: int  # rows with a prediction, labelled or not
    selected: int  # of these, predicted positive
    labelled: int  # rows with a truth
    positives: int  # of these, truly positive


@dataclass(frozen=True)
class JointCounts:
    """Counts by (cell, truth, prediction) and a table of scores for each; a cell is one value per sensitive column."""

    sensitive: tuple[str, ...]
    cells: tuple[Group, ...]
    rows: Mapping[Key, int]
    scores: Mapping[Key, NumberCounts]
    has_truth: bool
    has_prediction: bool
    has_score: bool
    favourable_is_positive: bool = True
    labels: Mapping[str, str] = field(default_factory=dict)
    failures: Mapping[str, int] = field(default_factory=dict)

    def __add__(self, other: JointCounts) -> JointCounts:
        cells = tuple(sorted({*self.cells, *other.cells}, key=cell_order))
        place = {cell: i for i, cell in enumerate(cells)}
        rows: dict[Key, int] = {}
        scores: dict[Key, NumberCounts] = {}
        for table in (self, other):
            for (cell, t, p), count in table.rows.items():
                key = (place[table.cells[cell]], t, p)
                rows[key] = rows.get(key, 0) + count
            for (cell, t, p), counts in table.scores.items():
                key = (place[table.cells[cell]], t, p)
                scores[key] = scores[key] + counts if key in scores else counts
        return JointCounts(
            self.sensitive,
            cells,
            dict(sorted(rows.items())),
            dict(sorted(scores.items())),
            self.has_truth or other.has_truth,
            self.has_prediction or other.has_prediction,
            self.has_score or other.has_score,
            self.favourable_is_positive,
            self.labels,
            {k: self.failures.get(k, 0) + other.failures.get(k, 0) for k in sorted({*self.failures, *other.failures})},
        )

    @cached_property
    def _counts(self) -> NDArray[np.int64]:
        table = np.zeros((len(self.cells), 3, 3), np.int64)
        for (cell, t, p), count in self.rows.items():
            table[cell, t, p] += count
        return table

    def confusion(self, cells: Sequence[int] | None = None) -> Confusion:
        """Return the counts over all cells, or over those with the given indices."""
        t = (self._counts if cells is None else self._counts[list(cells)]).sum(axis=0)
        return Confusion(
            tp=int(t[1, 1]),
            fp=int(t[0, 1]),
            fn=int(t[1, 0]),
            tn=int(t[0, 0]),
            rows=int(t.sum()),
            predicted=int(t[:, :2].sum()),
            selected=int(t[:, 1].sum()),
            labelled=int(t[:2].sum()),
            positives=int(t[1].sum()),
        )

    def members(self, columns: Sequence[str]) -> dict[Group, list[int]]:
        """Return, for each combination of values of `columns`, the indices of its cells; sorted, missing last."""
        at = [self.sensitive.index(c) for c in columns]
        found: dict[Group, list[int]] = {}
        for i, cell in enumerate(self.cells):
            found.setdefault(tuple(cell[a] for a in at), []).append(i)
        return dict(sorted(found.items(), key=lambda item: [(v is None, v or "") for v in item[0]]))

    def groupings(self, depth: int = 2) -> Iterator[tuple[str, ...]]:
        """Yield each sensitive column by itself, then every combination of up to `depth` of them."""
        for size in range(1, min(depth, len(self.sensitive)) + 1):
            yield from combinations(self.sensitive, size)

    def score_table(self, cells: Sequence[int] | None = None) -> tuple[Floats, Ints, Ints, float]:
        """Return scores in ascending order, counts of true positives and negatives at each, and the error bound."""
        wanted = None if cells is None else set(cells)
        sides = [NumberCounts(), NumberCounts()]
        for (cell, t, _), counts in self.scores.items():
            if t != UNKNOWN and (wanted is None or cell in wanted):
                sides[t] = sides[t] + counts
        values, negative, positive, bound = common_support(*sides)
        return values, positive, negative, bound

    @cached_property
    def all_scores(self) -> NumberCounts:
        """Return the distribution of scores over all rows that have one."""
        whole = NumberCounts()
        for counts in self.scores.values():
            whole = whole + counts
        return whole

    @property
    def scores_are_probabilities(self) -> bool:
        """Say whether every score lies in 0..1."""
        s = self.all_scores
        inside = s.minimum is not None and s.maximum is not None and s.minimum >= 0 and s.maximum <= 1
        return inside and s.infinite == (0, 0)

    def to_dict(self) -> dict[str, Any]:
        """Return the table as JSON data."""
        return {
            "sensitive": list(self.sensitive),
            "cells": [list(c) for c in self.cells],
            "rows": [[*key, count] for key, count in sorted(self.rows.items())],
            "scores": [[*key, table.to_dict()] for key, table in sorted(self.scores.items())],
            "has": [self.has_truth, self.has_prediction, self.has_score, self.favourable_is_positive],
            "labels": dict(self.labels),
            "failures": dict(self.failures),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> JointCounts:
        """Read what `to_dict` wrote."""
        return cls(
            tuple(data["sensitive"]),
            tuple(tuple(c) for c in data["cells"]),
            {(c, t, p): count for c, t, p, count in data["rows"]},
            {(c, t, p): NumberCounts.from_dict(table) for c, t, p, table in data["scores"]},
            data["has"][0],
            data["has"][1],
            data["has"][2],
            data["has"][3],
            dict(data["labels"]),
            dict(data.get("failures", {})),
        )


def cell_order(cell: Group) -> list[tuple[bool, str]]:
    """Order groups by their values, missing last."""
    return [(v is None, v or "") for v in cell]


class JointBuilder:
    """Adds batches of codes: a cell number, truth and prediction (0, 1, 2 = missing) and a score (NaN = missing)."""

    def __init__(self, *, with_scores: bool) -> None:
        self._rows: dict[Key, int] = {}
        self._scores: dict[Key, NumberBuilder] = {}
        self._with_scores = with_scores

    def push(self, cell: Ints, truth: Ints, prediction: Ints, score: Floats | None) -> None:
        """Take one batch; the arrays are of equal length."""
        code = cell * 9 + truth * 3 + prediction
        # Sorting 16-bit codes is a radix sort; cells are few, so they nearly always fit.
        small = code.astype(np.int16) if len(code) and code.max() < 2**15 else code
        order = np.argsort(small, kind="stable")
        code = code[order]
        starts = np.flatnonzero(np.diff(code, prepend=-1)).tolist()
        for start, end in zip(starts, [*starts[1:], len(code)][: len(starts)], strict=True):
            key = (int(code[start]) // 9, int(code[start]) // 3 % 3, int(code[start]) % 3)
            self._rows[key] = self._rows.get(key, 0) + end - start
            if self._with_scores and score is not None:
                part = score[order[start:end]]
                self._scores.setdefault(key, NumberBuilder()).push(part[~np.isnan(part)])

    def done(self, cells: Sequence[Group], **about: Any) -> JointCounts:
        """Return the table, its cells in sorted order so that it does not depend on the order of rows."""
        order = sorted(range(len(cells)), key=lambda i: cell_order(cells[i]))
        place = {old: new for new, old in enumerate(order)}
        rows = {(place[c], t, p): n for (c, t, p), n in sorted(self._rows.items())}
        tables = {(place[c], t, p): b.done() for (c, t, p), b in self._scores.items()}
        return JointCounts(
            cells=tuple(cells[i] for i in order),
            rows=dict(sorted(rows.items())),
            scores=dict(sorted(tables.items())),
            **about,
        )

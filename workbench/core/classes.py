"""Counts for several classes: truth x prediction by group, scores of each class against the rest, ranks and losses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.core.joint import UNKNOWN, Group, JointCounts, Key, cell_order
from workbench.core.numbers import Floats, Ints, NumberBuilder, NumberCounts
from workbench.core.sums import Sums

Label = str | None


@dataclass(frozen=True)
class ClassCounts:
    """Rows by (cell, truth, prediction), None for missing; tables of each class's score, split by being the truth.

    `ranks` counts labelled rows with scores by (cell, rank of the truth's score, 1 the highest); `losses` sums log
    loss and multiclass Brier score over them; `improper` counts rows whose scores are no probabilities.
    """

    sensitive: tuple[str, ...]
    cells: tuple[Group, ...]
    rows: Mapping[tuple[int, Label, Label], int]
    scores: Mapping[tuple[str, bool], NumberCounts]
    ranks: Mapping[tuple[int, int], int]
    losses: Sums
    improper: int
    has_truth: bool
    has_prediction: bool
    has_score: bool
    failures: Mapping[str, int] = field(default_factory=dict)

    def __add__(self, other: ClassCounts) -> ClassCounts:
        cells = tuple(sorted({*self.cells, *other.cells}, key=cell_order))
        place = {cell: i for i, cell in enumerate(cells)}
        rows: dict[tuple[int, Label, Label], int] = {}
        ranks: dict[tuple[int, int], int] = {}
        for table in (self, other):
            for (cell, t, p), count in table.rows.items():
                key = (place[table.cells[cell]], t, p)
                rows[key] = rows.get(key, 0) + count
            for (cell, rank), count in table.ranks.items():
                at = (place[table.cells[cell]], rank)
                ranks[at] = ranks.get(at, 0) + count
        both = sorted({*self.scores, *other.scores})
        nothing = NumberCounts()
        return ClassCounts(
            self.sensitive,
            cells,
            _sorted_rows(rows),
            {k: self.scores.get(k, nothing) + other.scores.get(k, nothing) for k in both},
            dict(sorted(ranks.items())),
            self.losses + other.losses,
            self.improper + other.improper,
            self.has_truth or other.has_truth,
            self.has_prediction or other.has_prediction,
            self.has_score or other.has_score,
            added(self.failures, other.failures),
        )

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """Return every label that occurs as truth, prediction or scored class, numbers by value."""
        found = {label for _, t, p in self.rows for label in (t, p) if label is not None}
        return tuple(sorted(found | {label for label, _ in self.scores}, key=label_order))

    def table(self, cells: Sequence[int] | None = None) -> NDArray[np.int64]:
        """Return the confusion table, truth by prediction in the order of `labels`, of rows that have both."""
        place = {label: i for i, label in enumerate(self.labels)}
        wanted = None if cells is None else set(cells)
        found = np.zeros((len(place), len(place)), np.int64)
        for (cell, t, p), count in self.rows.items():
            if t is not None and p is not None and (wanted is None or cell in wanted):
                found[place[t], place[p]] += count
        return found

    def one_against_rest(self, label: str) -> JointCounts:
        """Return the counts of a class against all others, as a binary outcome without scores."""
        rows: dict[Key, int] = {}
        for (cell, t, p), count in self.rows.items():
            truth, prediction = (UNKNOWN if v is None else int(v == label) for v in (t, p))
            key = (cell, truth, prediction)
            rows[key] = rows.get(key, 0) + count
        return JointCounts(
            self.sensitive, self.cells, dict(sorted(rows.items())), {}, self.has_truth, self.has_prediction, False
        )

    @property
    def total(self) -> int:
        """Return the number of rows."""
        return sum(self.rows.values())

    def rank_counts(self) -> dict[int, int]:
        """Return how many rows have their truth at each rank of the scores."""
        found: dict[int, int] = {}
        for (_, rank), count in self.ranks.items():
            found[rank] = found.get(rank, 0) + count
        return found

    def to_dict(self) -> dict[str, Any]:
        """Return the tables as JSON data."""
        return {
            "sensitive": list(self.sensitive),
            "cells": [list(c) for c in self.cells],
            "rows": [[*key, count] for key, count in self.rows.items()],
            "scores": [[*key, table.to_dict()] for key, table in self.scores.items()],
            "ranks": [[*key, count] for key, count in self.ranks.items()],
            "losses": self.losses.to_dict(),
            "improper": self.improper,
            "has": [self.has_truth, self.has_prediction, self.has_score],
            "failures": dict(self.failures),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> ClassCounts:
        """Read what `to_dict` wrote."""
        return cls(
            tuple(data["sensitive"]),
            tuple(tuple(c) for c in data["cells"]),
            {(c, t, p): count for c, t, p, count in data["rows"]},
            {(label, own): NumberCounts.from_dict(table) for label, own, table in data["scores"]},
            {(c, rank): count for c, rank, count in data["ranks"]},
            Sums.from_dict(data["losses"]),
            data["improper"],
            data["has"][0],
            data["has"][1],
            data["has"][2],
            dict(data["failures"]),
        )


def label_order(label: str) -> tuple[int, float, str]:
    """Order labels that are numbers by value, before those that are not."""
    try:
        return 0, float(label), label
    except ValueError:
        return 1, 0.0, label


def added(one: Mapping[str, int], two: Mapping[str, int]) -> dict[str, int]:
    """Return counts by name, added."""
    return {k: one.get(k, 0) + two.get(k, 0) for k in sorted({*one, *two})}


def _sorted_rows(rows: Mapping[tuple[int, Label, Label], int]) -> dict[tuple[int, Label, Label], int]:
    def order(key: tuple[int, Label, Label]) -> tuple[int, list[tuple[bool, str]]]:
        return key[0], [(v is None, v or "") for v in key[1:]]

    return {key: rows[key] for key in sorted(rows, key=order)}


class ClassBuilder:
    """Adds batches of cells, true and predicted labels (None = missing), and probabilities by class (NaN = missing)."""

    def __init__(self) -> None:
        self._rows: dict[tuple[int, Label, Label], int] = {}
        self._scores: dict[tuple[str, bool], NumberBuilder] = {}
        self._ranks: dict[tuple[int, int], int] = {}
        self._losses, self._improper = Sums(), 0

    def push(self, cell: Ints, truth: NDArray[np.object_], prediction: NDArray[np.object_]) -> None:
        """Count a batch of labels."""
        (true_names, t), (named, p) = _coded(truth), _coded(prediction)
        code = (cell * len(true_names) + t) * len(named) + p
        for value, count in zip(*np.unique(code, return_counts=True), strict=True):
            rest, pp = divmod(int(value), len(named))
            cc, tt = divmod(rest, len(true_names))
            key = (cc, true_names[tt], named[pp])
            self._rows[key] = self._rows.get(key, 0) + int(count)

    def push_scores(self, cell: Ints, truth: NDArray[np.object_], labels: Sequence[str], scores: Floats) -> None:
        """Count a batch of scores, rows x `labels`; rows without a truth or with a missing score are left out."""
        whole = ~np.isnan(scores).any(axis=1)
        proper = (scores >= 0).all(axis=1) & (np.abs(scores.sum(axis=1) - 1) <= 1e-6)
        self._improper += int(np.count_nonzero(whole & ~proper))
        known = whole & np.array([t is not None for t in truth], bool)
        if not known.any():
            return
        cell, truth, scores = cell[known], truth[known], scores[known]
        for i, label in enumerate(labels):
            own = truth == label
            for side in (True, False):
                part = scores[own, i] if side else scores[~own, i]
                self._scores.setdefault((label, side), NumberBuilder()).push(part)
        self._push_ranks(cell, truth, labels, scores)

    def _push_ranks(self, cell: Ints, truth: NDArray[np.object_], labels: Sequence[str], scores: Floats) -> None:
        place = {label: i for i, label in enumerate(labels)}
        at = np.array([place.get(t, -1) for t in truth])
        own = np.where(at < 0, -np.inf, scores[np.arange(len(at)), at])
        # As scikit-learn's top-k: of equal scores the class that comes later in the order of labels stands higher.
        later = (scores == own[:, None]) & (np.arange(len(labels)) > at[:, None])
        rank = np.where(at < 0, len(labels) + 1, 1 + (scores > own[:, None]).sum(axis=1) + later.sum(axis=1))
        for (c, r), count in zip(*np.unique(np.stack((cell, rank), 1), axis=0, return_counts=True), strict=True):
            self._ranks[int(c), int(r)] = self._ranks.get((int(c), int(r)), 0) + int(count)
        eps = np.finfo(np.float64).eps
        log = -np.log(np.clip(np.where(at < 0, 0.0, own), eps, 1 - eps))
        brier = ((scores - (np.arange(len(labels)) == at[:, None])) ** 2).sum(axis=1) + (at < 0)
        terms = {"log": log, "log2": log * log, "brier": brier, "brier2": brier * brier}
        self._losses = self._losses + Sums.of(terms)

    def done(self, cells: Sequence[Group], **about: Any) -> ClassCounts:
        """Return the tables, cells in sorted order so that they do not depend on the order of rows."""
        order = sorted(range(len(cells)), key=lambda i: cell_order(cells[i]))
        place = {old: new for new, old in enumerate(order)}
        return ClassCounts(
            cells=tuple(cells[i] for i in order),
            rows=_sorted_rows({(place[c], t, p): n for (c, t, p), n in self._rows.items()}),
            scores={key: builder.done() for key, builder in sorted(self._scores.items())},
            ranks=dict(sorted(((place[c], rank), n) for (c, rank), n in self._ranks.items())),
            losses=self._losses,
            improper=self._improper,
            **about,
        )


def _coded(labels: NDArray[np.object_]) -> tuple[list[Label], Ints]:
    names: dict[Label, int] = {}
    codes = np.fromiter((names.setdefault(v, len(names)) for v in labels), np.int64, len(labels))
    return list(names), codes

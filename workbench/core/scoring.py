"""Window by window access to joint counts, and thinning of curves, shared by the performance checks."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from workbench.core.intervals import normal_quantile, wilson_ends
from workbench.core.joint import JointCounts
from workbench.core.numbers import Floats, Ints
from workbench.core.subject import Subject

MOST_POINTS = 200


def windows(subject: Subject) -> Iterator[tuple[str, JointCounts]]:
    """Yield ("", current) and, where the reference has truth and predictions too, ("reference", reference)."""
    if subject.current.joint is not None:
        yield "", subject.current.joint
    reference = None if subject.reference is None else subject.reference.joint
    if reference is not None and reference.has_truth and reference.has_prediction:
        yield "reference", reference


Point = tuple[float, float, float, float]
"""x, y, and the ends of y's interval."""


def roc_points(positive: Ints, negative: Ints, level: float) -> list[Point]:
    """Return (false positive rate, true positive rate, low, high) from (0, 0) to (1, 1), thinned to at most 201 points.

    Ends are Wilson's of the true positive rate at each threshold.
    """
    tp, fp = np.cumsum(positive[::-1]), np.cumsum(negative[::-1])
    if not len(tp) or not tp[-1] or not fp[-1]:
        return []
    start = (0.0, 0.0, 0.0, wilson_ends(0, int(tp[-1]), normal_quantile(level))[1])
    return [start, *_thinned(fp / fp[-1], tp, np.full(len(tp), tp[-1]), level)]


def precision_recall_points(positive: Ints, negative: Ints, level: float) -> list[Point]:
    """Return (recall, precision, low, high) from the highest score down, thinned to at most 200 points.

    Ends are Wilson's of the precision at each threshold.
    """
    tp, fp = np.cumsum(positive[::-1]), np.cumsum(negative[::-1])
    if not len(tp) or not tp[-1]:
        return []
    return _thinned(tp / tp[-1], tp, np.maximum(1, tp + fp), level)


def _thinned(x: Floats, hits: Ints, rows: Ints, level: float) -> list[Point]:
    z, found = normal_quantile(level), []
    for i in np.unique(np.linspace(0, len(x) - 1, min(len(x), MOST_POINTS)).astype(int)).tolist():
        k, n = int(hits[i]), int(rows[i])
        found.append((float(x[i]), k / n, *wilson_ends(k, n, z)))
    return found


def by_score_bin(values: Floats, positive: Ints, negative: Ints, bins: int) -> tuple[Ints, Floats, Ints, Floats]:
    """Return per equal-width bin of 0..1 that is not empty: rows, mean score, positives and the bin's lower edge."""
    index = np.minimum((values * bins).astype(np.int64), bins - 1)
    rows = np.bincount(index, weights=positive + negative, minlength=bins)
    sums = np.bincount(index, weights=values * (positive + negative), minlength=bins)
    hits = np.bincount(index, weights=positive, minlength=bins)
    kept = rows > 0
    edges = np.arange(bins)[kept] / bins
    return rows[kept].astype(np.int64), sums[kept] / rows[kept], hits[kept].astype(np.int64), edges

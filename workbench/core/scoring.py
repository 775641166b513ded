"""Window by window access to joint counts, and thinning of curves, shared by the performance checks."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

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


def roc_points(positive: Ints, negative: Ints) -> list[tuple[float, float]]:
    """Return (false positive rate, true positive rate) from (0, 0) to (1, 1), thinned to at most 201 points."""
    tp, fp = np.cumsum(positive[::-1]), np.cumsum(negative[::-1])
    if not len(tp) or not tp[-1] or not fp[-1]:
        return []
    return [(0.0, 0.0), *_thinned(fp / fp[-1], tp / tp[-1])]


def precision_recall_points(positive: Ints, negative: Ints) -> list[tuple[float, float]]:
    """Return (recall, precision) from the highest score down, thinned to at most 200 points."""
    tp, fp = np.cumsum(positive[::-1]), np.cumsum(negative[::-1])
    if not len(tp) or not tp[-1]:
        return []
    return _thinned(tp / tp[-1], tp / np.maximum(1, tp + fp))


def _thinned(x: Floats, y: Floats) -> list[tuple[float, float]]:
    at = np.unique(np.linspace(0, len(x) - 1, min(len(x), MOST_POINTS)).astype(int))
    return [(float(a), float(b)) for a, b in zip(x[at], y[at], strict=True)]


def by_score_bin(values: Floats, positive: Ints, negative: Ints, bins: int) -> tuple[Ints, Floats, Ints, Floats]:
    """Return per equal-width bin of 0..1 that is not empty: rows, mean score, positives and the bin's lower edge."""
    index = np.minimum((values * bins).astype(np.int64), bins - 1)
    rows = np.bincount(index, weights=positive + negative, minlength=bins)
    sums = np.bincount(index, weights=values * (positive + negative), minlength=bins)
    hits = np.bincount(index, weights=positive, minlength=bins)
    kept = rows > 0
    edges = np.arange(bins)[kept] / bins
    return rows[kept].astype(np.int64), sums[kept] / rows[kept], hits[kept].astype(np.int64), edges

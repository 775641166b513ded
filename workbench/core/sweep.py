"""Counts at or above many thresholds, by truth: what choosing a threshold is arithmetic on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workbench.core.joint import UNKNOWN, JointCounts
from workbench.core.numbers import Floats, Ints, NumberCounts
from workbench.core.thresholds import at_or_above


@dataclass(frozen=True)
class Sweep:
    """At each threshold, rows with a score at or above it, by truth; a row is selected when score >= threshold."""

    thresholds: Floats
    true_positives: Ints
    false_positives: Ints
    unlabelled: Ints
    positives: int
    negatives: int
    unknown: int

    @property
    def labelled(self) -> int:
        """Return the number of rows with truth and score."""
        return self.positives + self.negatives

    @property
    def false_negatives(self) -> Ints:
        """Return the truly positive rows below each threshold."""
        return self.positives - self.true_positives

    @property
    def true_negatives(self) -> Ints:
        """Return the truly negative rows below each threshold."""
        return self.negatives - self.false_positives

    @property
    def selected(self) -> Ints:
        """Return the rows at or above each threshold, labelled or not."""
        return self.true_positives + self.false_positives + self.unlabelled

    @property
    def scored(self) -> int:
        """Return the number of rows with a score."""
        return self.labelled + self.unknown


def sweep(joint: JointCounts, thresholds: Sequence[float] | Floats, cells: Sequence[int] | None = None) -> Sweep:
    """Return the counts at or above each threshold over all cells, or over those with the given indices."""
    points = np.asarray(thresholds, np.float64)
    negative, positive, unknown = (at_or_above(joint, cells, t, points.tolist()) for t in (0, 1, UNKNOWN))
    return Sweep(points, positive[0], negative[0], unknown[0], positive[1], negative[1], unknown[1])


def candidates(scores: NumberCounts, own: float, most: int) -> Floats:
    """Return thresholds, ascending, that tell every two neighbouring scores apart, and the audit's own.

    With more than `most` distinct scores (or bins), those told apart are evenly spread over the rows. Each is the
    number of fewest digits above the lower neighbour and not above the upper: rounding cannot move a row across it.
    """
    lows, highs = scores.lows, scores.highs
    if not len(lows):
        return np.array([own])
    at = np.arange(1, len(lows))
    if len(at) >= most:
        ends = np.cumsum(scores.counts)
        spread = np.searchsorted(ends, np.linspace(0, scores.n, most, endpoint=False), side="right")
        at = np.unique(spread)
        at = at[at > 0]
    found = [between(float(highs[i - 1]), float(lows[i])) for i in at]
    return np.unique([min(0.0, float(np.floor(lows[0]))), *found, _over(float(highs[-1])), own])


def between(low: float, high: float) -> float:
    """Return the number of fewest digits in (low, high] next to their middle."""
    middle = low / 2 + high / 2
    for digits in range(1, 17):
        short = float(f"{middle:.{digits}g}")
        if low < short <= high:
            return short
    return high


def _over(largest: float) -> float:
    top = largest + max(1.0, abs(largest))
    return between(largest, top) if math.isfinite(top) else largest

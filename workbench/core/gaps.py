"""Gaps between the means of several groups, with intervals that hold for all pairs at once."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import permutations

from workbench.core.intervals import Interval, tukey_z

MeanOf = tuple[float, float, int]  # mean, sample variance, n


def of_means(groups: Sequence[MeanOf], level: float = 0.95) -> tuple[float, Interval] | None:
    """Return the largest minus the smallest mean: [max(0, largest lower), largest upper] over all ordered pairs.

    Each pair by mean difference -+ tukey_z(k) sqrt(v1 / n1 + v2 / n2). Source: Games and Howell (1976), normal range.
    """
    if len(groups) < 2:
        return None
    z = tukey_z(len(groups), level)
    lows, highs = [], []
    for (m1, v1, n1), (m2, v2, n2) in permutations(groups, 2):
        half = z * math.sqrt(v1 / n1 + v2 / n2)
        lows.append(m1 - m2 - half)
        highs.append(m1 - m2 + half)
    means = [g[0] for g in groups]
    return max(means) - min(means), Interval(max(0.0, max(lows)), max(highs), "welch-tukey")


def ratio_of_means(groups: Sequence[MeanOf], level: float = 0.95) -> tuple[float, Interval]:
    """Return the smallest over the largest of several means of positive numbers: MOVER-R of all ordered pairs.

    Source: Donner and Zou (2012), equation 9, at the Tukey quantile; [smallest lower, min(1, smallest upper)].
    """
    z = tukey_z(len(groups), level)
    ends = [(m, max(0.0, m - z * math.sqrt(v / n)), m + z * math.sqrt(v / n)) for m, v, n in groups]
    pairs = [_mover_r(one, two) for one, two in permutations(ends, 2)]
    means = [g[0] for g in groups]
    low, high = min(p[0] for p in pairs), min(1.0, min(p[1] for p in pairs))
    return min(means) / max(means), Interval(low, high, "mover-r-tukey")


def _mover_r(one: tuple[float, float, float], two: tuple[float, float, float]) -> tuple[float, float]:
    (p1, l1, u1), (p2, l2, u2) = one, two
    square = (p1 * p2) ** 2
    under = p1 * p2 + math.sqrt(max(0.0, square - l1 * u2 * (2 * p1 - l1) * (2 * p2 - u2)))
    over = p1 * p2 + math.sqrt(max(0.0, square - u1 * l2 * (2 * p1 - u1) * (2 * p2 - l2)))
    low = 0.0 if l1 <= 0 or under <= 0 else max(0.0, l1 * (2 * p1 - l1) / under)
    high = math.inf if p2 <= 0 or l2 <= 0 else over / (l2 * (2 * p2 - l2))
    return low, high

"""False discoveries over a row of audits: the level at which each may reject, so that the share over the year holds."""

from __future__ import annotations

import math
from collections.abc import Sequence


def lord_levels(p_values: Sequence[float], alpha: float, start: float | None = None) -> list[float]:
    """Return the level of each test of an endless row by LORD++: wealth spent, and earned back by each rejection.

    Formula: a_t = g(t) W0 + (a - W0) g(t - t1) + a sum over later rejections tj of g(t - tj), with g(j) proportional to
    log(max(j, 2)) / (j exp(sqrt(log j))) and W0 = a / 2 unless `start` says otherwise. For independent p-values.
    Source: Ramdas, Yang, Wainwright and Jordan (2017), Online control of the false discovery rate with decaying memory.
    """
    first = alpha / 2 if start is None else start
    levels: list[float] = []
    rejected: list[int] = []
    for t, p in enumerate(p_values, 1):
        level = first * _share(t)
        for i, at in enumerate(rejected):
            level += (alpha - first if i == 0 else alpha) * _share(t - at)
        levels.append(level)
        if p <= level:
            rejected.append(t)
    return levels


def _share(j: int) -> float:
    """Return the part of the wealth spent on the j-th test after it was earned; all parts add up to under one."""
    return 0.07720838 * math.log(max(j, 2)) / (j * math.exp(math.sqrt(math.log(j)))) if j > 0 else 0.0

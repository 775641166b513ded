"""Regions of the features in which a mean differs between two sets of rows: found on one half, confirmed on another."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from workbench.core import intervals
from workbench.core.frame import Kind
from workbench.core.intervals import Interval
from workbench.core.means import difference_of
from workbench.core.numbers import Floats
from workbench.core.segments import Mask, Segment, segments
from workbench.core.two_samples import together

LEAST = 30
_ALIKE = 0.7


@dataclass(frozen=True)
class Side:
    """Some rows with a number each, none missing, and which of them are in the first half."""

    batch: pa.RecordBatch
    values: Floats
    half: Mask

    def part(self, *, first: bool) -> Side:
        """Return the rows of one half."""
        wanted = self.half if first else ~self.half
        return Side(self.batch.filter(pa.array(wanted)), self.values[wanted], self.half[wanted])


@dataclass(frozen=True)
class Region:
    """A segment with the difference of means on the confirming half, its interval, and p adjusted for all tried."""

    name: str
    n: int
    reference_n: int
    value: float
    interval: Interval
    p_value: float


@dataclass(frozen=True)
class Searched:
    """What was confirmed or not, and how many segments were looked at."""

    regions: tuple[Region, ...]
    tried: int


def search(
    current: Side, reference: Side, columns: Sequence[str], kinds: dict[str, Kind], level: float, most: int = 10
) -> Searched:
    """Return the segments where the first halves differ most, with the difference of the second halves' means.

    Segments are bins of one feature that hold 30 rows of each side in each half. The p is two-sided, adjusted over
    the candidates by Benjamini and Hochberg's method.
    """
    sides = [side.part(first=True) for side in (current, reference)]
    pooled = together([s.batch for s in sides], columns, kinds)
    found, tried = [], 0
    for segment in segments(pooled, columns, kinds):
        masks = [segment.mask(s.batch) for s in sides]
        score = _score(*(s.values[mask] for s, mask in zip(sides, masks, strict=True)))
        if score is not None:
            tried += 1
            found.append((score, segment, np.concatenate(masks)))
    found.sort(key=lambda item: (-item[0], item[1].name))
    kept = _distinct(found, most)
    answers = [a for s in kept if (a := _confirmed(s, current, reference, level)) is not None]
    _, adjusted = intervals.benjamini_hochberg([a.p_value for a in answers])
    regions = [
        Region(a.name, a.n, a.reference_n, a.value, a.interval, p) for a, p in zip(answers, adjusted, strict=True)
    ]
    return Searched(tuple(regions), tried)


def _score(now: Floats, then: Floats) -> float | None:
    if min(len(now), len(then)) < LEAST:
        return None
    spread = math.sqrt(float(now.var()) / len(now) + float(then.var()) / len(then))
    return abs(float(now.mean() - then.mean())) / spread if spread > 0 else None


def _distinct(found: list[tuple[float, Segment, Mask]], most: int) -> list[Segment]:
    kept: list[tuple[Segment, Mask]] = []
    for _, segment, inside in found:
        # The same rows under another name tell nothing new.
        if all((inside & other).sum() < _ALIKE * (inside | other).sum() for _, other in kept):
            kept.append((segment, inside))
        if len(kept) == most:
            break
    return [segment for segment, _ in kept]


def _confirmed(segment: Segment, current: Side, reference: Side, level: float) -> Region | None:
    parts = [side.part(first=False) for side in (current, reference)]
    now, then = (p.values[segment.mask(p.batch)] for p in parts)
    if min(len(now), len(then)) < LEAST:
        return None
    answer = difference_of(now, then, level)
    if answer is None:
        return None
    value, interval, p = answer
    return Region(segment.name, len(now), len(then), value, interval, min(1.0, 2 * min(p, 1 - p)))

"""The shape of a number column from its count table: skewness, kurtosis, and histograms on shared edges."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workbench.core.finding import Cell, rounded
from workbench.core.numbers import Floats, Ints, NumberCounts


@dataclass(frozen=True, slots=True)
class Moment:
    """A standardised moment, how far the bins of its table may have moved it, and why it is undefined."""

    value: float | None
    error_bound: float | None = None
    undefined_because: str = ""


def skewness(table: NumberCounts) -> Moment:
    """Return the adjusted Fisher-Pearson skewness, G1 = sqrt(n (n - 1)) / (n - 2) m3 / m2^1.5 (as pandas and Excel).

    Joanes and Gill (1998) The Statistician 47:183. Mean and variance are exact; the third power is taken at the middle
    of each bin, and the bound is what it could be anywhere in the bins.
    """
    n = table.n
    found = _standardised(table, 3, 3)
    if found.value is None:
        return found
    factor = math.sqrt(n * (n - 1)) / (n - 2)
    return Moment(factor * found.value, _scaled(found.error_bound, factor))


def kurtosis(table: NumberCounts) -> Moment:
    """Return the adjusted excess kurtosis G2 = (n - 1) / ((n - 2) (n - 3)) ((n + 1) g2 + 6), 0 for a normal one.

    Joanes and Gill (1998) The Statistician 47:183.
    """
    n = table.n
    found = _standardised(table, 4, 4)
    if found.value is None:
        return found
    factor = (n - 1) / ((n - 2) * (n - 3))
    return Moment(factor * ((n + 1) * (found.value - 3) + 6), _scaled(found.error_bound, factor * (n + 1)))


def _scaled(bound: float | None, factor: float) -> float | None:
    return None if bound is None else bound * factor


def _standardised(table: NumberCounts, power: int, least: int) -> Moment:
    if table.n < least:
        return Moment(None, undefined_because=f"it needs {least} finite values")
    mean, half = table.mean or 0.0, (table.highs - table.lows) / 2
    with np.errstate(over="ignore", invalid="ignore"):
        deviations = table.values - mean
        scale = float(np.max(np.abs(deviations) + half))
    if not math.isfinite(scale):
        return Moment(None, undefined_because="the values are too far apart")
    if scale == 0 or not table.variance:
        return Moment(None, undefined_because="there is no spread")
    shares = table.counts / table.n
    d, e = deviations / scale, half / scale
    second = _second(table, d, shares, scale)
    if second <= 0:
        return Moment(None, undefined_because="there is no spread")
    moment = float(np.sum(_power(d, power) * shares)) / second ** (power / 2)
    if table.exact:
        return Moment(moment)
    reach = np.abs(d)
    bound = float(np.sum((_power(reach + e, power) - _power(reach, power)) * shares))
    return Moment(moment, bound / second ** (power / 2))


def _power(x: Floats, power: int) -> Floats:
    # NumPy's own power of floats is ten times slower.
    return x * x * (x if power == 3 else x * x)


def _second(table: NumberCounts, d: Floats, shares: Floats, scale: float) -> float:
    """Return the population variance in units of the scale: exact sums for bins, the values themselves otherwise."""
    if table.exact:
        return float(np.sum(d * d * shares))
    deviation = (table.deviation or 0.0) / scale
    return deviation * deviation * (table.n - 1) / table.n


def edges_for(tables: Sequence[NumberCounts], bins: int, *, whole: bool) -> Floats:
    """Return the edges of at most `bins` equal bins over the middle 99 % of the tables together; whole ones if whole.

    What lies outside falls into the first and the last bin. Whole numbers that fit have a bin each, the rarest too:
    they may be codes.
    """
    known = [t for t in tables if t.n]
    if not known:
        return np.array([0.0, 1.0])
    values = np.concatenate([t.values for t in known])
    weights = np.concatenate([t.counts / t.n for t in known])
    order = np.argsort(values, kind="stable")
    values, reached = values[order], np.cumsum(weights[order]) / len(known)
    if whole and values[-1] - values[0] < bins and abs(values).max() < 2**52:
        return np.arange(values[0], values[-1] + 1.5, dtype=np.float64) - 0.5
    low, high = (float(values[min(len(values) - 1, int(np.searchsorted(reached, q)))]) for q in (0.005, 0.995))
    if not high > low:
        return np.array([low - 0.5, low + 0.5]) if abs(low) < 2**52 else np.array([low, math.nextafter(low, math.inf)])
    if whole and high - low < 2**52:
        step = max(1, math.ceil((high - low + 1) / bins))
        return np.arange(math.floor(low), math.floor(high) + step + 0.5, step, np.float64) - 0.5
    edges = low / 2 + (high / 2 - low / 2) * np.linspace(0, 1, bins + 1)  # halves: the ends may be 1e308 apart
    return as_recorded(np.unique(edges * 2))


def as_recorded(edges: Floats) -> Floats:
    """Return edges as a record keeps them, so that what is counted between them can be found again by them.

    Edges that the record's digits do not tell apart stay as they are.
    """
    kept = np.array([rounded(edge) for edge in edges.tolist()], np.float64)
    return kept if bool((np.diff(kept) > 0).all()) else edges


def infinite_note(*tables: NumberCounts | None) -> dict[str, Cell]:
    """Return a drawing's note of how many infinities are in none of its bins; empty where there are none."""
    n = sum(sum(t.infinite) for t in tables if t is not None)
    return {"infinite": n} if n else {}


def histogram(table: NumberCounts, edges: Floats) -> Ints:
    """Return how many values lie in each bin [a, b), the first and the last open to the outside."""
    at = np.clip(np.searchsorted(edges, table.values, side="right") - 1, 0, len(edges) - 2)
    return np.bincount(at, weights=table.counts, minlength=len(edges) - 1).astype(np.int64)


BLOCKS = "▁▂▃▄▅▆▇█"


def sparkline(counts: Sequence[float], top: float) -> str:
    """Return counts as blocks of eight heights, the highest `top`; an empty bin is "_"."""
    if top <= 0:
        return ""
    levels = [min(len(BLOCKS), math.ceil(len(BLOCKS) * c / top)) for c in counts]
    return "".join(BLOCKS[level - 1] if level > 0 else "_" for level in levels)


def heights(line: str) -> list[float]:
    """Return the heights of a sparkline's bins, 0..1."""
    return [0.0 if c not in BLOCKS else (BLOCKS.index(c) + 1) / len(BLOCKS) for c in line]

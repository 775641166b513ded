"""The count table of a numeric column: exact values up to a stated number, else nested bins; tables add.

Bins come from the number's own bits, so they never depend on the data: a float64 keeps its sign, exponent and the
top bits of its mantissa, `shift` low bits are dropped, and a value lying exactly on a bin's lower edge (0, 1, 250)
has a bin of its own. Coarser grids contain finer ones, so any two tables add exactly by coarsening to one shift, and
the shift reached (the smallest that fits `LIMIT` bins) depends on the values alone, not on their order or batches.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.core.exact import decode_array, encode_array, exact_sum, exact_to_float

LIMIT = 131_072
"""Number of distinct values up to which a table is exact."""

_BUFFER = 262_144
_SIGN = np.int64(-(2**63))
_MAX_SHIFT = 62
_VAST = 1e300
"""Squares from here on may overflow when they are added."""

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def ordered(x: Floats) -> Ints:
    """Map float64 to int64 so that order is kept and 0.0 and -0.0 are both 0."""
    bits = x.view(np.int64)
    return np.asarray(np.where(bits < 0, _SIGN - bits, bits), np.int64)


def keys_of(order: Ints, shift: int) -> Ints:
    """Return the bin key of each ordered value: the bin's number, doubled, plus one inside it (not on its edge)."""
    if shift == 0:
        return order
    inside = (order & ((np.int64(1) << shift) - 1)) != 0
    return np.asarray(((order >> shift) << 1) | inside, np.int64)


def coarser(keys: Ints, old: int, new: int) -> Ints:
    """Return keys made at shift `old` as they would have been made at the larger shift `new`."""
    if old == new:
        return keys
    if old == 0:
        return keys_of(keys, new)
    step = new - old
    index, inside = keys >> 1, keys & 1
    inside = inside | ((index & ((np.int64(1) << step) - 1)) != 0)
    return np.asarray(((index >> step) << 1) | inside, np.int64)


def _starts(keys: NDArray[Any]) -> NDArray[np.intp]:
    if not len(keys):
        return np.zeros(0, np.intp)
    return np.concatenate(([0], np.flatnonzero(keys[1:] != keys[:-1]) + 1))


def _distinct(sorted_keys: Ints) -> int:
    return int(len(sorted_keys) > 0) + int(np.count_nonzero(sorted_keys[1:] != sorted_keys[:-1]))


def fitting_shift(keys: Ints, shift: int) -> int:
    """Return the smallest shift, not below `shift`, at which the sorted keys take at most `LIMIT` bins."""
    low, high = shift, _MAX_SHIFT
    if _distinct(keys) <= LIMIT:
        return shift
    while low < high:
        middle = (low + high) // 2
        if _distinct(coarser(keys, shift, middle)) <= LIMIT:
            high = middle
        else:
            low = middle + 1
    return low


@dataclass(frozen=True)
class NumberCounts:
    """Counts of a numeric column's finite values by bin, with the smallest and largest value of each bin.

    `shift` 0 means exact: each bin is one value. `total` and `squares` are exact integer sums in units of 2**-1200
    (None while exact, where the table itself gives them).
    """

    shift: int = 0
    keys: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    counts: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    lows: Floats = field(default_factory=lambda: np.zeros(0))
    highs: Floats = field(default_factory=lambda: np.zeros(0))
    total: int | None = None
    squares: int | None = None
    infinite: tuple[int, int] = (0, 0)

    @classmethod
    def of(cls, values: Floats) -> NumberCounts:
        """Count an array; NaN is not expected, infinities are counted apart."""
        builder = NumberBuilder()
        builder.push(np.asarray(values, dtype=np.float64))
        return builder.done()

    def __add__(self, other: NumberCounts) -> NumberCounts:
        shift = max(self.shift, other.shift)
        keys = np.concatenate([coarser(t.keys, t.shift, shift) for t in (self, other)])
        order = np.argsort(keys, kind="stable")
        keys = keys[order]
        sums = [np.concatenate([getattr(t, a) for t in (self, other)])[order] for a in ("counts", "lows", "highs")]
        needed = fitting_shift(keys, shift)
        grouped = _grouped(coarser(keys, shift, needed), *sums)
        total, squares = (None, None) if needed == 0 else _added_moments(self, other)
        infinite = (self.infinite[0] + other.infinite[0], self.infinite[1] + other.infinite[1])
        return NumberCounts(needed, *grouped, total, squares, infinite)

    @property
    def exact(self) -> bool:
        """Say whether every distinct value has its own bin."""
        return self.shift == 0

    @cached_property
    def n(self) -> int:
        """Return the number of finite values."""
        return int(self.counts.sum())

    @cached_property
    def values(self) -> Floats:
        """Return each bin's representative: its value, or the middle of its smallest and largest."""
        return self.lows if self.exact else self.lows + (self.highs - self.lows) / 2

    @property
    def distinct(self) -> int:
        """Return the number of distinct finite values; a lower bound unless `exact`."""
        return len(self.keys)

    @cached_property
    def largest_mixed_mass(self) -> float:
        """Return the largest share of the values in one bin that holds more than one distinct value (0 if exact)."""
        mixed = self.counts[self.lows < self.highs]
        return float(mixed.max() / self.n) if len(mixed) else 0.0

    @cached_property
    def whole(self) -> bool:
        """Say whether all values seen at the ends of bins are whole numbers."""
        return bool(((self.lows == np.floor(self.lows)) & (self.highs == np.floor(self.highs))).all())

    @property
    def minimum(self) -> float | None:
        """Return the smallest finite value."""
        return float(self.lows[0]) if self.n else None

    @property
    def maximum(self) -> float | None:
        """Return the largest finite value."""
        return float(self.highs[-1]) if self.n else None

    def moments(self) -> tuple[int, int]:
        """Return the exact sums of the values and of their squares (each square rounded once), in 2**-1200."""
        if self.total is not None and self.squares is not None:
            return self.total, self.squares
        return exact_sum(self.lows, self.counts), exact_sum(_squared(self.lows), self.counts)

    @cached_property
    def mean(self) -> float | None:
        """Return the mean, correctly rounded."""
        return exact_to_float(self.moments()[0], self.n) if self.n else None

    @cached_property
    def variance(self) -> float | None:
        """Return the sample variance (divisor n - 1); None under two values."""
        if self.n < 2:
            return None
        if self.exact:
            with np.errstate(over="ignore"):
                deviations = self.values - (self.mean or 0.0)
                terms = deviations * deviations * self.counts
            return math.fsum(terms) / (self.n - 1) if terms.max() < _VAST else math.inf
        total, squares = self.moments()
        # n * sum(x^2) - sum(x)^2, exactly, before the one rounding; the units of 2**-1200 multiply.
        spread = self.n * (squares << 1200) - total * total
        return max(0.0, exact_to_float(spread >> 1200, self.n * (self.n - 1)))

    @property
    def deviation(self) -> float | None:
        """Return the sample standard deviation."""
        return None if self.variance is None else math.sqrt(self.variance)

    def quantile(self, q: float) -> float | None:
        """Return the quantile by linear interpolation of order statistics (NumPy's default), from the table."""
        return _quantile(self.values, self.counts, q)

    def absolute_quantile(self, q: float) -> float | None:
        """Return the quantile of the absolute values."""
        order = np.argsort(np.abs(self.values), kind="stable")
        return _quantile(np.abs(self.values)[order], self.counts[order], q)

    def to_dict(self) -> dict[str, Any]:
        """Return the table as JSON data (arrays as base64 of compressed little-endian bytes)."""
        arrays = {a: encode_array(getattr(self, a)) for a in ("keys", "counts", "lows", "highs")}
        sums = {k: None if v is None else str(v) for k, v in (("total", self.total), ("squares", self.squares))}
        return {"shift": self.shift, **arrays, **sums, "infinite": list(self.infinite)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> NumberCounts:
        """Read what `to_dict` wrote."""
        total, squares = (None if data[k] is None else int(data[k]) for k in ("total", "squares"))
        return cls(
            shift=int(data["shift"]),
            keys=decode_array(data["keys"], np.int64),
            counts=decode_array(data["counts"], np.int64),
            lows=decode_array(data["lows"], np.float64),
            highs=decode_array(data["highs"], np.float64),
            total=total,
            squares=squares,
            infinite=(int(data["infinite"][0]), int(data["infinite"][1])),
        )


class NumberBuilder:
    """Collects batches of one column and folds them into a `NumberCounts`."""

    def __init__(self) -> None:
        self._table = NumberCounts()
        self._waiting: list[Floats] = []
        self._held = 0
        self._infinite = [0, 0]

    def push(self, values: Floats) -> None:
        """Take a batch of values without nulls; infinities are counted apart."""
        finite = np.isfinite(values)
        if not finite.all():
            self._infinite[0] += int(np.count_nonzero(values == -np.inf))
            self._infinite[1] += int(np.count_nonzero(values == np.inf))
            values = values[finite]
        self._waiting.append(values)
        self._held += len(values)
        if self._held >= _BUFFER:
            self.fold()

    def done(self) -> NumberCounts:
        """Return the table of everything pushed."""
        self.fold()
        both = (self._infinite[0], self._infinite[1])
        return NumberCounts(**{**self._table.__dict__, "infinite": both})

    def fold(self) -> None:
        """Turn the values held so far into a table."""
        if not self._held:
            return
        x = np.sort(np.concatenate(self._waiting) + 0.0)
        self._waiting, self._held = [], 0
        keys = keys_of(ordered(x), self._table.shift)
        shift = fitting_shift(keys, self._table.shift)
        keys = coarser(keys, self._table.shift, shift)
        starts = _starts(keys)
        counts = np.diff(np.append(starts, len(x)))
        ends = np.append(starts[1:], len(x)) - 1
        sums = (None, None) if shift == 0 else (exact_sum(x), exact_sum(_squared(x)))
        part = NumberCounts(shift, keys[starts], counts.astype(np.int64), x[starts], x[ends], *sums)
        self._table = self._table + part if self._table.n else part


def _quantile(values: Floats, counts: Ints, q: float) -> float | None:
    n = int(counts.sum())
    if not n:
        return None
    position = q * (n - 1)
    below, ends = math.floor(position), np.cumsum(counts)
    left = float(values[np.searchsorted(ends, below, side="right")])
    right = float(values[np.searchsorted(ends, min(below + 1, n - 1), side="right")])
    return left + (right - left) * (position - below) if right != left else left


@dataclass(frozen=True)
class Support:
    """Two tables on one support: ends of each bin, counts of the one and of the other; one value where ends meet."""

    lows: Floats
    highs: Floats
    counts: tuple[Ints, Ints]

    @property
    def values(self) -> Floats:
        """Return each bin's representative: its value, or the middle of its ends."""
        return self.lows + (self.highs - self.lows) / 2

    @property
    def mixed(self) -> NDArray[np.bool_]:
        """Say of each bin whether it holds more than one distinct value."""
        return self.lows < self.highs

    @property
    def bound(self) -> float:
        """Return the largest share either table has in one mixed bin: 0 when both are exact."""
        mixed = self.mixed
        return max((float(c[mixed].max(initial=0) / max(1, c.sum())) for c in self.counts), default=0.0)


def on_one_support(a: NumberCounts, b: NumberCounts) -> Support:
    """Return both tables on the union of their bins, at the coarser of their grids."""
    shift = max(a.shift, b.shift)
    coarse = [_grouped(coarser(t.keys, t.shift, shift), t.counts, t.lows, t.highs) for t in (a, b)]
    keys = np.union1d(coarse[0][0], coarse[1][0])
    counts, lows, highs = [], np.full(len(keys), np.inf), np.full(len(keys), -np.inf)
    for k, c, lo, hi in coarse:
        at = np.searchsorted(keys, k)
        spread = np.zeros(len(keys), np.int64)
        spread[at] = c
        counts.append(spread)
        lows[at], highs[at] = np.minimum(lows[at], lo), np.maximum(highs[at], hi)
    return Support(lows, highs, (counts[0], counts[1]))


def common_support(a: NumberCounts, b: NumberCounts) -> tuple[Floats, Ints, Ints, float]:
    """Return values, counts of `a`, counts of `b` on one support, and the error bound of a distribution function.

    The bound is the largest share either table has in one bin of several distinct values; it is 0 when both are exact.
    """
    both = on_one_support(a, b)
    return both.values, *both.counts, both.bound


def _grouped(keys: Ints, counts: Ints, lows: Floats, highs: Floats) -> tuple[Ints, Ints, Floats, Floats]:
    starts = _starts(keys)
    if not len(starts):
        return keys, counts, lows, highs
    added = np.add.reduceat(counts, starts)
    return keys[starts], added, np.minimum.reduceat(lows, starts), np.maximum.reduceat(highs, starts)


def _added_moments(a: NumberCounts, b: NumberCounts) -> tuple[int, int]:
    (total_a, squares_a), (total_b, squares_b) = a.moments(), b.moments()
    return total_a + total_b, squares_a + squares_b


def _squared(x: Floats) -> Floats:
    with np.errstate(over="ignore"):
        return np.minimum(x * x, np.finfo(np.float64).max)

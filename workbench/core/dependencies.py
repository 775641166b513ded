"""Near functional dependencies found in the data: columns whose value another column fixes, and cells that deviate."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.core.numbers import Floats, Ints

Mask = NDArray[np.bool_]

CONFIDENCE = 0.9
LEAST_ROWS = 3
"""A value of the key needs this many rows to say what belongs to it."""
_LIFT = 1 / 3
_COVERED = 0.1
_LEAST_KEYS = 3
_LEAST_SPECIAL = 10
_CLEAR = 2 / 3


@dataclass(frozen=True, slots=True)
class Dependency:
    """`key` fixes `column`: the most frequent value of its key has a share `confidence` of the rows, on average.

    `rows` are those whose key occurs often enough, `keys` how many such values the key has; `chance` is what the
    confidence would be with the column's values dealt out at random.
    """

    key: int
    column: int
    confidence: float
    chance: float
    rows: int
    keys: int


@dataclass(frozen=True, slots=True)
class Grouped:
    """For each row: rows of its key, rows of its key's most frequent value, and that value (the smallest of equals)."""

    size: Ints
    most: Ints
    majority: Ints


def grouped(key: Ints, value: Ints) -> Grouped:
    """Count the values of each key; `key` and `value` are codes from 0 up."""
    width, height = int(value.max(initial=0)) + 1, int(key.max(initial=0)) + 1
    size = np.bincount(key, minlength=height)
    if width * height <= 4 * len(key):
        table = np.bincount(key * width + value, minlength=width * height).reshape(height, width)
        majority = table.argmax(axis=1)
        return Grouped(size[key], table.max(axis=1)[key], majority[key])
    pairs, counts = np.unique(key * width + value, return_counts=True)
    keys, values = pairs // width, pairs % width
    most, majority = np.zeros(height, np.int64), np.full(height, width, np.int64)
    np.maximum.at(most, keys, counts)
    first = counts == most[keys]
    np.minimum.at(majority, keys[first], values[first])
    return Grouped(size[key], most[key], majority[key])


def dependencies(
    codes: Sequence[Ints],
    keys: Sequence[int],
    *,
    confidence: float = CONFIDENCE,
    least_rows: int = LEAST_ROWS,
    seed: int = 0,
    stop: Callable[[], None] = lambda: None,
) -> list[Dependency]:
    """Return the near functional dependencies of coded columns (equal code, equal value, -1 unknown) on `keys`.

    A column depends on a key where, among keys of `least_rows` rows or more, the most frequent value of its key takes
    a share `confidence` of the rows, and also of those whose key stands for another value than the column's most
    frequent one (a column that hardly varies depends on nothing); and where at most two thirds as many rows deviate
    as would by chance.
    """
    if not codes:
        return []
    table = np.stack(codes)
    dealt = np.random.default_rng(seed).permutation(table.shape[1])
    found = []
    for a in keys:
        stop()
        often = _often(table[a], least_rows)
        if often is None:
            continue
        for b in _candidates(table[:, often], a, confidence):
            rows = often[table[b, often] >= 0]
            d = _dependency(a, b, table[a, rows], table[b, rows], table[b, dealt[rows]], confidence)
            if d is not None:
                found.append(d)
    return found


def _often(key: Ints, least_rows: int) -> Ints | None:
    sizes = np.bincount(key[key >= 0]) if (key >= 0).any() else np.zeros(1, np.int64)
    often = np.flatnonzero((key >= 0) & (sizes[key] >= least_rows))
    enough = (sizes >= least_rows).sum() >= _LEAST_KEYS and len(often) >= max(_LEAST_SPECIAL, _COVERED * len(key))
    return often if enough else None


def _candidates(table: NDArray[np.int64], key: int, confidence: float) -> list[int]:
    # A deviating row breaks at most two of the pairs of neighbours that share a key, of which there are at least two
    # thirds as many as rows: a column where more pairs are broken cannot reach the confidence.
    order = np.argsort(table[key], kind="stable")
    at = np.flatnonzero(table[key, order[1:]] == table[key, order[:-1]])
    one, two = order[at], order[at + 1]
    found = []
    for b, column in enumerate(table):
        known = (column[one] >= 0) & (column[two] >= 0)
        broken = np.count_nonzero((column[one] != column[two]) & known)
        if b != key and known.any() and broken <= 3 * (1 - confidence) * np.count_nonzero(known):
            found.append(b)
    return found


def _dependency(a: int, b: int, key: Ints, value: Ints, dealt: Ints, confidence: float) -> Dependency | None:
    usual = int(np.argmax(np.bincount(value)))
    if (value != usual).sum() < _LEAST_SPECIAL:
        return None
    g = grouped(key, value)
    every = np.ones(len(key), bool)
    kept = _share(g, every)
    special = g.majority != usual
    if kept < confidence or special.sum() < max(_LEAST_SPECIAL, 0.01 * len(key)) or _share(g, special) < confidence:
        return None
    known = dealt >= 0
    chance = _share(grouped(key[known], dealt[known]), every[known])
    if 1 - kept > (1 - _LIFT) * (1 - chance):
        return None
    return Dependency(a, b, kept, chance, len(key), int((np.bincount(key) > 0).sum()))


def _share(g: Grouped, rows: Mask) -> float:
    # Each row counts its key's majority once over its key's size: all keys weigh by their rows.
    weights: Floats = g.most[rows] / g.size[rows]
    return float(weights.mean()) if len(weights) else 0.0


@dataclass(frozen=True, slots=True)
class Deviations:
    """For one column: which cells deviate, and for those the value that the keys expect (-1 elsewhere)."""

    cells: Mask
    expected: Ints


def deviations(codes: Sequence[Ints], found: Sequence[Dependency], least_rows: int = LEAST_ROWS) -> list[Deviations]:
    """Return for each column the cells that deviate from what more keys say than agree with them.

    Each key that fixes the column votes: against a cell where another value holds two thirds of the key's rows, for
    it where its own does. A cell without a value deviates like any other.
    """
    n = len(codes[0]) if codes else 0
    votes = [np.zeros(n, np.int64) for _ in codes]
    expected = [np.full(n, -1, np.int64) for _ in codes]
    for d in found:
        against, agreeing, meant = votes_of(d, codes, least_rows)
        votes[d.column] += agreeing.astype(np.int64) - against
        expected[d.column] = np.where(against, meant, expected[d.column])
    return [Deviations(v < 0, np.where(v < 0, e, -1)) for v, e in zip(votes, expected, strict=True)]


def votes_of(d: Dependency, codes: Sequence[Ints], least_rows: int = LEAST_ROWS) -> tuple[Mask, Mask, Ints]:
    """Return which cells one dependency speaks against, which it agrees with, and the value it expects."""
    key, value = codes[d.key], codes[d.column]
    unknown = int(value.max(initial=0)) + 1
    rows = np.flatnonzero(key >= 0)
    g = grouped(key[rows], np.where(value[rows] < 0, unknown, value[rows]))
    clear = (g.size >= least_rows) & (g.most >= _CLEAR * g.size) & (g.majority != unknown)
    against, agreeing, meant = np.zeros(len(key), bool), np.zeros(len(key), bool), np.full(len(key), -1, np.int64)
    against[rows] = clear & (value[rows] != g.majority)
    agreeing[rows] = clear & (value[rows] == g.majority)
    meant[rows] = g.majority
    return against, agreeing, meant

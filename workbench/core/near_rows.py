"""Rows that are equal but for case and spaces, or but for one cell, more often than by chance."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from workbench.core.arrow import Kind
from workbench.core.counts import cell_hashes
from workbench.core.fingerprint import Hashes, mixed
from workbench.core.spelling import folded

Mask = NDArray[np.bool_]

MOST_COLUMNS = 500
_PAIRS = 100_000
_CHANCE = 0.1


@dataclass(frozen=True)
class Near:
    """Pairs of rows that differ in `column` alone ("" for case and spaces), and how many chance would give."""

    column: str
    pairs: tuple[tuple[int, int], ...]
    expected: float

    @property
    def suspected(self) -> bool:
        """Say whether chance gives at most a tenth as many."""
        return self.expected <= _CHANCE * len(self.pairs)


def near_rows(
    batch: pa.RecordBatch,
    kinds: Mapping[str, Kind],
    names: Sequence[str],
    *,
    seed: int = 0,
    stop: Callable[[], None] = lambda: None,
) -> list[Near]:
    """Return the pairs of rows of a batch that are equal but for case and spaces, and but for one column's cell.

    Each row is paired with the next row of its kind; rows that are equal in every cell are not told apart. A column in
    which all values differ, like a number of the row, is not compared. Chance: the number of pairs of rows times the
    probability that two rows agree in all other columns, each column depending on the one that foretells it best
    (Chow and Liu 1968 IEEE TIT 14:462), from random pairs.
    """
    names = [n for n in names[:MOST_COLUMNS] if _compared(batch.column(n))]
    if batch.num_rows < 2 or len(names) < 2:
        return []
    exact = [_salted(cell_hashes(batch.column(n), kinds[n]), i) for i, n in enumerate(names)]
    plain = [_salted(_folded(batch.column(n), kinds[n]), i) for i, n in enumerate(names)]
    whole, same = sum(exact[1:], exact[0].copy()), sum(plain[1:], plain[0].copy())
    agreed, draws = _agreements(plain, seed)
    found = [Near("", tuple(_pairs(same, whole)), 0.0)]
    for at, name in enumerate(names):
        stop()
        pairs = tuple(_pairs(same - plain[at], same))
        found.append(Near(name, pairs, _by_chance(agreed, draws, at, batch.num_rows) if pairs else 0.0))
    return [n for n in found if n.pairs]


def _compared(column: pa.Array) -> bool:
    return column.null_count == len(column) or len(column.unique()) < len(column)


def _folded(column: pa.Array, kind: Kind) -> Hashes:
    if kind is not Kind.TEXT:
        return cell_hashes(column, kind)
    coded = column.dictionary_encode(null_encoding="mask")
    texts = pa.array([folded(v) for v in coded.dictionary.to_pylist()], pa.string())
    return cell_hashes(texts.take(coded.indices), Kind.TEXT)


def _salted(hashes: Hashes, at: int) -> Hashes:
    return mixed(hashes ^ mixed(np.array([at + 1], np.uint64)))


def _pairs(groups: Hashes, kinds: Hashes) -> list[tuple[int, int]]:
    """Return neighbours of equal group and different kind, in the order of groups."""
    order = np.lexsort((np.arange(len(groups)), kinds, groups))
    one, two = order[:-1], order[1:]
    at = np.flatnonzero((groups[one] == groups[two]) & (kinds[one] != kinds[two]))
    return [(int(min(a, b)), int(max(a, b))) for a, b in zip(one[at], two[at], strict=True)]


def _agreements(columns: Sequence[Hashes], seed: int) -> tuple[NDArray[np.float32], int]:
    """Return of random pairs of rows how many agree in both of two columns, and the number of pairs."""
    n = len(columns[0])
    draws = np.random.default_rng(seed).integers(0, n, (2, _PAIRS))
    one, two = draws[:, draws[0] != draws[1]]
    agreed = np.stack([c[one] == c[two] for c in columns]).astype(np.float32)
    return agreed @ agreed.T, agreed.shape[1]


def _by_chance(agreed: NDArray[np.float32], draws: int, left_out: int, n: int) -> float:
    kept = np.delete(np.arange(len(agreed)), left_out)
    both = agreed[np.ix_(kept, kept)]
    alone = np.diag(both)
    # The rarest agreement first; each other one given the earlier one that makes it likeliest.
    order = np.argsort(alone, kind="stable")
    chance = (alone[order[0]] + 1) / (draws + 2)
    for place, at in enumerate(order[1:], 1):
        earlier = order[:place]
        chance *= float(((both[at, earlier] + 1) / (alone[earlier] + 2)).max())
    return float(chance) * n * (n - 1) / 2

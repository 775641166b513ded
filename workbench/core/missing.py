"""Which columns are missing together: how often each set of missing columns occurs, counted in the one pass."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from workbench.core.fingerprint import Hashes, mixed

LIMIT = 4_096
"""Number of sets of missing columns up to which each is counted by itself."""


@dataclass(frozen=True)
class MissingCounts:
    """Rows by the set of their missing columns, one bit a column in the order of `names`; none missing is always here.

    Beyond `LIMIT` sets, those whose hash falls under a threshold that halves until they fit are kept, whatever the
    order of rows and columns; the rows of the rest are in `other`.
    """

    names: tuple[str, ...]
    counts: Mapping[bytes, int] = field(default_factory=dict)
    other: int = 0
    level: int = 0

    @property
    def rows(self) -> int:
        """Return the number of rows."""
        return sum(self.counts.values()) + self.other

    @property
    def complete(self) -> int:
        """Return the number of rows without a missing value."""
        return self.counts.get(bytes(_width(self.names)), 0)

    @property
    def exact(self) -> bool:
        """Say whether every set is counted by itself."""
        return self.level == 0

    def top(self, most: int) -> list[tuple[tuple[str, ...], int]]:
        """Return the most frequent sets of missing columns with their rows, complete rows left out."""
        found = [(self.columns_of(bits), count) for bits, count in self.counts.items() if any(bits)]
        return sorted(found, key=lambda item: (-item[1], item[0]))[:most]

    def of(self, columns: Sequence[str]) -> int:
        """Return how many rows miss exactly these columns, as far as they are counted by themselves."""
        bits = np.isin(np.array(self.names, object), list(columns))
        return self.counts.get(np.packbits(bits, bitorder="little").tobytes(), 0)

    def columns_of(self, bits: bytes) -> tuple[str, ...]:
        """Return the names of a set's columns."""
        places = np.flatnonzero(np.unpackbits(np.frombuffer(bits, np.uint8), bitorder="little", count=len(self.names)))
        return tuple(self.names[i] for i in places)

    def __add__(self, other: MissingCounts) -> MissingCounts:
        level = max(self.level, other.level)
        counts = dict(self.at_level(level).counts)
        there = other.ordered_as(self.names).at_level(level)
        for bits, count in there.counts.items():
            counts[bits] = counts.get(bits, 0) + count
        return _fitted(MissingCounts(self.names, counts, self.rows + other.rows - sum(counts.values()), level))

    def ordered_as(self, names: tuple[str, ...]) -> MissingCounts:
        """Return the same table with its columns in another order."""
        if names == self.names:
            return self
        order = [self.names.index(n) for n in names]
        moved = {}
        for bits, count in self.counts.items():
            whole = np.unpackbits(np.frombuffer(bits, np.uint8), bitorder="little", count=len(self.names))
            moved[np.packbits(whole[order], bitorder="little").tobytes()] = count
        return MissingCounts(names, moved, self.other, self.level)

    def at_level(self, level: int) -> MissingCounts:
        """Return the table thinned to the sets whose hash is under 2**(64 - level)."""
        if level == self.level:
            return self
        kept = {bits: count for bits, count in self.counts.items() if self._hash(bits) < 1 << (64 - level)}
        return MissingCounts(self.names, kept, self.rows - sum(kept.values()), level)

    def _hash(self, bits: bytes) -> int:
        if not any(bits):
            return 0
        signs = self._signs[np.unpackbits(np.frombuffer(bits, np.uint8), bitorder="little", count=len(self.names)) == 1]
        return int(mixed(np.bitwise_xor.reduce(signs, keepdims=True))[0])

    @cached_property
    def _signs(self) -> Hashes:
        return signs_of(self.names)

    def to_dict(self) -> dict[str, Any]:
        """Return the table as JSON data."""
        counts = {base64.b64encode(bits).decode(): count for bits, count in sorted(self.counts.items())}
        return {"names": list(self.names), "counts": counts, "other": self.other, "level": self.level}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> MissingCounts:
        """Read what `to_dict` wrote."""
        counts = {base64.b64decode(bits): int(count) for bits, count in data["counts"].items()}
        return cls(tuple(data["names"]), counts, int(data["other"]), int(data["level"]))


def _width(names: Sequence[str]) -> int:
    return (len(names) + 7) // 8


@lru_cache(maxsize=8)
def signs_of(names: tuple[str, ...]) -> Hashes:
    """Return one 64-bit number for each column; a set of columns goes by the exclusive or of theirs."""
    raw = [hashlib.blake2b(n.encode("utf-8", "surrogatepass"), digest_size=8).digest() for n in names]
    return np.frombuffer(b"".join(raw), "<u8").astype(np.uint64)


def _fitted(table: MissingCounts) -> MissingCounts:
    while len(table.counts) > LIMIT:
        table = table.at_level(table.level + 1)
    return table


class MissingBuilder:
    """Collects batches of normalised columns."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = tuple(names)
        self._signs = signs_of(self._names)
        self._table = MissingCounts(self._names)

    def push(self, batch: pa.RecordBatch) -> None:
        """Take a batch whose columns are in the order of the names."""
        gaps = [i for i in range(batch.num_columns) if batch.column(i).null_count]
        rows: Hashes = np.zeros(batch.num_rows, np.uint64)
        for i in gaps:
            empty = batch.column(i).is_null().to_numpy(zero_copy_only=False)
            rows ^= np.where(empty, self._signs[i], np.uint64(0))
        _, first, counts = np.unique(rows, return_index=True, return_counts=True)
        for start in range(0, len(first), LIMIT):  # wide data may have as many sets as rows
            some = slice(start, start + LIMIT)
            sets = dict(zip(self._sets(batch, gaps, first[some]), counts[some].tolist(), strict=True))
            self._table = self._table + MissingCounts(self._names, sets)

    def _sets(self, batch: pa.RecordBatch, gaps: list[int], rows: NDArray[np.intp]) -> list[bytes]:
        bits, chosen = np.zeros((len(rows), len(self._names)), bool), pa.array(rows)
        for i in gaps:
            bits[:, i] = batch.column(i).take(chosen).is_null().to_numpy(zero_copy_only=False)
        return [row.tobytes() for row in np.packbits(bits, axis=1, bitorder="little")]

    def done(self) -> MissingCounts:
        """Return the table of everything pushed."""
        return self._table

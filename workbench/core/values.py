"""The count table of a text or boolean column: exact values up to a stated number, else a hashed sample of values.

Beyond `LIMIT` distinct values the table keeps those whose 64-bit hash falls under a threshold that halves until they
fit; which values stay depends on the values alone, so tables add to the same result in any order. What was not kept is
counted in `other`. A very long text is counted under its beginning, its length and its hash.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

LIMIT = 131_072
LONG = 1_000
"""Number of characters beyond which a text is counted under a short name of its own."""

_KEPT = 200
_SHORTENED = re.compile(r"\ue000 … ([0-9]+) characters, [0-9a-f]{32}", re.DOTALL)


def text_hash(text: str) -> int:
    """Return the 64-bit BLAKE2b hash of a text."""
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


def key_of(text: str) -> str:
    """Return what a text is counted under: itself, or for a very long one its beginning, length and 128-bit hash."""
    if len(text) <= LONG:
        return text
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
    return f"{text[:_KEPT]}\ue000 … {len(text)} characters, {digest}"


def length_of(key: str) -> int:
    """Return the number of characters of the text that is counted under a key."""
    found = _SHORTENED.fullmatch(key, _KEPT) if len(key) > _KEPT else None
    return int(found[1]) if found else len(key)


@dataclass(frozen=True)
class ValueCounts:
    """How often each value occurs; `level` 0 means every distinct value is here, level k that 1 in 2**k is."""

    counts: Mapping[str, int] = field(default_factory=dict)
    other: int = 0
    level: int = 0

    @classmethod
    def of(cls, values: Iterable[str]) -> ValueCounts:
        """Count an iterable of texts."""
        counts: dict[str, int] = {}
        for value in map(key_of, values):
            counts[value] = counts.get(value, 0) + 1
        return cls(counts)._fitted()

    def __add__(self, other: ValueCounts) -> ValueCounts:
        level = max(self.level, other.level)
        a, b = self.at_level(level), other.at_level(level)
        counts = dict(a.counts)
        for value, count in b.counts.items():
            counts[value] = counts.get(value, 0) + count
        return ValueCounts(counts, a.other + b.other, level)._fitted()

    def _fitted(self) -> ValueCounts:
        table, level = self, self.level
        while len(table.counts) > LIMIT:
            level += 1
            table = table.at_level(level)
        return table

    def at_level(self, level: int) -> ValueCounts:
        """Return the table thinned to the values whose hash is under 2**(64 - level)."""
        if level == self.level:
            return self
        bound = 1 << (64 - level)
        kept = {v: c for v, c in self.counts.items() if text_hash(v) < bound}
        return ValueCounts(kept, self.n - sum(kept.values()), level)

    @property
    def exact(self) -> bool:
        """Say whether every distinct value is counted by itself."""
        return self.level == 0

    @cached_property
    def n(self) -> int:
        """Return the number of values that are not missing."""
        return sum(self.counts.values()) + self.other

    @property
    def distinct(self) -> int:
        """Return the number of distinct values, estimated (kept * 2**level) unless `exact`."""
        return len(self.counts) << self.level

    def top(self, most: int) -> list[tuple[str, int]]:
        """Return the most frequent values with their counts, ties in text order."""
        return sorted(self.counts.items(), key=lambda item: (-item[1], item[0]))[:most]

    def to_dict(self) -> dict[str, Any]:
        """Return the table as JSON data."""
        return {"counts": dict(sorted(self.counts.items())), "other": self.other, "level": self.level}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> ValueCounts:
        """Read what `to_dict` wrote."""
        return cls(dict(data["counts"]), int(data["other"]), int(data["level"]))


class ValueBuilder:
    """Collects batches of one text column, counting and hashing each distinct value of a batch once."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._hashes: dict[str, int] = {}
        self._level = self._n = 0

    def add(self, value: str, count: int) -> None:
        """Count a value `count` times."""
        if count:
            self._n += count
            self._counts[value] = self._counts.get(value, 0) + count

    def push(self, column: pa.Array, null: np.uint64) -> NDArray[np.uint64]:
        """Count an Arrow text or binary column and return each cell's hash, `null` for missing."""
        coded = column.dictionary_encode(null_encoding="mask")
        pairs = [self._named(v if isinstance(v, str) else v.hex()) for v in _each(coded.dictionary)]
        indices = coded.indices.fill_null(len(pairs)).to_numpy(zero_copy_only=False)
        counts = np.bincount(indices, minlength=len(pairs) + 1)
        hashes = [value for _, value in pairs]
        bound = 1 << (64 - self._level)
        for (key, value), count in zip(pairs, counts[:-1].tolist(), strict=True):
            if value < bound:
                self._counts[key] = self._counts.get(key, 0) + count
        self._n += int(counts[:-1].sum())
        self._thin()
        cells: NDArray[np.uint64] = np.array([*hashes, int(null)], dtype=np.uint64)[indices]
        return cells

    def _named(self, text: str) -> tuple[str, int]:
        key = key_of(text)
        return key, self._hash(key)

    def _hash(self, text: str) -> int:
        found = self._hashes.get(text)
        if found is None:
            found = text_hash(text)
            if len(self._hashes) < LIMIT:
                self._hashes[text] = found
        return found

    def _thin(self) -> None:
        while len(self._counts) > LIMIT:
            self._level += 1
            bound = 1 << (64 - self._level)
            self._counts = {v: c for v, c in self._counts.items() if text_hash(v) < bound}

    def done(self) -> ValueCounts:
        """Return the table of everything pushed."""
        return ValueCounts(dict(sorted(self._counts.items())), self._n - sum(self._counts.values()), self._level)


def _each(dictionary: pa.Array) -> Iterable[Any]:
    # All at once is fastest, but of many megabytes each text is looked at by itself.
    return dictionary.to_pylist() if dictionary.nbytes < 2**26 else (v.as_py() for v in dictionary)

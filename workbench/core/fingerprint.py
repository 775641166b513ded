"""Fingerprints of data: a 256-bit hash of the multiset of rows and one per column, from one pass.

Logical values are hashed, so the same data from any engine agree: numbers by value whatever their dtype, NaN as null,
text decoded, times as UTC instants. Rows are summed, so their order does not matter, and a row's hash binds its cells
together, so exchanging two labels changes the table's hash though no column's. The mixing is fast, not cryptographic:
it notices any accident and casual tampering; against a forger the SHA-256 of files in a bundle's manifest stand.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.core.errors import thousands

LANES = 4
Hashes = NDArray[np.uint64]

_U = np.uint64
_MIX = (_U(0xBF58476D1CE4E5B9), _U(0x94D049BB133111EB))
_LANE = tuple(_U(k) for k in (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0xD6E8FEB86659FD93))
NULL = _U(0x6E756C6C6E756C6C)
_MASK = (1 << 64) - 1


def mixed(bits: Hashes) -> Hashes:
    """Return the splitmix64 finaliser of each word (a bijection); the input is overwritten."""
    scratch = bits >> _U(30)
    bits ^= scratch
    bits *= _MIX[0]
    np.right_shift(bits, _U(27), out=scratch)
    bits ^= scratch
    bits *= _MIX[1]
    np.right_shift(bits, _U(31), out=scratch)
    bits ^= scratch
    return bits


def number_hashes(values: NDArray[Any]) -> Hashes:
    """Hash numbers by value: an int64 and a float64 that are equal hash alike."""
    if values.dtype == np.float64:
        return mixed((values + 0.0).view(np.uint64).copy())
    as_float = values.astype(np.float64)
    hashes = mixed(as_float.view(np.uint64).copy())
    large = np.abs(as_float) >= 2.0**53
    if large.any():
        # Beyond 2**53 not every integer is a float64: hash those that are not by their own bits.
        inexact = large & (
            (as_float >= 2.0**63) | (np.where(as_float < 2.0**63, as_float, 0).astype(np.int64) != values)
        )
        hashes[inexact] = mixed(values[inexact].view(np.uint64) ^ _LANE[1])
    return hashes


@dataclass(frozen=True)
class Fingerprint:
    """Rows, kinds, a hash of the multiset of rows (`table`) and of each column; each a 256-bit number as hex."""

    rows: int
    table: str
    columns: Mapping[str, str]
    schema: Mapping[str, str] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return the fingerprint as plain data."""
        return {
            "rows": self.rows,
            "table": self.table,
            "columns": dict(self.columns),
            "schema": dict(self.schema),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Fingerprint:
        """Read what `to_dict` wrote."""
        return cls(data["rows"], data["table"], dict(data["columns"]), dict(data["schema"]))

    def __add__(self, other: Fingerprint) -> Fingerprint:
        """Return the fingerprint of both sets of rows; columns and their order are this one's."""
        columns = {name: added_hex(value, other.columns[name]) for name, value in self.columns.items()}
        return Fingerprint(self.rows + other.rows, added_hex(self.table, other.table), columns, self.schema)

    def differences(self, other: Fingerprint) -> list[str]:
        """Say in words what differs from `other`: which columns, the number of rows, or how rows are put together."""
        found = [f"column {c!r} is gone" for c in self.columns if c not in other.columns]
        found += [f"column {c!r} is new" for c in other.columns if c not in self.columns]
        found += [
            f"column {c!r} changed"
            for c, value in self.columns.items()
            if c in other.columns and other.columns[c] != value
        ]
        if self.rows != other.rows:
            found.insert(0, f"{thousands(self.rows)} rows became {thousands(other.rows)}")
        if not found and self.table != other.table:
            found.append("each column holds the same values, but rows combine them differently (cells were exchanged)")
        return found


class FingerprintBuilder:
    """Adds batches; `column` for every column of a batch, then `end_batch`, which returns the rows' hashes."""

    def __init__(self, schema: Mapping[str, str]) -> None:
        self._schema = dict(schema)
        self._seeds = {name: _seeds(name) for name in schema}
        self._sums = {name: [0] * LANES for name in schema}
        self._table = [0] * LANES
        self._rows = 0
        self._lanes: list[Hashes] = []

    def column(self, name: str, hashes: Hashes) -> None:
        """Add one column's cell hashes of the current batch."""
        first = not self._lanes
        scratch = np.empty_like(hashes)
        for lane, seed in enumerate(self._seeds[name]):
            cell = hashes ^ seed
            cell *= _LANE[lane]
            np.right_shift(cell, _U(32), out=scratch)
            cell ^= scratch
            sums = self._sums[name]
            sums[lane] = (sums[lane] + int(np.add.reduce(cell))) & _MASK
            if first:
                self._lanes.append(cell)
            else:
                self._lanes[lane] += cell

    def end_batch(self, rows: int) -> tuple[Hashes, Hashes]:
        """Close the batch and return two 64-bit hashes of each row."""
        self._rows += rows
        lanes = [mixed(lane ^ _LANE[i]) for i, lane in enumerate(self._lanes)]
        self._lanes = []
        if not lanes:
            return np.zeros(rows, np.uint64), np.zeros(rows, np.uint64)
        for i, lane in enumerate(lanes):
            self._table[i] = (self._table[i] + int(np.add.reduce(lane))) & _MASK
        return lanes[0], lanes[1]

    def done(self) -> Fingerprint:
        """Return the fingerprint of everything added."""
        columns = {name: _hex(sums) for name, sums in self._sums.items()}
        return Fingerprint(self._rows, _hex(self._table), columns, self._schema)


def _seeds(name: str) -> tuple[np.uint64, ...]:
    raw = hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8 * LANES).digest()
    return tuple(np.frombuffer(raw, dtype="<u8").astype(np.uint64))


def _hex(sums: list[int]) -> str:
    return "".join(f"{part:016x}" for part in sums)


def added_hex(a: str, b: str) -> str:
    """Return the sum of two sums of hashes in hex, lane by lane; an empty one adds nothing."""
    if not a or not b:
        return a or b
    lanes = zip(_lanes(a), _lanes(b), strict=True)
    return _hex([(x + y) & _MASK for x, y in lanes])


def _lanes(text: str) -> list[int]:
    return [int(text[i : i + 16], 16) for i in range(0, len(text), 16)]

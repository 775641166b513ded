"""A seeded sample of rows, the same whatever the order of rows, the engine or the cut into parts.

What count tables cannot give (STATISTICS section 6) is measured on it, and says how many rows of how many.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from workbench.core.fingerprint import Hashes, mixed

SIZE = 20_000
"""Rows kept of each data set, unless the audit says otherwise."""


class SampleOf(NamedTuple):
    """How many rows to keep, and the seed that decides which."""

    size: int = SIZE
    seed: int = 0


@dataclass(frozen=True)
class Sample:
    """The rows with the smallest seeded hashes, in the order of their hashes; `available` is how many there were."""

    rows: pa.RecordBatch
    hashes: Hashes
    available: int

    @property
    def n(self) -> int:
        """Return the number of rows in the sample."""
        return int(self.rows.num_rows)

    @property
    def whole(self) -> bool:
        """Say whether every row is in the sample."""
        return self.n == self.available

    @property
    def words(self) -> str:
        """Return "every row" or how many rows of how many were taken."""
        return f"all {self.n:,} rows" if self.whole else f"a seeded sample of {self.n:,} of {self.available:,} rows"


class SampleBuilder:
    """Keeps the rows with the smallest keys of all batches pushed; a key is a mix of the row's hash and the seed."""

    def __init__(self, of: SampleOf) -> None:
        self._of = of
        self._salt = mixed(np.array([of.seed % 2**64], np.uint64))[0]
        self._batches: list[pa.RecordBatch] = []
        self._hashes: list[Hashes] = []
        self._limit = np.uint64(2**64 - 1)
        self._held = self._seen = 0

    def push(self, batch: pa.RecordBatch, first: Hashes, second: Hashes) -> None:
        """Take a batch of normalised columns with two hashes of each row."""
        self._seen += batch.num_rows
        self._keep(batch, np.stack((first, second), axis=1))

    def add(self, sample: Sample) -> None:
        """Take another part's sample."""
        self._seen += sample.available
        self._keep(sample.rows, sample.hashes)

    def _keep(self, batch: pa.RecordBatch, hashes: Hashes) -> None:
        near = self._keys(hashes) <= self._limit
        if not near.any():
            return
        if not near.all():
            batch, hashes = batch.filter(pa.array(near)), hashes[near]
        self._batches.append(batch)
        self._hashes.append(hashes)
        self._held += batch.num_rows
        if self._held > 2 * self._of.size:
            self._cut()

    def _keys(self, hashes: Hashes) -> Hashes:
        return mixed(hashes[:, 0] ^ self._salt)

    def _cut(self) -> None:
        hashes = np.concatenate(self._hashes)
        keys = self._keys(hashes)
        # Equal hashes are equal rows: which of them stays does not matter.
        order = np.lexsort((hashes[:, 1], hashes[:, 0], keys))[: self._of.size]
        batch = pa.concat_batches(self._batches).take(pa.array(order))
        self._batches, self._hashes, self._held = [batch], [hashes[order]], batch.num_rows
        if len(order) == self._of.size and len(order):
            self._limit = keys[order[-1]]

    def done(self) -> Sample | None:
        """Return the sample of everything pushed, or None when nothing was."""
        if not self._batches:
            return None
        self._cut()
        return Sample(self._batches[0], self._hashes[0], self._seen)


def to_bytes(sample: Sample) -> bytes:
    """Return a sample as an Arrow stream, its hashes and its size in the schema's metadata."""
    sink = pa.BufferOutputStream()
    schema = sample.rows.schema.with_metadata({b"available": str(sample.available).encode()})
    with pa.ipc.new_stream(sink, schema) as stream:
        stream.write_batch(sample.rows, custom_metadata={b"hashes": sample.hashes.tobytes()})
    return sink.getvalue().to_pybytes()  # type: ignore[no-any-return]


def from_bytes(data: bytes) -> Sample:
    """Read what `to_bytes` wrote."""
    with pa.ipc.open_stream(data) as stream:
        batch, more = stream.read_next_batch_with_custom_metadata()
        available = int(stream.schema.metadata[b"available"])
    hashes = np.frombuffer(more[b"hashes"], np.uint64).reshape(-1, 2)
    return Sample(batch.replace_schema_metadata(None), hashes, available)

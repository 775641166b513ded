"""A seeded sample of rows, the same whatever the order of rows, the engine or the cut into parts.

What count tables cannot give (STATISTICS section 6) is measured on it, and says how many rows of how many.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from workbench.core.errors import thousands
from workbench.core.fingerprint import Hashes, mixed

SIZE = 20_000
"""Rows kept of each data set, unless the audit says otherwise."""
_MOST_DEALT = 10**9


class SampleOf(NamedTuple):
    """How many rows to keep, and the seed that decides which."""

    size: int = SIZE
    seed: int = 0


@dataclass(frozen=True)
class Sample:
    """A seeded sample of rows: the kinds of rows with the smallest seeded hashes, how many of each, and a draw of rows.

    Equal rows have equal hashes. Kinds are kept with their number, so that parts add exactly; `rows` then draws
    `of.size` single rows from all rows of these kinds, without replacement. With at most `of.size` kinds it is a simple
    random sample of all rows; with more, chance decides for each kind whether all rows of it or none can be drawn.
    """

    kinds: pa.RecordBatch
    kind_hashes: Hashes
    counts: NDArray[np.int64]
    available: int
    of: SampleOf

    @cached_property
    def _drawn(self) -> tuple[NDArray[np.int64], Hashes]:
        """Return the kind of each row drawn, and two hashes of each that tell equal rows apart; in seeded order."""
        taken = _taken(self.counts, self.of)
        at = np.repeat(np.arange(len(taken)), taken)
        ordinal = np.arange(len(at)) - np.repeat(np.cumsum(taken) - taken, taken)
        apart = np.where(ordinal == 0, np.uint64(0), mixed(ordinal.astype(np.uint64)))
        hashes = self.kind_hashes[at] ^ apart[:, None]
        order = np.argsort(keys_of(hashes, self.of), kind="stable")
        return at[order], hashes[order]

    @cached_property
    def rows(self) -> pa.RecordBatch:
        """Return the rows drawn, in the order of their seeded hashes."""
        return self.kinds.take(pa.array(self._drawn[0]))

    @property
    def hashes(self) -> Hashes:
        """Return two hashes of each row, in the order of `rows`; those of equal rows differ."""
        return self._drawn[1]

    @property
    def drawn(self) -> NDArray[np.int64]:
        """Return the kind of each row, in the order of `rows`."""
        return self._drawn[0]

    @property
    def first_half(self) -> NDArray[np.bool_]:
        """Return which rows are of the first half, by a bit of the hash that does not order them."""
        return np.asarray(self.hashes[:, 1] >> np.uint64(63) == 1, bool)

    @property
    def n(self) -> int:
        """Return the number of rows in the sample."""
        return int(min(self.of.size, self.counts.sum()))

    @property
    def whole(self) -> bool:
        """Say whether every row is in the sample."""
        return self.n == self.available

    @property
    def complete(self) -> bool:
        """Say whether every row's kind is kept with its number, even where fewer rows are drawn."""
        return int(self.counts.sum()) == self.available

    @property
    def words(self) -> str:
        """Return "all 500 rows" or how many rows of how many were taken."""
        return (
            f"all {thousands(self.n)} rows"
            if self.whole
            else f"a seeded sample of {thousands(self.n)} of {thousands(self.available)} rows"
        )

    def measured(self, n: int) -> str:
        """Return how many rows of how many a measure stands on, where it could not use each of the sample."""
        return f"measured on {thousands(n)} of {thousands(self.available)} rows"


def keys_of(hashes: Hashes, of: SampleOf) -> Hashes:
    """Return the key of each row (of its two hashes) by which a sample chooses: the smallest are kept."""
    salt = mixed(np.array([of.seed % 2**64], np.uint64))[0]
    return mixed(hashes[:, 0] ^ salt)


def _taken(counts: NDArray[np.int64], of: SampleOf) -> NDArray[np.int64]:
    total = int(counts.sum())
    if total <= of.size:
        return counts
    rng = np.random.default_rng(of.seed % 2**64)
    if total < _MOST_DEALT:
        return np.asarray(rng.multivariate_hypergeometric(counts, of.size, method="marginals"), np.int64)
    # From so many, drawing with replacement is the same but for one row in thousands.
    return np.minimum(counts, rng.multinomial(of.size, counts / total))


class SampleBuilder:
    """Keeps the kinds of rows with the smallest keys of all batches pushed; a key mixes the row's hash and the seed."""

    def __init__(self, of: SampleOf) -> None:
        self._of = of
        self._batches: list[pa.RecordBatch] = []
        self._hashes: list[Hashes] = []
        self._counts: list[NDArray[np.int64]] = []
        self._limit = np.uint64(2**64 - 1)
        self._held = self._seen = 0

    def push(self, batch: pa.RecordBatch, first: Hashes, second: Hashes) -> None:
        """Take a batch of normalised columns with two hashes of each row."""
        self._seen += batch.num_rows
        self._keep(batch, np.stack((first, second), axis=1), np.ones(batch.num_rows, np.int64))

    def add(self, sample: Sample) -> None:
        """Take another part's sample."""
        self._seen += sample.available
        self._keep(sample.kinds, sample.kind_hashes, sample.counts)

    def _keep(self, batch: pa.RecordBatch, hashes: Hashes, counts: NDArray[np.int64]) -> None:
        near = keys_of(hashes, self._of) <= self._limit
        if not near.any():
            return
        if not near.all():
            batch, hashes, counts = batch.filter(pa.array(near)), hashes[near], counts[near]
        self._batches.append(batch)
        self._hashes.append(hashes)
        self._counts.append(counts)
        self._held += batch.num_rows
        if self._held > 2 * self._of.size:
            self._cut()

    def _cut(self) -> None:
        hashes, counts = np.concatenate(self._hashes), np.concatenate(self._counts)
        keys = keys_of(hashes, self._of)
        order = np.lexsort((hashes[:, 1], hashes[:, 0], keys))
        # Equal hashes are equal rows: which of them stays does not matter, only how many there are.
        new = np.concatenate(([True], (hashes[order][1:] != hashes[order][:-1]).any(axis=1)))
        starts = np.flatnonzero(new)
        counts = np.add.reduceat(counts[order], starts)[: self._of.size]
        order = order[starts][: self._of.size]
        batch = pa.concat_batches(self._batches).take(pa.array(order))
        self._batches, self._hashes, self._counts = [batch], [hashes[order]], [counts]
        self._held = batch.num_rows
        if len(order) == self._of.size and len(order):
            self._limit = keys[order[-1]]

    def done(self) -> Sample | None:
        """Return the sample of everything pushed, or None when nothing was."""
        if not self._batches:
            return None
        self._cut()
        return Sample(self._batches[0], self._hashes[0], self._counts[0], self._seen, self._of)


def to_bytes(sample: Sample) -> bytes:
    """Return a sample as an Arrow stream: its kinds, and in the batch's metadata hashes, numbers and what it is of."""
    sink = pa.BufferOutputStream()
    about = {"available": sample.available, "size": sample.of.size, "seed": sample.of.seed}
    more = {b"hashes": sample.kind_hashes.tobytes(), b"counts": sample.counts.tobytes()}
    schema = sample.kinds.schema.with_metadata({k.encode(): str(v).encode() for k, v in about.items()})
    with pa.ipc.new_stream(sink, schema) as stream:
        stream.write_batch(sample.kinds, custom_metadata=more)
    return sink.getvalue().to_pybytes()  # type: ignore[no-any-return]


def from_bytes(data: bytes) -> Sample:
    """Read what `to_bytes` wrote."""
    with pa.ipc.open_stream(data) as stream:
        batch, more = stream.read_next_batch_with_custom_metadata()
        available, size, seed = (int(stream.schema.metadata[k]) for k in (b"available", b"size", b"seed"))
    hashes = np.frombuffer(more[b"hashes"], np.uint64).reshape(-1, 2)
    counts = np.frombuffer(more[b"counts"], np.int64)
    return Sample(batch.replace_schema_metadata(None), hashes, counts, available, SampleOf(size, seed))

"""Counts of some of the rows, that add to the counts of all of them in any order: windows, streams, clusters."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from operator import add
from typing import Any

import numpy as np
import pyarrow as pa

from workbench.core.counts import Counted, Counter
from workbench.core.dataset import Roles
from workbench.core.duplicates import DuplicateBuilder
from workbench.core.errors import EvidenceError
from workbench.core.fingerprint import Hashes
from workbench.core.frame import Field
from workbench.core.outcome import Predictor, check_labels
from workbench.core.sample import SampleOf


@dataclass(frozen=True)
class Part:
    """The tables of some rows, two 64-bit hashes of each of them, and the labels met, by role."""

    counted: Counted
    hashes: Hashes = field(default_factory=lambda: np.zeros((0, 2), np.uint64))
    seen: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def __add__(self, other: Part) -> Part:
        roles = {**self.seen, **other.seen}
        seen = {role: self.seen.get(role, frozenset()) | other.seen.get(role, frozenset()) for role in roles}
        return Part(self.counted + other.counted, np.concatenate((self.hashes, other.hashes)), seen)

    def to_bytes(self) -> bytes:
        """Return the part as compressed JSON; the hashes are apart, in `hashes.tobytes()`."""
        seen = {role: sorted(labels) for role, labels in self.seen.items()}
        data = {"counted": self.counted.to_dict(), "seen": seen}
        return zlib.compress(json.dumps(data, ensure_ascii=False, sort_keys=True).encode("utf-8", "surrogatepass"), 3)

    @classmethod
    def from_bytes(cls, data: bytes, hashes: bytes = b"") -> Part:
        """Read what `to_bytes` and `hashes.tobytes()` wrote; EvidenceError when it is damaged."""
        try:
            found: dict[str, Any] = json.loads(zlib.decompress(data).decode("utf-8", "surrogatepass"))
            counted = Counted.from_dict(found["counted"])
            seen = {role: frozenset(labels) for role, labels in found["seen"].items()}
            rows = np.frombuffer(hashes, np.uint64).reshape(-1, 2)
        except (ValueError, KeyError, TypeError, zlib.error) as error:
            raise EvidenceError("stored counts are damaged, or of another version.") from error
        return cls(counted, rows, seen)


class PartCounter:
    """Counts batches into a part; `fields` and `roles` are those of the whole data."""

    def __init__(
        self,
        fields: Sequence[Field],
        roles: Roles,
        model: Predictor | None,
        name: str = "current",
        sampling: SampleOf | None = None,
    ) -> None:
        self._hashes: list[Hashes] = []
        self._counter = Counter(fields, roles, model, self._keep, name, sampling)

    def _keep(self, first: Hashes, second: Hashes) -> None:
        self._hashes.append(np.stack((first, second), axis=1))

    @property
    def rows(self) -> int:
        """Return the number of rows counted so far."""
        return self._counter.rows

    def push(self, batch: pa.RecordBatch) -> None:
        """Take a batch of normalised columns, in the order of the fields."""
        self._counter.push(batch)

    def done(self) -> Part:
        """Return the part; labels are checked when parts are put together."""
        hashes = np.concatenate(self._hashes) if self._hashes else np.zeros((0, 2), np.uint64)
        return Part(self._counter.done(), hashes, self._counter.seen)


def together(parts: Iterable[Part], fields: Sequence[Field], roles: Roles) -> Counted:
    """Return the counts of all parts, labels checked and duplicates counted across them; there must be a part."""
    whole = reduce(add, parts)
    check_labels(fields, roles, whole.seen)
    repeats = DuplicateBuilder()
    repeats.push(whole.hashes[:, 0], whole.hashes[:, 1])
    return replace(whole.counted, duplicates=repeats.done())

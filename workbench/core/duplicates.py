"""Exact duplicate rows by their 128-bit hashes; beyond a stated number of rows the hashes spill to disk."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from workbench.core.fingerprint import Hashes

IN_MEMORY_ROWS = 16_000_000
_PARTITIONS = 64


@dataclass(frozen=True, slots=True)
class DuplicateCounts:
    """Rows beyond the first of their kind, and the number of kinds that occur more than once."""

    rows: int
    repeated: int
    kinds: int

    def to_dict(self) -> dict[str, int]:
        """Return the counts as plain data."""
        return {"rows": self.rows, "repeated": self.repeated, "kinds": self.kinds}


class DuplicateBuilder:
    """Collects row hashes batch by batch; equal 128-bit hashes are equal rows."""

    def __init__(self, in_memory_rows: int = IN_MEMORY_ROWS) -> None:
        self._most = in_memory_rows
        self._waiting: list[Hashes] = []
        self._held = 0
        self._rows = 0
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def push(self, first: Hashes, second: Hashes) -> None:
        """Take two 64-bit hashes of each row of a batch."""
        self._waiting.append(np.stack((first, second), axis=1))
        self._held += len(first)
        self._rows += len(first)
        if self._held > self._most:
            self._spill()

    def done(self) -> DuplicateCounts:
        """Return the counts and forget the hashes."""
        if self._folder is None:
            repeated, kinds = _repeats(self._waiting)
        else:
            self._spill()
            parts = [_repeats([_read(p)]) for p in sorted(Path(self._folder.name).iterdir())]
            repeated, kinds = sum(r for r, _ in parts), sum(k for _, k in parts)
            self._folder.cleanup()
        self._waiting = []
        return DuplicateCounts(self._rows, repeated, kinds)

    def _spill(self) -> None:
        if not self._waiting:
            return
        self._folder = self._folder or tempfile.TemporaryDirectory(prefix="workbench-")
        rows = np.concatenate(self._waiting)
        self._waiting, self._held = [], 0
        part = rows[:, 0] % np.uint64(_PARTITIONS)
        rows = rows[np.argsort(part, kind="stable")]
        bounds = np.searchsorted(np.sort(part), np.arange(_PARTITIONS + 1))
        for i in range(_PARTITIONS):
            with (Path(self._folder.name) / f"{i:03d}").open("ab") as file:
                file.write(rows[bounds[i] : bounds[i + 1]].tobytes())


def _read(path: Path) -> Hashes:
    return np.fromfile(path, dtype=np.uint64).reshape(-1, 2)


def _repeats(parts: list[Hashes]) -> tuple[int, int]:
    rows = np.concatenate(parts) if parts else np.zeros((0, 2), np.uint64)
    first = np.sort(rows[:, 0])
    again = first[1:][first[1:] == first[:-1]]
    if not len(again):
        return 0, 0
    # Only rows whose first half recurs can be duplicates; the second half decides.
    suspects = rows[np.isin(rows[:, 0], again)]
    order = np.lexsort((suspects[:, 1], suspects[:, 0]))
    suspects = suspects[order]
    same = (suspects[1:] == suspects[:-1]).all(axis=1)
    opening = same & ~np.concatenate(([False], same[:-1])) if len(same) else same
    return int(same.sum()), int(opening.sum())

"""Principal components of the reference, and how far rows lie from what those components can say of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from workbench.core.frame import Kind
from workbench.core.numbers import Floats, Ints
from workbench.core.rows import as_numbers
from workbench.core.two_samples import NUMERIC, shared_codes

_FARTHEST = 1e9


@dataclass(frozen=True)
class Columns:
    """Features of some rows: numbers with NaN for missing, and codes of categories with -1 for missing."""

    numbers: Floats
    codes: Ints

    def take(self, rows: Ints) -> Columns:
        """Return some of the rows."""
        return Columns(self.numbers[rows], self.codes[rows])

    @property
    def n(self) -> int:
        """Return the number of rows."""
        return len(self.numbers)


def columns_of(
    batches: Sequence[pa.RecordBatch], names: Sequence[str], kinds: dict[str, Kind]
) -> tuple[list[Columns], tuple[str, ...]]:
    """Return the features of several batches, coded alike, and their names in the order of the columns."""
    numeric = [n for n in names if kinds[n] in NUMERIC]
    coded = [n for n in names if kinds[n] not in NUMERIC]
    codes: list[list[Ints]] = []
    for name in coded:
        values, found = shared_codes([b.column(name) for b in batches])
        missing = values.index(None) if None in values else -1
        codes.append([np.where(c == missing, -1, c) for c in found])
    parts = []
    for i, batch in enumerate(batches):
        numbers = [_scaled(as_numbers(batch.column(n))) for n in numeric]
        own = [c[i] for c in codes]
        parts.append(Columns(_stacked(numbers, batch.num_rows, np.float64), _stacked(own, batch.num_rows, np.int64)))
    return parts, (*numeric, *coded)


def _scaled(values: Floats) -> Floats:
    # Sums of squares of the largest numbers overflow; nothing measured is that far apart.
    return np.clip(values, -1e150, 1e150)


def _stacked(columns: Sequence[Floats | Ints], rows: int, dtype: type) -> NDArray[Any]:
    return np.stack(columns, axis=1).astype(dtype) if columns else np.zeros((rows, 0), dtype)


@dataclass(frozen=True)
class Components:
    """What was learnt of the reference: fills for the missing, shares of categories, scales and main directions."""

    means: Floats
    modes: Ints
    shares: tuple[Floats, ...]
    centre: Floats
    spread: Floats
    directions: Floats
    explained: float

    @property
    def kept(self) -> int:
        """Return the number of components."""
        return int(self.directions.shape[1])

    def standardised(self, rows: Columns) -> Floats:
        """Return rows as standardised numbers: means or modes for the missing, each category as its reference share."""
        found = np.clip((self._numbers(rows) - self.centre) / self.spread, -_FARTHEST, _FARTHEST)
        return np.asarray(found, np.float64)

    def _numbers(self, rows: Columns) -> Floats:
        numbers = np.where(np.isnan(rows.numbers), self.means, rows.numbers)
        filled = np.where(rows.codes < 0, self.modes, rows.codes)
        shares = [s[filled[:, i]] for i, s in enumerate(self.shares)]
        return np.column_stack((numbers, *shares)) if shares else numbers

    def residuals(self, rows: Columns) -> Floats:
        """Return, per row and feature, standardised value minus its reconstruction."""
        z = self.standardised(rows)
        return np.asarray(z - (z @ self.directions) @ self.directions.T, np.float64)


def fitted(
    rows: Columns, variance: float = 0.65, components: int | None = None, levels: Ints | None = None
) -> Components:
    """Return the components of some rows: the fewest that explain more than the share `variance`, or that many.

    `levels` is the number of codes of each category column; a category that the rows do not have has the share 0.
    """
    with np.errstate(invalid="ignore"):
        counted = np.maximum(1, (~np.isnan(rows.numbers)).sum(axis=0))
        means = np.nansum(rows.numbers / counted, axis=0)
    levels = rows.codes.max(axis=0, initial=0) + 1 if levels is None else levels
    modes, shares = [], []
    for i in range(rows.codes.shape[1]):
        codes = rows.codes[:, i]
        counts = np.bincount(codes[codes >= 0], minlength=int(levels[i]))
        mode = int(np.argmax(counts))
        counts[mode] += int((codes < 0).sum())
        modes.append(mode)
        shares.append(counts / max(1, rows.n))
    bare = Components(means, np.array(modes, np.int64), tuple(shares), np.zeros(1), np.ones(1), np.zeros((0, 0)), 0.0)
    values = bare._numbers(rows)
    centre, spread = values.mean(axis=0), values.std(axis=0)
    spread = np.where(spread > 0, spread, 1.0)
    directions, explained = _directions((values - centre) / spread, variance, components)
    return Components(bare.means, bare.modes, bare.shares, centre, spread, directions, explained)


def _directions(z: Floats, variance: float, components: int | None) -> tuple[Floats, float]:
    values, vectors = np.linalg.eigh(z.T @ z / max(1, len(z) - 1))
    values, vectors = np.maximum(values[::-1], 0.0), vectors[:, ::-1]
    total = float(values.sum())
    if not total:
        return vectors[:, :0], 0.0
    told = np.cumsum(values) / total
    most = min(len(values), max(1, len(z) - 1))
    kept = min(most, int(np.searchsorted(told, variance, side="right")) + 1) if components is None else components
    return vectors[:, :kept], float(told[kept - 1])


def held_out_residuals(rows: Columns, folds: Ints, variance: float, components: int, levels: Ints) -> Floats:
    """Return each row's residuals from the components of the rows of all other folds."""
    found = np.zeros((rows.n, rows.numbers.shape[1] + rows.codes.shape[1]))
    for fold in np.unique(folds):
        inside = np.flatnonzero(folds == fold)
        others = np.flatnonzero(folds != fold)
        found[inside] = fitted(rows.take(others), variance, components, levels).residuals(rows.take(inside))
    return found

"""Rows changed on purpose: noise, missing values, swaps and shuffles, from a seed."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from workbench.core.frame import Kind
from workbench.core.rows import as_numbers


def replaced(batch: pa.RecordBatch, column: str, values: pa.Array) -> pa.RecordBatch:
    """Return the batch with another array in place of one column."""
    at = batch.schema.get_field_index(column)
    arrays = [values if i == at else batch.column(i) for i in range(batch.num_columns)]
    return pa.RecordBatch.from_arrays(arrays, names=batch.schema.names)


def shuffled(batch: pa.RecordBatch, column: str, seed: np.random.Generator) -> pa.RecordBatch:
    """Return the batch with one column's values dealt out anew."""
    return replaced(batch, column, batch.column(column).take(pa.array(seed.permutation(batch.num_rows))))


def noisy(batch: pa.RecordBatch, column: str, level: float, seed: np.random.Generator) -> pa.RecordBatch:
    """Return the batch with normal noise of `level` standard deviations on a column of numbers; missing stays so."""
    numbers = as_numbers(batch.column(column))
    spread = float(np.nanstd(numbers)) if np.isfinite(numbers).any() else 0.0
    changed = numbers + seed.normal(0.0, 1.0, len(numbers)) * spread * level
    return replaced(batch, column, pa.array(changed, pa.float64(), from_pandas=True))


def with_missing(batch: pa.RecordBatch, column: str, share: float, seed: np.random.Generator) -> pa.RecordBatch:
    """Return the batch with a share of a column's values missing."""
    gone = seed.random(batch.num_rows) < share
    array = batch.column(column)
    return replaced(batch, column, pc.if_else(pa.array(gone), pa.scalar(None, array.type), array))


def swapped(batch: pa.RecordBatch, column: str, share: float, seed: np.random.Generator) -> pa.RecordBatch:
    """Return the batch with a share of a column's values replaced by those of other rows."""
    array = batch.column(column)
    other = array.take(pa.array(seed.permutation(batch.num_rows)))
    return replaced(batch, column, pc.if_else(pa.array(seed.random(batch.num_rows) < share), other, array))


def is_number(kind: Kind) -> bool:
    """Say whether noise can be added to a column of this kind."""
    return kind is Kind.NUMBER

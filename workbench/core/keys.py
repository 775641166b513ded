"""Hashes of keys: one or more columns of a table, 128 bits a row, the same from any engine."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from workbench.core.arrow import kind_of
from workbench.core.counts import cell_hashes
from workbench.core.fingerprint import FingerprintBuilder, Hashes


def key_hashes(table: pa.Table, columns: tuple[str, ...]) -> tuple[Hashes, NDArray[np.bool_]]:
    """Return hashes (rows, 2) of the columns' values together, and which rows have a value in each of them."""
    builder = FingerprintBuilder(dict.fromkeys(columns, ""))
    complete = np.ones(table.num_rows, np.bool_)
    for name in columns:
        column = table[name].combine_chunks()
        builder.column(name, cell_hashes(column, kind_of(column.type)))
        complete &= column.is_valid().to_numpy(zero_copy_only=False)
    first, second = builder.end_batch(table.num_rows)
    return np.stack((first, second), axis=1), complete

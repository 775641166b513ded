"""The footer of a Parquet file, read with limits before any engine believes what it claims."""

from __future__ import annotations

from typing import BinaryIO

from workbench.core.errors import DataError, shown, thousands

MOST_ENTRIES = 1_000_000
"""Entries that a list of a footer may have: columns, nested fields, parts."""

MOST_SWELLING, ROOM = 100_000, 2**30
"""A gibibyte (`ROOM`) may come of any file; beyond that, no codec makes this many bytes of one."""


def check_footer(name: str, file: BinaryIO, size: int) -> int:
    """Return the number of rows; DataError when a footer is cut off, encrypted, or claims what no such file holds."""
    import pyarrow as pa
    from pyarrow import parquet

    what = shown(name)
    try:
        found = parquet.ParquetFile(
            file, thrift_string_size_limit=max(1_000_000, size), thrift_container_size_limit=MOST_ENTRIES
        ).metadata
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"{what} {_meaning(str(error))}") from None
    groups = sum(found.row_group(i).num_rows for i in range(found.num_row_groups))
    if found.num_rows != groups:
        raise DataError(
            f"{what} claims {thousands(found.num_rows)} rows, but its parts hold {thousands(groups)}: write it anew."
        )
    swollen = sum(max(0, found.row_group(i).total_byte_size) for i in range(found.num_row_groups))
    if swollen > ROOM and swollen > MOST_SWELLING * size:
        raise DataError(
            f"{what} claims {thousands(swollen)} bytes of data in a file of {thousands(size)}: "
            "it is damaged, or made to fill memory."
        )
    return int(found.num_rows)


def _meaning(text: str) -> str:
    if "size limit" in text:
        return "has a footer that claims more names than any file has: it is damaged, or made to fill memory."
    if "encrypt" in text or "decrypt" in text:
        return "is encrypted Parquet: decrypt it first."
    return "cannot be read: the file is cut off or no Parquet file. Write it anew."

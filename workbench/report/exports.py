"""The measures of a record as files for other programs, with nothing in them that such a program would run."""

from __future__ import annotations

import csv
import io
import re
from numbers import Integral, Real

from workbench.audit.record import FRAME_COLUMNS, Record

# What a spreadsheet takes for a formula, at the start of a cell; and after whatever it may take for the end of one,
# since in many countries a semicolon parts cells (OWASP, "CSV Injection").
_LIVE = re.compile(r"(?:\A|(?<=[;,|\"'\t\r\n]))(?=[\s\u00a0\u200b\ufeff]*[=+\-@\uff1d\uff0b\uff0d\uff20])")


def inert(text: str) -> str:
    """Return a text with an apostrophe before what a spreadsheet would take for a formula."""
    return _LIVE.sub("'", text)


def measures_csv(record: Record) -> bytes:
    """Return one measure a row as CSV (RFC 4180, UTF-8), every text quoted, no cell a live formula.

    Values of groups under the minimum are not in it. Texts that begin like a formula have an apostrophe before them;
    `measures_parquet` keeps them as they are.
    """
    target = io.StringIO(newline="")
    writer = csv.writer(target, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\r\n")
    writer.writerow(FRAME_COLUMNS)
    for row in record.to_frame().itertuples(index=False):
        writer.writerow([inert(cell) if isinstance(cell, str) else _number(cell) for cell in row])
    return target.getvalue().encode("utf-8", "replace")


def _number(cell: object) -> float | int | str:
    """Return a number, or an empty text for a missing one."""
    if not isinstance(cell, Real) or cell != cell:
        return ""
    return int(cell) if isinstance(cell, Integral) else float(cell)


def measures_parquet(record: Record) -> bytes:
    """Return one measure a row as Parquet; values of groups under the minimum are not in it."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    frame = record.to_frame()
    target = io.BytesIO()
    # Without the frame's metadata: text and numbers are all that is in the file.
    table = pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(None)
    pq.write_table(table, target, compression="zstd")
    return target.getvalue()

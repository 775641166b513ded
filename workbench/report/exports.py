"""The measures of a record as files for other programs, with nothing in them that such a program would run."""

from __future__ import annotations

import csv
import io
import re
from datetime import datetime
from numbers import Integral, Real
from typing import Any

from workbench.audit.record import FRAME_COLUMNS, Record
from workbench.core.errors import import_extra

MOST_IN_A_CELL = 32_767
"""Letters that a cell of a spreadsheet holds (Excel's specification)."""
_MADE = datetime(2000, 1, 1)  # one moment, so that bytes repeat

# What a spreadsheet takes for a formula, at the start of a cell; and after whatever it may take for the end of one,
# since in many countries a semicolon parts cells (OWASP, "CSV Injection").
_LIVE = re.compile(r"(?:\A|(?<=[;,|\"'\t\r\n]))(?=[\s\u00a0\u200b\ufeff]*[=+\-@\uff1d\uff0b\uff0d\uff20])")


def inert(text: str) -> str:
    """Return a text with an apostrophe before what a spreadsheet would take for a formula."""
    return _LIVE.sub("'", text)


def measures_csv(record: Record, check: str | None = None) -> bytes:
    """Return one measure a row, of all checks or of one, as CSV (RFC 4180, UTF-8), every text quoted, no live formula.

    Values of groups under the minimum are not in it. Texts that begin like a formula have an apostrophe before them;
    `measures_parquet` keeps them as they are.
    """
    target = io.StringIO(newline="")
    writer = csv.writer(target, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\r\n")
    writer.writerow(FRAME_COLUMNS)
    for row in _frame(record, check).itertuples(index=False):
        writer.writerow([inert(cell) if isinstance(cell, str) else _number(cell) for cell in row])
    return target.getvalue().encode("utf-8", "replace")


def _frame(record: Record, check: str | None) -> Any:
    frame = record.to_frame()
    return frame if check is None else frame[frame["check"] == check]


def _number(cell: object) -> float | int | str:
    """Return a number, or an empty text for a missing one."""
    if not isinstance(cell, Real) or cell != cell:
        return ""
    return int(cell) if isinstance(cell, Integral) else float(cell)


def measures_parquet(record: Record, check: str | None = None) -> bytes:
    """Return one measure a row, of all checks or of one, as Parquet, without values of groups under the minimum."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    frame = _frame(record, check)
    target = io.BytesIO()
    # Without the frame's metadata: text and numbers are all that is in the file.
    table = pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(None)
    pq.write_table(table, target, compression="zstd")
    return target.getvalue()


def measures_excel(record: Record) -> bytes:
    """Return one measure a row as a workbook (.xlsx) with one sheet, in which no cell is a formula or a link.

    Values of groups under the minimum are not in it. MissingExtraError without XlsxWriter.
    """
    writer = import_extra("xlsxwriter", "excel", "writing .xlsx")
    target = io.BytesIO()
    book = writer.Workbook(target, {"in_memory": True})
    book.set_properties({"created": _MADE})
    sheet = book.add_worksheet("measures")
    # A text that begins like a formula stays text when it is edited, too.
    quoted, head = book.add_format({"quote_prefix": True}), book.add_format({"bold": True, "bottom": 1})
    for column, name in enumerate(FRAME_COLUMNS):
        sheet.write_string(0, column, name, head)
    frame = record.to_frame()
    for at, row in enumerate(frame.itertuples(index=False), start=1):
        for column, cell in enumerate(row):
            _write(sheet, at, column, cell, quoted)
    sheet.freeze_panes(1, 0)
    sheet.autofilter(0, 0, max(len(frame), 1), len(FRAME_COLUMNS) - 1)
    sheet.autofit(320)
    book.close()
    return target.getvalue()


def _write(sheet: Any, row: int, column: int, cell: object, quoted: Any) -> None:
    if isinstance(cell, str):
        if cell:  # never sheet.write(), which takes some texts for formulas, links or numbers
            text = cell.encode("utf-8", "replace").decode()
            text = text if len(text) <= MOST_IN_A_CELL else text[: MOST_IN_A_CELL - 1] + "…"
            sheet.write_string(row, column, text, quoted if _LIVE.match(text) else None)
    elif (number := _number(cell)) != "":
        sheet.write_number(row, column, number)

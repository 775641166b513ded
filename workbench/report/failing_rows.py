"""The rows that break a contract, as a table to take along: CSV, or a workbook; nothing in it is ever a formula."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator

from workbench.core.contract_judge import Judgements
from workbench.core.errors import ConfigError, import_extra, shown
from workbench.report.exports import MOST_IN_A_CELL, inert

COLUMNS = ("rule", "column", "state", "outcome", "row", "id")
_NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


def failing_rows(found: Judgements, name: str) -> bytes:
    """Return one line a rule and row as the bytes of a file, by the ending of its name: .csv or .xlsx."""
    suffix = name.lower().rpartition(".")[2]
    if suffix == "csv":
        return _csv(found)
    if suffix == "xlsx":
        return _workbook(found)
    raise ConfigError(f"{shown(name, 200)}: expected the name of a .csv or .xlsx file.")


def _lines(found: Judgements) -> Iterator[tuple[str, str, str, str, int, str]]:
    for judged in found.rules:
        for row, who in judged.rows:
            yield judged.key, judged.column, judged.state, judged.outcome, row, who or ""


def _csv(found: Judgements) -> bytes:
    sink = io.StringIO(newline="")
    writer = csv.writer(sink, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for line in _lines(found):
        writer.writerow([inert(cell) if isinstance(cell, str) else cell for cell in line])
    return sink.getvalue().encode()


def _workbook(found: Judgements) -> bytes:
    xlsxwriter = import_extra("xlsxwriter", "excel", "writing an Excel workbook")
    sink = io.BytesIO()
    # Every text is written as text: nothing is read as a formula, a number or a link.
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(sink, options) as book:
        sheet = book.add_worksheet("rows")
        for i, line in enumerate([COLUMNS, *_lines(found)]):
            for j, cell in enumerate(line):
                if isinstance(cell, int):
                    sheet.write_number(i, j, cell)
                else:
                    sheet.write_string(i, j, _NOT_IN_XML.sub("\ufffd", str(cell))[:MOST_IN_A_CELL])
    return sink.getvalue()

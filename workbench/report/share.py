"""Bundles that may be shared: everything in them is made of a record's shareable derivative, and scanned."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.audit.bundle import Bundle, write_bundle
from workbench.audit.disclose import disclose, parent_of
from workbench.audit.notes import notes_of
from workbench.audit.record import Record
from workbench.core.errors import EvidenceError, import_extra
from workbench.load import open_frame
from workbench.report.exports import measures_csv, measures_excel, measures_parquet
from workbench.report.html import render_html
from workbench.report.notebook import notebook_bytes
from workbench.report.scan import RawValues, flagged_columns, raw_values, scan
from workbench.report.static import Static, section, static

if TYPE_CHECKING:
    from nbformat import NotebookNode

MOST_TOLD = 12
_OPENING = """# Shareable audit

This notebook shows a record made to be shared. Its outputs were written with it, and nothing was run to make them; run
the cells in the folder that holds `record.json` to show the same again. The data is not needed, and not here."""
_LOADING = """from pathlib import Path

import workbench as wb
from workbench.report import notebook as nb

record = wb.Record.from_json(Path("record.json").read_bytes())"""


def share_bundle(
    bundle: Bundle,
    folder: str | Path,
    *,
    minimum: int | None = None,
    data: str | None = None,
    excel: bool = False,
) -> tuple[Bundle, list[str]]:
    """Write a bundle that may be shared, made of another one's record, and return it with what was looked for.

    With `data`, the file that was audited, the raw values of its flagged columns are looked for too; with `excel` the
    measures are written as a workbook besides. EvidenceError, and
    nothing is written, when the scanner finds any, or personal data, secrets or paths.
    """
    parent = bundle.record
    values, looked = _values(parent, data)
    released = disclose(parent, minimum=minimum)
    status = str(bundle.manifest.get("status", "complete"))
    files = shareable_files(released, status)
    if excel:
        files["measures.xlsx"] = measures_excel(released)
    found = scan(files, values)
    if found.leaks:
        told = "".join(f"\n  {leak}" for leak in found.leaks[:MOST_TOLD])
        more = "" if len(found.leaks) <= MOST_TOLD else f"\n  and {len(found.leaks) - MOST_TOLD} more"
        raise EvidenceError(f"nothing was written, since it would have told more than it may:{told}{more}")
    lines = [
        f"shareable record {released.digest}",
        f"of record        {parent_of(released)}",
        f"scanned: {len(files)} files, no personal data with a shape, no secret, no path; {looked}",
        *(f"not read by the scanner: {what}" for what in found.unread),
        *(["notes of people on findings are left out: they are free text"] if notes_of(parent.beside) else []),
    ]
    return write_bundle(folder, files, released.digest, status), lines


def shareable_files(released: Record, status: str = "complete") -> dict[str, bytes]:
    """Return the files of a shareable bundle: record, report, notebook, and the measures as CSV and Parquet."""
    released = Record.from_json(released.to_json())  # what is shown is what is written
    return {
        "record.json": released.to_json(),
        "report.html": render_html(released, status=status).encode(),
        "audit.ipynb": notebook_bytes(shareable_notebook(released)),
        "measures.csv": measures_csv(released),
        "measures.parquet": measures_parquet(released),
    }


def shareable_notebook(released: Record) -> NotebookNode:
    """Return a notebook that shows a record, its outputs in it, with no parameter and no data."""
    new: Any = import_extra("nbformat", "notebook", "writing a notebook").v4
    cells = [new.new_markdown_cell(_OPENING), new.new_code_cell(_LOADING)]
    cells.append(_shown(new, "nb.verdict(record)", static(released)))
    families = dict.fromkeys(f.check.split(".")[0] for f in released.findings)
    cells += [_shown(new, f"nb.section(record, {family!r})", section(released, family)) for family in families]
    for at, cell in enumerate(cells):
        cell["id"] = f"cell-{at:02d}"
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    made: NotebookNode = new.new_notebook(cells=cells, metadata={"kernelspec": kernel})
    return made


def _shown(new: Any, source: str, output: Static) -> NotebookNode:
    data = {"text/html": output.html, "text/plain": output.text}
    cell: NotebookNode = new.new_code_cell(source, outputs=[new.new_output("display_data", data)])
    return cell


def _values(parent: Record, data: str | None) -> tuple[RawValues, str]:
    if data is None:
        return RawValues({}), "raw values were not looked for (name the data with --data)"
    frame = open_frame(data)
    columns = flagged_columns(parent, frame.names)
    return raw_values(frame, columns), f"no raw value of {len(columns)} flagged columns"

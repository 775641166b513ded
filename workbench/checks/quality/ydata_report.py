"""The long report of ydata-profiling, kept beside the record."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from workbench.core.check import NotApplicableError, check
from workbench.core.column_types import used_as
from workbench.core.errors import DataError, MissingExtraError, thousands, unknown
from workbench.core.finding import Attachment, Cell, Evidence, Measure, Result
from workbench.core.framed import framed
from workbench.core.limited import Limits, run_limited
from workbench.core.subject import Subject
from workbench.core.ydata_worker import PACKAGES

FILE = "quality.ydata_report.html"


@check("quality.ydata_report", "Q004", "Deep report by ydata-profiling", needs=("rows",), on_request=True)
def ydata_report(
    subject: Subject,
    *,
    columns: tuple[str, ...] = (),
    most_columns: int = 50,
    most_rows: int = 10_000,
    minimal: bool = False,
    sensitive: bool = True,
    seconds: float = 600.0,
    mebibytes: int = 4096,
) -> Result:
    """Have ydata-profiling describe a sample of the current data, and keep its report as a file of the bundle.

    Measures: `alerts`, how many of its alerts there are of each kind (under `where`) and in all; `columns_described`
        and `rows_described`. The report itself is an attachment: its digest is kept beside the record, never in it.
    Reads well when: the audit's own profile (quality.profile) raised a question about single columns.
    Signs of risk: alerts that the audit's rules do not cover.
    Limits: it sees a seeded sample of rows, in no order that means anything, and the first columns in the order of the
        data. Columns are called c001, c002, ... in it. With `sensitive` (the default) it holds no rows and no values of
        text, and identifiers are left out; extremes and frequent values of numbers are in it. Pairs are not drawn. It
        runs in a process of its own, without network, and is ended when it needs more time or (on Linux) memory than
        given. Its page is shown without scripts. Its numbers are not the record's.
    Reference: ydata-profiling, also called fg-data-profiling (package `ydata_profiling` or `data_profiling`).
    """
    if not any(find_spec(name) for name in PACKAGES):
        raise MissingExtraError(
            "the deep report needs ydata-profiling, which is not installed: pip install 'audit-workbench[profile]'"
        )
    names = _chosen(subject, columns, most_columns, sensitive)
    aliases = {f"c{i:03d}": name for i, name in enumerate(names, 1)}
    rows = subject.sample.rows.slice(0, most_rows)
    options = json.dumps({"minimal": minimal, "sensitive": sensitive})
    made = _made(_table(rows, aliases), options, Limits(seconds, mebibytes), subject.stop)
    total = len(subject.current.columns)
    used = f"{thousands(rows.num_rows)} of {thousands(subject.sample.available)} rows, {len(names)} of {total} columns"
    found = [(aliases.get(alias, ""), kind) for alias, kind in made.alerts]
    page = _page(made, aliases, used, sensitive)
    return Result(
        _measures(found, rows.num_rows, len(names)),
        [_alerts_table(found), _names_table(aliases)],
        [f"described: {used}"],
        [Attachment(FILE, "text/html", page)],
    )


def _chosen(subject: Subject, wanted: Sequence[str], most: int, sensitive: bool) -> list[str]:
    known = subject.current.columns
    for name in wanted:
        if name not in known:
            raise DataError("quality.ydata_report: " + unknown("column", name, known))
    names = [n for n in (wanted or known) if n not in subject.roles.ignore or n in wanted]
    kept = [n for n in names if not (sensitive and used_as(known[n], subject.roles) == "identifier")][:most]
    if not kept:
        raise NotApplicableError("no column is left to describe: identifiers are left out while `sensitive` is on")
    return kept


def _table(rows: pa.RecordBatch, aliases: dict[str, str]) -> bytes:
    """Return the rows as an Arrow file under aliases: names are data, and the report writes them into its page."""
    arrays = [_plain(rows.column(name)) for name in aliases.values()]
    batch = pa.RecordBatch.from_arrays(arrays, names=list(aliases))
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, batch.schema) as file:
        file.write_batch(batch)
    return sink.getvalue().to_pybytes()  # type: ignore[no-any-return]


def _plain(column: pa.Array) -> pa.Array:
    if pa.types.is_timestamp(column.type):
        return column.cast(pa.timestamp(column.type.unit))  # UTC without saying so: zones cost it minutes
    if pa.types.is_binary(column.type):
        return pa.array([None if v is None else v.hex() for v in column.to_pylist()], pa.string())
    return column


class _Made(NamedTuple):
    page: str
    alerts: tuple[tuple[str, str], ...]
    package: str


_MOST_KEPT = 8
_KEPT: dict[tuple[bytes, str], _Made] = {}
"""Reports by the digest of their rows and their options: a second look at the same rows takes no second minute."""


def _made(table: bytes, options: str, limits: Limits, stop: Callable[[], None]) -> _Made:
    key = (hashlib.sha256(table).digest(), options)
    if key not in _KEPT:
        made = _make(table, options, limits, stop)
        while len(_KEPT) >= _MOST_KEPT:
            _KEPT.pop(next(iter(_KEPT)))
        _KEPT[key] = made
    return _KEPT[key]


def _make(table: bytes, options: str, limits: Limits, stop: Callable[[], None]) -> _Made:
    with tempfile.TemporaryDirectory(prefix="workbench-") as place:
        folder = Path(place)
        (folder / "rows.arrow").write_bytes(table)
        arguments = ["rows.arrow", "report.html", "alerts.json", options]
        run_limited("workbench.core.ydata_worker", arguments, limits, folder, "the deep report", stop)
        about = json.loads((folder / "alerts.json").read_text("utf-8"))
        page = (folder / "report.html").read_text("utf-8")
    alerts = tuple((str(alias), str(kind)) for alias, kind in about["alerts"])
    return _Made(page, alerts, f"{about['package']} {about['version']}")


def _page(made: _Made, aliases: dict[str, str], used: str, sensitive: bool) -> bytes:
    told = [
        f"By {made.package}, of a seeded sample: {used}. Its numbers are not those of the record.",
        "Shown without scripts; columns go by other names." + (" Text is left out." if sensitive else ""),
    ]
    return framed(made.page, "Deep report", told, ("in the report", "column"), aliases.items())


def _measures(found: list[tuple[str, str]], rows: int, columns: int) -> list[Measure]:
    kinds = sorted(Counter(kind for _, kind in found).items())
    return [
        Measure("alerts", len(found), n=columns),
        *(Measure("alerts", count, where=kind.lower().replace("_", " "), n=columns) for kind, count in kinds),
        Measure("columns_described", columns, n=columns),
        Measure("rows_described", rows, n=rows),
    ]


def _alerts_table(found: list[tuple[str, str]]) -> Evidence:
    rows: list[tuple[Cell, ...]] = [(name or "(the table)", kind.lower().replace("_", " ")) for name, kind in found]
    return Evidence("alerts", "Alerts of the deep report", "table", ("column", "alert"), tuple(rows))


def _names_table(aliases: dict[str, str]) -> Evidence:
    rows = tuple(aliases.items())
    return Evidence("names", "Names of the columns in the deep report", "table", ("in the report", "column"), rows)

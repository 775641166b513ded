"""Files that a screen hands to its reader: the numbers of a finding, a drawing of it."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Any

from workbench.audit.record import Record
from workbench.core.errors import ConfigError, import_extra, shown
from workbench.report.exports import measures_csv, measures_parquet
from workbench.report.html import section_of
from workbench.report.shown import show

_MEDIA = {
    "csv": "text/csv",
    "parquet": "application/vnd.apache.parquet",
    "svg": "image/svg+xml",
    "png": "image/png",
}


def file_of(record: Record, wanted: Any) -> dict[str, str]:
    """Return name, media type and base64 content of the file that `wanted` (check, kind, chart) names.

    Numbers of small groups are not in it, as on screen. ConfigError when there is no such finding, kind or drawing.
    """
    if not isinstance(wanted, Mapping):
        raise ConfigError("download: expected a check and a kind of file.")
    check, kind = str(wanted.get("check")), str(wanted.get("kind"))
    if all(f.check != check for f in record.findings):
        raise ConfigError(f"download: the record has no finding {shown(check)}.")
    stem = re.sub(r"[^A-Za-z0-9_-]+", "-", check).strip("-") or "finding"
    if kind in ("csv", "parquet"):
        data = (measures_csv if kind == "csv" else measures_parquet)(record, check)
    elif kind in ("svg", "png"):
        at, svg = _drawing(record, check, wanted.get("chart"))
        stem, data = f"{stem}-{at + 1}", svg if kind == "svg" else _png(svg)
    else:
        raise ConfigError(f"download: {shown(kind)} is no kind of file; known are {', '.join(_MEDIA)}.")
    return {"name": f"{stem}.{kind}", "media_type": _MEDIA[kind], "data": base64.b64encode(data).decode()}


def _drawing(record: Record, check: str, chart: Any) -> tuple[int, bytes]:
    every = show(record)
    finding = next(f for f in every.findings if f.finding.check == check)
    charts = section_of(finding, every, drawn=True).charts
    at = chart if isinstance(chart, int) and not isinstance(chart, bool) else 0
    if not 0 <= at < len(charts):
        raise ConfigError(f"download: {shown(check)} has {len(charts)} drawings.")
    return at, base64.b64decode(charts[at].uri.partition(",")[2])


def _png(svg: bytes) -> bytes:
    convert = import_extra("vl_convert", "notebook", "a drawing as PNG")
    png: bytes = convert.svg_to_png(svg.decode(), scale=2)
    return png

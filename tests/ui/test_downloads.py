"""Files from the screen: a finding's numbers and drawings, with nothing hidden in them and nothing live."""

from __future__ import annotations

import base64
import csv
import io
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.report.records import SMALL_SECRET, record
from workbench.core.errors import ConfigError
from workbench.ui.downloads import file_of
from workbench.ui.payload import detail

RECORD = record()
GROUPS = next(f.check for f in RECORD.findings if any(m.group for m in f.measures))


def data(check: str, kind: str, **more: Any) -> bytes:
    """Return the bytes of a download."""
    return base64.b64decode(file_of(RECORD, {"check": check, "kind": kind, **more})["data"])


def test_numbers_of_one_finding_without_those_of_small_groups() -> None:
    """CSV and Parquet hold the rows that the frame has of this check, and only them."""
    expected = RECORD.to_frame().query("check == @GROUPS")
    rows = list(csv.DictReader(io.StringIO(data(GROUPS, "csv").decode(), newline="")))
    table = pq.read_table(io.BytesIO(data(GROUPS, "parquet")))
    assert len(rows) == len(expected) == table.num_rows > 3
    assert {r["check"] for r in rows} == {GROUPS}
    assert str(SMALL_SECRET)[:6].encode() not in data(GROUPS, "csv")
    assert sum(1 for v in table["value"].to_pylist() if v is not None) == int(expected["value"].notna().sum())


def test_drawings_as_svg_and_png() -> None:
    """The drawing on screen, as its file and as a picture twice as large; each has a name of its own."""
    drawn = [f.check for f in RECORD.findings if detail(RECORD, f.check)["charts"]]
    check, *_ = drawn
    svg = data(check, "svg", chart=0)
    assert svg.lstrip().startswith((b"<svg", b"<?xml"))
    assert b"<script" not in svg
    assert data(check, "png", chart=0).startswith(b"\x89PNG")
    assert file_of(RECORD, {"check": check, "kind": "svg", "chart": 0})["name"].endswith("-1.svg")


@pytest.mark.parametrize(
    "wanted",
    [
        None, "x", {}, {"check": "../../etc/passwd", "kind": "csv"}, {"check": GROUPS, "kind": "exe"},
        {"check": GROUPS, "kind": "svg", "chart": 999}, {"check": GROUPS, "kind": "png", "chart": -1},
    ],
)  # fmt: skip
def test_what_is_not_there_is_refused(wanted: Any) -> None:
    """No path, no other kind, no drawing beyond the last."""
    with pytest.raises(ConfigError, match="download"):
        file_of(RECORD, wanted)


def test_a_copied_number_says_where_it_is_from() -> None:
    """Title, value, interval, n, method, check with its version, the record's digest; a hidden one is not copied."""
    rows = detail(RECORD, GROUPS)["measures"]
    shown = next(r for r in rows if r["copy"] and "[" in r["shown"])
    assert shown["title"] in shown["copy"]
    assert shown["shown"] in shown["copy"]
    assert RECORD.digest in shown["copy"]
    assert f"n = {shown['n']}" in shown["copy"]
    hidden = [r["copy"] for r in rows if r["why"] == "suppressed: too few rows"]
    assert hidden
    assert not any(hidden)

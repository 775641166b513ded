"""Exports hold what to_frame holds, and nothing that a program which opens them would run."""

from __future__ import annotations

import csv
import io
import re
import zipfile

import numpy as np
import openpyxl
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.audit.record import FRAME_COLUMNS, Record, Verdict
from workbench.core.finding import Finding, Measure, Status, group_label
from workbench.report.exports import MOST_IN_A_CELL, inert, measures_csv, measures_excel, measures_parquet
from workbench.report.readable import readable

HOSTILE = (
    "=1+1", "+1", "-1+cmd", "@SUM(A1)", "\t=1", "\r=1", "x\n=1", ";=1", 'a";=cmd|\' /C calc\'!A0', "a,=1", " =1",
    "\u00a0=1", "\ufeff=1", "\uff1d1+1", "=HYPERLINK(\"http://x\";\"y\")", "'=1", "a|=1", "=", "-", "", "é\u202e\x00",
)  # fmt: skip
LIVE = re.compile(r"[\s\u00a0\u200b\ufeff\"]*[=+\-@\uff1d\uff0b\uff0d\uff20]")


def record(names: list[str]) -> Record:
    """Return a record with one rate and its group size a name, one of them of too few rows."""
    measures = [Measure("selection_rate_difference", -0.25, "g", n=40, unit="share", method="=newcombe")]
    for name in names:
        label = group_label([name], [name])
        measures.append(Measure("count", 40, name, label, n=40, unit="rows"))
        measures.append(Measure("selection_rate", 0.125, name, label, low=0.0, high=0.5, n=40, unit="share"))
    measures.append(Measure("count", 3, "g", "g=few", n=3))
    measures.append(Measure("selection_rate", 0.333333, "g", "g=few", n=3, unit="share"))
    finding = Finding("bias.group_rates", "B001", "1", Status.MEASURED, measures=tuple(measures))
    return Record({}, {}, (finding,), Verdict("pass"))


def cells(data: bytes, delimiter: str) -> list[str]:
    """Return the cells that a program which parts them by `delimiter` sees."""
    return [c for row in csv.reader(io.StringIO(data.decode(), newline=""), delimiter=delimiter) for c in row]


def number(cell: str) -> bool:
    """Say whether a cell is a plain number."""
    return re.fullmatch(r"-?[\d.]+(e-?\d+)?", cell) is not None


def live(data: bytes) -> list[str]:
    """Return the cells that a spreadsheet would take for formulas, whichever way it parts cells."""
    return [c for d in ",;\t" for c in cells(data, d) if LIVE.match(c) and not number(c)]


def test_no_cell_is_a_formula() -> None:
    """Hostile names of columns and groups, by comma, semicolon and tab."""
    data = measures_csv(record(list(HOSTILE)))
    assert live(data) == []
    assert "-0.25" in cells(data, ",")


def test_the_test_sees_live_formulas() -> None:
    """Without the guard pandas' own CSV has them."""
    assert len(live(record(list(HOSTILE)).to_frame().to_csv(index=False).encode())) > 20


@given(st.lists(st.text(st.sampled_from("=+-@;,|\"'\t\r\n ab\uff1d\u00a0&\\"), max_size=8), max_size=5))
def test_no_random_name_makes_a_formula(names: list[str]) -> None:
    """Whatever the letters and separators."""
    data = measures_csv(record(names))
    assert live(data) == []
    assert len(list(csv.reader(io.StringIO(data.decode(), newline="")))) == 4 + 2 * len(names)


@pytest.mark.parametrize("text", ["Asian", "race=Asian & sex=F", "a = b", "mother-in-law", "x@y.org", "wilson, 95 %"])
def test_ordinary_text_stays(text: str) -> None:
    """Only what begins like a formula is touched."""
    assert inert(text) == text


def test_files_hold_the_frame() -> None:
    """Both are to_frame(): the same rows and numbers, small groups without theirs, text in Parquet untouched."""
    whole = record(["=1+1", "plain"])
    expected = whole.to_frame()
    read = pd.read_csv(io.BytesIO(measures_csv(whole)), keep_default_na=False, na_values={"value": [""], "n": [""]})
    table = pq.read_table(io.BytesIO(measures_parquet(whole)))

    assert tuple(read.columns) == tuple(table.column_names) == FRAME_COLUMNS
    np.testing.assert_array_equal(read["value"], expected["value"])
    assert read["n"].isna().tolist() == expected["n"].isna().tolist()
    assert table.to_pandas()["group"].tolist() == expected["group"].tolist()
    np.testing.assert_array_equal(table["value"].to_numpy(), expected["value"])
    assert b"0.333333" not in measures_csv(whole)
    assert table.schema.metadata is None
    assert {str(t) for t in table.schema.types} <= {"string", "large_string", "double", "int64"}


def test_a_record_without_measures_has_a_head() -> None:
    """No rows, all columns."""
    empty = Record({}, {}, (), Verdict("pass"))
    assert cells(measures_csv(empty), ",") == list(FRAME_COLUMNS)
    assert pq.read_table(io.BytesIO(measures_parquet(empty))).num_rows == 0


def sheet(data: bytes) -> list[tuple[object, ...]]:
    """Return the cells of a workbook, by another library."""
    book = openpyxl.load_workbook(io.BytesIO(data))
    assert book.sheetnames == ["measures"]
    return [tuple(cell.value for cell in row) for row in book["measures"].iter_rows()]


def test_a_workbook_has_no_formula_and_no_link() -> None:
    """Hostile names are texts, in the file's own XML and for another library."""
    data = measures_excel(record([*HOSTILE, "https://x.example/=1", "mailto:a@b.example", "{=1}", "1e5"]))
    book = openpyxl.load_workbook(io.BytesIO(data))
    assert {cell.data_type for row in book["measures"].iter_rows() for cell in row} <= {"s", "n", "inlineStr"}
    with zipfile.ZipFile(io.BytesIO(data)) as parts:
        whole = {name: parts.read(name).decode() for name in parts.namelist()}
    assert not any(mark in whole["xl/worksheets/sheet1.xml"] for mark in ("<f>", "<f ", "hyperlink", "dde"))
    assert not any("external" in name.lower() or "macro" in name.lower() for name in whole)
    assert not any('TargetMode="External"' in text for text in whole.values())


def test_the_test_sees_a_live_workbook() -> None:
    """XlsxWriter's own way of writing has formulas."""
    xlsxwriter = pytest.importorskip("xlsxwriter")
    target = io.BytesIO()
    with xlsxwriter.Workbook(target, {"in_memory": True}) as book:
        book.add_worksheet("measures").write(0, 0, "=1+1")
    with zipfile.ZipFile(target) as parts:
        assert "<f>" in parts.read("xl/worksheets/sheet1.xml").decode()


def test_a_workbook_holds_the_frame_and_repeats_to_the_byte() -> None:
    """Numbers are numbers, missing cells are empty, small groups have none, and nothing of the moment is in it."""
    whole = record(["=1+1", "plain", "x" * 40_000])
    rows = sheet(measures_excel(whole))
    expected = whole.to_frame()
    assert rows[0] == FRAME_COLUMNS
    assert len(rows) == len(expected) + 1
    value, group = FRAME_COLUMNS.index("value"), FRAME_COLUMNS.index("group")
    assert [r[value] for r in rows[1:]] == [None if v != v else v for v in expected["value"]]
    assert rows[2][group] == expected["group"][1] != ""
    assert max(len(str(r[group])) for r in rows) == MOST_IN_A_CELL
    assert measures_excel(whole) == measures_excel(whole)
    assert "0.333333" not in " ".join(readable("m.xlsx", measures_excel(whole)).parts)


def test_a_workbook_without_measures_has_a_head() -> None:
    """No rows, all columns."""
    assert sheet(measures_excel(Record({}, {}, (), Verdict("pass")))) == [FRAME_COLUMNS]

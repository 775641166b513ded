"""The scanner reads what a reader would, and tells what it finds by kind and place alone."""

from __future__ import annotations

import base64
import io
import json
import re
from collections.abc import Callable
from urllib.parse import quote

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from markupsafe import escape

from tests.report.records import record
from workbench.core.frame import wrap
from workbench.report.html import render_html
from workbench.report.readable import readable
from workbench.report.scan import LEAST_LETTERS, RawValues, Scan, own_words, raw_values, scan

MAIL = "jane.doe@aviary.example"


def _workbook(text: str) -> bytes:
    xlsxwriter = pytest.importorskip("xlsxwriter")
    target = io.BytesIO()
    with xlsxwriter.Workbook(target, {"in_memory": True}) as book:
        book.add_worksheet("a").write_string(0, 0, text)
    return target.getvalue()


def _svg(text: str) -> str:
    return f'<svg xmlns="http://www.w3.org/2000/svg"><text x="1">{text}</text></svg>'


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _parquet(text: str) -> bytes:
    target = io.BytesIO()
    pq.write_table(pa.table({"a": ["x", text]}), target)
    return target.getvalue()


PLACES: dict[str, tuple[str, Callable[[str], str | bytes]]] = {
    "text": ("a.txt", lambda m: f"write to {m}."),
    "page": ("a.html", lambda m: f"<p>{m}</p>"),
    "entities": ("a.html", lambda m: "<p>" + m.replace("@", "&#64;").replace(".", "&period;") + "</p>"),
    "over tags": ("a.html", lambda m: f"<p>{m[:4]}<b>{m[4:9]}</b><!-- x -->{m[9:]}</p>"),
    "attribute": ("a.html", lambda m: f'<img alt="{m}">'),
    "comment": ("a.html", lambda m: f"<!-- {m} -->"),
    "style": ("a.html", lambda m: f"<style>a::after {{ content: '{m}' }}</style>"),
    "script": ("a.html", lambda m: f"<script>var x = '{m}'</script>"),
    "drawing": ("a.html", lambda m: f'<img src="data:image/svg+xml;base64,{_base64(_svg(m))}">'),
    "drawing, percent": ("a.html", lambda m: f'<img src="data:image/svg+xml,{quote(_svg(m))}">'),
    "drawing in style": ("a.html", lambda m: f"<p style=\"background: url('data:text/plain;base64,{_base64(m)}')\">"),
    "json": ("a.json", lambda m: json.dumps({"a": [1, {"b": m}]}).replace("@", "\\u0040")),
    "json key": ("a.json", lambda m: json.dumps({m: None})),
    "notebook lines": (
        "a.ipynb",
        lambda m: json.dumps({"cells": [{"outputs": [{"data": {"text/html": ["<p>" + m[:9], m[9:] + "</p>"]}}]}]}),
    ),
    "damaged json": ("a.json", lambda m: '{"a": "' + m),
    "yaml": ("a.yaml", lambda m: 'a: "' + m.replace("@", "\\x40") + '"\n'),
    "csv": ("a.csv", lambda m: f'a,b\r\n1,"{m}"\r\n'),
    "parquet": ("a.parquet", _parquet),
    "workbook": ("a.xlsx", _workbook),
    "unknown kind": ("a.bin", lambda m: f"-- {m} --"),
}


@pytest.mark.parametrize("place", PLACES)
def test_an_address_is_found_wherever_it_stands(place: str) -> None:
    """Escaped, cut by tags, in a drawing, in a file of data: by its shape, and as a raw value of a column."""
    name, make = PLACES[place]
    made = make(MAIL)
    data = made.encode() if isinstance(made, str) else made
    found = scan({name: data}, RawValues({"contact": [MAIL]}))

    assert {(leak.kind, leak.column) for leak in found.leaks} == {("email", ""), ("value", "contact")}
    assert all(leak.file == name and leak.times >= 1 for leak in found.leaks)
    other = make("nobody here says anything")
    assert scan({name: other.encode() if isinstance(other, str) else other}, RawValues({"contact": [MAIL]})).leaks == ()


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("key AKIAIOSFODNN7EXAMPLE", "secret"), ("read /home/jane/data.csv", "path"),
        ("C:\\Users\\jane\\x.csv", "path"),
        ("call +49 151 2345 6789", "phone"), ("pay DE89 3704 0044 0532 0130 00", "iban"), ("at 203.0.113.7", "ip"),
        ("card 4111 1111 1111 1111", "card"), ("postgres://jane:hunter2@db/x", "secret"),
    ],
)  # fmt: skip
def test_shapes(text: str, kind: str) -> None:
    """Secrets, paths and personal data with a shape; what is told of them is never what they are."""
    found = scan({"report.html": f"<p>{escape(text)}</p>".encode()})
    assert [leak.kind for leak in found.leaks] == [kind]
    assert str(found.leaks[0]).startswith("report.html: ")
    assert not any(word in str(found) for word in text.split()[1:] if len(word) > 3)


values = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=3, max_size=60)


@given(values, st.sampled_from(["text", "page", "attribute", "json", "csv"]))
def test_any_raw_value_is_found(value: str, place: str) -> None:
    """Whatever a cell holds (three letters or more from its first word on) is found where it was escaped rightly."""
    raw = RawValues({"c": [value]})
    first = re.search(r"\w", " ".join(value.split()))
    assume(first and len(" ".join(value.split())) - first.start() >= LEAST_LETTERS)
    text = {
        "text": lambda: ("a.txt", f"( {value} )"),
        "page": lambda: ("a.html", f"<td>{escape(value)}</td>"),
        "attribute": lambda: ("a.html", f'<td title="{escape(value)}">'),
        "json": lambda: ("a.json", json.dumps({"c": value})),
        "csv": lambda: ("a.csv", '"x","' + value.replace('"', '""') + '"\r\n'),
    }[place]()
    found = scan({text[0]: text[1].encode()}, raw)
    assert "c" in {leak.column for leak in found.leaks}


def test_words_are_whole_and_long_values_may_be_cut() -> None:
    """Ann is not in Announce; of a long value its beginning is enough; short words and numbers are not looked for."""
    raw = RawValues({"n": ["Ann", "Li", "12 Long Street, Some Town, Far Away", 4915112345678.0, 42, True, None]})
    assert raw.found("Announce: Anna, Joann") == {}
    assert raw.found("(Ann), Li 42 True None") == {"n": 1}
    assert raw.found("at 12 Long Street,\n Some Tow…") == {"n": 1}
    assert raw.found("4915112345678 49151123456789") == {"n": 1}
    assert RawValues({"n": ["Li", 42, True, None, float("nan"), float("inf"), "!!!", ""]}).found("Li 42 !!!") == {}


def test_values_in_labels_and_with_control_letters() -> None:
    """A label escapes marks, a page makes control letters visible: both are found."""
    raw = RawValues({"n": ["R&D = Jane", "Jane\u202eenaJ"]})
    assert raw.found(r"team=R\&D \= Jane") == {"n": 1}
    assert raw.found(r"of Jane\u202eenaJ,") == {"n": 1}


def test_values_come_from_the_flagged_columns_of_the_data() -> None:
    """Distinct values of the columns named, and of no other."""
    frame = wrap(pd.DataFrame({"who": ["Jane Doe", None, "Jane Doe"], "city": ["Springfield"] * 3}))
    raw = raw_values(frame, ["who"])
    assert raw.found("Jane Doe of Springfield") == {"who": 1}
    assert not raw_values(frame, [])


def test_what_cannot_be_read_is_said() -> None:
    """A picture, a file that is no text, a broken Parquet file: not read, not passed over."""
    page = b'<img src="data:image/png;base64,iVBORw0KGgo=">'
    found = scan({"a.html": page, "b.gz": b"\x1f\x8b\xff\x00", "c.parquet": b"PAR1"})
    assert found.unread == ("a.html: a picture (image/png)", "b.gz: no text", "c.parquet: no readable Parquet")


def test_an_honest_report_has_nothing_in_it() -> None:
    """Digests, drawings, styles and tables of numbers are taken for nothing else."""
    page = render_html(record()).encode()
    assert len(page) > 50_000
    assert scan({"report.html": page}) == Scan(())


def test_the_help_of_checks_is_no_leak() -> None:
    """A section's number in the help looks like an address: it is known; any other address is told."""
    assert own_words() <= {"2.5.3.1"}
    page = b"<p>section 2.5.3.1, and 2.5.3.2</p>"
    assert [leak.times for leak in scan({"report.html": page}).leaks] == [1 if own_words() else 2]


@given(st.binary(max_size=200), st.sampled_from(["html", "json", "ipynb", "csv", "yaml", "svg", "parquet", "bin", ""]))
def test_any_bytes_are_read_or_said_to_be_unread(data: bytes, kind: str) -> None:
    """Damaged files stop nothing."""
    found = readable(f"a.{kind}", data)
    blank = not data.decode("utf-8", "replace").strip()
    assert found.parts or found.unread or blank or kind in ("html", "svg", "json", "ipynb", "yaml", "csv")
    scan({f"a.{kind}": data}, RawValues({"c": ["abc"]}))


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("deep.json", b"[" * 100_000),
        ("deep.html", b"<b>" * 100_000),
        ("digits.json", b'{"a": ' + b"9" * 5000 + b"}"),
        ("long.txt", b"x" * 2_000_000),
        ("uris.html", b"data:text/html," * 20_000),
        ("nul.html", b"<p>\x00<!--" * 1000),
        ("yaml.yaml", b"a: &x [1]\nb: *x\n"),
    ],
)
def test_hostile_files(name: str, data: bytes) -> None:
    """Depth, length and damage are survived."""
    assert scan({name: data}, RawValues({"c": ["abc"]})).leaks == ()

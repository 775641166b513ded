"""Whether every number printed in a page is the number in the record."""

from __future__ import annotations

import math
from collections.abc import Iterator
from html.parser import HTMLParser

from workbench.audit.record import Record
from workbench.core.errors import shown as quoted
from workbench.report import marks, words
from workbench.report.shown import Shown, show

_FIELDS = frozenset({"value", "low", "high", "n", "limit", "minimum_detectable"})


class _Marks(HTMLParser):
    """Collects the attributes and the text of every `data` element that names its place in a record."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[dict[str, str], str]] = []
        self._open: dict[str, str] | None = None
        self._text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Open a `data` element."""
        if tag == "data":
            self._open, self._text = {k: v or "" for k, v in attrs}, []

    def handle_data(self, data: str) -> None:
        """Keep the text of the open `data` element."""
        if self._open is not None:
            self._text.append(data)

    def handle_endtag(self, tag: str) -> None:
        """Close a `data` element."""
        if tag == "data" and self._open is not None:
            self.found.append((self._open, "".join(self._text)))
            self._open = None


def numbers_differ(html: str, record: Record) -> list[str]:
    """Return a sentence for each printed number that differs from the record; empty when all agree.

    Both the recorded value in the mark and the text that people read are compared. A page without any mark, or without
    the record's digest, differs too.
    """
    parser = _Marks()
    parser.feed(html)
    parser.close()
    shown = show(record)
    differences = [d for found, text in parser.found for d in _differences(found, text, shown)]
    if not parser.found:
        return ["no number in it names its place in the record"]
    if not any(found.get(marks.VERDICT) in ("digest", "short") for found, _ in parser.found):
        differences.append("the record's digest is not in it")
    return differences


def _differences(found: dict[str, str], text: str, shown: Shown) -> Iterator[str]:
    try:
        name, value, expected = _expected(found, shown)
    except (KeyError, ValueError, IndexError, AttributeError, TypeError):
        yield f"a number names a place that is not in the record: {quoted(found)}"
        return
    if not _same(found.get("value", ""), value):
        yield f"{name}: the page holds {quoted(found.get('value'))}, the record {value}"
    elif text.strip() != expected:
        yield f"{name}: the page shows {quoted(text)}, the record's {value} reads {quoted(expected)}"


def _expected(found: dict[str, str], shown: Shown) -> tuple[str, object, str]:
    """Return what is at the place: its name, the recorded value, and how that is printed."""
    if marks.VERDICT in found:
        fact = found[marks.VERDICT]
        return f"verdict, {fact}", marks.verdict_facts(shown.record)[fact], marks.verdict_text(shown.record, fact)
    if marks.EVIDENCE in found:
        return _of_table(found[marks.EVIDENCE], shown)
    field = found["data-f"]
    if field not in _FIELDS:
        raise KeyError(field)
    if marks.JUDGEMENT in found:
        j = shown.judgements[_index(found[marks.JUDGEMENT])]
        name = f"rule {quoted(j.judgement.rule)}, {words.judgement_title(j.judgement)}, {field}"
        return name, getattr(j.judgement, field), marks.judgement_text(j, field)
    m = [m for f in shown.findings for m in f.measures][_index(found[marks.MEASURE])].measure
    name = ", ".join(part for part in (words.title_of(m), words.scope_words(m), field) if part)
    return name, getattr(m, field), words.field_text(m, field, m.unit, m.name)


def _of_table(place: str, shown: Shown) -> tuple[str, object, str]:
    finding, table, row, column = (_index(part) for part in place.split("."))
    evidence = shown.findings[finding].evidence[table].evidence
    name = f"table {quoted(evidence.title)}, row {row + 1}, {quoted(evidence.columns[column])}"
    return name, evidence.rows[row][column], marks.cell_text(evidence, row, column)


def _index(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise ValueError(text)
    return int(text)


def _same(printed: str, value: object) -> bool:
    if value is None:
        return False
    if isinstance(value, str):
        return printed == value
    try:
        return math.isclose(float(printed), float(str(value)), rel_tol=0, abs_tol=0)
    except ValueError:
        return False

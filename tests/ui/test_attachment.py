"""A page that a check attached: shown with the digest that the record names, in a frame where nothing runs."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import workbench as wb
from workbench.audit.record import Record
from workbench.core.finding import Attachment
from workbench.ui import payload, view
from workbench.ui.session import Session

NAME = "quality.missing.html"
PAGE = b"<p>deep</p><script>alert(1)</script>"


def recorded(*attachments: Attachment) -> Record:
    """Return a record whose one finding has attachments."""
    record = wb.Audit(pd.DataFrame({"x": [1, 2]}), checks=["quality.missing"], policy={"rules": []}).run()
    finding = replace(record.findings[0], attachments=attachments or (Attachment(NAME, "text/html", PAGE),))
    about = {a.name: {"check": finding.check, **a.about()} for a in finding.attachments}
    return replace(record, findings=(finding,), beside={**record.beside, "attachments": about})


def beside(record: Record) -> Record:
    """Return the record as read from a file: its attachments lie beside it."""
    return Record.from_json(record.to_json())


def read(content: bytes) -> Any:
    """Return a reader of a bundle that holds one content under every name."""
    return lambda name: content


def missing(name: str) -> bytes:
    """Stand for a bundle without the file."""
    raise FileNotFoundError(name)


def test_the_page_comes_with_the_record_or_from_beside_it() -> None:
    """From a run, and from a bundle's file."""
    for shown in (payload.attachment(recorded(), NAME, None), payload.attachment(beside(recorded()), NAME, read(PAGE))):
        assert shown == {"name": NAME, "page": PAGE.decode(), "why": ""}


@pytest.mark.parametrize(
    ("name", "reader", "why"),
    [
        (NAME, None, "does not lie beside"),
        (NAME, missing, "does not lie beside"),
        (NAME, read(b"<p>another</p>"), "is not the one that the check attached"),
        ("record.json", read(PAGE), "names no such page"),
        ("../secret", read(PAGE), "names no such page"),
    ],
)
def test_another_file_is_never_shown(name: str, reader: Any, why: str) -> None:
    """Neither a changed one, nor one that the record does not name; it is said why."""
    shown = payload.attachment(beside(recorded()), name, reader)

    assert shown["page"] == ""
    assert why in shown["why"]


def test_a_file_that_is_no_page_is_not_shown() -> None:
    """Only HTML goes into the frame."""
    record = recorded(Attachment("quality.a.svg", "image/svg+xml", b"<svg onload=alert(1)/>"))

    assert payload.attachment(record, "quality.a.svg", None)["page"] == ""


def test_a_session_tells_it_when_asked() -> None:
    """The opened finding names it, and its content is told only for the asking."""
    told: list[tuple[str, Any]] = []
    session = Session(record=beside(recorded()), read=read(PAGE))
    session.subscribe(lambda name, value: told.append((name, value)))
    session._do({"name": "open", "value": "quality.missing"})
    session._do({"name": "attachment", "value": NAME})
    session._do({"name": "attachment", "value": 3})

    assert [name for name, _ in told] == ["detail", "attachment"]
    assert [a["name"] for a in told[0][1]["attachments"]] == [NAME]
    assert "deep" not in str(told[0][1])
    assert told[1][1]["page"] == PAGE.decode()
    session.close()


def test_the_views_only_frame_is_sandboxed() -> None:
    """No view makes a frame that may run scripts or has an origin; the browser's test sees that nothing runs."""
    source = "\n".join(Path(f).read_text("utf-8") for f in view.VIEWS.glob("*.js"))
    frames = re.findall(r'h\("iframe", \{[^}]*\}', source)

    assert len(frames) == source.count("iframe") == 1
    assert 'sandbox: ""' in frames[0]
    assert not re.search(r"allow-scripts|allow-same-origin|\bsrc:", source)

"""Notes of people: beside the record and never in its digest, shown as what they are, and never shared."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from workbench.audit.disclose import disclose
from workbench.audit.notes import MOST_LETTERS, Note, given_notes, notes_of
from workbench.audit.plan import load_plan, plan_of
from workbench.core.errors import ConfigError
from workbench.report.html import render_html
from workbench.report.notebook import section
from workbench.report.remarks import WHOSE
from workbench.report.share import share_bundle
from workbench.report.static import static_html
from workbench.report.verify import verify
from workbench.work import run_plan

RNG = np.random.default_rng(5)
DATA = pd.DataFrame(
    {"sex": RNG.choice(["F", "M"], 400), "score": RNG.random(400).round(3), "y": RNG.integers(0, 2, 400)}
)
CHECK = "bias.group_rates"
HOSTILE = "<script>alert(1)</script> \u202egnp\n\n  second & line </blockquote> 0.42"


def audit(data: pd.DataFrame = DATA, **more: Any) -> wb.Audit:
    """Return a small audit of two groups."""
    roles: dict[str, Any] = {"target": "y", "score": "score", "sensitive": "sex"}
    return wb.Audit(data, checks=[CHECK, "quality.profile"], **roles, **more)


def test_a_note_is_kept_outside_the_digest() -> None:
    """In record.json, read again, changed and taken away: the digest is the one without a note."""
    found = audit()
    plain = found.run()
    found.note(CHECK, "Seen by the board.", by="R. Reviewer")
    noted = found.record
    assert noted is not None
    assert noted.digest == plain.digest
    assert noted.content == plain.content
    again = wb.Record.from_json(noted.to_json())
    assert again.digest == plain.digest
    note = notes_of(again.beside)[CHECK]
    assert (note.text, note.by, note.record) == ("Seen by the board.", "R. Reviewer", plain.digest)
    assert note.when.endswith("+00:00")
    assert found.run().digest == plain.digest  # a note outlives another run of the same audit
    assert CHECK in notes_of(found.record.beside if found.record else {})
    found.note(CHECK, "  ")
    assert found.record is not None
    assert "notes" not in found.record.beside


def test_a_note_says_nothing_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who wrote it is empty unless it was given, whoever the computer says it is."""
    for name in ("USER", "LOGNAME", "USERNAME"):
        monkeypatch.setenv(name, "secretly-known")
    found = audit()
    found.run()
    found.note(CHECK, "A note.")
    assert found.record is not None
    assert found.notes[CHECK].by == ""
    assert b"secretly-known" not in found.record.to_json()


def test_what_is_no_note_is_told(tmp_path: Path) -> None:
    """No record, no such finding, too long a text, an unknown check, another shape; nothing changes."""
    found = audit()
    with pytest.raises(ConfigError, match="run the audit"):
        found.note(CHECK, "early")
    found.run()
    with pytest.raises(ConfigError, match=r"no finding of 'drift\.numeric'"):
        found.note("drift.numeric", "elsewhere")
    with pytest.raises(ConfigError, match="4\u202f000 letters"):
        found.note(CHECK, "x" * (MOST_LETTERS + 1))
    assert found.notes == {}
    for wrong in ({"bias.group_rate": "x"}, {CHECK: 3}, {CHECK: {"text": "x", "mood": "y"}}, {CHECK: ""}, ["x"]):
        with pytest.raises(ConfigError):
            audit(notes=wrong)
    with pytest.raises(ConfigError):
        plan_of({"data": "a.csv", "notes": {CHECK: {"words": "x"}}})
    assert given_notes({"B001": "by its code"}).keys() == {CHECK}


def test_old_and_damaged_records_load() -> None:
    """A record without notes, and one whose notes anybody wrote: only what is a note is taken."""
    record = audit().run()
    whole = json.loads(record.to_json())
    assert notes_of(whole["beside"]) == {}
    for damaged in (3, ["x"], {CHECK: 3, "a": None, "b": {"text": "x" * 9999}, "c": {"text": "t", "when": 5}}):
        whole["beside"]["notes"] = damaged
        again = wb.Record.from_json(json.dumps(whole))
        assert notes_of(again.beside) == {}
        assert again.digest == record.digest
        render_html(again)


def test_every_page_shows_it_as_a_note_of_a_person() -> None:
    """Report, static copy and notebook: escaped, with its lines, marked; a note on other numbers says so."""
    found = audit()
    found.run()
    found.note(CHECK, HOSTILE)
    assert found.record is not None
    pages = [render_html(found.record), static_html(found.record), section(found.record, "bias").html]
    for page in pages:
        assert page.count(WHOSE) == 1
        assert "<script>alert(1)" not in page
        assert "&lt;script&gt;alert(1)&lt;/script&gt; \\u202egnp" in page
        assert "<br><bdi>  second &amp; line &lt;/blockquote&gt; 0.42</bdi>" in page
        assert "on another result" not in page
    assert WHOSE in section(found.record, "bias").text
    assert WHOSE not in section(found.record, "quality").html
    other = audit(DATA[:300], notes=found.settings()["notes"]).run()
    assert "on another result than this one" in render_html(other)


def test_a_plan_brings_it_to_the_bundle_and_the_bundle_verifies(tmp_path: Path) -> None:
    """Run unattended: the note is in the record, the report and the notebook; verify finds nothing."""
    found = audit()
    digest = found.run().digest
    found.note(CHECK, HOSTILE)
    (tmp_path / "plan.yaml").write_text(found.plan(tmp_path / "files").to_yaml(), "utf-8")
    assert load_plan(tmp_path / "plan.yaml").notes[CHECK] == found.notes[CHECK]
    outcome = run_plan(tmp_path / "plan.yaml", folder=tmp_path / "bundle")
    assert outcome.record.digest == digest
    assert notes_of(outcome.record.beside)[CHECK].text == HOSTILE
    for name in ("report.html", "audit.ipynb"):
        assert WHOSE.encode() in (tmp_path / "bundle" / name).read_bytes()
    assert verify(tmp_path / "bundle") == []
    shared, lines = share_bundle(outcome.bundle, tmp_path / "shared")
    assert any("notes of people" in line for line in lines)
    for file in (tmp_path / "shared").iterdir():
        assert b"gnp" not in file.read_bytes(), file.name
        assert b"second &" not in file.read_bytes(), file.name
    assert verify(tmp_path / "shared") == []
    assert shared.record.digest != digest


def test_the_derivative_holds_no_note() -> None:
    """Free text is left out of what is shared, whatever it says."""
    found = audit()
    found.run()
    found.note(CHECK, "Ms Example of flat 3 complained.")
    assert found.record is not None
    assert b"complained" not in disclose(found.record).to_json()
    assert Note(text="x").model_dump(exclude_defaults=True) == {"text": "x"}


def test_a_narrowed_audit_has_no_note_of_the_whole() -> None:
    """A note is on what was seen; other rows, and another threshold, are other numbers."""
    found = audit()
    found.run()
    found.note(CHECK, "All rows.")
    assert found.where({"sex": "F"}).notes == {}
    assert found.edited(threshold=0.7).notes == {}
    assert found.with_checks([CHECK]).notes.keys() == {CHECK}

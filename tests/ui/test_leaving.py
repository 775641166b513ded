"""What leaves a session reproduces the screen: the exported notebook, and the code of the view."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

import workbench as wb
from tests.ui.test_session_steps import Watched, rows
from workbench.audit.notes import notes_of
from workbench.core.errors import ConfigError
from workbench.report import words
from workbench.report.execute import execute_notebook
from workbench.ui.code import code_of

RNG = np.random.default_rng(2)
N = 600
DATA = pd.DataFrame(
    {
        "sex": RNG.choice(["F", "M", "a=b & 'c'\\"], N),
        "area": RNG.choice(["north", "south"], N),
        "age": RNG.integers(18, 70, N),
        "score": RNG.random(N).round(3),
        "y": RNG.integers(0, 2, N),
    }
)
CHECKS = ["quality.profile", "bias.group_rates", "performance.classification", "performance.weak_segments"]
ROLES: dict[str, Any] = {"target": "y", "score": "score", "sensitive": ["sex", "area"]}


@pytest.fixture
def watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Watched]:
    """A session in a folder of its own, of data that the notebook calls `loans`."""
    monkeypatch.setenv("WORKBENCH_RUNS", str(tmp_path / "runs"))
    place = tmp_path / "here"
    place.mkdir()
    monkeypatch.chdir(place)
    found = Watched(audit=wb.Audit(DATA, checks=CHECKS, **ROLES), names=lambda: {"wb": wb, "loans": DATA})
    yield found
    found.session.close()


def digest(state: Any) -> str:
    """Return the digest on screen."""
    return str(state["overview"]["digest"])


def digest_of(code: str, **names: Any) -> str:
    """Run a cell and return the digest that its last line shows."""
    *lines, last = code.strip().splitlines()
    space: dict[str, Any] = dict(names)
    exec("\n".join(lines), space)  # noqa: S102 (the code under test)
    return str(eval(last, space))  # noqa: S307


def note(watched: Watched, check: str, text: str) -> Any:
    """Write a note, and return the finding as it is opened then."""
    watched.do("note", {"check": check, "text": text}, until="finished")
    return watched.do("open", check, until="detail")


def edited(watched: Watched) -> str:
    """Choose checks, run, narrow to an intersection by a click, move the threshold, note; return the digest."""
    watched.do("choose", CHECKS[1:])
    watched.run()
    detail = watched.do("open", "bias.group_rates", until="detail")
    tables = [*detail["tables"], *(c["table"] for c in detail["charts"])]
    every = [narrow for t in tables for narrow in t["narrow"] if narrow]
    both = next(n for n in every if len(n) == 2 and {c["value"] for c in n} == {"a=b & 'c'\\", "south"})
    watched.run("narrow", both)
    state = watched.run("cut", 0.7)
    note(watched, "bias.group_rates", "Asked the <b>board</b>.")
    return digest(state)


def test_the_export_gives_the_digest_on_screen(watched: Watched) -> None:
    """Filter, threshold, choice of checks and note: run headless, the notebook gives the same; the plan too."""
    shown = edited(watched)
    state = watched.do("export", "mine.ipynb")
    assert state["message"]["kind"] == "done"
    for name in ("mine.ipynb", "mine.plan.yaml", words.short_digest(shown)):
        assert name in state["message"]["text"]
    execute_notebook(nbformat.read("mine.ipynb", as_version=4), "run")
    record = wb.Record.from_json(Path("run", "record.json").read_bytes())
    assert record.digest == shown
    assert notes_of(record.beside)["bias.group_rates"].text == "Asked the <b>board</b>."
    assert "Asked the &lt;b&gt;board&lt;/b&gt;." in nbformat.writes(nbformat.read("run/audit.ipynb", as_version=4))
    assert wb.Audit.from_plan("mine.plan.yaml").run().digest == shown


def test_the_code_of_the_view_gives_the_digest_on_screen(watched: Watched) -> None:
    """It names the variable, and holds what was done on the screen; run as a cell, it is the same audit."""
    shown = edited(watched)
    code = watched.do("code", until="code")
    assert code["why"] == ""
    for text in ("    loans,\n", "threshold=0.7", "where=[", "checks=["):
        assert text in code["text"]
    assert "policy" not in code["text"]
    assert digest_of(code["text"], loans=DATA) == shown


def test_an_export_says_when_it_gives_something_else(watched: Watched) -> None:
    """Before a run, and after another choice of checks, no digest is promised."""
    assert "what Run gives here" in watched.do("export", "a.ipynb")["message"]["text"]
    watched.run()
    assert "the digest on screen" in watched.do("export", "a.ipynb")["message"]["text"]
    watched.do("choose", CHECKS[:1])
    assert "what Run gives here" in watched.do("export", "a.ipynb")["message"]["text"]


@pytest.mark.parametrize(
    "name", ["../out.ipynb", "/tmp/out.ipynb", "a/b.ipynb", "..", ".ipynb", ".hidden.ipynb", "a\\b.ipynb", "a\nb.ipynb",
             "audit.py", "~/x.ipynb"]
)  # fmt: skip
def test_no_name_leads_out_of_the_folder(watched: Watched, name: str) -> None:
    """A path, a hidden file, a line break, another ending: told on the screen, and nothing is written anywhere."""
    state = watched.do("export", name)
    assert state["message"]["kind"] == "error"
    assert list(Path().iterdir()) == []
    assert not Path("..", "out.ipynb").exists()


def test_nothing_of_others_is_written_over(watched: Watched) -> None:
    """The screen says so, and a name of one's own works."""
    Path("audit.ipynb").write_text("mine", "utf-8")
    state = watched.do("export", "")
    assert "is there already" in state["message"]["text"]
    assert Path("audit.ipynb").read_text("utf-8") == "mine"


def test_a_note_is_shown_saved_and_taken_away(watched: Watched) -> None:
    """In the opened finding, marked; its text as it was written, to be edited; the digest and the edits stay."""
    shown = digest(watched.run())
    detail = note(watched, "quality.profile", " two\nlines ")
    assert (detail["check"], detail["note"]["lines"]) == ("quality.profile", ["two", "lines"])
    assert detail["note"]["said"].startswith("Note of a person, not a measurement")
    assert detail["note"]["text"] == " two\nlines "
    assert digest(watched.session.state()) == shown
    assert not watched.session.state()["rows"]["undo"]
    html, _ = watched.session.static()
    assert "<bdi>two</bdi><br><bdi>lines</bdi>" in html
    detail = note(watched, "quality.profile", "")
    assert detail["note"]["lines"] == []
    assert watched.do("note", {"check": "nothing", "text": "x"})["message"]["kind"] == "error"


def test_a_threshold_is_only_made_by_its_button(watched: Watched) -> None:
    """The slider shows and changes nothing; the button makes the audit at it; its chip and undo go back and forth."""
    before = watched.run()
    watched.do("threshold", 0.71, until="rates")
    after = watched.session.state()
    assert (digest(after), after["rows"]) == (digest(before), before["rows"])
    cut = watched.run("cut", 0.71)
    assert [c["id"] for c in cut["rows"]["chips"]] == ["threshold"]
    assert watched.do("look", {"bias": True}, until="bias")["audited"] == 0.71
    expected = wb.Audit(DATA, checks=CHECKS, threshold=0.71, **ROLES).run().digest
    assert digest(cut) == expected
    assert digest(watched.do("widen", "threshold")) == digest(before)
    assert digest(watched.do("undo")) == expected
    assert watched.do("cut", "x")["message"]["kind"] == "error"


def test_a_click_on_a_bin_and_on_a_segment(watched: Watched) -> None:
    """Rows of tables have conditions; the audit of those rows has as many as were counted."""
    watched.run()
    detail = watched.do("open", "quality.profile", until="detail")
    table = next(c["table"] for c in detail["charts"] if c["title"].startswith("Distribution of age"))
    assert len(table["narrow"]) == len(table["rows"])
    low, high = (c["value"] for c in table["narrow"][3])
    state = watched.run("narrow", table["narrow"][3])
    assert f"{int(((DATA.age >= low) & (DATA.age < high)).sum())} rows" in rows(state)
    watched.do("undo")
    detail = watched.do("open", "performance.weak_segments", until="detail")
    segments = next(t for t in detail["tables"] if "segment" in t["columns"])
    assert "conditions" not in segments["columns"]
    assert all(segments["narrow"])
    weak = watched.do("look", {"performance": True}, until="performance")["weak"]["rows"]
    by_name = dict(zip((row[0] for row in segments["rows"]), segments["narrow"], strict=True))
    assert {r["name"]: r["narrow"] for r in weak} == by_name


def test_a_record_that_is_only_read_has_nothing_to_click() -> None:
    """In the app no rows are there to narrow: no conditions, no code, no note."""
    record = wb.Audit(DATA, checks=CHECKS, **ROLES).run()
    found = Watched(record=record)
    detail = found.do("open", "bias.group_rates", until="detail")
    assert all(m["narrow"] is None for m in detail["measures"])
    assert all(not t["narrow"] for t in [*detail["tables"], *(c["table"] for c in detail["charts"])])
    found.session.act({"name": "code"})
    found.session.act({"name": "note", "value": {"check": "bias.group_rates", "text": "x"}})
    assert found.do("open", "bias.group_rates", until="detail")["note"]["text"] == ""
    found.session.close()


# ---------------------------------------------------------------------------- code


def test_code_names_files_and_models(tmp_path: Path) -> None:
    """Files by their names, a model by its variable, options that differ; the digest is the same."""
    file = tmp_path / "it's.csv"
    DATA.to_csv(file, index=False)
    model = LogisticRegression().fit(DATA[["age"]], DATA["y"])
    audit = wb.Audit(
        file, reference=[file], model=model, target="y", sensitive="sex", ignore=["score"], seed=3, title="Über 'x'",
        windows={"rows": 200}, checks={"drift.numeric": {"bins": 5}, "quality.profile": None},
        policy={"minimum_group_size": 20, "rules": []},
    )  # fmt: skip
    code = code_of(audit, {"clf": model})
    assert "model=clf" in code
    assert "'bins': 5" in code
    assert digest_of(code, clf=model) == audit.run().digest


def test_code_of_what_has_no_name() -> None:
    """By the audit that holds it, where that has a name; else the sentence says what to do."""
    audit = wb.Audit(DATA.copy(), checks=["quality.profile"])
    code = code_of(audit, {"first": audit, "_": audit.given["data"]})
    assert "first.given['data']" in code
    assert digest_of(code, first=audit) == audit.run().digest
    with pytest.raises(ConfigError, match="has no name in this notebook"):
        code_of(audit, {})


def test_code_of_a_contract_as_decided() -> None:
    """The contract of the screen is written out, not the file as it was."""
    contract = {"columns": {"age": {"type": "integer", "maximum": 60}}}
    audit = wb.Audit(DATA, checks=["quality.contract", "quality.profile"], contract=contract)
    code = code_of(audit, {"loans": DATA})
    assert "contract=" in code
    assert digest_of(code, loans=DATA) == audit.run().digest

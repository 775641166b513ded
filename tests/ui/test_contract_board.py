"""The table in which a contract's rules are decided: its acts, its mistakes, what became of the rules, its twin."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

import workbench as wb
from tests.contracts.test_decide import HOSTILE
from workbench.audit.contracts import load_contract
from workbench.core.contract import Contract
from workbench.core.contract_judge import judge_data
from workbench.core.errors import ConfigError, DataError
from workbench.core.frame import wrap
from workbench.ui import contract_payload, view
from workbench.ui.contract_board import ContractBoard
from workbench.ui.session import Session

ABOUT = {
    "columns": {"age": {"type": "integer", "state": "proposed"}, "job": {"type": "text"}},
    "rules": [
        {"rule": "range", "column": "age", "minimum": 18, "maximum": 60, "state": "proposed",
         "evidence": {"n": 9, "share": 1.0, "seen": "18 to 60"}},
        {"rule": "not_null", "column": "job", "state": "proposed"},
    ],
}  # fmt: skip
CONTRACT = Contract.from_dict(ABOUT)
DATA = pd.DataFrame({"who": ["p0", "p1", "p2", "p3"], "age": [18, 61, 99, 60], "job": ["x", None, "y", "y"]})


def states(board):
    return {row["key"]: row["state"] for row in board.state()["rows"]}


def row_of(state, key):
    return next(row for row in state["rows"] if row["key"] == key)


def test_acts_decide_and_mistakes_change_nothing(tmp_path):
    board = ContractBoard(CONTRACT, path=tmp_path / "c.yaml")
    state = board.state()
    assert [row["key"] for row in state["rows"]] == ["age", "age: range", "job", "job: not null"]
    row = row_of(state, "age: range")
    assert (row["rule"], row["evidence"]) == ("age is at least 18 and at most 60", "18 to 60; 9 rows")
    assert row["fields"] == "{column: age, minimum: 18, maximum: 60}"
    assert row["here"] is None
    board.act({"name": "accept", "keys": ["age"]})
    board.act({"name": "reject", "keys": ["job: not null"]})
    board.act({"name": "edit", "key": "age: range", "text": "{column: age, minimum: 0, maximum: 60}"})
    expected = {"age": "accepted", "job": "accepted", "age: range": "accepted", "job: not null": "rejected"}
    assert states(board) == expected
    decided = board.contract
    for wrong in (
        {"name": "accept", "keys": ["agee"]}, {"name": "exec"}, {}, {"name": "edit", "key": "age: range", "text": "["},
        {"name": "edit", "key": "age: range", "text": "{minimum: 99}"}, {"name": "edit", "key": "no", "text": "{}"},
        {"name": "edit", "key": "age: range", "text": "!!python/object/apply:os.system ['true']"},
        {"name": "edit", "key": "age: range", "text": "{1: 2}"}, {"name": "check"},
        {"name": "edit", "key": "age: range", "text": "{contract: {}, key: x}"},
        {"name": "edit", "key": "age", "text": "{type: exec}"},
    ):  # fmt: skip
        board.act(wrong)
        assert board.state()["problem"], wrong
        assert board.state()["message"], wrong
        assert board.contract == decided
    assert board.state()["unsaved"]
    board.act({"name": "save"})
    assert not board.state()["unsaved"]
    assert load_contract(tmp_path / "c.yaml") == decided
    assert [p.name for p in tmp_path.iterdir()] == ["c.yaml"]  # no half of a file beside it
    board.act({"name": "edit", "key": "age", "text": "{type: number, required: false}"})
    assert (board.contract.columns["age"].type, board.contract.columns["age"].required) == ("number", False)


def test_a_file_that_cannot_be_written_stays_and_is_told(tmp_path, monkeypatch):
    file = tmp_path / "c.yaml"
    file.write_text("as it was")
    board = ContractBoard(CONTRACT, path=file)
    board.act({"name": "accept", "keys": ["age"]})

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("workbench.core.writing.os.fsync", full)
    board.act({"name": "save"})
    assert "No space left on device" in board.state()["message"]
    assert board.state()["unsaved"]
    assert file.read_text() == "as it was"
    assert list(tmp_path.iterdir()) == [file]


def test_what_became_of_each_rule_follows_its_state():
    board = ContractBoard(CONTRACT, judge=lambda c: judge_data(wrap(DATA), c))
    board.act({"name": "check"})
    assert board.state()["message"] == "2 of 4 rules hold on 4 rows."
    here = row_of(board.state(), "age: range")["here"]
    assert (here["outcome"], here["count"]) == ("warn", "2 of 4")
    assert here["shown"] == "50.0% [15.0, 85.0]"  # Wilson's interval of 2 of 4: 0.5 -+ 0.35
    board.act({"name": "accept", "keys": ["age: range"]})
    assert row_of(board.state(), "age: range")["here"]["outcome"] == "fail"
    board.act({"name": "reject", "keys": ["age: range"]})
    assert row_of(board.state(), "age: range")["here"] is None
    board.act({"name": "edit", "key": "age: range", "text": "{maximum: 99}"})
    assert row_of(board.state(), "age: range")["here"] is None  # not judged since
    assert row_of(board.state(), "job: not null")["here"]["outcome"] == "warn"
    board.act({"name": "check"})
    here = row_of(board.state(), "age: range")["here"]
    assert (here["outcome"], here["count"], here["shown"][:6]) == ("pass", "0 of 4", "0% [0,")


def test_the_twin_holds_names_as_data():
    board = ContractBoard(Contract.from_dict({"columns": {name: {"nullable": False} for name in HOSTILE}}))
    html, text = board.static()
    assert "<script" not in html
    assert "&lt;script&gt;" in html
    assert "\u202e" not in text + html + json.dumps(board.state()["rows"][0]["rule"], ensure_ascii=False)


def test_the_door_shows_a_file_with_data_and_saves_it(tmp_path):
    file = tmp_path / "c.yaml"
    file.write_text(yaml.safe_dump(ABOUT))
    widget = wb.open_contract(file, DATA, id="who")
    here = row_of(widget.state, "age: range")["here"]
    assert (here["outcome"], here["rows"]) == ("warn", "p1, p2")
    widget.act = {"name": "decide", "value": {"name": "accept", "keys": ["age: range"]}}
    assert row_of(widget.state, "age: range")["state"] == "accepted"
    widget.act = {"name": "decide", "value": {"name": "save"}}
    assert load_contract(file) == widget.contract != CONTRACT
    data, _ = widget._repr_mimebundle_()
    assert "<table>" in data["text/html"]
    assert "p1, p2" in data["text/plain"]
    secret = {**ABOUT, "columns": {**ABOUT["columns"], "who": {"sensitive": True}}}
    widget = wb.open_contract(secret, DATA, id="who")
    assert row_of(widget.state, "age: range")["here"]["rows"] == "2, 3"
    assert wb.open_contract(secret).state["can_check"] is False
    with pytest.raises(ConfigError, match="contract"):
        wb.open_contract(tmp_path / "none.yaml")
    with pytest.raises(DataError):
        wb.open_contract(secret, str(tmp_path / "none.parquet"))


def test_a_rule_on_a_hidden_column_tells_no_limit():
    about = {"columns": {"pay": {"sensitive": True, "maximum": 12345, "allowed": [777]}}}
    found = judge_data(wrap(pd.DataFrame({"pay": [1, 99999]})), Contract.from_dict(about))
    assert [r.sentence for r in found.rules] == ["pay is a column of the data", "pay: range", "pay: allowed values"]


@pytest.fixture
def audit(tmp_path):
    rng = np.random.default_rng(0)
    data = pd.DataFrame({"id": [f"p{i}" for i in range(60)], "age": [99, *range(18, 77)], "y": rng.integers(0, 2, 60)})
    file = tmp_path / "c.yaml"
    rules = [{"rule": "range", "column": "age", "maximum": 90, "state": "proposed"},
             {"rule": "mean", "column": "age", "maximum": 40, "state": "proposed"}]  # fmt: skip
    file.write_text(yaml.safe_dump({"columns": {"age": {}}, "rules": rules}))
    return wb.Audit(data, target="y", id="id", contract=file, checks=["quality.contract"])


def ran(session):
    """Run the session's audit, in its worker, to the end."""
    ended = threading.Event()
    session.subscribe(lambda name, _: ended.set() if name == "finished" else None)
    session.act({"name": "run"})
    assert ended.wait(60)


def test_decisions_in_the_workbench_hold_from_the_next_run_on(audit, tmp_path, monkeypatch):
    monkeypatch.setenv("WORKBENCH_RUNS", str(tmp_path / "runs"))
    session = Session(audit)
    assert row_of(session.state()["contract"], "age: range")["here"] is None
    ran(session)
    before = session.record.digest
    here = row_of(session.state()["contract"], "age: range")["here"]
    assert (here["outcome"], here["count"], here["rows"]) == ("warn", "1 of 60", "p0")
    assert row_of(session.state()["contract"], "age: mean")["here"]["shown"] == "47.9"  # (99 + 18 + ... + 76) / 60
    session._do({"name": "decide", "value": {"name": "accept", "keys": ["age: range"]}})
    assert row_of(session.state()["contract"], "age: range")["here"]["outcome"] == "fail"
    assert session.record.digest == before
    ran(session)
    assert session.record.digest != before
    assert {m.name: m.value for m in session.record.findings[0].measures[:2]} == {
        "broken_rules": 1, "broken_proposals": 1
    }  # fmt: skip
    assert load_contract(audit.plan(tmp_path / "kept").contract).rules[0].state == "accepted"
    session._do({"name": "decide", "value": {"name": "save"}})
    assert load_contract(tmp_path / "c.yaml").rules[0].state == "accepted"
    session._do({"name": "decide", "value": "nothing"})
    session.close()


def test_a_finished_record_shows_its_contract_and_takes_no_decision(audit):
    record = audit.run()
    session = Session(record=record)
    state = session.state()["contract"]
    assert state["decide"] is False
    assert "named by id" in state["sentence"]
    row = row_of(state, "age: range")
    assert (row["rule"], row["state"], row["here"]["rows"]) == ("age is at most 90", "proposed", "p0")
    assert row["here"]["shown"].startswith("1.67% [")
    session._do({"name": "decide", "value": {"name": "accept", "keys": ["age: range"]}})
    assert session.state()["contract"] == state
    assert contract_payload.of_finished(wb.Audit(DATA[["age"]], checks=["quality.missing"]).run()) is None


def test_no_id_of_a_row_is_in_what_may_be_shared(audit):
    record = audit.run()
    assert "p0" in str(record.findings)
    shared = wb.disclose(record)
    assert "p0" not in str(shared.findings)
    assert shared.findings[0].measures[1].value == 2
    assert contract_payload.of_finished(shared) is None


def test_ids_that_are_hidden_are_told_nowhere():
    data = pd.DataFrame({"id": ["secret"] * 12, "age": [99] * 12})
    rules = {"columns": {"age": {"maximum": 1}, "id": {"pattern": "x", "sensitive": True}}}
    record = wb.Audit(data, id="id", contract=rules, checks=["quality.contract"]).run()
    assert "secret" not in str(record.findings)
    assert "an `id`" in record.findings[0].notes[0]
    row = row_of(contract_payload.of_finished(record), "age: range")
    assert (row["here"]["count"], row["here"]["rows"]) == ("12 of 12", "")


def test_the_view_is_one_module_of_files_that_share_no_name():
    for parts, shown in ((view.PARTS, 1), (view.CONTRACT_ALONE, 1), ((*view.PARTS, "served.js"), 1), (view.SERVED, 0)):
        source = view.module(parts)
        assert "import {" not in source
        assert source.count("export default") == shown
        names = [line.split()[1] for line in source.splitlines() if line.startswith(("const ", "function "))]
        assert len(names) == len(set(names))
    assert {p.name for p in Path(view.VIEWS).glob("*.js")} == {*view.PARTS, *view.CONTRACT_ALONE, *view.SERVED}

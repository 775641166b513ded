"""The table in which a contract's rules are decided: its acts, its mistakes, its static twin."""

from __future__ import annotations

from tests.contracts.test_decide import HOSTILE
from workbench.audit.contracts import load_contract
from workbench.core.contract import Contract
from workbench.ui.contract_board import ContractBoard
from workbench.ui.widgets.contract_widget import ContractWidget

CONTRACT = Contract.from_dict(
    {
        "columns": {"age": {"type": "integer", "state": "proposed"}, "job": {"type": "text"}},
        "rules": [
            {"rule": "range", "column": "age", "minimum": 18, "maximum": 60, "state": "proposed",
             "evidence": {"n": 9, "share": 1.0, "seen": "18 to 60"}},
            {"rule": "not_null", "column": "job", "state": "proposed"},
        ],
    }
)  # fmt: skip


def states(board):
    return {row["key"]: row["state"] for row in board.state()["rows"]}


def test_acts_decide_and_mistakes_change_nothing(tmp_path):
    board = ContractBoard(CONTRACT)
    assert board.state()["open"] == 3
    row = next(r for r in board.state()["rows"] if r["key"] == "age: range")
    assert (row["seen"], row["fields"]) == ("18 to 60", "{column: age, minimum: 18, maximum: 60}")
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
        {"name": "edit", "key": "age: range", "text": "{1: 2}"},
    ):  # fmt: skip
        board.act(wrong)
        assert board.message
        assert board.contract == decided
    board.save(tmp_path / "c.yaml")
    assert load_contract(tmp_path / "c.yaml") == decided
    assert next(r for r in decided.rules if r.key == "age: range").bounds == {"minimum": 0, "maximum": 60}


def test_the_twin_holds_names_as_data():
    board = ContractBoard(Contract.from_dict({"columns": {name: {"nullable": False} for name in HOSTILE}}))
    html, text = board.static()
    assert "<script" not in html
    assert "&lt;script&gt;" in html
    assert "\u202e" not in text


def test_the_widget_tells_the_board_and_shows_what_became_of_it():
    widget = ContractWidget(CONTRACT)
    widget.act = {"name": "accept", "keys": ["age: range"], "at": 1}
    assert {r["key"]: r["state"] for r in widget.state["rows"]}["age: range"] == "accepted"
    assert widget.contract.rules[0].state == "accepted"
    data, _ = widget._repr_mimebundle_()
    assert "<table>" in data["text/html"]

"""The board of rules: sent once a record, whole however many there are, with small messages."""

from __future__ import annotations

import base64
import json
import zlib
from dataclasses import replace
from typing import Any

import pytest

import workbench as wb
from tests.browser.test_bad_input import frame
from tests.browser.test_many_rules import many
from tests.report.records import record as of_every_outcome
from tests.ui.test_running import Screen
from workbench.report.shown import show
from workbench.ui import board
from workbench.ui.session import Session


def rows_of(told: dict[str, Any]) -> list[dict[str, Any]]:
    """Return every row, unpacked by other code than what packed it."""
    if not told["rest"]:
        return list(told["rows"])
    columns = json.loads(zlib.decompress(base64.b64decode(told["rest"])))
    rest = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
    return [*told["rows"], *rest]


@pytest.mark.parametrize("count", [1, board.PAGE, board.PAGE + 1, 5_000])
def test_each_judgement_is_there_once_the_worst_first(count: int) -> None:
    told = board.board(show(many(count)))
    rows = rows_of(told)
    assert told["total"] == len(rows) == count
    assert len(told["rows"]) == min(count, board.PAGE)
    assert sorted(r["title"].split()[-1] for r in rows) == sorted(str(i) for i in range(count))
    places = ["fail", "cannot_tell", "pass"]
    assert [places.index(r["outcome"]) for r in rows] == sorted(places.index(r["outcome"]) for r in rows)
    assert set(told["outcomes"]) == {r["outcome"] for r in rows}
    assert len(json.dumps(told)) < 300_000


def test_beyond_the_most_the_total_is_still_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(board, "MOST_ROWS", 300)
    told = board.board(show(many(1_000)))
    assert (told["total"], len(rows_of(told))) == (1_000, 300)
    assert {r["outcome"] for r in rows_of(told)} == {"fail"}


def test_numbers_of_small_groups_are_not_on_the_board() -> None:
    judged = [j for j in show(of_every_outcome()).judgements if j.judgement.value is not None]
    assert len(judged) > 3
    for j in judged:
        assert board.row(j)["shown"]
        row = board.row(replace(j, hidden=True))
        assert (row["value"], row["low"], row["high"], row["shown"], row["n_shown"]) == (None, None, None, "", "")


def test_the_board_is_told_once_a_result() -> None:
    """Not with each message: a choice of checks tells the state, and only another result tells a board."""
    session = Session(wb.Audit(frame(60), checks=["quality.missing", "quality.duplicates"]))
    screen = Screen(session)
    try:
        assert session.parts()["board"] == {}
        session.act({"name": "run"})
        first = screen.until_phase("done")["overview"]["digest"]
        names = [name for _, name, _ in screen.told]
        assert names.count("board") == 1
        assert names.index("board") < len(names) - 1 - names[::-1].index("state")  # before the state that shows it
        assert screen.last("board")["digest"] == first
        assert "board" not in screen.last("state")["overview"]

        session.act({"name": "note", "value": {"check": "quality.missing", "text": "Seen."}})
        screen.until(lambda: "note is kept" in screen.last("state")["message"].get("text", ""))
        assert [name for _, name, _ in screen.told].count("board") == 1
        session.act({"name": "choose", "value": ["quality.missing"]})
        session.act({"name": "run"})
        screen.until(lambda: (screen.last("board") or {}).get("digest") not in (first, None), 60)
        assert screen.last("board")["digest"] == screen.until_phase("done")["overview"]["digest"]
    finally:
        session.close()

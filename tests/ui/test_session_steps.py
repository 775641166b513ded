"""A session narrows rows, goes back without running, and compares records; a reviewer's names no other folder."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from workbench.core.finding import group_label
from workbench.ui.earlier import Earlier
from workbench.ui.session import Session

RNG = np.random.default_rng(1)
DATA = pd.DataFrame(
    {
        "sex": RNG.choice(["F", "M"], 400),
        "age": RNG.integers(18, 70, 400),
        "score": RNG.random(400).round(3),
        "y": RNG.integers(0, 2, 400),
    }
)
CHECKS = ["quality.profile", "bias.group_rates"]


class Watched:
    """A session, and what it tells; `do` waits until something of a name is told."""

    def __init__(self, **options: Any) -> None:
        self.session = Session(**options)
        self.told: list[tuple[str, Any]] = []
        self._heard = threading.Condition()
        self.session.subscribe(self._hear)

    def _hear(self, name: str, value: Any) -> None:
        with self._heard:
            self.told.append((name, value))
            self._heard.notify_all()

    def do(self, act: str, value: Any = None, until: str = "state") -> Any:
        """Act, and return the first thing of a name that is told after it (a run: when it has ended)."""
        with self._heard:
            before = len(self.told)
            self.session.act({"name": act, "value": value})
            found = self._heard.wait_for(lambda: [v for n, v in self.told[before:] if n == until], 60)
        return found[0]

    def run(self, act: str = "run", value: Any = None) -> Any:
        """Act, wait for the end of the run that it starts, and return the state."""
        self.do(act, value, until="finished")
        return self.session.state()


@pytest.fixture
def watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Watched]:
    """A session over a small audit."""
    monkeypatch.setenv("WORKBENCH_RUNS", str(tmp_path / "runs"))
    audit = wb.Audit(DATA, target="y", score="score", sensitive="sex", checks=CHECKS)
    found = Watched(audit=audit)
    yield found
    found.session.close()


def rows(state: Any) -> str:
    """Return the words on the data of the record on screen."""
    return str(state["overview"]["data"])


def test_a_click_on_a_group_narrows_and_runs(watched: Watched) -> None:
    """Its rows alone are measured; back and forth shows the same records without another run."""
    whole = watched.run()["overview"]["digest"]
    narrowed = watched.run("narrow", {"group": group_label(["sex"], ["F"])})
    assert f"{int((DATA.sex == 'F').sum())} rows" in rows(narrowed)
    assert "only rows where sex is F" in rows(narrowed)
    assert narrowed["rows"] == {"chips": [{"id": 0, "words": "sex is F", "own": False}], "undo": True, "redo": False}
    assert watched.do("undo")["overview"]["digest"] == whole
    assert watched.do("redo")["overview"]["digest"] == narrowed["overview"]["digest"]
    assert watched.do("widen", 0)["overview"]["digest"] == whole
    assert watched.do("redo")["rows"]["redo"] is False
    expected = wb.Audit(DATA, target="y", score="score", sensitive="sex", where={"sex": "F"}, checks=CHECKS)
    assert narrowed["overview"]["digest"] == expected.run().digest


def test_before_the_first_run_nothing_runs(watched: Watched) -> None:
    """Rows can be chosen first; then the run is of them, and so is the export."""
    state = watched.do("narrow", [{"column": "age", "operator": ">=", "value": 40}])
    assert (state["phase"], state["overview"]) == ("idle", None)
    assert f"{int((DATA.age >= 40).sum())} rows" in rows(watched.run())


def test_a_step_that_cannot_be_is_told_and_moves_nothing(watched: Watched) -> None:
    """A value of another kind, an unknown column, no conditions at all, a position that is not there."""
    watched.run()
    for act, value in (
        ("narrow", {"group": "nobody=x"}), ("narrow", [{"column": "age", "value": "old"}]), ("narrow", "sex == 'F'"),
        ("narrow", None), ("widen", 3),
    ):  # fmt: skip
        state = watched.do(act, value)
        assert state["message"]["kind"] == "error"
        assert state["rows"]["chips"] == []


def test_too_few_rows_are_an_error_on_screen(watched: Watched) -> None:
    """The sentence says what to do, and undo leads back."""
    whole = watched.run()["overview"]["digest"]
    watched.do("narrow", [{"column": "age", "operator": ">", "value": 1000}])
    for _ in range(200):
        state = watched.session.state()
        if state["phase"] == "error":
            break
        threading.Event().wait(0.05)
    assert "fewer than 10 rows" in state["message"]["text"]
    assert watched.do("undo")["overview"]["digest"] == whole


def test_runs_are_compared_with_each_other(watched: Watched, tmp_path: Path) -> None:
    """Each record but the one on screen is offered; a bundle by its path too; a wrong path is told."""
    watched.run()
    state = watched.run("narrow", {"group": "sex=M"})
    assert len(state["earlier"]) == 1
    found = watched.do("compare", state["earlier"][0]["id"], until="comparison")
    assert (found["after"]["data"], "sex" in found["before"]["data"]) == (rows(state), False)
    assert not found["same"]
    assert "where changed" in found["about"]
    assert found["moved"]
    assert watched.do("compare", str(tmp_path / "nowhere"))["message"]["kind"] == "error"


def test_a_reviewer_names_no_folder(tmp_path: Path) -> None:
    """In the app only listed bundles are opened; a path is refused, whatever it holds."""
    record = wb.Audit(DATA, checks=["quality.profile"]).run()
    other = wb.Audit(DATA[:200], checks=["quality.profile"]).run()
    found = Watched(record=record, earlier=Earlier({"other": lambda: other}))
    assert found.do("compare", "other", until="comparison")["total"] > 0
    for name in (str(tmp_path), "/", "../other", "", None):
        assert "choose a record of the list" in found.do("compare", name)["message"]["text"]
    assert found.session.state()["earlier"] == [{"id": "other", "words": "bundle other"}]
    found.session.close()


def test_a_run_in_a_cell_is_on_the_screen_that_is_there() -> None:
    """`audit.run()` after `audit` shows the same record on the screen above; a screen on other rows stays with them."""
    audit = wb.Audit(DATA, target="y", score="score", sensitive="sex", checks=["bias.group_rates"])
    session = Session(audit)
    told: list[str] = []
    session.subscribe(lambda name, _: told.append(name))
    record = audit.run()

    assert session.record is record
    assert session.state()["phase"] == "done"
    assert "finished" in told
    audit.with_checks(["bias.group_rates"]).run()
    assert session.record is record
    session.close()


def test_a_screen_that_is_gone_is_not_told() -> None:
    """A run tells nobody who is not there any more."""
    audit = wb.Audit(DATA, target="y", checks=["quality.missing"])
    session = Session(audit)
    gone = weakref.ref(session)
    del session
    gc.collect()
    assert gone() is None
    assert audit.run() is audit.record

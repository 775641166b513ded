"""A screen says when the notebook's variables hold something else than what it is of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

import workbench as wb
from workbench.ui.session import Session
from workbench.ui.widgets import variables
from workbench.ui.widgets.variables import Variables


class Shell:
    """What IPython gives: a namespace, and events."""

    def __init__(self) -> None:
        self.user_ns: dict[str, Any] = {}
        self.events = self
        self.heard: list[Callable[..., None]] = []

    def register(self, _: str, f: Callable[..., None]) -> None:
        self.heard.append(f)

    def unregister(self, _: str, f: Callable[..., None]) -> None:
        self.heard.remove(f)

    def cell(self, **names: Any) -> None:
        """Run a cell that binds names."""
        self.user_ns |= names
        for f in list(self.heard):
            f(None)


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch) -> Shell:
    found = Shell()
    monkeypatch.setattr(variables, "_shell", lambda: found)
    return found


def test_a_variable_that_was_replaced_is_named_once_and_taken_back(shell: Shell) -> None:
    """Equal is not enough: it is another object; bound to the first again, nothing is stale."""
    data, told = pd.DataFrame({"a": range(20)}), []
    shell.user_ns = {"df": data, "same": data, "_3": data, "other": 1}
    watched = Variables({"data": data, "reference": None, "model": "m.skops"}, told.append)
    shell.cell(other=2, _3=None)
    assert told == []
    shell.cell(df=data.copy())
    shell.cell(other=3)
    assert told == [["df"]]
    shell.cell(df=data)
    assert told == [["df"], []]
    watched.close()
    shell.cell(df=None, same=None)
    assert told == [["df"], []]
    assert shell.heard == []


def test_the_session_marks_it(shell: Shell) -> None:
    """The state names it, as plain text."""
    data = pd.DataFrame({"a": range(20)})
    shell.user_ns = {"df": data}
    session = Session(wb.Audit(data, checks=["quality.profile"]))
    watched = Variables({"data": data}, session.stale)
    assert session.state()["stale"] == []
    shell.cell(df=0)
    assert session.state()["stale"] == ["df"]
    watched.close()
    session.close()


def test_without_a_shell_nothing_is_watched(monkeypatch: pytest.MonkeyPatch) -> None:
    """A script, a test, a worker."""
    monkeypatch.setattr(variables, "_shell", lambda: None)
    told: list[list[str]] = []
    watched = Variables({"data": object()}, told.append)
    watched._look()
    watched.close()
    assert told == []

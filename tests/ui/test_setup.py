"""Setting an audit up by clicking: what is offered, guessed, changed, refused and built."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.linear_model import LogisticRegression

import workbench as wb
from workbench.ui.session import Session
from workbench.ui.setup import ROLES, Setup

RNG = np.random.default_rng(0)
DATA = pd.DataFrame(
    {
        "income": RNG.normal(size=300).round(3),
        "Sex": RNG.choice(["F", "M"], 300),
        "outcome": RNG.choice(["Yes", "No"], 300),
        "score": RNG.random(300).round(3),
        "\u202e<b>": RNG.integers(0, 3, 300),
    }
)
MODEL = LogisticRegression().fit(DATA[["income"]], DATA["outcome"])


class Screen:
    """A screen over some variables, which waits for each act to be done."""

    def __init__(self, **names: Any) -> None:
        self.names = names
        self.setup = Setup(wb.Audit, lambda: self.names)
        self.told: list[dict[str, Any]] = []
        self._done = threading.Event()
        self.setup.subscribe(self._hear)

    def _hear(self, name: str, value: Any) -> None:
        if name == "state":
            self.told.append(value)
            self._done.set()

    def act(self, name: str, value: Any = None) -> dict[str, Any]:
        """Do something and return what the screen shows then."""
        self._done.clear()
        self.setup.act({"name": name, "value": value})
        assert self._done.wait(20)
        found: dict[str, Any] = self.told[-1]
        return dict(found.get("setup", found))

    def pick(self, what: str, name: str) -> dict[str, Any]:
        """Choose data, reference or model."""
        return self.act("pick", {"what": what, "name": name})


def roles(shown: dict[str, Any]) -> dict[str, str]:
    """Return the columns that are no features, with their role."""
    return {c["name"]: c["role"] for c in shown["columns"] if c["role"] != "feature"}


def test_variables_are_offered_by_kind() -> None:
    """Frames of every library and fitted models, not classes, modules, private names or anything else."""
    screen = Screen(df=DATA, small=pl.DataFrame({"a": [1]}), model=MODEL, Kind=LogisticRegression, _hidden=DATA, n=3)
    shown = screen.setup.state()["setup"]
    assert [f["words"] for f in shown["frames"]] == ["df (DataFrame, 300 × 5)", "small (DataFrame, 1 × 1)"]
    assert [m["name"] for m in shown["models"]] == ["model"]
    screen.names["later"] = DATA
    assert len(screen.act("refresh")["frames"]) == 3


def test_roles_are_guessed_and_said_to_be() -> None:
    """From names and first values; each guess is marked, and what is missing is named with its cost."""
    shown = Screen(df=DATA).pick("data", "df")
    assert roles(shown) == {"Sex": "sensitive", "outcome": "target", "score": "score"}
    assert [c["name"] for c in shown["columns"] if c["guess"]] == ["Sex", "outcome", "score"]
    assert (shown["positive"], shown["values"]) == ("Yes", ["No", "Yes"])
    assert shown["missing"] == ["no reference: drift is not measured"]
    assert "\u202e" not in shown["columns"][4]["shown"]


def test_a_role_that_one_column_has_moves() -> None:
    """Two columns cannot both be the target; several can be sensitive; another target needs another positive value."""
    screen = Screen(df=DATA)
    screen.pick("data", "df")
    shown = screen.act("role", {"column": "Sex", "role": "target"})
    assert roles(shown) == {"Sex": "target", "score": "score"}
    assert (shown["positive"], shown["values"]) == ("", ["F", "M"])
    assert "say which value of the target is positive" in shown["missing"]
    shown = screen.act("role", {"column": "outcome", "role": "sensitive"})
    shown = screen.act("role", {"column": "\u202e<b>", "role": "sensitive"})
    assert sorted(c for c, r in roles(shown).items() if r == "sensitive") == ["outcome", "\u202e<b>"]
    assert roles(screen.act("role", {"column": "outcome", "role": "feature"})).get("outcome") is None
    for wrong in ({"column": "nobody", "role": "target"}, {"column": "income", "role": "king"}, {}, "x", None):
        assert roles(screen.act("role", wrong)) == roles(screen.setup.state()["setup"])


def test_start_builds_the_audit_that_the_code_builds() -> None:
    """The screen becomes that audit's workbench; its code gives the same digest."""
    screen = Screen(df=DATA, before=DATA[::-1], model=MODEL)
    screen.pick("data", "df")
    screen.pick("reference", "before")
    screen.pick("model", "model")
    screen.act("role", {"column": "score", "role": "ignore"})
    code = screen.setup.state()["setup"]["code"]
    shown = screen.act("start")
    assert shown["can_run"]
    assert shown["about"]["model"] == "LogisticRegression"
    audit = screen.setup.audit
    assert audit is not None
    again = eval(code, {"wb": wb, **screen.names})  # noqa: S307
    few = ["quality.profile", "bias.group_rates", "performance.classification"]
    assert again.with_checks(few).run().digest == audit.with_checks(few).run().digest
    assert isinstance(screen.setup._session, Session)
    assert screen.setup.record is None


def test_files_are_taken_by_path(tmp_path: Path) -> None:
    """A path is data as a variable is, also in the code."""
    file = tmp_path / "it's.parquet"
    DATA.to_parquet(file)
    screen = Screen()
    shown = screen.pick("data", str(file))
    assert len(shown["columns"]) == 5
    assert repr(str(file)) in shown["code"]
    screen.act("start")
    assert screen.setup.audit is not None


@pytest.mark.parametrize("name", ["nowhere.csv", "", "gone", "/etc", "a\x00b"])
def test_what_cannot_be_read_changes_nothing(name: str) -> None:
    """The sentence is shown, and what was chosen before stays."""
    screen = Screen(df=DATA)
    before = screen.pick("data", "df")
    shown = screen.pick("data", name)
    if name:
        assert shown["message"]
        assert (shown["chosen"], roles(shown)) == (before["chosen"], roles(before))
    else:
        assert (shown["columns"], shown["code"]) == ([], "")


def test_start_tells_what_is_wrong() -> None:
    """Without data, with a target whose positive value is not said, with a frame that raises: the screen stays."""
    screen = Screen(df=DATA)
    assert "choose data first" in screen.act("start")["message"]
    screen.pick("data", "df")
    screen.act("positive", "")
    assert "positive" in screen.act("start")["message"]
    assert screen.setup.audit is None
    screen.act("positive", "No")
    assert screen.act("start")["can_run"]
    assert screen.setup.audit is not None
    assert screen.setup.audit.roles.positive == "No"


def test_the_screen_without_a_kernel() -> None:
    """A sentence until there is an audit, then that audit's own copy."""
    screen = Screen(df=DATA)
    assert "No audit yet" in screen.setup.static()[1]
    screen.pick("data", "df")
    screen.act("start")
    assert "not run yet" in screen.setup.static()[1]
    assert set(ROLES) >= {"target", "sensitive", "ignore"}

"""What pages ask a session for: pages, answers under a slider, and checks on request that are added and run."""

from __future__ import annotations

import threading
from typing import Any

import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

import workbench as wb
from tests.ui.explored import people, record_of
from workbench.ui import requests
from workbench.ui.session import Session

WAIT = 120


class Heard:
    """What a session told, by name; waits until a value that is wanted comes."""

    def __init__(self, session: Session) -> None:
        self.told: dict[str, Any] = {}
        self._new = threading.Condition()
        session.subscribe(self._hear)

    def _hear(self, name: str, value: Any) -> None:
        with self._new:
            self.told[name] = value
            self._new.notify_all()

    def wait(self, name: str, wanted: Any = bool) -> Any:
        with self._new:
            assert self._new.wait_for(lambda: wanted(self.told.get(name)), WAIT), name
            return self.told[name]


@pytest.fixture
def audit() -> wb.Audit:
    """Return an audit with a model, with one check chosen."""
    data = people().drop(columns="score")
    data["z"] = data.y + data.x
    model = LogisticRegression().fit(data[["x", "z"]], data.y)
    checks = ["bias.group_rates"]
    return wb.Audit(data, model=model, target="y", sensitive=["group"], checks=checks)


def test_pages_and_answers_of_a_record_that_is_only_read() -> None:
    """Each page is told when it is asked for; a number and a question are answered alike; a reader adds no check."""
    session = Session(record=record_of(people()))
    heard = Heard(session)
    session.act({"name": "look", "value": {"bias": True}})
    assert heard.wait("bias")["tree"]
    session.act({"name": "look", "value": {"performance": True}})
    assert heard.wait("performance")["curves"]
    session.act({"name": "look", "value": {"explained": True}})
    assert len(heard.wait("explained")["requests"]) == 4
    session.act({"name": "threshold", "value": 0.3})
    first = heard.wait("rates")
    assert any(g.get("withheld") for g in first["groups"])  # a reader is not told what a small group follows from
    session.act({"name": "costs", "value": {"at": 0.3, "fp": 2}})
    assert heard.wait("costs")["cost"]["before"]["value"]
    session.act({"name": "add", "value": ["optimize.frontier"]})
    assert session.state()["requests"] == []
    session.close()


def test_a_check_on_request_is_added_and_run(audit: wb.Audit) -> None:
    """Those that fit are offered with their cost; after the act they are part of the audit and of its record."""
    session = Session(audit)
    heard = Heard(session)
    offered = {c["id"]: c for c in session.state()["requests"]}
    assert "explain.attribution_drift" not in offered  # there is no reference
    assert "rows" in offered["explain.permutation_importance"]["cost"]
    session.act({"name": "run"})
    heard.wait("state", lambda s: s and s["phase"] == "done")
    session.act({"name": "add", "value": ["explain.permutation_importance", "no.check", 3]})
    heard.wait("state", lambda s: s and s["phase"] == "running")
    heard.wait("state", lambda s: s and s["phase"] == "done")
    assert session.record is not None
    assert {f.check for f in session.record.findings} == {"bias.group_rates", "explain.permutation_importance"}
    session.act({"name": "look", "value": {"explained": True}})
    page = heard.wait("explained", lambda p: p and p["rankings"])
    measured = {m.column: m.value for m in session.record.finding("explain.permutation_importance").measures}
    assert [r["value"] for r in page["rankings"][0]["rows"]] == sorted(measured.values(), reverse=True)
    assert any(g["after"] for g in _rates(session, heard)["groups"] if not g["suppressed"])
    session.close()


def _rates(session: Session, heard: Heard) -> dict[str, Any]:
    session.act({"name": "threshold", "value": {"at": 0.3, "columns": "group"}})
    found: dict[str, Any] = heard.wait("rates", lambda r: r and "groups" in r)
    assert not any(g.get("withheld") for g in found["groups"])  # who has the rows can count them
    return found


def test_what_an_audit_has_not_is_not_offered() -> None:
    """Without a model nothing is explained; without sensitive columns nothing is mitigated."""
    data = pd.DataFrame({"y": [0, 1] * 30, "score": [0.2, 0.7, 0.4] * 20})
    audit = wb.Audit(data, target="y", score="score", checks=["performance.classification"])
    assert requests.offered(audit.prepared) == []
    assert requests.add(["explain.shap", "optimize.frontier"], [audit]) == []
    assert [c.id for c in audit.checks] == ["performance.classification"]

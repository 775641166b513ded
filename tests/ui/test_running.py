"""A session's run: acts stay heard, what ended can be opened, cancelled runs leave a partial record and are resumed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import workbench as wb
from tests.ui.moved import moved
from workbench.audit.runner import IN_KERNEL
from workbench.core.check import CHECKS, all_checks
from workbench.ui.session import SHOWN, Session

CHECKS_OF_IT = ["drift.missing", "drift.numeric", "own.dozes", "quality.missing"]


class Screen:
    """What a shell would show, with the time of each message."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.told: list[tuple[float, str, Any]] = []
        session.subscribe(lambda name, value: self.told.append((time.monotonic(), name, value)))

    def last(self, name: str) -> Any:
        return next((value for _, told, value in reversed(self.told) if told == name), None)

    def until(self, ready: Callable[[], bool], seconds: float = 120) -> None:
        end = time.monotonic() + seconds
        while not ready():
            assert time.monotonic() < end, [t[1:] for t in self.told[-3:]]
            time.sleep(0.02)

    def until_phase(self, *phases: str) -> dict[str, Any]:
        self.until(lambda: (self.last("state") or {}).get("phase") in phases)
        return dict(self.last("state"))


@pytest.fixture
def flag(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A check that sleeps until a file is there."""
    monkeypatch.setenv("WORKBENCH_RUNS", str(tmp_path / "runs"))
    before, file = all_checks(), tmp_path / "awake"

    def dozes(subject: Any) -> Any:
        import time

        while not file.exists():
            time.sleep(600)
        return wb.Result([wb.Measure("woke", 1, n=1)])

    dozes.__module__ = "__main__"
    wb.check("own.dozes", "Z950", "dozes")(dozes)
    yield file
    CHECKS.clear()
    CHECKS.update(before)


def audit(**options: Any) -> wb.Audit:
    given = {**moved(), "checks": CHECKS_OF_IT, **options}
    return wb.Audit(given.pop("data"), **given)


@pytest.fixture
def screen(flag: Path) -> Iterator[Screen]:
    session = Session(audit())
    yield Screen(session)
    session.close()


def test_run_open_cancel_and_run_on(screen: Screen, flag: Path, measured: Callable[[str], None]) -> None:
    """One journey: what ended is shown while the run is on; the partial record says so; the next run ends it."""
    session = screen.session
    session.act({"name": "run"})
    screen.until(lambda: screen.last("progress") is not None and bool(screen.last("progress").get("ended")))
    screen.until(lambda: len(screen.last("progress")["ended"]) == 2)
    for check, text in (("own.dozes", "the run has not come to it"), ("drift.missing", "")):
        session.act({"name": "open", "value": check})
        screen.until(lambda check=check: (screen.last("detail") or {}).get("check") == check)  # type: ignore[misc]
        assert screen.last("detail")["reason"] == text
    assert screen.last("detail")["measures"]
    pressed = time.perf_counter()
    session.act({"name": "cancel"})
    state = screen.until_phase("partial")
    measured(f"from cancel to the partial record on screen: {time.perf_counter() - pressed:.2f} s")
    assert state["overview"]["outcome"] in ("incomplete", "fail")
    statuses = {f["check"]: f["word"] for f in state["overview"]["findings"]}
    assert statuses["own.dozes"] == statuses["quality.missing"] == "cancelled"
    assert "cancelled" not in (statuses["drift.missing"], statuses["drift.numeric"])
    assert state["run"]["where"] == "worker"
    assert [name for _, name, _ in screen.told][-1] == "finished"

    flag.touch()
    session.act({"name": "run"})
    state = screen.until_phase("done")
    assert session.record is not None
    assert state["overview"]["digest"] == audit().run().digest
    assert {name for _, name, _ in screen.told} <= {*SHOWN, "finished"}


def test_two_sessions_do_not_influence_each_other(screen: Screen, flag: Path) -> None:
    """Each has its process, its cancel and its findings."""
    other_session = Session(audit(checks=["drift.missing", "quality.missing"]))
    other = Screen(other_session)
    try:
        screen.session.act({"name": "run"})
        screen.until(lambda: len((screen.last("progress") or {}).get("ended", [])) == 2)
        other_session.act({"name": "run"})
        done = other.until_phase("done")
        assert [f["check"] for f in done["overview"]["findings"]] != []
        assert screen.session.state()["phase"] == "running"
        other_session.close()
        assert screen.session.state()["phase"] == "running"
        screen.session.act({"name": "cancel"})
        assert len(screen.until_phase("partial")["overview"]["findings"]) == 4
        assert len(other.last("state")["overview"]["findings"]) == 2
    finally:
        other_session.close()


def test_a_new_session_resumes_the_run_of_another(screen: Screen, flag: Path) -> None:
    """As after a kernel's restart: the run that did not end is offered by its id."""
    screen.session.act({"name": "run"})
    screen.until(lambda: any(p["check"] for p in (screen.last("progress") or {}).get("ended", [])))
    screen.session.act({"name": "cancel"})
    run = screen.until_phase("partial")["run"]["id"]
    flag.touch()
    session = Session(audit())
    other = Screen(session)
    try:
        assert session.state()["resumable"] == run
        assert Session(audit(segment="other")).state()["resumable"] == ""
        session.act({"name": "resume", "value": run})
        assert other.until_phase("done")["overview"]["digest"] == audit().run().digest
        session.act({"name": "resume", "value": "20000101-000000-000000"})
        other.until(lambda: (other.last("state")["message"] or {}).get("kind") == "error")
        assert "no run is called" in other.last("state")["message"]["text"]
        assert other.last("state")["phase"] == "done"
    finally:
        session.close()


def test_a_run_in_the_kernel_says_so(flag: Path) -> None:
    """A model with a lock cannot be copied: while it runs and afterwards the screen names the reason."""
    from sklearn.linear_model import LinearRegression

    flag.touch()
    given = moved()
    model = LinearRegression().fit(given["data"][["x"]], given["data"]["score"])
    model.lock_ = threading.Lock()
    session = Session(audit(model=model, task="regression", target="score", score=None, policy=None))
    screen = Screen(session)
    try:
        session.act({"name": "run"})
        state = screen.until_phase("done", "error")
        assert state["phase"] == "done", state["message"]
        assert state["message"]["text"].startswith(f"this audit {IN_KERNEL}, because the model (LinearRegression)")
        assert state["run"]["where"] == "kernel"
        labels = [v["label"] for _, name, v in screen.told if name == "progress"]
        assert labels
        assert all(label.endswith(IN_KERNEL) for label in labels)
    finally:
        session.close()


def test_a_cancel_right_after_run_is_heard(screen: Screen) -> None:
    """Both acts are there before the first is done."""
    screen.session.act({"name": "run"})
    screen.session.act({"name": "cancel"})
    state = screen.until_phase("partial")
    assert {f["word"] for f in state["overview"]["findings"]} == {"cancelled"}


def test_the_log_is_told_when_asked(screen: Screen, flag: Path) -> None:
    flag.touch()
    screen.session.act({"name": "run"})
    screen.until_phase("done")
    screen.session.act({"name": "log"})
    screen.until(lambda: screen.last("log") is not None)
    assert isinstance(screen.last("log")["text"], str)


def test_progress_is_told_four_times_a_second_at_most(screen: Screen, flag: Path) -> None:
    flag.touch()
    screen.session.act({"name": "run"})
    screen.until_phase("done")
    times = [t for t, name, _ in screen.told if name == "progress"]
    assert len(times) <= 4 * (times[-1] - times[0]) + 2
    assert [v["step"] for _, n, v in screen.told if n == "progress"][-1] == 7  # two counted, four checked, judged

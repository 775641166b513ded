"""Complaints about long runs: no way to stop them, and too many messages."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import workbench as wb
from tests.complaints.data import loans
from tests.ui.test_running import Screen
from workbench.core.check import CHECKS, all_checks
from workbench.ui.session import SHOWN, Session


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, str, Any], str]]:
    """Return a function that registers a check for the time of the test."""
    monkeypatch.setenv("WORKBENCH_RUNS", str(tmp_path / "runs"))
    before = all_checks().copy()

    def register(id: str, code: str, function: Any) -> str:
        function.__module__, function.__qualname__ = "__main__", id
        wb.check(id, code, id)(function)
        return id

    yield register
    CHECKS.clear()
    CHECKS.update(before)


def dozes(subject: Any) -> Any:
    """Sleep for longer than anybody waits."""
    import time

    time.sleep(600)
    return wb.Result([wb.Measure("woke", 1, n=1)])


def test_04_a_run_is_stopped_half_way_and_what_it_found_is_labelled(own: Any, measured: Callable[[str], None]) -> None:
    """Two of four checks have ended, the third sleeps: cancel leaves the two, and everything says it is partial."""
    checks = ["bias.group_rates", "bias.impact_ratio", own("own.dozes", "Z980", dozes), "quality.duplicates"]
    audit = wb.Audit(loans(), target="y", score="score", sensitive="sex", checks=checks)
    session = Session(audit)
    screen = Screen(session)
    try:
        session.act({"name": "run"})
        screen.until(lambda: len((screen.last("progress") or {}).get("ended", [])) == 2)
        pressed = time.perf_counter()
        session.act({"name": "cancel"})
        state = screen.until_phase("partial")
        seconds = time.perf_counter() - pressed
        measured(f"cancel at half of a run: partial record after {seconds:.2f} s")
        assert seconds < 10  # two seconds and much slack for a machine that does much else
        words = {f["check"]: f["word"] for f in state["overview"]["findings"]}
        assert {c for c, word in words.items() if word == "cancelled"} == {"own.dozes", "quality.duplicates"}
        assert state["partial"]
        assert audit.record is not None
        assert audit.record.verdict.outcome in ("incomplete", "fail")
        assert audit.record.verdict.gaps
    finally:
        session.close()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_07_thousands_of_steps_send_four_messages_a_second(own: Any, measured: Callable[[str], None]) -> None:
    """Progress is told at most four times a second, its last state always, and hardly anything else."""
    checks = []
    for i in range(10_000):
        code = f"{'ABCDEFGHIJ'[i // 1000]}ZZ{i % 1000:03d}"
        checks.append(own(f"own.step_{i}", code, lambda subject: wb.Result([wb.Measure("i", 1, n=1)])))
    session = Session(wb.Audit(loans(), checks=checks, policy={"rules": []}))
    screen = Screen(session)
    try:
        session.act({"name": "run"})
        screen.until(lambda: (screen.last("state") or {}).get("phase") in ("done", "error"), 500)
        assert screen.last("state")["phase"] == "done", screen.last("state")["message"]
        times = [t for t, name, _ in screen.told if name == "progress"]
        seconds = times[-1] - times[0]
        measured(f"10,000 steps: {len(times)} progress messages in {seconds:.1f} s, {len(screen.told)} messages in all")
        assert len(times) <= 4 * seconds + 2
        assert max(len(json.dumps(value)) for _, name, value in screen.told if name == "progress") < 32_000
        assert len(screen.told) - len(times) <= len(SHOWN)  # what was opened is taken away once, and states
        assert screen.last("progress")["step"] == screen.last("progress")["steps"]
    finally:
        session.close()

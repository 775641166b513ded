"""A second run is warm; a cancelled or killed one is taken up."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import workbench as wb
from tests.audit.runs import data, of, quick, until
from workbench.audit.kept import MOST_RUNS, Inputs, Kept, runs, runs_folder
from workbench.audit.progress import Progress
from workbench.audit.runner import Runner
from workbench.core.check import CHECKS, find_check
from workbench.core.errors import ConfigError
from workbench.core.finding import Finding, Status


def test_the_second_run_is_warm_and_measures_nothing_again(runner: Runner, here: Any) -> None:
    """The process is the same, counts are kept when checks change, finished findings are taken."""
    audit = quick()
    first = runner.run(audit.prepared)
    pid = runner.pid
    labels: list[str] = []
    again = runner.run(audit.prepared, lambda p: labels.append(p.label))
    assert runner.pid == pid
    assert again.digest == first.digest
    assert again.findings == first.findings
    assert again.beside["seconds"] | {"total": 0} == first.beside["seconds"] | {"total": 0}

    other = quick(checks=["quality.missing", "drift.numeric", "quality.dependencies"])  # one that needs rows
    told: list[str] = []
    record = runner.run(other.prepared, lambda p: told.append(p.label))
    assert record.beside["seconds"]["counting"] == first.beside["seconds"]["counting"]
    assert not any(label.startswith("counting") for label in told)
    assert record.digest == other.run().digest
    assert runner.run(audit.prepared).digest == first.digest == audit.run().digest


def test_a_sample_is_there_only_for_those_who_ask(warm: Runner, here: Any) -> None:
    """The worker keeps one for other choices of checks; a run without it must not see it."""

    def looks(subject: Any) -> Any:
        return wb.Result([wb.Measure("sampled", int(subject.current.sample is not None), n=1)])

    warm.run(quick(checks=["quality.dependencies"]).prepared)
    audit = quick(checks=[here(looks, "custom.looks", "Z913")])
    assert of(warm.run(audit.prepared))["custom.looks"].measures[0].value == 0
    assert of(audit.run())["custom.looks"].measures[0].value == 0


def test_changed_data_is_counted_again(runner: Runner, tmp_path: Path) -> None:
    """A frame changed in place, a file written anew: nothing of before is taken."""
    frame = data()
    one = runner.run(quick(data=frame).prepared)
    frame.loc[3, "x"] = 99.0
    two = quick(data=frame)
    record = runner.run(two.prepared)
    assert record.digest == two.run().digest != one.digest
    frame.to_parquet(tmp_path / "d.parquet")
    of_file = quick(data=tmp_path / "d.parquet")
    before = runner.run(of_file.prepared)
    frame.assign(x=1.5).to_parquet(tmp_path / "d.parquet")
    after = quick(data=tmp_path / "d.parquet")
    assert runner.run(of_file.prepared).digest == runner.run(after.prepared).digest == after.run().digest
    assert before.digest != after.run().digest


def test_another_definition_of_a_check_is_another_check(warm: Runner, here: Any) -> None:
    """Same id and version, other code: the finding of the first is not taken."""
    values = []
    for number in (1, 2):
        CHECKS.pop("custom.number", None)
        code = compile(f"def own(subject):\n return wb.Result([wb.Measure('number', {number}, n=1)])", "<cell>", "exec")
        space: dict[str, Any] = {"wb": wb, "__name__": "__main__"}
        exec(code, space)  # noqa: S102 (as a cell does)
        audit = quick(checks=[here(space["own"], "custom.number", "Z903")])
        values.append(of(warm.run(audit.prepared))["custom.number"].measures[0].value)
    assert values == [1, 2]


def test_cancel_ends_a_sleeping_check_and_a_second_run_makes_the_rest(
    runner: Runner, here: Any, tmp_path: Path, measured: Callable[[str], None]
) -> None:
    """The record is partial and says so; the resumed one has the digest of a run that nobody interrupted."""
    flag = tmp_path / "awake"

    def dozes(subject: Any) -> Any:
        import time

        while not flag.exists():
            time.sleep(600)
        return wb.Result([wb.Measure("woke", 1, n=1)])

    ids = ["bias.group_rates", "performance.classification", here(dozes, "custom.dozes", "Z904"), "quality.missing"]
    audit = quick(checks=ids)
    cancel, ended, got = threading.Event(), [], []
    thread = threading.Thread(
        target=lambda: got.append(runner.run(audit.prepared, None, cancel, lambda f: ended.append(f.check)))
    )
    thread.start()
    until(lambda: len(ended) == 1)
    time.sleep(0.3)
    pressed = time.perf_counter()
    cancel.set()
    thread.join(30)
    measured(f"cancel of a sleeping check: {time.perf_counter() - pressed:.2f} s")
    partial = got[0]
    status = {f.check: str(f.status) for f in partial.findings}
    assert status == {"bias.group_rates": "measured", "custom.dozes": "cancelled",
                      "performance.classification": "cancelled", "quality.missing": "cancelled"}  # fmt: skip
    assert of(partial)["custom.dozes"].reason == "the run was cancelled during this check"
    assert partial.verdict.outcome == "incomplete"

    flag.touch()
    told: list[str] = []
    whole = runner.run(audit.prepared, lambda p: told.append(p.label))
    assert whole.digest == audit.run().digest
    assert of(whole)["bias.group_rates"] == of(partial)["bias.group_rates"]
    assert of(whole)["bias.group_rates"].seconds == of(partial)["bias.group_rates"].seconds


def test_cancel_while_counting_keeps_the_worker(warm: Runner, measured: Callable[[str], None]) -> None:
    """Nothing was measured: every check is cancelled, and the process is there for the next run."""
    warm.run(quick().prepared)
    pid = warm.pid
    audit = quick(data=data(2_000_000))
    cancel = threading.Event()

    def stop(progress: Progress) -> None:
        if progress.label.startswith("counting current"):
            cancel.set()

    pressed = time.perf_counter()
    record = warm.run(audit.prepared, stop, cancel)
    measured(f"run cancelled while counting: {time.perf_counter() - pressed:.2f} s in all")
    assert {f.status for f in record.findings} == {Status.CANCELLED}
    assert record.subject["current"]["fingerprint"] is None
    assert warm.pid == pid


SCRIPT = """
import sys, time
import workbench as wb
from workbench.audit.runner import Runner

def sleeps(subject):
    print("worker", __import__("os").getpid(), flush=True)
    time.sleep(600)

wb.check("custom.sleeps", "Z911", "sleeps")(sleeps)
audit = wb.Audit(sys.argv[1], target="y", score="score", sensitive="g", title="Killed",
                 checks=["bias.group_rates", "custom.sleeps"])
runner = Runner()
runner.run(audit.prepared, on_finding=lambda f: print("ended", f.check, runner.pid, runner._folder, flush=True))
"""


def test_a_run_whose_session_was_killed_is_taken_up(tmp_path: Path) -> None:
    """Its worker ends, its folder goes, its finished findings are there by the id of the run."""
    data().to_parquet(tmp_path / "d.parquet")
    (tmp_path / "script.py").write_text(SCRIPT)
    command = [sys.executable, str(tmp_path / "script.py"), str(tmp_path / "d.parquet")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as session:
        assert session.stdout is not None
        _, check, pid, folder = session.stdout.readline().split()
        assert check == "bias.group_rates"
        until(lambda: Path(folder).is_dir() and "custom.sleeps" not in os.listdir(folder))
        session.kill()
    until(lambda: not Path(f"/proc/{pid}").exists() or "Z" in Path(f"/proc/{pid}/stat").read_text().split()[2])
    until(lambda: not Path(folder).exists())

    (run,) = runs()
    assert (run["title"], run["state"], run["finished"]) == ("Killed", "running", 1)
    audit = quick(data=tmp_path / "d.parquet", time=None, title="Another title", policy=None)
    fresh = audit.run()
    again = audit.resume(run["id"])
    assert again.digest == fresh.digest
    kept = json.loads((runs_folder() / run["id"] / "bias.group_rates.json").read_text())
    assert of(again)["bias.group_rates"].seconds == kept["seconds"]
    other = quick(data=tmp_path / "d.parquet", time=None, seed=1)
    assert of(other.resume(run["id"]))["bias.group_rates"].seconds != kept["seconds"]
    with pytest.raises(ConfigError, match=f"The nearest are {run['id']}"):
        audit.resume(run["id"][:-1] + "x")


def test_a_worker_that_nobody_hears_removes_what_was_written(tmp_path: Path) -> None:
    """Its session was killed while it was telling something: it ends, and leaves no rows behind."""
    folder = tmp_path / "workbench-run"
    folder.mkdir()
    mark = folder / "mark"
    mark.write_bytes(b"\0")
    (folder / "current.arrows").write_bytes(b"rows")
    command = [sys.executable, "-c", "from workbench.audit.worker import main; main()", str(mark)]
    pipes = dict.fromkeys(("stdin", "stdout"), subprocess.PIPE)
    with subprocess.Popen(command, **pipes, stderr=subprocess.DEVNULL) as worker:
        assert worker.stdout is not None
        worker.stdout.close()
        assert worker.wait(120) == 0
    assert not folder.exists()


def test_only_so_many_runs_are_kept() -> None:
    kept, prepared = Kept(), quick().prepared
    for _ in range(MOST_RUNS + 5):
        kept.begin(prepared)
    assert len(runs()) == MOST_RUNS


def test_where_no_folder_can_be_written_runs_go_on(warm: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_RUNS", "/proc/nowhere")
    audit = quick()
    assert warm.run(audit.prepared).digest == audit.run().digest
    assert warm.run_id == ""


def test_another_threshold_counts_nothing_again(runner: Runner, here: Any) -> None:
    """The tables serve every threshold; only what looks at decisions is measured again. The digest is a fresh run's."""

    def asks(subject: Any) -> Any:
        return wb.Result([wb.Measure("cut_at", subject.roles.threshold, n=1)])

    mine = here(asks, "custom.asks", "Z914")
    checks = ["quality.missing", "drift.numeric", "performance.classification", "bias.group_rates", mine]
    options = {"checks": checks, "score": "score", "target": "y", "sensitive": ["g"]}
    first = runner.run(quick(**options, threshold=0.5).prepared)
    labels: list[str] = []
    other = quick(**options, threshold=0.3)
    record = runner.run(other.prepared, lambda p: labels.append(p.label))

    assert not any(label.startswith("counting") for label in labels)
    assert record.beside["seconds"]["counting"] == first.beside["seconds"]["counting"]
    taken = {f.check for f in record.findings if f.seconds == of(first)[f.check].seconds}
    assert taken == {"quality.missing", "drift.numeric"}
    assert of(record)["custom.asks"].measures[0].value == 0.3
    assert record.digest == other.run().digest != first.digest
    assert runner.run(quick(**options, threshold=0.5).prepared).digest == first.digest


def test_a_long_session_holds_the_findings_of_its_last_runs_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is asked for again stays; what nobody asked for since goes, all of it at once."""
    monkeypatch.setattr("workbench.audit.kept.MOST_INPUTS", 3)
    kept, check = Kept(), find_check("quality.missing")
    finding = Finding(check.id, check.code, check.version, Status.MEASURED, {})
    for n in range(6):
        kept.put(Inputs(f"whole {n}", f"rows {n}"), check, {}, finding)
        kept.put(Inputs(f"whole {n}", f"rows {n}"), check, {"more": 1}, finding)
        assert kept.find(Inputs("whole 0", "rows 0"), check, {}) is finding
    held = [n for n in range(6) if kept.find(Inputs(f"whole {n}", f"rows {n}"), check, {}) is not None]
    assert held == [0, 4, 5]
    assert kept.find(Inputs("whole 0", "rows 0"), check, {"more": 1}) is finding

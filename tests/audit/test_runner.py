"""Runs in a worker process: real processes, the same digest, cancelled, limited, resumed."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import threading
import time
import types
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from workbench.audit.kept import MOST_RUNS, Kept, runs, runs_folder
from workbench.audit.process import MOST_LOG
from workbench.audit.progress import Paced, Progress
from workbench.audit.record import Record
from workbench.audit.runner import IN_KERNEL, LimitExceededError, Limits, Runner
from workbench.core.check import CHECKS, all_checks, find_check
from workbench.core.errors import ConfigError, DataError, WorkbenchError
from workbench.core.finding import Finding, Status
from workbench.core.frame import Again
from workbench.load import open_frame

POLICY = {"rules": [{"id": "missing", "check": "quality.missing", "measure": "missing_share", "column": "*",
                     "operator": "<=", "limit": 0.5}]}  # fmt: skip


@pytest.fixture(autouse=True)
def _own_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_RUNS", str(tmp_path / "runs"))


@pytest.fixture(scope="module")
def warm() -> Iterator[Runner]:
    """A runner whose worker the tests share, as the runs of one session do."""
    runner = Runner()
    yield runner
    runner.close()


@pytest.fixture
def runner() -> Iterator[Runner]:
    runner = Runner()
    yield runner
    runner.close()


@pytest.fixture
def here() -> Iterator[Callable[..., Any]]:
    """Register functions as checks of the notebook, which go to the worker with their code."""
    before = all_checks()

    def register(function: Callable[..., Any], id: str, code: str, **about: Any) -> str:
        function.__module__ = "__main__"
        wb.check(id, code, id)(function)
        return id

    yield register
    CHECKS.clear()
    CHECKS.update(before)


def data(rows: int = 400) -> pd.DataFrame:
    rng = np.random.default_rng(3)
    x = rng.normal(size=rows)
    frame = pd.DataFrame({"x": x, "word": rng.choice(["a", "b", None], rows), "g": rng.choice(["m", "w"], rows)})
    frame["y"] = (rng.random(rows) < 1 / (1 + np.exp(-x))).astype(int)
    frame["score"] = 1 / (1 + np.exp(-x + rng.normal(0, 0.2, rows)))
    frame["at"] = pd.Timestamp("2026-01-01") + pd.to_timedelta(np.arange(rows), "h")
    return frame


def quick(**options: Any) -> wb.Audit:
    given = {"target": "y", "score": "score", "sensitive": "g", "time": "at", "policy": POLICY, "title": "Quick"}
    checks = ["quality.missing", "performance.classification", "bias.group_rates"]
    return wb.Audit(options.pop("data", data()), **{**given, "checks": checks, **options})


def sleeps(subject: Any) -> Any:
    import time

    time.sleep(600)
    return wb.Result([])


def eats(subject: Any) -> Any:
    held = []
    while True:
        held.append(bytearray(os.urandom(1) * 20_000_000))


def crashes(subject: Any) -> Any:
    os._exit(7)


def raises(subject: Any) -> Any:
    raise KeyError("secret value of a row")


def of(record: Record) -> dict[str, Finding]:
    return {f.check: f for f in record.findings}


# ---------------------------------------------------------------------------- the same record


def test_the_digest_is_that_of_a_run_in_the_process(warm: Runner) -> None:
    """All checks of a binary task, with a reference, windows and rows; told as each ends."""
    audit = quick(checks=None, reference=data(300), windows={"number": 4})
    ended: list[str] = []
    record = warm.run(audit.prepared, on_finding=lambda f: ended.append(f.check))
    assert warm.why_here == ""
    assert record.digest == audit.run().digest
    assert ended == [c.id for c in audit.checks]
    assert record.beside["run"]["where"] == "worker"


@pytest.mark.parametrize("engine", ["pandas", "polars", "arrow", "duckdb", "parquet", "csv", "labels"])
def test_any_engine_gives_the_same_digest(warm: Runner, engine: str, tmp_path: Path) -> None:
    import duckdb
    import polars as pl
    import pyarrow as pa

    frame = data(70_000)  # more than a batch
    frame["nine"] = pd.Categorical(frame.word)
    frame["when"] = frame["at"].dt.tz_localize("Europe/Vienna", ambiguous="NaT", nonexistent="NaT")
    frame.to_parquet(tmp_path / "d.parquet")
    frame[["x", "word", "g", "score", "y", "at"]].to_csv(tmp_path / "d.csv", index=False)
    options: dict[str, Any] = {}
    if engine == "labels":
        frame["id"] = np.arange(len(frame))
        frame[["id", "y"]].to_parquet(tmp_path / "labels.parquet")
        frame.drop(columns="y").to_parquet(tmp_path / "d.parquet")
        options = {"labels": tmp_path / "labels.parquet", "id": "id"}
    made = {
        "pandas": lambda: frame,
        "polars": lambda: pl.from_pandas(frame),
        "arrow": lambda: pa.Table.from_pandas(frame),
        "duckdb": lambda: duckdb.from_df(frame),
        "csv": lambda: tmp_path / "d.csv",
    }.get(engine, lambda: tmp_path / "d.parquet")
    audit = quick(data=made(), **options)
    record = warm.run(audit.prepared)
    assert warm.why_here == ""
    assert record.digest == audit.run().digest


def fitted(kind: str = "") -> Any:
    from sklearn.linear_model import LogisticRegression

    base = LogisticRegression
    if kind == "raises":

        class Model(base):  # type: ignore[misc,valid-type]
            def predict_proba(self, rows: Any) -> Any:
                raise ValueError("secret")
    elif kind == "hangs":

        class Model(base):  # type: ignore[misc,valid-type,no-redef]
            def predict_proba(self, rows: Any) -> Any:
                import time

                time.sleep(600)
    elif kind == "eats":

        class Model(base):  # type: ignore[misc,valid-type,no-redef]
            def predict_proba(self, rows: Any) -> Any:
                held = []
                while True:
                    held.append(bytearray(b"x" * 20_000_000))
    elif kind == "dies":

        class Model(base):  # type: ignore[misc,valid-type,no-redef]
            def predict_proba(self, rows: Any) -> Any:
                import os

                os._exit(9)
    else:
        Model = base  # type: ignore[misc]
    Model.__module__ = "__main__" if kind else Model.__module__
    frame = data()
    return Model().fit(frame[["x"]], frame.y)


def with_model(model: Any, **options: Any) -> wb.Audit:
    return quick(model=model, score=None, ignore=["score"], **options)


def test_models_go_along(warm: Runner) -> None:
    """A model is copied, asked in the worker, and the record is the same."""
    audit = with_model(fitted(), challenger=fitted(), checks=None)
    record = warm.run(audit.prepared)
    assert warm.why_here == ""
    assert record.digest == audit.run().digest
    assert record.subject["model"]["digest"] == audit.prepared.model.digest


def test_a_check_of_the_notebook_runs_in_the_worker(warm: Runner, here: Any) -> None:
    """With parameters, a closure, and annotations that are texts."""
    factor = 3

    def mine(subject: Any, *, least: Level = 2) -> wb.Result:
        return wb.Result([wb.Measure("times", subject.current.rows * factor + least + os.getpid() * 0, n=1)])

    def where(subject: Any) -> Any:
        return wb.Result([wb.Measure("process", os.getpid(), n=1)])

    ids = {here(mine, "custom.mine", "Z901"): {"least": 5}, here(where, "custom.where", "Z902"): None}
    audit = quick(checks=ids)
    found = of(warm.run(audit.prepared))
    assert warm.why_here == ""
    assert found["custom.mine"].measures[0].value == 1205
    assert found["custom.where"].measures[0].value == warm.pid != os.getpid()


Level = int


# ---------------------------------------------------------------------------- warm, kept, resumed


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


def until(ready: Callable[[], bool], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.02)


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


# ---------------------------------------------------------------------------- limits and bad ends


def test_a_check_that_eats_memory_is_ended_and_the_rest_goes_on(here: Any) -> None:
    runner = Runner(Limits(mebibytes=900))
    try:
        audit = quick(checks=["bias.group_rates", here(eats, "custom.eats", "Z905"), "quality.missing"])
        record = runner.run(audit.prepared)
    finally:
        runner.close()
    found = of(record)
    assert found["custom.eats"].status is Status.ERROR
    assert found["custom.eats"].reason == "it needed more than 900 MiB of memory and was ended"
    assert found["quality.missing"].status is found["bias.group_rates"].status is Status.MEASURED
    assert record.beside["run"]["hit"][0] | {"what": ""} == {"check": "custom.eats", "limit": "memory", "what": ""}
    assert record.verdict.outcome == "incomplete"


def test_a_check_that_takes_too_long_is_ended_and_the_rest_goes_on(here: Any) -> None:
    runner = Runner(Limits(seconds=3))
    try:
        ids = ["bias.group_rates", here(sleeps, "custom.sleeps", "Z906"), "quality.missing"]
        found = of(runner.run(quick(checks=ids).prepared))
    finally:
        runner.close()
    assert found["custom.sleeps"].status is Status.ERROR
    assert found["custom.sleeps"].reason == "it took longer than 3 s and was ended"
    assert found["quality.missing"].status is Status.MEASURED


def test_a_check_that_ends_its_process_is_named(runner: Runner, here: Any) -> None:
    ids = ["bias.group_rates", here(crashes, "custom.crashes", "Z907"), "quality.missing"]
    found = of(runner.run(quick(checks=ids).prepared))
    assert found["custom.crashes"].reason == "it ended its process with exit code 7"
    assert found["quality.missing"].status is Status.MEASURED
    # Errors are tried again, what was measured is not.
    ended: list[str] = []
    runner.run(quick(checks=ids).prepared, on_finding=lambda f: ended.append(f"{f.check} {f.status}"))
    assert ended.count("custom.crashes error") == 1


def test_a_check_that_raises_is_as_in_the_process(warm: Runner, here: Any) -> None:
    audit = quick(checks=["quality.missing", here(raises, "custom.raises", "Z908")])
    record = warm.run(audit.prepared)
    assert record.digest == audit.run().digest
    assert "secret" not in of(record)["custom.raises"].reason


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        ("raises", "the model's predict_proba failed with ValueError."),
        ("hangs", "the model (Model) took longer than 4 s and was ended"),
        ("eats", "the model (Model) needed more than 1,000 MiB of memory and was ended"),
        ("dies", "the model (Model) ended its process with exit code 9"),
    ],
)
def test_a_bad_model_is_named_and_the_rest_goes_on(kind: str, why: str) -> None:
    """What needs the model is an error with the reason; what does not is measured."""
    runner = Runner(Limits(seconds=4, mebibytes=1000))
    try:
        record = runner.run(with_model(fitted(kind)).prepared)
    finally:
        runner.close()
    found = of(record)
    assert runner.why_here == ""
    assert found["quality.missing"].status is Status.MEASURED
    assert found["performance.classification"].status is Status.ERROR
    assert found["performance.classification"].reason == f"the model could not be used: {why}"
    assert record.beside["run"]["hit"] == [{"model": why}]
    assert record.verdict.outcome == "incomplete"


def test_a_limit_met_while_counting_is_told(runner: Runner) -> None:
    runner.limits = Limits(mebibytes=20)  # the process itself needs more
    with pytest.raises(LimitExceededError, match="needed more than 20 MiB"):
        runner.run(quick().prepared)


def test_mistakes_in_the_data_are_told_as_in_the_process(warm: Runner) -> None:
    audit = quick(data=data().assign(y=[0, 1, 2, 3] * 100), positive=1)
    with pytest.raises(WorkbenchError) as inside:
        audit.run()
    with pytest.raises(type(inside.value)) as there:
        warm.run(audit.prepared)
    assert str(there.value) == str(inside.value)
    with pytest.raises(DataError, match="no rows"):
        warm.run(quick(data=data()[:0], target=None, score=None, sensitive=()).prepared)


# ---------------------------------------------------------------------------- what cannot be sent


def test_what_cannot_be_sent_runs_here_and_says_so(warm: Runner) -> None:
    """A model that holds a lock; the digest is the same, and the screen's text names the reason."""
    model = fitted()
    model.lock_ = threading.Lock()
    audit = with_model(model)
    told: list[str] = []
    record = warm.run(audit.prepared, lambda p: told.append(p.label))
    assert warm.why_here == "the model (LogisticRegression) cannot be copied to another process (TypeError)"
    assert all(label.endswith(IN_KERNEL) for label in told)
    assert record.digest == audit.run().digest
    assert record.beside["run"]["where"] == "kernel"


def test_a_check_of_a_module_that_the_worker_lacks_runs_here(
    warm: Runner, here: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It arrives as a name that means nothing there."""
    module = types.ModuleType("made_by_hand")
    exec("def elsewhere(subject):\n return wb.Result([])", module.__dict__ | {"wb": wb}, module.__dict__)  # noqa: S102
    monkeypatch.setitem(sys.modules, "made_by_hand", module)
    here(module.elsewhere, "custom.elsewhere", "Z909")
    module.elsewhere.__module__ = "made_by_hand"
    record = warm.run(quick(checks=["custom.elsewhere"]).prepared)
    assert warm.why_here == "the checks cannot be made in another process (ModuleNotFoundError)"
    assert of(record)["custom.elsewhere"].status is Status.MEASURED


def test_a_store_that_only_the_session_sees_is_read_here(warm: Runner) -> None:
    """An opening that fails in the worker: the run is made in the kernel."""
    audit = quick()
    frame = audit.prepared.current.frame
    frame.again = Again(open_frame, ("/nowhere/at/all.parquet",), ())
    record = warm.run(audit.prepared)
    assert warm.why_here.startswith("the data cannot be opened in another process: data '/nowhere/at/all.parquet'")
    assert record.beside["run"]["why"] == "the data cannot be opened in another process"
    assert record.digest == audit.run().digest


def test_where_nothing_can_be_written_the_run_is_made_here(monkeypatch: pytest.MonkeyPatch, runner: Runner) -> None:
    monkeypatch.setattr("tempfile.tempdir", "/proc/nowhere")
    audit = quick()
    assert runner.run(audit.prepared).digest == audit.run().digest
    assert runner.why_here == "no folder or process can be made for it (FileNotFoundError)"


def test_a_module_that_was_edited_is_read_again(
    runner: Runner, here: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker had imported the old one: a fresh worker makes the check, and the old finding is not taken."""
    monkeypatch.syspath_prepend(str(tmp_path))
    file = tmp_path / "edited_by_hand.py"
    values, pids = [], []
    for number in (1, 22):
        file.write_text(
            f"import workbench as wb\ndef own(subject):\n return wb.Result([wb.Measure('v', {number}, n=1)])\n"
        )
        os.utime(file, (number * 1000, number * 1000))
        sys.modules.pop("edited_by_hand", None)
        own = importlib.import_module("edited_by_hand").own
        CHECKS.pop("custom.edited", None)
        wb.check("custom.edited", "Z912", "edited")(own)
        values.append(of(runner.run(quick(checks=["custom.edited"]).prepared))["custom.edited"].measures[0].value)
        pids.append(runner.pid)
    sys.modules.pop("edited_by_hand", None)
    assert runner.why_here == ""
    assert values == [1, 22]
    assert pids[0] != pids[1]


# ---------------------------------------------------------------------------- progress and log


def test_five_thousand_steps_are_few_messages() -> None:
    """At most four a second and the last one, whatever comes in."""
    told: list[int] = []
    paced: Paced[int] = Paced(told.append)
    start = time.monotonic()
    for i in range(5000):
        paced(i)
        time.sleep(0.0002)
    paced.flush()
    seconds = time.monotonic() - start
    assert len(told) <= 4 * seconds + 2
    assert told[-1] == 4999
    assert told == sorted(told)


def test_a_run_of_many_checks_tells_little(warm: Runner, here: Any, measured: Callable[[str], None]) -> None:
    """A check a step, 300 of them: progress is told at most four times a second, each finding is handed over."""
    for i in range(300):
        space: dict[str, Any] = {"wb": wb, "__name__": "__main__"}
        exec(f"def step_{i}(subject):\n return wb.Result([wb.Measure('i', {i}, n=1)])", space)  # noqa: S102
        here(space[f"step_{i}"], f"custom.step_{i}", f"ZZ{i:03d}")
    audit = quick(checks=[f"custom.step_{i}" for i in range(300)])
    told: list[tuple[float, Progress]] = []
    ended: list[str] = []
    start = time.monotonic()
    warm.run(audit.prepared, lambda p: told.append((time.monotonic(), p)), on_finding=lambda f: ended.append(f.check))
    seconds = time.monotonic() - start
    measured(f"{len(told)} messages in {seconds:.1f} s over 300 checks")
    assert len(ended) == 300
    assert len(told) <= 4 * seconds + 2
    assert (told[-1][1].step, told[-1][1].label) == (302, "judged")
    assert all(b[1].step >= a[1].step for a, b in pairwise(told))


def test_a_check_that_takes_long_stays_told_without_a_false_estimate(
    runner: Runner, here: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The seconds go on; once it takes longer than all that were left, nobody claims to know how long."""
    monkeypatch.setattr("workbench.audit.runner.ALIVE", 0.3)
    audit = quick(checks=["bias.group_rates", here(sleeps, "custom.slow", "Z914"), "quality.missing"])
    cancel, told = threading.Event(), []

    def heard(progress: Progress) -> None:
        told.append(progress)
        if [p.label for p in told].count("custom.slow") >= 4 and told[-1].left is None:
            cancel.set()

    record = runner.run(audit.prepared, heard, cancel)
    assert of(record)["custom.slow"].status is Status.CANCELLED
    slow = [p for p in told if p.label == "custom.slow"]
    assert all(b.seconds > a.seconds for a, b in pairwise(slow))
    assert slow[-1].left is None


def test_the_log_is_bounded(runner: Runner, here: Any) -> None:
    """What checks print and warn is kept, its end only."""

    def talks(subject: Any) -> Any:
        import warnings

        print("first words")
        for i in range(4000):
            print(f"line {i} of many that a check may print for no good reason")
        warnings.warn("look at this", stacklevel=1)
        return wb.Result([])

    runner.run(quick(checks=[here(talks, "custom.talks", "Z910")]).prepared)
    until(lambda: "look at this" in runner.log)
    assert len(runner.log) <= MOST_LOG + 100
    assert runner.log.startswith("[")
    assert "first words" not in runner.log


def test_nothing_is_left_behind(here: Any) -> None:
    """The process ends and its folder goes when the session closes; and when the session just dies."""
    runner = Runner()
    runner.run(quick().prepared)
    pid, folder = runner.pid, runner._folder
    assert pid is not None
    assert folder is not None
    assert list(folder.glob("*.arrows"))
    runner.close()
    assert not folder.exists()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_contract_goes_along(warm: Runner, tmp_path: Path) -> None:
    """Given as data or as a file that refers to another file; a decision on a rule counts nothing anew."""
    frame = data()
    frame[["word"]].drop_duplicates().to_parquet(tmp_path / "words.parquet")
    columns = {"score": {"type": "number"}, "word": {"type": "text"}}
    rules = [
        {"rule": "range", "column": "score", "maximum": 0.5},
        {"rule": "refers", "column": "word", "data": "words.parquet", "to": "word"},
    ]
    (tmp_path / "contract.json").write_text(json.dumps({"name": "c", "columns": columns, "rules": rules}))
    for contract in ({"name": "c", "columns": columns, "rules": rules[:1]}, str(tmp_path / "contract.json")):
        audit = quick(data=frame, contract=contract, checks=["quality.contract", "quality.missing"])
        record = warm.run(audit.prepared)
        assert warm.why_here == ""
        assert of(record)["quality.contract"].status is Status.MEASURED
        assert record.digest == audit.run().digest


def test_a_contract_is_judged_anew_unless_the_moment_is_given() -> None:
    """How fresh data is depends on when it is asked: such a finding is not taken from the run before."""
    kept, check, other = Kept(), find_check("quality.contract"), find_check("quality.missing")
    for of_check, params, taken in (
        (check, {}, False),
        (check, {"as_of": "2026-01-20T00:00:00Z"}, True),
        (other, {}, True),
    ):
        finding = Finding(of_check.id, of_check.code, of_check.version, Status.MEASURED, params)
        kept.put("inputs", of_check, params, finding)
        assert (kept.find("inputs", of_check, params) is finding) is taken


def attaches(subject: Any) -> Any:
    from workbench.core.finding import Attachment

    rows = subject.current.rows
    page = Attachment("test.attaches.html", "text/html", b"<p>page</p>")
    return wb.Result([wb.Measure("rows_here", rows, n=rows)], attachments=[page])


def test_what_a_check_attached_is_made_again_after_a_restart(here: Callable[..., Any], runner: Runner) -> None:
    """Within a session the attachment is kept; a resumed run has it too, for its file is not a finding's."""
    check = here(attaches, "test.attaches", "T901")
    audit = quick(checks=[check, "quality.missing"])
    first = runner.run(audit.prepared)
    again = runner.run(audit.prepared)
    assert set(first.attachments) == set(again.attachments) == {"test.attaches.html"}
    other = Runner()
    try:
        other.kept.load(runner.run_id)
        resumed = other.run(audit.prepared)
    finally:
        other.close()
    assert set(resumed.attachments) == {"test.attaches.html"}
    assert resumed.digest == first.digest

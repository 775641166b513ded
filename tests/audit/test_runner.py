"""Runs in a worker process: the same digest, what goes along, few messages, nothing left behind."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from tests.audit.runs import data, fitted, of, quick, sleeps, until, with_model
from workbench.audit.kept import Inputs, Kept
from workbench.audit.process import MOST_LOG
from workbench.audit.progress import Paced, Progress
from workbench.audit.runner import Runner
from workbench.core.check import find_check
from workbench.core.finding import Finding, Status


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
        kept.put(Inputs("one", "two"), of_check, params, finding)
        assert (kept.find(Inputs("one", "two"), of_check, params) is finding) is taken


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

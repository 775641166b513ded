"""Checks and models that eat, hang, raise or die, and what cannot be sent: named, and the rest goes on."""

from __future__ import annotations

import importlib
import os
import sys
import threading
import types
from pathlib import Path
from typing import Any

import pytest

import workbench as wb
from tests.audit.runs import crashes, data, eats, fitted, of, quick, raises, sleeps, with_model
from workbench.audit.runner import IN_KERNEL, LimitExceededError, Limits, Runner
from workbench.core.check import CHECKS
from workbench.core.errors import DataError, WorkbenchError
from workbench.core.finding import Status
from workbench.core.frame import Again
from workbench.load import open_frame


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
        ("eats", "the model (Model) needed more than 1\u202f000 MiB of memory and was ended"),
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

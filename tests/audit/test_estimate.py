"""What is said before a run is what it then does: which checks are made, which are not, what the model is asked."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression, RidgeClassifier
from sklearn.svm import LinearSVC

import workbench as wb
from workbench.audit.estimate import TRIED, about, cost_of, lacks, made_up, met, outlook, reading, rows_of_sides, speed
from workbench.core.check import TASK_OF_NEED, Check, all_checks
from workbench.core.counts import Counter as Counting
from workbench.core.dataset import Roles
from workbench.core.subject import Subject
from workbench.load.models import Model
from workbench.ui.proposal import _THINGS, lines, proposal
from workbench.ui.requests import offered

FEATURES = ["x0", "x1", "x2", "sex"]


def rows(n: int, seed: int, task: str) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    data = pd.DataFrame(rng.normal(size=(n, 3)), columns=FEATURES[:3])
    data["sex"] = rng.integers(0, 2, n)
    at = pd.Timestamp("2026-01-01", tz="UTC") + pd.to_timedelta(rng.integers(0, 60, n), unit="D")
    z = data.x0 + 0.5 * data.sex
    if task == "binary":
        data["y"] = (rng.random(n) < 1 / (1 + np.exp(-z))).astype(int)
    elif task == "multiclass":
        data["y"] = np.digitize(z + rng.normal(size=n), [-1, 1])
    else:
        data["y"] = z + rng.normal(size=n)
    return data.assign(at=at, score=1 / (1 + np.exp(-z)), said=data.y)


CURRENT = {task: rows(600, 1, task) for task in ("binary", "multiclass", "regression")}
REFERENCE = {task: rows(500, 2, task) for task in CURRENT}
LEARNT: dict[str, Any] = {
    task: (LinearRegression() if task == "regression" else LogisticRegression()).fit(there[FEATURES], there.y)
    for task, there in REFERENCE.items()
}
FULL = {"target": "y", "sensitive": ["sex"], "time": "at"}


def given(task: str, *, reference: bool = True, without: tuple[str, ...] = (), **more: Any) -> dict[str, Any]:
    """Return the arguments of an audit of a task; columns of roles that are not named are not in the data."""
    roles = {**{k: v for k, v in FULL.items() if k not in without}, **more}
    named = {c for r in ("target", "score", "prediction", "time") if (c := roles.get(r))} | {*FEATURES}
    sides = [side[[c for c in side if c in named]] for side in (CURRENT[task], REFERENCE[task])]
    return {"data": sides[0], "reference": sides[1] if reference else None, "task": task, "sample": 300, **roles}


ASKED = (
    given("binary", score="score"),
    given("binary", score="score", reference=False),
    given("binary", prediction="said", without=("sensitive", "time")),
    given("binary", model=LEARNT["binary"]),
    given("binary", model=RidgeClassifier().fit(REFERENCE["binary"][FEATURES], REFERENCE["binary"].y)),
    given("binary", without=("target", "sensitive"), model=LEARNT["binary"], reference=False),
    given("binary", without=("target", "sensitive", "time")),
    given("binary", score="score", windows={"rows": 200}),
    given("binary", score="score", challenger=LEARNT["binary"], reference=False),
    given("multiclass", model=LEARNT["multiclass"]),
    given("multiclass", prediction="said", without=("sensitive",), reference=False),
    given("multiclass", reference=False),
    given("binary", model=LEARNT["binary"], score="score"),
    given("binary", model=LinearSVC().fit(REFERENCE["binary"][FEATURES], REFERENCE["binary"].y), reference=False),
    given("multiclass", model=LEARNT["multiclass"], prediction="said", reference=False),
    given("regression", model=LEARNT["regression"], windows={"by": "month"}),
    given("regression", without=("target",), model=LEARNT["regression"], challenger=LEARNT["regression"]),
)


@dataclass
class Ran:
    """An audit, its record, what its checks measured, and the rows that the model was asked about, by check."""

    audit: wb.Audit
    record: wb.Record
    subject: Subject
    asked: Counter[str]


@lru_cache
def ran(at: int) -> Ran:
    """Run one of `ASKED`, once."""
    asked: Counter[str] = Counter()
    now, subjects = ["reading"], []
    rows_of, measure = Model._rows, Check._measure

    def counted(self: Model, table: Any) -> Any:
        asked[now[-1]] += table.num_rows
        return rows_of(self, table)

    def measured(self: Check, subject: Any, bound: Any) -> Any:
        now.append(self.id)
        subjects.append(subject)
        try:
            return measure(self, subject, bound)
        finally:
            now.pop()

    audit = wb.Audit(**ASKED[at])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Model, "_rows", counted)
        patch.setattr(Check, "_measure", measured)
        record = audit.run()
    return Ran(audit, record, subjects[0], asked)


@pytest.mark.parametrize("at", range(len(ASKED)))
def test_what_a_run_makes_and_what_it_does_not_is_known_before(at: int) -> None:
    prepared = ran(at).audit.prepared
    found, of_run = outlook(prepared), {f.check: f for f in ran(at).record.findings}
    reasons = {"; ".join(lacks(check, prepared)) for check in all_checks().values()} - {""}
    for check in found.planned:
        assert of_run[check.id].status != "not_applicable" or of_run[check.id].reason not in reasons, check.id
    ruled = {check.id: check for missing in found.missing for check in missing.checks}
    for id, check in ruled.items():
        why = "; ".join(lacks(check, prepared))
        assert why
        assert id not in of_run or (of_run[id].status, of_run[id].reason) == ("not_applicable", why)
    assert set(of_run) <= {c.id for c in found.planned} | set(ruled)


@pytest.mark.parametrize("at", range(len(ASKED)))
def test_each_need_is_met_before_counting_as_it_is_after(at: int) -> None:
    known, task = met(ran(at).audit.prepared), ran(at).audit.roles.kind_of_task
    of_task = {need for need in known if TASK_OF_NEED.get(need, task) == task}
    assert {need: known[need] for need in of_task} == {need: not ran(at).subject.lacks(need) for need in of_task}


@pytest.mark.parametrize("at", range(len(ASKED)))
def test_as_many_predictions_are_made_as_were_said(at: int) -> None:
    prepared, asked, read = ran(at).audit.prepared, ran(at).asked, reading(ran(at).audit.prepared)
    said = {check.id: cost_of(check, prepared).predictions for check in outlook(prepared).planned}
    assert read is not None
    if prepared.windows is not None:  # each window's rows are predicted besides, and how many those are is not known
        assert said.pop("performance.estimated", 0) <= asked.pop("performance.estimated", 0)
    assert {"reading": read.predictions, **said} == {"reading": asked["reading"], **{id: asked[id] for id in said}}
    assert sum(asked.values()) == read.predictions + sum(said.values())


@pytest.mark.parametrize("arguments", ASKED, ids=range(len(ASKED)))
def test_every_registered_check_has_one_place(arguments: dict[str, Any]) -> None:
    found = outlook(wb.Audit(**arguments).prepared)
    groups = (found.planned, found.other_task, found.on_request, found.left_out, *(m.checks for m in found.missing))
    assert Counter(c.id for group in groups for c in group) == Counter(list(all_checks()))


def test_a_check_that_lacks_two_things_is_told_under_one_and_names_the_other() -> None:
    prepared = wb.Audit(**given("binary", without=("target", "sensitive"), reference=False)).prepared
    found = {m.thing: m for m in outlook(prepared).missing}
    assert found["target"].also["performance.classification"] == ("prediction",)
    assert found["target"].also["optimize.frontier"] == ("score", "sensitive")
    assert "performance.label_maturity" not in found["target"].also
    assert {m: len(it.checks) for m, it in found.items()} == Counter(
        next(iter(things)) for things in map(_things_by_hand, all_checks().values()) if things
    )


def _things_by_hand(check: Check) -> list[str]:
    if {"classes", "regression"} & {*check.needs}:
        return []
    lacking = {"target" if need == "truth" else need for need in check.needs} - {"rows"}
    order = ("target", "prediction", "score", "sensitive", "reference", "model", "windows", "challenger", "contract")
    return [thing for thing in order if thing in lacking]


def test_a_plan_of_some_checks_says_what_it_leaves_out_and_makes_what_is_asked_for() -> None:
    prepared = wb.Audit(**given("binary", score="score"), checks=["quality.missing", "performance.grades"]).prepared
    found = outlook(prepared)
    assert [c.id for c in found.planned] == ["performance.grades", "quality.missing"]
    assert "drift.numeric" in {c.id for c in found.left_out}
    assert "performance.grades" not in {c.id for c in found.on_request}


def test_what_is_read_is_known_of_frames_and_of_parquet_and_not_of_text(tmp_path: Path) -> None:
    data = CURRENT["binary"]
    data.to_parquet(tmp_path / "a.parquet")
    data.to_csv(tmp_path / "a.csv", index=False)
    parquet = wb.Audit(str(tmp_path / "a.parquet"), reference=data, target="y").prepared
    assert rows_of_sides(parquet) == 1200
    assert reading(parquet) == (0, 0, 1200 * len(data.columns))
    assert reading(wb.Audit(str(tmp_path / "a.csv"), target="y").prepared) is None
    assert rows_of_sides(wb.Audit(data, target="y", where={"sex": 1}).prepared) is None
    assert "rows not counted yet" in lines(wb.Audit(str(tmp_path / "a.csv"), target="y").prepared)[0]


def test_nothing_of_a_file_is_read_and_no_model_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    CURRENT["binary"].to_parquet(tmp_path / "a.parquet")
    prepared = wb.Audit(str(tmp_path / "a.parquet"), target="y", model=LEARNT["binary"]).prepared

    def never(*_: Any) -> Any:
        raise AssertionError("it was read, or asked")

    monkeypatch.setattr(type(prepared.current.frame), "batches", never)
    monkeypatch.setattr(Model, "_rows", never)
    rate = speed(prepared)
    assert rate is not None
    assert rate > 0
    assert "predictions of the model, which are not timed" in proposal(prepared, rate)["line"]


def test_made_up_rows_are_of_the_frames_own_kinds() -> None:
    odd = pd.DataFrame(
        {
            "number": [1.5], "flag": [True], "text": ["a"], "time": [pd.Timestamp("2026-01-01")],
            "took": [pd.Timedelta("1h")], "none": [None], "list": [[1]], "raw": [b"x"],
        }
    )  # fmt: skip
    frame = wb.Audit(odd, checks=["quality.missing"]).prepared.current.frame
    batch = made_up(frame)
    counting = Counting(frame.fields, Roles(), None, lambda first, second: None)
    counting.push(batch)
    assert (batch.num_rows, counting.done().rows) == (TRIED, TRIED)


def test_frames_without_rows_and_where_no_speed_is_known_have_a_proposal_all_the_same() -> None:
    prepared = wb.Audit(CURRENT["binary"].iloc[:0], target="y").prepared
    assert proposal(prepared, speed(prepared))["line"].endswith(": a few seconds")
    assert proposal(prepared, None)["line"].endswith(": not known yet")


def test_every_missing_thing_has_its_words_and_how_it_is_given() -> None:
    things = {m.thing for arguments in ASKED for m in outlook(wb.Audit(**arguments).prepared).missing}
    assert things == set(_THINGS)
    late = wb.Audit(CURRENT["binary"].drop(columns="y"), reference=REFERENCE["binary"], target="y", score="score")
    told = {m["thing"]: m for m in proposal(late.prepared, None)["missing"]}
    assert told["target"]["give"] == "labels=…"


def test_times_are_told_in_few_words_that_grow() -> None:
    told = [about(seconds) for seconds in (0, 0.9, 3, 12, 30, 70, 300, 1800, 10_000)]
    assert told[0] == told[1] == "under a second"
    assert len(set(told)) == 8


def test_what_pages_offer_is_what_nothing_rules_out() -> None:
    prepared = wb.Audit(**given("binary", score="score")).prepared
    assert {c["id"] for c in offered(prepared)} <= {c.id for c in outlook(prepared).on_request}
    late = wb.Audit(
        CURRENT["binary"].drop(columns="y"), reference=REFERENCE["binary"], target="y", score="score", sensitive="sex"
    )
    assert offered(late.prepared) == []

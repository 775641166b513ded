"""What holds for every registered check, found without listing any."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.contract.every import (
    CHECKS,
    ENGINES,
    PARAMS,
    ROLES,
    ROLES_OF,
    counted,
    every_check,
    in_windows,
    is_windowed,
    on_pandas,
    people,
    run,
    run_on,
    subject,
    task_of,
)
from workbench.core.check import HEADINGS, NEEDS, Check
from workbench.core.counts import Counted
from workbench.core.dataset import Roles
from workbench.core.finding import Finding, Status
from workbench.core.frame import Frame
from workbench.core.sample import SampleOf
from workbench.core.subject import Subject
from workbench.report.charts import chart_svg, is_drawn
from workbench.report.shown import ShownEvidence

__all__ = ["on_pandas"]  # a fixture


@every_check
def test_headings(check: Check) -> None:
    """The docstring has a summary and the five headings, each with text."""
    help = check.help

    assert help[""]
    assert [h for h in HEADINGS if not help.get(h)] == []


@every_check
@pytest.mark.parametrize("engine", ENGINES)
def test_same_finding_on_each_engine(check: Check, engine: str, on_pandas: dict[str, Subject]) -> None:
    """The same data from another engine, in another order or dtype, gives the same finding."""
    convert = ENGINES[engine]
    frames = convert(people()), convert(people(seed=1))
    there = in_windows(*frames) if is_windowed(check) else subject(*frames, ROLES_OF[task_of(check)])

    assert check.run(there, PARAMS.get(check.id)).to_dict() == run_on(on_pandas, check).to_dict()
    assert there.current.fingerprint.table == on_pandas["binary"].current.fingerprint.table


@every_check
def test_json_round_trip(check: Check, on_pandas: dict[str, Subject]) -> None:
    """A finding survives JSON."""
    finding = run_on(on_pandas, check)
    data = json.loads(json.dumps(finding.to_dict(), allow_nan=False))

    assert Finding.from_dict(data).to_dict() == finding.to_dict()
    assert finding.status is Status.MEASURED


@every_check
@pytest.mark.parametrize("need", NEEDS)
def test_missing_need_is_not_applicable(check: Check, need: str) -> None:
    """Without what it needs a check is not applicable, and says what is missing."""
    whole = ROLES_OF[task_of(check)]
    lacking = {
        "target": Roles(score="score", sensitive=("sex",)),
        "truth": Roles(score="score", sensitive=("sex",)),
        "prediction": Roles(target="y", sensitive=("sex",), ignore=("score",)),
        "score": Roles(target="y", prediction="y2", sensitive=("sex",), ignore=("score",)),
        "sensitive": replace(whole, sensitive=()),
        "classes": ROLES,
        "regression": ROLES,
    }.get(need, whole)
    data, other = people().assign(y2=1), None if need == "reference" else people(seed=1).assign(y2=1)
    there = subject(data, other, lacking, None if need == "rows" else SampleOf())
    there = replace(there, **{need: None}) if need in ("model", "challenger", "contract") else there
    finding = check.run(there, PARAMS.get(check.id))

    assert finding.status in (Status.NOT_APPLICABLE, Status.MEASURED)
    if need in check.needs:
        assert finding.status is Status.NOT_APPLICABLE
        assert finding.reason


def _one_class(d: pd.DataFrame) -> pd.DataFrame:
    return d.assign(y=0, kind="a", amount=3.0)


HOSTILE: dict[str, Callable[[pd.DataFrame], pd.DataFrame]] = {
    "one row": lambda d: d.head(1),
    "two rows": lambda d: d.head(2),
    "all null": lambda d: d.assign(income=np.nan, job=None, age=np.nan, remark=None),
    "null outcomes": lambda d: d.assign(y=np.nan, score=np.nan, kind=None, p_a=np.nan, amount=np.nan),
    "null groups": lambda d: d.assign(sex=None, race=None),
    "one class": _one_class,
    "one group": lambda d: d.assign(sex="F", race="a"),
    "unseen": lambda d: d.assign(job="never seen", sex="X"),
    "infinite": lambda d: d.assign(income=np.where(d.age > 50, np.inf, -np.inf)),
    "huge": lambda d: d.assign(age=2**62 + d.age),
    "constant": lambda d: d.assign(income=1.0, age=1, job="x"),
    "extreme scores": lambda d: d.assign(score=(d.score > 0.5).astype(float), p_a=1.0, p_b=0.0, p_c=0.0),
    "scores of no kind": lambda d: d.assign(score=d.score * 7 - 3, p_a=d.p_a * 2, p_b=-d.p_b, amount_made=np.inf),
    "tied scores": lambda d: d.assign(score=0.5, p_a=0.25, p_b=0.25, p_c=0.5, amount_made=1.0),
    "unseen classes": lambda d: d.assign(kind=np.where(d.kind == "a", "new", d.kind)),
    "zoned": lambda d: d.assign(when=d.when.dt.tz_localize("Europe/Berlin", ambiguous="NaT", nonexistent="NaT")),
    "strange names": lambda d: d.rename(columns={"age": "<img src=x onerror=alert(1)>", "income": "$$x$$", "job": ""}),
    "strange values": lambda d: d.assign(job="<b>&\u202e\\", sex="a & b = \\N"),
}


SIDES = [(c, side) for c in CHECKS for side in ("both", "current", "reference") if side == "both" or not c.on_request]
"""Checks that cost much meet each frame once, on both sides."""


@pytest.mark.parametrize(("check", "side"), SIDES, ids=lambda p: p if isinstance(p, str) else p.id)
@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_frames(check: Check, kind: str, side: str) -> None:
    """No frame makes a check fail; what is undefined has a reason, what is a share has a denominator."""
    spoil = HOSTILE[kind]
    current, reference = people(), people(seed=1)
    renames = kind == "strange names"
    finding = run(
        check,
        spoil(current) if side != "reference" or renames else current,
        spoil(reference) if side != "current" or renames else reference,
    )

    assert finding.status in (Status.MEASURED, Status.NOT_APPLICABLE), finding.reason
    for m in finding.measures:
        assert m.value is not None or m.undefined_because, m
        assert m.unit != "share" or m.n is not None, m
        if m.value is not None and m.unit == "share" and m.low is not None and m.high is not None:
            assert m.low - 1e-9 <= m.value <= m.high + 1e-9, m
    json.dumps(finding.to_dict(), allow_nan=False)


@every_check
def test_groups_say_their_size(check: Check, on_pandas: dict[str, Subject]) -> None:
    """A check that speaks of a group counts its rows, so that small groups can be suppressed."""
    finding = run_on(on_pandas, check)
    sized = {m.group for m in finding.measures if m.name == "count"}

    assert {m.group for m in finding.measures if m.group} <= sized


@every_check
def test_every_drawing_draws(check: Check, on_pandas: dict[str, Subject]) -> None:
    """Evidence of a kind that is drawn becomes a picture; reports leave a failed one out in silence."""
    for table in run_on(on_pandas, check).evidence:
        shown = ShownEvidence((0, 0), table)
        assert not is_drawn(table.kind) or not table.rows or chart_svg(shown), table.title


def test_inputs_stay_as_they_are() -> None:
    """Counting and checking change nothing in the frames given."""
    current, reference = people(), people(seed=1)
    before = current.copy(deep=True), reference.copy(deep=True)
    for roles in ROLES_OF.values():
        whole = subject(current, reference, roles)
        for check in CHECKS:
            check.run(whole, PARAMS.get(check.id))

    pd.testing.assert_frame_equal(current, before[0])
    pd.testing.assert_frame_equal(reference, before[1])


@pytest.mark.parametrize("columns", [1, 60])
def test_one_pass_over_the_data(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counting reads each data set once, however many columns and checks there are."""
    passes = 0
    read = Frame.batches

    def counting(self: Frame, *args: Any, **kwargs: Any) -> Any:
        nonlocal passes
        passes += 1
        return read(self, *args, **kwargs)

    monkeypatch.setattr(Frame, "batches", counting)
    data = people().assign(**{f"extra {i}": i for i in range(columns)})
    whole = replace(subject(data, data), contract=None)  # a contract is a query of its own
    for check in CHECKS:
        check.run(whole)

    assert passes == 2


@pytest.mark.parametrize("cut", [1, 37, 399])
def test_tables_of_parts_add_to_the_table_of_the_whole(cut: int) -> None:
    """Counts of two parts, added in either order, are the counts of the whole to the last bit."""
    data = people()
    whole = counted(data)
    parts = [counted(data.iloc[:cut]), counted(data.iloc[cut:])]
    for one, two in (parts, parts[::-1]):
        for name, column in whole.columns.items():
            assert (one.columns[name] + two.columns[name]).to_dict() == column.to_dict()
        assert one.joint is not None
        assert two.joint is not None
        assert whole.joint is not None
        added, all_at_once = one.joint + two.joint, whole.joint
        for columns in all_at_once.groupings(2):
            there = all_at_once.members(columns)
            here = added.members(columns)
            assert {k: added.confusion(v) for k, v in here.items()} == {
                k: all_at_once.confusion(v) for k, v in there.items()
            }
        assert added.all_scores.to_dict() == all_at_once.all_scores.to_dict()


def test_counts_survive_json() -> None:
    """Count tables can be stored and read again."""
    whole = counted(people())
    data = json.loads(json.dumps(whole.to_dict()))

    assert Counted.from_dict(data).to_dict() == whole.to_dict()

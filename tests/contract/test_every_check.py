"""What holds for every registered check, found without listing any."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from workbench.core.check import HEADINGS, NEEDS, Check, all_checks
from workbench.core.counts import Counted, count
from workbench.core.dataset import Dataset, Roles
from workbench.core.finding import Finding, Status
from workbench.core.frame import Frame, wrap
from workbench.core.subject import Subject

CHECKS = list(all_checks().values())
every_check = pytest.mark.parametrize("check", CHECKS, ids=lambda c: c.id)
ROLES = Roles(target="y", score="score", sensitive=("sex", "race"), id="id", positive=1)
PARAMS: dict[str, dict[str, Any]] = {  # what a check that measures nothing by default is asked to measure
    "performance.claims": {"declared": {"accuracy": 0.7, "roc_auc": 0.9, "log_loss": 0.6}},
}


def people(n: int = 400, seed: int = 0) -> pd.DataFrame:
    """Return a frame with numbers, words, times, booleans, groups, a score and a label; some of each missing."""
    rng = np.random.default_rng(seed)
    score = rng.random(n)
    frame = pd.DataFrame(
        {
            "id": np.arange(n),
            "y": (rng.random(n) < score).astype("int64"),
            "score": score,
            "sex": rng.choice(["F", "M"], n),
            "race": rng.choice(["a", "b", "c"], n, p=[0.6, 0.39, 0.01]),
            "age": rng.integers(18, 90, n),
            "income": rng.lognormal(8, 1, n),
            "job": rng.choice(["x", "y", "z"], n),
            "member": rng.random(n) < 0.5,
            "when": pd.Timestamp("2026-01-01") + pd.to_timedelta(rng.integers(0, 10**6, n), "s"),
        }
    )
    frame.loc[rng.random(n) < 0.1, "income"] = np.nan
    frame.loc[rng.random(n) < 0.05, "job"] = None
    return frame


def counted(data: Any, roles: Roles = ROLES, name: str = "current") -> Counted:
    """Count a native frame."""
    return count(Dataset(wrap(data), roles, name))


def subject(current: Any, reference: Any = None, roles: Roles = ROLES) -> Subject:
    """Return a subject of native frames."""
    other = None if reference is None else counted(reference, roles, "reference")
    return Subject(counted(current, roles), roles, reference=other)


def run(check: Check, current: Any, reference: Any = None, roles: Roles = ROLES) -> Finding:
    """Run one check on native frames."""
    return check.run(subject(current, reference, roles), PARAMS.get(check.id))


ENGINES: dict[str, Callable[[pd.DataFrame], Any]] = {
    "polars": pl.from_pandas,
    "lazy": lambda d: pl.from_pandas(d).lazy(),
    "arrow": lambda d: pa.Table.from_pandas(d, preserve_index=False),
    "duckdb": lambda d: duckdb.connect().from_arrow(pa.Table.from_pandas(d, preserve_index=False)),
    "shuffled": lambda d: d.sample(frac=1, random_state=1),
    "categories": lambda d: d.astype({"sex": "category", "age": "float64", "y": "int8"}),
}


@pytest.fixture(scope="module")
def on_pandas() -> Subject:
    """Return the subject that the engines are compared with."""
    return subject(people(), people(seed=1))


@every_check
def test_headings(check: Check) -> None:
    """The docstring has a summary and the five headings, each with text."""
    help = check.help

    assert help[""]
    assert [h for h in HEADINGS if not help.get(h)] == []


@every_check
@pytest.mark.parametrize("engine", ENGINES)
def test_same_finding_on_each_engine(check: Check, engine: str, on_pandas: Subject) -> None:
    """The same data from another engine, in another order or dtype, gives the same finding."""
    convert = ENGINES[engine]
    there = subject(convert(people()), convert(people(seed=1)))

    params = PARAMS.get(check.id)
    assert check.run(there, params).to_dict() == check.run(on_pandas, params).to_dict()
    assert there.current.fingerprint.table == on_pandas.current.fingerprint.table


@every_check
def test_json_round_trip(check: Check, on_pandas: Subject) -> None:
    """A finding survives JSON."""
    finding = check.run(on_pandas, PARAMS.get(check.id))
    data = json.loads(json.dumps(finding.to_dict(), allow_nan=False))

    assert Finding.from_dict(data).to_dict() == finding.to_dict()
    assert finding.status is Status.MEASURED


@every_check
@pytest.mark.parametrize("need", NEEDS)
def test_missing_need_is_not_applicable(check: Check, need: str) -> None:
    """Without what it needs a check is not applicable, and says what is missing."""
    lacking = {
        "reference": ROLES,
        "target": Roles(score="score", sensitive=("sex",)),
        "prediction": Roles(target="y", sensitive=("sex",), ignore=("score",)),
        "score": Roles(target="y", prediction="y2", sensitive=("sex",), ignore=("score",)),
        "sensitive": Roles(target="y", score="score"),
    }[need]
    data = people().assign(y2=1)
    finding = run(check, data, None if need == "reference" else people(seed=1).assign(y2=1), lacking)

    assert finding.status in (Status.NOT_APPLICABLE, Status.MEASURED)
    if need in check.needs:
        assert finding.status is Status.NOT_APPLICABLE
        assert finding.reason


def _one_class(d: pd.DataFrame) -> pd.DataFrame:
    return d.assign(y=0)


HOSTILE: dict[str, Callable[[pd.DataFrame], pd.DataFrame]] = {
    "one row": lambda d: d.head(1),
    "two rows": lambda d: d.head(2),
    "all null": lambda d: d.assign(income=np.nan, job=None, age=np.nan),
    "null outcomes": lambda d: d.assign(y=np.nan, score=np.nan),
    "null groups": lambda d: d.assign(sex=None, race=None),
    "one class": _one_class,
    "one group": lambda d: d.assign(sex="F", race="a"),
    "unseen": lambda d: d.assign(job="never seen", sex="X"),
    "infinite": lambda d: d.assign(income=np.where(d.age > 50, np.inf, -np.inf)),
    "huge": lambda d: d.assign(age=2**62 + d.age),
    "constant": lambda d: d.assign(income=1.0, age=1, job="x"),
    "extreme scores": lambda d: d.assign(score=(d.score > 0.5).astype(float)),
    "zoned": lambda d: d.assign(when=d.when.dt.tz_localize("Europe/Berlin", ambiguous="NaT", nonexistent="NaT")),
    "strange names": lambda d: d.rename(columns={"age": "<img src=x onerror=alert(1)>", "income": "$$x$$", "job": ""}),
    "strange values": lambda d: d.assign(job="<b>&\u202e\\", sex="a & b = \\N"),
}


@every_check
@pytest.mark.parametrize("kind", HOSTILE)
@pytest.mark.parametrize("side", ["current", "both", "reference"])
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
def test_groups_say_their_size(check: Check, on_pandas: Subject) -> None:
    """A check that speaks of a group counts its rows, so that small groups can be suppressed."""
    finding = check.run(on_pandas, PARAMS.get(check.id))
    sized = {m.group for m in finding.measures if m.name == "count"}

    assert {m.group for m in finding.measures if m.group} <= sized


def test_inputs_stay_as_they_are() -> None:
    """Counting and checking change nothing in the frames given."""
    current, reference = people(), people(seed=1)
    before = current.copy(deep=True), reference.copy(deep=True)
    whole = subject(current, reference)
    for check in CHECKS:
        check.run(whole)

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
    whole = subject(data, data)
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

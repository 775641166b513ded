"""What holds for every registered check, found without listing any."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.compute
import pytest

from workbench.core.check import HEADINGS, NEEDS, Check, all_checks
from workbench.core.contract import Contract
from workbench.core.contract_judge import judge_data
from workbench.core.counts import Counted, count
from workbench.core.dataset import Dataset, Roles
from workbench.core.finding import Finding, Status
from workbench.core.frame import Frame, wrap
from workbench.core.sample import SampleOf
from workbench.core.subject import Subject
from workbench.core.windowed import count_windows
from workbench.core.windows import Cut
from workbench.report.charts import chart_svg, is_drawn
from workbench.report.shown import ShownEvidence

CHECKS = list(all_checks().values())
every_check = pytest.mark.parametrize("check", CHECKS, ids=lambda c: c.id)
_OUTCOMES = ("kind", "kind_made", "p_a", "p_b", "p_c", "amount", "amount_made")
ROLES = Roles(target="y", score="score", sensitive=("sex", "race"), id="id", time="when", positive=1, ignore=_OUTCOMES)
_COMMON = {"sensitive": ("sex", "race"), "id": "id"}
ROLES_OF = {
    "binary": ROLES,
    "multiclass": Roles(
        target="kind", probabilities=(("a", "p_a"), ("b", "p_b"), ("c", "p_c")), task="multiclass",
        ignore=("y", "score", "kind_made", "amount", "amount_made"), **_COMMON,
    ),
    "regression": Roles(
        target="amount", prediction="amount_made", task="regression",
        ignore=("y", "score", "kind", "kind_made", "p_a", "p_b", "p_c"), **_COMMON,
    ),
}  # fmt: skip


def task_of(check: Check) -> str:
    """Return the task that a check is for."""
    return "multiclass" if "classes" in check.needs else "regression" if "regression" in check.needs else "binary"


class Byage:
    """A model that answers by age and sex alone; also where they are gone or strange."""

    feature_names = ("age", "income", "sex")
    failures: dict[str, int] = {}  # noqa: RUF012

    def __init__(self, weight: float = 0.02) -> None:
        self.weight = weight

    def numbers(self, batch: pa.RecordBatch) -> Any:
        if "age" not in batch.schema.names:
            return np.full(batch.num_rows, 0.5)
        age = np.nan_to_num(
            pa.compute.cast(batch.column("age"), pa.float64(), safe=False).to_numpy(zero_copy_only=False)
        )
        man = np.array([v == "M" for v in batch.column("sex").to_pylist()], float)
        return 1 / (1 + np.exp(-np.clip(self.weight * (np.clip(age, -1e6, 1e6) - 50) + 0.3 * man, -30, 30)))

    def scores(self, batch: pa.RecordBatch, positive: object) -> Any:
        return self.numbers(batch)

    def predictions(self, batch: pa.RecordBatch) -> Any:
        return (self.numbers(batch) >= 0.5).astype(int).tolist()

    def probabilities(self, batch: pa.RecordBatch) -> None:
        return None


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
    more = np.random.default_rng(seed + 100)
    weights = more.random((n, 3)) + 0.1
    weights = np.round(weights / weights.sum(axis=1, keepdims=True) * 1024) / 1024
    weights[:, 2] = 1 - weights[:, 0] - weights[:, 1]
    frame["p_a"], frame["p_b"], frame["p_c"] = weights.T
    frame["kind"] = [more.choice(["a", "b", "c"], p=w) for w in weights]
    frame["kind_made"] = np.array(["a", "b", "c"])[weights.argmax(axis=1)]
    frame["amount"] = more.normal(10, 3, n).round(3)
    frame["amount_made"] = (frame["amount"] + more.normal(0, 1, n)).round(3)
    said = np.array(["late", "paid", "twice", "never", "again", "ok", "no"])
    frame["remark"] = [" ".join(more.choice(said, more.integers(1, 6))) for _ in range(n)]
    frame.loc[rng.random(n) < 0.1, "income"] = np.nan
    frame.loc[rng.random(n) < 0.05, "job"] = None
    return frame


def counted(data: Any, roles: Roles = ROLES, name: str = "current", sampling: SampleOf | None = None) -> Counted:
    """Count a native frame."""
    return count(Dataset(wrap(data), roles, name), sampling=sampling)


def subject(
    current: Any,
    reference: Any = None,
    roles: Roles = ROLES,
    sampling: SampleOf | None = SampleOf(),  # noqa: B008
) -> Subject:
    """Return a subject of native frames."""
    other = None if reference is None else counted(reference, roles, "reference", sampling)
    return Subject(
        counted(current, roles, sampling=sampling),
        roles,
        reference=other,
        model=Byage(),
        challenger=Byage(0.1),
        contract=lambda as_of, naming: judge_data(wrap(current), CONTRACT, as_of=as_of, naming=naming),
    )


def in_windows(current: Any, reference: Any = None, roles: Roles = ROLES) -> Subject:
    """Return a subject of native frames, cut into the weeks of a binary outcome."""
    found = [
        (None, ())
        if data is None
        else count_windows(Dataset(wrap(data), roles, name), Cut(by="week", time="when"), sampling=SampleOf())
        for data, name in ((current, "current"), (reference, "reference"))
    ]
    (now, windows), (before, earlier) = found
    assert now is not None
    return Subject(now, roles, reference=before, model=Byage(), windows=windows, reference_windows=earlier)


def is_windowed(check: Check) -> bool:
    """Say whether a check measures over windows."""
    return "windows" in check.needs or check.id == "performance.estimated"


CONTRACT = Contract.from_dict(
    {
        "columns": {
            "id": {"type": "integer", "nullable": False},
            "age": {"type": "integer", "minimum": 18, "maximum": 60},
            "job": {"type": "text", "allowed": ["x", "y"]},
            "when": {"type": "time", "required": False},
            **{name: {} for name in ("income", "sex", "race", "y", "score")},
        },
        "rules": [
            {"rule": "not_null", "column": "income", "mostly": 0.99, "state": "proposed"},
            {"rule": "not_null", "column": "income", "when": {"column": "race", "values": ["c"]}},
            {"rule": "compare", "column": "score", "operator": "<=", "other": "y"},
            {"rule": "determines", "columns": ["sex"], "determined": "race"},
            {"rule": "mean", "column": "income", "maximum": 1000},
            {"rule": "sum", "column": "income", "minimum": 0},
            {"rule": "quantile", "column": "age", "q": 0.9, "maximum": 80},
            {"rule": "distinct", "column": "job", "maximum": 2},
            {"rule": "freshness", "column": "when", "within": "2 days"},
            {"rule": "row_count", "minimum": 2},
            {"rule": "pattern", "column": "job", "pattern": "[xyz]"},
        ],
        "unique": ["id", "age"],
    }
)


PARAMS: dict[str, dict[str, Any]] = {
    "bias.conditional_parity": {"controls": ["member"]},
    "explain.shap": {"most_rows": 5, "background": 5},
    "performance.label_maturity": {"horizon_days": 3},
    "leakage.time_order": {"column": "when"},
    "quality.ydata_report": {"minimal": True, "most_rows": 40, "most_columns": 3},
    "quality.contract": {"as_of": "2026-01-15T00:00:00Z"},
    "performance.claims": {"declared": {"accuracy": 0.7, "roc_auc": 0.9, "log_loss": 0.6}},
    "quality.out_of_domain": {"domains": {"race": ["a", "b"], "sex": ["F", "M"], "y": [0, 1]}},
}
"""What a check is run with where its defaults leave nothing to measure, or measure for long."""


def run(check: Check, current: Any, reference: Any = None, roles: Roles | None = None) -> Finding:
    """Run one check on native frames, as the task that it is for."""
    if roles is None and is_windowed(check):
        return check.run(in_windows(current, reference), PARAMS.get(check.id))
    wanted = roles or ROLES_OF[task_of(check)]
    return check.run(subject(current, reference, wanted), PARAMS.get(check.id))


ENGINES: dict[str, Callable[[pd.DataFrame], Any]] = {
    "polars": pl.from_pandas,
    "lazy": lambda d: pl.from_pandas(d).lazy(),
    "arrow": lambda d: pa.Table.from_pandas(d, preserve_index=False),
    "duckdb": lambda d: duckdb.connect().from_arrow(pa.Table.from_pandas(d, preserve_index=False)),
    "shuffled": lambda d: d.sample(frac=1, random_state=1),
    "categories": lambda d: d.astype({"sex": "category", "age": "float64", "y": "int8"}),
}


@pytest.fixture(scope="module")
def on_pandas() -> dict[str, Subject]:
    """Return the subjects that the engines are compared with, by task."""
    subjects = {task: subject(people(), people(seed=1), roles) for task, roles in ROLES_OF.items()}
    return {**subjects, "windows": in_windows(people(), people(seed=1))}


def run_on(subjects: dict[str, Subject], check: Check) -> Finding:
    """Run a check on the subject of its task."""
    return check.run(subjects["windows" if is_windowed(check) else task_of(check)], PARAMS.get(check.id))


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

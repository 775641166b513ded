"""What every check is run on: frames, roles, engines."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.compute
import pytest

from workbench.core.check import Check, all_checks
from workbench.core.contract import Contract
from workbench.core.contract_judge import judge_data
from workbench.core.counts import Counted, count
from workbench.core.dataset import Dataset, Roles
from workbench.core.finding import Finding
from workbench.core.frame import wrap
from workbench.core.sample import SampleOf
from workbench.core.subject import Subject
from workbench.core.windowed import count_windows
from workbench.core.windows import Cut

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

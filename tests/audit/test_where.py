"""A narrowed audit is the audit of those rows, says so, and repeats from its plan and its notebook."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from workbench.audit.plan import load_plan
from workbench.audit.runner import Runner
from workbench.core.errors import ConfigError, DataError
from workbench.report import words
from workbench.report.html import render_html
from workbench.ui.payload import overview
from workbench.work import run_plan


def rows(seed: int, n: int = 900) -> pd.DataFrame:
    """Return rows with two groups, a score and a truth."""
    rng = np.random.default_rng(seed)
    score = rng.random(n)
    return pd.DataFrame(
        {
            "y": (rng.random(n) < score).astype(int),
            "score": np.round(score, 3),
            "sex": rng.choice(["F", "M", "=<b>X"], n, p=[0.5, 0.495, 0.005]),
            "age": rng.integers(18, 70, n),
            "area": rng.choice(["north", "south"], n),
        }
    )


ROLES: dict[str, Any] = {"target": "y", "score": "score", "sensitive": ["area"], "ignore": ["sex"]}
CHECKS = [
    "quality.profile",
    "performance.classification",
    "bias.group_rates",
    "drift.numeric",
    "performance.weak_segments",
]


def audit(data: Any, reference: Any, **more: Any) -> wb.Audit:
    """Return an audit with some checks, of rows and of counts."""
    return wb.Audit(data, reference=reference, checks=CHECKS, **ROLES, **more)


def content(record: wb.Record) -> dict[str, Any]:
    """Return what is digested but for the conditions."""
    found = json.loads(record.to_json())["content"]
    found["subject"].pop("where", None)
    return dict(found)


def test_it_is_the_audit_of_those_rows() -> None:
    """Findings, verdict and fingerprints are those of frames that were cut by hand; current and reference alike."""
    data, reference = rows(0), rows(1)
    where = {"sex": "F"} | {"age": list(range(30, 60))}
    narrowed = audit(data, reference, where=where).run()
    cut = [f[(f.sex == "F") & f.age.between(30, 59)] for f in (data, reference)]
    by_hand = audit(*cut).run()
    assert content(narrowed) == content(by_hand)
    assert narrowed.digest != by_hand.digest
    assert audit(data, reference).where(where).run().digest == narrowed.digest
    assert (
        audit(data, reference).where({"sex": "F"}).where({"age": list(range(30, 60))}).run().digest == narrowed.digest
    )


def test_without_conditions_nothing_changes() -> None:
    """An empty list is no part of the record."""
    assert audit(rows(0), rows(1), where=[]).run().digest == audit(rows(0), rows(1)).run().digest


def test_what_is_shown_says_so() -> None:
    """Report, text and screen name the conditions, as text."""
    record = audit(
        rows(0),
        rows(1),
        where=[{"column": "age", "operator": ">=", "value": 30}, {"column": "sex", "operator": "!=", "value": "=<b>X"}],
    ).run()
    said = "only rows where age at least 30 and sex is not =<b>X"
    assert said in words.data_words(record)
    assert overview(record)["data"].endswith(said)
    page = render_html(record)
    assert "age at least 30" in page
    assert "<b>X" not in page


def test_files_plan_and_notebook_give_the_same(tmp_path: Path) -> None:
    """A plan with `where`, frames in memory, an exported notebook's plan: one digest."""
    data, reference = rows(0), rows(1)
    data.to_parquet(tmp_path / "data.parquet")
    reference.to_parquet(tmp_path / "reference.parquet")
    (tmp_path / "plan.yaml").write_text(
        "data: data.parquet\nreference: reference.parquet\ntarget: y\nscore: score\nsensitive: [area]\nignore: [sex]\n"
        f"checks: [{', '.join(CHECKS)}]\n"
        "where:\n  - {column: sex, value: F}\n  - {column: age, operator: '<', value: 40}\n"
    )
    where = [{"column": "sex", "value": "F"}, {"column": "age", "operator": "<", "value": 40}]
    given = audit(data, reference, where=where)
    digest = given.run().digest
    assert wb.Audit.from_plan(tmp_path / "plan.yaml").run().digest == digest
    (tmp_path / "again.yaml").write_text(load_plan(tmp_path / "plan.yaml").to_yaml())
    assert wb.Audit.from_plan(tmp_path / "again.yaml").run().digest == digest
    assert wb.Audit.from_plan(given.plan(tmp_path / "stored")).run().digest == digest
    stored = pd.read_parquet(next((tmp_path / "stored").glob("current*")))
    assert set(stored["sex"]) == {"F"}  # rows that are not audited do not leave the session


@pytest.mark.notebook
@pytest.mark.timeout(280)
def test_an_exported_notebook_runs_to_the_same_digest(tmp_path: Path) -> None:
    """The bundle of an unattended run holds an executed notebook with the conditions among its parameters."""
    rows(0).to_parquet(tmp_path / "data.parquet")
    (tmp_path / "plan.yaml").write_text(
        "data: data.parquet\ntarget: y\nscore: score\nchecks: [quality.profile]\nwhere: [{column: sex, value: F}]\n"
    )
    outcome = run_plan(tmp_path / "plan.yaml", folder=tmp_path / "bundle")
    assert outcome.record.digest == wb.Audit.from_plan(tmp_path / "plan.yaml").run().digest
    assert "'column': 'sex'" in (tmp_path / "bundle" / "audit.ipynb").read_text()
    assert wb.verify(tmp_path / "bundle") == []


def test_few_rows_are_not_told_of() -> None:
    """Fewer than the minimum, none too, are refused with what to do; the policy says how few."""
    for where in ({"sex": "=<b>X"}, {"sex": "nobody"}, {"sex": "F", "age": 18, "area": "north"}):
        with pytest.raises(DataError, match="fewer than 10 rows of the current data meet the conditions"):
            audit(rows(0), rows(1), where=where).run()
    few = {"minimum_group_size": 1, "rules": []}
    assert audit(rows(0), None, where={"sex": "F", "age": 18, "area": "north"}, policy=few).run().findings


def test_mistakes_are_told_before_anything_runs() -> None:
    """Columns, operators, values, keys."""
    for where, told in (
        ({"sx": "F"}, "'sex'"),
        ([{"column": "sex", "operator": "=>", "value": "F"}], "operator"),
        ([{"colum": "sex"}], "column"),
        ({"sex": 1}, "expected text"),
        ("sex == 'F'", "expected conditions"),
    ):
        with pytest.raises((ConfigError, DataError), match=told):
            audit(rows(0), None, where=where)
    with pytest.raises(DataError, match=r"where: .*'sex'"):
        audit(rows(0), rows(1).drop(columns="sex"), where={"sex": "F"})


def test_a_worker_process_narrows_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Frames in memory and files: the same record as in this process, and a changed condition counts anew."""
    monkeypatch.setenv("WORKBENCH_RUNS", str(tmp_path / "runs"))
    data = rows(0)
    data.to_parquet(tmp_path / "data.parquet")
    runner = Runner()
    try:
        for source in (data, str(tmp_path / "data.parquet")):
            for where in ({"sex": "F"}, {"sex": "M"}, {}):
                given = wb.Audit(source, target="y", score="score", where=where, checks=["quality.profile"])
                assert runner.run(given.prepared).digest == given.run().digest
                assert runner.why_here == ""
    finally:
        runner.close()

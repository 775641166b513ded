"""One record, one digest: whatever engine, door or order; and what changed is named."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import yaml

import workbench as wb
from workbench import demo
from workbench.audit.record import Record
from workbench.core.errors import EvidenceError
from workbench.work import run_plan


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Prepare the demo's data, model and plan."""
    return demo.prepare(tmp_path_factory.mktemp("demo"))


@pytest.fixture(scope="module")
def digest(plan: Path) -> str:
    """Return the digest of the demo's plan."""
    return wb.Audit.from_plan(plan).run().digest


ENGINES: dict[str, Any] = {
    "pandas": lambda p: pd.read_parquet(p),
    "polars": lambda p: pl.read_parquet(p),
    "lazy": lambda p: pl.scan_parquet(p),
    "arrow": lambda p: pa.Table.from_pandas(pd.read_parquet(p), preserve_index=False),
    "duckdb": lambda p: duckdb.connect().read_parquet(str(p)),
}


@pytest.mark.parametrize("engine", ENGINES)
def test_same_digest_on_each_engine(engine: str, plan: Path, digest: str) -> None:
    """Frames of every engine with an in-memory model give the digest of the plan on files."""
    read = ENGINES[engine]
    current, reference = (read(plan.parent / f"arrests-{years}.parquet") for years in ("2001-2002", "1997-2000"))
    trained = demo.train(demo.split(demo.arrests())[1])
    audit = wb.Audit(
        current,
        reference=reference,
        model=trained,
        target="released",
        positive="Yes",
        threshold=demo.THRESHOLD,
        sensitive=demo.SENSITIVE,
        ignore=["year"],
        title=demo.TITLE,
    )

    assert audit.run().digest == digest


@pytest.mark.notebook
@pytest.mark.timeout(280)
def test_same_digest_from_command_line_papermill_and_export(plan: Path, digest: str, tmp_path: Path) -> None:
    """`workbench run`, plain papermill from another folder, and an exported notebook give one digest."""
    outcome = run_plan(plan, folder=tmp_path / "bundle")
    assert outcome.record.digest == digest
    assert wb.verify(tmp_path / "bundle") == []

    parameters = yaml.safe_load(plan.read_text())
    for name in ("data", "reference", "model"):
        parameters[name] = str(plan.parent / parameters[name])
    parameters["output"] = str(tmp_path / "papermill")
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(parameters))
    template = Path(__file__).parents[2] / "notebooks" / "audit.ipynb"
    command = [sys.executable, "-m", "papermill", str(template), "out.ipynb", "-f", "params.yaml", "--no-progress-bar"]
    elsewhere = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=200, check=False)
    assert elsewhere.returncode == 0, elsewhere.stderr[-2000:]
    assert Record.from_json((tmp_path / "papermill" / "record.json").read_bytes()).digest == digest

    current, reference = demo.split(demo.arrests())
    audit = wb.Audit(
        current,
        reference=reference,
        model=demo.train(reference),
        target="released",
        positive="Yes",
        threshold=demo.THRESHOLD,
        sensitive=demo.SENSITIVE,
        ignore=["year"],
        title=demo.TITLE,
    )
    exported = audit.export(tmp_path / "exported.ipynb")
    command = [
        sys.executable,
        "-m",
        "papermill",
        str(exported),
        "done.ipynb",
        "-p",
        "output",
        "again",
        "--no-progress-bar",
    ]
    again = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=200, check=False)
    assert again.returncode == 0, again.stderr[-2000:]
    assert Record.from_json((tmp_path / "again" / "record.json").read_bytes()).digest == digest


def test_one_changed_cell_is_named() -> None:
    """One cell of 200,000 rows gives another digest, and the comparison names the column."""
    rng = np.random.default_rng(0)
    n = 200_000
    data = pd.DataFrame(
        {"a": rng.random(n), "b": rng.integers(0, 9, n), "y": rng.integers(0, 2, n), "p": rng.random(n)}
    )
    changed = data.copy()
    changed.loc[123_456, "b"] += 1
    records = [
        wb.Audit(d, target="y", score="p", checks=["quality.missing", "performance.classification"]).run()
        for d in (data, changed)
    ]
    found = wb.compare(*records)

    assert not found.same
    assert found.data == ("current: column 'b' changed",)


def test_exchanged_labels_are_noticed() -> None:
    """Two rows' labels exchanged change no column, but the rows."""
    data = pd.DataFrame({"x": range(100), "y": [0, 1] * 50})
    swapped = data.assign(y=[1, 0, *data.y[2:]])
    records = [
        wb.Audit(d, target="y", prediction="y2", checks=["quality.missing"]).run()
        for d in (data.assign(y2=1), swapped.assign(y2=1))
    ]

    assert wb.compare(*records).data == (
        "current: each column holds the same values, but rows combine them differently (cells were exchanged)",
    )


def test_record_survives_json_and_notices_tampering(plan: Path) -> None:
    """The record reads back with its digest; a changed number does not pass."""
    record = wb.Audit.from_plan(plan).run()
    again = Record.from_json(record.to_json())
    assert again.digest == record.digest

    whole = json.loads(record.to_json())
    whole["content"]["findings"][0]["measures"][0]["value"] = 0.5
    with pytest.raises(EvidenceError):
        Record.from_json(json.dumps(whole))


def test_to_frame_has_the_published_columns_and_suppresses(plan: Path) -> None:
    """One measure a row; groups under ten rows hold no number unless asked for."""
    record = wb.Audit.from_plan(plan).run()
    frame, everything = record.to_frame(), record.to_frame(suppressed=False)
    columns = "check measure column group window where value low high method n unit error_bound undefined_because"

    assert list(frame.columns) == columns.split()
    assert record.small_groups == {"sex=Female & citizen=No"}
    hidden = frame[frame.group.isin(record.small_groups)]
    assert len(hidden) > 0
    assert hidden[["value", "low", "high", "n"]].isna().all(axis=None)
    assert hidden.undefined_because.str.startswith("suppressed").all()
    assert everything[everything.group.isin(record.small_groups)].value.notna().any()

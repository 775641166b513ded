"""The scaffolded DAG runs under Airflow itself, once for a pass and once for a fail."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.scaffold.audits import TOOLS, write_audit
from tests.servers import unavailable
from workbench.scaffold import write_scaffold

pytestmark = [pytest.mark.tier, pytest.mark.airflow, pytest.mark.timeout(800)]

AIRFLOW = TOOLS / "airflow" / "bin" / "airflow"


def airflow(*words: object, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [AIRFLOW, *map(str, words)], capture_output=True, text=True, check=False, env=env, timeout=400
    )


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    """An Airflow with a database of its own, that knows our kernel."""
    if not AIRFLOW.is_file():
        unavailable("Airflow is not installed (tests/services/airflow.setup)")
    write_scaffold("airflow", tmp_path / "airflow")
    subprocess.run(
        [sys.executable, "-m", "ipykernel", "install", "--prefix", tmp_path / "kernel", "--name", "workbench"],
        check=True, capture_output=True,
    )  # fmt: skip
    env = {
        **os.environ,
        "AIRFLOW_HOME": str(tmp_path / "airflow"),
        "AIRFLOW__CORE__DAGS_FOLDER": str(tmp_path / "airflow" / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        "SCARF_ANALYTICS": "false",
        "JUPYTER_PATH": str(tmp_path / "kernel" / "share" / "jupyter"),
        "AUDIT_HOME": str(tmp_path / "audit"),
        "AUDIT_COMMAND": str(Path(sys.prefix) / "bin" / "workbench"),
        "AUDIT_KERNEL": "workbench",
    }
    made = airflow("db", "migrate", env=env)
    assert made.returncode == 0, (made.stdout + made.stderr)[-3000:]
    return env


def test_the_dag_passes_and_fails_with_the_audit(home: dict[str, str], tmp_path: Path) -> None:
    for verdict, state in (("pass", "success"), ("fail", "failed")):
        write_audit(tmp_path / "audit", verdict)
        day = {"pass": "2026-01-05", "fail": "2026-01-06"}[verdict]
        told = airflow("dags", "test", "audit", day, env=home)
        text = told.stdout + told.stderr
        assert f"state={state}" in text, text[-3000:]
        assert (told.returncode == 0) == (verdict == "pass"), text[-3000:]
    records = list((tmp_path / "audit" / "runs").glob("*/record.json"))
    assert len(records) == 2

"""The package works with the lowest versions that it says it takes, and with the newest there are."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = [pytest.mark.tier, pytest.mark.environments, pytest.mark.timeout(1800)]

ROOT = Path(__file__).parents[2]
ROOMS = (
    "core",
    "load",
    "quality",
    "bias",
    "drift",
    "performance",
    "optimize",
    "audit",
    "report",
    "ui",
    "cli",
    "govern",
)
TOLD = (
    *("numpy", "pandas", "scipy", "scikit-learn", "pyarrow", "duckdb", "narwhals", "polars", "pydantic", "fairlearn"),
    *("papermill", "panel", "anywidget", "ipywidgets", "jupyterlab", "ydata-profiling", "shap"),
)
VERSIONS = (
    "import sys; from importlib.metadata import version as v; print(' '.join(f'{n}-{v(n)}' for n in sys.argv[1:]))"
)


@pytest.mark.parametrize("name", ["lowest", "newest"])
def test_the_rooms_tests_pass(name: str, tmp_path: Path, measured: Callable[[str], None]) -> None:
    """What is measured, judged and shown without a browser, and a papermill run, in an environment of its own."""
    python = Path(sys.prefix) / "environments" / name / "bin" / "python"
    told = subprocess.run([python, "-c", VERSIONS, *TOLD], capture_output=True, text=True, check=True)
    measured(f"{name}: {told.stdout.strip()}")
    options = ["-q", "-p", "no:cacheprovider", "-n", "2", "--dist", "loadgroup", f"--basetemp={tmp_path / 'tests'}"]
    # A warning of a package that is older or newer than ours is no failure of ours.
    options += ["-W", "default", "-m", "not slow and not bench and not tier and not browser"]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
    tests = [f"tests/{room}" for room in ROOMS]
    run = subprocess.run(
        [python, "-m", "pytest", *options, *tests],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    failed = "\n".join(line for line in run.stdout.splitlines() if line.startswith(("FAILED", "ERROR", "E  ")))
    assert run.returncode == 0, f"{failed}\n{run.stdout[-1500:]}\n{run.stderr[-1500:]}"
    measured(f"{name}: {run.stdout.strip().splitlines()[-1]}")

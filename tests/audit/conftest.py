"""Runners of audits, and a place for their findings that is the test's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import workbench as wb
from workbench.audit.runner import Runner
from workbench.core.check import CHECKS, all_checks


@pytest.fixture(autouse=True)
def _own_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_RUNS", str(tmp_path / "runs"))


@pytest.fixture(scope="module")
def warm() -> Iterator[Runner]:
    """A runner whose worker the tests share, as the runs of one session do."""
    runner = Runner()
    yield runner
    runner.close()


@pytest.fixture
def runner() -> Iterator[Runner]:
    runner = Runner()
    yield runner
    runner.close()


@pytest.fixture
def here() -> Iterator[Callable[..., Any]]:
    """Register functions as checks of the notebook, which go to the worker with their code."""
    before = all_checks()

    def register(function: Callable[..., Any], id: str, code: str, **about: Any) -> str:
        function.__module__ = "__main__"
        wb.check(id, code, id)(function)
        return id

    yield register
    CHECKS.clear()
    CHECKS.update(before)

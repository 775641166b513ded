"""A run in a real JupyterLab: the kernel answers meanwhile, cancel leaves a partial record on screen."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.browser.test_lab import kill_kernels, shot
from tests.notebooks import opened, written

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser"), pytest.mark.timeout(300)]

CELL = """
import os, time
import numpy as np
import pandas as pd
import workbench as wb

@wb.check("own.dozes", "Z970", "A check that dozes")
def dozes(subject):
    while not os.path.exists("awake"):
        time.sleep(600)
    return wb.Result([wb.Measure("woke", 1, n=1)])

rng = np.random.default_rng(1)
data = pd.DataFrame({"x": rng.normal(size=500), "y": rng.integers(0, 2, 500), "g": rng.choice(["a", "b"], 500)})
data["score"] = 1 / (1 + np.exp(-data.x))
audit = wb.Audit(data, target="y", score="score", sensitive="g", title="Dozing",
                 checks=["bias.group_rates", "own.dozes", "quality.missing"])
audit
"""


def test_the_kernel_answers_and_cancel_leaves_a_partial_record(
    page: Any, lab: tuple[str, Path], measured: Callable[[str], None]
) -> None:
    """Press Run, compute in a cell while a check dozes, press Cancel, read what is there, run on to the same digest."""
    address, folder = lab
    written(folder / "running.ipynb", CELL, "print('the sum is', 40 + 2)")
    opened(page, address, "running.ipynb")
    page.locator(".jp-Notebook .jp-Cell").first.locator(".jp-InputArea-editor").click()
    page.keyboard.press("Shift+Enter")
    view = page.locator(".jp-OutputArea .wb").first
    view.locator(".wb-primary").wait_for(timeout=90_000)

    view.locator(".wb-primary").click()
    view.locator(".wb-live", has_text="A check that dozes").wait_for(timeout=60_000)
    page.locator(".jp-Notebook .jp-Cell").nth(1).locator(".jp-InputArea-editor").click()
    start = time.perf_counter()
    page.keyboard.press("Shift+Enter")
    page.locator(".jp-OutputArea-output", has_text="the sum is 42").wait_for(timeout=30_000)
    measured(f"a cell's output during a run: {time.perf_counter() - start:.2f} s after the keys")
    assert "A check that dozes" in view.locator(".wb-live").inner_text()
    shot(page, "lab-running")

    start = time.perf_counter()
    view.get_by_role("button", name="Cancel").click()
    view.locator(".wb-head", has_text="this is a partial result").wait_for(timeout=30_000)
    measured(f"partial record on screen {time.perf_counter() - start:.2f} s after Cancel")
    assert view.locator(".wb-finding").count() == 3
    assert "cancelled" in view.locator(".wb-finding", has_text="A check that dozes").inner_text().lower()
    view.locator(".wb-finding", has_text="Rates by group").click()
    view.locator(".wb-charts img").first.wait_for(timeout=60_000)
    shot(page, "lab-cancelled")

    (folder / "awake").touch()
    view.get_by_role("button", name="Run the rest").click()
    dozed = view.locator(".wb-finding", has_text="A check that dozes")
    dozed.filter(has_not_text="cancelled").wait_for(timeout=60_000)
    assert "partial result" not in view.locator(".wb-head").inner_text()
    assert page.foreign == []
    kill_kernels(address)

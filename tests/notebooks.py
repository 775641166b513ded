"""Notebooks in a real JupyterLab: written, opened, cells run, saved."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nbformat

IDLE = ".jp-Notebook-ExecutionIndicator[data-status='idle']"
ABOUT = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}


def written(file: Path, *cells: str) -> Path:
    """Write a notebook of these code cells."""
    found = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c.strip()) for c in cells], metadata=ABOUT)
    nbformat.write(found, file)
    return file


def opened(page: Any, address: str, name: str) -> None:
    """Open a notebook and wait for its kernel."""
    page.goto(f"{address}/lab/tree/{name}?token=tok&reset")
    page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=60_000)
    page.wait_for_selector(IDLE, timeout=60_000, state="attached")
    page.wait_for_timeout(1000)


def run(page: Any, at: int) -> None:
    """Run a cell."""
    page.locator(".jp-Notebook .jp-Cell").nth(at).locator(".jp-InputArea-editor").click()
    page.keyboard.press("Shift+Enter")


def run_all(page: Any) -> None:
    """Run every cell."""
    page.locator(".lm-MenuBar-item", has_text="Run").click()
    page.click("li.lm-Menu-item[data-command='runmenu:run-all']")


def saved(page: Any, file: Path) -> dict[str, Any]:
    """Save the notebook and return what is in the file."""
    before = file.stat().st_mtime_ns
    page.locator(".lm-MenuBar-item", has_text="File").click()
    page.locator("li.lm-Menu-item[data-command='docmanager:save']").click()
    for _ in range(100):
        page.wait_for_timeout(100)
        if file.stat().st_mtime_ns != before:
            break
    page.wait_for_timeout(500)
    return dict(json.loads(file.read_text("utf-8")))

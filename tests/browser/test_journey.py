"""An analyst's journey in a real JupyterLab: set up by clicking, run, look at one group, go back, compare, export."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path
from typing import Any

import nbformat
import pytest

from tests.browser.test_lab import shot
from workbench.audit.record import Record
from workbench.report.execute import execute_notebook

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser"), pytest.mark.timeout(300)]

CELLS = (
    """
import numpy as np
import pandas as pd
import workbench as wb

rng = np.random.default_rng(4)
n = 900
loans = pd.DataFrame({"income": rng.normal(40, 9, n).round(1), "sex": rng.choice(["F", "M"], n),
                      "score": rng.random(n).round(3)})
loans["repaid"] = np.where(rng.random(n) < loans.score, "yes", "no")
screen = wb.setup()
screen
""",
    "loans = loans.copy()",
)


def started(page: Any, address: str, folder: Path) -> Any:
    """Open a notebook, run its first cell, and return its screen."""
    about = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in CELLS], metadata=about)
    nbformat.write(notebook, folder / "journey.ipynb")
    page.goto(f"{address}/lab/tree/journey.ipynb?token=tok&reset")
    page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=60_000)
    page.wait_for_selector(".jp-Notebook-ExecutionIndicator[data-status='idle']", timeout=60_000, state="attached")
    page.wait_for_timeout(1000)
    cell(page, 0)
    view = page.locator(".jp-OutputArea .wb").first
    view.wait_for(timeout=90_000)
    return view


def shown_rows(view: Any) -> str:
    """Return the number of rows that the head of the screen tells."""
    found = re.search(r"current data, (\d+) rows", view.locator("header.wb-head").inner_text())
    return found[1] if found else ""


def cell(page: Any, at: int) -> None:
    """Run a cell."""
    page.locator(".jp-Notebook .jp-Cell").nth(at).locator(".jp-InputArea-editor").click()
    page.keyboard.press("Shift+Enter")


def test_from_variables_to_a_notebook_with_the_same_digest(page: Any, lab: tuple[str, Path], tmp_path: Path) -> None:
    """What is on screen when it is exported is what the exported notebook measures."""
    address, folder = lab
    view = started(page, address, folder)
    assert "loans (DataFrame, 900 × 4)" in view.get_by_label("Data to audit", exact=True).inner_text()
    view.get_by_label("Data to audit", exact=True).select_option("loans")
    role = view.locator("select[data-column='repaid']")
    role.wait_for(timeout=30_000)
    role.select_option("target")
    view.get_by_label("Positive value").wait_for(timeout=30_000)
    view.get_by_label("Positive value").select_option("yes")
    view.locator("pre", has_text="positive='yes'").wait_for(timeout=30_000, state="attached")
    shot(page, "journey-setup")
    view.get_by_role("button", name="Start").click()

    view = page.locator(".jp-OutputArea .wb").first
    view.get_by_role("button", name="Run", exact=True).click(timeout=30_000)
    view.locator(".wb-head").wait_for(timeout=90_000)
    whole = view.locator(".wb-head [title^='sha256:']").get_attribute("title")
    view.locator(".wb-finding", has_text="Rates by group").click()
    view.locator(".wb-detail").wait_for(timeout=60_000)
    view.locator(".wb-detail summary", has_text="Numbers").click()
    view.get_by_label("Only the rows of sex F").first.click()
    view.locator(".wb-head", has_text="only rows where sex is F").wait_for(timeout=90_000)
    narrowed = view.locator(".wb-head [title^='sha256:']").get_attribute("title")
    shot(page, "journey-narrowed")

    view.get_by_role("button", name="Undo").click()
    view.locator(f".wb-head [title='{whole}']").wait_for(timeout=30_000)
    view.get_by_role("button", name="Redo").click()
    view.locator(f".wb-head [title='{narrowed}']").wait_for(timeout=30_000)
    view.get_by_role("tab", name="Compare").click()
    view.get_by_role("button", name="Compare", exact=True).click()
    view.get_by_text("Measures that moved").wait_for(timeout=30_000)
    shot(page, "journey-compared")

    view.get_by_role("tab", name="Overview").click()
    view.locator(".wb-detail summary", has_text="Numbers").click(timeout=60_000)
    with page.expect_download() as download:
        view.get_by_role("button", name="CSV").first.click(timeout=60_000)
    assert download.value.suggested_filename == "bias-group_rates.csv"
    rows = list(csv.DictReader(io.StringIO(Path(download.value.path()).read_text())))
    assert {r["n"] for r in rows if r["measure"] == "count" and r["group"] == "sex=F"} == {shown_rows(view)}

    view.locator("input[aria-label='Notebook to write']").fill("narrowed.ipynb")
    view.get_by_role("button", name="Export notebook").click()
    view.locator(".wb-message", has_text="narrowed.ipynb").wait_for(timeout=60_000)
    cell(page, 1)
    view.locator(".wb-message", has_text="Stale: loans").wait_for(timeout=30_000)
    assert page.foreign == []
    exported = nbformat.read(folder / "narrowed.ipynb", as_version=4)
    assert "'column': 'sex'" in exported.cells[1].source
    execute_notebook(exported, tmp_path / "run")
    record = Record.from_json((tmp_path / "run" / "record.json").read_bytes())
    assert record.digest == narrowed

"""An analyst's journey in a real JupyterLab, once by mouse and once by keyboard alone.

Set up, run, cancel, run the rest, look at an intersection, go back, move the threshold, decide on rules, compare,
export; the export gives the same digest under papermill.
"""

from __future__ import annotations

import csv
import io
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.browser.driving import Keyboard, Mouse
from tests.browser.test_lab import kill_kernels, shot
from tests.notebooks import opened, written

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser"), pytest.mark.timeout(600)]

CELLS = (
    """
import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier
import workbench as wb

rng = np.random.default_rng(4)
n = 1800
every = pd.DataFrame({"income": rng.normal(40, 9, n).round(1), "debts": rng.gamma(2, 4, n).round(1),
                      "sex": rng.choice(["F", "M"], n), "race": rng.choice(["A", "B"], n)})
chance = 1 / (1 + np.exp(-(every.income - 40) / 9 - (every.race == "A") * 0.6 + every.debts / 12))
every["repaid"] = np.where(rng.random(n) < chance, "yes", "no")
before, loans = every.iloc[:900].copy(), every.iloc[900:].reset_index(drop=True)
first = LogisticRegression().fit(before[["income", "debts"]], before.repaid)
second = DecisionTreeClassifier(max_depth=3, random_state=0).fit(before[["income", "debts"]], before.repaid)
del every
screen = wb.setup()
screen
""",
    "loans = loans.copy()",
)


def started(page: Any, address: str, folder: Path) -> Any:
    """Open a notebook, run its first cell by keys, and return its screen."""
    written(folder / "journey.ipynb", *CELLS)
    opened(page, address, "journey.ipynb")
    Keyboard(page).reach(page.locator(".jp-Notebook .jp-Cell").first)
    page.keyboard.press("Control+Enter")
    view = page.locator(".jp-OutputArea .wb").first
    view.wait_for(timeout=90_000)
    return view


def digest_of(view: Any) -> str:
    """Return the digest on screen."""
    return str(view.locator(".wb-head [title^='sha256:']").get_attribute("title"))


def shown_rows(view: Any) -> str:
    """Return the number of rows that the head of the screen tells."""
    found = re.search(r"current data, (\d+) rows", view.locator("header.wb-head").inner_text())
    return found[1] if found else ""


def set_up(view: Any, by: Mouse) -> None:
    """Choose data, reference, two models, the target and its positive value; the groups are guessed."""
    view.get_by_label("Data to audit", exact=True).wait_for()
    assert "loans (DataFrame, 900 × 5)" in view.get_by_label("Data to audit", exact=True).inner_text()
    by.choose(view.get_by_label("Data to audit", exact=True), "loans")
    view.locator("select[data-column='repaid']").wait_for()
    by.choose(view.get_by_label("Reference", exact=True), "before")
    by.choose(view.get_by_label("Model", exact=True), "first")
    by.choose(view.get_by_label("Model to compare with", exact=True), "second")
    by.choose(view.locator("select[data-column='repaid']"), "target")
    view.get_by_label("Positive value").wait_for()
    by.choose(view.get_by_label("Positive value"), "yes")
    view.locator("pre", has_text="positive='yes'").wait_for(state="attached")
    assert view.locator("select[data-column='race']").input_value() == "sensitive"


def run_cancel_and_run_the_rest(view: Any, by: Mouse) -> None:
    """Run, cancel while it runs, see a partial result, and run the rest."""
    by.press(view.get_by_role("button", name="Run", exact=True))
    view.locator("button:not(:disabled)", has_text="Cancel").wait_for()
    by.press(view.get_by_role("button", name="Cancel"))
    view.locator(".wb-head", has_text="this is a partial result").wait_for()
    by.press(view.get_by_role("button", name="Run the rest"))
    view.locator(".wb-head").filter(has_not_text="partial result").wait_for(timeout=180_000)
    view.get_by_role("button", name="Run again").wait_for(timeout=180_000)


def look_at_an_intersection_and_go_back(view: Any, by: Mouse, whole: str) -> None:
    """Narrow the rows to a group of two attributes, and undo that."""
    by.tab(view, "Bias")
    view.locator(".wb-forest tr").first.wait_for()
    by.tick(view.locator(".wb-tree label", has_text="race").locator("input"))
    by.press(view.get_by_label("Only the rows of sex F, race B").first)
    view.locator(".wb-head", has_text="sex is F").filter(has_text="race is B").wait_for(timeout=180_000)
    assert digest_of(view) != whole
    by.press(view.get_by_role("button", name="Undo"))
    view.locator(f".wb-head [title='{whole}']").wait_for()


def move_the_threshold(page: Any, view: Any, by: Mouse) -> None:
    """Move the slider: the rates move, the audit does not."""
    forest, whole = view.locator(".wb-forest"), digest_of(view)
    forest.locator("tr").first.wait_for()
    before = forest.inner_text()
    by.slide(view.get_by_role("slider", name="Threshold"), 5)
    page.wait_for_function("([node, old]) => node.innerText !== old", arg=[forest.element_handle(), before])
    assert digest_of(view) == whole, "moving the slider must not change the audit"


def decide_on_rules(view: Any, by: Mouse) -> str:
    """Have a contract proposed, accept a rule, run, and return the digest of the audit that is held to it."""
    by.tab(view, "Contract")
    by.press(view.get_by_role("button", name="Propose rules"))
    rule = view.locator('.wb-rules tr[data-key="income: not null"]')
    by.accept(rule)
    rule.locator(".wb-state-accepted").wait_for()
    by.press(view.get_by_role("button", name="Run again"))
    view.locator(".wb-rules tr .wb-verdict").first.wait_for(timeout=180_000)
    return digest_of(view)


def download_numbers(page: Any, view: Any, by: Mouse) -> None:
    """Take a finding's numbers along as a file."""
    by.tab(view, "Bias")
    finding = view.locator(".wb-finding[data-check='bias.group_rates']")
    finding.wait_for()
    if finding.get_attribute("aria-expanded") == "false":
        by.press(finding)
    summary = view.locator(".wb-detail summary", has_text=re.compile("^Numbers"))
    summary.first.wait_for()
    by.press(summary.first)
    with page.expect_download() as download:
        by.press(view.get_by_role("button", name="CSV").first)
    assert download.value.suggested_filename == "bias-group_rates.csv"
    rows = list(csv.DictReader(io.StringIO(Path(download.value.path()).read_text())))
    assert {r["n"] for r in rows if r["measure"] == "selection_rate" and not r["group"]} == {shown_rows(view)}


@pytest.mark.parametrize("way", [Mouse, Keyboard])
def test_from_variables_to_a_notebook_with_the_same_digest(
    page: Any, lab: tuple[str, Path], tmp_path: Path, way: type[Mouse]
) -> None:
    """What is on screen when it is exported is what the exported notebook measures under papermill."""
    address, folder = lab
    by = way(page)
    name = f"journey-{way.__name__.lower()}"
    view = started(page, address, folder)
    set_up(view, by)
    shot(page, f"{name}-setup")
    by.press(view.get_by_role("button", name="Start"))
    view = page.locator(".jp-OutputArea .wb").first
    run_cancel_and_run_the_rest(view, by)
    whole = digest_of(view)
    by.tab(view, "Performance")
    view.locator(".wb-finding", has_text="Two models compared").wait_for()
    look_at_an_intersection_and_go_back(view, by, whole)
    move_the_threshold(page, view, by)
    shot(page, f"{name}-threshold")
    agreed = decide_on_rules(view, by)
    assert agreed != whole
    by.tab(view, "Compare")
    by.press(view.get_by_role("button", name="Compare", exact=True))
    view.get_by_text("Measures that moved").wait_for()
    shot(page, f"{name}-compared")
    download_numbers(page, view, by)
    by.fill(view.get_by_label("Notebook to write"), f"{name}.ipynb")
    by.press(view.get_by_role("button", name="Export notebook"))
    view.locator(".wb-message", has_text=f"{name}.ipynb").wait_for()
    assert page.foreign == []
    kill_kernels(address)
    command = [sys.executable, "-m", "papermill", str(folder / f"{name}.ipynb"), str(tmp_path / "out.ipynb")]
    subprocess.run(command, check=True, capture_output=True, cwd=tmp_path, timeout=300)
    assert f"Run complete, record {agreed}" in (tmp_path / "out.ipynb").read_text()


def test_data_replaced_under_the_same_name_is_marked(page: Any, lab: tuple[str, Path]) -> None:
    """The screen says that the variable holds something else than what it is of."""
    address, folder = lab
    view = started(page, address, folder)
    Mouse(page).choose(view.get_by_label("Data to audit", exact=True), "loans")
    view.locator("select[data-column='repaid']").wait_for()
    view.get_by_role("button", name="Start").click()
    view.get_by_role("button", name="Run", exact=True).wait_for()
    page.locator(".jp-Notebook .jp-Cell").nth(1).locator(".jp-InputArea-editor").click()
    page.keyboard.press("Shift+Enter")
    view.locator(".wb-message", has_text="Stale: loans").wait_for()
    kill_kernels(address)

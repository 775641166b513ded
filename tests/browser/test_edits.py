"""Clicks narrow the rows, a threshold is used, a note is written; what leaves the screen gives the digest on it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import nbformat
import pytest

import workbench as wb
from tests.browser.test_lab import shot
from tests.notebooks import opened, run_all, written
from workbench.audit.notes import notes_of
from workbench.report.execute import execute_notebook
from workbench.ui import view
from workbench.ui.session import SHOWN, Session

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser"), pytest.mark.timeout(400)]

DATA = """
import numpy as np
import pandas as pd

def made(seed, start, n=1500):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"income": rng.normal(40, 9, n).round(1), "sex": rng.choice(["F", "M"], n),
                          "area": rng.choice(["north", "south"], n), "score": rng.random(n).round(3)})
    frame["at"] = pd.to_datetime(start) + pd.to_timedelta(rng.integers(0, 90 * 86400, n), "s")
    frame["repaid"] = (rng.random(n) < frame.score).astype(int)
    return frame

loans, before = made(4, "2026-01-01"), made(5, "2025-06-01")
"""
AUDIT = """
import workbench as wb

audit = wb.Audit(loans, reference=before, target="repaid", score="score", sensitive=["sex", "area"], time="at",
                 windows={"by": "month"}, checks=["quality.profile", "bias.group_rates", "drift.numeric",
                 "drift.windows", "performance.classification", "performance.weak_segments"])
audit
"""
NOTE = "Asked the board <b>twice</b>."


def started(page: Any, address: str, folder: Path) -> Any:
    """Open a notebook of two cells, run them, run the audit, and return its screen."""
    written(folder / "edits.ipynb", DATA, AUDIT)
    opened(page, address, "edits.ipynb")
    run_all(page)
    found = page.locator(".jp-OutputArea .wb").first
    found.get_by_role("button", name="Run", exact=True).click(timeout=90_000)
    found.locator(".wb-head").wait_for(timeout=120_000)
    found.locator("summary", has_text="Checks (6 of 6 chosen)").click(timeout=60_000)
    box = found.locator(".wb-checks input").first
    for chosen in (5, 6):
        box.click()
        found.locator("summary", has_text=f"Checks ({chosen} of 6 chosen)").wait_for(timeout=30_000)
        assert found.locator(".wb-checks").is_visible(), "the list is folded at every tick"
    return found


def digest(screen: Any) -> str:
    """Return the digest on screen."""
    return str(screen.locator(".wb-head [title^='sha256:']").get_attribute("title"))


def rows(screen: Any) -> int:
    """Return the number of rows that the head of the screen tells."""
    found = re.search(r"current data, ([\d\s\u202f]+) rows", screen.locator("header.wb-head").inner_text())
    return int(re.sub(r"\D", "", found[1])) if found else -1


def narrowed(screen: Any, button: Any) -> int:
    """Click a button that narrows the rows, wait for the audit of those, and return how many there are."""
    whole = digest(screen)
    button.click()
    screen.locator(".wb-chip .wb-cross").first.wait_for(timeout=60_000)
    screen.locator(f".wb-head [title^='sha256:']:not([title='{whole}'])").wait_for(timeout=120_000)
    return rows(screen)


def undone(screen: Any, whole: str) -> None:
    """Take the last step back."""
    screen.get_by_role("button", name="Undo").click()
    screen.locator(f".wb-head [title='{whole}']").wait_for(timeout=30_000)


def clicked(page: Any, screen: Any, loans: Any) -> None:
    """Click a bin, a segment and a window; stay at the window."""
    whole = digest(screen)
    screen.get_by_role("tab", name="Data").click()
    figure = screen.locator("figure", has_text="Distribution of income").first
    figure.locator("summary", has_text="As a table").click(timeout=60_000)
    shot(page, "edits-bins")
    button = figure.locator("tbody tr").nth(5).get_by_role("button", name="Only rows where income >=")
    found = narrowed(screen, button)
    low, high = (float(x) for x in re.findall(r"income (?:at least|below) ([\d.]+)", chips(screen)))
    assert found == int(((loans.income >= low) & (loans.income < high)).sum())
    undone(screen, whole)

    screen.get_by_role("tab", name="Performance").click()
    screen.locator("[data-check='performance.weak_segments']").click()
    segments = screen.locator(".wb-open", has_text="Regions with the largest errors")
    segments.locator("summary", has_text="Regions with the largest errors").wait_for(timeout=60_000)
    shot(page, "edits-segments")
    assert 0 < narrowed(screen, segments.get_by_role("button", name="Only rows where income >=").first) < len(loans)
    undone(screen, whole)

    screen.get_by_role("tab", name="Drift").click()
    screen.locator(".wb-window[data-window='2026-01']").focus(timeout=60_000)
    page.keyboard.press("Enter")
    window = screen.get_by_role("button", name="Only the rows of window 2026-01")
    window.wait_for(timeout=60_000)
    shot(page, "edits-window")
    assert narrowed(screen, window) == int((loans["at"].dt.month == 1).sum())


def edited(page: Any, screen: Any) -> str:
    """Move the slider, use its threshold, write a note; return the digest on screen."""
    screen.get_by_role("tab", name="Bias").click()
    month = digest(screen)
    range_ = screen.locator("input[type=range]")
    range_.focus(timeout=60_000)
    for _ in range(6):
        page.keyboard.press("ArrowRight")
    page.wait_for_timeout(800)
    shot(page, "edits-slider")
    assert digest(screen) == month  # the slider alone changes nothing
    screen.get_by_role("button", name="Use this threshold").click()
    screen.locator(".wb-chip", has_text="threshold").wait_for(timeout=60_000)
    screen.locator(f".wb-head [title^='sha256:']:not([title='{month}'])").wait_for(timeout=120_000)
    shown = digest(screen)

    screen.locator("[data-check='bias.group_rates']").click()
    opened = screen.locator(".wb-open", has_text="Rates by group")
    opened.locator("summary", has_text="Add a note").click(timeout=60_000)
    opened.get_by_label("Note", exact=True).fill(NOTE)
    opened.get_by_role("button", name="Save").click()
    opened.locator(".wb-note", has_text=NOTE).wait_for(timeout=60_000)
    assert "not a measurement" in opened.locator(".wb-note").inner_text()
    shot(page, "edits-note-light")
    assert digest(screen) == shown
    return shown


def left(page: Any, screen: Any, shown: str, folder: Path, run: Path) -> None:
    """Insert the code as a cell and run it; export, and run that: both give the digest shown."""
    screen.locator("summary", has_text="Show code").click()
    screen.get_by_role("button", name="Insert as cell").click(timeout=60_000)
    screen.get_by_text("Inserted as a cell below.").wait_for(timeout=30_000)
    shot(page, "edits-code")
    cell = page.locator(".jp-Notebook .jp-Cell").nth(2)
    assert "threshold=" in cell.inner_text()
    cell.locator(".jp-InputArea-editor").click()
    page.keyboard.press("Shift+Enter")
    cell.locator(".jp-OutputArea-output", has_text=shown).wait_for(timeout=120_000)

    screen.locator("input[aria-label='Notebook to write']").fill("mine.ipynb")
    screen.get_by_role("button", name="Export notebook").click()
    screen.locator(".wb-message", has_text="mine.plan.yaml").wait_for(timeout=60_000)
    execute_notebook(nbformat.read(folder / "mine.ipynb", as_version=4), run)
    record = wb.Record.from_json((run / "record.json").read_bytes())
    assert record.digest == shown
    assert notes_of(record.beside)["bias.group_rates"].text == NOTE
    assert page.foreign == []


def test_clicks_edits_and_what_leaves(page: Any, lab: tuple[str, Path], tmp_path: Path) -> None:
    """A bin, a segment, a window and a threshold in turn; the inserted cell and the export give the digest shown."""
    address, folder = lab
    space: dict[str, Any] = {}
    exec(DATA, space)  # noqa: S102 (the notebook's own first cell)
    screen = started(page, address, folder)
    clicked(page, screen, space["loans"])
    left(page, screen, edited(page, screen), folder, tmp_path / "run")
    page.evaluate("document.body.setAttribute('data-jp-theme-light', 'false')")
    shot(page, "edits-left")


def chips(screen: Any) -> str:
    """Return what the chips say."""
    return " ; ".join(screen.locator(".wb-chip").all_inner_texts())


def test_without_a_notebook_the_code_is_copied(page: Any) -> None:
    """A host that tells of no cells: the button copies instead, and says so."""
    space: dict[str, Any] = {}
    exec(DATA, space)  # noqa: S102
    audit = wb.Audit(space["loans"], target="repaid", score="score", checks=["quality.missing"])
    audit.run()
    session = Session(audit)
    values = {name: {} for name in SHOWN} | {"state": session.state(), "code": {"text": "wb.Audit(loans)", "why": ""}}
    module = view.module().replace("export default", "const view =", 1)
    page.set_content("<div id='here'></div>")
    page.add_style_tag(content=view.styles())
    page.add_script_tag(
        content=f"""{module}
        const values = {json.dumps(values)};
        window.heard = {{}};
        const model = {{ get: (n) => values[n], save_changes() {{}},
          set: (n, v) => {{ values[n] = v; window.last = v; }}, on: (n, f) => {{ window.heard[n] = f; }}, off() {{}} }};
        view.render({{ model, el: document.getElementById("here") }});""",
        type="module",
    )
    page.locator("summary", has_text="Show code").click()
    page.wait_for_function("window.last && window.last.acts.some((a) => a.name === 'code')")
    page.evaluate("window.heard['change:code']()")
    page.get_by_role("button", name="Insert as cell").click()
    page.get_by_text("the code is copied").wait_for()
    session.close()

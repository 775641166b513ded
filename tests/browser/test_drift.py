"""What changed, in a real browser: columns, one column, windows by click and by keyboard, in app and notebook."""

from __future__ import annotations

import inspect
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import workbench as wb
from tests import notebooks
from tests.screens import free_port, stop, wait_for
from tests.ui.moved import HOSTILE, moved
from workbench.audit.record import Record
from workbench.ui import drift_payload
from workbench.work import run_plan

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser"), pytest.mark.timeout(300)]


def shot(page: Any, name: str) -> None:
    """Keep a screenshot where SCREENSHOTS says, for people to look at."""
    if os.environ.get("SCREENSHOTS"):
        page.screenshot(path=f"{os.environ['SCREENSHOTS']}/{name}.png", full_page=True)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Record]]:
    folder = tmp_path_factory.mktemp("moved")
    arguments = moved()
    for side in ("data", "reference"):
        arguments[side].to_parquet(folder / f"{side}.parquet")
        arguments[side] = str(folder / f"{side}.parquet")
    (folder / "plan.yaml").write_text(json.dumps(arguments), "utf-8")
    run_plan(folder / "plan.yaml", folder=folder / "audits" / "moved", with_notebook=False)
    port = free_port()
    command = [sys.executable, "-m", "workbench", "serve", str(folder / "audits"), "--port", str(port)]
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )  # fmt: skip
    try:
        wait_for(f"http://127.0.0.1:{port}/", process)
        yield f"http://127.0.0.1:{port}/?bundle=moved", wb.open_bundle(folder / "audits" / "moved").record
    finally:
        stop(process)


def opened(page: Any, address: str) -> Any:
    """Open the page on drift and return its element."""
    page.goto(address)
    page.locator(".wb-head").first.wait_for(timeout=60_000)
    page.get_by_role("tab", name="Drift").click()
    page.locator(".wb-drawings img[src]").first.wait_for(timeout=60_000)
    page.locator(".wb-timeline").wait_for(timeout=60_000)
    return page.locator(".wb-drift")


def test_columns_and_one_column(page: Any, served: tuple[str, Record]) -> None:
    """The list is in the order of Python; a column opens by click and by arrows; cumulated curves by keyboard."""
    dialogs: list[str] = []
    page.on("dialog", lambda d: (dialogs.append(d.message), d.dismiss()))
    address, record = served
    drift = opened(page, address)
    expected = drift_payload.drift(record)
    assert expected is not None
    rows = drift.locator(".wb-changes .wb-change")
    assert rows.count() == len(expected["columns"])
    for i, column in enumerate(expected["columns"]):
        text = rows.nth(i).inner_text()
        assert all(part in text for part in (column["name"], column["word"], column["shape"], column["drift"]))
    assert drift.locator(".wb-one h3").inner_text().startswith(expected["columns"][0]["name"])

    rows.nth(0).focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    name = expected["columns"][1]["name"]
    drift.locator(".wb-one h3", has_text=name).wait_for(timeout=60_000)
    shares = drift.locator(".wb-drawings img[src]").first.get_attribute("alt")
    drift.get_by_role("tab", name="Shares").focus()
    page.keyboard.press("ArrowRight")
    cumulative = drift.locator(".wb-drawings img[src]").first
    cumulative.wait_for(timeout=60_000)
    assert "widest gap" in cumulative.get_attribute("alt") != shares
    assert cumulative.evaluate("i => i.decode().then(() => i.naturalWidth > 200)")
    page.keyboard.press("c")
    assert drift.locator(".wb-drawings img[src]").first.get_attribute("alt") == shares
    drift.locator(".wb-drawings details summary").first.click()
    assert drift.locator(".wb-drawings tbody tr").count() == len(
        drift_payload.column(record, name)["charts"][0]["table"]["rows"]
    )
    rows.filter(has_text=HOSTILE).click()
    drift.locator(".wb-one h3", has_text=HOSTILE).wait_for(timeout=60_000)
    shot(page, "app-drift")
    assert page.foreign == []
    assert dialogs == []


def test_a_window_opens_by_click_and_by_keyboard(page: Any, served: tuple[str, Record]) -> None:
    """Click opens what is known of a window; arrows and Enter open the next; Close and a second Enter close it."""
    address, record = served
    drift = opened(page, address)
    labels = drift.locator(".wb-window").evaluate_all("all => all.map(w => w.dataset.window)")
    assert len(labels) == 16
    at = labels.index("rows-000001251-000001500")
    drift.locator(".wb-window").nth(at).click()
    panel = drift.locator(".wb-opened")
    panel.wait_for(timeout=60_000)
    expected = drift_payload.window(record, labels[at])
    assert expected["words"] in panel.inner_text()
    assert expected["rules"][0]["shown"] in panel.inner_text()
    assert panel.locator("tbody tr").count() == expected["total"]
    assert drift.locator(".wb-window").nth(at).get_attribute("aria-pressed") == "true"
    panel.get_by_label("Filter values").fill("mean")
    assert 0 < panel.locator("tbody tr").count() < expected["total"]
    shot(page, "app-window")

    drift.locator(".wb-window").nth(at).focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    after = drift_payload.window(record, labels[at + 1])
    drift.locator(".wb-opened h3", has_text=after["words"]).wait_for(timeout=60_000)
    assert drift.locator(".wb-window:focus").get_attribute("data-window") == labels[at + 1]
    assert after["words"] in drift.locator(".wb-said").inner_text()
    page.keyboard.press("Enter")
    assert drift.locator(".wb-opened").count() == 0
    page.keyboard.press("Home")
    page.keyboard.press(" ")
    drift.locator(".wb-opened h3", has_text="reference").wait_for(timeout=60_000)
    drift.get_by_role("button", name="Close the window").click()
    assert drift.locator(".wb-opened").count() == 0


def test_another_measure_over_the_windows(page: Any, served: tuple[str, Record]) -> None:
    """Estimated and realised lines with bands and limits; another measure is chosen from the list or from a column."""
    address, record = served
    drift = opened(page, address)
    timeline = drift.locator(".wb-timeline")
    for name in ("reference", "current", "estimated"):
        assert timeline.locator(f"polyline.wb-line-{name}").count() == 1
        assert timeline.locator(f"polygon.wb-band-{name}").count() == 1
    assert timeline.locator("path.wb-limits").count() == 2
    found = drift_payload.drift(record)
    assert found is not None
    first = drift_payload.series(record, found["first"])
    assert first["sentence"] in drift.inner_text()
    fails = sum(p["outcome"] == "fail" for line in first["lines"] for p in line["points"])
    assert timeline.locator(".wb-mark-fail").count() == fails > 0
    key = next(s["key"] for s in found["series"] if s["title"] == "KS · x")
    drift.get_by_label("Measure over the windows").select_option(key)
    page.get_by_text(drift_payload.series(record, key)["sentence"]).wait_for(timeout=60_000)
    drift.locator(".wb-time summary").click()
    assert drift.locator(".wb-time tbody tr").count() == 16


@pytest.mark.parametrize(("scheme", "width"), [("dark", 400), ("dark", 1280), ("light", 400)])
def test_both_themes_wide_and_narrow(chromium: Any, served: tuple[str, Record], scheme: str, width: int) -> None:
    """Nothing is wider than the page, and the timeline is drawn for the width it has."""
    context = chromium.new_context(color_scheme=scheme, viewport={"width": width, "height": 1000})
    page = context.new_page()
    drift = opened(page, served[0])
    shot(page, f"app-drift-{scheme}-{width}")
    wide = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    drawn = drift.locator(".wb-timeline").evaluate("s => [s.getBoundingClientRect().width, s.parentNode.clientWidth]")
    context.close()
    assert wide[0] <= wide[1]
    assert abs(drawn[0] - drawn[1]) <= 1


def notebook(folder: Path) -> None:
    """Write a notebook whose one cell shows the audit."""
    code = inspect.getsource(moved).replace("dict[str, Any]", "dict").replace("-> Any", "")
    cell = f"import workbench as wb\n{code}\narguments = moved()\nwb.Audit(arguments.pop('data'), **arguments)"
    notebooks.written(folder / "moved.ipynb", cell)


def test_windows_open_in_the_notebook_too(page: Any, lab: tuple[str, Path]) -> None:
    """In JupyterLab: run, go to Drift, open a window by keyboard without Jupyter's own keys taking it."""
    address, folder = lab
    notebook(folder)
    notebooks.opened(page, address, "moved.ipynb")
    notebooks.run_all(page)
    view = page.locator(".jp-OutputArea .wb").first
    view.locator(".wb-primary").click(timeout=90_000)
    view.locator(".wb-head").first.wait_for(timeout=90_000)
    view.get_by_role("tab", name="Drift").click()
    view.locator(".wb-drawings img[src]").first.wait_for(timeout=60_000)
    view.locator(".wb-window").nth(12).click(timeout=60_000)
    view.locator(".wb-opened h3", has_text="rows 1\u202f001").wait_for(timeout=60_000)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    view.locator(".wb-opened h3", has_text="rows 1\u202f251").wait_for(timeout=60_000)
    shot(page, "lab-drift")
    if os.environ.get("SCREENSHOTS"):
        page.evaluate("document.body.dataset.jpThemeLight = 'false'")
        view.locator(".wb-drift").screenshot(path=f"{os.environ['SCREENSHOTS']}/lab-drift-view.png")
    assert page.locator(".jp-Notebook .jp-Cell").count() == 1  # Enter made or ran no cell
    assert page.foreign == []

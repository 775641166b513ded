"""Groups, performance and explanations in the app: sliders redraw, and nothing is wider than the page."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

import workbench as wb
from tests.screens import free_port, stop, wait_for
from workbench.audit.groups import Groups
from workbench.audit.record import Record
from workbench.demo import prepare
from workbench.ui import bias_payload
from workbench.ui.requests import OFFERED
from workbench.work import run_plan

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser"), pytest.mark.timeout(300)]
PAGES = ("Performance", "Bias", "Explanations")
READY = {"Performance": ".wb-cost", "Bias": ".wb-forest-table", "Explanations": ".wb-forest-table"}


@pytest.fixture(scope="module")
def explored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Record]]:
    """Serve the demo's audit with what runs on request but Shapley values, which take long."""
    folder = tmp_path_factory.mktemp("explored")
    plan = wb.Audit.from_plan(prepare(folder / "input"))
    checks = [*(c.id for c in plan.checks), *(id for id in OFFERED if id != "explain.shap")]
    text = (folder / "input" / "plan.yaml").read_text("utf-8")
    (folder / "input" / "more.yaml").write_text(f"{text}\nchecks: {json.dumps(checks)}\n", "utf-8")
    run_plan(folder / "input" / "more.yaml", folder=folder / "audits" / "more", with_notebook=False)
    port = free_port()
    command = [sys.executable, "-m", "workbench", "serve", str(folder / "audits"), "--port", str(port)]
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(command, **quiet)  # type: ignore[call-overload]
    try:
        wait_for(f"http://127.0.0.1:{port}/", process)
        yield f"http://127.0.0.1:{port}/?bundle=more", wb.open_bundle(folder / "audits" / "more").record
    finally:
        stop(process)


def turned(page: Any, name: str) -> None:
    """Turn to a page and wait until it is drawn."""
    page.get_by_role("tab", name=name, exact=True).click()
    page.locator(READY[name]).first.wait_for(timeout=60_000)


@pytest.fixture
def opened(page: Any, explored: tuple[str, Record]) -> tuple[Any, Record]:
    """Return the browser's page on the bundle, and the record."""
    page.goto(explored[0])
    page.locator(".wb-head").first.wait_for(timeout=60_000)
    return page, explored[1]


def test_groups_follow_the_slider_and_the_reference(opened: tuple[Any, Record]) -> None:
    """What is on screen is Python's answer: after the slider moved, against another group, of intersections."""
    page, record = opened
    turned(page, "Bias")
    groups = Groups(record)
    page.locator("input[type=range]").focus()
    page.keyboard.press("Home")
    answer = bias_payload.rates(groups, {"at": groups.thresholds[0], "columns": "colour"})
    row = page.locator(".wb-forest tbody tr", has_text="Black")
    page.locator(".wb-forest strong", has_text=answer["groups"][0]["after"]["shown"]).wait_for(timeout=60_000)
    assert answer["groups"][0]["before"]["shown"] in row.inner_text()

    page.get_by_label("Against", exact=True).select_option("colour=Black")
    other = bias_payload.rates(groups, {"at": groups.thresholds[0], "columns": "colour", "reference": "colour=Black"})
    page.locator(".wb-forest td", has_text=other["groups"][1]["difference"]["shown"]).wait_for(timeout=60_000)
    page.get_by_role("button", name="Reset").click()
    page.get_by_label("Rate", exact=True).select_option("false_positive_rate")
    page.locator(".wb-forest p", has_text="False positive rate by colour").wait_for(timeout=60_000)

    page.locator(".wb-tree input[value=sex]").check()
    page.locator(".wb-forest tbody tr", has_text="Black, Female").wait_for(timeout=60_000)
    assert page.locator(".wb-forest tbody tr").count() == 4
    page.get_by_label("Columns", exact=True).select_option("sex & citizen")
    hidden = page.locator(".wb-cell-hidden")
    hidden.wait_for(timeout=60_000)
    assert hidden.inner_text() == "○ n < 10"
    assert page.locator(".wb-tried").count() == 2
    assert page.foreign == []


def test_costs_and_curves_follow_the_slider(opened: tuple[Any, Record]) -> None:
    """Counts change, the dots move on both curves, and costs that make no sense are said."""
    page, _ = opened
    turned(page, "Performance")
    dot = page.locator("[data-curve=roc] .wb-slider-dot")
    before = dot.get_attribute("cx")
    page.locator("input[type=range]").focus()
    page.keyboard.press("End")
    page.locator("[data-dot=roc]", has_text="at the audit's").wait_for(timeout=60_000)
    page.locator(".wb-mark-word", has_text="slider 0.9").wait_for(timeout=60_000)
    assert dot.get_attribute("cx") != before
    page.get_by_label("a false negative costs", exact=True).fill("5")
    page.locator("p", has_text="It is least at 0.364").wait_for(timeout=60_000)
    page.get_by_label("a false negative costs", exact=True).fill("0")
    page.locator(".wb-message", has_text="must cost more").wait_for(timeout=60_000)
    assert page.locator(".wb-weak tbody tr").count() > 0


@pytest.mark.parametrize("width", [1280, 400])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_is_wider_than_the_window(chromium: Any, explored: tuple[str, Record], scheme: str, width: int) -> None:
    """In both themes, wide and narrow; each drawing has its table and a sentence."""
    context = chromium.new_context(viewport={"width": width, "height": 1200}, color_scheme=scheme)
    page = context.new_page()
    page.goto(explored[0])
    page.locator(".wb-head").first.wait_for(timeout=60_000)
    for name in PAGES:
        turned(page, name)
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, name
        if os.environ.get("SCREENSHOTS"):
            page.screenshot(path=f"{os.environ['SCREENSHOTS']}/{name}-{scheme}-{width}.png", full_page=True)
    context.close()

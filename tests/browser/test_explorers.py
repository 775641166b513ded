"""Groups, performance and explanations in the app: sliders redraw."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import workbench as wb
from workbench.audit.groups import Groups
from workbench.audit.record import Record
from workbench.ui import bias_payload

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser"), pytest.mark.timeout(300)]
READY = {"Performance": ".wb-cost", "Bias": ".wb-forest-table", "Explanations": ".wb-forest-table"}


@pytest.fixture
def explored(whole: str, whole_bundle: Path) -> tuple[str, Record]:
    """Return the address of an audit with what runs on request but Shapley values, and its record."""
    return f"{whole}/?bundle=whole", wb.open_bundle(whole_bundle / "whole").record


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

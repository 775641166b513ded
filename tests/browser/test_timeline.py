"""A monitor's page in a real browser: the alert, the measure over windows, the numbers, the way to a window's audit."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.browser.test_accessible import THEMES, clean, unseen
from tests.monitor.conftest import POLICY, small
from tests.screens import free_port, stop, wait_for
from workbench.audit.plan import plan_of
from workbench.monitor.run import Monitor

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser"), pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def monitored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("monitored")
    (folder / "new").mkdir()
    small(0, rows=2000).to_parquet(folder / "reference.parquet")
    hostile = "<img src=x onerror=alert(1)>"
    for month, shift in enumerate((0, 0, 0.2, 1, 1.2, 1.1), 1):
        rows = small(month, rows=1500, shift=shift, start=f"2026-{month:02d}-01")
        rows.rename(columns={"group": hostile}).to_parquet(folder / "new" / f"{month}.parquet")
    small(0, rows=2000).rename(columns={"group": hostile}).to_parquet(folder / "reference.parquet")
    rules = [POLICY["rules"][0], {**POLICY["rules"][0], "id": "missing", "check": "quality.missing", "column": "*",
             "measure": "missing_share", "limit": 0.01}]  # fmt: skip
    plan = plan_of(
        {
            "title": "Stream", "data": str(folder / "new" / "*.parquet"),
            "reference": str(folder / "reference.parquet"),
            "time": "at", "id": "id", "checks": ["drift.numeric", "quality.missing"], "policy": {"rules": rules},
            "monitor": {"store": str(folder / "store"), "windows": {"by": "month"}, "alert_after": 2},
        }
    )  # fmt: skip
    Monitor(plan).run(close=True)
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "workbench", "serve", str(folder), "--port", str(port)],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        wait_for(f"http://127.0.0.1:{port}/", process)
        yield f"http://127.0.0.1:{port}"
    finally:
        stop(process)


def test_the_timeline_says_what_happened_and_leads_to_the_audit(page: Any, monitored: str) -> None:
    dialogs: list[str] = []
    page.on("dialog", lambda d: (dialogs.append(d.message), d.dismiss()))
    page.goto(monitored)
    page.get_by_role("link", name="store", exact=True).click()
    page.get_by_role("heading", name="1 open alert").wait_for(timeout=60_000)
    assert "value-drift since window 2026-04" in page.locator(".wb-head").inner_text()
    assert "3 of 6 windows break the rule value-drift" in page.locator("section").first.inner_text()
    image = page.locator("section img").first
    assert image.evaluate("i => i.complete && i.naturalWidth > 300")
    page.locator("section details summary", has_text="Numbers").first.click()
    assert page.locator("section").first.locator("tbody tr").count() == 6
    if os.environ.get("SCREENSHOTS"):
        page.screenshot(path=f"{os.environ['SCREENSHOTS']}/timeline.png", full_page=True)
    page.locator("table").last.get_by_role("link").nth(3).click()
    page.locator(".wb-head").wait_for(timeout=60_000)
    assert "FAIL" in page.locator(".wb-head").inner_text().upper()
    assert "windows%2F2026-04" in page.url or "windows/2026-04" in page.url
    assert page.foreign == []
    assert dialogs == []


def test_axe_finds_nothing_on_the_timeline(page: Any, monitored: str) -> None:
    """The list that names the monitor, its page unfolded, one that is not there; both themes."""
    page.goto(monitored)
    page.get_by_role("link", name="store", exact=True).wait_for(timeout=60_000)
    clean(page, "monitors")
    page.goto(f"{monitored}/?monitor=store")
    page.get_by_role("heading", name="1 open alert").wait_for(timeout=60_000)
    clean(page, "timeline")
    assert unseen(page) == []
    page.set_viewport_size({"width": 420, "height": 900})
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    for theme in THEMES:
        page.emulate_media(color_scheme=theme)
        if os.environ.get("SCREENSHOTS"):
            page.screenshot(path=f"{os.environ['SCREENSHOTS']}/timeline-420-{theme}.png", full_page=True)
    page.goto(f"{monitored}/?monitor=none")
    page.locator("[role=alert]").wait_for(timeout=60_000)
    clean(page, "no such monitor")


def test_a_monitor_that_is_not_there_is_told(page: Any, monitored: str) -> None:
    page.goto(f"{monitored}/?monitor=../../etc")
    page.locator("[role=alert]").wait_for(timeout=60_000)
    assert "there is no monitor called" in page.locator("[role=alert]").inner_text()

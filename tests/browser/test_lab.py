"""The notebook workbench in a real JupyterLab."""

from __future__ import annotations

import json
import os
import urllib.request
from pathlib import Path
from typing import Any

import pytest

import workbench as wb
from tests.notebooks import opened, run_all
from workbench import demo

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser"), pytest.mark.timeout(300)]

SHOTS = os.environ.get("SCREENSHOTS")


def shot(page: Any, name: str) -> None:
    """Keep a screenshot where SCREENSHOTS says, for people to look at."""
    if SHOTS:
        page.screenshot(path=f"{SHOTS}/{name}.png")


def open_and_run(page: Any, address: str) -> None:
    """Open the tutorial and run all its cells."""
    opened(page, address, "first_audit.ipynb")
    run_all(page)
    page.wait_for_selector(".jp-OutputArea .wb .wb-primary", timeout=90_000, state="attached")
    page.wait_for_selector(".jp-Notebook-ExecutionIndicator[data-status='idle']", timeout=90_000, state="attached")
    page.locator(".jp-OutputArea .wb").first.evaluate("view => view.scrollIntoView()")  # running led to the last cell


def expected_digest() -> str:
    """Return the digest of the tutorial's audit, run here."""
    current, reference = demo.split(demo.arrests())
    audit = wb.Audit(
        current,
        reference=reference,
        model=demo.train(reference),
        target="released",
        positive="Yes",
        threshold=demo.THRESHOLD,
        sensitive=demo.SENSITIVE,
        ignore=["year"],
        title=demo.TITLE,
    )
    return audit.run().digest


def test_a_whole_audit_in_the_notebook(page: Any, lab: tuple[str, Path]) -> None:
    """Run, see progress, filter, drill, move the threshold, export; then lose the kernel and still read the verdict."""
    address, folder = lab
    open_and_run(page, address)
    view = page.locator(".jp-OutputArea .wb").first
    view.locator(".wb-primary").scroll_into_view_if_needed()
    assert "FAIL" in view.locator(".wb-head h2").inner_text().upper(), "a later cell's run is not on the screen"

    page.evaluate(
        """() => { window.said = []; const live = document.querySelector('.wb .wb-live');
        const note = () => window.said.push(live.textContent);
        new MutationObserver(note).observe(live, {childList: true, subtree: true}); }"""
    )
    view.locator(".wb-primary").click()
    page.wait_for_function("() => window.said.some(text => text.includes('/'))", timeout=60_000)  # progress is shown
    view.locator(".wb-primary:enabled").wait_for(timeout=60_000)
    assert "FAIL" in view.locator(".wb-head h2").inner_text().upper()
    assert view.locator(".wb-head [title^='sha256:']").get_attribute("title") == expected_digest()
    shot(page, "lab-light")
    assert not page.get_by_text("official Jupyter news").count(), "JupyterLab asks, though make lab told it not to"

    view.get_by_label("Filter rules", exact=True).fill("colour aLrxd")
    assert "No rule matches" in view.locator(".wb-board").inner_text()
    view.get_by_label("Filter rules", exact=True).fill("calibration")
    assert view.locator(".wb-board tbody tr").count() == 1

    view.locator(".wb-finding", has_text="Rates by group").click()
    view.locator(".wb-charts img").first.wait_for(timeout=60_000)
    assert "Hardt" in view.locator(".wb-detail").text_content()

    view.get_by_role("tab", name="Bias").click()
    before = view.locator(".wb-forest tbody tr", has_text="Black").first.inner_text()
    view.locator("input[type=range]").click(position={"x": 200, "y": 5})
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    page.wait_for_function(
        "old => [...document.querySelectorAll('.wb-forest tbody tr')].some(r => r.innerText.includes('Black')"
        " && r.innerText !== old)",
        arg=before,
        timeout=20_000,
    )

    view.locator("input[aria-label='Notebook to write']").fill("exported.ipynb")
    view.get_by_role("button", name="Export notebook").click()
    view.locator(".wb-message", has_text="exported.ipynb").wait_for(timeout=60_000)
    exported = json.loads((folder / "exported.ipynb").read_text())
    assert "parameters" in exported["cells"][1]["metadata"]["tags"]

    page.locator(".lm-MenuBar-item", has_text="File").click()
    page.locator("li.lm-Menu-item[data-command='docmanager:save']").click()
    page.wait_for_timeout(2500)
    kill_kernels(address)
    page.reload()
    page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=60_000)
    twin = page.locator(".jp-OutputArea details summary", has_text="FAIL").first
    twin.wait_for(timeout=60_000)
    twin.click()
    assert "Selection rate" in page.locator(".jp-OutputArea details").first.inner_text()
    shot(page, "lab-without-kernel")
    assert page.foreign == []


def kill_kernels(address: str) -> None:
    """End every kernel and session of the server."""
    for what in ("sessions", "kernels"):
        with urllib.request.urlopen(f"{address}/api/{what}?token=tok", timeout=10) as answer:
            found = json.load(answer)
        for one in found:
            request = urllib.request.Request(f"{address}/api/{what}/{one['id']}?token=tok", method="DELETE")
            try:
                urllib.request.urlopen(request, timeout=10).close()
            except OSError:
                continue

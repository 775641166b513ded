"""The reviewer's app in a real browser."""

from __future__ import annotations

import base64
import os
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.screens import serving_app
from tests.ui.test_attachment import recorded
from workbench.audit.bundle import open_bundle, write_bundle
from workbench.core.finding import Attachment
from workbench.core.framed import framed as framed_page
from workbench.report import words
from workbench.report.shown import show
from workbench.ui import view
from workbench.ui.app.pages import AuditView, _module
from workbench.ui.board import board as board_of
from workbench.ui.session import SHOWN
from workbench.ui.widgets.audit_widget import AuditWidget

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser"), pytest.mark.timeout(300)]


def test_list_open_and_drill(page: Any, app: str, bundles: Path) -> None:
    """A reviewer finds the audit, reads the verdict, filters, opens a finding and moves the threshold."""
    record = open_bundle(bundles / "demo").record
    page.goto(app)
    page.get_by_role("link", name=words.subject_title(record)).click()
    head = page.locator(".wb-head")
    head.wait_for(timeout=60_000)
    assert "FAIL" in head.inner_text().upper()
    assert head.locator("[title^='sha256:']").get_attribute("title") == record.digest
    assert "bundle=demo" in page.url
    assert page.get_by_role("button", name="Run", exact=True).count() == 0  # read-only

    # Python's payload is what the notebook's widget shows too: the same numbers, in the same words.
    board = board_of(show(record))["rows"]
    rows = page.locator(".wb-board tbody tr")
    assert rows.count() == len(board)
    for i, row in enumerate(board[:20]):
        assert row["shown"] in rows.nth(i).inner_text()

    page.locator(".wb-finding", has_text="Rates by group").click()
    page.locator(".wb-charts img").first.wait_for(timeout=60_000)
    if os.environ.get("SCREENSHOTS"):
        page.screenshot(path=f"{os.environ['SCREENSHOTS']}/app.png", full_page=True)
    page.get_by_role("tab", name="Bias").click()
    group = page.locator(".wb-forest tbody tr", has_text="Black").first
    before = group.inner_text()
    page.locator("input[type=range]").focus()
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    page.wait_for_timeout(1500)
    assert before != page.locator(".wb-forest tbody tr", has_text="Black").first.inner_text()
    assert page.foreign == []


def test_both_shells_show_one_view() -> None:
    """The widget's module is the view's files joined, and the app's module is the same behind an adapter."""
    source = view.module()

    assert str(AuditWidget._esm) == source
    assert _module().startswith(source.replace("export default", "const view =", 1))
    assert AuditView._esm == _module()
    assert re.findall(r"^(?:import|export) .*", source, re.MULTILINE) == ["export default { render: show };"]
    assert set(SHOWN) <= set(AuditWidget.class_traits())
    assert set(SHOWN) <= set(AuditView.param)
    for name in view.PARTS:
        assert (view.VIEWS / name).read_text("utf-8").splitlines()[-1] in source


def test_no_other_file_can_be_named(page: Any, app: str) -> None:
    """A bundle is opened by a name of the list only, whatever the address says."""
    for name in ("../input", "/etc", "demo/..", "%2e%2e", "<img src=x onerror=alert(1)>"):
        page.goto(f"{app}/?bundle={name}")
        page.locator(".wb-error").wait_for(timeout=60_000)
        assert page.locator("img").count() == 0


LIVE = b"""<p>deep report</p><script>parent.document.title = "owned"; document.body.append("ran")</script>
<img src=x onerror="top.owned = 1"><form action="http://192.0.2.1/"><button>send</button></form>
<meta http-equiv=refresh content="0; url=http://192.0.2.1/"><iframe srcdoc="<script>top.owned = 2</script>"></iframe>"""


@pytest.mark.parametrize("framed", [True, False])
def test_an_attached_page_is_read_and_nothing_in_it_runs(page: Any, app: str, bundles: Path, framed: bool) -> None:
    """A page of another maker is seen in a frame of its own: no script, no request, no hold on the app."""
    attachment = Attachment(
        "quality.missing.html",
        "text/html",
        framed_page(LIVE.decode(), "Deep", ["By another."], ("a", "b"), []) if framed else LIVE,
    )
    record = recorded(attachment)
    name = f"attached-{framed}".lower()
    files = {"record.json": record.to_json(), attachment.name: attachment.data}
    write_bundle(bundles / name, files, record.digest)
    try:
        page.goto(f"{app}/?bundle={name}")
        page.locator(".wb-finding", has_text="Missing values").click()
        title = page.title()
        page.get_by_role("button", name="Show it").click()
        inner = page.frame_locator(".wb-frame")
        (inner.frame_locator("iframe") if framed else inner).get_by_text("deep report").wait_for(timeout=60_000)
        page.wait_for_timeout(1000)
        if os.environ.get("SCREENSHOTS"):
            page.screenshot(path=f"{os.environ['SCREENSHOTS']}/{name}.png", full_page=True)

        assert page.title() == title
        assert page.evaluate("window.owned === undefined")
        assert page.foreign == []
    finally:
        shutil.rmtree(bundles / name)


def test_dark_theme(chromium: Any, app: str) -> None:
    """In a dark host surface and ink change together."""
    context = chromium.new_context(color_scheme="dark", viewport={"width": 1200, "height": 1400})
    page = context.new_page()
    page.goto(f"{app}/?bundle=demo")
    page.locator(".wb-head").wait_for(timeout=60_000)
    page.locator(".wb-finding", has_text="Rates by group").click()
    page.locator("img.wb-drawing[src]").first.wait_for(timeout=60_000)
    drawing = page.locator("img.wb-drawing[src]").first.get_attribute("src").partition(",")[2]
    colours = page.locator(".wb").last.evaluate("e => [getComputedStyle(e).color, getComputedStyle(e).backgroundColor]")
    if os.environ.get("SCREENSHOTS"):
        page.screenshot(path=f"{os.environ['SCREENSHOTS']}/app-dark.png", full_page=True)
    context.close()

    assert colours == ["rgb(230, 233, 238)", "rgb(20, 23, 28)"]
    assert b"@media all{" in base64.b64decode(drawing)  # the drawing's dark colours, whatever the system says


def test_a_page_whose_server_has_ended_says_so_and_stays_readable(page: Any, bundles: Path) -> None:
    """The list and an audit, the server killed: a banner, what was opened is read on, what was not says so; reload."""
    with serving_app(bundles) as address:
        other = page.context.new_page()
        other.goto(address)
        other.locator(".wb-table a").first.wait_for(timeout=60_000)
        page.goto(f"{address}/?bundle=demo")
        page.locator(".wb-head").wait_for(timeout=60_000)
        page.get_by_role("tab", name="Bias", exact=True).click()
        page.locator(".wb-forest tbody tr").first.wait_for(timeout=60_000)
        page.evaluate("scrollTo(0, 600)")
        banner = page.locator(".wb-served")
        assert not banner.inner_text()
    for one in (page, other):
        one.get_by_text("The server behind this page has ended or cannot be reached").wait_for(timeout=30_000)
        assert "What is shown stays readable; reload to go on." in one.locator(".wb-served").inner_text()
    assert banner.get_by_role("button", name="Reload").bounding_box()["y"] < 100  # in view though scrolled
    assert page.locator(".wb-forest tbody tr").count()
    page.get_by_role("tab", name="Performance", exact=True).click()
    page.get_by_text("Not opened: the connection ended first.").first.wait_for()
    assert not page.get_by_text("Opening …").first.is_visible()
    if os.environ.get("SCREENSHOTS"):
        page.screenshot(path=f"{os.environ['SCREENSHOTS']}/app-server-ended.png")
        other.screenshot(path=f"{os.environ['SCREENSHOTS']}/app-list-ended.png")

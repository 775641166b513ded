"""Every screen under axe in both themes; the focus is seen, nothing moves unasked, nothing is wider than the window."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from tests import notebooks
from tests.browser.test_contract import shown as contract_shown
from tests.complaints.stage import Stage
from workbench.ui.contract_board import ContractBoard, proposed
from workbench.ui.session import Session
from workbench.ui.setup import Setup

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser"), pytest.mark.timeout(300)]

SHOWN = {
    "Overview": ".wb-board tbody tr",
    "Data": ".wb-detail",
    "Contract": ".wb-rules tbody tr",
    "Drift": ".wb-timeline",
    "Performance": ".wb-cost",
    "Bias": ".wb-forest tbody tr",
    "Explanations": ".wb-forest-table tbody tr",
    "Compare": "select[aria-label='Earlier record']",
}
"""What is there once a page has all of Python's answers."""
THEMES = ("light", "dark")
OPENED = """root => [...root.querySelectorAll("details")].forEach((d) => { d.open = true; })"""


def violations(page: Any, within: str = "") -> list[str]:
    """Return what axe finds on a page as it stands, or within one element: rule, impact, the elements."""
    from axe_playwright_python.sync_playwright import Axe

    page.evaluate("document.fonts.ready.then(() => {})")
    found = Axe().run(page, context=within or None).response["violations"]
    return [f"{v['id']} ({v['impact']}): {node['html'][:200]}" for v in found for node in v["nodes"]]


def clean(page: Any, name: str, within: str = "") -> None:
    """Hold a screen, all that is folded on it unfolded, to axe in both themes."""
    for root in page.locator(".wb").all():
        root.evaluate(OPENED)
    for theme in THEMES:
        page.emulate_media(color_scheme=theme)
        page.wait_for_timeout(150)
        assert violations(page, within) == [], f"{name}, {theme}"


def turn(page: Any, name: str) -> None:
    """Turn to a page of an audit and wait for all that Python has to say."""
    page.get_by_role("tab", name=name, exact=True).click()
    page.locator(SHOWN[name]).first.wait_for(timeout=60_000)
    if name == "Drift":
        page.locator(".wb-drawings img[src]").first.wait_for(timeout=60_000)
    if name == "Compare":
        page.get_by_role("button", name="Compare", exact=True).click()
        page.get_by_role("heading", name="Measures that moved").wait_for(timeout=60_000)


CHECKS = ("bias.group_rates", "quality.missing", "quality.profile", "drift.numeric", "performance.classification")


def audit_of(rows: int = 500) -> wb.Audit:
    """Return a small audit with a score, groups and a reference."""
    rng = np.random.default_rng(1)
    data = pd.DataFrame({"x": rng.normal(size=rows), "sex": rng.choice(["F", "M"], rows)})
    data["score"] = (1 / (1 + np.exp(-data.x))).round(4)
    data["y"] = (rng.random(rows) < data.score).astype(int)
    half = rows // 2
    return wb.Audit(
        data[half:], reference=data[:half], target="y", score="score", sensitive="sex", title="States", checks=CHECKS
    )


@pytest.mark.slow
def test_axe_finds_nothing_on_any_page_of_an_audit(page: Any, whole: str) -> None:
    """The list, an audit that is not there, and every page of an audit, a finding opened, in both themes."""
    page.set_viewport_size({"width": 1280, "height": 1000})
    page.goto(whole)
    page.get_by_role("heading", name="Audits").wait_for(timeout=60_000)
    clean(page, "list")
    page.goto(f"{whole}/?bundle=none")
    page.locator(".wb-error").wait_for(timeout=60_000)
    clean(page, "no such bundle")
    page.goto(f"{whole}/?bundle=whole")
    page.locator(".wb-head").first.wait_for(timeout=60_000)
    names = page.get_by_role("tablist", name="Views").get_by_role("tab").all_inner_texts()
    assert names == list(SHOWN)
    for name in names:
        turn(page, name)
        if name == "Overview":
            page.locator(".wb-finding", has_text="Rates by group").click()
            page.locator(".wb-charts img[src]").first.wait_for(timeout=60_000)
        if name == "Drift":
            page.locator(".wb-window").first.click()
            page.locator(".wb-opened").wait_for(timeout=60_000)
        clean(page, name)


def test_axe_finds_nothing_before_during_and_after_a_run(page: Any) -> None:
    """Not run, cancelled, running with what has ended, and an act that went wrong."""
    stage = Stage(page, Session(audit_of()))
    clean(page, "not run", ".wb")
    page.get_by_role("button", name="Run", exact=True).click()
    stage.until(lambda: page.locator(".wb-progress").count())
    page.get_by_role("button", name="Cancel", exact=True).click()
    stage.until(lambda: page.locator(".wb-head", has_text="this is a partial result").count(), 120)
    clean(page, "partial", ".wb")
    page.get_by_role("button", name="Run the rest", exact=True).click()
    stage.until(lambda: page.get_by_text("Available already").count(), 120)
    clean(page, "running", ".wb")  # whatever the run has told meanwhile waits until it is handed on
    stage.until(lambda: page.get_by_role("button", name="Run again").count(), 120)
    page.get_by_role("tab", name="Compare").click()
    page.get_by_label("Folder of a bundle").fill("not there")
    page.get_by_role("button", name="Compare", exact=True).click()
    stage.until(lambda: page.locator(".wb-message.wb-error").count())
    clean(page, "error", ".wb")


def test_axe_finds_nothing_while_an_audit_is_set_up(page: Any) -> None:
    """Before data is chosen, and with every column's role in view."""
    frame = pd.DataFrame({"income": [1.5, 2.5, 3.5] * 20, "sex": ["F", "M", "F"] * 20, "repaid": ["no", "yes"] * 30})
    stage = Stage(page, Setup(wb.Audit, lambda: {"loans": frame}))  # type: ignore[arg-type]
    clean(page, "set up", ".wb")
    page.get_by_label("Data to audit", exact=True).select_option("loans")
    stage.until(lambda: page.locator("select[data-column='repaid']").count())
    page.locator("select[data-column='repaid']").select_option("target")
    stage.until(lambda: page.get_by_label("Positive value").count())
    clean(page, "roles", ".wb")


def test_axe_finds_nothing_on_a_contract_by_itself(page: Any) -> None:
    """The table that wb.contract shows: as proposed, an accepted and a rejected rule, one that is edited."""
    board = ContractBoard(proposed(audit_of().prepared))
    contract_shown(page, board)
    clean(page, "contract", ".wb")
    rows = page.locator(".wb-rules tr[data-key]")
    for at, act in enumerate(("Accept", "Reject", "Edit")):
        rows.nth(at).get_by_role("button", name=act).click()
        page.wait_for_timeout(150)
    page.locator(".wb-rules input, .wb-rules textarea").first.wait_for()
    clean(page, "contract decided", ".wb")
    assert unseen(page) == []


@pytest.mark.slow
def test_axe_finds_nothing_in_a_report(page: Any, bundles: Path) -> None:
    """The page that is sent to people who have nothing of this."""
    page.goto((bundles / "demo" / "report.html").as_uri())
    for theme in THEMES:
        page.emulate_media(color_scheme=theme)
        assert violations(page) == [], theme


def test_axe_finds_what_is_broken(page: Any, whole: str) -> None:
    """Nothing on the list as it is; then a link without words and a text that is too pale: the others can fail."""
    page.goto(whole)
    page.locator(".wb-table a").first.wait_for(timeout=60_000)
    assert violations(page) == []
    page.locator(".wb-table a").first.evaluate("link => link.replaceChildren()")
    page.locator(".wb-table a").last.evaluate("link => { link.style.color = '#888'; }")
    found = sorted(one.partition(":")[0] for one in violations(page))
    assert found == ["color-contrast (serious)", "link-name (serious)"]


@pytest.mark.slow
@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_axe_finds_nothing_of_ours_in_jupyterlab(page: Any, lab: tuple[str, Path], theme: str) -> None:
    """In the notebook's own themes: before the run, a finding open, the groups; and the focus is seen."""
    from playwright.sync_api import TimeoutError as TooLong

    address, folder = lab
    settings = f"{address}/lab/api/settings/@jupyterlab/apputils-extension:themes?token=tok"
    page.request.put(settings, data=json.dumps({"raw": json.dumps({"theme": theme})}))
    notebooks.written(folder / "axe.ipynb", CELL)
    try:
        notebooks.opened(page, address, "axe.ipynb")
        view = page.locator(".jp-OutputArea .wb").first
        for _ in range(6):  # a kernel that is called idle may lose the first keys on a busy machine
            notebooks.run(page, 0)
            with suppress(TooLong):
                view.locator(".wb-primary").wait_for(timeout=20_000)
                break
        within = ".jp-OutputArea .wb"
        assert page.evaluate("document.body.dataset.jpThemeLight") == str(theme.endswith("Light")).lower()
        assert violations(page, within) == []
        view.locator(".wb-primary").click()
        view.locator(".wb-head").wait_for(timeout=90_000)
        view.locator(".wb-finding").first.click()
        view.locator(".wb-detail").wait_for(timeout=60_000)
        assert violations(page, within) == []
        turn(view, "Bias")
        assert violations(page, within) == []
        assert unseen(page, ".jp-OutputArea .wb") == []
    finally:
        page.request.put(settings, data=json.dumps({"raw": "{}"}))


CELL = """
import numpy as np
import pandas as pd
import workbench as wb

rng = np.random.default_rng(1)
data = pd.DataFrame({"x": rng.normal(size=500), "y": rng.integers(0, 2, 500), "g": rng.choice(["a", "b"], 500)})
data["score"] = 1 / (1 + np.exp(-data.x))
wb.Audit(data, target="y", score="score", sensitive="g", checks=["bias.group_rates", "quality.missing"])
"""

# ---------------------------------------------------------------------------- focus, motion, width

_SEEN = """node => {
  const ringed = (style) =>
    (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2) || style.boxShadow !== "none";
  if (!node.matches(":focus-visible")) return false;
  const inner = node.querySelector("rect"); // a window of the timeline frames itself
  return ringed(getComputedStyle(node)) || Boolean(inner && getComputedStyle(inner).strokeWidth === "2px");
}"""
_UNSEEN = """root => {
  const seen = %s;
  const wanted = "a[href], button:enabled, summary, input:enabled, select:enabled, textarea, [tabindex]";
  return [...root.querySelectorAll(wanted)].filter((n) => n.checkVisibility()).flatMap((n) => {
    n.focus({ preventScroll: true });
    return n.getRootNode().activeElement === n && !seen(n) ? [n.outerHTML.slice(0, 150)] : [];
  });
}"""
_DEEPEST = """() => { let at = document.activeElement;
  while (at && at.shadowRoot && at.shadowRoot.activeElement) at = at.shadowRoot.activeElement; return at; }"""


def unseen(page: Any, root: str = ".wb") -> list[str]:
    """Return what can have the focus and does not show it, in every element of a kind on the page."""
    page.keyboard.press("Tab")  # the focus is shown to who uses keys
    return [lost for one in page.locator(root).all() for lost in one.evaluate(_UNSEEN % _SEEN)]


def test_the_focus_is_seen_wherever_it_is(page: Any, whole: str) -> None:
    """By Tab through one page, and on everything that can have the focus on the others."""
    page.goto(f"{whole}/?bundle=whole")
    page.locator(".wb-head").first.wait_for(timeout=60_000)
    turn(page, "Performance")
    page.get_by_role("tab", name="Performance", exact=True).focus()
    reached = set()
    for _ in range(20):
        page.keyboard.press("Tab")
        at = page.evaluate_handle(_DEEPEST)
        assert at.evaluate(_SEEN), at.evaluate("node => node.outerHTML.slice(0, 200)")
        reached.add(at.evaluate("node => node.tagName"))
    assert {"INPUT", "SUMMARY", "BUTTON"} <= reached
    for name in SHOWN:
        turn(page, name)
        assert unseen(page) == [], name


_MOVING = """root => [...root.querySelectorAll("*")].flatMap((n) => ["", "::before", "::after"].flatMap((of) => {
  const s = getComputedStyle(n, of || null);
  const still = s.transitionDuration.split(", ").every((t) => parseFloat(t) === 0) && s.animationName === "none";
  return still && s.scrollBehavior === "auto" ? [] : [n.outerHTML.slice(0, 150)];
}))"""


@pytest.mark.slow
def test_nothing_moves_for_who_asked_for_that(page: Any, whole: str, bundles: Path) -> None:
    """No transition, animation or smooth scrolling on any page, nor in the report."""
    page.emulate_media(reduced_motion="reduce")
    page.goto(f"{whole}/?bundle=whole")
    page.locator(".wb-head").first.wait_for(timeout=60_000)
    for name in SHOWN:
        turn(page, name)
        view = page.locator(".wb").last
        assert view.evaluate(_MOVING) == [], name
    page.goto((bundles / "demo" / "report.html").as_uri())
    assert page.locator("html").evaluate("n => getComputedStyle(n).scrollBehavior") == "auto"


_WIDE = """root => {
  const scrolls = (n) => { for (let at = n.parentElement; at; at = at.parentElement)
    if (["auto", "scroll"].includes(getComputedStyle(at).overflowX)) return true; return false; };
  const drawn = (n) => n.checkVisibility() && n.tagName !== "OPTION" && !n.closest(".wb-unseen");
  return [...root.querySelectorAll("*")].filter((n) => drawn(n) && n.getBoundingClientRect().right > innerWidth + 1
    && !scrolls(n)).map((n) => n.outerHTML.slice(0, 150));
}"""


@pytest.mark.parametrize("widths", [pytest.param((640,), marks=pytest.mark.slow), (400, 900, 1100)])
def test_no_page_is_wider_than_its_window(chromium: Any, whole: str, widths: tuple[int, ...]) -> None:
    """At 200 % zoom (half of 1280), on a phone, beside a notebook's panels; a table may scroll inside its own box."""
    context = chromium.new_context(viewport={"width": widths[0], "height": 900})
    page = context.new_page()
    try:
        page.goto(whole)
        page.get_by_role("heading", name="Audits").wait_for(timeout=60_000)
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        page.goto(f"{whole}/?bundle=whole")
        page.locator(".wb-head").first.wait_for(timeout=60_000)
        for name in SHOWN:
            turn(page, name)
            for width in widths:
                page.set_viewport_size({"width": width, "height": 900})
                page.wait_for_timeout(200)  # drawings follow their box
                assert page.locator(".wb").last.evaluate(_WIDE) == [], (name, width)
                assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, (name, width)
    finally:
        context.close()


# ---------------------------------------------------------------------------- what is one key away


def test_help_and_tables_are_one_key_away(page: Any, whole: str) -> None:
    """In an opened finding ? shows how it is computed and t the tables behind the drawings; again, and they fold."""
    page.goto(f"{whole}/?bundle=demo")
    finding = page.locator(".wb-finding", has_text="Rates by group")
    finding.click()
    opened = page.locator(".wb-open")
    opened.locator(".wb-charts img[src]").first.wait_for(timeout=60_000)
    finding.focus()
    told, tables = opened.locator(".wb-help dl"), opened.locator(".wb-as-table table")
    assert not told.is_visible()
    page.keyboard.press("?")
    assert told.is_visible()
    assert "Hardt" in told.inner_text()
    page.keyboard.press("t")
    assert tables.count() > 0
    assert all(one.is_visible() for one in tables.all())
    page.keyboard.press("t")
    page.keyboard.press("?")
    assert not any(one.is_visible() for one in [told, *tables.all()])


def test_a_page_says_that_it_opens_and_keeps_its_height(page: Any) -> None:
    """Until Python answers there are words for people and for screen readers, and what is below does not jump far."""
    audit = audit_of()
    audit.run()
    stage = Stage(page, Session(audit))
    page.get_by_role("tab", name="Bias").click()
    groups = page.get_by_role("region", name="Groups", exact=True)
    assert groups.get_attribute("aria-busy") == "true"
    waiting = groups.get_by_role("status").filter(has_text="Opening …")
    assert waiting.is_visible()
    below = page.get_by_role("region", name="Findings", exact=True).bounding_box()["y"]
    stage.until(lambda: page.locator(".wb-forest tbody tr").count())
    assert groups.get_attribute("aria-busy") is None
    assert not waiting.count()
    assert abs(page.get_by_role("region", name="Findings", exact=True).bounding_box()["y"] - below) < 200

"""What stays of a displayed audit: without kernel, page, trust, JupyterLab, or style, it tells what it found."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.browser.test_lab import kill_kernels, shot
from tests.complaints.data import CANARY
from tests.notebooks import opened, run, saved, written

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser"), pytest.mark.timeout(400)]

DATA = f"""
import sys
sys.path[:0] = [{str(Path(__file__).parents[2])!r}]
import workbench as wb
from tests.complaints.data import loans
data, reference = loans(), loans(seed=6).assign(income=lambda d: d.income + 9)
audit = wb.Audit(data, reference=reference, target="y", score="score", sensitive="sex", id="id", title="Loans of May",
                 checks=["bias.group_rates", "performance.classification", "quality.missing", "drift.numeric"])
"""
CELLS = (
    DATA + "audit",
    "audit.run().verdict.outcome\nshown = wb.Audit(data, target='y', score='score', title='Second', "
         "checks=['bias.group_rates'])\nshown.run()\nshown")  # fmt: skip


def tells(text: str) -> None:
    """The text of a displayed audit holds its verdict, a reason and numbers with their interval."""
    assert re.search(r"\b(FAIL|INCOMPLETE|PASS|WARN)\b", text, re.IGNORECASE), text[:500]
    assert "Loans of May" in text
    assert re.search(r"\bKS\b.*income", text)
    assert re.search(r"\d[\d.]*%? \[\d[\d.]*, \d", text), text[:2000]
    assert "limit" in text.lower()
    assert re.search(r"sha256:[0-9a-f]{64}|[0-9a-f]{4} [0-9a-f]{4}", text)


@pytest.fixture(scope="module")
def audited(chromium: Any, lab: tuple[str, Path]) -> Path:
    """Return a notebook whose audit was run on screen, saved, its kernel dead; the live page told the same after."""
    address, folder = lab
    file = written(folder / "survives.ipynb", *CELLS)
    context = chromium.new_context(viewport={"width": 1280, "height": 1400})
    page = context.new_page()
    opened(page, address, file.name)
    run(page, 0)
    view = page.locator(".jp-OutputArea .wb").first
    view.get_by_role("button", name="Run", exact=True).click(timeout=90_000)
    view.locator(".wb-head").wait_for(timeout=60_000)
    page.locator(".jp-OutputArea details summary", has_text="copy that needs no kernel").first.wait_for(timeout=60_000)
    page.wait_for_timeout(1000)
    tells(view.inner_text())
    saved(page, file)
    kill_kernels(address)
    page.wait_for_timeout(2000)
    tells(view.inner_text())
    view.get_by_role("tab", name="Bias").click()  # what is on the page is still used
    view.get_by_role("tab", name="Overview").click()
    tells(view.inner_text())
    shot(page, "survives-kernel-dead")
    context.close()
    return file


def outputs(page: Any) -> str:
    """Return the text of the saved notebook's outputs, folded parts opened."""
    page.wait_for_selector(".jp-OutputArea-output details", timeout=60_000)
    page.evaluate("document.querySelectorAll('.jp-OutputArea-output details').forEach((d) => { d.open = true; })")
    return str(
        page.evaluate("[...document.querySelectorAll('.jp-OutputArea-output')].map((e) => e.innerText).join('\\n')")
    )


def test_with_the_kernel_dead(audited: Path) -> None:
    """The live view told the same under a dead kernel, and its tabs still turn (asserted as it is made)."""
    assert json.loads(audited.read_text("utf-8"))["cells"][0]["outputs"]


def test_with_the_page_loaded_anew(page: Any, lab: tuple[str, Path], audited: Path) -> None:
    """No kernel knows the widget any more: the copy beside it is read."""
    page.goto(f"{lab[0]}/lab/tree/{audited.name}?token=tok&reset")
    tells(outputs(page))
    shot(page, "survives-reloaded")


def test_untrusted(page: Any, lab: tuple[str, Path], audited: Path) -> None:
    """Somebody else's notebook, not trusted: JupyterLab sanitises its HTML and runs nothing; it reads the same."""
    content = json.loads(audited.read_text("utf-8"))
    content["cells"][0]["source"] = "# another hand\n" + "".join(content["cells"][0]["source"])
    other = audited.with_name("from-elsewhere.ipynb")
    other.write_text(json.dumps(content), "utf-8")
    page.goto(f"{lab[0]}/lab/tree/{other.name}?token=tok&reset")
    tells(outputs(page))
    page.locator(".jp-OutputArea .wb").first.wait_for(state="detached", timeout=10_000)  # no live view
    shot(page, "survives-untrusted")


def exported(audited: Path, folder: Path) -> Path:
    """Return the HTML of plain nbconvert."""
    line = [sys.executable, "-m", "nbconvert", "--to", "html", str(audited), "--output-dir", str(folder)]
    made = subprocess.run(line, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    return folder / f"{audited.stem}.html"


def offline(page: Any) -> None:
    """Let the page load nothing from elsewhere: nbconvert's own template would ask for MathJax."""
    page.route(lambda url: url.startswith("http"), lambda route: route.abort())


def test_as_plain_html(page: Any, audited: Path, tmp_path: Path) -> None:
    """nbconvert --to html, without state of widgets and without network."""
    file = exported(audited, tmp_path)
    offline(page)
    page.goto(file.as_uri())
    page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    tells(page.locator("main, body").first.inner_text())
    shot(page, "survives-html")


@pytest.mark.parametrize("what", ["notebook", "live view"])
def test_with_style_removed(page: Any, lab: tuple[str, Path], audited: Path, tmp_path: Path, what: str) -> None:
    """As text alone, as a screen reader or a mail shows it: the same words."""
    offline(page)
    if what == "notebook":
        page.goto(exported(audited, tmp_path).as_uri())
        page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    else:
        import workbench as wb
        from tests.complaints.data import loans
        from tests.complaints.stage import Stage
        from workbench.ui.session import Session

        later = loans(seed=6).assign(income=lambda d: d.income + 9)
        options = {"target": "y", "score": "score", "sensitive": "sex", "id": "id", "title": "Loans of May"}
        record = wb.Audit(loans(), reference=later, checks=["bias.group_rates", "drift.numeric"], **options).run()
        page.unroute_all()
        Stage(page, Session(record=record))
    page.evaluate(
        "document.querySelectorAll('style, link[rel=stylesheet]').forEach((e) => e.remove());"
        "document.querySelectorAll('[style]').forEach((e) => e.removeAttribute('style'))"
    )
    tells(page.locator("body").inner_text())
    shot(page, f"survives-no-css-{what.replace(' ', '-')}")


@pytest.mark.slow
def test_the_notebook_of_a_full_session_is_small_and_holds_no_row(
    page: Any, lab: tuple[str, Path], measured: Callable[[str], None]
) -> None:
    """Set up, run, narrow, drift, details, compare, export, save: under 2 MB, no cell of the data in the file."""
    address, folder = lab
    file = written(folder / "session.ipynb", DATA + "wb.setup()", "audit")
    opened(page, address, file.name)
    run(page, 0)
    view = page.locator(".jp-OutputArea .wb").first
    view.get_by_label("Data to audit", exact=True).select_option("data", timeout=90_000)
    view.locator("select[data-column='y']").select_option("target", timeout=30_000)
    view.locator("select[data-column='sex']").select_option("sensitive")
    view.locator("select[data-column='id']").select_option("id")
    view.get_by_label("Reference", exact=True).select_option("reference")
    page.wait_for_timeout(1500)
    view.get_by_role("button", name="Start").click()
    view = page.locator(".jp-OutputArea .wb").first
    view.get_by_role("button", name="Run", exact=True).click(timeout=30_000)
    view.locator(".wb-head").wait_for(timeout=120_000)
    for check in ("Drift of categorical", "Data profile", "Rates by group"):
        found = view.locator(".wb-finding", has_text=check).first
        if found.count():
            found.click()
            page.wait_for_timeout(1500)
    view.get_by_text("Look at some rows only").click()
    view.get_by_label("Column", exact=True).select_option(label="sex")
    view.get_by_label("Value", exact=True).fill("F")
    view.get_by_role("button", name="Narrow").click()
    view.locator(".wb-head", has_text="only rows where sex is F").wait_for(timeout=120_000)
    view.get_by_role("tab", name="Drift").click()
    page.wait_for_timeout(2000)
    view.get_by_role("tab", name="Compare").click()
    view.get_by_role("button", name="Compare", exact=True).click()
    view.get_by_text("Measures that moved").wait_for(timeout=30_000)
    view.locator("input[aria-label='Notebook to write']").fill("session-exported.ipynb")
    view.get_by_role("button", name="Export notebook").click()
    view.locator(".wb-message", has_text="session-exported.ipynb").wait_for(timeout=60_000)
    run(page, 1)
    page.locator(".jp-Notebook .jp-Cell").nth(1).locator(".jp-OutputArea .wb .wb-primary").click(timeout=90_000)
    page.locator(".jp-Notebook .jp-Cell").nth(1).locator(".jp-OutputArea .wb-head").wait_for(timeout=90_000)
    page.wait_for_timeout(2000)
    saved(page, file)
    written_out = {name: (folder / name).read_text("utf-8") for name in (file.name, "session-exported.ipynb")}
    for name, text in written_out.items():
        measured(f"{name} after a full session: {len(text.encode()) / 1e6:.3f} MB")
        assert len(text.encode()) < 2_000_000
        assert CANARY not in text
        assert CANARY.split()[0] not in text.replace("tests.complaints", "")
    assert "copy that needs no kernel" in written_out[file.name]
    kill_kernels(address)

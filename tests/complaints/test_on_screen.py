"""Complaints about the notebook's screen, each in a real JupyterLab."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path
from typing import Any

import nbformat
import pytest

from tests.browser.test_lab import kill_kernels, shot
from tests.notebooks import opened, run, saved, written
from workbench.audit.bundle import write_bundle
from workbench.audit.record import Record
from workbench.report.execute import execute_notebook
from workbench.report.html import render_html
from workbench.report.verify import verify

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("complaints"), pytest.mark.timeout(300)]

DATA = f"""
import os, sys, time
sys.path[:0] = [{str(Path(__file__).parents[2])!r}]
import workbench as wb
from tests.complaints.data import loans
data = loans()
options = dict(target="y", sensitive="sex", id="id", ignore="note")
"""
CHECKS = "checks=['bias.group_rates', 'quality.missing']"
AUDIT = f"audit = wb.Audit(data, score='score', title='Loans', {CHECKS}, **options)\naudit"


def test_01_the_verdict_is_on_the_page_with_the_kernel_dead(page: Any, lab: tuple[str, Path]) -> None:
    """No extension is installed; the kernel ends under the open page, which is loaded anew: both tell it."""
    address, folder = lab
    file = written(folder / "c01.ipynb", DATA + AUDIT)
    opened(page, address, file.name)
    run(page, 0)
    view = page.locator(".jp-OutputArea .wb").first
    view.get_by_role("button", name="Run", exact=True).click(timeout=90_000)
    head = view.locator(".wb-head")
    head.wait_for(timeout=60_000)
    word = head.locator(".wb-verdict").first.inner_text()
    page.locator(".jp-OutputArea details summary", has_text="0 of").first.wait_for(timeout=60_000)
    saved(page, file)
    kill_kernels(address)
    page.wait_for_timeout(3000)
    assert word in head.inner_text()
    shot(page, "c01-kernel-dead")
    page.reload()
    twin = page.locator(".jp-OutputArea details summary", has_text="copy that needs no kernel").first
    twin.wait_for(timeout=60_000)
    assert word.split()[-1].lower() in twin.inner_text().lower()
    shot(page, "c01-reloaded")


def test_02_what_is_on_screen_is_exported_and_verifies(page: Any, lab: tuple[str, Path], tmp_path: Path) -> None:
    """One click writes a notebook; run elsewhere, its record has the screen's digest, and the bundle verifies."""
    address, folder = lab
    file = written(folder / "c02.ipynb", DATA + AUDIT)
    opened(page, address, file.name)
    run(page, 0)
    view = page.locator(".jp-OutputArea .wb").first
    view.get_by_role("button", name="Run", exact=True).click(timeout=90_000)
    digest = view.locator(".wb-head [title^='sha256:']").get_attribute("title", timeout=60_000)
    view.locator("input[aria-label='Notebook to write']").fill("c02-exported.ipynb")
    view.get_by_role("button", name="Export notebook").click()
    view.locator(".wb-message", has_text="c02-exported.ipynb").wait_for(timeout=60_000)
    kill_kernels(address)

    exported = nbformat.read(folder / "c02-exported.ipynb", as_version=4)
    done = execute_notebook(exported, tmp_path / "run")
    record = Record.from_json((tmp_path / "run" / "record.json").read_bytes())
    assert record.digest == digest
    pages = {
        "record.json": record.to_json(),
        "audit.ipynb": done.read_bytes(),
        "report.html": render_html(record).encode(),
    }
    assert verify(write_bundle(tmp_path / "bundle", pages, record.digest).path) == []
    damaged = pages["report.html"].replace(b"<h1>", b'<h1><data value="0.5" data-i="0" data-f="value">0.51</data>', 1)
    assert verify(write_bundle(tmp_path / "other", pages | {"report.html": damaged}, record.digest).path)


def test_05_two_workbenches_in_one_notebook_share_nothing(page: Any, lab: tuple[str, Path]) -> None:
    """Two models, run at once: each screen has its digest, filter, rows and ids of its own."""
    address, folder = lab
    models = """
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier
one = LogisticRegression().fit(data[["income"]], data["y"])
two = DecisionTreeClassifier(max_depth=3, random_state=0).fit(data[["income"]], data["y"])
checks = ["bias.group_rates", "performance.classification", "quality.missing"]
first = wb.Audit(data, model=one, title="First", checks=checks, **options)
second = wb.Audit(data, model=two, title="Second", checks=checks, **options)
"""
    told = "print(first.with_checks(checks).run().digest, second.with_checks(checks).run().digest)"
    file = written(folder / "c05.ipynb", DATA + models, "first", "second", told)
    opened(page, address, file.name)
    for at in range(3):
        run(page, at)
    cells = page.locator(".jp-Notebook .jp-Cell")
    one, two = (cells.nth(at).locator(".jp-OutputArea .wb") for at in (1, 2))
    one.locator(".wb-primary").wait_for(timeout=90_000)
    two.locator(".wb-primary").wait_for(timeout=90_000)
    one.locator(".wb-primary").click()
    two.locator(".wb-primary").click()
    for view in (one, two):
        view.locator(".wb-head").wait_for(timeout=90_000)
    run(page, 3)
    printed = cells.nth(3).locator(".jp-OutputArea-output", has_text="sha256:")
    printed.wait_for(timeout=60_000)
    digests = [v.locator(".wb-head [title^='sha256:']").get_attribute("title") for v in (one, two)]
    assert printed.inner_text().split() == digests
    assert digests[0] != digests[1]
    assert ["First", "Second"] == [v.locator(".wb-head .wb-title").inner_text() for v in (one, two)]

    rows = two.locator(".wb-board tbody tr").count()
    one.get_by_label("Filter rules", exact=True).fill("nothing like this")
    assert "No rule matches" in one.locator(".wb-board").inner_text()
    assert two.get_by_label("Filter rules", exact=True).input_value() == ""
    one.get_by_text("Look at some rows only").click()
    one.get_by_label("Column", exact=True).select_option(label="sex")
    one.get_by_label("Value", exact=True).fill("F")
    one.get_by_role("button", name="Narrow").click()
    one.locator(".wb-head", has_text="only rows where sex is F").wait_for(timeout=90_000)
    assert two.locator(".wb-board tbody tr").count() == rows
    assert two.locator(".wb-head [title^='sha256:']").get_attribute("title") == digests[1]
    assert "only rows" not in two.inner_text()
    ids = page.evaluate("[...document.querySelectorAll('.wb [id]')].map((e) => e.id)")
    assert len(ids) == len(set(ids))
    kill_kernels(address)


def set_subshells(address: str, how: str) -> None:
    """Say how JupyterLab sends widgets' messages: perCommTarget (its default) or disabled."""
    plugin = "@jupyterlab/apputils-extension:kernels-settings"
    body = json.dumps({"raw": json.dumps({"commsOverSubshells": how})}).encode()
    where = f"{address}/lab/api/settings/{plugin}?token=tok"
    request = urllib.request.Request(where, body, {"Content-Type": "application/json"}, method="PUT")
    urllib.request.urlopen(request, timeout=10).close()


@pytest.mark.parametrize("how", ["perCommTarget", "disabled"])
def test_06_output_stays_in_its_cell_with_subshells_and_without(page: Any, lab: tuple[str, Path], how: str) -> None:
    """Run is pressed while another cell prints: that cell has its lines and nothing else, the audit its own place.

    With subshells the run begins while the cell is at work, without them once it has ended.
    """
    address, folder = lab
    title = f"Loans {how}"
    audit = AUDIT.replace("'Loans'", repr(title))
    busy = f"""
from workbench.audit.kept import runs
open("busy", "w").close()
for line in range(12):
    print("line", line)
    time.sleep(0.5)
os.remove("busy")
print("begun:", any(r["title"] == {title!r} for r in runs()))
"""
    file = written(folder / f"c06-{how}.ipynb", DATA + audit, busy)
    set_subshells(address, how)
    try:
        opened(page, address, file.name)
        run(page, 0)
        cells = page.locator(".jp-Notebook .jp-Cell")
        view = cells.nth(0).locator(".jp-OutputArea .wb")
        view.locator(".wb-primary").wait_for(timeout=90_000)
        box = view.get_by_label("Missing values")  # a widget's first message goes to the main shell in any case
        box.uncheck()
        view.get_by_text("Checks (1 of 2 chosen)").wait_for(timeout=30_000)
        run(page, 1)
        cells.nth(1).locator(".jp-OutputArea-output", has_text="line 1").wait_for(timeout=60_000)
        view.locator(".wb-primary").click()
        printed = cells.nth(1).locator(".jp-OutputArea-output", has_text="begun:")
        printed.wait_for(timeout=60_000)
        view.locator(".wb-head").wait_for(timeout=60_000)
        cells.nth(0).locator("details summary", has_text="0 of").wait_for(timeout=60_000)
        page.wait_for_timeout(1000)
        lines = cells.nth(1).locator(".jp-OutputArea-output").all_inner_texts()
        assert "".join(lines).split("\n")[:13] == [*(f"line {i}" for i in range(12)), f"begun: {how != 'disabled'}"]
        assert len(lines) == 1
        outputs = saved(page, file)["cells"][0]["outputs"]
        assert [sorted(o.get("data", {})) for o in outputs][1:] == [["text/html", "text/plain"]]
        assert len(outputs) == 2
    finally:
        set_subshells(address, "perCommTarget")
        kill_kernels(address)


def test_09_no_keystroke_reaches_the_notebook(page: Any, lab: tuple[str, Path]) -> None:
    """Letters that are JupyterLab's shortcuts (a, L, r, x, d d) are typed into every field: the cells stay."""
    address, folder = lab
    file = written(folder / "c09.ipynb", DATA + "wb.setup()", AUDIT, "1 + 1")
    opened(page, address, file.name)
    run(page, 0)
    page.locator(".jp-OutputArea .wb").first.wait_for(timeout=90_000)
    run(page, 1)
    view = page.locator(".jp-Notebook .jp-Cell").nth(1).locator(".jp-OutputArea .wb")
    view.locator(".wb-primary").click(timeout=90_000)
    view.locator(".wb-head").wait_for(timeout=60_000)
    before = [(c["cell_type"], c["source"]) for c in saved(page, file)["cells"]]
    page.locator("details:not([open]) > summary", has_text="Look at some rows only").click()
    typed = 0
    fields = page.locator(".wb input[type=text], .wb input[type=search], .wb textarea")
    for at in range(fields.count()):
        field = fields.nth(at)
        if not field.is_visible():
            continue
        field.click()
        field.press("End")
        page.keyboard.type("aLrxdd")
        assert field.input_value().endswith("aLrxdd")
        typed += 1
    view.locator(".wb-sort").first.focus()
    page.keyboard.type("aLrxdd")
    assert typed >= 5
    assert page.locator(".jp-Notebook .jp-Cell").count() == 3
    assert page.locator(".jp-Notebook .jp-Cell.jp-CodeCell").count() == 3
    assert [(c["cell_type"], c["source"]) for c in saved(page, file)["cells"]] == before
    shot(page, "c09")
    kill_kernels(address)


def test_11_the_notebook_needs_no_network(chromium: Any, lab: tuple[str, Path]) -> None:
    """Every request beyond this computer fails: the screen is whole, and none was tried."""
    address, folder = lab
    file = written(folder / "c11.ipynb", DATA + AUDIT)
    context = chromium.new_context()
    tried: list[str] = []

    def blocked(route: Any) -> None:
        tried.append(route.request.url)
        route.abort()

    context.route(lambda url: not url.startswith(("http://127.0.0.1", "data:", "blob:")), blocked)
    page = context.new_page()
    opened(page, address, file.name)
    run(page, 0)
    view = page.locator(".jp-OutputArea .wb").first
    view.locator(".wb-primary").click(timeout=90_000)
    view.locator(".wb-head").wait_for(timeout=60_000)
    view.locator(".wb-finding", has_text="Rates by group").click()
    view.locator(".wb-charts img").first.wait_for(timeout=60_000)
    page.wait_for_function("[...document.querySelectorAll('.wb img.wb-drawing')].every((i) => i.naturalWidth > 0)")
    assert tried == []
    page.evaluate("fetch('http://192.0.2.1/x').catch(() => 0)")
    assert tried == ["http://192.0.2.1/x"]  # the block is there
    context.close()
    kill_kernels(address)

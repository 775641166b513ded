"""The workbench in a real JupyterLab with Chromium on ROWS x 36 columns: `python -m tests.bench.workbench`.

Says, in milliseconds: importing the package; from the start of the cell that makes the audit to the screen that is
painted; a move of the threshold to the painted rates; what the kernel's callbacks take; and how long the kernel needs
to answer `1 + 1`, asked all through a run in turn from the page and from another client of the kernel, which does not
wait for the page's own drawing. Everything else is measured where the user waits for it.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import nbformat
import numpy as np

from tests.bench.data import frame
from tests.screens import CHROMIUM, QUIET, serving_lab

ROLES = """target="y", score="score", sensitive=["sex", "region"], ignore=["pred"], time="ts\""""
IMPORT = """
import time
begun = time.perf_counter()
import workbench as wb
imported = time.perf_counter() - begun
import pandas as pd
current, reference = (pd.read_parquet(f"{name}.parquet") for name in ("current", "reference"))
from workbench.ui.session import Session
took, whole = [], Session.act
def timed(self, act):
    begun = time.perf_counter()
    whole(self, act)
    took.append(time.perf_counter() - begun)
Session.act = timed
print("imported", imported)
"""
FRAMES = f"wb.Audit(current, reference=reference, {ROLES})"
FILES = f'wb.Audit("current.parquet", reference="reference.parquet", {ROLES})'
READY = ".jp-Notebook-ExecutionIndicator[data-status='idle']"

# Done in the page, so that nothing but the page is waited for.
EXECUTE = """code => new Promise((done, failed) => {
  const kernel = jupyterapp.shell.currentWidget.sessionContext.session.kernel;
  const begun = performance.now();
  let text = "";
  const future = kernel.requestExecute({code, store_history: false});
  future.onIOPub = m => { if (m.header.msg_type === "stream") text += m.content.text; };
  future.done.then(
    r => r.content.status === "ok" ? done({ms: performance.now() - begun, text}) : failed(r.content.evalue));
})"""
FIRST_SCREEN = """() => new Promise(done => {
  const cell = document.querySelector(".jp-Notebook .jp-Cell");
  const begun = performance.now();
  const look = () => {
    if (!cell.querySelector(".wb .wb-primary")) return;
    seen.disconnect();
    requestAnimationFrame(() => setTimeout(() => done(performance.now() - begun)));
  };
  const seen = new MutationObserver(look);
  seen.observe(cell, {childList: true, subtree: true});
  jupyterapp.shell.currentWidget.content.activeCellIndex = 0;
  jupyterapp.commands.execute("notebook:run-cell");
})"""
MOVE = """at => new Promise(done => {
  const view = [...document.querySelectorAll(".wb")].find(v => v.querySelector("input[aria-label='Threshold']"));
  const range = view.querySelector("input[aria-label='Threshold']");
  const seen = new MutationObserver(() => {
    seen.disconnect();
    requestAnimationFrame(() => setTimeout(() => done(performance.now() - begun)));
  });
  seen.observe(view.querySelector(".wb-forest"), {childList: true, subtree: true, characterData: true});
  range.value = at;
  const begun = performance.now();
  range.dispatchEvent(new Event("input", {bubbles: true}));
})"""


def notebook(folder: Path, rows: int) -> None:
    """Write the data, and two notebooks whose cell makes an audit of files or of frames."""
    for name, current in (("current", True), ("reference", False)):
        data = frame(rows, current, np.random.default_rng([20261126, rows, current]))
        data.to_parquet(folder / f"{name}.parquet", index=False)
    about = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    for name, cell in (("files", FILES), ("frames", FRAMES)):
        cells = [nbformat.v4.new_code_cell(cell)]
        nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=about), folder / f"{name}.ipynb")


def first_screen(page: Any, address: str, name: str) -> dict[str, Any]:
    """Open a notebook with a kernel of its own and run its one cell; return what was measured."""
    page.goto(f"{address}/lab/tree/{name}.ipynb?token=tok&reset")
    page.wait_for_selector(".jp-Notebook .jp-Cell")
    page.wait_for_selector(READY, state="attached")
    page.wait_for_timeout(2000)
    said = page.evaluate(EXECUTE, IMPORT)["text"]
    found = {"import_ms": 1000 * float(said.split("imported ")[1])}
    found[f"first_screen_of_{name}_ms"] = page.evaluate(FIRST_SCREEN)
    page.wait_for_timeout(2000)
    return found


def second_client(page: Any, folder: Path) -> Any:
    """Return another client of the kernel of the notebook in front."""
    from jupyter_client import BlockingKernelClient

    kernel = page.evaluate("() => jupyterapp.shell.currentWidget.sessionContext.session.kernel.id")
    client = BlockingKernelClient()
    client.load_connection_file(str(folder / ".own" / "JUPYTER_RUNTIME_DIR" / f"kernel-{kernel}.json"))
    client.start_channels()
    client.wait_for_ready(timeout=30)
    return client


def asked(client: Any) -> float:
    """Return the milliseconds that the kernel takes to answer `1 + 1`."""
    begun = time.perf_counter()
    client.execute("1 + 1", store_history=False, reply=True, timeout=60)
    return 1000 * (time.perf_counter() - begun)


def measured(page: Any, address: str, folder: Path) -> dict[str, Any]:
    """Work both notebooks and return what was measured."""
    found = first_screen(page, address, "files") | first_screen(page, address, "frames")
    view = page.locator(".jp-Notebook .jp-Cell .wb")
    client = second_client(page, folder)
    view.locator(".wb-primary").click()
    waits, other = [], []
    begun = time.perf_counter()
    while not view.locator(".wb-head").count():
        waits.append(page.evaluate(EXECUTE, "1 + 1")["ms"])
        other.append(asked(client))
    found |= {"run_s": time.perf_counter() - begun}
    found |= spread("one_plus_one", waits) | spread("other_one_plus_one", other)
    client.stop_channels()
    page.wait_for_timeout(3000)
    view.get_by_role("tab", name="Bias").click()
    page.wait_for_timeout(2000)
    grid = int(view.locator("input[aria-label='Threshold']").get_attribute("max"))
    moves = [page.evaluate(MOVE, at) for at in np.linspace(1, grid - 1, 40).astype(int).tolist()]
    found |= spread("slider", moves)
    took = page.evaluate(EXECUTE, "import json\nprint(json.dumps(took))")["text"]
    return found | spread("callback", [1000 * t for t in json.loads(took)])


def spread(name: str, of: list[float]) -> dict[str, float]:
    """Return how many, the middle one and the slowest."""
    return {f"{name}s": len(of), f"{name}_median_ms": float(np.median(of)), f"{name}_most_ms": max(of)}


def main() -> int:
    """Measure once and print a line of JSON."""
    from playwright.sync_api import sync_playwright

    rows = int(os.environ.get("ROWS", "1000000"))
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)
        notebook(folder, rows)
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        with serving_lab(folder, "--LabApp.expose_app_in_browser=True") as address:
            page = browser.new_page(viewport={"width": 1280, "height": 1400})
            page.set_default_timeout(60_000)
            numbers = {"rows": rows, **measured(page, address, folder)}
        browser.close()
    sys.stdout.write(json.dumps({k: float(f"{v:.3g}") for k, v in numbers.items()}) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

"""Thousands of interactions in a real JupyterLab: kernel, browser and histories stay as large as they were.

`SOAK=20000` makes that many. The interactions are a person's, only faster: events of the page, which reach the kernel
over its own messages. A step that waits for the kernel goes on when what it asked for is on screen.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.browser.test_lab import kill_kernels
from tests.notebooks import opened, run_all, written

INTERACTIONS = int(os.environ.get("SOAK", "2000"))
LONG = 8000
WARM = 400 if INTERACTIONS < LONG else 4000
MOST_KERNEL_MB, MOST_WORKER_MB, MOST_HEAP_MB = 15, 10, 3
MOST_OBJECTS, MOST_NODES, MOST_LISTENERS = 1500, 3000, 300
"""What may be more at the end than after the warm-up, whatever the number of interactions."""

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.xdist_group("browser"),
    pytest.mark.timeout(300 + INTERACTIONS // 10),
]

AUDIT = """
import numpy as np
import pandas as pd
import workbench as wb
from workbench.ui.widgets.audit_widget import show

rng = np.random.default_rng(7)
n = 400
def rows(shift):
    data = pd.DataFrame({f"x{i}": rng.normal(shift * (i == 0), 1, n) for i in range(4)})
    data["colour"] = rng.choice(["red", "green", "blue"], n)
    data["sex"] = rng.choice(["F", "M"], n)
    data["region"] = rng.choice(["north", "south"], n)
    data["score"] = 1 / (1 + np.exp(-data.x1 - rng.normal(0, 1, n)))
    data["y"] = (rng.random(n) < data.score).astype(int)
    return data
checks = ["bias.group_rates", "performance.classification", "performance.calibration", "drift.numeric",
          "drift.categorical", "quality.missing"]
widget = show(wb.Audit(rows(0.5), reference=rows(0), target="y", score="score", sensitive=["sex", "region"],
                       checks=checks, title="Soak"))
"""
SHORT = """
import workbench.audit.kept, workbench.ui.earlier, workbench.ui.edits
workbench.ui.edits.MOST_KEPT, workbench.ui.earlier.MOST_KEPT, workbench.audit.kept.MOST_INPUTS = 8, 3, 4
"""
"""Histories as short as a warm-up fills; a long soak fills those that people have."""
SIZES = """
import ctypes, gc, json, os, threading, time
from pathlib import Path
def megabytes(pid):
    text = Path(f"/proc/{pid}/status").read_text()
    return int(text.split("VmRSS:")[1].split()[0]) / 1024
def sizes():
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    session = widget._session
    return {"kernel_mb": megabytes("self"), "worker_mb": sum(map(megabytes, children)), "children": len(children),
            "threads": threading.active_count(), "files": len(os.listdir("/proc/self/fd")),
            "objects": len(gc.get_objects()), "past": len(session._edits._past), "audits": len(session._edits._audits),
            "earlier": len(session._earlier._records),
            "measured": len(session._running._runner.kept._found),
            "waiting": session._acts.qsize(), "log": len(session._running.log),
            "heard": len(widget.act["acts"]), "listeners": len(session._listeners)}
def answer():  # asked by a file: for a cell that is run, JupyterLab builds toolbars anew and keeps the old ones
    while True:
        if Path("ask").exists():
            Path("ask").unlink()
            Path("told.part").write_text(json.dumps(sizes()))
            os.rename("told.part", "told")
        time.sleep(0.1)
threading.Thread(target=answer, daemon=True).start()
"""
ROUNDS = Path(__file__).with_name("soak.js").read_text("utf-8")


class Watched:
    """The notebook on a page; what it makes its kernel, the worker and the page hold."""

    def __init__(self, page: Any, folder: Path) -> None:
        self.page, self.folder, self.rounds = page, folder, 0
        self._devtools = page.context.new_cdp_session(page)
        self._devtools.send("Performance.enable")

    def work(self, interactions: int) -> int:
        """Interact at least so often; return how often."""
        made = 0
        while made < interactions:
            made += self.page.evaluate(ROUNDS, [min(500, interactions - made), self.rounds])
            self.rounds += 20
        return made

    def sizes(self) -> dict[str, float]:
        """Return megabytes and numbers of things, after both sides have collected what nobody holds."""
        # JupyterLab holds every event of a key, and what it was pressed on, until some shortcut is carried out.
        self.page.evaluate("document.activeElement.blur()")
        for _ in range(2):
            self.page.keyboard.press("Control+b")
        self.page.wait_for_timeout(1000)
        (self.folder / "ask").touch()
        told = self.folder / "told"
        for _ in range(600):
            if told.exists():
                break
            self.page.wait_for_timeout(100)
        found: dict[str, float] = json.loads(told.read_text("utf-8"))
        told.unlink()
        for _ in range(3):
            self._devtools.send("HeapProfiler.collectGarbage")
        page = {m["name"]: m["value"] for m in self._devtools.send("Performance.getMetrics")["metrics"]}
        heap, nodes, listeners = page["JSHeapUsedSize"] / 2**20, page["Nodes"], page["JSEventListeners"]
        return {**found, "heap_mb": heap, "nodes": nodes, "page_listeners": listeners}


def test_thousands_of_interactions_leave_nothing_behind(
    page: Any, lab: tuple[str, Path], measured: Callable[[str], None]
) -> None:
    """Look, filter, sort, open, slide, narrow, undo, again and again; then compare with what was held after a while."""
    address, folder = lab
    short = INTERACTIONS < LONG
    written(folder / "soak.ipynb", (SHORT if short else "") + AUDIT + SIZES)
    opened(page, address, "soak.ipynb")
    run_all(page)
    page.locator(".jp-OutputArea .wb .wb-primary").first.click(timeout=90_000)
    page.locator(".jp-OutputArea .wb .wb-head").wait_for()
    watched = Watched(page, folder)
    watched.work(WARM)
    before, begun = watched.sizes(), time.perf_counter()
    made = watched.work(INTERACTIONS - WARM)
    took = time.perf_counter() - begun
    after = watched.sizes()
    more = {name: after[name] - before[name] for name in after}
    measured(f"{made} interactions in {took:.0f} s after {WARM}: more by { {k: round(v, 1) for k, v in more.items()} }")
    measured(f"at the end: { {k: round(v, 1) for k, v in after.items()} }")
    assert more["kernel_mb"] <= MOST_KERNEL_MB
    assert more["worker_mb"] <= MOST_WORKER_MB
    assert more["heap_mb"] <= MOST_HEAP_MB
    assert more["objects"] <= MOST_OBJECTS
    assert more["nodes"] <= MOST_NODES
    assert more["page_listeners"] <= MOST_LISTENERS
    assert more["threads"] <= 1
    assert more["files"] <= 4
    assert more["children"] == more["listeners"] == after["waiting"] == 0
    assert after["past"] <= (8 if short else 32)
    assert after["earlier"] <= (3 if short else 20)
    assert after["measured"] <= (4 if short else 16)
    assert after["heard"] <= 20
    assert page.foreign == []
    kill_kernels(address)

"""A page with the shared view on it, over a session in this process: what any host of the widget does, without one."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Any

from workbench.ui import view
from workbench.ui.acts import Heard
from workbench.ui.session import SHOWN, Session

_PAGE = """<!DOCTYPE html><html lang="en" @@HTML@@><head><meta charset="utf-8"><title>host</title>
<style>body { margin: 0 } @@STYLES@@</style><style>@@HOST@@</style></head><body><main id="place"></main>
<script type="module">
@@VIEW@@
const values = JSON.parse(document.getElementById("state").textContent), heard = {};
window.put = (name, value) => { values[name] = value; (heard["change:" + name] || []).forEach((f) => f()); };
view.render({ el: document.getElementById("place"), model: {
  get: (name) => values[name] ?? {}, set: (name, value) => { values[name] = value;
    if (name === "act") window.toPython(value); },
  save_changes: () => {}, off: () => {}, on: (name, f) => (heard[name] = heard[name] || []).push(f) } });
</script><script type="application/json" id="state">@@STATE@@</script></body></html>"""


class Stage:
    """A session's screen on a browser's page; `until` hands the session's answers on until something holds."""

    def __init__(self, page: Any, session: Session, *, attributes: str = "", host: str = "") -> None:
        self.page, self._told, heard = page, SimpleQueue[tuple[str, Any]](), Heard()
        session.subscribe(lambda name, value: self._told.put((name, value)))
        page.expose_function("toPython", lambda message: [session.act(act) for act in heard.new(message)] and None)
        state = json.dumps(session.parts()).replace("<", "\\u003c")
        html = (
            _PAGE.replace("@@HTML@@", attributes, 1)
            .replace("@@HOST@@", host, 1)
            .replace("@@STYLES@@", view.styles(), 1)
        )
        html = html.replace("@@VIEW@@", view.module().replace("export default", "const view =", 1), 1)
        page.route(
            "http://127.0.0.1:9/stage",
            lambda route: route.fulfill(body=html.replace("@@STATE@@", state, 1), content_type="text/html"),
        )
        page.goto("http://127.0.0.1:9/stage")
        page.locator(".wb").wait_for()

    def until(self, ready: Callable[[], Any], seconds: float = 60) -> None:
        """Hand answers on until `ready` is true, at most so long."""
        end = time.monotonic() + seconds
        while not ready():
            assert time.monotonic() < end, "it did not come"
            self.page.wait_for_timeout(50)
            try:
                name, value = self._told.get_nowait()
            except Empty:
                continue
            if name in SHOWN:
                self.page.evaluate("([name, value]) => window.put(name, value)", [name, value])

"""The widget in a real kernel, on its main shell and on a subshell: the kernel answers while a run is on."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.notebook, pytest.mark.timeout(300)]

SUBSHELLS = int(version("ipykernel").partition(".")[0]) >= 7
CELL = """
import os
import time
import numpy as np
import pandas as pd
import workbench as wb

@wb.check("own.dozes", "Z960", "dozes")
def dozes(subject):
    while not os.path.exists("awake"):
        time.sleep(600)
    return wb.Result([wb.Measure("woke", 1, n=1)])

rng = np.random.default_rng(1)
data = pd.DataFrame({"x": rng.normal(size=500), "y": rng.integers(0, 2, 500), "g": rng.choice(["a", "b"], 500)})
audit = wb.Audit(data, target="y", sensitive="g", checks=["drift.missing", "own.dozes", "quality.missing"])
audit
"""


class Kernel:
    """A kernel with its client, and what it told on the channel that the screen listens to."""

    def __init__(self, folder: Path) -> None:
        from jupyter_client.manager import KernelManager

        own = {k: str(folder / k) for k in ("IPYTHONDIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_DATA_DIR", "WORKBENCH_RUNS")}
        path = os.pathsep.join(p for p in sys.path if p)
        self.manager = KernelManager()
        self.manager.start_kernel(cwd=str(folder), env={**os.environ, **own, "PYTHONPATH": path})
        self.client = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(120)
        self.told: list[dict[str, Any]] = []
        self.times: list[float] = []
        self.comm = ""
        self.subshell: str | None = None

    def close(self) -> None:
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)

    def listen(self, seconds: float = 0.05) -> None:
        from queue import Empty

        try:
            message = self.client.get_iopub_msg(timeout=seconds)
        except Empty:
            return
        kind, content = message["msg_type"], message["content"]
        if kind == "comm_open" and "act" in content["data"].get("state", {}):
            self.comm = content["comm_id"]
            self.told.append(content["data"]["state"])
            self.times.append(time.monotonic())
        if kind == "comm_msg" and content["comm_id"] == self.comm and content["data"].get("method") == "update":
            self.told.append(content["data"]["state"])
            self.times.append(time.monotonic())
        assert kind != "error" or content["ename"] == "KeyboardInterrupt", content["traceback"]

    def last(self, name: str) -> dict[str, Any]:
        return next((told[name] for told in reversed(self.told) if name in told), {})

    def until(self, ready: Callable[[], bool], seconds: float = 120) -> None:
        end = time.monotonic() + seconds
        while not ready():
            assert time.monotonic() < end, self.told[-2:]
            self.listen()

    def send(self, channel: Any, kind: str, content: dict[str, Any], subshell: str | None = None) -> str:
        message = self.client.session.msg(kind, content)
        if subshell is not None:
            message["header"]["subshell_id"] = subshell
        channel.send(message)
        return str(message["header"]["msg_id"])

    def reply(self, channel: Any, to: str, seconds: float = 60) -> dict[str, Any]:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            message = channel.get_msg(timeout=seconds)
            if message["parent_header"].get("msg_id") == to:
                return dict(message["content"])
        raise AssertionError("no reply came")

    def execute(self, code: str) -> dict[str, Any]:
        return self.reply(self.client.shell_channel, self.begin(code))

    def begin(self, code: str) -> str:
        content = {"code": code, "silent": False, "store_history": False, "user_expressions": {}, "allow_stdin": False}
        return self.send(self.client.shell_channel, "execute_request", content)

    def act(self, name: str, value: Any = None) -> None:
        state = {"act": {"name": name, "value": value, "at": time.time()}}
        content = {"comm_id": self.comm, "data": {"method": "update", "state": state, "buffer_paths": []}}
        self.send(self.client.shell_channel, "comm_msg", content, self.subshell)

    def phase(self) -> str:
        return str(self.last("state").get("phase"))

    def use_subshell(self) -> None:
        asked = self.send(self.client.control_channel, "create_subshell_request", {})
        self.subshell = self.reply(self.client.control_channel, asked)["subshell_id"]


@pytest.fixture
def kernel(tmp_path: Path) -> Iterator[Kernel]:
    found = Kernel(tmp_path)
    yield found
    found.close()


@pytest.mark.parametrize(
    "subshell",
    [False, pytest.param(True, marks=pytest.mark.skipif(not SUBSHELLS, reason="ipykernel has subshells since 7"))],
)
def test_the_kernel_answers_while_a_run_is_on(
    kernel: Kernel, tmp_path: Path, subshell: bool, measured: Callable[[str], None]
) -> None:
    """Run, compute in a cell meanwhile, cancel, run on: with the widget's messages on the main shell or on another."""
    assert kernel.execute(CELL)["status"] == "ok"
    kernel.until(lambda: bool(kernel.comm))
    if subshell:
        kernel.use_subshell()
    kernel.act("run")
    kernel.until(lambda: len(kernel.last("progress").get("ended", [])) == 1)

    waits = []
    for _ in range(20):
        start = time.perf_counter()
        assert kernel.execute("assert 1 + 1 == 2")["status"] == "ok"
        waits.append(time.perf_counter() - start)
    measured(f"1 + 1 during a run (subshell: {subshell}): median {sorted(waits)[10]:.3f} s, most {max(waits):.3f} s")
    assert max(waits) < 10
    assert kernel.phase() == "running"

    busy = kernel.begin("import time\nfor _ in range(6000):\n    time.sleep(0.01)") if subshell else None
    pressed = time.perf_counter()
    kernel.act("cancel")
    kernel.until(lambda: kernel.phase() == "partial", 55)
    measured(f"from cancel to the partial record (subshell: {subshell}): {time.perf_counter() - pressed:.2f} s")
    found = {f["check"]: f["word"] for f in kernel.last("state")["overview"]["findings"]}
    assert found["own.dozes"] == found["quality.missing"] == "cancelled" != found["drift.missing"]
    if busy is not None:  # heard though a cell was at work
        kernel.manager.interrupt_kernel()
        assert kernel.reply(kernel.client.shell_channel, busy)["status"] == "error"

    (tmp_path / "awake").touch()
    kernel.act("run")
    kernel.until(lambda: kernel.phase() == "done")
    check = f"assert audit.record.digest == {kernel.last('state')['overview']['digest']!r} == audit.run().digest"
    assert kernel.execute(check)["status"] == "ok"


def test_few_messages_a_second(kernel: Kernel, tmp_path: Path, measured: Callable[[str], None]) -> None:
    """Of 300 checks: progress at most four times a second, a state at the start and at the end."""
    (tmp_path / "awake").touch()
    steps = (
        "for i in range(300):\n"
        "    exec(f'def step(subject):\\n return wb.Result([wb.Measure(\"i\", {i}, n=1)])')\n"
        "    wb.check(f'own.step_{i}', f'ZZ{i:03d}', f'step {i}')(step)\n"
        "audit = wb.Audit(data, target='y', checks=[f'own.step_{i}' for i in range(300)])\naudit"
    )
    assert kernel.execute(CELL.rsplit("\n", 2)[0])["status"] == "ok"
    assert kernel.execute(steps)["status"] == "ok"
    kernel.until(lambda: bool(kernel.comm))
    kernel.told.clear()
    kernel.times.clear()
    kernel.act("run")
    kernel.until(lambda: kernel.phase() == "done")
    progress = [(t, told) for t, told in zip(kernel.times, kernel.told, strict=True) if "progress" in told]
    seconds = progress[-1][0] - progress[0][0]
    measured(f"{len(progress)} progress messages in {seconds:.1f} s, {len(kernel.told)} messages in all, 300 checks")
    assert len(progress) <= 4 * seconds + 2
    assert progress[-1][1]["progress"]["step"] == 302
    assert len(kernel.told) - len(progress) <= 4

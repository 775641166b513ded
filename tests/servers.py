"""Real servers for tests, on loopback: found or skipped with a reason, started, waited for, stopped."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest


def unavailable(why: str) -> None:
    """Fail where everything is to be tested (CI), skip with the reason elsewhere."""
    if os.environ.get("CI"):
        pytest.fail(why, pytrace=False)
    pytest.skip(why)


def program(*names: str, package: str) -> str:
    """Return the path of the first of these programs that is installed."""
    places = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin", "/sbin"])
    for name in names:
        found = shutil.which(name, path=places)
        if found:
            return found
    unavailable(f"{names[0]} is not installed (package {package})")
    raise AssertionError


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=0.5).close()
    except OSError:
        return False
    return True


def wait_until(condition: Callable[[], object], seconds: float, what: str) -> None:
    """Return once the condition holds; fail with `what` when it does not in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return
        time.sleep(0.05)
    pytest.fail(f"after {seconds:g} s: {what}", pytrace=False)


@contextlib.contextmanager
def server(
    command: Sequence[str | Path],
    *,
    port: int,
    folder: Path,
    seconds: float = 120,
    env: Mapping[str, str] | None = None,
    ready: Callable[[], object] | None = None,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server until the block ends; its output goes to a file in `folder`, told when it does not start."""
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / f"{Path(command[0]).name}.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            [str(part) for part in command],
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            cwd=folder,
            env={**os.environ, **(env or {})},
            start_new_session=True,
        )
    try:
        end = time.monotonic() + seconds
        while not (ready or (lambda: answers(port)))():
            if process.poll() is not None or time.monotonic() > end:
                tail = log.read_text("utf-8", "replace")[-2000:]
                pytest.fail(f"{command[0]} did not start (exit {process.poll()}):\n{tail}", pytrace=False)
            time.sleep(0.05)
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)

"""A worker process as its session sees it: messages, log, memory, and how it is ended."""

from __future__ import annotations

import mmap
import os
import queue
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import IO, Any

from workbench.audit.worker import IN_MODEL, receive, send
from workbench.core.errors import thousands

MOST_LOG = 64 * 1024
"""Bytes of a worker's log that are kept: the last ones."""
_START = "from workbench.audit.worker import main; main()"


class GoneError(Exception):
    """A worker has ended; the text says how, `limit` which limit it was ended at, if that was why."""

    def __init__(self, text: str, limit: str = "") -> None:
        super().__init__(text)
        self.limit = limit


class Process:
    """A worker process; it ends with the session that started it, or when it is killed."""

    def __init__(self, folder: Path) -> None:
        self._mark_file = folder / f"mark-{os.urandom(4).hex()}"
        self._mark_file.write_bytes(b"\0")
        with self._mark_file.open("r+b") as file:
            self._mark = mmap.mmap(file.fileno(), 1)
        # -P keeps a file of the present folder from being imported in place of a library.
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", _START, str(self._mark_file)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
            start_new_session=True,  # a notebook's interrupt is not for it
        )
        self._inbox: queue.SimpleQueue[tuple[Any, ...]] = queue.SimpleQueue()
        self._log, self._dropped, self._lock = b"", 0, threading.Lock()
        self.modules: frozenset[str] = frozenset()
        self.is_ready = False
        assert self._process.stdin is not None  # noqa: S101 (all three are pipes)
        self._in: IO[bytes] = self._process.stdin
        for work in (self._listen, self._follow):
            threading.Thread(target=work, name="workbench-worker", daemon=True).start()

    @property
    def pid(self) -> int:
        """Return the number of the process."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Say whether the process runs."""
        return self._process.poll() is None

    def set_ready(self) -> None:
        """Note that the process has loaded every check."""
        self.is_ready = True

    @property
    def in_model(self) -> bool:
        """Say whether a model is, or was at the end, at work."""
        return bool(self._mark[0] == IN_MODEL)

    @property
    def log(self) -> str:
        """Return the end of what the process printed, and how many bytes before it are gone."""
        with self._lock:
            text, dropped = self._log.decode("utf-8", "replace"), self._dropped
        return f"[{thousands(dropped)} bytes before this are not kept]\n{text}" if dropped else text

    def send(self, *message: Any) -> None:
        """Send a message; GoneError when nobody is there."""
        try:
            send(self._in, message)  # type: ignore[arg-type]
        except (OSError, ValueError):
            raise GoneError(self._how()) from None

    def next(self, seconds: float) -> tuple[Any, ...] | None:
        """Return the next message, or None when none comes in time; GoneError when none will come."""
        with suppress(queue.Empty):
            message = self._inbox.get(timeout=seconds)
            if message[0] == "gone":
                raise GoneError(self._how())
            return message
        return None

    def memory(self) -> int | None:
        """Return the bytes of memory that the process has for itself, or None where they cannot be told."""
        return own_memory(self.pid)

    def kill(self) -> None:
        """End the process, and whatever it started, at once."""
        if self.alive:
            with suppress(ProcessLookupError, PermissionError):
                if hasattr(os, "killpg"):
                    os.killpg(self.pid, signal.SIGKILL)
                else:
                    self._process.kill()
        self._process.wait()
        with suppress(OSError):
            self._in.close()
        with suppress(OSError):
            self._mark_file.unlink()

    def _how(self) -> str:
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(2)
        code = self._process.returncode
        if code is None:
            return "answers no more"
        if code < 0:
            with suppress(ValueError):
                return f"was ended by {signal.Signals(-code).name}"
        return f"ended its process with exit code {code}"

    def _listen(self) -> None:
        out = self._process.stdout
        try:
            while out is not None:
                self._inbox.put(receive(out))  # type: ignore[arg-type]
        except Exception:  # the end of the stream, or half a message
            self._inbox.put(("gone",))
        if out is not None:
            out.close()

    def _follow(self) -> None:
        err = self._process.stderr
        while err is not None and (part := os.read(err.fileno(), 8192)):
            with self._lock:
                whole = self._log + part
                self._dropped += max(0, len(whole) - MOST_LOG)
                self._log = whole[-MOST_LOG:]
        if err is not None:
            err.close()


def own_memory(pid: int) -> int | None:
    """Return the bytes that a process holds for itself: not of files that it reads by mapping, which cost nothing."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text("ascii", "replace").splitlines()
    except OSError:
        return _by_psutil(pid)
    sizes = dict(line.split(":", 1) for line in lines if ":" in line)
    kinds = [sizes[k].split()[0] for k in ("RssAnon", "RssShmem", "VmSwap") if k in sizes]
    return sum(map(int, kinds)) * 1024 if kinds else None


def _by_psutil(pid: int) -> int | None:
    try:
        return int(import_module("psutil").Process(pid).memory_info().rss)
    except Exception:  # not installed, or the process is gone
        return None


def all_memory() -> int | None:
    """Return the bytes of memory that this computer, or the container we are in, has; None where it does not say."""
    found = []
    with suppress(OSError, ValueError, AttributeError):
        found.append(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    for file in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        with suppress(OSError, ValueError):  # "max" is no number
            found.append(int(Path(file).read_text("ascii")))
    return min(found, default=None)

"""Work of other people's code in a process of its own: no network, limited time and memory, ended when it is over."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from workbench.core.errors import WorkbenchError, thousands

OUT_OF_MEMORY = 77
"""Exit code of a worker that met its limit of memory."""

_TICK = 0.05
_TOLD = 2_000


class LimitExceededError(WorkbenchError):
    """A worker needed more time or memory than it was given, and was ended."""


class WorkerError(WorkbenchError):
    """A worker ended without its result."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds by the clock and mebibytes of address space; memory is limited where the system can (Linux)."""

    seconds: float = 600.0
    mebibytes: int = 4096


def run_limited(
    module: str, arguments: Sequence[str], limits: Limits, folder: Path, what: str, stop: Callable[[], None]
) -> None:
    """Run `python -m module MEBIBYTES arguments` in `folder` until it ends; `stop` may raise CancelledError.

    LimitExceededError or WorkerError name `what`; what the process printed is not repeated, it may hold values.
    """
    # -P keeps a file of that folder from being imported in place of a library.
    command = [sys.executable, "-P", "-m", module, str(limits.mebibytes), *arguments]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=_environment(folder),
            start_new_session=True,
        )
    try:
        code = _waited(process, limits, what, stop)
    finally:
        _end(process)
    if code == OUT_OF_MEMORY or code in (-signal.SIGKILL, -signal.SIGABRT, -signal.SIGSEGV):
        raise LimitExceededError(
            f"{what} needed more than {thousands(limits.mebibytes)} MiB of memory and was ended: "
            "give it more, or fewer columns."
        )
    if code:
        raise WorkerError(f"{what} did not end well ({_last_error(folder / 'log') or f'exit code {code}'}).")


def _waited(process: subprocess.Popen[bytes], limits: Limits, what: str, stop: Callable[[], None]) -> int:
    started = time.monotonic()
    while (code := process.poll()) is None:
        stop()
        if time.monotonic() - started > limits.seconds:
            raise LimitExceededError(
                f"{what} took longer than {limits.seconds:g} s and was ended: give it more time, or fewer columns."
            )
        time.sleep(_TICK)
    return code


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is not None:
        return
    with suppress(ProcessLookupError, PermissionError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)  # and whatever it started
        else:
            process.kill()
    process.wait()


def _environment(folder: Path) -> dict[str, str]:
    quiet = dict.fromkeys(("YDATA_PROFILING_NO_ANALYTICS", "DO_NOT_TRACK", "NO_COLOR", "PYTHONDONTWRITEBYTECODE"), "1")
    # One thread each: every thread of these libraries reserves address space that it never uses.
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
    paths = {"MPLCONFIGDIR": str(folder), "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    return {**os.environ, **quiet, **threads, **paths, **_PLAIN}


# Arrow's own allocator reserves a gibibyte at once; every arena of the system's another 64 MiB.
_PLAIN = {"MPLBACKEND": "Agg", "MALLOC_ARENA_MAX": "2", "ARROW_DEFAULT_MEMORY_POOL": "system"}


def _last_error(log: Path) -> str:
    """Return the name of the exception that a log ends with; its text may hold values of rows."""
    lines = log.read_bytes()[-_TOLD:].decode("utf-8", "replace").strip().splitlines()
    name = lines[-1].partition(":")[0].strip() if lines else ""
    return name.rpartition(".")[2] if name.replace(".", "").replace("_", "").isalnum() else ""


# ---------------------------------------------------------------------------- inside the process


def limit_memory(mebibytes: int) -> None:
    """Limit this process's address space, where the system can."""
    with suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (mebibytes * 2**20,) * 2)


def no_network() -> None:
    """Refuse every connection of this process, whatever library asks for it."""

    def refused(event: str, arguments: tuple[object, ...]) -> None:
        inward = event == "socket.connect" and isinstance(arguments[0], socket.socket) and _is_local(arguments[0])
        if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto") and not inward:
            raise PermissionError("this process has no network")

    sys.addaudithook(refused)


def _is_local(found: socket.socket) -> bool:
    return found.family == getattr(socket, "AF_UNIX", None)


def guarded(work: Callable[[list[str]], None], argv: Sequence[str]) -> NoReturn:
    """Run a worker's work on its arguments behind its limits, and end with the code that says how it went."""
    limit_memory(int(argv[0]))
    no_network()
    try:
        work(list(argv[1:]))
    except Exception as error:
        if not _of_memory(error):
            raise
        sys.exit(OUT_OF_MEMORY)
    sys.exit(0)


def _of_memory(error: BaseException | None) -> bool:
    """Say whether memory was what was lacking, also where a library could not be loaded for it."""
    while error is not None:
        text = str(error).lower()
        if isinstance(error, MemoryError) or any(sign in text for sign in _SIGNS):
            return True
        error = error.__cause__ or error.__context__
    return False


_SIGNS = ("cannot allocate memory", "failed to map segment", "bad_alloc", "unable to allocate", "out of memory")

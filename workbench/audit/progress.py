"""Progress of a run, told to a function or appended to a file for another process to read."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Event, Lock
from typing import Generic, TypeVar

from workbench.core.errors import CancelledError, thousands

SECONDS_BETWEEN = 0.25
"""Nobody is told of progress more often: a notebook's server cuts off those who talk more."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Progress:
    """Steps done and in all, what is being done, seconds since the start, and about how many are left (or None)."""

    step: int
    steps: int
    label: str
    seconds: float
    left: float | None = None

    @property
    def fraction(self) -> float:
        """Return the share of steps done, 0..1."""
        return self.step / self.steps if self.steps else 0.0


OnProgress = Callable[[Progress], None]


class ProgressFile:
    """Appends each progress as a line of JSON."""

    def __init__(self, path: str) -> None:
        self._path = Path(path)

    def __call__(self, progress: Progress) -> None:
        """Append one line; a file that cannot be written never stops a run."""
        try:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(progress)) + "\n")
        except OSError:
            return


def time_left(seconds: Sequence[float], remaining: int) -> float | None:
    """Return about how many seconds the remaining checks take, from those that have ended; None before the first."""
    return sum(seconds) / len(seconds) * remaining if seconds and remaining else None


class Paced(Generic[T]):
    """Passes the latest value on, at most once in 0.25 s; `flush` passes the last one on however soon it comes."""

    def __init__(self, listener: Callable[[T], None], seconds: float = SECONDS_BETWEEN) -> None:
        self._listener, self._seconds = listener, seconds
        self._waiting: list[T] = []
        self._told = -seconds
        self._lock = Lock()

    def __call__(self, value: T) -> None:
        """Take a value; it is passed on now, or by a later call, unless a newer one comes first."""
        with self._lock:
            self._waiting = [value]
        self.due()

    def due(self) -> None:
        """Pass on what waits, when its time has come; to be called now and then."""
        if time.monotonic() - self._told >= self._seconds:
            self.flush()

    def flush(self) -> None:
        """Pass on what waits."""
        with self._lock:
            waiting, self._waiting = self._waiting, []
            self._told = time.monotonic() if waiting else self._told
        for value in waiting:
            self._listener(value)


class Teller:
    """Tells the progress of `steps` steps, the last of them the judging, and asks whether to stop."""

    def __init__(self, steps: int, on_progress: OnProgress | None, cancel: Event | None) -> None:
        self._listeners = [on_progress] if on_progress else []
        if os.environ.get("WORKBENCH_PROGRESS"):
            self._listeners.append(ProgressFile(os.environ["WORKBENCH_PROGRESS"]))
        self._cancel = cancel
        self._steps = steps
        self._done = 0
        self._told = 0.0
        self._clock = time.perf_counter()
        self._checks: list[float] = []
        self.counting = 0.0

    @property
    def cancelled(self) -> bool:
        """Say whether the run is to stop."""
        return self._cancel is not None and self._cancel.is_set()

    def stop(self) -> None:
        """Raise CancelledError when the run is to stop."""
        if self.cancelled:
            raise CancelledError("the run was cancelled while counting")

    def step(self, label: str, *, last: bool = False) -> None:
        """Tell that the step before has ended, and what is done now."""
        self._done += 1
        self._tell(label, self._steps if last else self._done - 1, force=True)

    def skip(self) -> None:
        """Note a step that was done in an earlier run."""
        self._done += 1

    def ended(self, seconds: float) -> None:
        """Note how long a check took, for what is told of the time left."""
        self._checks.append(seconds)

    def counted(self, what: str) -> Callable[[int], None]:
        """Return a function that takes the number of rows counted so far."""
        return lambda rows: self._tell(f"counting {what}: {thousands(rows)} rows", self._done - 1)

    def _tell(self, label: str, done: int, *, force: bool = False) -> None:
        now = time.perf_counter()
        if not self._listeners or (not force and now - self._told < SECONDS_BETWEEN):
            return
        self._told = now
        left = time_left(self._checks, self._steps - 1 - done)
        progress = Progress(
            done, self._steps, label, round(now - self._clock, 3), None if left is None else round(left, 1)
        )
        for listener in self._listeners:
            listener(progress)

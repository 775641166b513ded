"""The worker process: takes orders, counts, makes checks, and tells each finding as it ends. Started by `process`."""

from __future__ import annotations

import mmap
import os
import pickle
import queue
import shutil
import signal
import sys
import threading
import traceback
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from workbench.audit.contracts import reopened
from workbench.audit.order import CannotSendError, Opening, Order, find_sent, received
from workbench.audit.progress import Progress, Teller
from workbench.audit.run import Prepared, check_fit, counted, described, judge_of
from workbench.core.check import find_check
from workbench.core.dataset import Dataset
from workbench.core.decided import decided_at
from workbench.core.errors import CancelledError, WorkbenchError
from workbench.core.frame import Again, Frame
from workbench.core.sample import SampleOf
from workbench.core.subject import Subject
from workbench.load.models import Model

HEAD = 8
"""Bytes that say how long a message is."""
IN_MODEL = 1


def send(stream: BinaryIO, message: tuple[Any, ...]) -> None:
    """Write one message."""
    data = pickle.dumps(message, protocol=5)
    stream.write(len(data).to_bytes(HEAD, "big") + data)
    stream.flush()


def receive(stream: BinaryIO) -> tuple[Any, ...]:
    """Read one message; EOFError when the other side is gone."""
    head = stream.read(HEAD)
    size = int.from_bytes(head, "big")
    data = stream.read(size) if len(head) == HEAD else b""
    if len(head) < HEAD or len(data) < size:
        raise EOFError
    message: tuple[Any, ...] = pickle.loads(data)  # noqa: S301 (between a session and its own worker)
    return message


@dataclass(frozen=True)
class WatchedModel(Model):
    """A model that marks a byte while it answers, so that who waits outside knows where the time went."""

    def _answers(self, method: str, rows: Any, width: int, of: Any = np.float64) -> NDArray[Any]:
        mark = _MARK[0]
        mark[0] = IN_MODEL
        try:
            return super()._answers(method, rows, width, of)
        finally:
            mark[0] = 0


_MARK: list[Any] = [bytearray(1)]


def _watched(model: Model | None) -> Model | None:
    if model is None:
        return None
    return WatchedModel(**{f.name: getattr(model, f.name) for f in fields(model)})


@dataclass
class _Tables:
    """The last counted subject and what it was counted of."""

    key: Any
    subject: Subject
    seconds: float

    def of(self, key: Any, threshold: float) -> _Tables | None:
        """Return the tables of an order with this key and threshold, or None when it has to be counted."""
        if self.key != key or None in key[2]:
            return None
        subject = decided_at(self.subject, threshold)
        return None if subject is None else replace(self, subject=subject)


class Worker:
    """Takes orders from a stream and tells what becomes of them; keeps the last counted tables."""

    def __init__(self, inward: BinaryIO, outward: BinaryIO, folder: Path) -> None:
        self._in, self._out, self._folder = inward, outward, folder
        self._lock, self._ending = threading.Lock(), threading.Lock()
        self._cancel = threading.Event()
        self._inbox: queue.SimpleQueue[tuple[Any, ...]] = queue.SimpleQueue()
        self._tables: _Tables | None = None

    def serve(self) -> None:
        """Do one order after another, until the session is gone."""
        self._tell("ready")
        threading.Thread(target=self._listen, daemon=True).start()
        while True:
            name, *rest = self._inbox.get()
            if name == "order":
                self._do(*rest)

    def _listen(self) -> None:
        try:
            while True:
                message = receive(self._in)
                if message[0] == "cancel":
                    self._cancel.set()
                    continue
                if message[0] == "order":
                    self._cancel.clear()
                self._inbox.put(message)
        except (EOFError, OSError, ValueError):
            self._end()

    def _end(self) -> None:
        """End when the session is gone: nobody waits for what is done here, and nobody else removes what it wrote."""
        with self._ending:  # whoever notices second must not end the process while the folder is being removed
            shutil.rmtree(self._folder, ignore_errors=True)
            os._exit(0)

    def _tell(self, *message: Any) -> None:
        with self._lock:
            try:
                send(self._out, message)
            except OSError:
                self._end()

    def _do(self, order: Order, without_model: bool) -> None:
        try:
            os.environ.update(order.environ)
            sys.path[:] = order.path
            with suppress(OSError):
                os.chdir(order.place)
            prepared = _prepared(order)
            subject = self._subject(order, prepared, without_model)
            self._tell("counted", described(prepared, subject), self._tables.seconds if self._tables else 0.0)
            self._check(prepared, subject)
        except CannotSendError as why:
            self._tell("cannot", str(why))
        except CancelledError:
            self._tell("cancelled")
        except WorkbenchError as error:
            self._tell("failed", type(error), str(error))
        except Exception as error:  # its text may hold values of rows
            traceback.print_exc()
            self._tell("failed", WorkbenchError, f"the run stopped with {type(error).__name__}: see its log")

    def _check(self, prepared: Prepared, subject: Subject) -> None:
        name, wanted = self._inbox.get()
        if name != "wanted":  # the session ended the run between two messages
            return None
        for i in wanted:
            if self._cancel.is_set():
                return self._tell("cancelled")
            self._tell("started", i)
            check, params = prepared.checks[i]
            self._tell("finding", i, check.run(subject, params))
        return self._tell("done")

    def _subject(self, order: Order, prepared: Prepared, without_model: bool) -> Subject:
        """Return the counted data: kept from the order before where that was of the same, counted else.

        A sample is always kept, so that another choice of checks counts nothing again; nor does another threshold,
        where the tables are exact.
        """
        key = (order.counts_of, without_model, _state(order))
        teller = Teller(prepared.steps, self._progress, self._cancel)
        known = None if self._tables is None else self._tables.of(key, order.roles.threshold)
        if known is not None:
            self._tables = known
        else:
            self._tables = None  # the old tables make room first
            check_fit(prepared)
            alone = replace(prepared, model=None) if without_model else prepared
            subject = counted(alone, teller, SampleOf(prepared.sample, prepared.seed))
            self._tables = _Tables(key, subject, teller.counting)
        subject = self._tables.subject
        model = None if without_model else prepared.model
        subject = replace(
            subject,
            model=model,
            challenger=prepared.challenger,
            minimum_group_size=prepared.policy.minimum_group_size,
            level=prepared.policy.level,
            stop=self._stop,
            contract=judge_of(prepared),
        )
        return subject if prepared.sampling is not None else _without_sample(subject)

    def _progress(self, progress: Progress) -> None:
        self._tell("counting", progress.step, progress.label)

    def _stop(self) -> None:
        if self._cancel.is_set():
            raise CancelledError("the run was cancelled during this check")


def _prepared(order: Order) -> Prepared:
    with received("checks"):
        rows = pickle.loads(order.checks)  # noqa: S301 (of the user's own session)
    checks = tuple(find_sent(row, find_check) for row in rows)
    current, reference = _frame(order.current), None if order.reference is None else _frame(order.reference)
    return Prepared(
        current=Dataset(current, order.roles, "current"),
        reference=None if reference is None else Dataset(reference, order.roles, "reference"),
        model=_watched(_model(order.model, "model")),
        challenger=_watched(_model(order.challenger, "challenger")),
        policy=order.policy,
        checks=checks,
        title=order.title,
        seed=order.seed,
        sample=order.sample,
        windows=order.windows,
        contract=None if order.contract is None else reopened(*order.contract),
        where=order.where,
    )


def _frame(opening: Opening) -> Frame:
    try:
        return opening()
    except WorkbenchError as why:  # a store that only the session can see; if it cannot either, it says so itself
        raise CannotSendError(f"the data cannot be opened in another process: {why}") from None


def _model(data: bytes | None, what: str) -> Model | None:
    if data is None:
        return None
    with received(what):
        model: Model = pickle.loads(data)  # noqa: S301 (of the user's own session)
        return model


def _without_sample(subject: Subject) -> Subject:
    def bare(side: Any) -> Any:
        return None if side is None else replace(side, sample=None)

    def each(windows: Any) -> Any:
        return tuple(replace(w, counted=bare(w.counted)) for w in windows)

    return replace(
        subject,
        current=bare(subject.current),
        reference=bare(subject.reference),
        windows=each(subject.windows),
        reference_windows=each(subject.reference_windows),
    )


def _state(order: Order) -> tuple[Any, ...]:
    """Return size and time of change of every file; None for what cannot be told, such as a store's objects."""
    files = [f for o in (order.current, order.reference) if isinstance(o, Again) for f in o.files]
    return tuple(_stat(f) for f in files)


def _stat(file: str) -> tuple[int, int] | None:
    try:
        found = Path(file).stat()
    except (OSError, ValueError):
        return None
    return found.st_size, found.st_mtime_ns


def main() -> None:
    """Serve one session: orders come by standard input, answers go by standard output, all else is the log.

    The argument is a file in the session's folder, whose one byte says whether a model is at work.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a notebook's interrupt is for its kernel
    outward = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    with suppress(OSError):  # when memory runs out, this is what the system is to end
        Path("/proc/self/oom_score_adj").write_text("700")
    with Path(sys.argv[1]).open("r+b") as file:
        _MARK[0] = mmap.mmap(file.fileno(), 1)
    inward = os.fdopen(os.dup(0), "rb")
    # What checks or models read by mistake is empty, and not what the session says.
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    find_check("D001")  # loads every check, before the first order comes
    Worker(inward, outward, Path(sys.argv[1]).parent).serve()

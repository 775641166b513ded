"""Runs of audits in a process of their own, kept warm: cancelled at once, limited, while the session stays free."""

from __future__ import annotations

import shutil
import tempfile
import threading
import time
import weakref
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from typing import Any

from workbench.audit.kept import Inputs, Kept, inputs_of
from workbench.audit.order import CannotSendError, Order, Stream, order_of
from workbench.audit.process import GoneError, Process, all_memory
from workbench.audit.progress import OnProgress, Paced, Progress, time_left
from workbench.audit.record import Record
from workbench.audit.run import OnFinding, Prepared, described, record_of, run, unrun
from workbench.core.check import Check
from workbench.core.errors import ModelError, WorkbenchError, thousands
from workbench.core.finding import Finding, Status

GRACE = 0.8
"""Seconds that a cancelled run has to stop by itself."""
IDLE = 900.0
"""Seconds that a worker without work is kept."""
ALIVE = 5.0
"""Seconds after which a check that still runs is told again."""
START = 120.0
"""Seconds that a worker has to be ready."""
IN_KERNEL = "runs in the kernel: can be cancelled between checks only"
_TICK = 0.05
_OF_MODEL = frozenset({"prediction", "score", "classes", "regression", "model"})


class LimitExceededError(WorkbenchError):
    """Counting needed more time or memory than a run may have."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a run may take: seconds by the clock without a check or a batch ending, and mebibytes of memory.

    None takes 85 % of the computer's (or the container's) memory.
    """

    seconds: float = 3600.0
    mebibytes: int | None = None

    @property
    def most_bytes(self) -> int | None:
        """Return the limit of memory in bytes, or None where none is known."""
        if self.mebibytes is not None:
            return self.mebibytes * 2**20
        every = all_memory()
        return None if every is None else int(every * 0.85)


class Runner:
    """Runs audits in one worker process, which is started by the first and kept for the next.

    What cannot be sent to it runs here, in the calling thread; `why_here` then says why. Findings that ended are kept:
    a run of the same checks on the same inputs takes them and makes only the others.
    """

    def __init__(self, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self.kept = Kept()
        self.why_here = ""
        self.run_id = ""
        self._process: Process | None = None
        self._log = ""
        self._folder: Path | None = None
        self._idle: threading.Timer | None = None
        self._end: weakref.finalize[Any, Any] | None = None

    def run(
        self,
        prepared: Prepared,
        on_progress: OnProgress | None = None,
        cancel: Event | None = None,
        on_finding: OnFinding | None = None,
    ) -> Record:
        """Run an audit; the record has the digest of `audit.run()`. A cancelled one is labelled and incomplete.

        `on_progress` is called at most four times a second, `on_finding` as each check ends. WorkbenchError as in
        `audit.run()`, LimitExceededError when the limit is met while counting.
        """
        pace = Paced(on_progress or _nobody)
        self.run_id = self.kept.begin(prepared)
        state = "failed"
        try:
            record = self._run(prepared, pace, cancel or Event(), on_finding or _nobody)
            cancelled = any(f.status is Status.CANCELLED for f in record.findings)
            state = "cancelled" if cancelled else "complete"
            return replace(record, beside={**record.beside, "run": {**record.beside.get("run", {}), "id": self.run_id}})
        finally:
            self.kept.end(state)
            pace.flush()

    def _run(self, prepared: Prepared, pace: Paced[Progress], cancel: Event, on_finding: OnFinding) -> Record:
        self.why_here = ""
        self._rest(stop=True)
        try:
            order = order_of(prepared, self._place())
            self._tidy(order)
            return _Run(self, prepared, order, pace, cancel, on_finding).go()
        except CannotSendError as why:
            self.why_here = str(why)
        except OSError as error:
            self.why_here = f"no folder or process can be made for it ({type(error).__name__})"
        finally:
            self._rest()

        def here(progress: Progress) -> None:
            pace(replace(progress, label=f"{progress.label} · {IN_KERNEL}"))

        record = run(prepared, here, cancel, kept=self.kept, on_finding=on_finding)
        short = self.why_here.partition(":")[0]  # what follows may name a place on this computer
        return replace(record, beside={**record.beside, "run": {"where": "kernel", "why": short}})

    @property
    def log(self) -> str:
        """Return the end of what the worker printed, at most 64 KiB; it may hold whatever checks and models print."""
        return self._log if self._process is None else self._process.log

    @property
    def pid(self) -> int | None:
        """Return the number of the warm worker's process, or None."""
        return None if self._process is None or not self._process.alive else self._process.pid

    def ready(self, order: Order) -> Process:
        """Return a worker for an order: the warm one, or a new one when there is none or its modules have changed."""
        process = self._process
        if process is not None and (not process.alive or _changed(process.modules, order.modules)):
            self.drop()
        if self._process is None:
            self._process = Process(self._place())
            self._end = weakref.finalize(self, Process.kill, self._process)
        self._process.modules |= frozenset(order.modules)
        return self._process

    def drop(self) -> None:
        """End the worker, if there is one; its log stays."""
        process, self._process = self._process, None
        if process is not None and self._end is not None:
            self._end()
            self._log = process.log

    def close(self) -> None:
        """End the worker and remove what was written for it."""
        self._rest(stop=True)
        self.drop()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _place(self) -> Path:
        if self._folder is None or not self._folder.is_dir():
            self._folder = Path(tempfile.mkdtemp(prefix="workbench-run-"))
            weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        return self._folder

    def _tidy(self, order: Order) -> None:
        used = {o.path for o in (order.current, order.reference) if isinstance(o, Stream)}
        for file in self._place().glob("*.arrows"):
            if str(file) not in used:
                with suppress(OSError):  # where mapped files cannot be removed, the next run removes it
                    file.unlink()

    def _rest(self, *, stop: bool = False) -> None:
        """Let the worker go after a while without work."""
        if self._idle is not None:
            self._idle.cancel()
        self._idle = None
        if not stop and self._process is not None:
            self._idle = threading.Timer(IDLE, _let_go, (weakref.ref(self), self._process))
            self._idle.daemon = True
            self._idle.start()


@dataclass
class _Run:
    """One run: as many attempts as workers are lost, until every check has its finding or the run is cancelled."""

    runner: Runner
    prepared: Prepared
    order: Order
    pace: Paced[Progress]
    cancel: Event
    on_finding: OnFinding
    found: dict[int, Finding] = field(default_factory=dict)
    about: Mapping[str, Any] | None = None
    inputs: Inputs = field(default_factory=Inputs)
    at: int | None = None
    label: str = "starting"
    sides: int = 0
    new: list[float] = field(default_factory=list)
    counting: float = 0.0
    without_model: str = ""
    hits: list[dict[str, str]] = field(default_factory=list)
    sign: float = 0.0
    told: float = 0.0
    cancelled_at: float | None = None
    most: int | None = None
    clock: float = field(default_factory=time.perf_counter)

    def go(self) -> Record:
        started, self.most = datetime.now(UTC), self.runner.limits.most_bytes
        self._tell("starting")
        while not self.cancel.is_set() and self._attempt():
            pass
        why = "the run was cancelled {} this check"
        findings = [
            self.found.get(i) or unrun(check, params, why.format("during" if i == self.at else "before"))
            for i, (check, params) in enumerate(self.prepared.checks)
        ]
        about = self.about or described(self.prepared, None)
        seconds = {"total": round(time.perf_counter() - self.clock, 3), "counting": self.counting}
        limits = self.runner.limits
        beside: dict[str, Any] = {"where": "worker", "limits": {"seconds": limits.seconds, "bytes": self.most}}
        beside |= {"hit": self.hits} if self.hits else {}
        record = record_of(self.prepared, about, findings, started, seconds, {"run": beside})
        self._tell("judged", self.prepared.steps)
        return record

    def _attempt(self) -> bool:
        """Send the order to a worker and listen; return whether another worker has to go on."""
        process = self.runner.ready(self.order)
        self.at, self.sign = None, time.monotonic()
        try:
            process.send("order", self.order, bool(self.without_model))
            return self._listen(process)
        except GoneError as gone:
            self.runner.drop()
            return self._lost(gone, process.in_model)

    def _listen(self, process: Process) -> bool:
        heard: dict[str, Callable[..., None]] = {
            "ready": process.set_ready,
            "counting": self._counting,
            "counted": lambda about, seconds: self._counted(process, about, seconds),
            "started": self._started,
            "finding": self._finding,
        }
        while True:
            message = process.next(_TICK)
            if message is not None:
                name, *rest = message
                self.sign = time.monotonic()
                if name not in heard:
                    return self._last(name, *rest)
                heard[name](*rest)
            self._watch(process)
            self.pace.due()

    def _counting(self, sides: int, label: str) -> None:
        self.sides = max(self.sides, sides)
        self._tell(label)

    def _counted(self, process: Process, about: Mapping[str, Any], seconds: float) -> None:
        if self.about not in (None, about):
            self.found.clear()  # the files changed between two attempts: what was measured was other data
        self.about, self.counting = about, seconds
        self.sides = 1 + (self.prepared.reference is not None)
        self.inputs = Inputs() if self.without_model else inputs_of(self.prepared, about)
        for i, (check, params) in enumerate(self.prepared.checks):
            known = None if i in self.found else self.runner.kept.find(self.inputs, check, params)
            if known is not None:
                self.found[i] = known
                self.on_finding(known)
        process.send("wanted", [i for i in range(len(self.prepared.checks)) if i not in self.found])

    def _started(self, i: int) -> None:
        self.at = i
        self._tell(self.prepared.checks[i][0].title)

    def _finding(self, i: int, finding: Finding) -> None:
        check, params = self.prepared.checks[i]
        if finding.status is Status.CANCELLED:
            return
        finding = self._blamed(check, finding)
        self.found[i], self.at = finding, None
        self.new.append(finding.seconds)
        self.runner.kept.put(self.inputs, check, params, finding)
        self.on_finding(finding)
        self._tell(self.label)

    def _blamed(self, check: Check, finding: Finding) -> Finding:
        """Return a finding that lacks what the model should have given as an error that names the model."""
        lacks_target = "target" in check.needs and self.prepared.current.roles.target is None
        of_model = bool(_OF_MODEL & {*check.needs}) and not lacks_target
        if self.without_model and of_model and finding.status is Status.NOT_APPLICABLE:
            return replace(finding, status=Status.ERROR, reason=self.without_model)
        return finding

    def _last(self, name: str, *rest: Any) -> bool:
        """Take a worker's last message on an order; return whether another attempt is needed."""
        if name == "cannot":
            raise CannotSendError(rest[0])
        if name == "failed":
            kind, text = rest
            if not issubclass(kind, ModelError) or self.without_model:
                raise kind(text)
            return self._leave_model(text)
        return False  # done, or cancelled

    def _leave_model(self, why: str) -> bool:
        self.without_model = f"the model could not be used: {why}"
        self.hits.append({"model": why})
        return True

    def _watch(self, process: Process) -> None:
        now, seconds = time.monotonic(), self.runner.limits.seconds
        if self.cancel.is_set():
            if self.cancelled_at is None:
                self.cancelled_at = now
                process.send("cancel")
                self._tell("cancelling")
            elif now - self.cancelled_at > GRACE:
                raise GoneError("was cancelled")
            return
        seconds = seconds if process.is_ready else max(seconds, START)
        if now - self.told > ALIVE:
            self._tell(self.label)
        if now - self.sign > seconds:
            raise GoneError(f"took longer than {seconds:g} s and was ended", "seconds")
        memory = process.memory()
        if self.most is not None and memory is not None and memory > self.most:
            raise GoneError(f"needed more than {thousands(self.most // 2**20)} MiB of memory and was ended", "memory")

    def _lost(self, gone: GoneError, in_model: bool) -> bool:
        """Say of a worker that ended what it was doing; return whether a fresh one has to go on."""
        if self.cancel.is_set():
            return False
        model = self.prepared.model
        who = f"the model ({type(model.predictor).__name__})" if in_model and model is not None else "it"
        if self.at is None:
            if in_model and not self.without_model:
                return self._leave_model(f"{who} {gone}")
            kind = LimitExceededError if gone.limit else WorkbenchError
            raise kind(f"{self.label}: the run's process {gone}. Give it more, or fewer rows and columns.")
        check, params = self.prepared.checks[self.at]
        finding = Finding(check.id, check.code, check.version, Status.ERROR, params, reason=f"{who} {gone}")
        self.hits.append({"check": check.id, "limit": gone.limit or "crash", "what": finding.reason})
        self.found[self.at] = finding
        self.on_finding(finding)
        return len(self.found) < len(self.prepared.checks)

    def _left(self) -> float | None:
        """Return about how many seconds are left; None before the first check, and where one takes unusually long."""
        left = time_left(self.new, len(self.prepared.checks) - len(self.found))
        if left is None or self.at is None:
            return left
        return left - (time.monotonic() - self.sign) if time.monotonic() - self.sign < left else None

    def _tell(self, label: str, step: int | None = None) -> None:
        self.label, self.told = label, time.monotonic()
        steps = self.prepared.steps
        done = self.sides + len(self.found) if step is None else step
        left = self._left()
        seconds = round(time.perf_counter() - self.clock, 3)
        self.pace(Progress(done, steps, label, seconds, None if left is None else round(left, 1)))


def _let_go(of: weakref.ref[Runner], process: Process) -> None:
    runner = of()
    if runner is not None and runner.pid == process.pid:
        runner.drop()


def _nobody(_: Any) -> None:
    return


def _changed(old: frozenset[str], new: tuple[str, ...]) -> bool:
    """Say whether a module that a worker has imported has another time of change now."""
    known = dict(m.rsplit(" ", 1) for m in old if " " in m)
    return any(known.get(file, when) != when for file, when in (m.rsplit(" ", 1) for m in new if " " in m))

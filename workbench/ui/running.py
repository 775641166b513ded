"""The run of a session: on a thread of its own, in a worker process where that can be; what it found so far."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from workbench.audit.progress import Progress
from workbench.audit.record import Record
from workbench.audit.run import described, record_of, unrun
from workbench.audit.runner import IN_KERNEL, Limits, Runner
from workbench.core.errors import WorkbenchError
from workbench.core.finding import Finding, Status
from workbench.report import words

if TYPE_CHECKING:
    from workbench.door import Audit

MOST_TOLD = 200
"""Checks that have ended, the last ones, that a message of progress names; it is sent four times a second."""
OnProgress = Callable[[dict[str, Any]], None]
OnEnd = Callable[[Record | None, str], None]
MOST_HITS = 3


class Running:
    """Runs one audit at a time; `on_progress` is told at most four times a second, `on_end` once a run.

    `on_end` takes the record, or None and what went wrong.
    """

    def __init__(self, on_progress: OnProgress, on_end: OnEnd, limits: Limits | None = None) -> None:
        self._on_progress, self._on_end = on_progress, on_end
        self._runner = Runner(limits)
        self._cancel = threading.Event()
        self._thread: threading.Thread | None = None
        self._audit: Audit | None = None
        self._ended: dict[str, Finding] = {}
        self._resumed: tuple[str, Sequence[Finding]] = "", ()
        self._hits: Sequence[Mapping[str, str]] = ()
        self.busy = False

    @property
    def log(self) -> str:
        """Return what the worker printed, its end."""
        return self._runner.log

    @property
    def about(self) -> dict[str, Any]:
        """Return the id of the run, where it runs, and why it runs in the kernel if it does."""
        why = self._runner.why_here
        return {"id": self._runner.run_id, "where": "kernel" if why else "worker", "why": why}

    @property
    def note(self) -> str:
        """Return what is to be said of the run besides its findings: where it ran, what it took over, what was hit."""
        why, (run, taken) = self._runner.why_here, self._resumed
        known = {id(finding) for finding in taken}
        count = sum(id(finding) in known for finding in self._ended.values())
        said = [f"this audit {IN_KERNEL}, because {why}"] if why else []
        if run:
            said.append(f"run {run} was taken up: {count} of {len(self._ended)} checks had ended there, not made again")
        said += [_hit(hit) for hit in self._hits[:MOST_HITS]]
        if len(self._hits) > MOST_HITS:
            said.append(f"and {len(self._hits) - MOST_HITS} more checks were ended")
        return "; ".join(said)

    def start(self, audit: Audit, resume: str = "") -> None:
        """Run an audit on a thread; `resume` names a run whose findings are taken first, ConfigError if it is none."""
        self._resumed = resume, self._runner.kept.load(resume) if resume else ()
        self._hits = ()
        self._audit, self._ended, self.busy = audit, {}, True
        self._thread = threading.Thread(target=self._work, args=(audit,), name="workbench-run", daemon=True)
        self._thread.start()

    def expect(self) -> None:
        """Forget the cancelling of the run before: from now on, a cancel is meant for the next one."""
        if not self.busy:
            self._cancel.clear()

    def cancel(self) -> None:
        """Ask the run to stop; it does within two seconds in a worker, after the present check in the kernel."""
        self._cancel.set()

    def close(self) -> None:
        """Stop a run and let the worker go."""
        self._cancel.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(2)
        self._runner.close()

    def so_far(self) -> Record | None:
        """Return the findings that ended as a record labelled incomplete, or None when none has."""
        audit, ended = self._audit, dict(self._ended)
        if audit is None or not ended:
            return None
        p = audit.prepared
        findings = [ended.get(c.id) or unrun(c, params, "the run has not come to it") for c, params in p.checks]
        return record_of(p, described(p, None), findings, datetime.now(UTC), {})

    def _work(self, audit: Audit) -> None:
        record, said = None, ""
        try:
            record = self._runner.run(audit.prepared, self._heard, self._cancel, self._found)
        except WorkbenchError as error:
            said = str(error)
        except Exception as error:  # the screen says what happened; a thread has nobody to raise to
            said = f"{type(error).__name__} during the run: run it in a cell to see more"
        if record is not None:
            self._hits = record.beside.get("run", {}).get("hit", ())
        self.busy = False  # whoever hears of the end may start the next run
        self._on_end(record, said)

    def _found(self, finding: Finding) -> None:
        self._ended[finding.check] = finding

    def _heard(self, progress: Progress) -> None:
        ended = list(self._ended.values())
        self._on_progress(
            {
                "step": progress.step,
                "steps": progress.steps,
                "label": progress.label,
                "seconds": round(progress.seconds, 1),
                "left": progress.left,
                "ended": [_line(f) for f in ended[-MOST_TOLD:]],
                "found": len(ended),
            }
        )


def was_cancelled(record: Record) -> bool:
    """Say whether some check of a record was cancelled."""
    return any(f.status is Status.CANCELLED for f in record.findings)


def _line(finding: Finding) -> Mapping[str, str]:
    status = str(finding.status)
    return {"check": finding.check, "status": status.replace("_", " "), "shape": words.shape(status)}


def _hit(hit: Mapping[str, str]) -> str:
    """Return what became of a model or a check that failed a run, as a part of a sentence."""
    if "model" in hit:
        return f"the model could not be used: {hit['model'].rstrip('.')}"
    return f"{hit['check']}: {hit['what'].rstrip('.')}"

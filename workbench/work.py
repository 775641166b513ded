"""Running a plan unattended: notebook, record, report and bundle, and what to tell of it."""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from workbench.audit.bundle import Bundle, write_bundle
from workbench.audit.plan import Plan, load_plan
from workbench.audit.progress import Progress
from workbench.audit.record import Record
from workbench.audit.run import environment, incomplete_record
from workbench.core.errors import ConfigError, WorkbenchError
from workbench.core.finding import Attachment
from workbench.core.writing import write_whole
from workbench.door import Audit
from workbench.govern.lineage import lineage_event, send_lineage
from workbench.load.remote import filesystem, is_remote
from workbench.report.execute import IncompleteNotebookError, execute_notebook
from workbench.report.html import render_html
from workbench.report.junit import render_junit
from workbench.report.notebook import render_notebook
from workbench.report.static import static_text

OnProgress = Callable[[dict[str, Any]], None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """A finished run: its bundle and record, and, when it did not get to its end, why."""

    bundle: Bundle
    record: Record
    reason: str = ""

    def exit_code(self, *, strict: bool = False) -> int:
        """Return 3 for a run that did not end, else the verdict's exit code."""
        return 3 if self.reason else self.record.verdict.exit_code(strict)

    def text(self) -> str:
        """Return the verdict with its reasons, and where the bundle is."""
        head = f"INCOMPLETE: {self.reason}\n\n" if self.reason else ""
        place = self.bundle.path
        return f"{head}{static_text(self.record)}\n\nbundle: {place}\nreport: {place / 'report.html'}"

    def to_dict(self) -> dict[str, Any]:
        """Return the outcome as plain data; groups under the minimum are not in it."""
        small = self.record.small_groups
        judgements = [j.to_dict() for j in self.record.verdict.judgements if j.group not in small]
        return {
            "outcome": "incomplete" if self.reason else self.record.verdict.outcome,
            "reason": self.reason,
            "digest": self.record.digest,
            "bundle": str(self.bundle.path),
            "judgements": judgements,
            "gaps": list(self.record.verdict.gaps),
        }


def run_plan(
    plan_file: str | Path,
    *,
    folder: str | Path | None = None,
    with_notebook: bool = True,
    timeout: float | None = None,
    on_progress: OnProgress | None = None,
    outputs: Mapping[str, str] | None = None,
    engine: str | None = None,
    counts: bool = False,
    lineage: str | None = None,
) -> Outcome:
    """Run a plan and write its bundle; a run that does not end leaves a bundle that says so.

    `outputs` maps kinds (junit, metrics, codequality) to files; `counts` keeps the current data's count tables in the
    bundle, as the baseline of a monitor; `lineage` is a file or the address of an OpenLineage service.
    """
    if is_remote(folder):
        filesystem(str(folder))  # told before the work: an unknown scheme, a missing extra, credentials in the URI
    plan = load_plan(plan_file)
    plan = plan if engine is None else plan.model_copy(update={"engine": engine})
    audit = Audit.from_plan(plan)  # mistakes in the plan are told before a kernel starts
    files: dict[str, bytes] = {}
    reason = ""
    with tempfile.TemporaryDirectory(prefix="workbench-") as place:
        try:
            record = (
                _in_notebook(plan, Path(place), files, timeout, on_progress)
                if with_notebook
                else _here(audit, files, on_progress)
            )
        except IncompleteNotebookError as error:
            reason = error.reason
            record = incomplete_record(audit.prepared, reason)
            if error.notebook is not None:
                files["audit.ipynb"] = error.notebook.read_bytes()
    record = Record.from_json(record.to_json())  # what is shown is what was written
    status = "incomplete" if reason else "complete"
    files |= {
        "record.json": record.to_json(),
        "report.html": render_html(record, status=status, reason=reason).encode(),
        "plan.yaml": portable(plan).to_yaml().encode(),
        "environment.json": json.dumps(environment(), indent=1, sort_keys=True).encode(),
    }
    event = lineage_event(record)
    files["lineage.json"] = json.dumps(event, ensure_ascii=False, indent=1).encode()
    if counts and not reason:
        files["counts.json.gz"] = counts_of(audit, record)
    try:
        bundle = _kept(folder or _place(record), files, record, status)
        if target := lineage or os.environ.get("OPENLINEAGE_URL"):
            send_lineage(event, target)
    finally:  # a store or a service that refuses takes nothing from the pipeline
        for kind, file in (outputs or {}).items():
            write_whole(Path(file), OUTPUTS[kind](record, Path(plan_file).name))
    return Outcome(bundle, record, reason)


def _kept(folder: str | Path, files: Mapping[str, bytes], record: Record, status: str) -> Bundle:
    """Write the bundle; where the store does not take it, keep it on this computer and say so."""
    try:
        return write_bundle(folder, files, record.digest, status)
    except WorkbenchError as error:
        if not is_remote(str(folder)):
            raise
        kept = write_bundle(_place(record), files, record.digest, status)
        raise ConfigError(f"{error} It is kept in {kept.path}.") from None


def _metrics(record: Record, _plan: str) -> bytes:
    from workbench.report.openmetrics import render_metrics

    return render_metrics(record).encode()


def _codequality(record: Record, plan: str) -> bytes:
    from workbench.report.codequality import render_codequality

    return render_codequality(record, plan).encode()


OUTPUTS: dict[str, Callable[[Record, str], bytes]] = {
    "junit": lambda record, _plan: render_junit(record),
    "metrics": _metrics,
    "codequality": _codequality,
}
"""What a pipeline reads: kind -> record and plan's name to the bytes of a file."""


def counts_of(audit: Audit, record: Record) -> bytes:
    """Return the current data's count tables, counted once more; EvidenceError when the data changed since the run."""
    from workbench.core.counts import count
    from workbench.core.errors import EvidenceError
    from workbench.core.parts import Part

    counted = count(audit.prepared.current, model=audit.prepared.model)
    if counted.fingerprint.to_dict() != record.subject["current"]["fingerprint"]:
        raise EvidenceError("the data changed while it was audited: its counts are not those of the record.")
    return Part(counted).to_bytes()


def _in_notebook(
    plan: Plan, place: Path, files: dict[str, bytes], timeout: float | None, on_progress: OnProgress | None
) -> Record:
    notebook = render_notebook(plan.arguments(), title=plan.title)
    done = execute_notebook(notebook, place, timeout=timeout, on_progress=on_progress)
    files["audit.ipynb"] = done.read_bytes()
    record = Record.from_json((place / "record.json").read_bytes())
    for name, about in record.beside.get("attachments", {}).items():
        files[name] = Attachment(name, about["media_type"], (place / name).read_bytes()).data
    return record


def _here(audit: Audit, files: dict[str, bytes], on_progress: OnProgress | None) -> Record:
    def tell(progress: Progress) -> None:
        if on_progress is not None:
            on_progress(asdict(progress))

    record = audit.run(tell)
    files |= {name: attachment.data for name, attachment in record.attachments.items()}
    return record


def portable(plan: Plan) -> Plan:
    """Return the plan as a bundle keeps it: files by name only, so that no folder of this computer is in it."""

    def named(source: Any) -> Any:
        if isinstance(source, list):
            return [named(s) for s in source]
        return source if not isinstance(source, str) or "://" in source else Path(source).name

    changes = {
        name: named(getattr(plan, name)) for name in ("data", "reference", "model", "challenger", "policy", "contract")
    }
    return plan.model_copy(update=changes)


def _place(record: Record) -> Path:
    title = re.sub(r"[^a-z0-9]+", "-", str(record.subject.get("title", "audit")).lower()).strip("-")[:40] or "audit"
    return Path("audits") / f"{title}-{record.digest.removeprefix('sha256:')[:8]}"

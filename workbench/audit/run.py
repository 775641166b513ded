"""Running a plan: count each data set once, run every check, judge, record."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from threading import Event
from typing import Any

from workbench.audit.contracts import Held
from workbench.audit.judge import judge
from workbench.audit.kept import Inputs, Kept, inputs_of
from workbench.audit.operations import AuditWindows
from workbench.audit.policy import Policy
from workbench.audit.progress import OnProgress as OnProgress
from workbench.audit.progress import Teller
from workbench.audit.record import Record
from workbench.core.check import Check, all_checks, find_check
from workbench.core.counts import Counted, count
from workbench.core.dataset import Dataset
from workbench.core.errors import CancelledError, ConfigError, DataError, near_matches, shown
from workbench.core.filter import Condition
from workbench.core.finding import Finding, Status
from workbench.core.sample import SIZE, SampleOf
from workbench.core.subject import Judge, Subject
from workbench.core.windowed import Window, count_windows
from workbench.core.windows import Cut
from workbench.load.models import Model

OnFinding = Callable[[Finding], None]
PACKAGES = (
    "audit-workbench",
    "duckdb",
    "narwhals",
    "numpy",
    "pandas",
    "polars",
    "pyarrow",
    "scikit-learn",
    "scipy",
    "skops",
)


@dataclass(frozen=True)
class Prepared:
    """Everything a run needs, opened and checked, nothing counted yet."""

    current: Dataset
    policy: Policy
    checks: tuple[tuple[Check, Mapping[str, Any]], ...]
    reference: Dataset | None = None
    model: Model | None = None
    title: str = "Audit"
    seed: int = 0
    beside: Mapping[str, Any] = field(default_factory=dict)
    challenger: Model | None = None
    sample: int = SIZE
    windows: AuditWindows | None = None
    contract: Held | None = None
    where: tuple[Condition, ...] = ()

    @property
    def sampling(self) -> SampleOf | None:
        """Return how many rows to keep for the checks that need rows, or None when none does."""
        needed = any("rows" in {*check.needs, *check.uses} for check, _ in self.checks)
        return SampleOf(self.sample, self.seed) if needed else None

    @property
    def steps(self) -> int:
        """Return the number of steps of a run: a data set counted, a check made, all judged."""
        return 2 + (self.reference is not None) + len(self.checks)


def chosen_checks(
    wanted: Sequence[str] | Mapping[str, Any] | None, task: str = "binary", *, given: Collection[str] = ()
) -> tuple[tuple[Check, Mapping[str, Any]], ...]:
    """Return the checks of a plan with their parameters bound; None means all for the task but those on request.

    `given` says which of the things that few plans name are there: a challenger, windows, a contract.
    """
    if isinstance(wanted, str):
        raise ConfigError(f"checks: found the text {shown(wanted)}, expected a list of ids or a mapping.")
    if wanted is None:
        named: Mapping[str, Any] = dict.fromkeys(
            id for id, check in all_checks().items() if check.is_for(task) and _rare(check) <= set(given)
        )
    else:
        named = wanted if isinstance(wanted, Mapping) else dict.fromkeys(wanted)
    pairs = []
    for name, params in named.items():
        check = find_check(str(name))
        pairs.append((check, check.bind(params or {})))
    return tuple(sorted(pairs, key=lambda pair: pair[0].id))


def _rare(check: Check) -> set[str]:
    return {"challenger", "contract", "windows"} & set(check.needs)


def run(
    prepared: Prepared,
    on_progress: OnProgress | None = None,
    cancel: Event | None = None,
    *,
    kept: Kept | None = None,
    on_finding: OnFinding | None = None,
) -> Record:
    """Count, check and judge; one failing check never stops the rest, a cancelled run is labelled and incomplete.

    `kept` holds findings that have ended before, which are not measured again, and takes the new ones.
    """
    started, clock = datetime.now(UTC), time.perf_counter()
    teller = Teller(prepared.steps, on_progress, cancel)
    check_fit(prepared)
    try:
        subject = counted(prepared, teller, prepared.sampling)
    except CancelledError as why:
        return cancelled_record(prepared, str(why), started)
    about = described(prepared, subject)
    inputs = Inputs() if kept is None else inputs_of(prepared, about)
    findings = []
    for check, params in prepared.checks:
        finding = None if kept is None else kept.find(inputs, check, params)
        if finding is None:
            finding = _made(check, params, subject, teller)
            if kept is not None:
                kept.put(inputs, check, params, finding)
        else:
            teller.skip()
        findings.append(finding)
        if on_finding is not None:
            on_finding(finding)
    teller.step("judged", last=True)
    seconds = {"total": round(time.perf_counter() - clock, 3), "counting": teller.counting}
    return record_of(prepared, about, findings, started, seconds)


def _made(check: Check, params: Mapping[str, Any], subject: Subject, teller: Teller) -> Finding:
    if teller.cancelled:
        return unrun(check, params, "the run was cancelled before this check")
    teller.step(check.title)
    finding = check.run(subject, params)
    teller.ended(finding.seconds)
    return finding


def check_fit(prepared: Prepared) -> None:
    """Raise DataError or ModelError when roles, reference or model do not fit the data."""
    current, reference, model = prepared.current, prepared.reference, prepared.model
    target = current.roles.target
    late = reference is not None and target in reference.frame.names  # labels that are still to come
    current.check_roles(frozenset({"target"}) if late else frozenset())
    if model is not None:
        model.check_columns(current.frame.names)
    if prepared.challenger is not None:
        prepared.challenger.check_columns(current.frame.names)
    if reference is None:
        return
    names = reference.frame.names
    for column in current.roles.features(current.frame.names):
        if column not in names:
            close = near_matches(column, names)
            hint = f" Did you mean {' or '.join(shown(c) for c in close)}?" if close else ""
            raise DataError(
                f"the reference has no column {shown(column)}, which the current data has.{hint} "
                "Give a reference with the same features, or name the column under `ignore`."
            )
    if model is not None:
        model.check_columns(names)


def counted(prepared: Prepared, teller: Teller, sampling: SampleOf | None) -> Subject:
    """Return the prepared data counted, as what checks measure; CancelledError when the run is to stop."""
    clock = time.perf_counter()
    tables: list[Counted | None] = []
    windows: list[tuple[Window, ...]] = []
    for what, dataset in (("current data", prepared.current), ("reference", prepared.reference)):
        if dataset is None:
            tables.append(None)
            windows.append(())
            continue
        teller.step(f"counting {what}")
        table, cut = _tables(prepared, dataset, what, teller, sampling)
        if not table.rows and not prepared.where:
            raise _nothing(what)
        if prepared.where and table.rows < prepared.policy.minimum_group_size:
            raise _too_few(what, prepared.policy.minimum_group_size)
        tables.append(table)
        windows.append(cut)
    teller.counting = round(time.perf_counter() - clock, 3)
    current, reference = tables
    if current is None:  # the loop above always counts the current data
        raise DataError("no current data was given.")
    return Subject(
        current,
        prepared.current.roles,
        reference=reference,
        minimum_group_size=prepared.policy.minimum_group_size,
        level=prepared.policy.level,
        seed=prepared.seed,
        stop=teller.stop,
        model=prepared.model,
        challenger=prepared.challenger,
        windows=windows[0],
        reference_windows=windows[1],
        contract=judge_of(prepared),
    )


def judge_of(prepared: Prepared) -> Judge | None:
    """Return what judges the current rows by the audit's contract, or None without one."""
    frame, contract = prepared.current.frame, prepared.contract
    if contract is None or frame.distributed is not None:
        return None
    return lambda as_of, naming: contract.judge(frame, as_of, naming)


def _tables(
    prepared: Prepared, dataset: Dataset, what: str, teller: Teller, sampling: SampleOf | None
) -> tuple[Counted, tuple[Window, ...]]:
    how: dict[str, Any] = {"model": prepared.model, "sampling": sampling}
    how |= {"on_batch": teller.counted(what), "stop": teller.stop}
    try:
        if prepared.windows is None:
            return count(dataset, **how), ()
        return count_windows(dataset, _cut(prepared.windows, dataset), **how)
    except (ConfigError, DataError):
        # Columns of a file without rows have no types to speak of: those are not what to mend.
        frame = dataset.frame
        if frame.distributed is not None or any(batch.num_rows for batch in frame.batches(frame.names[:1])):
            raise
        raise _nothing(what) from None


def _nothing(what: str) -> DataError:
    return DataError(f"the {what} has no rows: there is nothing to audit.")


def _too_few(what: str, minimum: int) -> DataError:
    return DataError(
        f"where: fewer than {minimum} rows of the {what} meet the conditions, and nothing is told of so few. "
        "Take a condition away, or set the policy's minimum_group_size."
    )


def _cut(windows: AuditWindows, dataset: Dataset) -> Cut:
    if windows.number is None:
        return windows.cut(dataset.roles.time)
    rows = sum(batch.num_rows for batch in dataset.frame.batches(dataset.frame.names[:1]))
    return Cut(rows=max(1, rows // windows.number))


def unrun(check: Check, params: Mapping[str, Any], why: str) -> Finding:
    """Return the finding of a check that was cancelled."""
    return Finding(check.id, check.code, check.version, Status.CANCELLED, params, reason=why)


def incomplete_record(prepared: Prepared, why: str) -> Record:
    """Return the record of a run that ended before it measured anything: every check cancelled, with the reason."""
    return cancelled_record(prepared, why, datetime.now(UTC))


def cancelled_record(prepared: Prepared, why: str, started: datetime) -> Record:
    """Return the record of a run that was cancelled before its data was counted."""
    findings = [unrun(check, params, why) for check, params in prepared.checks]
    return record_of(prepared, described(prepared, None), findings, started, {})


def record_of(
    prepared: Prepared,
    about: Mapping[str, Any],
    findings: Sequence[Finding],
    started: datetime,
    seconds: Mapping[str, float],
    beside: Mapping[str, Any] | None = None,
) -> Record:
    """Return the judged record of findings on what `about` describes."""
    times = {"seconds": {**seconds, **{f.check: round(f.seconds, 4) for f in findings}}}
    return _judged(about, findings, prepared.policy, {**prepared.beside, **times, **(beside or {})}, started)


def judged_counts(
    subject: Subject,
    checks: Sequence[tuple[Check, Mapping[str, Any]]],
    policy: Policy,
    *,
    title: str,
    model: Mapping[str, str] | None = None,
    beside: Mapping[str, Any] | None = None,
) -> Record:
    """Run checks on counts that are there already, and judge them; the same record as an audit of the rows counted."""
    started = datetime.now(UTC)
    findings = [check.run(subject, params) for check, params in checks]
    about = {
        "title": title,
        "roles": subject.roles.to_dict(),
        "features": list(subject.features),
        "seed": subject.seed,
        "current": _side("current", subject.current),
        "reference": None if subject.reference is None else _side("reference", subject.reference),
        "model": None if model is None else dict(model),
    }
    return _judged(about, findings, policy, dict(beside or {}), started)


def _judged(
    about: Mapping[str, Any],
    findings: Sequence[Finding],
    policy: Policy,
    beside: Mapping[str, Any],
    started: datetime,
) -> Record:
    today = started.date()
    return Record(
        subject=about,
        policy=policy.to_dict(),
        findings=tuple(findings),
        verdict=judge(findings, policy, today),
        beside={
            **beside,
            **_attached(findings),
            "started": started.isoformat(timespec="seconds"),
            "judged_on": today.isoformat(),
            "environment": environment(),
        },
    )


def _attached(findings: Sequence[Finding]) -> dict[str, Any]:
    about = {a.name: {"check": f.check, **a.about()} for f in findings for a in f.attachments}
    return {"attachments": about} if about else {}


def described(prepared: Prepared, subject: Subject | None) -> dict[str, Any]:
    """Return what is digested of what was audited: title, roles, features, fingerprints, model and score column."""
    current, reference, model = prepared.current, prepared.reference, prepared.model
    return {
        "title": prepared.title,
        "roles": current.roles.to_dict(),
        "features": list(current.roles.features(current.frame.names)),
        "seed": prepared.seed,
        "current": _side(current.name, None if subject is None else subject.current),
        "reference": None
        if reference is None
        else _side(reference.name, None if subject is None else subject.reference),
        "model": None if model is None else {"task": current.roles.kind_of_task, "digest": model.digest},
        **({} if prepared.challenger is None else {"challenger": {"digest": prepared.challenger.digest}}),
        **({} if prepared.contract is None else {"contract": prepared.contract.about}),
        **({} if prepared.sampling is None else {"sample": prepared.sample}),
        **({} if not prepared.where else {"where": [c.to_dict() for c in prepared.where]}),
        **({} if prepared.windows is None else {"windows": prepared.windows.model_dump(exclude_none=True)}),
    }


def _side(name: str, counted: Counted | None) -> dict[str, Any]:
    if counted is None:
        return {"name": name, "rows": None, "fingerprint": None}
    side = {"name": name, "rows": counted.rows, "fingerprint": counted.fingerprint.to_dict()}
    return side | ({"score_digest": counted.score_digest} if counted.score_digest else {})


@lru_cache(maxsize=1)
def environment() -> dict[str, Any]:
    """Return versions of Python, the platform and the packages that numbers depend on; no host, no user, no path."""
    versions = {}
    for name in PACKAGES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return {
        "python": platform.python_version(),
        "platform": platform.system(),
        "machine": platform.machine(),
        "packages": versions,
    }

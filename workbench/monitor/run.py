"""One run of a monitor: new data is cut into windows and counted once, closed windows are judged, alerts follow."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from workbench.audit.bundle import open_bundle, write_bundle
from workbench.audit.plan import Plan
from workbench.audit.policy import Policy, load_policy
from workbench.audit.record import Record, digest_of
from workbench.audit.run import chosen_checks, judged_counts
from workbench.core.counts import Counted, count
from workbench.core.dataset import Dataset, Roles
from workbench.core.errors import ConfigError, DataError, shown, thousands, unknown
from workbench.core.frame import Field, Frame, Kind
from workbench.core.parts import Part, PartCounter, together
from workbench.core.subject import Subject
from workbench.core.windowed import Window as Baseline
from workbench.core.windowed import count_windows, from_bytes, to_bytes
from workbench.core.windows import UNDATED, WindowCounter, check_time
from workbench.load import open_frame
from workbench.load.models import Model, open_model
from workbench.monitor.alerts import Alert, alerts, confirming_levels, message, outcomes
from workbench.monitor.labels import labelled, take_labels
from workbench.monitor.sources import content_digest, place_of, sources
from workbench.monitor.store import Store, Window

COUNTS = "counts.json.gz"
_OUTCOME = ("target", "prediction", "score")


@dataclass(frozen=True, slots=True)
class Report:
    """What a run did: sources counted and skipped, windows judged, alerts now open, what people should know."""

    counted: tuple[str, ...]
    skipped: tuple[str, ...]
    judged: tuple[Window, ...]
    alerts: tuple[Alert, ...]
    notes: tuple[str, ...] = ()

    @property
    def open_alerts(self) -> tuple[Alert, ...]:
        """Return the alerts that are not resolved."""
        return tuple(a for a in self.alerts if not a.resolved)


class Monitor:
    """A plan with its store: roles, baseline, windows; everything that reads or adds to the counts goes through it."""

    def __init__(self, plan: Plan, store: Store | None = None) -> None:
        if plan.monitor is None:
            raise ConfigError("the plan has no `monitor` section: add one with `windows`, for example {by: month}.")
        self.plan, self.settings, self.roles = plan, plan.monitor, roles_of(plan)
        self.cut = plan.monitor.windows.cut(plan.time)
        self.policy: Policy = load_policy(plan.policy)
        self.checks = chosen_checks(plan.checks, self.roles.kind_of_task, given=["windows"])
        self.model: Model | None = None if plan.model is None else open_model(plan.model, trust=plan.trust)
        self.store = store or Store(plan.monitor.store)
        self._pin()
        self.baseline, self.baseline_windows = self._baseline()

    @property
    def follows(self) -> bool:
        """Say whether a check follows measures over windows: it then sees the window, and the baseline's."""
        return any("windows" in check.needs for check, _ in self.checks)

    # ------------------------------------------------------------------ what the store holds to

    @property
    def pinned(self) -> dict[str, Any]:
        """Return what a store's counts depend on."""
        return {
            "roles": self.roles.to_dict(),
            "windows": self.settings.windows.model_dump(mode="json", exclude={"season"}),
            "model": None if self.model is None else self.model.digest,
            "null_values": list(self.plan.null_values),
        }

    def _pin(self) -> None:
        """Refuse a plan under which the store's counts would mean something else."""
        wanted = self.pinned
        with self.store.writing() as tx:
            found = self.store.meta(tx, "plan")
            if found is None:
                self.store.set_meta(tx, "plan", wanted)
                self.store.set_meta(tx, "id", uuid.uuid4().hex)
                found = wanted
            self.id = str(self.store.meta(tx, "id"))
        changed = [name for name in wanted if found.get(name) != wanted[name]]
        if changed:
            raise ConfigError(
                f"the store {shown(self.store.folder, 200)} counts under other {', '.join(changed)}: "
                "give this plan a store of its own, or restore the plan."
            )

    def _baseline(self) -> tuple[Counted, tuple[Baseline, ...]]:
        with self.store.writing() as tx:
            kept, cut = self.store.blob(tx, "baseline"), self.store.blob(tx, "baseline-windows")
        if kept is not None:
            return Part.from_bytes(kept).counted, () if cut is None else from_bytes(cut)
        windows: tuple[Baseline, ...] = ()
        if self.settings.baseline is not None:
            part = baseline_of(self.settings.baseline)
        elif self.plan.reference is not None:
            frame = open_frame(self.plan.reference, null_values=self.plan.null_values)
            part, windows = self._counted_reference(frame)
        else:
            raise ConfigError(
                "the monitor has no baseline: give the plan a `reference`, or monitor.baseline a bundle with counts."
            )
        if not part.counted.rows:
            raise DataError("the baseline has no rows.")
        part = replace(part, counted=replace(part.counted, name="reference"))
        with self.store.writing() as tx:
            if self.store.blob(tx, "baseline") is None:
                self.store.set_blob(tx, "baseline", part.to_bytes())
                self.store.set_blob(tx, "baseline-windows", to_bytes(windows))
        return part.counted, windows

    def _counted_reference(self, frame: Frame) -> tuple[Part, tuple[Baseline, ...]]:
        """Return the reference's counts, and those of its windows where it has what windows are cut by."""
        dataset = Dataset(frame, self.roles, "reference")
        if self.cut.by is not None and (self.cut.time not in frame.names or frame.kind(self.cut.time) is not Kind.TIME):
            return Part(count(dataset, model=self.model)), ()
        whole, windows = count_windows(dataset, self.cut, model=self.model)
        return Part(whole), windows

    def fields(self, frame: Frame) -> tuple[Field, ...]:
        """Return the columns of new data that are counted, the baseline's; DataError names one missing or changed."""
        late = {getattr(self.roles, role) for role in _OUTCOME} - {None}
        chosen = []
        for name, column in self.baseline.columns.items():
            found = next((f for f in frame.fields if f.name == name), None)
            if found is None and name not in late:
                raise DataError(unknown("column", name, frame.names) + " The baseline has it: the schema has changed.")
            if found is None:
                continue
            if found.kind is not column.kind and not (found.kind is Kind.NUMBER and not column.present):
                found = replace(found, kind=self._same(found, column.kind))
            chosen.append(found)
        return tuple(chosen)

    @staticmethod
    def _same(field: Field, kind: Kind) -> Kind:
        if field.native == "null":
            return kind
        raise DataError(
            f"column {shown(field.name)} holds {field.kind.value} values, the baseline {kind.value}: "
            "the schema has changed."
        )

    def subject(self, counted: Counted, window: Baseline | None = None) -> Subject:
        """Return a window's counts beside the baseline's, and those of the baseline's windows."""
        return Subject(
            counted,
            self.roles,
            windows=() if window is None else (window,),
            reference_windows=self.baseline_windows,
            reference=self.baseline,
            minimum_group_size=self.policy.minimum_group_size,
            level=self.policy.level,
            seed=self.plan.seed,
        )

    def judge(self, counted: Counted, window: Window) -> Record:
        """Return the record of one window."""
        rows, label = self.settings.windows.rows, window.label
        season = self.cut.season_of(window.number)
        cut = Baseline(window.number, label, counted, rows is not None and counted.rows < rows, season)
        model = None if self.model is None else {"task": self.roles.kind_of_task, "digest": self.model.digest}
        beside = {"window": label, "sources": {"data": self.plan.data}}
        return judged_counts(
            self.subject(counted, cut if self.follows else None),
            self.checks,
            self.policy,
            title=self.plan.title,
            model=model,
            beside=beside,
        )

    # ------------------------------------------------------------------ counting

    def count_file(self, name: str, start: int) -> dict[int, Part]:
        """Count one source into its windows; `start` rows came before it."""
        frame = labelled(self, open_frame(name, null_values=self.plan.null_values))
        fields = self.fields(frame)
        check_time(self.cut, fields)
        counter = WindowCounter(self.cut, partial(PartCounter, fields, self.roles, self.model), start)
        for batch in frame.batches([f.name for f in fields]):
            counter.push(batch)
        return dict(counter.done())

    def ingest(self, name: str) -> bool:
        """Count a source unless its content was counted before; False when it was."""
        source = content_digest(name)
        while True:
            with self.store.writing() as tx:
                if self.store.knows(tx, source):
                    return False
                if self.store.knows_name(tx, place_of(name)):
                    raise DataError(
                        f"{shown(Path(name).name)} was counted before with other content, and some of its rows would "
                        "be counted twice: give new rows as new files."
                    )
                start = self.store.arrived(tx)
            parts = self.count_file(name, start)
            with self.store.writing() as tx:
                if self.store.knows(tx, source):  # another monitor was faster
                    return False
                if self.cut.rows is not None and self.store.arrived(tx) != start:
                    continue  # rows came in between: the cuts lie elsewhere now
                self._refuse_overlap(tx, name, parts)
                self.store.add(tx, source, place_of(name), parts, self.cut.label, _now().isoformat(timespec="seconds"))
                return True

    def _refuse_overlap(self, tx: Any, name: str, parts: Mapping[int, Part]) -> None:
        """Raise DataError when rows came before in another file: an id makes a row that comes again the same row."""
        if self.roles.id is None:
            return
        # Rows are cut by arrival: one that comes again lies in another window than before.
        cut_by_time = self.cut.by is not None
        again = {
            number: self.store.counted_before(tx, number if cut_by_time else None, part.hashes)
            for number, part in parts.items()
        }
        if not (total := sum(again.values())):
            return
        where = f", in window {self.cut.label(next(n for n, rows in again.items() if rows))}" if cut_by_time else ""
        raise DataError(
            f"{shown(Path(name).name)} holds {thousands(total)} rows that came before "
            f"with the same {shown(self.roles.id)}"
            f"{where}: its rows overlap with another file's, nothing of it was counted. Give each row once; "
            "without `id` in the plan, rows that come again are counted as duplicates."
        )

    # ------------------------------------------------------------------ judging

    def close_windows(self, *, everything: bool = False, now: datetime | None = None) -> None:
        """Mark windows complete: full ones, those whose period is over, or (asked) all."""
        micros = int((now or _now()).timestamp() * 1e6)
        with self.store.writing() as tx:
            # A clock that goes backwards must not reopen what is over.
            latest = max(micros, int(self.store.meta(tx, "clock") or 0))
            self.store.set_meta(tx, "clock", latest)
            windows = [w for w in self.store.windows(tx) if w.number != UNDATED]
            last = max((w.number for w in windows), default=0)
            for w in windows:
                size, end = self.cut.rows, self.cut.end(w.number)
                over = w.rows >= size if size is not None else (end is not None and end <= latest) or w.number < last
                if not w.closed and (over or everything):
                    self.store.close_window(tx, w.number)

    def judge_windows(self) -> list[Window]:
        """Judge every closed window whose counts or rules have changed since; late rows are a new revision."""
        rules = digest_of(
            [self.policy.to_dict(), [[c.id, c.version, dict(p)] for c, p in self.checks], self.plan.title]
        )
        judged = []
        with self.store.writing() as tx:
            closed = [w for w in self.store.windows(tx) if w.closed]
        for window in closed:
            with self.store.writing() as tx:
                parts = self.store.parts(tx, window.number, apart=self.plan.labels is not None)
            counted = together(parts, _fields_of(parts[0].counted), self.roles)
            wanted = digest_of([rules, counted.fingerprint.to_dict(), self.baseline.fingerprint.to_dict()])
            if wanted == window.judged_for:
                continue
            record = self.judge(counted, window)
            with self.store.writing() as tx:
                self.store.judged(tx, window.number, wanted, record)
            self._write_bundle(record, window.label)
            judged.append(replace(window, digest=record.digest, outcome=record.verdict.outcome))
        return judged

    def _write_bundle(self, record: Record, label: str) -> None:
        from workbench.report.html import render_html

        record = Record.from_json(record.to_json())
        files = {"record.json": record.to_json(), "report.html": render_html(record).encode()}
        name = re.sub(r"[^A-Za-z0-9-]", "-", label)
        write_bundle(self.store.folder / "windows" / name, files, record.digest)

    # ------------------------------------------------------------------ alerts

    def raise_alerts(self) -> list[Alert]:
        """Fold the windows' outcomes into alerts and put what is new into the outbox, in one transaction."""
        with self.store.writing() as tx:
            windows = [w for w in self.store.windows(tx) if w.outcome]
            records = {w.label: self.store.record(tx, w.number) for w in windows}
            history = self._history([(w.label, records[w.label]) for w in windows])
            found = alerts(history, after=self.settings.alert_after, resolve_after=self.settings.resolve_after)
            self.store.set_meta(tx, "alerts", [{**_plain(a), "key": a.key(self.id)} for a in found])
            for alert in found:
                self._enqueue(tx, alert, "opened", records[alert.opened])
                if alert.resolved:
                    self._enqueue(tx, alert, "resolved", records[alert.resolved])
            self._withdraw(tx, {a.key(self.id) for a in found})
        return found

    def _history(self, judged: Sequence[tuple[str, Record]]) -> list[tuple[str, dict[str, str]]]:
        levels: Sequence[float | None] = [None] * len(judged)
        if self.settings.error_control == "online":
            levels = confirming_levels([record for _, record in judged])
        return [(label, outcomes(record, level)) for (label, record), level in zip(judged, levels, strict=True)]

    def _enqueue(self, tx: Any, alert: Alert, event: str, record: Record) -> None:
        # As it was when it opened: later windows are folded in and send nothing.
        then = alert if event == "resolved" else replace(alert, last=alert.opened, resolved="")
        told = message(then, self.id, event, record)
        for channel in self.settings.channels:
            if channel.least == "fail" and alert.severity != "fail":
                continue
            tx.exec_driver_sql(
                "INSERT OR IGNORE INTO outbox (id, channel, alert, message) VALUES (?, ?, ?, ?)",
                (f"{told['alert']}-{event}", channel.label, told["alert"], json.dumps(told, ensure_ascii=False)),
            )

    def _withdraw(self, tx: Any, known: set[str]) -> None:
        """Resolve what was announced and is no alert any more, because late rows changed its windows."""
        rows = tx.exec_driver_sql("SELECT id, channel, alert, message FROM outbox WHERE id LIKE '%-opened'").fetchall()
        for _, channel, alert, text in rows:
            if alert in known:
                continue
            told = json.loads(text)
            told |= {
                "event": "resolved",
                "text": f"{told['title']}: rule {told['rule']}: withdrawn, late rows changed it.",
            }
            tx.exec_driver_sql(
                "INSERT OR IGNORE INTO outbox (id, channel, alert, message) VALUES (?, ?, ?, ?)",
                (f"{alert}-resolved", channel, alert, json.dumps(told, ensure_ascii=False)),
            )

    def run(self, *, close: bool = False, now: datetime | None = None) -> Report:
        """Count what is new, judge what is complete, raise alerts; running it again changes nothing."""
        counted: list[str] = []
        skipped: list[str] = []
        found_files = list(sources(self.plan.data))
        for name in found_files:
            (counted if self.ingest(name) else skipped).append(Path(name).name)
        late = take_labels(self)
        self.close_windows(everything=close, now=now)
        judged = self.judge_windows()
        found = self.raise_alerts()
        with self.store.writing() as tx:
            undated = next((w.rows for w in self.store.windows(tx) if w.number == UNDATED), 0)
        notes = [f"{thousands(undated)} rows have no time and are in no window"] if undated else []
        notes += [f"{thousands(late)} rows got their label since"] if late else []
        if not found_files:
            notes.append(f"no file matches {self.plan.data} yet")
        return Report(tuple(counted), tuple(skipped), tuple(judged), tuple(found), tuple(notes))


def roles_of(plan: Plan) -> Roles:
    """Return the roles that a plan gives; weights are refused as everywhere."""
    if plan.weight is not None:
        raise ConfigError("weight: weighted rows are not monitored yet. Leave `weight` out.")
    if plan.entity is not None:
        raise ConfigError("entity: windows of rows grouped in entities are not monitored yet. Leave `entity` out.")
    return Roles.from_dict({k: v for k, v in plan.roles().items() if v is not None})


def _plain(alert: Alert) -> dict[str, Any]:
    return {name: getattr(alert, name) for name in alert.__slots__}


def _now() -> datetime:
    return datetime.now(UTC)


def _fields_of(counted: Counted) -> list[Field]:
    return [Field(c.name, c.kind, c.integral, "") for c in counted.columns.values()]


def baseline_of(bundle: str) -> Part:
    """Return the counts that a bundle keeps, checked against its record's fingerprint."""
    opened = open_bundle(bundle)
    if COUNTS not in opened.manifest["files"]:
        raise ConfigError(f"{shown(bundle, 200)} keeps no counts: run its plan again with --counts.")
    part = Part.from_bytes(opened.read(COUNTS))
    if part.counted.fingerprint.to_dict() != opened.record.subject["current"]["fingerprint"]:
        raise ConfigError(f"{shown(bundle, 200)}: its counts are not those of its record.")
    return part

"""The public door: `Audit` joins data, roles, model, checks and policy; bundles are written, opened and verified."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

from workbench.audit.bundle import open_bundle as open_bundle
from workbench.audit.contracts import held, stored
from workbench.audit.guess import with_task
from workbench.audit.kept import Kept
from workbench.audit.notes import NOTES, Note, as_data, beside_of, given_notes, noted, notes_of, with_notes
from workbench.audit.operations import AuditWindows
from workbench.audit.plan import Plan, load_plan, plan_of
from workbench.audit.policy import Policy, load_policy, validated
from workbench.audit.record import Record
from workbench.audit.run import OnProgress, Prepared, check_fit, chosen_checks, run
from workbench.audit.watchers import Watchers
from workbench.audit.where import Conditions, conditions
from workbench.core.check import Check, all_checks
from workbench.core.contract import Contract
from workbench.core.dataset import Dataset, Roles, Scalar, pairs
from workbench.core.errors import ConfigError, import_extra, shown, unknown
from workbench.core.filter import BOTH, Condition, filtered
from workbench.core.frame import Frame, wrap
from workbench.core.late_labels import with_labels
from workbench.core.sample import SIZE
from workbench.load import Model, name_of, open_frame, open_model, wrap_model
from workbench.load.storing import is_source, stored_data, stored_model

if TYPE_CHECKING:
    from workbench.audit.stability import Stability

Source = str | Path | Sequence[str | Path]


class Audit:
    """One audit: data (a frame, file, list of files or glob), the roles of its columns, and what to check.

    `positive` is required unless the target is 0/1 or boolean; `favourable` defaults to it; a row is predicted positive
    when its score is at least `threshold`. `windows` cuts the rows ({"by": "month"}, {"rows": 5000}, {"number": 10})
    for the checks that follow measures over time. `where` narrows current and reference to the rows that meet
    every condition: {"sex": "F", "age": [20, 21]}, or [{"column": "age", "operator": ">=", "value": 30}].
    A target that only the reference has is one whose labels are late;
    `labels` (ids and targets) brings those that have come. `notes` are what people wrote on findings, by check.
    Building reads no rows, or the first of the target where nothing else tells the task; `run` counts, checks, judges.
    """

    def __init__(
        self,
        data: Any,
        *,
        reference: Any = None,
        labels: Any = None,
        model: Any = None,
        target: str | None = None,
        positive: Scalar | None = None,
        favourable: Scalar | None = None,
        score: str | None = None,
        prediction: str | None = None,
        threshold: float = 0.5,
        sensitive: Sequence[str] | str = (),
        segment: Sequence[str] | str = (),
        time: str | None = None,
        id: str | None = None,
        weight: str | None = None,
        entity: str | None = None,
        task: str | None = None,
        probabilities: Mapping[str, str] | None = None,
        challenger: Any = None,
        sample: int = SIZE,
        windows: Mapping[str, Any] | None = None,
        ignore: Sequence[str] | str = (),
        where: Conditions = (),
        checks: Sequence[str] | Mapping[str, Any] | None = None,
        policy: Policy | Mapping[str, Any] | str | Path | None = None,
        null_values: Sequence[str] = (),
        trust: Sequence[str] = (),
        seed: int = 0,
        engine: str = "local",
        contract: Contract | Mapping[str, Any] | str | Path | None = None,
        title: str = "Audit",
        notes: Mapping[str, Any] | None = None,
    ) -> None:
        roles = Roles(
            target=target, prediction=prediction, score=score, sensitive=_many(sensitive), segment=_many(segment),
            time=time, id=id, weight=weight, entity=entity, ignore=_many(ignore), positive=positive,
            favourable=favourable, threshold=_threshold(threshold), task=task, probabilities=pairs(probabilities),
        )  # fmt: skip
        self.given = {
            "data": data, "reference": reference, "labels": labels, "model": model,
            "challenger": challenger, "contract": contract,
        }  # fmt: skip
        met = conditions(where)
        self._options = {
            "null_values": list(null_values), "trust": list(trust), "seed": seed, "engine": engine,
            "title": _legal(title), "sample": sample, "windows": None if windows is None else dict(windows),
            "where": [c.to_dict() for c in met],
        }  # fmt: skip
        self.prepared = _prepared(roles, self.given, self._options, met, checks=checks, policy=policy, notes=notes)
        check_fit(self.prepared)
        self.record: Record | None = None
        self.watchers = Watchers()

    @classmethod
    def from_plan(cls, plan: Plan | Mapping[str, Any] | str | Path) -> Audit:
        """Return the audit that a plan (a file, a mapping or a Plan) describes."""
        if isinstance(plan, Mapping):
            plan = plan_of(plan)
        elif not isinstance(plan, Plan):
            plan = load_plan(plan)
        return cls(**plan.arguments())

    @property
    def roles(self) -> Roles:
        """Return the roles of the columns."""
        return self.prepared.current.roles

    @property
    def checks(self) -> tuple[Check, ...]:
        """Return the checks that a run makes."""
        return tuple(check for check, _ in self.prepared.checks)

    def run(self, on_progress: OnProgress | None = None, cancel: Event | None = None) -> Record:
        """Count, check and judge; the record is kept as `audit.record`. Set `cancel` to stop early."""
        self.record = run(self.prepared, on_progress, cancel)
        return self.watchers.tell(self.record)

    def resume(self, run_id: str, on_progress: OnProgress | None = None, cancel: Event | None = None) -> Record:
        """Take what a run of this audit had found before it was interrupted, make the rest, and keep the record.

        Findings on other data, roles, models, parameters or versions are not taken. ConfigError for an unknown id.
        """
        kept = Kept()
        kept.load(run_id)
        self.record = run(self.prepared, on_progress, cancel, kept=kept)
        return self.watchers.tell(self.record)

    def stability(self, seeds: Sequence[int] = (0, 1, 2, 3, 4)) -> Stability:
        """Run the audit once for each seed, and return which judgements are not the same under all; keeps no record."""
        from workbench.audit.stability import stability

        return stability(self.prepared, seeds)

    def with_checks(self, wanted: Sequence[str]) -> Audit:
        """Return the same audit with only some of its checks, their parameters kept."""
        chosen = tuple(pair for pair in self.prepared.checks if pair[0].id in wanted or pair[0].code in wanted)
        other = object.__new__(Audit)
        own = {"prepared": replace(self.prepared, checks=chosen), "record": None, "watchers": Watchers()}
        other.__dict__ = {**self.__dict__, **own}
        return other

    def hold(self, contract: Contract) -> None:
        """Hold the data to a contract as decided since, from the next run on; the files it refers to stay the same."""
        before = self.prepared.contract
        if before is None or before.contract != contract:
            self.given["contract"] = contract
            now = held(contract) if before is None else replace(before, contract=contract)
            checks = chosen_checks({"quality.contract": {}, **self.settings()["checks"]})
            self.prepared = replace(
                self.prepared, contract=now, checks=checks if before is None else self.prepared.checks
            )

    def where(self, more: Conditions) -> Audit:
        """Return the same audit of only the rows that meet these conditions besides the audit's own, without notes."""
        return self.edited(where=more)

    def edited(self, *, where: Conditions = (), threshold: float | None = None) -> Audit:
        """Return the same audit of fewer rows, or at another threshold; notes stay with what they were written on."""
        if threshold is not None and threshold != self.roles.threshold and not self._has_scores:
            raise ConfigError("threshold: nothing is cut at one here: name a `score`, or give a model that scores.")
        every = [*self.prepared.where, *conditions(where)]
        given = {**self.given, "contract": None, **self.settings(), "where": every, "notes": None}
        found = Audit(**{**given, "threshold": self.roles.threshold if threshold is None else threshold})
        found.given["contract"] = self.given["contract"]
        found.prepared = replace(found.prepared, contract=self.prepared.contract)
        return found

    @property
    def _has_scores(self) -> bool:
        return self.roles.kind_of_task == "binary" and (self.roles.score or self.prepared.model) is not None

    @property
    def notes(self) -> dict[str, Note]:
        """Return what people wrote on findings, by the id of the check."""
        return notes_of(self.prepared.beside)

    def note(self, check: str, text: str, by: str = "") -> None:
        """Write a note on a finding of the record, or take it away with an empty text; the digest stays.

        ConfigError when there is no record, or no such finding in it.
        """
        if self.record is None or check not in {f.check for f in self.record.findings}:
            raise ConfigError(f"note: there is no finding of {shown(check)} yet: run the audit with this check.")
        notes = noted(self.notes, check, text, self.record, by)
        beside = {k: v for k, v in self.prepared.beside.items() if k != NOTES}
        self.prepared = replace(self.prepared, beside={**beside, **beside_of(notes)})
        self.record = with_notes(self.record, notes)

    def settings(self) -> dict[str, Any]:
        """Return what the audit was given besides data, models and contract, as keyword arguments."""
        checks = {check.id: dict(params) for check, params in self.prepared.checks}
        judged = {"checks": checks, "policy": self.prepared.policy, "notes": as_data(self.notes)}
        return {**self.roles.to_dict(), **self._options, **judged}

    def plan(self, folder: str | Path) -> Plan:
        """Return the plan of this audit; data and models held in memory are written to `folder`."""
        given, place = self.given, Path(folder)
        reference, model = self.prepared.reference, self.prepared.model
        content: dict[str, Any] = {
            "data": stored_data(given["data"], self.prepared.current.frame, place, "current"),
            "labels": given["labels"] if given["labels"] is None else _stored_labels(given["labels"], place),
            "reference": reference and stored_data(given["reference"], reference.frame, place, "reference"),
            "model": model and stored_model(given["model"], model, place),
            "challenger": stored_model(given["challenger"], self.prepared.challenger, place, "challenger"),
            "contract": stored(given["contract"], self.prepared.contract, place),
            **self.settings(),
            "policy": self.prepared.policy.to_dict(),
        }
        return Plan(**content)

    def export(self, path: str | Path) -> Path:
        """Write a parameterised notebook that repeats this audit, and its plan beside it (audit.plan.yaml).

        Data held in memory goes to a folder beside them. ConfigError where something else is there already.
        """
        from workbench.report.exported import write_export

        return write_export(path, self.plan)

    def summary(self) -> str:
        """Return in a few lines what is audited, or the verdict once it has run."""
        if self.record is not None:
            from workbench.report.static import static_text

            return static_text(self.record)
        from workbench.ui.proposal import lines as proposed

        p = self.prepared
        roles = ", ".join(f"{role} {shown(column)}" for role, column in p.current.roles.named()) or "no roles given"
        lines = [
            f"{p.title}: not run yet",
            f"current: {len(p.current.frame.names)} columns from {p.current.frame.engine}; {roles}",
            f"reference: {'none' if p.reference is None else p.reference.frame.engine}; "
            f"model: {'none' if p.model is None else type(p.model.predictor).__name__}",
            f"{len(p.checks)} checks: {', '.join(check.id for check, _ in p.checks)}",
            *proposed(p),
            "run() measures and judges; export('audit.ipynb') writes it as a notebook",
        ]
        return "\n".join(lines)

    def __repr__(self) -> str:
        return self.summary()

    def _ipython_display_(self) -> None:
        """Show the workbench in a notebook; where widgets are not installed, or nobody looks, a summary."""
        try:
            from workbench.ui.widgets.audit_widget import show
        except ImportError:
            print(self.summary())  # noqa: T201
            return
        show(self)


def open_data(uri: Source, *, null_values: Sequence[str] = ()) -> Frame:
    """Open CSV or Parquet: one file, a list of files or a glob; `null_values` are tokens that mean missing."""
    return open_frame(uri, null_values=null_values)


def setup() -> Any:
    """Return a screen to set up an audit by clicking: data, model and roles from this notebook's variables or files."""
    import_extra("anywidget", "jupyter", "the notebook workbench")
    from workbench.ui.widgets.setup_widget import setup as screen

    return screen(Audit)


def list_checks() -> list[dict[str, str]]:
    """Return id, code, title, needs and summary of every check."""
    return [
        {"id": c.id, "code": c.code, "title": c.title, "needs": ", ".join(c.needs), "summary": c.help[""]}
        for c in all_checks().values()
    ]


def serve(folder: str | Path, **options: Any) -> Any:
    """Serve the reviewer's app on the bundles under a folder, on this computer only."""
    import_extra("panel", "app", "the app")
    from workbench.ui.app import serve as serve_app

    return serve_app(folder, **options)


def _prepared(
    roles: Roles, given: Mapping[str, Any], options: Mapping[str, Any], met: tuple[Condition, ...], *,
    checks: Any, policy: Any, notes: Any,
) -> Prepared:  # fmt: skip
    """Open what was given, narrow its rows and choose the checks; nothing is counted."""
    trust, windows, contract = options["trust"], options["windows"], given["contract"]
    model, challenger = (None if given[n] is None else _model(given[n], trust) for n in ("model", "challenger"))
    frame, other = _sides(given, options, roles, met)
    late = other is not None and roles.target not in frame.names
    roles = with_task(roles, other if late and other is not None else frame, model)
    cut = None if windows is None else validated(AuditWindows, windows, "windows")
    rare = {"challenger": challenger, "windows": cut, "contract": contract}
    return Prepared(
        current=Dataset(frame, roles, "current"),
        reference=None if other is None else Dataset(other, roles, "reference"),
        model=model,
        challenger=challenger,
        sample=_sample(options["sample"]),
        windows=cut,
        where=met,
        policy=load_policy(policy),
        contract=None if contract is None else held(contract),
        checks=chosen_checks(checks, roles.kind_of_task, given=[n for n, it in rare.items() if it is not None]),
        title=options["title"],
        seed=options["seed"],
        beside={**_sources(given), **beside_of(given_notes(notes))},
    )


def _sides(
    given: Mapping[str, Any], options: Mapping[str, Any], roles: Roles, met: tuple[Condition, ...]
) -> tuple[Frame, Frame | None]:
    nulls, engine = options["null_values"], options["engine"]
    frame = _labelled(_frame(given["data"], nulls, engine), given["labels"], roles.id, roles.target, nulls)
    other = None if given["reference"] is None else _frame(given["reference"], nulls, engine)
    both = [c for c in met if c.data == BOTH]
    return filtered(frame, met), None if other is None else filtered(other, both)


def _legal(text: str) -> str:
    return str(text).encode("utf-8", "replace").decode()


def _many(names: Sequence[str] | str) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else tuple(names)


def _threshold(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
        raise ConfigError(f"threshold: found {shown(value)}, expected a number.")
    return float(value)


def _sample(size: object) -> int:
    if isinstance(size, bool) or not isinstance(size, int) or size < 1:
        raise ConfigError(f"sample: found {shown(size)}, expected a number of rows, 1 or more.")
    return size


def _frame(data: Any, null_values: Sequence[str], engine: str) -> Frame:
    if not is_source(data):
        return wrap(data)
    if engine not in ENGINES:
        raise ConfigError(unknown("engine", engine, ENGINES))
    return ENGINES[engine](data, null_values=null_values)


def _labelled(frame: Frame, labels: Any, id: str | None, target: str | None, null_values: Sequence[str]) -> Frame:
    if labels is None:
        return frame
    if id is None or target is None:
        raise ConfigError("labels: they are joined by the roles `id` and `target`: name both columns.")
    return with_labels(frame, _frame(labels, null_values, "local"), id, target)


def _stored_labels(labels: Any, folder: Path) -> Any:
    return stored_data(labels, _frame(labels, (), "local"), folder, "labels")


def _with_spark(data: Source, *, null_values: Sequence[str] = ()) -> Frame:
    from workbench.load.spark_files import open_with_spark

    return open_with_spark(data, null_values=null_values)


ENGINES: dict[str, Callable[..., Frame]] = {"local": open_frame, "spark": _with_spark}


def _model(model: Any, trust: Sequence[str]) -> Model:
    return open_model(model, trust=trust) if isinstance(model, str | Path) else wrap_model(model)


def _sources(given: Mapping[str, Any]) -> dict[str, Any]:
    return {"sources": {n: name_of(given[n]) for n in ("data", "reference", "model") if is_source(given[n])}}


__all__ = ["Audit", "list_checks", "open_bundle", "open_data", "open_model", "serve", "setup"]

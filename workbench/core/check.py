"""The decorator that makes a function a check, and the registry of checks."""

from __future__ import annotations

import inspect
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any, TypeVar, get_type_hints

from workbench.core.errors import CancelledError, ConfigError, WorkbenchError, unknown
from workbench.core.finding import Finding, Result, Status

if TYPE_CHECKING:
    from pydantic import BaseModel

    from workbench.core.subject import Subject

F = TypeVar("F", bound=Callable[..., Result])
HEADINGS = ("Measures", "Reads well when", "Signs of risk", "Limits", "Reference")
NEEDS = (
    "reference", "target", "prediction", "score", "sensitive", "truth", "classes", "regression", "rows", "model",
    "challenger", "windows", "contract",
)  # fmt: skip
"""What a check may need: `target`, `prediction`, `score` of a binary outcome, `truth` any target, `rows` a sample."""
TASK_OF_NEED = {
    "target": "binary",
    "prediction": "binary",
    "score": "binary",
    "classes": "multiclass",
    "regression": "regression",
}
"""Needs that only one task can meet."""
_DECIDED = frozenset({"prediction", "score", "model", "challenger"})
_OF_PREDICTIONS = frozenset({"prediction", "score", "truth", "classes", "regression", "model"})
_OF_OUTCOMES = frozenset({"performance", "bias", "explain", "optimize"})
_ID = re.compile(r"[a-z_]+\.[a-z][a-z0-9_]*")
_CODE = re.compile(r"[A-Z]{1,3}[0-9]{3}")


class NotApplicableError(Exception):
    """Raised by a check that has nothing to measure on this subject; its text becomes the finding's reason."""


@dataclass(frozen=True)
class Check:
    """A registered check: stable id and code, title, what it needs, and the function that measures.

    One on request runs only where a plan names it: it asks or fits a model many times, serves a law of one place, or
    has to be told what to compare with. What it `uses` it can do without, with less to say.
    """

    id: str
    code: str
    title: str
    function: Callable[..., Result]
    needs: tuple[str, ...] = ()
    version: str = "1"
    on_request: bool = False
    uses: tuple[str, ...] = ()
    family: str = field(init=False, default="")

    def __post_init__(self) -> None:
        object.__setattr__(self, "family", self.id.split(".")[0])

    def is_for(self, task: str) -> bool:
        """Say whether an audit of this task makes the check unasked."""
        return not self.on_request and all(TASK_OF_NEED.get(need, task) == task for need in self.needs)

    @property
    def of_decisions(self) -> bool:
        """Say whether a finding may change with the threshold: the check looks at predictions, scores or models."""
        return self.family in _OF_OUTCOMES or bool(_DECIDED & {*self.needs, *self.uses})

    @property
    def help(self) -> dict[str, str]:
        """Return the docstring's summary under "" and its five headings' texts."""
        return sections(inspect.getdoc(self.function) or "")

    @cached_property
    def params_model(self) -> type[BaseModel]:
        """Return the pydantic model of the check's keyword parameters."""
        from pydantic import ConfigDict, create_model

        hints = get_type_hints(self.function)
        wanted: dict[str, Any] = {
            name: (hints[name], p.default)
            for name, p in inspect.signature(self.function).parameters.items()
            if p.kind is p.KEYWORD_ONLY
        }
        config = ConfigDict(extra="forbid")
        return create_model(f"params of {self.id}", __config__=config, **wanted)

    def bind(self, params: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Return the full parameters, defaults filled in, as plain data; raise ConfigError when one is wrong."""
        from pydantic import ValidationError

        for name in params or {}:
            if name not in self.params_model.model_fields:
                raise ConfigError(f"{self.id}: " + unknown("parameter", name, self.params_model.model_fields))
        try:
            return self.params_model(**dict(params or {})).model_dump(mode="json")
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(p) for p in first["loc"])
            raise ConfigError(f"{self.id}: parameter {where}: {first['msg']}.") from error

    def run(self, subject: Subject, params: Mapping[str, Any] | None = None) -> Finding:
        """Measure the subject; a missing need or an exception becomes the finding's status and reason."""
        bound = self.bind(params)
        started = time.perf_counter()
        status, reason, result = self._measure(subject, bound)
        return Finding(
            check=self.id,
            code=self.code,
            version=self.version,
            status=status,
            params=bound,
            measures=tuple(m.frozen() for m in result.measures),
            evidence=tuple(e.frozen() for e in result.evidence),
            notes=tuple(result.notes),
            reason=reason,
            seconds=time.perf_counter() - started,
            attachments=tuple(result.attachments),
        )

    def _measure(self, subject: Subject, params: dict[str, Any]) -> tuple[Status, str, Result]:
        lacking = list(dict.fromkeys(reason for need in self.needs if (reason := subject.lacks(need))))
        if lacking:
            return Status.NOT_APPLICABLE, "; ".join(lacking), Result(())
        try:
            found = self._with_entities(subject, self.function(subject, **params), params)
            lost = subject.failed if _OF_PREDICTIONS & {*self.needs} else []
            return Status.MEASURED, "", replace(found, notes=[*found.notes, *lost])
        except NotApplicableError as why:
            return Status.NOT_APPLICABLE, str(why), Result(())
        except CancelledError as why:
            return Status.CANCELLED, str(why), Result(())
        except WorkbenchError as why:
            return Status.ERROR, str(why), Result(())
        except Exception as error:  # one failing check never stops the rest
            # The exception's own text may hold values of rows: only its type and place are recorded.
            return Status.ERROR, f"{type(error).__name__} in {self.id}{_place(error)}", Result(())

    def _with_entities(self, subject: Subject, result: Result, params: dict[str, Any]) -> Result:
        from workbench.core.entities import taken_as_independent, widened

        if subject.roles.entity is None:
            return result
        # Samples and single columns are not sliced by entity; outcome tables are.
        of_outcomes = self.family in ("performance", "bias") and not {"rows", "model", "challenger"} & {*self.needs}
        if subject.current.slices is None or not of_outcomes:
            return taken_as_independent(result)
        return widened(subject, result, lambda there: self.function(there, **params))


CHECKS: dict[str, Check] = {}


def check(
    id: str,
    code: str,
    title: str,
    *,
    needs: tuple[str, ...] = (),
    version: str = "1",
    on_request: bool = False,
    uses: tuple[str, ...] = (),
) -> Callable[[F], F]:
    """Register a function `(subject, *, typed parameters) -> Result` as the check `id`."""
    if not _ID.fullmatch(id) or not _CODE.fullmatch(code):
        raise ConfigError(f"a check's id is family.noun and its code like D001, not {id!r} and {code!r}.")
    for need in (*needs, *uses):
        if need not in NEEDS:
            raise ConfigError(f"{id}: " + unknown("need", need, NEEDS))

    def register(function: F) -> F:
        for other in CHECKS.values():
            taken = other.id == id or other.code == code
            if taken and other.function.__qualname__ != function.__qualname__:
                raise ConfigError(f"{id} ({code}): the id or code is taken by {other.id} ({other.code}).")
        CHECKS[id] = Check(id, code, title, function, needs, version, on_request, uses)
        return function

    return register


def all_checks() -> dict[str, Check]:
    """Return every check, by id in order: the packaged ones, those of plug-ins, and those defined by hand.

    All but the last are found by the entry-point group `workbench.checks`: a module, or a function that imports some.
    """
    _load_plugins()
    return dict(sorted(CHECKS.items()))


@lru_cache(maxsize=1)
def _load_plugins() -> None:
    for plugin in entry_points(group="workbench.checks"):
        loaded = plugin.load()
        if callable(loaded):
            loaded()


def find_check(id_or_code: str) -> Check:
    """Return the check of that id or code; an unknown one raises ConfigError with near matches."""
    _load_plugins()
    if id_or_code in CHECKS:  # not a sorted copy of them all at each look: a plan may name thousands
        return CHECKS[id_or_code]
    for candidate in CHECKS.values():
        if id_or_code == candidate.code:
            return candidate
    raise ConfigError(unknown("check", id_or_code, sorted(CHECKS)))


def sections(doc: str) -> dict[str, str]:
    """Split a check's docstring into its summary (under "") and the texts under the five headings."""
    found: dict[str, list[str]] = {"": []}
    current = ""
    for line in doc.splitlines():
        heading, colon, rest = line.partition(":")
        if colon and heading in HEADINGS:
            current = heading
            found[current] = [rest.strip()]
        else:
            found[current].append(line.strip())
    return {k: " ".join(part for part in v if part) for k, v in found.items()}


def _place(error: BaseException) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return ""
    return f" ({trace.tb_frame.f_code.co_name}, line {trace.tb_lineno})"

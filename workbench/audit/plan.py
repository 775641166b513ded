"""The plan: an audit as a file. What the command line, the notebook, a scheduler and the app all take."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from workbench.audit.notes import Note
from workbench.audit.operations import AuditWindows, Monitor
from workbench.audit.policy import validated
from workbench.audit.text import dump_yaml, parse_yaml
from workbench.audit.where import Where
from workbench.core.errors import ConfigError, shown
from workbench.core.sample import SIZE
from workbench.load.remote import is_remote, local

Scalar = bool | int | float | str
Source = str | list[str]
ROLES = (
    "target",
    "prediction",
    "score",
    "sensitive",
    "segment",
    "time",
    "id",
    "weight",
    "entity",
    "ignore",
    "positive",
    "favourable",
    "threshold",
    "task",
    "probabilities",
)
FILES = ("data", "reference", "labels", "model", "challenger", "policy", "contract")
"""The fields that name files."""
OPERATIONS = ("monitor",)
"""The fields that concern the repetition of an audit; a single one does not know them."""


class Plan(BaseModel):
    """Sources, roles, checks with their parameters and the policy of one audit."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    title: str = "Audit"
    data: Source
    reference: Source | None = None
    labels: Source | None = None
    model: str | None = None
    challenger: str | None = None
    target: str | None = None
    prediction: str | None = None
    score: str | None = None
    threshold: float = 0.5
    positive: Scalar | None = None
    favourable: Scalar | None = None
    sensitive: list[str] = Field(default_factory=list)
    segment: list[str] = Field(default_factory=list)
    time: str | None = None
    id: str | None = None
    weight: str | None = None
    entity: str | None = None
    task: Literal["binary", "multiclass", "regression"] | None = None
    probabilities: dict[str, str] | None = None
    ignore: list[str] = Field(default_factory=list)
    where: list[Where] = Field(default_factory=list)
    checks: list[str] | dict[str, dict[str, Any] | None] | None = None
    policy: str | dict[str, Any] | None = None
    null_values: list[str] = Field(default_factory=list)
    trust: list[str] = Field(default_factory=list)
    seed: int = 0
    sample: int = Field(default=SIZE, ge=1)
    windows: AuditWindows | None = None
    engine: Literal["local", "spark"] = "local"
    contract: str | None = None
    notes: dict[str, str | Note] = Field(default_factory=dict)
    monitor: Monitor | None = None

    def arguments(self) -> dict[str, Any]:
        """Return what a single audit takes: everything but what concerns its repetition."""
        return self.model_dump(mode="json", exclude=set(OPERATIONS))

    def to_yaml(self) -> str:
        """Return the plan as YAML, defaults left out."""
        return dump_yaml(self.model_dump(mode="json", exclude_defaults=True))

    def roles(self) -> dict[str, Any]:
        """Return the roles as the keyword arguments of `Audit`."""
        return {name: getattr(self, name) for name in ROLES}


PARAMETER = re.compile(r"[a-z][a-z_]*")


def plan_of(data: Mapping[Any, Any], what: str = "plan") -> Plan:
    """Return a plan from plain data; names that are no plain words are refused before anything reads them."""
    for name in data:
        if not isinstance(name, str) or not PARAMETER.fullmatch(name):
            raise ConfigError(f"{what}: {shown(name)} is no name of a plan's field (names are plain words).")
    return validated(Plan, data, what)


def load_plan(path: str | Path) -> Plan:
    """Read a plan file; relative paths in it are relative to the file."""
    file = Path(path)
    try:
        text = file.read_text("utf-8")
    except OSError as error:
        raise ConfigError(f"plan {shown(path, 200)} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise ConfigError(f"plan {shown(path, 200)} is not UTF-8 text.") from None
    data = parse_yaml(text, file.name)
    if not isinstance(data, Mapping):
        raise ConfigError(f"{file.name}: found {type(data).__name__}, expected a mapping such as `data: file.csv`.")
    return rebased(plan_of(data, file.name), file.parent)


def rebased(plan: Plan, folder: Path) -> Plan:
    """Return the plan with its relative paths read from `folder`."""

    def moved(source: Any) -> Any:
        if isinstance(source, list):
            return [moved(s) for s in source]
        if not isinstance(source, str) or is_remote(source):
            return source
        return str((folder / local(source)).absolute())

    changes = {name: moved(getattr(plan, name)) for name in FILES}
    if plan.monitor is not None:
        own = {name: moved(getattr(plan.monitor, name)) for name in ("store", "baseline")}
        changes["monitor"] = plan.monitor.model_copy(update=own)
    return plan.model_copy(update=changes)

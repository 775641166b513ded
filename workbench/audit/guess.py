"""A first plan for a data file: roles guessed from names and a cheap look at the values, each guess said to be one."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from workbench.audit.plan import Plan
from workbench.core.arrow import Kind
from workbench.core.dataset import Roles
from workbench.core.errors import ConfigError, unknown
from workbench.core.frame import Frame
from workbench.core.outcome import canonical
from workbench.load import Model, open_frame

_NAMES: dict[str, tuple[str, ...]] = {
    "target": ("target", "label", "y", "truth", "actual", "outcome", "class", "y_true", "label_value", "default"),
    "score": ("score", "probability", "proba", "prob", "y_score", "y_pred_proba", "y_proba"),
    "prediction": ("prediction", "predicted", "pred", "y_pred", "decision", "selected"),
    "id": ("id", "entity_id", "person_id", "customer_id", "user_id", "row_id", "uuid"),
    "time": ("timestamp", "time", "date", "datetime", "ts", "created_at"),
}
_SENSITIVE = (
    "sex", "gender", "race", "colour", "color", "ethnicity", "age_cat", "age_group", "religion", "nationality",
    "disability", "marital_status", "marital-status", "citizen",
)  # fmt: skip
_YES = ("1", "True", "true", "yes", "Yes", "YES", "y", "Y", "positive", "good", ">50K")
_LOOK = 20_000


_MOST_CLASSES = 20
TASKS = ("binary", "multiclass", "regression")


def with_task(roles: Roles, frame: Frame, model: Model | None) -> Roles:
    """Return the roles with a task: as given, as the model says, or guessed from the first values of the target."""
    if roles.task is not None:
        if roles.task not in TASKS:
            raise ConfigError(unknown("task", roles.task, TASKS))
        return roles if roles.task != "binary" else replace(roles, task=None)
    return replace(roles, task=_task(roles, frame, model))


def _task(roles: Roles, frame: Frame, model: Model | None) -> str | None:
    if roles.probabilities:
        return "multiclass"
    if roles.positive is not None or roles.score is not None:
        return None
    if model is not None:
        return None if len(model.classes) == 2 else "multiclass" if model.classes else "regression"
    if roles.target not in frame.names or frame.distributed is not None:
        return None
    target = str(roles.target)
    values = values_of(frame, target)
    if len(values) <= 2:
        return None
    numbers = frame.kind(target) is Kind.NUMBER
    fractions = numbers and any(not v.lstrip("-").isdigit() for v in values)
    return "regression" if numbers and (fractions or len(values) > _MOST_CLASSES) else "multiclass"


def first_plan(data: str, folder: Path) -> str:
    """Return the YAML text of a plan for a data file, its path relative to `folder`."""
    frame = open_frame(data)
    guesses = guessed(frame)
    relative = os.path.relpath(Path(data).absolute(), folder) if Path(data).exists() else data
    roles = {k: v for k, v in guesses.items() if v}
    text = Plan(title=f"Audit of {Path(data).stem}", data=relative, **roles).to_yaml()
    names = ", ".join(roles) or "none"
    head = f"# A first plan. Guessed from names and values: {names}. Check each one.\n"
    return head + "# Columns: " + ", ".join(n.replace("\n", " ")[:40] for n in frame.names[:60]) + "\n" + text


def guessed(frame: Frame) -> dict[str, Any]:
    """Return guesses of the roles; nothing where no column looks the part."""
    names = {n.lower(): n for n in reversed(frame.names)}
    found: dict[str, Any] = {}
    for role, candidates in _NAMES.items():
        column = next((names[c] for c in candidates if c in names and names[c] not in found.values()), None)
        if column is not None and _fits(role, frame.kind(column)):
            found[role] = column
    found["sensitive"] = [n for n in frame.names if n.lower() in _SENSITIVE and n not in found.values()]
    target = found.get("target") or found.get("prediction")
    if isinstance(target, str):
        values = values_of(frame, target)
        if 0 < len(values) <= 2 and not set(values) <= {"0", "1", "True", "False"}:
            found["positive"] = next((v for v in _YES if v in values), values[-1])
    return found


def _fits(role: str, kind: Kind) -> bool:
    return kind is Kind.NUMBER if role == "score" else kind is Kind.TIME if role == "time" else True


def values_of(frame: Frame, column: str) -> Sequence[str]:
    """Return the values among a column's first rows as text, sorted; missing ones left out."""
    batch = next(iter(frame.batches([column], _LOOK)), None)
    if batch is None:
        return []
    return sorted(canonical(v) for v in batch.column(0).unique().to_pylist() if v is not None)

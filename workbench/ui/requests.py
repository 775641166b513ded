"""Checks that run only when asked for: which of them fit an audit, and about what they cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from workbench.audit.run import chosen_checks
from workbench.core.check import TASK_OF_NEED, Check, all_checks
from workbench.report import words
from workbench.ui import bias_payload, explain_payload

if TYPE_CHECKING:
    from workbench.audit.run import Prepared
    from workbench.door import Audit

OFFERED = (*bias_payload.REQUESTS, *explain_payload.REQUESTS)
_PACKAGES = {"explain.shap": "shap", "optimize.mitigation": "fairlearn"}
_NEEDED = {"explain.permutation_importance", "explain.attribution_drift", "explain.partial_dependence", "explain.shap"}


def offered(prepared: Prepared) -> list[dict[str, str]]:
    """Return the checks on request that a page offers and this audit can make: id, title and cost in words."""
    known = all_checks()
    return [
        {"id": id, "title": known[id].title, "cost": _cost(known[id], prepared)}
        for id in OFFERED
        if id in known and _fits(known[id], prepared)
    ]


def _fits(check: Check, prepared: Prepared) -> bool:
    roles, task = prepared.current.roles, prepared.current.roles.kind_of_task
    if any(TASK_OF_NEED.get(need, task) != task for need in check.needs):
        return False
    if (package := _PACKAGES.get(check.id)) and find_spec(package) is None:
        return False
    met = {
        "reference": prepared.reference is not None,
        "model": prepared.model is not None,
        "sensitive": bool(roles.sensitive),
        "target": roles.target is not None,
        "truth": roles.target is not None,
        "score": roles.score is not None or prepared.model is not None,
        "prediction": bool(roles.prediction or roles.score or prepared.model),
    }
    return all(met.get(need, True) for need in check.needs)


def _cost(check: Check, prepared: Prepared) -> str:
    """Return about how many rows the model is asked of, as far as that is known beforehand."""
    features = len(getattr(prepared.model, "feature_names", None) or ())
    if check.id not in _NEEDED or not features:
        return ""
    params = check.bind({})
    rows = int(params.get("most_rows") or 0)
    times = _TIMES[check.id](features, params)
    return f"asks the model about at most {words.number(rows * times)} rows"


_TIMES: Mapping[str, Any] = {
    "explain.permutation_importance": lambda f, p: 1 + f * int(p["repeats"]),
    "explain.attribution_drift": lambda f, p: 2 * (1 + f * int(p["repeats"])),
    "explain.partial_dependence": lambda f, p: min(f, int(p["most_features"])) * int(p["points"]),
    "explain.shap": lambda f, p: (2 * f + 1) * int(p["background"]),
}


def add(value: Any, audits: Sequence[Audit]) -> list[str]:
    """Make those of the named checks that are offered part of the audits, with their defaults; return their ids."""
    named: Sequence[Any] = value if isinstance(value, list) else ()
    able = {c["id"] for audit in audits for c in offered(audit.prepared)}
    ids = [str(name) for name in named if name in able]
    for audit in audits:
        there = {check.id for check, _ in audit.prepared.checks}
        more = chosen_checks([id for id in ids if id not in there], audit.roles.kind_of_task)
        checks = sorted((*audit.prepared.checks, *more), key=lambda pair: pair[0].id)
        audit.prepared = replace(audit.prepared, checks=tuple(checks))
    return ids

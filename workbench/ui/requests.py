"""Checks that run only when asked for: which of them fit an audit, and about what they cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from workbench.audit.estimate import cost_of, lacks
from workbench.audit.run import chosen_checks
from workbench.core.check import Check, all_checks
from workbench.report import words
from workbench.ui import bias_payload, explain_payload

if TYPE_CHECKING:
    from workbench.audit.run import Prepared
    from workbench.door import Audit

OFFERED = (*bias_payload.REQUESTS, *explain_payload.REQUESTS)
_PACKAGES = {"explain.shap": "shap", "optimize.mitigation": "fairlearn"}


def offered(prepared: Prepared) -> list[dict[str, str]]:
    """Return the checks on request that a page offers and this audit can make: id, title and cost in words."""
    known = all_checks()
    return [
        {"id": id, "title": known[id].title, "cost": _cost(known[id], prepared)}
        for id in OFFERED
        if id in known and _fits(known[id], prepared)
    ]


def _fits(check: Check, prepared: Prepared) -> bool:
    package = _PACKAGES.get(check.id)
    return not lacks(check, prepared) and (package is None or find_spec(package) is not None)


def _cost(check: Check, prepared: Prepared) -> str:
    """Return about how many rows the model is asked of, as far as that is known beforehand."""
    asked = cost_of(check, prepared).predictions
    return f"asks the model about at most {words.number(asked)} rows" if asked else ""


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

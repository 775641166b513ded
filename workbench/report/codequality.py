"""A record's judgements as GitLab's code-quality JSON, which merge requests show."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from workbench.audit.record import Judgement, Record

_SEVERITY = {"fail": "critical", "error": "critical", "warn": "minor", "cannot_tell": "info"}


def render_codequality(record: Record, path: str = "plan.yaml") -> str:
    """Return one issue for each broken, failed or undecided rule, placed at the plan; small groups are left out."""
    told = [j for j in record.verdict.judgements if j.outcome in _SEVERITY and j.group not in record.small_groups]
    return json.dumps([_issue(j, path) for j in told], ensure_ascii=False, indent=1)


def _issue(j: Judgement, path: str) -> dict[str, Any]:
    place = " ".join(part for part in (j.column, j.group) if part)
    what = f"{j.measure} {place}".strip()
    value = "" if j.value is None else f" is {j.value:.4g}"
    # Without the value: the same breach in two pipelines is the same issue.
    identity = "\0".join((j.rule, j.check, j.measure, j.column, j.group, j.where))
    return {
        "description": f"{j.rule}: {what}{value}: {j.reason}"[:1000],
        "check_name": j.check or j.rule,
        "fingerprint": hashlib.sha256(identity.encode()).hexdigest(),
        "severity": _SEVERITY[j.outcome],
        "location": {"path": path, "lines": {"begin": 1}},
    }

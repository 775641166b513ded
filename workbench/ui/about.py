"""What an audit is of, for its screen before and beside its record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from workbench.core.filter import COMPARABLE
from workbench.report import words

if TYPE_CHECKING:
    from workbench.door import Audit

MOST_FIELDS = 500
"""Columns that can be chosen to narrow the rows by."""


def about(audit: Audit) -> dict[str, Any]:
    """Return title, columns and their kinds, engine, reference, model and roles."""
    p = audit.prepared
    return {
        "title": p.title,
        "columns": len(p.current.frame.names),
        "fields": [
            {"name": f.name, "shown": words.plain(f.name, 60), "kind": str(f.kind)}
            for f in p.current.frame.fields[:MOST_FIELDS]
            if f.kind in COMPARABLE
        ],
        "engine": str(p.current.frame.engine),
        "reference": p.reference is not None,
        "model": "" if p.model is None else type(p.model.predictor).__name__,
        "roles": [{"role": role, "column": column} for role, column in p.current.roles.named()],
    }

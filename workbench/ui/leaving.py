"""What leaves the screen of an audit that can run: the notebook with its plan, and the Python of the present view."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.audit.record import Record
from workbench.core.errors import ConfigError, shown
from workbench.report import words
from workbench.report.exported import plan_beside
from workbench.ui.code import code_of
from workbench.ui.running import was_cancelled

if TYPE_CHECKING:
    from workbench.door import Audit


def export(audit: Audit, name: object, record: Record | None) -> str:
    """Write the audit as a notebook of that name in the present folder, its plan beside it, and say what was written.

    `record` is what the screen shows. ConfigError for a name that leads elsewhere, or where something else is there.
    """
    file = str(name or "audit.ipynb").strip()
    if file != Path(file).name or "\\" in file or file.startswith(".") or not file.isprintable():
        raise ConfigError(
            f"export: {shown(file)} is no file's name: it is written beside this notebook, so give a name."
        )
    written = audit.export(file)
    both = f"{written.name} and {plan_beside(written).name}"
    return f"wrote {both}: the notebook, run as it is, gives {_gives(audit, record)}"


def _gives(audit: Audit, record: Record | None) -> str:
    if record is None or not reproduces(audit, record):
        return "what Run gives here"
    return f"the digest on screen, {words.short_digest(record.digest)}"


def reproduces(audit: Audit, record: Record) -> bool:
    """Say whether a run of the audit as it is now is what the record is of: the same checks, contract and policy."""
    contract = audit.prepared.contract
    return (
        not was_cancelled(record)
        and [f.check for f in record.findings] == [check.id for check in audit.checks]
        and record.subject.get("contract") == (None if contract is None else contract.about)
    )


def code(audit: Audit, names: Mapping[str, Any]) -> dict[str, str]:
    """Return the Python of the audit, or why there is none."""
    try:
        return {"text": code_of(audit, names), "why": ""}
    except ConfigError as error:
        return {"text": "", "why": str(error)}

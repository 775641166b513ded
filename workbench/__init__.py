"""Audits of machine-learning models: one record, one digest, many faces.

The names below are loaded on first use, so that `import workbench` stays light.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workbench.audit.compare import compare as compare
    from workbench.audit.disclose import disclose as disclose
    from workbench.audit.record import Record as Record
    from workbench.core.check import check as check
    from workbench.core.finding import Evidence as Evidence
    from workbench.core.finding import Measure as Measure
    from workbench.core.finding import Result as Result
    from workbench.decide import open_contract as open_contract
    from workbench.door import Audit as Audit
    from workbench.door import list_checks as list_checks
    from workbench.door import open_bundle as open_bundle
    from workbench.door import open_data as open_data
    from workbench.door import open_model as open_model
    from workbench.door import serve as serve
    from workbench.door import setup as setup
    from workbench.report.verify import verify as verify

__version__ = "0.1.0"

_PLACES = {
    "Audit": "workbench.door",
    "Evidence": "workbench.core.finding",
    "Measure": "workbench.core.finding",
    "Record": "workbench.audit.record",
    "Result": "workbench.core.finding",
    "check": "workbench.core.check",
    "compare": "workbench.audit.compare",
    "disclose": "workbench.audit.disclose",
    "list_checks": "workbench.door",
    "open_bundle": "workbench.door",
    "open_contract": "workbench.decide",
    "open_data": "workbench.door",
    "open_model": "workbench.door",
    "serve": "workbench.door",
    "setup": "workbench.door",
    "verify": "workbench.report.verify",
}
__all__ = sorted(_PLACES)


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module 'workbench' has no attribute {name!r}")
    found = getattr(import_module(_PLACES[name]), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return [*__all__, "__version__"]


def _show_records() -> None:
    """Tell a running IPython, by name, how to show a Record: data must not import its display."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    if shell is None:
        return

    def html(record: Any) -> str:
        return str(import_module("workbench.report.static").static_html(record))

    def text(record: Any, printer: Any, cycle: bool) -> None:
        printer.text(import_module("workbench.report.static").static_text(record))

    for kind, function in (("text/html", html), ("text/plain", text)):
        shell.display_formatter.formatters[kind].for_type_by_name("workbench.audit.record", "Record", function)


_show_records()

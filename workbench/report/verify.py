"""Whether a bundle is what it says: its files, its record's digest, and every number that its pages show."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from workbench.audit.bundle import Bundle, differences, open_bundle
from workbench.core.errors import EvidenceError
from workbench.report.check_numbers import numbers_differ


def verify(path: str | Path) -> list[str]:
    """Return what in a bundle differs from what was recorded: files, the record's digest, numbers shown; [] is well."""
    bundle = open_bundle(path)
    found = differences(bundle)
    try:
        record = bundle.record
    except EvidenceError:
        return found
    for name, html in _pages(bundle):
        found += [f"{name}: {difference}" for difference in numbers_differ(html, record)]
    return found


def _pages(bundle: Bundle) -> Iterator[tuple[str, str]]:
    """Yield the report and every HTML output of the notebook, with a name for each."""
    if "report.html" in bundle.manifest["files"]:
        yield "report.html", bundle.read("report.html").decode("utf-8", "replace")
    if "audit.ipynb" not in bundle.manifest["files"]:
        return
    try:
        cells = json.loads(bundle.read("audit.ipynb"))["cells"]
        outputs = [(i, o) for i, cell in enumerate(cells) for o in cell.get("outputs", ())]
        pages = [(i, o["data"]["text/html"]) for i, o in outputs if "text/html" in o.get("data", {})]
    except (ValueError, KeyError, TypeError, AttributeError):
        yield "audit.ipynb", "damaged"
        return
    for i, html in pages:
        yield f"audit.ipynb, cell {i}", html if isinstance(html, str) else "".join(html)

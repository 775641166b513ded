"""The shared view as one module: its files one after another, so that both hosts load it without a bundler."""

from __future__ import annotations

import re
from pathlib import Path

VIEWS = Path(__file__).parent / "views"
PARTS = (
    "parts.js",
    "failure.js",
    "timeline.js",
    "drift.js",
    "contract.js",
    "compare.js",
    "rows.js",
    "setup.js",
    "head.js",
    "board.js",
    "finding.js",
    "proposal.js",
    "family.js",
    "forest.js",
    "threshold.js",
    "bias.js",
    "costs.js",
    "explained.js",
    "alive.js",
    "run.js",
    "tools.js",
    "audit.js",
)
CONTRACT_ALONE = ("parts.js", "contract.js", "alone.js")
SERVED = ("parts.js", "served.js")
SHEETS = ("audit.css", "drift.css", "contract.css", "setup.css", "explore.css")
_IMPORT = re.compile(r'^import \{[^}]*\} from "\./[a-z]+\.js";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=const |function )", re.MULTILINE)


def module(parts: tuple[str, ...] = PARTS) -> str:
    """Return the view's source; what its files import from each other stands before them."""
    return "\n".join(_EXPORT.sub("", _IMPORT.sub("", (VIEWS / name).read_text("utf-8"))) for name in parts)


def styles(sheets: tuple[str, ...] = SHEETS) -> str:
    """Return the view's style sheets."""
    return "\n".join((VIEWS / name).read_text("utf-8") for name in sheets)

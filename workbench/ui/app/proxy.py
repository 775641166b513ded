"""The app as a tile in JupyterLab's launcher, through jupyter-server-proxy."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

ICON = Path(__file__).parents[1] / "views" / "icon.svg"


def setup() -> dict[str, Any]:
    """Return what jupyter-server-proxy starts: the app on the bundles under its folder, behind Jupyter's own login."""
    base = "{base_url}audit-workbench"
    serve = ["serve", ".", "--port", "{port}", "--prefix", base, "--behind-proxy"]
    return {
        "command": [sys.executable, "-m", "workbench", *serve],
        "timeout": 60,
        "absolute_url": True,
        "launcher_entry": {"title": "Audit Workbench", "icon_path": str(ICON)},
    }

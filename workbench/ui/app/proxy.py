"""The app as a tile in JupyterLab's launcher, through jupyter-server-proxy."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

ICON = Path(__file__).parents[1] / "views" / "icon.svg"


def setup() -> dict[str, Any]:
    """Return what jupyter-server-proxy starts: the app on the bundles under `audits`, behind Jupyter's own login."""
    command = [
        sys.executable,
        "-m",
        "workbench",
        "serve",
        "audits",
        "--port",
        "{port}",
        "--prefix",
        "{base_url}audit-workbench",
    ]
    return {
        "command": command,
        "timeout": 60,
        "absolute_url": True,
        "launcher_entry": {"title": "Audit Workbench", "icon_path": str(ICON)},
    }

"""The reviewer's app: the bundles under a folder, read-only, on this computer."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def serve(folder: str | Path, *, port: int = 5006, prefix: str = "", show: bool = False, threaded: bool = False) -> Any:
    """Serve the app on the bundles under `folder` until stopped; it listens on the loopback address only."""
    from workbench.ui.app.pages import serve_pages

    return serve_pages(Path(folder), port=port, prefix=prefix, show=show, threaded=threaded)

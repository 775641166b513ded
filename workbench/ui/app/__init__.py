"""The reviewer's app: the bundles under a folder, read-only, on this computer."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def serve(
    folder: str | Path, *, port: int = 5006, prefix: str = "", behind_proxy: bool = False, address: str = "127.0.0.1"
) -> Any:
    """Serve the app on the bundles under `folder` until stopped; on this computer only, unless `address` says else.

    `behind_proxy` accepts pages of any address: only for a proxy in front that lets in nobody without a login.
    """
    from workbench.ui.app.pages import serve_pages

    return serve_pages(Path(folder), port=port, prefix=prefix, behind_proxy=behind_proxy, address=address)

"""An audit written as a notebook with its plan beside it, over nothing that somebody else wrote or changed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from workbench.audit.plan import Plan
from workbench.core.errors import ConfigError, shown
from workbench.core.writing import write_whole
from workbench.report.notebook import notebook_bytes, render_notebook

MARK = "workbench"
_HEAD = "# An audit, exported beside its notebook. "


def plan_beside(notebook: Path) -> Path:
    """Return the file of the plan that is written beside a notebook."""
    return notebook.with_suffix(".plan.yaml")


def write_export(path: str | Path, plan_in: Callable[[Path], Plan]) -> Path:
    """Write the notebook, the plan beside it, and return the notebook's file.

    `plan_in` takes the folder for data held in memory. ConfigError, and nothing is written, where a file or the folder
    is there already and was not written by an export, or was changed since.
    """
    file = Path(path).absolute()
    if file.suffix != ".ipynb" or not file.stem.strip("."):
        raise ConfigError(f"export: {shown(file.name)} is no notebook's name: end it in .ipynb.")
    folder = file.parent / f"{file.stem}_files"
    _refuse_foreign(file, folder)
    try:
        plan = plan_in(folder)
        notebook = render_notebook(plan.arguments(), title=plan.title)
        notebook.metadata[MARK] = {"exported": _digest(_sources(notebook))}
        text = plan.to_yaml()
        write_whole(plan_beside(file), f"{_HEAD}{_digest(text)}\n{text}".encode())
        write_whole(file, notebook_bytes(notebook))
    except OSError as error:
        raise ConfigError(f"export: {shown(path, 200)} cannot be written: {error.strerror}.") from None
    return file


def _refuse_foreign(file: Path, folder: Path) -> None:
    plan = plan_beside(file)
    for found, own in ((file, _is_own_notebook), (plan, _is_own_plan)):
        if found.is_symlink() or (found.exists() and not own(found)):
            raise ConfigError(
                f"export: {shown(found.name)} is there already, and no export wrote it as it is now: "
                "give another name, or move that file."
            )
    # Without a notebook or a plan of ours beside it, what is in the folder is somebody's.
    if folder.is_symlink() or (folder.exists() and not (file.exists() or plan.exists()) and _holds_something(folder)):
        raise ConfigError(f"export: {shown(folder.name)} is there already, and no export wrote it: give another name.")


def _holds_something(folder: Path) -> bool:
    return not folder.is_dir() or any(folder.iterdir())


def _is_own_notebook(file: Path) -> bool:
    try:
        notebook = json.loads(file.read_bytes())
        return bool(notebook["metadata"][MARK]["exported"] == _digest(_sources(notebook)))
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _is_own_plan(file: Path) -> bool:
    try:
        head, _, text = file.read_text("utf-8").partition("\n")
    except (OSError, ValueError):
        return False
    return head == f"{_HEAD}{_digest(text)}"


def _sources(notebook: Any) -> str:
    """Return what a notebook's cells say; outputs of a run are nobody's work."""
    sources = [cell["source"] for cell in notebook["cells"]]
    return "\n\n".join(s if isinstance(s, str) else "".join(s) for s in sources)


def _digest(text: str) -> str:
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()

"""An executed notebook without what differs from run to run or tells about the machine."""

from __future__ import annotations

import ast
import re
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nbformat import NotebookNode

HIDDEN = ("hide-input", "remove_input")
PATHS = ("data", "reference", "model", "policy", "output")
_CELL_FILE = re.compile(r"(?:/[\w.-]+)*/ipykernel_\d+/\d+\.py")


def normalise(notebook: NotebookNode, workdir: Path, run_id: str) -> None:
    """Hide inputs for real, drop times, ids and environment, and take machine paths out, in place."""
    parameters = _parameters(notebook)
    replacements = _replacements(workdir, parameters)
    notebook.metadata = type(notebook.metadata)(
        kernelspec={"display_name": "Python 3", "language": "python", "name": "python3"},
        language_info={"name": "python"},
    )
    for at, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{at:02d}"
        _clean_metadata(cell)
        for key in ("source", "outputs", "attachments"):
            if key in cell:
                cell[key] = _scrubbed(cell[key], replacements, run_id)


def _clean_metadata(cell: NotebookNode) -> None:
    tags = list(cell.metadata.get("tags", []))
    if cell.cell_type != "code":
        cell.metadata = type(cell.metadata)({"tags": tags} if tags else {})
        return
    tags += [tag for tag in HIDDEN if tag not in tags]
    cell.metadata = type(cell.metadata)(tags=tags, jupyter={"source_hidden": True})
    for output in cell.outputs:
        output.pop("transient", None)


def _parameters(notebook: NotebookNode) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for cell in notebook.cells:
        if {"parameters", "injected-parameters"} & set(cell.metadata.get("tags", [])):
            found |= literals(cell.source)
    return found


def literals(source: str) -> dict[str, Any]:
    """Return the names that a cell sets to literal values."""
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return {}
    found = {}
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            try:
                found[node.targets[0].id] = ast.literal_eval(node.value)
            except ValueError:
                continue
    return found


def _replacements(workdir: Path, parameters: dict[str, Any]) -> list[tuple[re.Pattern[str], str]]:
    folders = [str(workdir), str(workdir.resolve()), str(Path.cwd()), tempfile.gettempdir()]
    for name in PATHS:
        folders += _folders(parameters.get(name))
    pairs = [(f, "") for f in folders]
    pairs += [(sys.prefix, "python/"), (sys.base_prefix, "python/"), (str(Path.home()), "~/")]
    known = sorted({p for p in pairs if len(p[0]) > 1}, key=lambda p: -len(p[0]))
    return [(re.compile(rf"(?<![\w.~-]){re.escape(folder)}(?:/|(?![\w.-]))"), short) for folder, short in known]


def _folders(value: Any) -> Iterable[str]:
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, str) and "://" not in item and Path(item).is_absolute():
            yield str(Path(item).parent)


def _scrubbed(value: Any, replacements: list[tuple[re.Pattern[str], str]], run_id: str) -> Any:
    if isinstance(value, str):
        value = _CELL_FILE.sub("cell", value)
        for pattern, short in replacements:
            value = pattern.sub(short, value)
        return value.replace(run_id, "this run") if run_id else value
    if isinstance(value, dict):
        for key in value:
            value[key] = _scrubbed(value[key], replacements, run_id)
        return value
    if isinstance(value, list):
        return [_scrubbed(item, replacements, run_id) for item in value]
    return value

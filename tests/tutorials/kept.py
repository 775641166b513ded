"""The tutorials as they are kept in notebooks/: executed, without what only a live page needs.

`python -m tests.tutorials.kept` executes all of them and writes them anew; name some to write only those.
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import papermill

HOME = Path(__file__).parents[2] / "notebooks"
TUTORIALS = ("first_audit.ipynb", "bias_deep_dive.ipynb", "drift_over_time.ipynb")
WIDGET = "application/vnd.jupyter.widget-view+json"
TWIN = "(copy that needs no kernel)"
_DIGEST = re.compile(r"\b[0-9a-f]{12,64}\b")
_MARKUP = re.compile(r"<[^>]*>")


def execute(file: Path, folder: Path) -> Any:
    """Run every cell of a notebook by papermill, in a folder; return it as it would be kept."""
    done = folder / f"executed-{file.name}"
    papermill.execute_notebook(str(file), str(done), cwd=str(folder), kernel_name="python3", progress_bar=False)
    notebook = nbformat.read(done, as_version=4)
    done.unlink()
    return kept(notebook)


def kept(notebook: Any) -> Any:
    """Take away what tells of the run, and what shows nothing without a kernel: a widget, whose text stays.

    The copy under a widget goes as well: without the widget its text stands in the same place.
    """
    notebook.metadata = {"kernelspec": notebook.metadata.kernelspec, "language_info": {"name": "python"}}
    for cell in notebook.cells:
        cell.metadata = {}
        if cell.cell_type == "code":
            cell.outputs = [o for o in cell.outputs if TWIN not in _html(o)]
            for output in cell.outputs:
                output.get("data", {}).pop(WIDGET, None)
    return notebook


def _html(output: Any) -> str:
    return str(output.get("data", {}).get("text/html", ""))


def said(cell: Any) -> str:
    """Return what the outputs of a cell tell a reader, without markup; digests are masked."""
    return _DIGEST.sub("DIGEST", "\n".join(_parts(cell)))


def _parts(cell: Any) -> Iterator[str]:
    for output in cell.get("outputs", ()):
        yield _MARKUP.sub(" ", _html(output))
        yield output.get("data", {}).get("text/plain", "")
        yield output.get("text", "").rstrip()


def write(names: list[str]) -> None:
    """Execute tutorials and write them anew."""
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            nbformat.write(execute(HOME / name, Path(folder)), HOME / name)


if __name__ == "__main__":
    write(sys.argv[1:] or list(TUTORIALS))

"""Functions and files stay short enough to be read at one sitting."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]
MOST_LINES_OF_A_FUNCTION, MOST_LINES_OF_A_FILE = 60, 400
SOURCES = sorted(
    p for room in ("workbench", "tests") for kind in ("py", "js", "css") for p in (ROOT / room).rglob(f"*.{kind}")
)


def test_no_function_is_longer_than_sixty_lines() -> None:
    """Those of Python, its docstring and signature counted."""
    long = []
    for file in (f for f in SOURCES if f.suffix == ".py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or 0) - node.lineno + 1
                if lines > MOST_LINES_OF_A_FUNCTION:
                    long.append(f"{file.relative_to(ROOT)}: {node.name} has {lines} lines")
    assert len(SOURCES) > 400
    assert long == []


def test_no_file_is_longer_than_four_hundred_lines() -> None:
    """Code, tests and what a browser loads."""
    sizes = {str(f.relative_to(ROOT)): len(f.read_text("utf-8").splitlines()) for f in SOURCES}
    assert {name: n for name, n in sizes.items() if n > MOST_LINES_OF_A_FILE} == {}

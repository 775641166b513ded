"""The three tutorials: kept executed, true in every number they name, and the same when they are run again."""

from __future__ import annotations

import getpass
import math
import re
import shutil
from itertools import zip_longest
from pathlib import Path
from typing import Any

import nbformat
import pytest

import workbench as wb
from tests.tutorials.kept import HOME, TUTORIALS, TWIN, WIDGET, execute, said

MOST_BYTES = 300_000
NUMBER = re.compile(r"(?<![\w.])[-−]?\d[\d,\u202f\u00a0]*(?:\.\d+)?(?!\w)")
BOLD = re.compile(r"\*\*([-−]?\d[\d,]*(?:\.\d+)?)( %)?\*\*")
PLACE = re.compile(r"(?:^|[\s\"'(=])(/(?:home|root|tmp|Users|private|var|usr|opt|work)/[^\s<\"']*|[A-Z]:\\\\)")
MOMENT = re.compile(r"\b\d{1,2}:\d\d(:\d\d)?\b")
COLUMNS = {"released", "colour", "age", "checks", "employed"}


def opened(name: str) -> Any:
    return nbformat.read(HOME / name, as_version=4)


def code_cells(notebook: Any) -> list[Any]:
    return [c for c in notebook.cells if c.cell_type == "code"]


def numbers(text: str) -> list[float]:
    return [float(re.sub(r"[,\u202f\u00a0]", "", n).replace("−", "-")) for n in NUMBER.findall(text)]


every = pytest.mark.parametrize("name", TUTORIALS)


@every
def test_it_is_kept_executed_small_and_tells_nothing_of_a_machine(name: str) -> None:
    notebook, text = opened(name), (HOME / name).read_text("utf-8")
    nbformat.validate(notebook)
    assert len(text.encode()) < MOST_BYTES
    cells = code_cells(notebook)
    assert [c.execution_count for c in cells] == list(range(1, len(cells) + 1)), "not run once, from top to bottom"
    kinds = [o.get("name", o.output_type) for c in cells for o in c.outputs]
    assert not {"error", "stderr"} & set(kinds)
    assert max(len(line) for c in cells for line in c.source.splitlines()) <= 100, "JupyterLab cuts longer lines off"
    assert WIDGET not in text
    assert TWIN not in text
    for cell in cells:
        for output in cell.outputs:
            told = said({"outputs": [output]})
            assert not PLACE.findall(told)
            assert not MOMENT.findall(told)
    if len(user := getpass.getuser()) > 4:  # a shorter name is a part of words
        assert user not in text


@every
def test_a_reader_without_a_kernel_sees_the_verdict_and_its_numbers(name: str) -> None:
    pages = [o.data.get("text/html", "") for c in code_cells(opened(name)) for o in c.outputs if "data" in o]
    assert any("digest" in p and re.search("FAIL|INCOMPLETE|PASS|WARN", p) and len(numbers(p)) > 20 for p in pages)


@every
def test_the_first_cell_says_how_to_run_it(name: str) -> None:
    first = opened(name).cells[0].source.split("\n\n")
    assert first[0].startswith("# ")
    assert "`make lab`" in first[1]
    assert len(first[1].splitlines()) == 2


@every
def test_no_rows_of_the_data_are_in_it_beyond_the_first_five_of_the_first(name: str) -> None:
    tables = [
        o.data["text/html"] for c in code_cells(opened(name)) for o in c.outputs if "text/html" in o.get("data", {})
    ]
    of_rows = [t for t in tables if {c for c in COLUMNS if f"<th>{c}</th>" in t} == COLUMNS]
    assert len(of_rows) == (name == "first_audit.ipynb")
    assert all(t.count("<tr") == 6 for t in of_rows)


@every
def test_each_bold_number_is_in_the_output_above_it(name: str) -> None:
    last, read = "", 0
    for cell in opened(name).cells:
        if cell.cell_type == "code":
            last = said(cell)
            continue
        for digits, percent in BOLD.findall(cell.source):
            read += 1
            assert is_told(digits, bool(percent), numbers(last)), f"{digits}{percent} is not in the output above"
    assert read >= 4


def is_told(digits: str, percent: bool, told: list[float]) -> bool:
    """Say whether a number, rounded as it is written, is one of those told; a share may be written in hundredths."""
    value = float(digits.replace(",", "").replace("−", "-"))
    decimals = len(digits.partition(".")[2])
    scales = (100.0,) if percent else (1.0, 100.0)
    near = 0.5001 * 10.0**-decimals
    return any(abs(abs(t) * s - abs(value)) <= near for t in told for s in scales) or (percent and value in told)


@every
def test_what_it_names_is_there(name: str) -> None:
    text = "\n".join(c.source for c in opened(name).cells)
    links = re.findall(r"\]\(([^)]+)\)", text)
    assert links
    for link in links:
        assert (HOME / link).is_file(), link
    known = {c["id"] for c in wb.list_checks()}
    families = {i.split(".")[0] for i in known}
    named = {i for i in re.findall(r"[`\"]([a-z]+\.[a-z_]+)[`\"]", text) if i.split(".")[0] in families}
    assert named <= known
    assert set(re.findall(r"\bwb\.(\w+)", text)) <= set(wb.__all__)
    assert set(re.findall(r"(?:from|import) (workbench[\w.]*)", text)) == {"workbench"}  # the public door, and the demo


@pytest.mark.notebook
@pytest.mark.parametrize("name", [TUTORIALS[0], *(pytest.param(n, marks=pytest.mark.slow) for n in TUTORIALS[1:])])
def test_it_runs_again_and_tells_the_same(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run by papermill in a copy of its folder, it tells what is kept, and leaves nothing behind."""
    places = {n: tmp_path / n for n in ("notebooks", "home", "temporary", "jupyter")}
    shutil.copytree(HOME, places["notebooks"])
    for n in ("home", "temporary"):
        places[n].mkdir()
    monkeypatch.setenv("HOME", str(places["home"]))
    monkeypatch.setenv("TMPDIR", str(places["temporary"]))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    for variable in ("JUPYTER_RUNTIME_DIR", "JUPYTER_DATA_DIR", "JUPYTER_CONFIG_DIR", "IPYTHONDIR", "MPLCONFIGDIR"):
        monkeypatch.setenv(variable, str(places["jupyter"]))
    before = listed(places["notebooks"])
    again = execute(places["notebooks"] / name, places["notebooks"])
    for at, (mine, now) in enumerate(zip_longest(code_cells(opened(name)), code_cells(again))):
        assert alike(said(mine), said(now)), (
            f"cell {at + 1} tells something else now; `python -m tests.tutorials.kept {name}` writes it anew:\n"
            f"kept:\n{said(mine)[-3000:]}\nnow:\n{said(now)[-3000:]}"
        )
    assert listed(places["notebooks"]) == before
    assert listed(places["home"]) == []
    assert listed(places["temporary"]) == []


def listed(folder: Path) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def alike(one: str, two: str) -> bool:
    """Say whether two texts are the same, but for the last digit of fractions: other processors round otherwise."""
    if NUMBER.sub("0", one).split() != NUMBER.sub("0", two).split():
        return False
    pairs = zip_longest(NUMBER.findall(one), NUMBER.findall(two))
    return all(a == b or last_digit_only(a, b) for a, b in pairs)


def last_digit_only(a: str, b: str) -> bool:
    decimals = len(a.partition(".")[2])
    values = [numbers(t) for t in (a, b)]
    return decimals > 0 and all(values) and math.isclose(*(v[0] for v in values), abs_tol=1.01 * 10.0**-decimals)


@pytest.mark.parametrize(
    ("digits", "percent", "told", "holds"),
    [
        ("44.7", True, [0.446970], True),
        ("44.6", True, [0.446970], False),
        ("−3.8", False, [-0.0384], True),
        ("892", False, [892.0], True),
        ("90", True, [0.904], True),
        ("82.5", True, [82.5], True),
        ("40.0", False, [0.4001], True),
        ("40.1", False, [0.4001], False),
    ],
)
def test_numbers_are_compared_as_written(digits: str, percent: bool, told: list[float], holds: bool) -> None:
    assert is_told(digits, percent, told) == holds


def test_two_texts_are_alike_only_with_the_same_words_and_numbers() -> None:
    assert alike("FAIL 0.447 of 1,488", "FAIL  0.448 of 1,488")
    assert not alike("FAIL 0.447", "PASS 0.447")
    assert not alike("0.447", "0.449")
    assert not alike("396 rows", "397 rows")

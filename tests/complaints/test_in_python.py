"""Complaints that are seen in plain Python: dependencies, side effects, hostile names, groups of one row."""

from __future__ import annotations

import csv
import decimal
import io
import locale
import os
import random
import re
import sys
import time
import tomllib
import warnings
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from packaging.requirements import Requirement

import workbench as wb
from tests.complaints.data import IMG, hostile, loans
from workbench.audit.record import Record
from workbench.core.errors import DataError
from workbench.report.exports import measures_csv, measures_excel
from workbench.report.html import render_html
from workbench.report.static import section, static_html, static_text
from workbench.ui.session import Session

ROOT = Path(__file__).parents[2]

# ---------------------------------------------------------------------------- 13

CAPS = {  # what may not be newer, and why: written where it is declared
    "pandas": "ydata-profiling ends at pandas 2",
    "setuptools": "ydata-profiling imports pkg_resources",
    "faststream": "0.x",
}


def test_13_we_cap_nothing_without_a_written_reason() -> None:
    """No requirement of ours ends below a version, but for three; each begins at one, the lock's or an earlier.

    That whole sets of lowest, locked and newest versions work is for the pipeline's environments, not for a unit test.
    """
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    project = tomllib.loads(text)["project"]
    lines = [*project["dependencies"], *(r for extra in project["optional-dependencies"].values() for r in extra)]
    wanted = [r for r in map(Requirement, lines) if r.name != project["name"]]
    capped = {r.name for r in wanted if any(s.operator in ("<", "<=", "==", "~=", "!=") for s in r.specifier)}
    assert capped == set(CAPS)
    for name in capped - {"faststream"}:
        assert re.search(rf'"{name}[^"]*<[^"]*",? *#? *.*ydata', text) or f"ends at {name}" in text, name
    assert [str(r) for r in wanted if not any(s.operator == ">=" for s in r.specifier)] == []
    locked = {
        m[1]: m[2] for m in re.finditer(r"^([a-z0-9-]+)==([^\s;]+)", (ROOT / "requirements.lock").read_text(), re.M)
    }
    below = [str(r) for r in wanted if r.name in locked and not r.specifier.contains(locked[r.name], prereleases=True)]
    assert below == []


def test_13_one_file_knows_the_package_that_conflicts_most(monkeypatch: pytest.MonkeyPatch) -> None:
    """ydata-profiling is imported in one file, by either of its names; without it every other check runs."""
    named = re.compile(r"^\s*(?:import|from) (?:y|fg_)?data_profiling|import_module\(.*profiling", re.MULTILINE)
    files = {
        p.relative_to(ROOT).as_posix() for p in (ROOT / "workbench").rglob("*.py") if named.search(p.read_text("utf-8"))
    }
    assert files <= {"workbench/core/ydata_worker.py"}
    for name in ("ydata_profiling", "data_profiling"):
        monkeypatch.setitem(sys.modules, name, None)
    record = wb.Audit(loans(), target="y", score="score", checks=["quality.missing", "quality.profile"]).run()
    assert {str(f.status) for f in record.findings} == {"measured"}


# ---------------------------------------------------------------------------- 20


def surroundings() -> dict[str, Any]:
    """Return what a library may not change behind its user's back."""
    import matplotlib as mpl
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell.instance()
    shown = pd._config.config._global_config
    return {
        "rcParams": dict(mpl.rcParams), "backend": mpl.rcParams._get("backend"), "pandas": repr(shown),
        "random": random.getstate(), "numpy": [repr(part) for part in np.random.get_state()], "errors": np.geterr(),  # noqa: NPY002
        "print": np.get_printoptions(), "warnings": list(warnings.filters), "showwarning": warnings.showwarning,
        "decimal": repr(decimal.getcontext()), "locale": locale.setlocale(locale.LC_ALL), "cwd": os.getcwd(),
        "environment": dict(os.environ), "hooks": (sys.displayhook, sys.excepthook, sys.settrace),
        "shown": (pd.DataFrame._repr_html_, pd.DataFrame.__repr__, pd.Series.__repr__),
        "formatters": {k: set(f.type_printers) for k, f in shell.display_formatter.formatters.items()},
    }  # fmt: skip


def everything(data: pd.DataFrame, folder: Path) -> None:
    """Audit with a model and samples, session, report, sections, exports."""
    from sklearn.linear_model import LogisticRegression

    reference = loans(seed=6)
    model = LogisticRegression().fit(reference[["income"]], reference["y"])
    checks = ["quality.missing", "quality.profile", "drift.numeric", "drift.domain_classifier", "bias.group_rates",
              "performance.classification", "explain.permutation_importance", "explain.shap"]  # fmt: skip
    audit = wb.Audit(data, reference=reference, model=model, target="y", sensitive="sex", id="id", ignore="note",
                     checks=checks)  # fmt: skip
    record = audit.run()
    assert {str(f.status) for f in record.findings} == {"measured"}, [f.reason for f in record.findings]
    session = Session(audit)
    session.state(), session.static()
    session.close()
    render_html(record), static_text(record), repr(audit)
    for family in ("bias", "drift", "quality", "performance"):
        section(record, family)._repr_mimebundle_()
    measures_csv(record), measures_excel(record), record.to_frame()
    audit.export(folder / "a.ipynb")


@pytest.mark.slow
def test_20_nothing_around_an_audit_changes(tmp_path: Path) -> None:
    """Settings of matplotlib, pandas, NumPy and Python, random state, filters of warnings and display stay."""
    data = loans()
    everything(data, tmp_path)  # what libraries set as they are first imported is theirs
    random.seed(11)
    np.random.seed(12)  # noqa: NPY002 (the old state is what others may rely on)
    before, columns, frame = surroundings(), list(data.columns), data.copy()
    everything(data, tmp_path)
    after = surroundings()
    assert {name for name, value in before.items() if repr(value) != repr(after[name])} == set()
    assert list(data.columns) == columns
    pd.testing.assert_frame_equal(data, frame)


# ---------------------------------------------------------------------------- 21


class Live(HTMLParser):
    """What in a page would act: scripts, handlers, foreign links, elements that load."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("script", "iframe", "object", "embed", "form", "input", "base", "svg", "link"):
            self.found.append(tag)
        for name, value in attrs:
            outside = name in ("src", "href") and not (value or "").startswith(("data:image/", "#"))
            if name.startswith("on") or outside:
                self.found.append(f"{tag} {name}")


@pytest.fixture(scope="module")
def audited() -> Record:
    """Return the record of an audit of hostile names and categories."""
    data = hostile()
    group = "group" + IMG
    record = wb.Audit(
        data, reference=hostile(), target="y", score="score", sensitive=[group], title="=1+1 " + IMG
    ).run()
    assert not [f.reason for f in record.findings if str(f.status) == "error"]
    return record


def test_21_hostile_names_are_text_in_every_file(audited: Record) -> None:
    """`$$`, markup, none, a number, right to left, 10 kB, NUL: text in HTML, nothing that a table program would run."""
    import openpyxl

    pages = [
        render_html(audited),
        static_html(audited),
        *(section(audited, f).html for f in ("bias", "drift", "quality")),
    ]
    for page in pages:
        assert Live(page).found == []
        assert "\x00" not in page
    assert "&lt;img src=x onerror" in pages[0]
    assert "long " * 50 not in pages[0]
    table = list(csv.reader(io.StringIO(measures_csv(audited).decode("utf-8-sig"), newline="")))
    assert len(table) > 200
    live = [c for row in table for c in row if re.match(r"\s*[=+@]|\s*-[^\d]", c)]
    assert live == []
    book = openpyxl.load_workbook(io.BytesIO(measures_excel(audited)))
    cells = [c for sheet in book for row in sheet.iter_rows() for c in row]
    assert len(cells) > 1000
    assert not [c.coordinate for c in cells if c.data_type == "f" or c.hyperlink]


def test_21_two_columns_of_one_name_are_refused_in_words() -> None:
    """Which of them is meant cannot be told."""
    data = pd.DataFrame([[1, 2], [3, 4]], columns=["age", "age"])
    with pytest.raises(DataError, match="age"):
        wb.Audit(data)


# ---------------------------------------------------------------------------- 22


def test_22_one_row_drives_no_verdict(tmp_path: Path) -> None:
    """A group of one person, whose rate is 0 or 100 %: hidden wherever people look, and no rule rests on it."""
    data = loans(400)
    data["score"] = np.where(np.arange(400) % 2, 0.9, 0.1)
    data.loc[0, ["sex", "score", "y"]] = ["Unique", 0.01, 1]
    rules = [
        {"id": "gap", "check": "bias.group_rates", "measure": "selection_rate_difference", "column": "*",
         "operator": "<=", "limit": 0.3},
        {"id": "own", "check": "bias.group_rates", "measure": "selection_rate", "group": "sex=Unique",
         "operator": ">=", "limit": 0.2},
    ]  # fmt: skip
    options = {"target": "y", "score": "score", "sensitive": "sex", "checks": ["bias.group_rates"]}
    record = wb.Audit(data, **options, policy={"rules": rules}).run()
    judged = {j.rule: j for j in record.verdict.judgements}
    assert judged["own"].outcome == "cannot_tell"
    assert judged["gap"].outcome in ("pass", "cannot_tell")  # with the one row in it, the gap would be 0.5
    assert judged["gap"].n == 399
    assert record.verdict.outcome != "fail"
    shown = record.to_frame()
    small = shown[shown.group == "sex=Unique"]
    assert len(small)
    assert small.value.isna().all()
    for page in (render_html(record), static_html(record)):
        (row, *_) = re.findall(r"<tr[^>]*>(?:(?!</tr>).)*Unique.*?</tr>", page, re.DOTALL) or [""]
        assert "<data" not in row or "n &lt; 10" in row
    alone = wb.Audit(data.assign(sex=["a"] + ["b"] * 399), **options, policy={"rules": rules[:1]}).run()
    assert [j.outcome for j in alone.verdict.judgements] == ["cannot_tell"]
    assert alone.verdict.outcome == "incomplete"


# ---------------------------------------------------------------------------- 3


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_03_a_report_of_150_columns_is_small(tmp_path: Path, measured: Callable[[str], None]) -> None:
    """200,000 rows x 150 columns with a reference: the report has 5 MB at most, and says what it left out."""
    rng = np.random.default_rng(2)
    rows = 200_000
    data = {f"number {i}": rng.normal(size=rows) for i in range(110)}
    data |= {f"word {i}": rng.choice([f"value {k}" for k in range(30)], rows) for i in range(36)}
    frame = pd.DataFrame({**data, "sex": rng.choice(["F", "M"], rows), "area": rng.choice(list("abcdefgh"), rows),
                          "score": rng.random(rows).round(4), "y": rng.integers(0, 2, rows)})  # fmt: skip
    frame.to_parquet(tmp_path / "d.parquet")
    frame.sample(frac=0.5, random_state=1).to_parquet(tmp_path / "r.parquet")
    begun = time.perf_counter()
    audit = wb.Audit(tmp_path / "d.parquet", reference=tmp_path / "r.parquet", target="y", score="score",
                     sensitive=["sex", "area"], title="Wide")  # fmt: skip
    record = audit.run()
    seconds = time.perf_counter() - begun
    page = render_html(record).encode()
    measured(f"200,000 x 150: audit {seconds:.0f} s, report {len(page) / 1e6:.2f} MB")
    assert frame.shape == (200_000, 150)
    assert len(page) <= 5_000_000
    assert b"record.json" in page
    assert len(static_html(record).encode()) <= 64_000
    if folder := os.environ.get("KEEP_WIDE_REPORT"):
        (Path(folder) / "wide.html").write_bytes(page)

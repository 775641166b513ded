"""An export gives the digest on screen, names its plan, and writes over nothing that is somebody else's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pandas as pd
import pytest

import workbench as wb
from workbench.audit.plan import load_plan
from workbench.core.errors import ConfigError
from workbench.report.execute import execute_notebook

RNG = np.random.default_rng(6)
DATA = pd.DataFrame({"sex": RNG.choice(["F", "M"], 300), "score": RNG.random(300).round(3), "y": [0, 1, 1] * 100})


def audit(**more: Any) -> wb.Audit:
    """Return a small audit of data in memory."""
    return wb.Audit(DATA, target="y", score="score", sensitive="sex", checks=["bias.group_rates"], **more)


def test_notebook_and_plan_repeat_the_audit(tmp_path: Path) -> None:
    """Filter, threshold and note included: both give the digest, and the same note."""
    found = audit().where({"sex": "F"}).edited(threshold=0.7)
    digest = found.run().digest
    found.note("bias.group_rates", "Seen.")
    written = found.export(tmp_path / "audit.ipynb")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["audit.ipynb", "audit.plan.yaml", "audit_files"]
    again = wb.Audit.from_plan(load_plan(tmp_path / "audit.plan.yaml"))
    assert again.run().digest == digest
    assert again.notes == found.notes
    execute_notebook(nbformat.read(written, as_version=4), tmp_path / "run")
    record = wb.Record.from_json((tmp_path / "run" / "record.json").read_bytes())
    assert record.digest == digest
    assert "Seen." in (tmp_path / "run" / "audit.ipynb").read_text("utf-8")


def test_it_writes_over_its_own_and_nothing_else(tmp_path: Path) -> None:
    """Again, and after the notebook was run; not over what was changed, linked, or written by others."""
    file = tmp_path / "audit.ipynb"
    found = audit()
    found.export(file)
    notebook = nbformat.read(file, as_version=4)
    notebook.cells[1]["outputs"] = [nbformat.v4.new_output("stream", text="ran")]
    nbformat.write(notebook, file)
    found.export(file)
    assert not nbformat.read(file, as_version=4).cells[1].outputs
    changed = nbformat.read(file, as_version=4)
    changed.cells[-1]["source"] += "\n# my own work"
    nbformat.write(changed, file)
    before = file.read_bytes()
    with pytest.raises(ConfigError, match=r"'audit\.ipynb' is there already"):
        found.export(file)
    assert file.read_bytes() == before
    file.unlink()
    plan = tmp_path / "audit.plan.yaml"
    plan.write_text(plan.read_text("utf-8") + "seed: 3\n", "utf-8")
    with pytest.raises(ConfigError, match=r"'audit\.plan\.yaml' is there already"):
        found.export(file)
    assert not file.exists()


@pytest.mark.parametrize("what", ["text", "notebook", "link", "folder"])
def test_what_others_wrote_stays(tmp_path: Path, what: str) -> None:
    """A text, a notebook of another maker, a link to elsewhere, a folder of data."""
    place, elsewhere = tmp_path / "here", tmp_path / "elsewhere"
    place.mkdir()
    file = place / "audit.ipynb"
    elsewhere.write_text("precious", "utf-8")
    if what == "text":
        file.write_text("precious", "utf-8")
    elif what == "notebook":
        nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("precious = 1")]), file)
    elif what == "link":
        file.symlink_to(elsewhere)
    else:
        (place / "audit_files").mkdir()
        (place / "audit_files" / "current.parquet").write_text("precious", "utf-8")
    with pytest.raises(ConfigError, match="is there already"):
        audit().export(file)
    assert elsewhere.read_text("utf-8") == "precious"
    kept = place / "audit_files" / "current.parquet" if what == "folder" else file
    assert b"precious" in kept.read_bytes()
    assert [p.name for p in place.iterdir()] == ["audit_files" if what == "folder" else "audit.ipynb"]

import json
import time
from pathlib import Path

import nbformat
import pytest

from tests.report.records import IMG, record
from workbench.audit.plan import OPERATIONS, Plan
from workbench.core.check import all_checks
from workbench.core.errors import ConfigError, IncompleteError
from workbench.report import notebook as nb
from workbench.report.check_numbers import numbers_differ
from workbench.report.execute import IncompleteNotebookError, execute_notebook, unproved
from workbench.report.normalise import literals

ROOT = Path(__file__).parents[2]
LOAD = """from pathlib import Path
from workbench.audit.record import Record
record = Record.from_json(Path(data).read_bytes())"""
FINISH = "nb.finish(record, output=output, run_id=run_id)"


def code(source, *tags):
    return nbformat.v4.new_code_cell(source, metadata={"tags": list(tags)} if tags else {})


def tiny(data, *sources):
    """A notebook with our first and last cells and a record from a file between them."""
    first = code(nb.parameters_source({"data": str(data)}), "parameters")
    guard = code("from workbench.report import notebook as nb\nnb.reject_unknown(globals())")
    return nbformat.v4.new_notebook(cells=[first, guard, code(LOAD), *(code(s) for s in sources)])


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "in" / "saved.json"
    path.parent.mkdir()
    path.write_bytes(record().to_json())
    return path


def test_the_notebook_in_the_repository_is_the_packaged_one():
    kept = nbformat.read(ROOT / "notebooks" / "audit.ipynb", as_version=4)
    assert kept == nb.render_notebook(None)
    nbformat.validate(kept)
    assert not any(c.get("outputs") for c in kept.cells)


def test_every_family_of_checks_has_its_section():
    """What an audit measures is shown by its notebook."""
    source = "\n".join(cell.source for cell in nb.render_notebook(None).cells)
    families = {id.split(".")[0] for id in all_checks()}
    assert {f for f in families if f'nb.section(record, "{f}")' not in source} == set()


def test_the_parameters_are_the_plans_fields():
    assert set(nb.PARAMETERS) == (set(Plan.model_fields) - set(OPERATIONS)) | {"output", "run_id"}
    assert set(nb.default_parameters()) == set(nb.PARAMETERS)


def test_a_plan_fills_the_first_cell():
    plan = {
        "data": ["a.csv", "b.csv"],
        "sensitive": ["race", IMG],
        "checks": {"drift.numeric": {"bins": 3}},
        "title": '"""',
    }
    found = nb.render_notebook(plan)
    cell = next(c for c in found.cells if "parameters" in c.metadata.get("tags", []))
    values = literals(cell.source)
    assert list(values) == list(nb.PARAMETERS)
    assert {k: values[k] for k in plan} == plan
    assert not any(IMG in c.source for c in found.cells if c.cell_type == "markdown")


@pytest.mark.parametrize("name", ["nope", "sensitve", "x=1;import os", "a\nb", "", "__import__", "data ", 3])
def test_other_parameter_names_are_refused_before_a_kernel_starts(name, tmp_path):
    with pytest.raises(ConfigError):
        nb.render_notebook({name: 1})
    started = time.monotonic()
    with pytest.raises(ConfigError):
        execute_notebook(nb.render_notebook(None), tmp_path, parameters={name: 1})
    assert time.monotonic() - started < 1
    assert not list(tmp_path.iterdir())


def test_near_matches_are_named():
    with pytest.raises(ConfigError, match="sensitive"):
        nb.check_names({"sensitve": 1})


def test_values_that_are_no_literals_are_refused():
    with pytest.raises(ConfigError, match="data"):
        nb.render_notebook({"data": object()})


def test_unknown_names_are_rejected_in_the_notebook():
    fresh = {"In": ["", "data = 1", "# Parameters\ndat = 2\n", "reject"], "data": 1, "dat": 2, "_i": 0, "exit": None}
    with pytest.raises(ConfigError, match="dat"):
        nb.reject_unknown(fresh)
    used = {"In": ["", *["x"] * 9], "my_frame": 1}
    nb.reject_unknown(used)
    used["In"].append("# Parameters\nmy_frame = 2")
    with pytest.raises(ConfigError, match="my_frame"):
        nb.reject_unknown(used)


def test_arguments_are_those_that_were_set():
    names = {**nb.default_parameters(), "data": "a.csv", "sensitive": "race", "null_values": ["?"], "output": "x"}
    assert nb.arguments(names) == {"data": "a.csv", "sensitive": ["race"], "null_values": ["?"]}
    with pytest.raises(ConfigError, match="no data"):
        nb.arguments(nb.default_parameters())


def test_a_file_is_written_whole_or_not_at_all(tmp_path):
    nb.finish(record(), output=str(tmp_path))
    assert [p.name for p in tmp_path.iterdir()] == ["record.json"]
    assert (tmp_path / "record.json").read_bytes() == record().to_json()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda cell: cell.update(execution_count=None), "never ran"),
        (lambda cell: cell.update(outputs=[]), "does not say"),
        (lambda cell: cell.outputs[0]["data"][nb.SENTINEL].update(run="other"), "another run"),
        (lambda cell: cell.outputs[0]["data"][nb.SENTINEL].update(digest="sha256:0"), "not the one"),
        (lambda cell: cell.outputs.append(nbformat.v4.new_output("error", ename="E", evalue="x")), "raised E"),
        (lambda cell: None, ""),
    ],
)
def test_only_our_sentinel_proves_a_run(change, reason):
    cell = code("finish()")
    sentinel = {nb.SENTINEL: {"run": "r", "digest": "sha256:1"}}
    cell.update(execution_count=1, outputs=[nbformat.v4.new_output("execute_result", sentinel, execution_count=1)])
    change(cell)
    found = unproved(nbformat.v4.new_notebook(cells=[cell]), "r", "sha256:1")
    assert reason in found
    assert bool(found) == bool(reason)


@pytest.mark.notebook
def test_a_run_is_proved_and_the_same_each_time(saved, tmp_path, monkeypatch):
    monkeypatch.chdir(saved.parent)
    tell = """import json, os
for i in range(2):
    open(os.environ['WORKBENCH_PROGRESS'], 'a').write(json.dumps({'step': i}) + chr(10))"""
    source = tiny(saved, tell, "nb.verdict(record)", "nb.section(record, 'bias')", f"print({str(tmp_path)!r})", FINISH)
    told, results = [], []
    for name in ("{a}", "b c"):
        path = execute_notebook(source, tmp_path / name, on_progress=told.append)
        results.append(path.read_bytes())
        assert (tmp_path / name / "record.json").read_bytes() == record().to_json()
        assert {p.name for p in (tmp_path / name).iterdir()} == {"record.json", "audit.ipynb"}
    assert results[0] == results[1]
    assert [p.name for p in Path.cwd().iterdir()] == ["saved.json"]  # nothing is left where it was started
    assert {"step": 1} in told
    found = nbformat.reads(results[0].decode(), as_version=4)
    nbformat.validate(found)
    for private in (str(tmp_path), str(Path.home()), str(saved.parent)):
        assert private not in results[0].decode()
    for cell in found.cells:
        assert cell.metadata.jupyter.source_hidden
        assert {"hide-input", "remove_input"} <= set(cell.metadata.tags)
    pages = [o.data["text/html"] for c in found.cells for o in c.outputs if "text/html" in o.get("data", {})]
    assert len(pages) == 2
    assert all(numbers_differ(page, record()) == [] for page in pages)


@pytest.mark.notebook
@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        (("raise KeyError('broken')", FINISH), "KeyError"),
        (("import sys; sys.exit(0)", FINISH), "SystemExit|never ran"),
        (("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", FINISH), "kernel died"),
        (("1",), "does not say"),
    ],
)
def test_whatever_does_not_end_well_is_incomplete(saved, tmp_path, cells, reason):
    with pytest.raises(IncompleteNotebookError, match=reason) as caught:
        execute_notebook(tiny(saved, *cells), tmp_path / "out")
    assert isinstance(caught.value, IncompleteError)
    assert caught.value.exit_code == 3
    partial = nbformat.read(caught.value.notebook, as_version=4)
    nbformat.validate(partial)
    assert "INCOMPLETE" in partial.cells[0].source
    assert not (tmp_path / "out" / "audit.ipynb").exists()


@pytest.mark.notebook
def test_a_run_that_takes_too_long_is_stopped_with_its_kernel(saved, tmp_path):
    pid = tmp_path / "pid"
    sleep = f"import os, time, pathlib; pathlib.Path({str(pid)!r}).write_text(str(os.getpid())); time.sleep(120)"
    with pytest.raises(IncompleteNotebookError, match="longer than 12"):
        execute_notebook(tiny(saved, sleep, FINISH), tmp_path / "out", timeout=12)
    assert pid.exists()
    for _ in range(50):
        if not Path(f"/proc/{pid.read_text()}").exists():
            break
        time.sleep(0.1)
    assert not Path(f"/proc/{pid.read_text()}").exists()


@pytest.mark.notebook
def test_the_packaged_notebook_audits_a_file(tmp_path, monkeypatch):
    rows = [f"{'ab'[i % 2]},{i % 5},{int(i % 3 == 0)}" for i in range(200)]
    (tmp_path / "data.csv").write_text("\n".join(["group,x,chosen", *rows]))
    monkeypatch.chdir(tmp_path)
    plan = {"data": "data.csv", "prediction": "chosen", "sensitive": ["group"]}
    told = []
    path = execute_notebook(nb.render_notebook(plan), tmp_path / "out", on_progress=told.append)
    found = nbformat.read(path, as_version=4)
    assert (
        json.loads((tmp_path / "out" / "record.json").read_text())["digest"]
        in found.cells[-1].outputs[0].data["text/plain"]
    )
    assert told

"""Scaffolded files: all or none, over nothing that is there, whatever the names; they parse and hold together."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import signal
import subprocess
from pathlib import Path

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tests.servers import wait_until
from workbench.core.errors import ConfigError
from workbench.scaffold import KINDS, write_scaffold
from workbench.scaffold.files import PLAN, TITLE

EXPECTED = {
    "gitlab": {".gitlab-ci.yml"},
    "jenkins": {"Jenkinsfile"},
    "github": {".github/workflows/audit.yml"},
    "docker": {"Dockerfile", ".dockerignore", "compose.yaml"},
    "kubernetes": {
        "chart/.helmignore",
        "chart/Chart.yaml",
        "chart/values.yaml",
        "chart/values.schema.json",
        "chart/templates/NOTES.txt",
        "chart/templates/_helpers.tpl",
        "chart/templates/app.yaml",
        "chart/templates/audit.yaml",
        "chart/templates/data.yaml",
        "chart/templates/serviceaccount.yaml",
    },
    "airflow": {"dags/audit_dag.py"},
    "cron": {"audit.sh", "audit.crontab", "audit.service", "audit.timer"},
    "prometheus": {"workbench-rules.yml"},
}


def found(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_writes_its_files(tmp_path: Path, kind: str) -> None:
    """Every mark is filled in, the plan is named, and what is returned is what is there."""
    written = write_scaffold(kind, tmp_path / "new", plan="plans/credit-2.yaml", title="Credit (2024), monthly")
    files = found(tmp_path / "new")
    assert set(files) == EXPECTED[kind] == {str(p.relative_to(tmp_path / "new")) for p in written}
    text = b"\n".join(files.values()).decode()
    assert "plans/credit-2.yaml" in text
    assert "Credit (2024), monthly" in text
    assert not re.search(r"@[A-Z]+@", text)
    assert all(content.endswith(b"\n") and b"\t" not in content and b"\r" not in content for content in files.values())


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_overwritten(tmp_path: Path, kind: str) -> None:
    """Whichever of the files exists, as a file, a folder or a broken link: it is named, and nothing changes."""
    for name in sorted(EXPECTED[kind]):
        for make in ("file", "folder", "link"):
            place = tmp_path / name.replace("/", "_") / make
            path = place / name
            path.parent.mkdir(parents=True)
            if make == "file":
                path.write_text("mine")
            elif make == "folder":
                path.mkdir()
            else:
                path.symlink_to("nowhere")
            before = sorted(place.rglob("*")), found(place)
            with pytest.raises(ConfigError, match=re.escape(Path(name).name)) as told:
                write_scaffold(kind, place)
            assert "nothing was written" in str(told.value)
            assert (sorted(place.rglob("*")), found(place)) == before


def test_a_file_in_the_place_of_a_folder_leaves_nothing(tmp_path: Path) -> None:
    """Where a folder cannot be made, what was written before is taken back."""
    (tmp_path / "chart").mkdir()
    (tmp_path / "chart" / "templates").write_text("mine")
    with pytest.raises(ConfigError, match="cannot be written"):
        write_scaffold("kubernetes", tmp_path)
    assert found(tmp_path) == {"chart/templates": b"mine"}


def test_unknown_kind(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="Did you mean 'gitlab'"):
        write_scaffold("gitlb", tmp_path)
    assert not found(tmp_path)


HOSTILE = [
    "",
    ".",
    "..",
    "../plan.yaml",
    "a/../b.yaml",
    "/etc/plan.yaml",
    "-o.yaml",
    "a/-o.yaml",
    ".hidden.yaml",
    "a//b.yaml",
    "a/",
    "plan.yaml\n",
    "plan.yaml\nscript: [evil]",
    'plan.yaml"',
    "plan'.yaml",
    "plan yaml",
    "$(id).yaml",
    "`id`.yaml",
    "${{ secrets.X }}",
    "${evil}",
    "{{ evil }}",
    "plan;id",
    "plan&id",
    "plan|id",
    "plan\\x",
    "a:b",
    "a#b",
    "a%b",
    "@TITLE@",
    "plän.yaml",
    "plan\u202e.yaml",
    "plan\x00",
]


@pytest.mark.parametrize("plan", HOSTILE)
def test_hostile_plans_are_refused(tmp_path: Path, plan: str) -> None:
    for kind in KINDS:
        with pytest.raises(ConfigError, match="expected a relative path"):
            write_scaffold(kind, tmp_path, plan=plan)
    assert not found(tmp_path)


@pytest.mark.parametrize(
    "title", ["", " ", "a\nb", 'a"b', "a'b", "a:b", "$x", "{{x}}", "*/ evil", "a\\", "x" * 81, "a%b", "#"]
)
def test_hostile_titles_are_refused(tmp_path: Path, title: str) -> None:
    for kind in KINDS:
        with pytest.raises(ConfigError, match="title"):
            write_scaffold(kind, tmp_path, title=title)
    assert not found(tmp_path)


@given(
    st.one_of(st.from_regex(PLAN, fullmatch=True), st.text()),
    st.one_of(st.from_regex(TITLE, fullmatch=True), st.text()),
)
def test_names_come_out_as_they_went_in(tmp_path_factory: pytest.TempPathFactory, plan: str, title: str) -> None:
    """Refused, or read back from the YAML as the very same text."""
    place = tmp_path_factory.mktemp("names")
    try:
        write_scaffold("github", place, plan=plan, title=title)
    except ConfigError:
        assert not found(place)
        return
    workflow = yaml.safe_load((place / ".github/workflows/audit.yml").read_text("utf-8"))
    assert workflow["jobs"]["audit"]["env"]["AUDIT_PLAN"] == plan
    assert workflow["name"] == title


def test_gitlab(tmp_path: Path) -> None:
    """Artifacts are kept whatever the verdict, and every file of a report is one that the run writes."""
    write_scaffold("gitlab", tmp_path)
    job = yaml.safe_load((tmp_path / ".gitlab-ci.yml").read_text())["audit"]
    assert job["artifacts"]["when"] == "always"
    assert "allow_failure" not in job
    script = job["script"][0].split()
    for kind, file in job["artifacts"]["reports"].items():
        assert script[script.index(f"--{kind}") + 1] == file
    assert re.search(r"audit-workbench\[notebook,model,monitor\]==\d", job["variables"]["WORKBENCH_INSTALL"])


def test_github(tmp_path: Path) -> None:
    """Least permissions, pinned actions, no expression inside a script, artifacts always."""
    write_scaffold("github", tmp_path)
    workflow = yaml.safe_load((tmp_path / ".github/workflows/audit.yml").read_text())
    assert workflow["permissions"] == {"contents": "read"}
    steps = workflow["jobs"]["audit"]["steps"]
    assert all(re.fullmatch(r"actions/[a-z-]+@v\d+", step["uses"]) for step in steps if "uses" in step)
    assert not any("${{" in step.get("run", "") for step in steps)
    assert steps[-1]["if"] == "always()"


def test_dockerfile_and_compose(tmp_path: Path) -> None:
    """Non-root, with a health check; the app is published on this computer only."""
    write_scaffold("docker", tmp_path, plan="plans/a.yaml")
    lines = (tmp_path / "Dockerfile").read_text().splitlines()
    assert "USER 10001:10001" in lines
    assert any(line.startswith("HEALTHCHECK") for line in lines)
    services = yaml.safe_load((tmp_path / "compose.yaml").read_text())["services"]
    assert services["app"]["ports"] == ["127.0.0.1:5006:5006"]
    assert services["audit"]["command"] == ["workbench", "run", "input/plans/a.yaml"]
    assert all(s["read_only"] and s["cap_drop"] == ["ALL"] for s in services.values())


WRONG_VALUES = [
    {"audit": {"shedule": "* * * * *"}},
    {"audit": {"schedule": "daily"}},
    {"audit": {"plan": "../plan.yaml"}},
    {"audit": {"plan": "-o"}},
    {"app": {"port": 80}},
    {"app": {"port": "5006"}},
    {"data": {"accessMode": "ReadWrite"}},
    {"image": {"tag": "a b"}},
    {"secretNames": ["x\ny"]},
    {"replicas": 3},
]


def test_chart_values_fit_their_schema(tmp_path: Path) -> None:
    """The packaged values are valid; a misspelt or wrong one is refused."""
    write_scaffold("kubernetes", tmp_path, plan="plans/a.yaml")
    values = yaml.safe_load((tmp_path / "chart/values.yaml").read_text())
    schema = json.loads((tmp_path / "chart/values.schema.json").read_text())
    jsonschema.Draft7Validator.check_schema(schema)
    jsonschema.validate(values, schema)
    assert values["audit"]["plan"] == "input/plans/a.yaml"
    for wrong in WRONG_VALUES:
        changed = {k: {**v, **wrong.get(k, {})} if isinstance(v, dict) else wrong.get(k, v) for k, v in values.items()}
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({**changed, **{k: v for k, v in wrong.items() if k not in values}}, schema)


def test_the_dag_is_python(tmp_path: Path) -> None:
    write_scaffold("airflow", tmp_path)
    code = ast.unparse(ast.parse((tmp_path / "dags/audit_dag.py").read_text()))
    assert "PapermillOperator(" in code
    assert '"$HOME_OF_PLAN/plan.yaml"' in code


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with the scaffolded folder `audit` and a stand-in for the workbench."""
    if not shutil.which("flock"):
        pytest.skip("flock is not on this computer")
    write_scaffold("cron", tmp_path / "audit")
    stub = tmp_path / "audit" / ".venv" / "bin" / "workbench"
    stub.parent.mkdir(parents=True)
    stub.write_text('#!/bin/sh\necho "called with $*"; sleep "${LASTS:-0}"; exit "${CODE:-0}"\n')
    stub.chmod(0o755)
    return tmp_path


def command(home: Path) -> str:
    """Return what cron hands to the shell."""
    line = (home / "audit" / "audit.crontab").read_text().splitlines()[-1]
    assert "%" not in line  # cron would make a line break of it
    return line.split(maxsplit=5)[5]


@pytest.mark.parametrize("code", [0, 1, 3])
def test_cron_keeps_the_exit_code_and_speaks_up(home: Path, code: int) -> None:
    """The script keeps log and exit code; cron hears of it, and mails, only when the audit did not pass."""
    env = {"PATH": os.environ["PATH"], "HOME": str(home), "CODE": str(code)}
    done = subprocess.run(
        ["/bin/sh", "-c", command(home)], env=env, capture_output=True, text=True, check=True, cwd="/"
    )
    assert (home / "audit" / "audit.exit").read_text() == f"{code}\n"
    log = (home / "audit" / "audit.log").read_text()
    assert "called with run plan.yaml" in log
    assert f"ends with exit code {code}" in log
    assert bool(done.stdout) == bool(code)
    assert not done.stderr


def test_cron_runs_never_overlap(home: Path) -> None:
    """A second run ends with 75 at once and leaves the first one alone."""
    script, log = home / "audit" / "audit.sh", home / "audit" / "audit.log"
    first = subprocess.Popen([script], env={**os.environ, "LASTS": "60"}, start_new_session=True)
    try:
        wait_until(lambda: log.exists() and "called with" in log.read_text(), 30, "the first run does not start")
        assert subprocess.run([script], check=False).returncode == 75
        assert first.poll() is None
        assert not (home / "audit" / "audit.exit").exists()
    finally:
        os.killpg(first.pid, signal.SIGKILL)
        first.wait()


def test_the_timer_says_what_the_crontab_says(tmp_path: Path) -> None:
    write_scaffold("cron", tmp_path, title="Credit")
    assert "OnCalendar=Mon..Fri 06:15" in (tmp_path / "audit.timer").read_text()
    assert (tmp_path / "audit.crontab").read_text().splitlines()[-1].startswith("15 6 * * 1-5 ")
    assert "ExecStart=%h/audit/audit.sh" in (tmp_path / "audit.service").read_text()
    if verify := shutil.which("systemd-analyze"):
        done = subprocess.run([verify, "calendar", "Mon..Fri 06:15"], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

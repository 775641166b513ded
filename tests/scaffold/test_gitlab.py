"""The scaffolded GitLab file, run as a pipeline by gitlab-ci-local in a repository of its own."""

from __future__ import annotations

import os
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from tests.scaffold.audits import BIN, TOOLS, write_audit
from tests.servers import program, unavailable
from workbench.scaffold import write_scaffold

pytestmark = [pytest.mark.tier, pytest.mark.services]

RUNNER = TOOLS / "node_modules" / "gitlab-ci-local"


def environment(home: Path) -> dict[str, str]:
    """Return an environment with our workbench first on the path and nobody's settings."""
    names = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "HOME": str(home)}
    people = {f"GIT_{who}_{what}": "a@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    return {**os.environ, **names, **people, "PATH": os.pathsep.join([str(BIN), os.environ["PATH"]])}


def repository(folder: Path, verdict: str, env: dict[str, str]) -> Path:
    write_audit(folder, verdict)
    write_scaffold("gitlab", folder)
    for arguments in (
        ["init", "-q", "-b", "main"],
        ["remote", "add", "origin", "git@127.0.0.1:team/audit.git"],
        ["add", "-A"],
        ["commit", "-q", "-m", "audit"],
    ):
        subprocess.run([program("git", package="git"), *arguments], cwd=folder, env=env, check=True)
    return folder


def pipeline(folder: Path, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run the pipeline in shells of this computer; the installation is this environment's."""
    program("rsync", package="rsync")
    if not RUNNER.is_dir():
        unavailable("gitlab-ci-local is not installed (tests/services/services.setup)")
    start = RUNNER.parent / ".bin" / "gitlab-ci-local"
    command = [program("node", package="nodejs"), start, "--force-shell-executor", "--variable", "WORKBENCH_INSTALL=:"]
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False, timeout=240)


@pytest.mark.parametrize(("verdict", "code", "failures"), [("pass", 0, 0), ("fail", 1, 1)])
def test_green_and_red_pipelines(tmp_path: Path, verdict: str, code: int, failures: int) -> None:
    """A model that learnt gives a green pipeline, one that did not a red one; both keep every artifact."""
    env = environment(tmp_path)
    folder = repository(tmp_path / "repository", verdict, env)
    done = pipeline(folder, env)
    assert done.returncode == code, done.stdout + done.stderr
    assert ("PASS" if code == 0 else "FAIL") in done.stdout

    kept = folder / ".gitlab-ci-local" / "artifacts" / "audit" / "audit"
    suites = ET.parse(kept / "junit.xml").getroot()  # noqa: S314  (our own file)
    assert len(list(suites.iter("testcase"))) == 1
    assert len(list(suites.iter("failure"))) == failures
    assert (kept / "codequality.json").is_file()
    assert (kept / "metrics.txt").read_text().endswith("# EOF\n")
    assert (
        subprocess.run([BIN / "workbench", "verify", kept / "bundle"], check=False, capture_output=True).returncode == 0
    )


def test_a_broken_plan_is_red_and_says_why(tmp_path: Path) -> None:
    """Exit code 2: nothing was audited, and the log names the mistake."""
    env = environment(tmp_path)
    folder = repository(tmp_path / "repository", "pass", env)
    (folder / "plan.yaml").write_text("data: nowhere.csv\n")
    done = pipeline(folder, env)
    assert done.returncode != 0
    assert "nowhere.csv" in done.stdout + done.stderr

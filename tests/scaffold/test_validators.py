"""Scaffolded files before the published schemas and linters (which come with tests/services/requirements.lock)."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.scaffold.audits import BIN
from tests.servers import unavailable
from workbench.scaffold import write_scaffold

pytestmark = [pytest.mark.tier, pytest.mark.services]


def tool(name: str) -> str:
    """Return the path of a tool of the services lock."""
    found = shutil.which(name, path=os.pathsep.join([str(BIN), os.environ["PATH"]]))
    if not found:
        unavailable(f"{name} is not installed (tests/services/requirements.lock)")
    assert found
    return found


def judged(name: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([tool(name), *map(str, arguments)], capture_output=True, text=True, check=False)


VENDORED = {
    "gitlab": ("vendor.gitlab-ci", ".gitlab-ci.yml", "artifacts", "artefacts"),
    "github": ("vendor.github-workflows", ".github/workflows/audit.yml", "timeout-minutes", "timeout-hours"),
    "docker": ("vendor.compose-spec", "compose.yaml", "read_only", "readonly"),
}


@pytest.mark.parametrize("kind", VENDORED)
def test_published_schemas(tmp_path: Path, kind: str) -> None:
    """Valid as written; a misspelt key is found, so the schema does look."""
    schema, name, right, wrong = VENDORED[kind]
    write_scaffold(kind, tmp_path, plan="plans/a.yaml")
    file = tmp_path / name
    done = judged("check-jsonschema", "--builtin-schema", schema, file)
    assert done.returncode == 0, done.stdout
    file.write_text(file.read_text().replace(right, wrong))
    assert judged("check-jsonschema", "--builtin-schema", schema, file).returncode == 1


def test_the_workflow_is_linted(tmp_path: Path) -> None:
    """Without a finding; an unknown expression is one."""
    write_scaffold("github", tmp_path, plan="plans/a.yaml", title="Credit (2024), monthly")
    file = tmp_path / ".github/workflows/audit.yml"
    linting = ["jactionlint", "--profile", "correctness", "--shellcheck=", file]
    done = judged(*linting)
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr
    file.write_text(file.read_text().replace("github.ref", "github.reference"))
    assert "reference" in judged(*linting).stdout


def test_the_dockerfile_is_linted(tmp_path: Path) -> None:
    """Without a finding, the shell of its RUN lines included; an unpinned package is one."""
    write_scaffold("docker", tmp_path, plan="plans/a.yaml")
    file = tmp_path / "Dockerfile"
    done = judged("hadolint", "--no-color", file)
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr
    file.write_text(file.read_text().replace("# hadolint ignore=DL3013\n", ""))
    assert "DL3013" in judged("hadolint", file).stdout

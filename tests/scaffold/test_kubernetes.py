"""The scaffolded chart: strictly valid, refuses wrong values, and its CronJob's pod runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.scaffold.audits import TOOLS, write_audit
from tests.scaffold.containers import IMAGE, build, docker, podman_settings, run
from tests.servers import unavailable, wait_until
from workbench.scaffold import write_scaffold

pytestmark = [pytest.mark.tier, pytest.mark.kubernetes, pytest.mark.timeout(900)]


def helm(*words: object, code: int = 0) -> str:
    binary = TOOLS / "helm" / "helm"
    if not binary.is_file():
        unavailable("helm is not installed (tests/services/kubernetes.setup)")
    told = subprocess.run([binary, *map(str, words)], capture_output=True, text=True, check=False, timeout=60)
    assert told.returncode == code, told.stdout + told.stderr
    return told.stdout + told.stderr


@pytest.fixture
def chart(tmp_path: Path) -> Path:
    write_scaffold("kubernetes", tmp_path)
    return tmp_path / "chart"


@pytest.mark.parametrize(
    "values",
    [
        [],
        ["--set", "app.enabled=false"],
        ["--set", "data.existingClaim=mine,audit.strict=true"],
        ["--set", "serviceAccount.create=true,audit.planText=data: x"],
    ],
)
def test_what_it_writes_is_strictly_valid(chart: Path, tmp_path: Path, values: list[str]) -> None:
    text = helm("template", "audit", chart, *values)
    (tmp_path / "all.yaml").write_text(text)
    validate = Path(sys.executable).with_name("kubernetes-validate")
    run(validate, "--strict", tmp_path / "all.yaml")
    for manifest in filter(None, yaml.safe_load_all(text)):
        if manifest["kind"] in ("Deployment", "CronJob"):
            spec = manifest["spec"] if manifest["kind"] == "Deployment" else manifest["spec"]["jobTemplate"]["spec"]
            pod = spec["template"]["spec"]
            assert pod["securityContext"]["runAsNonRoot"] is True
            assert pod["automountServiceAccountToken"] is False
            for container in pod["containers"]:
                safe = container["securityContext"]
                assert safe["readOnlyRootFilesystem"] is True
                assert safe["allowPrivilegeEscalation"] is False
                assert safe["capabilities"]["drop"] == ["ALL"]


@pytest.mark.parametrize("wrong", ["audit.schedule=", "imagee.tag=x", "audit.strict=perhaps", "app.port=http"])
def test_a_wrong_value_is_refused(chart: Path, wrong: str) -> None:
    assert "schema" in helm("template", "audit", chart, "--set", wrong, code=1)


def test_the_cronjobs_pod_runs(chart: Path, tmp_path: Path) -> None:
    repository, tag = IMAGE.split(":")
    given = [
        f"image.repository=localhost/{repository},image.tag={tag},image.pullPolicy=Never",
        "app.enabled=false",
    ]
    text = helm("template", "audit", chart, *[word for g in given for word in ("--set", g)])
    job = next(m for m in yaml.safe_load_all(text) if m and m["kind"] == "CronJob")
    template = job["spec"]["jobTemplate"]["spec"]["template"]
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "audit", **template["metadata"]},
        "spec": template["spec"],
    }
    place = tmp_path / "data"
    write_audit(place / "input")
    (place / "audits").mkdir()
    for folder in (place, place / "audits"):
        folder.chmod(0o777)
    for volume in pod["spec"]["volumes"]:
        if "persistentVolumeClaim" in volume:  # nothing here hands out volumes
            del volume["persistentVolumeClaim"]
            volume["hostPath"] = {"path": str(place), "type": "Directory"}
    (tmp_path / "pod.yaml").write_text(yaml.safe_dump(pod))

    with docker() as env:
        build(tmp_path, env)
        run("docker", "save", "-o", tmp_path / "image.tar", IMAGE, env=env)
    settings = podman_settings(tmp_path / "podman")
    run("podman", "load", "-i", tmp_path / "image.tar", env=settings)
    (tmp_path / "image.tar").unlink()
    run("podman", "kube", "play", "--network", "none", tmp_path / "pod.yaml", env=settings)
    try:
        name = "audit-audit"

        def ended() -> bool:
            state = json.loads(run("podman", "inspect", name, env=settings))[0]["State"]
            return state["Status"] in ("exited", "stopped")

        wait_until(ended, 180, "the pod did not end")
        logs = subprocess.run(
            ["podman", "logs", name], capture_output=True, text=True, check=False, env={**os.environ, **settings}
        )
        state = json.loads(run("podman", "inspect", name, env=settings))[0]["State"]
        assert state["ExitCode"] == 0, logs.stdout + logs.stderr
        assert "PASS" in logs.stdout
        assert list((place / "audits").glob("*/manifest.json"))
    finally:
        run("podman", "kube", "down", tmp_path / "pod.yaml", env=settings)
        run("podman", "system", "reset", "--force", env=settings)

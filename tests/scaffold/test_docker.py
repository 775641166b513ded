"""The scaffolded Dockerfile builds for real; its container is healthy, is nobody special, and audits."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path

import pytest

from tests.scaffold.audits import write_audit
from tests.scaffold.containers import IMAGE, build, docker, health, run
from tests.servers import free_port, wait_until

pytestmark = [pytest.mark.tier, pytest.mark.docker, pytest.mark.timeout(900)]


def test_the_container_is_healthy_without_root_and_audits(tmp_path: Path) -> None:
    with docker() as env:
        build(tmp_path, env)
        port = free_port()
        name = run("docker", "run", "-d", "--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL",
                   "-p", f"127.0.0.1:{port}:5006", IMAGE, env=env)  # fmt: skip
        wait_until(lambda: health(name, env) == "healthy", 120, "the container did not become healthy")
        assert run("docker", "exec", name, "id", "-u", env=env) == "10001"
        page = urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10).read()
        assert b"Audit Workbench" in page
        run("docker", "rm", "-f", name, env=env)

        write_audit(tmp_path / "input")
        (tmp_path / "audits").mkdir(mode=0o777)
        (tmp_path / "audits").chmod(0o777)
        mounts = ["-v", f"{tmp_path}/input:/data/input:ro", "-v", f"{tmp_path}/audits:/data/audits"]
        told = run("docker", "run", "--rm", *mounts, IMAGE, "workbench", "run", "input/plan.yaml", "--json", env=env)
        assert json.loads(told[told.index("{") :])["outcome"] == "pass"
        assert list((tmp_path / "audits").glob("*/manifest.json"))

"""A Docker daemon and a podman of the tests' own, and the image that the scaffolded Dockerfile builds."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.scaffold.audits import TOOLS
from tests.servers import program, server, unavailable
from workbench.scaffold import write_scaffold

ROOT = Path(__file__).parents[2]
BASE, IMAGE = "python:3.11-slim-bookworm", "workbench:test"


def run(*words: object, env: dict[str, str] | None = None, timeout: float = 600) -> str:
    """Run a program; its output when it ends well, a failure with the output's end when not."""
    told = subprocess.run(
        [str(w) for w in words],
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout,
        env={**os.environ, **(env or {})},
    )
    assert told.returncode == 0, (told.stdout + told.stderr)[-3000:]
    return told.stdout.strip()


@contextmanager
def docker() -> Iterator[dict[str, str]]:
    """Run a daemon with folders and a socket of its own; yields what the client needs in its environment."""
    if os.geteuid() != 0:
        unavailable("a Docker daemon takes root")
    if not (TOOLS / "base.tar").is_file():
        unavailable("there is no base image (tests/scaffold/need-base)")
    program("docker", package="docker.io")
    folder = Path(tempfile.mkdtemp(prefix="wb-", dir="/tmp"))  # the paths of sockets are short ones
    socket = folder / "docker.sock"
    places = ["--data-root", folder / "data", "--exec-root", folder / "exec", "--pidfile", folder / "pid"]
    command = [program("dockerd", package="docker.io"), "--host", f"unix://{socket}", *places]
    env = {"DOCKER_HOST": f"unix://{socket}", "DOCKER_BUILDKIT": "0"}

    def ready() -> bool:
        return subprocess.run(["docker", "info"], capture_output=True, env={**os.environ, **env}).returncode == 0

    bridge = Path("/sys/class/net/docker0")
    had_bridge = bridge.exists()
    try:
        with server(command, port=0, folder=folder, seconds=60, ready=ready):
            yield env
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if bridge.exists() and not had_bridge:
            subprocess.run(["ip", "link", "delete", "docker0"], check=False)


def build(folder: Path, env: dict[str, str]) -> str:
    """Build the scaffolded Dockerfile from a wheel of this tree and the lock's pins, on the stand-in for its base."""
    settings = ["ENV PIP_BREAK_SYSTEM_PACKAGES=1", "ENV PIP_CERT=/etc/ssl/certs/ca-certificates.crt"]
    changes = [word for setting in settings for word in ("--change", setting)]
    run("docker", "import", *changes, TOOLS / "base.tar", BASE, env=env)
    context = folder / "context"
    context.mkdir()
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", context],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    write_scaffold("docker", context)
    pins = re.sub(r" \\\n +--hash=\S+", "", (ROOT / "requirements.lock").read_text())
    (context / "constraints.txt").write_text(pins)
    (wheel,) = context.glob("*.whl")
    given = [f"WORKBENCH=./{wheel.name}[notebook,model,app]", "PIP_CONSTRAINT=constraints.txt"]
    options = [word for argument in given for word in ("--build-arg", argument)]
    # On this computer's network: the way to the registries is its, not a bridge's.
    return run("docker", "build", "--network", "host", *options, "-t", IMAGE, context, env=env, timeout=800)


def health(container: str, env: dict[str, str]) -> str:
    state = json.loads(run("docker", "inspect", container, env=env))[0]["State"]
    assert state["Running"], run("docker", "logs", container, env=env)
    return str(state["Health"]["Status"])


def podman_settings(folder: Path) -> dict[str, str]:
    """Return what podman needs to run beside anything, with a runtime that this kind of machine takes."""
    for name, package in (("podman", "podman"), ("runc", "runc"), ("catatonit", "catatonit")):
        program(name, package=package)
    folder.mkdir(parents=True, exist_ok=True)
    engine = '[containers]\ndefault_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]\n[engine]\nruntime = "runc"\n'
    (folder / "containers.conf").write_text(engine + 'cgroup_manager = "cgroupfs"\n')
    storage = f'[storage]\ndriver = "overlay"\ngraphroot = "{folder}/graph"\nrunroot = "{folder}/run"\n'
    (folder / "storage.conf").write_text(storage)
    return {
        "CONTAINERS_CONF": str(folder / "containers.conf"), "CONTAINERS_STORAGE_CONF": str(folder / "storage.conf")
    }  # fmt: skip

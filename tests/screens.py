"""A real browser, a real JupyterLab and the real app, on loopback only."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def wait_for(url: str, process: subprocess.Popen[bytes], log: Path | None = None, seconds: float = 90) -> None:
    """Wait until a server answers; fail when its process ends."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if process.poll() is not None:
            said = log.read_text("utf-8", "replace")[-2000:] if log is not None else ""
            pytest.fail(f"the server ended with {process.returncode}: {said}")
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            time.sleep(0.3)
    pytest.fail("the server did not answer")


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a server."""
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class _Patient:
    """A browser whose pages wait long: a machine that runs much else is slow, not broken."""

    def __init__(self, browser: Any) -> None:
        self._browser = browser

    def new_context(self, **about: Any) -> Any:
        context = self._browser.new_context(**about)
        context.set_default_timeout(60_000)
        context.set_default_navigation_timeout(120_000)
        return context


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """Return a running Chromium, or skip with the reason."""
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed (apt-get install chromium)")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield _Patient(browser)
        browser.close()


@pytest.fixture
def page(chromium: Any) -> Iterator[Any]:
    """Return a page that notes every request to another host."""
    context = chromium.new_context(viewport={"width": 1280, "height": 1400})
    page = context.new_page()
    page.foreign = []

    def note(request: Any) -> None:
        local = ("http://127.0.0.1", "ws://127.0.0.1", "data:", "blob:", "about:")
        if not request.url.startswith(local):
            page.foreign.append(request.url)

    page.on("request", note)
    yield page
    context.close()


@pytest.fixture(scope="session")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with one bundle of the demo's audit, made without a notebook."""
    from workbench.demo import prepare
    from workbench.work import run_plan

    folder = tmp_path_factory.mktemp("bundles")
    run_plan(prepare(folder / "input"), folder=folder / "audits" / "demo", with_notebook=False)
    return folder / "audits"


@pytest.fixture(scope="session")
def whole_bundle(tmp_path_factory: pytest.TempPathFactory, bundles: Path) -> Path:
    """Return a folder with an audit that has every page, called whole, beside the demo's to compare it with."""
    import yaml

    from workbench import Audit
    from workbench.demo import prepare
    from workbench.ui.contract_board import ContractBoard, proposed
    from workbench.ui.requests import OFFERED
    from workbench.work import run_plan

    folder = tmp_path_factory.mktemp("whole")
    plan = prepare(folder / "input")
    audit = Audit.from_plan(plan)
    ContractBoard(proposed(audit.prepared)).save(folder / "input" / "contract.yaml")
    later = [id for id in OFFERED if id != "explain.shap"]  # Shapley values take long
    later += ["quality.windows", "drift.windows", "performance.windows", "quality.contract"]
    more = {"checks": [*(c.id for c in audit.checks), *later], "windows": {"rows": 300}, "contract": "contract.yaml"}
    (folder / "input" / "whole.yaml").write_text(plan.read_text("utf-8") + yaml.safe_dump(more), "utf-8")
    run_plan(folder / "input" / "whole.yaml", folder=folder / "audits" / "whole", with_notebook=False)
    shutil.copytree(bundles / "demo", folder / "audits" / "demo")
    return folder / "audits"


@contextmanager
def serving_app(folder: Path) -> Iterator[str]:
    """Serve a folder of bundles; yield the app's address."""
    port = free_port()
    command = [sys.executable, "-m", "workbench", "serve", str(folder), "--port", str(port)]
    with (folder.parent / "serve.log").open("wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        wait_for(f"http://127.0.0.1:{port}/", process, folder.parent / "serve.log")
        yield f"http://127.0.0.1:{port}"
    finally:
        stop(process)


@pytest.fixture(scope="session")
def app(bundles: Path) -> Iterator[str]:
    """Serve the app and return its address."""
    with serving_app(bundles) as address:
        yield address


@pytest.fixture(scope="session")
def whole(whole_bundle: Path) -> Iterator[str]:
    """Serve the audit that has every page and return the app's address."""
    with serving_app(whole_bundle) as address:
        yield address


@contextmanager
def serving_lab(folder: Path, *more: str) -> Iterator[str]:
    """Start JupyterLab on a folder, with more options; yield its address."""
    port = free_port()
    own = {
        k: str(folder / ".own" / k)
        for k in ("JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR", "JUPYTER_DATA_DIR", "WORKBENCH_RUNS")
    }
    environment = {**os.environ, **own, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    makefile = (Path(__file__).parents[1] / "Makefile").read_text("utf-8")  # quiet by the words that `make lab` uses
    settings = Path(own["JUPYTER_CONFIG_DIR"]) / "labconfig" / "default_setting_overrides.json"
    settings.parent.mkdir(parents=True, exist_ok=True)
    settings.write_text(makefile.partition("NO_NEWS := ")[2].partition("\n")[0], "utf-8")
    options = [
        f"--ServerApp.port={port}",
        "--ServerApp.ip=127.0.0.1",
        "--ServerApp.token=tok",
        "--ServerApp.port_retries=0",
        f"--ServerApp.root_dir={folder}",
        "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        *more,
    ]
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", *options]
    process = subprocess.Popen(
        command,
        env=environment,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for(f"http://127.0.0.1:{port}/api/status?token=tok", process)
        yield f"http://127.0.0.1:{port}"
    finally:
        stop(process)


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """Start JupyterLab on a copy of the tutorial; return its address and folder."""
    folder = tmp_path_factory.mktemp("lab")
    shutil.copy(Path(__file__).parents[1] / "notebooks" / "first_audit.ipynb", folder)
    with serving_lab(folder) as address:
        yield address, folder

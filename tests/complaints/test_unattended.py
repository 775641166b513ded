"""Complaints about runs that nobody watches: their files, their processes, what they leave behind, what they send."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.complaints.data import CANARY, plan
from workbench.audit.record import Record
from workbench.report.verify import verify

CHECKS = ["quality.missing", "drift.numeric", "bias.group_rates"]


def command(*words: Any, cwd: Path, **more: Any) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process of its own."""
    line = [sys.executable, "-m", "workbench", *map(str, words)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p), **more}
    return subprocess.run(line, cwd=cwd, env=environment, capture_output=True, text=True, check=False, timeout=280)


def digest(folder: Path) -> str:
    """Return the digest of a bundle's record."""
    return Record.from_json((folder / "record.json").read_bytes()).digest


@pytest.mark.slow
@pytest.mark.notebook
def test_08_no_widget_litter_and_no_redrawn_bars_in_reports(tmp_path: Path) -> None:
    """The files of a run hold no remains of widgets, and no line that was drawn over.

    The checks are those whose libraries draw bars when one lets them: SHAP, permutations, ydata's report.
    """
    drawing = ["explain.permutation_importance", "explain.shap", "quality.ydata_report"]
    file = plan(tmp_path, checks=[*CHECKS, *drawing], model="model.skops")
    made = command("run", file, "-o", "out", cwd=tmp_path)
    assert made.returncode in (0, 1, 3), made.stderr
    record = Record.from_json((tmp_path / "out" / "record.json").read_bytes())
    assert {str(record.finding(check).status) for check in drawing} == {"measured"}
    litter = re.compile(
        rb"(?:HBox|VBox|FloatProgress|IntProgress)\(|widget-(?:view|state)|\d%\||\r(?!\n)|\x1b\[|\\r(?![\\\w])|\\u001b"
    )
    files = {p.name: p.read_bytes() for p in (tmp_path / "out").iterdir()}
    assert {"audit.ipynb", "report.html", "record.json"} <= set(files)
    assert {name: litter.findall(data)[:3] for name, data in files.items() if litter.search(data)} == {}
    assert not litter.search((made.stdout + made.stderr).encode())
    for bad in (b"HBox(children=(FloatProgress(value=0.0)))", b"  3%|", b"a\rb", b'"50%\\r"', b"\x1b[2K"):
        assert litter.search(bad)


AUDIT_HOOK = """
import ipaddress, os, socket, sys

def _note(event, arguments):
    if event not in ("socket.connect", "socket.getaddrinfo", "socket.sendto", "socket.gethostbyname"):
        return
    place = arguments[0] if event in ("socket.getaddrinfo", "socket.gethostbyname") else arguments[1]
    host = place[0] if isinstance(place, tuple) else place
    if host in (None, "", "localhost") or getattr(arguments[0], "family", None) == socket.AF_UNIX:
        return
    host = host.decode() if isinstance(host, bytes) else str(host)
    try:
        if ipaddress.ip_address(host).is_loopback:
            return
    except ValueError:
        pass
    with open(os.environ["NOTED_SOCKETS"], "a") as file:
        file.write(f"{event} {host} {sys.argv[:2]}\\n")
    raise OSError("no network here")

sys.addaudithook(_note)
"""


@pytest.mark.slow
@pytest.mark.notebook
def test_12_nothing_is_sent_by_us_or_by_what_we_call(tmp_path: Path) -> None:
    """Every Python process of a run is watched: none asks for a host or opens a socket beyond this computer.

    The run has a notebook, a report and ydata-profiling's report, whose telemetry the test's environment allows.
    """
    (tmp_path / "watch").mkdir()
    (tmp_path / "watch" / "sitecustomize.py").write_text(AUDIT_HOOK)
    path = os.pathsep.join([str(tmp_path / "watch"), *(p for p in sys.path if p)])
    allowed = {"PYTHONPATH": path, "NOTED_SOCKETS": str(tmp_path / "noted"), "YDATA_PROFILING_NO_ANALYTICS": "",
               "DO_NOT_TRACK": ""}  # fmt: skip
    file = plan(tmp_path / "in", checks=[*CHECKS, "quality.ydata_report"])
    made = command("run", file, "-o", tmp_path / "out", cwd=tmp_path, **allowed)
    assert made.returncode in (0, 1, 3), made.stderr
    (report,) = [
        f for f in Record.from_json((tmp_path / "out/record.json").read_bytes()).findings if "ydata" in f.check
    ]
    assert str(report.status) == "measured", report.reason
    assert not (tmp_path / "noted").exists(), (tmp_path / "noted").read_text()

    asks = "'import socket; socket.getaddrinfo(\"registry.invalid\", 80)'"
    send = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {asks}])"
    subprocess.run([sys.executable, "-c", send], env={**os.environ, **allowed}, capture_output=True, check=False)
    assert "registry.invalid" in (tmp_path / "noted").read_text(), "the watch sees nothing"


KEPT = Path(__file__).parent / "kept" / "record_of_24_november.json"


def test_14_results_of_an_earlier_version_load_and_unknown_newer_ones_are_refused_in_words(tmp_path: Path) -> None:
    """A record that version 0.1.0 of 24 November wrote keeps its digest and is rendered; a later kind is named."""
    from workbench.audit.bundle import write_bundle
    from workbench.core.errors import EvidenceError
    from workbench.report.html import render_html

    written = json.loads(KEPT.read_bytes())
    record = Record.from_json(KEPT.read_bytes())
    assert record.digest == written["digest"]
    assert record.to_json() == KEPT.read_bytes().rstrip()
    page = render_html(record)
    assert "Kept from an earlier version" in page
    assert len(record.to_frame()) == sum(len(f["measures"]) for f in written["content"]["findings"]) > 20
    write_bundle(tmp_path / "old", {"record.json": record.to_json(), "report.html": page.encode()}, record.digest)
    assert command("verify", "old", cwd=tmp_path).returncode == 0
    assert command("compare", "old", "old", cwd=tmp_path).returncode == 0

    written["content"]["schema"] = "workbench/record/2"
    with pytest.raises(EvidenceError, match=r"'workbench/record/2'.*reads 'workbench/record/1'.*a newer one"):
        Record.from_json(json.dumps(written))
    (tmp_path / "old" / "record.json").write_text(json.dumps(written))
    told = command("report", "old", cwd=tmp_path)
    assert told.returncode == 4
    assert "workbench/record/2" in told.stderr
    assert "Traceback" not in told.stderr


@pytest.mark.slow
@pytest.mark.notebook
def test_15_the_same_from_any_folder_and_a_bundle_may_be_moved(tmp_path: Path) -> None:
    """A scheduler starts in / or anywhere: same digest; what is written holds no folder, so a moved bundle verifies."""
    file = plan(tmp_path / "deep" / "in", checks=CHECKS)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for cwd, named, out in (
        (file.parent, Path("plan.yaml"), tmp_path / "a"),
        (elsewhere, file, Path("b")),
        (Path("/"), file, tmp_path / "c"),
    ):
        made = command("run", named, "-o", out, cwd=cwd)
        assert made.returncode in (0, 1, 3), made.stderr
    places = [tmp_path / "a", elsewhere / "b", tmp_path / "c"]
    assert len({digest(p) for p in places}) == 1
    shutil.move(places[1], tmp_path / "moved")
    assert verify(tmp_path / "moved") == []
    for name in ("plan.yaml", "audit.ipynb", "report.html"):
        assert len({(p / name).read_bytes() for p in (places[0], places[2], tmp_path / "moved")}) == 1, name


@pytest.mark.notebook
def test_16_no_secret_user_name_or_folder_in_what_is_written(tmp_path: Path) -> None:
    """Canaries in the environment, the home, the user's name and the paths are in no file; cells' in no notebook."""
    home = tmp_path / "home" / "canary-person"
    file = plan(home / "canary-project", checks=None)
    home.mkdir(exist_ok=True)
    hidden = {"HOME": str(home), "USER": "canary-person", "LOGNAME": "canary-person", "SLACK_URL": "canary-hook",
              "AWS_SECRET_ACCESS_KEY": "canary-key", "HOSTNAME": "canary-host"}  # fmt: skip
    made = command("run", file, "-o", tmp_path / "out", cwd=home, **hidden)
    assert made.returncode in (0, 1, 3), made.stderr
    files = {p.name: p.read_text("utf-8", "replace") for p in (tmp_path / "out").iterdir()}
    assert len(files) >= 6
    for name, text in files.items():
        assert "canary" not in text.lower(), name
        assert str(tmp_path) not in text, name
    assert CANARY not in files["audit.ipynb"]
    assert json.loads(files["record.json"])["beside"]["sources"] == {"data": "data.csv", "reference": "reference.csv"}


@pytest.mark.notebook
def test_17_a_killed_kernel_is_never_taken_for_a_finished_run(tmp_path: Path) -> None:
    """kill -9 from outside, while a check runs: exit 3, the report begins with INCOMPLETE, the manifest says so too."""
    import psutil

    rows = 400_000
    import numpy as np
    import pandas as pd

    file = plan(tmp_path, checks=CHECKS)
    rng = np.random.default_rng(1)
    many = pd.DataFrame({"id": [f"r{i}" for i in range(rows)], "note": "x", "income": rng.normal(size=rows),
                         "sex": rng.choice(["F", "M"], rows), "score": rng.random(rows),
                         "y": rng.integers(0, 2, rows)})  # fmt: skip
    many.to_csv(tmp_path / "data.csv", index=False)
    line = [sys.executable, "-m", "workbench", "run", str(file), "-o", "out"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    with subprocess.Popen(line, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as run:
        kernel = None
        end = time.monotonic() + 120
        while kernel is None:
            assert time.monotonic() < end, "no kernel was seen"
            with contextlib.suppress(psutil.NoSuchProcess):
                found = psutil.Process(run.pid).children(recursive=True)
                kernel = next((c for c in found if "ipykernel_launcher" in " ".join(c.cmdline())), None)
            time.sleep(0.02)
        told = Path(kernel.environ()["WORKBENCH_PROGRESS"])
        while not (told.is_file() and told.stat().st_size):
            assert time.monotonic() < end, "the kernel told no progress"
            time.sleep(0.02)
        os.kill(kernel.pid, signal.SIGKILL)
        out, err = run.communicate(timeout=200)
    assert run.returncode == 3, err.decode()
    assert out.decode().startswith("INCOMPLETE: ")
    report = (tmp_path / "out" / "report.html").read_text()
    assert report.index("INCOMPLETE") < report.index("<h1>")
    assert json.loads((tmp_path / "out" / "manifest.json").read_text())["status"] == "incomplete"
    assert Record.from_json((tmp_path / "out" / "record.json").read_bytes()).verdict.outcome == "incomplete"

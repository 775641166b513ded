"""Commands, exit codes and bad input: a clear line on stderr, nothing half-written."""

from __future__ import annotations

import json
import os
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from workbench import demo
from workbench.audit.bundle import open_bundle
from workbench.cli import main
from workbench.core.errors import ConfigError, DataError, WorkbenchError


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder with a small data file."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    n = 300
    score = rng.random(n)
    data = pd.DataFrame({"y": (rng.random(n) < score).astype(int), "score": score, "sex": rng.choice(["F", "M"], n)})
    data.to_csv("data.csv", index=False)
    return tmp_path


def plan(text: str = "", data: str = "data.csv") -> str:
    """Write a plan and return its name."""
    Path("plan.yaml").write_text(f"data: {data}\ntarget: y\nscore: score\nsensitive: [sex]\n{text}")
    return "plan.yaml"


def rule(limit: float, severity: str = "fail") -> str:
    """Return a policy of one rule on accuracy."""
    text = (
        "checks: [performance.classification]\npolicy:\n  rules:\n    - {id: acc, measure: accuracy, operator: '>=', "
    )
    return f"{text}limit: {limit}, severity: {severity}}}\n"


@pytest.mark.parametrize(
    ("text", "options", "code"),
    [
        (rule(0.1), [], 0),
        (rule(0.999), [], 1),
        (rule(0.999, "warn"), [], 0),
        (rule(0.999, "warn"), ["--strict"], 1),
        ("checks: [performance.classification]\npolicy: {rules: []}\n", [], 3),
    ],
)
def test_exit_codes(place: Path, capsys: pytest.CaptureFixture[str], text: str, options: list[str], code: int) -> None:
    """0 pass or warn, 1 fail or strict warning, 3 incomplete; the bundle is written each time."""
    assert main(["run", plan(text), "--no-notebook", "-o", "bundle", "--json", "--junit", "j.xml", *options]) == code

    told = json.loads(capsys.readouterr().out)
    assert told["exit_code"] == code
    assert told["digest"] == open_bundle("bundle").record.digest
    assert ET.parse("j.xml").getroot().tag in {"testsuites", "testsuite"}  # noqa: S314  (our own file)
    assert main(["verify", "bundle"]) == 0


def test_verify_names_the_changed_file_and_measure(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One changed byte of any file, a missing and an added file: exit 4, by name."""
    main(["run", plan(rule(0.1)), "--no-notebook", "-o", "bundle"])
    for name in sorted(open_bundle("bundle").manifest["files"]):
        whole = Path("bundle", name).read_bytes()
        Path("bundle", name).write_bytes(whole.replace(b"0", b"1", 1))
        assert main(["verify", "bundle"]) == 4
        assert f"{name} has changed" in capsys.readouterr().out
        Path("bundle", name).write_bytes(whole)
    Path("bundle", "more.txt").write_text("x")
    assert main(["verify", "bundle"]) == 4
    assert "more.txt is not in the manifest" in capsys.readouterr().out
    Path("bundle", "more.txt").unlink()
    Path("bundle", "plan.yaml").unlink()
    assert main(["verify", "bundle"]) == 4


def test_verify_compares_the_numbers_shown(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A report with another number is found even when the manifest was rewritten to match it."""
    import hashlib

    main(["run", plan(rule(0.1)), "--no-notebook", "-o", "bundle"])
    report = Path("bundle", "report.html")
    value = open_bundle("bundle").record.finding("performance.classification").measures[0].value
    assert str(value) in report.read_text()
    report.write_text(report.read_text().replace(f'value="{value}"', 'value="0.99"'))
    manifest = json.loads(Path("bundle", "manifest.json").read_text())
    data = report.read_bytes()
    manifest["files"]["report.html"] = {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
    Path("bundle", "manifest.json").write_text(json.dumps(manifest))

    assert main(["verify", "bundle"]) == 4
    assert "accuracy" in capsys.readouterr().out.lower()


BAD_PLANS = {
    "missing file": ("", "dta.csv", "data.csv"),
    "wrong column": ("ignore: [scor]\n", "data.csv", "'score'"),
    "unknown key": ("sensitve: [sex]\n", "data.csv", "sensitive"),
    "code-like key": ("'x = 1': 2\n", "data.csv", "no name of a plan's field"),
    "unknown check": ("checks: [bias.group_rate]\n", "data.csv", "bias.group_rates"),
    "unknown parameter": ("checks: {bias.group_rates: {dept: 1}}\n", "data.csv", "depth"),
    "unknown policy key": ("policy: {ruls: []}\n", "data.csv", "rules"),
    "key given twice": ("target: y\n", "data.csv", "twice"),
    "no yaml": ("a: [\n", "data.csv", "line"),
    "missing model": ("model: m.skops\n", "data.csv", "m.skops"),
    "pickle": ("model: data.pkl\n", "data.csv", "pickle"),
    "other kind of file": ("", "data.json", "no kind"),
}


@pytest.mark.parametrize("kind", BAD_PLANS)
def test_bad_plans(place: Path, capsys: pytest.CaptureFixture[str], kind: str) -> None:
    """Exit 2, one line that names the mistake and what is near, no traceback, no bundle."""
    text, data, words = BAD_PLANS[kind]
    Path("data.pkl").write_bytes(b"cos\nsystem\n")
    Path("data.json").write_text("{}")

    assert main(["run", plan(text, data), "--no-notebook", "-o", "bundle"]) == 2
    said = capsys.readouterr().err
    assert words in said
    assert "Traceback" not in said
    assert said.count("\n") == 1
    assert not Path("bundle").exists()
    assert not [p for p in place.iterdir() if p.name.startswith(".writing")]


def test_bad_files(place: Path) -> None:
    """Empty, ragged, not UTF-8, cut off, or no Parquet at all: told in words, without any of the content."""
    files = {
        "empty.csv": b"",
        "ragged.csv": b"a,b\n1,2\n3,4,5,6\nsecret,7\n",
        "latin.csv": b"a,b\n1,caf\xe9 secret\n",
        "cut.parquet": b"PAR1secret",
        "no.parquet": b"a,b\n1,secret\n",
        "encrypted.parquet": b"PARE secret",
    }
    for name, content in files.items():
        Path(name).write_bytes(content)
        with pytest.raises(DataError) as error:
            wb.Audit(name).run()
        assert "secret" not in str(error.value)
        assert name in str(error.value)


def test_bad_frames() -> None:
    """What does not fit is said before or while counting, naming column and near matches."""
    good = pd.DataFrame({"y": [0, 1] * 50, "p": [0.1, 0.9] * 50, "group": ["a", "b"] * 50})
    cases = [
        ({"target": "yy", "score": "p"}, good, "'y'"),
        ({"target": "group", "score": "p"}, good, "positive"),
        ({"target": "group", "score": "p", "positive": "A"}, good, "'a'"),
        ({"target": "y", "score": "p"}, good.assign(y=range(100)), "distinct values"),
        ({"target": "y", "score": "group"}, good, "not numbers"),
        ({"target": "y", "score": "p"}, good.head(0), "no rows"),
        ({"target": "y", "score": "p", "reference": good.drop(columns="group")}, good, "'group'"),
        ({"target": "y", "score": "p", "threshold": "high"}, good, "threshold"),
        ({"target": "y", "score": "p", "weight": "p"}, good, "weight"),
        ({}, pd.concat([good, good[["y"]]], axis=1), "two columns"),
        ({}, {"not": "a frame"}, "expected"),
        ({"model": object()}, good, "estimator"),
    ]
    for roles, data, words in cases:
        with pytest.raises(WorkbenchError, match=words):
            wb.Audit(data, **roles).run()  # type: ignore[arg-type]


def test_unwritable_output(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A folder with other files, and a place under a file, are refused; nothing of theirs is touched."""
    Path("theirs").mkdir()
    Path("theirs", "a.txt").write_text("mine")

    assert main(["run", plan(rule(0.1)), "--no-notebook", "-o", "theirs"]) == 2
    assert main(["run", plan(rule(0.1)), "--no-notebook", "-o", "data.csv/bundle"]) == 2
    assert os.listdir("theirs") == ["a.txt"]
    assert "holds other files" in capsys.readouterr().err


NAMES = ["<img src=x onerror=alert(1)>", "$$x$$", "", "n" * 10_000, "\u202eevil", "a`b'c\"d\\", "x\ny"]


def test_hostile_names_through_every_face(place: Path) -> None:
    """Column names and categories that look like code are text in record, report, notebook, XML and summary."""
    rng = np.random.default_rng(1)
    data = pd.DataFrame({name: rng.random(200) for name in NAMES})
    data["y"] = rng.integers(0, 2, 200)
    data["score"] = rng.random(200)
    data["group <b>"] = rng.choice(["<script>alert(1)</script>", "$$", "", "= & \\"], 200)
    audit = wb.Audit(data, reference=data, target="y", score="score", sensitive=["group <b>"], title=NAMES[0])
    record = audit.run()

    from html.parser import HTMLParser

    from workbench.report.html import render_html
    from workbench.report.static import static_html

    tags: set[str] = set()

    class Seen(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            tags.update({tag, *(f"@{name}" for name, _ in attrs if name.startswith("on"))})

    for page in (render_html(record), static_html(record)):
        Seen().feed(page)
    assert tags.isdisjoint({"script", "iframe", "object", "embed", "@onerror", "@onload", "b"} - {"b"})
    unmeasured = {f.check: str(f.status) for f in record.findings if str(f.status) != "measured"}
    # There is no such column, no value is missing, and no time or entity is named.
    nothing = ("drift.text", "drift.time", "quality.impossible_dates")
    leaks = (f"leakage.{what}" for what in ("groups", "identifiers", "missingness", "time_order"))
    assert unmeasured == dict.fromkeys((*nothing, *leaks), "not_applicable")
    groups = set(record.to_frame().group) - {""}
    assert r"group <b>=\= \& \\" in groups
    exported = audit.export("exported.ipynb")
    assert "<script>alert" not in exported.read_text()  # categories are data, and stay in the data file


@pytest.mark.notebook
@pytest.mark.timeout(200)
def test_a_killed_kernel_is_incomplete(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A kernel killed in the middle gives exit 3, a bundle that says incomplete, and nothing that looks complete."""
    import threading
    import time

    import psutil

    killed: list[int] = []
    others = {p.pid for p in psutil.Process().children(recursive=True)}  # kernels of other tests in this process

    def kill() -> None:
        end = time.monotonic() + 60
        while time.monotonic() < end and not killed:
            for process in psutil.Process().children(recursive=True):
                if process.pid in others:
                    continue
                try:
                    if "ipykernel_launcher" in " ".join(process.cmdline()) and process.cpu_times().user > 0.6:
                        process.kill()
                        killed.append(process.pid)
                except psutil.Error:
                    continue
            time.sleep(0.02)

    thread = threading.Thread(target=kill, daemon=True)
    thread.start()
    code = main(["run", plan(rule(0.1)), "-o", "bundle"])
    thread.join(5)

    assert killed
    assert code == 3
    assert "INCOMPLETE" in capsys.readouterr().out
    bundle = open_bundle("bundle")
    assert bundle.manifest["status"] == "incomplete"
    assert bundle.record.verdict.outcome == "incomplete"
    assert "incomplete" in Path("bundle", "report.html").read_text().lower()


def test_init_guesses_and_says_so(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A first plan names what it guessed, runs, and is never written over another file."""
    assert main(["init", "data.csv", "-o", "first.yaml"]) == 0
    text = Path("first.yaml").read_text()
    assert "Guessed" in text
    assert "target: y" in text
    assert "sensitive:\n- sex" in text
    assert main(["init", "data.csv", "-o", "first.yaml"]) == 2
    assert main(["run", "first.yaml", "--no-notebook", "-o", "bundle"]) in (0, 1, 3)


def test_lists_and_compares(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`checks` lists every check, `compare` names the changed column, `report` and `notebook` write their files."""
    assert main(["checks"]) == 0
    assert "B001  bias.group_rates" in capsys.readouterr().out
    main(["run", plan(rule(0.1)), "--no-notebook", "-o", "one"])
    data = pd.read_csv("data.csv")
    data.loc[7, "score"] = 0.123456
    data.to_csv("data.csv", index=False)
    main(["run", plan(rule(0.1)), "--no-notebook", "-o", "two"])
    capsys.readouterr()
    assert main(["compare", "one", "two"]) == 0
    assert "current: column 'score' changed" in capsys.readouterr().out
    assert main(["report", "one", "-o", "again.html"]) == 0
    assert Path("again.html").read_bytes() == Path("one", "report.html").read_bytes()
    assert main(["notebook", "plan.yaml"]) == 0
    assert "parameters" in Path("audit.ipynb").read_text()


def test_cancel_keeps_what_was_finished() -> None:
    """A cancelled run is labelled, incomplete, and lists what did not run."""
    from threading import Event

    current, reference = demo.split(demo.arrests())
    cancel = Event()
    audit = wb.Audit(current, reference=reference, target="released", positive="Yes", ignore=["year"])
    record = audit.run(lambda p: cancel.set() if p.label == "Drift of category columns" else None, cancel)

    statuses = {f.check: str(f.status) for f in record.findings}
    assert "cancelled" in statuses.values()
    assert record.verdict.outcome in ("incomplete", "fail")
    assert any("cancelled" in gap for gap in record.verdict.gaps)


def test_export_refuses_other_names(place: Path) -> None:
    """An export is a notebook, and says so."""
    with pytest.raises(ConfigError, match="ipynb"):
        wb.Audit("data.csv").export("audit.py")

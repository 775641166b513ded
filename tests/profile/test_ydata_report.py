"""The deep report of ydata-profiling: other names, limits, no network, nothing live, the same on any engine."""

from __future__ import annotations

import json
import os
import re
import textwrap
import time
from html import unescape
from html.parser import HTMLParser
from importlib.util import find_spec
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

import workbench as wb
from tests.profile.test_profile import HOSTILE, hostile
from workbench.audit.bundle import differences, open_bundle
from workbench.audit.record import Record
from workbench.checks.quality import ydata_report
from workbench.core.errors import CancelledError, MissingExtraError
from workbench.core.finding import Attachment, Finding
from workbench.core.limited import LimitExceededError, Limits, WorkerError, run_limited
from workbench.core.ydata_worker import PACKAGES
from workbench.work import run_plan

ID = "quality.ydata_report"


@pytest.fixture(autouse=True)
def _forget() -> None:
    """Forget reports made before, so that each test makes its own."""
    ydata_report._KEPT.clear()


def deep(data: Any, **params: Any) -> Finding:
    """Run the check and return its finding."""
    return wb.Audit(data, checks={ID: params}, policy={"rules": []}).run().finding(ID)


FAKE = '''
"""A stand-in that tells what it was asked, and does what the options of a test say."""
import json, os, socket, time
from types import SimpleNamespace
__version__ = "9.9"

class ProfileReport:
    def __init__(self, frame, **options):
        self.frame, self.options = frame, options

    def to_html(self):
        act = os.environ.get("FAKE_ACT", "")
        if act == "sleep":
            time.sleep(60)
        if act == "memory":
            bytearray(40 * 2**30)
        if act == "raise":
            raise ValueError("SECRET-CELL in row 3")
        if act == "network":
            socket.create_connection(("192.0.2.1", 80), timeout=5)
        about = {"options": {k: v for k, v in self.options.items()}, "columns": list(self.frame.columns),
                 "rows": len(self.frame), "quiet": os.environ.get("YDATA_PROFILING_NO_ANALYTICS"),
                 "dtypes": [str(t) for t in self.frame.dtypes]}
        return "<html><body onload=alert(1)><script>alert(2)</script>@@" + json.dumps(about) + "@@</body></html>"

    def get_description(self):
        alert = lambda kind, name: SimpleNamespace(column_name=name, alert_type=SimpleNamespace(name=kind))
        named = [("HIGH_CORRELATION", "c002"), ("MISSING", "c001"), ("MISSING", "c002")]
        return SimpleNamespace(alerts=[alert(*pair) for pair in named])
'''


@pytest.fixture
def renamed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a package called data_profiling on the path."""
    (tmp_path / "path" / "data_profiling").mkdir(parents=True)
    (tmp_path / "path" / "data_profiling" / "__init__.py").write_text(FAKE)
    monkeypatch.syspath_prepend(tmp_path / "path")
    own = [str(tmp_path / "path"), str(Path(wb.__file__).parents[1])]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(own))  # a kernel is a process of its own
    monkeypatch.chdir(tmp_path)
    return tmp_path


def people(n: int = 120) -> pd.DataFrame:
    """Return a small table with an id, names, a category, numbers and times."""
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "who": [f"person{i}@mail.example" for i in range(n)],
            "kind": np.where(np.arange(n) % 2, "CANARY-KIND", "other"),
            "note": [f"CANARY-NOTE {i % 60}" for i in range(n)],
            "x": rng.normal(size=n),
            "when": pd.date_range("2026-01-01", periods=n, tz="Europe/Berlin"),
        }
    )


def told(attachment: Attachment) -> dict[str, Any]:
    """Return what the stand-in says it was asked, from within the frame of the page."""
    inner = Framed(attachment.data.decode()).srcdoc
    return json.loads(re.search("@@(.*)@@", inner)[1])


class Framed(HTMLParser):
    """The outer page: its elements, the attributes of its frame, and the frame's content."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.frame: dict[str, str | None] = {}
        self.metas: list[dict[str, str | None]] = []
        self.handlers: list[str] = []
        self.feed(page)

    @property
    def srcdoc(self) -> str:
        return self.frame.get("srcdoc") or ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.handlers += [k for k, _ in attrs if k.startswith("on")]
        self.frame = dict(attrs) if tag == "iframe" else self.frame
        self.metas += [dict(attrs)] if tag == "meta" else []


def check_is_framed(attachment: Attachment) -> Framed:
    """Check that a page's only content is a frame in which nothing runs."""
    page = Framed(attachment.data.decode())
    assert page.tags.count("iframe") == 1
    assert not {"script", "object", "embed", "form", "link", "base", "svg", "img"} & {*page.tags}
    assert page.handlers == []
    assert page.frame["sandbox"] in ("", None)
    assert "src" not in page.frame
    policy = next(m["content"] for m in page.metas if (m.get("http-equiv") or "") == "Content-Security-Policy")
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    return page


# ---------------------------------------------------------------------------- the stand-in


def test_what_the_package_is_asked(renamed: Path) -> None:
    """The renamed package goes first; aliases, no identifiers, sensitive, no analytics, no drawings of pairs."""
    finding = deep(people())
    asked = told(finding.attachments[0])

    assert str(finding.status) == "measured"
    assert asked["columns"] == ["c001", "c002", "c003", "c004"]
    assert asked["dtypes"] == ["object", "object", "float64", "datetime64[us]"]
    assert (asked["rows"], asked["quiet"]) == (120, "1")
    options = asked["options"]
    assert (options["sensitive"], options["minimal"], options["interactions"]) == (True, False, None)
    assert [(m.where, m.value) for m in finding.measures if m.name == "alerts"] == [
        ("", 3), ("high correlation", 1), ("missing", 2),
    ]  # fmt: skip
    tables = {e.name: e.rows for e in finding.evidence}
    assert tables["names"] == (("c001", "kind"), ("c002", "note"), ("c003", "x"), ("c004", "when"))
    assert ("note", "high correlation") in tables["alerts"]
    assert finding.notes == ("described: 120 of 120 rows, 4 of 5 columns",)


def test_columns_and_rows_are_bounded(renamed: Path) -> None:
    """The bounds hold, and identifiers come in where text may be shown."""
    finding = deep(people(), most_columns=2, most_rows=50, sensitive=False)

    assert told(finding.attachments[0])["rows"] == 50
    assert {e.name: e.rows for e in finding.evidence}["names"] == (("c001", "who"), ("c002", "kind"))
    assert "50 of 120 rows, 2 of 5 columns" in finding.notes[0]
    named = deep(people(), columns=["x"])
    assert {e.name: e.rows for e in named.evidence}["names"] == (("c001", "x"),)


def test_the_page_is_framed_whatever_it_holds(renamed: Path) -> None:
    """The stand-in's own scripts are inside a frame that runs none; names are text in the outer page."""
    finding = deep(hostile().assign(x=1.5))
    page = check_is_framed(finding.attachments[0])

    assert "<script>alert(2)</script>" in page.srcdoc
    outer = finding.attachments[0].data.decode().partition("<iframe")[0]
    assert "\u202e" not in outer
    assert unescape(outer).count("<script>alert(1)</script>") == 2  # two columns' names
    shown = finding.attachments[0]._repr_html_()
    assert Framed(shown).tags == ["iframe"]
    assert Framed(shown).frame["sandbox"] in ("", None)


@pytest.mark.parametrize("engine", ["polars", "shuffled"])
def test_the_same_rows_whatever_the_engine(renamed: Path, engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The finding is the same on any engine and in any order, and a second run takes the report that is there."""
    one = deep(people())
    other = pl.from_pandas(people()) if engine == "polars" else people().sample(frac=1, random_state=1)
    monkeypatch.setattr(ydata_report, "_make", lambda *_: pytest.fail("the report is there already"))
    assert deep(other).to_dict() == one.to_dict()
    assert "attachments" not in one.to_dict()


LIMITS = [
    ("sleep", {"seconds": 1.5}, r"took longer than 1\.5 s and was ended"),
    ("memory", {"mebibytes": 3000}, r"needed more than 3\u202f000 MiB of memory and was ended"),
    ("raise", {}, r"did not end well \(ValueError\)"),
    ("network", {}, r"did not end well \(PermissionError\)"),
]


@pytest.mark.parametrize(("act", "params", "why"), LIMITS, ids=[a for a, _, _ in LIMITS])
def test_a_report_that_goes_wrong_is_named(
    act: str, params: dict[str, Any], why: str, renamed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Too long, too large, broken or calling home: an error with its reason, soon, and no value of a row in it."""
    monkeypatch.setenv("FAKE_ACT", act)
    started = time.monotonic()
    finding = deep(people(), **params)

    assert str(finding.status) == "error"
    assert re.search(why, finding.reason), finding.reason
    assert "SECRET" not in finding.reason
    assert finding.attachments == ()
    assert time.monotonic() - started < 50


def test_cancel_ends_the_process(renamed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cancelled run does not wait for the report."""
    monkeypatch.setenv("FAKE_ACT", "sleep")
    cancel = Event()
    audit = wb.Audit(people(), checks=[ID], policy={"rules": []})
    from threading import Timer

    Timer(3.0, cancel.set).start()
    started = time.monotonic()
    record = audit.run(cancel=cancel)

    assert str(record.finding(ID).status) == "cancelled"
    assert time.monotonic() - started < 30


def test_limits_by_themselves(tmp_path: Path) -> None:
    """The runner names the work, and stops it for whoever asks."""

    def stop() -> None:
        raise CancelledError("enough")

    with pytest.raises(WorkerError, match="the work did not end well"):
        run_limited("tests.no_such_module", [], Limits(60), tmp_path, "the work", lambda: None)
    with pytest.raises(CancelledError):
        run_limited("workbench.core.ydata_worker", [], Limits(60), tmp_path, "the work", stop)
    with pytest.raises(LimitExceededError):
        run_limited("workbench.core.ydata_worker", [], Limits(0.0), tmp_path, "the work", lambda: None)


def test_without_the_package_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    """It names the command that installs it."""
    monkeypatch.setattr(ydata_report, "find_spec", lambda name: None)
    finding = deep(people())

    assert str(finding.status) == "error"
    assert "pip install 'audit-workbench[profile]'" in finding.reason
    assert MissingExtraError.exit_code == 2


# ---------------------------------------------------------------------------- attachments


@pytest.fixture
def plan(renamed: Path) -> Path:
    """Return a plan that asks for the report."""
    people().to_parquet(renamed / "people.parquet", index=False)
    (renamed / "plan.yaml").write_text(
        textwrap.dedent(f"""
        title: Attached
        data: {renamed}/people.parquet
        checks: {{quality.profile: {{}}, {ID}: {{minimal: true}}}}
        """)
    )
    return renamed / "plan.yaml"


@pytest.mark.parametrize("with_notebook", [False, pytest.param(True, marks=pytest.mark.notebook)])
def test_a_bundle_keeps_the_attachment_beside_the_record(plan: Path, tmp_path: Path, with_notebook: bool) -> None:
    """Its digest is beside the record, in the manifest and in the report; a changed or swapped file is named."""
    outcome = run_plan(plan, folder=tmp_path / "bundle", with_notebook=with_notebook)
    bundle = open_bundle(tmp_path / "bundle")
    about = bundle.record.beside["attachments"][f"{ID}.html"]
    digest = outcome.record.digest

    assert outcome.reason == ""
    assert check_is_framed(Attachment("a.b.html", "text/html", bundle.read(f"{ID}.html"))).srcdoc
    assert bundle.manifest["files"][f"{ID}.html"]["sha256"] == about["sha256"]
    assert (about["check"], about["media_type"]) == (ID, "text/html")
    assert about["sha256"] not in json.dumps(bundle.record.content)
    assert f'href="{ID}.html"' in bundle.read("report.html").decode()
    assert wb.verify(tmp_path / "bundle") == []

    (tmp_path / "bundle" / f"{ID}.html").write_text("<script>alert(1)</script>")
    assert any(f"{ID}.html has changed" in d for d in wb.verify(tmp_path / "bundle"))
    record = json.loads((tmp_path / "bundle" / "record.json").read_text())
    record["beside"]["attachments"][f"{ID}.html"]["sha256"] = "0" * 64
    (tmp_path / "bundle" / "record.json").write_text(json.dumps(record))
    assert f"{ID}.html is not the file that the check attached" in differences(open_bundle(tmp_path / "bundle"))
    assert open_bundle(tmp_path / "bundle").record.digest == digest


def test_a_record_without_attachments_says_nothing_of_them() -> None:
    """Records and findings read from files have none; names that are no plain names are refused."""
    record = wb.Audit(people(), checks=["quality.missing"], policy={"rules": []}).run()

    assert "attachments" not in record.beside
    assert Record.from_json(record.to_json()).attachments == {}
    assert Finding.from_dict(record.findings[0].to_dict()).attachments == ()
    for name in ("../x.y.html", "record.json", "a/b.c.html", "A.b.html", ""):
        with pytest.raises(ValueError, match="attachment"):
            Attachment(name, "text/html", b"")


# ---------------------------------------------------------------------------- the package itself


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_real_package_on_hostile_data() -> None:
    """The package, by either name, describes hostile columns: framed, without names or text; with text, framed too."""
    package = next((name for name in PACKAGES if find_spec(name)), None)
    if package is None:
        pytest.skip("neither ydata-profiling nor fg-data-profiling is installed")
    data = hostile().assign(who=[f"person{i}@mail.example" for i in range(200)], kind="CANARY-KIND")
    data.loc[::2, "kind"] = "other"
    finding = deep(data, seconds=500)
    page = check_is_framed(finding.attachments[0])

    assert str(finding.status) == "measured", finding.reason
    for hidden in ("CANARY-KIND", "mail.example", "alert(", "\u202e", *filter(str.strip, HOSTILE)):
        assert hidden not in page.srcdoc, hidden
    assert "c001" in page.srcdoc
    assert f"By {package} " in finding.attachments[0].data.decode().partition("<iframe")[0]
    assert next(m for m in finding.measures if m.name == "columns_described").value == 13

    shown = deep(data, seconds=500, minimal=True, sensitive=False)
    assert "CANARY-KIND" in check_is_framed(shown.attachments[0]).srcdoc

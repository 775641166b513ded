"""Canaries planted in data and parameters: never in what is shared, and noticed where a renderer is broken."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pandas as pd
import pytest

import workbench as wb
from workbench.audit import disclose as disclose_module
from workbench.audit import released_tables
from workbench.audit.bundle import Bundle
from workbench.audit.disclose import parent_of
from workbench.cli import main
from workbench.core.errors import EvidenceError
from workbench.report import share
from workbench.report.notebook import verdict
from workbench.report.readable import readable
from workbench.report.scan import flagged_columns, raw_values, scan
from workbench.report.share import share_bundle
from workbench.report.static import Static
from workbench.work import run_plan

MAIL, NAME, KEY = "canary.bird@aviary.example", "Zephyrine Quillfeather", "AKIAIOSFODNN7EXAMPLE"
HOME, OTHER_NAME = "/home/canary/models/limits.yaml", "Ottoline Brackenridge"
CANARIES = (MAIL, NAME, KEY, HOME, OTHER_NAME, "/home/canary", "aviary.example", "Zephyrine", "Ottoline")


def rows(seed: int, n: int = 400) -> pd.DataFrame:
    """Return rows of two people who come often, one of them with the canaries."""
    rng = np.random.default_rng(seed)
    score = np.round(rng.random(n), 2)
    mail = [f"user{i}@mail.example" for i in range(n)]
    text = rng.choice(["paid on time", "paid late", "asked twice"], n).astype(object)
    mail[7], text[11] = MAIL, f"my key is {KEY}, keep it"
    return pd.DataFrame(
        {
            "y": (rng.random(n) < score).astype(int),
            "score": score,
            "sex": rng.choice(["F", "M"], n),
            "amount": np.round(rng.lognormal(3, 1, n), 2),
            "customer_name": rng.choice([NAME, OTHER_NAME], n),
            "contact": mail,
            "comment": text,
        }
    )


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the data and a bundle of an audit of it by every check."""
    folder = tmp_path_factory.mktemp("canaries")
    rows(0).to_csv(folder / "data.csv", index=False)
    rows(1).to_csv(folder / "reference.csv", index=False)
    rule = f"{{id: gap, check: B001, measure: selection_rate_difference, operator: '<=', limit: 0.1, reason: {HOME}}}"
    (folder / "plan.yaml").write_text(
        f"data: {folder}/data.csv\nreference: {folder}/reference.csv\ntarget: y\nscore: score\n"
        f"sensitive: [sex, customer_name]\ntitle: Audit by {MAIL} of {HOME}\npolicy:\n  rules:\n    - {rule}\n"
    )
    run_plan(folder / "plan.yaml", folder=folder / "bundle", with_notebook=False)
    return folder


@pytest.fixture(scope="module")
def bundle(place: Path) -> Bundle:
    """Return that bundle, which holds canaries: it is not to be shared."""
    return wb.open_bundle(place / "bundle")


def everything(bundle: Bundle) -> str:
    """Return all that a reader may get out of a bundle, and its raw bytes."""
    names = [*bundle.manifest["files"], "manifest.json"]
    data = {name: bundle.read(name) for name in names}
    return "\n".join(
        [*(d.decode("latin-1") for d in data.values()), *(p for n, d in data.items() for p in readable(n, d).parts)]
    )


def test_the_internal_bundle_has_canaries_and_the_scanner_sees_them(place: Path, bundle: Bundle) -> None:
    """Otherwise the next test could not fail: mail, name and path are in the record that is not shared."""
    text = everything(bundle)
    assert {c for c in CANARIES if c in text} >= {MAIL, NAME, HOME, OTHER_NAME}
    frame = wb.open_data(str(place / "data.csv"))
    columns = flagged_columns(bundle.record, frame.names)
    assert columns == ["customer_name", "contact"]
    found = scan({n: bundle.read(n) for n in ("record.json", "report.html")}, raw_values(frame, columns))
    for file in ("record.json", "report.html"):
        kinds = {(leak.kind, leak.column) for leak in found.leaks if leak.file == file}
        assert kinds >= {("email", ""), ("path", ""), ("value", "customer_name")}


@pytest.mark.parametrize("data", [True, False])
def test_no_canary_is_shared(place: Path, bundle: Bundle, tmp_path: Path, data: bool) -> None:
    """Report, notebook, record, exports, manifest: none of them in any of these, whether or not the data is named."""
    named = str(place / "data.csv") if data else None
    shared, lines = share_bundle(bundle, tmp_path / "shared", data=named, excel=data)
    text = everything(shared)
    assert [c for c in CANARIES if c in text] == []
    assert "user3@mail.example" not in text
    assert str(place) not in text
    assert ("no raw value of 2 flagged columns" in lines[2]) is data
    files = {"record.json", "report.html", "audit.ipynb", "measures.csv", "measures.parquet"}
    assert set(shared.manifest["files"]) == files | ({"measures.xlsx"} if data else set())


def test_the_shared_bundle_verifies_and_says_what_it_is(bundle: Bundle, tmp_path: Path) -> None:
    """Its numbers are its record's; report, notebook and summary name the parent and that groups are withheld."""
    shared, _ = share_bundle(bundle, tmp_path / "shared")
    assert wb.verify(tmp_path / "shared") == []
    assert parent_of(shared.record) == bundle.record.digest
    assert shared.record.verdict.outcome == bundle.record.verdict.outcome
    report = shared.read("report.html").decode()
    assert bundle.record.digest in report
    for text in (report, shared.read("audit.ipynb").decode(), verdict(shared.record).text):
        assert "shareable: groups under 10 rows and what gives them away are withheld" in text
    again, _ = share_bundle(bundle, tmp_path / "again")
    assert again.manifest == shared.manifest


def test_the_notebook_is_valid_and_its_cells_show_the_record_again(
    bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every cell runs in the folder of the bundle without the data, and gives the output that is in it."""
    shared, _ = share_bundle(bundle, tmp_path / "shared")
    notebook = nbformat.reads(shared.read("audit.ipynb").decode(), as_version=4)
    nbformat.validate(notebook)
    monkeypatch.chdir(tmp_path / "shared")
    names: dict[str, Any] = {}
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    exec(code[0].source, names)  # noqa: S102
    assert len(code) > 4
    for cell in code[1:]:
        assert eval(cell.source, names).html == cell.outputs[0].data["text/html"]  # noqa: S307


# ---------------------------------------------------------------------------- broken on purpose


def _page_with(text: str) -> Callable[..., str]:
    return lambda record, **_: f"<html><body><p>{text}</p></body></html>"


def _svg(text: str) -> str:
    data = base64.b64encode(f'<svg xmlns="http://www.w3.org/2000/svg"><text>{text}</text></svg>'.encode()).decode()
    return f'<img src="data:image/svg+xml;base64,{data}">'


def _as_it_is(text: str) -> str:
    return text


def _nobody(record: Any, column: str) -> bool:
    return False


BROKEN: dict[str, tuple[list[tuple[Any, str, Any]], str, str]] = {
    "texts are not scrubbed": ([(disclose_module, "redacted", _as_it_is)], "record.json", "path"),
    "names are told as groups and categories": (
        [(disclose_module, "holds_personal_data", _nobody), (released_tables, "holds_personal_data", _nobody)],
        "report.html",
        "raw value of column 'customer_name'",
    ),
    "a name in the report": ([(share, "render_html", _page_with(f"by {NAME}"))], "report.html", "'customer_name'"),
    "a mail in a drawing": ([(share, "render_html", _page_with(_svg(MAIL)))], "report.html", "e-mail address"),
    "a key cut by tags": ([(share, "render_html", _page_with(KEY[:9] + "<b>" + KEY[9:] + "</b>"))], "report", "secret"),
    "a path in an attribute": ([(share, "render_html", _page_with(f'<a title="{HOME}">x</a>'))], "report", "path"),
    "a key in the notebook": ([(share, "static", lambda _: Static(f"<p>{KEY}</p>", ""))], "audit.ipynb", "secret"),
    "a name in the notebook": ([(share, "section", lambda *_: Static("", NAME))], "audit.ipynb", "'customer_name'"),
    "a mail in the table": ([(share, "measures_csv", lambda _: f'"a"\r\n"{MAIL}"'.encode())], "measures.csv", "e-mail"),
}


@pytest.mark.parametrize("how", BROKEN)
def test_a_broken_renderer_is_noticed_and_nothing_is_written(
    place: Path, bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """The scanner names file and kind, not the canary, and no file is left."""
    patches, file, kind = BROKEN[how]
    for target, name, broken in patches:
        monkeypatch.setattr(target, name, broken)
    with pytest.raises(EvidenceError) as caught:
        share_bundle(bundle, tmp_path / "shared", data=str(place / "data.csv"))
    told = [line for line in str(caught.value).splitlines() if line.strip().startswith(file) and kind in line]
    assert told
    assert [c for c in CANARIES if c in str(caught.value)] == []
    assert list(tmp_path.iterdir()) == []


# ---------------------------------------------------------------------------- the command


def test_the_command(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """0 and a bundle that verifies; 2 for a mistake; 4 and no bundle when the scanner finds something."""
    monkeypatch.chdir(tmp_path)
    given = str(place / "bundle")
    assert main(["disclose", given, "-o", "out", "--data", str(place / "data.csv"), "--excel"]) == 0
    assert "no raw value of 2 flagged columns" in capsys.readouterr().out
    assert main(["verify", "out"]) == 0
    assert main(["disclose", given, "-o", "strict", "--minimum", "300"]) == 0
    assert wb.open_bundle("strict").record.subject["disclosed"]["minimum"] == 300
    assert main(["disclose", "out", "-o", "twice"]) == 2
    assert "derivative already" in capsys.readouterr().err
    assert main(["disclose", given, "-o", "none", "--minimum", "0"]) == 2
    assert main(["disclose", "nowhere"]) == 2
    monkeypatch.setattr(share, "render_html", _page_with(KEY))
    assert main(["disclose", given, "-o", "leak"]) == 4
    assert "report.html: secret" in capsys.readouterr().err
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out", "strict"]


def test_without_a_name_it_is_written_beside_the_bundle(bundle: Bundle, tmp_path: Path) -> None:
    """BUNDLE-shareable, and what was not looked for is said."""
    given = tmp_path / "mine"
    given.mkdir()
    for name in [*bundle.manifest["files"], "manifest.json"]:
        (given / name).write_bytes(bundle.read(name))
    assert main(["disclose", f"{given}/"]) == 0
    assert json.loads((tmp_path / "mine-shareable" / "manifest.json").read_text())["status"] == "complete"

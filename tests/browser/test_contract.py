"""Deciding on a contract's rules in a real browser: by mouse and by keyboard, the board of the notebook behind it."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import workbench as wb
from tests.browser.test_drift import shot
from tests.contracts.test_decide import HOSTILE
from tests.notebooks import opened, run_all, written
from tests.screens import free_port, stop, wait_for
from tests.ui.loans import loans, write_loans
from workbench.audit.contracts import load_contract
from workbench.core.contract import Contract
from workbench.core.contract_judge import Naming, judge_data
from workbench.core.frame import wrap
from workbench.ui import view
from workbench.ui.acts import Heard
from workbench.ui.contract_board import ContractBoard
from workbench.ui.session import Session
from workbench.work import run_plan

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser"), pytest.mark.timeout(300)]

_PAGE = """<!doctype html><meta charset="utf-8"><style>%s</style><main id="at"></main><script type="module">
%s
const on = {};
const model = {
  value: await window.act(null), get: () => model.value, on: (name, f) => { on[name] = f; }, save_changes: () => {},
  set: async (name, act) => { model.value = await window.act(act); on["change:state"](); },
};
page.render({ model, el: document.getElementById("at") });
</script>"""


def shown(page: Any, board: ContractBoard) -> None:
    """Show a board's table; every act on the page is done by the board."""

    heard = Heard()

    def act(given: dict[str, Any] | None) -> dict[str, Any]:
        for one in heard.new(given or {}):
            board.act(one["value"])
        return board.state()

    page.expose_function("act", act)
    source = view.module(view.CONTRACT_ALONE).replace("export default", "const page =")
    page.set_content(_PAGE % (view.styles(("audit.css", "contract.css")), source))
    page.locator(".wb-rules tr[data-key]").first.wait_for()


@pytest.fixture
def board(tmp_path: Path) -> ContractBoard:
    """Return a board over the loans with their data."""
    contract = load_contract(write_loans(tmp_path) / "contract.yaml")
    _, current = loans()
    judge = lambda c: judge_data(wrap(current), c, naming=Naming("person"))  # noqa: E731
    found = ContractBoard(contract, judge=judge, path=tmp_path / "decided.yaml")
    found.act({"name": "check"})
    return found


def row(page: Any, key: str) -> Any:
    """Return the table's row of a rule."""
    return page.locator(f'.wb-rules tr[data-key="{key}"]')


def test_rules_are_decided_by_mouse(page: Any, board: ContractBoard, tmp_path: Path) -> None:
    """Accept, reject, undo, edit with a mistake and without one, save: the file holds what was decided."""
    shown(page, board)
    age = row(page, "age: range")
    for part in ("age is at least 18 and at most 79", "proposed", "warn", "21 of 2\u202f000", "1.05%", "P-00097"):
        assert part in age.inner_text()
    age.get_by_role("button", name="Accept").click()
    row(page, "age: range").locator(".wb-fail").wait_for()
    row(page, "region: not null").get_by_role("button", name="Reject").click()
    row(page, "region: not null").locator(".wb-state-rejected").wait_for()
    row(page, "region: not null").get_by_role("button", name="Undo").click()
    row(page, "region: not null").locator(".wb-state-proposed").wait_for()
    row(page, "age: range").get_by_role("button", name="Edit").click()
    page.get_by_label("Fields of age: range").fill("{minimum: 99, maximum: 1}")
    page.get_by_role("button", name="Save rule").click()
    page.locator(".wb-message.wb-error", has_text="lower limit").wait_for()
    field = page.get_by_label("Fields of age: range")
    assert field.input_value() == "{minimum: 99, maximum: 1}"  # what was typed is still there
    field.fill("{minimum: 18, maximum: 200}")
    field.press("Enter")
    page.locator(".wb-told", has_text="edited").wait_for()
    assert "not judged yet" in row(page, "age: range").inner_text()
    page.get_by_role("button", name="Check the data").click()
    row(page, "age: range").locator(".wb-pass").wait_for()
    shot(page, "contract")
    page.get_by_role("button", name="Save decided.yaml").click()
    page.locator(".wb-told", has_text="decided.yaml is written").wait_for()
    assert load_contract(tmp_path / "decided.yaml") == board.contract
    kept = {r.key: r for r in board.contract.rules}
    assert (kept["age: range"].state, kept["age: range"].bounds) == ("accepted", {"minimum": 18, "maximum": 200})
    assert page.foreign == []


def test_rules_are_decided_by_keyboard_alone(page: Any, board: ContractBoard) -> None:
    """Arrows move, letters decide and go on; the place is kept; a letter typed into a field decides nothing."""
    shown(page, board)
    keys = [r["key"] for r in board.state()["rows"]]
    row(page, keys[0]).focus()
    for key in ("a", "ArrowDown", "r"):
        page.keyboard.press(key)
    row(page, keys[2]).locator(".wb-state-rejected").wait_for()
    states = {r["key"]: r["state"] for r in board.state()["rows"]}
    assert [states[k] for k in keys[:4]] == ["accepted", "proposed", "rejected", "accepted"]
    at = "document.activeElement.dataset.key"
    page.wait_for_function(f"{at} === {json.dumps(keys[3])}")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("u")
    row(page, keys[2]).locator(".wb-state-proposed").wait_for()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("e")
    page.keyboard.type("aru")
    page.keyboard.press("Escape")
    assert page.locator(".wb-fields").count() == 0
    assert {r["key"]: r["state"] for r in board.state()["rows"]}[keys[2]] == "proposed"
    page.get_by_label("Filter the contract's rules").fill("occurs once")
    assert page.locator(".wb-rules tr[data-key]").count() == 1
    assert "showing 1 of" in page.locator(".wb-contract").inner_text()
    page.get_by_label("Filter the contract's rules").fill("")
    page.get_by_label("Which rules").select_option("broken")
    assert page.locator(".wb-rules tr[data-key]").count() == 6
    page.set_viewport_size({"width": 420, "height": 900})
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    shot(page, "contract-narrow")


def test_names_that_would_be_markup_are_text(page: Any) -> None:
    """Nothing of a name runs or loads; ten thousand letters do not widen the page."""
    dialogs: list[str] = []
    page.on("dialog", lambda d: (dialogs.append(d.message), d.dismiss()))
    names = [*HOSTILE, "<img src=http://example.invalid/x onerror=alert(1)>", "x" * 10_000, 'a"]</script>b']
    board = ContractBoard(Contract.from_dict({"columns": {name: {"nullable": False} for name in names}}))
    shown(page, board)
    assert page.locator(".wb-rules tr[data-key]").count() == 2 * len(names)
    assert page.locator(".wb-rules img, .wb-rules script").count() == 0
    last = page.locator(".wb-rules tr[data-key]").last
    last.get_by_role("button", name="Reject").click()
    page.locator(".wb-state-rejected").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert (dialogs, page.foreign) == ([], [])


_WORKBENCH = """<!doctype html><meta charset="utf-8"><style>%s</style><main id="at"></main><script type="module">
%s
const on = {}, values = { state: await window.act(null) };
const model = {
  get: (name) => values[name] ?? {}, on: (name, f) => { on[name] = f; }, save_changes: () => {},
  set: async (name, act) => { values.state = await window.act(act); on["change:state"](); },
};
page.render({ model, el: document.getElementById("at") });
</script>"""


def test_decisions_beside_an_audit_hold_from_its_next_run_on(page: Any, tmp_path: Path) -> None:
    """The workbench's page Contract: accept, run again, and the verdict is another; the file is written when asked."""
    folder = write_loans(tmp_path)
    audit = wb.Audit.from_plan({**json.loads((folder / "plan.yaml").read_text()), "checks": ["quality.contract"]})
    session = Session(audit)
    ended = threading.Event()
    session.subscribe(lambda name, _: ended.set() if name == "finished" else None)

    heard = Heard()

    def act(given: dict[str, Any] | None) -> dict[str, Any]:
        for one in heard.new(given or {}):
            if one["name"] in ("decide", "run"):
                ended.clear()
                session._do(one)
                assert one["name"] != "run" or ended.wait(60)  # a run is a worker's
        return session.state()

    act({"name": "run"})

    page.expose_function("act", act)
    source = view.module().replace("export default", "const page =")
    page.set_content(_WORKBENCH % (view.styles(), source))
    page.get_by_role("tab", name="Contract").click()
    assert row(page, "income: not null").locator(".wb-warn").count() == 1
    row(page, "income: not null").focus()
    page.keyboard.press("a")
    row(page, "income: not null").locator(".wb-fail").wait_for()
    page.get_by_role("button", name="Run again").click()
    page.locator(".wb-causes li", has_text="Broken rules").filter(has_text="5").wait_for()
    assert page.get_by_role("tab", name="Contract").get_attribute("aria-selected") == "true"
    shot(page, "contract-workbench")
    page.get_by_role("button", name="Save agreed.yaml").click()
    page.locator(".wb-told", has_text="agreed.yaml is written").wait_for()
    kept = {r.key: r.state for r in load_contract(folder / "agreed.yaml").rules}
    assert kept["income: not null"] == "accepted"
    assert page.foreign == []
    session.close()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve the audit of the loans and return its address."""
    folder = write_loans(tmp_path_factory.mktemp("loans"))
    run_plan(folder / "plan.yaml", folder=folder / "audits" / "loans", with_notebook=False)
    port = free_port()
    command = [sys.executable, "-m", "workbench", "serve", str(folder / "audits"), "--port", str(port)]
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )  # fmt: skip
    try:
        wait_for(f"http://127.0.0.1:{port}/", process)
        yield f"http://127.0.0.1:{port}/?bundle=loans"
    finally:
        stop(process)


def test_the_reviewer_sees_rules_shares_and_rows(page: Any, served: str) -> None:
    """In the app the table is read: what is broken first, with n, share, interval and rows; nothing to decide."""
    page.goto(served)
    page.locator(".wb-head").first.wait_for(timeout=60_000)
    page.get_by_role("tab", name="Contract").click()
    rows = page.locator(".wb-rules tr[data-key]")
    rows.first.wait_for()
    text = rows.first.inner_text()
    assert all(part in text for part in ("age is at least 18", "fail", "21 of 2\u202f000", "[0.69, 1.60]", "P-00097"))
    assert page.locator(".wb-decide").count() == 0
    shot(page, "contract-app")
    page.get_by_role("tab", name="Overview").click()
    page.locator(".wb-finding", has_text="Data contract").click()
    page.locator(".wb-detail td", has_text="age is at least 18").wait_for()
    assert page.foreign == []


def _cell() -> None:
    import workbench as wb

    table = wb.open_contract("contract.yaml", "current.parquet", id="person")
    table  # noqa: B018


def test_the_analyst_decides_in_a_notebook(page: Any, lab: tuple[str, Path]) -> None:
    """The widget in JupyterLab: a decision reaches the kernel and, saved, the file."""
    address, folder = lab
    write_loans(folder)
    lines = inspect.getsource(_cell).splitlines()[1:]
    source = "\n".join(line[4:].replace("  # noqa: B018", "") for line in lines)
    written(folder / "contract.ipynb", source)
    opened(page, address, "contract.ipynb")
    run_all(page)
    row(page, "age: range").wait_for(timeout=90_000)
    row(page, "age: range").focus()
    page.keyboard.press("a")
    row(page, "age: range").locator(".wb-fail").wait_for()
    shot(page, "contract-lab")
    page.get_by_role("button", name="Save contract.yaml").click()
    page.locator(".wb-told", has_text="contract.yaml is written").wait_for()
    states = {r.key: r.state for r in wb.open_contract(folder / "contract.yaml").contract.rules}
    assert states["age: range"] == "accepted"
    assert states["person: pattern"] == "proposed"

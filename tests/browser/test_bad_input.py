"""Bad input on screen: frames that break things, models that fail, thousands of rules, a kernel that restarts."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

import workbench as wb
from tests.audit.runs import data, fitted, with_model
from tests.browser.test_lab import kill_kernels, shot
from tests.complaints.stage import Stage
from tests.complaints.test_app_screen import put
from tests.notebooks import opened, run, written
from workbench.audit.runner import Limits
from workbench.core.finding import Status
from workbench.ui.session import Session

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser"), pytest.mark.timeout(300)]

# ---------------------------------------------------------------------------- the kernel restarts, and dies

DOZES = """
import os, time
import numpy as np
import pandas as pd
import workbench as wb

@wb.check("own.dozes", "Z971", "A check that dozes")
def dozes(subject):
    while not os.path.exists("restarted"):
        time.sleep(600)
    return wb.Result([wb.Measure("woke", 1, n=1)])

rng = np.random.default_rng(1)
data = pd.DataFrame({"x": rng.normal(size=500), "y": rng.integers(0, 2, 500), "g": rng.choice(["a", "b"], 500)})
data["score"] = 1 / (1 + np.exp(-data.x))
checks = ["bias.group_rates", "own.dozes", "quality.missing"]
audit = wb.Audit(data, target="y", score="score", sensitive="g", title="Restarted", checks=checks)
audit
"""


def test_a_run_that_a_restart_broke_off_is_taken_up(page: Any, lab: tuple[str, Path]) -> None:
    """Restart mid-run: the screen says so and stays; the cell again finds the run, which goes on where it was."""
    address, folder = lab
    written(folder / "restarted.ipynb", DOZES, "print(audit.run().digest)")
    opened(page, address, "restarted.ipynb")
    run(page, 0)
    view = page.locator(".jp-OutputArea .wb").first
    view.locator(".wb-primary").click(timeout=90_000)
    view.locator(".wb-live", has_text="A check that dozes").wait_for(timeout=60_000)
    view.get_by_text("Available already (1)").click()
    view.get_by_role("button", name="bias.group_rates").click()
    view.locator(".wb-detail", has_text="Hardt").wait_for(timeout=30_000)

    page.locator(".lm-MenuBar-item", has_text="Kernel").click()
    page.locator("li.lm-Menu-item[data-command='kernelmenu:restart']").click()
    page.locator(".jp-Dialog .jp-mod-accept").click()
    said = view.locator(".wb-live", has_text="The kernel behind this screen has ended")
    said.wait_for(timeout=30_000)
    assert "run the cell again and take it up" in said.inner_text()
    assert view.get_by_role("button", name="Run", exact=True).is_disabled()
    assert view.get_by_role("button", name="Cancel").is_disabled()
    assert "Hardt" in str(view.locator(".wb-detail").text_content())  # what had been opened is read on
    shot(page, "bad-restarted")

    (folder / "restarted").touch()
    page.wait_for_timeout(1000)
    run(page, 0)
    view.get_by_role("button", name="Take up the run that did not end").click(timeout=90_000)
    view.locator(".wb-head").wait_for(timeout=60_000)
    assert "was taken up: 1 of 3 checks had ended there, not made again" in view.locator(".wb-live").inner_text()
    assert view.get_by_role("button", name="Take up the run").count() == 0
    run(page, 1)
    digest = view.locator(".wb-head [title^='sha256:']").get_attribute("title")
    printed = page.locator(".jp-OutputArea-output[data-mime-type$=stdout]", has_text=str(digest))  # not the copy
    printed.wait_for(timeout=60_000)
    shot(page, "bad-taken-up")

    kill_kernels(address)
    said.wait_for(timeout=30_000)
    assert "What is shown stays readable" in said.inner_text()
    view.get_by_role("tab", name="Bias").click()
    view.get_by_role("tab", name="Overview").click()
    view.get_by_label("Filter rules", exact=True).fill("nothing like this")
    view.get_by_text("No rule matches this filter.").wait_for()


# ---------------------------------------------------------------------------- frames


def frame(rows: int, **columns: Any) -> pd.DataFrame:
    """Return scored rows with a group, a category and a number, and these columns in their place or beside them."""
    rng = np.random.default_rng(9)
    score = rng.random(rows).round(3)
    made = {
        "income": rng.normal(40, 9, rows).round(2),
        "job": rng.choice(["cook", "smith", "nurse"], rows),
        "group": rng.choice(["a", "b"], rows),
        "score": score,
        "y": (rng.random(rows) < score).astype(int),
    }
    return pd.DataFrame({**made, **columns})


AGE, CITY = "العمر", "עיר \u202eהמלווה"
NAMES = ("quote\"'s", "two\nlines", "a😀b", AGE, CITY, "nul\x00", "<b onclick=alert(1)>", "x" * 10_000)
FRAMES: dict[str, tuple[pd.DataFrame, dict[str, Any]]] = {
    "300 groups and 300 categories": (
        frame(6000, group=[f"group {i % 300}" for i in range(6000)], job=[f"job {i * 7 % 300}" for i in range(6000)]),
        {"checks": ["bias.group_rates", "drift.categorical", "performance.classification", "quality.profile"]},
    ),
    "one row": (frame(1), {}),
    "one class": (frame(300, y=1), {}),
    "columns without a value": (frame(300, income=None, job=None, group=None, score=np.nan), {}),
    "names": (
        frame(400, **{name: np.arange(400) % 5 for name in NAMES}, group=[NAMES[i % 8] for i in range(400)]),
        {"sensitive": ["group", CITY]},
    ),
}
SAID: dict[str, dict[str, str]] = {
    "300 groups and 300 categories": {"Bias": "showing 40 of 300 groups"},
    "one row": {},
    "one class": {},
    "columns without a value": {"Drift": "every value is missing in both data sets"},
    "names": {"Drift": "<b onclick=alert(1)>", "Data": f"\u2068{AGE}\u2069"},
}


def audited(name: str) -> wb.Audit:
    """Return the audit of a frame that breaks things, run."""
    data, more = FRAMES[name]
    options = {"target": "y", "score": "score", "sensitive": "group", "positive": 1, "title": name, **more}
    audit = wb.Audit(data, reference=data, **options)
    audit.run()
    return audit


def watched(page: Any) -> list[str]:
    """Return the list into which the page's errors go from now on."""
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
    return wrong


def settled(page: Any, wanted: str = "") -> str:
    """Return the text of the open tab once it has what is wanted and stays as it is: nothing more comes from Python."""
    said, since, end = "", time.monotonic(), time.monotonic() + 60
    while time.monotonic() - since < 0.7 or "Opening …" in said or wanted not in said:
        now = page.get_by_role("tabpanel").inner_text()
        said, since = now, since if now == said else time.monotonic()
        assert time.monotonic() < end, said
        page.wait_for_timeout(100)
    return said


@pytest.mark.parametrize("name", FRAMES)
def test_every_page_opens_on_a_frame_that_breaks_things(page: Any, app: str, bundles: Path, name: str) -> None:
    """Each tab: no error, no markup, nothing wider than the page, never a blank one, and what is left out is said."""
    wrong = watched(page)
    folder = f"bad {list(FRAMES).index(name)}"
    put(bundles, folder, audited(name).record)
    page.goto(f"{app}/?bundle={folder}")
    page.locator(".wb-head").wait_for(timeout=60_000)
    pages = {}
    for tab in page.locator("[aria-label=Views] [role=tab]").all_inner_texts():
        page.get_by_role("tab", name=tab, exact=True).click()
        pages[tab] = settled(page, SAID[name].get(tab, ""))
        panel = page.get_by_role("tabpanel")
        assert len(pages[tab].split()) > 3, tab
        assert panel.locator("b, script, [onclick]").count() == 0, tab
        assert panel.locator("*").count() < 6000, tab
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth + 1"), tab
        assert not set(pages[tab]) & set("\u202e\x00"), tab
        shot(page, f"bad-{folder[-1]}-{tab}".lower())
    assert wrong == []
    assert set(SAID[name]) <= set(pages)


# ---------------------------------------------------------------------------- models


def model_that(kind: str) -> Any:
    """Return a fitted model that fails: on some rows, on all, by never ending, or by eating memory."""
    if kind != "raises for some rows":
        return fitted(kind)

    class Picky(LogisticRegression):  # type: ignore[misc]
        def predict_proba(self, rows: Any) -> Any:
            if (rows["x"] > 1.5).any():
                raise ValueError("secret")
            return super().predict_proba(rows)

    Picky.__module__ = "__main__"
    known = data()
    return Picky().fit(known[["x"]], known.y)


WHY = {
    "raises": "the model could not be used: the model's predict_proba failed with ValueError",
    "hangs": "the model could not be used: the model (Model) took longer than 15 s and was ended",
    "eats": "the model could not be used: the model (Model) needed more than 1\u202f000 MiB of memory and was ended",
    "raises for some rows": "the model failed on 30 rows with ValueError; they are left out",
}
LIMITS = {"hangs": Limits(seconds=15), "eats": Limits(mebibytes=1000)}


@pytest.mark.parametrize("kind", [pytest.param(k, marks=pytest.mark.slow if k in LIMITS else ()) for k in WHY])
def test_a_model_that_fails_is_named_and_the_rest_is_there(page: Any, kind: str) -> None:
    """In a real worker: what the model did stands on the screen, what does not need it is measured and opened."""
    wrong = watched(page)
    session = Session(with_model(model_that(kind)), limits=LIMITS.get(kind))
    stage = Stage(page, session)
    try:
        page.get_by_role("button", name="Run", exact=True).click()
        stage.until(page.locator(".wb-head").count, 150)
        lost = kind != "raises for some rows"
        said = page.locator(".wb-live").inner_text()
        assert (WHY[kind] in said) == lost, said
        head = page.locator(".wb-head").inner_text()
        assert ("INCOMPLETE" in head) == lost, head
        performance = page.locator(".wb-finding", has_text="Classification performance")
        assert ("error" in performance.inner_text()) == lost
        performance.click()
        stage.until(page.locator(".wb-detail", has_text=WHY[kind]).count)
        page.locator(".wb-finding", has_text="Missing values").click()
        stage.until(page.locator(".wb-detail", has_text="Missing share").count)
        assert re.search(r"\bsecret\b", page.content()) is None  # checks of personal data and secrets are named
        assert wrong == []
        shot(page, f"bad-model-{kind.replace(' ', '-')}")
    finally:
        session.close()


def test_a_model_that_hangs_is_cancelled(page: Any, measured: Callable[[str], None]) -> None:
    """No check has begun: Cancel ends the worker all the same, the kernel is free, and the screen says partial."""
    session = Session(with_model(fitted("hangs")))
    stage = Stage(page, session)
    try:
        page.get_by_role("button", name="Run", exact=True).click()
        stage.until(lambda: "counting" in page.locator(".wb-live").inner_text())
        pressed = time.perf_counter()
        page.get_by_role("button", name="Cancel").click()
        stage.until(lambda: page.locator(".wb-head", has_text="this is a partial result").count())
        seconds = time.perf_counter() - pressed
        measured(f"cancel of a model that hangs: partial record on screen after {seconds:.2f} s")
        assert seconds < 10  # two seconds and much slack for a machine that does much else
        assert page.get_by_role("button", name="Run the rest").is_enabled()
        assert {f.status for f in session.record.findings} == {Status.CANCELLED}  # type: ignore[union-attr]
    finally:
        session.close()


# ---------------------------------------------------------------------------- no rows


def test_a_frame_without_rows_says_so(page: Any) -> None:
    """The screen opens; the run ends with the reason, and another run can be tried."""
    wrong = watched(page)
    session = Session(wb.Audit(frame(0), target="y", score="score", sensitive="group", positive=1))
    stage = Stage(page, session)
    try:
        page.get_by_role("button", name="Run", exact=True).click()
        stage.until(lambda: page.locator(".wb-message.wb-error", has_text="no rows").count())
        assert page.get_by_role("button", name="Run", exact=True).is_enabled()
        assert wrong == []
    finally:
        session.close()


# ---------------------------------------------------------------------------- names from right to left

PLACES = """([name, number]) => {
  const walk = document.createTreeWalker(document.querySelector(".wb"), NodeFilter.SHOW_TEXT);
  const found = [];
  for (let node = walk.nextNode(); node; node = walk.nextNode()) {
    const [a, b] = [node.textContent.indexOf(name), node.textContent.indexOf(number)];
    if (a < 0 || b < 0) continue;
    const box = (at, text) => {
      const range = document.createRange();
      range.setStart(node, at);
      range.setEnd(node, at + text.length);
      return range.getBoundingClientRect();
    };
    const [one, two] = [box(a, name), box(b, number)];
    if (one.width && Math.abs(one.y - two.y) < 4) found.push(Math.sign(two.left - one.left));
  }
  return found;
}"""
BARE = """() => {
  const walk = document.createTreeWalker(document.querySelector(".wb"), NodeFilter.SHOW_TEXT);
  for (let node = walk.nextNode(); node; node = walk.nextNode())
    node.textContent = node.textContent.replaceAll(/[\u2068\u2069]/g, "");
}"""


@pytest.mark.parametrize("name", ["income", AGE, "עיר המלווה"])
def test_numbers_stand_where_they_stand_beside_latin_names(page: Any, name: str) -> None:
    """By geometry: a number that follows a name stands to its right, whatever the name's direction."""
    data = frame(300).rename(columns={"income": name})
    data[name] = data[name].where(data.index % 3 > 0)
    record = wb.Audit(data, target="y", checks=["quality.missing"]).run()
    session = Session(record=record)
    Stage(page, session)
    summary = page.locator(".wb-finding").inner_text()
    number = summary.partition(": ")[2].partition("%")[0]
    assert name in summary
    assert page.evaluate(PLACES, [name, number]) == [1]
    shot(page, f"bad-direction-{next(map(ord, name))}")
    page.evaluate(BARE)
    assert page.evaluate(PLACES, [name, number]) == [1 if name.isascii() else -1]  # the measure sees it
    session.close()

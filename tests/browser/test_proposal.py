"""The screen before a run: the total and Run first, the plan by family, and what is ruled out."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

import workbench as wb
from tests.complaints.stage import Stage
from workbench.ui.session import Session

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser"), pytest.mark.timeout(120)]

SHOTS = os.environ.get("SCREENSHOTS")


def session() -> Session:
    """Return the session of a model's audit that has no reference."""
    rng = np.random.default_rng(4)
    data = pd.DataFrame({"x": rng.normal(size=900), "z": rng.normal(size=900), "sex": rng.choice(["F", "M"], 900)})
    data["y"] = (rng.random(900) < 1 / (1 + np.exp(-data.x))).astype(int)
    model = LogisticRegression().fit(data[["x", "z"]], data.y)
    checks = ["quality.missing", "quality.outliers", "bias.group_rates", "performance.weak_segments", "drift.numeric"]
    return Session(wb.Audit(data, model=model, target="y", sensitive="sex", checks=checks, title="Loans"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_before_a_run_the_screen_says_what_it_takes_and_what_is_ruled_out(page: Any, scheme: str) -> None:
    """Read the total, open the lists by keys, leave a check out, run: then the proposal is gone."""
    page.emulate_media(color_scheme=scheme)
    here = session()
    stage = Stage(page, here, host=f"body {{ background: {'#14171c' if scheme == 'dark' else '#fff'} }}")
    total, plan = page.locator(".wb-total"), page.get_by_label("Proposed plan")
    assert "4 checks of 5 can be made" in total.inner_text()
    assert "predictions of the model, which are not timed" in total.inner_text()
    tops = [page.locator(of).bounding_box()["y"] for of in (".wb-total", ".wb-primary", ".wb-proposed", ".wb-ruled")]
    assert tops == sorted(tops)
    rows = plan.locator(".wb-proposed tbody tr")
    assert rows.evaluate_all("all => all.map(r => r.cells[1].innerText + ' ' + r.cells[3].innerText)") == [
        " about 900",
        "1 –",
        "1 about 900",
        "2 –",
    ]
    ruled = plan.locator(".wb-ruled > li", has_text="No reference")
    assert "reference=…" in ruled.inner_text()
    if SHOTS:
        page.screenshot(path=f"{SHOTS}/not-run-{scheme}.png", full_page=True)

    rows.nth(1).locator("summary").focus()
    page.keyboard.press("t")
    assert plan.locator("details.wb-as-table:not([open])").count() == 0
    assert "Drift of number columns" in ruled.inner_text()
    page.keyboard.press("?")
    assert "Nothing was run for this" in plan.inner_text()
    page.locator(".wb-check", has_text="Weak segments").locator("input").uncheck()
    stage.until(lambda: "3 checks of 4 can be made" in total.inner_text())
    page.locator(".wb-primary").click()
    stage.until(lambda: page.locator(".wb-head").count())
    assert plan.is_hidden()
    assert not total.count()
    here.close()

"""Columns that are not what they were: renamed, twice there, missing for the model; told where an audit is set up."""

from __future__ import annotations

from typing import Any

import pytest
from sklearn.linear_model import LogisticRegression

import workbench as wb
from tests.browser.test_bad_input import frame, watched
from tests.browser.test_lab import shot
from tests.complaints.stage import Stage
from workbench.ui.setup import Setup

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser"), pytest.mark.timeout(300)]


def test_a_renamed_column_is_named_and_nothing_is_lost(page: Any) -> None:
    """Set up by clicking with a reference that calls a column otherwise: the message names both, choices stay."""
    wrong = watched(page)
    names = {"now": frame(200), "before": frame(200).rename(columns={"income": "incomes"}), "empty": frame(0)}
    setup = Setup(wb.Audit, lambda: names)
    stage = Stage(page, setup)
    try:
        page.get_by_label("Data to audit", exact=True).select_option("now")
        role = page.locator("select[data-column='y']")
        stage.until(role.count)
        role.select_option("target")
        page.get_by_label("Reference", exact=True).select_option("before")
        stage.until(lambda: page.get_by_label("Reference", exact=True).input_value() == "before")
        page.get_by_role("button", name="Start").click()
        stage.until(lambda: page.get_by_text("the reference has no column 'income'").count())
        assert "Did you mean 'incomes'?" in page.locator(".wb").inner_text()
        assert role.input_value() == "target"
        assert page.get_by_label("Data to audit", exact=True).input_value() == "now"
        shot(page, "bad-renamed")
        page.get_by_label("Reference", exact=True).select_option("")
        stage.until(lambda: not page.get_by_label("Reference", exact=True).input_value())
        page.get_by_role("button", name="Start").click()
        stage.until(page.locator(".wb-primary", has_text="Run").count)
        assert wrong == []
    finally:
        setup.close()


def test_two_columns_of_one_name_are_told_before_anything_starts(page: Any) -> None:
    """Picked as data or as reference: which frame, which name, what to do; what was chosen before stays."""
    wrong = watched(page)
    twice = frame(200).rename(columns={"job": "income"})
    setup = Setup(wb.Audit, lambda: {"now": frame(200), "twice": twice})
    stage = Stage(page, setup)
    said = page.locator(".wb-message.wb-error")
    data, reference = (page.get_by_label(name, exact=True) for name in ("Data to audit", "Reference"))
    try:
        data.select_option("twice")
        stage.until(said.count)
        told = said.inner_text()
        assert "'twice' was not chosen: two columns are called 'income'" in told
        assert "rename one, so that results can tell them apart" in told
        assert data.input_value() == ""
        assert "null" not in page.locator(".wb").inner_text()  # nothing to leave out yet: nothing is said
        shot(page, "bad-twice")
        data.select_option("now")
        stage.until(page.locator("select[data-column='y']").count)
        assert not said.count()
        page.locator("select[data-column='y']").select_option("target")
        stage.until(lambda: page.locator("select[data-column='y']").input_value() == "target")
        reference.select_option("twice")
        stage.until(said.count)
        assert "'twice' was not chosen: two columns are called 'income'" in said.inner_text()
        assert (data.input_value(), reference.input_value()) == ("now", "")
        assert page.locator("select[data-column='y']").input_value() == "target"
        page.get_by_role("button", name="Start").click()
        stage.until(page.locator(".wb-primary", has_text="Run").count)
        assert wrong == []
    finally:
        setup.close()


def test_a_model_without_its_column_is_told_and_the_rest_goes_on(page: Any) -> None:
    """The column that is missing, the one it may be now, what can be done; without the model the audit starts."""
    wrong = watched(page)
    known = frame(200)
    model = LogisticRegression().fit(known[["income", "score"]], known.y)
    renamed = known.rename(columns={"income": "Income_2026", "score": "p"})
    setup = Setup(wb.Audit, lambda: {"renamed": renamed, "model": model})
    stage = Stage(page, setup)
    said = page.locator(".wb-message.wb-error")
    try:
        page.get_by_label("Data to audit", exact=True).select_option("renamed")
        stage.until(page.locator("select[data-column='y']").count)
        page.locator("select[data-column='y']").select_option("target")
        page.get_by_label("Model", exact=True).select_option("model")
        stage.until(lambda: page.get_by_label("Model", exact=True).input_value() == "model")
        page.get_by_role("button", name="Start").click()
        stage.until(said.count)
        told = said.inner_text()
        assert "the model was trained on column 'income', which the data does not have (nor 1 more of its 2)" in told
        assert "Did you mean 'Income_2026'?" in told
        assert "Rename the column in the data, choose the data that the model is for, or leave the model out." in told
        shot(page, "bad-feature")
        page.get_by_label("Model", exact=True).select_option("")
        stage.until(lambda: not said.count())
        page.get_by_role("button", name="Start").click()
        stage.until(page.locator(".wb-primary", has_text="Run").count)
        page.get_by_role("button", name="Run", exact=True).click()
        stage.until(page.locator(".wb-head").count, 150)
        page.locator("[data-check='quality.missing']").click()
        stage.until(page.locator(".wb-detail", has_text="Missing share").count)
        assert wrong == []
    finally:
        setup.close()

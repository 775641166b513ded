"""Thousands of rules on one board: searched, sorted and paged in a browser, by small messages."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

import workbench as wb
from tests.browser.test_bad_input import frame
from tests.complaints.stage import Stage
from workbench.audit.record import Record
from workbench.core.finding import Measure
from workbench.ui.session import Session

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser"), pytest.mark.timeout(300)]


def many(count: int) -> Record:
    """Return a record with so many judgements, their values spread over 0 to 1."""
    of = wb.Audit(frame(50), checks=["quality.missing"]).run()
    places = [f"column {i}" for i in range(count)]
    values = [i * 7919 % count / count for i in range(count)]
    measures = [
        Measure("missing_share", v, c, low=v * 0.8, high=min(1.0, v * 1.5), n=500 + i, unit="share")
        for i, (c, v) in enumerate(zip(places, values, strict=True))
    ]
    judged = [
        replace(of.verdict.judgements[0], column=m.column, value=m.value, low=m.low, high=m.high, n=m.n, limit=0.5,
                outcome="fail" if m.low > 0.5 else "cannot_tell" if m.high > 0.5 else "pass",
                reason="the interval reaches across the limit" if m.low <= 0.5 < m.high else "")
        for m in measures
    ]  # fmt: skip
    finding = replace(of.findings[0], measures=tuple(measures))
    return replace(of, findings=(finding,), verdict=replace(of.verdict, judgements=tuple(judged)))


@pytest.mark.parametrize("count", [5_000, 20_000])
def test_thousands_of_rules_are_searched_and_sorted(page: Any, count: int, measured: Callable[[str], None]) -> None:
    """The board says how many there are, one page is in the document, search, order and pages are over all."""
    session = Session(record=many(count))
    began = time.perf_counter()
    parts = session.parts()
    sizes = {name: len(json.dumps(value)) for name, value in parts.items()}
    measured(f"{count} rules: {sizes} bytes, made in {time.perf_counter() - began:.2f} s")
    Stage(page, session)
    said = page.get_by_label("Rules", exact=True).get_by_role("status")
    shown = f"{count:,}".replace(",", "\u202f")
    page.wait_for_function("w => document.querySelector('[aria-label=Rules] [role=status]').textContent === w",
                           arg=f"showing 1–200 of {shown}")  # fmt: skip
    rows = page.locator(".wb-board tbody tr")
    assert rows.count() == 200
    assert "FAIL" in rows.first.inner_text().upper()
    assert page.locator(".wb *").count() < 6000

    last = f"column {count - 1}"
    find = page.get_by_label("Filter rules", exact=True)
    find.fill(last)
    assert rows.count() == 1
    assert last in rows.inner_text()
    assert said.inner_text() == f"showing 1 of {shown}"
    find.fill("reaches across")
    assert said.inner_text().endswith(f"that match, {shown} in all")
    find.fill("")
    page.get_by_role("button", name="Value [interval]").click()
    assert f"column {next(i for i in range(count) if i * 7919 % count == count - 1)}\t" in rows.first.inner_text()
    page.get_by_role("button", name="Rows after").click()
    assert said.inner_text() == f"showing 201–400 of {shown}"
    page.get_by_label("Outcome", exact=True).select_option("pass")
    passing = sum(min(1.0, i / count * 1.5) <= 0.5 for i in range(count))
    assert said.inner_text().startswith(f"showing 1–200 of {passing:,}".replace(",", "\u202f"))
    took = page.evaluate(REDRAWN)
    measured(f"{count} rules: a letter in the filter is drawn after {took:.0f} ms, "
             f"{page.locator('.wb *').count()} elements")  # fmt: skip
    session.close()


REDRAWN = """async () => {
  const field = document.querySelector("[aria-label='Filter rules']");
  const times = [];
  for (const text of ["c", "co", "column 1", ""]) {
    const begun = performance.now();
    field.value = text;
    field.dispatchEvent(new Event("input"));
    await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
    times.push(performance.now() - begun);
  }
  return Math.max(...times);
}"""

"""An answer that Python could not make: its place on the screen tells it, and gives it once it can be made."""

from __future__ import annotations

from typing import Any

import pytest

from tests.browser.test_accessible import audit_of, clean
from tests.browser.test_lab import shot
from tests.complaints.stage import Stage
from workbench.ui import explorer
from workbench.ui.session import Session

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser"), pytest.mark.timeout(300)]


def broken(record: Any, *_: Any) -> dict[str, Any]:
    """Stand in for what a page is made by, and fail."""
    raise TypeError("row 17 of Jane Doe")


def test_an_answer_that_python_could_not_make_is_told_in_its_place(page: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing says Opening for ever: what, why, what next, an id to copy, no value of a row; Try again brings it."""
    audit = audit_of()
    audit.run()
    session = Session(audit)
    stage = Stage(page, session)
    failed = page.get_by_role("tabpanel").locator(".wb-failed")
    with monkeypatch.context() as during:
        for of in ("bias_payload.page", "performance_payload.page", "payload.detail"):
            during.setattr(f"workbench.ui.{of}", broken)
        during.setitem(explorer._LOOKS, "column", ("column", broken))
        page.locator(".wb-finding").first.click()
        for name in ("Overview", "Bias", "Performance", "Drift"):
            page.get_by_role("tab", name=name, exact=True).click()
            stage.until(failed.first.is_visible)
            stage.until(lambda: not page.get_by_text("Opening …").count())
            said = failed.first.inner_text()
            assert "could not be opened" in said, name
            assert "The workbench itself failed (TypeError at test_failures.py:" in said, name
            assert "Everything else on this screen is as it was. Try again" in said, name
            assert not page.locator("[aria-busy]:visible").count(), name
            assert "Jane" not in page.content()
            shot(page, f"failed-{name.lower()}")
        clean(page, "failed", ".wb")
        failed.first.get_by_role("button", name="Try again").click()  # it fails again, and says so again
        stage.until(lambda: failed.first.get_by_role("button", name="Try again").count())
        assert failed.first.locator("code").inner_text() in said
    failed.first.get_by_role("button", name="Try again").click()
    stage.until(page.locator(".wb-drawings img[src]").count)
    page.get_by_role("tab", name="Bias").click()
    stage.until(page.locator(".wb-forest tbody tr").count)
    assert not failed.count() or "Opening" not in page.content()
    monkeypatch.setattr(session, "_note", broken)
    session.act({"name": "note", "value": {}})
    stage.until(page.locator(".wb-live .wb-failed", has_text="'note' could not be done").count)
    session.close()

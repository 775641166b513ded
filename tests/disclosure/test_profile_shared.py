"""What of a profile may be shared: nothing of a single row, and nothing that tells of a withheld group by the rest."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from workbench.audit.record import Record
from workbench.audit.suppressed import WITHHELD
from workbench.core.finding import Attachment
from workbench.report.html import render_html

CHECKS = ["bias.group_rates", "quality.profile", "quality.missing", "quality.associations"]


@pytest.fixture(scope="module")
def parent() -> Record:
    """Return a record of 300 people: five of a rare group, four without one, gaps of income, times, notes."""
    rng = np.random.default_rng(0)
    data = pd.DataFrame(
        {
            "g": ["rare"] * 5 + ["a"] * 150 + ["b"] * 141 + [None] * 4,
            "score": rng.random(300).round(2),
            "income": np.where(rng.random(300) < 0.2, np.nan, rng.random(300)),
            "when": pd.date_range("2026-01-01", periods=300),
            "note": ["n" * 77, *(f"{'ab'[i % 2]} {i % 40}" for i in range(299))],
        }
    )
    roles = {"score": "score", "sensitive": ["g"]}
    return wb.Audit(data, checks=CHECKS, policy={"rules": [], "minimum_group_size": 10}, **roles).run()


@pytest.fixture(scope="module")
def released(parent: Record) -> Record:
    """Return what may be shared of it."""
    return wb.disclose(parent)


def told(record: Record, name: str) -> dict[str, float | None]:
    """Return a measure by column."""
    return {m.column: m.value for _, m in record.measures() if m.name == name and not m.group}


def test_sums_over_columns_do_not_tell_what_one_of_them_hides(parent: Record, released: Record) -> None:
    """All missing cells less those of each other column would be the rows without a group."""
    assert told(parent, "missing_share")["g"] == pytest.approx(4 / 300)
    assert told(released, "missing_share")["g"] is None
    assert told(released, "missing_share")["income"] == told(parent, "missing_share")["income"]
    for name in ("missing_cells", "complete_row_share", "missing_sets"):
        assert told(parent, name)[""] is not None
        assert told(released, name) == {"": None}
        assert next(m for _, m in released.measures() if m.name == name).undefined_because == WITHHELD


def test_nothing_of_one_row_is_told(parent: Record, released: Record) -> None:
    """Lengths of the longest text and spans of time are those of single rows."""
    for name in ("longest_text", "shortest_text", "time_span_days", "largest_gap_seconds"):
        assert any(v is not None for v in told(parent, name).values()), name
        assert set(told(released, name).values()) == {None}, name


def test_associations_with_a_group_that_is_withheld(parent: Record, released: Record) -> None:
    """They are emptied; those of other columns are told."""
    before, after = (told(r, "correlation_ratio") for r in (parent, released))

    assert {c for c in before if "g & " in c or c.endswith(" & g")} == {"g & score", "g & income", "g & when"}
    assert all(after[c] is None for c in before if "g & " in c)
    assert told(released, "spearman") == told(parent, "spearman")
    assert told(parent, "spearman")["score & income"] is not None


def test_tables_of_sets_and_patterns_stay_at_home(parent: Record, released: Record) -> None:
    """They count few rows, or the rest of them; the page of what is left is drawn all the same."""
    kinds = [{e.kind for f in r.findings for e in f.evidence} for r in (parent, released)]

    assert {"missing_sets", "patterns", "associations", "profile"} <= kinds[0]
    assert not {"missing_sets", "patterns", "associations"} & kinds[1]
    names = {e.name for f in released.findings for e in f.evidence}
    assert {"columns", "types"} <= names
    assert "times" not in names
    page = render_html(released)
    assert "rare" not in page.replace("rarest", "")
    assert "Columns of the current data" in page


def test_attachments_are_not_shared(parent: Record) -> None:
    """A page of another program is nobody's to vouch for."""
    page = Attachment("quality.ydata_report.html", "text/html", b"<p>rare</p>")
    first, *others = parent.findings
    beside = {**parent.beside, "attachments": {page.name: {"check": first.check, **page.about()}}}
    shared = wb.disclose(replace(parent, findings=(replace(first, attachments=(page,)), *others), beside=beside))

    assert shared.attachments == {}
    assert "attachments" not in shared.beside
    assert page.name not in render_html(shared)

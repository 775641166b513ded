"""Years are not parted into thousands: in the sentence, in the table and on the axis of a distribution."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest

from workbench.core.finding import Evidence
from workbench.report import words
from workbench.report.captions import chart_sentence
from workbench.report.chart_parts import LIGHT
from workbench.report.drift_charts import shares
from workbench.report.marks import cell_text
from workbench.report.years import like_years, year


def distribution(*edges: float) -> Evidence:
    """Return the evidence of a distribution over bins between these edges, the last bin's share the largest change."""
    bins = list(pairwise(edges))
    rows = tuple((low, high, 0.1 + 0.2 * (i == len(bins) - 1), 0.1) for i, (low, high) in enumerate(bins))
    columns = ("low", "high", "current", "reference")
    return Evidence("x", "Distribution", "distribution", columns, rows, {"column": "x"})


@pytest.mark.parametrize(
    ("values", "expected"),
    [([1999.5, 2000.5], True), ([1000, 9999], True), ([999, 2000], False), ([2000, 10_000], False),
     ([2000.25], False), ([2000, None], False), ([True], False), ([], False)],
)  # fmt: skip
def test_what_reads_as_years(values: list[object], expected: bool) -> None:
    """Whole numbers, and halves between them, of four digits."""
    assert like_years(values) is expected


def test_a_distribution_of_years_and_one_of_thousands() -> None:
    """2001 is a year; among amounts that go beyond four digits it is parted as everywhere else."""
    years, amounts = distribution(1999.5, 2000.5, 2001.5), distribution(500.5, 2000.5, 2001.5, 20_000.5)

    assert "Largest change: 2001, " in chart_sentence(years)
    assert f"from 2{words.THIN}002 to 20{words.THIN}000" in chart_sentence(amounts)
    assert cell_text(years, 1, 0) == "2000.5"
    assert cell_text(amounts, 1, 0) == words.number(2000.5)
    assert year(None) == words.NOTHING
    kept = [dict(zip(e.columns, row, strict=True)) for e in (years,) for row in e.rows]
    assert '"format": "d"' in json.dumps(shares(kept, years.notes, LIGHT, ""))
    kept = [dict(zip(e.columns, row, strict=True)) for e in (amounts,) for row in e.rows]
    assert '"format": "d"' not in json.dumps(shares(kept, amounts.notes, LIGHT, ""))

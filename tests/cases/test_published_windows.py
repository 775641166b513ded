"""Published data over windows, run from plans: the event is found in its month, the change at its row."""

from __future__ import annotations

from pathlib import Path

import pytest

import workbench as wb

pytestmark = pytest.mark.cases
PLANS = Path(__file__).parents[1] / "plans"


def test_s11_april_2020_ranks_first(shared_data: Path) -> None:
    """Of seven months April 2020 lies farthest from the reference, and is the only one to fail at a minimum effect."""
    record = wb.Audit.from_plan(PLANS / "taxi.yaml").run()
    frame = record.to_frame()
    frame = frame[(frame.check == "drift.windows") & ~frame.window.str.startswith("reference")]
    months = frame[frame.n >= 1000]  # a few trips bear dates of other years
    assert sorted(months.window.unique()) == [
        "2019-03", "2019-05", "2019-06", "2020-01", "2020-02", "2020-03", "2020-04",
    ]  # fmt: skip
    total = months[(months.measure == "ks") & (months.column == "total_amount")].set_index("window").value
    assert total.idxmax() == "2020-04"
    assert total["2020-04"] == pytest.approx(0.1459, abs=2e-4)
    cash = months[(months.measure == "ks") & (months.column == "payment_type")].set_index("window").value
    assert cash.idxmax() == "2020-04"
    failed = {j.window for j in record.verdict.judgements if j.outcome == "fail" and (j.n or 0) >= 1000}
    assert failed == {"2020-04"}


def test_s07_the_change_is_dated_to_its_row(shared_data: Path) -> None:
    """The first window to break a rule begins at row 25,001; nothing breaks one before, and the estimate saw it too."""
    record = wb.Audit.from_plan(PLANS / "car-loan.yaml").run()
    judged = record.verdict.judgements
    assert {j.outcome for j in judged} <= {"pass", "fail", "cannot_tell"}
    for rule in ("realised-auc", "realised-accuracy", "drift"):
        failed = sorted({j.window for j in judged if j.rule == rule and j.outcome == "fail"})
        assert failed[0] == "rows-000025001-000030000", rule
        assert len(failed) == 5
    assert {j.column for j in judged if j.rule == "drift" and j.outcome == "fail"} == {"car_value", "loan_length"}
    frame = record.to_frame()
    estimated = frame[(frame.measure == "estimated_accuracy") & (frame.group == "") & (frame.window != "")]
    assert estimated.value.iloc[:5].min() > 0.94
    assert estimated.value.iloc[5:].max() < 0.92

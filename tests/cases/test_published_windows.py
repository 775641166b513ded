"""Published data over windows, run from plans: the event is found in its month, the change at its row."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
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


REALISED = {
    "roc_auc": [0.970962, 0.970248, 0.976282, 0.967721, 0.969886, 0.960050, 0.958530, 0.959041, 0.963094, 0.957556],
    "accuracy": [0.9422, 0.9422, 0.9502, 0.9436, 0.9410, 0.9146, 0.9156, 0.9144, 0.9224, 0.9122],
    "average_precision": [0.963617, None, None, None, None, 0.952855],
    "f1": [0.943344],
    "precision": [0.956660],
    "recall": [0.930394],
    "specificity": [0.954847],
}
"""NannyML's realised metrics of the analysis chunks, as far as they are published."""


def test_s07_realised_performance_of_every_window(shared_data: Path) -> None:
    """Labels joined by id give the published metrics of each window, to every digit given."""
    folder = shared_data / "car-loan"
    frame = (
        wb.Audit(
            str(folder / "synthetic_car_loan_analysis.csv"),
            labels=str(folder / "synthetic_car_loan_analysis_target.csv"),
            target="repaid", score="y_pred_proba", prediction="y_pred", time="timestamp", id="id",
            windows={"rows": 5000}, checks=["performance.windows"], policy={"rules": []},
        ).run().to_frame()
    )  # fmt: skip
    for name, expected in REALISED.items():
        found = frame[(frame.measure == name) & (frame.group == "")].value.tolist()
        assert len(found) == 10
        for value, published in zip(found, expected, strict=False):
            assert published is None or value == pytest.approx(published, abs=5e-7), name


def test_s07_the_change_is_dated_to_its_day(shared_data: Path) -> None:
    """Row 25,000 came on 2019-03-31 at 03:00: by calendar days, that is the first to lie apart, and all after it do."""
    folder, columns = shared_data / "car-loan", ["timestamp", "car_value"]
    reference = pd.read_csv(folder / "synthetic_car_loan_reference.csv", usecols=columns, parse_dates=["timestamp"])
    analysis = pd.read_csv(folder / "synthetic_car_loan_analysis.csv", usecols=columns, parse_dates=["timestamp"])
    assert str(analysis.timestamp[25_000]) == "2019-03-31 03:00:00"
    rule = {"id": "ks", "check": "drift.windows", "measure": "ks", "window": "*", "limit": 0.1, "operator": "<="}
    record = wb.Audit(
        analysis[22_500:27_500], reference=reference.head(5000), time="timestamp", windows={"by": "day"},
        checks=["drift.windows"], policy={"rules": [rule]},
    ).run()  # fmt: skip
    outcomes = {j.window: j.outcome for j in record.verdict.judgements}
    failed = [day for day, outcome in outcomes.items() if outcome == "fail"]
    assert len(outcomes) > 30
    assert min(failed) == "2019-03-31"
    assert failed == sorted(day for day in outcomes if day >= "2019-03-31")

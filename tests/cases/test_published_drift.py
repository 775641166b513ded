"""Published data-quality and drift numbers come out to the digits given, through the public door."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import workbench as wb

pytestmark = pytest.mark.cases

NOTHING_JUDGED = {"rules": []}


def audit(current: object, checks: list[str], **about: object) -> pd.DataFrame:
    """Run some checks and return the long table."""
    return wb.Audit(current, checks=checks, policy=NOTHING_JUDGED, **about).run().to_frame()  # type: ignore[arg-type]


def value(frame: pd.DataFrame, name: str, column: str = "", window: str = "") -> float:
    """Return the value of one measure."""
    found = frame[(frame.measure == name) & (frame.column == column) & (frame.window == window)]
    assert len(found) == 1, (name, column, len(found))
    return float(found.iloc[0].value)


def test_s05_adult_profile(shared_data: Path, tmp_path: Path) -> None:
    """S05: rows, missing cells and exact duplicates of Adult, read from its files with "?" as missing."""
    files = [str(shared_data / "adult" / name) for name in ("adult.csv", "adult.test.csv")]
    both = audit(files, ["quality.missing", "quality.duplicates"], null_values=["?"])
    training = audit(files[0], ["quality.duplicates"], null_values=["?"])

    assert value(both, "duplicate_rows") == 52
    assert value(training, "duplicate_rows") == 24
    for column, missing in (("workclass", 2799), ("occupation", 2809), ("native-country", 857)):
        assert value(both, "missing_share", column) == pytest.approx(missing / 48_842, abs=1e-12)
    assert both[both.measure == "missing_share"].n.unique().tolist() == [48_842]


JS = [0.0316611, 0.0300113, 0.0311286, 0.0294644, 0.0308095, 0.0286811, 0.0436276, 0.0292533, 0.0306276, 0.0283303]
KS = [0.01576, 0.01272, 0.01746, 0.01282, 0.01922, 0.00824, 0.01068, 0.01002, 0.01070, 0.00700]


def test_s06_car_loan_univariate_drift(shared_data: Path) -> None:
    """S06: Jensen-Shannon on Doane's bins and exact KS of ten chunks against the reference."""
    folder, column = shared_data / "car-loan", ["debt_to_income_ratio"]
    reference = pd.read_csv(folder / "synthetic_car_loan_reference.csv", usecols=column)
    analysis = pd.read_csv(folder / "synthetic_car_loan_analysis.csv", usecols=column)
    for i, (js, ks) in enumerate(zip(JS, KS, strict=True)):
        frame = audit(analysis.iloc[5000 * i : 5000 * (i + 1)], ["drift.numeric"], reference=reference)
        assert value(frame, "js_distance", column[0]) == pytest.approx(js, abs=2e-6)
        assert value(frame, "ks", column[0]) == pytest.approx(ks, abs=1e-9)


TICKET = [0.609756, 0.634146, 0.731707, 0.634146, 0.536585, 0.658537, 0.756098, 0.707317, 0.536585, 0.560976, 0.625]
CABIN = [0.0731707, 0.219512, 0.146341, 0.0731707, 0.097561, 0.0731707, 0.0731707, 0.097561, 0.0487805, 0.195122, 0.125]


def test_s08_titanic_unseen_values(shared_data: Path) -> None:
    """S08: share of values the reference does not have, over all rows of a chunk; a missing value is not unseen."""
    columns = ["Ticket", "Cabin", "Sex", "Embarked"]
    reference = pd.read_csv(shared_data / "titanic" / "titanic_reference.csv", usecols=columns)
    analysis = pd.read_csv(shared_data / "titanic" / "titanic_analysis.csv", usecols=columns)
    for i, (ticket, cabin) in enumerate(zip(TICKET, CABIN, strict=True)):
        chunk = analysis.iloc[41 * i : 41 * (i + 1)]
        frame = audit(chunk, ["drift.categorical"], reference=reference)
        # The published share is of all rows, ours of the rows that have a value.
        for column, expected in (("Ticket", ticket), ("Cabin", cabin), ("Sex", 0), ("Embarked", 0)):
            found = frame[(frame.measure == "unseen_share") & (frame.column == column)].iloc[0]
            unseen = 0 if pd.isna(found.value) else found.value * found.n
            assert unseen / len(chunk) == pytest.approx(expected, abs=5e-7)


TAXI = {
    "2019-03": (0.0212, 0.0152),
    "2019-05": (0.0154, 0.0147),
    "2019-06": (0.0179, 0.0126),
    "2020-01": (0.0358, 0.0250),
    "2020-02": (0.0165, 0.0210),
    "2020-03": (0.0291, 0.0108),
    "2020-04": (0.1459, 0.0325),
}


def test_s11_taxi_only_april_2020_fails(shared_data: Path) -> None:
    """S11: KS of every month, and with a minimum effect of 0.1 only April 2020 is flagged."""
    file = "yellow_tripdata_sample_{}.csv"
    folder = shared_data / "nyc-taxi"
    rule = {
        "id": "ks",
        "check": "drift.numeric",
        "measure": "ks",
        "operator": "<=",
        "limit": 0.1,
        "column": "total_amount",
    }
    failed = []
    for month, (amount, distance) in TAXI.items():
        checks = {"drift.numeric": {}, "quality.missing": {}}
        about = {"reference": str(folder / file.format("2019-04")), "policy": {"rules": [rule]}}
        record = wb.Audit(str(folder / file.format(month)), checks=checks, **about).run()  # type: ignore[arg-type]
        frame = record.to_frame()
        assert value(frame, "ks", "total_amount") == pytest.approx(amount, abs=5e-5)
        assert value(frame, "ks", "trip_distance") == pytest.approx(distance, abs=5e-5)
        failed += [month] if record.verdict.outcome == "fail" else []
        if month == "2020-04":
            assert value(frame, "missing_share", "passenger_count") == pytest.approx(803 / 10_000)

    assert failed == ["2020-04"]


def test_s15_columns_that_start_late(shared_data: Path) -> None:
    """S15: three constant columns in the first rows, and drift of the halves without a division by zero."""
    data = pd.read_csv(shared_data / "electricity" / "electricity.csv")
    early = audit(data.iloc[:17_424], ["quality.profile"])
    constant = early[(early.measure == "constant") & (early.value == 1)].column.tolist()
    late = audit(data.iloc[17_424:], ["quality.profile"], reference=data.iloc[:17_424])

    assert constant == ["vicprice", "vicdemand", "transfer"]
    assert [3798, 2846, 1878] == [value(late, "distinct", c) for c in constant]

    half = len(data) // 2
    drift = audit(data.iloc[half:], ["drift.numeric"], reference=data.iloc[:half])
    assert value(drift, "ks", "nswprice") == pytest.approx(0.45123, abs=1e-5)
    assert value(drift, "ks", "nswdemand") == pytest.approx(0.02582, abs=1e-5)
    against_constant = audit(data.iloc[17_424:], ["drift.numeric"], reference=data.iloc[:17_424])
    undefined = against_constant[against_constant.measure == "wasserstein_normalised"].set_index("column")
    assert np.isnan(undefined.value["vicprice"])
    assert undefined.undefined_because["vicprice"] == "the reference has no spread"


@pytest.mark.parametrize("plan", ["compas", "adult"])
def test_plans_run(plan: str, shared_data: Path) -> None:
    """The plans kept beside the tests run from their files."""
    assert shared_data.exists()
    record = wb.Audit.from_plan(Path(__file__).parents[1] / "plans" / f"{plan}.yaml").run()

    assert all(str(f.status) == "measured" for f in record.findings)
    if plan == "compas":
        assert record.verdict.outcome == "fail"

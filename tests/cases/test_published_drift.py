"""Published data-quality and drift numbers come out to the digits given, through the public door."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.spatial.distance import jensenshannon

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


CHUNK = 5000


def chunks(data: pd.DataFrame) -> list[pd.DataFrame]:
    """Return the rows in chunks of 5,000."""
    return [data.iloc[start : start + CHUNK] for start in range(0, len(data), CHUNK)]


def by_chunk(data: pd.DataFrame, reference: pd.DataFrame, check: str, names: list[str], column: str) -> np.ndarray:
    """Return some measures of a column, chunk by chunk, each chunk against the whole reference."""
    frames = [audit(chunk, [check], reference=reference) for chunk in chunks(data)]
    return np.array([[value(f, name, column) for name in names] for f in frames])


def test_s06_car_loan_univariate_drift(shared_data: Path) -> None:
    """S06: Jensen-Shannon on Doane's bins and exact KS of ten chunks; thresholds of the reference's own chunks."""
    folder, column = shared_data / "car-loan", "debt_to_income_ratio"
    reference = pd.read_csv(folder / "synthetic_car_loan_reference.csv", usecols=[column])
    analysis = pd.read_csv(folder / "synthetic_car_loan_analysis.csv", usecols=[column])
    about = (reference, "drift.numeric", ["js_distance", "ks"], column)
    now, before = by_chunk(analysis, *about), by_chunk(reference, *about)

    assert now[:, 0] == pytest.approx(JS, abs=2e-6)
    assert now[:, 1] == pytest.approx(KS, abs=1e-9)
    js_limit, ks_limit = before.mean(axis=0) + 3 * before.std(axis=0)
    assert js_limit == pytest.approx(0.0393276, abs=2e-6)
    assert ks_limit == pytest.approx(0.0186012, abs=5e-7)
    assert np.flatnonzero(now[:, 0] > js_limit).tolist() == [6]
    assert np.flatnonzero(now[:, 1] > ks_limit).tolist() == [4]


CAR_VALUE = [
    29961.1702, 29876.0978, 29877.3006, 29983.7982, 29231.8282, 48378.2568, 49061.1950, 48814.4672, 49046.0732,
    48706.3372,
]  # fmt: skip


def test_s07_car_loan_shifted_mean(shared_data: Path) -> None:
    """S07: the mean of car_value by chunk, as it is and as a change, and the chunks beyond the reference's own."""
    folder, column = shared_data / "car-loan", "car_value"
    reference = pd.read_csv(folder / "synthetic_car_loan_reference.csv", usecols=[column])
    analysis = pd.read_csv(folder / "synthetic_car_loan_analysis.csv", usecols=[column])
    found = by_chunk(analysis, reference, "quality.profile", ["mean"], column)[:, 0]
    change = by_chunk(analysis, reference, "drift.numeric", ["mean_difference"], column)[:, 0]

    assert found == pytest.approx(CAR_VALUE, abs=5e-5)
    assert change == pytest.approx(np.array(CAR_VALUE) - reference[column].mean(), abs=1e-4)
    before = by_chunk(reference, reference, "quality.profile", ["mean"], column)[:, 0]
    low, high = before.mean() - 3 * before.std(), before.mean() + 3 * before.std()
    assert (low, high) == pytest.approx((29096.1, 30193.2), abs=0.05)
    assert np.flatnonzero((found < low) | (found > high)).tolist() == [5, 6, 7, 8, 9]


def test_car_loan_by_every_method(shared_data: Path) -> None:
    """Each column of the same data by each method, two chunks against the whole reference, as SciPy has them."""
    folder = shared_data / "car-loan"
    reference = pd.read_csv(folder / "synthetic_car_loan_reference.csv").drop(columns=["id", "repaid", "timestamp"])
    analysis = pd.read_csv(folder / "synthetic_car_loan_analysis.csv", usecols=list(reference.columns))
    roles = {"score": "y_pred_proba", "prediction": "y_pred", "positive": 1}
    for chunk in (chunks(analysis)[0], chunks(analysis)[5]):
        frame = audit(chunk, ["drift.numeric", "drift.categorical", "drift.outcome"], reference=reference, **roles)
        for column in ("car_value", "loan_length", "driver_tenure", "y_pred_proba"):
            a, b = reference[column].dropna(), chunk[column].dropna()
            edges = np.histogram_bin_edges(a, "doane")
            p, q = (np.append(h := np.histogram(x, edges)[0], len(x) - h.sum()) / len(x) for x in (a, b))
            assert placed(frame, "ks", column) == pytest.approx(stats.ks_2samp(a, b).statistic, abs=1e-9)
            assert placed(frame, "wasserstein", column) == pytest.approx(stats.wasserstein_distance(a, b), rel=1e-9)
            assert placed(frame, "js_distance", column) == pytest.approx(jensenshannon(p, q, base=2), abs=1e-9)
            assert placed(frame, "hellinger", column) == pytest.approx(hellinger(p, q), abs=1e-9)
        for column in ("salary_range", "repaid_loan_on_prev_car", "size_of_downpayment", "y_pred"):
            table = pd.concat([x[column].value_counts() for x in (reference, chunk)], axis=1).fillna(0).to_numpy().T
            p, q = table / table.sum(axis=1, keepdims=True)
            expected = stats.chi2_contingency(table)  # of two categories in Yates's correction
            name = "chi_square_yates" if table.shape[1] == 2 else "chi_square"
            assert placed(frame, name, column) == pytest.approx(expected.statistic, abs=1e-6)
            assert placed(frame, f"{name}_p_value", column) == pytest.approx(expected.pvalue, abs=1e-9)
            assert placed(frame, "l_infinity", column) == pytest.approx(np.abs(p - q).max(), abs=1e-9)
            assert placed(frame, "js_distance", column) == pytest.approx(jensenshannon(p, q, base=2), abs=1e-9)
            assert placed(frame, "hellinger", column) == pytest.approx(hellinger(p, q), abs=1e-9)


def placed(frame: pd.DataFrame, name: str, column: str) -> float:
    """Return the value of one measure of a column, whichever check and part of the outcome it is of."""
    found = frame[(frame.measure == name) & (frame.column == column)]
    assert len(found) == 1, (name, column, len(found))
    return float(found.iloc[0].value)


def hellinger(p: np.ndarray, q: np.ndarray) -> float:
    """Return the Hellinger distance of shares."""
    return float(np.linalg.norm(np.sqrt(p) - np.sqrt(q)) / np.sqrt(2))


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


MISSING = [0, 0, 0, 95, 92, 134, 803]
NEGATIVE = [13, 20, 15, 26, 33, 40, 58]
CASH = [0.2645, 0.2633, 0.2784, 0.2548, 0.2342, 0.2490, 0.3460]


def test_s11_taxi_months_ranked_by_effect(shared_data: Path) -> None:
    """S11: April 2020 comes first by effect; a test at 0.05 also flags months without an event."""
    frames = {}
    for month in ("2019-04", *TAXI):
        file = shared_data / "nyc-taxi" / f"yellow_tripdata_sample_{month}.csv"
        columns = ["total_amount", "passenger_count", "payment_type"]
        frames[month] = pd.read_csv(file, usecols=columns, dtype={"payment_type": "Int64"})
        frames[month]["payment_type"] = frames[month]["payment_type"].astype("string")
    reference = frames.pop("2019-04")
    before = audit(reference, ["quality.profile"])
    assert value(before, "negative_share", "total_amount") * len(reference) == pytest.approx(12)
    checks = ["drift.numeric", "drift.categorical", "drift.missing", "quality.profile"]
    effect, flagged = {}, []
    for at, (month, current) in enumerate(frames.items()):
        record = wb.Audit(current, reference=reference, checks=checks, policy=NOTHING_JUDGED).run()
        frame = record.to_frame()
        effect[month] = value(frame, "ks", "total_amount")
        flagged += [month] if value(frame, "ks_p_value", "total_amount") < 0.05 else []
        negative = value(frame, "negative_share", "total_amount") * len(current)
        change = value(frame, "missing_share_change", "passenger_count")
        drawn = next(e for f in record.findings for e in f.evidence if e.name == "payment_type")
        shares = {row[0]: row[1:3] for row in drawn.rows}
        known = [x.payment_type.count() / len(x) for x in (reference, current)]  # the published shares are of all rows

        assert (negative, change * 10_000) == pytest.approx((NEGATIVE[at], MISSING[at]))
        assert [s * k for s, k in zip(shares["2"], known, strict=True)] == pytest.approx([0.2755, CASH[at]], abs=5e-5)

    assert max(effect, key=lambda m: effect[m]) == "2020-04"
    assert [m for m, d in effect.items() if d > 0.1] == ["2020-04"]
    assert len(flagged) > 1


def columns_of(counts: dict[str, int]) -> pd.DataFrame:
    """Return a column of categories that occur so often."""
    return pd.DataFrame({"x": [name for name, n in counts.items() for _ in range(n)]})


def test_s12_small_vectors() -> None:
    """S12: SciPy's documented distances and tests, and PSI of three bins, from frames through the door."""
    numbers = [pd.DataFrame({"x": v}) for v in ([5.0, 6, 8], [0.0, 1, 3])]
    assert value(audit(numbers[0], ["drift.numeric"], reference=numbers[1]), "wasserstein", "x") == 5.0
    # Weights of ten times the published ones are whole: frequencies, of which only the ratios matter.
    one = pd.DataFrame({"x": [3.4, 3.9, 7.5, 7.8], "w": [14, 9, 31, 72]})
    two = pd.DataFrame({"x": [4.5, 1.4], "w": [32, 35]})
    weighted = audit(two, ["drift.numeric"], reference=one, weight="w")
    assert value(weighted, "wasserstein", "x") == pytest.approx(4.0781331438047861, abs=1e-9)

    apart = audit(columns_of({"b": 5}), ["drift.categorical"], reference=columns_of({"a": 5}))
    assert value(apart, "js_distance", "x") == 1.0
    half = audit(columns_of({"a": 5, "b": 5}), ["drift.categorical"], reference=columns_of({"a": 5}))
    natural = value(half, "js_distance", "x") * np.sqrt(np.log(2))
    assert natural == pytest.approx(0.46450140402245893, abs=1e-9)

    now, then = columns_of({"a": 20, "b": 20, "c": 20}), columns_of({"a": 10, "b": 10, "c": 20})
    table = audit(now, ["drift.categorical"], reference=then)
    expected = (2.7777777777777777, 0.24935220877729622, 2)
    names = ("chi_square", "chi_square_p_value", "chi_square_degrees_of_freedom")
    assert [value(table, n, "x") for n in names] == pytest.approx(expected, abs=1e-9)

    now, then = columns_of({"a": 35, "b": 25, "c": 40}), columns_of({"a": 40, "b": 30, "c": 30})
    assert value(audit(now, ["drift.categorical"], reference=then), "psi", "x") == pytest.approx(0.0445608547, abs=1e-9)


def test_s15_columns_that_start_late(shared_data: Path) -> None:
    """S15: three constant columns in the first rows, and drift of the halves without a division by zero."""
    data = pd.read_csv(shared_data / "electricity" / "electricity.csv")
    early = audit(data.iloc[:17_424], ["quality.profile"])
    constant = early[(early.measure == "constant") & (early.value == 1)].column.tolist()
    late = audit(data.iloc[17_424:], ["quality.profile"], reference=data.iloc[:17_424])

    assert constant == ["vicprice", "vicdemand", "transfer"]
    assert [3798, 2846, 1878] == [value(late, "distinct", c) for c in constant]

    labels = audit(data, ["quality.profile"])
    up = labels[(labels.measure == "mean") & (labels.column == "class")].iloc[0]
    assert (up.value * up.n, up.n) == (pytest.approx(19_237), 45_312)
    assert up.value == pytest.approx(0.424545, abs=5e-7)
    half = len(data) // 2
    drift = audit(data.iloc[half:], ["drift.numeric"], reference=data.iloc[:half])
    assert value(drift, "ks", "nswprice") == pytest.approx(0.45123, abs=1e-5)
    assert value(drift, "ks", "nswdemand") == pytest.approx(0.02582, abs=1e-5)
    checks = ["drift.numeric", "drift.range"]
    against_constant = audit(data.iloc[17_424:], checks, reference=data.iloc[:17_424])
    undefined = against_constant[against_constant.measure == "wasserstein_normalised"].set_index("column")
    assert np.isnan(undefined.value["vicprice"])
    assert undefined.undefined_because["vicprice"] == "the reference has no spread"
    still = against_constant[(against_constant.measure == "constant_in_reference") & (against_constant.value == 1)]
    assert still.column.tolist() == constant
    back = audit(data.iloc[:17_424], ["drift.range"], reference=data.iloc[17_424:])
    assert back[(back.measure == "new_constant") & (back.value == 1)].column.tolist() == constant


@pytest.mark.parametrize("plan", ["compas", "adult"])
def test_plans_run(plan: str, shared_data: Path) -> None:
    """The plans kept beside the tests run from their files."""
    assert shared_data.exists()
    record = wb.Audit.from_plan(Path(__file__).parents[1] / "plans" / f"{plan}.yaml").run()

    assert all(str(f.status) == "measured" for f in record.findings)
    if plan == "compas":
        assert record.verdict.outcome == "fail"

"""Reconstruction error: against a scikit-learn pipeline, NannyML's published numbers, and simulation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn.decomposition import PCA
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import StandardScaler

from tests.drift_rows.subjects import FEATURES, run, subject
from tests.performance.measured import one, table, value
from workbench.core import reconstruction
from workbench.core.check import find_check
from workbench.core.two_samples import two_samples


def related(n: int, seed: int, strength: float = 0.9) -> pd.DataFrame:
    """Return six columns with one common factor, two of them categories."""
    rng = np.random.default_rng(seed)
    common = rng.normal(0, 1, (n, 1))
    x = strength * common + np.sqrt(1 - strength**2) * rng.normal(0, 1, (n, 6))
    frame = pd.DataFrame(x, columns=list("abcdef"))
    return frame.assign(e=pd.cut(frame.e, [-9, -0.8, 0.5, 9], labels=list("xyz")).astype(str), f=frame.f > 0.3)


def by_scikit_learn(reference: pd.DataFrame, data: pd.DataFrame, variance: float) -> np.ndarray:
    """Return each row's error by imputers, share encoding, scaler and PCA fitted on the reference."""
    numbers, words = ["a", "b", "c", "d"], ["e", "f"]

    def matrix(frame: pd.DataFrame) -> np.ndarray:
        filled = imputer.transform(frame[numbers])
        coded = [filled_in(frame, c).map(shares[c]).fillna(0.0).to_numpy(float) for c in words]
        return np.column_stack([filled, *coded])

    def filled_in(frame: pd.DataFrame, column: str) -> pd.Series:
        values = frame[column].astype("object")
        return values.where(values.notna(), modes[column])

    imputer = SimpleImputer(strategy="mean").fit(reference[numbers])
    modes = {c: reference[c].mode()[0] for c in words}
    shares = {c: filled_in(reference, c).value_counts(normalize=True) for c in words}
    scaler = StandardScaler().fit(matrix(reference))
    pca = PCA(n_components=variance, svd_solver="full").fit(scaler.transform(matrix(reference)))
    z = scaler.transform(matrix(data))
    return np.linalg.norm(z - pca.inverse_transform(pca.transform(z)), axis=1)


def spoiled(frame: pd.DataFrame, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = frame.copy()
    frame.loc[rng.random(len(frame)) < 0.1, "b"] = np.nan
    frame.loc[rng.random(len(frame)) < 0.1, "e"] = None
    return frame


@pytest.mark.parametrize("variance", [0.5, 0.65, 0.9])
def test_the_error_is_that_of_a_scikit_learn_pipeline(variance: float) -> None:
    reference, current = spoiled(related(900, 0), 5), spoiled(related(400, 1, 0.4), 6)
    current.loc[:20, "e"] = "never seen"
    finding = run("drift.reconstruction", subject(current, reference), variance=variance)
    errors = by_scikit_learn(reference, current, variance)
    m = one(finding, "reconstruction_error")

    assert m.value == pytest.approx(errors.mean(), abs=1e-9)
    interval = stats.t.interval(0.95, 399, errors.mean(), stats.sem(errors))
    assert (m.low, m.high) == pytest.approx(interval, abs=1e-9)


def test_the_change_is_a_welch_test_of_held_out_rows() -> None:
    reference, current = related(500, 0), related(300, 1, 0.6)
    there = subject(current, reference)
    finding = run("drift.reconstruction", there, folds=5)
    sample = there.reference.sample  # type: ignore[union-attr]
    ordered = pd.DataFrame(sample.rows.to_pydict())
    fold = sample.hashes[:, 1] % np.uint64(5)
    kept = int(value(finding, "components"))
    before = np.zeros(500)
    two = two_samples(there)
    (whole,), _ = reconstruction.columns_of([sample.rows], two.columns, two.kinds)
    for k in range(5):
        inside, outside = np.flatnonzero(fold == k), np.flatnonzero(fold != k)
        fit = reconstruction.fitted(whole.take(outside), components=kept)
        before[inside] = np.linalg.norm(fit.residuals(whole.take(inside)), axis=1)
    after = by_scikit_learn(ordered, current, 0.65)
    expected = stats.ttest_ind(after, before, equal_var=False)
    change = one(finding, "reconstruction_error_change")

    assert change.value == pytest.approx(after.mean() - before.mean(), abs=1e-9)
    assert value(finding, "reconstruction_error_change_p_value") == pytest.approx(expected.pvalue, rel=1e-6)
    assert (change.low, change.high) == pytest.approx(tuple(expected.confidence_interval(0.95)), abs=1e-8)
    assert value(finding, "reconstruction_error", window="reference") == pytest.approx(before.mean(), abs=1e-9)


def test_a_broken_relation_is_found_and_its_column_named() -> None:
    current = related(1500, 1)
    current["c"] = np.random.default_rng(2).permutation(current.c)  # the column itself stays as it is
    finding = run("drift.reconstruction", subject(current, related(3000, 0)))

    assert one(finding, "reconstruction_error_change").low > 0.1
    assert table(finding, "residuals").feature[0] == "c"
    assert one(finding, "feature_residual_change", column="c").low > 0.2


@given(st.lists(st.floats(0.01, 1e6), min_size=4, max_size=4), st.lists(st.floats(-1e3, 1e3), min_size=4, max_size=4))
def test_units_of_the_columns_do_not_matter(scale: list[float], start: list[float]) -> None:
    frames = [related(120, 0), related(80, 1)]
    plain = [pd.DataFrame(f[list("abcd")]) for f in frames]
    moved = [f * scale + start for f in plain]
    errors = []
    for reference, current in (plain, moved):
        there = subject(current, reference)
        two = two_samples(there)
        batches = (two.reference.rows, two.current.rows)
        (a, b), _ = reconstruction.columns_of(batches, two.columns, two.kinds)
        errors.append(np.linalg.norm(reconstruction.fitted(a).residuals(b), axis=1).mean())

    assert errors[0] == pytest.approx(errors[1], rel=1e-6)


@pytest.mark.parametrize(
    ("frame", "why"),
    [
        (pd.DataFrame({"a": np.arange(50.0)}), "two features"),
        (pd.DataFrame({"a": np.ones(50), "b": ["x"] * 50}), "no feature varies"),
        (pd.DataFrame({"a": np.arange(5.0), "b": np.arange(5.0) ** 2}), "10 rows"),
        (pd.DataFrame(np.eye(50)[:, :2] + np.arange(100).reshape(50, 2) % 7, columns=["a", "b"]), "every direction"),
    ],
)
def test_where_nothing_can_be_rebuilt_it_says_why(frame: pd.DataFrame, why: str) -> None:
    finding = find_check("drift.reconstruction").run(subject(frame, frame), {"variance": 0.9})

    assert str(finding.status) == "not_applicable"
    assert why in finding.reason


def test_numbers_too_large_to_square_give_a_finite_error() -> None:
    frames = [related(200, s).assign(a=lambda d: d.a * 1e300) for s in (0, 1)]
    finding = run("drift.reconstruction", subject(*frames))

    assert 0 < value(finding, "reconstruction_error") < 10


@pytest.mark.slow
@pytest.mark.parametrize(("n", "m"), [(150, 150), (400, 100)])
def test_false_alarms_keep_the_level(n: int, m: int) -> None:
    """Of 400 seeded pairs without any change the p is at most 0.05 in about 20."""
    told = 0
    for seed in range(400):
        finding = run("drift.reconstruction", subject(related(n, 2 * seed, 0.6), related(m, 2 * seed + 1, 0.6)))
        told += value(finding, "reconstruction_error_change_p_value") <= 0.05

    assert told <= 33  # 34 or more have probability 0.002 at 5 %


PUBLISHED = [1.141517, 1.130636, 1.138914, 1.145040, 1.137563, 1.249205, 1.243101, 1.258147, 1.228179, 1.259884]


@pytest.mark.cases
def test_car_loan_errors_are_the_published_ones(shared_data: Path) -> None:
    """NannyML's tutorial "Drift - Multivariate": ten chunks of 5,000 rows against all 50,000 of the reference."""
    columns = ["car_value", "salary_range", "debt_to_income_ratio", "loan_length", "repaid_loan_on_prev_car"]
    columns += ["size_of_downpayment", "driver_tenure"]
    folder = shared_data / "car-loan"
    reference = pd.read_csv(folder / "synthetic_car_loan_reference.csv", usecols=columns)[columns]
    analysis = pd.read_csv(folder / "synthetic_car_loan_analysis.csv", usecols=columns)[columns]
    there = subject(analysis.iloc[:10], reference, rows=50_000)
    for chunk, expected in enumerate(PUBLISHED):
        now = subject(analysis.iloc[5000 * chunk : 5000 * (chunk + 1)], reference.iloc[:10]).current
        finding = run("drift.reconstruction", type(there)(now, FEATURES, reference=there.reference))

        assert value(finding, "reconstruction_error") == pytest.approx(expected, abs=1e-6)
        assert (one(finding, "reconstruction_error_change").low > 0) == (chunk >= 5)

"""Leakage checks against independent counts: planted leaks are measured, and honest data has none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import mannwhitneyu, pearsonr
from scipy.stats.contingency import association
from sklearn.metrics import roc_auc_score

import workbench as wb
from workbench.core.check import find_check
from workbench.core.counts import count
from workbench.core.dataset import Dataset, Roles
from workbench.core.finding import Finding, Measure, Status
from workbench.core.frame import wrap
from workbench.core.overlap import is_among, repeated
from workbench.core.sample import SampleOf
from workbench.core.subject import Subject


def find(
    check: str,
    current: pd.DataFrame,
    reference: pd.DataFrame | None = None,
    *,
    rows: int = 20_000,
    seed: int = 0,
    params: dict[str, Any] | None = None,
    **roles: Any,
) -> Finding:
    """Run one check on frames with a sample of `rows` rows."""
    given_roles, sampling = Roles(**roles), SampleOf(rows, seed)
    here = count(Dataset(wrap(current), given_roles), sampling=sampling)
    there = None if reference is None else count(Dataset(wrap(reference), given_roles), sampling=sampling)
    return find_check(check).run(Subject(here, given_roles, reference=there, seed=seed), params)


def measure(finding: Finding, name: str, column: str = "", where: str = "") -> Measure:
    """Return one measure of a check that has measured."""
    assert finding.status is Status.MEASURED, finding.reason
    (found,) = [m for m in finding.measures if (m.name, m.column, m.where) == (name, column, where)]
    return found


def cases(n: int, seed: int) -> pd.DataFrame:
    """Return rows of four features and a label that depends on one of them."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n).round(6)
    y = (rng.random(n) < 1 / (1 + np.exp(-x))).astype(int)
    return pd.DataFrame({"x": x, "z": rng.normal(size=n).round(6), "kind": rng.choice(list("abc"), n), "y": y})


# ---------------------------------------------------------------------------- shared rows


def test_shared_rows_are_those_that_merge_finds() -> None:
    reference, current = cases(500, 0), cases(300, 1)
    current.iloc[:40] = reference.iloc[100:140]
    current.loc[30:39, "y"] = 1 - current.loc[30:39, "y"]
    finding = find("leakage.shared_rows", current, reference, target="y")
    exact = len(current.merge(reference.drop_duplicates()))
    alike = len(current.merge(reference.drop(columns="y").drop_duplicates()))

    assert (exact, alike) == (30, 40)
    assert measure(finding, "shared_rows").value == exact
    assert measure(finding, "shared_row_share").value == pytest.approx(exact / 300)
    assert measure(finding, "shared_feature_rows").value == alike
    assert [r[1] for r in finding.evidence[0].rows].count("every column") == 20


def test_features_that_recur_by_themselves_are_counted_beside() -> None:
    reference = pd.DataFrame({"a": [1, 1, 2, 3], "b": list("xxyz"), "y": [0, 1, 0, 1]})
    finding = find("leakage.shared_rows", reference.iloc[2:], reference, target="y")
    (again,) = [m for m in finding.measures if m.name == "repeated_feature_share"]

    assert (again.value, again.n, again.window) == (0.5, 4, "reference")


@pytest.mark.parametrize("seed", range(5))
def test_on_samples_the_share_is_of_rows_looked_up_exactly(seed: int) -> None:
    reference, current = cases(6_000, 0), cases(4_000, 1)
    current.iloc[:1_000] = reference.iloc[:1_000]
    finding = find("leakage.shared_rows", current, reference, rows=800, seed=seed, target="y")
    share = measure(finding, "shared_row_share")
    alike = measure(finding, "shared_feature_rows")

    # The reference's sample of 800 in 6,000 is complete for about 800 in 6,000 of the current rows.
    assert share.n == pytest.approx(4_000 * 800 / 6_000, rel=0.15)
    assert share.low <= 0.25 <= share.high or abs(share.value - 0.25) < 0.07
    assert share.value > 0.15  # two samples that did not belong together would share a thirtieth
    assert alike.value is None
    assert "6\u202f000 rows" in alike.undefined_because


def test_many_rows_of_few_kinds_are_counted_exactly_from_a_smaller_sample() -> None:
    rng = np.random.default_rng(0)
    kinds = cases(300, 0)
    reference, current = (kinds.iloc[rng.integers(a, b, 9_000)] for a, b in ((0, 200), (100, 300)))
    finding = find("leakage.shared_rows", current, reference, rows=1_000, target="y")
    exact = len(current.merge(reference.drop_duplicates()))

    assert (measure(finding, "shared_rows").value, measure(finding, "shared_row_share").n) == (exact, 9_000)
    assert measure(finding, "shared_feature_rows").value == exact
    assert measure(finding, "repeated_feature_share").value == pytest.approx(1.0)
    assert finding.notes == ("all 9\u202f000 rows are looked up among all 9\u202f000 rows of the reference",)
    assert len(finding.evidence[0].rows) == 20


@pytest.mark.parametrize("seed", range(3))
def test_rows_that_recur_weigh_by_their_number(seed: int) -> None:
    one, two = cases(4_000, 0), cases(4_000, 1)
    reference = one
    current = pd.concat([one.iloc[:2_000]] * 3 + [two])  # three in five rows are the reference's, one in three kinds
    share = measure(
        find("leakage.shared_rows", current, reference, rows=1_500, seed=seed, target="y"), "shared_row_share"
    )

    assert share.value == pytest.approx(0.6, abs=0.06)


def test_other_columns_leave_the_features() -> None:
    reference = cases(100, 0)
    finding = find("leakage.shared_rows", reference, reference.assign(more=1), target="y")

    assert measure(finding, "shared_rows").undefined_because == "the reference does not have the same columns"
    assert measure(finding, "shared_feature_rows").value == 100


PAIRS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1)


@given(PAIRS, PAIRS)
def test_membership_and_repetition_of_hashes_are_those_of_pairs(
    one: list[tuple[int, int]], two: list[tuple[int, int]]
) -> None:
    a, b = np.array(one, np.uint64), np.array(two, np.uint64)

    assert is_among(a, b).tolist() == [p in set(two) for p in one]
    assert repeated(a, np.ones(len(a), np.int64)).tolist() == [one.count(p) > 1 for p in one]
    kinds, counts = np.unique(a, axis=0, return_counts=True)
    assert repeated(kinds, counts).tolist() == [one.count((int(p[0]), int(p[1]))) > 1 for p in kinds]


@pytest.mark.cases
def test_shared_rows_of_adult(shared_data: Path) -> None:
    """Rows of adult.test.csv that adult.csv has too, as pandas counts them."""
    test, train = (shared_data / "adult" / name for name in ("adult.test.csv", "adult.csv"))
    target = "income-per-year"
    audit = wb.Audit(
        str(test), reference=str(train), target=target, positive=">50K", sample=40_000,
        checks=["leakage.shared_rows"], policy={"rules": []},
    )  # fmt: skip
    frame = audit.run().to_frame().set_index("measure").value
    one, two = (pd.read_csv(f, dtype=str, keep_default_na=False) for f in (test, train))
    features = [c for c in one if c != target]

    assert frame["shared_rows"] == len(one.merge(two.drop_duplicates()))
    assert frame["shared_feature_rows"] == len(one.merge(two[features].drop_duplicates()))


# ---------------------------------------------------------------------------- single features


def test_a_copy_of_the_target_has_an_auc_of_one_and_noise_one_half() -> None:
    frame = cases(2_000, 0)
    frame["copy"] = frame.y * 3.0 + 1
    frame["words"] = np.where(frame.y == 1, "approved", "declined")
    finding = find("leakage.single_feature", frame, target="y")

    assert measure(finding, "single_feature_auc", "copy").value == 1.0
    assert measure(finding, "single_feature_auc", "words").value == 1.0
    assert measure(finding, "single_feature_auc", "z").value < 0.55
    assert measure(finding, "single_feature_auc", "kind").value < 0.55
    assert [r[0] for r in finding.evidence[0].rows[:2]] == ["copy", "words"]


def test_the_auc_of_a_number_is_that_of_scikit_learn_either_way() -> None:
    frame = cases(1_500, 0).assign(back=lambda d: -d.x)
    expected = roc_auc_score(frame.y, frame.x)
    finding = find("leakage.single_feature", frame, target="y")

    for column in ("x", "back"):
        m = measure(finding, "single_feature_auc", column)
        assert m.value == pytest.approx(expected, abs=0.02)
        assert m.value >= expected - 1e-12
        assert m.low < expected < m.high


def test_a_number_that_tells_at_both_ends_is_found_by_its_bins() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=3_000)
    finding = find("leakage.single_feature", pd.DataFrame({"x": x, "y": (np.abs(x) > 1).astype(int)}), target="y")

    assert measure(finding, "single_feature_auc", "x").value > 0.95
    assert finding.evidence[0].rows[0][-1] == "its bins"


def test_a_column_of_distinct_words_is_not_learnt_by_heart() -> None:
    frame = cases(2_000, 0).assign(name=[f"n{i}" for i in range(2_000)])
    finding = find("leakage.single_feature", frame, target="y")

    assert abs(measure(finding, "single_feature_auc", "name").value - 0.5) < 0.05


def test_several_classes_are_measured_by_accuracy_beside_the_commonest() -> None:
    rng = np.random.default_rng(0)
    kind = rng.choice(["a", "b", "c"], 900, p=[0.5, 0.3, 0.2])
    frame = pd.DataFrame({"code": np.char.add(kind, "!"), "noise": rng.choice(list("pq"), 900), "y": kind})
    finding = find("leakage.single_feature", frame, target="y", task="multiclass")

    assert measure(finding, "single_feature_accuracy", "code").value == 1.0
    assert measure(finding, "single_feature_accuracy", "noise").value == pytest.approx((kind == "a").mean())
    assert measure(finding, "majority_share").value == pytest.approx((kind == "a").mean())


def test_numbers_are_measured_by_the_squared_correlation_with_fishers_interval() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=400)
    frame = pd.DataFrame({"x": x, "y": 2 * x + rng.normal(size=400)})
    m = measure(find("leakage.single_feature", frame, target="y", task="regression"), "single_feature_r_squared", "x")
    expected = pearsonr(frame.x, frame.y)
    interval = expected.confidence_interval()

    assert m.value == pytest.approx(expected.statistic**2)
    assert (m.low, m.high) == (pytest.approx(interval.low**2), pytest.approx(interval.high**2))


# ---------------------------------------------------------------------------- identifiers


def test_ids_given_out_by_outcome_are_found_and_shuffled_ones_are_not() -> None:
    frame = cases(1_000, 0)
    by_outcome = frame.sort_values("y", kind="stable").reset_index(drop=True)
    leaking = find("leakage.identifiers", by_outcome.assign(id=range(1_000)), target="y", id="id")
    honest = find(
        "leakage.identifiers", frame.assign(id=np.random.default_rng(1).permutation(1_000)), target="y", id="id"
    )
    m = measure(honest, "single_feature_auc", "id", "its number")

    assert measure(leaking, "single_feature_auc", "id", "its number").value == 1.0
    assert m.value < 0.56


def test_the_prefix_and_length_of_a_text_id_are_looked_at() -> None:
    frame = cases(600, 0)
    rng = np.random.default_rng(2)
    names = [f"{'clinic' if y else 'ward'}-{rng.integers(10**6, 10**7)}" for y in frame.y]
    finding = find("leakage.identifiers", frame.assign(name=names), target="y")

    assert measure(finding, "single_feature_auc", "name", "its prefix").value == 1.0
    assert measure(finding, "single_feature_auc", "name", "its length").value == 1.0
    assert measure(finding, "single_feature_auc", "name", "its number").value < 0.6


def test_features_that_recur_are_no_identifiers() -> None:
    finding = find("leakage.identifiers", cases(600, 0)[["kind", "y"]], target="y")

    assert finding.status is Status.NOT_APPLICABLE


# ---------------------------------------------------------------------------- time


def days(values: np.ndarray) -> pd.DataFrame:
    """Return a frame with a time column."""
    return pd.DataFrame({"at": pd.Timestamp("2024-01-01") + pd.to_timedelta(values, "D"), "v": 1.0})


def test_a_reference_before_the_current_data_is_in_order() -> None:
    finding = find("leakage.time_order", days(np.arange(100, 200)), days(np.arange(100)), time="at")

    assert measure(finding, "later_reference_share", "at").value == 0
    assert measure(finding, "earlier_current_share", "at").value == 0
    assert measure(finding, "reference_after_current", "at").value == 0


def test_a_split_at_random_is_about_one_half_and_counted_as_by_hand() -> None:
    rng = np.random.default_rng(0)
    now, before = rng.integers(0, 300, 400), rng.integers(0, 300, 500)
    finding = find("leakage.time_order", days(now), days(before), time="at")
    late = measure(finding, "later_reference_share", "at")
    expected = mannwhitneyu(before, now).statistic / (len(now) * len(before))

    assert (late.value, late.n) == (pytest.approx((before > now.min()).mean()), 500)
    assert measure(finding, "earlier_current_share", "at").value == pytest.approx((now < before.max()).mean())
    m = measure(finding, "reference_after_current", "at")
    assert m.value == pytest.approx(expected)
    assert m.low < expected < m.high


def test_times_beyond_exact_counting_carry_their_error_bound() -> None:
    rng = np.random.default_rng(0)
    now, before = rng.uniform(5, 15, 200_000), rng.uniform(0, 10, 200_000)
    finding = find("leakage.time_order", days(now), days(before), rows=10, time="at")
    m = measure(finding, "later_reference_share", "at")

    assert m.error_bound is not None
    assert abs(m.value - (before > now.min()).mean()) <= m.error_bound + 1e-12


def test_a_column_may_be_named_and_a_wrong_name_is_an_error() -> None:
    frame = pd.DataFrame({"year": [2001, 2002]})
    right = find("leakage.time_order", frame + 2, frame, params={"column": "year"})
    wrong = find("leakage.time_order", frame, frame, params={"column": "yaer"})

    assert measure(right, "reference_after_current", "year").value == 0
    assert wrong.status is Status.ERROR
    assert "'year'" in wrong.reason


# ---------------------------------------------------------------------------- missing values


def test_a_column_filled_in_after_the_outcome_is_found() -> None:
    frame = cases(800, 0)
    frame["letter"] = np.where(frame.y == 1, 1.0, np.nan)
    frame.loc[np.random.default_rng(3).random(800) < 0.2, "z"] = np.nan
    finding = find("leakage.missingness", frame, target="y")
    gap = measure(finding, "rate_gap_if_missing", "z")
    missing = frame.z.isna()

    assert measure(finding, "missingness_auc", "letter").value == 1.0
    assert measure(finding, "rate_gap_if_missing", "letter").value == -1.0
    assert gap.value == pytest.approx(frame.y[missing].mean() - frame.y[~missing].mean())
    auc = roc_auc_score(frame.y, missing)
    assert measure(finding, "missingness_auc", "z").value == pytest.approx(max(auc, 1 - auc))
    assert "x" not in {m.column for m in finding.measures}


def test_missing_values_and_several_classes_by_cramers_v() -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"y": rng.choice(list("abc"), 600), "v": 1.0})
    frame.loc[(frame.y == "a") & (rng.random(600) < 0.5), "v"] = np.nan
    m = measure(find("leakage.missingness", frame, target="y", task="multiclass"), "missingness_cramers_v", "v")

    assert m.value == pytest.approx(association(pd.crosstab(frame.v.isna(), frame.y).to_numpy()))


def test_missing_values_and_numbers_by_the_gap_of_means() -> None:
    frame = pd.DataFrame({"y": np.arange(100.0), "v": [None] * 30 + [1.0] * 70})
    m = measure(find("leakage.missingness", frame, target="y", task="regression"), "mean_gap_if_missing", "v")

    assert m.value == pytest.approx(14.5 - 64.5)


# ---------------------------------------------------------------------------- persons on both sides


@pytest.mark.parametrize("kind", [int, str])
def test_shared_persons_are_those_of_sets(kind: type) -> None:
    rng = np.random.default_rng(0)
    here, there = rng.integers(0, 400, 500), rng.integers(200, 600, 700)
    frames = [pd.DataFrame({"who": [kind(v) for v in ids], "v": 1}) for ids in (here, there)]
    finding = find("leakage.groups", *frames, entity="who")
    both = set(here) & set(there)

    assert measure(finding, "shared_ids", "who").value == len(both)
    assert measure(finding, "shared_id_share", "who").value == pytest.approx(len(both) / len(set(here)))
    assert measure(finding, "rows_of_shared_ids", "who").value == int(np.isin(here, list(both)).sum())
    assert measure(finding, "rows_of_shared_ids_share", "who").n == 500


def test_row_numbers_are_called_what_they_are() -> None:
    frame = pd.DataFrame({"id": range(50), "v": 1})
    finding = find("leakage.groups", frame, frame, id="id")

    assert measure(finding, "shared_ids", "id").value == 50
    assert "numbers the rows" in finding.notes[0]


def test_many_text_ids_are_compared_on_a_sample_of_ids_and_many_numbers_are_not() -> None:
    texts = [pd.DataFrame({"who": [f"u{i}" for i in range(a, a + 200_000)]}) for a in (0, 150_000)]
    numbers = [pd.DataFrame({"who": np.arange(a, a + 200_000)}) for a in (0, 150_000)]
    some = measure(find("leakage.groups", *texts, rows=10, entity="who"), "shared_id_share", "who")
    none = measure(find("leakage.groups", *numbers, rows=10, entity="who"), "shared_id_share", "who")

    assert some.low <= 0.25 <= some.high
    assert none.value is None
    assert "more distinct ids" in none.undefined_because

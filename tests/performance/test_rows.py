"""Checks on a sample of rows: planted effects are found, absent ones are not, numbers agree with other libraries."""

from __future__ import annotations

import inspect
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import optimize, stats
from sklearn.inspection import partial_dependence
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import accuracy_score, roc_auc_score
from sklearn.neighbors import NearestNeighbors

import workbench as wb
from workbench.core import paired_auc
from workbench.core.intervals import paired_difference

FREE = {"rules": []}


def people(n: int = 4000, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"a": rng.normal(0, 1, n), "b": rng.normal(0, 1, n), "sex": rng.choice([0, 1], n)})
    frame["y"] = (frame.a + 0.8 * frame.sex + rng.logistic(0, 0.6, n) > 0.4).astype(int)
    return frame


@pytest.fixture(scope="module")
def model() -> LogisticRegression:
    train = people(seed=9)
    return LogisticRegression().fit(train[["a", "b", "sex"]], train.y)


def finding(check: str, data: pd.DataFrame, params: dict[str, object] | None = None, **more: object) -> pd.DataFrame:
    policy = {"policy": FREE, "target": "y", **more}
    audit = wb.Audit(data, checks={check: params or {}}, **policy)
    record = audit.run()
    assert str(record.findings[0].status) == "measured", record.findings[0].reason
    return record.to_frame()


def only(frame: pd.DataFrame, name: str, **where: str) -> pd.Series:
    chosen = frame[frame.measure == name]
    for column, wanted in where.items():
        chosen = chosen[chosen[column] == wanted]
    assert len(chosen) == 1, (name, where, len(chosen))
    return chosen.iloc[0]


# ---------------------------------------------------------------------------- segments


def test_a_planted_weak_segment_is_found_and_confirmed() -> None:
    data = people()
    rng = np.random.default_rng(4)
    data["job"] = rng.choice(["x", "y", "z"], len(data))
    right = rng.random(len(data)) < np.where((data.job == "z") & (data.a > 0.3), 0.55, 0.9)
    data["p"] = np.where(right, data.y, 1 - data.y)
    found = finding("performance.weak_segments", data, prediction="p")
    worst = found[found.measure == "error_rate_against_rest"].sort_values("value").iloc[-1]

    assert only(found, "weak_segments").value >= 1
    assert "job=z" in worst["where"]
    assert "a" in worst["where"]
    assert worst.low > 0.15


def test_nothing_is_confirmed_where_nothing_is_weak() -> None:
    """Of 40 seeded audits of errors at random at most 6 confirm any segment (nominal 5 %)."""
    confirmed = 0
    for seed in range(40):
        data = people(1500, seed)
        wrong = np.random.default_rng(seed + 1000).random(len(data)) < 0.2
        found = finding("performance.weak_segments", data.assign(p=np.where(wrong, 1 - data.y, data.y)), prediction="p")
        confirmed += only(found, "weak_segments").value > 0
    assert confirmed <= 6


def test_an_overfit_region_is_named() -> None:
    data, train = people(), people(seed=1)
    rng = np.random.default_rng(0)
    data["p"] = np.where(rng.random(len(data)) < np.where(data.a > 0.9, 0.5, 0.1), 1 - data.y, data.y)
    train["p"] = np.where(rng.random(len(train)) < 0.1, 1 - train.y, train.y)
    found = finding("performance.overfit_segments", data, prediction="p", reference=train)
    gaps = found[(found.measure == "error_rate_change") & (found["where"] != "")]

    assert gaps.iloc[0]["where"].startswith("a >= ")
    assert gaps.iloc[0].value == pytest.approx(0.4, abs=0.08)


# ---------------------------------------------------------------------------- two models


def test_two_models_as_by_hand(model: LogisticRegression) -> None:
    data = people()
    other = LogisticRegression().fit(people(seed=5)[["a"]], people(seed=5).y)
    found = finding("performance.two_models", data, model=model, challenger=other)
    scores = [model.predict_proba(data[["a", "b", "sex"]])[:, 1], other.predict_proba(data[["a"]])[:, 1]]
    right = [(s >= 0.5) == data.y for s in scores]
    b, c = int((right[0] & ~right[1]).sum()), int((right[1] & ~right[0]).sum())

    change = only(found, "accuracy_change")
    assert change.value == pytest.approx(right[1].mean() - right[0].mean(), abs=1e-9)
    assert change.low < change.value < change.high < 0
    assert only(found, "mcnemar_p_value").value == pytest.approx(stats.binomtest(min(b, c), b + c).pvalue, rel=1e-9)
    assert only(found, "roc_auc_change").value == pytest.approx(
        roc_auc_score(data.y, scores[1]) - roc_auc_score(data.y, scores[0]), abs=1e-9
    )


def test_delong_agrees_with_the_jackknife() -> None:
    rng = np.random.default_rng(8)
    truth = (rng.random(150) < 0.4).astype(float)
    one, two = truth + rng.normal(0, 1, 150), np.round(truth + rng.normal(0, 1.5, 150), 1)
    value, interval = paired_auc.difference(truth, one, two)
    left_out = [
        roc_auc_score(np.delete(truth, i), np.delete(two, i)) - roc_auc_score(np.delete(truth, i), np.delete(one, i))
        for i in range(150)
    ]
    error = np.sqrt(149 / 150 * np.sum((left_out - np.mean(left_out)) ** 2))

    assert value == pytest.approx(roc_auc_score(truth, two) - roc_auc_score(truth, one), abs=1e-12)
    assert (interval.high - interval.low) / 2 / 1.959964 == pytest.approx(error, rel=0.03)


@pytest.mark.parametrize(("b", "c", "n"), [(12, 2, 50), (43, 7, 100), (0, 3, 20), (1, 0, 30), (5, 5, 200)])
def test_the_interval_of_paired_proportions_inverts_the_score_test(b: int, c: int, n: int) -> None:
    """The constrained likelihood is maximised numerically, apart from the closed form."""

    def z(delta: float) -> float:
        def minus(q: float) -> float:  # q: share of c-pairs, q + delta: of b-pairs
            rest = 1 - 2 * q - delta
            return -(b * np.log(max(q + delta, 1e-300)) + c * np.log(max(q, 1e-300))
                     + (n - b - c) * np.log(max(rest, 1e-300)))  # fmt: skip

        bounds = (max(0.0, -delta), (1 - delta) / 2)
        q = optimize.minimize_scalar(minus, bounds=bounds, method="bounded", options={"xatol": 1e-12}).x
        return abs(b - c - n * delta) / np.sqrt(n * (2 * q + delta * (1 - delta)))

    interval = paired_difference(b, c, n)
    assert z(interval.low) == pytest.approx(1.959964, abs=2e-3)
    assert z(interval.high) == pytest.approx(1.959964, abs=2e-3)


# ---------------------------------------------------------------------------- explanations


def test_importance_is_none_where_the_model_does_not_look(model: LogisticRegression) -> None:
    blind = LogisticRegression().fit(people()[["a", "b", "sex"]], people().y)
    blind.coef_[0, 1] = 0.0
    found = finding("explain.permutation_importance", people(seed=3), model=blind)

    assert only(found, "importance", column="b").value == 0.0
    assert only(found, "importance", column="a").low > only(found, "importance", column="sex").high > 0


@pytest.mark.skipif(
    "custom_values" not in inspect.signature(partial_dependence).parameters,
    reason="scikit-learn takes a grid since 1.7",
)
def test_partial_dependence_as_scikit_learn(model: LogisticRegression) -> None:
    data = people(800)
    audit = wb.Audit(data, model=model, target="y", policy=FREE,
                     checks={"explain.partial_dependence": {"features": ["a"], "kind": "pdp"}})  # fmt: skip
    (evidence,) = audit.run().findings[0].evidence
    grid = [row[0] for row in evidence.rows]
    expected = partial_dependence(
        model, data[["a", "b", "sex"]], ["a"], method="brute", response_method="predict_proba",
        custom_values={"a": np.array(grid)},
    )["average"][0]  # fmt: skip

    assert [row[1] for row in evidence.rows] == pytest.approx(expected.tolist(), abs=1e-9)


def test_local_effects_of_a_linear_model_are_its_slope() -> None:
    rng = np.random.default_rng(0)
    x = pd.DataFrame(rng.normal(0, 1, (500, 2)), columns=["a", "b"])
    y = 3 * x.a - x.b
    audit = wb.Audit(x.assign(y=y), model=LinearRegression().fit(x, y), target="y", policy=FREE,
                     checks={"explain.partial_dependence": {"features": ["a"]}})  # fmt: skip
    rows = audit.run().findings[0].evidence[0].rows

    assert np.polyfit([r[0] for r in rows], [r[1] for r in rows], 1)[0] == pytest.approx(3, abs=1e-6)


def test_shapley_values_of_a_linear_model() -> None:
    rng = np.random.default_rng(0)
    x = pd.DataFrame(rng.normal(0, 1, (120, 2)), columns=["a", "b"])
    y = 2 * x.a - x.b
    found = finding("explain.shap", x.assign(y=y), {"most_rows": 120, "background": 120},
                    model=LinearRegression().fit(x, y))  # fmt: skip

    for column, weight in (("a", 2), ("b", -1)):
        expected = np.abs(weight * (x[column] - x[column].mean())).mean()
        assert only(found, "mean_absolute_shap", column=column).value == pytest.approx(expected, rel=1e-6)


def test_importance_that_moved_is_seen(model: LogisticRegression) -> None:
    now = people()
    now["a"] = np.random.default_rng(0).permutation(now.a)
    found = finding("explain.attribution_drift", now, model=model, reference=people(seed=2))

    assert only(found, "importance_change", column="a").high < 0


# ---------------------------------------------------------------------------- stress


def test_more_noise_costs_more_and_none_costs_nothing(model: LogisticRegression) -> None:
    found = finding("performance.robustness", people(), {"noise": [0.0, 0.5, 2.0]}, model=model, sensitive=["sex"])
    increase = [only(found, "error_rate_increase", where=f"noise {s:g}") for s in (0, 0.5, 2)]

    assert increase[0].value == 0
    assert increase[1].value < increase[2].value
    assert increase[2].low > 0


def test_a_model_that_fails_on_some_rows_keeps_the_others() -> None:
    class Picky(LogisticRegression):
        def predict_proba(self, rows: pd.DataFrame) -> np.ndarray:
            if (rows["a"] > 2.5).any():
                raise ValueError("secret 42")
            return super().predict_proba(rows)

    data = people()
    picky = Picky().fit(data[["a", "b", "sex"]], data.y)
    failing = int((data.a > 2.5).sum())
    record = wb.Audit(data, model=picky, target="y", policy=FREE, checks=["performance.classification"]).run()
    (found,) = record.findings

    assert 0 < failing < 100
    accuracy = next(m for m in found.measures if m.name == "accuracy")
    kept = data[data.a <= 2.5]
    assert accuracy.n == len(kept)
    assert accuracy.value == pytest.approx(accuracy_score(kept.y, picky.predict(kept[["a", "b", "sex"]])), abs=1e-9)
    assert any(f"{failing} rows" in note and "ValueError" in note for note in found.notes)
    assert "secret" not in record.to_json().decode()


def test_rows_far_from_the_reference_are_worse_where_they_are() -> None:
    data, near = people(), people(seed=7)
    far = np.hypot(data.a, data.b) > 2
    rng = np.random.default_rng(0)
    data["p"] = np.where(rng.random(len(data)) < np.where(far, 0.5, 0.1), 1 - data.y, data.y)
    found = finding("performance.resilience", data, prediction="p", reference=near.assign(p=0), ignore=["sex"])

    assert only(found, "error_rate_against_rest", where="farthest 10%").low > 0.15


def test_prediction_sets_cover_what_they_promise() -> None:
    rng = np.random.default_rng(0)
    y = rng.normal(0, 1, 4000)
    data = pd.DataFrame({"y": y, "p": y + rng.normal(0, 1, 4000), "g": rng.choice(["a", "b"], 4000)})
    found = finding("performance.reliability", data, prediction="p", sensitive=["g"], task="regression")
    width = only(found, "width", group="")

    assert only(found, "coverage", group="").value == pytest.approx(0.9, abs=0.02)
    assert width.value == pytest.approx(2 * stats.norm.ppf(0.95), rel=0.05)


# ---------------------------------------------------------------------------- groups


def test_s02_adjusted_odds_of_a_high_score(shared_data: Path) -> None:
    """S02: ProPublica's logistic regression, to four digits."""
    d = pd.read_csv(shared_data / "compas" / "compas-two-years-noid.csv")
    d = d[d.days_b_screening_arrest.between(-30, 30) & (d.is_recid != -1)]
    d = d[(d.c_charge_degree != "O") & (d.score_text != "N/A")]
    controls = ["age_cat", "priors_count", "c_charge_degree", "two_year_recid"]
    data = d[["sex", "race", *controls]].assign(decided=(d.score_text != "Low").astype(int))
    asked = {"bias.conditional_parity": {"controls": controls, "base": {"race": "Caucasian"}}}
    everyone = {"rules": [], "minimum_group_size": 1}
    audit = wb.Audit(data, prediction="decided", sensitive=["sex", "race"], policy=everyone, checks=asked)
    found = audit.run().to_frame()

    assert only(found, "count", group="race=African-American").value == 3175
    for group, expected in (("race=African-American", 0.47721), ("sex=Female", 0.22127), ("race=Hispanic", -0.42839)):
        assert only(found, "adjusted_log_odds", group=group).value == pytest.approx(expected, abs=1e-4)
    for column, where, expected in (
        ("age_cat", "Less than 25", 1.30839), ("age_cat", "Greater than 45", -1.35563), ("priors_count", "", 0.26895),
        ("c_charge_degree", "M", -0.31124), ("two_year_recid", "", 0.68586),
    ):  # fmt: skip
        assert only(found, "control_log_odds", column=column, where=where).value == pytest.approx(expected, abs=1e-4)
    assert only(found, "intercept").value == pytest.approx(-1.52554, abs=1e-4)
    assert only(found, "aic").value == pytest.approx(6192.4, abs=0.05)


def test_within_strata_a_paradox_goes_away() -> None:
    """Berkeley-like, by hand: equal rates in each department, unequal shares of departments."""
    rows = [("A", "m", 80, 40), ("A", "f", 20, 10), ("B", "m", 20, 2), ("B", "f", 80, 8)]
    data = pd.DataFrame([(d, s, int(i < x)) for d, s, n, x in rows for i in range(n)], columns=["dept", "sex", "p"])
    audit = wb.Audit(data, prediction="p", sensitive="sex", policy=FREE,
                     checks={"bias.conditional_parity": {"controls": ["dept"], "base": {"sex": "m"}}})  # fmt: skip
    found = audit.run().to_frame()

    assert only(found, "mantel_haenszel_difference").value == pytest.approx(0, abs=1e-9)
    assert only(found, "adjusted_odds_ratio").value == pytest.approx(1, abs=1e-6)


def test_flipping_a_column_changes_what_the_model_makes_of_it(model: LogisticRegression) -> None:
    data = people()
    found = finding("bias.counterfactual_flip", data, model=model, sensitive="sex")
    x = data[["a", "b", "sex"]]
    flipped = model.predict(x.assign(sex=1 - x.sex)) != model.predict(x)
    change = model.predict_proba(x.assign(sex=1))[:, 1] - model.predict_proba(x)[:, 1]

    assert only(found, "flip_rate").value == pytest.approx(flipped.mean(), abs=1e-9)
    assert only(found, "mean_change", group="sex=1").value == pytest.approx(change[x.sex == 0].mean(), abs=1e-9)


def test_a_proxy_is_found_and_named() -> None:
    data = people()
    data["zip"] = data.sex * 2.0 + np.random.default_rng(0).normal(0, 1, len(data))
    found = finding("bias.proxies", data.drop(columns="a"), sensitive="sex", target="y", prediction=None)
    auc = only(found, "largest_proxy_auc")

    assert auc.low > 0.85
    best = found[found.measure == "single_feature_auc"].iloc[0]
    assert best["column"] == "zip"
    expected = roc_auc_score(data.sex, data.zip)
    assert best.value == pytest.approx(expected, abs=0.01)


def test_consistency_as_zemel_wrote_it() -> None:
    rng = np.random.default_rng(0)
    data = pd.DataFrame({"a": rng.normal(0, 1, 200), "p": rng.choice([0, 1], 200), "y": 1, "s": "x"})
    found = finding("bias.consistency", data, prediction="p", sensitive="s")
    a = ((data.a - data.a.mean()) / data.a.std(ddof=0)).to_numpy()[:, None]
    near = NearestNeighbors(n_neighbors=5).fit(a).kneighbors(a, return_distance=False)
    expected = 1 - np.abs(data.p.to_numpy() - data.p.to_numpy()[near].mean(axis=1)).mean()

    assert only(found, "consistency").value == pytest.approx(expected, abs=1e-9)


def test_missing_outcomes_bound_what_is_measured() -> None:
    data = pd.DataFrame({"y": [1, 0, 1, None, None, None], "p": [1, 1, 0, 0, 0, 1]})
    found = finding("performance.selective_labels", data, prediction="p")

    assert only(found, "labelled_share", where="decided positive").value == pytest.approx(2 / 3)
    assert only(found, "labelled_share", where="decided negative").value == pytest.approx(1 / 3)
    bounds = {n: only(found, n).value for n in ("accuracy_lower_bound", "accuracy_upper_bound", "recall_lower_bound")}
    assert bounds == pytest.approx(
        {"accuracy_lower_bound": 1 / 6, "accuracy_upper_bound": 4 / 6, "recall_lower_bound": 1 / 4}
    )
    assert only(found, "recall_upper_bound").value == pytest.approx(2 / 3)

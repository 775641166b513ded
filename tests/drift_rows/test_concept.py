"""Concept drift: planted changes are found and named, absent ones are not, losses are scikit-learn's."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.ensemble import HistGradientBoostingClassifier

from tests.drift_rows.subjects import SCORED, run, subject
from tests.performance.measured import one, table, value
from workbench.core.check import find_check
from workbench.core.dataset import Roles


def people(n: int, seed: int, *, move: float = 0.0, turned: bool = False) -> pd.DataFrame:
    """Return rows with a calibrated score of `a`; turned: where `b` is above 1 the truth no longer follows it."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"a": rng.normal(move, 1, n), "b": rng.normal(0, 1, n), "c": rng.choice(list("xyz"), n)})
    frame["s"] = 1 / (1 + np.exp(-2 * frame.a))
    p = np.where(turned & (frame.b > 1), 0.2, frame.s)
    return frame.assign(y=(rng.random(n) < p).astype(int))


def test_a_turned_relation_is_found_and_its_region_named() -> None:
    finding = run("drift.concept", subject(people(6000, 2, turned=True), people(6000, 4), SCORED))
    found = table(finding, "changed regions")
    confirmed = found[found["second half"] == "confirmed"].region

    assert value(finding, "relation_change_p_value") < 1e-4
    assert one(finding, "calibration_slope_change").high < 0
    assert one(finding, "truth_rate_change").high < 0
    assert found.region[0].startswith("b >= 0.8")
    assert value(finding, "changed_regions") == len(confirmed) >= 1
    assert found.high[0] < -0.1


def test_more_positives_at_every_score_are_told_by_how_many() -> None:
    current = people(5000, 2)
    extra = np.random.default_rng(2).random(5000) < 0.2
    current["y"] = np.where(extra & (current.c == "x"), 1, current.y)
    finding = run("drift.concept", subject(current, people(5000, 4), SCORED))
    m = one(finding, "truth_rate_change")
    truly = ((1 - current.s) * 0.2 * (current.c == "x")).mean()

    assert m.low < truly < m.high
    assert m.low > 0
    region = one(finding, "region_change", where="c=x")
    assert region.low > 0.03
    assert one(finding, "region_change_p_value", where="c=x").value < 0.01
    assert one(finding, "mean_score_difference_change").high < 0


def test_other_scores_alone_are_not_concept_drift() -> None:
    finding = run("drift.concept", subject(people(5000, 2, move=0.8), people(5000, 4), SCORED))
    m = one(finding, "truth_rate_change")

    assert m.low < 0 < m.high
    assert value(finding, "relation_change_p_value") > 0.01
    assert value(finding, "changed_regions") == 0


def test_means_and_tables_are_those_of_the_rows() -> None:
    reference, current = people(3000, 0), people(2000, 1)
    finding = run("drift.concept", subject(current, reference, SCORED))
    told = table(finding, "truth by score")
    gaps = [f.s - f.y for f in (current, reference)]
    m = one(finding, "mean_score_difference_change")

    outside = one(finding, "outside_reference_score_share")
    assert told.n.sum() + round(outside.value * outside.n) == outside.n == 2000
    assert told["reference n"].sum() == 3000
    ends = [float(e) for e in told["where"][4].split(" <= score < ")]
    inside = current[(current.s >= ends[0]) & (current.s < ends[1])]
    assert told.n[4] == pytest.approx(len(inside), abs=2)  # the label rounds the edges
    assert told["truth now"][4] == pytest.approx(inside.y.mean(), abs=0.01)
    assert m.value == pytest.approx(gaps[0].mean() - gaps[1].mean(), abs=1e-9)
    halves = [stats.sem(g) * stats.t.ppf(0.975, len(g) - 1) for g in gaps]
    assert m.high - m.value == pytest.approx(np.hypot(*halves), rel=1e-9)


def test_the_challengers_gain_is_scikit_learns_on_the_other_half() -> None:
    reference, current = people(1500, 0), people(900, 1, turned=True)
    there = subject(current, reference, SCORED)
    finding = run("drift.concept", there)
    sample = there.current.sample
    half = sample.hashes[:, 1] >> np.uint64(63) == 1
    rows = pd.DataFrame(sample.rows.to_pydict())
    codes = {v: i for i, v in enumerate(_by_frequency(there))}
    x = rows[["a", "b"]].assign(c=rows.c.map(codes)).to_numpy(float)
    learner = HistGradientBoostingClassifier(
        max_iter=50, max_leaf_nodes=15, min_samples_leaf=20, early_stopping=False, random_state=0,
        categorical_features=[False, False, True],
    ).fit(x[half], rows.y[half])  # fmt: skip
    own = (learner.predict_proba(x[~half])[:, 1] - rows.y[~half]) ** 2
    gain = (rows.s[~half] - rows.y[~half]) ** 2 - own
    m = one(finding, "challenger_gain")

    assert m.n == (~half).sum()
    assert m.value == pytest.approx(gain.mean(), abs=1e-9)
    reach = stats.t.ppf(0.975, m.n - 1) * np.sqrt(gain.var() * (1 / m.n + 1 / half.sum()))
    assert (m.low, m.high) == pytest.approx((gain.mean() - reach, gain.mean() + reach), abs=1e-9)


def _by_frequency(there: object) -> list[str]:
    both = [s.rows.column("c").to_pylist() for s in (there.reference.sample, there.current.sample)]  # type: ignore[attr-defined]
    counted = pd.Series(both[0] + both[1]).value_counts()
    return sorted(counted.index, key=lambda v: (-counted[v], v))


def test_a_refit_gains_where_the_relation_turned_round() -> None:
    current = people(4000, 1)
    current["y"] = 1 - current.y
    finding = run("drift.concept", subject(current, people(4000, 0), SCORED))

    assert one(finding, "challenger_gain").low > 0.2
    assert one(finding, "challenger_gain", window="reference").high < 0.01
    assert one(finding, "challenger_gain_change").low > 0.2


def test_from_counts_alone_the_table_part_runs() -> None:
    frames = people(2000, 1), people(2000, 0)
    with_rows = run("drift.concept", subject(*frames, SCORED))
    finding = run("drift.concept", subject(*frames, SCORED, rows=None))

    assert value(finding, "truth_rate_change") == value(with_rows, "truth_rate_change")
    assert finding.notes == ("without rows: no regions of features, no challenger",)
    assert not [m for m in finding.measures if m.name in ("changed_regions", "challenger_gain")]


def test_without_scikit_learn_the_rest_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.ensemble", None)
    finding = run("drift.concept", subject(people(600, 1), people(600, 0), SCORED))

    assert value(finding, "changed_regions") >= 0
    assert one(finding, "challenger_gain").undefined_because == (
        "refitting a small challenger needs sklearn, which is not installed: pip install 'audit-workbench[model]'"
    )


def test_without_a_score_it_is_by_what_was_predicted() -> None:
    roles = Roles(target="y", prediction="p", positive=1)
    frames = [people(3000, s).assign(p=lambda d: (d.s > 0.5).astype(int)).drop(columns="s") for s in (1, 0)]
    frames[0].loc[frames[0].p == 1, "y"] = (np.random.default_rng(0).random((frames[0].p == 1).sum()) < 0.5).astype(int)
    finding = run("drift.concept", subject(frames[0], frames[1], roles))
    rates = [f[f.p == 1].y.mean() for f in frames]
    m = one(finding, "truth_rate_change", where="predicted positive")

    assert m.value == pytest.approx(rates[0] - rates[1], abs=1e-12)
    assert m.high < -0.2
    same = one(finding, "truth_rate_change", where="predicted negative")
    assert same.low < 0 < same.high
    tables = [pd.crosstab(f.p, f.y).to_numpy() for f in frames]
    expected = sum(stats.chi2_contingency([tables[0][k], tables[1][k]], correction=False).statistic for k in (0, 1))
    assert value(finding, "relation_change_chi_square") == pytest.approx(expected, rel=1e-9)


def test_of_classes_precision_and_the_mix_of_truths_are_compared() -> None:
    roles = Roles(target="y", prediction="p", task="multiclass")
    rng = np.random.default_rng(1)
    frames = []
    for turned in (True, False):
        p = rng.choice(list("abc"), 3000)
        wrong = rng.random(3000) < 0.3
        other = np.where(turned, "a", rng.choice(list("abc"), 3000))  # as often wrong, but now always for a
        frames.append(pd.DataFrame({"x": rng.normal(0, 1, 3000), "p": p, "y": np.where(wrong, other, p)}))
    finding = run("drift.concept", subject(*frames, roles))
    tables = [pd.crosstab(f.p, f.y).to_numpy() for f in frames]
    columns = [np.array([t[k] for t in tables]) for k in range(3)]
    expected = sum(stats.chi2_contingency(t[:, t.sum(axis=0) > 0], correction=False).statistic for t in columns)
    m = one(finding, "precision_change", where="predicted b")

    assert value(finding, "relation_change_chi_square") == pytest.approx(expected, rel=1e-9)
    assert value(finding, "relation_change_p_value") < 1e-9
    assert m.value == pytest.approx(tables[0][1, 1] / tables[0][1].sum() - tables[1][1, 1] / tables[1][1].sum())
    assert "1 classes" not in " ".join(finding.notes)


def test_of_numbers_the_bias_is_compared_along_the_prediction() -> None:
    roles = Roles(target="y", prediction="p", task="regression")
    rng = np.random.default_rng(2)
    frames = []
    for turned in (0.8, 0.0):
        p = rng.normal(10, 3, 4000)
        y = p + rng.normal(0, 1, 4000) - turned * (p > 13)
        frames.append(pd.DataFrame({"x": rng.normal(0, 1, 4000), "p": p, "y": y}))
    finding = run("drift.concept", subject(*frames, roles))
    biases = [f.p - f.y for f in frames]
    found = table(finding, "bias by prediction")

    assert value(finding, "bias_change") == pytest.approx(biases[0].mean() - biases[1].mean(), abs=1e-9)
    assert found.low.iloc[-1] > 0.5
    assert (found.low.iloc[:7] < 0).sum() >= 6
    assert value(finding, "relation_change_p_value") < 1e-9
    inside = [b[f.p >= float(found["where"].iloc[-1].split(">= ")[1])] for b, f in zip(biases, frames, strict=True)]
    expected = stats.ttest_ind(*inside, equal_var=False)
    assert found.change.iloc[-1] == pytest.approx(inside[0].mean() - inside[1].mean(), abs=0.01)
    assert found.high.iloc[-1] == pytest.approx(expected.confidence_interval(0.95).high, abs=0.01)
    counts_only = run("drift.concept", subject(*frames, roles, rows=None))
    assert [m.name for m in counts_only.measures] == ["bias_change"]


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda c, r: (c, r.drop(columns="y")), "the reference has no truth"),
        (lambda c, r: (c.assign(y=np.nan), r), "no current row has a truth"),
        (lambda c, r: (c, r.assign(s=np.nan)), "no row with truth and score"),
    ],
)
def test_without_truth_or_score_it_says_which_side_lacks_it(spoil: object, why: str) -> None:
    frames = spoil(people(300, 1), people(300, 0))  # type: ignore[operator]
    finding = find_check("drift.concept").run(subject(*frames, SCORED))

    assert str(finding.status) == "not_applicable"
    assert why in finding.reason


def test_late_labels_leave_the_unlabelled_out() -> None:
    current = people(3000, 1)
    current["y"] = current.y.astype(float).where(np.arange(3000) % 3 > 0)
    finding = run("drift.concept", subject(current, people(3000, 0), SCORED))

    assert one(finding, "outside_reference_score_share").n == 2000
    assert 1980 < one(finding, "truth_rate_change").n <= 2000


@pytest.mark.slow
def test_false_alarms_of_regions_and_of_gains_keep_the_level() -> None:
    """Of 200 pairs without any change some region is confirmed in about 10, and a gain's change covers 0."""
    regions = gains = 0
    for seed in range(200):
        there = subject(people(800, 2 * seed), people(800, 2 * seed + 1, move=0.3), SCORED)
        finding = run("drift.concept", there, iterations=20)
        regions += value(finding, "changed_regions") > 0
        change = one(finding, "challenger_gain_change")
        gains += change.low > 0 or change.high < 0

    assert regions <= 19  # 20 or more of 200 have probability 0.003 at 5 %
    assert gains <= 19


@pytest.mark.cases
def test_car_loan_changes_from_its_sixth_chunk_on(shared_data: Path) -> None:
    """The known change at row 25,000: before it the truth goes with the score as in the reference, after it less."""
    folder = shared_data / "car-loan"
    reference = pd.read_csv(folder / "synthetic_car_loan_reference.csv")
    analysis = pd.read_csv(folder / "synthetic_car_loan_analysis.csv")
    analysis["repaid"] = pd.read_csv(folder / "synthetic_car_loan_analysis_target.csv").repaid
    roles = Roles(target="repaid", score="y_pred_proba", positive=1, id="id", time="timestamp", ignore=("y_pred",))
    there = subject(analysis.iloc[:10], reference, roles)
    for chunk, changed in ((0, False), (4, False), (5, True), (9, True)):
        now = subject(analysis.iloc[5000 * chunk : 5000 * (chunk + 1)], reference.iloc[:10], roles).current
        finding = run("drift.concept", type(there)(now, roles, reference=there.reference))

        assert (value(finding, "relation_change_p_value") < 1e-3) == changed
        assert (one(finding, "truth_rate_change").high < 0) == changed
        assert (value(finding, "changed_regions") > 0) == changed
        if changed:
            assert "loan_length" in table(finding, "changed regions").region[0]
            assert one(finding, "challenger_gain_change").low > 0

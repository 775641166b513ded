"""Separation, deciles, lift and Jeffreys' test against SciPy, scikit-learn and hand-worked deciles."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from scipy import stats
from sklearn import metrics

import workbench as wb
from tests.performance.measured import ROLES, one, run, scored, table, value
from workbench.core.intervals import auc_interval, group_to_overall_ratio, wilson

CHECK = "performance.lift"


@settings(max_examples=200)
@given(scored())
def test_separation_is_scipys_and_scikit_learns(data: pd.DataFrame) -> None:
    """KS and Gini on random frames with ties, missing truths and one class."""
    finding = run(CHECK, data)
    known = data.dropna(subset=["y"])
    sides = known.score[known.y == 1], known.score[known.y == 0]
    if not len(sides[0]) or not len(sides[1]):
        assert all(math.isnan(value(finding, name)) for name in ("ks", "ks_p_value", "gini"))
        return
    with np.errstate(divide="ignore"):  # SciPy's own p-value of two rows divides by 0; only its statistic is taken
        statistic = stats.ks_2samp(*sides, method="asymp").statistic
    scale = math.sqrt(len(sides[0]) * len(sides[1]) / len(known))

    assert value(finding, "ks") == pytest.approx(statistic, abs=1e-9)
    assert value(finding, "ks_p_value") == pytest.approx(stats.kstwobign.sf(statistic * scale), abs=1e-9)
    auc = metrics.roc_auc_score(known.y, known.score)
    gini, ends = one(finding, "gini"), auc_interval(auc, len(sides[0]), len(sides[1]))
    assert gini.value == pytest.approx(2 * auc - 1, abs=1e-9)
    if ends is not None:
        assert (gini.low, gini.high) == pytest.approx((2 * ends.low - 1, 2 * ends.high - 1), abs=1e-9)


def test_p_of_no_separation_is_near_the_exact_one() -> None:
    """The asymptotic p lies near SciPy's exact one at 60 and 90 rows."""
    rng = np.random.default_rng(3)
    a, b = rng.normal(0.3, 1, 60), rng.normal(0, 1, 90)
    data = pd.DataFrame({"y": [1] * 60 + [0] * 90, "score": np.concatenate((a, b))})

    assert value(run(CHECK, data), "ks_p_value") == pytest.approx(stats.ks_2samp(a, b).pvalue, abs=0.03)


def by_rows(data: pd.DataFrame) -> list[pd.DataFrame]:
    """Walk down the rows by score; a part ends when its tenth is reached and the score's rows are used up."""
    left = data.dropna(subset=["y"]).sort_values("score", ascending=False)
    parts, used, n, start = [], 0, len(left), 0
    for _, tied in left.groupby("score", sort=False):
        used += len(tied)
        if used * 10 // n > (start * 10) // n and used * 10 >= (start * 10 // n + 1) * n:
            parts.append(left.iloc[start:used])
            start = used
    return parts


@settings(max_examples=200)
@given(scored())
def test_deciles_by_rows(data: pd.DataFrame) -> None:
    """Every decile's rate, lift, gain and Jeffreys' p, walked over rows."""
    finding = run(CHECK, data)
    known = data.dropna(subset=["y"])
    found = [m for m in finding.measures if m.name == "decile_positive_rate"]
    parts = by_rows(data)

    assert [m.n for m in found] == [len(p) for p in parts]
    gained = depth = 0
    for m, part in zip(found, parts, strict=True):
        hits, n = int(part.y.sum()), len(part)
        gained, depth = gained + hits, depth + n
        assert m.value == pytest.approx(hits / n, abs=1e-9)
        ends = wilson(hits, n)
        assert ends is not None
        assert (m.low, m.high) == pytest.approx((ends.low, ends.high), abs=1e-9)
        p = stats.beta(hits + 0.5, n - hits + 0.5).cdf(part.score.mean())
        assert value(finding, "jeffreys_p_value", where=m.where) == pytest.approx(p, abs=1e-9)
        if not known.y.sum():
            assert math.isnan(value(finding, "lift", where=m.where))
            continue
        up = one(finding, "lift", where=m.where)
        ratio = group_to_overall_ratio(hits, n, int(known.y.sum()), len(known))
        assert ratio is not None
        expected = (hits / n / known.y.mean(), ratio.low, ratio.high)
        assert (up.value, up.low, up.high) == pytest.approx(expected, abs=1e-9)
        assert value(finding, "cumulative_gain", where=m.where) == pytest.approx(gained / known.y.sum(), abs=1e-9)
        expected_lift = gained / depth / known.y.mean()
        assert value(finding, "cumulative_lift", where=m.where) == pytest.approx(expected_lift, abs=1e-9)
    if len(known):
        whole = stats.beta(known.y.sum() + 0.5, len(known) - known.y.sum() + 0.5).cdf(known.score.mean())
        assert value(finding, "jeffreys_p_value") == pytest.approx(whole, abs=1e-9)


def test_hand_worked_deciles() -> None:
    """Twenty rows, two a decile, seven positives; three tied rows end the second decile late."""
    scores = [0.99, 0.98, 0.9, 0.9, 0.9, *(0.8 - 0.05 * i for i in range(15))]
    truth = [1, 1, 1, 1, 0, 1, 0, 1, 0, 0, 0, 1, *[0] * 8]
    finding = run(CHECK, pd.DataFrame({"y": truth, "score": scores}))
    shown = table(finding, "deciles")

    assert shown["decile"].tolist() == ["1", "2", "3", "4", "5", "6", "7", "8", "9", "10"]
    assert shown["n"].tolist() == [2, 3, 1, 2, 2, 2, 2, 2, 2, 2]
    assert shown["positives"].tolist() == [2, 2, 1, 1, 0, 1, 0, 0, 0, 0]
    assert value(finding, "lift", where="decile 1") == pytest.approx(1 / (7 / 20))
    assert value(finding, "cumulative_gain", where="decile 3") == pytest.approx(5 / 7)
    assert value(finding, "cumulative_lift", where="decile 2") == pytest.approx((4 / 5) / (7 / 20))
    gain = table(finding, "gain")
    model = gain[gain.series == "model"]
    assert model.x.tolist() == pytest.approx([0, 0.05, 0.1, 0.25, 0.3, *np.arange(0.35, 1.001, 0.05)])
    assert model.y.tolist()[:5] == pytest.approx([0, 1 / 7, 2 / 7, 4 / 7, 5 / 7])
    assert set(gain.series) == {"model"}


def test_all_tied_is_one_part() -> None:
    """One score value fills all ten deciles: one part with the overall rate and lift 1."""
    finding = run(CHECK, pd.DataFrame({"y": [0, 1] * 20, "score": [0.4] * 40}))
    lift = one(finding, "lift", where="decile 1-10")

    assert (lift.value, lift.low, lift.high, lift.n) == (1.0, 1.0, 1.0, 40)
    assert value(finding, "gini") == 0
    assert value(finding, "ks_p_value") == 1


def test_scores_that_are_no_probabilities() -> None:
    """Infinite scores rank at the ends; without probabilities there is no Jeffreys p."""
    data = pd.DataFrame({"y": [1, 0, 1, 0, 1, 0], "score": [np.inf, -np.inf, 3.0, 2.0, 1.0, -4.0]})
    finding = run(CHECK, data)
    finite = data.replace({np.inf: 9.0, -np.inf: -9.0})

    assert value(finding, "gini") == pytest.approx(2 * metrics.roc_auc_score(finite.y, finite.score) - 1)
    assert "not probabilities" in one(finding, "jeffreys_p_value").undefined_because
    assert {m.where for m in finding.measures if m.name == "jeffreys_p_value"} == {""}


def test_the_reference_has_its_own_window() -> None:
    """Both windows are measured; without truth the check is not applicable."""
    data = pd.DataFrame({"y": [0, 1] * 30, "score": np.linspace(0, 1, 60)})
    finding = run(CHECK, data, data.assign(y=data.y[::-1].to_numpy()), ROLES)
    frame = wb.Audit(data, target="y", score="score", checks=[CHECK], policy={"rules": []}).run().to_frame()
    without = wb.Audit(data, score="score", checks=[CHECK], policy={"rules": []}).run()

    assert value(finding, "gini", window="reference") == pytest.approx(-value(finding, "gini"))
    assert set(frame.measure) >= {"ks", "gini", "lift", "decile_positive_rate", "cumulative_gain", "jeffreys_p_value"}
    assert without.findings[0].reason == "no target column was given"

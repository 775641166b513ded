"""Performance under the slider: scikit-learn's counts and curves, costs worked out by hand, with groups or without."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix, precision_recall_curve, roc_curve
from statsmodels.stats.proportion import proportion_confint

from tests.ui.explored import people, record_of
from workbench.audit.tradeoffs import Tradeoffs
from workbench.ui import performance_payload

DATA = people()
WITH, WITHOUT = record_of(DATA), record_of(DATA, ["performance.classification"], sensitive=[])
ALONE = record_of(DATA, ["performance.classification"])
CHECKED = pytest.mark.parametrize("record", [WITH, WITHOUT, ALONE], ids=["groups", "none", "no check of groups"])


def answer(record: Any, **question: Any) -> dict[str, Any]:
    """Return what a threshold does and costs."""
    return performance_payload.costs(Tradeoffs(record), question)


@CHECKED
@pytest.mark.parametrize("at", [0.0, 0.37, 0.5, 0.99])
def test_counts_and_rates_are_scikit_learns(record: Any, at: float) -> None:
    """The confusion table at the slider beside that of the audit, also without groups; Wilson intervals."""
    found = answer(record, at=at)
    for side, threshold in (("before", 0.5), ("after", found["threshold"])):
        tn, fp, fn, tp = confusion_matrix(DATA.y, DATA.score >= threshold).ravel()
        assert [int(r[side].replace(" ", "").replace(" ", "")) for r in found["counts"]] == [tp, fp, fn, tn]
        recall = next(r for r in found["rates"] if r["title"] == "True positive rate")[side]
        assert recall["value"] == pytest.approx(tp / (tp + fn))
        ends = proportion_confint(tp, tp + fn, method="wilson")
        assert (recall["low"], recall["high"]) == pytest.approx(ends)


@CHECKED
def test_curves_are_scikit_learns(record: Any) -> None:
    """Every point drawn lies on scikit-learn's curve, and the dot is the slider's point of it."""
    roc, recalled = performance_payload.page(record, Tradeoffs(record))["curves"]
    fpr, tpr, _ = roc_curve(DATA.y, DATA.score, drop_intermediate=False)
    known = set(zip(fpr.round(10), tpr.round(10), strict=True))
    assert {(round(x, 10), round(y, 10)) for x, y, *_ in roc["points"]} <= known
    precision, recall, _ = precision_recall_curve(DATA.y, DATA.score)
    known = set(zip(recall.round(10), precision.round(10), strict=True))
    assert {(round(x, 10), round(y, 10)) for x, y, *_ in recalled["points"]} <= known
    assert len(roc["points"]) > 80
    found = answer(record, at=0.37)
    dot, picked = found["dots"]["roc"], DATA.score >= found["threshold"]
    assert (dot["x"], dot["y"]) == pytest.approx((picked[DATA.y == 0].mean(), picked[DATA.y == 1].mean()))
    assert roc["table"]["rows"]
    assert "Area under the curve" in roc["sentence"]


def test_cost_is_worked_out_by_hand() -> None:
    """(2 FP + 5 FN - 1 TP) / n at the audit's threshold, the slider's and the cheapest of those kept."""
    cost = answer(WITHOUT, at=0.3, fp=2, fn=5, tp=1, tn=0)["cost"]

    def by_hand(t: float) -> float:
        _, fp, fn, tp = confusion_matrix(DATA.y, DATA.score >= t, labels=[0, 1]).ravel()
        return float(2 * fp + 5 * fn - tp) / len(DATA)

    for place in ("before", "after", "cheapest"):
        assert cost[place]["value"] == pytest.approx(by_hand(cost[place]["threshold"]))
        assert cost[place]["low"] <= cost[place]["value"] <= cost[place]["high"]
    kept = Tradeoffs(WITHOUT).thresholds
    assert cost["cheapest"]["value"] == pytest.approx(min(by_hand(t) for t in kept))
    assert cost["saving"]["value"] == pytest.approx(by_hand(0.5) - by_hand(0.3))
    assert [p[1] for p in cost["curve"]["points"]] == pytest.approx([by_hand(t) for t in kept])


def test_the_interval_of_a_cost_is_near_that_of_a_mean() -> None:
    """A cost per row is a mean over rows: the bootstrap of the cells is near the normal interval."""
    found = answer(WITHOUT, at=0.5, fp=1, fn=3)["cost"]["after"]
    own = np.where((DATA.score >= 0.5) & (DATA.y == 0), 1.0, 0) + np.where((DATA.score < 0.5) & (DATA.y == 1), 3.0, 0)
    half = 1.96 * own.std() / np.sqrt(len(own))
    assert (found["low"], found["high"]) == pytest.approx((own.mean() - half, own.mean() + half), abs=0.2 * half)


@pytest.mark.parametrize("given", [{"fp": ""}, {"fn": None}, {"fp": float("nan")}, {"fp": True}, {"fp": 0}, {"fn": -1}])
def test_costs_that_are_none_are_said(given: dict[str, Any]) -> None:
    """A sentence stands in place of the numbers; counts are still told."""
    found = answer(WITH, at=0.4, **given)
    assert found["problem"]
    assert found["cost"] is None
    assert found["counts"]


def test_same_numbers_with_groups_and_without() -> None:
    """The counts of all rows are those of the table by group."""
    assert answer(WITH, at=0.3) == answer(WITHOUT, at=0.3) == answer(ALONE, at=0.3)


def test_without_scores_the_page_says_why() -> None:
    """Predictions alone, and a record without the check, have nothing to move."""
    data = DATA.assign(prediction=(DATA.score >= 0.5).astype(int)).drop(columns="score")
    record = record_of(data, ["performance.classification"], score=None, prediction="prediction")
    page = performance_payload.page(record, Tradeoffs(record))
    assert "no score" in page["why"]
    assert page["curves"] == []
    assert answer(record, at=0.5) == {"empty": True}
    other = record_of(DATA, ["quality.missing"])
    assert "not in this record" in performance_payload.page(other, Tradeoffs(other))["why"]


def test_weak_segments_are_ranked_by_their_difference() -> None:
    """The finding's numbers in the order of the difference; a segment under the minimum is left out."""
    rng = np.random.default_rng(4)
    data = people(3, {"A": 1500})
    data["kind"] = rng.choice(["ok", "bad"], len(data), p=[0.8, 0.2])
    data.loc[data.kind == "bad", "y"] = rng.integers(0, 2, int((data.kind == "bad").sum()))
    record = record_of(data, ["performance.weak_segments"], sensitive=[])
    found = performance_payload.weak_segments(record)
    table = record.finding("performance.weak_segments").evidence[0]
    gaps = {row[0]: row[table.columns.index("difference")] for row in table.rows}
    assert [r["value"] for r in found["rows"]] == sorted(gaps.values(), reverse=True)
    assert "kind=bad" in {r["segment"] for r in found["rows"]}
    policy = {**record.policy, "minimum_group_size": 10**6}
    bare = type(record)(record.subject, policy, record.findings, record.verdict)
    assert performance_payload.weak_segments(bare)["rows"] == []


def test_what_is_told_is_plain_json() -> None:
    """No NaN and no infinity leave, with one class only too."""
    one = DATA.assign(y=1)
    for data in (DATA, one):
        record = record_of(data, ["performance.classification"], sensitive=[])
        json.dumps(performance_payload.page(record, Tradeoffs(record)), allow_nan=False)
        json.dumps(answer(record, at=0.2), allow_nan=False)

"""The frontier against brute force over every combination of thresholds, row by row."""

from __future__ import annotations

import time
from itertools import product

import numpy as np
import pandas as pd
import pytest
from fairlearn.metrics import demographic_parity_difference, equalized_odds_difference
from hypothesis import given, settings
from sklearn import metrics

import workbench as wb
from tests.performance.measured import GROUPED, one, run, scored, subject, table, value
from workbench.core.check import find_check
from workbench.core.errors import ConfigError
from workbench.core.finding import Status

CHECK = "optimize.frontier"
Point = tuple[float, float]


def rates(part: pd.DataFrame, selected: np.ndarray, disparity: str) -> tuple[float, ...]:
    """Return the rates of one group that a disparity is about."""
    if disparity == "selection_rate":
        return (selected.mean(),)
    hit = selected[part.y == 1].mean()
    return (hit,) if disparity == "true_positive_rate" else (hit, selected[part.y == 0].mean())


def reached(data: pd.DataFrame, thresholds: dict[str, float], metric: str, disparity: str) -> Point:
    """Return disparity and metric when each group has the threshold given and the others have one half."""
    own = data.g.map(lambda g: thresholds.get(g, 0.5)).astype(float)
    selected = (data.score >= own).to_numpy()
    of = [rates(data[data.g == g], selected[data.g == g], disparity) for g in thresholds]
    gap = max(max(r) - min(r) for r in zip(*of, strict=True))
    known = data.y.notna().to_numpy()
    score = metrics.accuracy_score if metric == "accuracy" else metrics.balanced_accuracy_score
    return float(gap), float(score(data.y[known].astype(int), selected[known]))


def undominated(points: list[Point]) -> list[Point]:
    """Return the points that no other beats, by rising disparity."""
    kept: list[Point] = []
    for gap, good in sorted(points, key=lambda p: (round(p[0], 12), -p[1])):
        if not kept or good > kept[-1][1] + 1e-12:
            kept.append((gap, good))
    return kept


def drawn(finding, series: str) -> list[Point]:
    """Return the points of one line."""
    lines = table(finding, "frontier by g")
    return [(float(x), float(y)) for x, y in lines[lines.series == series][["x", "y"]].to_numpy()]


def ways(part: pd.DataFrame) -> list[float]:
    """Return a threshold for every way in which one can part the rows."""
    return [*np.unique(part.score), part.score.max() + 1]


@settings(max_examples=50)
@given(scored(least=4, most=30, groups=3))
@pytest.mark.parametrize("metric", ["accuracy", "balanced_accuracy"])
@pytest.mark.parametrize("disparity", ["selection_rate", "true_positive_rate"])
def test_both_lines_by_brute_force(metric: str, disparity: str, data: pd.DataFrame) -> None:
    """Every undominated combination is found and no other, for groups of one row and missing groups too."""
    data = data.assign(score=data.score.round(1))
    groups = [g for g in "abc" if (data.g == g).any()]
    if disparity == "true_positive_rate":
        groups = [g for g in groups if (data.y[data.g == g] == 1).any()]
    finding = run(CHECK, data, roles=GROUPED, minimum=1, metric=metric, disparity=disparity)
    classes = set(data.y.dropna())
    if len(groups) < 2 or not classes or (metric != "accuracy" and len(classes) < 2):
        assert all(m.value is None or m.name == "excluded_groups" for m in finding.measures), finding.reason
        return
    one_for_all = [_all(data, t, groups, metric, disparity) for t in ways(data)]
    assert np.allclose(drawn(finding, "one threshold"), undominated(one_for_all), atol=1e-9)
    lists = [ways(data[data.g == g]) for g in groups]
    if np.prod([len(ts) for ts in lists]) <= 150:
        each = [reached(data, dict(zip(groups, ts, strict=True)), metric, disparity) for ts in product(*lists)]
        assert np.allclose(drawn(finding, "threshold per group"), undominated(each), atol=1e-9)


def _all(data: pd.DataFrame, t: float, groups: list[str], metric: str, disparity: str) -> Point:
    """Return disparity and metric when every row, of whatever group, has the threshold t."""
    selected = (data.score >= t).to_numpy()
    of = [rates(data[data.g == g], selected[data.g == g], disparity) for g in groups]
    known = data.y.notna().to_numpy()
    score = metrics.accuracy_score if metric == "accuracy" else metrics.balanced_accuracy_score
    gap = max(max(r) - min(r) for r in zip(*of, strict=True))
    return float(gap), float(score(data.y[known].astype(int), selected[known]))


def people(n: int, groups: str = "abc", seed: int = 0, digits: int = 1) -> pd.DataFrame:
    """Return scores that are too low in every group but the first."""
    rng = np.random.default_rng(seed)
    p, g = rng.random(n), rng.choice(list(groups), n)
    return pd.DataFrame(
        {"y": (rng.random(n) < p).astype(int), "score": np.round(np.where(g == groups[0], p, p / 2), digits), "g": g}
    )


def test_equalised_odds_are_reachable_and_not_beyond_the_best() -> None:
    """Its line is a bounded search: thresholds reach every point, none lies beyond brute force, the ends meet."""
    data = people(200, "ab")
    finding = run(CHECK, data, roles=GROUPED, disparity="equalized_odds")
    each = [
        reached(data, {"a": a, "b": b}, "accuracy", "equalized_odds")
        for a, b in product(ways(data[data.g == "a"]), ways(data[data.g == "b"]))
    ]
    best, found = undominated(each), drawn(finding, "threshold per group")

    for gap, good in found:
        assert min(abs(gap - x) + abs(good - y) for x, y in each) < 1e-9
        assert good <= max(y for x, y in best if x <= gap + 1e-9) + 1e-9
    assert found[0] == pytest.approx(best[0], abs=1e-9)
    assert found[-1] == pytest.approx(best[-1], abs=1e-9)


@pytest.mark.parametrize("disparity", ["selection_rate", "equalized_odds"])
def test_present_point_is_fairlearns(disparity: str) -> None:
    """The present disparity is fairlearn's, the present accuracy scikit-learn's, both with intervals."""
    data = people(300)
    finding = run(CHECK, data, roles=GROUPED, disparity=disparity)
    guess = data.score >= 0.5
    theirs = demographic_parity_difference if disparity == "selection_rate" else equalized_odds_difference

    gap, good = one(finding, "present_disparity", column="g"), one(finding, "present_accuracy", column="g")
    assert gap.value == pytest.approx(theirs(data.y, guess, sensitive_features=data.g), abs=1e-9)
    assert good.value == pytest.approx(metrics.accuracy_score(data.y, guess), abs=1e-9)
    assert gap.low is not None
    assert good.low is not None
    balanced = run(CHECK, data, roles=GROUPED, metric="balanced_accuracy")
    expected = metrics.balanced_accuracy_score(data.y, guess)
    assert value(balanced, "present_balanced_accuracy", column="g") == pytest.approx(expected, abs=1e-9)


def test_reach_is_read_off_the_lines() -> None:
    """The gain without more disparity, and the disparity saved without loss, by brute force; the table reaches it."""
    data = people(240, seed=3)
    finding = run(CHECK, data, roles=GROUPED)
    now = reached(data, dict.fromkeys("abc", 0.5), "accuracy", "selection_rate")
    lists = [ways(data[data.g == g]) for g in "abc"]
    each = [reached(data, dict(zip("abc", t, strict=True)), "accuracy", "selection_rate") for t in product(*lists)]
    gain = max(y for x, y in each if x <= now[0] + 1e-12) - now[1]
    less = now[0] - min(x for x, y in each if y >= now[1] - 1e-12)

    place = {"column": "g", "where": "threshold per group"}
    assert value(finding, "apparent_accuracy_gain_at_present_disparity", **place) == pytest.approx(gain, abs=1e-9)
    assert value(finding, "apparent_disparity_reduction_at_present_accuracy", **place) == pytest.approx(less, abs=1e-9)
    assert "same rows" in one(finding, "apparent_accuracy_gain_at_present_disparity", **place).method
    shown = table(finding, "frontier thresholds by g").set_index("label")["threshold there"]
    there = reached(data, shown.to_dict(), "accuracy", "selection_rate")
    assert there[0] <= now[0] + 1e-12
    assert there[1] == pytest.approx(now[1] + gain, abs=1e-9)
    assert finding.notes[0].startswith("every point of the lines is chosen and shown on the same rows")


@pytest.mark.parametrize("disparity", ["selection_rate", "equalized_odds"])
def test_ten_groups_take_no_time(disparity: str) -> None:
    """Ten groups of many distinct scores: the search is bounded."""
    audited = subject(people(20_000, "abcdefghij", digits=6), roles=GROUPED)
    start = time.perf_counter()
    finding = find_check(CHECK).run(audited, {"disparity": disparity})

    assert time.perf_counter() - start < 5  # about 0.4 s alone; generous, as machines are shared
    assert len(drawn(finding, "threshold per group")) > 3


def test_small_and_missing_groups_keep_their_threshold() -> None:
    """They enter no disparity, have no threshold of their own and still count in the accuracy."""
    data = people(60, "ab")
    tiny = pd.DataFrame({"y": [1] * 4, "score": [0.6] * 4, "g": ["tiny"] * 4})
    missing = pd.DataFrame({"y": [0] * 20, "score": [0.9] * 20, "g": [None] * 20})
    whole = pd.concat([data, tiny, missing], ignore_index=True)
    finding = run(CHECK, whole, roles=GROUPED)
    each = [
        reached(whole, {"a": a, "b": b}, "accuracy", "selection_rate")
        for a, b in product(ways(data[data.g == "a"]), ways(data[data.g == "b"]))
    ]

    assert np.allclose(drawn(finding, "threshold per group"), undominated(each), atol=1e-9)
    assert value(finding, "excluded_groups", column="g") == 1
    shown = table(finding, "frontier thresholds by g").set_index("label")["threshold there"]
    assert shown[["tiny", "missing"]].isna().all()


def test_hostile_frames() -> None:
    """One group, one class, all tied, no truth, an unknown parameter value."""
    data = people(80)
    single = run(CHECK, data.assign(g="a"), roles=GROUPED)
    assert "fewer than two groups" in one(single, "present_accuracy", column="g").undefined_because
    zeros = run(CHECK, data.assign(y=0), roles=GROUPED, metric="balanced_accuracy")
    assert "a class does not occur" in one(zeros, "present_balanced_accuracy", column="g").undefined_because
    tied = run(CHECK, data.assign(score=0.4), roles=GROUPED)
    assert tied.status is Status.MEASURED
    assert value(tied, "present_disparity", column="g") == 0
    policy = {"rules": []}
    without = wb.Audit(data, score="score", sensitive=["g"], checks=[CHECK], policy=policy).run().findings[0]
    assert without.reason == "no target column was given"
    with pytest.raises(ConfigError):
        run(CHECK, data, roles=GROUPED, disparity="accuracy")

"""Drift within groups: against SciPy on the group's rows, and suppression of those too small."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from tests.drift_rows.subjects import run, subject
from tests.performance.measured import one, table, value
from workbench.audit.judge import judge
from workbench.audit.policy import Policy
from workbench.core.check import find_check
from workbench.core.dataset import Roles

ROLES = Roles(target="y", score="s", positive=1, sensitive=("sex",), segment=("shop",))


def people(n: int, seed: int, *, moved: str = "") -> pd.DataFrame:
    """Return rows of three shops and two sexes; in the moved shop `a` and the score are higher."""
    rng = np.random.default_rng(seed)
    shop = rng.choice(["north", "south", "tiny"], n, p=[0.7, 0.28, 0.02])
    a = rng.normal(0, 1, n) + (shop == moved)
    frame = pd.DataFrame({"a": a, "c": rng.choice(list("xyz"), n), "sex": rng.choice(["F", "M"], n), "shop": shop})
    frame["s"] = 1 / (1 + np.exp(-a))
    return frame.assign(y=(rng.random(n) < frame.s).astype(int))


def test_distances_are_scipys_within_each_group() -> None:
    reference, current = people(3000, 0), people(2000, 1)
    current.loc[::7, "a"] = np.nan
    finding = run("drift.by_group", subject(current, reference, ROLES))
    for column, group in (("sex", "F"), ("sex", "M"), ("shop", "north"), ("shop", "south")):
        now, then = (f[f[column] == group] for f in (current, reference))
        label = f"{column}={group}"
        ks = one(finding, "ks", column="a", group=label)
        assert ks.value == pytest.approx(stats.ks_2samp(now.a.dropna(), then.a).statistic, abs=1e-12)
        assert ks.n == now.a.notna().sum()
        assert value(finding, "ks_reference_n", column="a", group=label) == len(then)
        counts = np.array([f.c.value_counts().sort_index() for f in (now, then)])
        v = one(finding, "cramers_v", column="c", group=label)
        assert v.value == pytest.approx(stats.contingency.association(counts, "cramer"), abs=1e-9)
        assert one(finding, "count", column=column, group=label).value == len(now)


def test_scores_and_selections_are_those_of_all_rows() -> None:
    reference, current = people(3000, 0), people(2500, 1, moved="north")
    finding = run("drift.by_group", subject(current, reference, ROLES, rows=200))
    for group in ("F", "M"):
        now, then = (f[f.sex == group] for f in (current, reference))
        change = one(finding, "mean_score_change", column="sex", group=f"sex={group}")
        assert change.value == pytest.approx(now.s.mean() - then.s.mean(), abs=1e-9)
        assert change.n == len(now)
        ks = stats.ks_2samp(now.s, then.s).statistic
        assert value(finding, "score_ks", column="sex", group=f"sex={group}") == pytest.approx(ks, abs=1e-12)
        selected = one(finding, "selection_rate_change", column="sex", group=f"sex={group}")
        assert selected.value == pytest.approx((now.s >= 0.5).mean() - (then.s >= 0.5).mean(), abs=1e-12)
        assert selected.low > 0.1
    assert not [m for m in finding.measures if m.name == "score_ks" and m.column == "shop"]
    assert "a seeded sample of 200 of 2\u202f500 rows" in " ".join(finding.notes)


def test_a_group_that_drifts_alone_goes_first() -> None:
    finding = run("drift.by_group", subject(people(4000, 1, moved="south"), people(4000, 0), ROLES))
    first = table(finding, "drift within groups").iloc[0]

    assert (first.group, first.feature) == ("shop=south", "a")
    assert first.low > 0.25
    assert one(finding, "ks", column="a", group="shop=north").low == 0
    assert one(finding, "ks", column="a", group="shop=north").value < 0.05


def test_small_groups_are_named_and_left_out() -> None:
    finding = run("drift.by_group", subject(people(2000, 1), people(3000, 0), ROLES))

    assert value(finding, "excluded_groups", column="shop") == 1
    assert value(finding, "excluded_groups", column="sex") == 0
    assert not [m for m in finding.measures if "tiny" in m.group]
    assert any("shop=tiny" in note and "under 100 rows" in note for note in finding.notes)
    few = run("drift.by_group", subject(people(2000, 1), people(3000, 0), ROLES), most_groups=1)
    assert {m.group for m in few.measures if m.column == "a"} == {"shop=north", "sex=F"} or {
        m.group for m in few.measures if m.column == "a"
    } == {"shop=north", "sex=M"}


def test_the_policys_minimum_holds_where_it_is_larger() -> None:
    finding = run("drift.by_group", subject(people(900, 1), people(900, 0), ROLES, minimum_group_size=400))
    assert {m.group for m in finding.measures if m.name == "count"} == {"sex=F", "sex=M", "shop=north"}


def test_a_group_with_few_rows_in_the_sample_is_not_compared_there() -> None:
    finding = run("drift.by_group", subject(people(9000, 1), people(9000, 0), ROLES, rows=1000), minimum=100)
    features = {m.group for m in finding.measures if m.name == "ks"}

    assert "shop=tiny" in {m.group for m in finding.measures if m.name == "count"}  # some 180 rows of 9,000
    assert "shop=tiny" not in features  # some 20 of 1,000
    assert "shop=south" in features


def test_groups_that_are_numbers_or_missing_are_groups() -> None:
    frames = [people(1500, s).assign(sex=lambda d: np.where(d.sex == "F", 1.0, np.nan)) for s in (0, 1)]
    finding = run("drift.by_group", subject(frames[1], frames[0], ROLES))
    labels = {m.group for m in finding.measures if m.column == "a"}

    assert {"sex=1", r"sex=\N"} <= labels
    assert value(finding, "count", column="sex", group=r"sex=\N") == frames[1].sex.isna().sum()


def test_predicted_classes_and_numbers_are_compared_by_group() -> None:
    rng = np.random.default_rng(0)
    frames = [people(2000, s) for s in (1, 0)]
    classes = [
        f.assign(p=rng.choice(list("uvw"), len(f), p=q))
        for f, q in zip(frames, ([0.5, 0.3, 0.2], [0.2, 0.3, 0.5]), strict=True)
    ]
    roles = Roles(prediction="p", task="multiclass", sensitive=("sex",), ignore=("s", "y"))
    finding = run("drift.by_group", subject(*classes, roles))
    crossed = np.array([f[f.sex == "F"].p.value_counts().sort_index() for f in classes])
    v = value(finding, "prediction_cramers_v", column="sex", group="sex=F")
    assert v == pytest.approx(stats.contingency.association(crossed, "cramer"), abs=1e-9)

    numbers = [f.assign(p=f.a * 3, t=f.a * 3) for f in frames]
    roles = Roles(prediction="p", target="t", task="regression", sensitive=("sex",), ignore=("s", "y"))
    finding = run("drift.by_group", subject(*numbers, roles))
    means = [f[f.sex == "M"].p.mean() for f in numbers]
    found = value(finding, "mean_prediction_change", column="sex", group="sex=M")
    assert found == pytest.approx(means[0] - means[1], abs=1e-9)


def test_from_counts_alone_the_scores_are_still_compared() -> None:
    finding = run("drift.by_group", subject(people(2000, 1), people(2000, 0), ROLES, rows=None))

    assert "features: not compared, without rows" in finding.notes
    assert value(finding, "score_ks", column="sex", group="sex=F") >= 0
    assert not [m for m in finding.measures if m.name == "ks"]


def test_without_groups_it_is_not_applicable() -> None:
    frames = people(200, 1), people(200, 0)
    for roles in (Roles(score="s"), Roles(score="s", sensitive=("gone",))):
        finding = find_check("drift.by_group").run(subject(*frames, roles))
        assert str(finding.status) == "not_applicable"
        assert "no sensitive or segment column" in finding.reason


def test_a_rule_judges_every_group_and_controls_its_errors() -> None:
    """One rule with a wildcard judges all features in all groups; only the drifting ones fail."""
    finding = run("drift.by_group", subject(people(6000, 1, moved="south"), people(6000, 0), ROLES))
    rule = {"id": "r", "check": "drift.by_group", "measure": "ks", "group": "*", "operator": "<=", "limit": 0.1}
    verdict = judge([finding], Policy(rules=(rule,)), __import__("datetime").date(2026, 1, 1))
    failed = {(j.column, j.group) for j in verdict.judgements if j.outcome == "fail"}

    assert failed == {("a", "shop=south")}
    assert len(verdict.judgements) == 5  # `a` in two sexes and three shops

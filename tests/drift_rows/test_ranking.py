"""The ranking of changes: expected shifts against pandas, drift against SciPy, importance where there is a model."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tests.drift_rows.subjects import run, subject
from tests.performance.measured import one, table, value
from workbench.core.check import find_check
from workbench.core.dataset import Roles
from workbench.core.effects import category_effect, effect_of
from workbench.core.reweighting import Binned, binned_categories, binned_numbers, expected_shift

SCORED = Roles(score="s")


def scored(n: int, seed: int, move: float = 0.0, noise: float = 0.0) -> pd.DataFrame:
    """Return rows whose score rests on `a` and on `c`, and not at all on `b`."""
    rng = np.random.default_rng(seed)
    a, b = rng.normal(move, 1, n), rng.normal(noise, 1, n)
    c = rng.choice(list("xyz"), n)
    return pd.DataFrame({"a": a, "b": b, "c": c, "s": 1 / (1 + np.exp(-(a + (c == "x"))))})


# ---------------------------------------------------------------------------- expected shifts


def test_the_expected_shift_is_the_reweighted_mean() -> None:
    reference, current = scored(2000, 0), scored(900, 1, 0.5)
    finding = run("drift.ranking", subject(current, reference, SCORED))
    edges = [-np.inf, *np.quantile(reference.a, np.arange(1, 10) / 10, method="higher"), np.inf]
    there, here = (pd.cut(f.a, edges, right=False, labels=False) for f in (reference, current))
    means = reference.s.groupby(there).mean()
    expected = (here.value_counts(normalize=True) * means).sum() - reference.s.mean()
    m = one(finding, "expected_shift", column="a")

    assert m.value == pytest.approx(expected, abs=1e-9)
    assert m.low < current.s.mean() - reference.s.mean() < m.high  # here the score moves by this feature alone
    by_c = reference.s.groupby(reference.c).mean()
    expected = (current.c.value_counts(normalize=True) * by_c).sum() - reference.s.mean()
    assert value(finding, "expected_shift", column="c") == pytest.approx(expected, abs=1e-9)
    assert value(finding, "actual_shift") == pytest.approx(current.s.mean() - reference.s.mean(), abs=1e-9)


def test_its_interval_is_that_of_resampled_rows() -> None:
    """Resampling both sides gives the standard error that the interval has."""
    rng = np.random.default_rng(0)
    y, bins = rng.random(800), rng.integers(0, 5, 800)
    y = y + 0.3 * bins
    now = rng.choice(6, 300, p=[0.4, 0.2, 0.1, 0.1, 0.1, 0.1])  # bin 5 is not in the reference
    found = expected_shift(y, Binned(bins, now, 7), 0.95)
    drawn = []
    for _ in range(3000):
        i, j = rng.integers(0, 800, 800), rng.integers(0, 300, 300)
        means = pd.Series(y[i]).groupby(bins[i]).mean().reindex(range(7)).fillna(y[i].mean()).to_numpy()
        drawn.append(means[now[j]].mean() - y[i].mean())
    half = (found.interval.high - found.interval.low) / 2

    assert half == pytest.approx(1.96 * np.std(drawn), rel=0.06)
    assert found.unsupported == pytest.approx((now == 5).mean())


@given(st.integers(2, 40), st.integers(1, 40), st.integers(1, 6), st.integers(0, 10**6))
def test_the_same_shares_move_nothing_and_a_constant_score_never_moves(n: int, m: int, k: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    bins, y = rng.integers(0, k, n), rng.normal(0, 1, n)
    same = expected_shift(y, Binned(bins, np.tile(bins, 3), k), 0.95)
    constant = expected_shift(np.full(n, 0.3), Binned(bins, rng.integers(0, k, m), k), 0.95)

    assert same.value == pytest.approx(0, abs=1e-12)
    assert constant.value == pytest.approx(0, abs=1e-12)
    assert constant.sensitivity == 0
    assert 0 <= same.sensitivity <= 1


def test_the_sensitivity_is_the_corrected_correlation_ratio() -> None:
    rng = np.random.default_rng(4)
    bins = rng.integers(0, 4, 500)
    y = bins + rng.normal(0, 1, 500)
    found = expected_shift(y, Binned(bins, bins, 4), 0.95).sensitivity
    f = stats.f_oneway(*(y[bins == k] for k in range(4))).statistic
    # Kelley's epsilon squared from the analysis of variance: (F - 1) (k - 1) / (F (k - 1) + n - k)
    assert found == pytest.approx(math.sqrt((f - 1) * 3 / (f * 3 + 496)), abs=1e-9)


def test_bins_keep_the_missing_and_the_unseen_apart() -> None:
    numbers = binned_numbers(pa.array([1.0, 2.0, 3.0, 4.0, None]), pa.array([None, 9.0, float("nan"), 0.0]), 2)
    assert numbers.reference.tolist() == [0, 0, 1, 1, 2]
    assert numbers.current.tolist() == [2, 1, 2, 0]
    words = binned_categories(pa.array(["a", "a", "b", "c", None]), pa.array(["a", "z", None, "c"]), 2)
    assert words.reference.tolist() == [0, 0, 1, 2, 3]
    assert words.current.tolist() == [0, 4, 3, 2]


# ---------------------------------------------------------------------------- drift


def test_drift_is_scipys_distance_and_missing_values_count() -> None:
    reference, current = scored(700, 0), scored(500, 1, 0.4)
    current.loc[:149, "b"] = np.nan
    there = subject(current, reference, SCORED)
    finding = run("drift.ranking", there)
    ks = stats.ks_2samp(current.a, reference.a)

    assert value(finding, "drift", column="a") == pytest.approx(ks.statistic, abs=1e-12)
    assert one(finding, "drift", column="a").method == "ks"
    assert value(finding, "drift", column="b") == pytest.approx(150 / 500, abs=1e-12)
    assert one(finding, "drift", column="b").method == "missing_change"
    shares = [f.c.value_counts(normalize=True) for f in (current, reference)]
    assert value(finding, "drift", column="c") == pytest.approx((shares[0] - shares[1]).abs().sum() / 2, abs=1e-12)


def test_what_chance_gives_is_taken_off() -> None:
    """Of categories that do not differ the mean distance is that of simulation, and the excess is small."""
    rng = np.random.default_rng(0)
    p = rng.dirichlet(np.ones(40))
    found = [category_effect(rng.multinomial(900, p), rng.multinomial(400, p)) for _ in range(300)]

    assert np.mean([e.value for e in found]) == pytest.approx(np.mean([e.by_chance for e in found]), rel=0.03)
    assert np.mean([e.beyond_chance for e in found]) < 0.2 * np.mean([e.value for e in found])
    there = subject(scored(500, 1), scored(700, 0), SCORED)
    effect = effect_of(there.current.columns["a"], there.reference.columns["a"])  # type: ignore[union-attr]
    drawn = [stats.ks_2samp(rng.random(500), rng.random(700)).statistic for _ in range(500)]
    assert effect.by_chance == pytest.approx(np.mean(drawn), rel=0.06)


# ---------------------------------------------------------------------------- the ranking


def test_a_small_change_that_matters_goes_before_a_large_one_that_does_not() -> None:
    finding = run("drift.ranking", subject(scored(4000, 1, 0.3, 1.0), scored(4000, 0), SCORED))
    ranked = table(finding, "changes")

    assert value(finding, "drift", column="b") > 2 * value(finding, "drift", column="a")
    assert ranked.feature.tolist()[0] == "a"
    assert finding.notes[0].startswith("the change that matters most: 'a' (drift")
    assert one(finding, "expected_shift", column="a").low > 0
    b = one(finding, "expected_shift", column="b")
    assert b.low < 0 < b.high
    assert abs(b.value) < 0.01


def test_no_change_is_said_so() -> None:
    finding = run("drift.ranking", subject(scored(800, 1), scored(800, 0), SCORED))
    assert finding.notes[0] == "no change of a feature is told from chance and rests on something that matters"


class OnB:
    """A model that looks at `b` only."""

    feature_names = ("a", "b")
    failures: dict[str, int] = {}  # noqa: RUF012

    def scores(self, batch: pa.RecordBatch, positive: object) -> np.ndarray:
        return 1 / (1 + np.exp(-batch.column("b").to_numpy(zero_copy_only=False)))


def test_a_models_importance_decides_where_there_is_one() -> None:
    roles = Roles(target="y", positive=1)
    frames = []
    for seed in (0, 1):
        rng = np.random.default_rng(seed)
        frame = scored(3000, seed, 0.6 * seed, 0.6 * seed).drop(columns="s")
        frames.append(frame.assign(y=(rng.random(3000) < 1 / (1 + np.exp(-frame.b))).astype(int)))
    finding = run("drift.ranking", subject(frames[1], frames[0], roles, model=OnB()))

    assert table(finding, "changes").feature[0] == "b"
    assert value(finding, "importance", column="b") == pytest.approx(1.0)
    assert value(finding, "importance", column="a") == 0.0
    assert value(finding, "importance", column="c") == 0.0  # the model does not take it
    assert value(finding, "drift_impact", column="a") == 0.0
    assert "permutation importance on 2\u202f000 reference rows" in finding.notes[1]


def test_without_rows_it_ranks_by_drift_alone_and_says_so() -> None:
    finding = run("drift.ranking", subject(scored(800, 1, 0.3, 1.0), scored(800, 0), SCORED, rows=None))

    assert table(finding, "changes").feature[0] == "b"
    assert finding.notes[1] == "neither a model nor rows with an outcome are here: ranked by drift alone"
    assert not [m for m in finding.measures if m.name == "expected_shift"]


def test_a_sample_says_how_many_rows_it_has() -> None:
    finding = run("drift.ranking", subject(scored(5000, 1, 0.3), scored(5000, 0), SCORED, rows=1000))

    assert one(finding, "expected_shift", column="a").n == 1000
    assert one(finding, "drift", column="a").n == 5000


def test_of_classes_the_one_that_moves_most_is_told() -> None:
    roles = Roles(prediction="p", task="multiclass")
    frames = []
    for seed, move in ((0, 0.0), (1, 1.5)):
        frame = scored(2000, seed, move)
        frames.append(frame.assign(p=np.where(frame.a > 1, "high", np.where(frame.a > -1, "middle", "low"))))
    finding = run("drift.ranking", subject(frames[1].drop(columns="s"), frames[0].drop(columns="s"), roles))
    m = next(m for m in finding.measures if m.name == "expected_shift" and m.column == "a")

    assert m.where == "high"
    assert m.low > 0.3
    assert "share predicted as a class 'high'" in finding.notes[0]


def test_a_reference_without_the_score_ranks_by_the_truth() -> None:
    roles = Roles(target="y", score="s", positive=1)
    frames = []
    for seed in (0, 1):
        frame = scored(1500, seed, 0.5 * seed)
        frames.append(frame.assign(y=(np.random.default_rng(seed).random(1500) < frame.s).astype(int)))
    finding = run("drift.ranking", subject(frames[1], frames[0].drop(columns="s"), roles))

    assert "share truly positive" in finding.notes[1]
    assert one(finding, "expected_shift", column="a").low > 0


def test_other_kinds_are_named_as_not_ranked() -> None:
    frames = [scored(300, 0), scored(300, 1).assign(b="text")]
    finding = run("drift.ranking", subject(frames[1], frames[0], SCORED))
    assert any("'b' (number in the reference and text now)" in note for note in finding.notes)

    nothing = find_check("drift.ranking").run(subject(frames[1][["b", "s"]], frames[0][["b", "s"]], SCORED))
    assert str(nothing.status) == "not_applicable"
    assert "'b'" in nothing.reason


@pytest.mark.slow
def test_expected_shifts_cover_nothing_when_nothing_moves() -> None:
    """Intervals of no change hold 0 in at least 93 % of 600, also for a feature the score does not rest on."""
    held = {"a": 0, "b": 0, "c": 0}
    for seed in range(600):
        finding = run("drift.ranking", subject(scored(400, 2 * seed), scored(400, 2 * seed + 1), SCORED))
        for column in held:
            m = one(finding, "expected_shift", column=column)
            held[column] += m.low <= 0 <= m.high

    assert min(held.values()) >= 0.93 * 600


@pytest.mark.slow
def test_expected_shifts_cover_the_true_shift() -> None:
    """The shift of the mean of an infinite reference is held by at least 93 % of 500 intervals."""
    large = scored(400_000, 10**6)
    held = 0
    for seed in range(500):
        reference, current = scored(1000, 2 * seed), scored(600, 2 * seed + 1, 0.4)
        m = one(run("drift.ranking", subject(current, reference, SCORED)), "expected_shift", column="a")
        # What is estimated given this reference's bins: the large sample's means in them at the moved shares.
        edges = [-np.inf, *np.quantile(reference.a, np.arange(1, 10) / 10, method="higher"), np.inf]
        means = large.s.groupby(pd.cut(large.a, edges, right=False, labels=False)).mean().to_numpy()
        shares = np.diff(stats.norm.cdf(np.array(edges), 0.4))
        held += m.low <= float(shares @ means) - large.s.mean() <= m.high

    assert held >= 0.93 * 500


def test_a_feature_alone_on_one_side_only_is_no_feature() -> None:
    frames = scored(200, 0), scored(200, 1)
    finding = run("drift.ranking", subject(frames[1], frames[0].drop(columns="b"), SCORED))
    assert {m.column for m in finding.measures if m.column} == {"a", "c"}

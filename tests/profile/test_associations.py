"""Associations between columns against SciPy: values, intervals, and what is undefined."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

import workbench as wb
from workbench.core.associations import correlation_ratio, cramers_v, pearson, spearman
from workbench.core.errors import DataError

pairs = st.lists(st.tuples(st.integers(-50, 50), st.integers(-50, 50)), min_size=4, max_size=80)


@given(pairs)
def test_correlations_are_scipys(xy: list[tuple[int, int]]) -> None:
    """Pearson with Fisher's interval, and Spearman; undefined without spread."""
    x, y = np.array(xy, float).T
    found = pearson(x, y), spearman(x, y)
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        assert [a.value for a in found] == [None, None]
        assert all("no spread" in a.undefined_because for a in found)
        return
    expected = stats.pearsonr(x, y)
    assert found[0].value == pytest.approx(expected.statistic, abs=1e-12)
    assert found[1].value == pytest.approx(stats.spearmanr(x, y).statistic, abs=1e-12)
    if abs(expected.statistic) < 1 - 1e-9:
        ends = expected.confidence_interval(0.95)
        assert (found[0].interval.low, found[0].interval.high) == (pytest.approx(ends.low), pytest.approx(ends.high))


def test_spearmans_interval_is_bonett_and_wrights() -> None:
    """By hand: tanh(atanh r -+ z sqrt((1 + r^2 / 2) / (n - 3)))."""
    x = np.arange(10.0)
    y = np.array([2.0, 1, 4, 3, 7, 5, 6, 10, 8, 9])
    found = spearman(x, y)
    r = 1 - 6 * sum((x + 1 - y) ** 2) / (10 * 99)
    reach = 1.959963984540054 * math.sqrt((1 + r * r / 2) / 7)

    assert found.value == pytest.approx(r)
    assert (found.interval.low, found.interval.high) == (
        pytest.approx(math.tanh(math.atanh(r) - reach)),
        pytest.approx(math.tanh(math.atanh(r) + reach)),
    )


grouped = st.lists(st.tuples(st.integers(0, 4), st.integers(-30, 30)), min_size=8, max_size=80)


@given(grouped)
def test_the_correlation_ratio_is_that_of_analysis_of_variance(rows: list[tuple[int, int]]) -> None:
    """eta^2 from SciPy's F statistic: F (k - 1) / (F (k - 1) + n - k)."""
    codes, x = np.array(rows).T
    found = correlation_ratio(x.astype(float), codes)
    groups = [x[codes == c] for c in np.unique(codes)]
    k, n = len(groups), len(x)
    if np.ptp(x) == 0 or k < 2:
        assert found.value is None
        return
    if n - k < 1 or all(np.ptp(g) == 0 for g in groups):
        assert found.value == pytest.approx(1)
        return
    f = stats.f_oneway(*groups).statistic
    assert found.value == pytest.approx(math.sqrt(f * (k - 1) / (f * (k - 1) + n - k)), abs=1e-9)
    assert found.interval.low <= found.value <= found.interval.high <= 1


def test_the_interval_of_the_ratio_inverts_the_noncentral_f() -> None:
    """At each end the noncentral F has the observed statistic at its tail."""
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 4, 300)
    x = rng.standard_normal(300) + 0.4 * codes
    found = correlation_ratio(x, codes)
    f = stats.f_oneway(*(x[codes == c] for c in range(4))).statistic
    for end, tail in ((found.interval.low, 0.975), (found.interval.high, 0.025)):
        strength = 300 * end**2 / (1 - end**2)
        assert stats.ncf.cdf(f, 3, 296, strength) == pytest.approx(tail, abs=1e-6)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 5)), min_size=6, max_size=200))
def test_v_is_scipys(rows: list[tuple[int, int]]) -> None:
    """Cramer's V of an r x k table."""
    a, b = np.array(rows).T
    found = cramers_v(a, b)
    table = pd.crosstab(a, b).to_numpy()
    if min(table.shape) < 2:
        assert found.value is None
        return
    assert found.value == pytest.approx(stats.contingency.association(table, method="cramer"), abs=1e-12)
    assert found.interval.low <= found.value <= found.interval.high <= 1


def test_the_interval_of_v_inverts_the_noncentral_chi_square() -> None:
    """At each end, V^2 n min(r - 1, k - 1) is a noncentrality whose tail is the observed statistic."""
    rng = np.random.default_rng(1)
    a = rng.integers(0, 3, 400)
    b = np.where(rng.random(400) < 0.4, a, rng.integers(0, 4, 400))
    found, table = cramers_v(a, b), pd.crosstab(a, b).to_numpy()
    statistic = stats.chi2_contingency(table, correction=False).statistic
    for end, tail in ((found.interval.low, 0.975), (found.interval.high, 0.025)):
        assert stats.ncx2.cdf(statistic, 6, 400 * 2 * end**2) == pytest.approx(tail, abs=1e-6)


@pytest.mark.slow
def test_intervals_cover() -> None:
    """Of 400 samples each, Fisher's and the noncentral ones hold the true value at least 93 % of the time."""
    rng = np.random.default_rng(20261125)
    hits = dict.fromkeys(("pearson", "ratio", "v"), 0)
    ratio = math.sqrt(np.var([0, 0.5, 1.0]) / (1 + np.var([0, 0.5, 1.0])))
    p = np.array([[0.2, 0.1, 0.05], [0.05, 0.2, 0.4]])
    chance = p.sum(1, keepdims=True) * p.sum(0)
    v = math.sqrt(((p - chance) ** 2 / chance).sum())
    for _draw in range(400):
        x = rng.standard_normal(150)
        y = 0.4 * x + math.sqrt(1 - 0.16) * rng.standard_normal(150)
        codes = np.repeat([0, 1, 2], 50)
        cells = rng.choice(6, 150, p=p.ravel())
        for name, found, true in (
            ("pearson", pearson(x, y), 0.4),
            ("ratio", correlation_ratio(rng.standard_normal(150) + 0.5 * codes, codes), ratio),
            ("v", cramers_v(cells // 3, cells % 3), v),
        ):
            hits[name] += found.interval.low <= true <= found.interval.high

    assert {name: n >= 0.93 * 400 for name, n in hits.items()} == dict.fromkeys(hits, True), hits


def people(n: int = 300) -> pd.DataFrame:
    """Return numbers that go together, a category that follows one, an identifier, text, a constant, and gaps."""
    rng = np.random.default_rng(3)
    x = rng.standard_normal(n)
    data = pd.DataFrame({"id": np.arange(n), "x": x, "y": 2 * x + rng.standard_normal(n), "z": rng.standard_normal(n)})
    data["band"] = np.where(x > 0, "high", "low")
    data["fit"] = np.where(rng.random(n) < 0.8, data.band == "high", data.band == "low")
    data["words"] = [f"w{i} {i % 7}" for i in range(n)]
    data["same"] = 1
    data.loc[:49, "z"] = np.nan
    return data


def test_the_check_measures_every_pair_once_with_its_own_n() -> None:
    """Numbers have two measures, mixed pairs one; identifiers, text and constants are left out."""
    data = people()
    audit = wb.Audit(data, reference=data.iloc[:200], checks=["quality.associations"], policy={"rules": []})
    finding = audit.run().finding("Q016")
    found = {(m.name, m.column, m.window): m for m in finding.measures}
    used = ["x", "y", "z", "band", "fit"]

    now = {(name, c) for name, c, window in found if window == ""}
    numeric = {f"{a} & {b}" for a, b in combinations("xyz", 2)}
    assert now == {(k, c) for c in numeric for k in ("pearson", "spearman")} | {
        ("correlation_ratio", f"{a} & {b}") for a in "xyz" for b in ("band", "fit")
    } | {("cramers_v", "band & fit")}
    assert {c for _, c, w in found if w == "reference"} == {" & ".join(p) for p in combinations(used, 2)}
    assert found[("pearson", "x & z", "")].n == 250
    assert found[("pearson", "x & z", "reference")].n == 150
    assert found[("pearson", "x & y", "")].value == pytest.approx(data.x.corr(data.y))
    assert found[("spearman", "x & z", "")].value == pytest.approx(data.x.corr(data.z, method="spearman"))
    assert finding.notes == ("measured on all 300 rows",)
    assert finding.evidence[0].rows[0][:2] == ("x", "y")


def test_of_many_columns_the_first_are_taken_and_it_is_said() -> None:
    """The bound on columns holds, others can be named, and an unknown one is refused."""
    data = pd.DataFrame(np.random.default_rng(0).random((50, 60)), columns=[f"c{i}" for i in range(60)])

    def run(**params: object) -> object:
        audit = wb.Audit(data, checks={"quality.associations": params}, policy={"rules": []})
        return audit.run().finding("quality.associations")

    few = run(most_columns=5)
    named = run(columns=["c58", "c59"])
    wrong = run(columns=["c60"])
    assert len([m for m in few.measures if m.name == "pearson"]) == 10
    assert "55 more columns were left out" in few.notes[1]
    assert {m.column for m in named.measures} == {"c58 & c59"}
    assert (str(wrong.status), "c60" in wrong.reason) == ("error", True)
    assert DataError.exit_code == 2


def test_a_sample_says_so() -> None:
    """Of more rows than the audit keeps, n is the sample's, and the same whatever the order of rows."""
    data = people(2000)
    told = []
    for rows in (data, data.sample(frac=1, random_state=0)):
        audit = wb.Audit(rows, checks=["quality.associations"], policy={"rules": []}, sample=500)
        told.append(audit.run().finding("quality.associations"))

    assert told[0].to_dict() == told[1].to_dict()
    assert told[0].notes == ("measured on a seeded sample of 500 of 2\u202f000 rows",)
    assert max(m.n for m in told[0].measures) == 500


@pytest.mark.parametrize("scale", [1e-300, 1.0, 1e300])
def test_huge_and_tiny_numbers(scale: float) -> None:
    """Squares that overflow or vanish do not spoil a correlation."""
    x = np.array([1.0, 2, 3, 4, 5]) * scale
    y = np.array([1.0, 3, 2, 5, 4]) * scale

    assert pearson(x, y).value == pytest.approx(0.8)
    assert correlation_ratio(x, np.array([0, 0, 1, 1, 1])).value == pytest.approx(math.sqrt(0.75))


def test_whole_numbers_of_few_values_are_a_scale_and_a_code() -> None:
    """Such a column has the correlations of a number and the measures of a category, each SciPy's on the same rows."""
    rng = np.random.default_rng(5)
    n = 600
    grade, stars = rng.integers(1, 6, n), rng.integers(1, 4, n)
    data = pd.DataFrame({"grade": grade, "stars": stars, "hours": grade + rng.standard_normal(n)})
    data["town"] = np.where(rng.random(n) < 0.3, "Ulm", "Kiel")
    record = wb.Audit(data, checks=["quality.associations"], policy={"rules": []}).run()
    found = {(m.column, m.name): m.value for m in record.finding("Q016").measures}

    correlations = {"pearson", "spearman"}
    for pair, names in {
        "grade & stars": correlations | {"cramers_v"},
        "grade & hours": correlations | {"correlation_ratio"},
        "grade & town": {"correlation_ratio", "cramers_v"},
        "hours & town": {"correlation_ratio"},
    }.items():
        assert {name for column, name in found if column == pair} == names, pair
    assert found["grade & hours", "pearson"] == pytest.approx(stats.pearsonr(grade, data.hours).statistic)
    assert found["grade & hours", "spearman"] == pytest.approx(stats.spearmanr(grade, data.hours).statistic)
    f = stats.f_oneway(*(data.hours[grade == g] for g in range(1, 6))).statistic
    assert found["grade & hours", "correlation_ratio"] == pytest.approx(np.sqrt(f * 4 / (f * 4 + n - 5)))
    table = pd.crosstab(grade, stars).to_numpy()
    assert found["grade & stars", "cramers_v"] == pytest.approx(stats.contingency.association(table, "cramer"))

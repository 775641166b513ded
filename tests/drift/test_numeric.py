"""Drift of number columns against SciPy on random, tied, binned and hostile columns, from frames to measures."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats
from scipy.spatial.distance import jensenshannon

import workbench as wb
from tests.performance.measured import one, run, value
from workbench.core.dataset import Roles
from workbench.core.errors import DataError
from workbench.core.finding import Finding, Status
from workbench.core.number_drift import Numbers
from workbench.core.numbers import LIMIT, NumberCounts

NOBODY = Roles()
tied = st.lists(st.integers(-5, 5).map(float), min_size=2, max_size=60)
spread = st.lists(st.floats(-1e6, 1e6, allow_subnormal=False), min_size=2, max_size=60)


def drift(current: object, reference: object, **params: object) -> Finding:
    """Compare two columns called x."""
    frames = [c if isinstance(c, pd.DataFrame) else pd.DataFrame({"x": c}) for c in (current, reference)]
    return run("drift.numeric", *frames, NOBODY, **params)


def of(finding: Finding, name: str) -> float:
    """Return a measure of x."""
    return value(finding, name, column="x")


@given(tied | spread, tied | spread)
@pytest.mark.filterwarnings("ignore:p-value:UserWarning")
def test_every_distance_is_scipys(a: list[float], b: list[float]) -> None:
    """From frames to measures, at 1e-9: KS, Wasserstein, energy, Cramer-von Mises, Anderson-Darling, means."""
    assume(len({*a, *b}) > 1)
    found = drift(b, a)
    mises, anderson = stats.cramervonmises_2samp(a, b), stats.anderson_ksamp([a, b])
    expected = {
        "ks": stats.ks_2samp(a, b, method="asymp").statistic,
        "ks_p_value": stats.kstwobign.sf(
            stats.ks_2samp(a, b, method="asymp").statistic / math.sqrt(1 / len(a) + 1 / len(b))
        ),
        "wasserstein": stats.wasserstein_distance(a, b),
        "energy": stats.energy_distance(a, b),
        "cramer_von_mises": mises.statistic,
        "cramer_von_mises_p_value": mises.pvalue,
        "anderson_darling": anderson.statistic,
        "anderson_darling_p_value": anderson.pvalue,
        "mean_difference": np.mean(b) - np.mean(a),
    }
    for name, number in expected.items():
        assert of(found, name) == pytest.approx(number, rel=1e-9, abs=1e-9), name
    assert one(found, "ks", column="x").error_bound is None
    if np.std(a) > 1e-100:  # below, NumPy's squares vanish
        normalised = stats.wasserstein_distance(a, b) / np.std(a, ddof=1)
        assert of(found, "wasserstein_normalised") == pytest.approx(normalised, rel=1e-9, abs=1e-9)


@given(tied | spread, tied | spread)
def test_binned_distances_are_numpys_and_scipys(a: list[float], b: list[float]) -> None:
    """Jensen-Shannon and Hellinger on NumPy's Doane edges of the reference, with one more bin for values outside."""
    found = drift(b, a)
    edges = np.histogram_bin_edges(np.array(a), "doane")
    p, q = (np.append(h := np.histogram(x, edges)[0], len(x) - h.sum()) / len(x) for x in (a, b))

    js = float(np.nan_to_num(jensenshannon(p, q, base=2)))
    assert of(found, "js_distance") == pytest.approx(js, abs=1e-7)
    assert of(found, "js_distance") ** 2 == pytest.approx(js**2, abs=1e-12)  # the root of rounding at 0 is 1e-8
    hellinger = np.linalg.norm(np.sqrt(p) - np.sqrt(q)) / math.sqrt(2)
    assert of(found, "hellinger") == pytest.approx(hellinger, abs=1e-9)


@given(tied | spread, tied | spread)
def test_quantile_bins_are_numpys_and_scipys(a: list[float], b: list[float]) -> None:
    """PSI and Kullback-Leibler on NumPy's deciles of the reference, upper ends inclusive, by SciPy's entropy."""
    found = drift(b, a)
    edges = np.unique(np.quantile(a, np.arange(1, 10) / 10))
    edges = edges[edges < max(a)] if len({*a}) > 1 else edges
    cells = range(len(edges) + 1)
    p, q = (np.array([(np.searchsorted(edges, x) == k).sum() for k in cells]) for x in (a, b))
    p, q = (side[(p + q) > 0] for side in (p, q))
    p, q = (side + 0.5 * bool((p == 0).any() or (q == 0).any()) for side in (p, q))

    assert of(found, "kl_divergence") == pytest.approx(stats.entropy(q, p), abs=1e-9)
    assert of(found, "psi") == pytest.approx(stats.entropy(q, p) + stats.entropy(p, q), abs=1e-9)


def test_quantile_bins_by_hand() -> None:
    """PSI and Kullback-Leibler on the quartiles of the reference; one half a bin where one is empty, and marked."""
    reference = np.repeat([1.0, 2.0, 3.0, 4.0], 25)
    found = drift(np.repeat([1.0, 2.0, 3.0, 4.0], [10, 20, 30, 40]), reference, bins=4)
    q, p = np.array([0.1, 0.2, 0.3, 0.4]), np.full(4, 0.25)

    assert of(found, "psi") == pytest.approx(np.sum((q - p) * np.log(q / p)), abs=1e-11)
    assert of(found, "kl_divergence") == pytest.approx(stats.entropy(q, p), abs=1e-11)
    assert "added" not in one(found, "kl_divergence", column="x").method

    empty = drift(np.repeat([1.0, 2.0, 3.0], [20, 30, 50]), reference, bins=4)
    q, p = np.array([20.5, 30.5, 50.5, 0.5]) / 102, np.full(4, 25.5) / 102
    assert of(empty, "kl_divergence") == pytest.approx(stats.entropy(q, p), abs=1e-11)
    assert of(empty, "psi") == pytest.approx(np.sum((q - p) * np.log(q / p)), abs=1e-11)
    assert one(empty, "kl_divergence", column="x").method == "4 reference quantile bins, one half added"


def test_primary_measures_come_first() -> None:
    """KS leads, then what is in the column's unit, the binned distances, the other tests."""
    found = drift([1.0, 2, 3, 4], [2.0, 3, 4, 5])
    names = [m.name for m in found.measures if m.column == "x" and "_null_" not in m.name]

    assert names[:5] == ["ks", "ks_reference_n", "ks_p_value", "mean_difference", "wasserstein_normalised"]
    assert names[-4:] == [
        "cramer_von_mises", "cramer_von_mises_p_value", "anderson_darling", "anderson_darling_p_value"
    ]  # fmt: skip


@pytest.fixture(scope="module")
def many() -> tuple[NumberCounts, NumberCounts, np.ndarray, np.ndarray]:
    """Two columns with more distinct values than an exact table holds."""
    rng = np.random.default_rng(3)
    a, b = rng.normal(size=LIMIT + 60_000), rng.normal(0.02, 1.05, LIMIT + 30_000)
    return NumberCounts.of(a), NumberCounts.of(b), a, b


def test_binned_tables_keep_their_bounds(many: tuple[NumberCounts, NumberCounts, np.ndarray, np.ndarray]) -> None:
    """Beyond the exact table each number lies within its error bound of SciPy's, or says that it is binned."""
    from workbench.core.number_drift import measures

    one_table, two_table, a, b = many
    found = {m.name: m for m in measures(Numbers.of(one_table, two_table))}
    expected = {
        "ks": stats.ks_2samp(a, b, method="asymp").statistic,
        "wasserstein": stats.wasserstein_distance(a, b),
        "energy": stats.energy_distance(a, b),
        "cramer_von_mises": stats.cramervonmises_2samp(a, b).statistic,
    }
    assert not one_table.exact
    for name, number in expected.items():
        bound = found[name].error_bound
        assert bound is not None, name
        assert abs(float(found[name].value or 0) - number) <= bound, name
        assert bound < 0.05 * number, name
    assert found["mean_difference"].value == pytest.approx(b.mean() - a.mean(), abs=1e-12)
    assert "binned" in found["anderson_darling"].method
    with pytest.warns(UserWarning, match="floored"):
        darling = stats.anderson_ksamp([a, b]).statistic  # no bound is claimed: it is this near all the same
    assert found["anderson_darling"].value == pytest.approx(darling, rel=0.01)


def test_infinities_enter_ranks_only() -> None:
    """Infinities count in KS, Cramer-von Mises and Anderson-Darling, and in no distance that has a unit."""
    a, b = [1.0, 2, 3, 4, 5, -np.inf], [1.5, 2.5, np.inf, np.inf, 3.5]
    found = drift(b, a)
    finite = [[v for v in x if math.isfinite(v)] for x in (a, b)]

    assert of(found, "ks") == pytest.approx(stats.ks_2samp(a, b, method="asymp").statistic)
    assert of(found, "cramer_von_mises") == pytest.approx(stats.cramervonmises_2samp(a, b).statistic)
    assert of(found, "wasserstein") == pytest.approx(stats.wasserstein_distance(*finite))
    assert of(found, "mean_difference") == pytest.approx(np.mean(finite[1]) - np.mean(finite[0]))
    alone = drift([np.inf, np.inf], [1.0, 2.0])
    assert of(alone, "ks") == 1.0
    assert one(alone, "energy", column="x").undefined_because == "one side has no finite value"


@pytest.mark.parametrize("side", ["current", "reference"])
def test_constant_and_missing_on_one_side(side: str) -> None:
    """A constant column is compared without a division by zero; one without values is undefined, with a reason."""
    varied, constant, nothing = [1.0, 2, 3, 4], [2.0] * 4, [np.nan] * 4
    order = (lambda x: (x, varied)) if side == "current" else (lambda x: (varied, x))
    still = drift(*order(constant))

    assert of(still, "ks") == 0.5
    assert of(still, "wasserstein") == 1.0
    why = one(still, "wasserstein_normalised", column="x").undefined_because
    assert why == ("" if side == "current" else "the reference has no spread")

    gone = drift(*order(nothing))
    where = "current data" if side == "current" else "reference"
    assert {m.undefined_because for m in gone.measures if m.column} == {f"every value is missing in the {where}"}
    assert {m.value for m in gone.measures if m.column} == {None}
    texts = pd.DataFrame({"x": ["a", "b", "c", "d"]})
    void = pd.DataFrame({"x": [None] * 4}, dtype=object)
    # A column without any value may come as any type: it is no change of kind, and no column of numbers.
    assert drift(*((void, texts) if side == "current" else (texts, void))).status is Status.NOT_APPLICABLE


def test_all_values_alike_on_both_sides() -> None:
    """Two constant columns: no distance where they agree, and no Anderson-Darling."""
    same = drift([7.0] * 5, [7.0] * 9)

    assert [of(same, k) for k in ("ks", "wasserstein", "energy", "psi", "hellinger")] == [0.0] * 5
    assert one(same, "anderson_darling", column="x").undefined_because == "it needs four values, two of them distinct"
    assert of(same, "cramer_von_mises_p_value") == pytest.approx(
        stats.cramervonmises_2samp([7.0] * 5, [7.0] * 9).pvalue
    )


@pytest.mark.parametrize("values", [[1.0], [1.0, 2.0]])
def test_one_row_windows(values: list[float]) -> None:
    """One row is compared; what needs more says so."""
    found = drift(values[:1], [1.0, 2.0, 3.0])

    assert of(found, "ks") == pytest.approx(2 / 3)
    assert one(found, "cramer_von_mises", column="x").undefined_because == "it needs two values a side"


def test_values_at_the_ends_of_floats() -> None:
    """Values near the largest float, and a spread near the smallest, break nothing; what is not finite is undefined."""
    huge = drift([1.7e308, -1.7e308, 0.0], [1.6e308, -1.6e308, 1.0])
    tiny, plain = drift([1e-120, 2e-120, 3e-120], [1e-120, 2e-120, 4e-120]), drift([1.0, 2, 3], [1.0, 2, 4])

    assert huge.status is Status.MEASURED
    assert of(huge, "ks") == pytest.approx(1 / 3)
    assert "too far apart" in one(huge, "js_distance", column="x").undefined_because
    for name in ("wasserstein_normalised", "js_distance", "hellinger", "anderson_darling"):
        assert of(tiny, name) == pytest.approx(of(plain, name)), name


def test_whole_numbers_and_fractions_are_one_kind() -> None:
    """Int against float is compared by value; so are durations, as microseconds."""
    whole, fraction = pd.DataFrame({"x": np.arange(9)}), pd.DataFrame({"x": np.arange(9) + 0.0})
    found = drift(whole, fraction)
    assert (of(found, "ks"), value(found, "kind_changes")) == (0.0, 0)

    waits = [pd.DataFrame({"x": pd.to_timedelta(v, unit="s")}) for v in ([1, 2, 3], [2, 3, 4])]
    assert of(drift(*waits), "mean_difference") == -1e6


@pytest.mark.parametrize("now", ["number", "text"])
def test_text_against_number_is_a_finding(now: str) -> None:
    """A column of numbers that comes as text is found, once, by the check of numbers, and told in a note."""
    numbers, texts = pd.DataFrame({"x": [1.0, 2, 3]}), pd.DataFrame({"x": ["1", "2", "3"]})
    current, reference = (numbers, texts) if now == "number" else (texts, numbers)
    found = drift(current, reference)

    assert (of(found, "kind_changed"), value(found, "kind_changes")) == (1, 1)
    before = "text" if now == "number" else "number"
    assert found.notes == (f"column 'x' holds {before} in the reference and {now} now",)
    other = run("drift.categorical", current, reference, NOBODY)
    assert other.status is Status.NOT_APPLICABLE


def test_columns_that_are_disjoint() -> None:
    """At the door they are an error that names the column; from counts alone there is nothing to compare."""
    current, reference = pd.DataFrame({"age": [1.0, 2]}), pd.DataFrame({"wage": [1.0, 2]})
    with pytest.raises(DataError, match=r"'age'.*'wage'"):
        wb.Audit(current, reference=reference, checks=["drift.numeric"], policy={"rules": []}).run()

    assert drift(current, reference).status is Status.NOT_APPLICABLE

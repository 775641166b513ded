"""Drift of category columns against SciPy and by hand, and how unseen values and changed kinds are told."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.spatial.distance import jensenshannon

from tests.performance.measured import one, run, value
from workbench.core.dataset import Roles
from workbench.core.finding import Finding, Status
from workbench.core.intervals import newcombe_difference

NOBODY = Roles()
letters = st.lists(st.sampled_from("abcd"), min_size=1, max_size=60)


def drift(current: list[object], reference: list[object], roles: Roles = NOBODY) -> Finding:
    """Compare two columns called x."""
    frames = [pd.DataFrame({"x": c}) for c in (current, reference)]
    return run("drift.categorical", *frames, roles)


def of(finding: Finding, name: str) -> float:
    """Return a measure of x."""
    return value(finding, name, column="x")


def bergsma(table: np.ndarray) -> float:
    """Return V corrected for bias of any r x k table, as Bergsma (2013) writes it, from SciPy's V."""
    (r, k), n = table.shape, table.sum()
    phi2 = stats.contingency.association(table, method="cramer") ** 2 * min(r - 1, k - 1)
    less = max(0.0, phi2 - (r - 1) * (k - 1) / (n - 1))
    r_, k_ = r - (r - 1) ** 2 / (n - 1), k - (k - 1) ** 2 / (n - 1)
    return math.sqrt(less / min(r_ - 1, k_ - 1))


@given(letters, letters)
def test_every_measure_is_scipys(a: list[str], b: list[str]) -> None:
    """Chi-square, G and Yates as chi2_contingency; distances of shares on the union of categories."""
    found = drift(b, a)
    names = sorted({*a, *b})
    low, high = (np.array([x.count(v) for v in names]) for x in (a, b))
    p, q = low / low.sum(), high / high.sum()

    js = float(np.nan_to_num(jensenshannon(p, q, base=2)))
    assert of(found, "js_distance") == pytest.approx(js, abs=1e-7)
    assert of(found, "js_distance") ** 2 == pytest.approx(js**2, abs=1e-12)  # the root of rounding at 0 is 1e-8
    one_half = 0.5 * bool((low == 0).any() or (high == 0).any())
    there, back = (stats.entropy(x + one_half, y + one_half) for x, y in ((high, low), (low, high)))
    assert of(found, "kl_divergence") == pytest.approx(there, abs=1e-9)
    assert of(found, "psi") == pytest.approx(there + back, abs=1e-9)
    assert of(found, "hellinger") == pytest.approx(np.linalg.norm(np.sqrt(p) - np.sqrt(q)) / math.sqrt(2), abs=1e-9)
    assert of(found, "l_infinity") == pytest.approx(np.abs(p - q).max(), abs=1e-12)
    assert of(found, "total_variation") == pytest.approx(np.abs(p - q).sum() / 2, abs=1e-12)
    assert of(found, "unseen_share") == pytest.approx(q[low == 0].sum(), abs=1e-12)
    if len(names) > 1:
        table = np.stack((low, high))
        for name, options in (("chi_square", {}), ("g_test", {"lambda_": "log-likelihood"})):
            expected = stats.chi2_contingency(table, correction=False, **options)
            assert of(found, name) == pytest.approx(expected.statistic, abs=1e-9)
            assert of(found, f"{name}_p_value") == pytest.approx(expected.pvalue, abs=1e-9)
        v = stats.contingency.association(table, method="cramer")
        assert of(found, "cramers_v") == pytest.approx(v, abs=1e-9)
        if table.sum() > len(names):  # else its divisor is 0
            assert of(found, "cramers_v_corrected") == pytest.approx(bergsma(table), abs=1e-7)
            assert of(found, "cramers_v_corrected") ** 2 == pytest.approx(bergsma(table) ** 2, abs=1e-9)
    corrected = [m.name for m in found.measures if m.name.startswith("chi_square_yates")]
    assert corrected == (["chi_square_yates", "chi_square_yates_p_value"] if len(names) == 2 else [])
    if len(names) == 2:
        expected = stats.chi2_contingency(np.stack((low, high)), correction=True)
        assert of(found, "chi_square_yates") == pytest.approx(expected.statistic, abs=1e-9)
        assert of(found, "chi_square_yates_p_value") == pytest.approx(expected.pvalue, abs=1e-9)


def test_corrected_v_and_divergence_by_hand() -> None:
    """S12's table: chi-square 2.7777 of 100 rows; the correction of Bergsma and the divergence of shares."""
    found = drift([*"a" * 20, *"b" * 20, *"c" * 20], [*"a" * 10, *"b" * 10, *"c" * 20])

    assert of(found, "chi_square") == pytest.approx(2.7777777777777777)
    assert of(found, "cramers_v_corrected") == pytest.approx(math.sqrt((0.027777777777 - 2 / 99) / (98 / 99)), abs=1e-9)
    assert of(found, "kl_divergence") == pytest.approx(stats.entropy([1 / 3] * 3, [0.25, 0.25, 0.5]), abs=1e-11)
    assert one(found, "chi_square", column="x").method == "contingency table, 2 degrees of freedom"


def test_empty_categories_take_one_half_each() -> None:
    """As for PSI, marked; the other distances stay on plain shares."""
    found = drift([*"a" * 6, *"c" * 4], [*"a" * 5, *"b" * 5])
    p, q = np.array([5.5, 5.5, 0.5]) / 11.5, np.array([6.5, 0.5, 4.5]) / 11.5

    assert of(found, "kl_divergence") == pytest.approx(stats.entropy(q, p), abs=1e-11)
    assert one(found, "kl_divergence", column="x").method == "one half added"
    assert of(found, "hellinger") == pytest.approx(math.sqrt(1 - math.sqrt(0.5 * 0.6)), abs=1e-9)


def test_all_categories_are_new() -> None:
    """Nothing in common: every distance is at its largest, every value unseen, the old ones vanished."""
    found = drift(["c", "d"] * 10, ["a", "b"] * 10)

    largest = ("cramers_v", "total_variation", "js_distance", "hellinger", "unseen_share")
    assert [of(found, k) for k in largest] == pytest.approx([1.0] * 5)
    assert (of(found, "unseen_categories"), of(found, "vanished_categories")) == (2, 2)
    assert of(found, "unseen_share_beyond_chance") == 1.0


def test_unseen_values_beside_what_chance_shows() -> None:
    """Names that occur once: a new sample of the same names is as unseen as the reference's singletons say."""
    rng = np.random.default_rng(4)
    people = [f"person {i}" for i in range(4000)]
    reference, current = (rng.choice(people, 2000).tolist() for _ in range(2))
    found = drift(current, reference)
    excess = one(found, "unseen_share_beyond_chance", column="x")
    once = sum(reference.count(v) == 1 for v in set(reference))

    assert of(found, "unseen_share") > 0.5
    assert of(found, "unseen_share_null_mean") == pytest.approx(once / 2000)
    assert (excess.low or 0) < 0 < (excess.high or 0)
    # Against a reference of categories that all repeat, the interval is Newcombe's of the share and of 0.
    plain = one(drift(["new"] * 5 + ["a"] * 95, ["a"] * 100), "unseen_share_beyond_chance", column="x")
    expected = newcombe_difference(5, 100, 0, 100)
    assert expected is not None
    assert (plain.low, plain.high) == pytest.approx((expected.low, expected.high))


def test_good_turing_holds_when_nothing_differs() -> None:
    """Over many draws the expected share is that of the unseen values; the interval covers no excess."""
    rng = np.random.default_rng(11)
    shares = 1 / np.arange(1, 400)
    unseen, chance, covered = [], [], 0
    for _ in range(150):
        sides = [[f"v{i}" for i in rng.choice(399, 300, p=shares / shares.sum())] for _ in range(2)]
        found = drift(*sides)
        excess = one(found, "unseen_share_beyond_chance", column="x")
        unseen.append(of(found, "unseen_share"))
        chance.append(of(found, "unseen_share_null_mean"))
        covered += (excess.low or 0) <= 0 <= (excess.high or 0)
    assert np.mean(unseen) == pytest.approx(np.mean(chance), rel=0.03)
    assert covered >= 0.93 * 150


@pytest.mark.parametrize("side", ["current", "reference"])
def test_constant_and_missing_on_one_side(side: str) -> None:
    """One category on one side is compared; no value at all is undefined with a reason, whatever type it comes as."""
    varied, constant, nothing = ["a", "b", "a", "b"], ["a"] * 4, [None] * 4
    order = (lambda x: (x, varied)) if side == "current" else (lambda x: (varied, x))

    assert of(drift(*order(constant)), "total_variation") == 0.5
    gone = drift(*order(nothing))
    where = "current data" if side == "current" else "reference"
    assert {m.undefined_because for m in gone.measures if m.column} == {f"every value is missing in the {where}"}


def test_one_category_on_both_sides() -> None:
    """No shares to compare: distances are 0, V is 0 without an interval, and its correction is undefined."""
    found = drift(["a"] * 3, ["a"] * 5)

    assert [of(found, k) for k in ("cramers_v", "psi", "hellinger", "l_infinity")] == [0.0] * 4
    assert one(found, "cramers_v_corrected", column="x").undefined_because
    assert one(found, "cramers_v", column="x").low is None


def test_text_against_boolean_is_a_finding() -> None:
    """It is told by the check of categories, for neither side holds numbers."""
    found = drift(["True", "False"], [True, False])

    assert (of(found, "kind_changed"), value(found, "kind_changes")) == (1, 1)
    assert found.notes == ("column 'x' holds boolean in the reference and text now",)
    assert run("drift.numeric", pd.DataFrame({"x": ["a"]}), pd.DataFrame({"x": [True]}), NOBODY).status is (
        Status.NOT_APPLICABLE
    )


def test_categories_beyond_the_table() -> None:
    """More categories than are kept: a hashed sample of them, and the method says so."""
    names = [f"n{i}" for i in range(140_000)]
    found = drift(names, names)

    assert one(found, "total_variation", column="x").method == "sample of 1 in 2 categories"
    assert of(found, "total_variation") == 0.0


def test_small_groups_carry_their_size() -> None:
    """Shares of a sensitive column are shares of groups: each row says how many rows it stands for."""
    found = drift(["F"] * 3 + ["M"] * 9, ["F"] * 6 + ["M"] * 6, Roles(sensitive=("x",)))

    assert found.evidence[0].columns == ("category", "reference", "current", "group", "rows")
    assert [row[3:] for row in found.evidence[0].rows] == [("x=M", 9), ("x=F", 3)]

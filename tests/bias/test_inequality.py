"""Inequality of benefit, against the formulas on expanded rows and worked examples of AIF360's definitions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import workbench as wb
from workbench.core.finding import Finding, Measure, Status
from workbench.core.inequality import between_index, generalised_entropy, total_index

CHECK = "bias.inequality"


def audit(data: Any, minimum: int = 1, params: dict[str, Any] | None = None, **roles: Any) -> Finding:
    """Return the finding of the check on a frame, run through the public door."""
    policy = {"minimum_group_size": minimum, "rules": []}
    roles = {"target": "y", "prediction": "p", "sensitive": ["g"], **roles}
    return wb.Audit(data, checks={CHECK: params or {}}, policy=policy, **roles).run().findings[0]


def get(finding: Finding, name: str, column: str = "", group: str = "") -> Measure:
    """Return the one measure of that name and place."""
    found = [m for m in finding.measures if (m.name, m.column, m.group) == (name, column, group)]
    assert len(found) == 1, (name, column, group, len(found))
    return found[0]


def entropy(b: np.ndarray[Any, Any], alpha: float) -> float:
    """Return the index as AIF360 writes it, on one benefit a person."""
    mean = b.mean()
    if alpha == 1:
        share = b / mean
        return float(np.mean([s * math.log(s) if s else 0.0 for s in share]))
    if alpha == 0:
        return float(-np.mean(np.log(b / mean)))
    return float(np.mean((b / mean) ** alpha - 1) / (alpha * (alpha - 1)))


def random_people(seed: int = 0, n: int = 300) -> pd.DataFrame:
    """Return people with truth, prediction and a group, missing for some."""
    rng = np.random.default_rng(seed)
    data = pd.DataFrame({"y": rng.integers(0, 2, n), "g": rng.choice(["a", "b", "c"], n, p=[0.6, 0.38, 0.02])})
    data["p"] = np.where(rng.random(n) < np.where(data.g == "a", 0.8, 0.6), data.y, 1 - data.y)
    data = data.astype({"g": object})
    data.loc[rng.random(n) < 0.05, "g"] = None
    return data


def test_by_hand() -> None:
    """Benefits 0, 1, 1, 2: mean 1, variance 1/2, so the index is 1/4, Theil (2 ln 2) / 4 and the variation sqrt(1/2).

    Groups {0, 1} and {1, 2} have means 1/2 and 3/2: 1/8 between them, and for Theil (ln(1/2)/2 + 3 ln(3/2)/2) / 2.
    """
    data = pd.DataFrame({"y": [1, 1, 0, 0], "p": [0, 1, 0, 1], "g": list("aabb")})
    finding = audit(data)

    expected = {
        "mean_benefit": 1.0,
        "generalized_entropy_index": 0.25,
        "theil_index": math.log(2) / 2,
        "coefficient_of_variation": math.sqrt(0.5),
    }
    for name, value in expected.items():
        assert get(finding, name).value == pytest.approx(value, abs=1e-9)
    theil = (0.5 * math.log(0.5) + 1.5 * math.log(1.5)) / 2
    parts = {"generalized_entropy_index": (0.125, 0.125), "theil_index": (theil, math.log(2) / 2 - theil)}
    for name, (between, within) in parts.items():
        assert get(finding, f"between_group_{name}", "g").value == pytest.approx(between, abs=1e-9)
        assert get(finding, f"within_group_{name}", "g").value == pytest.approx(within, abs=1e-9)
    assert finding.evidence[0].rows == (("a", "g=a", 2, 1, 1, 0, 0.5), ("b", "g=b", 2, 0, 1, 1, 1.5))


@pytest.mark.parametrize("alpha", [2.0, 1.0, 0.5, 3.0])
def test_against_the_formula_on_rows(alpha: float) -> None:
    """Totals and parts equal the definitions on one benefit a person; the missing are a group in the parts."""
    data = random_people()
    finding = audit(data, params={"alpha": alpha})

    b = (data.p - data.y + 1).to_numpy(float)
    groups = data.g.fillna("missing")
    means = data.assign(b=b).groupby(groups).b.transform("mean").to_numpy()
    assert get(finding, "generalized_entropy_index").value == pytest.approx(entropy(b, alpha), abs=1e-9)
    assert get(finding, "theil_index").value == pytest.approx(entropy(b, 1), abs=1e-9)
    assert get(finding, "coefficient_of_variation").value == pytest.approx(b.std() / b.mean(), abs=1e-9)
    for name, power in (("generalized_entropy_index", alpha), ("theil_index", 1)):
        between = get(finding, f"between_group_{name}", "g").value
        assert between == pytest.approx(entropy(means, power), abs=1e-9)
        # The part within, from its own definition: a weighted sum of the groups' own indices.
        within = sum(
            len(part) / len(b) * (part.mean() / b.mean()) ** power * entropy(part, power)
            for part in (b[groups == g] for g in groups.unique())
        )
        assert get(finding, f"within_group_{name}", "g").value == pytest.approx(within, abs=1e-9)
    for g in ("a", "b"):
        part = b[groups == g]
        m = get(finding, "mean_benefit", "g", f"g={g}")
        assert (m.value, m.n) == (pytest.approx(part.mean(), abs=1e-9), len(part))


def test_where_the_negative_outcome_is_favourable() -> None:
    """Benefits turn round with the favourable outcome, as when both labels are exchanged."""
    data = random_people(1)
    low = audit(data, positive=1, favourable=0)
    turned = audit(data.assign(y=1 - data.y, p=1 - data.p))

    assert [m.to_dict() for m in low.measures] == [m.to_dict() for m in turned.measures]
    assert get(low, "mean_benefit").value != get(audit(data), "mean_benefit").value


def test_intervals_hold_the_truth_about_as_often_as_they_say() -> None:
    """Over samples of a known distribution the bootstrap's interval of the index covers it."""
    shares, rng, covered = np.array([0.15, 0.7, 0.15]), np.random.default_rng(3), 0
    truth = float(generalised_entropy(shares, np.array([0.0, 1.0, 2.0]), 2.0))
    for _ in range(200):
        fn, right, fp = rng.multinomial(400, shares)
        data = pd.DataFrame({"y": [1] * (fn + right) + [0] * fp, "p": [0] * fn + [1] * (right + fp)})
        m = get(audit(data, sensitive=[]), "generalized_entropy_index")
        covered += m.low <= truth <= m.high
    assert covered / 200 >= 0.91


def test_what_chance_gives_between_groups() -> None:
    """Without a difference the part between groups is near its null mean; with one it is above the null quantile."""
    alike = random_people(2, 2000).assign(g=np.random.default_rng(1).choice(["a", "b"], 2000))
    apart = random_people(2, 2000)
    apart["p"] = np.where(apart.g == "a", 1, apart.p)
    name = "between_group_generalized_entropy_index"
    for data, above in ((alike, False), (apart, True)):
        finding = audit(data)
        value, mean, quantile = (get(finding, name + end, "g").value for end in ("", "_null_mean", "_null_quantile"))
        assert 0 < mean < quantile
        assert (value > quantile) is above
    # Half a chi-square with one degree of freedom over n, scaled by the squared variation: for two groups and alpha 2.
    mean, variation = (
        get(audit(alike), f"{name}_null_mean", "g").value,
        get(audit(alike), "coefficient_of_variation").value,
    )
    assert mean == pytest.approx(variation**2 / 2 / 2000, rel=0.1)


tables = st.lists(st.tuples(*[st.integers(0, 9)] * 3), min_size=1, max_size=4)


@settings(max_examples=100)
@given(tables, st.sampled_from([2.0, 1.0, 0.5, 0.0, -1.0]))
def test_counts_against_rows(table: list[tuple[int, int, int]], alpha: float) -> None:
    """The count formulas equal those on rows for any counts and alpha, and are not finite just where those are not."""
    rows = [np.repeat([0.0, 1.0, 2.0], counts) for counts in table]
    b = np.concatenate(rows)
    counts = np.array(table, np.float64)
    with np.errstate(all="ignore"):
        if not len(b) or not b.any():
            assert not np.isfinite(total_index(counts, alpha))
            return
        means = np.concatenate([np.full(len(r), r.mean() if len(r) else 0.0) for r in rows])
        for found, values in ((total_index(counts, alpha), b), (between_index(counts, alpha), means)):
            expected = entropy(values, alpha)
            assert found == pytest.approx(expected, abs=1e-9) if np.isfinite(expected) else not np.isfinite(found)


def test_undefined_says_why() -> None:
    """Nobody with a benefit, an alpha of 0 with somebody without, no truth: a reason, never 0."""
    denied = audit(pd.DataFrame({"y": [1] * 20 + [0], "p": [0] * 20 + [0], "g": "a"}).head(20).assign(y=1))
    assert get(denied, "theil_index").undefined_because == "0/0: nobody has any benefit"
    assert get(denied, "mean_benefit").value == 0
    zero = audit(random_people(), params={"alpha": 0.0})
    assert "no benefit" in get(zero, "generalized_entropy_index").undefined_because
    assert get(zero, "theil_index").value > 0
    nothing = audit(random_people().assign(p=np.nan))
    assert (nothing.status, nothing.reason) == (Status.NOT_APPLICABLE, "no row has truth and prediction")
    assert audit(random_people().drop(columns="y"), target=None).status is Status.NOT_APPLICABLE


def test_a_perfect_model_has_no_inequality() -> None:
    """All benefits 1: every index and part is 0, and the intervals start there."""
    data = random_people().assign(p=lambda d: d.y)
    finding = audit(data)
    for name in ("generalized_entropy_index", "theil_index", "coefficient_of_variation"):
        assert (get(finding, name).value, get(finding, name).low) == (0, 0)
    assert get(finding, "within_group_theil_index", "g").value == 0
    assert get(finding, "between_group_theil_index_null_quantile", "g").value == 0


def test_many_small_groups_do_not_move_the_interval_off_the_value() -> None:
    """The half counts of many empty cells would start the interval above a value of 0; it is widened to hold it."""
    data = pd.DataFrame({"y": [0, 1] * 40, "g": [f"g{i // 2}" for i in range(80)]}).assign(p=lambda d: d.y)
    m = get(audit(data), "within_group_generalized_entropy_index", "g")

    assert (m.value, m.low) == (0, 0)
    assert m.high > 0.01


def test_no_part_is_under_nothing() -> None:
    """Where everybody in a group fares alike the part within is 0, not a rounding error under it."""
    parts = [("a", 0, 1, 23), ("b", 1, 1, 33), ("c", 1, 0, 15)]
    data = pd.concat(
        [pd.DataFrame({"g": g, "y": y, "p": p}, index=range(n)) for g, y, p, n in parts], ignore_index=True
    )
    finding = audit(data)

    assert get(finding, "within_group_generalized_entropy_index", "g").value == 0
    total, between = (
        get(finding, prefix + "generalized_entropy_index", c).value for prefix, c in (("", ""), ("between_group_", "g"))
    )
    assert between == pytest.approx(total, abs=1e-9)

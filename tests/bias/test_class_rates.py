"""Rates by group over several classes, against fairlearn and scikit-learn, and by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from fairlearn import metrics as fl
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from tests.performance.measured import one, run, value
from workbench.core import intervals
from workbench.core.dataset import Roles
from workbench.core.finding import Status

CHECK = "bias.class_rates"
ROLES = Roles(target="y", prediction="p", sensitive=("g",), task="multiclass")
RATES = {
    "selection_rate": fl.selection_rate,
    "true_positive_rate": fl.true_positive_rate,
    "false_positive_rate": fl.false_positive_rate,
}


def people(seed: int, n: int, groups: int = 3, classes: str = "uvw") -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    y = rng.choice(list(classes), n)
    p = np.where(rng.random(n) < 0.6, y, rng.choice(list(classes), n))
    return pd.DataFrame({"y": y, "p": p, "g": rng.choice(list("abcd")[:groups], n)})


@settings(max_examples=60)
@given(st.integers(0, 2**32 - 1), st.integers(40, 120), st.integers(2, 4))
def test_as_fairlearn(seed: int, n: int, groups: int) -> None:
    """Every class against the rest: rates of groups, differences and ratios, and accuracy."""
    data = people(seed, n, groups)
    finding = run(CHECK, data, roles=ROLES, minimum=1)
    for c in "uvw":
        y, p = (data.y == c).astype(int), (data.p == c).astype(int)
        if not (y.groupby(data.g).nunique() == 2).all():
            continue
        frame = fl.MetricFrame(metrics=RATES, y_true=y, y_pred=p, sensitive_features=data.g)
        for name in RATES:
            where = f"class={c}"
            for g, number in frame.by_group[name].items():
                assert value(finding, name, column="g", group=f"g={g}", where=where) == pytest.approx(number, abs=1e-9)
            gap = value(finding, f"{name}_difference", column="g", where=where)
            assert gap == pytest.approx(frame.difference()[name], abs=1e-9)
            if frame.by_group[name].max():
                ratio = value(finding, f"{name}_ratio", column="g", where=where)
                assert ratio == pytest.approx(frame.ratio()[name], abs=1e-9)
    for g, part in data.groupby("g"):
        expected = sk.accuracy_score(part.y, part.p)
        assert value(finding, "accuracy", column="g", group=f"g={g}") == pytest.approx(expected, abs=1e-9)


def test_the_worst_over_classes_holds_for_all_at_once() -> None:
    """The largest gap of any class, its interval at the Sidak level over classes (and both rates for the odds)."""
    data = people(3, 900)
    finding = run(CHECK, data, roles=ROLES)
    level = 0.95 ** (1 / 3)
    ends = []
    for c in "uvw":
        counts = [(int((part.p == c).sum()), len(part)) for _, part in data.groupby("g")]
        ends.append(intervals.gap_difference(counts, level))
    m = one(finding, "demographic_parity_difference", column="g")
    assert m.value == pytest.approx(max(e[0] for e in ends))
    assert m.low == pytest.approx(max(e[1].low for e in ends))
    assert m.high == pytest.approx(max(e[1].high for e in ends))
    odds = one(finding, "equalized_odds_difference", column="g")
    each = [
        value(finding, f"{rate}_difference", column="g", where=f"class={c}")
        for rate in ("true_positive_rate", "false_positive_rate")
        for c in "uvw"
    ]
    assert odds.value == pytest.approx(max(each))


def test_small_missing_and_absent() -> None:
    """Small groups and missing ones enter no gap; a class that a group never has leaves it out of that gap alone."""
    data = people(5, 300, groups=2)
    data.loc[data.g == "b", "y"] = data.loc[data.g == "b", "y"].replace("w", "u")
    data.loc[:3, "g"], data.loc[4:40, "g"] = "few", None
    finding = run(CHECK, data, roles=ROLES)

    assert value(finding, "excluded_groups", column="g") == 1
    assert one(finding, "true_positive_rate", column="g", group="g=b", where="class=w").undefined_because
    assert value(finding, "true_positive_rate_excluded_groups", column="g", where="class=w") == 1
    assert (
        "fewer than two groups"
        in one(finding, "true_positive_rate_difference", column="g", where="class=w").undefined_because
    )
    rates = [value(finding, "accuracy", column="g", group=f"g={g}") for g in "ab"]
    assert value(finding, "accuracy_difference", column="g") == pytest.approx(max(rates) - min(rates))


def test_intersections_to_any_depth() -> None:
    """Three columns, asked for to depth three: each combination is a group."""
    data = people(7, 600).assign(h=lambda d: d.index % 2, k=lambda d: d.index % 3)
    roles = Roles(target="y", prediction="p", sensitive=("g", "h", "k"), task="multiclass")
    deep, plain = run(CHECK, data, roles=roles, depth=3), run(CHECK, data, roles=roles)

    assert len({m.group for m in deep.measures if m.column == "g & h & k" and m.group}) == 3 * 2 * 3
    assert not [m for m in plain.measures if m.column == "g & h & k"]
    assert {e.name for e in plain.evidence} >= {"accuracy by g", "true_positive_rate of u by g", "accuracy by g & h"}


def test_nothing_to_compare() -> None:
    """Without a row that has both, the check does not apply, and says why."""
    finding = run(CHECK, people(1, 20).assign(y=None), roles=ROLES)
    assert finding.status is Status.NOT_APPLICABLE
    assert finding.reason

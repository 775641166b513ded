"""Limits learnt from the reference's windows, and levels that hold over a row of audits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import workbench as wb
from workbench.audit.learnt import learn
from workbench.audit.policy import Learnt
from workbench.core.online import lord_levels

PREDICTION, NANNYML = Learnt(windows="prediction"), Learnt(windows="nannyml")


def test_prediction_limits_are_those_of_one_more_value() -> None:
    """Mean -+ t(n - 1) s sqrt(1 + 1 / n): the interval that SciPy's t distribution gives for a new observation."""
    x = [3.1, 2.9, 3.3, 3.0, 3.2, 2.8]
    found = learn(x, PREDICTION, "between", 0.95)
    assert found is not None
    scale = np.std(x, ddof=1) * np.sqrt(1 + 1 / 6)
    assert (found.low, found.high) == pytest.approx(stats.t.interval(0.95, 5, loc=np.mean(x), scale=scale), abs=1e-12)
    assert found.p_value(3.9, "between") == pytest.approx(2 * stats.t.sf((3.9 - np.mean(x)) / scale, 5), abs=1e-12)
    one_sided = learn(x, PREDICTION, "<=", 0.95)
    assert one_sided is not None
    assert one_sided.low == -np.inf
    assert one_sided.high == pytest.approx(np.mean(x) + stats.t.ppf(0.95, 5) * scale)
    assert one_sided.p_value(2.0, "<=") > 0.99


def test_nannymls_limits_are_three_population_deviations() -> None:
    """To compare with published tables; there is no test in them."""
    x = [1.0, 2.0, 3.0, 4.0]
    found = learn(x, NANNYML, "between", 0.95)
    assert found is not None
    assert (found.low, found.high) == pytest.approx((2.5 - 3 * np.std(x), 2.5 + 3 * np.std(x)))
    assert found.p_value(99.0, "between") is None


def test_few_windows_teach_nothing() -> None:
    """Three values are no basis for a limit."""
    assert learn([1.0, 2.0, 3.0], PREDICTION, "between", 0.95) is None


def test_windows_that_never_differ() -> None:
    """Every window alike: the same value passes, any other is beyond."""
    found = learn([2.0] * 6, PREDICTION, "between", 0.95)
    assert found is not None
    assert found.p_value(2.0, "between") == 1.0
    assert found.p_value(2.1, "between") == 0.0


def rows(n: int, seed: int, accuracy: float = 0.8) -> pd.DataFrame:
    """Return decisions that are right with a given probability."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, n)
    return pd.DataFrame({"y": y, "made": np.where(rng.random(n) < accuracy, y, 1 - y)})


def judged(current: pd.DataFrame, reference: pd.DataFrame, **rule: Any) -> list[Any]:
    """Return the judgements of a rule on accuracy over windows of 500 rows."""
    content = {"id": "accuracy", "check": "performance.windows", "measure": "accuracy", "window": "*", **rule}
    return list(
        wb.Audit(
            current, reference=reference, target="y", prediction="made", windows={"rows": 500},
            checks=["performance.windows"], policy={"rules": [content]},
        ).run().verdict.judgements
    )  # fmt: skip


def test_a_window_that_falls_is_named_and_the_others_pass() -> None:
    """Accuracy falls by twenty points in the third of four windows: it fails, with the limit and a p; three pass."""
    current = pd.concat([rows(500, i, 0.6 if i == 2 else 0.8) for i in range(4)])
    found = judged(current, rows(6000, 9), operator=">=", limit={"windows": "prediction"})
    assert [j.outcome for j in found] == ["pass", "pass", "fail", "pass"]
    assert found[2].window == "rows-000001001-000001500"
    assert found[2].limit == found[0].limit
    assert found[2].value < found[2].limit
    assert found[2].p_value < 0.001


def test_without_windows_of_the_reference_nothing_is_told() -> None:
    """A reference of two windows: cannot tell, with the reason."""
    found = judged(rows(1000, 1), rows(1000, 2), operator=">=", limit={"windows": "prediction"})
    assert {j.outcome for j in found} == {"cannot_tell"}
    assert "nothing to learn a limit from" in found[0].reason


def test_values_of_the_reference_are_never_judged() -> None:
    """A wildcard over windows does not select those of the reference."""
    found = judged(rows(1000, 1), rows(3000, 2), operator=">=", limit=0.99)
    assert [j.window for j in found] == ["rows-000000001-000000500", "rows-000000501-000001000"]


@pytest.mark.slow
def test_learnt_limits_hold_their_level() -> None:
    """With nothing changed, a window fails a single-rule audit about as rarely as the rate says."""
    runs, failed = 400, 0
    for run in range(runs):
        found = judged(rows(500, 2 * run), rows(5000, 2 * run + 1), operator="between", limit={"windows": "prediction"})
        failed += found[0].outcome == "fail"
    print("windows that failed with nothing changed:", failed, "of", runs)
    assert failed <= stats.binom.ppf(0.999, runs, 0.05)


def test_lord_spends_and_earns() -> None:
    """By hand: a first level of g(1) W0; after a rejection at t = 1 the second adds (a - W0) g(1)."""
    share = [0.07720838 * np.log(max(j, 2)) / (j * np.exp(np.sqrt(np.log(j)))) for j in (1, 2, 3)]
    quiet = lord_levels([0.9, 0.9, 0.9], 0.05)
    assert quiet == pytest.approx([0.025 * s for s in share])
    loud = lord_levels([0.0, 0.0, 0.9], 0.05)
    assert loud[1] == pytest.approx(0.025 * share[1] + 0.025 * share[0])
    assert loud[2] == pytest.approx(0.025 * share[2] + 0.025 * share[1] + 0.05 * share[0])


def test_lord_keeps_the_rate_over_a_year() -> None:
    """Of 200 years of daily tests, a tenth of them real, the mean share of false alarms stays under 5 %."""
    rng = np.random.default_rng(0)
    shares = []
    for _ in range(200):
        real = rng.random(365) < 0.1
        p = np.where(real, stats.norm.sf(rng.normal(3.5, 1, 365)), rng.random(365))
        rejected = p <= np.array(lord_levels(p.tolist(), 0.05))
        shares.append((rejected & ~real).sum() / max(1, rejected.sum()))
        assert (rejected & real).any()
    assert np.mean(shares) <= 0.05

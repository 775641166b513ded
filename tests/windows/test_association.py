"""Which columns moved when performance moved."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score

import workbench as wb
from workbench.core.finding import Finding, Measure

CHECK = "drift.association"
ROWS = 500


def world(windows: int, seed: int, broken: tuple[int, ...] = ()) -> pd.DataFrame:
    """Return windows of rows; in broken ones x moves and the score says less, z never moves."""
    rng = np.random.default_rng(seed)
    parts = []
    for i in range(windows):
        x, z = rng.normal(1.5 * (i in broken), 1, ROWS), rng.normal(size=ROWS)
        y = (rng.random(ROWS) < 1 / (1 + np.exp(-(0.2 if i in broken else 2.0) * z))).astype(int)
        parts.append(pd.DataFrame({"x": x, "z": z, "y": y, "score": 1 / (1 + np.exp(-2 * z))}))
    return pd.concat(parts, ignore_index=True)


def audit(data: pd.DataFrame, reference: pd.DataFrame, **more: Any) -> Finding:
    """Return the finding of the check alone."""
    about: dict[str, Any] = {"target": "y", "score": "score", "windows": {"rows": ROWS}, "policy": {"rules": []}}
    return wb.Audit(data, reference=reference, **(about | {"checks": [CHECK]} | more)).run().findings[0]


def one(finding: Finding, column: str, name: str = "performance_correlation") -> Measure:
    """Return one measure."""
    return next(m for m in finding.measures if (m.name, m.column) == (name, column))


def test_correlations_are_scipys() -> None:
    """The distances by SciPy's KS, the areas by scikit-learn, the correlation, p and interval by SciPy's pearsonr."""
    reference, current = world(6, 1), world(8, 2, broken=(3, 6))
    every = [f.iloc[i : i + ROWS] for f in (reference, current) for i in range(0, len(f), ROWS)]
    whole = roc_auc_score(reference.y, reference.score)
    change = [abs(roc_auc_score(w.y, w.score) - whole) for w in every]
    found = audit(current, reference)
    for column in ("x", "z"):
        oracle = stats.pearsonr([stats.ks_2samp(reference[column], w[column]).statistic for w in every], change)
        ends, m = oracle.confidence_interval(), one(found, column)
        assert (m.value, m.low, m.high) == pytest.approx((oracle.statistic, ends.low, ends.high), abs=1e-9)
        assert one(found, column, "performance_correlation_p_value").value == pytest.approx(oracle.pvalue, abs=1e-9)
        assert m.n == 14
    assert (one(found, "x").low or 0) > 0.8 > (one(found, "z").value or 0)


def test_what_is_the_same_everywhere_is_undefined() -> None:
    """A constant column has a distance of 0 in every window: no correlation, and why."""
    found = audit(world(5, 3).assign(c=1.0), world(5, 4).assign(c=1.0))
    assert (one(found, "c").value, one(found, "c").undefined_because) == (None, "it is the same in every window")


def test_without_labels_nothing_is_said() -> None:
    """Windows without labels leave too few to compare; an unknown metric is named with what there is."""
    reference = world(3, 5)
    found = audit(world(6, 6).drop(columns="y"), reference)
    assert (str(found.status), found.reason) == (
        "not_applicable", "under 5 windows have labels: too few to compare",
    )  # fmt: skip
    unknown = audit(world(6, 6), reference, checks={CHECK: {"performance": "acuracy"}})
    assert "accuracy" in unknown.reason


@pytest.mark.cases
def test_car_loans(shared_data: Path) -> None:
    """Car loans: what moved in the sixth window, car value before all, moved with the ranking."""
    folder = shared_data / "car-loan"
    finding = audit(
        pd.read_csv(folder / "synthetic_car_loan_analysis.csv"),
        pd.read_csv(folder / "synthetic_car_loan_reference.csv"),
        labels=str(folder / "synthetic_car_loan_analysis_target.csv"),
        target="repaid", score="y_pred_proba", prediction="y_pred", id="id", time="timestamp",
        windows={"rows": 5000}, checks={CHECK: {"performance": "accuracy"}},
    )  # fmt: skip
    high = {m.column for m in finding.measures if m.name == "performance_correlation" and (m.low or 0) > 0.8}
    assert {"car_value", "repaid_loan_on_prev_car", "loan_length", "salary_range"} <= high
    assert high.isdisjoint({"driver_tenure", "size_of_downpayment", "debt_to_income_ratio"})

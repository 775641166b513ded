"""Drift and contents of columns over windows: values against single audits, published thresholds, bad input."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from workbench.core.errors import ConfigError

NUMBERS = ("ks", "js_distance", "wasserstein", "psi")


def rows(n: int, seed: int, shift: float = 0.0) -> pd.DataFrame:
    """Return a number, a category and a time."""
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "at": pd.Timestamp("2026-03-02") + pd.to_timedelta(np.arange(n), "h"),
            "x": rng.normal(shift, 1, n).round(2),
            "word": rng.choice(["a", "b", "c"], n),
        }
    )


def table(current: pd.DataFrame, reference: pd.DataFrame | None, checks: Any, **about: Any) -> pd.DataFrame:
    """Return the long table of an audit without rules."""
    audit = wb.Audit(current, reference=reference, checks=checks, policy={"rules": []}, **about)
    return audit.run().to_frame()


def test_a_window_lies_as_far_as_an_audit_of_its_rows_says() -> None:
    """Each value of drift.windows is that of drift.numeric and drift.categorical on the window's rows alone."""
    current, reference = rows(300, 1, 0.5), rows(700, 2)
    names = (*NUMBERS, "l_infinity", "cramers_v")
    found = table(current, reference, {"drift.windows": {"measures": names}}, windows={"rows": 100}, time="at")
    for i, label in enumerate(("rows-000000001-000000100", "rows-000000101-000000200", "rows-000000201-000000300")):
        part = current.iloc[100 * i : 100 * (i + 1)]
        alone = table(part, reference, ["drift.numeric", "drift.categorical"], time="at")
        for column, name in [("x", n) for n in NUMBERS] + [("word", "l_infinity"), ("word", "cramers_v")]:
            one = found[(found.measure == name) & (found.column == column) & (found.window == label)]
            other = alone[(alone.measure == name) & (alone.column == column)]
            assert one.value.tolist() == other.value.tolist()


def test_a_reference_window_is_compared_with_the_others() -> None:
    """Left out: with the rest of the reference; inside: with all of it."""
    reference = rows(300, 3)
    rest, all_of_it = reference.iloc[100:], reference
    for inside, base in ((False, rest), (True, all_of_it)):
        found = table(
            rows(100, 4), reference, {"drift.windows": {"inside": inside}}, windows={"rows": 100}, time="at"
        )  # fmt: skip
        first = found[(found.window == "reference rows-000000001-000000100") & (found.measure == "ks")]
        alone = table(reference.iloc[:100], base, ["drift.numeric"], time="at")
        assert first.value.tolist() == alone[alone.measure == "ks"].value.tolist()


def test_seasons_compare_days_of_one_name() -> None:
    """Weekends have other numbers: against all days a Saturday drifts, against Saturdays it does not."""
    data = rows(24 * 7 * 8, 5)
    data.loc[data["at"].dt.dayofweek >= 5, "x"] += 3.0
    reference, current = data[data["at"] < "2026-04-13"], data[data["at"] >= "2026-04-13"]
    values = {}
    for season in (None, "weekday"):
        windows = {"by": "day"} | ({"season": season} if season else {})
        found = table(current, reference, ["drift.windows"], windows=windows, time="at")
        saturday = found[(found.window == "2026-04-18") & (found.measure == "ks")]
        values[season] = float(saturday.value.iloc[0])
    assert values[None] > 0.6
    assert values["weekday"] < 0.35


def test_columns_are_described_window_by_window() -> None:
    """Rows, missing, mean, deviation, median, sum and distinct values are pandas' on each window."""
    data = rows(250, 6)
    data.loc[data.index % 7 == 0, "x"] = np.nan
    found = table(data, None, ["quality.windows"], windows={"rows": 100}, time="at")
    for i, label in enumerate(("rows-000000001-000000100", "rows-000000101-000000200", "rows-000000201-000000300")):
        part, own = data.iloc[100 * i : 100 * (i + 1)], found[found.window == label].set_index(["measure", "column"])
        x = part["x"]
        expected = {
            "missing_share": x.isna().mean(), "mean": x.mean(), "deviation": x.std(), "median": x.median(),
            "sum": x.sum(), "distinct": x.nunique(),
        }  # fmt: skip
        assert own.loc[("rows", "")].value == len(part)
        for name, value in expected.items():
            assert own.loc[(name, "x")].value == pytest.approx(value, abs=1e-9)


def test_one_row_and_constant_windows_do_not_fail() -> None:
    """A window of one row, a constant column, an empty one: measured, or undefined with a reason."""
    current, reference = rows(21, 7), rows(60, 8)
    current["x"], reference["gone"], current["gone"] = 1.0, 1.0, np.nan
    found = table(current, reference, ["drift.windows", "quality.windows"], windows={"rows": 20}, time="at")
    last = found[(found.window == "rows-000000021-000000040") & (found.measure == "deviation") & (found.column == "x")]
    assert last.undefined_because.tolist() == ["it needs two values"]
    assert found[(found.column == "gone") & (found.measure == "missing_share")].value.max() == 1.0


def test_unknown_names_are_told() -> None:
    """A misspelt measure or column is named with its near match."""
    audit = wb.Audit(
        rows(50, 1), reference=rows(50, 2), windows={"rows": 25}, time="at", policy={"rules": []},
        checks={"drift.windows": {"measures": ["js_distanse"]}},
    )  # fmt: skip
    assert "js_distance" in audit.run().findings[0].reason
    with pytest.raises(ConfigError, match="parameter"):
        wb.Audit(rows(50, 1), windows={"rows": 25}, checks={"quality.windows": {"column": ["x"]}})


NANNYML = [
    ("drift.windows", "js_distance", "debt_to_income_ratio", "<=", None, 0.0393276, [6]),
    ("drift.windows", "ks", "debt_to_income_ratio", "<=", None, 0.0186012, [4]),
    ("quality.windows", "mean", "car_value", "between", 29096.1, 30193.2, [5, 6, 7, 8, 9]),
    ("performance.windows", "roc_auc", "", "between", 0.963317, 0.978660, [5, 6, 7, 8, 9]),
    ("performance.windows", "accuracy", "", "between", 0.935859, 0.951421, [5, 6, 7, 8, 9]),
    ("performance.windows", "average_precision", "", "between", 0.948927, 0.975672, []),
]


@pytest.mark.cases
def test_s06_and_s07_thresholds_and_alerts(shared_data: Path) -> None:
    """NannyML's thresholds (its windows inside the reference) and alerts, by rules on a windowed audit."""
    folder = shared_data / "car-loan"
    analysis = pd.read_csv(folder / "synthetic_car_loan_analysis.csv")
    analysis["repaid"] = pd.read_csv(folder / "synthetic_car_loan_analysis_target.csv")["repaid"]
    rules = [
        {"id": f"{i}", "check": check, "measure": measure, "column": column, "window": "*", "operator": operator,
         "limit": {"windows": "nannyml"}}
        for i, (check, measure, column, operator, *_) in enumerate(NANNYML)
    ]  # fmt: skip
    record = wb.Audit(
        analysis, reference=str(folder / "synthetic_car_loan_reference.csv"), target="repaid", score="y_pred_proba",
        prediction="y_pred", time="timestamp", id="id", windows={"number": 10}, policy={"rules": rules},
        checks={"drift.windows": {"inside": True, "columns": ["debt_to_income_ratio"]}, "quality.windows": {},
                "performance.windows": {}},
    ).run()  # fmt: skip
    for i, (_, measure, _, _, low, high, alerts) in enumerate(NANNYML):
        judged = [j for j in record.verdict.judgements if j.rule == str(i)]
        assert len(judged) == 10
        assert judged[0].limit == pytest.approx(high, rel=2e-6), measure
        assert judged[0].lower_limit == (None if low is None else pytest.approx(low, rel=2e-6))
        assert [n for n, j in enumerate(judged) if j.outcome == "fail"] == alerts

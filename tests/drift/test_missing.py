"""Change of missing shares against statsmodels-free oracles: Newcombe's published example and SciPy's chi-square."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tests.performance.measured import counted, one, run, value
from workbench.core.check import find_check
from workbench.core.dataset import Roles
from workbench.core.finding import Finding, Status
from workbench.core.subject import Subject

NOBODY = Roles()


def column(missing: int, rows: int, name: str = "x") -> pd.DataFrame:
    """Return a column of so many rows, some of them missing."""
    return pd.DataFrame({name: np.where(np.arange(rows) < missing, np.nan, 1.0)})


def drift(current: pd.DataFrame, reference: pd.DataFrame) -> Finding:
    """Compare two frames."""
    return run("drift.missing", current, reference, NOBODY)


def test_published_interval() -> None:
    """Newcombe (1998), table II, example (a): 56/70 - 48/80, method 10: 0.0524 to 0.3339."""
    m = one(drift(column(56, 70), column(48, 80)), "missing_share_change", column="x")

    assert (m.value, m.n, m.method, m.unit) == (0.2, 70, "newcombe", "share")
    assert (m.low, m.high) == pytest.approx((0.0524, 0.3339), abs=5e-5)


@given(st.integers(0, 40), st.integers(1, 40), st.integers(0, 40), st.integers(1, 40))
def test_p_is_that_of_the_pooled_score_test(x: int, n: int, y: int, m: int) -> None:
    """Pearson's chi-square of the 2 x 2 table as SciPy has it; no difference where both are empty or full."""
    x, y = min(x, n), min(y, m)
    found = value(drift(column(x, n), column(y, m)), "missing_share_change_p_value", column="x")
    table = np.array([[x, n - x], [y, m - y]])

    expected = stats.chi2_contingency(table, correction=False).pvalue if table.sum(axis=0).all() else 1.0
    assert found == pytest.approx(expected, abs=1e-9)


def test_columns_that_empty_fill_come_and_go() -> None:
    """Counted over the features and named; roles are no features, and a target that is not there yet is none."""
    reference = pd.DataFrame({"y": [0, 1], "a": [1.0, 2], "b": [None, None], "old": [1, 2], "same": ["u", "v"]})
    current = pd.DataFrame({"y": [0, 1], "a": [np.nan] * 2, "b": ["x", "y"], "new": [1, 2], "same": ["u", None]})
    roles = Roles(target="y", positive=1)
    there = Subject(counted(current, roles), roles, reference=counted(reference, roles))
    found = find_check("drift.missing").run(there)

    counts = {k: value(found, f"{k}_columns") for k in ("emptied", "filled", "vanished", "new")}
    assert counts == {"emptied": 1, "filled": 1, "vanished": 1, "new": 1}
    assert {"emptied columns: 'a'", "vanished columns: 'old'", "new columns: 'new'"} <= set(found.notes)
    assert one(found, "vanished_columns").n == 5
    assert value(found, "missing_share_change", column="a") == 1.0
    assert value(found, "missing_share_change", column="y") == 0.0


def test_those_that_changed_most_are_drawn_first() -> None:
    """The table is in the order of the change, for drawings show the first forty rows."""
    reference = pd.DataFrame({f"c{i}": np.ones(20) for i in range(5)})
    current = pd.DataFrame({f"c{i}": np.where(np.arange(20) < i, np.nan, 1.0) for i in range(5)})

    rows = drift(current, reference).evidence[0].rows
    assert rows[0] == ("c4", 0.2, 0.0)
    assert [r[0] for r in rows] == ["c4", "c3", "c2", "c1", "c0"]


def test_without_a_reference() -> None:
    """There is nothing to compare with, and it says so."""
    found = run("drift.missing", column(1, 3), None, NOBODY)

    assert (found.status, found.reason) == (Status.NOT_APPLICABLE, "no reference data was given")

"""Default rates by grade against SciPy, by hand, and on grades that are right."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tests.performance.measured import one, run, table, value
from workbench.core.finding import Status
from workbench.core.intervals import holm, wilson

CHECK = "performance.grades"
SCALE = {0.01: (400, 4), 0.03: (300, 21), 0.1: (200, 18), 0.4: (50, 30)}
"""Probability assigned -> rows and defaults; the second grade defaults more than twice as often as assigned."""


def book() -> pd.DataFrame:
    rows = [(p, i < hits) for p, (n, hits) in SCALE.items() for i in range(n)]
    return pd.DataFrame(rows, columns=["score", "y"]).astype({"y": int})


def test_each_value_of_a_master_scale_is_a_grade() -> None:
    """Rates, intervals and p-values of each grade, of all together, and how many are too low."""
    finding = run(CHECK, book())
    found = table(finding, "grade table")
    p = [stats.beta.cdf(q, hits + 0.5, n - hits + 0.5) for q, (n, hits) in SCALE.items()]

    assert found.grade.tolist() == ["grade 1", "grade 2", "grade 3", "grade 4"]
    assert found["jeffreys p"].to_numpy() == pytest.approx(p, abs=1e-9)
    for k, (q, (n, hits)) in enumerate(SCALE.items()):
        place = {"where": f"grade {k + 1}"}
        m, ends = one(finding, "observed_rate", **place), wilson(hits, n)
        assert ends is not None
        assert (m.value, m.low, m.high, m.n) == pytest.approx((hits / n, ends.low, ends.high, n))
        assert value(finding, "assigned_probability", **place) == pytest.approx(q)
        assert value(finding, "jeffreys_p_value", **place) == pytest.approx(p[k], abs=1e-9)
    whole = sum(q * n for q, (n, _) in SCALE.items()) / 950
    assert value(finding, "jeffreys_p_value") == pytest.approx(stats.beta.cdf(whole, 73.5, 877.5), abs=1e-9)
    assert value(finding, "underestimated_grades") == 2
    assert value(finding, "rate_inversions") == 0
    assert value(finding, "largest_grade_share") == pytest.approx(400 / 950)


def test_bounds_are_up_to_and_with() -> None:
    """A score on a bound is in the lower grade; empty grades are no grades; rates that fall are inversions."""
    data = pd.DataFrame({"score": [0.1] * 10 + [0.2] * 10 + [0.6] * 10, "y": [1] * 5 + [0] * 5 + [0] * 20})
    finding = run(CHECK, data, bounds=[0.1, 0.5, 0.55])

    assert table(finding, "grade table").n.tolist() == [10, 10, 10]
    assert value(finding, "rate_inversions") == 1
    spread = pd.DataFrame({"score": np.linspace(0.001, 0.999, 2000), "y": [0, 1] * 1000})
    assert len(table(run(CHECK, spread), "grade table")) == 9
    for wrong in ([0.5, 0.1], [0.0], [0.2, 0.2]):
        refused = run(CHECK, data, bounds=wrong)
        assert (refused.status, "bounds must rise" in refused.reason) == (Status.ERROR, True)


def test_right_grades_are_seldom_rejected() -> None:
    """Of 400 books whose probabilities are the true ones, at most one in twenty (and a bit) names a grade too low."""
    rng = np.random.default_rng(3)
    scale = np.repeat([0.02, 0.05, 0.1, 0.2], 300)
    named = 0
    for _ in range(400):
        finding = run(CHECK, pd.DataFrame({"score": scale, "y": (rng.random(1200) < scale).astype(int)}))
        named += value(finding, "underestimated_grades") > 0
    assert named <= 30


def test_what_cannot_be_graded() -> None:
    """Scores that are no probabilities, and rows without truth."""
    assert run(CHECK, book().assign(score=lambda d: d.score * 9)).status is Status.NOT_APPLICABLE
    assert run(CHECK, book().assign(y=np.nan)).status is Status.NOT_APPLICABLE


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_by_its_definition(p_values: list[float]) -> None:
    """Step down: the smallest times m, the next times m - 1, never falling."""
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    running, expected = 0.0, [0.0] * len(p_values)
    for k, i in enumerate(order):
        running = max(running, p_values[i] * (len(p_values) - k))
        expected[i] = min(1.0, running)
    assert holm(p_values) == pytest.approx(expected)

"""Calibration within groups, against scikit-learn and the calibration of each group's rows by themselves."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

import workbench as wb
from workbench.core import intervals
from workbench.core.finding import Finding, Measure, Status

CHECK = "bias.calibration_by_group"
OF_A_GROUP = (
    "calibration_slope",
    "calibration_intercept",
    "mean_score_difference",
    "expected_calibration_error",
    "expected_calibration_error_null_mean",
    "expected_calibration_error_null_quantile",
)


def audit(data: Any, check: str = CHECK, minimum: int = 1, **roles: Any) -> Finding:
    """Return the finding of one check on a frame, run through the public door."""
    policy = {"minimum_group_size": minimum, "rules": []}
    roles = {"target": "y", "score": "s", "sensitive": ["g"], **roles}
    return wb.Audit(data, checks=[check], policy=policy, **roles).run().findings[0]


def get(finding: Finding, name: str, column: str = "g", group: str = "") -> Measure:
    """Return the one measure of that name and place."""
    found = [m for m in finding.measures if (m.name, m.column, m.group) == (name, column, group)]
    assert len(found) == 1, (name, column, group, len(found))
    return found[0]


def people(seed: int = 0, n: int = 900, shift: float = 0.8) -> pd.DataFrame:
    """Return people whose group b is scored too high by `shift` on the log-odds; some lack a group, a few are in d."""
    rng = np.random.default_rng(seed)
    data = pd.DataFrame({"g": rng.choice(["a", "b", "c"], n), "s": rng.integers(1, 100, n) / 100}).astype({"g": object})
    odds = np.log(data.s / (1 - data.s)) - shift * (data.g == "b")
    data["y"] = (rng.random(n) < 1 / (1 + np.exp(-odds))).astype(int)
    data.loc[:4, "g"] = "d"
    data.loc[5:60, "g"] = None
    return data


@pytest.fixture(scope="module")
def finding() -> Finding:
    """Audit the people with the minimum group size at 10."""
    return audit(people(), minimum=10)


@pytest.mark.parametrize("group", ["a", "b", "c", None])
def test_each_group_is_measured_as_by_itself(finding: Finding, group: str | None) -> None:
    """A group's measures are those of performance.calibration on its rows alone."""
    data = people()
    rows = data[data.g.isna()] if group is None else data[data.g == group]
    alone = audit(rows, "performance.calibration")

    label = r"g=\N" if group is None else f"g={group}"
    assert get(finding, "count", group=label).value == len(rows)
    for name in OF_A_GROUP:
        mine, other = get(finding, name, group=label), get(alone, name, "")
        assert (mine.value, mine.low, mine.high, mine.n, mine.method) == (
            other.value,
            other.low,
            other.high,
            other.n,
            other.method,
        )


@pytest.mark.parametrize("group", ["a", "b", "c"])
def test_against_other_libraries(finding: Finding, group: str) -> None:
    """Slope and intercept equal an unpenalised logistic regression's, the rest the formulas on rows."""
    part = people().query("g == @group")
    odds = np.log(part.s / (1 - part.s)).to_numpy()[:, None]
    model = LogisticRegression(C=np.inf, tol=1e-12, max_iter=10_000, solver="newton-cholesky").fit(odds, part.y)
    label = f"g={group}"
    assert get(finding, "calibration_slope", group=label).value == pytest.approx(model.coef_[0, 0], rel=1e-6)
    assert get(finding, "calibration_intercept", group=label).value == pytest.approx(model.intercept_[0], abs=1e-6)
    difference = part.s.mean() - part.y.mean()
    assert get(finding, "mean_score_difference", group=label).value == pytest.approx(difference, abs=1e-9)
    at = np.minimum((part.s * 10).astype(int), 9)
    error = sum(len(b) * abs(b.s.mean() - b.y.mean()) for _, b in part.groupby(at)) / len(part)
    assert get(finding, "expected_calibration_error", group=label).value == pytest.approx(error, abs=1e-9)


def expected_gap(data: pd.DataFrame, groups: str) -> tuple[float, float, float]:
    """Return the gap and its ends by another route: Newcombe's intervals of the rates, turned round and moved."""
    value, parts = [], []
    for g in groups:
        part = data[data.g == g]
        parts.append((int(part.y.sum()), len(part)))
        value.append(part.s.mean() - part.y.mean())
    z, lows, highs = intervals.tukey_z(len(parts)), [0.0], []
    for i, j in itertools.permutations(range(len(parts)), 2):
        rates = intervals.newcombe_difference(*parts[j], *parts[i], z=z)
        shift = value[i] - value[j] - (parts[j][0] / parts[j][1] - parts[i][0] / parts[i][1])
        lows.append(rates.low + shift)
        highs.append(rates.high + shift)
    return max(value) - min(value), max(lows), max(highs)


def test_the_gap_and_its_interval(finding: Finding) -> None:
    """Largest minus smallest over the compared groups, with MOVER ends at the Tukey quantile by another route."""
    data = people()
    m = get(finding, "mean_score_difference_difference")

    assert (m.value, m.low, m.high) == pytest.approx(expected_gap(data, "abc"), abs=1e-9)
    assert m.n == len(data[data.g.isin(list("abc"))])
    assert m.low > 0
    assert get(finding, "excluded_groups").value == 1


def test_a_wide_group_is_not_compared_with_itself() -> None:
    """Beside a large group a small one has the interval of their difference, not of its own with itself."""
    data = people(3, 4000, 0.0).assign(g=lambda d: np.where(np.arange(len(d)) < 15, "a", "b"))
    m = get(audit(data), "mean_score_difference_difference")

    assert (m.value, m.low, m.high) == pytest.approx(expected_gap(data, "ab"), abs=1e-9)


def test_the_gap_is_covered() -> None:
    """Where no group differs the interval reaches 0 at least as often as it says."""
    covered = 0
    for seed in range(60):
        covered += get(audit(people(seed, 400, 0.0), minimum=10), "mean_score_difference_difference").low == 0
    assert covered >= 54


def test_the_lines_to_draw(finding: Finding) -> None:
    """One line a group: mean score, observed rate with its interval, and the group's rows to suppress by."""
    data = people()
    (lines,) = finding.evidence
    assert (lines.kind, lines.columns) == ("lines", ("x", "y", "low", "high", "series", "rows", "group"))
    assert dict(lines.notes) == {"x": "mean score", "y": "observed rate", "diagonal": True, "column": "g"}
    # Group d has 5 rows, and those without a group are under the minimum of 10 in each of their bins.
    assert {(r[4], r[6]) for r in lines.rows} == {(g, f"g={g}") for g in "abc"}
    part = data[data.g == "b"]
    at = np.minimum((part.s * 10).astype(int), 9)
    expected = [(b.s.mean(), b.y.mean()) for _, b in part.groupby(at)]
    found = [r for r in lines.rows if r[4] == "b"]
    assert [r[:2] for r in found] == [pytest.approx(e, abs=1e-9) for e in expected]
    assert {r[5] for r in found} == {len(part)}
    assert all(r[2] <= r[1] <= r[3] for r in found)


def test_undefined_says_why() -> None:
    """One class, tied scores, a single row or group, no truth: a reason, never 0; nothing to measure is said."""
    tied = audit(people().assign(s=0.5))
    assert "no finite solution" in get(tied, "calibration_slope", group="g=a").undefined_because
    assert get(tied, "mean_score_difference", group="g=a").value is not None
    one_class = audit(people().assign(y=0))
    assert get(one_class, "calibration_intercept", group="g=b").value is None
    assert get(one_class, "mean_score_difference_difference").value is not None
    single = audit(people().query("g == 'a'"))
    assert get(single, "mean_score_difference_difference").undefined_because == "fewer than two groups can be compared"
    part = people()
    part["y"] = part.y.where(part.g != "a").astype(float)
    lacking = audit(part, minimum=10)
    assert get(lacking, "expected_calibration_error", group="g=a").undefined_because == "no row has truth and score"
    assert get(lacking, "mean_score_difference_difference").value is not None
    assert audit(people().assign(s=lambda d: d.s * 3)).status is Status.NOT_APPLICABLE
    assert audit(people().drop(columns="y"), target=None).status is Status.NOT_APPLICABLE


def test_intersections_when_asked() -> None:
    """Depth 2 adds the groups of two columns."""
    data = people().assign(h=lambda d: np.where(d.s > 0.3, "x", "y"))
    policy = {"minimum_group_size": 10, "rules": []}
    roles = {"target": "y", "score": "s", "sensitive": ["g", "h"]}
    record = wb.Audit(data, checks={CHECK: {"depth": 2}}, policy=policy, **roles).run()

    assert [e.notes["column"] for e in record.findings[0].evidence] == ["g", "h", "g & h"]

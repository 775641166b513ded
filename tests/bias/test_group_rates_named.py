"""Predictive parity and treatment equality among the rates by group, against scikit-learn, fairlearn and by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from fairlearn.metrics import MetricFrame, false_positive_rate_difference
from scipy.stats import binomtest
from sklearn.metrics import confusion_matrix, precision_score

import workbench as wb
from workbench.core.finding import Finding, Measure
from workbench.core.joint import Confusion
from workbench.core.treatment import treatment_gap, treatment_measure

CHECK = "bias.group_rates"
TREATMENT = "treatment_equality"


def audit(data: Any, minimum: int = 1, params: dict[str, Any] | None = None, **roles: Any) -> Finding:
    """Return the finding of the check on a frame, run through the public door."""
    policy = {"minimum_group_size": minimum, "rules": []}
    roles = {"target": "y", "prediction": "p", "sensitive": ["g"], **roles}
    return wb.Audit(data, checks={CHECK: params or {}}, policy=policy, **roles).run().findings[0]


def get(finding: Finding, name: str, column: str = "g", group: str = "") -> Measure:
    """Return the one measure of that name and place."""
    found = [m for m in finding.measures if (m.name, m.column, m.group) == (name, column, group)]
    assert len(found) == 1, (name, column, group, len(found))
    return found[0]


def counts(tp: int, fp: int, fn: int, tn: int) -> Confusion:
    """Return a confusion table of rows with truth and prediction."""
    n = tp + fp + fn + tn
    return Confusion(tp, fp, fn, tn, n, n, tp + fp, n, tp + fn)


def people(tables: dict[Any, tuple[int, int, int, int]]) -> pd.DataFrame:
    """Return one row a person from true positives, false positives, false negatives and true negatives by group."""
    parts = []
    for g, (tp, fp, fn, tn) in tables.items():
        truth, guess = [1] * tp + [0] * fp + [1] * fn + [0] * tn, [1] * (tp + fp) + [0] * (fn + tn)
        parts.append(pd.DataFrame({"g": g, "y": truth, "p": guess}))
    return pd.concat(parts, ignore_index=True).astype({"g": object})


@pytest.fixture(scope="module")
def random_people() -> pd.DataFrame:
    """Return people of three groups with errors of different kinds."""
    rng = np.random.default_rng(0)
    data = pd.DataFrame({"g": rng.choice(["a", "b", "c"], 900), "y": rng.integers(0, 2, 900)})
    wrong = np.where(data.g == "a", np.where(data.y == 1, 0.4, 0.1), 0.25)
    data["p"] = np.where(rng.random(900) < wrong, 1 - data.y, data.y)
    return data


def test_predictive_parity_is_the_gap_of_precision(random_people: pd.DataFrame) -> None:
    """Difference and ratio equal fairlearn's MetricFrame of scikit-learn's precision, and the gap of precision."""
    finding = audit(random_people)
    frame = MetricFrame(
        metrics=precision_score,
        y_true=random_people.y,
        y_pred=random_people.p,
        sensitive_features=random_people.g,
    )

    assert get(finding, "predictive_parity_difference").value == pytest.approx(frame.difference(), abs=1e-9)
    assert get(finding, "predictive_parity_ratio").value == pytest.approx(frame.ratio(), abs=1e-9)
    for kind in ("difference", "ratio"):
        named, plain = get(finding, f"predictive_parity_{kind}"), get(finding, f"precision_{kind}")
        assert (named.value, named.low, named.high, named.n) == (plain.value, plain.low, plain.high, plain.n)


def test_the_false_positive_rates_gap_has_fairlearns_name(random_people: pd.DataFrame) -> None:
    """fairlearn knows false-positive-rate parity as false_positive_rate_difference, and so do we."""
    expected = false_positive_rate_difference(random_people.y, random_people.p, sensitive_features=random_people.g)

    assert get(audit(random_people), "false_positive_rate_difference").value == pytest.approx(expected, abs=1e-9)


def test_treatment_equality_against_the_confusion_table(random_people: pd.DataFrame) -> None:
    """Overall, per group, between groups and to a reference group, from scikit-learn's confusion tables."""
    finding = audit(random_people, params={"reference_groups": {"g": "b"}})
    ratio = {}
    for g in ("", "a", "b", "c"):
        part = random_people if not g else random_people[random_people.g == g]
        _, fp, fn, _ = confusion_matrix(part.y, part.p).ravel()
        ratio[g] = fn / fp
        m = get(finding, TREATMENT, "g" if g else "", f"g={g}" if g else "")
        assert (m.value, m.n) == (pytest.approx(fn / fp, abs=1e-9), fn + fp)
        assert m.low < m.value < m.high
    groups = {g: ratio[g] for g in "abc"}
    m = get(finding, f"{TREATMENT}_difference")
    assert m.value == pytest.approx(max(groups.values()) - min(groups.values()), abs=1e-9)
    assert 0 < m.low < m.value < m.high
    for g in "abc":
        m = get(finding, f"{TREATMENT}_to_reference_difference", group=f"g={g}")
        assert m.value == pytest.approx(ratio[g] - ratio["b"], abs=1e-9)
        assert m.low <= m.value <= m.high
    itself = get(finding, f"{TREATMENT}_to_reference_difference", group="g=b")
    assert (itself.value, itself.low, itself.high) == (0, 0, 0)


def test_by_hand_with_small_and_missing_groups() -> None:
    """6/2 against 3/6: 2.5; a group of one row and people without a group have a ratio and no part in the gap."""
    tables = {"a": (5, 2, 6, 7), "b": (5, 6, 3, 6), "c": (0, 1, 0, 0), None: (1, 1, 19, 1)}
    finding = audit(people(tables), minimum=10)

    assert get(finding, f"{TREATMENT}_difference").value == pytest.approx(2.5, abs=1e-9)
    assert get(finding, TREATMENT, group="g=a").value == 3
    assert get(finding, TREATMENT, group="g=c").value == 0
    assert get(finding, TREATMENT, group=r"g=\N").value == 19
    assert get(finding, f"{TREATMENT}_difference").n == 17


def test_undefined_says_why() -> None:
    """Without a false positive the ratio is undefined with a reason, and the group is listed as left out."""
    tables = {"a": (5, 2, 6, 7), "b": (5, 0, 3, 12), "c": (10, 0, 0, 10)}
    finding = audit(people(tables), params={"reference_groups": {"g": "b"}})

    assert get(finding, TREATMENT, group="g=b").undefined_because == "no row is a false positive"
    assert get(finding, TREATMENT, group="g=c").undefined_because.startswith("0/0")
    assert "fewer than two groups" in get(finding, f"{TREATMENT}_difference").undefined_because
    assert get(finding, f"{TREATMENT}_excluded_groups").value == 2
    assert get(finding, f"{TREATMENT}_to_reference_difference", group="g=a").value is None
    without_truth = audit(people(tables).drop(columns="y"), target=None)
    assert not [m for m in without_truth.measures if m.name.startswith((TREATMENT, "predictive_parity"))]


def odds(fn: int, fp: int, level: float) -> tuple[float, float]:
    """Return the odds of SciPy's Wilson interval of the share of false negatives among the errors."""
    ends = binomtest(fn, fn + fp).proportion_ci(level, method="wilson")
    return ends.low / (1 - ends.low), ends.high / (1 - ends.high)


def test_the_interval_of_one_ratio() -> None:
    """The interval is the odds of Wilson's; it widens with the level and is near the delta method's on the log."""
    c = counts(200, 40, 60, 300)
    m = treatment_measure(c, 0.95)

    assert (m.low, m.high) == pytest.approx(odds(60, 40, 0.95), abs=1e-9)
    assert treatment_measure(c, 0.8).low > m.low
    half = 1.96 * np.sqrt(1 / 60 + 1 / 40)
    assert (np.log(m.low), np.log(m.high)) == pytest.approx((np.log(1.5) - half, np.log(1.5) + half), abs=0.06)


def test_the_gaps_interval_is_covered() -> None:
    """Over samples of groups with known ratios the gap's interval holds the true gap."""
    rng, covered, reached = np.random.default_rng(1), 0, 0
    shares = [np.array(s) for s in ([0.3, 0.1, 0.2, 0.4], [0.3, 0.15, 0.15, 0.4], [0.3, 0.2, 0.2, 0.3])]
    for _ in range(200):
        groups = [counts(*(int(v) for v in rng.multinomial(300, s))) for s in shares]
        m = treatment_gap(groups, "g", 0.95)
        covered += m.low <= 1.0 <= m.high
        alike = [counts(*(int(v) for v in rng.multinomial(300, shares[1]))) for _ in range(3)]
        reached += treatment_gap(alike, "g", 0.95).low == 0
    assert covered / 200 >= 0.93
    assert reached / 200 >= 0.93


def test_the_gaps_interval_step_by_step() -> None:
    """Two groups: MOVER of their odds in both orders, at the normal quantile; the ends by hand."""
    for tables in ([(5, 4, 2, 9), (20_000, 5_000, 2_500, 40_000)], [(2000, 400, 800, 4000), (2000, 500, 500, 4000)]):
        (a, la, ua), (b, lb, ub) = ((t[2] / t[1], *odds(t[2], t[1], 0.95)) for t in tables)
        gap = treatment_gap([counts(*t) for t in tables], "g", 0.95)
        lows = [a - b - np.hypot(a - la, ub - b), b - a - np.hypot(b - lb, ua - a)]
        highs = [a - b + np.hypot(ua - a, b - lb), b - a + np.hypot(ub - b, a - la)]

        assert gap.value == pytest.approx(abs(a - b), abs=1e-9)
        assert (gap.low, gap.high) == pytest.approx((max(0, *lows), max(highs)), abs=1e-9)


def test_no_false_negative_is_held_by_the_interval() -> None:
    """A ratio of 0 lies in its own interval and in the gap's."""
    tables = {"a": (20, 5, 0, 20), "b": (20, 4, 8, 20)}
    finding = audit(people(tables))

    m = get(finding, TREATMENT, group="g=a")
    assert m.value == 0
    assert m.low == 0
    gap = get(finding, f"{TREATMENT}_difference")
    assert gap.low <= gap.value == 2 <= gap.high

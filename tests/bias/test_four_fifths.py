"""The four-fifths rule and the tests beside it, against SciPy and worked examples."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2_contingency, fisher_exact

import workbench as wb
from workbench.core import intervals
from workbench.core.finding import Finding, Measure, Status

CHECK = "bias.four_fifths"


def four(data: Any, minimum: int = 1, sensitive: list[str] | None = None, **roles: Any) -> Finding:
    """Return the finding of the check on a frame, run through the public door."""
    policy = {"minimum_group_size": minimum, "rules": []}
    roles = {"prediction": "p", **roles}
    return wb.Audit(data, sensitive=sensitive or ["g"], checks=[CHECK], policy=policy, **roles).run().findings[0]


def people(counts: dict[Any, tuple[int, int]]) -> pd.DataFrame:
    """Return one row a person from selected and all by group."""
    parts = [pd.DataFrame({"g": k, "p": [1] * x + [0] * (n - x)}) for k, (x, n) in counts.items()]
    return pd.concat(parts, ignore_index=True).astype({"g": object})


def get(finding: Finding, name: str, group: str = "", column: str = "g") -> Measure:
    """Return the one measure of that name and place."""
    found = [m for m in finding.measures if (m.name, m.column, m.group) == (name, column, group)]
    assert len(found) == 1, (name, column, group, len(found))
    return found[0]


def test_the_example_of_the_guidelines() -> None:
    """The worked example of the EEOC's questions and answers: 80 whites, 48 hired; 40 blacks, 12 hired."""
    finding = four(people({"white": (48, 80), "black": (12, 40)}))

    assert get(finding, "impact_ratio", "g=black").value == pytest.approx(0.5, abs=1e-9)
    assert get(finding, "impact_ratio", "g=white").value == 1
    assert get(finding, "shortfall", "g=black").value == pytest.approx(12, abs=1e-9)
    assert (get(finding, "below_four_fifths").value, get(finding, "below_four_fifths").n) == (1, 2)
    # By hand: p = 60/120, expected 20, SD = sqrt(40 / 4 * 80 / 120), so -8 / 2.58199.
    assert get(finding, "standard_deviations", "g=black").value == pytest.approx(-8 / math.sqrt(20 / 3), abs=1e-9)


def test_against_scipy_in_many_tables() -> None:
    """Fisher's p equals SciPy's, and the squared deviations the chi-square of the two by two table."""
    rng = np.random.default_rng(0)
    for _ in range(20):
        (n, m), share = rng.integers(5, 400, 2), rng.random(2)
        x, y = int(share[0] * n), int(share[1] * m)
        if x * m == y * n or x + y in (0, n + m):
            continue
        finding = four(people({"a": (x, int(n)), "b": (y, int(m))}))
        low = "g=a" if x * m < y * n else "g=b"
        high = "g=b" if low == "g=a" else "g=a"
        square = [[x, n - x], [y, m - y]]
        assert get(finding, "fisher_p_value", low).value == pytest.approx(fisher_exact(square).pvalue, abs=1e-9)
        deviations = get(finding, "standard_deviations", low).value
        assert deviations < 0
        assert deviations**2 == pytest.approx(chi2_contingency(square, correction=False).statistic, rel=1e-9)
        assert not [f for f in finding.measures if f.group == high and f.name in ("fisher_p_value", "shortfall")]
        ratio = min(x / n, y / m) / max(x / n, y / m)
        assert get(finding, "impact_ratio", low).value == pytest.approx(ratio, abs=1e-9)
        assert get(finding, "impact_ratio").value == pytest.approx(ratio, abs=1e-9)
        assert get(finding, "below_four_fifths").value == int(ratio < 0.8)
        (small, of), (big, whole) = ((x, n), (y, m)) if low == "g=a" else ((y, m), (x, n))
        gap = intervals.newcombe_difference(int(big), int(whole), int(small), int(of))
        short = get(finding, "shortfall", low)
        assert (short.low, short.high) == pytest.approx((of * gap.low, of * gap.high), rel=1e-9)


def test_exactly_four_fifths_is_not_under_it() -> None:
    """3 of 20 against 6 of 32 is 0.8: not counted, though the division says 0.7999..., and 2 of 20 is."""
    assert (3 / 20) / (6 / 32) < 0.8
    assert get(four(people({"a": (3, 20), "b": (6, 32)})), "below_four_fifths").value == 0
    assert get(four(people({"a": (2, 20), "b": (6, 32)})), "below_four_fifths").value == 1


def test_the_smallest_ratio_has_the_simultaneous_interval() -> None:
    """The ratio without a group is the smallest, with the interval for all pairs, as in the impact ratio's check."""
    counts = {"a": (30, 50), "b": (20, 60), "c": (25, 55)}
    finding = four(people(counts))

    value, interval = intervals.gap_ratio(list(counts.values()))
    m = get(finding, "impact_ratio")
    assert (m.value, m.low, m.high) == pytest.approx((value, interval.low, interval.high), abs=1e-9)
    other = get(finding, "impact_ratio", "g=b")
    single = intervals.ratio_mover_r(20, 60, 30, 50)
    assert (other.low, other.high) == pytest.approx((single.low, single.high), abs=1e-9)


def test_small_and_unknown_groups_are_listed_and_enter_nothing() -> None:
    """A group of one row and people without a group have a rate, no ratio, and never set the highest rate."""
    finding = four(people({"a": (10, 40), "b": (20, 40), "c": (1, 1), None: (12, 12)}), minimum=10)

    assert get(finding, "selection_rate", "g=c").value == 1
    assert get(finding, "count", r"g=\N").value == 12
    assert get(finding, "impact_ratio", "g=b").value == 1
    assert get(finding, "excluded_groups").value == 1
    assert get(finding, "below_four_fifths").n == 2
    compared = {m.group for m in finding.measures if m.name in ("impact_ratio", "shortfall")} - {""}
    assert compared == {"g=a", "g=b"}
    rows = {r[0]: r for r in finding.evidence[0].rows}
    assert rows["c"][2:] == (1, 1, 1, 1.0, None, None, None, None)
    assert rows["a"][6] == 0.5


def test_undefined_says_why() -> None:
    """Nobody selected, one group, nobody with a prediction: undefined with a reason, never 0."""
    nobody = four(people({"a": (0, 20), "b": (0, 30)}))
    assert get(nobody, "below_four_fifths").undefined_because == "no group has the favourable outcome"
    assert get(nobody, "impact_ratio", "g=a").value is None
    deviations = [m for m in nobody.measures if m.name == "standard_deviations"]
    assert [m.value for m in deviations] == [None]
    assert deviations[0].undefined_because.startswith("0/0")
    one = four(people({"a": (5, 20)}))
    assert get(one, "below_four_fifths").undefined_because == "fewer than two groups can be compared"
    nothing = four(people({"a": (5, 20), "b": (5, 30)}).assign(p=np.nan))
    assert get(nothing, "selection_rate", "g=a").undefined_because == "0/0: no row has a prediction"
    assert four(people({"a": (5, 20)}).drop(columns="p"), prediction=None).status is Status.NOT_APPLICABLE


def test_intersections_and_the_favourable_outcome() -> None:
    """Two columns give three tables, depth 1 two; where 0 is favourable those predicted 0 count as selected."""
    rng = np.random.default_rng(1)
    data = pd.DataFrame(
        {"g": rng.choice(["a", "b"], 300), "h": rng.choice(["c", "d"], 300), "p": rng.integers(0, 2, 300)}
    )
    data["y"] = data.p
    finding = four(data, sensitive=["g", "h"], target="y", positive=1, favourable=0)
    turned = four(data.assign(p=1 - data.p), sensitive=["g", "h"])

    assert [e.notes["column"] for e in finding.evidence] == ["g", "h", "g & h"]
    assert [e.rows for e in finding.evidence] == [e.rows for e in turned.evidence]


def test_millions_of_rows_at_once() -> None:
    """Fisher's test answers for large tables too."""
    finding = four(people({"a": (300_000, 1_000_000), "b": (301_000, 1_000_000)}))

    expected = fisher_exact([[300_000, 700_000], [301_000, 699_000]]).pvalue
    assert get(finding, "fisher_p_value", "g=a").value == pytest.approx(expected, rel=1e-9)

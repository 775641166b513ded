"""Performance by reweighting: the reference's labelled rows weighted to be like the current ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from workbench.core.finding import Finding, Measure

CHECK = "performance.reweighted"


def people(n: int, share: float, seed: int, error: tuple[float, float] = (0.1, 0.4)) -> pd.DataFrame:
    """Return rows of two places whose decisions are wrong at two rates; `share` of the rows are of the second."""
    rng = np.random.default_rng(seed)
    second = rng.random(n) < share
    y = rng.integers(0, 2, n)
    wrong = rng.random(n) < np.where(second, error[1], error[0])
    return pd.DataFrame(
        {"place": np.where(second, "b", "a"), "noise": rng.normal(size=n), "y": y, "made": np.where(wrong, 1 - y, y)}
    )


def audit(data: pd.DataFrame, reference: pd.DataFrame, **more: Any) -> Finding:
    """Return the finding of the check alone."""
    about: dict[str, Any] = {"target": "y", "prediction": "made", "checks": [CHECK], "policy": {"rules": []}} | more
    return wb.Audit(data, reference=reference, **about).run().findings[0]


def measure(finding: Finding, name: str, window: str = "") -> Measure:
    """Return one measure."""
    return next(m for m in finding.measures if (m.name, m.window) == (name, window))


def test_it_finds_the_rate_of_the_new_mix() -> None:
    """With one category that moved, the value is that of post-stratification: shares of now, rates of then."""
    reference, current = people(6000, 0.2, 1), people(6000, 0.7, 2)
    wrong = reference.made != reference.y
    by_place = wrong.groupby(reference.place).mean()
    expected = float((current.place.value_counts(normalize=True) * by_place).sum())

    found = audit(current.drop(columns="y"), reference)
    rate = measure(found, "reweighted_error_rate")
    assert rate.value == pytest.approx(expected, abs=0.02)
    assert abs(float(wrong.mean()) - expected) > 0.1  # what the reference itself shows is far off
    assert rate.low is not None
    assert rate.high is not None
    assert rate.low < expected < rate.high
    assert rate.n == 6000


def test_without_a_change_nothing_is_lost() -> None:
    """Rows like the reference's keep the reference's rate, and nearly all of its rows in effect."""
    reference, current = people(5000, 0.3, 3), people(5000, 0.3, 4)
    found = audit(current, reference)

    assert measure(found, "reweighted_error_rate").value == pytest.approx(
        float((reference.made != reference.y).mean()), abs=0.01
    )
    effective = measure(found, "effective_share").value
    assert effective is not None
    assert effective > 0.85
    miss = measure(found, "reweighted_miss")
    assert miss.low is not None
    assert miss.high is not None
    assert miss.low < 0 < miss.high


def test_a_change_of_concept_is_a_miss() -> None:
    """What the assumption cannot see shows once labels are there: realised minus reweighted excludes 0."""
    reference, current = people(5000, 0.3, 5), people(5000, 0.3, 6, error=(0.3, 0.6))
    miss = measure(audit(current, reference), "reweighted_miss")

    assert miss.low is not None
    assert miss.low > 0.1


def test_numbers_and_windows() -> None:
    """Predicted numbers have a mean absolute error, in each window too."""
    rng = np.random.default_rng(7)

    def numbers(n: int, shift: float) -> pd.DataFrame:
        x = rng.normal(shift, 1, n)
        truth = 2 * x + rng.normal(0, 1 + (x > 1), n)
        return pd.DataFrame({"x": x, "y": truth, "made": 2 * x})

    reference, current = numbers(5000, 0.0), pd.concat([numbers(2000, 0.0), numbers(2000, 0.8)], ignore_index=True)
    found = audit(current, reference, task="regression", windows={"rows": 2000})
    late = current.iloc[2000:]
    last = [m for m in found.measures if m.name == "reweighted_mean_absolute_error"][-1]
    assert last.window
    assert last.low is not None
    assert last.high is not None
    assert last.low < float((late.y - late.made).abs().mean()) < last.high
    assert [e.kind for e in found.evidence] == ["windows"]


def test_too_little_is_not_applicable() -> None:
    """Without a reference's labels, or with few of them, nothing is said, and why."""
    few = audit(people(500, 0.2, 8), people(60, 0.2, 9))
    assert (str(few.status), few.reason) == (
        "not_applicable", "the reference has under 100 rows with truth and prediction",
    )  # fmt: skip


@pytest.mark.slow
def test_intervals_hold_what_is_measured_later() -> None:
    """At least 93 % of intervals (less two standard errors) hold the realised rate, unmoved and moved."""
    for share in (0.3, 0.5):
        held = []
        for seed in range(200):
            reference, current = people(2000, 0.3, 2 * seed), people(1000, share, 2 * seed + 1)
            rate = measure(audit(current.drop(columns="y"), reference), "reweighted_error_rate")
            realised = float((current.made != current.y).mean())
            assert rate.low is not None
            assert rate.high is not None
            held.append(rate.low <= realised <= rate.high)
        print(share, np.mean(held))
        assert np.mean(held) >= 0.93 - 2 * np.sqrt(0.93 * 0.07 / 200)

"""Mitigations: measured on rows that they did not learn from, with how many they select beside the gap."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest
from sklearn.linear_model import LogisticRegression

import workbench as wb
from workbench.core.finding import Finding, Measure


def people(n: int, seed: int = 0) -> pd.DataFrame:
    """Return rows whose truth depends on a number and on sex."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"a": rng.normal(0, 1, n), "b": rng.normal(0, 1, n), "sex": rng.choice([0, 1], n)})
    frame["y"] = (frame.a + 0.8 * frame.sex + rng.logistic(0, 0.6, n) > 0.4).astype(int)
    return frame


def mitigated(data: pd.DataFrame, **given: Any) -> Finding:
    """Run the one check."""
    audit = wb.Audit(data, target="y", sensitive="sex", checks=["optimize.mitigation"], policy={"rules": []}, **given)
    return audit.run().finding("optimize.mitigation")


def one(found: Finding, name: str, where: str) -> Measure:
    """Return the measure of a method."""
    (measure,) = (m for m in found.measures if m.name == name and m.where == where)
    return measure


def test_it_is_measured_on_other_rows_and_narrows_the_gap() -> None:
    train = people(4000, 9)
    model = LogisticRegression().fit(train[["a", "b", "sex"]], train.y)
    found = mitigated(people(8000), model=model)
    before = one(found, "selection_rate_difference", "as it is")
    after = one(found, "selection_rate_difference", "thresholds by group")

    assert before.low is not None
    assert before.low > 0.1
    assert after.high is not None
    assert after.high < before.low
    assert before.n is not None
    assert before.n < 8000 * 0.55
    assert len(found.notes) == 1  # no method decides alike for all


def test_selection_rates_are_shares_of_the_same_rows_with_wilsons_interval() -> None:
    """The rate of all lies between those of the groups; its interval is SciPy's."""
    data = people(3000)
    data["score"] = 1 / (1 + np.exp(-data.a))
    found = mitigated(data, score="score")
    for method in dict.fromkeys(m.where for m in found.measures):
        rate, accuracy = one(found, "selection_rate", method), one(found, "accuracy", method)
        assert rate.n == accuracy.n
        selected = round(float(rate.value or 0) * int(rate.n or 0))
        ends = binomtest(selected, int(rate.n or 0)).proportion_ci(method="wilson")
        assert (rate.value, rate.low, rate.high) == pytest.approx((selected / int(rate.n or 1), ends.low, ends.high))
    own = one(found, "selection_rate", "as it is")
    whole = float((data.score >= 0.5).mean())  # the half differs from all rows by chance alone
    assert own.low is not None
    assert own.high is not None
    assert own.low - 0.02 < whole < own.high + 0.02


@pytest.mark.parametrize(("score", "whom"), [(0.9, "every row"), (0.1, "no row")])
def test_a_gap_that_cannot_open_is_told(score: float, whom: str) -> None:
    """A model that selects all, or nobody, has no gap and says nothing: the rate and a note tell so."""
    data = people(2000)
    data["score"] = score
    found = mitigated(data, score="score")
    assert one(found, "selection_rate", "as it is").value == round(score)
    assert one(found, "selection_rate_difference", "as it is").value == 0
    assert any(note.startswith(f"as it is: {whom} is selected") for note in found.notes)

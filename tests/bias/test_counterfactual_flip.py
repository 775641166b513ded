"""Another value in place of a sensitive one: rows that a model answers for each value, and those that it does not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

import workbench as wb
from workbench.core.errors import thousands


class Picky(LogisticRegression):  # type: ignore[misc]
    """Fails on rows with an `a` above its `most` once `sex` is 1."""

    most = 1.9

    def predict_proba(self, rows: Any) -> Any:
        """Return probabilities, or raise for all rows where one is not to its taste."""
        if ((rows["a"] > self.most) & (rows["sex"] == 1)).any():
            raise ValueError("secret 42")
        return super().predict_proba(rows)


def people() -> pd.DataFrame:
    """Return rows whose outcome depends on a number and on sex."""
    rng = np.random.default_rng(3)
    data = pd.DataFrame({"a": rng.normal(0, 1, 1500), "sex": rng.choice([0, 1], 1500)})
    return data.assign(y=(data.a + data.sex + rng.logistic(0, 1, 1500) > 0.5).astype(int))


CHECKS = ("bias.counterfactual_flip", "bias.group_rates", "performance.weak_segments", "quality.missing")


def test_rows_without_an_answer_for_a_value_are_not_taken_to_stay() -> None:
    """The share is that of rows answered both ways, by hand; every finding that rests on predictions tells the rest."""
    data = people()
    free = {"rules": [], "minimum_group_size": 5}
    picky = Picky().fit(data[["a", "sex"]], data.y)
    audit = wb.Audit(data, model=picky, target="y", sensitive="sex", policy=free, checks=list(CHECKS))
    record = audit.run()
    found = record.finding("bias.counterfactual_flip")
    rate = next(m for m in found.measures if m.name == "flip_rate")

    both = data[data.a <= 1.9][["a", "sex"]]
    flips = picky.predict(both.assign(sex=1 - both.sex)) != picky.predict(both)
    assert rate.n == len(both)
    assert rate.value == pytest.approx(flips.mean(), abs=1e-12)

    failing = int(((data.a > 1.9) & (data.sex == 1)).sum())
    lost = f"the model failed on {failing} rows with ValueError; they are left out"
    told = {f.check: lost in f.notes for f in record.findings}
    assert told == {check: check != "quality.missing" for check in CHECKS}
    assert f"measured on {thousands(1500 - failing)} of {thousands(1500)} rows" in found.notes
    assert "secret" not in record.to_json().decode()


def test_blocks_given_up_are_told() -> None:
    """Past a hundred rows that fail the search ends: rows without fault go with them, which is said."""
    data = people()
    picky = Picky().fit(data[["a", "sex"]], data.y)
    picky.most = 0.2
    audit = wb.Audit(data, model=picky, target="y", sensitive="sex", policy={"rules": []}, checks=["bias.group_rates"])
    (found,) = audit.run().findings
    of_themselves = int(((data.a > 0.2) & (data.sex == 1)).sum())
    counted = next(m for m in found.measures if m.name == "selection_rate" and not m.group).n or 0

    assert counted < len(data) - of_themselves
    assert (
        f"the model failed on {thousands(len(data) - counted)} rows with ValueError; they are left out" in found.notes
    )
    assert "where over 100 such rows are in one block, others of it may be left out with them" in found.notes

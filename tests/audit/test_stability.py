"""Verdicts under other seeds."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from workbench.core.errors import ConfigError


def people(n: int = 3000) -> pd.DataFrame:
    rng = np.random.default_rng(2)
    score = rng.random(n)
    return pd.DataFrame({"y": (rng.random(n) < score).astype(int), "score": score, "g": rng.choice(["a", "b"], n)})


def policy(measure: str, check: str, operator: str, limit: float) -> dict[str, object]:
    rule = {"id": "r", "check": check, "measure": measure, "operator": operator, "limit": limit, "basis": "point"}
    return {"rules": [rule]}


def test_counts_do_not_depend_on_the_seed() -> None:
    rules = policy("accuracy", "performance.classification", ">=", 0.5)
    audit = wb.Audit(people(), target="y", score="score", checks=["performance.classification"], policy=rules)
    found = audit.stability((1, 2, 3))

    assert found.stable
    assert dict(found.outcomes) == {1: "pass", 2: "pass", 3: "pass"}
    assert not found.turned
    assert "no judgement turned" in str(found)
    assert audit.record is None


def test_a_limit_in_the_middle_of_what_samples_give_turns() -> None:
    """Bias of 60 sampled rows against the median of what eight seeds give: some pass and some fail."""
    data = people()
    given = {"target": "y", "score": "score", "sensitive": ["g"], "sample": 60, "checks": ["bias.conditional_parity"]}
    seeds = tuple(range(8))
    values = []
    for seed in seeds:
        frame = wb.Audit(data, seed=seed, policy={"rules": []}, **given).run().to_frame()
        values.append(float(frame[frame.measure == "intercept"].value.iloc[0]))
    rules = policy("intercept", "bias.conditional_parity", "<=", float(np.median(values)))
    found = wb.Audit(data, policy=rules, **given).stability(seeds)

    assert not found.stable
    (turned,) = found.turned
    assert (turned.rule, turned.measure) == ("r", "intercept")
    assert dict(turned.outcomes) == {
        s: "pass" if v <= np.median(values) else "fail" for s, v in zip(seeds, values, strict=True)
    }
    assert "NOT the same" in str(found)


def test_one_seed_compares_nothing() -> None:
    audit = wb.Audit(people(50), target="y", score="score", checks=["performance.classification"])
    with pytest.raises(ConfigError, match="two or more"):
        audit.stability([3, 3])

"""Entities with several rows: slices add up, and intervals grow as a cluster bootstrap and theory say."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from workbench.core.counts import count
from workbench.core.dataset import Dataset, Roles
from workbench.core.entities import SLICES
from workbench.core.finding import Measure
from workbench.core.frame import wrap


def clustered(entities: int, size: int, correlation: float, seed: int) -> pd.DataFrame:
    """Return rows whose outcome, given the entity, has the given intra-class correlation; half of all are 1."""
    rng = np.random.default_rng(seed)
    if correlation:
        a = (1 - correlation) / correlation / 2
        own = rng.beta(a, a, entities)
    else:
        own = np.full(entities, 0.5)
    who = np.repeat(np.arange(entities), size)
    y = (rng.random(len(who)) < own[who]).astype(int)
    score = np.clip(0.25 + 0.5 * y + rng.normal(0, 0.3, len(who)), 0, 1)
    sex = np.where(rng.random(entities) < 0.5, "F", "M")[who]
    return pd.DataFrame({"who": who, "y": y, "score": score, "sex": sex})


def measured(frame: pd.DataFrame, entity: str | None, checks: list[str]) -> dict[tuple[str, str], Measure]:
    """Return the measures of an audit by name and group."""
    ignore = [] if entity else ["who"]
    audit = wb.Audit(frame, target="y", score="score", sensitive="sex", entity=entity, ignore=ignore, checks=checks)
    return {(m.name, m.group): m for f in audit.run().findings for m in f.measures}


def half(m: Measure) -> float:
    """Return half the width of a measure's interval."""
    assert m.low is not None
    assert m.high is not None
    return (m.high - m.low) / 2


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_slices_add_up(task: str) -> None:
    """The slices' tables add to the table of all rows, and leaving one out takes its rows away."""
    frame = clustered(300, 4, 0.3, 1).assign(made=lambda d: d["y"])
    roles = Roles(target="y", prediction="made", sensitive=("sex",), entity="who", task=task, ignore=("score",))
    found = count(Dataset(wrap(frame), roles))
    assert found.slices is not None
    outcome: Any = found.joint or found.classes or found.regression
    total = found.slices.tables[0]
    for table in found.slices.tables[1:]:
        total = total + table

    assert len(found.slices.tables) == SLICES
    assert total.to_dict() == outcome.to_dict()
    for i, rest in ((0, found.slices.without()[0]), (63, found.slices.without()[63]), (9, found.slices.without()[9])):
        assert (rest + found.slices.tables[i]).to_dict() == outcome.to_dict()


def test_intervals_grow_with_the_design_effect() -> None:
    """A rate's interval is wider by the root of 1 + (m - 1) rho, as sampling theory says (Kish 1965)."""
    quotients = []
    for seed in range(8):
        frame = clustered(2000, 5, 0.3, seed)
        checks = ["performance.classification"]
        alone, grouped = (measured(frame, e, checks)["prevalence", ""] for e in (None, "who"))
        assert grouped.value == alone.value
        assert grouped.n == alone.n
        quotients.append(half(grouped) / half(alone))

    assert np.mean(quotients) == pytest.approx(math.sqrt(1 + 4 * 0.3), rel=0.05)


def test_auc_agrees_with_a_cluster_bootstrap() -> None:
    """The standard error of AUC is that of drawing whole entities with replacement, within sampling error."""
    from sklearn.metrics import roc_auc_score

    frame = clustered(800, 6, 0.5, 3)
    blocks = [g for _, g in frame.groupby("who")[["y", "score"]]]
    rng = np.random.default_rng(0)
    draws = []
    for _ in range(300):
        drawn = pd.concat([blocks[i] for i in rng.integers(0, len(blocks), len(blocks))])
        draws.append(roc_auc_score(drawn["y"], drawn["score"]))
    found = measured(frame, "who", ["performance.classification"])["roc_auc", ""]

    assert half(found) / 1.998 == pytest.approx(float(np.std(draws)), rel=0.25)


def test_gaps_grow_too_and_never_shrink() -> None:
    """A gap between groups is as wide as its groups' rates demand; rows that are alike in no way change little."""
    frame = clustered(600, 8, 0.6, 5)
    alone, grouped = (measured(frame, e, ["bias.group_rates"]) for e in (None, "who"))
    key = ("selection_rate_difference", "")

    assert half(grouped[key]) > 1.5 * half(alone[key])
    for k, m in grouped.items():
        if m.low is not None and m.high is not None:
            assert half(m) >= half(alone[k]) - 1e-12, k
    drawn = next(f for f in wb.Audit(frame, target="y", score="score", sensitive="sex", entity="who",
                                     checks=["bias.group_rates"]).run().findings).evidence[0]  # fmt: skip
    row = dict(zip(drawn.columns, drawn.rows[0], strict=True))
    assert row["low"] == grouped["selection_rate", row["group"]].low


def test_independent_rows_change_little() -> None:
    """With an entity for each row, intervals stay within what the jackknife's noise adds."""
    frame = clustered(4000, 1, 0.0, 2)
    alone, grouped = (measured(frame, e, ["performance.classification"]) for e in (None, "who"))
    for name in ("accuracy", "precision", "recall", "prevalence", "roc_auc", "brier_score"):
        assert 1 <= half(grouped[name, ""]) / half(alone[name, ""]) < 1.35, name


def test_a_group_of_one_entity_has_no_interval() -> None:
    """Rows of one person say nothing on persons: no interval, and so no verdict."""
    frame = clustered(300, 4, 0.3, 4)
    frame.loc[frame["who"] == 7, "sex"] = "X"
    frame = pd.concat([frame, *[frame[frame["who"] == 7]] * 5], ignore_index=True)
    found = measured(frame, "who", ["bias.group_rates"])
    alone = found["selection_rate", "sex=X"]

    assert alone.value is not None
    assert (alone.low, alone.high, alone.method) == (None, None, "none: too few entities")
    assert found["selection_rate_difference", ""].low is None


def test_checks_without_slices_say_so() -> None:
    """A check that reads columns or a sample says that it takes rows as independent."""
    frame = clustered(200, 4, 0.3, 4).assign(age=lambda d: np.arange(len(d)) % 70)
    audit = wb.Audit(frame, target="y", score="score", sensitive="sex", entity="who")
    notes = {f.check: " ".join(f.notes) for f in audit.run().findings if f.status == "measured"}

    assert "taken as independent" in notes["quality.profile"]
    assert "jackknife" in notes["bias.group_rates"]
    assert "taken as independent" in notes["performance.weak_segments"]


@pytest.mark.slow
def test_coverage_with_clusters_of_five() -> None:
    """Where the interval of independent rows covers some 81 %, the widened one covers at least 93 %."""
    hits, plain, times = 0, 0, 150
    for seed in range(times):
        frame = clustered(200, 5, 0.3, 10_000 + seed)
        for entity in (None, "who"):
            m = measured(frame, entity, ["performance.classification"])["prevalence", ""]
            held = m.low is not None and m.high is not None and m.low <= 0.5 <= m.high
            hits, plain = (hits + held, plain) if entity else (hits, plain + held)
    print(f"entities of five, rho 0.3: {hits / times:.3f} with entities, {plain / times:.3f} without")

    assert hits / times >= 0.93
    assert plain / times < 0.9

"""People scored and decided about, in groups large and too small to be told: what the explorers are tried on."""

from __future__ import annotations

import numpy as np
import pandas as pd

import workbench as wb
from workbench.audit.record import Record

SIZES = {"A": 400, "B": 300, "C": 60, "tiny": 7}


def people(seed: int = 0, sizes: dict[str, int] | None = None) -> pd.DataFrame:
    """Return rows with group, sex, a score on a grid of 101 values and a truth that follows it."""
    rng = np.random.default_rng(seed)
    group = np.repeat(list(sizes or SIZES), list((sizes or SIZES).values()))
    score = rng.integers(0, 101, len(group)) / 100
    return pd.DataFrame(
        {
            "group": group,
            "sex": rng.choice(["F", "M"], len(group)),
            "score": score,
            "x": rng.normal(size=len(group)),
            "y": (rng.random(len(group)) < score).astype(int),
        }
    )


def record_of(data: pd.DataFrame, checks: list[str] | None = None, **more: object) -> Record:
    """Return the record of an audit of such rows at threshold 0.5."""
    roles = {"target": "y", "score": "score", "sensitive": ["group", "sex"], **more}
    return wb.Audit(data, checks=checks or ["bias.group_rates", "performance.classification"], **roles).run()  # type: ignore[arg-type]

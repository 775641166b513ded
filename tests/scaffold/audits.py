"""Small real audits for pipelines to run: data, a model that has learnt or one that has not, a policy of one rule."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import skops.io as sio
from sklearn.linear_model import LogisticRegression

BIN = Path(sys.prefix) / "bin"
TOOLS = Path(sys.prefix) / "tools"

PLAN = """\
title: A small audit
data: data.csv
model: model.skops
target: y
positive: 1
sensitive: [sex]
checks: [performance.classification]
policy:
  rules:
    - {id: acc, measure: accuracy, operator: '>=', limit: 0.8, severity: fail, reason: Right four times in five.}
"""
UNANSWERED = PLAN[: PLAN.index("  rules:")] + "  rules: []\n"


def write_audit(folder: Path, verdict: str = "pass", plan: str = "plan.yaml") -> None:
    """Write a plan with its data and model, whose verdict is pass, fail or incomplete."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 400))
    truth = (a + b > 0).astype(int)
    learnt = truth if verdict != "fail" else 1 - truth
    sio.dump(LogisticRegression().fit(pd.DataFrame({"a": a, "b": b}), learnt), folder / "model.skops")
    data = pd.DataFrame({"a": a.round(6), "b": b.round(6), "sex": rng.choice(["F", "M"], 400), "y": truth})
    data.to_csv(folder / "data.csv", index=False)
    (folder / plan).write_text(UNANSWERED if verdict == "incomplete" else PLAN)

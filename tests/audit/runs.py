"""Audits that a worker process runs: small data, checks and models that end badly."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

import workbench as wb
from workbench.audit.record import Record
from workbench.core.finding import Finding

POLICY = {"rules": [{"id": "missing", "check": "quality.missing", "measure": "missing_share", "column": "*",
                     "operator": "<=", "limit": 0.5}]}  # fmt: skip


def data(rows: int = 400) -> pd.DataFrame:
    rng = np.random.default_rng(3)
    x = rng.normal(size=rows)
    frame = pd.DataFrame({"x": x, "word": rng.choice(["a", "b", None], rows), "g": rng.choice(["m", "w"], rows)})
    frame["y"] = (rng.random(rows) < 1 / (1 + np.exp(-x))).astype(int)
    frame["score"] = 1 / (1 + np.exp(-x + rng.normal(0, 0.2, rows)))
    frame["at"] = pd.Timestamp("2026-01-01") + pd.to_timedelta(np.arange(rows), "h")
    return frame


def quick(**options: Any) -> wb.Audit:
    given = {"target": "y", "score": "score", "sensitive": "g", "time": "at", "policy": POLICY, "title": "Quick"}
    checks = ["quality.missing", "performance.classification", "bias.group_rates"]
    return wb.Audit(options.pop("data", data()), **{**given, "checks": checks, **options})


def sleeps(subject: Any) -> Any:
    import time

    time.sleep(600)
    return wb.Result([])


def eats(subject: Any) -> Any:
    held = []
    while True:
        held.append(bytearray(os.urandom(1) * 20_000_000))


def crashes(subject: Any) -> Any:
    os._exit(7)


def raises(subject: Any) -> Any:
    raise KeyError("secret value of a row")


def of(record: Record) -> dict[str, Finding]:
    return {f.check: f for f in record.findings}


def fitted(kind: str = "") -> Any:
    from sklearn.linear_model import LogisticRegression

    base = LogisticRegression
    if kind == "raises":

        class Model(base):  # type: ignore[misc,valid-type]
            def predict_proba(self, rows: Any) -> Any:
                raise ValueError("secret")
    elif kind == "hangs":

        class Model(base):  # type: ignore[misc,valid-type,no-redef]
            def predict_proba(self, rows: Any) -> Any:
                import time

                time.sleep(600)
    elif kind == "eats":

        class Model(base):  # type: ignore[misc,valid-type,no-redef]
            def predict_proba(self, rows: Any) -> Any:
                held = []
                while True:
                    held.append(bytearray(b"x" * 20_000_000))
    elif kind == "dies":

        class Model(base):  # type: ignore[misc,valid-type,no-redef]
            def predict_proba(self, rows: Any) -> Any:
                import os

                os._exit(9)
    else:
        Model = base  # type: ignore[misc]
    Model.__module__ = "__main__" if kind else Model.__module__
    frame = data()
    return Model().fit(frame[["x"]], frame.y)


def with_model(model: Any, **options: Any) -> wb.Audit:
    return quick(model=model, score=None, ignore=["score"], **options)


def until(ready: Callable[[], bool], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.02)

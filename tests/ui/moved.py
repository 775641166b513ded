"""Data whose columns and outcome move half way through, with an audit over windows of it."""

from __future__ import annotations

from typing import Any

HOSTILE = "<img src=x onerror=alert(1)>"


def moved(rows: int = 2000) -> dict[str, Any]:
    """Return the arguments of an audit: eight windows of the reference, eight of data that moves after the fourth."""
    import numpy as np
    import pandas as pd

    def side(seed: int, shift: float) -> Any:
        rng = np.random.default_rng(seed)
        late = (np.arange(rows) >= rows // 2) * shift
        x = rng.normal(0, 1, rows) + late
        other = rng.normal(0, 1, rows)
        word = np.where(rng.random(rows) < 0.3 + 0.3 * late / 2, "a", "b")
        score = 1 / (1 + np.exp(-(1.2 * x + 0.2 * other)))
        gone = rng.random(rows) < 0.1 * (shift > 0)
        return pd.DataFrame(
            {
                "at": pd.Timestamp("2026-01-01") + pd.to_timedelta(np.arange(rows), "h"),
                "x": x.round(3), "other": np.where(gone, np.nan, other.round(3)),
                "<img src=x onerror=alert(1)>": word, "score": score.round(4),
                "y": (rng.random(rows) < score).astype(int),
            }
        )  # fmt: skip

    rules = [
        {"id": "ks", "check": "drift.numeric", "measure": "ks", "operator": "<=", "limit": 0.1},
        {"id": "missing", "check": "drift.missing", "measure": "missing_share_change", "column": "*",
         "operator": "<=", "limit": 0.02},
        {"id": "ks-window", "check": "drift.windows", "measure": "ks", "column": "*", "window": "*",
         "operator": "<=", "limit": {"windows": "prediction"}},
        {"id": "accuracy-window", "check": "performance.windows", "measure": "accuracy", "window": "*",
         "operator": "between", "limit": {"windows": "prediction"}},
    ]  # fmt: skip
    checks = [
        "drift.numeric", "drift.categorical", "drift.missing", "drift.windows", "quality.windows",
        "performance.windows", "performance.estimated",
    ]  # fmt: skip
    return {
        "data": side(1, 2.0), "reference": side(2, 0.0), "target": "y", "score": "score", "time": "at",
        "windows": {"rows": rows // 8}, "checks": checks, "policy": {"rules": rules}, "title": "Moved half way",
    }  # fmt: skip

"""The car-loan data replayed window by window, and a small stream made here."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from workbench.audit.plan import Plan, plan_of

POLICY = {
    "minimum_group_size": 10,
    "rules": [
        {"id": "value-drift", "check": "drift.numeric", "measure": "ks", "column": "x", "operator": "<=", "limit": 0.1,
         "requirement": "model card 4.2", "owner": "risk team", "retention": "P5Y"},
    ],
}  # fmt: skip


def small(seed: int, rows: int = 400, shift: float = 0.0, start: str = "2026-01-01", days: int = 28) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    at = pd.Timestamp(start, tz="UTC") + pd.to_timedelta(np.sort(rng.uniform(0, days * 86_400, rows)), unit="s")
    return pd.DataFrame(
        {
            "at": at.floor("us"),
            "id": np.arange(rows) + seed * 100_000,
            "x": rng.normal(shift, 1, rows),
            "group": rng.choice(["a", "b"], rows),
        }
    )


@pytest.fixture
def stream(tmp_path: Path):
    """A reference, a folder for new files, and a plan that watches it by month."""
    folder = tmp_path / "new"
    folder.mkdir()
    small(0, rows=2000).to_parquet(tmp_path / "reference.parquet")

    def plan(**changes) -> Plan:
        monitor = {"store": str(tmp_path / "store"), "windows": {"by": "month"}, **changes.pop("monitor", {})}
        content = {
            "title": "Stream",
            "data": str(folder / "*.parquet"),
            "reference": str(tmp_path / "reference.parquet"),
            "time": "at",
            "id": "id",
            "sensitive": ["group"],
            "checks": ["drift.numeric", "quality.duplicates", "quality.missing"],
            "policy": POLICY,
            "monitor": monitor,
            **changes,
        }
        return plan_of(content)

    return folder, plan

"""Loans that keep a contract, and later ones that break it in known rows: what the contract's table is tried on."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd

from workbench.audit.contracts import contract_yaml, load_contract
from workbench.cli import main
from workbench.core.contract_edit import accept

ROWS = 2000


def loans() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return loans and later ones: 21 ages of 130, 5 regions misspelt, 301 incomes gone, 2 repeated keys, 1 order."""
    rng = np.random.default_rng(0)
    opened = pd.date_range("2026-01-01", periods=ROWS, freq="h", tz="UTC")
    before = pd.DataFrame(
        {
            "person": [f"P-{i:05d}" for i in range(ROWS)],
            "age": np.concatenate([[18, 79], rng.integers(18, 80, ROWS - 2)]),
            "income": rng.lognormal(10, 0.5, ROWS).round(2),
            "region": rng.choice(["north", "south", "east", "west"], ROWS),
            "opened": opened,
            "closed": opened + pd.Timedelta(days=3),
            "score": rng.random(ROWS),
            "y": rng.integers(0, 2, ROWS),
        }
    )
    after = before.copy()
    after.loc[::97, "age"] = 130
    after.loc[5:9, "region"] = "nroth"
    after.loc[100:400, "income"] = None
    after.loc[[3, 4], "person"] = "P-00001"
    after.loc[7, "closed"] = after.loc[7, "opened"] - pd.Timedelta(days=1)
    return before, after


def write_loans(folder: Path) -> Path:
    """Write the data, a proposed contract.yaml, and a plan whose contract has four rules accepted."""
    for name, data in zip(("reference", "current"), loans(), strict=True):
        data.to_parquet(folder / f"{name}.parquet")
    command = ["contract", "infer", str(folder / "reference.parquet"), "-o", str(folder / "contract.yaml")]
    assert main([*command, "--unique", "person"]) == 0
    keys = ["age: range", "region: allowed values", "age", "opened <= closed"]
    agreed = accept(load_contract(folder / "contract.yaml"), keys)
    (folder / "agreed.yaml").write_text(contract_yaml(agreed), "utf-8")
    plan = {
        "data": str(folder / "current.parquet"),
        "reference": str(folder / "reference.parquet"),
        "contract": str(folder / "agreed.yaml"),
        "target": "y",
        "score": "score",
        "id": "person",
        "ignore": ["opened", "closed"],
        "title": "Loans",
        "checks": ["quality.contract", "quality.missing"],
    }
    (folder / "plan.yaml").write_text(json.dumps(plan), "utf-8")
    return folder

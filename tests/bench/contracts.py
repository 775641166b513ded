"""A contract of 30 rules on ROWS rows against pandera (pandas, lazy), in CPU seconds of one process.

`python -m tests.bench.contracts`; ROWS in the environment sets it (1,000,000). Both judge the same 30 rules of the
benchmarks' frame, which keeps all of them but one: a range is broken by a third of the rows. Each side is measured from
the Parquet file, reading included, and from a pandas frame in memory. Answers are held equal. pandera is a dependency
of this benchmark alone: without it only our side is measured, and that is said.
"""

from __future__ import annotations

import os
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tests.bench.__main__ import cpu
from tests.bench.data import frame
from workbench.core.contract import Contract
from workbench.core.contract_judge import Judgements, Naming, judge_data
from workbench.core.frame import wrap
from workbench.load import open_frame

FAR = 1e7
SETS = {f"cat_{i:02d}": [f"c{i}_{j:03d}" for j in range(200)] for i in range(6)}
FORM = "c[0-9]_[0-9]{3}"
PRESENT = ("region", "sex", "y", "pred", "score", "ts")
BROKEN = ("num_00", -1, 1)


def rules() -> list[dict[str, Any]]:
    """Return the 30 rules: 1 key, 12 ranges, 6 sets, 3 patterns, 6 of missing values, 1 length, 1 mean."""
    ranges = [{"rule": "range", "column": f"num_{i:02d}", "minimum": -FAR, "maximum": FAR} for i in range(1, 12)]
    ranges.append({"rule": "range", "column": BROKEN[0], "minimum": BROKEN[1], "maximum": BROKEN[2]})
    return [
        {"rule": "unique", "columns": ["id"]},
        *ranges,
        *({"rule": "in_set", "column": c, "values": v} for c, v in SETS.items()),
        *({"rule": "pattern", "column": f"cat_{i:02d}", "pattern": FORM} for i in range(6, 9)),
        *({"rule": "not_null", "column": c} for c in PRESENT),
        {"rule": "length", "column": "region", "minimum": 3, "maximum": 8},
        {"rule": "mean", "column": "num_02", "minimum": 0},
    ]


def schema(pa: Any) -> Any:
    """Return the same rules as a pandera schema."""
    within = {f"num_{i:02d}": pa.Check.in_range(-FAR, FAR) for i in range(12)}
    within[BROKEN[0]] = pa.Check.in_range(*BROKEN[1:])
    columns = {c: pa.Column(None, check, nullable=True) for c, check in within.items()}
    columns |= {c: pa.Column(None, pa.Check.isin(v), nullable=True) for c, v in SETS.items()}
    columns |= {f"cat_{i:02d}": pa.Column(None, pa.Check.str_matches(f"{FORM}$"), nullable=True) for i in range(6, 9)}
    columns |= {c: pa.Column(None, nullable=False) for c in PRESENT}
    columns["region"] = pa.Column(None, pa.Check.str_length(3, 8), nullable=False)
    columns["id"] = pa.Column(None, unique=True, nullable=True)
    return pa.DataFrameSchema(columns, checks=pa.Check(lambda d: d["num_02"].mean() >= 0))


def failing_by_pandera(pa: Any, made: Any, data: pd.DataFrame) -> int:
    """Return the number of failing values that pandera finds, all of them (lazy)."""
    try:
        made.validate(data, lazy=True)
    except pa.errors.SchemaErrors as error:
        return len(error.failure_cases)
    return 0


def main() -> None:
    """Measure both sides and print the ratios."""
    rows = int(os.environ.get("ROWS", "1000000"))
    data = frame(rows, True, np.random.default_rng([20261123, rows]))
    data.insert(0, "id", np.arange(rows))
    contract = Contract.from_dict({"columns": {name: {} for name in data.columns}, "rules": rules()})
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "data.parquet"
        data.to_parquet(file, index=False)
        found: list[Judgements] = []
        from_file = cpu(lambda: found.append(judge_data(open_frame(file), contract, naming=Naming())), 3)
        held = cpu(lambda: found.append(judge_data(wrap(data), contract, naming=Naming())), 3)
        ours = sum(r.failing or 0 for r in found[-1].rules)
        print(f"{rows:,} rows, {len(contract.rules)} rules, {found[0].queries} queries; {ours:,} failing values")
        print(f"contract: {from_file:.2f} CPU s from Parquet, {held:.2f} from the pandas frame")
        _compare(data, file, ours, (from_file, held))


def _compare(data: pd.DataFrame, file: Path, ours: int, seconds: tuple[float, float]) -> None:
    try:
        import pandera.pandas as pa
    except ImportError:
        print("pandera is not installed: no ratio is measured (install it for this benchmark alone)")
        return
    made = schema(pa)
    theirs = failing_by_pandera(pa, made, data)
    if theirs != ours:
        raise SystemExit(f"the answers differ: {ours:,} failing values here, {theirs:,} by pandera")
    from_file = cpu(lambda: failing_by_pandera(pa, made, pd.read_parquet(file)), 3)
    held = cpu(lambda: failing_by_pandera(pa, made, data), 3)
    print(f"pandera {version('pandera')}: {from_file:.2f} CPU s from Parquet, {held:.2f} from the pandas frame")
    ratios = (from_file / seconds[0], held / seconds[1])
    print(f"pandera / contract: {ratios[0]:.1f} from Parquet, {ratios[1]:.1f} from the pandas frame")


if __name__ == "__main__":
    main()

"""A contract of 30 rules on ROWS rows against pandera (pandas, lazy), in CPU seconds of one process.

`python -m tests.bench.contracts`; ROWS in the environment sets it (1,000,000). Both judge the same 30 rules of the
benchmarks' frame, which keeps all of them but one: a range is broken by a third of the rows. Each side is measured from
the Parquet file, reading included, and from a pandas frame in memory. Answers are held equal; the table is kept.
pandera is a dependency of this benchmark alone: without it only our side is measured, and that is said.
"""

from __future__ import annotations

import math
import os
import tempfile
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tests.bench.__main__ import cpu
from tests.bench.data import frame
from workbench.core.contract import Contract
from workbench.core.contract_judge import Naming, judge_data
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


def sides(data: pd.DataFrame, file: Path, contract: Contract) -> dict[str, dict[str, Callable[[], object]]]:
    """Return what each side does from the file and from the frame; pandera's is missing where it is not installed."""
    naming = Naming()
    ours = {
        "Parquet": lambda: judge_data(open_frame(file), contract, naming=naming),
        "pandas frame": lambda: judge_data(wrap(data), contract, naming=naming),
    }
    try:
        import pandera.pandas as pa
    except ImportError:
        print("pandera is not installed: no ratio is measured (install it for this benchmark alone)")
        return {"contract": ours}
    made = schema(pa)
    theirs, found = failing_by_pandera(pa, made, data), ours["Parquet"]()
    if theirs != sum(r.failing or 0 for r in found.rules):
        raise SystemExit(f"the answers differ: {theirs:,} failing values by pandera")
    return {
        "contract": ours,
        "pandera": {
            "Parquet": lambda: failing_by_pandera(pa, made, pd.read_parquet(file)),
            "pandas frame": lambda: failing_by_pandera(pa, made, data),
        },
    }


def table(data: pd.DataFrame, file: Path, contract: Contract) -> str:
    """Measure both sides in turn, the least of three runs each, and return the table."""
    found = judge_data(open_frame(file), contract, naming=Naming())
    every = sides(data, file, contract)
    least: dict[tuple[str, str], float] = {}
    for _ in range(3):
        for side, ways in every.items():
            for way, work in ways.items():
                least[side, way] = min(least.get((side, way), math.inf), cpu(work))
    lines = ["| from | contract, CPU seconds | pandera, CPU seconds | pandera over contract |", "|---|---|---|---|"]
    for way in every["contract"]:
        ours, theirs = least["contract", way], least.get(("pandera", way))
        told = "| not measured | |" if theirs is None else f"| {theirs:.2f} | {theirs / ours:.1f} |"
        lines.append(f"| {way} | {ours:.2f} {told}")
    failing = sum(r.failing or 0 for r in found.rules)
    about = f"{len(data):,} rows x {len(data.columns)} columns, {len(contract.rules)} rules, {found.queries} queries"
    return "\n".join([f"{about}; {failing:,} failing values, by both.", "", *lines])


def main() -> None:
    """Measure both sides, print the ratios and keep them."""
    rows = int(os.environ.get("ROWS", "1000000"))
    data = frame(rows, True, np.random.default_rng([20261123, rows]))
    data.insert(0, "id", np.arange(rows))
    contract = Contract.from_dict({"columns": {name: {} for name in data.columns}, "rules": rules()})
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "data.parquet"
        data.to_parquet(file, index=False)
        found = table(data, file, contract)
    print(found)
    if "not measured" not in found and rows == 1_000_000:
        KEPT.write_text(f"{_TITLE}\n\n{found}\n\n{_SAID.format(version=version('pandera'))}\n", "utf-8")


KEPT = Path(__file__).parent / "kept" / "contracts.md"
_TITLE = "# A contract's check against pandera: CPU seconds of one process, the least of three runs in turn"
_SAID = """pandera {version} in pandas, lazy: it lists every failing value; the second query here names the first 20
rows of each broken rule. A fifth of pandera's cost was asked: reached from Parquet, not from a frame, where a third of
our time makes Arrow of Python objects and the query reads text without the dictionaries that Parquet has."""


if __name__ == "__main__":
    main()

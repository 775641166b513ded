"""Univariate drift of 30 columns against the NumPy limit, and memory over many rows: `python -m tests.bench.drift`.

1. 20 number and 10 category columns of 2 x N rows held in memory: exact KS with p-values and chi-square by NumPy and
   SciPy alone (sort, search, count), against drift.numeric and drift.categorical of an audit, in CPU seconds of one
   process. The audit also hashes every cell for its fingerprint, counts duplicates, and measures eleven distances each.
2. `--many N`: an audit of N rows in several Parquet files written here, in a process of its own; its peak memory.
Ratios to other tools are to figures recorded elsewhere, not measured here. `--keep` keeps a page in tests/bench/kept.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

import workbench as wb
from tests.bench.__main__ import cpu
from tests.bench.data import frame

NUMBERS = [f"num_{i:02d}" for i in range(20)]
CATEGORIES = [f"cat_{i:02d}" for i in range(10)]
CHECKS = ["drift.numeric", "drift.categorical"]
KEPT = Path(__file__).parent / "kept"
NOTHING = {"rules": []}
RECORDED = {
    "Evidently 0.7.23 (Wasserstein and Jensen-Shannon, with plots)": 138.0,
    "NannyML 0.13.1 (KS and chi-square, ten chunks)": 13.5,
}
"""CPU seconds of others at 2 x 1,000,000 rows of these 30 columns, recorded before on 2 cores; not measured here."""


def limit(current: pd.DataFrame, reference: pd.DataFrame) -> dict[str, float]:
    """Return KS and its p of each number, chi-square and its p of each category, by NumPy and SciPy."""
    from scipy import stats

    found: dict[str, float] = {}
    for name in NUMBERS:
        a, b = (np.sort(side[name].to_numpy()[side[name].notna().to_numpy()]) for side in (reference, current))
        support = np.concatenate((a, b))
        gap = np.searchsorted(a, support, "right") / len(a) - np.searchsorted(b, support, "right") / len(b)
        d = float(np.abs(gap).max())
        found[name] = d
        found[f"{name} p"] = float(stats.kstwobign.sf(d * np.sqrt(len(a) * len(b) / (len(a) + len(b)))))
    for name in CATEGORIES:
        table = pd.concat([reference[name].value_counts(), current[name].value_counts()], axis=1).fillna(0).to_numpy()
        statistic, p, _, _ = stats.chi2_contingency(table.T, correction=False)
        found[name], found[f"{name} p"] = float(statistic), float(p)
    return found


def ours(current: pa.Table, reference: pa.Table) -> pd.DataFrame:
    """Return the measures of an audit of both."""
    return wb.Audit(current, reference=reference, checks=CHECKS, policy=NOTHING).run().to_frame()


def against_limit(rows: int) -> dict[str, float]:
    """Measure both on the same columns, and hold the numbers against each other."""
    sides = [frame(rows, now, np.random.default_rng([20261123, rows, now]))[[*NUMBERS, *CATEGORIES]] for now in (1, 0)]
    tables = [pa.Table.from_pandas(side, preserve_index=False) for side in sides]
    ours(*(t.slice(0, 2000) for t in tables))
    limit(*(s.head(2000) for s in sides))
    expected, found = limit(*sides), ours(*tables)
    ks = found[found.measure == "ks"].set_index("column")
    off = max(abs(ks.value[n] - expected[n]) - (ks.error_bound[n] if ks.error_bound[n] > 0 else 0) for n in NUMBERS)
    mine, plain = cpu(lambda: ours(*tables), 2), cpu(lambda: limit(*sides), 2)
    return {
        "rows": rows, "limit_cpu": plain, "ours_cpu": mine, "ours_over_limit": mine / plain,
        "ks_off_beyond_bound": max(0.0, float(off)),
    }  # fmt: skip


def many(rows: int, files: int, columns: int, folder: Path) -> dict[str, float]:
    """Write files of generated rows, audit them in another process, and return its peak memory."""
    each = rows // files
    names = [*NUMBERS[: columns // 2], *CATEGORIES[: columns - columns // 2]]
    part = frame(min(each, 1_000_000), True, np.random.default_rng(1))[names]
    table = pa.Table.from_pandas(part, preserve_index=False)
    for i in range(files):
        with pq.ParquetWriter(folder / f"{i:03d}.parquet", table.schema) as writer:
            for _ in range(max(1, each // len(part))):
                writer.write_table(table)
    frame(100_000, False, np.random.default_rng(2))[names].to_parquet(folder / "reference.parquet", index=False)
    code = (
        "import resource, sys, time, workbench as wb\n"
        "current, reference = sys.argv[1:]\n"
        f"audit = wb.Audit(current, reference=reference, checks={CHECKS!r}, policy={NOTHING!r})\n"
        "record = audit.run()\n"
        "usage = resource.getrusage(resource.RUSAGE_SELF)\n"
        "print(record.subject['current']['rows'], usage.ru_maxrss, usage.ru_utime + usage.ru_stime)\n"
    )
    command = [sys.executable, "-c", code, str(folder / "0*.parquet"), str(folder / "reference.parquet")]
    counted, peak, seconds = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    return {"rows": int(counted), "columns": columns, "peak_gib": int(peak) / 2**20, "cpu": float(seconds)}


def page(near: dict[str, float], far: dict[str, float] | None) -> str:
    """Return what was measured as Markdown."""
    lines = ["# Univariate drift: cost against the NumPy limit, and memory over many rows", ""]
    lines += [f"30 columns, {near['rows']:,} x 2 rows in memory, CPU seconds of one process.", ""]
    lines += ["| what | CPU seconds | ours over it |", "|---|---|---|"]
    lines += [f"| an audit: drift.numeric and drift.categorical, fingerprint | {near['ours_cpu']:.2f} | |"]
    lines += [
        f"| NumPy and SciPy alone: exact KS, chi-square | {near['limit_cpu']:.2f} | {near['ours_over_limit']:.2f} |"
    ]
    if near["rows"] == 1_000_000:
        for tool, seconds in RECORDED.items():
            ratio = near["ours_cpu"] / seconds
            lines.append(f"| {tool}, as recorded, not measured here | {seconds:g} | {ratio:.2f} |")
    if far is not None:
        lines += ["", f"{far['rows']:,} rows x {far['columns']} columns in ten Parquet files: ", ""]
        lines[-2] += f"{far['peak_gib']:.2f} GiB resident at most, {far['cpu']:.0f} CPU seconds."
    return "\n".join(lines).rstrip() + "\n"


def main(argv: list[str] | None = None) -> int:
    """Run what is asked for and print one JSON line each."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.drift", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--many", type=int, default=0)
    parser.add_argument("--columns", type=int, default=6)
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args(argv)
    near, far = against_limit(options.rows), None
    print(json.dumps({"bench": "univariate drift against NumPy", **near}))
    if options.many:
        with tempfile.TemporaryDirectory() as folder:
            far = many(options.many, 10, options.columns, Path(folder))
        print(json.dumps({"bench": "many rows", **far}))
    if options.keep:
        KEPT.mkdir(exist_ok=True)
        (KEPT / "drift.md").write_text(page(near, far), "utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

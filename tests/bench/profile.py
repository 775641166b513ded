"""The profile against plain DuckDB and Polars, and of many columns: `python -m tests.bench.profile`.

1. One Parquet file of N x 33 columns: an audit by quality.profile and quality.missing against DuckDB and Polars that
   compute the same numbers (missing, distinct, range, mean, deviation, skewness, kurtosis, five quantiles, zeros,
   negatives, infinities, 24 bins; lengths and every value's count of texts). Each in a process of its own, after a run
   on 2,000 rows: CPU seconds of all its threads, and its peak memory. The numbers are held against DuckDB's. Ours has
   columns of over 131,072 distinct values in bins: quantiles with a bound, and no exact count of distinct numbers. So
   DuckDB is run with its approximate counts and quantiles too.
2. `--wide C`: C columns x 100,000 rows beside a reference of as many: seconds, memory, and the size of the report.
Ours hashes every cell for the fingerprint and counts which columns are missing together, which the plain ones do not.
`--keep` keeps a page in tests/bench/kept.
"""

from __future__ import annotations

import argparse
import json
import math
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

import workbench as wb
from tests.bench.data import frame
from workbench.audit.record import Record
from workbench.core.finding import Measure
from workbench.report.html import render_html

CHECKS = ["quality.profile", "quality.missing"]
WIDE_CHECKS = [*CHECKS, "quality.associations"]
NOTHING: dict[str, Any] = {"rules": []}
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
BINS = 24
KEPT = Path(__file__).parent / "kept"
HELD = {
    "minimum": "min", "maximum": "max", "mean": "avg", "standard_deviation": "stddev_samp", "skewness": "skewness",
    "kurtosis": "kurtosis", "distinct": "distinct", "zero_share": "zeros", "negative_share": "negatives",
    "median": "q0.5",
}  # fmt: skip


def by_duckdb(path: Path, *, exact: bool = True) -> dict[str, dict[str, float]]:
    """Return the numbers of each number column, and compute the rest, by DuckDB alone."""
    con = duckdb.connect()
    con.execute("SET threads TO 2")
    table = con.read_parquet(str(path))
    table.create_view("t")
    kinds = dict(zip(table.columns, map(str, table.types), strict=True))
    asked = [("", "rows", "count(*)")]
    for name, kind in kinds.items():
        asked += [(name, key, what) for key, what in _asked(name, kind, exact).items()]
    row = con.sql("SELECT " + ", ".join(what for *_, what in asked) + " FROM t").fetchall()[0]
    found: dict[str, dict[str, float]] = {}
    for (name, key, _), value in zip(asked, row, strict=True):
        found.setdefault(name, {})[key] = value
    for name, kind in kinds.items():
        if kind == "VARCHAR":
            con.sql(f'SELECT "{name}", count(*) AS c FROM t GROUP BY 1 ORDER BY 2 DESC').fetchall()
        else:
            low, high = found[name]["min"], found[name]["max"]
            bins = f"floor({BINS} * ({_number(name, kind)} - {low}) / nullif({high - low}, 0))"
            con.sql(f'SELECT {bins}, count(*) FROM t WHERE "{name}" IS NOT NULL GROUP BY 1').fetchall()
    numbers = [name for name, kind in kinds.items() if kind not in ("VARCHAR", "BOOLEAN") and "TIMESTAMP" not in kind]
    found[""]["asked"] = len(asked)
    return {name: found[name] for name in ["", *numbers]}


def _number(name: str, kind: str) -> str:
    return f'epoch_us("{name}")' if "TIMESTAMP" in kind else f'"{name}"'


def _asked(name: str, kind: str, exact: bool) -> dict[str, str]:
    x = _number(name, kind)
    asked = {"present": f'count("{name}")'}
    if kind == "VARCHAR":
        return asked | {f: f"{f}(length({x}))" for f in ("min", "max", "avg")}
    asked |= {f: f"{f}({x})" for f in ("min", "max", "avg", "stddev_samp", "skewness", "kurtosis")}
    asked |= {f"q{q}": f"{'quantile_cont' if exact else 'approx_quantile'}({x}, {q})" for q in QUANTILES}
    asked |= {"distinct": f"count(DISTINCT {x})" if exact else f"approx_count_distinct({x})"}
    asked |= {"zeros": f"count(*) FILTER ({x} = 0)", "negatives": f"count(*) FILTER ({x} < 0)"}
    return asked | ({"infinite": f"count(*) FILTER (isinf({x}))"} if kind == "DOUBLE" else {})


def by_polars(path: Path) -> pl.DataFrame:
    """Return the same numbers, by Polars alone."""
    lazy = pl.scan_parquet(path)
    asked = [pl.len().alias("rows")]
    for name, kind in lazy.collect_schema().items():
        x = pl.col(name)
        asked.append(x.null_count().alias(f"{name} missing"))
        if kind == pl.String:
            lengths = x.str.len_chars()
            asked += [lengths.min().alias(f"{name} a"), lengths.max().alias(f"{name} b")]
            asked += [lengths.mean().alias(f"{name} m"), x.value_counts(sort=True).alias(f"{name} v").implode()]
            continue
        x = x.cast(pl.Int64) if kind.is_temporal() else x
        each = {
            "m": x.mean(), "s": x.std(), "k": x.skew(), "u": x.kurtosis(), "a": x.min(), "b": x.max(),
            "d": x.n_unique(), "z": (x == 0).sum(), "g": (x < 0).sum(),
            "h": x.drop_nulls().hist(bin_count=BINS).implode(),
        }  # fmt: skip
        asked += [what.alias(f"{name} {key}") for key, what in each.items()]
        asked += [x.quantile(q, "linear").alias(f"{name} {q}") for q in QUANTILES]
        asked += [x.is_infinite().sum().alias(f"{name} i")] if kind.is_float() else []
    return lazy.select(asked).collect()


def by_us(path: Path) -> pd.DataFrame:
    """Return the measures of an audit of the file."""
    return wb.Audit(str(path), checks=CHECKS, policy=NOTHING).run().to_frame()


def wide(current: Path, reference: Path) -> dict[str, float]:
    """Audit two wide files, render the report, and say how large both are."""
    record = wb.Audit(str(current), reference=str(reference), checks=WIDE_CHECKS, policy=NOTHING).run()
    page = render_html(record)
    seen = record.subject["current"]
    about = {"rows": seen["rows"], "columns": sum(m.name == "missing_share" and not m.window for m in _all(record))}
    sizes = {"record_bytes": len(record.to_json()), "report_bytes": len(page.encode())}
    return {**about, **sizes, "measures": len(_all(record))}


def _all(record: Record) -> list[Measure]:
    return [m for f in record.findings for m in f.measures]


# ---------------------------------------------------------------------------- in processes of their own

WORK: dict[str, Callable[..., Any]] = {
    "ours": by_us, "duckdb": by_duckdb, "duckdb_approximate": partial(by_duckdb, exact=False), "polars": by_polars,
    "wide": wide,
}  # fmt: skip
PLAIN = {
    "duckdb": "DuckDB, the same numbers",
    "duckdb_approximate": "DuckDB, quantiles and distinct counts approximate",
    "polars": "Polars, the same numbers",
}


def child(what: str, paths: list[Path], small: list[Path]) -> None:
    """Do one kind of work, first on small files, and print what it cost."""
    WORK[what](*small)
    before, started = time.process_time(), time.monotonic()
    found = WORK[what](*paths)
    cost = {"cpu": time.process_time() - before, "seconds": time.monotonic() - started}
    print(json.dumps({**cost, "peak_gib": _peak_gib(), **(found if what == "wide" else {})}))


def _peak_gib() -> float:
    """Return this process's peak memory; on Linux its own, for ru_maxrss there begins at that of the parent."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text("utf-8").splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def spawned(what: str, paths: list[Path], small: list[Path]) -> dict[str, float]:
    """Return what one kind of work cost in a process of its own."""
    command = [sys.executable, "-m", "tests.bench.profile", "--child", what, *map(str, [*paths, *small])]
    return dict(json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout))


def against_plain(rows: int, times: int, folder: Path) -> dict[str, float]:
    """Measure the three on one file, the least of `times` runs each in turn, and hold the numbers together."""
    path, small = folder / "current.parquet", folder / "small.parquet"
    data = frame(rows, True, np.random.default_rng([20261123, rows, True]))
    data.to_parquet(path, index=False)
    data.head(2000).to_parquet(small, index=False)
    del data
    runs = [{what: spawned(what, [path], [small]) for what in ("ours", *PLAIN)} for _ in range(times)]
    cpu = {f"{what}_cpu": min(run[what]["cpu"] for run in runs) for what in runs[0]}
    peak = {f"{what}_peak_gib": max(run[what]["peak_gib"] for run in runs) for what in runs[0]}
    ratios = {f"ours_over_{what}": cpu["ours_cpu"] / cpu[f"{what}_cpu"] for what in PLAIN}
    return {"rows": rows, **cpu, **ratios, **peak, **_held(path)}


def _held(path: Path) -> dict[str, float]:
    """Return how many numbers were held against DuckDB's, and the largest relative error beyond a stated bound."""
    theirs, mine = by_duckdb(path), by_us(path).set_index(["measure", "column"])
    worst = held = 0.0
    for name, numbers in theirs.items():
        for measure, key in HELD.items() if name else ():
            row = mine.loc[(measure, name)]
            if row.method == "lower bound" or row.value is None or math.isnan(row.value):
                continue
            expected = numbers[key] / (numbers["present"] if measure.endswith("_share") else 1)
            bound = row.error_bound if row.error_bound and row.error_bound > 0 else 0.0
            off = max(0.0, abs(row.value - expected) - bound)
            worst, held = max(worst, off / max(1.0, abs(expected))), held + 1
    return {"numbers_held": held, "worst_relative_error_beyond_bound": worst}


def write_wide(path: Path, rows: int, columns: int, seed: int) -> None:
    """Write a file of which seven in ten columns are numbers, two categories and one whole numbers, with gaps."""
    rng = np.random.default_rng(seed)
    step = min(rows, 10_000)
    writer = None
    for start in range(0, rows, step):
        n = min(step, rows - start)
        arrays = {f"c{i:04d}": _wide_column(i, n, seed, rng) for i in range(columns)}
        batch = pa.table(arrays)
        writer = writer or pq.ParquetWriter(path, batch.schema)
        writer.write_table(batch)
    if writer is not None:
        writer.close()


def _wide_column(i: int, n: int, seed: int, rng: np.random.Generator) -> pa.Array:
    gone = rng.random(n) < (0.1 if i % 4 == 0 else 0.0)
    if i % 10 < 7:
        return pa.array(rng.normal(i % 5 + 0.2 * seed * (i % 50 == 0), 1 + i % 3, n), mask=gone)
    if i % 10 < 9:
        return pa.array(np.array([f"v{k}" for k in range(5 + i % 40)])[rng.integers(0, 5 + i % 40, n)], mask=gone)
    return pa.array(rng.poisson(3 + i % 7, n), mask=gone)


def of_many_columns(rows: int, columns: int, folder: Path) -> dict[str, float]:
    """Measure an audit of a wide file beside a reference, with its report."""
    paths = [folder / "wide.parquet", folder / "wide-reference.parquet"]
    small = [folder / "narrow.parquet", folder / "narrow-reference.parquet"]
    for seed in (0, 1):
        write_wide(paths[seed], rows, columns, 1 - seed)
        write_wide(small[seed], 500, 10, 1 - seed)
    return spawned("wide", paths, small)


def page(near: dict[str, float], far: dict[str, float] | None) -> str:
    """Return what was measured as Markdown."""
    lines = ["# The profile: cost against plain aggregates, and of many columns", ""]
    lines += [f"{near['rows']:,} rows x 33 columns in one Parquet file; each in a process of its own.", ""]
    lines += ["| what | CPU seconds | ours over it | peak GiB |", "|---|---|---|---|"]
    lines += [f"| an audit: {' and '.join(CHECKS)} | {near['ours_cpu']:.2f} | | {near['ours_peak_gib']:.2f} |"]
    for what, name in PLAIN.items():
        cost, ratio, peak = near[f"{what}_cpu"], near[f"ours_over_{what}"], near[f"{what}_peak_gib"]
        lines += [f"| {name} | {cost:.2f} | {ratio:.2f} | {peak:.2f} |"]
    worst = near["worst_relative_error_beyond_bound"]
    lines += ["", f"{near['numbers_held']:.0f} numbers held against DuckDB's; beyond a bound of ours the worst is off"]
    lines[-1] += f" by {worst:.1e} of its size. Beyond 131,072 distinct values ours has quantiles from bins, with a "
    lines[-1] += "bound, and only a lower bound of the distinct count, where the exact ones count and sort each value."
    if far is not None:
        lines += ["", f"{far['columns']:,.0f} columns x {far['rows']:,.0f} rows beside a reference of as many "]
        lines[-1] += f"({', '.join(WIDE_CHECKS)}): {far['seconds']:.0f} s by the clock, {far['cpu']:.0f} CPU seconds, "
        lines[-1] += f"{far['peak_gib']:.2f} GiB at most; report {far['report_bytes'] / 1e6:.2f} MB, "
        lines[-1] += f"record {far['record_bytes'] / 1e6:.1f} MB, {far['measures']:,.0f} measures."
    return "\n".join(lines) + "\n"


def main(argv: list[str] | None = None) -> int:
    """Run what is asked for and print one JSON line each."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.profile", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--times", type=int, default=2)
    parser.add_argument("--wide", type=int, default=0)
    parser.add_argument("--wide-rows", type=int, default=100_000)
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--child", nargs="+", help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    if options.child:
        what, *files = options.child
        paths = [Path(file) for file in files]
        child(what, paths[: len(paths) // 2], paths[len(paths) // 2 :])
        return 0
    far = None
    with tempfile.TemporaryDirectory() as folder:
        near = against_plain(options.rows, options.times, Path(folder))
        print(json.dumps({"bench": "profile against plain aggregates", **near}), flush=True)
        if options.wide:
            far = of_many_columns(options.wide_rows, options.wide, Path(folder))
            print(json.dumps({"bench": "profile of many columns", **far}))
    if options.keep:
        KEPT.mkdir(exist_ok=True)
        (KEPT / "profile.md").write_text(page(near, far), "utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

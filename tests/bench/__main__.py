"""Benchmarks as ratios within one run: `python -m tests.bench`; ROWS in the environment sets the size.

1. The demo's checks on two frames of N x 33 columns read from Parquet, against plain DuckDB and NumPy doing the same
   counts (distinct rows, a hash per column and table, value counts, sorted distributions with quantiles and KS, the
   joint table and sorted scores), both in CPU seconds of one process.
2. Group rates with intervals against fairlearn's bootstrap on the same rows; ours alone at a hundred times as many.
3. All group rates, gaps and intervals at another threshold, from the record of 10,000 and of ROWS x 10 rows.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa

import workbench as wb
from tests.bench.data import frame
from workbench.audit.groups import Groups
from workbench.ui import bias_payload

SENSITIVE = ["sex", "region"]


def cpu(work: Callable[[], object], times: int = 1) -> float:
    """Return the least CPU seconds of `times` runs."""
    best = float("inf")
    for _ in range(times):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return best


def plain_counts(current: Path, reference: Path) -> dict[str, float]:
    """Do by hand, with DuckDB and NumPy, the counts that the audit's checks need of both files."""
    found: dict[str, float] = {}
    sides = [_plain_frame(p, found) for p in (current, reference)]
    for name in sides[0]:
        a, b = sides[0][name], sides[1][name]
        support = np.concatenate((a, b))
        gap = np.searchsorted(a, support, "right") / len(a) - np.searchsorted(b, support, "right") / len(b)
        found[f"ks {name}"] = float(np.abs(gap).max())
    return found


def _plain_frame(path: Path, found: dict[str, float]) -> dict[str, np.ndarray]:
    con = duckdb.connect()
    con.execute("SET threads TO 2")
    table = con.read_parquet(str(path))
    table.create_view("seen")
    names = table.columns
    quoted = ", ".join(f'"{n}"' for n in names)
    kinds = dict(zip(names, map(str, table.types), strict=True))
    hashes = ", ".join(f'sum(hash("{n}")), count("{n}")' for n in names)
    con.sql(f"SELECT count(*), {hashes}, sum(hash({quoted})) FROM seen").fetchall()
    con.sql(f"SELECT count(*), count(DISTINCT hash({quoted})) FROM seen").fetchall()
    for name in (n for n in names if kinds[n] == "VARCHAR"):
        con.sql(f'SELECT "{name}", count(*) FROM seen GROUP BY 1').fetchall()
    joint = "y, pred, sex, region"
    con.sql(f"SELECT {joint}, count(*) FROM seen GROUP BY ALL").fetchall()
    numeric = [n for n in names if kinds[n] not in ("VARCHAR", "BOOLEAN")]
    columns = con.sql("SELECT " + ", ".join(f'"{n}"' for n in numeric) + " FROM seen").fetchnumpy()
    sorted_columns = {}
    for name in numeric:
        values = np.ma.compressed(columns[name]) if np.ma.isMaskedArray(columns[name]) else columns[name]
        values = np.sort(values.astype("int64" if values.dtype.kind == "M" else "float64"))
        found[f"moments {name}"] = float(values.mean() + values.std())
        starts = np.flatnonzero(np.concatenate(([True], values[1:] != values[:-1])))
        found[f"distinct {name}"] = float(len(starts))
        found[f"quantiles {name}"] = float(np.quantile(values, [0.05, 0.25, 0.5, 0.75, 0.95])[2])
        sorted_columns[name] = values
    order = np.argsort(columns["score"], kind="stable")
    found["auc"] = float(np.cumsum(columns["y"][order]).sum())
    return sorted_columns


COUNTED = [
    "quality.profile", "quality.missing", "quality.duplicates", "drift.numeric", "drift.categorical",
    "performance.classification", "performance.calibration", "bias.group_rates", "bias.impact_ratio",
]  # fmt: skip
"""The checks whose counts are done by hand beside."""


def audit(current: Path, reference: Path, checks: list[str] | None = None) -> object:
    """Run checks on both files: those named, or all that an audit makes by itself."""
    about = {"target": "y", "score": "score", "sensitive": SENSITIVE, "ignore": ["pred"], "checks": checks}
    return wb.Audit(str(current), reference=str(reference), **about).run()


def spine(rows: int, folder: Path) -> dict[str, float]:
    """Measure the audit against the plain counts; CPU seconds and their ratio."""
    paths = [folder / f"{name}.parquet" for name in ("current", "reference")]
    for path, is_current in zip(paths, (True, False), strict=True):
        frame(rows, is_current, np.random.default_rng([20261123, rows, is_current])).to_parquet(path, index=False)
    audit_small = folder / "small.parquet"
    pd.read_parquet(paths[0]).head(2000).to_parquet(audit_small, index=False)
    audit(audit_small, audit_small)  # imports and caches are not what is measured
    plain_counts(audit_small, audit_small)
    limit = cpu(lambda: plain_counts(*paths))
    ours = cpu(lambda: audit(*paths, COUNTED))
    every = cpu(lambda: audit(*paths))
    counted = {"rows": rows, "plain_cpu": limit, "ours_cpu": ours, "ours_over_plain": ours / limit}
    return {**counted, "every_check_cpu": every, "every_check_over_plain": every / limit}


def groups(rows: int, boot: int) -> dict[str, float]:
    """Measure group rates with intervals against fairlearn's bootstrap of the same rates."""
    from fairlearn.metrics import MetricFrame, false_positive_rate, selection_rate, true_positive_rate
    from sklearn.metrics import accuracy_score

    data = frame(rows, True, np.random.default_rng(7))[["y", "pred", *SENSITIVE]]
    metrics = {
        "selection_rate": selection_rate,
        "true_positive_rate": true_positive_rate,
        "false_positive_rate": false_positive_rate,
        "accuracy": accuracy_score,
    }

    def peer() -> object:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return MetricFrame(
                metrics=metrics,
                y_true=data.y,
                y_pred=data.pred,
                sensitive_features=data[SENSITIVE],
                n_boot=boot,
                ci_quantiles=[0.025, 0.975],
                random_state=0,
            )

    def ours() -> object:
        door = wb.Audit(data, target="y", prediction="pred", sensitive=SENSITIVE, checks=["bias.group_rates"])
        return door.run()

    ours()
    mine, theirs = cpu(ours, 5), cpu(peer)
    data = pd.concat([data] * 100, ignore_index=True)
    many = cpu(ours)
    found = {
        "rows": rows,
        "boot": boot,
        "fairlearn_cpu": theirs,
        "ours_cpu": mine,
        "fairlearn_over_ours": theirs / mine,
    }
    return {**found, "ours_cpu_100_times_the_rows": many, "fairlearn_over_ours_100_times_the_rows": theirs / many}


def threshold_move(small: int, large: int) -> dict[str, float]:
    """Measure what moving the threshold costs, in seconds of the slowest of 50 moves, on records of two sizes."""
    found: dict[str, float] = {}
    for name, rows in (("small", small), ("large", large)):
        rng = np.random.default_rng([20261124, rows])
        score = rng.random(rows)
        data = pa.table(
            {
                "y": (rng.random(rows) < score).astype("int8"),
                "score": score,
                "sex": np.array(["F", "M"])[rng.integers(0, 2, rows)],
                "region": np.array(list("abcde"))[rng.integers(0, 5, rows)],
            }
        )
        door = wb.Audit(data, target="y", score="score", sensitive=SENSITIVE, checks=["bias.group_rates"])
        record = door.run()
        groups = Groups(record)
        bias_payload.rates(groups, {"at": 0.5})
        slowest = max(cpu(partial(bias_payload.rates, groups, {"at": t})) for t in np.linspace(0.01, 0.99, 50))
        found |= {f"{name}_rows": rows, f"{name}_slowest_ms": 1000 * slowest}
    return found


def main(argv: list[str] | None = None) -> int:
    """Run all benchmarks and print one JSON line each."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--rows", type=int, default=int(os.environ.get("ROWS", "1000000")))
    parser.add_argument("--group-rows", type=int, default=10_000)
    parser.add_argument("--boot", type=int, default=200)
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        _print("audit against plain counts", spine(options.rows, Path(folder)))
    _print("group rates against fairlearn", groups(options.group_rows, options.boot))
    _print("a threshold moved", threshold_move(10_000, 10 * options.rows))
    return 0


def _print(name: str, numbers: dict[str, float]) -> None:
    rounded = {k: float(f"{v:.4g}") for k, v in numbers.items()}
    sys.stdout.write(json.dumps({"bench": name, **rounded}) + "\n")


if __name__ == "__main__":
    raise SystemExit(main())

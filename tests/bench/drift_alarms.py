"""False alarms and power of drift audits: `python -m tests.bench.drift_alarms [--runs 1000 200 50]`.

Simulated audits of 30 columns (20 numbers of several shapes, 10 categories). With nothing changed: the share of audits
with any fail, under a policy that asks for any difference (limit 0, false discovery rate 5 %), under the packaged
policy (minimum effects), and, for contrast, with a plain p < 0.05 for each column. With one column changed: how often
it fails. Prints a page and keeps it in tests/bench/kept. Exits 1 when false alarms are significantly above 5 %.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow as pa

KEPT = Path(__file__).parent / "kept"
SEED = 20261125
SIZES = (1_000, 10_000, 100_000)
NOMINAL = 0.05
CHECKS = ["drift.numeric", "drift.categorical"]
SHIFTS: dict[str, tuple[str, Callable[[np.ndarray], np.ndarray]]] = {
    "mean by 0.1 deviations": ("n00", lambda x: x + 0.1),
    "mean by 0.2 deviations": ("n00", lambda x: x + 0.2),
    "mean by 0.5 deviations": ("n00", lambda x: x + 0.5),
    "deviation by a fifth": ("n00", lambda x: x * 1.2),
    "a tenth of the rows at 0": ("n00", lambda x: np.where(np.arange(len(x)) % 10 == 0, 0.0, x)),
}
EVERY = {
    "rules": [
        {"id": "numbers", "check": "drift.numeric", "measure": "ks", "operator": "<=", "limit": 0.0},
        {"id": "categories", "check": "drift.categorical", "measure": "cramers_v", "operator": "<=", "limit": 0.0},
    ]
}


def table(n: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Return 30 columns: normal, skewed, whole, heavy-tailed and rounded numbers, and 2 to 40 categories."""
    shapes: list[Callable[[], np.ndarray]] = [
        lambda: rng.normal(size=n), lambda: rng.lognormal(0, 1, n), lambda: rng.poisson(4, n).astype(float),
        lambda: rng.standard_t(3, n), lambda: rng.normal(size=n).round(1),
    ]  # fmt: skip
    columns = {f"n{i:02d}": shapes[i % 5]() for i in range(20)}
    for i, levels in enumerate((2, 3, 4, 5, 6, 8, 12, 20, 30, 40)):
        weights = 1 / np.arange(1, levels + 1) ** 0.7
        columns[f"c{i:02d}"] = np.array([f"v{k}" for k in range(levels)])[
            rng.choice(levels, n, p=weights / weights.sum())
        ]
    return columns


def one(n: int, run: int, shift: str = "") -> tuple[bool, bool, bool]:
    """Return whether an audit fails: under limit 0, under the packaged policy, and by any plain p < 0.05."""
    import workbench as wb

    rng = np.random.default_rng((SEED, n, run))
    reference, current = table(n, rng), table(n, rng)
    if shift:
        column, change = SHIFTS[shift]
        current[column] = change(current[column])
    sides = [pa.table(side) for side in (current, reference)]
    failed, plain = [], False
    for policy in (EVERY, None):
        record = wb.Audit(sides[0], reference=sides[1], checks=CHECKS, policy=policy).run()
        bad = {j.column for j in record.verdict.judgements if j.outcome == "fail"}
        failed.append(SHIFTS[shift][0] in bad if shift else bool(bad))
        p = {m.column: m.value for _, m in record.measures() if m.name in ("ks_p_value", "chi_square_p_value")}
        plain = (p[SHIFTS[shift][0]] if shift else min(v for v in p.values() if v is not None)) < 0.05
    return failed[0], failed[1], plain


def shares(n: int, runs: int, shift: str = "") -> tuple[float, float, float]:
    """Return the shares of audits that fail, by policy and by plain p."""
    with ProcessPoolExecutor(2) as pool:
        found = list(pool.map(one, [n] * runs, range(runs), [shift] * runs, chunksize=5))
    every, packaged, plain = (float(np.mean(column)) for column in zip(*found, strict=True))
    return every, packaged, plain


def page(runs: dict[int, int], power_runs: int) -> tuple[str, bool]:
    """Return the page, and whether false alarms are not significantly above nominal."""
    from scipy.stats import binom

    lines = ["# False alarms and power of drift audits", "", f"30 columns, seed {SEED}.", "", "## Nothing changed", ""]
    lines += ["| rows | audits | any difference, 5 % | at most | packaged policy | plain p < 0.05, any column |"]
    lines += ["| --- | --- | --- | --- | --- | --- |"]
    met = True
    for n, times in runs.items():
        every, packaged, plain = shares(n, times)
        most = float(binom.ppf(0.975, times, NOMINAL)) / times
        met &= every <= most and packaged <= most
        lines.append(f"| {n:,} | {times:,} | {every:.3f} | {most:.3f} | {packaged:.3f} | {plain:.3f} |")
    lines += ["", "## One of 30 columns changed: how often it fails", ""]
    lines += [
        "| rows | change | any difference, 5 % | packaged policy | plain p < 0.05 |",
        "| --- | --- | --- | --- | --- |",
    ]
    for n in list(runs)[:2]:
        for shift in SHIFTS:
            every, packaged, plain = shares(n, power_runs, shift)
            lines.append(f"| {n:,} | {shift} | {every:.2f} | {packaged:.2f} | {plain:.2f} |")
    lines += ["", "The packaged policy asks for a KS distance above 0.1 (a tenth of the rows): it is to miss the rest."]
    return "\n".join(lines) + "\n", met


def main(argv: list[str] | None = None) -> int:
    """Simulate, print and keep the page."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.drift_alarms", description=__doc__)
    parser.add_argument("--runs", type=int, nargs=3, default=[1000, 200, 50])
    parser.add_argument("--power-runs", type=int, default=40)
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args(argv)
    text, met = page(dict(zip(SIZES, options.runs, strict=True)), options.power_runs)
    print(text)
    if options.keep:
        KEPT.mkdir(exist_ok=True)
        (KEPT / "drift-alarms.md").write_text(text, "utf-8")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())

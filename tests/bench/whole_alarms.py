"""False alarms of whole audits by the packaged policy: `python -m tests.bench.whole_alarms [--runs 400 200 50]`.

Simulated audits of the 30 columns of `drift_alarms`, a column of text, a score and a label, with nothing changed:
every check of data, drift and performance that the packaged policy judges. The share of audits with a fail, and with
a fail or a warning, and by which rules; then the same audits where one thing has changed: how often which rule tells.
Prints a page and keeps it in tests/bench/kept. Exits 1 when false alarms are significantly above 5 %.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow as pa

from tests.bench.drift_alarms import KEPT, NOMINAL, SEED, SIZES, table

WORDS = np.array(["a", "loan", "for", "the", "house", "on", "hill", "was", "paid", "late", "again"])
FAMILIES = ("quality", "drift", "performance")
Columns = dict[str, np.ndarray]


def _longer(side: Columns) -> Columns:
    return side | {"note": np.array([f"{text} and so on" for text in side["note"]])}


def _harder(side: Columns) -> Columns:
    rng = np.random.default_rng(len(side["y"]))
    return side | {"y": (rng.random(len(side["y"])) < side["score"] * 0.7).astype(np.int8)}


CHANGES: dict[str, Callable[[Columns], Columns]] = {
    "scores 0.15 higher": lambda side: side | {"score": np.minimum(1.0, side["score"] + 0.15)},
    "three in ten positives lost": _harder,
    "three words more in each text": _longer,
    "two columns become correlated": lambda side: side | {"n05": side["n00"] + 0.3 * side["n05"]},
}


def rows(n: int, rng: np.random.Generator) -> Columns:
    """Return the 30 columns with a text, a calibrated score and its label."""
    columns = table(n, rng)
    score = 1 / (1 + np.exp(-(columns["n00"] + 0.5 * columns["n04"] - 0.3)))
    texts = np.array([" ".join(WORDS[rng.integers(0, len(WORDS), k)]) for k in rng.integers(1, 12, n)])
    return columns | {"note": texts, "score": score, "y": (rng.random(n) < score).astype(np.int8)}


def judged(n: int, run: int, change: str = "") -> dict[str, str]:
    """Return the rules that failed or warned."""
    import workbench as wb
    from workbench.audit.policy import load_policy
    from workbench.core.check import find_check

    rng = np.random.default_rng((SEED, n, run, 1))
    reference, current = rows(n, rng), rows(n, rng)
    sides = [pa.table(side) for side in (CHANGES[change](current) if change else current, reference)]
    checks = {rule.check for rule in load_policy(None).rules if rule.check.split(".")[0] in FAMILIES}
    named = sorted(c for c in checks if "*" not in c and "windows" not in find_check(c).needs)
    record = wb.Audit(sides[0], reference=sides[1], target="y", score="score", checks=named).run()
    assert all(str(f.status) == "measured" for f in record.findings), [f.reason for f in record.findings]
    found = sorted((j.outcome, j.rule) for j in record.verdict.judgements if j.outcome in ("fail", "warn"))
    return {rule: outcome for outcome, rule in reversed(found)}


def many(n: int, runs: int, change: str = "") -> list[dict[str, str]]:
    """Return what was told in each of some audits."""
    os.environ["OMP_NUM_THREADS"] = "1"  # threads of many small fits wait for each other most of the time
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        found = list(pool.map(judged, [n] * runs, range(runs), [change] * runs, chunksize=5))
    print(f"{n:,} rows, {runs:,} audits, {change or 'nothing changed'}: {_by_rule(found)}", file=sys.stderr, flush=True)
    return found


def _by_rule(found: list[dict[str, str]]) -> str:
    counted = Counter(f"{rule} ({outcome})" for told in found for rule, outcome in told.items())
    return ", ".join(f"{name} {count / len(found):.3f}" for name, count in counted.most_common()) or "none"


def page(runs: dict[int, int], power_runs: int) -> tuple[str, bool]:
    """Return the page, and whether false alarms are not significantly above nominal."""
    from scipy.stats import binom

    lines = ["# False alarms of whole audits by the packaged policy", ""]
    lines += [f"30 columns, a text, a score and its label; seed {SEED}.", "", "## Nothing changed", ""]
    lines += ["| rows | audits | fail | fail or warning | at most | rules that told |", "|---|---|---|---|---|---|"]
    met = True
    for n, times in runs.items():
        found = many(n, times)
        failed, told = (float(np.mean(x)) for x in ([("fail" in f.values()) for f in found], [bool(f) for f in found]))
        most = float(binom.ppf(0.975, times, NOMINAL)) / times
        met &= told <= most
        lines.append(f"| {n:,} | {times:,} | {failed:.3f} | {told:.3f} | {most:.3f} | {_by_rule(found)} |")
    lines += ["", "## One thing changed: how often which rule tells", ""]
    lines += ["| rows | change | fail or warning | rules that told |", "|---|---|---|---|"]
    for n in list(runs)[:2]:
        for change in CHANGES:
            found = many(n, power_runs, change)
            told = float(np.mean([bool(f) for f in found]))
            lines.append(f"| {n:,} | {change} | {told:.2f} | {_by_rule(found)} |")
    return "\n".join(lines) + "\n", met


def main(argv: list[str] | None = None) -> int:
    """Simulate, print and keep the page."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.whole_alarms", description=__doc__)
    parser.add_argument("--runs", type=int, nargs=3, default=[400, 200, 50])
    parser.add_argument("--power-runs", type=int, default=20)
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args(argv)
    text, met = page(dict(zip(SIZES, options.runs, strict=True)), options.power_runs)
    print(text)
    if options.keep:
        Path(KEPT).mkdir(exist_ok=True)
        (KEPT / "whole-alarms.md").write_text(text, "utf-8")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())

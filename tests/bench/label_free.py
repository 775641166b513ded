"""Coverage of performance without labels: `python -m tests.bench.label_free [--runs 1000 100] [--keep]`.

How often the interval of an estimate holds what labels show later: for scores that know well, on windows no larger than
the reference, of all rows, groups, gaps, several classes and predicted numbers; and, to show what no such estimate can
see, where the concept has moved, or a covariate that the score leaves out. Exits 1 when a row that should hold covers
significantly less than 93 %.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tests.windows.test_estimated import covered, numbers, one, world

KEPT = Path(__file__).parent / "kept"
TARGET = 0.93
CLASSES = np.array(["a", "b", "c"])
Hits = dict[str, bool]


def run(check: str, current: pd.DataFrame, reference: pd.DataFrame, **about: Any) -> pd.DataFrame:
    """Return the long table of one check, the current data without labels."""
    import workbench as wb

    audit = wb.Audit(
        current.drop(columns="y"), reference=reference, target="y", checks=[check], policy={"rules": []}, **about
    )
    return audit.run().to_frame()


def _held(row: Any, real: float) -> bool:
    return bool(row.low <= real <= row.high)


def groups(seed: int) -> Hits:
    """Groups learn from their own reference rows; the gap between them has an interval of its own."""
    rng = np.random.default_rng((seed, 1))
    reference, current = world(3000, rng), world(1000, rng, shift=0.4)
    frame = run("performance.estimated", current, reference, score="score", sensitive=["sex"])
    made, found, recalls = current.score >= 0.5, {}, {}
    for sex in ("F", "M"):
        rows = current.sex == sex
        recalls[sex] = float(made[rows & (current.y == 1)].mean())
        label = f"sex={sex}"
        right = float((made == current.y)[rows].mean())
        found[f"accuracy, {label}"] = _held(one(frame, "estimated_accuracy", label), right)
        found[f"recall, {label}"] = _held(one(frame, "estimated_recall", label), recalls[sex])
    gap = one(frame, "estimated_true_positive_rate_difference", column="sex")
    found["gap of recalls"] = _held(gap, abs(recalls["F"] - recalls["M"]))
    return found


def classes(seed: int) -> Hits:
    """Three classes."""
    rng = np.random.default_rng((seed, 2))

    def rows(n: int, shift: float) -> pd.DataFrame:
        x = rng.normal(shift, 1, (n, 1))
        logits = np.concatenate((1.5 * x, -1.5 * x, np.zeros((n, 1))), axis=1)
        p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        y = (rng.random((n, 1)) > np.cumsum(p, axis=1)[:, :2]).sum(axis=1)
        return pd.DataFrame({"pa": p[:, 0], "pb": p[:, 1], "pc": p[:, 2], "y": CLASSES[y]})

    from sklearn.metrics import f1_score, roc_auc_score

    reference, current = rows(3000, 0.0), rows(1000, 0.3)
    frame = run("performance.estimated", current, reference, probabilities={"a": "pa", "b": "pb", "c": "pc"})
    p = current[["pa", "pb", "pc"]]
    made = CLASSES[p.to_numpy().argmax(axis=1)]
    real = {
        "accuracy": float((made == current.y).mean()),
        "macro_f1": float(f1_score(current.y, made, average="macro")),
        "macro_roc_auc": float(roc_auc_score(current.y, p, multi_class="ovr")),
    }
    return {f"{name}, three classes": _held(one(frame, f"estimated_{name}"), value) for name, value in real.items()}


def losses(seed: int) -> Hits:
    """Predicted numbers, by direct loss estimation and by reweighting."""
    rng = np.random.default_rng((seed, 3))
    reference, current = numbers(3000, rng), numbers(1000, rng, shift=0.5)
    miss, found = (current.made - current.y).to_numpy(), {}
    about: dict[str, Any] = {"prediction": "made", "task": "regression"}
    frame = run("performance.estimated", current, reference, **about)
    real = {"mean_absolute_error": np.abs(miss).mean(), "root_mean_squared_error": np.sqrt((miss**2).mean())}
    for name, value in real.items():
        found[f"{name}, estimated"] = _held(one(frame, f"estimated_{name}"), float(value))
    frame = run("performance.reweighted", current, reference, **about)
    weighted = one(frame, "reweighted_mean_absolute_error")
    return {**found, "mean_absolute_error, reweighted": _held(weighted, float(np.abs(miss).mean()))}


def unseen(seed: int) -> Hits:
    """The concept moves, and (apart) a covariate moves that the score leaves out: accuracy is not as estimated."""
    rng = np.random.default_rng((seed, 4))
    reference, current = world(3000, rng), world(1000, rng, concept=-1.0)
    frame = run("performance.estimated", current, reference, score="score")
    right = float(((current.score >= 0.5) == current.y).mean())
    found = {"accuracy where the concept moved": _held(one(frame, "estimated_accuracy"), right)}

    def rows(n: int, women: float) -> pd.DataFrame:
        x, sex = rng.normal(size=n), rng.choice(["F", "M"], n, p=[women, 1 - women])
        p = 1 / (1 + np.exp(-(1.5 * x + np.where(sex == "F", -2.5, 0.0))))
        return pd.DataFrame({"x": x, "score": 1 / (1 + np.exp(-1.1 * x)), "y": (rng.random(n) < p).astype(int)})

    reference, current = rows(3000, 0.5), rows(1000, 0.95)
    frame = run("performance.estimated", current, reference, score="score")
    right = float(((current.score >= 0.5) == current.y).mean())
    return {**found, "accuracy where an omitted covariate moved": _held(one(frame, "estimated_accuracy"), right)}


def shares(one_run: Callable[[int], Hits], runs: int) -> dict[str, float]:
    """Return how often each interval held, over seeded runs."""
    os.environ["OMP_NUM_THREADS"] = "1"  # threads of many small fits wait for each other most of the time
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        found = list(pool.map(one_run, range(runs), chunksize=5))
    return {name: float(np.mean([hits[name] for hits in found])) for name in found[0]}


def _rows(what: str, found: dict[str, float], runs: int, least: float) -> Iterator[tuple[str, bool]]:
    for name, share in found.items():
        met = share >= least
        yield f"| {what} | {name.replace('_', ' ')} | {runs:,} | {share:.3f} | {'yes' if met else 'no'} |", met


def page(many: int, few: int) -> tuple[str, bool]:
    """Return the page, and whether what should hold does."""
    lines = ["# Performance without labels: how often 95 % intervals hold what labels show later", ""]
    head = ["| rows (window, reference) | measure | runs | held | as asked |", "|---|---|---|---|---|"]
    lines += [f"Target {TARGET:.0%}, less two standard errors of the simulation.", "", *head]
    least = {n: TARGET - 2 * float(np.sqrt(TARGET * (1 - TARGET) / n)) for n in (many, few)}
    parts: list[Iterable[tuple[str, bool]]] = []
    for window, reference in ((300, 1000), (1000, 1000), (1000, 5000)):
        found = covered(window, reference, many, 20261125 + window + reference)
        parts.append(_rows(f"{window:,}, {reference:,}", found, many, least[many]))
    parts += [_rows("1,000, 3,000", shares(one_run, few), few, least[few]) for one_run in (groups, classes, losses)]
    told = [row for part in parts for row in part]
    lines += [text for text, _ in told]
    lines += [
        "",
        "## What no such estimate can see",
        "",
        "These are to fail: the report says so beside the estimate.",
        "",
    ]
    lines += [*head, *(text for text, _ in _rows("1,000, 3,000", shares(unseen, few), few, least[few]))]
    return "\n".join(lines) + "\n", all(met for _, met in told)


def main(argv: list[str] | None = None) -> int:
    """Simulate, print and keep the page."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.label_free", description=__doc__)
    parser.add_argument("--runs", type=int, nargs=2, default=[1000, 200])
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args(argv)
    text, met = page(*options.runs)
    print(text)
    if options.keep:
        KEPT.mkdir(exist_ok=True)
        (KEPT / "label-free.md").write_text(text, "utf-8")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())

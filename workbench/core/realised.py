"""Realised performance of one set of rows, in a few measures that can be followed over windows, whatever the task."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from workbench.core import errors_of, intervals, stats
from workbench.core.classes import ClassCounts
from workbench.core.counts import Counted
from workbench.core.finding import Measure
from workbench.core.joint import Confusion, JointCounts
from workbench.core.numbers import Floats
from workbench.core.rates import rate_measure, with_interval

RATES = {
    "accuracy": "accuracy",
    "precision": "precision",
    "recall": "true_positive_rate",
    "specificity": "true_negative_rate",
    "selection_rate": "selection_rate",
    "prevalence": "prevalence",
}
"""scikit-learn's name of a rate, and the name of the rate."""
ERRORS = ("bias", "mean_absolute_error", "root_mean_squared_error", "r_squared")


def realised(counted: Counted, level: float, seed: int, window: str) -> list[Measure]:
    """Return the measures of the task's outcome table; none where there is no truth or no prediction."""
    if counted.joint is not None and counted.joint.has_truth and counted.joint.has_prediction:
        return _binary(counted.joint, level, seed, window)
    if counted.classes is not None and counted.classes.has_truth and counted.classes.has_prediction:
        return _classes(counted.classes, level, seed, window)
    if counted.regression is not None and counted.regression.has_truth and counted.regression.has_prediction:
        every = errors_of.measures(counted.regression.overall, level, window=window)
        return [m for m in every if m.name in ERRORS]
    return []


def _binary(joint: JointCounts, level: float, seed: int, window: str) -> list[Measure]:
    counts = joint.confusion()
    found = [replace(rate_measure(rate, counts, level, window=window), name=name) for name, rate in RATES.items()]
    found.append(_f1(counts, level, seed, window))
    return found + (_ranked(joint, level, window) if joint.has_score else [])


def _f1(c: Confusion, level: float, seed: int, window: str) -> Measure:
    n, divisor = c.tp + c.fp + c.fn + c.tn, 2 * c.tp + c.fp + c.fn
    if not divisor:
        why = "0/0: no row is positive or predicted so"
        return Measure("f1", None, window=window, n=n, undefined_because=why)
    table = np.array([c.tp, c.fp, c.fn, c.tn], np.int64)
    interval = intervals.bootstrap_counts(table, _f1_of, seed=seed, level=level)
    return with_interval(Measure("f1", 2 * c.tp / divisor, window=window, n=n), interval)


def _f1_of(t: Floats) -> Floats:
    return np.asarray(2 * t[:, 0] / (2 * t[:, 0] + t[:, 1] + t[:, 2]))


def _ranked(joint: JointCounts, level: float, window: str) -> list[Measure]:
    _, positive, negative, _ = joint.score_table()
    sizes = int(positive.sum()), int(negative.sum())
    if not all(sizes):
        why = "only one class occurs among the rows with truth and score"
        names = ("roc_auc", "average_precision")
        return [Measure(name, None, window=window, n=sum(sizes), undefined_because=why) for name in names]
    auc, average = stats.auc_from_counts(positive, negative), stats.average_precision_from_counts(positive, negative)
    return [
        with_interval(Measure("roc_auc", auc, window=window, n=sum(sizes)), intervals.auc_interval(auc, *sizes, level)),
        with_interval(
            Measure("average_precision", average, window=window, n=sizes[0]),
            intervals.average_precision_interval(average, sizes[0], level),
        ),
    ]


def _classes(classes: ClassCounts, level: float, seed: int, window: str) -> list[Measure]:
    table = classes.table()
    n, hits = int(table.sum()), int(np.trace(table))
    if not n:
        why = "no row has truth and prediction"
        return [Measure("accuracy", None, window=window, n=0, unit="share", undefined_because=why)]
    accuracy = Measure("accuracy", hits / n, window=window, n=n, unit="share")
    found = [with_interval(accuracy, intervals.wilson(hits, n, level))]
    with np.errstate(divide="ignore", invalid="ignore"):
        value = float(_macro_f1(table.ravel()[None, :].astype(np.float64))[0])
    if value == value:
        interval = intervals.bootstrap_counts(table.ravel(), _macro_f1, seed=seed, level=level)
        found.append(with_interval(Measure("macro_f1", value, window=window, n=n), interval))
    return found


def _macro_f1(flat: Floats) -> Floats:
    k = round(flat.shape[1] ** 0.5)
    t = flat.reshape(len(flat), k, k)
    own = np.diagonal(t, axis1=1, axis2=2)
    return np.asarray((2 * own / (t.sum(axis=1) + t.sum(axis=2))).mean(axis=1))

"""How much a small model, refitted on some rows, would gain over the predictions that are there."""

from __future__ import annotations

import numpy as np

from workbench.core.boosting import boosted
from workbench.core.finding import Measure
from workbench.core.importance import finest_loss, probable
from workbench.core.intervals import Interval, mean_interval
from workbench.core.numbers import Floats
from workbench.core.rates import with_interval
from workbench.core.rows import Rows
from workbench.core.segments import Mask

LEAST = 50
_PURPOSE = "refitting a small challenger"


def gain(
    rows: Rows, matrix: Floats, categorical: Mask, half: Mask, level: float, *, most: int, iterations: int, seed: int
) -> Measure:
    """Return the mean loss of the predictions minus that of a challenger, on the half that did not train it.

    The first `most` rows of the training half are taken: rows of a sample are in a random order.
    The loss is `finest_loss`. The interval is a paired t with variance s^2 (1 / test rows + 1 / training rows): another
    training set would have given another challenger. Source: Nadeau and Bengio (2003) Machine Learning 52:239. Raises
    MissingExtraError when scikit-learn is not installed.
    """
    name = "challenger_gain"
    training, test = np.flatnonzero(rows.known & half)[:most], np.flatnonzero(rows.known & ~half)
    if min(len(training), len(test)) < LEAST:
        why = f"each half needs {LEAST} rows with truth and prediction"
        return Measure(name, None, n=len(test), undefined_because=why)
    truth = rows.truth[training]
    if rows.task != "regression" and len(np.unique(truth)) < 2:
        return Measure(name, None, n=len(test), undefined_because="one class only to learn from")
    model = boosted(
        matrix[training],
        truth,
        categorical,
        purpose=_PURPOSE,
        numbers=rows.task == "regression",
        iterations=iterations,
        seed=seed,
    )
    here = rows.take(test)
    scored = rows.task == "binary" and probable(here)
    made = model.probabilities(matrix[test]) if scored else model.answers(matrix[test])
    own = Rows(here.batch, here.task, here.truth, made, made if scored else None)
    return _paired(name, finest_loss(here) - finest_loss(own), len(training), level)


def _paired(name: str, gains: Floats, trained: int, level: float) -> Measure:
    n, mean, variance = len(gains), float(gains.mean()), float(gains.var(ddof=1))
    found = mean_interval(n, mean, variance * (1 + n / trained), level)
    ends = None if found is None else Interval(found.low, found.high, "paired t, nadeau-bengio")
    return with_interval(Measure(name, mean, n=n), ends)

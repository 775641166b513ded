"""How well one column alone foretells the target: on held-out halves, by its value, its bins or its categories."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from workbench.core import intervals, stats
from workbench.core.arrow import Kind
from workbench.core.intervals import Interval
from workbench.core.numbers import Floats, Ints, NumberCounts, common_support
from workbench.core.outcome import texts_and_codes
from workbench.core.rows import as_numbers

Mask = NDArray[np.bool_]

BINS = 20
_AS_NUMBERS = (Kind.NUMBER, Kind.TIME, Kind.DURATION, Kind.CLOCK)
NAMES = {
    "binary": "single_feature_auc",
    "multiclass": "single_feature_accuracy",
    "regression": "single_feature_r_squared",
}
"""Task -> what the strength of one column is measured by."""


@dataclass(frozen=True, slots=True)
class Strength:
    """The strength of one column with its interval, the rows it is of, and by what it was reached."""

    value: float
    interval: Interval | None
    n: int
    by: str


def strength(column: pa.Array, kind: Kind, truth: Floats, half: Mask, task: str, level: float) -> Strength | None:
    """Return how well a column alone foretells the truth (NaN unknown); None where either does not vary.

    Binary: ROC AUC, 0.5 or more; multiclass: accuracy; regression: squared correlation. The better of two ways: the
    number itself (either direction), and the mean (or most frequent) truth of its twentieth or category, learnt on
    the other half of the rows.
    """
    known = ~np.isnan(truth)
    truth, half = truth[known], half[known]
    column = column.filter(pa.array(known))
    if len(np.unique(truth)) < 2 or min(half.sum(), (~half).sum()) < 2:
        return None
    bins = _bins(column, kind)
    if len(np.unique(bins)) < 2:
        return None
    found = [
        _measured(
            _by_bins(bins, truth, half, task), truth, task, level, "its bins" if kind in _AS_NUMBERS else "its values"
        )
    ]
    if kind in _AS_NUMBERS and task != "multiclass":
        found.append(_by_number(as_numbers(column), truth, task, level))
    best = [f for f in found if f is not None]
    return max(best, key=lambda s: s.value) if best else None


def _bins(column: pa.Array, kind: Kind) -> Ints:
    if kind not in _AS_NUMBERS:
        return texts_and_codes(column)[1]
    numbers = as_numbers(column)
    known = numbers[~np.isnan(numbers)]
    if len(np.unique(known)) <= BINS:
        edges = np.unique(known)
    else:
        edges = np.unique(np.quantile(known, np.arange(1, BINS) / BINS, method="higher"))
    return np.where(np.isnan(numbers), len(edges) + 1, np.searchsorted(edges, numbers, side="right")).astype(np.int64)


def _by_bins(bins: Ints, truth: Floats, half: Mask, task: str) -> Floats:
    """Return what each row's bin foretells by the rows of the other half: the mean truth, or the commonest class."""
    found = np.zeros(len(truth))
    for own in (half, ~half):
        other = ~own
        if task == "multiclass":
            found[own] = _commonest(bins[other], truth[other], int(bins.max()) + 1)[bins[own]]
            continue
        sizes = np.bincount(bins[other], minlength=int(bins.max()) + 1)
        sums = np.bincount(bins[other], weights=truth[other], minlength=len(sizes))
        mean = truth[other].mean()
        found[own] = ((sums + mean) / (sizes + 1))[bins[own]]  # one row's weight of the overall mean
    return found


def _commonest(bins: Ints, truth: Floats, size: int) -> Floats:
    classes, codes = np.unique(truth, return_inverse=True)
    table = np.bincount(bins * len(classes) + codes, minlength=size * len(classes)).reshape(size, len(classes))
    table = table + table.sum(axis=0) / (table.sum() + 1)  # an empty bin takes the commonest class of all
    return np.asarray(classes[table.argmax(axis=1)], np.float64)


def _measured(told: Floats, truth: Floats, task: str, level: float, by: str) -> Strength | None:
    n = len(truth)
    if task == "multiclass":
        right = int((told == truth).sum())
        return Strength(right / n, intervals.wilson(right, n, level), n, by)
    if task == "regression":
        return _correlated(told, truth, level, by)
    return auc_of(told, truth, level, by, fold=False)


def _by_number(numbers: Floats, truth: Floats, task: str, level: float) -> Strength | None:
    known = ~np.isnan(numbers)
    numbers, truth = numbers[known], truth[known]
    if len(np.unique(truth)) < 2 or len(np.unique(numbers)) < 2:
        return None
    if task == "regression":
        return _correlated(numbers, truth, level, "its number")
    return auc_of(numbers, truth, level, "its number", fold=True)


def auc_of(scores: Floats, truth: Floats, level: float, by: str, *, fold: bool) -> Strength | None:
    """Return the ROC AUC of scores for a truth of 0 and 1 (at least 0.5 when folded) with its interval."""
    yes = truth == 1
    sizes = int(yes.sum()), int((~yes).sum())
    if min(sizes) < 1:
        return None
    _, positive, negative, _ = common_support(NumberCounts.of(scores[yes]), NumberCounts.of(scores[~yes]))
    value = stats.auc_from_counts(positive, negative)
    value = max(value, 1 - value) if fold else value
    return Strength(value, intervals.auc_interval(value, *sizes, level), len(truth), by)


def _correlated(told: Floats, truth: Floats, level: float, by: str) -> Strength | None:
    """Return the squared correlation; interval by Fisher's z (1915 Biometrika 10:507), 0 where it crosses 0."""
    n = len(truth)
    one, two = (x / max(1.0, float(np.abs(x).max(initial=0))) for x in (told, truth))
    if n < 4 or one.std() == 0 or two.std() == 0:
        return None
    r = float(np.clip(np.corrcoef(one, two)[0, 1], -1, 1))
    if abs(r) >= 1:
        return Strength(1.0, Interval(1.0, 1.0, "fisher z"), n, by)
    half = intervals.normal_quantile(level) / np.sqrt(n - 3)
    low, high = (float(np.tanh(np.arctanh(abs(r)) + s * half)) for s in (-1, 1))
    return Strength(r * r, Interval(max(0.0, low) ** 2, high**2, "fisher z"), n, by)

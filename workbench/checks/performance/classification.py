"""How well a binary classifier predicts, with an interval on every number."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from workbench.core import distances, intervals, stats
from workbench.core.check import check
from workbench.core.errors import ConfigError
from workbench.core.finding import Evidence, Measure, Result
from workbench.core.intervals import Interval
from workbench.core.joint import Confusion, JointCounts
from workbench.core.rates import COUNTS, rate_measure, with_interval
from workbench.core.scoring import by_score_bin, precision_recall_points, roc_points, windows
from workbench.core.subject import Subject
from workbench.core.thresholds import threshold_evidence

_RATES = {  # scikit-learn's name -> the name of the rate
    "accuracy": "accuracy",
    "precision": "precision",
    "recall": "true_positive_rate",
    "specificity": "true_negative_rate",
    "selection_rate": "selection_rate",
    "prevalence": "prevalence",
    "negative_predictive_value": "negative_predictive_value",
    "false_positive_rate": "false_positive_rate",
    "false_negative_rate": "false_negative_rate",
}
_BRIER_BINS = 10
_Table = NDArray[np.float64]  # draws x (tp, fp, fn, tn)
_Scores = tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]
_Metric = Callable[[_Table], _Table]


@check("performance.classification", "P001", "Classification performance", needs=("target", "prediction"))
def classification(subject: Subject, *, beta: float = 1.0) -> Result:
    """Measure how well predictions agree with the truth, at the audit's threshold and over all thresholds.

    Measures: accuracy, balanced accuracy, precision, recall, specificity, negative predictive value, false positive
        and false negative rate, F1 (and F-beta when `beta` is not 1: recall counts beta times as much as precision),
        Matthews correlation, Cohen's kappa, informedness (recall + specificity - 1), selection rate and prevalence at
        the threshold; ROC AUC and average precision over all thresholds; Brier score and log loss when scores are
        probabilities; counts of the confusion table. Each with its own denominator n and an interval; the reference's
        values under window "reference". The Brier score is split on ten equal-width bins into reliability (0 is
        ideal), resolution (more is better) and uncertainty p (1 - p), which is also the no-skill Brier score, that of
        always forecasting the prevalence; Brier = reliability - resolution + uncertainty + `brier_within_bins`.
    Reads well when: both classes occur at least some hundreds of times.
    Signs of risk: an interval that reaches the performance of a constant guess; a fall against the reference whose
        interval excludes zero; accuracy near prevalence with low recall.
    Limits: rows without truth or prediction are left out of what needs them. Average precision's interval treats the
        number of positives as its sample size. Beyond 131,072 distinct scores AUC, Brier score and log loss carry
        an error bound. Repeated rows of one person make intervals too narrow. Bins make the split of the Brier score
        inexact: the remainder, `brier_within_bins`, is the variance of scores inside bins less twice their covariance
        with the truth. Reliability and resolution are never negative and biased upward: instead of an interval they
        carry the mean and 95 % quantile expected by chance (scores perfectly calibrated; scores unrelated to truth).
    Reference: definitions as scikit-learn 1.x; Wilson (1927); Newcombe (2006) Statistics in Medicine 25:559, method
        5, for AUC; Boyd, Eng and Page (2013) for average precision; seeded multinomial bootstrap for composed rates;
        t interval from second moments for Brier score and log loss. Cohen (1960) for kappa; van Rijsbergen (1979) for
        F-beta; Youden (1950) for informedness, with Newcombe's (1998) interval of recall minus false positive rate;
        Murphy (1973) Journal of Applied Meteorology 12:595 for the split, Stephenson, Coelho and Jolliffe (2008)
        Weather and Forecasting 23:752 for the terms inside bins; chi-square for resolution by chance.
    """
    if not 0 < beta < math.inf:
        raise ConfigError(f"performance.classification: beta must be a positive number, not {beta:g}.")
    composed = _COMPOSED if beta == 1 else {**_COMPOSED, "f_beta": _f_beta(beta)}
    found: list[Measure] = []
    evidence: list[Evidence] = []
    for window, joint in windows(subject):
        found += _at_threshold(joint.confusion(), composed, window, subject)
        found += _over_thresholds(joint, window, subject)
        evidence += _tables(joint, window, subject.level)
    if subject.joint.has_score:
        evidence.append(threshold_evidence(subject.joint, subject.roles.threshold, groups=False))
    return Result(found, evidence)


def _at_threshold(counts: Confusion, composed: Mapping[str, _Metric], window: str, subject: Subject) -> list[Measure]:
    found = [
        replace(rate_measure(rate, counts, subject.level, window=window), name=name) for name, rate in _RATES.items()
    ]
    known = counts.tp + counts.fp + counts.fn + counts.tn
    found.append(Measure("count", counts.rows, window=window, n=counts.rows, unit="rows"))
    found += [Measure(name, f(counts), window=window, n=known, unit="rows") for name, f in COUNTS.items()]
    found.append(_informedness(counts, window, subject.level))
    return found + [_composed(name, f, counts, window, subject) for name, f in composed.items()]


def _informedness(c: Confusion, window: str, level: float) -> Measure:
    positives, negatives = c.tp + c.fn, c.fp + c.tn
    interval = intervals.newcombe_difference(c.tp, positives, c.fp, negatives, level)
    if interval is None:
        why = "0/0: a class does not occur among the rows with truth and prediction"
        return Measure("informedness", None, window=window, n=positives + negatives, undefined_because=why)
    value = c.tp / positives - c.fp / negatives
    return with_interval(Measure("informedness", value, window=window, n=positives + negatives), interval)


def _composed(name: str, metric: _Metric, counts: Confusion, window: str, subject: Subject) -> Measure:
    table = np.array([counts.tp, counts.fp, counts.fn, counts.tn], dtype=np.float64)
    n = int(table.sum())
    with np.errstate(divide="ignore", invalid="ignore"):
        value = float(metric(table[None, :])[0])
    if not np.isfinite(value):
        why = "0/0: a class or a prediction that the metric divides by does not occur"
        return Measure(name, None, window=window, n=n, undefined_because=why)
    interval = intervals.bootstrap_counts(table.astype(np.int64), metric, seed=subject.seed, level=subject.level)
    return with_interval(Measure(name, value, window=window, n=n), interval)


def _f1(t: _Table) -> _Table:
    return np.asarray(2 * t[:, 0] / (2 * t[:, 0] + t[:, 1] + t[:, 2]))


def _balanced_accuracy(t: _Table) -> _Table:
    return np.asarray((t[:, 0] / (t[:, 0] + t[:, 2]) + t[:, 3] / (t[:, 3] + t[:, 1])) / 2)


def _matthews(t: _Table) -> _Table:
    tp, fp, fn, tn = t.T
    return np.asarray((tp * tn - fp * fn) / np.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)))


def _kappa(t: _Table) -> _Table:
    tp, fp, fn, tn = t.T
    return np.asarray(2 * (tp * tn - fp * fn) / ((tp + fp) * (fp + tn) + (tp + fn) * (fn + tn)))


def _f_beta(beta: float) -> _Metric:
    square = beta * beta
    return lambda t: np.asarray((1 + square) * t[:, 0] / ((1 + square) * t[:, 0] + square * t[:, 2] + t[:, 1]))


_COMPOSED: dict[str, _Metric] = {
    "f1": _f1,
    "balanced_accuracy": _balanced_accuracy,
    "matthews_corrcoef": _matthews,
    "cohen_kappa": _kappa,
}


def _over_thresholds(joint: JointCounts, window: str, subject: Subject) -> list[Measure]:
    level = subject.level
    if not joint.has_score:
        why = "there is no score"
        return [Measure(name, None, window=window, undefined_because=why) for name in _SCORED]
    values, positive, negative, bound = joint.score_table()
    n_pos, n_neg = int(positive.sum()), int(negative.sum())
    found = [_auc(positive, negative, (n_pos, n_neg), window, level, bound)]
    found.append(_average_precision(positive, negative, n_pos, window, level))
    proper = joint.scores_are_probabilities
    for name, function in (("brier_score", stats.brier_from_counts), ("log_loss", stats.log_loss_from_counts)):
        found.append(_mean_loss(name, function, (values, positive, negative), proper, window, level))
    return found + _brier_terms((values, positive, negative), proper, window, subject)


_TERMS = ("brier_reliability", "brier_resolution", "brier_uncertainty", "brier_within_bins")
_SCORED = ("roc_auc", "average_precision", "brier_score", "log_loss", *_TERMS)


def _auc(
    positive: NDArray[np.int64],
    negative: NDArray[np.int64],
    sizes: tuple[int, int],
    window: str,
    level: float,
    bound: float,
) -> Measure:
    n = sum(sizes)
    if not all(sizes):
        why = "only one class occurs among the rows with truth and score"
        return Measure("roc_auc", None, window=window, n=n, undefined_because=why)
    auc = stats.auc_from_counts(positive, negative)
    # Pairs inside one bin of several values count one half each: off by at most half their share.
    mixed = float((positive / sizes[0] * negative / sizes[1]).sum()) / 2 if bound else None
    m = Measure("roc_auc", auc, window=window, n=n, error_bound=mixed)
    return with_interval(m, intervals.auc_interval(auc, *sizes, level))


def _average_precision(
    positive: NDArray[np.int64], negative: NDArray[np.int64], n_pos: int, window: str, level: float
) -> Measure:
    if not n_pos:
        why = "no row with a score is truly positive"
        return Measure("average_precision", None, window=window, n=0, undefined_because=why)
    value = stats.average_precision_from_counts(positive, negative)
    m = Measure("average_precision", value, window=window, n=n_pos)
    return with_interval(m, intervals.average_precision_interval(value, n_pos, level))


def _mean_loss(
    name: str,
    function: Callable[..., tuple[float, float]],
    table: _Scores,
    proper: bool,
    window: str,
    level: float,
) -> Measure:
    n = int(table[1].sum() + table[2].sum())
    if not proper or not n:
        why = "scores are not probabilities (some lie outside 0..1)" if n else "no row has truth and score"
        return Measure(name, None, window=window, n=n, undefined_because=why)
    mean, variance = function(*table)
    return with_interval(Measure(name, mean, window=window, n=n), intervals.mean_interval(n, mean, variance, level))


def _brier_terms(table: _Scores, proper: bool, window: str, subject: Subject) -> list[Measure]:
    n = int(table[1].sum() + table[2].sum())
    if not proper or not n:
        why = "scores are not probabilities (some lie outside 0..1)" if n else "no row has truth and score"
        return [Measure(name, None, window=window, n=n, undefined_because=why) for name in _TERMS]
    rows, mean_score, hits, _ = by_score_bin(*table, _BRIER_BINS)
    reliability, resolution, uncertainty = stats.brier_split(rows, mean_score, hits)
    within = stats.brier_from_counts(*table)[0] - (reliability - resolution + uncertainty)
    nulls = distances.reliability_null(rows, mean_score, subject.seed), distances.resolution_null(rows, hits)
    found = []
    for name, value, null in zip(_TERMS, (reliability, resolution), nulls, strict=False):
        found.append(Measure(name, value, window=window, n=n, method="no interval: see the null quantile"))
        found.append(Measure(f"{name}_null_mean", null[0], window=window, n=n))
        found.append(Measure(f"{name}_null_quantile", null[1], window=window, n=n))
    interval = _uncertainty_interval(int(hits.sum()), n, subject.level)
    found.append(with_interval(Measure(_TERMS[2], uncertainty, window=window, n=n), interval))
    return [*found, Measure(_TERMS[3], within, window=window, n=n, method="no interval: the rest of an identity")]


def _uncertainty_interval(hits: int, n: int, level: float) -> Interval | None:
    """Return the image of Wilson's interval under p (1 - p), which has its largest value at one half."""
    rate = intervals.wilson(hits, n, level)
    if rate is None:
        return None
    ends = sorted(p * (1 - p) for p in (rate.low, rate.high))
    return Interval(ends[0], 0.25 if rate.low <= 0.5 <= rate.high else ends[1], "wilson, transformed")


def _tables(joint: JointCounts, window: str, level: float) -> list[Evidence]:
    c = joint.confusion()
    suffix = f" ({window})" if window else ""
    rows = tuple(
        (truth, prediction, n, n / of if of else None)
        for truth, of, cells in (("positive", c.tp + c.fn, (c.tp, c.fn)), ("negative", c.fp + c.tn, (c.fp, c.tn)))
        for prediction, n in zip(("positive", "negative"), cells, strict=True)
    )
    columns = ("truth", "prediction", "n", "share")
    found = [Evidence(f"confusion{suffix}", f"Confusion table{suffix}", "confusion", columns, rows)]
    if joint.has_score and not window:
        _, positive, negative, _ = joint.score_table()
        roc, recalled = roc_points(positive, negative, level), precision_recall_points(positive, negative, level)
        for name, title, points, x, y in (
            ("roc", "ROC curve", roc, "false positive rate", "true positive rate"),
            ("pr", "Precision and recall", recalled, "recall", "precision"),
        ):
            if points:
                notes = {"x": x, "y": y, "name": name, "band": f"{level:.0%} of the {y} at each threshold (Wilson)"}
                found.append(Evidence(name, title, "curve", ("x", "y", "low", "high"), tuple(points), notes))
    return found

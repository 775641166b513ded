"""Whether scores mean what they say: calibration slope, intercept and error."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from workbench.core import distances, intervals, stats
from workbench.core.check import NotApplicableError, check
from workbench.core.finding import Evidence, Measure, Result
from workbench.core.intervals import Interval
from workbench.core.rates import with_interval
from workbench.core.scoring import by_score_bin, windows
from workbench.core.subject import Subject

_Scores = tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]


@check("performance.calibration", "P002", "Calibration", needs=("target", "score"))
def calibration(subject: Subject, *, bins: int = 10) -> Result:
    """Compare predicted probabilities with how often the outcome happens.

    Measures: calibration slope (1 is ideal; under 1, scores are too extreme) and intercept (0 is ideal) of a logistic
        regression of the truth on the log-odds of the score, with Wald intervals; mean score minus observed rate;
        expected calibration error over equal-width bins, with the mean and the 95 % quantile it would have if the
        scores were perfectly calibrated at these sizes.
    Reads well when: scores are probabilities and each bin has some tens of rows.
    Signs of risk: a slope whose interval excludes 1; an error above the null quantile; a bin whose interval misses
        the diagonal where decisions are taken.
    Limits: expected calibration error is biased upward in small samples, which is why it has no interval but its
        null quantile. Bins hide miscalibration inside them.
    Reference: Cox (1958) Biometrika 45:562; Van Calster et al. (2016) Journal of Clinical Epidemiology 74:167;
        Guo et al. (2017) for the binned error; Wilson (1927) for the bins.
    """
    found: list[Measure] = []
    evidence: list[Evidence] = []
    for window, joint in windows(subject):
        if not joint.has_score:
            continue
        if not joint.scores_are_probabilities:
            raise NotApplicableError("scores are not probabilities: some lie outside 0..1, or none is defined")
        values, positive, negative, _ = joint.score_table()
        table = (values, positive, negative)
        found += _line(table, window, subject.level) + _errors(table, window, bins, subject)
        if not window:
            evidence.append(_reliability(table, bins, subject.level))
    return Result(found, evidence)


def _line(table: _Scores, window: str, level: float) -> list[Measure]:
    n = int(table[1].sum() + table[2].sum())
    fit = stats.calibration_slope_intercept(*table) if n else None
    if fit is None:
        why = "the logistic fit has no finite solution (one class, one score value, or perfect separation)"
        names = ("calibration_slope", "calibration_intercept")
        return [Measure(name, None, window=window, n=n, undefined_because=why) for name in names]
    slope, intercept, slope_error, intercept_error = fit
    z = intervals.normal_quantile(level)
    return [
        with_interval(Measure(name, value, window=window, n=n), Interval(value - z * se, value + z * se, "wald"))
        for name, value, se in (
            ("calibration_slope", slope, slope_error),
            ("calibration_intercept", intercept, intercept_error),
        )
    ]


def _errors(table: _Scores, window: str, bins: int, subject: Subject) -> list[Measure]:
    rows, mean_score, hits, _ = by_score_bin(*table, bins)
    n = int(rows.sum())
    names = ("expected_calibration_error", "expected_calibration_error_null_mean")
    if not n:
        why = "no row has truth and score"
        return [Measure(name, None, window=window, n=0, undefined_because=why) for name in names]
    error = stats.expected_calibration_error(rows, mean_score, hits / rows)
    null_mean, null_quantile = distances.ece_null(rows, mean_score, subject.seed)
    difference = float((rows * mean_score).sum() / n - hits.sum() / n)
    rate = intervals.wilson(int(hits.sum()), n, subject.level)
    mean = Measure("mean_score_difference", difference, window=window, n=n, unit="share")
    if rate is not None:
        observed = hits.sum() / n
        ends = (difference + observed - rate.high, difference + observed - rate.low)
        mean = with_interval(mean, Interval(*ends, "wilson, given the scores"))
    return [
        mean,
        Measure(names[0], error, window=window, n=n, unit="share", method="no interval: see the null quantile"),
        Measure(names[1], null_mean, window=window, n=n, unit="share"),
        Measure("expected_calibration_error_null_quantile", null_quantile, window=window, n=n, unit="share"),
    ]


def _reliability(table: _Scores, bins: int, level: float) -> Evidence:
    rows = []
    for n, mean_score, hits, _ in zip(*by_score_bin(*table, bins), strict=True):
        interval = intervals.wilson(int(hits), int(n), level)
        low, high = (None, None) if interval is None else (interval.low, interval.high)
        rows.append((float(mean_score), float(hits / n), low, high, int(n)))
    columns = ("mean_score", "observed", "low", "high", "n")
    return Evidence("reliability", "Observed rate by predicted probability", "reliability", columns, tuple(rows))

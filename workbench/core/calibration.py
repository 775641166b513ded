"""Measures of calibration from counts at each score, shared by the checks over all rows and by group."""

from __future__ import annotations

from workbench.core import distances, intervals, stats
from workbench.core.finding import Measure
from workbench.core.intervals import Interval
from workbench.core.numbers import Floats, Ints
from workbench.core.rates import with_interval
from workbench.core.scoring import by_score_bin

Scores = tuple[Floats, Ints, Ints]
"""Scores in ascending order, with the truly positive and the truly negative rows at each."""

_NO_LINE = "the logistic fit has no finite solution (one class, one score value, or perfect separation)"
_NO_ROW = "no row has truth and score"


def line_measures(table: Scores, level: float, *, column: str = "", group: str = "", window: str = "") -> list[Measure]:
    """Return slope and intercept of the truth's log-odds on the score's, with Wald intervals."""
    n = int(table[1].sum() + table[2].sum())
    fit = stats.calibration_slope_intercept(*table) if n else None
    names = ("calibration_slope", "calibration_intercept")
    if fit is None:
        return [Measure(name, None, column, group, window, n=n, undefined_because=_NO_LINE) for name in names]
    slope, intercept, slope_error, intercept_error = fit
    z = intervals.normal_quantile(level)
    return [
        with_interval(
            Measure(name, value, column, group, window, n=n), Interval(value - z * se, value + z * se, "wald")
        )
        for name, value, se in zip(names, (slope, intercept), (slope_error, intercept_error), strict=True)
    ]


def error_measures(
    table: Scores, bins: int, seed: int, level: float, *, column: str = "", group: str = "", window: str = ""
) -> list[Measure]:
    """Return mean score minus observed rate, and the binned error with its mean and quantile under calibration."""
    rows, mean_score, hits, _ = by_score_bin(*table, bins)
    n = int(rows.sum())
    names = ("expected_calibration_error", "expected_calibration_error_null_mean")
    if not n:
        return [Measure(name, None, column, group, window, n=0, undefined_because=_NO_ROW) for name in names]
    error = stats.expected_calibration_error(rows, mean_score, hits / rows)
    null_mean, null_quantile = distances.ece_null(rows, mean_score, seed)
    mean, interval = mean_score_difference(table, bins, level)
    place = (column, group, window)
    return [
        with_interval(Measure("mean_score_difference", mean, *place, n=n, unit="share"), interval),
        Measure(names[0], error, *place, n=n, unit="share", method="no interval: see the null quantile"),
        Measure(names[1], null_mean, *place, n=n, unit="share"),
        Measure("expected_calibration_error_null_quantile", null_quantile, *place, n=n, unit="share"),
    ]


def mean_score_difference(table: Scores, bins: int, level: float) -> tuple[float, Interval | None]:
    """Return mean score minus observed rate, with the observed rate's Wilson interval turned round; needs a row."""
    rows, mean_score, hits, _ = by_score_bin(*table, bins)
    n = int(rows.sum())
    difference = float((rows * mean_score).sum() / n - hits.sum() / n)
    rate = intervals.wilson(int(hits.sum()), n, level)
    if rate is None:
        return difference, None
    observed = hits.sum() / n
    ends = (difference + observed - rate.high, difference + observed - rate.low)
    return difference, Interval(*ends, "wilson, given the scores")

"""Whether scores mean what they say: calibration slope, intercept and error."""

from __future__ import annotations

from workbench.core import intervals
from workbench.core.calibration import Scores, error_measures, line_measures
from workbench.core.check import NotApplicableError, check
from workbench.core.finding import Evidence, Measure, Result
from workbench.core.scoring import by_score_bin, windows
from workbench.core.subject import Subject


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
        found += line_measures(table, subject.level, window=window)
        found += error_measures(table, bins, subject.seed, subject.level, window=window)
        if not window:
            evidence.append(_reliability(table, bins, subject.level))
    return Result(found, evidence)


def _reliability(table: Scores, bins: int, level: float) -> Evidence:
    rows = []
    for n, mean_score, hits, _ in zip(*by_score_bin(*table, bins), strict=True):
        interval = intervals.wilson(int(hits), int(n), level)
        low, high = (None, None) if interval is None else (interval.low, interval.high)
        rows.append((float(mean_score), float(hits / n), low, high, int(n)))
    columns = ("mean_score", "observed", "low", "high", "n")
    return Evidence("reliability", "Observed rate by predicted probability", "reliability", columns, tuple(rows))

"""Whether scores mean the same in every group."""

from __future__ import annotations

from collections.abc import Mapping

from workbench.core import intervals
from workbench.core.calibration import Scores, error_measures, line_measures, mean_score_difference
from workbench.core.check import NotApplicableError, check
from workbench.core.finding import Cell, Evidence, Measure, Result
from workbench.core.intervals import Interval
from workbench.core.joint import JointCounts
from workbench.core.rates import GroupCounts, Grouping, groupings, with_interval
from workbench.core.scoring import by_score_bin
from workbench.core.subject import Subject


@check("bias.calibration_by_group", "B004", "Calibration by group", needs=("target", "score", "sensitive"))
def calibration_by_group(subject: Subject, *, bins: int = 10, depth: int = 1) -> Result:
    """Compare within each group how often the outcome happens with the probability that was predicted.

    Measures: per group of each sensitive column, and of intersections up to `depth` columns, calibration slope and
        intercept of a logistic regression of the truth on the log-odds of the score (1 and 0 are ideal; Wald
        intervals); `mean_score_difference` = mean score minus observed rate (above 0, the group is scored too high),
        with the Wilson interval of the rate; expected calibration error over equal-width bins, with the mean and the
        95 % quantile that it would have were the group's scores perfectly calibrated. Per column
        `mean_score_difference_difference` = largest minus smallest group, with an interval for all pairs at once.
    Reads well when: scores are probabilities and every group has some hundreds of rows with both outcomes.
    Signs of risk: a group whose mean score difference excludes zero while another's does so on the other side; a gap
        between groups whose interval excludes zero; a group's error above its null quantile.
    Limits: calibration in every group and equal error rates in groups of different prevalence exclude each other. The
        intervals take the scores as given. Groups under the minimum size and people without a group are listed and
        are in no gap. Expected calibration error is biased upward in small groups: compare it with its null quantile,
        not between groups of different size. Bins hide what happens inside them.
    Reference: Cox (1958) Biometrika 45:562; Van Calster et al. (2016) Journal of Clinical Epidemiology 74:167; Guo et
        al. (2017) for the binned error; Wilson (1927); Zou and Donner (2008) Statistics in Medicine 27:1693 for the
        difference of two groups, at Tukey's studentised range for all pairs; Chouldechova (2017) Big Data 5:153 for
        the conflict with equal error rates.
    """
    joint = subject.joint
    if not joint.scores_are_probabilities:
        raise NotApplicableError("scores are not probabilities: some lie outside 0..1, or none is defined")
    found: list[Measure] = []
    evidence: list[Evidence] = []
    for grouping in groupings(joint, subject.minimum_group_size, depth):
        tables = _tables(joint, grouping)
        for group in grouping.groups:
            found += _group(group, tables[group.label], grouping.column, bins, subject)
        found += _gap(grouping, tables, bins, subject.level)
        evidence.append(_lines(grouping, tables, bins, subject))
    if not found:
        raise NotApplicableError("no sensitive column is in the data")
    return Result(found, evidence)


def _tables(joint: JointCounts, grouping: Grouping) -> dict[str, Scores]:
    cells = joint.members(grouping.columns)
    return {group.label: joint.score_table(cells[group.values])[:3] for group in grouping.groups}


def _group(group: GroupCounts, table: Scores, column: str, bins: int, subject: Subject) -> list[Measure]:
    rows = group.counts.rows
    return [
        Measure("count", rows, column, group.label, n=rows, unit="rows"),
        *line_measures(table, subject.level, column=column, group=group.label),
        *error_measures(table, bins, subject.seed, subject.level, column=column, group=group.label),
    ]


def _size(table: Scores) -> int:
    return int(table[1].sum() + table[2].sum())


def _gap(grouping: Grouping, tables: Mapping[str, Scores], bins: int, level: float) -> list[Measure]:
    usable = [t for g in grouping.groups if g.compared and _size(t := tables[g.label])]
    name, column, n = "mean_score_difference_difference", grouping.column, sum(_size(t) for t in usable)
    excluded = Measure("excluded_groups", grouping.small, column, n=len(grouping.groups))
    if len(usable) < 2:
        why = "fewer than two groups can be compared"
        return [Measure(name, None, column, n=n, unit="share", undefined_because=why), excluded]
    # Each group's interval at the level whose normal quantile is the Tukey quantile of all pairs.
    each = _level_of(intervals.tukey_z(len(usable), level))
    found = [mean_score_difference(t, bins, each) for t in usable]
    values = [value for value, _ in found]
    gap = Measure(name, max(values) - min(values), column, n=n, unit="share")
    return [with_interval(gap, _all_pairs([(v, i) for v, i in found if i is not None])), excluded]


def _level_of(z: float) -> float:
    from scipy.special import ndtr

    return float(1 - 2 * ndtr(-z))


def _all_pairs(found: list[tuple[float, Interval]]) -> Interval:
    pairs = [
        intervals.mover_difference(*one, *two)
        for i, one in enumerate(found)
        for j, two in enumerate(found)
        if i != j
    ]  # fmt: skip
    low, high = max(0.0, max(p.low for p in pairs)), max(p.high for p in pairs)
    return Interval(low, high, "mover-d-tukey, given the scores")


def _lines(grouping: Grouping, tables: Mapping[str, Scores], bins: int, subject: Subject) -> Evidence:
    """Return each group's observed rate by bin; bins of fewer rows than a group must have are left out."""
    points: list[tuple[Cell, ...]] = []
    for group in grouping.groups:
        series = ", ".join("missing" if v is None else v for v in group.values)
        for n, mean_score, hits, _ in zip(*by_score_bin(*tables[group.label], bins), strict=True):
            if n < subject.minimum_group_size:
                continue
            interval = intervals.wilson(int(hits), int(n), subject.level)
            low, high = (None, None) if interval is None else (interval.low, interval.high)
            points.append((float(mean_score), float(hits / n), low, high, series, group.counts.rows, group.label))
    return Evidence(
        name=f"calibration by {grouping.column}",
        title=f"Observed rate by predicted probability and {grouping.column}",
        kind="lines",
        columns=("x", "y", "low", "high", "series", "rows", "group"),
        rows=tuple(points),
        notes={"x": "mean score", "y": "observed rate", "diagonal": True, "column": grouping.column},
    )

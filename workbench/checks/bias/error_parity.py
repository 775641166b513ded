"""Predicted numbers compared between groups: means, errors and their gaps."""

from __future__ import annotations

import math
from collections.abc import Sequence

from workbench.core import errors_of, gaps
from workbench.core.check import NotApplicableError, check
from workbench.core.finding import Evidence, Measure, Result, column_label, group_label
from workbench.core.rates import with_interval
from workbench.core.regression import CellErrors
from workbench.core.subject import Subject

_COMPARED = ("mean_prediction", "mean_truth", "bias", "mean_absolute_error")
_Group = tuple[str, str, CellErrors]


@check("bias.error_parity", "B005", "Predicted numbers by group", needs=("sensitive", "regression"))
def error_parity(subject: Subject, *, depth: int = 2) -> Result:
    """Compare predicted numbers, and how wrong they are, between groups.

    Measures: by group of each sensitive column and of their intersections: rows, mean prediction, mean truth, mean
        error (`bias`, prediction minus truth), MAE, RMSE and R squared with intervals; `X_difference`, the largest
        minus the smallest group, for means and errors, with intervals that hold for all pairs of groups at once;
        `X_ratio` of the mean absolute error.
    Reads well when: every group has some hundreds of rows.
    Signs of risk: a group that is over- or under-predicted (its bias' interval excludes 0) or predicted less well.
    Limits: a gap of mean predictions may follow the truth: read it beside the gap of truths. Groups under the minimum
        size and rows without a group enter no comparison.
    Reference: t intervals (Student 1908); all pairs by Welch's standard errors at Tukey's studentised range, as in
        Games and Howell (1976) J. Educational Statistics 1:113 with normal quantiles; Agarwal, Dudik and Wu (2019)
        for fair regression; ratios of means by MOVER-R, Donner and Zou (2012).
    """
    counts = subject.regression
    found: list[Measure] = [m for m in errors_of.measures(counts.overall, subject.level) if m.name in _COMPARED]
    evidence: list[Evidence] = []
    for columns in counts.groupings(depth):
        column, groups = column_label(columns), []
        for values, errors in counts.members(columns).items():
            label = group_label(columns, values)
            found += errors_of.measures(errors, subject.level, column=column, group=label)
            words = ", ".join("missing" if v is None else v for v in values)
            groups.append((words, label, errors, None not in values))
        compared = [(w, g, e) for w, g, e, whole in groups if whole and e.rows >= subject.minimum_group_size]
        small = sum(whole for *_, whole in groups) - len(compared)
        found.append(Measure("excluded_groups", small, column, n=len(groups)))
        found += [m for name in _COMPARED for m in _gaps(name, column, compared, subject.level)]
        evidence += [_forest(name, column, [g[:3] for g in groups], counts.overall, subject.level) for name in _DRAWN]
    if not evidence:
        raise NotApplicableError("no sensitive column is in the data")
    return Result(found, evidence)


_DRAWN = ("bias", "mean_absolute_error")


def _gaps(name: str, column: str, groups: Sequence[_Group], level: float) -> list[Measure]:
    means = [(*errors_of.moments(name, e), e.n) for _, _, e in groups]
    usable = [(mean, variance, n) for mean, variance, n in means if n > 1 and not math.isnan(variance)]
    n = sum(u[2] for u in usable)
    answer = gaps.of_means(usable, level)
    m = Measure(f"{name}_difference", None, column, n=n, undefined_because="fewer than two groups can be compared")
    if answer is None:
        return [m]
    found = [with_interval(Measure(m.name, answer[0], column, n=n), answer[1])]
    if name == "mean_absolute_error" and max(u[0] for u in usable) > 0:
        ratio = gaps.ratio_of_means(usable, level)
        found.append(with_interval(Measure(f"{name}_ratio", ratio[0], column, n=n, unit="ratio"), ratio[1]))
    return found


def _forest(name: str, column: str, groups: Sequence[_Group], overall: CellErrors, level: float) -> Evidence:
    rows = []
    for words, label, errors in groups:
        m = errors_of.mean_measure(name, errors, level)
        rows.append((words, label, errors.rows, m.n, m.value, m.low, m.high))
    return Evidence(
        f"{name} by {column}",
        f"{name} by {column}, with intervals",
        "forest",
        ("label", "group", "rows", "n", "value", "low", "high"),
        tuple(rows),
        {"overall": errors_of.mean_measure(name, overall, level).value, "measure": name, "column": column},
    )

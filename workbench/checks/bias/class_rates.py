"""Decisions and errors of a classifier of several classes, compared between groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from workbench.core import intervals
from workbench.core.check import NotApplicableError, check
from workbench.core.classes import ClassCounts
from workbench.core.finding import Cell, Evidence, Measure, Result, group_label
from workbench.core.rates import (
    Fraction,
    Grouping,
    compared,
    gap_measures,
    groupings,
    measure,
    rate_measure,
    with_interval,
)
from workbench.core.subject import Subject

_RATES = ("selection_rate", "true_positive_rate", "false_positive_rate", "precision")
_WORST: Mapping[str, tuple[str, ...]] = {
    "demographic_parity": ("selection_rate",),
    "equal_opportunity": ("true_positive_rate",),
    "equalized_odds": ("true_positive_rate", "false_positive_rate"),
}
_MOST_DRAWN = 4
_COLUMNS = ("label", "group", "rows", "n", "value", "low", "high")


@check("bias.class_rates", "B013", "Rates by group over several classes", needs=("sensitive", "classes"))
def class_rates(subject: Subject, *, depth: int = 2) -> Result:
    """Compare between groups how often each class is predicted and how often rightly.

    Measures: per group of each sensitive column and of intersections up to `depth` columns: its rows and `accuracy`;
        for each class against the rest (`where`) the selection rate, true positive rate (recall), false positive rate
        and precision, with Wilson intervals; `X_difference` and `X_ratio` between groups, of accuracy and for each
        class, with intervals that hold for all pairs of groups at once; the worst over all classes of
        `demographic_parity_difference`, `equal_opportunity_difference` and `equalized_odds_difference`, with intervals
        that hold for all classes at once.
    Reads well when: every group has some hundreds of rows and some tens of each class.
    Signs of risk: a class whose recall is much lower in one group; a gap whose whole interval lies beyond the limit.
    Limits: which class is the good one is not known here: a gap has no better side. With many classes the worst gap is
        wide, as it allows for all of them. A class that a group has no row of enters no gap for that group. Missing
        groups are shown and enter no comparison, groups under the minimum size neither.
    Reference: one class against the rest as in scikit-learn; Hardt, Price, Srebro (2016) for equalised odds, here over
        all classes; Wilson (1927); Newcombe (1998) at Tukey's quantile, Donner and Zou (2012) for ratios; Sidak (1967)
        JASA 62:626 over classes and rates.
    """
    classes = subject.classes
    if not classes.table().sum():
        raise NotApplicableError("no row has a truth and a prediction")
    by_class = [list(groupings(classes.one_against_rest(c), subject.minimum_group_size, depth)) for c in classes.labels]
    if not by_class or not by_class[0]:
        raise NotApplicableError("no sensitive column is in the data")
    found: list[Measure] = []
    evidence: list[Evidence] = []
    for of_classes in zip(*by_class, strict=True):
        found += _accuracy(classes, of_classes[0], subject.level)
        for label, grouping in zip(classes.labels, of_classes, strict=True):
            where = group_label(("class",), (label,))
            found += [replace(m, where=where) for m in _of_class(grouping, subject.level)]
        found += _worst(of_classes, subject.level)
        evidence += _drawn(classes, of_classes, subject.level)
    return Result(found, evidence)


def _accuracies(classes: ClassCounts, grouping: Grouping) -> list[Fraction]:
    cells = classes.one_against_rest("").members(grouping.columns)
    tables = [classes.table(cells[g.values]) for g in grouping.groups]
    return [(int(t.trace()), int(t.sum())) for t in tables]


def _accuracy(classes: ClassCounts, grouping: Grouping, level: float) -> list[Measure]:
    column, shares = grouping.column, _accuracies(classes, grouping)
    found = []
    for group, (x, n) in zip(grouping.groups, shares, strict=True):
        why = "0/0: no row has truth and prediction"
        found.append(Measure("count", group.counts.rows, column, group.label, n=group.counts.rows, unit="rows"))
        ends = intervals.wilson(x, n, level)
        found.append(measure("accuracy", x, n, ends, column=column, group=group.label, why=why))
    usable = [s for g, s in zip(grouping.groups, shares, strict=True) if g.compared and s[1]]
    found.append(Measure("excluded_groups", grouping.small, column, n=len(grouping.groups)))
    return found + gap_measures("accuracy", column, usable, level)


def _of_class(grouping: Grouping, level: float) -> list[Measure]:
    # Judging looks for it beside each gap: a group that could not be compared bars a pass.
    found = [Measure("excluded_groups", grouping.small, grouping.column, n=len(grouping.groups))]
    for rate in _RATES:
        found += [rate_measure(rate, g.counts, level, column=grouping.column, group=g.label) for g in grouping.groups]
        usable = compared(grouping, rate)
        found += gap_measures(rate, grouping.column, [f for _, f in usable], level)
        undefined = sum(g.compared for g in grouping.groups) - len(usable)
        if undefined:
            name = f"{rate}_excluded_groups"
            found.append(Measure(name, undefined, grouping.column, n=len(grouping.groups)))
    return found


def _worst(of_classes: Sequence[Grouping], level: float) -> list[Measure]:
    """Return the largest gaps over all classes; classes that under two groups can be compared on are left out."""
    found, column = [], of_classes[0].column
    for name, rates in _WORST.items():
        families = [[f for _, f in compared(g, rate)] for rate in rates for g in of_classes]
        families = [family for family in families if len(family) > 1]
        m = Measure(
            f"{name}_difference", None, column, n=sum(f[1] for family in families for f in family), unit="share"
        )
        answer = intervals.combine_gaps(families, level) if families else None
        if answer is None:
            why = "fewer than two groups can be compared on any class"
            found.append(replace(m, undefined_because=why))
        else:
            found.append(with_interval(replace(m, value=answer[0]), answer[1]))
    return found


def _drawn(classes: ClassCounts, of_classes: Sequence[Grouping], level: float) -> list[Evidence]:
    grouping = of_classes[0]
    x, n = int(classes.table().trace()), int(classes.table().sum())
    rows = []
    for group, (hits, size) in zip(grouping.groups, _accuracies(classes, grouping), strict=True):
        ends = intervals.wilson(hits, size, level)
        value = (None, None, None) if ends is None else (hits / size, ends.low, ends.high)
        rows.append((_words(group.values), group.label, group.counts.rows, size, *value))
    notes: dict[str, Cell] = {
        "overall": x / n,
        "unit": "share",
        "measure": "accuracy",
        "column": grouping.column,
    }
    title = f"accuracy by {grouping.column}, with intervals"
    found = [Evidence(f"accuracy by {grouping.column}", title, "forest", _COLUMNS, tuple(rows), notes)]
    if len(grouping.columns) == 1 and len(classes.labels) <= _MOST_DRAWN:
        found += [_recall(c, g, level) for c, g in zip(classes.labels, of_classes, strict=True)]
    return found


def _recall(label: str, grouping: Grouping, level: float) -> Evidence:
    rate, rows = "true_positive_rate", []
    for g in grouping.groups:
        m = rate_measure(rate, g.counts, level)
        rows.append((_words(g.values), g.label, g.counts.rows, m.n, m.value, m.low, m.high))
    overall = rate_measure(rate, grouping.overall, level).value
    notes: dict[str, Cell] = {"overall": overall, "unit": "share", "measure": rate, "column": grouping.column}
    name = f"{rate} of {label} by {grouping.column}"
    return Evidence(name, name, "forest", _COLUMNS, tuple(rows), notes)


def _words(values: Sequence[str | None]) -> str:
    return ", ".join("missing" if v is None else v for v in values)

"""Impact ratios: each group's favourable rate over that of the most favoured group."""

from __future__ import annotations

from workbench.core import intervals
from workbench.core.check import NotApplicableError, check
from workbench.core.favoured import compared_fractions, favoured, impact_ratio_measure, most_favoured
from workbench.core.finding import Evidence, Measure, Result
from workbench.core.rates import Grouping, gap_measures, groupings, measure
from workbench.core.subject import Subject


@check("bias.impact_ratio", "B002", "Impact ratio", needs=("sensitive", "prediction"))
def impact_ratio(subject: Subject, *, depth: int = 2) -> Result:
    """Compare how often each group gets the favourable outcome with the group that gets it most often.

    Measures: per group of each sensitive column and of their intersections the number of rows, the rate of the
        favourable outcome and `impact_ratio` = that rate over the highest rate in the same table, with MOVER-R
        intervals; with an empty group the smallest of them, with an interval for all pairs at once; rows whose
        group is unknown are counted and left out of every ratio (`unknown_count`).
    Reads well when: the favourable outcome is common enough that each group has at least five of it.
    Signs of risk: a ratio whose interval lies under the limit in force (four fifths under 29 CFR 1607.4(D)).
    Limits: no threshold of its own. The group with the highest rate is itself uncertain; the interval of a single
        ratio takes it as given, that of the smallest does not. Unrounded rates are divided.
    Reference: 6 RCNY 5-301 (New York City Local Law 144), worked example; 29 CFR 1607.4(D); Donner and Zou (2012)
        Statistical Methods in Medical Research 21:347.
    """
    joint = subject.joint
    positive = joint.favourable_is_positive
    found: list[Measure] = []
    evidence: list[Evidence] = []
    for grouping in groupings(joint, subject.minimum_group_size, depth):
        found += _table(grouping, positive, subject.level)
        evidence.append(_evidence(grouping, positive, subject.level))
    if not found:
        raise NotApplicableError("no sensitive column is in the data")
    return Result(found, evidence)


def _table(grouping: Grouping, positive: bool, level: float) -> list[Measure]:
    usable, column = compared_fractions(grouping, positive), grouping.column
    best = most_favoured(usable)
    found: list[Measure] = []
    for group in grouping.groups:
        x, n = favoured(group.counts, positive)
        found.append(Measure("count", group.counts.rows, column, group.label, n=group.counts.rows))
        wilson = intervals.wilson(x, n, level)
        found.append(
            measure(
                "selection_rate", x, n, wilson, column=column, group=group.label, why="0/0: no row has a prediction"
            )
        )
        if group.compared:
            found.append(impact_ratio_measure(x, n, best, column, group.label, level))
    unknown = sum(g.counts.rows for g in grouping.groups if None in g.values)
    smallest = gap_measures("impact", column, usable, level)[1]
    return [
        *found,
        smallest,
        Measure("unknown_count", unknown, column, n=grouping.overall.rows, unit="rows"),
        Measure("excluded_groups", grouping.small, column, n=len(grouping.groups)),
    ]


def _evidence(grouping: Grouping, positive: bool, level: float) -> Evidence:
    best, rows = most_favoured(compared_fractions(grouping, positive)), []
    for g in grouping.groups:
        label = ", ".join("missing" if v is None else v for v in g.values)
        x, n = favoured(g.counts, positive)
        m = impact_ratio_measure(x, n, best, grouping.column, g.label, level) if g.compared else None
        shown = (None, None, None) if m is None else (m.value, m.low, m.high)
        rows.append((label, g.label, g.counts.rows, n, *shown))
    return Evidence(
        name=f"impact ratio by {grouping.column}",
        title=f"impact ratio by {grouping.column}, against the most favoured group",
        kind="forest",
        columns=("label", "group", "rows", "n", "value", "low", "high"),
        rows=tuple(rows),
        notes={
            "unit": "ratio",
            "measure": "impact_ratio",
            "overall": 1.0,
            "overall_is": "most favoured",
            "column": grouping.column,
        },
    )

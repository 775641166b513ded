"""The four-fifths rule of 29 CFR 1607.4(D), beside the tests of significance that it is read with."""

from __future__ import annotations

import math
from typing import NamedTuple

from workbench.core import intervals
from workbench.core.check import NotApplicableError, check
from workbench.core.favoured import compared_fractions, favoured, impact_ratio_measure, most_favoured
from workbench.core.finding import Cell, Evidence, Measure, Result
from workbench.core.intervals import Interval
from workbench.core.rates import Fraction, GroupCounts, Grouping, gap_measures, groupings, measure, with_interval
from workbench.core.subject import Subject


@check("bias.four_fifths", "B012", "Four-fifths rule", needs=("sensitive", "prediction"), on_request=True)
def four_fifths(subject: Subject, *, depth: int = 2) -> Result:
    """Show which groups get the favourable outcome less than four fifths as often as the group that gets it most.

    Measures: per group of each sensitive column and of their intersections up to `depth` columns its rows, rate and
        `impact_ratio` = rate / highest rate (MOVER-R interval); for every group but the most favoured one
        `fisher_p_value`, Fisher's exact two-sided p of the two by two table of the group and the most favoured group;
        `standard_deviations` = (selected - expected) / SD, where expected = n p, SD = sqrt(n p (1 - p) m / (n + m)),
        n and m are the rows of the group and of the most favoured group and p their pooled rate (the same number as
        the pooled two-proportion z; negative when the group is selected less); `shortfall` = n * highest rate -
        selected, the selections the group is short of parity. Per table `below_four_fifths`, how many compared
        groups have an unrounded ratio under 0.8, and the smallest impact ratio with an interval for all pairs at once.
    Reads well when: every group has at least five selected and five not selected.
    Signs of risk: a ratio under 0.8 together with a p under 0.05 or more than two standard deviations; under 1607.4(D)
        also a smaller difference that is significant in both statistical and practical terms.
    Limits: the rule itself ignores sampling error: in small groups it flags by chance and in large ones it misses real
        gaps, which is why the tests stand beside it. The tests take the most favoured group as given and are not
        corrected for the number of groups. The rule speaks of groups of at least 2 % of the applicants (1607.4(A));
        here the audit's minimum group size decides. A fraction of a person can be short.
    Reference: 29 CFR 1607.4(D); Fisher (1935); Castaneda v. Partida, 430 U.S. 482, note 17 (1977) and Hazelwood School
        District v. United States, 433 U.S. 299, note 14 (1977) for two or three standard deviations, here with the
        factor m / (n + m) because the expected rate is estimated from the same people; Donner and Zou (2012);
        Newcombe (1998) for the shortfall's interval.
    """
    joint = subject.joint
    found: list[Measure] = []
    evidence: list[Evidence] = []
    for grouping in groupings(joint, subject.minimum_group_size, depth):
        rows = _rows(grouping, joint.favourable_is_positive, subject.level)
        found += _measures(rows, grouping, joint.favourable_is_positive, subject.level)
        evidence.append(_evidence(rows, grouping))
    if not found:
        raise NotApplicableError("no sensitive column is in the data")
    return Result(found, evidence, ["the four-fifths rule is about the ratio itself: sampling error is ignored by it"])


class _Row(NamedTuple):
    group: GroupCounts
    selected: int
    rate: Measure
    compared: tuple[Measure, ...]  # impact ratio, and against the most favoured group p, deviations and shortfall


def _rows(grouping: Grouping, positive: bool, level: float) -> list[_Row]:
    best, column, found = most_favoured(compared_fractions(grouping, positive)), grouping.column, []
    for group in grouping.groups:
        x, n = favoured(group.counts, positive)
        why = "0/0: no row has a prediction"
        wilson = intervals.wilson(x, n, level)
        rate = measure("selection_rate", x, n, wilson, column=column, group=group.label, why=why)
        compared: tuple[Measure, ...] = ()
        if group.compared:
            compared = (impact_ratio_measure(x, n, best, column, group.label, level),)
            if n and best is not None and (x, n) != best:
                compared += _against((x, n), best, column, group.label, level)
        found.append(_Row(group, x, rate, compared))
    return found


def _against(mine: Fraction, best: Fraction, column: str, label: str, level: float) -> tuple[Measure, ...]:
    from scipy.stats import fisher_exact

    (x, n), (y, m) = mine, best
    p = float(fisher_exact([[x, n - x], [y, m - y]]).pvalue)
    shortfall = Measure("shortfall", n * (y / m) - x, column, label, n=n, unit="rows")
    gap = intervals.newcombe_difference(y, m, x, n, level)
    scaled = None if gap is None else Interval(n * gap.low, n * gap.high, "newcombe, times n")
    return (
        Measure("fisher_p_value", p, column, label, n=n + m, method="fisher exact, two-sided"),
        _deviations(mine, best, column, label),
        with_interval(shortfall, scaled),
    )


def _deviations(mine: Fraction, best: Fraction, column: str, label: str) -> Measure:
    (x, n), (y, m) = mine, best
    p = (x + y) / (n + m)
    spread = math.sqrt(n * p * (1 - p) * m / (n + m))
    name, about = "standard_deviations", "pooled two-proportion z"
    if not spread:
        why = "0/0: everybody or nobody of the two groups gets the favourable outcome"
        return Measure(name, None, column, label, n=n + m, undefined_because=why)
    return Measure(name, (x - n * p) / spread, column, label, n=n + m, method=about)


def _measures(rows: list[_Row], grouping: Grouping, positive: bool, level: float) -> list[Measure]:
    found: list[Measure] = []
    for row in rows:
        size = row.group.counts.rows
        found.append(Measure("count", size, grouping.column, row.group.label, n=size, unit="rows"))
        found += [row.rate, *row.compared]
    usable = compared_fractions(grouping, positive)
    return [
        *found,
        _below(usable, grouping.column),
        gap_measures("impact", grouping.column, usable, level)[1],
        Measure("excluded_groups", grouping.small, grouping.column, n=len(grouping.groups)),
    ]


def _below(usable: list[Fraction], column: str) -> Measure:
    best = most_favoured(usable)
    if best is None or not best[0] or len(usable) < 2:
        why = "fewer than two groups can be compared" if len(usable) < 2 else "no group has the favourable outcome"
        return Measure("below_four_fifths", None, column, n=len(usable), undefined_because=why)
    y, m = best
    # In whole numbers: a ratio of exactly four fifths is not under it, whatever the last bit of a division says.
    below = sum(5 * x * m < 4 * y * n for x, n in usable)
    return Measure("below_four_fifths", below, column, n=len(usable))


def _evidence(rows: list[_Row], grouping: Grouping) -> Evidence:
    named = ("impact_ratio", "fisher_p_value", "standard_deviations", "shortfall")
    table: list[tuple[Cell, ...]] = []
    for row in rows:
        values = {m.name: m.value for m in row.compared}
        category = ", ".join("missing" if v is None else v for v in row.group.values)
        head = (category, row.group.label, row.group.counts.rows, row.rate.n, row.selected, row.rate.value)
        table.append((*head, *(values.get(name) for name in named)))
    return Evidence(
        name=f"four fifths by {grouping.column}",
        title=f"Four-fifths rule by {grouping.column} (29 CFR 1607.4(D)), sampling error ignored by the rule",
        kind="table",
        columns=("category", "group", "rows", "n", "selected", "selection_rate", *named),
        rows=tuple(table),
        notes={"column": grouping.column, "limit": 0.8},
    )

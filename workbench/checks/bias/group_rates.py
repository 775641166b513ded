"""Rates by group, and the gaps between groups."""

from __future__ import annotations

from workbench.core import intervals
from workbench.core.check import NotApplicableError, check
from workbench.core.errors import ConfigError, unknown
from workbench.core.finding import Evidence, Measure, Result
from workbench.core.joint import JointCounts
from workbench.core.rates import (
    COUNTS,
    RATES,
    WITHOUT_TRUTH,
    GroupCounts,
    Grouping,
    compared,
    gap_measures,
    groupings,
    rate_measure,
    to_overall,
    to_reference,
    with_interval,
    worst_to_overall,
)
from workbench.core.subject import Subject
from workbench.core.thresholds import threshold_evidence
from workbench.core.treatment import treatment_gap, treatment_measure, treatment_to_reference

_DRAWN = ("selection_rate", "true_positive_rate", "false_positive_rate")
_NAMED = {  # names of gaps of single rates; the first two are fairlearn's
    "demographic_parity": "selection_rate",
    "equal_opportunity": "true_positive_rate",
    "predictive_parity": "precision",
}


@check("bias.group_rates", "B001", "Rates by group", needs=("sensitive", "prediction"))
def group_rates(subject: Subject, *, reference_groups: dict[str, str] | None = None, depth: int = 2) -> Result:
    """Compare the model's decisions and errors between groups.

    Measures: selection rate, true and false positive and negative rates, predictive values, accuracy and prevalence
        of every group of each sensitive column and of their intersections, each with its own denominator n and a
        Wilson interval; `X_difference` (largest minus smallest group), `X_ratio` (smallest over largest) with
        intervals that hold for all pairs of groups at once; each group against overall, and against a named
        reference group where one is given; demographic parity, equal opportunity, predictive parity (the gap of
        precision) and equalised odds; `treatment_equality` = false negatives / false positives of every group, its
        largest minus smallest group and its difference to the reference group, with intervals.
    Reads well when: every group has some hundreds of rows, so that intervals are narrower than the gap that matters.
    Signs of risk: a gap whose whole interval lies beyond the limit; error rates that differ in opposite directions;
        a small or unlabelled group that no gap speaks of (it is listed as excluded).
    Limits: it compares what is recorded; a biased label makes biased rates look equal. Rows without a group value
        are a group of their own and never an extreme. Groups under the minimum size enter no comparison. No
        difference shown is not evidence of no difference: read the interval. Treatment equality is undefined without
        a false positive.
    Reference: Hardt, Price, Srebro (2016) for equalised odds; Chouldechova (2017) Big Data 5:153 for predictive parity;
        Berk et al. (2021) Sociological Methods and Research 50:3 for treatment equality, its intervals the odds of
        Wilson's; Wilson (1927); Newcombe
        (1998) Statistics in Medicine 17:873 method 10; Donner and Zou (2012) for ratios; Tukey's studentised range
        for all pairs; names as in fairlearn.metrics.
    """
    joint = subject.joint
    rates = tuple(RATES) if joint.has_truth else WITHOUT_TRUTH
    wanted = dict(reference_groups or {})
    found: list[Measure] = [rate_measure(r, joint.confusion(), subject.level) for r in rates]
    if joint.has_truth:
        found += [*_counts(joint, "", ""), treatment_measure(joint.confusion(), subject.level)]
    evidence: list[Evidence] = []
    seen = set()
    for grouping in groupings(joint, subject.minimum_group_size, depth):
        seen.add(grouping.column)
        base = _reference(grouping, wanted.get(grouping.column))
        found += _of_grouping(joint, grouping, rates, base, subject.level)
        found += _treatment(grouping, base, subject) if joint.has_truth else []
        evidence += _forests(grouping, rates, subject.level)
    if not seen:
        raise NotApplicableError("no sensitive column is in the data")
    for name in wanted:
        if name not in seen:
            raise ConfigError("reference_groups: " + unknown("sensitive column", name, sorted(seen)))
    if joint.has_score:
        evidence.append(threshold_evidence(joint, subject.roles.threshold))
    notes = [] if joint.has_truth else ["there is no target: only selection rates can be measured"]
    return Result(found, evidence, notes)


def _of_grouping(
    joint: JointCounts, grouping: Grouping, rates: tuple[str, ...], base: GroupCounts | None, level: float
) -> list[Measure]:
    found: list[Measure] = []
    for group in grouping.groups:
        found.append(Measure("count", group.counts.rows, grouping.column, group.label, n=group.counts.rows))
        found += _counts(joint, grouping.column, group.label, group) if joint.has_truth else []
        for rate in rates:
            found.append(rate_measure(rate, group.counts, level, column=grouping.column, group=group.label))
            if group.compared:
                found += to_overall(rate, group, grouping, level)
            if group.compared and base is not None:
                found += to_reference(rate, group, base, grouping.column, level)
    found.append(Measure("excluded_groups", grouping.small, grouping.column, n=len(grouping.groups)))
    for rate in rates:
        found += _gaps(grouping, rate, level)
    return found + _composed(grouping, rates, level)


def _gaps(grouping: Grouping, rate: str, level: float) -> list[Measure]:
    usable = compared(grouping, rate)
    found = gap_measures(rate, grouping.column, [f for _, f in usable], level)
    undefined = sum(g.compared for g in grouping.groups) - len(usable)
    if undefined:
        found.append(Measure(f"{rate}_excluded_groups", undefined, grouping.column, n=len(grouping.groups)))
    return found + worst_to_overall(rate, grouping, level)


def _composed(grouping: Grouping, rates: tuple[str, ...], level: float) -> list[Measure]:
    found: list[Measure] = []
    for name, rate in _NAMED.items():
        if rate in rates:
            found += gap_measures(name, grouping.column, [f for _, f in compared(grouping, rate)], level)
    if "true_positive_rate" in rates:
        found += _equalized_odds(grouping, level)
    return found


def _equalized_odds(grouping: Grouping, level: float) -> list[Measure]:
    families = [[f for _, f in compared(grouping, r)] for r in ("true_positive_rate", "false_positive_rate")]
    n = sum(f[1] for family in families for f in family)
    found = []
    for kind, unit in (("difference", "share"), ("ratio", "ratio")):
        m = Measure(f"equalized_odds_{kind}", None, grouping.column, n=n, unit=unit)
        answer = intervals.combine_gaps(families, level, kind=kind) if all(len(f) > 1 for f in families) else None
        if answer is None:
            why = "fewer than two groups can be compared on both rates, or a rate is 0 in every group"
            found.append(Measure(m.name, None, m.column, n=n, unit=unit, undefined_because=why))
        else:
            found.append(with_interval(Measure(m.name, answer[0], m.column, n=n, unit=unit), answer[1]))
    return found


def _treatment(grouping: Grouping, base: GroupCounts | None, subject: Subject) -> list[Measure]:
    column, level = grouping.column, subject.level
    found = []
    for g in grouping.groups:
        found.append(treatment_measure(g.counts, level, column=column, group=g.label))
        if g.compared and base is not None:
            args = (g.counts, base.counts, column, g.label, level)
            found.append(treatment_to_reference(*args, itself=g is base))
    usable = [g.counts for g in grouping.groups if g.compared]
    found.append(treatment_gap(usable, column, level))
    undefined = sum(not c.fp for c in usable)
    if undefined:
        found.append(Measure("treatment_equality_excluded_groups", undefined, column, n=len(grouping.groups)))
    return found


def _counts(joint: JointCounts, column: str, label: str, group: GroupCounts | None = None) -> list[Measure]:
    counts = group.counts if group else joint.confusion()
    known = counts.tp + counts.fp + counts.fn + counts.tn
    return [Measure(name, f(counts), column, label, n=known, unit="rows") for name, f in COUNTS.items()]


def _reference(grouping: Grouping, wanted: str | None) -> GroupCounts | None:
    if wanted is None:
        return None
    if wanted == "largest":
        named = [g for g in grouping.groups if None not in g.values] or grouping.groups
        return max(named, key=lambda g: g.counts.rows)
    for group in grouping.groups:
        if wanted in (group.label, "/".join(v or "" for v in group.values)):
            return group
    names = (
        [g.label for g in grouping.groups] if len(grouping.columns) > 1 else [str(g.values[0]) for g in grouping.groups]
    )
    raise ConfigError(f"reference_groups: {grouping.column}: " + unknown("group", wanted, names))


def _forests(grouping: Grouping, rates: tuple[str, ...], level: float) -> list[Evidence]:
    drawn = [r for r in (_DRAWN if len(grouping.columns) == 1 else _DRAWN[:1]) if r in rates]
    return [_forest(grouping, rate, level) for rate in drawn]


def _forest(grouping: Grouping, rate: str, level: float) -> Evidence:
    rows = []
    for g in grouping.groups:
        m = rate_measure(rate, g.counts, level)
        label = ", ".join("missing" if v is None else v for v in g.values)
        rows.append((label, g.label, g.counts.rows, m.n, m.value, m.low, m.high))
    overall = rate_measure(rate, grouping.overall, level)
    return Evidence(
        name=f"{rate} by {grouping.column}",
        title=f"{rate} by {grouping.column}, with intervals",
        kind="forest",
        columns=("label", "group", "rows", "n", "value", "low", "high"),
        rows=tuple(rows),
        notes={"overall": overall.value, "unit": "share", "measure": rate, "column": grouping.column},
    )

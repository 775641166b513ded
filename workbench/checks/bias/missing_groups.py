"""How far people without a recorded group could move the gaps between groups."""

from __future__ import annotations

from workbench.core.check import NotApplicableError, check
from workbench.core.finding import Evidence, Measure, Result
from workbench.core.joint import Confusion
from workbench.core.rates import Fraction, Grouping, fraction, groupings, with_interval
from workbench.core.subject import Subject
from workbench.core.unknown_groups import Bound, difference_bounds, gap_interval, ratio_bounds

_WITH_TRUTH = ("selection_rate", "true_positive_rate", "false_positive_rate")
_EMPTY = Confusion(0, 0, 0, 0, 0, 0, 0, 0, 0)


@check("bias.missing_groups", "B010", "Gaps under missing groups", needs=("sensitive", "prediction"))
def missing_groups(subject: Subject) -> Result:
    """Bound the gaps between groups when some people's group is not recorded and each may belong to any group.

    Measures: per sensitive column `unknown_count`, the rows without a group, and for the selection rate and, with a
        truth, the true and the false positive rate `X_difference_lower_bound`, `X_difference_upper_bound` (largest
        minus smallest group), `X_ratio_lower_bound` and `X_ratio_upper_bound` (smallest over largest): the ends that
        the gap can take over all memberships of these people. Both bounds carry one interval, which holds for the gap
        itself wherever it lies between them. n counts the people of the compared groups and the unknown.
    Reads well when: few people lack a group: the bounds are wide as soon as the unknown are as many as a group.
    Signs of risk: a limit that lies between the bounds: the data cannot say on which side the gap is; a lower bound of
        a difference beyond the limit: the gap is there whoever the unknown are.
    Limits: worst cases, without a guess at who the unknown are. Upper bounds of differences and lower bounds of ratios
        are reached by some membership. The opposite ends let a person be divided between groups, so they are off by
        less than a person per group, on the safe side. Unknown people may also belong to groups that are not compared
        (too small, or without people of the rate's kind); these stay out of the comparison whoever joins them. Each
        rate is bounded by itself. Sampling error is bounded conservatively beyond two groups.
    Reference: Manski (2003) Partial Identification of Probability Distributions, for worst cases; upper end of the
        difference = max over pairs i, j of (x_i + a) / (n_i + a) - x_j / (n_j + b) with x of n successes per group
        and a unknown successes, b unknown failures; lower end = max over k of (successes of the k highest groups) /
        (their n + b) minus min over k of (a + successes of the k lowest) / (a + their n), and at least 0; Imbens and
        Manski (2004) Econometrica 72:1845 for the interval [lower - c s, upper + c s], Phi(c + width / s) - Phi(-c) =
        level, s from Newcombe (1998) and from Donner and Zou (2012) at the Tukey and Scheffe quantiles.
    """
    joint = subject.joint
    rates = _WITH_TRUTH if joint.has_truth else _WITH_TRUTH[:1]
    found: list[Measure] = []
    evidence: list[Evidence] = []
    notes: list[str] = []
    for grouping in groupings(joint, subject.minimum_group_size, 1):
        unknown = next((g.counts for g in grouping.groups if None in g.values), _EMPTY)
        if not unknown.rows:
            notes.append(f"{grouping.column}: no row lacks a group, so the bounds are the gap itself")
        found.append(Measure("unknown_count", unknown.rows, grouping.column, n=grouping.overall.rows, unit="rows"))
        bounds = [m for rate in rates for m in _bounds(grouping, unknown, rate, subject.level)]
        evidence.append(_evidence(bounds, grouping.column))
        found += bounds
        notes += _left_out(grouping)
    if not found:
        raise NotApplicableError("no sensitive column is in the data")
    return Result(found, evidence, notes)


def _bounds(grouping: Grouping, unknown: Confusion, rate: str, level: float) -> list[Measure]:
    known = [f for g in grouping.groups if g.compared and (f := fraction(rate, g.counts))[1]]
    extra = fraction(rate, unknown)
    found: list[Measure] = []
    for kind, unit, function in (("difference", "share", difference_bounds), ("ratio", "ratio", ratio_bounds)):
        bounds: Bound | None = function(known, extra) if len(known) > 1 else None
        interval = None if bounds is None else gap_interval(known, extra, kind, level)
        few = "fewer than two groups can be compared"
        why = "" if bounds else few if len(known) < 2 else "0/0: the rate is 0 in every group and among the unknown"
        for at, end in enumerate(("lower", "upper")):
            name, n = f"{rate}_{kind}_{end}_bound", _size(known, extra)
            value = None if bounds is None else bounds[at]
            m = Measure(name, value, grouping.column, n=n, unit=unit, undefined_because=why)
            found.append(with_interval(m, interval))
    return found


def _size(known: list[Fraction], extra: Fraction) -> int:
    return sum(n for _, n in known) + extra[1]


def _left_out(grouping: Grouping) -> list[str]:
    if not grouping.small:
        return []
    return [f"{grouping.column}: groups too small to be compared: {grouping.small}; the unknown may belong to them too"]


def _evidence(bounds: list[Measure], column: str) -> Evidence:
    rows = []
    for lower, upper in zip(bounds[::2], bounds[1::2], strict=True):
        gap = lower.name.removesuffix("_lower_bound").replace("_", " ")
        rows.append((gap, lower.value, upper.value, lower.low, lower.high, lower.n))
    return Evidence(
        name=f"bounds by {column}",
        title=f"Gaps by {column} over all memberships of the people without a group",
        kind="table",
        columns=("category", "lower_bound", "upper_bound", "interval_low", "interval_high", "n"),
        rows=tuple(rows),
        notes={"column": column},
    )

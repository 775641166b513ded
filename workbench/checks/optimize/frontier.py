"""What equal treatment of groups costs in accuracy: the best that thresholds can do, one for all or one for each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from workbench.core import intervals
from workbench.core.check import NotApplicableError, check
from workbench.core.finding import Cell, Evidence, Measure, Result
from workbench.core.halves import judged, learn_and_judge
from workbench.core.intervals import Interval
from workbench.core.joint import Group, JointCounts
from workbench.core.numbers import Floats, Ints, NumberCounts
from workbench.core.rates import GroupCounts, Grouping, groupings, with_interval
from workbench.core.subject import Subject
from workbench.core.sweep import Sweep, candidates, sweep

Metric = Literal["accuracy", "balanced_accuracy"]
Disparity = Literal["selection_rate", "true_positive_rate", "equalized_odds"]
SERIES = ("one threshold", "threshold per group")
METHOD = "no interval: chosen and shown on the same rows"
MOST, MOST_OF_GROUP = 200, 40
_MOST_RATES, _MOST_PAIRED, _MOST_GAPS, _DRAWN = 300, 35, 20, 100
_SAME = 1e-12
_RATES: dict[str, Callable[[Sweep], tuple[Ints, int]]] = {
    "selection_rate": lambda s: (s.selected, s.scored),
    "true_positive_rate": lambda s: (s.true_positives, s.positives),
    "false_positive_rate": lambda s: (s.false_positives, s.negatives),
}
_OF = {
    "selection_rate": ("selection_rate",),
    "true_positive_rate": ("true_positive_rate",),
    "equalized_odds": ("true_positive_rate", "false_positive_rate"),
}


@dataclass(frozen=True)
class _Member:
    """One compared group: its counts at each of its thresholds, its rates there, and what it adds to the metric."""

    group: GroupCounts
    sweep: Sweep
    rates: tuple[Floats, ...]
    gain: Floats


@dataclass(frozen=True)
class _Points:
    """Achievable points, none better in both, by rising disparity; `chosen` is the threshold of each group."""

    disparity: Floats
    metric: Floats
    chosen: Floats


@check(
    "optimize.frontier", "O002", "Accuracy against disparity", needs=("target", "score", "sensitive"), on_request=True
)
def frontier(
    subject: Subject, *, metric: Metric = "accuracy", disparity: Disparity = "selection_rate", depth: int = 1
) -> Result:
    """Show which combinations of accuracy and disparity between groups the scores allow.

    Measures: per sensitive column the audit's present point (`present_accuracy`, or `present_balanced_accuracy`, and
        `present_disparity`, largest minus smallest group, with intervals), and for "one threshold" and for "threshold
        per group" (in `where`) how much the metric could rise without more disparity
        (`apparent_accuracy_gain_at_present_disparity`) and how much the disparity could fall without loss of the
        metric (`apparent_disparity_reduction_at_present_accuracy`): apparent, for they are chosen and shown on the same
        rows, as are the lines, the points that no other beats in both. `held_out_accuracy_change` and
        `held_out_disparity` are those of the best point without more disparity, chosen on the reference where it has
        truth and score, else on one half of the rows dealt at random, and judged on the others, with intervals;
        `held_out_disparity` "as it is" stands beside them.
    Reads well when: each group has some hundreds of rows.
    Signs of risk: much less disparity at nearly the same accuracy (it is avoidable); thresholds of groups far apart
        (scores mean different things in them).
    Limits: the lines are optimistic, more so the one with a threshold per group: read what is held out. At most 200
        thresholds for all and 40 for each group are tried; the search over groups is exhaustive over these for one rate
        with up to 300 distinct values, and a bounded search for equalised odds, whose line may lie under the best.
        Groups that are too small, missing or without the rate keep the audit's threshold and enter no disparity. A
        threshold for each group may be unlawful where the group is protected (42 USC 2000e-2(l) in the United States).
        Equal rates of a biased label are biased.
    Reference: Hardt, Price, Srebro (2016) for group thresholds; Pareto dominance; accuracy by Wilson (1927), balanced
        accuracy by a seeded multinomial bootstrap, changes by Tango (1998), disparity by Newcombe at Tukey's quantile
        as in bias.group_rates.
    """
    found: list[Measure] = []
    evidence: list[Evidence] = []
    learn, judge, how = learn_and_judge(subject)
    for grouping in groupings(subject.joint, subject.minimum_group_size, depth):
        measures, drawn = _of_grouping(subject, grouping, metric, disparity)
        found += measures
        evidence += drawn
        if drawn:
            found += _held_out(subject, grouping.columns, (learn, judge, how), metric, disparity)
    if not found:
        raise NotApplicableError("no sensitive column is in the data")
    notes = [
        "every point of the lines is chosen and shown on the same rows; what is held out is " + how,
        "this is a proposal: nothing is changed",
    ]
    return Result(found, evidence, notes)


def _held_out(
    subject: Subject,
    columns: tuple[str, ...],
    sides: tuple[JointCounts, JointCounts, str],
    metric: Metric,
    disparity: Disparity,
) -> list[Measure]:
    """Return what the best point without more disparity changes, chosen on some rows and judged on others."""
    learn, judge, how = sides
    there, here = (_grouped(j, subject, columns) for j in (learn, judge))
    chosen = {"as it is": dict[Group, float]()} | _chosen(learn, there, subject.roles.threshold, metric, disparity)
    found: list[Measure] = []
    for where, thresholds in chosen.items():
        changes, gap = judged(judge, here, thresholds, subject.roles.threshold, _OF[disparity], subject.level)
        kept = [m for m in changes if m.name == f"{metric}_change" and where in SERIES]
        found += [_as_held_out(m, where, how) for m in (*kept, *((gap,) if gap is not None else ()))]
    return found


def _grouped(joint: JointCounts, subject: Subject, columns: tuple[str, ...]) -> Grouping:
    found = groupings(joint, subject.minimum_group_size, len(columns))
    return next(g for g in found if g.columns == columns)


def _as_held_out(m: Measure, where: str, how: str) -> Measure:
    method = f"{m.method}; {how}" if m.method else how
    return replace(m, name=f"held_out_{m.name}", where=where, method=method)


def _chosen(
    joint: JointCounts, grouping: Grouping, own: float, metric: Metric, disparity: Disparity
) -> dict[str, dict[Group, float]]:
    """Return, for each line, the thresholds of its best point that has no more disparity than now."""
    whole = sweep(joint, candidates(joint.all_scores, own, MOST))
    members = _members(joint, grouping, whole, own, metric, _OF[disparity])
    gains = _gains(whole, whole, metric)
    if len(members) < 2 or gains is None:
        return {}
    gaps, _ = _one_threshold(joint, grouping, whole, gains, members, _OF[disparity])
    now = float(gaps[int(np.searchsorted(whole.thresholds, own))])
    one = _best(gaps, gains, whole.thresholds[:, None])
    each = _per_group(members, gains, whole, own)
    first, second = (
        p.chosen[int(np.argmax(np.where(p.disparity <= now + _SAME, p.metric, -np.inf)))] for p in (one, each)
    )
    everyone = {g.values: float(first[0]) for g in grouping.groups}
    return {SERIES[0]: everyone, SERIES[1]: {m.group.values: float(t) for m, t in zip(members, second, strict=True)}}


def _of_grouping(
    subject: Subject, grouping: Grouping, metric: Metric, disparity: Disparity
) -> tuple[list[Measure], list[Evidence]]:
    joint, own = subject.joint, subject.roles.threshold
    whole = sweep(joint, candidates(joint.all_scores, own, MOST))
    members = _members(joint, grouping, whole, own, metric, _OF[disparity])
    excluded = Measure("excluded_groups", grouping.small, grouping.column, n=len(grouping.groups))
    gains = _gains(whole, whole, metric)
    if len(members) < 2 or gains is None:
        why = "a class does not occur among the rows with truth and score" if gains is None else ""
        why = why or "fewer than two groups can be compared"
        names = (f"present_{metric}", "present_disparity")
        return [*(_undefined(name, grouping.column, whole.labelled, why) for name in names), excluded], []
    here = int(np.searchsorted(whole.thresholds, own))
    one = _one_threshold(joint, grouping, whole, gains, members, _OF[disparity])
    lines = (_best(one[0], gains, whole.thresholds[:, None]), _per_group(members, gains, whole, own))
    present = (float(one[0][here]), float(gains[here]))
    found = [*_present(subject, grouping.column, whole, here, (members, _OF[disparity]), metric), excluded]
    for name, points in zip(SERIES, lines, strict=True):
        found += _reach(points, present, name, metric, grouping.column, whole.labelled)
    drawn = _lines(grouping, lines, present, metric, disparity)
    return found, [drawn, _thresholds(grouping, members, lines[1], present, own)]


def _undefined(name: str, column: str, n: int, why: str) -> Measure:
    return Measure(name, None, column, n=n, unit="share", undefined_because=why)


def _gains(s: Sweep, whole: Sweep, metric: Metric) -> Floats | None:
    """Return what these rows add to the metric of all rows at each threshold; None when it is undefined."""
    if metric == "accuracy":
        return np.asarray((s.true_positives + s.true_negatives) / whole.labelled) if whole.labelled else None
    if not whole.positives or not whole.negatives:
        return None
    return np.asarray((s.true_positives / whole.positives + s.true_negatives / whole.negatives) / 2)


def _members(
    joint: JointCounts, grouping: Grouping, whole: Sweep, own: float, metric: Metric, names: Sequence[str]
) -> list[_Member]:
    cells_of, found = joint.members(grouping.columns), []
    for group in grouping.groups:
        cells = cells_of[group.values]
        s = sweep(joint, candidates(_scores(joint, cells), own, MOST_OF_GROUP), cells)
        rates = [_RATES[name](s) for name in names]
        gain = _gains(s, whole, metric)
        if group.compared and gain is not None and all(n for _, n in rates):
            found.append(_Member(group, s, tuple(x / n for x, n in rates), gain))
    return found


def _scores(joint: JointCounts, cells: Sequence[int]) -> NumberCounts:
    whole, wanted = NumberCounts(), set(cells)
    for (cell, _, _), table in joint.scores.items():
        whole = whole + table if cell in wanted else whole
    return whole


def _one_threshold(
    joint: JointCounts, grouping: Grouping, whole: Sweep, gains: Floats, members: list[_Member], names: Sequence[str]
) -> tuple[Floats, Floats]:
    cells_of = joint.members(grouping.columns)
    sweeps = [sweep(joint, whole.thresholds, cells_of[m.group.values]) for m in members]
    gaps = []
    for name in names:
        rates = np.stack([x / n for x, n in (_RATES[name](s) for s in sweeps)])
        gaps.append(rates.max(axis=0) - rates.min(axis=0))
    return np.max(gaps, axis=0), gains


# ---------------------------------------------------------------------------- a threshold for each group


def _per_group(members: list[_Member], gains: Floats, whole: Sweep, own: float) -> _Points:
    """Return the best points when each group has a threshold: within a window of rates, groups choose independently."""
    here = int(np.searchsorted(whole.thresholds, own))
    fixed = float(gains[here]) - sum(float(m.gain[np.searchsorted(m.sweep.thresholds, own)]) for m in members)
    now = [
        [m.rates[k][np.searchsorted(m.sweep.thresholds, own)] for m in members] for k in range(len(members[0].rates))
    ]
    # The present point is always among those tried.
    windows = [
        (np.append(low, min(rates)), np.append(high, max(rates)))
        for (low, high), rates in zip(_windows(members), now, strict=True)
    ]
    total = np.full(windows[0][0].shape, fixed)
    chosen = np.zeros((len(members), len(total)), np.int64)
    for i, member in enumerate(members):
        first = np.zeros(len(total), np.int64)
        last = np.full(len(total), len(member.gain), np.int64)
        for rate, (low, high) in zip(member.rates, windows, strict=True):
            # Rates fall as thresholds rise: those inside a window are neighbours.
            first = np.maximum(first, np.searchsorted(-rate, -high - _SAME, side="left"))
            last = np.minimum(last, np.searchsorted(-rate, -low + _SAME, side="right"))
        value, at = _range_best(member.gain)
        inside = first < last
        pick = (np.minimum(first, len(member.gain) - 1), np.maximum(last - 1, 0))
        total = total + np.where(inside, value[pick], -np.inf)
        chosen[i] = at[pick]
    kept = np.isfinite(total)
    gaps = []
    for k in range(len(windows)):
        rates = np.stack([m.rates[k][c] for m, c in zip(members, chosen[:, kept], strict=True)])
        gaps.append(rates.max(axis=0) - rates.min(axis=0))
    thresholds = np.stack([m.sweep.thresholds[c] for m, c in zip(members, chosen[:, kept], strict=True)], axis=1)
    return _best(np.max(gaps, axis=0), total[kept], thresholds)


def _range_best(gain: Floats) -> tuple[Floats, Ints]:
    """Return the largest gain from threshold i to threshold j, and where it is; -inf under the diagonal."""
    size = len(gain)
    value, at = np.full((size, size), -np.inf), np.zeros((size, size), np.int64)
    for i in range(size):
        value[i, i:] = np.maximum.accumulate(gain[i:])
        # Where the running maximum was last raised.
        raised = np.concatenate(([True], value[i, i + 1 :] > value[i, i:-1]))
        at[i, i:] = np.maximum.accumulate(np.where(raised, np.arange(i, size), 0))
    return value, at


def _windows(members: list[_Member]) -> list[tuple[Floats, Floats]]:
    """Return lower and upper ends of windows of each rate: every pair of rates, or of two rates of equal widths."""
    known = [np.unique(np.concatenate([m.rates[k] for m in members])) for k in range(len(members[0].rates))]
    if len(known) == 1:
        rates = _thinned(known[0], _MOST_RATES)
        i, j = np.triu_indices(len(rates))
        return [(rates[i], rates[j])]
    starts = [_thinned(rates, _MOST_PAIRED) for rates in known]
    gaps = np.unique(np.concatenate([np.abs(s[:, None] - s[None, :]).ravel() for s in starts]))
    a, c, gap = (v.ravel() for v in np.meshgrid(*starts, _thinned(gaps, _MOST_GAPS), indexing="ij"))
    return [(a, a + gap), (c, c + gap)]


def _thinned(values: Floats, most: int) -> Floats:
    return np.asarray(values[np.unique(np.linspace(0, len(values) - 1, min(len(values), most)).astype(int))])


def _best(disparity: Floats, metric: Floats, chosen: Floats) -> _Points:
    """Return the points that no other beats or equals in both, by rising disparity."""
    # Differences of fractions that are equal differ in their last bits: 2/3 - 1/3 and 1/3 - 0.
    order = np.lexsort((-metric, np.round(disparity, 12)))
    high = np.maximum.accumulate(metric[order])
    kept = order[np.concatenate(([True], metric[order][1:] > high[:-1] + _SAME))]
    return _Points(disparity[kept], metric[kept], chosen[kept])


# ---------------------------------------------------------------------------- what is said of it


def _present(
    subject: Subject,
    column: str,
    whole: Sweep,
    here: int,
    compared: tuple[list[_Member], Sequence[str]],
    metric: Metric,
) -> list[Measure]:
    own, level = subject.roles.threshold, subject.level
    tp, tn = int(whole.true_positives[here]), int(whole.true_negatives[here])
    if metric == "accuracy":
        value, interval = (tp + tn) / whole.labelled, intervals.wilson(tp + tn, whole.labelled, level)
    else:
        table = np.array([tp, tn, whole.positives - tp, whole.negatives - tn])
        value = float(_balanced(table[None, :].astype(np.float64))[0])
        interval = intervals.bootstrap_counts(table, _balanced, seed=subject.seed, level=level)
        if interval is not None:
            interval = Interval(min(value, interval.low), max(value, interval.high), interval.method)
    families = []
    for name in compared[1]:
        pairs = [(int(np.searchsorted(m.sweep.thresholds, own)), *_RATES[name](m.sweep)) for m in compared[0]]
        families.append([(int(x[at]), n) for at, x, n in pairs])
    gap = intervals.combine_gaps(families, level) if len(families) > 1 else intervals.gap_difference(families[0], level)
    found = [with_interval(Measure(f"present_{metric}", value, column, n=whole.labelled, unit="share"), interval)]
    if gap is not None:
        n = sum(size for family in families for _, size in family)
        found.append(with_interval(Measure("present_disparity", gap[0], column, n=n, unit="share"), gap[1]))
    return found


def _balanced(t: Floats) -> Floats:
    tp, tn, fn, fp = t.T
    return np.asarray((tp / (tp + fn) + tn / (tn + fp)) / 2)


def _reach(
    points: _Points, present: tuple[float, float], where: str, metric: Metric, column: str, n: int
) -> list[Measure]:
    """Return how far one line leads from the present point, along either axis."""
    found = []
    for name, values in (
        (
            f"apparent_{metric}_gain_at_present_disparity",
            points.metric[points.disparity <= present[0] + _SAME] - present[1],
        ),
        (
            f"apparent_disparity_reduction_at_present_{metric}",
            present[0] - points.disparity[points.metric >= present[1] - _SAME],
        ),
    ):
        # The present point is among those tried: what is left of a difference to it is rounding.
        value = max(0.0, float(values.max())) if len(values) else 0.0
        found.append(Measure(name, value, column, where=where, n=n, unit="share", method=METHOD))
    return found


def _lines(
    grouping: Grouping, lines: Sequence[_Points], present: tuple[float, float], metric: Metric, disparity: Disparity
) -> Evidence:
    rows: list[tuple[Cell, ...]] = []
    for name, points in zip(SERIES, lines, strict=True):
        at = _thinned(np.arange(len(points.metric), dtype=np.float64), _DRAWN).astype(int)
        rows += [(float(points.disparity[i]), float(points.metric[i]), None, None, name) for i in at]
    notes: dict[str, Cell] = {
        "x": f"disparity: {disparity.replace('_', ' ')}",
        "y": metric.replace("_", " "),
        "unit": "share",
        "x_unit": "share",
        "present_x": present[0],
        "present_y": present[1],
        "warning": "chosen and shown on the same rows",
        "column": grouping.column,
    }
    title = f"{metric.replace('_', ' ')} against disparity by {grouping.column}"
    columns = ("x", "y", "low", "high", "series")
    return Evidence(f"frontier by {grouping.column}", title, "lines", columns, tuple(rows), notes)


def _thresholds(
    grouping: Grouping, members: list[_Member], points: _Points, present: tuple[float, float], own: float
) -> Evidence:
    """Return each group's threshold at the best point that has no more disparity than now."""
    within = np.flatnonzero(points.disparity <= present[0] + _SAME)
    best = int(within[np.argmax(points.metric[within])]) if len(within) else 0
    of_group = {m.group.label: float(points.chosen[best][i]) for i, m in enumerate(members)}
    rows: list[tuple[Cell, ...]] = []
    for group in grouping.groups:
        label = ", ".join("missing" if v is None else v for v in group.values)
        rows.append((label, group.label, group.counts.rows, own, of_group.get(group.label)))
    title = f"Thresholds by {grouping.column} that do best without more disparity"
    columns = ("label", "group", "rows", "threshold now", "threshold there")
    return Evidence(f"frontier thresholds by {grouping.column}", title, "table", columns, tuple(rows))

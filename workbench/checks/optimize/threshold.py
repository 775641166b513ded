"""Which threshold costs least, overall and by group, and what moving to it would save."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workbench.core.check import check
from workbench.core.costs import Costs, cells, cheapest, correct, cost_interval, per_row, pointwise, saving_interval
from workbench.core.errors import ConfigError
from workbench.core.finding import Cell, Evidence, Measure, Result
from workbench.core.intervals import Interval
from workbench.core.joint import JointCounts
from workbench.core.numbers import Floats
from workbench.core.rates import GroupCounts, Grouping, groupings, with_interval
from workbench.core.subject import Subject
from workbench.core.sweep import Sweep, candidates, sweep

MOST = 200
SAME_ROWS = "chosen and judged on the same rows"
_DRAWN = 100
_UNIT = "cost per row"


@dataclass(frozen=True)
class _Plan:
    """Where a threshold is chosen and where it is judged (the same table when there is no reference)."""

    learn: JointCounts
    judge: JointCounts
    points: Floats
    own: float
    costs: Costs
    seed: int
    level: float

    @property
    def same(self) -> bool:
        return self.learn is self.judge


@check("optimize.threshold", "O001", "Threshold of least cost", needs=("target", "score"))
def threshold(
    subject: Subject,
    *,
    cost_false_positive: float = 1.0,
    cost_false_negative: float = 1.0,
    gain_true_positive: float = 0.0,
    gain_true_negative: float = 0.0,
    per_group: bool = True,
) -> Result:
    """Find the threshold at which the decisions cost least, and estimate what moving to it would save.

    Measures: `expected_cost` per row at the audit's threshold; `proposed_threshold`, `expected_cost_at_proposal` and
        `saving`, the difference of the two. With a reference that has truth and score the threshold is chosen there and
        judged here. Without one each tenth of the rows is judged by the threshold that the other nine choose, and
        `apparent_expected_cost_at_proposal` and `apparent_saving` show what choosing and judging on the same rows would
        claim. `calibrated_threshold`, the cheapest if
        scores were calibrated probabilities. Per group of each sensitive column (unless `per_group` is off) the same,
        and the thresholds at which its true positive rate and its selection rate come nearest to those of all rows at
        the proposal (`equal_true_positive_rate_threshold`, `equal_selection_rate_threshold`).
    Reads well when: costs are known to about a factor of two, and both classes occur hundreds of times.
    Signs of risk: a saving whose whole interval is above 0; a proposal far from `calibrated_threshold` (scores are not
        calibrated); groups whose cheapest thresholds lie far apart.
    Limits: nothing is changed: this proposes. Costs are those given, the same for every row. Rows without truth or
        score are left out. At most 200 thresholds are tried, evenly spread over the rows; the curve's band is
        pointwise. A threshold for each group may be unlawful where the group is protected (in the United States
        42 USC 2000e-2(l) forbids it in employment). Groups under the minimum size and missing groups get no proposal.
        What is chosen on a small group is mostly noise. Without a reference the intervals of cost and saving covered
        the truth in 88 to 96 of 100 simulated audits of 100 to 2,000 rows (the apparent ones in 83 to 93).
    Reference: cost per row (c_fp FP + c_fn FN - g_tp TP - g_tn TN) / n; Elkan (2001) IJCAI, 973, for the calibrated
        threshold (c_fp + g_tn) / (c_fp + g_tn + c_fn + g_tp); seeded multinomial bootstrap of the cells; Stone (1974)
        JRSS B 36:111 for tenfold cross-validation, repeated twenty times by dealing the counts; Hardt, Price, Srebro
        (2016) for equal true positive rates.
    """
    costs = Costs(cost_false_positive, cost_false_negative, gain_true_positive, gain_true_negative)
    _validate(costs)
    plan = _plan(subject, costs)
    learnt, judged = (sweep(j, plan.points) for j in (plan.learn, plan.judge))
    found = _measures(plan, learnt, judged, "", "")
    if plan.judge.scores_are_probabilities:
        found.append(Measure("calibrated_threshold", costs.calibrated_threshold, n=judged.labelled))
    evidence = [_curve(plan, learnt, judged)] if judged.labelled else []
    evidence.append(_proposal(found, plan))
    if per_group:
        for grouping in groupings(plan.judge, subject.minimum_group_size, 1):
            measures, table = _of_grouping(plan, learnt, grouping)
            found += measures
            evidence.append(table)
    return Result(found, evidence, _notes(plan, judged))


def _validate(costs: Costs) -> None:
    if not np.isfinite(costs.weights).all():
        raise ConfigError("optimize.threshold: costs and gains must be finite numbers.")
    if costs.false_positive + costs.true_negative <= 0 or costs.false_negative + costs.true_positive <= 0:
        raise ConfigError("optimize.threshold: a wrong decision must cost more than a right one, in both classes.")


def _plan(subject: Subject, costs: Costs) -> _Plan:
    judge, own = subject.joint, subject.roles.threshold
    learn = judge if subject.reference is None else subject.reference.joint
    if learn is None or not (learn.has_truth and learn.has_score) or not sweep(learn, [own]).labelled:
        learn = judge
    return _Plan(learn, judge, candidates(learn.all_scores, own, MOST), own, costs, subject.seed, subject.level)


def _notes(plan: _Plan, judged: Sweep) -> list[str]:
    notes = ["this is a proposal: nothing is changed"]
    if plan.same:
        notes.append(f"the proposed threshold is {SAME_ROWS}: what is called apparent is optimistic")
    else:
        notes.append("the proposed threshold is chosen on the reference and judged on the current data")
    here = int(np.searchsorted(judged.thresholds, plan.own))
    counts = plan.judge.confusion()
    if judged.labelled and (counts.tp, counts.fp, counts.fn, counts.tn) != tuple(int(c) for c in cells(judged)[here]):
        notes.append("the predictions given are not those of the score at the audit's threshold: costs are the score's")
    return notes


def _measures(plan: _Plan, learnt: Sweep, judged: Sweep, column: str, group: str) -> list[Measure]:
    n = judged.labelled
    if not n or not learnt.labelled:
        why = "no row has truth and score" if not n else "no row of the group in the reference has truth and score"
        names = ("expected_cost", "proposed_threshold", "expected_cost_at_proposal", "saving")
        return [Measure(m, None, column, group, n=n, unit=_UNIT, undefined_because=why) for m in names]
    at = cheapest(per_row(learnt, plan.costs), plan.points, plan.own)
    here = int(np.searchsorted(plan.points, plan.own))
    cost = per_row(judged, plan.costs)
    ends = [cost_interval(cells(judged)[i], plan.costs, plan.seed, plan.level) for i in (here, at)]
    saved = saving_interval(judged, (here, at), plan.costs, plan.seed, plan.level)
    plain = "apparent_" if plan.same else ""
    found = [
        _cost("expected_cost", float(cost[here]), ends[0], column, group, n),
        Measure("proposed_threshold", float(plan.points[at]), column, group, n=learnt.labelled, method=_chosen(plan)),
        _cost(f"{plain}expected_cost_at_proposal", float(cost[at]), _marked(ends[1], plan), column, group, n),
        _cost(f"{plain}saving", float(cost[here] - cost[at]), _marked(saved, plan), column, group, n),
    ]
    return found + (_corrected(plan, judged, column, group) if plan.same else [])


def _chosen(plan: _Plan) -> str:
    return f"no interval: {SAME_ROWS}" if plan.same else "no interval: chosen on the reference"


def _marked(interval: Interval | None, plan: _Plan) -> Interval | None:
    if interval is None or not plan.same:
        return interval
    return Interval(interval.low, interval.high, f"{interval.method}; {SAME_ROWS}")


def _corrected(plan: _Plan, s: Sweep, column: str, group: str) -> list[Measure]:
    c = correct(s, plan.costs, plan.own, plan.seed, plan.level)
    names = ("expected_cost_at_proposal", "saving")
    pairs = ((c.cost, c.cost_interval), (c.saving, c.saving_interval))
    found = []
    for name, (value, interval) in zip(names, pairs, strict=True):
        if interval is not None:
            interval = Interval(interval.low, interval.high, f"tenfold cross-validation, {interval.method}")
        found.append(_cost(name, value, interval, column, group, s.labelled))
    return found


def _cost(name: str, value: float, interval: Interval | None, column: str, group: str, n: int) -> Measure:
    if interval is not None:
        # The half added to each cell moves the draws inwards: with few rows they may miss an extreme value.
        interval = Interval(min(value, interval.low), max(value, interval.high), interval.method)
    return with_interval(Measure(name, value, column, group, n=n, unit=_UNIT), interval)


# ---------------------------------------------------------------------------- groups


def _of_grouping(plan: _Plan, whole: Sweep, grouping: Grouping) -> tuple[list[Measure], Evidence]:
    found: list[Measure] = []
    rows: list[tuple[Cell, ...]] = []
    judged, learnt = (j.members(grouping.columns) for j in (plan.judge, plan.learn))
    for group in grouping.groups:
        found.append(Measure("count", group.counts.rows, grouping.column, group.label, n=group.counts.rows))
        measures: list[Measure] = []
        if group.compared:
            sweeps = [
                sweep(j, plan.points, m.get(group.values, [])) for j, m in ((plan.learn, learnt), (plan.judge, judged))
            ]
            measures = _measures(plan, sweeps[0], sweeps[1], grouping.column, group.label)
            measures += _equal(plan, whole, sweeps[0], grouping.column, group.label)
        found += measures
        rows.append(_row(group, {m.name: m.value for m in measures}))
    found.append(Measure("excluded_groups", grouping.small, grouping.column, n=len(grouping.groups)))
    title = f"Thresholds by {grouping.column}"
    return found, Evidence(
        f"thresholds by {grouping.column}", title, "table", ("label", "group", "rows", *_SHOWN), tuple(rows)
    )


_SHOWN = (
    "expected_cost",
    "proposed_threshold",
    "expected_cost_at_proposal",
    "saving",
    "apparent_saving",
    "equal_true_positive_rate_threshold",
    "equal_selection_rate_threshold",
)


def _row(group: GroupCounts, values: dict[str, float | int | None]) -> tuple[Cell, ...]:
    label = ", ".join("missing" if v is None else v for v in group.values)
    return (label, group.label, group.counts.rows, *(values.get(name) for name in _SHOWN))


def _equal(plan: _Plan, whole: Sweep, s: Sweep, column: str, group: str) -> list[Measure]:
    """Return the thresholds at which the group's rates come nearest to those of all rows at the proposal."""
    at = cheapest(per_row(whole, plan.costs), plan.points, plan.own) if whole.labelled else None
    found = []
    for name, hits, n, all_hits, all_n in (
        ("true_positive_rate", s.true_positives, s.positives, whole.true_positives, whole.positives),
        ("selection_rate", s.selected, s.scored, whole.selected, whole.scored),
    ):
        m = Measure(f"equal_{name}_threshold", None, column, group, n=n, method=_chosen(plan))
        if at is None or not n or not all_n:
            why = "0/0: the rate is undefined in the group or in all rows"
            found.append(Measure(m.name, None, column, group, n=n, undefined_because=why))
            continue
        gaps = np.abs(hits / n - all_hits[at] / all_n)
        nearest = cheapest(gaps, plan.points, float(plan.points[at]))
        found.append(Measure(m.name, float(plan.points[nearest]), column, group, n=n, method=m.method))
    return found


# ---------------------------------------------------------------------------- evidence


def _curve(plan: _Plan, learnt: Sweep, judged: Sweep) -> Evidence:
    at = set(np.linspace(0, len(plan.points) - 1, min(len(plan.points), _DRAWN)).astype(int).tolist())
    best = cheapest(per_row(learnt, plan.costs), plan.points, plan.own)
    at |= {best, int(np.searchsorted(plan.points, plan.own))}
    rows: list[tuple[Cell, ...]] = []
    for name, s in (("current", judged),) if plan.same else (("current", judged), ("reference", learnt)):
        rows += [(float(plan.points[i]), *_pointwise(s, i, plan), name) for i in sorted(at)]
    notes: dict[str, Cell] = {
        "x": "threshold",
        "y": "cost per row",
        "threshold": plan.own,
        "proposal": float(plan.points[best]),
    }
    return Evidence(
        "cost", "Cost per row by threshold", "lines", ("x", "y", "low", "high", "series"), tuple(rows), notes
    )


def _pointwise(s: Sweep, i: int, plan: _Plan) -> tuple[float, float | None, float | None]:
    mean, ends = float(per_row(s, plan.costs)[i]), pointwise(s, i, plan.costs, plan.level)
    return (mean, None, None) if ends is None else (mean, ends.low, ends.high)


def _proposal(found: list[Measure], plan: _Plan) -> Evidence:
    values = {m.name: m.value for m in found}
    where = SAME_ROWS if plan.same else "chosen on the reference, judged on the current data"
    judged = "each tenth of the rows by a threshold chosen on the others" if plan.same else where
    rows: list[tuple[Cell, ...]] = [
        ("threshold now", plan.own, "the audit's"),
        ("threshold proposed", values["proposed_threshold"], "costs least" if plan.same else f"costs least; {where}"),
        ("cost per row now", values["expected_cost"], "at the audit's threshold"),
        ("cost per row there", values["expected_cost_at_proposal"], judged),
        ("saving per row", values["saving"], judged),
    ]
    if "apparent_saving" in values:
        rows.append(("apparent saving per row", values["apparent_saving"], f"{where}: optimistic"))
    if "calibrated_threshold" in values:
        rows.append(("calibrated threshold", values["calibrated_threshold"], "cheapest if scores were calibrated"))
    return Evidence("proposal", "Proposed threshold", "proposal", ("what", "value", "why"), tuple(rows))

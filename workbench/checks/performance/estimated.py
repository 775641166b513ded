"""What performance is to be expected while labels are late, overall, by group and window by window."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from workbench.core import gaps
from workbench.core.check import NotApplicableError, check
from workbench.core.estimates import classes_estimates, loss_estimates
from workbench.core.finding import Measure, Result, column_label, group_label
from workbench.core.joint import Group, JointCounts
from workbench.core.label_free import LEAST_OF_CLASS, METRICS, Decided, Estimate, Estimator, decided
from workbench.core.rates import with_interval
from workbench.core.series import Point, drawing, outside_support, spans
from workbench.core.subject import Subject

_GAPS = {"recall": "true_positive_rate", "specificity": "false_positive_rate", "precision": "precision"}
_GAPS |= {"accuracy": "accuracy"}
_NOTES = (
    "assumes that P(label | score) is as on the reference: concept shift, and a shift of something that the score "
    "leaves out, cannot be seen here",
    "the intervals are for the metric that will be measured once labels are there, and allow for the reference's size",
)


@check("performance.estimated", "P019", "Performance without labels", needs=("reference",), uses=("rows",))
def estimated(
    subject: Subject, *, calibration: bool = True, by_group: bool = True, depth: int = 1, draws: int = 400
) -> Result:
    """Estimate performance from scores alone, as the reference taught what a score means.

    Measures: for a binary outcome, `estimated_accuracy`, precision, recall, specificity, F1, prevalence, ROC AUC and
        average precision of all rows and of each window, by confidence-based estimation (CBPE): isotonic calibration
        of the score on the reference, then expected counts; with prediction intervals for what will be measured. The
        same within each sensitive group, calibrated on the group's own reference rows, and the gaps between groups
        (`estimated_true_positive_rate_difference` and the like). For several classes the same from calibrated,
        normalised probabilities of a sample's rows. For predicted numbers `estimated_mean_absolute_error` and
        `estimated_root_mean_squared_error` by direct loss estimation (DLE): a second model learns the loss on one half
        of the reference, its mean error on the other half corrects it. `outside_support_share`: rows outside what the
        reference covers, by score and by the worst feature. Where labels are there, `estimate_miss` is realised minus
        estimated.
    Reads well when: the reference has some thousands of labelled rows and the windows are no larger than it.
    Signs of risk: an estimate whose interval lies beyond the limit; many rows outside the reference's support; a
        realised metric outside the interval, which is a change of concept.
    Limits: it sees only what moves the score. Concept shift, and a covariate that the score omits, stay unseen. A
        group with under 50 reference rows of a class is not estimated. Without calibration (`calibration: false`)
        scores are taken as the probabilities they claim to be. Average precision counts equal scores together, where
        NannyML takes them in the order of rows.
    Reference: Bialek et al. (2024) for CBPE and DLE as in NannyML; Barlow et al. (1972) for isotonic regression;
        Tukey's quantile for gaps of several groups, from the draws' standard errors.
    """
    task = subject.roles.kind_of_task
    if task != "binary":
        by_task = {"multiclass": classes_estimates, "regression": loss_estimates}[task]
        found, points, notes = by_task(subject, draws)
    else:
        found, points = _binary(subject, _Options(calibration, by_group, depth, draws))
        notes = list(_NOTES)
    shares, note = outside_support(subject)
    return Result([*found, *shares], drawing("estimated", points), [*notes, *note])


@dataclass(frozen=True, slots=True)
class _Options:
    calibration: bool
    by_group: bool
    depth: int
    draws: int


def _binary(subject: Subject, options: _Options) -> tuple[list[Measure], list[Point]]:
    reference = None if subject.reference is None else subject.reference.joint
    if reference is None or not reference.has_truth or not reference.has_score:
        raise NotApplicableError("the reference has no rows with truth and score to learn from")
    if subject.current.joint is None or not subject.current.joint.has_score:
        raise NotApplicableError("there is no score: give a score column, or a model that scores")
    if not options.calibration and not reference.scores_are_probabilities:
        raise NotApplicableError("scores are not probabilities (some lie outside 0..1): leave calibration on")
    estimator = _estimator(reference, None, options, subject.seed)
    if estimator is None:
        raise NotApplicableError(f"the reference has under {LEAST_OF_CLASS} labelled rows of a class: too few to learn")
    found: list[Measure] = []
    points: list[Point] = []
    for label, counted in spans(subject):
        if counted.joint is None:
            continue
        subject.stop()
        estimate = estimator.estimate(decided(counted.joint), subject.level)
        measures = list(_measures(estimate, window=label))
        found += [*measures, *_missed(counted.joint, estimate, label)]
        points += [Point(label, "estimated", m) for m in measures] if label else []
    return found + (_of_groups(subject, reference, options) if options.by_group else []), points


def _estimator(reference: JointCounts, cells: Sequence[int] | None, options: _Options, seed: int) -> Estimator | None:
    scores, positive, negative, _ = reference.score_table(cells)
    if min(positive.sum(), negative.sum()) < LEAST_OF_CLASS:
        return None
    return Estimator(scores, positive, negative, calibrated=options.calibration, seed=seed, draws=options.draws)


def _measures(e: Estimate, *, column: str = "", group: str = "", window: str = "") -> Iterator[Measure]:
    for name in METRICS:
        value = e.value[name]
        known = value == value
        why = "" if known else "0/0: no row is expected in what the metric divides by"
        m = Measure(f"estimated_{name}", value if known else None, column, group, window, n=e.n, undefined_because=why)
        yield with_interval(m, e.interval.get(name))


def _missed(joint: JointCounts, e: Estimate, window: str) -> list[Measure]:
    """Return realised minus estimated accuracy, where every row has a label."""
    c = joint.confusion()
    known = c.tp + c.fp + c.fn + c.tn
    if not joint.has_truth or known < e.n or not known or "accuracy" not in e.interval:
        return []
    realised, interval = (c.tp + c.tn) / known, e.interval["accuracy"]
    ends = (realised - interval.high, realised - interval.low)
    m = Measure("estimate_miss", realised - e.value["accuracy"], window=window, n=known, unit="share", where="accuracy")
    return [with_interval(m, type(interval)(*ends, interval.method))]


def _of_groups(subject: Subject, reference: JointCounts, options: _Options) -> list[Measure]:
    found: list[Measure] = []
    for columns in reference.groupings(options.depth):
        learnt = _learnt(subject, reference, columns, options)
        for label, counted in spans(subject):
            if counted.joint is None or counted.joint.sensitive != reference.sensitive:
                continue
            subject.stop()
            found += _groups_of(subject, columns, counted.joint, learnt, label)
    return found


def _learnt(
    subject: Subject, reference: JointCounts, columns: tuple[str, ...], options: _Options
) -> dict[Group, Estimator | None]:
    members = reference.members(columns).items()
    return {values: _estimator(reference, cells, options, subject.seed) for values, cells in members}


def _groups_of(
    subject: Subject,
    columns: tuple[str, ...],
    joint: JointCounts,
    learnt: Mapping[Group, Estimator | None],
    window: str,
) -> list[Measure]:
    column, found = column_label(columns), []
    estimates: list[Estimate] = []
    for values, cells in joint.members(columns).items():
        table, group = decided(joint, cells), group_label(columns, values)
        estimator = learnt.get(values)
        found.append(Measure("count", joint.confusion(cells).rows, column, group, window, n=table.n, unit="rows"))
        if estimator is None or table.n < subject.minimum_group_size:
            found.append(_unknown(table, estimator is None, column, group, window))
            continue
        estimate = estimator.estimate(table, subject.level)
        found += _measures(estimate, column=column, group=group, window=window)
        estimates += [estimate] if None not in values else []
    return found + [_gap(metric, name, estimates, column, window, subject.level) for metric, name in _GAPS.items()]


def _unknown(table: Decided, untaught: bool, column: str, group: str, window: str) -> Measure:
    few = f"the reference has under {LEAST_OF_CLASS} labelled rows of a class of this group"
    why = few if untaught else "the group has fewer rows than the policy's minimum"
    return Measure("estimated_accuracy", None, column, group, window, n=table.n, undefined_because=why)


def _gap(metric: str, name: str, estimates: Sequence[Estimate], column: str, window: str, level: float) -> Measure:
    known = [(e.value[metric], e.error[metric] ** 2, 1) for e in estimates if metric in e.error]
    head = (f"estimated_{name}_difference", column, "", window)
    answer = gaps.of_means(known, level)
    n = sum(e.n for e in estimates)
    if answer is None:
        why = "fewer than two groups can be estimated"
        return Measure(head[0], None, *head[1:], n=n, unit="share", undefined_because=why)
    return with_interval(Measure(head[0], answer[0], *head[1:], n=n, unit="share"), answer[1])

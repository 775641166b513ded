"""How labels, predictions and scores have moved from the reference."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from workbench.core import category_drift, number_drift
from workbench.core.category_drift import Categories
from workbench.core.check import NotApplicableError, check
from workbench.core.classes import ClassCounts
from workbench.core.counts import Counted
from workbench.core.errors import shown
from workbench.core.finding import Evidence, Measure, Result
from workbench.core.intervals import newcombe_difference
from workbench.core.joint import JointCounts
from workbench.core.number_drift import Numbers
from workbench.core.numbers import NumberCounts
from workbench.core.rates import with_interval
from workbench.core.subject import Subject
from workbench.core.values import ValueCounts

_OF_CLASSES = (
    "cramers_v", "total_variation", "l_infinity", "js_distance", "hellinger", "chi_square", "unseen_", "vanished_",
)  # fmt: skip
_OF_RATES = ("l_infinity", "js_distance", "hellinger", "chi_square")
_OF_NUMBERS = ("ks", "mean_difference", "wasserstein", "psi", "js_distance", "hellinger")


@check("drift.outcome", "D007", "Drift of labels, predictions and scores", needs=("reference",), uses=("prediction",))
def outcome(subject: Subject, *, bins: int = 10) -> Result:
    """Compare labels, predictions and scores with the reference's, whatever the features do.

    Measures: told apart by `where`: label, prediction, score. Binary: `positive_rate_change`, the share of positives
        now minus that in the reference, with Newcombe's interval; its size as `l_infinity`, Jensen-Shannon and
        Hellinger distance of the two shares, and chi-square with its p (also in Yates's correction). Several classes:
        Cramer's V with an interval, total variation, `l_infinity`, Jensen-Shannon, Hellinger and chi-square of the
        shares of classes; classes that are new or gone. Scores, probabilities of each class and the numbers of a
        regression: Kolmogorov-Smirnov with a band and p, difference of means, Wasserstein, PSI, Jensen-Shannon and
        Hellinger, as drift.numeric.
    Reads well when: labels are complete on both sides; labels that come late show the easy cases first.
    Signs of risk: a label rate that moves (the world changed, or who is labelled did) while the predicted rate stands
        still, or the other way round; scores that pile up where there were few.
    Limits: a change says nothing of performance. Predictions from scores change with them: of the two, judge one. What
        the tables hold: every row's label, prediction and binary score; a column of the data gives every row's
        probabilities and numbers, but of a model that predicts in the audit only those of rows with a label are counted
        (several classes, regression): a note says so.
    Reference: Newcombe (1998) Statistics in Medicine 17:873, method 10; Pearson (1900); Yates (1934); Cramer (1946);
        Smithson (2003); Lin (1991); Hellinger (1909); Kolmogorov (1933), Smirnov (1939); Vaserstein (1969).
    """
    if subject.reference is None:
        raise NotApplicableError("no reference data was given")
    task = subject.roles.kind_of_task
    parts = _BY_TASK[task](subject, subject.reference, bins)
    if not parts.measures:
        raise NotApplicableError("; ".join(parts.notes) or "no label, prediction or score is in both data sets")
    return parts


def _binary(subject: Subject, reference: Counted, bins: int) -> Result:
    now, then = subject.current.joint, reference.joint
    if now is None or then is None:
        return Result([], notes=["no label, prediction or score was given"])
    found: list[Measure] = []
    evidence: list[Evidence] = []
    notes: list[str] = []
    for where, column in (("label", subject.roles.target), ("prediction", subject.roles.prediction)):
        sides = [_rate(t, where) for t in (then, now)]
        if not _in_both(where, sides[0] is not None, sides[1] is not None, notes):
            continue
        before, after = (s or (0, 0) for s in sides)
        found += _rates(before, after, where, column or "", subject.level)
        evidence.append(_shares_of(before, after, where, now))
    if _in_both("score", then.has_score, now.has_score, notes):
        both = Numbers.of(then.all_scores, now.all_scores)
        more, drawn = _numbers(both, "score", subject.roles.score or "", bins, subject.level)
        found, evidence = found + more, evidence + drawn
    return Result(found, evidence, notes)


def _in_both(what: str, then: bool, now: bool, notes: list[str]) -> bool:
    if then != now:
        notes.append(f"there is no {what} in the {'current data' if then else 'reference'}")
    return then and now


def _rate(joint: JointCounts, where: str) -> tuple[int, int] | None:
    """Return how many rows are positive, of how many; None where the role was not given."""
    c = joint.confusion()
    if where == "label":
        return (c.positives, c.labelled) if joint.has_truth else None
    return (c.selected, c.predicted) if joint.has_prediction else None


def _rates(then: tuple[int, int], now: tuple[int, int], where: str, column: str, level: float) -> list[Measure]:
    (x_then, n_then), (x, n) = then, now
    if not n or not n_then:
        why = f"no row has a {where} in the {'current data' if n_then else 'reference'}"
        name = "positive_rate_change"
        return [Measure(name, None, column, where=where, n=n, unit="share", undefined_because=why)]
    change = Measure("positive_rate_change", x / n - x_then / n_then, column, where=where, n=n, unit="share")
    both = _two_categories(then, now, ("negative", "positive"))
    return [
        with_interval(change, newcombe_difference(x, n, x_then, n_then, level)),
        Measure("positive_rate_change_reference_n", n_then, column, where=where, n=n_then, unit="rows"),
        *_kept(category_drift.measures(both, level=level, column=column, where=where), _OF_RATES),
    ]


def _two_categories(then: tuple[int, int], now: tuple[int, int], names: tuple[str, str]) -> Categories:
    low, high = (np.array([n - x, x], np.int64) for x, n in (then, now))
    return Categories(names, low, high)


def _shares_of(then: tuple[int, int], now: tuple[int, int], where: str, joint: JointCounts) -> Evidence:
    positive = joint.labels.get("positive", "positive")
    both = _two_categories(then, now, (f"not {positive}", positive))
    return category_drift.drawing(both, where, f"Shares of the {where}")


def _several(subject: Subject, reference: Counted, bins: int) -> Result:
    now, then = subject.current.classes, reference.classes
    if now is None or then is None:
        return Result([], notes=["no label, prediction or probability was given"])
    found: list[Measure] = []
    evidence: list[Evidence] = []
    notes: list[str] = []
    roles = (("label", subject.roles.target, "has_truth"), ("prediction", subject.roles.prediction, "has_prediction"))
    for where, column, given in roles:
        if _in_both(where, getattr(then, given), getattr(now, given), notes):
            both = Categories.of(*(ValueCounts(_classes(t, where)) for t in (then, now)))
            measures = category_drift.measures(both, level=subject.level, column=column or "", where=where)
            found += _kept(measures, _OF_CLASSES)
            evidence += [category_drift.drawing(both, where, f"Shares of the {where}")] if all(both.n) else []
    if _in_both("probability", then.has_score, now.has_score, notes):
        more, drawn = _probabilities(subject, reference, then, now, bins, notes)
        found, evidence = found + more, evidence + drawn
    return Result(found, evidence, notes)


def _classes(counts: ClassCounts, where: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for (_, truth, prediction), rows in counts.rows.items():
        label = truth if where == "label" else prediction
        if label is not None:
            found[label] = found.get(label, 0) + rows
    return dict(sorted(found.items()))


def _probabilities(
    subject: Subject, reference: Counted, then: ClassCounts, now: ClassCounts, bins: int, notes: list[str]
) -> tuple[list[Measure], list[Evidence]]:
    columns = dict(subject.roles.probabilities)
    found: list[Measure] = []
    evidence: list[Evidence] = []
    for label in sorted({name for name, _ in now.scores} | set(columns)):
        column = columns.get(label, "")
        sides = [_of_column(c, column) for c in (reference, subject.current)]
        if None in sides:
            sides = [t.scores.get((label, True), NumberCounts()) + t.scores.get((label, False), NumberCounts())
                     for t in (then, now)]  # fmt: skip
        measures, drawn = _numbers(Numbers.of(*sides), f"class score {shown(label)}", column, bins, subject.level)
        found, evidence = found + measures, evidence + drawn
    if not columns:
        notes.append("probabilities of the model are counted for rows with a label only")
    return found, evidence


def _regression(subject: Subject, reference: Counted, bins: int) -> Result:
    now, then = subject.current.regression, reference.regression
    found: list[Measure] = []
    evidence: list[Evidence] = []
    notes: list[str] = []
    roles = (("label", subject.roles.target, "truth"), ("prediction", subject.roles.prediction, "prediction"))
    for where, column, name in roles:
        given = [t is not None and (t.has_truth if where == "label" else t.has_prediction) for t in (then, now)]
        if not _in_both(where, given[0], given[1], notes):
            continue
        sides = [_of_column(c, column or "") for c in (reference, subject.current)]
        if None in sides:
            sides = [None if t is None else t.overall.table(name) for t in (then, now)]
            notes.append(f"a {where} is counted for rows with a label only")
        measures, drawn = _numbers(Numbers.of(*sides), where, column or "", bins, subject.level)
        found, evidence = found + measures, evidence + drawn
    return Result(found, evidence, notes)


def _of_column(counted: Counted, column: str) -> NumberCounts | None:
    held = counted.columns.get(column)
    return None if held is None else held.numbers


def _numbers(both: Numbers, where: str, column: str, bins: int, level: float) -> tuple[list[Measure], list[Evidence]]:
    found = _kept(number_drift.measures(both, bins=bins, level=level, column=column, where=where), _OF_NUMBERS)
    if not both.reference.n or not both.current.n:
        return found, []
    notes: dict[str, str | float | None] = {"column": where}
    return found, [number_drift.drawing(both, where, f"Distribution of the {where}", notes)]


def _kept(measures: list[Measure], names: tuple[str, ...]) -> list[Measure]:
    return [m for m in measures if m.name.startswith(names) and m.name != "cramers_v_corrected"]


_BY_TASK: Mapping[str, Callable[[Subject, Counted, int], Result]] = {
    "binary": _binary,
    "multiclass": _several,
    "regression": _regression,
}

"""Realised performance window by window, as labels are there."""

from __future__ import annotations

from workbench.core.check import NotApplicableError, check
from workbench.core.finding import Measure, Result
from workbench.core.intervals import wilson
from workbench.core.rates import measure
from workbench.core.realised import realised
from workbench.core.series import REFERENCE, Point, drawing, labelled
from workbench.core.subject import Subject
from workbench.core.windowed import Window


@check("performance.windows", "P018", "Performance over windows", needs=("windows",))
def windows(subject: Subject) -> Result:
    """Follow the performance that labels show from window to window.

    Measures: for each window (and each of the reference's, `reference ...`) of a binary outcome accuracy, precision,
        recall, specificity, selection rate, prevalence, F1, ROC AUC and average precision; of several classes accuracy
        and macro F1; of predicted numbers bias, mean absolute error, root mean squared error and R2. `labelled_share`:
        the share of a window's rows whose label is there.
    Reads well when: windows hold some hundreds of labelled rows and are complete.
    Signs of risk: a value beyond what the reference's windows let one expect (a rule with a learnt limit); a fall that
        stays.
    Limits: a window whose labels are late shows those that came early, who may differ. A short window (marked) has a
        wide interval. Windows share one reference, so that alarms come together.
    Reference: as performance.classification, performance.multiclass and performance.regression.
    """
    found: list[Measure] = []
    points: list[Point] = []
    for label, window in labelled(subject):
        measures = [*realised(window.counted, subject.level, subject.seed, label), *_labelled(subject, window, label)]
        series = "reference" if label.startswith(REFERENCE) else "current"
        points += [Point(label, series, m) for m in measures]
        found += measures
    if all(m.name == "labelled_share" for m in found):
        raise NotApplicableError("no window has rows with truth and prediction")
    short = frozenset(label for label, w in labelled(subject) if w.short)
    notes = [f"short windows: {', '.join(sorted(short))}"] if short else []
    return Result(found, drawing("realised", points, short), notes)


def _labelled(subject: Subject, window: Window, label: str) -> list[Measure]:
    target = window.counted.columns.get(str(subject.roles.target))
    if target is None:
        return []
    interval = wilson(target.present, target.rows, subject.level)
    return [measure("labelled_share", target.present, target.rows, interval, window=label)]

"""Regions in which the model does worse now than on the data it is compared with, its training set for one."""

from __future__ import annotations

from workbench.core import intervals
from workbench.core.check import NotApplicableError, check
from workbench.core.finding import Evidence, Measure, Result
from workbench.core.means import difference_of
from workbench.core.numbers import Floats
from workbench.core.rates import with_interval
from workbench.core.rows import rows_of
from workbench.core.segments import WRITTEN, Segment, segments
from workbench.core.subject import Subject


@check("performance.overfit_segments", "P009", "Overfit segments", needs=("truth", "rows", "reference"), version="2")
def overfit_segments(subject: Subject, *, most: int = 10) -> Result:
    """Compare errors now with errors on the reference, overall and in each bin of each feature.

    Measures: error rate (or mean absolute error) now minus that on the reference, overall and by segment (`where`),
        with intervals; `_p_value` adjusted for the number of segments; `overfit_segments`, how many are worse.
    Reads well when: the reference is the training set: then a gap is overfitting; with other references, change.
    Signs of risk: a segment far above the overall gap: the model learnt it by heart, or the world changed there.
    Limits: rows in both data sets make the gap too small. Bins are fifths of each number and frequent categories.
        Segments share rows, so the gaps move together.
    Reference: Newcombe (1998) for rates, Welch (1947) for means; Benjamini and Hochberg (1995) over the segments.
    """
    if subject.reference is None or subject.reference.sample is None:
        raise NotApplicableError("it needs rows of the reference, and only counts are here")
    now, then = rows_of(subject), rows_of(subject, subject.reference)
    now, then = now.take(now.known), then.take(then.known)
    overall = difference_of(now.loss, then.loss, subject.level)
    if overall is None:
        raise NotApplicableError("current or reference data have under two rows with truth and prediction")
    least = max(30, subject.minimum_group_size)
    kinds = {name: c.kind for name, c in subject.current.columns.items()}
    answers: list[tuple[Segment, int, Floats, tuple[float, intervals.Interval, float]]] = []
    for segment in segments(now.batch, subject.features, kinds):
        a, b = now.loss[segment.mask(now.batch)], then.loss[segment.mask(then.batch)]
        answer = difference_of(a, b, subject.level) if min(len(a), len(b)) >= least else None
        if answer is not None:
            answers.append((segment, len(b), a, answer))
    _, adjusted = intervals.benjamini_hochberg([answer[2] for *_, answer in answers])
    name, unit = f"{now.loss_name}_change", now.loss_unit
    worse = sum(p <= 1 - subject.level for p in adjusted)
    measures = [
        Measure("overfit_segments", worse, n=len(answers), unit="segments"),
        with_interval(Measure(name, overall[0], n=now.n, unit=unit), overall[1]),
    ]
    ordered = sorted(zip(answers, adjusted, strict=True), key=lambda pair: (pair[1], -pair[0][3][0], pair[0][0].name))
    table = []
    for (segment, n_then, losses, (value, interval, _)), p in ordered[:most]:
        m = Measure(name, value, where=segment.name, n=len(losses), unit=unit)
        measures += [with_interval(m, interval), Measure(f"{name}_p_value", p, where=segment.name, n=len(losses))]
        head = (segment.name, segment.written, len(losses), n_then)
        table.append((*head, float(losses.mean()), value, interval.low, interval.high, p))
    columns = ("segment", WRITTEN, "n", "n of the reference", now.loss_name, "change", "low", "high", "adjusted p")
    evidence = Evidence("overfit segments", "Errors now against the reference", "table", columns, tuple(table))
    return Result(measures, [evidence], [f"measured on {subject.sample.words}"])

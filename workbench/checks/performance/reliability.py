"""How wide prediction sets or intervals must be to hold what they promise, overall and for each group."""

from __future__ import annotations

from typing import Any

import numpy as np

from workbench.core.check import NotApplicableError, check
from workbench.core.conformal import Conformal, of_classes, of_numbers
from workbench.core.errors import thousands
from workbench.core.finding import Evidence, Measure, Result, group_label
from workbench.core.means import mean_of
from workbench.core.numbers import Floats
from workbench.core.outcome import texts_and_codes
from workbench.core.rows import Reader, Rows
from workbench.core.subject import Subject

_MOST_GROUPS = 20


@check("performance.reliability", "P013", "Reliability", needs=("truth", "rows"), on_request=True)
def reliability(subject: Subject, *, confidence: float = 0.9) -> Result:
    """Calibrate prediction sets (intervals for numbers) on one half of the rows and measure them on the other.

    Measures: `coverage`, the share of rows whose truth is in its set or interval, and mean `width` (number of classes
        in the set, or length of the interval), overall and by group of each sensitive column, with intervals.
    Reads well when: each half has some hundreds of rows, and each group some tens.
    Signs of risk: a group covered clearly less than promised; sets so wide that they say nothing.
    Limits: the promise holds for all rows together, not for each group, and only while the data stay alike. Numbers
        get one width for all rows: where the model is uncertain it is too narrow.
    Reference: split conformal prediction, Vovk, Gammerman and Shafer (2005), by MAPIE (LAC score for classes, absolute
        residual for numbers); halves by the seeded row hash; Wilson (1927) for coverage, t for widths.
    """
    reader = Reader(subject)
    rows = reader.read(subject.sample.rows)
    half = subject.sample.first_half
    if rows.task == "regression":
        usable, answer = rows.known, _numbers(rows, half, confidence)
    else:
        usable, answer = _classes(reader, rows, half, confidence)
    held = usable & ~half
    measures = [
        mean_of("coverage", answer.covered, subject.level, unit="share"),
        mean_of("width", answer.width, subject.level),
    ]
    batch = rows.take(held).batch
    table: list[tuple[Any, ...]] = []
    for column in subject.roles.sensitive:
        measures += _by_group(column, batch, answer, subject, table)
    evidence = Evidence(
        "coverage by group", f"Coverage by group, {confidence:.0%} promised", "forest",
        ("label", "group", "rows", "n", "value", "low", "high"), tuple(table),
        {"measure": "coverage", "unit": "share", "overall": confidence, "overall_is": "promised"},
    )  # fmt: skip
    note = (
        f"measured on {thousands(int(held.sum()))} rows, calibrated on {thousands(int((usable & half).sum()))} others"
    )
    return Result(measures, [evidence] if table else [], [note])


def _enough(known: Any, half: Any) -> None:
    if (known & half).sum() < 20 or (known & ~half).sum() < 20:
        raise NotApplicableError("each half needs 20 rows with truth and prediction")


def _numbers(rows: Rows, half: Any, confidence: float) -> Conformal:
    _enough(rows.known, half)
    first, second = rows.known & half, rows.known & ~half
    return of_numbers(
        rows.truth[first], rows.prediction[first], rows.truth[second], rows.prediction[second], confidence
    )


def _classes(reader: Reader, rows: Rows, half: Any, confidence: float) -> tuple[Any, Conformal]:
    scores, truth = _scores(reader, rows)
    proper = ((scores >= 0) & (scores <= 1)).all(axis=1) & (np.abs(scores.sum(axis=1) - 1) < 1e-6)
    usable = proper & ~np.isnan(truth)
    _enough(usable, half)
    first, second = usable & half, usable & ~half
    return usable, of_classes(truth[first], scores[first], truth[second], scores[second], confidence)


def _scores(reader: Reader, rows: Rows) -> tuple[Floats, Floats]:
    if rows.task == "binary":
        if rows.score is None:
            raise NotApplicableError("there is no score")
        return np.stack((1 - rows.score, rows.score), axis=1), rows.truth
    found = reader.probabilities(rows.batch)
    if found is None:
        raise NotApplicableError("there are no probabilities of the classes")
    names, scores = found
    place = {float(reader.code(name)): i for i, name in enumerate(names)}
    return scores, np.array([float(place.get(t, np.nan)) for t in rows.truth])


def _by_group(
    column: str, batch: Any, answer: Conformal, subject: Subject, table: list[tuple[Any, ...]]
) -> list[Measure]:
    values, codes = texts_and_codes(batch.column(column))
    found = []
    for value, code in sorted((v, i) for i, v in enumerate(values) if v is not None)[:_MOST_GROUPS]:
        inside, label = codes == code, group_label((column,), (value,))
        n = int(inside.sum())
        m = mean_of("coverage", answer.covered[inside], subject.level, unit="share", column=column, group=label)
        width = mean_of("width", answer.width[inside], subject.level, column=column, group=label)
        found += [Measure("count", n, column, label, n=n), m, width]
        table.append((value, label, n, m.n, m.value, m.low, m.high))
    return found

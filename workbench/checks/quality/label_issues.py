"""Labels that the other rows speak against."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pyarrow as pa

from workbench.core.check import NotApplicableError, check
from workbench.core.errors import thousands
from workbench.core.finding import Cell, Evidence, Measure, Result
from workbench.core.intervals import wilson
from workbench.core.label_noise import LabelNoise, confident, held_out
from workbench.core.numbers import Floats, Ints
from workbench.core.outcome import texts_and_codes
from workbench.core.rates import measure
from workbench.core.rows import design
from workbench.core.subject import Subject
from workbench.core.suspected import MOST_EXAMPLES, row_names, suspected


@check("quality.label_issues", "Q014", "Label issues", needs=("truth", "rows"), on_request=True)
def label_issues(
    subject: Subject, *, folds: int = 5, most_rows: int = 10_000, learner: Literal["linear", "trees"] = "linear"
) -> Result:
    """Find labels that a model fitted on other rows confidently contradicts.

    Measures: `suspected_rows` and `suspected_share` of the labelled rows of the sample, with a Wilson interval; the
        number by class given and class it seems to be under `where` ("no -> yes"); `held_out_accuracy`, how often the
        model agrees with the labels at all.
    Reads well when: the model can tell the classes apart, and wrong labels are a few per cent and not systematic.
    Signs of risk: a share far above what the source of labels is known for; one class taken for another far more often
        than the other way round.
    Limits: what contradicts the model may be a rare true case: a list to look through, never rows to drop unseen.
        Where the held-out accuracy is low it finds hard cases, not errors. Labels that are wrong by a rule are learnt
        and not found. Classes with fewer rows than folds are left out. A linear model unless `trees` are asked for.
    Reference: confident learning, Northcutt, Jiang and Chuang (2021) JAIR 70:1373; scikit-learn's LogisticRegression
        or HistGradientBoostingClassifier on stratified folds, seeded; Wilson (1927).
    """
    if subject.roles.kind_of_task == "regression":
        raise NotApplicableError("the task is regression: this check is for classes")
    batch = subject.sample.rows.slice(0, most_rows)
    known, labels, names = _labels(batch, subject.roles.target or "", folds)
    kinds = {name: c.kind for name, c in subject.current.columns.items()}
    if not subject.features:
        raise NotApplicableError("there is no feature")
    (features,) = design([batch], list(subject.features), kinds)
    subject.stop()
    probabilities = held_out(features.matrix[known], labels, folds, subject.seed, learner)
    noise = confident(labels, probabilities)
    measures = _measures(subject, noise, names, labels, probabilities.argmax(axis=1))
    note = f"measured on {thousands(len(known))} of {thousands(subject.sample.available)} rows"
    return Result(measures, _evidence(subject, noise, names, known, labels, probabilities), [note])


def _labels(batch: pa.RecordBatch, target: str, folds: int) -> tuple[Ints, Ints, list[str]]:
    values, codes = texts_and_codes(batch.column(target))
    counts = np.bincount(codes, minlength=len(values)) if len(values) else np.zeros(0, int)
    kept = sorted((v, i) for i, v in enumerate(values) if v is not None and counts[i] >= folds)
    if len(kept) < 2:
        raise NotApplicableError(f"fewer than two classes have {folds} rows or more")
    place = np.full(len(values), -1, np.int64)
    place[[i for _, i in kept]] = np.arange(len(kept))
    known = np.flatnonzero(place[codes] >= 0)
    return known, place[codes[known]], [v for v, _ in kept]


def _measures(subject: Subject, noise: LabelNoise, names: list[str], labels: Ints, predicted: Ints) -> list[Measure]:
    n, target = len(labels), subject.roles.target or ""
    measures = suspected(int(noise.suspected.sum()), n, subject.level, target, unit="rows")
    for given, seems in zip(*np.nonzero(noise.joint), strict=True):
        if given != seems:
            where, rows = f"{names[given]} -> {names[seems]}", int(noise.joint[given, seems])
            measures.append(
                Measure("suspected_rows", rows, target, where=where, n=int((labels == given).sum()), unit="rows")
            )
    agree = int((labels == predicted).sum())
    interval = wilson(agree, n, subject.level)
    return [*measures, measure("held_out_accuracy", agree, n, interval, column=target, why="there are no rows")]


def _evidence(
    subject: Subject, noise: LabelNoise, names: list[str], known: Ints, labels: Ints, probabilities: Floats
) -> list[Evidence]:
    rows = np.flatnonzero(noise.suspected)
    margin = probabilities[rows, noise.seems[rows]] - probabilities[rows, labels[rows]]
    worst = rows[np.argsort(-margin, kind="stable")][:MOST_EXAMPLES]
    ids = row_names(subject, known[worst].tolist())
    table: list[tuple[Cell, ...]] = [
        (name, names[labels[r]], names[noise.seems[r]], float(probabilities[r, noise.seems[r]]))
        for name, r in zip(ids, worst, strict=True)
    ]
    head = ("row", "label", "seems", "probability")
    return [Evidence("examples", "Labels most contradicted", "table", head, tuple(table))] if table else []

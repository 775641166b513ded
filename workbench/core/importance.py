"""Permutation importance of a model's features on a sample of rows, with intervals over the rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workbench.core.changes import shuffled
from workbench.core.check import NotApplicableError
from workbench.core.counts import Counted
from workbench.core.finding import Measure
from workbench.core.means import paired
from workbench.core.numbers import Floats
from workbench.core.rows import Reader, Rows
from workbench.core.subject import Subject


@dataclass(frozen=True)
class Importances:
    """A measure for each feature, the loss they are an increase of, and the number of rows."""

    measures: tuple[Measure, ...]
    loss: str
    n: int


def inputs_of(subject: Subject) -> list[str]:
    """Return the columns that the model takes, as far as they are in the data."""
    names: Sequence[str] = getattr(subject.model, "feature_names", None) or subject.features
    return [name for name in names if name in subject.current.columns]


def importances(
    subject: Subject, counted: Counted | None = None, *, repeats: int = 5, most_rows: int = 5_000
) -> Importances:
    """Return each feature's importance on the current rows, or on those of another set."""
    sample = subject.sample if counted is None else counted.sample
    if sample is None:
        raise NotApplicableError("it needs rows, and only counts are here")
    reader = Reader(subject, subject.model)
    rows = reader.read(sample.rows.slice(0, most_rows))
    rows = rows.take(rows.known)
    if not rows.n:
        raise NotApplicableError("no row has a truth and a prediction of the model")
    before = finest_loss(rows)
    found = []
    for at, column in enumerate(inputs_of(subject)):
        subject.stop()
        total = np.zeros(rows.n)
        for repeat in range(repeats):
            changed = shuffled(rows.batch, column, np.random.default_rng((subject.seed, at, repeat)))
            prediction, score = reader.predict(changed)
            total += finest_loss(Rows(changed, rows.task, rows.truth, prediction, score)) - before
        m = paired("importance", total / repeats, subject.level)
        head = (m.name, m.value, column, "", "", "", m.low, m.high, m.method, m.n)
        found.append(Measure(*head, undefined_because=m.undefined_because))
    return Importances(tuple(found), loss_words(rows), rows.n)


def finest_loss(rows: Rows) -> Floats:
    """Return the squared error of a score in 0..1 where there is one, else the rows' own loss."""
    if rows.task == "binary" and probable(rows):
        return np.asarray((rows.score - rows.truth) ** 2, np.float64)  # type: ignore[operator]
    return rows.loss


def loss_words(rows: Rows) -> str:
    """Return what `finest_loss` is called."""
    if rows.task == "binary" and probable(rows):
        return "the squared error of the score"
    return rows.loss_name.replace("_", " ")


def probable(rows: Rows) -> bool:
    """Say whether there are scores, all of them in 0..1."""
    return rows.score is not None and bool(((rows.score >= 0) & (rows.score <= 1)).all())


def ranked(measures: Sequence[Measure]) -> list[Measure]:
    """Return the measures, the largest first."""
    return sorted(measures, key=lambda m: (-(m.value if m.value is not None else -np.inf), m.column))

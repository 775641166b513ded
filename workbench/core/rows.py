"""The sample's rows as arrays: truth, prediction, score and loss of each, and features as numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from workbench.core.check import NotApplicableError
from workbench.core.counts import Counted
from workbench.core.frame import Kind
from workbench.core.numbers import Floats, Ints
from workbench.core.outcome import LabelReader, Predictor, canonical, floats, texts_and_codes
from workbench.core.sample import Sample
from workbench.core.subject import Subject

MOST_LEVELS = 20
"""Number of a category column's most frequent values that get a column of their own; the rest share one."""


@dataclass(frozen=True)
class Rows:
    """Rows of a sample with truth and prediction as numbers (class codes for classification), NaN for missing."""

    batch: pa.RecordBatch
    task: str
    truth: Floats
    prediction: Floats
    score: Floats | None = None

    @property
    def n(self) -> int:
        """Return the number of rows."""
        return int(self.batch.num_rows)

    @cached_property
    def known(self) -> NDArray[np.bool_]:
        """Return which rows have a truth and a prediction."""
        missing: NDArray[np.bool_] = np.isnan(self.truth) | np.isnan(self.prediction)
        return ~missing

    @cached_property
    def loss(self) -> Floats:
        """Return each row's loss: 1 for a wrong class and 0 for a right one, the absolute error of a number."""
        if self.task == "regression":
            return np.abs(self.prediction - self.truth)
        return np.where(self.known, (self.prediction != self.truth).astype(float), np.nan)

    @property
    def loss_name(self) -> str:
        """Return what the mean loss is called."""
        return "mean_absolute_error" if self.task == "regression" else "error_rate"

    @property
    def loss_unit(self) -> str:
        """Return the unit of the mean loss."""
        return "" if self.task == "regression" else "share"

    def take(self, wanted: NDArray[np.bool_] | Ints) -> Rows:
        """Return some of the rows."""
        chosen = np.flatnonzero(wanted) if wanted.dtype == bool else wanted
        score = None if self.score is None else self.score[chosen]
        return Rows(self.batch.take(pa.array(chosen)), self.task, self.truth[chosen], self.prediction[chosen], score)


def rows_of(subject: Subject, counted: Counted | None = None, *, model: Predictor | None = None) -> Rows:
    """Return the rows of the current sample (or another's), predicted as the audit predicts, or by `model`."""
    sample = subject.sample if counted is None else _sample(counted)
    reader = Reader(subject, model)
    return reader.read(sample.rows)


def _sample(counted: Counted) -> Sample:
    if counted.sample is None:
        raise NotApplicableError("it needs rows of the reference, and only counts are here")
    return counted.sample


class Reader:
    """Reads truth and prediction of any batch of the audit's rows: also of changed ones, where a model predicts."""

    def __init__(self, subject: Subject, model: Predictor | None = None) -> None:
        self.roles, self.task = subject.roles, subject.roles.kind_of_task
        self.kinds = {name: column.kind for name, column in subject.current.columns.items()}
        target, reference = subject.roles.target, subject.reference
        if target is not None and reference is not None and target in reference.columns:
            self.kinds.setdefault(target, reference.columns[target].kind)  # current labels may not have come yet
        self._always_model = model is not None
        self._model = model or subject.model
        self._labels = _labels(subject) if self.task == "multiclass" else []

    def read(self, batch: pa.RecordBatch) -> Rows:
        """Return a batch's rows with truth, prediction and score."""
        prediction, score = self.predict(batch)
        return Rows(batch, self.task, self.truth(batch), prediction, score)

    def truth(self, batch: pa.RecordBatch) -> Floats:
        """Return the truth of each row; all NaN without a target."""
        target = self.roles.target
        if target is None or target not in batch.schema.names:
            return np.full(batch.num_rows, np.nan)
        if self.task == "regression":
            return _finite(floats(batch.column(target)))
        if self.task == "multiclass":
            return self._codes(batch.column(target))
        reader = LabelReader("target", target, self.kinds[target], self.roles.positive, binary=True)
        return _missing_as_nan(reader.read(batch.column(target)))

    def predict(self, batch: pa.RecordBatch) -> tuple[Floats, Floats | None]:
        """Return prediction and score of each row, by the audit's columns or its model."""
        return {"binary": self._binary, "multiclass": self._classes, "regression": self._numbers}[self.task](batch)

    def _column(self, role: str) -> str | None:
        name = getattr(self.roles, role)
        return name if name in self.kinds and not self._always_model else None

    def _binary(self, batch: pa.RecordBatch) -> tuple[Floats, Floats | None]:
        score = None
        if (column := self._column("score")) is not None:
            score = floats(batch.column(column))
        elif self._model is not None:
            score = self._model.scores(batch, self._positive(batch))
        if (column := self._column("prediction")) is not None:
            kind, positive = self.kinds[column], self.roles.positive
            reader = LabelReader("prediction", column, kind, positive, binary=False)
            return _missing_as_nan(reader.read(batch.column(column))), score
        if score is not None:
            decided = np.where(np.isnan(score), np.nan, (score >= self.roles.threshold).astype(float))
            return decided, score
        if self._model is None:
            raise NotApplicableError("there is no prediction: give a prediction or score column, or a model")
        wanted = canonical(self._positive(batch))
        made = self._model.predictions(batch)
        return np.array([np.nan if v is None else float(canonical(v) == wanted) for v in made]), None

    def _positive(self, batch: pa.RecordBatch) -> object:
        if self.roles.positive is not None or self.roles.target is None:
            return 1 if self.roles.positive is None else self.roles.positive
        kind = self.kinds[self.roles.target]
        return LabelReader("target", self.roles.target, kind, None, binary=True).positive

    def _classes(self, batch: pa.RecordBatch) -> tuple[Floats, Floats | None]:
        if (column := self._column("prediction")) is not None:
            return self._codes(batch.column(column)), None
        found = self.probabilities(batch)
        if found is not None:
            names, scores = found
            best = [self.code(names[i]) for i in np.argmax(np.nan_to_num(scores, nan=-np.inf), axis=1)]
            return np.where(np.isnan(scores).any(axis=1), np.nan, np.array(best, float)), None
        if self._model is None:
            raise NotApplicableError("there is no prediction: give a prediction column, probabilities or a model")
        made = self._model.predictions(batch)
        return self._codes(pa.array([None if v is None else canonical(v) for v in made], pa.string())), None

    def probabilities(self, batch: pa.RecordBatch) -> tuple[list[str], Floats] | None:
        """Return the classes and each one's score per row, or None when there are none."""
        columns = [(label, c) for label, c in self.roles.probabilities if c in self.kinds and not self._always_model]
        if columns:
            return [n for n, _ in columns], np.stack([floats(batch.column(c)) for _, c in columns], axis=1)
        return None if self._model is None else self._model.probabilities(batch)

    def code(self, label: str) -> int:
        """Return the number that stands for a class."""
        if label not in self._labels:
            self._labels.append(label)
        return self._labels.index(label)

    def _codes(self, column: pa.Array) -> Floats:
        values, codes = texts_and_codes(column)
        numbers = np.array([np.nan if v is None else float(self.code(v)) for v in values] or [np.nan])
        return numbers[codes] if len(values) else np.full(len(codes), np.nan)

    def _numbers(self, batch: pa.RecordBatch) -> tuple[Floats, Floats | None]:
        if (column := self._column("prediction")) is not None:
            return _finite(floats(batch.column(column))), None
        if self._model is None:
            raise NotApplicableError("there is no prediction: give a prediction column, or a model")
        return _finite(self._model.numbers(batch)), None


def _labels(subject: Subject) -> list[str]:
    return [] if subject.current.classes is None else list(subject.current.classes.labels)


def _finite(values: Floats) -> Floats:
    return np.where(np.isfinite(values), values, np.nan)


def _missing_as_nan(codes: Ints) -> Floats:
    return np.where(codes > 1, np.nan, codes.astype(float))


@dataclass(frozen=True)
class Design:
    """Features as a matrix of finite numbers, standardised; `column` names the feature of each of its columns."""

    matrix: Floats
    names: tuple[str, ...]
    column: tuple[str, ...]


def design(batches: Sequence[pa.RecordBatch], columns: Sequence[str], kinds: dict[str, Kind]) -> list[Design]:
    """Return the features of several batches as matrices with the same columns, scaled by the first one.

    Numbers and times: divided by their standard deviation after centring, missing as the mean and marked beside;
    other columns: one 0/1 column for each of the most frequent values.
    """
    found: list[list[Floats]] = [[] for _ in batches]
    names: list[str] = []
    owner: list[str] = []
    for column in columns:
        arrays = [b.column(column) for b in batches]
        parts = _number_parts(arrays, column) if kinds[column] in _AS_NUMBERS else _category_parts(arrays, column)
        for name, values in parts:
            names.append(name)
            owner.append(column)
            for store, one in zip(found, values, strict=True):
                store.append(one)
    stacked = [np.stack(f, axis=1) if f else np.zeros((b.num_rows, 0)) for f, b in zip(found, batches, strict=True)]
    return [Design(m, tuple(names), tuple(owner)) for m in stacked]


_AS_NUMBERS = (Kind.NUMBER, Kind.TIME, Kind.DURATION, Kind.CLOCK)


def as_numbers(column: pa.Array) -> Floats:
    """Return a column of numbers, times or durations as float64, NaN for missing and infinite."""
    if not pa.types.is_floating(column.type) and not pa.types.is_integer(column.type):
        column = column.cast(pa.int64())
    return _finite(floats(column))


def _number_parts(arrays: Sequence[pa.Array], name: str) -> list[tuple[str, list[Floats]]]:
    raw = [as_numbers(a) for a in arrays]
    known = raw[0][~np.isnan(raw[0])]
    largest = float(np.abs(known).max(initial=1.0)) or 1.0  # squares of huge numbers must not overflow
    scaled = [r / largest for r in raw]
    known = known / largest
    mean, spread = (float(known.mean()), float(known.std()) or 1.0) if len(known) else (0.0, 1.0)
    parts = [(name, [np.where(np.isnan(s), 0.0, np.clip((s - mean) / spread, -50, 50)) for s in scaled])]
    if any(np.isnan(r).any() for r in raw):
        parts.append((f"{name} is missing", [np.isnan(r).astype(float) for r in raw]))
    return parts


def _category_parts(arrays: Sequence[pa.Array], name: str) -> list[tuple[str, list[Floats]]]:
    coded = [texts_and_codes(a) for a in arrays]
    values, codes = coded[0]
    counts = np.bincount(codes, minlength=len(values)) if len(values) else np.zeros(0, int)
    order = sorted(range(len(values)), key=lambda i: (-counts[i], values[i] is None, values[i] or ""))
    kept = [values[i] for i in order[:MOST_LEVELS]]
    parts = []
    for value in kept:
        columns = [np.array([v == value for v in vs] or [False])[cs].astype(float) for vs, cs in coded]
        parts.append((f"{name} is {'missing' if value is None else value}", columns))
    return parts

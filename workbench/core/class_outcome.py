"""Reading truth, prediction and probabilities of several classes from a batch, as the roles say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from workbench.core.classes import ClassBuilder, ClassCounts, label_order
from workbench.core.dataset import Roles
from workbench.core.entities import Sliced
from workbench.core.errors import DataError, shown
from workbench.core.frame import Field, Kind
from workbench.core.numbers import Floats, Ints
from workbench.core.outcome import CellReader, Predictor, canonical, failed_since, floats, texts_and_codes

MOST_CLASSES = 50


class ClassReader:
    """Feeds a ClassBuilder from batches; roles whose column is absent from the data are left out."""

    def __init__(self, fields: Sequence[Field], roles: Roles, model: Predictor | None) -> None:
        kinds = {f.name: f.kind for f in fields}
        self._target = roles.target if roles.target in kinds else None
        self._prediction = roles.prediction if roles.prediction in kinds else None
        given = [(label, column) for label, column in roles.probabilities if column in kinds]
        # In one order, whatever order they were given in: ties between classes go by it.
        self._columns = sorted(given, key=lambda pair: label_order(pair[0]))
        for _, column in self._columns:
            if kinds[column] is not Kind.NUMBER:
                raise DataError(f"probability column {shown(column)} holds {kinds[column].value}, not numbers.")
        self._model = model if not self._columns and self._prediction is None else None
        self._before = failed_since(self._model, {})
        self._sensitive = tuple(c for c in roles.sensitive if c in kinds)
        self._cells = CellReader(self._sensitive)
        self._builder = Sliced(ClassBuilder, by_entity=roles.entity in kinds)
        self.scored = bool(self._columns)
        self._seen: dict[str, set[str]] = {"target": set(), "prediction": set()}

    @property
    def used(self) -> bool:
        """Say whether there is anything to count."""
        return bool(self._target or self._prediction or self._columns or self._model)

    def push(self, batch: pa.RecordBatch, places: Ints | None = None) -> Floats | None:
        """Count a batch, `places` being its rows' slices of entities; return the model's highest score of each row."""
        cell, truth = self._cells.read(batch), self._labels(batch, "target", self._target)
        found = self._scores(batch)
        made = None
        if self._prediction is not None:
            prediction = self._labels(batch, "prediction", self._prediction)
        elif found is not None:
            prediction = _argmax(*found)
        elif self._model is not None:
            prediction = np.array([None if v is None else canonical(v) for v in self._model.predictions(batch)], object)
        else:
            prediction = np.full(batch.num_rows, None, object)
        self._builder.push(places, cell, truth, prediction)
        if found is not None:
            self.scored = True
            self._builder.push(places, cell, truth, *found, method="push_scores")
            made = np.nan_to_num(found[1]).max(axis=1) if self._model is not None else None
        return made

    def _labels(self, batch: pa.RecordBatch, role: str, column: str | None) -> NDArray[np.object_]:
        if column is None:
            return np.full(batch.num_rows, None, object)
        values, codes = texts_and_codes(batch.column(column))
        seen = self._seen[role]
        seen.update(v for v in values if v is not None)
        if len(seen) > MOST_CLASSES:
            raise DataError(
                f"{role} column {shown(column)} has more than {MOST_CLASSES} distinct values: give classes, or say "
                "task='regression' if they are numbers to be predicted."
            )
        return np.array([*values, None], object)[codes]

    def _scores(self, batch: pa.RecordBatch) -> tuple[list[str], Floats] | None:
        if self._columns:
            columns = [floats(batch.column(column)) for _, column in self._columns]
            return [label for label, _ in self._columns], np.stack(columns, axis=1)
        return None if self._model is None else self._model.probabilities(batch)

    @property
    def seen(self) -> dict[str, frozenset[str]]:
        """Return the labels met so far, by role."""
        return {role: frozenset(labels) for role, labels in self._seen.items() if labels}

    def done(self) -> tuple[ClassCounts | None, tuple[ClassCounts, ...]]:
        """Return the counts (None: nothing to count) and those by slice of entities."""
        if not self.used:
            return None, ()
        return self._builder.done(
            self._cells.cells,
            sensitive=self._sensitive,
            has_truth=self._target is not None,
            has_prediction=bool(self._prediction or self._columns or self._model),
            has_score=self.scored,
            failures=failed_since(self._model, self._before),
        )


def _argmax(labels: Sequence[str], scores: Floats) -> NDArray[np.object_]:
    missing = np.isnan(scores).any(axis=1)
    best = np.where(missing, len(labels), np.argmax(np.nan_to_num(scores, nan=-np.inf), axis=1))
    named: Any = np.array([*labels, None], object)
    return named[best]  # type: ignore[no-any-return]

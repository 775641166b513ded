"""Reading true and predicted numbers from a batch, as the roles say."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from workbench.core.dataset import Roles
from workbench.core.entities import Sliced
from workbench.core.errors import DataError, shown
from workbench.core.frame import Field, Kind
from workbench.core.numbers import Floats, Ints
from workbench.core.outcome import CellReader, Predictor, failed_since, floats
from workbench.core.regression import RegressionBuilder, RegressionCounts


class NumberReader:
    """Feeds a RegressionBuilder from batches; roles whose column is absent from the data are left out."""

    def __init__(self, fields: Sequence[Field], roles: Roles, model: Predictor | None) -> None:
        kinds = {f.name: f.kind for f in fields}
        self._target = roles.target if roles.target in kinds else None
        self._prediction = roles.prediction if roles.prediction in kinds else None
        for role, column in (("target", self._target), ("prediction", self._prediction)):
            if column is not None and kinds[column] not in (Kind.NUMBER, Kind.BOOLEAN):
                raise DataError(
                    f"{role} column {shown(column)} holds {kinds[column].value} values, and a regression's are numbers."
                )
        self._model = model if self._prediction is None else None
        self._before = failed_since(self._model, {})
        self._sensitive = tuple(c for c in roles.sensitive if c in kinds)
        self._cells = CellReader(self._sensitive)
        self._builder = Sliced(RegressionBuilder, by_entity=roles.entity in kinds)

    @property
    def used(self) -> bool:
        """Say whether there is anything to count."""
        return bool(self._target or self._prediction or self._model)

    def push(self, batch: pa.RecordBatch, places: Ints | None = None) -> Floats | None:
        """Count a batch, `places` being its rows' slices of entities; return what the model predicted, when one did."""
        nothing = np.full(batch.num_rows, np.nan)
        truth = nothing if self._target is None else floats(batch.column(self._target))
        if self._prediction is not None:
            prediction = floats(batch.column(self._prediction))
        else:
            prediction = nothing if self._model is None else self._model.numbers(batch)
        self._builder.push(places, self._cells.read(batch), truth, prediction)
        return prediction if self._model is not None else None

    @property
    def seen(self) -> dict[str, frozenset[str]]:
        """Return no labels: numbers have none."""
        return {}

    def done(self) -> tuple[RegressionCounts | None, tuple[RegressionCounts, ...]]:
        """Return the counts (None: nothing to count) and those by slice of entities."""
        if not self.used:
            return None, ()
        return self._builder.done(
            self._cells.cells,
            sensitive=self._sensitive,
            has_truth=self._target is not None,
            has_prediction=self._prediction is not None or self._model is not None,
            failures=failed_since(self._model, self._before),
        )

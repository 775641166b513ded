"""How much each feature moves the model's answers, by Shapley values."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pyarrow as pa

from workbench.core.check import NotApplicableError, check
from workbench.core.errors import import_extra, thousands
from workbench.core.finding import Cell, Evidence, Result
from workbench.core.importance import inputs_of, ranked
from workbench.core.means import mean_of
from workbench.core.numbers import Floats
from workbench.core.rows import Reader
from workbench.core.subject import Subject


@check("explain.shap", "X004", "Shapley values", needs=("rows", "model"), on_request=True)
def shap_values(subject: Subject, *, most_rows: int = 200, background: int = 50) -> Result:
    """Share out each answer of the model (score, or number) among its features.

    Measures: `mean_absolute_shap` of each feature over the rows explained, with a t interval.
    Reads well when: the answer is nearly a sum of effects of features.
    Signs of risk: a sensitive column, or a proxy of one, among the largest.
    Limits: few rows, because it asks the model thousands of times; features that go together share their part in ways
        that depend on the background rows. Additive shares explain the model, not causes.
    Reference: Lundberg and Lee (2017) NeurIPS; the permutation algorithm of the `shap` package, seeded.
    """
    shap = import_extra("shap", "explain", "Shapley values")
    columns, reader = inputs_of(subject), Reader(subject, subject.model)
    if reader.task == "multiclass":
        raise NotApplicableError("the answer of several classes is not one number")
    rows = subject.sample.rows
    if not columns or rows.num_rows < 2:
        raise NotApplicableError("the model takes no feature that is in the data, or there is one row only")
    ask = _Asked(reader, rows, columns)
    indices = np.arange(rows.num_rows, dtype=np.float64)[:, None] * np.ones((1, len(columns)))
    chosen, evaluations = indices[:most_rows], 2 * len(columns) + 1
    with _numpys_own_state():
        masker = shap.maskers.Independent(indices[-background:], max_samples=background)
        explainer = shap.explainers.Permutation(ask, masker, seed=subject.seed)
        values: Floats = np.asarray(explainer(chosen, max_evals=evaluations, silent=True).values, np.float64)
    measures = []
    for at, column in enumerate(columns):
        m = mean_of("mean_absolute_shap", np.abs(values[:, at]), subject.level, column=column)
        measures.append(m)
    table = [(m.column, m.column, m.n, m.n, m.value, m.low, m.high) for m in ranked(measures)]
    head = ("label", "feature", "rows", "n", "value", "low", "high")
    about: dict[str, Cell] = {"measure": "mean_absolute_shap", "overall": 0.0, "overall_is": "no effect:"}
    evidence = Evidence("shap", "Mean absolute Shapley value", "forest", head, tuple(table[:40]), about)
    return Result(measures, [evidence], [f"explained {len(chosen)} of {thousands(subject.sample.available)} rows"])


@contextmanager
def _numpys_own_state() -> Iterator[None]:
    """Put NumPy's global random state back: the package seeds it, and a user's later draws would repeat."""
    state = np.random.get_state()  # noqa: NPY002 (the state that the package sets)
    try:
        yield
    finally:
        np.random.set_state(state)  # noqa: NPY002


class _Asked:
    """Answers for rows put together from others: each number says which row a feature's value is taken from."""

    def __init__(self, reader: Reader, rows: pa.RecordBatch, columns: list[str]) -> None:
        self._reader, self._rows, self._columns = reader, rows, columns

    def __call__(self, sources: Any) -> Floats:
        sources = np.asarray(sources).astype(np.int64)
        taken = {c: self._rows.column(c).take(pa.array(sources[:, i])) for i, c in enumerate(self._columns)}
        first = self._rows.take(pa.array(sources[:, 0]))
        arrays = [taken.get(name, first.column(i)) for i, name in enumerate(first.schema.names)]
        prediction, score = self._reader.predict(pa.RecordBatch.from_arrays(arrays, names=first.schema.names))
        return np.nan_to_num(prediction if score is None else score)

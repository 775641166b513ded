"""How the model's answer moves with one feature: partial dependence, or accumulated local effects."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pyarrow as pa

from workbench.core.changes import replaced
from workbench.core.check import NotApplicableError, check
from workbench.core.errors import ConfigError, unknown
from workbench.core.finding import Evidence, Measure, Result
from workbench.core.frame import Kind
from workbench.core.importance import inputs_of
from workbench.core.means import mean_of
from workbench.core.numbers import Floats
from workbench.core.outcome import texts_and_codes
from workbench.core.rows import Reader, as_numbers
from workbench.core.subject import Subject

_MOST_LEVELS = 12
_Point = tuple[float | str, float, float, float]


@check("explain.partial_dependence", "X003", "Partial dependence", needs=("rows", "model"), on_request=True)
def partial_dependence(
    subject: Subject,
    *,
    features: tuple[str, ...] = (),
    kind: Literal["pdp", "ale"] = "ale",
    points: int = 12,
    most_rows: int = 2_000,
    most_features: int = 12,
) -> Result:
    """Show how the mean answer of the model (score, or number) changes with each feature.

    Measures: `effect_range` of each feature: largest minus smallest mean answer along it.
    Reads well when: the features asked for vary in the data.
    Signs of risk: a jump at a value that means nothing; a direction against what is known of the subject.
    Limits: partial dependence (`pdp`) sets a feature to values that may not go with the row's others; accumulated
        local effects (`ale`, the default for numbers) avoid that, and show only changes, centred on 0. Intervals at
        the points are of the mean over rows, given the model. The range has none.
    Reference: Friedman (2001) Annals of Statistics 29:1189 for partial dependence; Apley and Zhu (2020) JRSS B 82:1059
        for accumulated local effects.
    """
    columns = inputs_of(subject)
    for name in features:
        if name not in columns:
            raise ConfigError("features: " + unknown("feature", name, columns))
    batch, reader = subject.sample.rows.slice(0, most_rows), Reader(subject, subject.model)
    if reader.task == "multiclass":
        raise NotApplicableError("the answer of several classes is not one number")
    measures, evidence = [], []
    for column in list(features or columns)[:most_features]:
        subject.stop()
        numbers = subject.current.columns[column].kind is Kind.NUMBER
        found = _effects(reader, batch, column, numbers and kind == "ale", points, numbers, subject.level)
        if len(found) < 2:
            continue
        means = [p[1] for p in found]
        measures.append(
            Measure("effect_range", max(means) - min(means), column, n=batch.num_rows, method="no interval")
        )
        evidence.append(_drawn(column, found, numbers, kind, batch.num_rows))
    if not measures:
        raise NotApplicableError("no feature of the model varies in the data")
    return Result(measures, evidence, [subject.sample.measured(batch.num_rows)])


def _effects(
    reader: Reader, batch: pa.RecordBatch, column: str, accumulated: bool, points: int, numbers: bool, level: float
) -> list[_Point]:
    if not numbers:
        return _by_value(reader, batch, column, level)
    values = as_numbers(batch.column(column))
    known = values[~np.isnan(values)]
    if not len(known):
        return []
    grid = np.unique(np.quantile(known, np.linspace(0.02, 0.98, points)))
    return (
        _accumulated(reader, batch, column, values, grid, level)
        if accumulated
        else _set(reader, batch, column, grid, level)
    )


def _answers(reader: Reader, batch: pa.RecordBatch) -> Floats:
    prediction, score = reader.predict(batch)
    return prediction if score is None else score


def _set(reader: Reader, batch: pa.RecordBatch, column: str, grid: Floats, level: float) -> list[_Point]:
    found: list[_Point] = []
    for value in grid:
        changed = replaced(batch, column, pa.array(np.full(batch.num_rows, value)))
        m = mean_of("", _answers(reader, changed), level)
        if m.value is not None:
            found.append((float(value), *_ends(m)))
    return found


def _ends(m: Measure) -> tuple[float, float, float]:
    value = float(m.value or 0.0)
    return value, value if m.low is None else m.low, value if m.high is None else m.high


def _by_value(reader: Reader, batch: pa.RecordBatch, column: str, level: float) -> list[_Point]:
    array = batch.column(column)
    values, codes = texts_and_codes(array)
    counts = np.bincount(codes, minlength=len(values))
    kept = sorted((i for i in range(len(values)) if values[i] is not None), key=lambda i: (-counts[i], values[i] or ""))
    found: list[_Point] = []
    for code in kept[:_MOST_LEVELS]:
        row = int(np.flatnonzero(codes == code)[0])
        same = array.take(pa.array(np.full(batch.num_rows, row)))
        m = mean_of("", _answers(reader, replaced(batch, column, same)), level)
        if m.value is not None:
            found.append((str(values[code]), *_ends(m)))
    return found


def _accumulated(
    reader: Reader, batch: pa.RecordBatch, column: str, values: Floats, grid: Floats, level: float
) -> list[_Point]:
    if len(grid) < 2:
        return []
    known = np.flatnonzero(~np.isnan(values))
    at = np.clip(np.searchsorted(grid, values[known], side="left"), 1, len(grid) - 1)
    inner = batch.take(pa.array(known))
    upper, lower = (_answers(reader, replaced(inner, column, pa.array(grid[at - side]))) for side in (0, 1))
    steps, spreads, sizes = [0.0], [0.0], [0]
    for i in range(1, len(grid)):
        change = (upper - lower)[at == i]
        change = change[~np.isnan(change)]
        steps.append(float(change.mean()) if len(change) else 0.0)
        spreads.append(float(change.var(ddof=1) / len(change)) if len(change) > 1 else 0.0)
        sizes.append(len(change))
    effects, errors = np.cumsum(steps), np.sqrt(np.cumsum(spreads))
    centre = float(np.average((effects[1:] + effects[:-1]) / 2, weights=np.maximum(sizes[1:], 1e-9)))
    from workbench.core.intervals import normal_quantile

    half = normal_quantile(level) * errors
    rows = zip(grid, effects - centre, half, strict=True)
    return [(float(x), float(y), float(y - h), float(y + h)) for x, y, h in rows]


def _drawn(column: str, found: list[_Point], numbers: bool, kind: str, n: int) -> Evidence:
    if not numbers:
        rows = tuple((v, v, n, n, y, low, high) for v, y, low, high in found)
        columns: tuple[str, ...] = ("label", "value of the feature", "rows", "n", "value", "low", "high")
        return Evidence(
            f"effect of {column}", f"Mean answer by {column}", "forest", columns, rows, {"measure": "mean answer"}
        )
    about = {"x": column, "y": "change of the mean answer" if kind == "ale" else "mean answer"}
    lines = tuple((x, y, low, high, "model") for x, y, low, high in found)
    return Evidence(
        f"effect of {column}", f"Effect of {column}", "lines", ("x", "y", "low", "high", "series"), lines, about
    )

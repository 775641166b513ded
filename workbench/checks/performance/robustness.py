"""How predictions hold when inputs are disturbed: noise, missing values, swapped categories."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from workbench.core.changes import is_number, noisy, swapped, with_missing
from workbench.core.check import NotApplicableError, check
from workbench.core.errors import ModelError, thousands
from workbench.core.finding import Evidence, Measure, Result, group_label
from workbench.core.means import mean_of, paired
from workbench.core.numbers import Floats
from workbench.core.outcome import texts_and_codes
from workbench.core.rows import Reader, Rows
from workbench.core.subject import Subject

_Change = Callable[[pa.RecordBatch, str, float, np.random.Generator], pa.RecordBatch]
_MOST_ROWS = 5_000
_MOST_GROUPS = 20


@check("performance.robustness", "P010", "Robustness", needs=("truth", "rows", "model"), on_request=True)
def robustness(
    subject: Subject,
    *,
    noise: tuple[float, ...] = (0.1, 0.2, 0.5),
    missing: tuple[float, ...] = (0.1, 0.3),
    swaps: tuple[float, ...] = (0.1, 0.3),
) -> Result:
    """Disturb the inputs and measure how much worse the model gets, overall and by group.

    Measures: error rate (or mean absolute error) on the rows as they are and after each disturbance (`where`), and
        its increase, paired by row, with t intervals, and `failed_share`, on how many rows the model gave no answer
        (errors are then those of the other rows): normal noise on every number, scaled to its standard deviation;
        a share of every feature's values missing; a share of every category swapped with another row's. The increase
        at the strongest noise for each group of the sensitive columns.
    Reads well when: the disturbances are like those that the feed really has.
    Signs of risk: errors that grow steeply at small noise; a group whose errors grow much faster than others'.
    Limits: all features are disturbed at once and independently, which makes rows that may not exist. A model that
        refuses missing values is told in the notes. One seeded draw for each level.
    Reference: paired t interval of the change of each row's loss; at most 5,000 rows of the seeded sample; noise as in
        Molnar (2022), Interpretable Machine Learning, and the robustness tests of PiML (Sudjianto et al. 2023).
    """
    rows, reader = _rows(subject)
    columns = _inputs(subject)
    kinds = {name: c.kind for name, c in subject.current.columns.items()}
    numbers = [c for c in columns if is_number(kinds[c])]
    others = [c for c in columns if not is_number(kinds[c])]
    plans: Sequence[tuple[str, _Change, Sequence[str], tuple[float, ...]]] = (
        ("noise", noisy, numbers, noise),
        ("missing", with_missing, columns, missing),
        ("swaps", swapped, others, swaps),
    )
    found = _Found([mean_of(rows.loss_name, rows.loss, subject.level, unit=rows.loss_unit)], [], [])
    found.notes.append(subject.sample.measured(rows.n))
    last: Floats | None = None
    for kind, change, targets, levels in plans:
        for strength in levels if targets else ():
            subject.stop()
            changed = _disturbed(rows.batch, change, targets, strength, subject.seed)
            increase = _measured(subject, rows, reader, changed, (kind, strength), found)
            last = increase if kind == "noise" and increase is not None else last
    found.measures += [] if last is None else _by_group(subject, rows, last)
    return Result(found.measures, [_lines(found.table, rows)], found.notes)


@dataclass
class _Found:
    measures: list[Measure]
    table: list[tuple[str | float | None, ...]]
    notes: list[str]


def _measured(
    subject: Subject, rows: Rows, reader: Reader, changed: pa.RecordBatch, done: tuple[str, float], found: _Found
) -> Floats | None:
    """Add what the model makes of changed rows to what was found; return by how much each row's loss grew."""
    (kind, strength), level = done, subject.level
    where = f"{kind} {strength:g}"
    try:
        predicted = reader.predict(changed)[0]
        loss = Rows(changed, rows.task, rows.truth, predicted).loss
    except ModelError as error:
        found.notes.append(f"{where}: {error}")
        return None
    increase = paired(f"{rows.loss_name}_increase", loss - rows.loss, level, unit=rows.loss_unit, where=where)
    failed = np.isnan(predicted).astype(float)
    found.measures += [mean_of(rows.loss_name, loss, level, unit=rows.loss_unit, where=where), increase]
    found.measures.append(mean_of("failed_share", failed, level, unit="share", where=where))
    if failed.any():
        lost = f"{thousands(int(failed.sum()))} of {thousands(rows.n)} rows"
        found.notes.append(f"{where}: the model gave no answer on {lost}: its errors are those of the others")
    found.table.append((strength, _sum(increase.value), _sum(increase.low), _sum(increase.high), kind))
    return loss - rows.loss


def _lines(table: Sequence[tuple[str | float | None, ...]], rows: Rows) -> Evidence:
    loss = rows.loss_name.replace("_", " ")
    notes = {"x": "strength of the disturbance", "y": f"increase of {loss}", "unit": rows.loss_unit}
    columns = ("x", "y", "low", "high", "series")
    return Evidence("degradation", "Errors under disturbed inputs", "lines", columns, tuple(table), notes)


def _sum(value: float | int | None) -> float | None:
    return None if value is None else float(value)


def _rows(subject: Subject) -> tuple[Rows, Reader]:
    reader = Reader(subject, subject.model)
    rows = reader.read(subject.sample.rows.slice(0, _MOST_ROWS))
    rows = rows.take(rows.known)
    if not rows.n:
        raise NotApplicableError("no row has a truth and a prediction of the model")
    return rows, reader


def _inputs(subject: Subject) -> list[str]:
    names = getattr(subject.model, "feature_names", None) or subject.features
    return [name for name in names if name in subject.current.columns]


def _disturbed(
    batch: pa.RecordBatch, change: _Change, columns: Sequence[str], strength: float, seed: int
) -> pa.RecordBatch:
    for at, column in enumerate(columns):
        batch = change(batch, column, strength, np.random.default_rng((seed, at)))
    return batch


def _by_group(subject: Subject, rows: Rows, increase: Floats) -> list[Measure]:
    found: list[Measure] = []
    for column in subject.roles.sensitive:
        values, codes = texts_and_codes(rows.batch.column(column))
        for value, code in sorted((v, i) for i, v in enumerate(values) if v is not None)[:_MOST_GROUPS]:
            inside = codes == code
            label, n = group_label((column,), (value,)), int(inside.sum())
            m = paired(f"{rows.loss_name}_increase", increase[inside], subject.level, unit=rows.loss_unit)
            found.append(Measure("count", n, column, label, n=n))
            head = (m.name, m.value, column, label, "", "strongest noise", m.low, m.high, m.method, m.n, m.unit)
            found.append(Measure(*head, None, m.undefined_because))
    return found

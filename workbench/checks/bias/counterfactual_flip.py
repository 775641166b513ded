"""What the model would decide if only a sensitive column were another."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from workbench.core.changes import replaced
from workbench.core.check import NotApplicableError, check
from workbench.core.finding import Evidence, Measure, Result, group_label
from workbench.core.importance import inputs_of
from workbench.core.means import mean_of, paired
from workbench.core.outcome import texts_and_codes
from workbench.core.rows import Reader, Rows
from workbench.core.subject import Subject

_MOST_VALUES = 10
_Table = list[tuple[str | float | int | None, ...]]


@check(
    "bias.counterfactual_flip", "B008", "Counterfactual flip",
    needs=("sensitive", "rows", "model"), version="2", on_request=True,
)  # fmt: skip
def counterfactual_flip(subject: Subject, *, most_rows: int = 5_000) -> Result:
    """Change nothing but a sensitive column of each row and see whether the model answers differently.

    Measures: `flip_rate`, the share of rows whose decision changes under at least one other value (for numbers, whose
        answer changes) among those that the model answers for each value, with a Wilson interval; for each value put in
        place (`group`) the share that changes and the mean change of the score or number, paired by row, with a t
        interval.
    Reads well when: the sensitive column is an input of the model.
    Signs of risk: any change at all, where the law or the policy says that the column must not matter.
    Limits: it shows only direct use. A model without the column can still act on proxies of it (`bias.proxies`), and
        other features stay as they are though in the world they would differ too.
    Reference: Kusner et al. (2017) NeurIPS for counterfactual fairness, of which this is the direct effect only;
        Galhotra, Brun and Meliou (2017) ESEC/FSE, causal discrimination score; Wilson (1927).
    """
    inputs = inputs_of(subject)
    used = [c for c in subject.roles.sensitive if c in inputs and c in subject.current.columns]
    if not used:
        raise NotApplicableError("the model takes no sensitive column as an input")
    reader = Reader(subject, subject.model)
    batch = subject.sample.rows.slice(0, most_rows)
    rows = reader.read(batch)
    measures: list[Measure] = []
    table: _Table = []
    for column in used:
        subject.stop()
        measures += _flips(reader, rows, column, subject, table)
    if not measures:
        raise NotApplicableError("no sensitive column of the model has two values")
    columns = ("column", "group", "rows", "n", "changed", "mean change", "low", "high")
    evidence = Evidence("flips", "Answers with another value in place", "table", columns, tuple(table))
    return Result(measures, [evidence], [subject.sample.measured(int((~np.isnan(rows.prediction)).sum()))])


def _flips(reader: Reader, rows: Rows, column: str, subject: Subject, table: _Table) -> list[Measure]:
    array = rows.batch.column(column)
    values, codes = texts_and_codes(array)
    counts = np.bincount(codes, minlength=len(values)) if len(values) else np.zeros(0, int)
    kept = sorted((i for i in range(len(values)) if values[i] is not None), key=lambda i: (-counts[i], values[i] or ""))
    if len(kept) < 2:
        return []
    found: list[Measure] = []
    flipped, answered = np.zeros(rows.n, bool), ~np.isnan(rows.prediction)
    whole = answered.copy()  # answered whatever stands in the column: what is not known to stay is not taken to stay
    for code in kept[:_MOST_VALUES]:
        first = int(np.flatnonzero(codes == code)[0])
        put = replaced(rows.batch, column, array.take(pa.array(np.full(rows.n, first))))
        prediction, score = reader.predict(put)
        whole &= ~np.isnan(prediction)
        others = (codes != code) & answered & ~np.isnan(prediction)
        changed = prediction != rows.prediction
        flipped |= changed & others
        label = group_label((column,), (values[code],))
        change = prediction - rows.prediction if score is None or rows.score is None else score - rows.score
        share = mean_of(
            "changed", changed[others].astype(float), subject.level, unit="share", group=label, column=column
        )
        mean = paired("mean_change", change[others], subject.level)
        head = (mean.name, mean.value, column, label, "", "", mean.low, mean.high, mean.method, mean.n)
        size = int(counts[code])
        found += [
            Measure("count", size, column, label, n=size), share,
            Measure(*head, undefined_because=mean.undefined_because),
        ]  # fmt: skip
        table.append((column, label, size, share.n, share.value, mean.value, mean.low, mean.high))
    rate = mean_of("flip_rate", flipped[whole].astype(float), subject.level, unit="share", column=column)
    return [rate, *found]

"""Identifiers that foretell the target."""

from __future__ import annotations

import re

import pyarrow as pa

from workbench.core.alone import NAMES, Strength, strength
from workbench.core.arrow import Kind
from workbench.core.check import NotApplicableError, check
from workbench.core.counts import ColumnCounts
from workbench.core.finding import Cell, Evidence, Measure, Result
from workbench.core.outcome import canonical
from workbench.core.rates import with_interval
from workbench.core.rows import Reader
from workbench.core.subject import Subject

_LEAST = 20
_DIGITS = re.compile(r"([0-9]{1,15})(?!.*[0-9])", re.DOTALL)
_PREFIX = re.compile(r"[^0-9]*")


@check("leakage.identifiers", "L003", "Identifiers that predict", needs=("truth", "rows"))
def identifiers(subject: Subject) -> Result:
    """Measure how well ids foretell the target: by their number, their prefix and their length.

    Measures: for the id, the entity and each column in which all values differ, the strength by part (`where`):
        `single_feature_auc` (binary target), `single_feature_accuracy` (several classes) or
        `single_feature_r_squared` (numbers), with an interval.
    Reads well when: ids are given out without knowledge of the outcome.
    Signs of risk: an AUC whose interval lies above 0.5: the order in which rows were collected, the source they came
        from or the batch they were labelled in gives the target away, and a split at random hides it.
    Limits: what a model could learn from an id that is a feature; ids left out of the model do no harm, but what they
        tell (time, source) may be in other columns too. The better of two ways is reported, as in
        leakage.single_feature.
    Reference: leakage by identifiers, Kaufman et al. (2012) ACM TKDD 6:15 (the KDD Cup 2008 patient ids); Newcombe
        (2006), Fisher (1915) and Wilson (1927) for the intervals.
    """
    sample, task = subject.sample, subject.roles.kind_of_task
    truth = Reader(subject).truth(sample.rows)
    half = sample.first_half
    measures: list[Measure] = []
    rows: list[tuple[Cell, ...]] = []
    names = [c for c in sample.rows.schema.names if _is_identifier(c, subject)]
    for name in names:
        subject.stop()
        for part, (column, kind) in _parts(sample.rows.column(name), subject.current.columns[name]).items():
            s = strength(column, kind, truth, half, task, subject.level)
            if s is None:
                continue
            m = Measure(NAMES[task], s.value, name, where=part, n=s.n, unit="share" if task == "multiclass" else "")
            measures.append(with_interval(m, s.interval))
            rows.append(_row(name, part, s))
    if not measures:
        raise NotApplicableError("there is no identifier, or the target is one value")
    head = ("column", "part", "n", NAMES[task].removeprefix("single_feature_"), "low", "high")
    return Result(
        measures, [Evidence("parts", "What ids tell", "table", head, tuple(rows))], [f"measured on {sample.words}"]
    )


def _row(name: str, part: str, s: Strength) -> tuple[Cell, ...]:
    ends = (None, None) if s.interval is None else (s.interval.low, s.interval.high)
    return (name, part, s.n, s.value, *ends)


def _is_identifier(name: str, subject: Subject) -> bool:
    if name in (subject.roles.id, subject.roles.entity):
        return True
    column = subject.current.columns[name]
    if name not in subject.features or column.present <= _LEAST:
        return False
    table = column.numbers if column.numbers is not None else column.values
    distinct = 0 if table is None else table.distinct
    return distinct == column.present and (column.kind is Kind.TEXT or (column.numeric and column.integral))


def _parts(column: pa.Array, about: ColumnCounts) -> dict[str, tuple[pa.Array, Kind]]:
    if about.numeric:
        return {"its number": (column, Kind.NUMBER)}
    if about.kind is not Kind.TEXT:
        return {}
    texts = [None if v is None else canonical(v) for v in column.to_pylist()]
    numbers = [None if t is None or (m := _DIGITS.search(t)) is None else float(m[1]) for t in texts]
    prefixes = [None if t is None else _PREFIX.match(t)[0][:8] for t in texts]  # type: ignore[index]
    lengths = [None if t is None else float(len(t)) for t in texts]
    return {
        "its number": (pa.array(numbers, pa.float64()), Kind.NUMBER),
        "its prefix": (pa.array(prefixes, pa.string()), Kind.TEXT),
        "its length": (pa.array(lengths, pa.float64()), Kind.NUMBER),
    }

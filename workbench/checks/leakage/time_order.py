"""Whether the reference lies before the current data."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np

from workbench.core import intervals, stats
from workbench.core.arrow import Kind
from workbench.core.check import NotApplicableError, check
from workbench.core.errors import ConfigError, unknown
from workbench.core.finding import Evidence, Measure, Result
from workbench.core.numbers import NumberCounts, common_support
from workbench.core.rates import measure, with_interval
from workbench.core.subject import Subject

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@check("leakage.time_order", "L004", "Order in time", needs=("reference",))
def time_order(subject: Subject, *, column: str | None = None) -> Result:
    """Compare the times of reference and current rows: trained on the past, tested on what came after?

    Measures: `later_reference_share`, reference rows later than the earliest current row, over reference rows with a
        time; `earlier_current_share`, current rows earlier than the latest reference row; both with Wilson intervals;
        `reference_after_current`, the probability that a reference row is later than a current one (ties one half, 0
        where all of the reference lies before), with an interval.
    Reads well when: the reference is the training data and the current data is what the model is tested on.
    Signs of risk: a probability near one half: the split was at random, and the test asks for the past with the future
        known. One late row alone makes a share large; the probability tells how much is mixed.
    Limits: times of rows, not of features: a row may hold later knowledge at an early time. Exact up to 131,072
        distinct times, beyond that within the error bound given. Takes the `time` column unless `column` is given.
    Reference: temporal leakage as in Kapoor and Narayanan (2023) Patterns 4:100804, type L3.1; Mann and Whitney (1947),
        Newcombe (2006); Wilson (1927).
    """
    if subject.reference is None:
        raise NotApplicableError("no reference data was given")
    name = column or subject.roles.time
    if name is None:
        raise NotApplicableError("there is no time column: give the role `time`, or `column`")
    if name not in subject.current.columns:
        raise ConfigError("leakage.time_order: " + unknown("column", name, subject.current.columns))
    other = subject.reference.columns.get(name)
    here = subject.current.columns[name]
    if other is None or here.kind is not other.kind or here.numbers is None or other.numbers is None:
        raise NotApplicableError(f"column {name!r} does not hold times (or numbers) in both data sets")
    current, reference = here.numbers, other.numbers
    if not current.n or not reference.n:
        raise NotApplicableError(f"column {name!r} is empty in one of the data sets")
    return Result(_measures(name, current, reference, subject.level), [_table(name, here.kind, current, reference)])


def _measures(name: str, current: NumberCounts, reference: NumberCounts, level: float) -> list[Measure]:
    start, end = float(current.lows[0]), float(reference.highs[-1])
    late, late_bound = int(reference.counts[reference.highs > start].sum()), _straddling(reference, start)
    early, early_bound = int(current.counts[current.lows < end].sum()), _straddling(current, end)
    shares = (
        ("later_reference_share", late, reference.n, late_bound),
        ("earlier_current_share", early, current.n, early_bound),
    )
    found = []
    for label, x, n, bound in shares:
        m = measure(label, x, n, intervals.wilson(x, n, level), column=name, why="no row has a time")
        head = (m.name, m.value, m.column, m.group, m.window, m.where)
        found.append(Measure(*head, m.low, m.high, m.method, m.n, m.unit, bound))
    _, before, after, bound = common_support(reference, current)
    value = stats.auc_from_counts(before, after)
    m = Measure("reference_after_current", value, name, n=reference.n + current.n, error_bound=bound or None)
    return [*found, with_interval(m, intervals.auc_interval(value, reference.n, current.n, level))]


def _straddling(table: NumberCounts, at: float) -> float | None:
    if table.exact:
        return None
    return float(table.counts[(table.lows < at) & (table.highs > at)].sum() / table.n)


def _table(name: str, kind: Kind, current: NumberCounts, reference: NumberCounts) -> Evidence:
    rows = [
        (
            label,
            table.n,
            *(_shown(float(v), kind) for v in (table.lows[0], np.float64(table.quantile(0.5) or 0.0), table.highs[-1])),
        )
        for label, table in (("reference", reference), ("current", current))
    ]
    return Evidence("times", f"Times of {name}", "table", ("data", "rows", "first", "median", "last"), tuple(rows))


def _shown(value: float, kind: Kind) -> str | float:
    if kind is not Kind.TIME:
        return value
    try:
        return (_EPOCH + timedelta(microseconds=value)).isoformat(timespec="seconds")
    except OverflowError:
        return "outside the years 1 to 9999"

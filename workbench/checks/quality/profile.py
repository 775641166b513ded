"""What each column holds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from workbench.core.arrow import Kind
from workbench.core.check import check
from workbench.core.counts import ColumnCounts, Counted
from workbench.core.finding import Cell, Evidence, Measure, Result
from workbench.core.intervals import mean_interval, wilson
from workbench.core.rates import measure, with_interval
from workbench.core.subject import Subject

_QUANTILES = {"quantile_05": 0.05, "quantile_25": 0.25, "median": 0.5, "quantile_75": 0.75, "quantile_95": 0.95}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FEW = 20


@check("quality.profile", "Q001", "Data profile")
def profile(subject: Subject) -> Result:
    """Describe every column: its type as used, distinct values, range, centre and spread.

    Measures: distinct values and `constant` (1 when there is one); for numbers minimum, maximum, mean with a t
        interval, standard deviation, quantiles, and shares of zeros, negatives and infinities; for text and booleans
        the share of the most frequent value; the reference's under window "reference".
    Reads well when: columns hold one kind of thing each, with missing values declared.
    Signs of risk: a constant column, a number column of few values that is really a code, a new minimum or maximum.
    Limits: beyond 131,072 distinct values quantiles come from bins (their error bound is given) and the number of
        distinct values is a lower bound for numbers and an estimate for text. Extremes and values of identifier
        columns are not shown.
    Reference: quantiles as numpy.quantile (linear); sample standard deviation (n - 1); Wilson (1927) for shares.
    """
    found = _of(subject.current, "", subject)
    if subject.reference is not None:
        found += _of(subject.reference, "reference", subject)
    columns = ("column", "used as", "rows", "missing", "distinct", "minimum", "median", "maximum or most frequent")
    rows = tuple(_row(c, subject.roles.id) for c in subject.current.columns.values())
    return Result(found, [Evidence("columns", "Columns of the current data", "table", columns, rows)])


def _of(counted: Counted, window: str, subject: Subject) -> list[Measure]:
    found: list[Measure] = []
    for column in counted.columns.values():
        found += _common(column, window)
        hidden = used_as(column, subject.roles.id) == "identifier"
        if column.numeric:
            found += _numbers(column, window, subject.level, hidden)
        elif column.values is not None and not hidden:
            found += _values(column, window, subject.level)
    return found


def _common(column: ColumnCounts, window: str) -> list[Measure]:
    table = column.numbers if column.numbers is not None else column.values
    distinct = table.distinct if table is not None else 0
    if table is not None and column.numbers is not None:
        distinct += sum(side > 0 for side in column.numbers.infinite)
    exact = table is not None and table.exact
    method = "" if exact else ("lower bound" if column.numbers is not None else "hashed sample")
    constant = int(distinct == 1) if column.present else None
    why = "" if column.present else "every value is missing"
    return [
        Measure("distinct", distinct, column.name, window=window, n=column.present, method=method),
        Measure("constant", constant, column.name, window=window, n=column.present, undefined_because=why),
    ]


def _numbers(column: ColumnCounts, window: str, level: float, hidden: bool) -> list[Measure]:
    t, name = column.numbers, column.name
    if t is None:
        return []
    why = "there is no finite value"
    values: dict[str, float | None] = {} if hidden else {"minimum": t.minimum, "maximum": t.maximum}
    values |= {"standard_deviation": t.deviation}
    found = [
        Measure(k, v, name, window=window, n=t.n, undefined_because="" if v is not None else _why(k, t.n))
        for k, v in values.items()
    ]
    mean = Measure("mean", t.mean, name, window=window, n=t.n, undefined_because="" if t.n else why)
    variance = t.variance
    found.append(
        mean if variance is None or t.mean is None else with_interval(mean, mean_interval(t.n, t.mean, variance, level))
    )
    bound = float((t.highs - t.lows).max() / 2) if t.n and not t.exact else None
    found += [
        Measure(k, t.quantile(q), name, window=window, n=t.n, error_bound=bound, undefined_because="" if t.n else why)
        for k, q in _QUANTILES.items()
    ]
    counts = {
        "zero_share": int(t.counts[(t.lows == 0) & (t.highs == 0)].sum()),
        "negative_share": int(t.counts[t.highs < 0].sum()) + t.infinite[0],
        "infinite_share": sum(t.infinite),
    }
    n = column.present
    return found + [
        measure(k, x, n, wilson(x, n, level), column=name, window=window, why="every value is missing")
        for k, x in counts.items()
    ]


def _why(name: str, n: int) -> str:
    return (
        "a standard deviation needs two finite values"
        if name == "standard_deviation" and n
        else "there is no finite value"
    )


def _values(column: ColumnCounts, window: str, level: float) -> list[Measure]:
    table = column.values
    top = table.top(1) if table is not None else []
    x, n = (top[0][1] if top else 0), column.present
    why = "every value is missing"
    return [measure("most_frequent_share", x, n, wilson(x, n, level), column=column.name, window=window, why=why)]


def used_as(column: ColumnCounts, id_column: str | None) -> str:
    """Return how a column is used: identifier, constant, boolean, time, count, category, text, number or its kind."""
    table = column.numbers if column.numbers is not None else column.values
    distinct = 0 if table is None else table.distinct
    if column.present == 0:
        return "empty"
    if distinct == 1:
        return "constant"
    unique = distinct == column.present and column.present > _FEW
    if column.name == id_column or (unique and (column.kind is Kind.TEXT or column.integral)):
        return "identifier"
    if column.numeric:
        few = column.integral and distinct <= _FEW
        counts = column.integral and column.numbers is not None and (column.numbers.minimum or 0) >= 0
        return "category" if few else "count" if counts else "number"
    if column.kind is Kind.TEXT:
        return "category" if distinct <= max(_FEW, column.present // 20) else "text"
    return str(column.kind)


def _row(column: ColumnCounts, id_column: str | None) -> tuple[Cell, ...]:
    use = used_as(column, id_column)
    table = column.numbers if column.numbers is not None else column.values
    distinct = 0 if table is None else table.distinct
    head: tuple[Cell, ...] = (column.name, use, column.rows, column.missing, distinct)
    if use == "identifier":
        return (*head, None, None, None)
    if column.numbers is not None:
        t = column.numbers
        return (*head, *(_shown(v, column.kind) for v in (t.minimum, t.quantile(0.5), t.maximum)))
    top = column.values.top(1) if column.values is not None and use != "text" else []
    return (*head, None, None, top[0][0] if top else None)


def _shown(value: float | None, kind: Kind) -> Cell:
    if value is None or kind is Kind.NUMBER:
        return value
    if kind is Kind.TIME:
        try:
            return (_EPOCH + timedelta(microseconds=value)).isoformat(timespec="seconds")
        except OverflowError:
            return "outside the years 1 to 9999"
    return value / 1e6

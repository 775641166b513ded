"""What each column holds, window by window: rows, missing values, mean, spread, median, sum, distinct values."""

from __future__ import annotations

from workbench.core.check import check
from workbench.core.counts import ColumnCounts
from workbench.core.finding import Evidence, Measure, Result
from workbench.core.intervals import mean_interval, wilson
from workbench.core.rates import measure, with_interval
from workbench.core.series import REFERENCE, Point, drawing, labelled
from workbench.core.subject import Subject

_MOST_DRAWN = 12


@check("quality.windows", "Q017", "Columns over windows", needs=("windows",))
def windows(subject: Subject, *, columns: tuple[str, ...] = ()) -> Result:
    """Follow what each column holds from window to window.

    Measures: `rows` of each window; for each feature the missing share with a Wilson interval and the number of
        distinct values; for numbers the mean with a t interval, the sample standard deviation, the median and the sum.
        The same of the reference's windows (`reference ...`), from which rules learn their limits.
    Reads well when: windows are of one size, or of one period of the calendar.
    Signs of risk: a mean, a share of missing values or a number of rows beyond the learnt limit.
    Limits: a mean may stand still while the distribution moves (drift.windows). Beyond 131,072 distinct values the
        median comes from bins and the number of distinct ones is a lower bound. A short window is marked.
    Reference: Wilson (1927); Student (1908); quantiles as NumPy's default (linear interpolation of order statistics).
    """
    found: list[Measure] = []
    points: list[Point] = []
    for label, window in labelled(subject):
        series = "reference" if label.startswith(REFERENCE) else "current"
        found.append(Measure("rows", window.counted.rows, window=label, n=window.counted.rows, unit="rows"))
        points.append(Point(label, series, found[-1]))
        for name in columns or subject.features:
            column = window.counted.columns.get(name)
            if column is None:
                continue
            placed = _of(column, label, subject.level)
            found += placed
            points += [Point(label, series, m) for m in placed]
    short = frozenset(label for label, w in labelled(subject) if w.short)
    notes = [f"short windows: {', '.join(sorted(short))}"] if short else []
    return Result(found, _drawn(points, short), notes)


def _of(column: ColumnCounts, window: str, level: float) -> list[Measure]:
    name, numbers = column.name, column.numbers if column.numeric else None
    missing = measure(
        "missing_share", column.missing, column.rows, wilson(column.missing, column.rows, level), column=name,
        window=window, why="0/0: the window has no rows",
    )  # fmt: skip
    distinct = 0 if column.values is None else column.values.distinct
    distinct = distinct if column.numbers is None else column.numbers.distinct
    found = [missing, Measure("distinct", distinct, name, window=window, n=column.present, unit="values")]
    if numbers is None or not numbers.n or numbers.mean is None:
        return found
    n, variance = numbers.n, numbers.variance
    mean = Measure("mean", numbers.mean, name, window=window, n=n)
    interval = None if variance is None else mean_interval(n, numbers.mean, variance, level)
    why = "" if variance is not None else "it needs two values"
    return [
        *found,
        with_interval(mean, interval),
        Measure("deviation", numbers.deviation, name, window=window, n=n, undefined_because=why),
        Measure("median", numbers.quantile(0.5), name, window=window, n=n),
        Measure("sum", numbers.mean * n, name, window=window, n=n),
    ]


def _drawn(points: list[Point], short: frozenset[str]) -> list[Evidence]:
    """Return drawings of the rows and of the means of numbers, those that moved most first."""
    rows = [p for p in points if p.measure.name == "rows"]
    means = [p for p in points if p.measure.name == "mean"]
    moved: dict[str, float] = {}
    for column in dict.fromkeys(p.measure.column for p in means):
        values = [float(p.measure.value or 0) for p in means if p.measure.column == column]
        middle = max(abs(v) for v in values) or 1.0
        moved[column] = (max(values) - min(values)) / middle
    order = sorted(moved, key=lambda c: (-moved[c], c))[:_MOST_DRAWN]
    return drawing("columns", rows + [p for c in order for p in means if p.measure.column == c], short)

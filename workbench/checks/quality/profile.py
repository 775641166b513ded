"""What each column holds."""

from __future__ import annotations

from collections.abc import Callable

from workbench.core.arrow import Kind
from workbench.core.check import check
from workbench.core.column_types import distinct_of, is_exact
from workbench.core.column_view import ColumnView
from workbench.core.counts import ColumnCounts
from workbench.core.finding import Evidence, Measure, Result
from workbench.core.intervals import mean_interval, wilson
from workbench.core.numbers import NumberCounts
from workbench.core.profile_tables import (
    MOST_DRAWN,
    columns_table,
    drawing,
    in_order,
    patterns_table,
    times_table,
    types_table,
)
from workbench.core.rates import measure, with_interval
from workbench.core.shape import kurtosis, skewness
from workbench.core.subject import Subject
from workbench.core.text_shape import TextShape
from workbench.core.times import DAY, SECOND, steps

_QUANTILES = {"quantile_05": 0.05, "quantile_25": 0.25, "median": 0.5, "quantile_75": 0.75, "quantile_95": 0.95}


@check("quality.profile", "Q001", "Data profile", version="3")
def profile(subject: Subject) -> Result:
    """Describe every column beside the reference's: type as used, distinct values, range, centre, spread and shape.

    Measures: distinct values, `constant` (1 when there is one) and `type_changed` (1 when the reference's column is
        used as another type). Numbers: minimum, maximum, mean with a t interval, standard deviation, skewness and
        excess kurtosis, quantiles, and shares of zeros, negatives and infinities. Text and booleans: the share of the
        most frequent value; text: lengths, and the share that follows the dominating pattern (AA-99). Times: span,
        typical step, share of steps alike, gaps (steps over one and a half times the typical one) and the largest gap.
        The reference's under window "reference".
    Reads well when: columns hold one kind of thing each, with missing values declared.
    Signs of risk: a constant column, another type than the reference's, a number column of few values that is really a
        code, a new minimum or maximum, a pattern that fewer texts follow, a gap in time.
    Limits: types are told from the counts by the rules listed with the finding; up to twice as many values as a
        category has, a column keeps the type that it has in the reference. Beyond 131,072 distinct values
        quantiles, skewness and kurtosis come from bins (with an error bound), distinct is a lower bound for numbers
        and an estimate for text, text lengths and patterns are those of a hashed sample of the values, and steps of
        times are not told. Numbers and values of identifiers are not shown, nor values and patterns of fewer rows
        than the smallest group that may be shown. Patterns look at the first 40 characters.
    Reference: quantiles as numpy.quantile (linear); sample standard deviation (n - 1); Joanes and Gill (1998) for G1
        and G2, as pandas and Excel compute them; Wilson (1927) for shares.
    """
    reference = {} if subject.reference is None else subject.reference.columns
    minimum = subject.minimum_group_size
    views = [ColumnView(c, reference.get(n), subject.roles, minimum) for n, c in subject.current.columns.items()]
    found: list[Measure] = []
    for view in views:
        found += _of(view, 0, "", subject.level)
        found += _type_changed(view) if view.reference is not None else []
    for view in views:
        found += _of(view, 1, "reference", subject.level)
    return Result(found, _tables(in_order(views)))


def _tables(views: list[ColumnView]) -> list[Evidence]:
    tables = [columns_table(views), types_table(views), times_table(views), patterns_table(views)]
    drawn = (drawing(view) for view in views[:MOST_DRAWN])
    return [table for table in (*tables, *drawn) if table is not None]


def _type_changed(view: ColumnView) -> list[Measure]:
    changed = int(view.used_as != view.used_as_in_reference)
    names = f"{view.used_as_in_reference} then, {view.used_as} now" if changed else ""
    return [Measure("type_changed", changed, view.current.name, n=view.current.rows, method=names)]


def _of(view: ColumnView, side: int, window: str, level: float) -> list[Measure]:
    column = (view.current, view.reference)[side]
    if column is None:
        return []
    found = _common(column, window)
    use = (view.used_as, view.used_as_in_reference)[side]
    if use == "identifier":
        return found + _texts(view, column, window, level)
    measures = _MEASURES.get(column.kind)
    return found + (measures(view, column, window, level) if measures else [])


def _common(column: ColumnCounts, window: str) -> list[Measure]:
    distinct = distinct_of(column)
    exact = is_exact(column)
    method = "" if exact else ("lower bound" if column.numbers is not None else "hashed sample")
    constant = int(distinct == 1) if column.present else None
    why = "" if column.present else "every value is missing"
    return [
        Measure("distinct", distinct, column.name, window=window, n=column.present, method=method),
        Measure("constant", constant, column.name, window=window, n=column.present, undefined_because=why),
    ]


def _numbers(view: ColumnView, column: ColumnCounts, window: str, level: float) -> list[Measure]:
    t, name = column.numbers, column.name
    if t is None:
        return []
    why = "" if t.n else "there is no finite value"
    found = [
        Measure("minimum", t.minimum, name, window=window, n=t.n, undefined_because=why),
        Measure("maximum", t.maximum, name, window=window, n=t.n, undefined_because=why),
        _mean(t, name, window, level),
        *_spread(t, name, window),
    ]
    bound = float((t.highs / 2 - t.lows / 2).max()) if t.n and not t.exact else None
    found += [
        Measure(k, t.quantile(q), name, window=window, n=t.n, error_bound=bound, undefined_because=why)
        for k, q in _QUANTILES.items()
    ]
    counts = {
        "zero_share": int(t.counts[(t.lows == 0) & (t.highs == 0)].sum()),
        "negative_share": int(t.counts[t.highs < 0].sum()) + t.infinite[0],
        "infinite_share": sum(t.infinite),
    }
    return found + [_share(k, x, column, window, level) for k, x in counts.items()]


def _mean(t: NumberCounts, name: str, window: str, level: float) -> Measure:
    mean = Measure(
        "mean", t.mean, name, window=window, n=t.n, undefined_because="" if t.n else "there is no finite value"
    )
    if t.variance is None or t.mean is None:
        return mean
    return with_interval(mean, mean_interval(t.n, t.mean, t.variance, level))


def _spread(t: NumberCounts, name: str, window: str) -> list[Measure]:
    why = "" if t.n > 1 else "a standard deviation needs two finite values"
    found = [Measure("standard_deviation", t.deviation, name, window=window, n=t.n, undefined_because=why)]
    for title, moment in (("skewness", skewness(t)), ("kurtosis", kurtosis(t))):
        because = moment.undefined_because
        found.append(
            Measure(
                title, moment.value, name, window=window, n=t.n, error_bound=moment.error_bound,
                undefined_because=because,
            )
        )  # fmt: skip
    return found


def _share(title: str, x: int, column: ColumnCounts, window: str, level: float, n: int | None = None) -> Measure:
    total = column.present if n is None else n
    why = "every value is missing"
    return measure(title, x, total, wilson(x, total, level), column=column.name, window=window, why=why)


def _values(view: ColumnView, column: ColumnCounts, window: str, level: float) -> list[Measure]:
    top = column.values.top(1) if column.values is not None else []
    found = [_share("most_frequent_share", top[0][1] if top else 0, column, window, level)]
    return found + _texts(view, column, window, level)


def _texts(view: ColumnView, column: ColumnCounts, window: str, level: float) -> list[Measure]:
    shape = _shape_of(view, column)
    if shape is None or not shape.n or column.values is None:
        return []
    method = "" if column.values.exact else "hashed sample of values"
    lengths = {"shortest_text": shape.shortest, "longest_text": shape.longest, "mean_text_length": shape.mean}
    found = [Measure(k, v, column.name, window=window, n=shape.n, method=method) for k, v in lengths.items()]
    follow = shape.patterns.get(view.texts[-1].top(1)[0][0], 0) if view.texts[-1].n else shape.top(1)[0][1]
    return [*found, _share("dominant_pattern_share", follow, column, window, level, shape.n)]


def _shape_of(view: ColumnView, column: ColumnCounts) -> TextShape | None:
    at = next((i for i, side in enumerate(view.both) if side is column), None)
    return view.texts[at] if at is not None and at < len(view.texts) else None


def _times(view: ColumnView, column: ColumnCounts, window: str, level: float) -> list[Measure]:
    t, name = column.numbers, column.name
    if t is None or t.minimum is None or t.maximum is None:
        return []
    found = [Measure("time_span_days", (t.maximum - t.minimum) / DAY, name, window=window, n=t.n)]
    s = steps(t)
    if s is None:
        why = "there is one distinct time" if t.exact else "there are more distinct times than are counted exactly"
        return [*found, Measure("largest_gap_seconds", None, name, window=window, n=t.n, undefined_because=why)]
    irregular = "" if s.regular else "fewer than half of the steps are alike"
    return [
        *found,
        Measure("typical_step_seconds", s.typical / SECOND, name, window=window, n=s.n),
        measure("regular_share", s.alike, s.n, wilson(s.alike, s.n, level), column=name, window=window),
        Measure("gaps", s.gaps, name, window=window, n=s.n, undefined_because=irregular),
        Measure("largest_gap_seconds", s.largest / SECOND, name, window=window, n=s.n),
    ]


_MEASURES: dict[Kind, Callable[[ColumnView, ColumnCounts, str, float], list[Measure]]] = {
    Kind.NUMBER: _numbers,
    Kind.TEXT: _values,
    Kind.BOOLEAN: _values,
    Kind.TIME: _times,
}

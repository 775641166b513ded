"""Numbers far from the rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from workbench.core.check import NotApplicableError, check
from workbench.core.counts import ColumnCounts, Counted
from workbench.core.distinct import Distinct, of_counts, of_rows
from workbench.core.errors import ConfigError, unknown
from workbench.core.finding import Cell, Evidence, Measure, Result
from workbench.core.intervals import wilson
from workbench.core.outcome import texts_and_codes
from workbench.core.outliers import LEAST, Fences, fences
from workbench.core.patterns import fixed_length
from workbench.core.rates import measure
from workbench.core.rows import as_numbers
from workbench.core.subject import Subject
from workbench.core.suspected import MOST_EXAMPLES, Example, examples_table, in_turn, suspected, value_columns

Mask = NDArray[np.bool_]
_LEAST_IN_GROUP = 30


@check("quality.outliers", "Q006", "Outliers", uses=("rows",))
def outliers(
    subject: Subject,
    *,
    method: Literal["mad", "tukey"] = "mad",
    threshold: float | None = None,
    by: list[str] | None = None,
) -> Result:
    """Find numbers far from the rest of their column, and far from the rest of their group.

    Measures: `outlier_share` per number column, over its finite values, with a Wilson interval: values with a robust
        z-score above `threshold` (5 unless given), or beyond Tukey's fences (3 interquartile ranges); `suspected_cells`
        and `suspected_share`, those of them that lie far also for the column's own tails; the number of infinite
        values as `infinite_cells`; under `where` "within COLUMN" the sample's values far within their group of each
        column of `by` (segments and sensitive columns unless given) but not overall; the reference's under window
        "reference".
    Reads well when: a column is one quantity, in one unit, with one bulk.
    Signs of risk: an amount a thousand times the usual (a unit, a decimal sign), an age of 200.
    Limits: an outlier may be true; a long tail has outliers and no errors, so what is suspected lies beyond the 5 or
        95 % quantile by three times its distance from the median. Errors in more than 5 % of a column hide themselves.
        Where half of the values are equal there is no spread to measure by. Digits of one length written as text are
        taken for codes.
        Placeholders (-999) belong to quality.placeholders.
    Reference: Iglewicz and Hoaglin (1993), modified z-scores; Tukey (1977) for fences; logarithms where they make the
        quartiles more symmetric, Bowley (1920); Wilson (1927).
    """
    groupings = _groupings(subject, by)
    found = _columns(subject, subject.current, method, threshold)
    measures = [m for f in found for m in _measures(f, subject.level, "")]
    if subject.reference is not None:
        there = _columns(subject, subject.reference, method, threshold)
        measures += [m for f in there for m in _measures(f, subject.level, "reference")]
    if not measures:
        raise NotApplicableError("no feature column holds numbers")
    examples = [_examples(f, subject) for f in found]
    for column in groupings:
        for f in found:
            more, rows = _within(f, subject, column, method, threshold)
            measures += more
            examples.append(rows)
    picked = in_turn(examples)
    evidence = [_table(found), *([examples_table(picked, subject, "Outliers")] if picked else [])]
    return Result(measures, evidence, _notes(subject, found, groupings))


@dataclass(frozen=True)
class _Column:
    distinct: Distinct
    fences: Fences
    infinite: int
    bound: float | None

    @property
    def n(self) -> int:
        return int(self.distinct.said.sum())

    def cells(self, mask: Mask) -> int:
        return int(self.distinct.said[mask].sum())

    @property
    def numbers(self) -> NDArray[np.float64]:
        numbers = self.distinct.numbers
        return np.full(len(self.distinct), np.nan) if numbers is None else numbers


def _groupings(subject: Subject, by: list[str] | None) -> list[str]:
    for name in by or ():
        if name not in subject.current.columns:
            raise ConfigError("quality.outliers: by: " + unknown("column", name, subject.current.columns))
    wanted = [*subject.roles.segment, *subject.roles.sensitive] if by is None else by
    return [c for c in dict.fromkeys(wanted) if c in subject.current.columns] if subject.current.sample else []


def _columns(subject: Subject, counted: Counted, method: str, threshold: float | None) -> list[_Column]:
    found = []
    for name in value_columns(subject):
        column = counted.columns.get(name)
        d = None if column is None else _distinct(column, counted)
        if column is None or d is None or d.numbers is None:
            continue
        if d.texts is not None and fixed_length(d.texts, d.said):
            continue
        fence = fences(d.numbers, d.said, method=method, threshold=threshold)
        infinite = 0 if column.numbers is None else sum(column.numbers.infinite)
        found.append(_Column(d, fence, infinite, _bound(column, fence)))
    return found


def _distinct(column: ColumnCounts, counted: Counted) -> Distinct | None:
    exact = of_counts(column)
    if exact is not None:
        return exact
    if column.numeric and column.numbers is not None:  # bins will do: their error bound is given
        return Distinct(column.name, column.kind, column.numbers.counts, column.present, None, column.numbers.values)
    if counted.sample is None or column.name not in counted.sample.rows.schema.names:
        return None
    return of_rows(column.name, counted.sample.rows.column(column.name), column.kind, counted.sample.words)


def _bound(column: ColumnCounts, fence: Fences) -> float | None:
    table = column.numbers
    if table is None or table.exact or not table.n:
        return None
    ends = (fence.low, fence.high, fence.far_low, fence.far_high)
    return max(float(table.counts[(table.lows < e) & (table.highs > e)].sum()) for e in ends) / table.n


def _measures(f: _Column, level: float, window: str) -> list[Measure]:
    name, n = f.distinct.name, f.n
    if f.fences.why:
        names = ("suspected_share", "suspected_cells", "outlier_share")
        found = [Measure(m, None, name, window=window, n=n, undefined_because=f.fences.why) for m in names]
    else:
        x, far = f.cells(f.fences.outside(f.numbers)), f.cells(f.fences.far(f.numbers))
        share = measure("outlier_share", x, n, wilson(x, n, level), column=name, window=window, why="no number")
        found = [_bounded(m, f.bound) for m in (*suspected(far, n, level, name, window), share)]
    if f.infinite:
        found.append(Measure("infinite_cells", f.infinite, name, window=window, n=n + f.infinite, unit="cells"))
    return found


def _bounded(m: Measure, bound: float | None) -> Measure:
    if bound is None or m.unit != "share":
        return m
    head = (m.name, m.value, m.column, m.group, m.window, m.where)
    return Measure(*head, m.low, m.high, m.method, m.n, m.unit, bound, m.undefined_because)


def _examples(f: _Column, subject: Subject) -> list[Example]:
    if subject.current.sample is None or f.fences.why:
        return []
    far = f.fences.far(_row_numbers(f, subject))
    return [Example(f.distinct.name, int(row), "far from the rest") for row in np.flatnonzero(far)[:MOST_EXAMPLES]]


def _row_numbers(f: _Column, subject: Subject) -> NDArray[np.float64]:
    column = subject.sample.rows.column(f.distinct.name)
    if f.distinct.texts is None:
        numbers = as_numbers(column)
        coded = f.distinct.rows_of(column, (f.distinct.said == 0) & (f.distinct.counts > 0))
        return np.where(coded, np.nan, numbers)
    places = {t: v if n else np.nan for t, v, n in zip(f.distinct.texts, f.numbers, f.distinct.said, strict=True)}
    values, codes = texts_and_codes(column)
    return np.array([np.nan if v is None else places.get(v, np.nan) for v in values] or [np.nan])[codes]


def _within(
    f: _Column, subject: Subject, by: str, method: str, threshold: float | None
) -> tuple[list[Measure], list[Example]]:
    if by == f.distinct.name:
        return [], []
    numbers = _row_numbers(f, subject)
    values, codes = texts_and_codes(subject.sample.rows.column(by))
    least = max(_LEAST_IN_GROUP, LEAST, subject.minimum_group_size)
    looked, far = 0, np.zeros(len(numbers), bool)
    for code, value in enumerate(values):
        rows = np.flatnonzero((codes == code) & ~np.isnan(numbers))
        if value is None or len(rows) < least:
            continue
        fence = fences(numbers[rows], np.ones(len(rows), np.int64), method=method, threshold=threshold)
        looked += 0 if fence.why else len(rows)
        far[rows] = fence.far(numbers[rows]) & ~f.fences.far(numbers[rows])
    if not looked:
        return [], []
    where = f"within {by}"
    measures = [
        Measure(m.name, m.value, m.column, where=where, low=m.low, high=m.high, method=m.method, n=m.n, unit=m.unit)
        for m in suspected(int(far.sum()), looked, subject.level, f.distinct.name)
    ]
    rows = np.flatnonzero(far)[:MOST_EXAMPLES]
    return measures, [Example(f.distinct.name, int(row), f"far from the rest of its {by}") for row in rows]


def _table(found: list[_Column]) -> Evidence:
    rows: list[tuple[Cell, ...]] = []
    for f in found:
        outside, far = f.cells(f.fences.outside(f.numbers)), f.cells(f.fences.far(f.numbers))
        ends = (None, None) if f.fences.why else (f.fences.low, f.fences.high)
        rows.append((f.distinct.name, f.n, *ends, f.fences.why or f.fences.scale, outside, far))
    rows.sort(key=lambda r: (-int(r[6] or 0), str(r[0])))
    head = ("column", "n", "from", "to", "scale", "outside", "suspected")
    return Evidence("fences", "Fences and what lies outside", "table", head, tuple(rows))


def _notes(subject: Subject, found: list[_Column], groupings: list[str]) -> list[str]:
    notes = [f"column {f.distinct.name!r} is measured on {f.distinct.words}" for f in found if f.distinct.words]
    return [*notes, *([f"groups are compared on {subject.sample.words}"] if groupings else [])]

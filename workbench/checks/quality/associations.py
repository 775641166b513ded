"""Which columns go together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations

import pyarrow as pa

from workbench.core.associations import Association, Column, associations, category_column, number_column, scale_column
from workbench.core.check import NotApplicableError, check
from workbench.core.column_types import used_as
from workbench.core.counts import ColumnCounts, Counted
from workbench.core.dataset import Roles
from workbench.core.errors import DataError, unknown
from workbench.core.finding import Evidence, Measure, Result, column_label
from workbench.core.rates import with_interval
from workbench.core.subject import Subject

_NUMBERS = ("number", "count", "time", "duration", "clock")
_CATEGORIES = ("category", "boolean")
_MOST_LISTED = 200
_MOST_DRAWN = 14


@check("quality.associations", "Q016", "Associations between columns", needs=("rows",))
def between_columns(subject: Subject, *, columns: tuple[str, ...] = (), most_columns: int = 30) -> Result:
    """Measure how strongly each two columns go together, beside the reference.

    Measures: for two number columns `pearson` and `spearman`; for a number and a category `correlation_ratio` (eta);
        for two categories `cramers_v`; whole numbers of few values, which may be a scale or a code, have the measures
        of both. Each has its interval and its n, the rows that have both; the reference's under window "reference".
        Times count as numbers.
    Reads well when: hundreds of rows have both columns.
    Signs of risk: two columns that say the same; a feature that says what the target says; a pair that went together in
        the reference and does not now.
    Limits: of more rows than the audit's sample it measures a seeded sample. Of more columns than `most_columns` it
        takes the first in the order of the data; name others with `columns`. Identifiers, free text, constants and
        columns to be ignored are left out. A category's 20 most frequent values are told apart, the rest count as one.
        The correlation ratio and V are biased upwards where categories are many and rows few. An association is no
        cause, and none of these finds every kind of dependence. The many intervals are each for itself.
    Reference: Pearson (1896); Spearman (1904); Fisher (1921); Bonett and Wright (2000) for the interval of Spearman's;
        Pearson (1905) for the correlation ratio; Cramer (1946); Smithson (2003) for the intervals of both.
    """
    sample = subject.sample
    chosen, left = _chosen(subject, columns, most_columns)
    pairs = list(combinations(chosen, 2))
    now = _measured(subject, subject.current, chosen)
    before = {} if subject.reference is None else _measured(subject, subject.reference, chosen)
    found = [_measure(pair, a, "") for pair in pairs for a in now[pair]]
    found += [_measure(pair, a, "reference") for pair in pairs for a in before.get(pair, [])]
    notes = [f"measured on {sample.words}"]
    if left:
        notes.append(f"{left} more columns were left out: the first {most_columns} in the order of the data were taken")
    return Result(found, [_table(now, before)], notes)


def _chosen(subject: Subject, wanted: Sequence[str], most: int) -> tuple[list[str], int]:
    known = subject.current.columns
    for name in wanted:
        if name not in known:
            raise DataError("quality.associations: " + unknown("column", name, known))
    roles = subject.roles
    apart = {*roles.ignore, roles.id, roles.entity, roles.weight}
    names = list(wanted) or [n for n in known if n not in apart]
    usable = [n for n in dict.fromkeys(names) if used_as(known[n], roles) in (*_NUMBERS, *_CATEGORIES)]
    if len(usable) < 2:
        raise NotApplicableError("fewer than two columns hold numbers or categories that differ")
    return usable[:most], max(0, len(usable) - most)


Pair = tuple[str, str]


def _measured(subject: Subject, counted: Counted, names: list[str]) -> dict[Pair, list[Association]]:
    if counted.sample is None:
        return {}
    rows = counted.sample.rows
    found: dict[str, Column] = {}
    for name in names:
        known = counted.columns.get(name)
        if known is None or known.kind is not subject.current.columns[name].kind:
            continue
        # What the current column is used as decides, so that both sides have the same measures.
        found[name] = _way(subject.current.columns[name], subject.roles)(name, rows.column(name))
    result = {}
    for one, two in combinations(names, 2):
        subject.stop()
        if one in found and two in found:
            result[(one, two)] = associations(found[one], found[two], subject.level)
    return result


def _way(column: ColumnCounts, roles: Roles) -> Callable[[str, pa.Array], Column]:
    """Return how a column is taken: as numbers, as a category, or, whole numbers of few values, as both."""
    use = used_as(column, roles)
    if use in _NUMBERS:
        return number_column
    return scale_column if use == "category" and column.numeric else category_column


def _measure(pair: Pair, a: Association, window: str) -> Measure:
    found = Measure(a.name, a.value, column_label(pair), window=window, n=a.n, undefined_because=a.undefined_because)
    return found if a.interval is None else with_interval(found, a.interval)


def _table(now: dict[Pair, list[Association]], before: dict[Pair, list[Association]]) -> Evidence:
    """Return the pairs by strength: two numbers by rank correlation, which also sees what is not linear."""
    rows = []
    for pair, found in now.items():
        last, there = found[-1], before.get(pair)
        if last.value is not None:
            rows.append((*pair, last.name, last.value, last.n, there[-1].value if there else None))
    rows.sort(key=lambda row: -abs(row[3]))
    columns = ("one", "two", "measure", "value", "n", "reference")
    title = "Strongest associations"
    notes = {"most_drawn": _MOST_DRAWN}
    return Evidence("associations", title, "associations", columns, tuple(rows[:_MOST_LISTED]), notes)

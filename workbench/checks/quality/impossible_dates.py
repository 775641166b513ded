"""Dates that cannot be."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np

from workbench.core import dates
from workbench.core.arrow import Kind
from workbench.core.check import NotApplicableError, check
from workbench.core.distinct import Distinct
from workbench.core.errors import ConfigError, shown
from workbench.core.finding import Result
from workbench.core.rows import as_numbers
from workbench.core.subject import Subject
from workbench.core.suspected import Example, Faulty, examples_table, suspected, value_columns, value_result


@check("quality.impossible_dates", "Q013", "Impossible dates", uses=("rows",))
def impossible_dates(subject: Subject, *, earliest: str = "1900-01-01", latest: str = "2100-12-31") -> Result:
    """Find dates that no calendar has, days outside the years that are meant, and ends before their beginnings.

    Measures: `suspected_cells` and `suspected_share` per column of times, or of texts of which 90 % are dates, over
        its cells with a value, with a Wilson interval; under `where` the number by kind: "no such day" (2021-02-30,
        a 13th month), "outside the years". `suspected_rows` and its share with `where` "reversed"
        for two columns of times ("a & b") of which the first is at most the second in 99 % of the rows: the rest, on
        the sample.
    Reads well when: dates are stored as dates, or all in one order of day, month and year.
    Signs of risk: day and month exchanged at the source; two digits of a year read into another century; durations
        below zero.
    Limits: whether "03/04/2021" is in March or April is decided by what fits more of the column; a swap that gives
        another true day is not seen. Days in the future are found only with `latest`. Ends and beginnings are
        compared only where both are stored as times. Placeholder days belong to quality.placeholders.
    Reference: the Gregorian calendar, ISO 8601; two digits of a year as POSIX strptime reads them; Wilson (1927).
    """
    first, last = _day("earliest", earliest), _day("latest", latest)

    def find(d: Distinct) -> Faulty | None:
        if d.kind is Kind.TIME:
            return Faulty(d, {"outside the years": dates.impossible_times(d.plain, first, last) & (d.said > 0)})
        if d.kind is not Kind.TEXT or d.texts is None or not dates.are_dates(d.texts, d.said):
            return None
        found = dates.impossible_texts(d.texts, d.said, first, last)
        return Faulty(d, {why: mask & (d.said > 0) for why, mask in found.items()})

    columns = [*value_columns(subject), *filter(None, [subject.roles.time])]
    result = value_result(subject, [c for c in columns if c in subject.current.columns], find, "Impossible dates")
    backward = _reversed(subject, columns)
    if not result.measures:
        raise NotApplicableError("no column holds dates")
    return Result(
        [*result.measures, *backward.measures], [*result.evidence, *backward.evidence], [*result.notes, *backward.notes]
    )


def _day(name: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ConfigError(f"{name}: found {shown(text)}, expected a day like 2021-12-31.") from None


def _reversed(subject: Subject, names: list[str]) -> Result:
    sample = subject.current.sample
    times = [c for c in names if c in subject.current.columns and subject.current.columns[c].kind is Kind.TIME]
    if sample is None or len(times) < 2:
        return Result(())
    numbers = {c: as_numbers(sample.rows.column(c)) for c in times}
    measures, examples = [], []
    for one, two, wrong in dates.reversed_pairs(numbers):
        n = int((~np.isnan(numbers[one]) & ~np.isnan(numbers[two])).sum())
        found = suspected(int(wrong.sum()), n, subject.level, f"{one} & {two}", unit="rows")
        measures += [replace(m, where="reversed") for m in found]
        examples += [
            Example(f"{one} & {two}", int(row), "the second lies before the first") for row in np.flatnonzero(wrong)
        ]
    table = examples_table(examples[:20], subject, "Ends before beginnings")
    notes = [f"pairs of times are compared on {sample.words}"] if measures else []
    return Result(measures, [table] if examples else [], notes)

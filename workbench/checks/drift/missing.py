"""How the share of missing values has changed in each column, and which columns came or went."""

from __future__ import annotations

import numpy as np

from workbench.core import distances
from workbench.core.check import NotApplicableError, check
from workbench.core.counts import ColumnCounts, Counted
from workbench.core.errors import shown
from workbench.core.finding import Evidence, Measure, Result
from workbench.core.intervals import newcombe_difference
from workbench.core.rates import with_interval
from workbench.core.subject import Subject

_MOST_NAMED = 10


@check("drift.missing", "D003", "Drift of missing values", needs=("reference",))
def missing(subject: Subject) -> Result:
    """Compare the share of missing values of every column with the reference's.

    Measures: per column `missing_share_change`, the share of rows without a value now minus that in the reference, with
        Newcombe's interval, and its p of no difference; over all features `emptied_columns` (every value missing now,
        not so in the reference), `filled_columns` (the other way round), `vanished_columns` (only in the reference) and
        `new_columns` (only in the current data), named in notes.
    Reads well when: missing values are written as missing (null, NaN, an empty field, or a declared token).
    Signs of risk: a column that the model was trained with and that now has gaps, or is empty; a share that falls to 0
        because a default value is filled in now.
    Limits: tokens such as "?" or -999 count as values unless they are declared. The p is that of the score test with
        the pooled share (Pearson's chi-square of the 2 x 2 table), descriptive beside the interval. The packaged policy
        judges the same change once, by quality.missing.
    Reference: Newcombe (1998) Statistics in Medicine 17:873, method 10; Pearson (1900).
    """
    if subject.reference is None:
        raise NotApplicableError("no reference data was given")
    reference = subject.reference
    both = [(c, reference.columns[name]) for name, c in subject.current.columns.items() if name in reference.columns]
    found = [m for current, other in both for m in _change(current, other, subject.level)]
    counts, notes = _came_and_went(subject, reference)
    return Result([*found, *counts], [_table(both)] if both else [], notes)


def _change(current: ColumnCounts, reference: ColumnCounts, level: float) -> list[Measure]:
    name, n, m = current.name, current.rows, reference.rows
    if not n or not m:
        why = "one data set has no rows"
        return [Measure("missing_share_change", None, name, n=n, unit="share", undefined_because=why)]
    value = current.missing / n - reference.missing / m
    change = Measure("missing_share_change", value, name, n=n, unit="share")
    sides = (np.array([c.missing, c.present], np.int64) for c in (reference, current))
    p = distances.chi_square_contingency(*sides)[1]
    return [
        with_interval(change, newcombe_difference(current.missing, n, reference.missing, m, level)),
        Measure("missing_share_change_reference_n", m, name, n=m, unit="rows"),
        Measure("missing_share_change_p_value", p, name, n=n, method="score test, pooled share"),
    ]


def _came_and_went(subject: Subject, reference: Counted) -> tuple[list[Measure], list[str]]:
    before = subject.roles.features(tuple(reference.columns))
    now = subject.features
    both = [(subject.current.columns[c], reference.columns[c]) for c in now if c in reference.columns]
    named = {
        "emptied_columns": [c.name for c, r in both if not c.present and r.present],
        "filled_columns": [c.name for c, r in both if c.present and not r.present],
        "vanished_columns": [c for c in before if c not in subject.current.columns],
        "new_columns": [c for c in now if c not in reference.columns],
    }
    n = len({*before, *now})
    measures = [Measure(name, len(columns), n=n, unit="columns") for name, columns in named.items()]
    notes = [f"{name.replace('_', ' ')}: {_listed(columns)}" for name, columns in named.items() if columns]
    return measures, notes


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(shown(n, 40) for n in names[:_MOST_NAMED]) + more


def _table(both: list[tuple[ColumnCounts, ColumnCounts]]) -> Evidence:
    rows = [(c.name, c.missing / c.rows if c.rows else None, r.missing / r.rows if r.rows else None) for c, r in both]
    # Those that changed most come first: drawings show the first forty.
    rows.sort(key=lambda row: -abs((row[1] or 0.0) - (row[2] or 0.0)))
    return Evidence("missing", "Missing share by column", "missing", ("column", "current", "reference"), tuple(rows))

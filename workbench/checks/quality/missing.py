"""How much of each column is missing."""

from __future__ import annotations

from workbench.core.check import check
from workbench.core.counts import Counted
from workbench.core.finding import Evidence, Measure, Result
from workbench.core.intervals import wilson
from workbench.core.rates import measure
from workbench.core.subject import Subject


@check("quality.missing", "Q002", "Missing values")
def missing(subject: Subject) -> Result:
    """Measure the share of missing values in every column, beside the reference's.

    Measures: `missing_share` per column, rows without a value over all rows, with a Wilson interval; the reference's
        share under window "reference".
    Reads well when: missing values are written as missing (null, NaN, an empty field, or a declared token).
    Signs of risk: a share above what the model was trained with; a column that becomes empty; a sensitive column with
        gaps, because every group comparison leaves those rows out.
    Limits: tokens such as "?" or -999 count as values unless they are declared. It says how much is missing, not why.
    Reference: Wilson (1927) JASA 22:209 for the interval; Rubin (1976) Biometrika 63:581 on why the reason matters.
    """
    found = _shares(subject.current, "", subject.level)
    if subject.reference is not None:
        found += _shares(subject.reference, "reference", subject.level)
    return Result(found, [_table(subject)])


def _shares(counted: Counted, window: str, level: float) -> list[Measure]:
    why = "there are no rows"
    return [
        measure(
            "missing_share", c.missing, c.rows, wilson(c.missing, c.rows, level), column=name, window=window, why=why
        )
        for name, c in counted.columns.items()
    ]


def _table(subject: Subject) -> Evidence:
    rows = []
    for name, column in subject.current.columns.items():
        other = None if subject.reference is None else subject.reference.columns.get(name)
        now = column.missing / column.rows if column.rows else None
        rows.append((name, now, other.missing / other.rows if other and other.rows else None))
    return Evidence("missing", "Missing share by column", "missing", ("column", "current", "reference"), tuple(rows))

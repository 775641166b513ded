"""Values written otherwise than the rest of their column."""

from __future__ import annotations

from workbench.core.arrow import Kind
from workbench.core.check import NotApplicableError, check
from workbench.core.distinct import Distinct
from workbench.core.finding import Result
from workbench.core.subject import Subject
from workbench.core.suspected import Faulty, value_columns, value_result
from workbench.core.suspects import formats_of


@check("quality.mixed_types", "Q008", "Mixed types and units", uses=("rows",))
def mixed_types(subject: Subject) -> Result:
    """Find values of text columns that are written otherwise than the column: another type, unit, length or shape.

    Measures: `suspected_cells` and `suspected_share` per text column, over its cells with a value, with a Wilson
        interval; the number by kind under `where`: "not a number" and "unit" in a column of which 90 % of the values
        begin with a number; "length", a run of digits longer or shorter than 99 % of them; "shape", in any other
        column whose three most frequent shapes take 95 %. The reference's under window "reference".
    Reads well when: a column holds one kind of thing.
    Signs of risk: numbers read as text because of a few values; "12 oz" beside "12.0 OZ." and "12 ounce": no way of
        writing dominates, so every value with a unit is suspected; a code with a letter for a digit.
    Limits: a rare way of writing may be right. A unit that (nearly) all values carry is not suspected. A shape is
        runs of digits, small letters, capitals and signs: "12-A" is 9-A. Columns of free text have no shape.
    Reference: shapes as in Raman and Hellerstein (2001) VLDB (Potter's Wheel); pattern violations in Abedjan et al.
        (2016) PVLDB 9:993; Wilson (1927).
    """
    texts = [name for name in value_columns(subject) if subject.current.columns[name].kind is Kind.TEXT]
    if not texts:
        raise NotApplicableError("no column holds text")

    def find(d: Distinct) -> Faulty | None:
        return Faulty(d, formats_of(d)) if d.kind is Kind.TEXT else None

    return value_result(subject, texts, find, "Values written otherwise than their column")

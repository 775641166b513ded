"""Several spellings of one category."""

from __future__ import annotations

from workbench.core.arrow import Kind
from workbench.core.check import NotApplicableError, check
from workbench.core.distinct import Distinct
from workbench.core.finding import Result
from workbench.core.subject import Subject
from workbench.core.suspected import Faulty, value_columns, value_result
from workbench.core.suspects import spellings_of


@check("quality.spellings", "Q007", "Spellings of categories", uses=("rows",))
def spellings(subject: Subject) -> Result:
    """Find values that look like another spelling of a more frequent value of their column.

    Measures: `suspected_cells` and `suspected_share` per text column, over its cells with a value, with a Wilson
        interval; the number by kind under `where`: "case or space", equal to a more frequent value but for case,
        spaces and stops at the end; "letters", within a fifth of its letters of a value five times as frequent. The
        reference's under window "reference".
    Reads well when: columns hold categories that recur.
    Signs of risk: one category counted as several; groups that are split by how somebody typed them.
    Limits: names and codes are often near each other without being wrong: a column whose frequent values are near
        each other a quarter as often as its rare ones is passed over, other digits are never a spelling, and words
        under four letters are left alone. Misspellings that never meet the right value are not found. Columns with
        more than 5,000 rare values, or with long texts made of the same words, are not looked at for letters.
    Reference: Levenshtein (1966) Soviet Physics Doklady 10:707; key collision and nearest neighbour as in OpenRefine's
        clustering; Wilson (1927).
    """
    texts = [name for name in value_columns(subject) if subject.current.columns[name].kind is Kind.TEXT]
    if not texts:
        raise NotApplicableError("no column holds text")
    return value_result(subject, texts, _find, "Spellings of one category")


def _find(d: Distinct) -> Faulty | None:
    if d.kind is not Kind.TEXT:
        return None
    faults, meant = {}, {}
    for why, links in spellings_of(d).items():
        faults[why] = d.none
        faults[why][list(links)] = True
        meant.update(links)
    return Faulty(d, faults, meant)

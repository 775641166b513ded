"""Values that stand for "no value"."""

from __future__ import annotations

from workbench.core.check import NotApplicableError, check
from workbench.core.distinct import Distinct
from workbench.core.finding import Result
from workbench.core.subject import Subject
from workbench.core.suspected import Faulty, value_columns, value_result


@check("quality.placeholders", "Q009", "Placeholder values", uses=("rows",))
def placeholders(subject: Subject, *, tokens: list[str] | None = None) -> Result:
    """Count the cells of each column that hold a stand-in for "no value" instead of a missing value.

    Measures: `suspected_cells` and `suspected_share` per column, over its cells with a value, with a Wilson interval;
        the number by kind under `where`: a word or sign ("?", "N/A", "-", "none" and the like, in any case), an empty
        text, a number (nines with or without a minus, or minus one, that recurs far from all others), a day
        (1900-01-01, 1970-01-01 and other ends of calendars, that recur beyond all others); the reference's under
        window "reference".
    Reads well when: missing values are meant to be missing in the data, not written out.
    Signs of risk: a model takes -999 for a quantity and "?" for a category; quality.missing does not count them.
    Limits: empty texts are counted only where at least 90 % of the cells are filled: elsewhere they say "none".
        A word may be a true value ("None" of a column of options; "NA" for Namibia). Words of your own go into
        `tokens`. Columns with over 131,072 distinct values are measured on the sample.
    Reference: the words that pandas.read_csv takes for missing, and spreadsheets' errors; disguised missing values as
        in Pearson (2006) SIGKDD Explorations 8:83 and Qahtan et al. (2018) KDD (FAHES); Wilson (1927).
    """
    own = frozenset(t.strip().casefold() for t in tokens or ())

    def find(d: Distinct) -> Faulty:
        faults = dict(d.placeholders)
        if own and d.texts is not None:
            words = d.none
            words[[i for i, text in enumerate(d.texts) if text.strip().casefold() in own]] = True
            faults["word or sign"] = faults.get("word or sign", d.none) | words
        return Faulty(d, faults)

    result = value_result(subject, value_columns(subject), find, "Placeholder values")
    if not result.measures:
        raise NotApplicableError("no column has values that can be looked at")
    return result

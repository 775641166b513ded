"""How far the shares of each category column have moved from the reference."""

from __future__ import annotations

from workbench.core import category_drift
from workbench.core.category_drift import Categories
from workbench.core.check import NotApplicableError, check
from workbench.core.counts import ColumnCounts
from workbench.core.finding import Evidence, Measure, Result
from workbench.core.pairing import CATEGORIES, changed_count, is_all_missing, kind_changes, of_kind
from workbench.core.subject import Subject

_MOST_DRAWN = 200


@check("drift.categorical", "D002", "Drift of category columns", needs=("reference",), version="2")
def categorical(subject: Subject) -> Result:
    """Compare the shares of categories of every text or boolean column with the reference.

    Measures: per column `cramers_v` with an interval and the same less what chance adds (`cramers_v_corrected`); the
        chi-square statistic of the 2 x k contingency table of the two data sets, with its p of no difference; total
        variation and `l_infinity`, half the sum and the largest of the absolute differences of shares; the population
        stability index, the Kullback-Leibler divergence of the current shares from the reference's (natural logarithm),
        the Jensen-Shannon distance (base 2) and the Hellinger distance, each with the mean and 95 % quantile it has
        when nothing differs; the G test; with two categories chi-square in Yates's correction. `unseen_share`, the
        share of current values whose category the reference does not have, with a Wilson interval; beside it what
        chance alone would show (the share of reference values that occur once) and the difference of both; the number
        of unseen and of vanished categories. `kind_changed` 1 for a column that holds another kind of values now, and
        their number.
    Reads well when: categories are few and most of them have five expected values or more.
    Signs of risk: categories the model never saw; a shift between categories that it treats differently.
    Limits: chi-square and G test whether both data sets come from one source (contingency), not whether the current
        shares are those of the reference taken as exact (goodness of fit). A small p with a small V is a large sample.
        With many rare categories both are approximate. Judge one p a column: they test one hypothesis. Where a category
        is empty on one side, one half is added to all of them for PSI and Kullback-Leibler, and the method says so;
        Evidently fills 0.0001 instead, and takes the divergence of the reference from the current shares. NannyML's
        chi-square of two categories is Yates's. Missing values are left out here, and are never "unseen" (drift.missing
        counts them). Beyond 131,072 categories only a hashed sample of them is compared.
    Reference: Pearson (1900); Wilks (1938) for G; Yates (1934); Cramer (1946); Bergsma (2013) J. Korean Statistical
        Society 42:323 for the correction; Smithson (2003) for the interval of V; Kullback and Leibler (1951); Lin
        (1991); Siddiqi (2006); Good (1953) Biometrika 40:237 for the share of unseen values by chance.
    """
    if subject.reference is None:
        raise NotApplicableError("no reference data was given")
    found, notes = kind_changes(subject, CATEGORIES)
    columns = of_kind(subject, CATEGORIES)
    if not found and not columns:
        raise NotApplicableError("no feature column holds categories in both data sets")
    found.append(changed_count(found, len(columns)))
    evidence: list[Evidence] = []
    for current, reference in columns:
        measures, drawn = _column(current, reference, subject)
        found += measures
        evidence += drawn if len(evidence) < _MOST_DRAWN else []
    return Result(found, evidence, notes)


def _column(current: ColumnCounts, reference: ColumnCounts, subject: Subject) -> tuple[list[Measure], list[Evidence]]:
    name, why = current.name, is_all_missing(current, reference)
    if why:
        return [Measure(k, None, name, n=current.present, undefined_because=why) for k in category_drift.NAMES], []
    both = Categories.of(reference.values, current.values)
    found = category_drift.measures(both, level=subject.level, column=name)
    if not all(both.n):
        return found, []
    group = name if name in subject.roles.sensitive else ""
    return found, [category_drift.drawing(both, name, f"Shares of {name}", group)]

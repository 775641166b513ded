"""How far the distribution of each number column has moved from the reference."""

from __future__ import annotations

from workbench.core import number_drift
from workbench.core.check import NotApplicableError, check
from workbench.core.counts import ColumnCounts
from workbench.core.finding import Evidence, Measure, Result
from workbench.core.number_drift import Numbers
from workbench.core.pairing import NUMBERS, changed_count, is_all_missing, kind_changes, of_kind
from workbench.core.subject import Subject

_MOST_DRAWN = 200


@check("drift.numeric", "D001", "Drift of number columns", needs=("reference",), version="3")
def numeric(subject: Subject, *, bins: int = 10) -> Result:
    """Compare the distribution of every number column with the reference.

    Measures: per column, the primary one first: the Kolmogorov-Smirnov distance `ks` with a band and the p of no
        difference; the difference of means (now minus reference) with an interval; the Wasserstein distance divided by
        the reference standard deviation and in the column's unit; the energy distance (square root of the unit); on
        reference quantile bins the population stability index and the Kullback-Leibler divergence of the current shares
        from the reference's (natural logarithm); on Doane's bins of the reference, values outside forming one more bin,
        the Jensen-Shannon distance (base 2) and the Hellinger distance; the two-sample tests of Cramer-von Mises and
        Anderson-Darling by midranks, statistic and p. For distances bounded at zero, the mean and 95 % quantile they
        have when nothing differs at these sizes. `kind_changed` 1 for a column that holds another kind of values now,
        and their number. Durations and clock times are compared as microseconds.
    Reads well when: both sides have hundreds of values.
    Signs of risk: a distance whose interval lies above the limit in a column the model depends on.
    Limits: a small p with a small distance is a large sample, not a large change; judge one p a column, for all test
        one hypothesis. The band of KS is conservative when distributions differ. Beyond 131,072 distinct values numbers
        come from bins: KS, Wasserstein, energy and Cramer-von Mises then carry an error bound, the others say "binned".
        The p of Cramer-von Mises is exact up to 20 values a side (ties left aside, as SciPy), else asymptotic; that of
        Anderson-Darling is interpolated from a table and kept within 0.1 % and 25 %. Where a quantile bin is empty, one
        half is added to all of them for PSI and Kullback-Leibler, and the method says so; Evidently fills 0.0001
        instead, bins both data sets together, and takes the divergence of the reference from the current shares. From
        10,000 reference rows NannyML finds KS and Wasserstein on 10,000 equal bins: on its own example KS differs by up
        to 0.0002 from the exact number here, a small Wasserstein by up to 4 %. Missing values are apart
        (drift.missing); infinities enter KS, Cramer-von Mises and Anderson-Darling only.
    Reference: Kolmogorov (1933), Smirnov (1939); Vaserstein (1969); Szekely and Rizzo (2013) for the energy distance;
        Siddiqi (2006) for PSI; Kullback and Leibler (1951); Lin (1991); Hellinger (1909); Doane (1976) for the bins;
        Anderson (1962) for Cramer-von Mises; Scholz and Stephens (1987); numbers as scipy.stats gives them.
    """
    if subject.reference is None:
        raise NotApplicableError("no reference data was given")
    found, notes = kind_changes(subject, NUMBERS)
    columns = of_kind(subject, NUMBERS)
    if not found and not columns:
        raise NotApplicableError("no feature column holds numbers in both data sets")
    found.append(changed_count(found, len(columns)))
    evidence: list[Evidence] = []
    for current, reference in columns:
        measures, drawn = _column(current, reference, bins, subject.level)
        found += measures
        evidence += drawn if len(evidence) < _MOST_DRAWN else []
    return Result(found, evidence, notes)


def _column(
    current: ColumnCounts, reference: ColumnCounts, bins: int, level: float
) -> tuple[list[Measure], list[Evidence]]:
    name, why = current.name, is_all_missing(current, reference)
    if why:
        return [Measure(k, None, name, n=current.present, undefined_because=why) for k in number_drift.NAMES], []
    both = Numbers.of(reference.numbers, current.numbers)
    found = number_drift.measures(both, bins=bins, level=level, column=name)
    if not both.reference.n or not both.current.n:
        return found, []
    notes: dict[str, str | float | None] = {
        "column": name,
        "missing_current": current.missing / current.rows if current.rows else None,
        "missing_reference": reference.missing / reference.rows if reference.rows else None,
    }
    return found, [number_drift.drawing(both, name, f"Distribution of {name}", notes)]

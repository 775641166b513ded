"""Missing values that give the target away."""

from __future__ import annotations

import numpy as np

from workbench.core import distances, intervals
from workbench.core.alone import auc_of
from workbench.core.check import NotApplicableError, check
from workbench.core.finding import Cell, Evidence, Measure, Result
from workbench.core.means import difference_of
from workbench.core.numbers import Floats
from workbench.core.rates import with_interval
from workbench.core.rows import Reader
from workbench.core.subject import Subject

_MOST_LISTED = 50


@check("leakage.missingness", "L005", "Missingness and the target", needs=("truth", "rows"))
def missingness(subject: Subject) -> Result:
    """Measure how far it depends on the target whether a feature has a value.

    Measures: per feature with missing and present values: of a binary target `missingness_auc`, the ROC AUC of "is
        missing" (either direction, 0.5 is no information), with an interval, and `rate_gap_if_missing`, the positive
        rate of rows without the value minus that of rows with it; of several classes `missingness_cramers_v`; of a
        number `mean_gap_if_missing`, in the target's unit; all with intervals.
    Reads well when: rows are the cases as they were known when a prediction would have been made.
    Signs of risk: an AUC near 1 or a rate of 0 or 1 where the value is missing: the column was filled in only after,
        or because of, the outcome.
    Limits: values written as "?" are present here (quality.placeholders). Missing for an honest reason that goes with
        the target (no income stated, default) is information, not leakage: who filled in the column, and when,
        decides.
    Reference: informative missingness, Rubin (1976) Biometrika 63:581; Newcombe (1998, 2006), Welch (1947), Smithson
        (2003) for the intervals.
    """
    sample, task = subject.sample, subject.roles.kind_of_task
    truth = Reader(subject).truth(sample.rows)
    known = ~np.isnan(truth)
    if len(np.unique(truth[known])) < 2:
        raise NotApplicableError("the target is one value, or missing")
    measures: list[Measure] = []
    rows: list[tuple[Cell, ...]] = []
    for name in subject.features:
        missing = np.asarray(sample.rows.column(name).is_null().to_numpy(zero_copy_only=False), bool)[known]
        if not missing.any() or missing.all():
            continue
        found = _of(name, missing.astype(float), truth[known], task, subject.level)
        measures += found
        rows += [(name, int(missing.sum()), len(missing), m.name, m.value, m.low, m.high) for m in found]
    if not measures:
        raise NotApplicableError("no feature has both missing and present values in rows with a target")
    rows.sort(key=lambda r: (str(r[3]), -abs(float(r[4] or 0.0)), str(r[0])))
    head = ("feature", "missing", "n", "measure", "value", "low", "high")
    table = Evidence("missing", "What missing values tell", "table", head, tuple(rows[:_MOST_LISTED]))
    return Result(measures, [table], [f"measured on {sample.words}"])


def _of(name: str, missing: Floats, truth: Floats, task: str, level: float) -> list[Measure]:
    if task == "multiclass":
        return [_association(name, missing, truth, level)]
    gap = _gap(name, "rate_gap_if_missing" if task == "binary" else "mean_gap_if_missing", missing, truth, level)
    if task == "regression":
        return [gap]
    s = auc_of(missing, truth, level, "", fold=True)
    return [gap] if s is None else [with_interval(Measure("missingness_auc", s.value, name, n=s.n), s.interval), gap]


def _gap(name: str, label: str, missing: Floats, truth: Floats, level: float) -> Measure:
    unit = "share" if label.startswith("rate") else ""
    found = difference_of(truth[missing == 1], truth[missing == 0], level)
    if found is None:
        why = "fewer than two rows have the value, or lack it"
        return Measure(label, None, name, n=len(truth), unit=unit, undefined_because=why)
    return with_interval(Measure(label, found[0], name, n=len(truth), unit=unit), found[1])


def _association(name: str, missing: Floats, truth: Floats, level: float) -> Measure:
    classes, codes = np.unique(truth, return_inverse=True)
    low, high = (np.bincount(codes[missing == side], minlength=len(classes)) for side in (0, 1))
    statistic, _, freedom = distances.chi_square_contingency(low, high)
    m = Measure("missingness_cramers_v", distances.cramers_v(statistic, len(truth)), name, n=len(truth))
    interval: intervals.Interval | None = distances.cramers_v_interval(statistic, len(truth), freedom, level)
    return with_interval(m, interval)

"""Which columns moved when performance moved, from window to window."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from workbench.core import category_drift, number_drift
from workbench.core.category_drift import Categories
from workbench.core.check import NotApplicableError, check
from workbench.core.counts import ColumnCounts, Counted
from workbench.core.errors import ConfigError, unknown
from workbench.core.finding import Cell, Evidence, Measure, Result
from workbench.core.intervals import Interval, normal_quantile
from workbench.core.number_drift import Numbers
from workbench.core.numbers import Floats
from workbench.core.pairing import kind_of_both
from workbench.core.rates import with_interval
from workbench.core.realised import realised
from workbench.core.series import labelled
from workbench.core.subject import Subject
from workbench.core.windowed import alike

_LEAST = 5
_CHOICES = {
    "binary": ("roc_auc", "accuracy"),
    "multiclass": ("accuracy", "macro_f1"),
    "regression": ("mean_absolute_error", "root_mean_squared_error"),
}


@check("drift.association", "D015", "Drift beside performance", needs=("windows", "reference"))
def association(subject: Subject, *, performance: str = "") -> Result:
    """Say which columns lay far from the reference in the windows in which performance was another.

    Measures: for each feature `performance_correlation`, Pearson's correlation over all windows, the reference's
        among them, of its distance from the reference (Kolmogorov-Smirnov's of numbers, the largest difference of a
        share of categories) and of how far realised `performance` (ROC AUC or accuracy, mean absolute error) lies from
        the reference's; with Fisher's interval and its two-sided p. `n` is the number of windows.
    Reads well when: there are some twenty windows, with labels.
    Signs of risk: a feature whose interval lies high above 0: look there first for what moved performance.
    Limits: two things that happen at one time need not cause each other, and everything that changes on one day
        correlates. A window's labels may be late. Windows follow each other, so that p and interval are too narrow.
        Realised performance only: an estimate follows the score, and with it the columns, by itself.
    Reference: as NannyML's correlation ranker; Fisher (1921) for the interval.
    """
    name, change = _performance(subject, performance)
    if len(change) < _LEAST:
        raise NotApplicableError(f"under {_LEAST} windows have labels: too few to compare")
    found: list[Measure] = []
    for column in subject.features:
        distance = {label: d for label, d in _distances(subject, column).items() if label in change}
        both = np.array([(d, change[label]) for label, d in distance.items()]).reshape(-1, 2)
        found += _correlation(both, column, name, subject.level)
    if not found:
        raise NotApplicableError("no feature column can be compared with the reference")
    return Result(found, [_drawing(found)], [f"beside the distance of {name} from the reference's {name}"])


def _performance(subject: Subject, chosen: str) -> tuple[str, Mapping[str, float]]:
    """Return the metric, and how far each window's value lies from the whole reference's."""
    whole = subject.reference
    before = {} if whole is None else {m.name: m.value for m in realised(whole, subject.level, subject.seed, "")}
    known = {name: float(value) for name, value in before.items() if value is not None}
    if chosen and before and chosen not in before:
        raise ConfigError("drift.association: " + unknown("performance", chosen, before))
    choices = (chosen,) if chosen else _CHOICES[subject.roles.kind_of_task]
    wanted = [name for name in choices if name in known]
    if not wanted:
        raise NotApplicableError("the reference has no realised performance: it needs truth and prediction")
    found: dict[str, float] = {}
    for label, window in labelled(subject):
        subject.stop()
        for m in realised(window.counted, subject.level, subject.seed, label):
            if m.name == wanted[0] and m.value is not None:
                found[label] = abs(float(m.value) - known[wanted[0]])
    return wanted[0], found


def _distances(subject: Subject, column: str) -> dict[str, float]:
    found: dict[str, float] = {}
    for label, window in labelled(subject):
        whole = subject.reference
        base: Counted | None = None if whole is None else alike(subject.reference_windows, window.season, whole)
        here, there = window.counted.columns.get(column), None if base is None else base.columns.get(column)
        value = None if here is None or there is None else _distance(here, there, subject.level)
        if value is not None:
            found[label] = value
    return found


def _distance(current: ColumnCounts, base: ColumnCounts, level: float) -> float | None:
    if not current.present or not base.present or kind_of_both(current, base) is None:
        return None
    if current.numbers is not None and base.numbers is not None:
        (m,) = (m for m in number_drift.some(Numbers.of(base.numbers, current.numbers), ("ks",), level=level))
    elif current.values is not None and base.values is not None:
        every = category_drift.measures(Categories.of(base.values, current.values), level=level)
        (m,) = (m for m in every if m.name == "l_infinity")
    else:
        return None
    return None if m.value is None else float(m.value)


def _correlation(both: Floats, column: str, where: str, level: float) -> list[Measure]:
    """Return Pearson's r with Fisher's interval tanh(atanh r -+ z / sqrt(n - 3)), and its p by Student's t."""
    from scipy.special import stdtr

    n, name = len(both), "performance_correlation"
    if not n:
        return []
    spread = both.std(axis=0)
    if n < _LEAST or (spread <= 1e-12 * np.abs(both).max(axis=0)).any():
        why = f"under {_LEAST} windows" if n < _LEAST else "it is the same in every window"
        return [Measure(name, None, column, where=where, n=n, undefined_because=why)]
    r = float(np.clip(np.corrcoef(both.T)[0, 1], -1, 1))
    if abs(r) >= 1:
        ends, p = Interval(r, r, "fisher"), 0.0
    else:
        half = normal_quantile(level) / math.sqrt(n - 3)
        ends = Interval(math.tanh(math.atanh(r) - half), math.tanh(math.atanh(r) + half), "fisher")
        p = 2 * float(stdtr(n - 2, -abs(r) * math.sqrt((n - 2) / (1 - r * r))))
    found = with_interval(Measure(name, r, column, where=where, n=n), ends)
    return [found, Measure(f"{name}_p_value", p, column, where=where, n=n, method="t of a correlation")]


def _drawing(found: list[Measure]) -> Evidence:
    ranked = sorted(
        (m for m in found if m.name == "performance_correlation" and m.value is not None),
        key=lambda m: (-float(m.value or 0.0), m.column),
    )
    rows: list[tuple[Cell, ...]] = [(m.column, m.n, m.value, m.low, m.high) for m in ranked[:20]]
    return Evidence(
        "drift beside performance",
        "Columns that moved when performance moved",
        "forest",
        ("label", "n", "value", "low", "high"),
        tuple(rows),
        {"measure": "performance_correlation", "overall": 0.0, "overall_is": "no association:"},
    )

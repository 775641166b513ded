"""Default rates by rating grade against the probabilities assigned: the back-test of a PD model."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from workbench.core import intervals, stats
from workbench.core.check import NotApplicableError, check
from workbench.core.errors import ConfigError
from workbench.core.finding import Evidence, Measure, Result
from workbench.core.numbers import Floats, Ints
from workbench.core.rates import measure, with_interval
from workbench.core.subject import Subject

_MASTER_SCALE = (0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
_MOST_GRADES = 30


@dataclass(frozen=True)
class _Grade:
    """One grade: its rows and defaults, and the mean probability assigned."""

    name: str
    n: int
    hits: int
    assigned: float

    @property
    def p(self) -> float:
        return stats.jeffreys_p_value(self.hits, self.n, self.assigned)


@check("performance.grades", "P016", "Default rates by grade", needs=("target", "score"), on_request=True)
def grades(subject: Subject, *, bounds: tuple[float, ...] = ()) -> Result:
    """Hold the rate at which the outcome came about in each grade against the probability assigned to it.

    Measures: per grade (`where`), over the rows with truth and score: `assigned_probability`, the mean score;
        `observed_rate` with its Wilson interval; `jeffreys_p_value`, the one-sided p of "the true rate is not above the
        one assigned", and `jeffreys_adjusted_p_value` over the grades; the same over all rows, without adjustment;
        `underestimated_grades`, how many have an adjusted p under 1 - level; `rate_inversions`, how many grades have a
        lower observed rate than the grade of lower scores before them; `largest_grade_share` of all rows.
    Reads well when: each grade has an expected number of outcomes of five or more.
    Signs of risk: a small adjusted p where the money is; inversions between large grades; most rows in one grade.
    Limits: grades are ranges of the score: up to and with each of `bounds`. Without bounds each value is a grade where
        the score takes at most 30, as a master scale has it; else the ranges end at 0.25, 0.5, 1, 2, 5, 10, 20 and
        50 %. Outcomes are taken as independent: with correlated defaults a bad year rejects a good model. A large p
        does not show that a grade is right, least of all one without outcomes. Outcomes must be final.
    Reference: ECB (2019) Instructions for reporting the validation results of internal models, section 2.5.3.1:
        p = Beta(k + 1/2, n - k + 1/2) distribution function at the assigned probability, k outcomes of n; Holm (1979)
        Scandinavian Journal of Statistics 6:65 over the grades; Wilson (1927).
    """
    if not subject.joint.scores_are_probabilities:
        raise NotApplicableError("scores are not probabilities: some lie outside 0..1, or none is defined")
    values, positive, negative, _ = subject.joint.score_table()
    found = _graded(values, positive, negative, _ends(bounds, values))
    if not found:
        raise NotApplicableError("no row has truth and score")
    n = sum(g.n for g in found)
    whole = _Grade("", n, sum(g.hits for g in found), sum(g.assigned * g.n for g in found) / n)
    adjusted = intervals.holm([g.p for g in found])
    under = sum(p < 1 - subject.level for p in adjusted)
    turned = sum(b.hits / b.n < a.hits / a.n for a, b in pairwise(found))
    largest = max(g.n for g in found)
    measures = [
        Measure("underestimated_grades", under, n=len(found), unit="grades"),
        Measure("rate_inversions", turned, n=len(found), unit="grades"),
        measure("largest_grade_share", largest, n, intervals.wilson(largest, n, subject.level)),
        *_measures(whole, subject.level),
    ]
    for grade, p in zip(found, adjusted, strict=True):
        measures += _measures(grade, subject.level)
        measures.append(Measure("jeffreys_adjusted_p_value", p, where=grade.name, n=grade.n))
    return Result(measures, [_drawn(found, subject.level), _table(found, adjusted, subject.level)])


def _ends(bounds: tuple[float, ...], values: Floats) -> Floats:
    if any(not 0 < b < 1 for b in bounds) or sorted(set(bounds)) != list(bounds):
        raise ConfigError("performance.grades: bounds must rise, each above 0 and under 1.")
    if bounds:
        return np.array(bounds)
    return values[:-1] if len(values) <= _MOST_GRADES else np.array(_MASTER_SCALE)


def _graded(values: Floats, positive: Ints, negative: Ints, ends: Floats) -> list[_Grade]:
    at, rows = np.searchsorted(ends, values, side="left"), positive + negative
    found: list[_Grade] = []
    for k in range(len(ends) + 1):
        inside = at == k
        n = int(rows[inside].sum())
        if n:
            assigned = float((values[inside] * rows[inside]).sum() / n)
            name = f"grade {len(found) + 1}"
            found.append(_Grade(name, n, int(positive[inside].sum()), assigned))
    return found


def _measures(g: _Grade, level: float) -> list[Measure]:
    m = Measure("observed_rate", g.hits / g.n, where=g.name, n=g.n, unit="share")
    return [
        Measure("assigned_probability", g.assigned, where=g.name, n=g.n, unit="share"),
        with_interval(m, intervals.wilson(g.hits, g.n, level)),
        Measure("jeffreys_p_value", g.p, where=g.name, n=g.n),
    ]


def _drawn(found: list[_Grade], level: float) -> Evidence:
    rows = []
    for g in found:
        low, high = intervals.wilson_ends(g.hits, g.n, intervals.normal_quantile(level))
        rows.append((g.assigned, g.hits / g.n, low, high, g.n))
    columns = ("mean_score", "observed", "low", "high", "n")
    return Evidence("grades", "Observed rate by assigned probability", "reliability", columns, tuple(rows))


def _table(found: list[_Grade], adjusted: list[float], level: float) -> Evidence:
    rows = []
    for g, p in zip(found, adjusted, strict=True):
        low, high = intervals.wilson_ends(g.hits, g.n, intervals.normal_quantile(level))
        rows.append((g.name, g.n, g.hits, g.assigned, g.assigned * g.n, g.hits / g.n, low, high, g.p, p))
    columns = ("grade", "n", "outcomes", "assigned", "expected", "observed", "low", "high", "jeffreys p", "adjusted p")
    return Evidence("grade table", "Outcomes by grade", "table", columns, tuple(rows))

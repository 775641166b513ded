"""Declared metrics against the evidence: does the data refute what was promised?"""

from __future__ import annotations

import math
from collections.abc import Mapping

from workbench.core.check import NotApplicableError, check, find_check
from workbench.core.errors import ConfigError, unknown
from workbench.core.finding import Cell, Evidence, Measure, Result
from workbench.core.subject import Subject

_MEASURED_BY = "performance.classification"
_HIGHER = (
    "accuracy",
    "balanced_accuracy",
    "precision",
    "recall",
    "specificity",
    "negative_predictive_value",
    "f1",
    "f_beta",
    "matthews_corrcoef",
    "cohen_kappa",
    "informedness",
    "roc_auc",
    "average_precision",
)
_LOWER = ("false_positive_rate", "false_negative_rate", "brier_score", "log_loss")
_NEITHER = ("selection_rate", "prevalence", "brier_uncertainty")
_SIDE = {**dict.fromkeys(_HIGHER, 1), **dict.fromkeys(_LOWER, -1), **dict.fromkeys(_NEITHER, 0)}
"""Metric -> 1 when more is better, -1 when less is, 0 when neither side is good."""


@check(
    "performance.claims",
    "P007",
    "Declared metrics against the evidence",
    needs=("target", "prediction"),
    on_request=True,
)
def claims(
    subject: Subject, *, declared: dict[str, float] | None = None, tolerance: float = 0.0, beta: float = 1.0
) -> Result:
    """Hold the metrics that a model card or a contract declares against those measured here.

    Measures: per declared metric (named in `where` as in performance.classification) `claim_difference` = measured
        minus declared, with the measured interval less the declared value; `claims_refuted`, how many claims the data
        contradict: the declared value is better than the whole measured interval by more than `tolerance`;
        `claims_supported`, how many it bears out: the whole interval is at least as good as declared, within the
        tolerance; `claims_undecided`, how many it can neither refute nor bear out; `claims_untested`, how many metrics
        are undefined here.
    Reads well when: the data are of the population that the claim is about, and were not used to fit the model.
    Signs of risk: a refuted claim; claims that cannot be told apart from far worse values (a wide interval); a metric
        that was declared and cannot be measured.
    Limits: a claim on another population is not refuted by these data. For selection rate and prevalence neither side
        is good: a declared value outside the interval on either side is refuted. Each claim has its own interval: of
        forty true claims about one is refuted by chance. `beta` is that of a declared `f_beta`.
    Reference: metrics and intervals as performance.classification; a claim is refuted when it lies outside the interval
        that inverts its test (duality of intervals and tests, Neyman 1937); Mitchell et al. (2019) for model cards.
    """
    if not declared:
        raise NotApplicableError("no metric is declared")
    _validate(declared, tolerance, beta)
    measured = find_check(_MEASURED_BY).function(subject, beta=beta).measures
    by_name = {m.name: m for m in measured if not m.window and m.name in _SIDE}
    found: list[Measure] = []
    rows: list[tuple[Cell, ...]] = []
    answers: dict[str, int] = dict.fromkeys(("refuted", "supported", "undecided", "untested"), 0)
    for name, value in declared.items():
        m = by_name.get(name) or Measure(name, None, undefined_because="the metric is not measured here")
        answer = _answer(m, value, tolerance)
        answers[answer] += 1
        found.append(_difference(m, value))
        rows.append((name, value, m.value, m.low, m.high, m.n, answer))
    total = len(declared)
    counted = [Measure(f"claims_{answer}", count, n=total, unit="claims") for answer, count in answers.items()]
    return Result([*counted, *found], [_table(rows, tolerance)])


def _validate(declared: Mapping[str, float], tolerance: float, beta: float) -> None:
    known = [name for name in _SIDE if name != "f_beta" or beta != 1]
    for name, value in declared.items():
        if name == "f_beta" and beta == 1:
            raise ConfigError("performance.claims: declared: f_beta needs the parameter `beta`; with 1 it is f1.")
        if name not in known:
            raise ConfigError("performance.claims: declared: " + unknown("metric", name, known, len(known)))
        if not math.isfinite(value):
            raise ConfigError(f"performance.claims: declared: {name} must be a finite number.")
    if not 0 <= tolerance < math.inf:
        raise ConfigError("performance.claims: tolerance must be a finite number, 0 or more.")


def _answer(m: Measure, declared: float, tolerance: float) -> str:
    if m.value is None:
        return "untested"
    if m.low is None or m.high is None:
        return "undecided"
    side = _SIDE[m.name]
    over, under = declared - tolerance > m.high, declared + tolerance < m.low
    if (side >= 0 and over) or (side <= 0 and under):
        return "refuted"
    good_below = side < 0 or m.low >= declared - tolerance
    good_above = side > 0 or m.high <= declared + tolerance
    return "supported" if good_below and good_above else "undecided"


def _difference(m: Measure, declared: float) -> Measure:
    value, low, high = (None if v is None else v - declared for v in (m.value, m.low, m.high))
    why = m.undefined_because if value is None else ""
    return Measure("claim_difference", value, "", "", "", m.name, low, high, m.method, m.n, m.unit, None, why)


def _table(rows: list[tuple[Cell, ...]], tolerance: float) -> Evidence:
    columns = ("metric", "declared", "measured", "low", "high", "n", "answer")
    return Evidence(
        "claims", "What was declared and what is measured", "table", columns, tuple(rows), {"tolerance": tolerance}
    )

"""How far predicted numbers lie from the truth, with an interval on every measure."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from workbench.core import errors_of
from workbench.core.check import NotApplicableError, check
from workbench.core.finding import Evidence, Measure, Result
from workbench.core.regression import CellErrors
from workbench.core.subject import Subject

_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
_BINS = 30


@check("performance.regression", "P004", "Regression performance", needs=("regression",))
def regression(subject: Subject, *, pinball: tuple[float, ...] = (0.1, 0.5, 0.9)) -> Result:
    """Measure how far predicted numbers lie from the truth.

    Measures: mean error (`bias`, prediction minus truth), MAE, RMSE, R squared, median absolute error, largest error,
        MAPE and symmetric MAPE, pinball loss at the quantiles asked for, quantiles of the residual, mean truth and
        mean prediction. Each with n, those that are means with a t interval, RMSE and R squared with intervals from
        fourth-order moments; the reference's under window "reference".
    Reads well when: errors have no few that dominate all others, and the audit has some hundreds of rows.
    Signs of risk: a bias whose interval excludes 0; R squared near 0; RMSE far above MAE: some errors are very large.
    Limits: MAPE is undefined as soon as one truth is 0, explodes near 0 and punishes over-prediction more than
        under-prediction; symmetric MAPE is bounded by 2 and favours over-prediction: use neither alone. R squared
        compares with a constant and depends on the spread of the truth. Quantiles are exact up to 131,072 distinct
        residuals. Infinite truths or predictions are counted and left out. With under a hundred skewed errors the
        intervals of RMSE and R squared hold the truth in 90 to 93 of 100 cases (tests/bench/kept).
    Reference: definitions as scikit-learn 1.x (MAPE without its epsilon, median by interpolation); Bonett (2006)
        Computational Statistics and Data Analysis 50:775 for the interval of RMSE; delta method on the means of e^2, y
        and y^2 for R squared, on the scale of log(1 - R squared); Koenker and Bassett (1978) Econometrica 46:33 for
        pinball loss; Hyndman and Koehler (2006) Int. J. Forecasting 22:679 on the percentage errors.
    """
    found: list[Measure] = []
    evidence: list[Evidence] = []
    notes: list[str] = []
    for window, errors in _windows(subject):
        found += errors_of.measures(errors, subject.level, window=window)
        found += _pinball(errors, window, pinball, subject.level) + _quantiles(errors, window)
        if errors.infinite:
            notes.append(f"{errors.infinite} rows have an infinite truth or prediction and are left out")
        if not window:
            evidence.append(_residuals(errors))
    return Result(found, evidence, notes)


def _windows(subject: Subject) -> Iterator[tuple[str, CellErrors]]:
    current = subject.regression.overall
    if not current.n:
        raise NotApplicableError("no row has a finite truth and prediction")
    yield "", current
    other = None if subject.reference is None else subject.reference.regression
    if other is not None and other.has_truth and other.has_prediction and other.overall.n:
        yield "reference", other.overall


def _pinball(errors: CellErrors, window: str, quantiles: tuple[float, ...], level: float) -> list[Measure]:
    table, found = errors.table("residual"), []
    for q in quantiles:
        # A residual is prediction minus truth: above 0 the truth lies under the predicted quantile.
        loss = np.where(table.values > 0, (1 - q) * table.values, -q * table.values)
        mean = math.fsum(loss * table.counts) / table.n
        spread = math.fsum((loss - mean) ** 2 * table.counts) / (table.n - 1) if table.n > 1 else math.nan
        bound = None if table.exact else float(((table.highs - table.lows) * table.counts).sum() / table.n)
        m = Measure(f"pinball_{q:g}", mean, window=window, n=table.n, error_bound=bound)
        found.append(errors_of.with_t(m, spread, level))
    return found


def _quantiles(errors: CellErrors, window: str) -> list[Measure]:
    table = errors.table("residual")
    return [
        Measure(f"residual_quantile_{q:g}", table.quantile(q), window=window, n=table.n, method="no interval")
        for q in _QUANTILES
    ]


def _residuals(errors: CellErrors) -> Evidence:
    table = errors.table("residual")
    low, high = float(table.lows[0]), float(table.highs[-1])
    edges = np.linspace(low, high, _BINS + 1) if high > low else np.array([low, low + 1.0])
    shares, _ = np.histogram(table.values, edges, weights=table.counts)
    rows = tuple(
        (float(a), float(b), float(s / table.n), None) for a, b, s in zip(edges, edges[1:], shares, strict=False)
    )
    columns = ("low", "high", "current", "reference")
    return Evidence("residuals", "Distribution of residuals", "distribution", columns, rows, {"column": "residual"})

"""Where along its predictions a regression errs: error by tenth of the predicted number."""

from __future__ import annotations

import numpy as np

from workbench.core.check import NotApplicableError, check
from workbench.core.finding import Cell, Evidence, Measure, Result
from workbench.core.means import mean_of
from workbench.core.rows import rows_of
from workbench.core.subject import Subject


@check("performance.residuals", "P015", "Errors along the prediction", needs=("regression", "rows"))
def residuals(subject: Subject, *, parts: int = 10) -> Result:
    """Measure bias and absolute error within each tenth of the predicted numbers.

    Measures: by tenth (`where`): mean error (prediction minus truth), mean absolute error and mean truth, with n and
        t intervals.
    Reads well when: each tenth has some tens of rows.
    Signs of risk: a bias that changes sign along the prediction: large values are under- and small ones over-stated.
    Limits: rows with equal predictions stay together, so tenths may differ in size. Measured on the seeded sample.
    Reference: t interval (Student 1908); tenths at the quantiles of the prediction, ties not split.
    """
    rows = rows_of(subject)
    rows = rows.take(rows.known)
    if not rows.n:
        raise NotApplicableError("no row has a finite truth and prediction")
    edges = np.unique(np.quantile(rows.prediction, np.arange(1, parts) / parts, method="higher"))
    part = np.searchsorted(edges, rows.prediction, side="right")
    measures: list[Measure] = []
    table = []
    for k in range(len(edges) + 1):
        inside = part == k
        if not inside.any():
            continue
        predicted, truth = rows.prediction[inside], rows.truth[inside]
        where = f"prediction {predicted.min():.4g} to {predicted.max():.4g}"
        bias = mean_of("bias", predicted - truth, subject.level, where=where)
        measures += [
            bias,
            mean_of("mean_absolute_error", rows.loss[inside], subject.level, where=where),
            mean_of("mean_truth", truth, subject.level, where=where),
        ]
        table.append((float(predicted.mean()), bias.value, bias.low, bias.high, "mean error"))
    about: dict[str, Cell] = {"x": "mean prediction", "y": "mean error (prediction minus truth)", "zero": True}
    columns = ("x", "y", "low", "high", "series")
    evidence = Evidence(
        "errors by prediction", "Mean error along the prediction", "lines", columns, tuple(table), about
    )
    return Result(measures, [evidence], [f"measured on {subject.sample.words}"])

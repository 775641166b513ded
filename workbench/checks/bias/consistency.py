"""Whether people who look alike are treated alike."""

from __future__ import annotations

import numpy as np

from workbench.core.check import NotApplicableError, check
from workbench.core.errors import import_extra
from workbench.core.finding import Result
from workbench.core.means import mean_of
from workbench.core.rows import design, rows_of
from workbench.core.subject import Subject


@check("bias.consistency", "B007", "Consistency", needs=("rows",), on_request=True)
def consistency(subject: Subject, *, neighbours: int = 5, most_rows: int = 5_000) -> Result:
    """Measure how far a decision differs from the decisions on the most similar rows.

    Measures: `consistency` = 1 minus the mean absolute difference of each prediction from the mean prediction of its
        nearest neighbours (itself among them), with a t interval over the rows. 1 is full agreement.
    Reads well when: the features say what ought to matter, and decisions are not at random near the threshold.
    Signs of risk: a value far under 1: similar people get different answers.
    Limits: similarity is Euclidean distance over standardised features without the sensitive columns, all weighing
        alike; another notion of similar people gives another value. Neighbours share rows, so the interval is too
        narrow. For numbers the differences are in the unit of the prediction, divided by its range.
    Reference: Zemel et al. (2013) ICML 28:325, yNN, with scikit-learn's nearest neighbours.
    """
    near = import_extra("sklearn.neighbors", "model", "nearest neighbours")
    rows = rows_of(subject)
    rows = rows.take(~np.isnan(rows.prediction))
    rows = rows.take(np.arange(min(rows.n, most_rows)))
    columns = [c for c in subject.features if c not in subject.roles.sensitive]
    if rows.n < 2 or not columns:
        raise NotApplicableError("it needs two rows with a prediction, and features that are not sensitive")
    kinds = {name: c.kind for name, c in subject.current.columns.items()}
    (matrix,) = (d.matrix for d in design([rows.batch], columns, kinds))
    k = min(neighbours, rows.n)
    _, nearest = near.NearestNeighbors(n_neighbors=k, algorithm="ball_tree").fit(matrix).kneighbors(matrix)
    if rows.task == "multiclass":
        apart = (rows.prediction[nearest] != rows.prediction[:, None]).mean(axis=1)
    else:
        span = float(np.ptp(rows.prediction)) if rows.task == "regression" else 1.0
        apart = np.abs(rows.prediction - rows.prediction[nearest].mean(axis=1)) / (span or 1.0)
    m = mean_of("consistency", 1.0 - apart, subject.level)
    return Result([m], (), [f"{subject.sample.measured(rows.n)}, {k} neighbours"])

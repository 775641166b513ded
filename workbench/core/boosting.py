"""A gradient-boosting learner with fixed settings, on one thread and from a seed, so that it answers alike anywhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.core.errors import import_extra
from workbench.core.numbers import Floats

_SETTINGS = {"learning_rate": 0.1, "max_leaf_nodes": 15, "min_samples_leaf": 20, "early_stopping": False}


@dataclass(frozen=True)
class Boosted:
    """A fitted learner; `scale` is the unit in which it predicts numbers."""

    model: Any
    scale: float = 1.0

    def scores(self, matrix: Floats) -> Floats:
        """Return a score per row, higher for the larger of two labels."""
        with one_thread():
            return np.asarray(self.model.decision_function(matrix), np.float64)

    def probabilities(self, matrix: Floats) -> Floats:
        """Return the probability of the larger of two labels per row."""
        with one_thread():
            return np.asarray(self.model.predict_proba(matrix)[:, 1], np.float64)

    def answers(self, matrix: Floats) -> Floats:
        """Return the label or the number predicted per row."""
        with one_thread():
            return np.asarray(self.model.predict(matrix), np.float64) * self.scale


def boosted(
    matrix: Floats,
    truth: Floats,
    categorical: NDArray[np.bool_],
    *,
    purpose: str,
    numbers: bool = False,
    iterations: int = 50,
    seed: int = 0,
) -> Boosted:
    """Return scikit-learn's histogram gradient boosting fitted to labels, or to `numbers`; NaN is a value of its own.

    Raises MissingExtraError, which says what for, when scikit-learn is not installed.
    """
    ensemble = import_extra("sklearn.ensemble", "model", purpose)
    settings = {
        **_SETTINGS,
        "max_iter": iterations,
        "random_state": seed % 2**32,
        "categorical_features": categorical if categorical.any() else None,
    }
    learner = ensemble.HistGradientBoostingRegressor if numbers else ensemble.HistGradientBoostingClassifier
    scale = (float(np.abs(truth).max(initial=0.0)) or 1.0) if numbers else 1.0  # squares of huge numbers overflow
    # Bins are made of the values that are there: a column without any counts as constant.
    matrix = np.where(np.isnan(matrix).all(axis=0), 0.0, matrix)
    with one_thread():
        return Boosted(learner(**settings).fit(matrix, truth / scale), scale)


def one_thread() -> Any:
    """Return a context in which libraries use one thread.

    How work is split between threads changes the last bits of sums; and on some thousand rows threads wait for each
    other longer than they work, above all in a container with fewer cores than it sees.
    """
    return import_extra("threadpoolctl", "model", "boosting").threadpool_limits(1)

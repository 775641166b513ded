"""Split conformal sets and intervals of given predictions, by MAPIE."""

from __future__ import annotations

import warnings
from typing import Any, NamedTuple

import numpy as np

from workbench.core.errors import import_extra
from workbench.core.numbers import Floats


class Conformal(NamedTuple):
    """For each held-out row whether its truth is covered (0 or 1), and the size of its set or interval."""

    covered: Floats
    width: Floats


def of_numbers(truth: Floats, predicted: Floats, held_truth: Floats, held: Floats, confidence: float) -> Conformal:
    """Return intervals of one width, calibrated on the first rows, for the held-out ones."""
    mapie = import_extra("mapie.regression", "explain", "conformal prediction")
    base = import_extra("sklearn.base", "model", "conformal prediction")
    model = mapie.SplitConformalRegressor(_given(base, base.RegressorMixin), confidence_level=confidence, prefit=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the library's own making; what matters is measured here
        model.conformalize(predicted[:, None], truth)
        _, ends = model.predict_interval(held[:, None])
    low, high = ends[:, 0, 0], ends[:, 1, 0]
    return Conformal(((held_truth >= low) & (held_truth <= high)).astype(float), np.asarray(high - low, np.float64))


def of_classes(truth: Floats, scores: Floats, held_truth: Floats, held: Floats, confidence: float) -> Conformal:
    """Return sets of classes, calibrated on the first rows; truths are column numbers of the scores."""
    mapie = import_extra("mapie.classification", "explain", "conformal prediction")
    base = import_extra("sklearn.base", "model", "conformal prediction")
    given = _given(base, base.ClassifierMixin, scores.shape[1])
    model = mapie.SplitConformalClassifier(given, confidence_level=confidence, prefit=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.conformalize(scores, truth.astype(int))
        _, sets = model.predict_set(held)
    inside = sets[:, :, 0]
    covered = inside[np.arange(len(held)), held_truth.astype(int)]
    return Conformal(covered.astype(float), inside.sum(axis=1).astype(float))


def _given(base: Any, mixin: Any, classes: int = 0) -> Any:
    """Return a fitted estimator whose rows are the predictions themselves."""

    class Given(mixin, base.BaseEstimator):  # type: ignore[misc]
        def fit(self, rows: Any, truth: Any) -> Any:
            return self

        def predict(self, rows: Any) -> Any:
            return rows.argmax(axis=1) if classes else rows[:, 0]

        def predict_proba(self, rows: Any) -> Any:
            return rows

        def __sklearn_is_fitted__(self) -> bool:
            return True

    found = Given()
    found.n_features_in_ = classes or 1
    if classes:
        found.classes_ = np.arange(classes)
    return found

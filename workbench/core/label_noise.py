"""Labels that held-out predictions speak against: confident learning."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.core.boosting import one_thread
from workbench.core.errors import import_extra
from workbench.core.numbers import Floats, Ints

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class LabelNoise:
    """`suspected` rows, the class each one seems to be, and `joint`: rows by given class x class they seem to be."""

    suspected: Mask
    seems: Ints
    joint: Ints


def confident(labels: Ints, probabilities: Floats) -> LabelNoise:
    """Return which labels (codes 0..k-1) the held-out probabilities (rows x k) of their classes speak against.

    A row seems to be of the likeliest class among those whose probability reaches the mean that rows labelled with
    that class have for it; it is suspected where that is another class than its label. Source: Northcutt, Jiang and
    Chuang (2021) JAIR 70:1373, the confident joint of section 3.1, off its diagonal.
    """
    k = probabilities.shape[1]
    means = [probabilities[labels == j, j].mean() if (labels == j).any() else np.inf for j in range(k)]
    reached = probabilities >= np.array(means) - 1e-12
    seems = np.where(reached.any(axis=1), np.where(reached, probabilities, -1.0).argmax(axis=1), labels)
    joint = np.zeros((k, k), np.int64)
    counted = reached.any(axis=1)
    np.add.at(joint, (labels[counted], seems[counted]), 1)
    return LabelNoise(seems != labels, seems.astype(np.int64), joint)


def held_out(matrix: Floats, labels: Ints, folds: int, seed: int, learner: str = "linear") -> Floats:
    """Return each row's class probabilities by a model fitted on the other folds, stratified and seeded."""
    selection = import_extra("sklearn.model_selection", "model", "cross-validated predictions of labels")
    found = np.zeros((len(labels), int(labels.max()) + 1))
    splits = selection.StratifiedKFold(folds, shuffle=True, random_state=seed % 2**32)
    for train, test in splits.split(matrix, labels):
        with one_thread():
            found[test] = _learner(learner, seed).fit(matrix[train], labels[train]).predict_proba(matrix[test])
    return found


def _learner(name: str, seed: int):  # type: ignore[no-untyped-def] # scikit-learn has no types
    if name == "trees":
        ensemble = import_extra("sklearn.ensemble", "model", "cross-validated predictions of labels")
        return ensemble.HistGradientBoostingClassifier(max_iter=60, random_state=seed % 2**32)
    linear = import_extra("sklearn.linear_model", "model", "cross-validated predictions of labels")
    return linear.LogisticRegression(max_iter=300, C=1.0)

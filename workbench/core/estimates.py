"""Performance without labels from the rows of samples: several classes by CBPE, predicted numbers by direct loss."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from workbench.core.boosting import one_thread
from workbench.core.check import NotApplicableError
from workbench.core.errors import import_extra
from workbench.core.finding import Measure
from workbench.core.frame import Kind
from workbench.core.intervals import Interval, normal_quantile
from workbench.core.label_free import LEAST_OF_CLASS, Calibration, isotonic, middle, smoothed
from workbench.core.numbers import Floats, Ints
from workbench.core.rates import with_interval
from workbench.core.rows import Reader, Rows, design
from workbench.core.series import Point, spans
from workbench.core.subject import Subject
from workbench.core.two_samples import left_out_notes, unlike

Estimates = tuple[list[Measure], list[Point], list[str]]
_LEAST_ROWS = 100
Matrix = NDArray[np.float64]


def _sampled(subject: Subject) -> pa.RecordBatch:
    reference = subject.reference
    if reference is None or reference.sample is None or subject.current.sample is None:
        raise NotApplicableError("it needs rows of both data sets, and only counts are here")
    if subject.roles.target not in reference.columns:
        raise NotApplicableError("the reference has no truth to learn from")
    return reference.sample.rows


def _samples(subject: Subject) -> Iterator[tuple[str, pa.RecordBatch, str]]:
    for label, counted in spans(subject):
        if counted.sample is not None:
            subject.stop()
            yield label, counted.sample.rows, counted.sample.words


def _named(subject: Subject, what: str) -> list[str]:
    words = "" if subject.current.sample is None else subject.current.sample.words
    return [what, f"measured on {words}"]


# ---------------------------------------------------------------------------- several classes


def classes_estimates(subject: Subject, draws: int) -> Estimates:
    """Return estimated accuracy and macro-averaged precision, recall, F1 and one-against-rest AUC by window."""
    rows, reader = _sampled(subject), Reader(subject)
    truth = reader.truth(rows)
    found = reader.probabilities(rows)
    if found is None:
        raise NotApplicableError("there are no probabilities: give `probabilities`, or a model that gives them")
    labels, scores = found
    codes = np.array([reader.code(label) for label in labels])
    known = ~np.isnan(truth) & ~np.isnan(scores).any(axis=1)
    own = (truth[known, None] == codes[None, :]).astype(np.int64)
    if min(own.sum(axis=0), default=0) < LEAST_OF_CLASS:
        raise NotApplicableError(f"the reference has under {LEAST_OF_CLASS} labelled rows of a class: too few to learn")
    learnt = _Classes(scores[known], own, subject.seed, min(draws, 200))
    measures: list[Measure] = []
    points: list[Point] = []
    for label, batch, words in _samples(subject):
        made = reader.probabilities(batch)
        predicted = reader.predict(batch)[0]
        if made is None:
            continue
        whole = ~np.isnan(made[1]).any(axis=1) & np.isin(predicted, codes)
        place = np.searchsorted(np.sort(codes), predicted[whole])
        each = learnt.estimate(made[1][whole], np.argsort(codes)[place], label, subject.level, words)
        measures += each
        points += [Point(label, "estimated", m) for m in each] if label else []
    assumes = "assumes that P(label | scores) is as on the reference: concept shift cannot be seen here"
    return measures, points, _named(subject, assumes)


class _Classes:
    """Calibrated, normalised probabilities learnt from scores (rows x classes) and truths (0/1, rows x classes)."""

    def __init__(self, scores: Matrix, own: NDArray[np.int64], seed: int, draws: int) -> None:
        self._seed, self._draws = seed, draws
        self._curves = [_curve(scores[:, k], own[:, k]) for k in range(scores.shape[1])]
        self._smooth = [_curve(scores[:, k], own[:, k], smoothed) for k in range(scores.shape[1])]
        p = self._at(self._smooth, scores)
        random = np.random.default_rng((seed, 1))
        self._refits = []
        for _ in range(draws):
            truth = _categorical(p, random)
            self._refits.append([_curve(scores[:, k], (truth == k).astype(np.int64)) for k in range(p.shape[1])])

    @staticmethod
    def _at(curves: list[Calibration], scores: Matrix) -> Matrix:
        p = np.stack([curve.at(scores[:, k]) for k, curve in enumerate(curves)], axis=1)
        total = p.sum(axis=1, keepdims=True)
        # All classes at zero says nothing: then each is as likely.
        return np.where(total > 0, p / np.where(total > 0, total, 1.0), 1.0 / p.shape[1])

    def estimate(self, scores: Matrix, predicted: Ints, window: str, level: float, words: str) -> list[Measure]:
        n = len(predicted)
        if not n:
            why = "no row has probabilities and a prediction"
            return [Measure("estimated_accuracy", None, window=window, n=0, undefined_because=why)]
        p, random = self._at(self._curves, scores), np.random.default_rng((self._seed, 2))
        point = _class_metrics(p, predicted, scores)
        smooth = self._at(self._smooth, scores)
        misses: dict[str, list[float]] = {name: [] for name in point}
        for curves in self._refits:
            truth = np.eye(p.shape[1])[_categorical(smooth, random)]
            realised, again = (_class_metrics(q, predicted, scores) for q in (truth, self._at(curves, scores)))
            for name in point:
                misses[name].append(realised[name] - again[name])
        found = []
        for name, value in point.items():
            if not math.isfinite(value):
                why = "0/0: a class is expected in no row, or predicted in none"
                found.append(Measure(f"estimated_{name}", None, window=window, n=n, undefined_because=why))
                continue
            miss = np.array(misses[name])
            ends = middle(miss[np.isfinite(miss)], level) + value
            interval = Interval(max(0.0, float(ends[0])), min(1.0, float(ends[1])), "parametric bootstrap, prediction")
            found.append(with_interval(Measure(f"estimated_{name}", value, window=window, n=n), interval))
        return found


def _curve(scores: Floats, hits: Ints, fit: Callable[[Floats, Ints, Ints], Calibration] = isotonic) -> Calibration:
    values, place = np.unique(scores, return_inverse=True)
    rows = np.bincount(place, minlength=len(values))
    return fit(values, np.bincount(place, weights=hits, minlength=len(values)).astype(np.int64), rows)


def _categorical(p: Matrix, random: np.random.Generator) -> Ints:
    at = (random.random((len(p), 1)) > np.cumsum(p, axis=1)[:, :-1]).sum(axis=1)
    return np.asarray(at, np.int64)


def _class_metrics(p: Matrix, predicted: Ints, scores: Matrix) -> dict[str, float]:
    """Return metrics from each row's probabilities of the classes (0 and 1 where truth is known)."""
    k = p.shape[1]
    table = np.stack([p[predicted == j].sum(axis=0) for j in range(k)], axis=1)  # truth x prediction
    own, true, made = np.diag(table), table.sum(axis=1), table.sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        precision, recall, f1 = own / made, own / true, 2 * own / (made + true)
    return {
        "accuracy": float(own.sum() / len(p)),
        "macro_precision": float(precision.mean()),
        "macro_recall": float(recall.mean()),
        "macro_f1": float(f1.mean()),
        "macro_roc_auc": float(np.mean([_auc(p[:, j], scores[:, j]) for j in range(k)])),
    }


def _auc(p: Floats, scores: Floats) -> float:
    values, place = np.unique(scores, return_inverse=True)
    positive = np.bincount(place, weights=p, minlength=len(values))
    negative = np.bincount(place, weights=1 - p, minlength=len(values))
    below = np.cumsum(negative) - negative
    with np.errstate(divide="ignore", invalid="ignore"):
        return float((positive * (below + negative / 2)).sum() / (positive.sum() * negative.sum()))


# ---------------------------------------------------------------------------- predicted numbers


@dataclass(frozen=True)
class _Loss:
    """Two models of the loss, each learnt on one half of the reference, and their misses on the other half."""

    models: tuple[Callable[[Matrix], Floats], Callable[[Matrix], Floats]]
    miss: Floats  # realised minus estimated
    scale: Floats  # estimated loss of the same rows

    def at(self, matrix: Matrix) -> Floats:
        with one_thread():
            return np.asarray((self.models[0](matrix) + self.models[1](matrix)) / 2, np.float64)

    def mean(self, matrix: Matrix, weights: Floats, level: float) -> tuple[float, Interval]:
        """Return the expected mean loss with the interval of the one that will be measured.

        The misses on rows not learnt from, weighted to be like the window's rows, correct the mean (doubly robust).
        Their spread grows with the loss, so that windows with other losses get another width; the window's rows and the
        weighted reference's both count.
        """
        estimated = self.at(matrix)
        floor = max(float(np.quantile(np.abs(self.scale), 0.05)), 1e-300)
        relative = self.miss / np.maximum(self.scale, floor)
        within = float(np.average(relative**2, weights=weights)) * float((np.maximum(estimated, floor) ** 2).mean())
        correction = float(np.average(self.miss, weights=weights))
        learnt = float((weights**2 * (self.miss - correction) ** 2).sum()) / float(weights.sum()) ** 2
        value = float(estimated.mean() + correction)
        half = normal_quantile(level) * math.sqrt(within / len(estimated) + learnt)
        return value, Interval(value - half, value + half, "held-out misses, prediction")


def likeness(reference: Matrix, window: Matrix, seed: int) -> Floats:
    """Return how much more often each reference row would occur in the window: the odds of a classifier, mean 1.

    Cross-fitted, so that no row weighs itself; odds are cut at 50. Source: Sugiyama, Suzuki and Kanamori (2012),
    Density Ratio Estimation in Machine Learning, chapter 4.
    """
    ensemble = import_extra("sklearn.ensemble", "model", "weighting rows to be like a window's")
    halves = [np.arange(len(m)) % 2 == 0 for m in (reference, window)]
    found = np.ones(len(reference))
    for flip in (False, True):
        own, other = (half ^ flip for half in halves)
        matrix = np.concatenate((reference[own], window[other]))
        label = np.concatenate((np.zeros(int(own.sum())), np.ones(int(other.sum()))))
        if not 0 < label.mean() < 1:
            continue
        model = ensemble.HistGradientBoostingClassifier(
            random_state=seed, early_stopping=False, max_iter=40, min_samples_leaf=40, max_leaf_nodes=8
        )
        with one_thread():
            p = np.clip(model.fit(matrix, label).predict_proba(reference[~own])[:, 1], 1e-3, 1 - 1e-3)
        found[~own] = np.minimum(p / (1 - p) * float(own.sum() / max(1, other.sum())), 50.0)
    return np.asarray(found / found.mean(), np.float64)


def loss_estimates(subject: Subject, draws: int) -> Estimates:
    """Return estimated mean absolute and root mean squared error by window."""
    del draws
    batch, reader = _sampled(subject), Reader(subject)
    reference = reader.read(batch)
    reference = reference.take(reference.known)
    if reference.n < 2 * _LEAST_ROWS:
        raise NotApplicableError(
            f"the reference has under {2 * _LEAST_ROWS} rows with truth and prediction to learn from"
        )
    every = list(_samples(subject))
    others = [reader.read(rows) for _, rows, _ in every]
    matrices = features_and_outcome(subject, [reference, *others])
    residual = reference.prediction - reference.truth
    learnt = {name: _learn(matrices[0], f(residual), subject.seed) for name, f in _LOSSES.items()}
    measures: list[Measure] = []
    points: list[Point] = []
    for (label, _, _), rows, matrix in zip(every, others, matrices[1:], strict=True):
        matrix = matrix[~np.isnan(rows.prediction)]
        weights = likeness(matrices[0], matrix, subject.seed) if len(matrix) else np.ones(reference.n)
        each = _losses(learnt, matrix, weights, label, subject.level)
        measures += each
        points += [Point(label, "estimated", m) for m in each] if label else []
    assumes = "assumes that the loss depends on the features and the prediction as on the reference"
    notes = _named(subject, f"{assumes}: concept shift cannot be seen here")
    return measures, points, [*notes, *left_out(subject)]


_LOSSES: Mapping[str, Callable[[Floats], Floats]] = {
    "mean_absolute_error": np.abs,
    "root_mean_squared_error": np.square,
}


def features_and_outcome(subject: Subject, sets: Sequence[Rows]) -> list[Matrix]:
    """Return the features of several sets of rows, scaled by the first, and as last column the score or prediction.

    Times are left out, for any two periods differ in them, and what `left_out` names.
    """
    kinds, not_used = {name: column.kind for name, column in subject.current.columns.items()}, _unlike(subject)
    names = [name for name in subject.features if name not in not_used and kinds[name] is not Kind.TIME]
    made = design([rows.batch for rows in sets], names, kinds)
    outcomes = [np.nan_to_num(rows.prediction if rows.score is None else rows.score) for rows in sets]
    return [np.column_stack((d.matrix, outcome)) for d, outcome in zip(made, outcomes, strict=True)]


def left_out(subject: Subject) -> list[str]:
    """Return a note on each reason for which features are not used: another kind of values, or none, on one side."""
    reasons: dict[str, list[str]] = {}
    for name, why in _unlike(subject).items():
        reasons.setdefault(why, []).append(name)
    return left_out_notes(reasons)


def _unlike(subject: Subject) -> dict[str, str]:
    reference = {} if subject.reference is None else subject.reference.columns
    each = {name: unlike(subject.current.columns[name], reference.get(name)) for name in subject.features}
    return {name: why for name, why in each.items() if why}


def _learn(matrix: Matrix, loss: Floats, seed: int) -> _Loss:
    ensemble = import_extra("sklearn.ensemble", "model", "estimating the loss of predicted numbers")
    half = np.arange(len(loss)) % 2 == 0  # samples are in the order of their hashes: any cut is a random one
    miss, scale, models = np.zeros(len(loss)), np.zeros(len(loss)), []
    for own in (half, ~half):
        model = ensemble.HistGradientBoostingRegressor(random_state=seed, early_stopping=False, max_iter=60)
        with one_thread():
            model.fit(matrix[own], loss[own])
            scale[~own] = model.predict(matrix[~own])
        miss[~own] = loss[~own] - scale[~own]
        models.append(model.predict)
    return _Loss((models[0], models[1]), miss, scale)


def _losses(learnt: Mapping[str, _Loss], matrix: Matrix, weights: Floats, window: str, level: float) -> list[Measure]:
    found = []
    for name, loss in learnt.items():
        head = (f"estimated_{name}", window)
        if not len(matrix):
            why = "no row has a prediction"
            found.append(Measure(head[0], None, window=window, n=0, undefined_because=why))
            continue
        value, interval = loss.mean(matrix, weights, level)
        ends = (max(0.0, interval.low), max(0.0, interval.high))
        if name.startswith("root"):
            value, ends = math.sqrt(max(0.0, value)), (math.sqrt(ends[0]), math.sqrt(ends[1]))
        m = Measure(head[0], max(0.0, value), window=window, n=len(matrix))
        found.append(with_interval(m, Interval(*ends, interval.method)))
    return found

"""Performance without labels: what a binary outcome's scores, calibrated on the reference, let one expect.

Confidence-based estimation (CBPE): with P(label | score) learnt by isotonic regression on the reference, every row is
expected to be positive with that probability, so that expected counts, and every metric of them, are sums over the
table of scores. Source: Bialek et al. (2024), "Estimating Model Performance Under Covariate Shift Without Labels".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.core.intervals import Interval
from workbench.core.joint import UNKNOWN, JointCounts
from workbench.core.numbers import Floats, Ints, NumberCounts, common_support

MOST_BINS = 512
"""Bins that the draws of a prediction interval are made on."""
LEAST_OF_CLASS = 50
"""Labelled rows of each class that a calibration needs."""


@dataclass(frozen=True)
class Calibration:
    """Knots of a rising curve from scores to probabilities, linear between them, level beyond them."""

    scores: Floats
    probabilities: Floats

    def at(self, scores: Floats) -> Floats:
        """Return the probability of each score."""
        return np.interp(scores, self.scores, self.probabilities)


def isotonic(scores: Floats, positive: Ints, rows: Ints) -> Calibration:
    """Return the isotonic regression of truth on score, from counts at ascending scores (pool adjacent violators)."""
    from scipy.optimize import isotonic_regression

    kept = rows > 0
    fitted = isotonic_regression(positive[kept] / rows[kept], weights=rows[kept].astype(float))
    return Calibration(scores[kept], np.asarray(fitted.x, np.float64))


def smoothed(scores: Floats, positive: Ints, rows: Ints) -> Calibration:
    """Return a smooth rising curve of truth on score, to draw truths from: local linear over the rows' ranks.

    Truths drawn from the isotonic fit itself, all steps with ends of 0 and 1, vary too little: its bootstrap is
    inconsistent where one from a smooth curve is not (Sen, Banerjee and Woodroofe 2010, Annals of Statistics 38:1953).
    Half a row of each class is added to what a kernel holds, so that no probability is 0 or 1. Local linear fits: Fan
    and Gijbels (1996).
    """
    place = _bins(rows)
    size = np.bincount(place, weights=rows)
    share = np.bincount(place, weights=positive) / size
    rank = (np.cumsum(size) - size / 2) / size.sum()
    away = rank[None, :] - rank[:, None]
    weight = np.exp(-((away / (_BANDWIDTH * size.sum() ** -0.2)) ** 2) / 2) * size
    first, second = (weight * away).sum(axis=1), (weight * away**2).sum(axis=1)
    second = second + 1e-9 * weight.sum(axis=1)  # of a single rank the mean
    line = weight * (second[:, None] - away * first[:, None])
    p = np.clip((line * share).sum(axis=1) / line.sum(axis=1), 0, 1)
    held = weight.sum(axis=1) ** 2 / (weight**2 / size).sum(axis=1)
    centre = np.bincount(place, weights=rows * scores) / size
    return Calibration(centre, np.maximum.accumulate((p * held + 0.5) / (held + 1)))


_BANDWIDTH = 0.5
IDENTITY = Calibration(np.array([0.0, 1.0]), np.array([0.0, 1.0]))
"""Scores taken as the probabilities they claim to be."""


@dataclass(frozen=True)
class Decided:
    """Rows at each ascending score that are predicted positive and negative."""

    scores: Floats
    selected: Ints
    rejected: Ints

    @property
    def rows(self) -> Ints:
        """Return the rows at each score."""
        return np.asarray(self.selected + self.rejected, np.int64)

    @property
    def n(self) -> int:
        """Return the number of rows with a score and a prediction."""
        return int(self.rows.sum())


def decided(joint: JointCounts, cells: Sequence[int] | None = None) -> Decided:
    """Return the scores of all rows with a prediction, labelled or not, over all cells or those given."""
    wanted = None if cells is None else set(cells)
    sides = [NumberCounts(), NumberCounts()]
    for (cell, _, p), counts in joint.scores.items():
        if p != UNKNOWN and (wanted is None or cell in wanted):
            sides[p] = sides[p] + counts
    scores, rejected, selected, _ = common_support(*sides)
    return Decided(scores, selected, rejected)


Expected = Mapping[str, NDArray[np.float64]]
"""Expected counts: `tp`, `fp`, `fn`, `tn` (draws,), `positive` and `negative` at each score (draws x scores)."""


def expected(table: Decided, p: NDArray[np.float64]) -> Expected:
    """Return the expected counts under probabilities `p` (draws x scores) of being truly positive."""
    a, b = table.selected, table.rejected
    return {
        "tp": p @ a, "fp": (1 - p) @ a, "fn": p @ b, "tn": (1 - p) @ b,
        "positive": p * (a + b), "negative": (1 - p) * (a + b),
    }  # fmt: skip


def drawn(table: Decided, p: NDArray[np.float64], seed: np.random.Generator, draws: int) -> Expected:
    """Return counts of drawn truths: of the rows at each score a binomial number is truly positive."""
    hits = [seed.binomial(n, p, size=(draws, len(p))) for n in (table.selected, table.rejected)]
    a, b = (h.astype(np.float64) for h in hits)
    return {
        "tp": a.sum(axis=1), "fp": (table.selected - a).sum(axis=1),
        "fn": b.sum(axis=1), "tn": (table.rejected - b).sum(axis=1),
        "positive": a + b, "negative": table.rows - a - b,
    }  # fmt: skip


def _auc(e: Expected) -> Floats:
    positive, negative = e["positive"], e["negative"]
    below = np.cumsum(negative, axis=1) - negative
    pairs = (positive * (below + negative / 2)).sum(axis=1)
    return np.asarray(pairs / (positive.sum(axis=1) * negative.sum(axis=1)))


def _average_precision(e: Expected) -> Floats:
    positive, negative = e["positive"][:, ::-1], e["negative"][:, ::-1]
    if not positive.shape[1]:
        return np.full(len(positive), np.nan)
    tp, fp = np.cumsum(positive, axis=1), np.cumsum(negative, axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        precision = np.where(tp + fp > 0, tp / (tp + fp), 0.0)
    return np.asarray((precision * positive).sum(axis=1) / tp[:, -1])


METRICS: Mapping[str, Callable[[Expected], Floats]] = {
    "accuracy": lambda e: (e["tp"] + e["tn"]) / (e["tp"] + e["fp"] + e["fn"] + e["tn"]),
    "precision": lambda e: e["tp"] / (e["tp"] + e["fp"]),
    "recall": lambda e: e["tp"] / (e["tp"] + e["fn"]),
    "specificity": lambda e: e["tn"] / (e["tn"] + e["fp"]),
    "f1": lambda e: 2 * e["tp"] / (2 * e["tp"] + e["fp"] + e["fn"]),
    "prevalence": lambda e: (e["tp"] + e["fn"]) / (e["tp"] + e["fp"] + e["fn"] + e["tn"]),
    "roc_auc": _auc,
    "average_precision": _average_precision,
}
"""Metric by name, of expected or drawn counts; 0/0 is NaN."""


def values(counts: Expected) -> dict[str, Floats]:
    """Return every metric of each draw."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return {name: np.asarray(metric(counts), np.float64) for name, metric in METRICS.items()}


@dataclass(frozen=True)
class Estimate:
    """Expected metrics, the prediction interval of each realised one, and the standard error of the difference."""

    value: Mapping[str, float]
    interval: Mapping[str, Interval]
    error: Mapping[str, float]
    n: int


class Estimator:
    """Learns P(label | score) from a reference table of scores by truth and estimates metrics of other tables."""

    def __init__(
        self,
        scores: Floats,
        positive: Ints,
        negative: Ints,
        *,
        calibrated: bool = True,
        seed: int = 0,
        draws: int = 400,
    ) -> None:
        self.rows = int(positive.sum() + negative.sum())
        self._seed, self._draws = seed, draws
        self.calibration = isotonic(scores, positive, positive + negative) if calibrated else IDENTITY
        self._smooth = smoothed(scores, positive, positive + negative) if calibrated else IDENTITY
        self._refits = self._again(scores, positive + negative) if calibrated else None
        self.range = (float(scores[0]), float(scores[-1])) if len(scores) else (0.0, 1.0)

    def _again(self, scores: Floats, rows: Ints) -> tuple[Floats, NDArray[np.float64]]:
        """Return scores and, for each draw of the reference's truths, the probabilities learnt from it."""
        place = _bins(rows)
        size = np.bincount(place, weights=rows)
        centre = np.bincount(place, weights=rows * scores) / size
        seed = np.random.default_rng((self._seed, 1))
        hits = seed.binomial(size.astype(np.int64), self._smooth.at(centre), size=(self._draws, len(size)))
        fits = [isotonic(centre, h, size.astype(np.int64)).probabilities for h in hits]
        return centre, np.stack(fits)

    def estimate(self, table: Decided, level: float = 0.95) -> Estimate:
        """Return the expected metrics of a table with the prediction intervals of the realised ones.

        Smooth parametric bootstrap: truths of the reference are drawn from `smoothed` and the calibration learnt again;
        truths of the table are drawn from it; the interval holds the middle of realised minus estimated, so that it has
        both sources of error, and what isotonic steps distort.
        """
        point = values(expected(table, self.calibration.at(table.scores)[None, :]))
        coarse = _coarse(table)
        p = np.clip(self._smooth.at(coarse.scores), 0, 1)
        realised = values(drawn(coarse, p, np.random.default_rng((self._seed, 2)), self._draws))
        again = values(expected(coarse, self._learnt(coarse.scores)))
        value, interval, error = {}, {}, {}
        for name, found in point.items():
            miss = realised[name] - again[name]
            miss = miss[np.isfinite(miss)]
            value[name] = float(found[0])
            if not np.isfinite(found[0]) or len(miss) < self._draws / 2:
                continue
            low, high = middle(miss, level) + value[name]
            interval[name] = Interval(max(0.0, float(low)), min(1.0, float(high)), "parametric bootstrap, prediction")
            error[name] = float(miss.std())
        return Estimate(value, interval, error, table.n)

    def _learnt(self, scores: Floats) -> NDArray[np.float64]:
        if self._refits is None:
            return np.repeat(np.clip(scores, 0, 1)[None, :], self._draws, axis=0)
        centre, fits = self._refits
        return np.stack([np.interp(scores, centre, fit) for fit in fits])


def middle(draws: Floats, level: float) -> Floats:
    """Return the ends between which one more draw lies with probability `level` (plotting positions i / (n + 1))."""
    return np.asarray(np.quantile(draws, [(1 - level) / 2, (1 + level) / 2], method="weibull"), np.float64)


def _bins(rows: Ints) -> Ints:
    """Return the bin of each score, at most `MOST_BINS` of about as many rows each, numbered without gaps."""
    place = (np.cumsum(rows) - rows) * MOST_BINS // max(1, int(rows.sum()))
    return np.asarray(np.unique(place, return_inverse=True)[1], np.int64)


def _coarse(table: Decided) -> Decided:
    if len(table.scores) <= MOST_BINS:
        return table
    place = _bins(table.rows)
    size = np.bincount(place, weights=table.rows)
    centre = np.bincount(place, weights=table.rows * table.scores) / size
    sides = (np.bincount(place, weights=side).astype(np.int64) for side in (table.selected, table.rejected))
    return Decided(centre, *sides)

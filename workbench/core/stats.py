"""Measures of scores against truth, from counts at each score in ascending order."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def auc_from_counts(positive: Ints, negative: Ints) -> float:
    """Return the area under the ROC curve: P(score of a positive > of a negative), ties one half (Mann-Whitney)."""
    below = np.cumsum(negative) - negative
    pairs = np.sum(positive * (below + negative / 2), dtype=np.float64)
    return float(pairs / (float(positive.sum()) * float(negative.sum())))


def average_precision_from_counts(positive: Ints, negative: Ints) -> float:
    """Return the sum over distinct scores, from the highest, of precision times gain in recall (as scikit-learn)."""
    tp, fp = np.cumsum(positive[::-1]), np.cumsum(negative[::-1])
    return float(np.sum(tp / np.maximum(1, tp + fp) * positive[::-1]) / tp[-1])


def _mean_and_variance(values: Floats, counts: Ints) -> tuple[float, float]:
    n = int(counts.sum())
    mean = math.fsum(values * counts) / n
    spread = math.fsum((values - mean) ** 2 * counts)
    return mean, spread / (n - 1) if n > 1 else math.nan


def brier_from_counts(values: Floats, positive: Ints, negative: Ints) -> tuple[float, float]:
    """Return the mean and the sample variance of the squared error (score - truth)^2. Source: Brier (1950)."""
    losses = np.concatenate(((1 - values) ** 2, values**2))
    return _mean_and_variance(losses, np.concatenate((positive, negative)))


def log_loss_from_counts(values: Floats, positive: Ints, negative: Ints) -> tuple[float, float]:
    """Return the mean and sample variance of -log(probability of the truth), clipped at float64 eps as scikit-learn."""
    eps = np.finfo(np.float64).eps
    p = np.clip(values, eps, 1 - eps)
    losses = np.concatenate((-np.log(p), -np.log1p(-p)))
    return _mean_and_variance(losses, np.concatenate((positive, negative)))


def calibration_slope_intercept(
    values: Floats, positive: Ints, negative: Ints
) -> tuple[float, float, float, float] | None:
    """Return slope, intercept and their standard errors of logit P(truth) = intercept + slope * logit(score).

    Newton's method on counts, scores clipped to 1e-12; None without a finite solution. Errors hold also where the
    truth's log-odds are no straight line of the score's. Source: Cox (1958); Huber (1967) and White (1982) for errors.
    """
    p = np.clip(values, 1e-12, 1 - 1e-12)
    design = np.stack((np.log(p / (1 - p)), np.ones(len(p))), axis=1)
    n = (positive + negative).astype(np.float64)
    if len(p) < 2 or not positive.sum() or not negative.sum() or np.ptp(design[n > 0, 0]) < 1e-9:
        return None
    beta = np.array([1.0, 0.0])
    for _ in range(100):
        with np.errstate(over="ignore"):
            fitted = 1 / (1 + np.exp(-design @ beta))
        weight = n * fitted * (1 - fitted)
        information = design.T @ (design * weight[:, None])
        try:
            step = np.linalg.solve(information, design.T @ (positive - n * fitted))
        except np.linalg.LinAlgError:
            return None
        # Long steps overshoot on steep likelihoods.
        beta = beta + step * min(1.0, 2.0 / max(1e-300, float(np.abs(step).max())))
        if float(np.abs(beta).max()) > 1e3:
            return None
        if float(np.abs(step).max()) < 1e-10:
            inverse = np.linalg.inv(information)
            squares = positive * (1 - fitted) ** 2 + negative * fitted**2
            errors = np.sqrt(np.diag(inverse @ (design.T @ (design * squares[:, None])) @ inverse))
            return float(beta[0]), float(beta[1]), float(errors[0]), float(errors[1])
    return None


def expected_calibration_error(n: Ints, mean_score: Floats, rate: Floats) -> float:
    """Return the mean over rows of |mean score - observed rate| of the row's bin. Source: Guo et al. (2017)."""
    return float(np.sum(n * np.abs(mean_score - rate)) / n.sum())


def brier_split(rows: Ints, mean_score: Floats, hits: Ints) -> tuple[float, float, float]:
    """Return reliability, resolution and uncertainty of the Brier score over bins; each bin forecasts its mean score.

    Source: Murphy (1973) Journal of Applied Meteorology 12:595.
    """
    n, rate = int(rows.sum()), hits / rows
    prevalence = float(hits.sum()) / n
    reliability = math.fsum(rows * (mean_score - rate) ** 2) / n
    resolution = math.fsum(rows * (rate - prevalence) ** 2) / n
    return reliability, resolution, prevalence * (1 - prevalence)


def jeffreys_p_value(hits: int, n: int, probability: float) -> float:
    """Return the one-sided p of "the true rate is not above `probability`" by Jeffreys' prior.

    Formula: the distribution function of Beta(k + 1/2, n - k + 1/2) at the probability, k hits of n. Source: ECB (2019)
    Instructions for reporting the validation results of internal models, section 2.5.3.1.
    """
    from scipy.special import betainc

    return float(betainc(hits + 0.5, n - hits + 0.5, min(1.0, max(0.0, probability))))

"""Logistic regression with standard errors, for adjusted comparisons."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workbench.core.numbers import Floats


@dataclass(frozen=True)
class Fit:
    """Coefficients with standard errors, in the order of the design's columns, and Akaike's criterion."""

    coefficients: Floats
    errors: Floats
    aic: float


def fit_logistic(design: Floats, outcome: Floats, steps: int = 50) -> Fit | None:
    """Return the maximum-likelihood fit by Newton's method; None when it does not converge (separation, collinear).

    Standard errors from the inverse of the observed information. Source: McCullagh and Nelder (1989), section 4.4.
    """
    beta = np.zeros(design.shape[1])
    for _ in range(steps):
        eta = np.clip(design @ beta, -35, 35)
        p = 1 / (1 + np.exp(-eta))
        information = (design * (p * (1 - p))[:, None]).T @ design
        try:
            step = np.linalg.solve(information, design.T @ (outcome - p))
        except np.linalg.LinAlgError:
            return None
        beta = beta + step
        if np.abs(beta).max() > 30:
            return None
        if np.abs(step).max() < 1e-10:
            covariance = np.linalg.inv(information)
            likelihood = float(np.sum(outcome * eta - np.logaddexp(0, eta)))
            return Fit(beta, np.sqrt(np.maximum(0, np.diag(covariance))), 2 * len(beta) - 2 * likelihood)
    return None

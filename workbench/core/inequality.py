"""Generalised entropy of benefits given as counts, and its parts between and within groups."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

BENEFITS = np.array([0.0, 1.0, 2.0])
"""What a decision can give: less than deserved (0), what is deserved (1), more than that (2)."""


def generalised_entropy(counts: Floats, values: Floats, alpha: float) -> Floats:
    """Return the generalised entropy index of each row of counts of the values; not finite where it is undefined.

    Formula, with n people and mean benefit m: sum of (b / m)^alpha - 1 over n alpha (alpha - 1); for alpha 1 (Theil)
    mean of (b / m) ln(b / m); for alpha 0 mean of -ln(b / m). Source: Speicher et al. (2018) KDD, equation 1.
    """
    counts, values = np.asarray(counts, np.float64), np.broadcast_to(values, np.shape(counts))
    with np.errstate(divide="ignore", invalid="ignore"):
        n = counts.sum(axis=-1, keepdims=True)
        mean = (counts * values).sum(axis=-1, keepdims=True) / n
        terms = _terms(values / mean, alpha)
        # Nobody with a benefit adds nothing, even where the term of that benefit is infinite.
        parts = np.where(counts > 0, counts * terms, 0.0)
        return np.asarray(parts.sum(axis=-1) / n[..., 0])


def _terms(share: Floats, alpha: float) -> Floats:
    if alpha == 1:
        return np.where(share == 0, 0.0, share * np.log(share))
    if alpha == 0:
        return -np.log(share)
    return np.asarray((share**alpha - 1) / (alpha * (alpha - 1)))


def total_index(table: Floats, alpha: float) -> Floats:
    """Return the index over everybody of tables (..., groups, 3) of benefits by group."""
    return generalised_entropy(table.sum(axis=-2), BENEFITS, alpha)


def between_index(table: Floats, alpha: float) -> Floats:
    """Return the part between groups: the index if everybody had the mean benefit of the own group."""
    n = table.sum(axis=-1)
    means = (table * BENEFITS).sum(axis=-1) / np.maximum(1, n)
    return generalised_entropy(n, means, alpha)

"""The maximum mean discrepancy of two samples under a Gaussian kernel, and what it is when labels are shuffled."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workbench.core.numbers import Floats


@dataclass(frozen=True)
class Discrepancy:
    """The unbiased squared discrepancy, the p of a permutation test, and mean and 95 % quantile over permutations."""

    value: float
    p_value: float
    null_mean: float
    null_quantile: float
    bandwidth: float


def squared_distances(rows: Floats) -> Floats:
    """Return the squared Euclidean distance of every two rows, 0 on the diagonal."""
    lengths = np.einsum("ij,ij->i", rows, rows)
    found = np.maximum(0.0, lengths[:, None] + lengths[None, :] - 2 * rows @ rows.T)
    np.fill_diagonal(found, 0.0)
    return np.asarray(found, np.float64)


def median_distance(squared: Floats) -> float:
    """Return the median distance of two different rows; the mean of those above 0 where over half are equal, else 1.

    Source: Gretton et al. (2012) JMLR 13:723, section 8 (the median heuristic).
    """
    pairs = np.sqrt(squared[np.triu_indices(len(squared), 1)])
    median = float(np.median(pairs)) if len(pairs) else 0.0
    if median > 0:
        return median
    above = pairs[pairs > 0]
    return float(above.mean()) if len(above) else 1.0


def discrepancy(one: Floats, two: Floats, permutations: int, seed: int) -> Discrepancy:
    """Return the discrepancy of two samples of rows, each of two rows or more, features on comparable scales.

    Formula: mean k(x, x') + mean k(y, y') - 2 mean k(x, y) over different rows, k(a, b) = exp(-|a - b|^2 / 2 h^2), h
    the median distance of the pooled rows. p = (b + 1) / (B + 1), b counting permutations that reach the value.
    Source: Gretton et al. (2012) JMLR 13:723, equation 3; Phipson and Smyth (2010) for p.
    """
    n, m = len(one), len(two)
    squared = squared_distances(np.concatenate((one, two)))
    width = median_distance(squared)
    kernel = np.exp(squared / (-2 * width * width))
    np.fill_diagonal(kernel, 0.0)
    labels = np.zeros((n + m, permutations + 1))
    labels[:n, 0] = 1.0
    rng = np.random.default_rng(seed)
    order = np.argsort(rng.random((n + m, permutations)), axis=0)
    np.put_along_axis(labels[:, 1:], order[:n], 1.0, axis=0)
    values = _statistics(kernel, labels, n, m)
    value, drawn = float(values[0]), values[1:]
    # Sums in another order differ in their last bits: a permutation that is the split itself must count as reached.
    reached = int((drawn >= value - 1e-12).sum())
    p = (reached + 1) / (permutations + 1)
    return Discrepancy(value, p, float(drawn.mean()), float(np.quantile(drawn, 0.95)), width)


def _statistics(kernel: Floats, labels: Floats, n: int, m: int) -> Floats:
    """Return the statistic of each column of 0/1 labels, from a kernel with an empty diagonal."""
    with_first = kernel @ labels
    within = np.einsum("ij,ij->j", labels, with_first)
    touching = with_first.sum(axis=0)
    across = touching - within
    others = float(kernel.sum()) - touching - across
    return np.asarray(within / (n * (n - 1)) + others / (m * (m - 1)) - 2 * across / (n * m), np.float64)

"""The difference of two areas under the ROC curve on the same rows."""

from __future__ import annotations

import math

import numpy as np

from workbench.core.intervals import Interval, normal_quantile
from workbench.core.numbers import Floats


def difference(truth: Floats, one: Floats, two: Floats, level: float = 0.95) -> tuple[float, Interval] | None:
    """Return AUC of `two` minus AUC of `one` with DeLong's interval; None under two rows of a class.

    Structural components by midranks. Source: DeLong, DeLong and Clarke-Pearson (1988) Biometrics 44:837, in the form
    of Sun and Xu (2014) IEEE Signal Processing Letters 21:1389.
    """
    positive = truth == 1
    m, n = int(positive.sum()), int((~positive).sum())
    if m < 2 or n < 2:
        return None
    parts = [_components(score[positive], score[~positive]) for score in (one, two)]
    aucs = [float(v10.mean()) for v10, _ in parts]
    of_positive = np.cov(parts[0][0], parts[1][0])
    of_negative = np.cov(parts[0][1], parts[1][1])
    spread = of_positive / m + of_negative / n
    variance = float(spread[0, 0] + spread[1, 1] - 2 * spread[0, 1])
    half = normal_quantile(level) * math.sqrt(max(0.0, variance))
    value = aucs[1] - aucs[0]
    return value, Interval(max(-1.0, value - half), min(1.0, value + half), "delong, paired")


def _components(positive: Floats, negative: Floats) -> tuple[Floats, Floats]:
    from scipy.stats import rankdata

    m, n = len(positive), len(negative)
    every = rankdata(np.concatenate((positive, negative)))
    v10 = (every[:m] - rankdata(positive)) / n
    v01 = 1 - (every[m:] - rankdata(negative)) / m
    return v10, v01

"""How many values lie outside the extremes of a sample, beyond what chance puts there."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from workbench.core.intervals import Interval
from workbench.core.numbers import Floats

METHOD = "beta-binomial"
_NODES = 128


@lru_cache(maxsize=256)
def _shares_outside(m: int) -> tuple[Floats, Floats]:
    """Return shares outside the extremes of m values and how likely each is: nodes of a Gauss-Legendre sum."""
    from scipy.special import betaincinv

    top = float(betaincinv(2, m - 1, 1 - 1e-12))
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    share = (nodes + 1) / 2 * top
    density = share * np.exp((m - 2) * np.log1p(-share)) * weights
    return share, density / density.sum()


def outside_p_value(x: int, n: int, m: int, limit: float, side: str) -> float:
    """Return the p of H0: no more (side "above") or no less ("below") than `limit` beyond chance lies outside.

    Of a continuous distribution the share outside the smallest and largest of m values is Beta(2, m - 1) distributed;
    of n new values x are outside, binomial at that share plus `limit`. Ties make the share smaller and the p larger.
    Source: Wilks (1941) Annals of Mathematical Statistics 12:91. Needs m >= 2.
    """
    from scipy.special import bdtr, bdtrc

    share, likely = _shares_outside(m)
    p = np.clip(share + limit, 0.0, 1.0)
    if side == "below":
        return float(np.clip(likely @ bdtr(x, n, p), 0.0, 1.0))
    return float(np.clip(likely @ bdtrc(x - 1, n, p), 0.0, 1.0)) if x > 0 else 1.0


def outside_interval(x: int, n: int, m: int, level: float = 0.95) -> Interval:
    """Return the interval of the share outside beyond chance: the limits that neither one-sided test rejects."""
    from scipy.optimize import brentq

    tail, value = (1 - level) / 2, x / n - 2 / (m + 1)

    def end(side: str, edge: float) -> float:
        def short(limit: float) -> float:
            return outside_p_value(x, n, m, limit, side) - tail

        return value if short(edge) >= 0 else float(brentq(short, edge, value, xtol=1e-9))

    low = value if x == 0 else end("above", -1.0)
    high = value if x == n else end("below", 1.0)
    return Interval(min(low, value), max(high, value), METHOD)

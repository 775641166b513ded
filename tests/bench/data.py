"""Synthetic but realistic tabular data for the benchmarks, from a fixed seed.

20 numeric columns (normal, log-normal, gamma, counts, heavy-tailed), 10 categorical of 2 to 200 levels, missing values
in 12, two sensitive columns, a time, a binary label, a score and a prediction. The current frame drifts in five.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

CARD = [2, 3, 4, 5, 6, 8, 12, 20, 50, 200]
NUM_MISS = {1: 0.05, 3: 0.20, 4: 0.02, 7: 0.10, 9: 0.01, 12: 0.30, 15: 0.05, 18: 0.08}
CAT_MISS = {1: 0.05, 4: 0.10, 6: 0.02, 9: 0.15}


def _numbers(n: int, current: bool, rng: np.random.Generator) -> dict[str, np.ndarray]:
    d = {}
    z = rng.standard_normal(n)  # shared latent factor
    for i in range(20):
        k = i % 5
        e = rng.standard_normal(n)
        if k == 0:
            x = 0.6 * z + 0.8 * e
        elif k == 1:
            x = np.exp(0.5 * (0.3 * z + 0.95 * e)) * 1000
        elif k == 2:
            x = rng.gamma(2.0, 1.5, n)
        elif k == 3:
            lam = 3.0 + i / 5
            if current and i == 8:
                lam *= 1.12
            x = rng.poisson(lam, n).astype("float64")
        else:
            x = rng.standard_t(4, n) * 10 + 50
        if current and i == 1:
            x = x * 1.08
        if current and i == 5:
            x = (x - x.mean()) * 1.15 + x.mean()
        d[f"num_{i:02d}"] = x
    return d


def frame(n: int, current: bool, rng: np.random.Generator) -> pd.DataFrame:
    """Return `n` rows; the current frame drifts in num_01, num_05, num_08, cat_02 and cat_05."""
    d = _numbers(n, current, rng)
    for i, c in enumerate(CARD):
        w = 1.0 / np.arange(1, c + 1) ** (0.6 + 0.05 * i)
        if current and i in (2, 5):
            w[0] *= 1.25
        w /= w.sum()
        lev = np.array([f"c{i}_{j:03d}" for j in range(c)], dtype=object)
        d[f"cat_{i:02d}"] = lev[rng.choice(c, n, p=w)]
    sex = rng.random(n) < 0.46
    reg = rng.choice(5, n, p=[0.4, 0.25, 0.18, 0.12, 0.05])
    t0 = np.datetime64("2026-01-01" if not current else "2026-01-11", "s")
    ts = t0 + np.sort(rng.integers(0, 10 * 86400, n)).astype("timedelta64[s]")
    lin = (
        -1.9
        + 0.9 * d["num_00"]
        + 0.35 * (d["num_02"] - 3)
        - 0.25 * (d["num_03"] - 3.6) / 2
        + 0.5 * (d["cat_00"] == "c0_001")
        + 0.25 * sex
        + np.array([0, 0.1, -0.1, 0.2, -0.3])[reg]
    )
    p = 1 / (1 + np.exp(-lin))
    y = (rng.random(n) < p).astype("int8")
    # the model: noisy view of lin, biased against one region
    sl = lin * 0.9 + 0.35 * rng.standard_normal(n) - 0.3 * (reg == 4) - 0.05
    score = 1 / (1 + np.exp(-sl))
    for i, m in NUM_MISS.items():
        x = d[f"num_{i:02d}"]
        x[rng.random(n) < m] = np.nan
    for i, m in CAT_MISS.items():
        x = d[f"cat_{i:02d}"]
        x[rng.random(n) < m] = None
    d["sex"] = np.where(sex, "F", "M").astype(object)
    d["region"] = np.array(["north", "south", "east", "west", "isles"], dtype=object)[reg]
    d["ts"] = ts.astype("datetime64[ns]")
    d["y"] = y
    d["score"] = score
    d["pred"] = (score >= 0.35).astype("int8")
    return pd.DataFrame(d)

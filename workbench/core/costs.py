"""The cost of decisions at many thresholds, and how optimistic it is to judge the cheapest where it was chosen.

A cost is per row with truth and score: (c_fp FP + c_fn FN - g_tp TP - g_tn TN) / n.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from workbench.core import intervals
from workbench.core.intervals import Interval
from workbench.core.numbers import Floats, Ints
from workbench.core.sweep import Sweep

_FOLDS, _REPEATS = 10, 20
_SAME = 1e-12


@dataclass(frozen=True)
class Costs:
    """What a wrong decision costs and a right one gains."""

    false_positive: float = 1.0
    false_negative: float = 1.0
    true_positive: float = 0.0
    true_negative: float = 0.0

    @property
    def weights(self) -> Floats:
        """Return the cost of a true positive, false positive, false negative and true negative."""
        return np.array([-self.true_positive, self.false_positive, self.false_negative, -self.true_negative])

    @property
    def calibrated_threshold(self) -> float:
        """Return the cheapest threshold when scores are calibrated probabilities. Source: Elkan (2001), IJCAI 973."""
        wrong, missed = self.false_positive + self.true_negative, self.false_negative + self.true_positive
        return wrong / (wrong + missed)


@dataclass(frozen=True)
class Corrected:
    """Cost at the chosen threshold and saving by it, each row judged by a threshold chosen on others."""

    cost: float
    cost_interval: Interval | None
    saving: float
    saving_interval: Interval | None


def cells(s: Sweep) -> Ints:
    """Return true positives, false positives, false negatives and true negatives at each threshold, as columns."""
    return np.stack((s.true_positives, s.false_positives, s.false_negatives, s.true_negatives), axis=-1)


def per_row(s: Sweep, costs: Costs) -> Floats:
    """Return the cost per labelled row at each threshold."""
    return np.asarray(cells(s) @ costs.weights / s.labelled)


def pointwise(s: Sweep, i: int, costs: Costs, level: float) -> Interval | None:
    """Return the t interval of the cost per row at one threshold, from the variance of the four cells' costs."""
    counts, w = cells(s)[i], costs.weights
    mean = float(counts @ w) / s.labelled
    spread = float(counts @ (w - mean) ** 2) / (s.labelled - 1) if s.labelled > 1 else math.nan
    return intervals.mean_interval(s.labelled, mean, spread, level)


def cheapest(cost: Floats, thresholds: Floats, own: float) -> int:
    """Return the index of the least cost; of equals the threshold nearest the present one."""
    return int(_cheapest(cost[None, :], thresholds, own)[0])


def _cheapest(cost: Floats, thresholds: Floats, own: float) -> Ints:
    least = cost.min(axis=1, keepdims=True)
    tied = cost <= least + _SAME * np.maximum(1.0, np.abs(least))
    return np.asarray(np.argmin(np.where(tied, np.abs(thresholds - own), np.inf), axis=1), np.int64)


def cost_interval(counts: Ints, costs: Costs, seed: int, level: float) -> Interval | None:
    """Return the multinomial bootstrap interval of a cost per row from its four cells."""
    weights = costs.weights
    return intervals.bootstrap_counts(counts, lambda t: t @ weights / t.sum(axis=1), seed=seed, level=level)


def saving_interval(s: Sweep, at: tuple[int, int], costs: Costs, seed: int, level: float) -> Interval | None:
    """Return the interval of the cost at one threshold minus that at another, on the same rows.

    Only rows between the two are decided otherwise: the bootstrap draws truth x (below, between, above).
    """
    low, high = min(at), max(at)
    if s.thresholds[low] == s.thresholds[high]:
        return Interval(0.0, 0.0, "the same decisions")
    table = []
    for total, above in ((s.positives, s.true_positives), (s.negatives, s.false_positives)):
        table += [total - above[low], above[low] - above[high], above[high]]
    w = costs.weights
    # Rows in between are selected at the lower threshold only.
    change = np.array([0, w[0] - w[2], 0, 0, w[1] - w[3], 0]) * (1 if at[0] == low else -1)
    counts = np.array(table, np.int64)
    return intervals.bootstrap_counts(counts, lambda t: t @ change / t.sum(axis=1), seed=seed, level=level)


def correct(s: Sweep, costs: Costs, own: float, seed: int, level: float) -> Corrected:
    """Return cost and saving at thresholds chosen on nine tenths of the rows and judged on the tenth left out.

    Rows of one truth and score are alike, so dealing the counts at random deals the rows: ten parts, each judged by the
    threshold that the others choose, twenty times. Source: Stone (1974) JRSS B 36:111; Efron and Gong (1983) The
    American Statistician 37:36. The intervals are those of the pooled cells.
    """
    rng = np.random.default_rng(seed)
    here = int(np.searchsorted(s.thresholds, own))
    now, every, w = cells(s)[here], [], costs.weights
    for _ in range(_REPEATS):
        parts = _parts(s, rng)
        others = parts.sum(axis=0) - parts
        cost = others @ w / np.maximum(1, others.sum(axis=-1))
        chosen = _cheapest(cost, s.thresholds, own)
        every.append(_changes(parts[np.arange(_FOLDS), chosen], parts[:, here]))
    changes = np.mean(every, axis=0)
    # A row newly selected turns a miss into a hit, or a true negative into a false positive; and back.
    gain = np.array([w[2] - w[0], w[0] - w[2], 0, w[3] - w[1], w[1] - w[3], 0])
    saving = float(changes @ gain) / s.labelled
    there = now + np.array([changes[0] - changes[1], changes[3] - changes[4], changes[1] - changes[0], 0])
    there[3] = s.labelled - there[:3].sum()
    cost_now = float(now @ w) / s.labelled
    whole, moved = np.rint(there).astype(np.int64), np.rint(changes).astype(np.int64)
    saved = intervals.bootstrap_counts(moved, lambda t: t @ gain / t.sum(axis=1), seed=seed, level=level)
    return Corrected(cost_now - saving, cost_interval(whole, costs, seed, level), saving, saved)


def _parts(s: Sweep, rng: np.random.Generator) -> Ints:
    """Deal the rows into ten parts; return the four cells of each part (first axis) at each threshold."""
    dealt = []
    for total, above in ((s.positives, s.true_positives), (s.negatives, s.false_positives)):
        blocks = np.concatenate(([total - above[0]], above[:-1] - above[1:], [above[-1]]))
        parts = rng.multinomial(blocks, np.full(_FOLDS, 1 / _FOLDS)).T
        over = np.cumsum(parts[:, ::-1], axis=1)[:, ::-1]
        dealt += [over[:, 1:], over[:, :1] - over[:, 1:]]
    return np.stack((dealt[0], dealt[2], dealt[1], dealt[3]), axis=-1)


def _changes(there: Ints, now: Ints) -> Ints:
    """Return, over the parts, rows newly selected, no longer so and decided as before: of positives, of negatives."""
    found: list[int] = []
    for side in (0, 1):
        more = there[:, side] - now[:, side]
        total = int((now[:, side] + now[:, side + 2]).sum())
        newly, gone = int(more[more > 0].sum()), int(-more[more < 0].sum())
        found += [newly, gone, total - newly - gone]
    return np.array(found, np.int64)

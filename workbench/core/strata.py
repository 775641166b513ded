"""How the truth's share has changed among rows with the same score or prediction, from counts of two sets of rows."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from workbench.core import intervals, stats
from workbench.core.intervals import Interval
from workbench.core.numbers import Floats, Ints

Scores = tuple[Floats, Ints, Ints]
"""Scores in ascending order, with the truly positive and the truly negative rows at each."""

_LEAST_OF_EACH = 5


@dataclass(frozen=True)
class Stratum:
    """Rows with like scores: n current ones of which x are positive, m of the reference of which y are.

    `expected` is the change of the positive share that the reference itself leads one to expect, because the scores
    lie elsewhere within the stratum now; `score` and `reference_score` are the mean scores.
    """

    label: str
    n: int
    x: int
    m: int
    y: int
    expected: float = 0.0
    score: float = math.nan
    reference_score: float = math.nan

    def change(self, level: float) -> tuple[float, Interval]:
        """Return the change of the positive share beyond the expected, with Newcombe's interval moved by that."""
        found = intervals.newcombe_difference(self.x, self.n, self.y, self.m, level)
        low, high = (-1.0, 1.0) if found is None else (found.low, found.high)
        value = self.x / self.n - self.y / self.m - self.expected
        return value, Interval(low - self.expected, high - self.expected, "newcombe")

    @property
    def square(self) -> float | None:
        """Return the squared score statistic of no change (Pearson's for nothing expected); None without a spread."""
        p = (self.x + self.y) / (self.n + self.m)
        variance = p * (1 - p) * (1 / self.n + 1 / self.m)
        return (self.x / self.n - self.y / self.m - self.expected) ** 2 / variance if variance > 0 else None


@dataclass(frozen=True)
class Line:
    """The positive share at a score: a logistic line on the score's log-odds.

    Scores outside 0..1 are first put on a scale of their own; without a finite line the share is the same everywhere.
    """

    intercept: float
    slope: float = 0.0
    scale: tuple[float, float] | None = None

    @classmethod
    def of(cls, table: Scores) -> Line:
        """Return the line of the truth of some scored rows, at least one."""
        values, positive, negative = table
        scale = None if values[0] >= 0 and values[-1] <= 1 else _middle(values, positive + negative)
        flat = math.log((float(positive.sum()) + 0.5) / (float(negative.sum()) + 0.5))
        odds = cls(flat, 0.0, scale)._odds(values)
        fit = stats.calibration_slope_intercept(1 / (1 + np.exp(-odds)), positive, negative)
        return cls(flat, 0.0, scale) if fit is None else cls(fit[1], fit[0], scale)

    def _odds(self, scores: Floats) -> Floats:
        if self.scale is not None:
            return np.clip((scores - self.scale[0]) / self.scale[1], -25, 25)
        p = np.clip(scores, 1e-12, 1 - 1e-12)
        return np.asarray(np.log(p / (1 - p)), np.float64)

    def at(self, scores: Floats) -> Floats:
        """Return the positive share at each score."""
        odds = np.clip(self.intercept + self.slope * self._odds(scores), -35, 35)
        return np.asarray(1 / (1 + np.exp(-odds)), np.float64)


def _middle(values: Floats, n: Ints) -> tuple[float, float]:
    centre = float((values * n).sum() / n.sum())
    spread = math.sqrt(float(((values - centre) ** 2 * n).sum() / n.sum()))
    return centre, spread or 1.0


def edges_of(current: Scores, reference: Scores, bins: int, least: int) -> Floats:
    """Return the lower edges of bins of scores between pooled quantiles, merged until each is filled on both sides.

    Filled: `least` rows on each side, and five positives and negatives on both together. The first edge is -infinity.
    """
    values = np.union1d(current[0], reference[0])
    tables = np.zeros((4, len(values) + 1))
    for i, (v, positive, negative) in enumerate((current, reference)):
        at = np.searchsorted(values, v) + 1
        tables[2 * i, at], tables[2 * i + 1, at] = positive, negative
    x, not_x, y, not_y = np.cumsum(tables, axis=1)
    # What a bin must hold: rows in all, rows of each side, positives and negatives.
    held = (x + not_x + y + not_y, x + not_x, y + not_y, x + y, not_x + not_y)
    wanted = (held[0][-1] / bins, least, least, _LEAST_OF_EACH, _LEAST_OF_EACH)
    edges, start = [-math.inf], 0
    while True:
        ends = [int(np.searchsorted(h, h[start] + w, side="left")) for h, w in zip(held, wanted, strict=True)]
        end = max(ends)
        if end >= len(values) or any(h[-1] - h[end] < w for h, w in zip(held[1:], wanted[1:], strict=True)):
            return np.array(edges)
        edges.append(float(values[end]))
        start = end


def score_strata(current: Scores, reference: Scores, bins: int, least: int) -> list[Stratum]:
    """Return the strata of labelled rows by score, over the scores that the reference has; none without rows."""
    if not len(reference[0]):
        return []
    low, high = float(reference[0][0]), float(reference[0][-1])
    current = within(current, low, high)
    if not len(current[0]):
        return []
    edges, line = edges_of(current, reference, bins, least), Line.of(reference)
    now, then = (_in_bins(table, edges, line) for table in (current, reference))
    found = []
    for k in range(len(edges)):
        if not now[k, 0] or not then[k, 0]:
            continue
        n, x, m, y = (int(v) for v in (now[k, 0], now[k, 1], then[k, 0], then[k, 1]))
        expected, label = float(now[k, 3] - then[k, 3]), bin_words("score", edges, k)
        found.append(Stratum(label, n, x, m, y, expected, float(now[k, 2]), float(then[k, 2])))
    return found


def bin_words(name: str, edges: Sequence[float] | Floats, at: int) -> str:
    """Return a bin as a condition: from its edge up to, not including, the next; the first and last are open."""
    if len(edges) == 1:
        return f"any {name}"
    if at == 0:
        return f"{name} < {edges[1]:.4g}"
    return f"{name} >= {edges[at]:.4g}" if at + 1 == len(edges) else f"{edges[at]:.4g} <= {name} < {edges[at + 1]:.4g}"


def within(table: Scores, low: float, high: float) -> Scores:
    """Return the part of a table of scores that lies between two scores, these included."""
    values, positive, negative = table
    kept = (values >= low) & (values <= high)
    return values[kept], positive[kept], negative[kept]


def _in_bins(table: Scores, edges: Floats, line: Line) -> Floats:
    """Return, for each bin, rows, positives, and the means of score and expected share."""
    values, positive, negative = table
    at = np.searchsorted(edges, values, side="right") - 1
    rows = (positive + negative).astype(np.float64)
    n, x = (np.bincount(at, weights=w, minlength=len(edges)) for w in (rows, positive))
    sums = [np.bincount(at, weights=rows * v, minlength=len(edges)) for v in (values, line.at(values))]
    return np.stack((n, x, *(s / np.maximum(1, n) for s in sums)), axis=1)


def standardised(strata: Sequence[Stratum], level: float) -> tuple[float, Interval] | None:
    """Return the mean change over the strata, weighed by their current rows, with MOVER's interval; None without any.

    Formula: with change d, ends l, u and weight w of each stratum, sum w d -+ sqrt(sum w^2 (d - l)^2), upper alike.
    Source: direct standardisation; Zou and Donner (2008) Statistics in Medicine 27:1693 for the interval.
    """
    total = sum(s.n for s in strata)
    if not total:
        return None
    value = low = high = 0.0
    for s in strata:
        change, ends = s.change(level)
        w = s.n / total
        value += w * change
        low += (w * (change - ends.low)) ** 2
        high += (w * (ends.high - change)) ** 2
    return value, Interval(value - math.sqrt(low), value + math.sqrt(high), "mover, newcombe")


def chi_square(squares: Sequence[float | None]) -> tuple[float, int, float]:
    """Return the sum of squared statistics, its degrees of freedom and the p of no change in any stratum."""
    from scipy.special import chdtrc

    known = [s for s in squares if s is not None]
    statistic = math.fsum(known)
    return statistic, len(known), float(chdtrc(len(known), statistic)) if known else 1.0


def slope_of(table: Scores) -> tuple[float, float] | None:
    """Return the slope of the truth's log-odds on the score's and its standard error, None without a finite line.

    The error holds where the line does not: information^-1 (sum of (truth - share)^2 x x') information^-1, x being 1
    and the score's log-odds. Source: Cox (1958); White (1982) Econometrica 50:1.
    """
    values, positive, negative = table
    fit = stats.calibration_slope_intercept(values, positive, negative) if len(values) else None
    if fit is None:
        return None
    line = Line(fit[1], fit[0])
    design, share = np.stack((np.ones(len(values)), line._odds(values)), axis=1), line.at(values)
    weights = (positive + negative) * share * (1 - share)
    squares = positive * (1 - share) ** 2 + negative * share**2
    bread = np.linalg.pinv(design.T @ (design * weights[:, None]))
    covariance = bread @ (design.T @ (design * squares[:, None])) @ bread
    return fit[0], math.sqrt(max(0.0, float(covariance[1, 1])))


def calibrated(scores: Floats, truth: Floats, bins: int = 20) -> Callable[[Floats], Floats]:
    """Return the positive share at a score as rows have it: their logistic line, corrected in each of their bins."""
    order = np.argsort(scores, kind="stable")
    s, t = scores[order], truth[order]
    line = Line.of((s, t.astype(np.int64), (1 - t).astype(np.int64)))
    edges = np.unique(np.quantile(s, np.arange(1, bins) / bins, method="higher"))
    at = np.searchsorted(edges, s, side="right")
    counts = np.maximum(1, np.bincount(at, minlength=len(edges) + 1))
    corrections = np.bincount(at, weights=t - line.at(s), minlength=len(edges) + 1) / counts
    return lambda x: np.clip(line.at(x) + corrections[np.searchsorted(edges, x, side="right")], 0.0, 1.0)


def by_value(given: Floats, outcome: Floats) -> Callable[[Floats], Floats]:
    """Return the mean outcome of the rows that have the same value; their overall mean for a value they lack."""
    values, at = np.unique(given, return_inverse=True)
    means = np.bincount(at, weights=outcome) / np.maximum(1, np.bincount(at))
    overall = float(outcome.mean())

    def expected(x: Floats) -> Floats:
        place = np.minimum(np.searchsorted(values, x), len(values) - 1)
        return np.asarray(np.where(values[place] == x, means[place], overall), np.float64)

    return expected

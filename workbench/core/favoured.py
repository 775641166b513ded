"""How often groups get the favourable outcome, and each group's rate over that of the group that gets it most often."""

from __future__ import annotations

from collections.abc import Iterable

from workbench.core import intervals
from workbench.core.finding import Measure
from workbench.core.joint import Confusion
from workbench.core.rates import Fraction, Grouping, with_interval


def favoured(counts: Confusion, positive: bool) -> Fraction:
    """Return how many rows get the favourable outcome, and of how many with a prediction."""
    return (counts.selected if positive else counts.predicted - counts.selected), counts.predicted


def compared_fractions(grouping: Grouping, positive: bool) -> list[Fraction]:
    """Return the fractions of the groups that enter comparisons and have a prediction."""
    return [f for g in grouping.groups if g.compared and (f := favoured(g.counts, positive))[1]]


def most_favoured(fractions: Iterable[Fraction]) -> Fraction | None:
    """Return the fraction with the highest rate, or None when there is none."""
    return max((f for f in fractions if f[1]), key=lambda f: f[0] / f[1], default=None)


def impact_ratio_measure(
    x: int, n: int, best: Fraction | None, column: str, label: str, level: float, outcome: str = "prediction"
) -> Measure:
    """Return the unrounded rate x / n over the highest rate with its MOVER-R interval; undefined says why."""
    if not n or best is None or not best[0]:
        why = f"0/0: no row of the group has a {outcome}" if not n else "no group has the favourable outcome"
        return Measure("impact_ratio", None, column, label, n=n, unit="ratio", undefined_because=why)
    ratio = Measure("impact_ratio", (x / n) / (best[0] / best[1]), column, label, n=n, unit="ratio")
    if (x, n) == best:
        return ratio
    return with_interval(ratio, intervals.ratio_mover_r(x, n, *best, level))

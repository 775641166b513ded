"""What decisions cost and how well they do at each threshold of a record, from its counts of all rows alone."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from workbench.audit.record import Record
from workbench.audit.threshold import (
    audited_threshold,
    confusion_of,
    counts_at_thresholds,
    nearest,
    thresholds,
)
from workbench.core.costs import (
    Corrected,
    Costs,
    cells,
    cheapest,
    correct,
    cost_interval,
    per_row,
    pointwise,
    saving_interval,
)
from workbench.core.finding import Measure
from workbench.core.intervals import Interval
from workbench.core.joint import Confusion
from workbench.core.rates import rate_measure, with_interval
from workbench.core.sweep import Sweep

UNIT = "cost per row"
SEED = 0
"""Intervals of costs are bootstrapped with this seed, so that the same question has the same answer."""


@dataclass(frozen=True)
class Point:
    """One threshold on a curve: x, y and the interval of y; None where the rate is undefined."""

    threshold: float | None
    x: float | None
    y: float | None
    low: float | None
    high: float | None


def _overall(record: Record) -> dict[float, Confusion]:
    evidence = counts_at_thresholds(record)
    if evidence is None:
        return {}
    rows = (dict(zip(evidence.columns, row, strict=True)) for row in evidence.rows)
    return {float(r["threshold"] or 0): confusion_of(r) for r in rows if not r["group"]}


class Tradeoffs:
    """The counts of all rows at the record's thresholds; `known` says whether there are any with truth and score."""

    def __init__(self, record: Record) -> None:
        self.level = float(record.policy.get("level", 0.95))
        self.thresholds = thresholds(record)
        self.audited = audited_threshold(record)
        self._counts = _overall(record)

    @property
    def known(self) -> bool:
        """Say whether there are rows with truth and score."""
        return any(c.labelled for c in self._counts.values())

    def at(self, threshold: float | None) -> float:
        """Return the threshold of the record that is nearest to one; the audit's for None."""
        return nearest(self.thresholds, float(self.audited or 0) if threshold is None else threshold)

    def counts(self, threshold: float) -> Confusion:
        """Return the counts at one of the record's thresholds."""
        return self._counts[threshold]

    @cached_property
    def sweep(self) -> Sweep:
        """Return the counts of all rows as the arithmetic of costs takes them."""
        every = [self._counts[t] for t in self.thresholds]
        one = every[0]
        unlabelled = [c.selected - c.tp - c.fp for c in every]
        tp, fp, unknown = (np.array(v, np.int64) for v in ([c.tp for c in every], [c.fp for c in every], unlabelled))
        points = np.array(self.thresholds)
        negatives = one.labelled - one.positives
        return Sweep(points, tp, fp, unknown, one.positives, negatives, one.predicted - one.labelled)

    # ------------------------------------------------------------------------ costs

    def cost(self, threshold: float, costs: Costs) -> Measure:
        """Return the cost per row at a threshold with its multinomial bootstrap interval."""
        i, s = self.thresholds.index(threshold), self.sweep
        value = float(per_row(s, costs)[i])
        return _cost("expected_cost", value, cost_interval(cells(s)[i], costs, SEED, self.level), s.labelled)

    def saving(self, there: float, costs: Costs) -> Measure:
        """Return the cost at the audit's threshold minus that at another, on the same rows."""
        s, at = self.sweep, tuple(self.thresholds.index(t) for t in (self.at(None), there))
        cost = per_row(s, costs)
        interval = saving_interval(s, (at[0], at[1]), costs, SEED, self.level)
        return _cost("saving", float(cost[at[0]] - cost[at[1]]), interval, s.labelled)

    def cheapest(self, costs: Costs) -> float:
        """Return the threshold of the record that costs least; of equals the nearest to the audit's."""
        s = self.sweep
        return self.thresholds[cheapest(per_row(s, costs), s.thresholds, self.at(None))]

    def corrected(self, costs: Costs) -> Corrected:
        """Return what the cheapest threshold would save, judged on rows that did not choose it."""
        return correct(self.sweep, costs, self.at(None), SEED, self.level)

    def curve(self, costs: Costs) -> list[Point]:
        """Return the cost per row at every threshold with t intervals, pointwise."""
        values, found = per_row(self.sweep, costs), []
        for i, t in enumerate(self.thresholds):
            ends = pointwise(self.sweep, i, costs, self.level)
            low, high = (None, None) if ends is None else (ends.low, ends.high)
            found.append(Point(t, t, float(values[i]), low, high))
        return found

    # ------------------------------------------------------------------------ curves

    def roc(self) -> list[Point]:
        """Return (false positive rate, true positive rate) at each threshold, from nothing to everything selected."""
        return [Point(None, 0.0, 0.0, None, None), *(self.roc_at(t) for t in reversed(self.thresholds))]

    def roc_at(self, threshold: float) -> Point:
        """Return the point of the ROC curve at a threshold."""
        return self._point(threshold, "false_positive_rate", "true_positive_rate")

    def precision_recall(self) -> list[Point]:
        """Return (recall, precision) at each threshold, where something is selected."""
        return [p for t in reversed(self.thresholds) if (p := self.precision_recall_at(t)).y is not None]

    def precision_recall_at(self, threshold: float) -> Point:
        """Return the point of the precision-recall curve at a threshold."""
        return self._point(threshold, "true_positive_rate", "precision")

    def _point(self, threshold: float, x: str, y: str) -> Point:
        one, two = (rate_measure(name, self._counts[threshold], self.level) for name in (x, y))
        return Point(threshold, one.value, two.value, two.low, two.high)


def costs_of(question: object) -> Costs | str:
    """Read costs and gains from plain data; a sentence that says what is wrong where they are not usable."""
    given = question if isinstance(question, dict) else {}
    values = []
    for name, default in (("fp", 1.0), ("fn", 1.0), ("tp", 0.0), ("tn", 0.0)):
        value = given.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= 1e12:
            return "Costs and gains must be numbers."
        values.append(float(value))
    costs = Costs(*values)
    if costs.false_positive + costs.true_negative <= 0 or costs.false_negative + costs.true_positive <= 0:
        return "A wrong decision must cost more than a right one, for positives and for negatives."
    return costs


def _cost(name: str, value: float, interval: Interval | None, n: int) -> Measure:
    if interval is not None:
        # The half added to each cell moves the draws inwards: with few rows they may miss an extreme value.
        interval = Interval(min(value, interval.low), max(value, interval.high), interval.method)
    return with_interval(Measure(name, value, n=n, unit=UNIT), interval)

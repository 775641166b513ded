"""Choosing on some rows and judging on others: the reference and the current data, or two halves dealt from counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from workbench.core import intervals
from workbench.core.finding import Measure
from workbench.core.intervals import Interval
from workbench.core.joint import Group, JointCounts
from workbench.core.numbers import NumberCounts
from workbench.core.rates import Fraction, Grouping, with_interval
from workbench.core.subject import Subject
from workbench.core.sweep import Sweep, sweep

ON_REFERENCE = "chosen on the reference, judged on the current data"
ON_HALVES = "chosen on one half of the rows, judged on the other"


def learn_and_judge(subject: Subject) -> tuple[JointCounts, JointCounts, str]:
    """Return where to choose, where to judge, and in words which: never the same rows."""
    other = None if subject.reference is None else subject.reference.joint
    if other is not None and other.has_truth and other.has_score and other.all_scores.n:
        return other, subject.joint, ON_REFERENCE
    return (*dealt(subject.joint, subject.seed), ON_HALVES)


def dealt(joint: JointCounts, seed: int) -> tuple[JointCounts, JointCounts]:
    """Deal the rows into two halves at random: rows of one group, truth, prediction and score are alike."""
    rng = np.random.default_rng(seed % 2**64)
    rows: tuple[dict[tuple[int, int, int], int], ...] = ({}, {})
    scores: tuple[dict[tuple[int, int, int], NumberCounts], ...] = ({}, {})
    for key, total in sorted(joint.rows.items()):
        table = joint.scores.get(key, NumberCounts())
        first = rng.binomial(table.counts, 0.5)
        ends = rng.binomial(table.infinite, 0.5)
        scored = table.n + sum(table.infinite)
        unscored = int(rng.binomial(total - scored, 0.5))
        sides = (first, ends, unscored), (table.counts - first, table.infinite - ends, total - scored - unscored)
        for half, (counts, infinite, rest) in enumerate(sides):
            scores[half][key] = _part(table, counts, (int(infinite[0]), int(infinite[1])))
            rows[half][key] = int(counts.sum() + infinite.sum()) + rest
    one, two = (replace(joint, rows=rows[h], scores=scores[h]) for h in (0, 1))
    return one, two


def _part(table: NumberCounts, counts: np.ndarray, infinite: tuple[int, int]) -> NumberCounts:
    kept = counts > 0
    arrays = (table.keys[kept], counts[kept], table.lows[kept], table.highs[kept])
    return NumberCounts(table.shift, *arrays, None, None, infinite)


def judged(
    joint: JointCounts,
    grouping: Grouping,
    thresholds: Mapping[Group, float],
    own: float,
    rates: Sequence[str],
    level: float,
) -> tuple[list[Measure], Measure | None]:
    """Return the changes of accuracy and balanced accuracy from threshold `own` to each group's, and the gap there.

    Changes are paired: only rows between the two thresholds are decided otherwise.
    """
    members = joint.members(grouping.columns)
    sweeps = {g: sweep(joint, [own, thresholds.get(g, own)], cells) for g, cells in members.items()}
    hits, false = _moved(sweeps.values(), "true_positives"), _moved(sweeps.values(), "false_positives")
    positives, negatives = (sum(getattr(s, k) for s in sweeps.values()) for k in ("positives", "negatives"))
    right, wrong, n = hits[0] + false[1], hits[1] + false[0], positives + negatives
    accuracy = _change("accuracy_change", right, wrong, n, grouping.column, level)
    balanced = _balanced(hits, false, positives, negatives, grouping.column, level)
    return [accuracy, balanced], _gap(grouping, sweeps, rates, level)


def _moved(sweeps: object, side: str) -> tuple[int, int]:
    """Return how many rows of that truth are newly selected, and how many no longer."""
    more = fewer = 0
    for s in sweeps:  # type: ignore[attr-defined]
        now, there = getattr(s, side).tolist()
        more, fewer = more + max(0, there - now), fewer + max(0, now - there)
    return more, fewer


def _change(name: str, up: int, down: int, n: int, column: str, level: float) -> Measure:
    value = (up - down) / n if n else None
    why = "" if n else "no row has truth and score"
    m = Measure(name, value, column, n=n, unit="share", undefined_because=why)
    return with_interval(m, intervals.paired_difference(up, down, n, level))


def _balanced(
    hits: tuple[int, int], false: tuple[int, int], positives: int, negatives: int, column: str, level: float
) -> Measure:
    name, n = "balanced_accuracy_change", positives + negatives
    one, two = (intervals.paired_difference(*side, k, level) for side, k in ((hits, positives), (false, negatives)))
    if one is None or two is None:
        why = "a class does not occur among the rows with truth and score"
        return Measure(name, None, column, n=n, unit="share", undefined_because=why)
    up, down = (hits[0] - hits[1]) / positives, (false[0] - false[1]) / negatives
    both = intervals.mover_difference(up, one, down, two)
    ends = Interval(both.low / 2, both.high / 2, "tango, mover-d")
    return with_interval(Measure(name, (up - down) / 2, column, n=n, unit="share"), ends)


_OF_RATE = {
    "selection_rate": lambda s: (int(s.selected[1]), s.scored),
    "true_positive_rate": lambda s: (int(s.true_positives[1]), s.positives),
    "false_positive_rate": lambda s: (int(s.false_positives[1]), s.negatives),
}


def _gap(grouping: Grouping, sweeps: Mapping[Group, Sweep], rates: Sequence[str], level: float) -> Measure | None:
    families: list[list[Fraction]] = []
    for rate in rates:
        pairs = [_OF_RATE[rate](sweeps[g.values]) for g in grouping.groups if g.compared]
        families.append([p for p in pairs if p[1]])
    if any(len(family) < 2 for family in families):
        return None
    found = (
        intervals.combine_gaps(families, level) if len(families) > 1 else intervals.gap_difference(families[0], level)
    )
    if found is None:
        return None
    n = sum(f[1] for family in families for f in family)
    return with_interval(Measure("disparity", found[0], grouping.column, n=n, unit="share"), found[1])

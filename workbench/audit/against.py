"""Every group's rate held against one: the largest group's, a named group's, or that of all rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from workbench.core.finding import Measure
from workbench.core.rates import GroupCounts, Grouping, compared, fraction, rate_measure, to_overall, to_reference

LARGEST, OVERALL = "largest", "overall"


@dataclass(frozen=True)
class Against:
    """What every compared group is held against (a group, or None for all rows), and by label (difference, ratio).

    `each` is the level of one interval, so that together they hold at the audit's level.
    """

    reference: GroupCounts | None
    rate: Measure
    pairs: Mapping[str, tuple[Measure, Measure]]
    each: float

    @property
    def method(self) -> str:
        """Return how the intervals were made, in words."""
        how = (
            "each group against the rest, scaled to all rows"
            if self.reference is None
            else "each group against the reference"
        )
        many = (
            f", each at {100 * self.each:.4g} % so that all {self._many} hold at once (Šidák)" if self._many > 1 else ""
        )
        return f"Newcombe's interval for differences and MOVER-R's for ratios, {how}{many}"

    @property
    def _many(self) -> int:
        return len(self.pairs) - (self.reference is not None)


def against(grouping: Grouping, rate: str, wanted: str, level: float) -> Against | None:
    """Return every compared group against the one that is wanted; None when there is nothing to compare.

    `wanted` is "largest", "overall" or a group's label; a label of another grouping means the largest. Intervals are
    those of `bias.group_rates`, each at level^(1/m) for the m comparisons. Source: Šidák (1967) JASA 62:626.
    """
    usable = [g for g, _ in compared(grouping, rate)]
    if len(usable) < 2:
        return None
    reference = None if wanted == OVERALL else _reference(usable, wanted)
    each = level ** (1 / max(1, len(usable) - (reference is not None)))
    pairs = {}
    for g in usable:
        found = (
            to_overall(rate, g, grouping, each)
            if reference is None
            else to_reference(rate, g, reference, grouping.column, each)
        )
        pairs[g.label] = (found[0], found[1])
    counts = grouping.overall if reference is None else reference.counts
    return Against(reference, rate_measure(rate, counts, level), pairs, each)


def _reference(usable: list[GroupCounts], wanted: str) -> GroupCounts:
    named = next((g for g in usable if g.label == wanted), None)
    return named or max(usable, key=lambda g: (g.counts.rows, g.label))


def within(m: Measure, limit: float) -> str:
    """Return what an interval of a difference says of a limit in both directions: pass, fail or cannot_tell."""
    if m.value is None or m.low is None or m.high is None:
        return "cannot_tell"
    if -limit <= m.low and m.high <= limit:
        return "pass"
    return "fail" if m.low > limit or m.high < -limit else "cannot_tell"


def farthest(found: Against, grouping: Grouping, rate: str, most: int) -> list[GroupCounts]:
    """Return at most so many groups in the grouping's order: the reference, then those farthest from it."""

    def distance(g: GroupCounts) -> tuple[bool, float, int]:
        x, n = fraction(rate, g.counts)
        same = found.reference is not None and g.label == found.reference.label
        return same, abs(x / n - float(found.rate.value or 0)) if n and g.compared else -1.0, g.counts.rows

    if len(grouping.groups) <= most:
        return list(grouping.groups)
    kept = {g.label for g in sorted(grouping.groups, key=distance, reverse=True)[:most]}
    return [g for g in grouping.groups if g.label in kept]

"""Rates of a confusion table and their comparison between groups (STATISTICS sections 1 and 3)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from workbench.core import intervals
from workbench.core.finding import Measure, column_label, group_label
from workbench.core.intervals import Interval
from workbench.core.joint import Confusion, Group, JointCounts

Fraction = tuple[int, int]

RATES: Mapping[str, tuple[Callable[[Confusion], int], Callable[[Confusion], int], str]] = {
    "selection_rate": (lambda c: c.selected, lambda c: c.predicted, "no row has a prediction"),
    "true_positive_rate": (lambda c: c.tp, lambda c: c.tp + c.fn, "no row is truly positive"),
    "false_positive_rate": (lambda c: c.fp, lambda c: c.fp + c.tn, "no row is truly negative"),
    "false_negative_rate": (lambda c: c.fn, lambda c: c.tp + c.fn, "no row is truly positive"),
    "true_negative_rate": (lambda c: c.tn, lambda c: c.fp + c.tn, "no row is truly negative"),
    "precision": (lambda c: c.tp, lambda c: c.tp + c.fp, "no row is predicted positive"),
    "negative_predictive_value": (lambda c: c.tn, lambda c: c.tn + c.fn, "no row is predicted negative"),
    "false_discovery_rate": (lambda c: c.fp, lambda c: c.tp + c.fp, "no row is predicted positive"),
    "false_omission_rate": (lambda c: c.fn, lambda c: c.tn + c.fn, "no row is predicted negative"),
    "accuracy": (lambda c: c.tp + c.tn, lambda c: c.tp + c.fp + c.fn + c.tn, "no row has truth and prediction"),
    "prevalence": (lambda c: c.positives, lambda c: c.labelled, "no row has a truth"),
}
"""Name -> (numerator, denominator, why it is undefined when the denominator is 0)."""

WITHOUT_TRUTH = ("selection_rate",)
COUNTS: Mapping[str, Callable[[Confusion], int]] = {
    "true_positives": lambda c: c.tp,
    "false_positives": lambda c: c.fp,
    "false_negatives": lambda c: c.fn,
    "true_negatives": lambda c: c.tn,
}


@dataclass(frozen=True, slots=True)
class GroupCounts:
    """One group of a grouping: its values, label and counts; `compared` is why it may enter comparisons, or not."""

    values: Group
    label: str
    counts: Confusion
    compared: bool


@dataclass(frozen=True, slots=True)
class Grouping:
    """All groups that the values of some sensitive columns form; a missing value is a group, never an extreme."""

    columns: tuple[str, ...]
    groups: tuple[GroupCounts, ...]
    overall: Confusion

    @property
    def column(self) -> str:
        """Return the label of the columns."""
        return column_label(self.columns)

    @property
    def small(self) -> int:
        """Return how many groups with rows and known values are too small to be compared."""
        return sum(not g.compared and None not in g.values for g in self.groups)


def groupings(joint: JointCounts, minimum: int, depth: int = 2) -> Iterator[Grouping]:
    """Yield every sensitive column's groups, then those of their intersections up to `depth` columns."""
    for columns in joint.groupings(depth):
        groups = []
        for values, cells in joint.members(columns).items():
            counts = joint.confusion(cells)
            compared = counts.rows >= minimum and None not in values
            groups.append(GroupCounts(values, group_label(columns, values), counts, compared))
        yield Grouping(columns, tuple(groups), joint.confusion())


def fraction(rate: str, counts: Confusion) -> Fraction:
    """Return a rate's numerator and denominator."""
    numerator, denominator, _ = RATES[rate]
    return numerator(counts), denominator(counts)


def measure(
    name: str,
    x: int,
    n: int,
    interval: Interval | None,
    *,
    column: str = "",
    group: str = "",
    window: str = "",
    why: str = "",
) -> Measure:
    """Return the share x / n as a measure; undefined with the reason `why` when n is 0."""
    return with_interval(
        Measure(
            name, x / n if n else None, column, group, window, n=n, unit="share", undefined_because="" if n else why
        ),
        interval,
    )


def with_interval(m: Measure, interval: Interval | None) -> Measure:
    """Return the measure with its interval, when there is one and the value is defined."""
    if interval is None or m.value is None:
        return m
    ends = (interval.low, interval.high, interval.method)
    # Written out: dataclasses.replace is ten times slower, and this runs thousands of times.
    head = (m.name, m.value, m.column, m.group, m.window, m.where)
    return Measure(*head, *ends, m.n, m.unit, m.error_bound, m.undefined_because)


def rate_measure(
    rate: str, counts: Confusion, level: float, *, column: str = "", group: str = "", window: str = ""
) -> Measure:
    """Return a rate with its Wilson interval and its own denominator as n."""
    x, n = fraction(rate, counts)
    why = f"0/0: {RATES[rate][2]}"
    return measure(rate, x, n, intervals.wilson(x, n, level), column=column, group=group, window=window, why=why)


def compared(grouping: Grouping, rate: str) -> list[tuple[GroupCounts, Fraction]]:
    """Return the groups that enter comparisons of a rate, with numerator and denominator."""
    pairs = [(g, fraction(rate, g.counts)) for g in grouping.groups if g.compared]
    return [(g, f) for g, f in pairs if f[1]]


def gap_measures(name: str, column: str, fractions: Sequence[Fraction], level: float) -> list[Measure]:
    """Return `name_difference` (largest minus smallest) and `name_ratio` (smallest over largest) over the groups."""
    n = sum(f[1] for f in fractions)
    found = []
    for suffix, function in (("difference", intervals.gap_difference), ("ratio", intervals.gap_ratio)):
        answer = function(list(fractions), level) if len(fractions) > 1 else None
        unit = "share" if suffix == "difference" else "ratio"
        if answer is None:
            why = "fewer than two groups can be compared" if len(fractions) < 2 else "0/0: the rate is 0 in every group"
            found.append(Measure(f"{name}_{suffix}", None, column, n=n, unit=unit, undefined_because=why))
        else:
            found.append(with_interval(Measure(f"{name}_{suffix}", answer[0], column, n=n, unit=unit), answer[1]))
    return found


def to_overall(rate: str, group: GroupCounts, grouping: Grouping, level: float) -> list[Measure]:
    """Return one group's difference from and ratio to the overall rate (group minus overall, group over overall)."""
    (x, n), (x_all, n_all) = fraction(rate, group.counts), fraction(rate, grouping.overall)
    return _pair(
        f"{rate}_to_overall",
        group.label,
        grouping.column,
        (x, n, x_all, n_all),
        (
            intervals.group_to_overall_difference(x, n, x_all, n_all, level),
            intervals.group_to_overall_ratio(x, n, x_all, n_all, level),
        ),
    )


def to_reference(rate: str, group: GroupCounts, reference: GroupCounts, column: str, level: float) -> list[Measure]:
    """Return one group's difference from and ratio to a named reference group's rate."""
    (x, n), (x_ref, n_ref) = fraction(rate, group.counts), fraction(rate, reference.counts)
    same: tuple[Interval | None, Interval | None]
    if group is reference:
        same = Interval(0.0, 0.0, "itself"), Interval(1.0, 1.0, "itself")
    else:
        same = (
            intervals.newcombe_difference(x, n, x_ref, n_ref, level),
            intervals.ratio_mover_r(x, n, x_ref, n_ref, level),
        )
    return _pair(f"{rate}_to_reference", group.label, column, (x, n, x_ref, n_ref), same)


def _pair(
    name: str,
    label: str,
    column: str,
    counts: tuple[int, int, int, int],
    limits: tuple[Interval | None, Interval | None],
) -> list[Measure]:
    x, n, x_other, n_other = counts
    defined = n > 0 and n_other > 0
    why = "" if defined else "0/0: the rate is undefined in the group or in what it is compared with"
    difference = x / n - x_other / n_other if defined else None
    ratio = (x / n) / (x_other / n_other) if defined and x_other else None
    ratio_why = why or ("" if x_other else "the rate compared with is 0")
    return [
        with_interval(
            Measure(f"{name}_difference", difference, column, label, n=n, unit="share", undefined_because=why),
            limits[0],
        ),
        with_interval(
            Measure(f"{name}_ratio", ratio, column, label, n=n, unit="ratio", undefined_because=ratio_why), limits[1]
        ),
    ]


def worst_to_overall(rate: str, grouping: Grouping, level: float) -> list[Measure]:
    """Return the largest absolute difference from overall and the smallest folded ratio min(r, 1/r) to overall.

    Intervals hold for all groups at once (each at the Bonferroni level), then the extremes of their ends are taken.
    """
    pairs = compared(grouping, rate)
    each = 1 - (1 - level) / max(1, len(pairs))
    measures = [to_overall(rate, g, grouping, each) for g, _ in pairs]
    differences = [m[0] for m in measures if m[0].value is not None]
    ratios = [m[1] for m in measures if m[1].value is not None]
    n = sum(f[1] for _, f in pairs)
    return [
        _worst(f"{rate}_to_overall_difference", grouping.column, n, differences, _absolute, max, "share"),
        _worst(f"{rate}_to_overall_ratio", grouping.column, n, ratios, _folded, min, "ratio"),
    ]


def _worst(
    name: str,
    column: str,
    n: int,
    measures: Sequence[Measure],
    fold: Callable[[float, float, float], tuple[float, float, float]],
    extreme: Callable[[list[float]], float],
    unit: str,
) -> Measure:
    if not measures:
        return Measure(name, None, column, n=n, unit=unit, undefined_because="no group can be compared with overall")
    parts = [fold(float(m.value or 0), *_ends(m)) for m in measures]
    value, low, high = (extreme([p[i] for p in parts]) for i in range(3))
    return Measure(name, value, column, low=low, high=high, method="bonferroni", n=n, unit=unit)


def _ends(m: Measure) -> tuple[float, float]:
    value = float(m.value or 0)
    return (value if m.low is None else m.low, value if m.high is None else m.high)


def _absolute(value: float, low: float, high: float) -> tuple[float, float, float]:
    crosses = low <= 0 <= high
    return abs(value), 0.0 if crosses else min(abs(low), abs(high)), max(abs(low), abs(high))


def _folded(value: float, low: float, high: float) -> tuple[float, float, float]:
    folds = [min(v, 1 / v) if v > 0 else 0.0 for v in (low, high)]
    return (
        min(value, 1 / value) if value > 0 else 0.0,
        min(folds),
        1.0 if low <= 1 <= high else max(folds),
    )

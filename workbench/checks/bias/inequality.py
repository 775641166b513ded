"""How unequally decisions serve people, and how much of that lies between groups."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from workbench.core import intervals
from workbench.core.check import NotApplicableError, check
from workbench.core.finding import Cell, Evidence, Measure, Result
from workbench.core.inequality import BENEFITS, between_index, total_index
from workbench.core.intervals import Interval
from workbench.core.joint import Confusion
from workbench.core.rates import Grouping, groupings, with_interval
from workbench.core.subject import Subject

_Table = NDArray[np.float64]  # draws x groups x benefits, or groups x benefits
_DRAWS = 2000


@check("bias.inequality", "B006", "Inequality of benefit", needs=("target", "prediction"))
def inequality(subject: Subject, *, alpha: float = 2.0, depth: int = 1) -> Result:
    """Measure how unequally people get what they deserve, between all of them and between groups.

    Measures: with the benefit b = prediction - truth + 1 of each person (1 for a right decision, 2 for a favourable
        one that was not deserved, 0 for one that was deserved and not given) `mean_benefit`,
        `generalized_entropy_index` = sum of (b / mean)^alpha - 1 over n alpha (alpha - 1), `theil_index` = mean of
        (b / mean) ln(b / mean), the case alpha 1, and `coefficient_of_variation` = standard deviation over mean, with
        intervals; per sensitive column, and intersections up to `depth` columns, `between_group_X` = the index if
        everybody had the mean benefit of the own group, `within_group_X` = the rest, and every group's mean benefit.
        A part between groups is never negative, so it comes with the mean and the 95 % quantile that it would have by
        chance, were the benefits given out without regard to groups of these sizes.
    Reads well when: there are some hundreds of rows and both kinds of error occur.
    Signs of risk: a part between groups above its null quantile; an index that rises while accuracy does not.
    Limits: the index rises with every error, also with errors that fall on all alike, and has no scale of its own:
        compare models or windows on the same task. Undeserved favours count as a benefit. The parts add up over
        everybody only, so small groups and people without a group are in the parts, by their share of the rows, and
        in no other comparison. With alpha of 0 or less the index is undefined when anybody has no benefit. The
        bootstrap's interval is widened to hold the value where half counts in empty cells move it away.
    Reference: Speicher et al. (2018) A Unified Approach to Quantifying Algorithmic Unfairness, KDD, equations 1 to 3;
        Shorrocks (1980) Econometrica 48:613 for the decomposition; names as in AIF360's ClassificationMetric; seeded
        multinomial bootstrap of the counts, 2,000 draws, one half added to each; t interval for the mean benefit.
    """
    joint = subject.joint
    everybody = _benefits(joint.confusion(), joint.favourable_is_positive)
    found = [_mean(everybody, subject.level), *_overall(everybody, alpha, subject)]
    evidence: list[Evidence] = []
    for grouping in groupings(joint, subject.minimum_group_size, depth):
        table = [_benefits(g.counts, joint.favourable_is_positive) for g in grouping.groups]
        found += _groups(grouping, table, subject.level) + _parts(grouping, table, alpha, subject)
        evidence.append(_evidence(grouping, table))
    if not sum(everybody):
        raise NotApplicableError("no row has truth and prediction")
    return Result(found, evidence)


def _benefits(c: Confusion, positive: bool) -> tuple[int, int, int]:
    low, high = (c.fn, c.fp) if positive else (c.fp, c.fn)
    return low, c.tp + c.tn, high


def _mean(counts: Sequence[int], level: float, column: str = "", label: str = "") -> Measure:
    n, total = sum(counts), counts[1] + 2 * counts[2]
    if not n:
        why = "0/0: no row has truth and prediction"
        return Measure("mean_benefit", None, column, label, n=0, undefined_because=why)
    mean = total / n
    variance = sum(c * (b - mean) ** 2 for c, b in zip(counts, BENEFITS, strict=True)) / (n - 1) if n > 1 else 0.0
    return with_interval(
        Measure("mean_benefit", mean, column, label, n=n), intervals.mean_interval(n, mean, float(variance), level)
    )


def _overall(counts: Sequence[int], alpha: float, subject: Subject) -> list[Measure]:
    def variation(table: _Table) -> _Table:
        return np.sqrt(2 * total_index(table, 2.0))

    found = []
    for name, metric in (
        ("generalized_entropy_index", lambda t: total_index(t, alpha)),
        ("theil_index", lambda t: total_index(t, 1.0)),
        ("coefficient_of_variation", variation),
    ):
        found.append(_index(name, [counts], metric, subject))
    return found


def _index(
    name: str, table: Sequence[Sequence[int]], metric: Callable[[_Table], _Table], subject: Subject, column: str = ""
) -> Measure:
    counts = np.array(table, np.int64)
    value, n = float(metric(counts[None].astype(np.float64))[0]), int(counts.sum())
    if not np.isfinite(value):
        return Measure(name, None, column, n=n, undefined_because=_why(counts))

    def flat(draws: _Table) -> _Table:
        return metric(draws.reshape(-1, *counts.shape))

    interval = intervals.bootstrap_counts(counts.ravel(), flat, seed=subject.seed, draws=_DRAWS, level=subject.level)
    held = interval and Interval(min(interval.low, value), max(interval.high, value), interval.method)
    return with_interval(Measure(name, value, column, n=n), held or None)


def _why(counts: NDArray[np.int64]) -> str:
    if not counts.sum():
        return "0/0: no row has truth and prediction"
    if not counts[:, 1:].sum():
        return "0/0: nobody has any benefit"
    return "somebody, or some group, has no benefit, of which this alpha takes the logarithm or a negative power"


def _groups(grouping: Grouping, table: Sequence[Sequence[int]], level: float) -> list[Measure]:
    found = []
    for group, counts in zip(grouping.groups, table, strict=True):
        rows = group.counts.rows
        found.append(Measure("count", rows, grouping.column, group.label, n=rows, unit="rows"))
        found.append(_mean(counts, level, grouping.column, group.label))
    return found


def _parts(grouping: Grouping, table: Sequence[Sequence[int]], alpha: float, subject: Subject) -> list[Measure]:
    found, kept = [], [counts for counts in table if sum(counts)] or [(0, 0, 0)]
    for name, power in (("generalized_entropy_index", alpha), ("theil_index", 1.0)):
        found += _between(f"between_group_{name}", kept, power, grouping.column, subject)

        def within(t: _Table, power: float = power) -> _Table:
            # Rounding may leave a part of nothing just under it.
            return np.maximum(0.0, total_index(t, power) - between_index(t, power))

        found.append(_index(f"within_group_{name}", kept, within, subject, grouping.column))
    return found


def _between(name: str, table: Sequence[Sequence[int]], alpha: float, column: str, subject: Subject) -> list[Measure]:
    counts = np.array(table, np.int64)
    n, value = int(counts.sum()), float(between_index(counts.astype(np.float64), alpha))
    names = (name, f"{name}_null_mean", f"{name}_null_quantile")
    if not np.isfinite(value):
        return [Measure(each, None, column, n=n, undefined_because=_why(counts)) for each in names]
    rng = np.random.default_rng(subject.seed)
    pooled = counts.sum(axis=0) / n
    draws = np.stack([rng.multinomial(size, pooled, size=_DRAWS) for size in counts.sum(axis=1)], axis=1)
    chance = between_index(draws.astype(np.float64), alpha)
    chance = chance[np.isfinite(chance)]
    ends = (float(chance.mean()), float(np.quantile(chance, 0.95))) if len(chance) > _DRAWS / 2 else (None, None)
    why = "" if ends[0] is not None else "most draws by chance leave a group without any benefit"
    return [
        Measure(names[0], value, column, n=n, method="no interval: see the null quantile"),
        *(Measure(each, end, column, n=n, undefined_because=why) for each, end in zip(names[1:], ends, strict=True)),
    ]


def _evidence(grouping: Grouping, table: Sequence[Sequence[int]]) -> Evidence:
    rows: list[tuple[Cell, ...]] = []
    for group, counts in zip(grouping.groups, table, strict=True):
        category = ", ".join("missing" if v is None else v for v in group.values)
        n = sum(counts)
        mean = (counts[1] + 2 * counts[2]) / n if n else None
        rows.append((category, group.label, group.counts.rows, *counts, mean))
    return Evidence(
        name=f"benefit by {grouping.column}",
        title=f"People by benefit and {grouping.column}: 0 denied what was deserved, 1 right, 2 more than deserved",
        kind="table",
        columns=("category", "group", "rows", "benefit_0", "benefit_1", "benefit_2", "mean_benefit"),
        rows=tuple(rows),
        notes={"column": grouping.column},
    )

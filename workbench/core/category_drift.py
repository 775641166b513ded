"""How far the shares of categories have moved from a reference, as measures: from two tables of counts by value."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from workbench.core import distances
from workbench.core.finding import Cell, Evidence, Measure, group_label
from workbench.core.intervals import Interval, mover_difference, normal_quantile, wilson, wilson_ends
from workbench.core.numbers import Ints
from workbench.core.rates import measure, with_interval
from workbench.core.values import ValueCounts

NAMES = (
    "cramers_v", "cramers_v_corrected", "total_variation", "l_infinity", "psi", "kl_divergence", "js_distance",
    "hellinger", "chi_square", "g_test", "unseen_share",
)  # fmt: skip
"""Every distance and statistic, the primary one first."""
_SHOWN = 20


@dataclass(frozen=True)
class Categories:
    """Counts of the same categories in the reference and now; `level` k: a hashed sample of 1 in 2**k categories."""

    names: tuple[str, ...]
    reference: Ints
    current: Ints
    level: int = 0

    @classmethod
    def of(cls, reference: ValueCounts | None, current: ValueCounts | None) -> Categories:
        """Line up two tables on the union of their categories; None is one without values."""
        a, b = reference or ValueCounts(), current or ValueCounts()
        level = max(a.level, b.level)
        a, b = a.at_level(level), b.at_level(level)
        names = sorted({*a.counts, *b.counts})
        low, high = (np.array([t.counts.get(v, 0) for v in names], np.int64) for t in (a, b))
        return cls(tuple(names), low, high, level)

    @property
    def n(self) -> tuple[int, int]:
        """Return the number of values of the reference and of the current table."""
        return int(self.reference.sum()), int(self.current.sum())

    @property
    def how(self) -> str:
        """Return what a method has to say of the tables: nothing when every category is counted."""
        return f"sample of 1 in {2**self.level} categories" if self.level else ""


def measures(both: Categories, *, level: float = 0.95, column: str = "", where: str = "") -> list[Measure]:
    """Return every measure of drift, the primary one (V) first; undefined with a reason where a side has no values."""
    m, n = both.n
    if not n or not m:
        side = "current data" if m else "reference" if n else "reference and in the current data"
        why = f"there is no value in the {side}"
        found = [Measure(name, None, n=n, undefined_because=why) for name in NAMES]
    else:
        found = [*_association(both, level), *_distances(both), *_tests(both), *_unseen(both, level)]
    return [replace(f, column=column, where=where) for f in found]


def _association(both: Categories, level: float) -> list[Measure]:
    m, n = both.n
    statistic, p, dof = distances.chi_square_contingency(both.reference, both.current)
    v = Measure("cramers_v", distances.cramers_v(statistic, n + m), n=n, method=both.how)
    if dof:
        v = with_interval(v, distances.cramers_v_interval(statistic, n + m, dof, level))
    corrected = distances.cramers_v_corrected(statistic, n + m, dof)
    why = "" if corrected is not None else "it needs two categories and more rows than categories"
    return [
        v,
        Measure("cramers_v_reference_n", m, n=m, unit="rows"),
        Measure("cramers_v_corrected", corrected, n=n, method="bergsma", undefined_because=why),
        Measure("chi_square", statistic, n=n, method=f"contingency table, {dof} degrees of freedom"),
        Measure("chi_square_degrees_of_freedom", dof, n=n),
        Measure("chi_square_p_value", p, n=n, method="contingency table"),
    ]


def _distances(both: Categories) -> list[Measure]:
    low, high, (m, n), how = both.reference, both.current, both.n, both.how
    k, added = len(low), distances.psi(low, high)[1]
    halved = ", ".join(filter(None, [how, "one half added" if added else ""]))
    psi_null, js_null = distances.psi_null(k, n, m), distances.js_null(k, n, m)
    kl_null = (psi_null[0] / 2, psi_null[1] / 2)
    return [
        Measure("total_variation", distances.total_variation(low, high), n=n, unit="share", method=how),
        Measure("l_infinity", distances.l_infinity(low, high), n=n, unit="share", method=how),
        *_bounded("psi", distances.psi(low, high)[0], psi_null, n, halved),
        *_bounded("kl_divergence", distances.kl_divergence(low, high)[0], kl_null, n, halved),
        *_bounded("js_distance", distances.js_distance(low, high), js_null, n, how or "base 2"),
        *_bounded("hellinger", distances.hellinger(low, high), distances.hellinger_null(k, n, m), n, how),
    ]


def _bounded(name: str, value: float, null: tuple[float, float], n: int, method: str) -> list[Measure]:
    """Return a distance bounded at zero beside the mean and the 95 % quantile it has when nothing differs."""
    return [
        Measure(name, value, n=n, method=method),
        Measure(f"{name}_null_mean", null[0], n=n),
        Measure(f"{name}_null_quantile", null[1], n=n),
    ]


def _tests(both: Categories) -> list[Measure]:
    n = both.n[1]
    statistic, p, dof = distances.g_test(both.reference, both.current)
    found = [
        Measure("g_test", statistic, n=n, method=f"contingency table, {dof} degrees of freedom"),
        Measure("g_test_p_value", p, n=n, method="contingency table"),
    ]
    if dof == 1:
        statistic, p = distances.yates(both.reference, both.current)
        found.append(Measure("chi_square_yates", statistic, n=n, method="2 x 2 table, Yates's correction"))
        found.append(Measure("chi_square_yates_p_value", p, n=n, method="2 x 2 table, Yates's correction"))
    return found


def _unseen(both: Categories, level: float) -> list[Measure]:
    low, high, (m, n) = both.reference, both.current, both.n
    new, once = int(high[low == 0].sum()), int((low == 1).sum())
    interval = wilson(new, n, level)
    excess = Measure("unseen_share_beyond_chance", new / n - once / m, n=n, unit="share", method=both.how)
    if interval is not None:
        chance = _chance_interval(once, int((low == 2).sum()), m, level)
        excess = with_interval(excess, mover_difference(new / n, interval, once / m, chance))
    vanished = int(((high == 0) & (low > 0)).sum())
    return [
        measure("unseen_share", new, n, interval),
        measure("unseen_share_null_mean", once, m, None),
        excess,
        Measure("unseen_categories", int(((low == 0) & (high > 0)).sum()), n=n, method=both.how),
        Measure("vanished_categories", vanished, n=m, method=both.how),
    ]


def _chance_interval(once: int, twice: int, m: int, level: float) -> Interval:
    """Return the interval of the share of unseen values to expect, from what occurs once and twice in m values.

    Good's estimate once / m, its standard error sqrt(once (1 - once / m) + 2 twice) / m by Esty (1983) Annals of
    Statistics 11:905; Wilson's interval where that is wider, for Esty's has no width where nothing occurs once.
    """
    share, ends = once / m, wilson_ends(once, m, normal_quantile(level))
    half = normal_quantile(level) * math.sqrt(once * (1 - share) + 2 * twice) / m
    return Interval(max(0.0, min(ends[0], share - half)), min(1.0, max(ends[1], share + half)), "esty")


def drawing(both: Categories, name: str, title: str, group: str = "") -> Evidence:
    """Return the shares of the most frequent categories and of all others together.

    A category of a sensitive column is a group: given the column's name as `group`, each carries its size, so that it
    can be suppressed where people look.
    """
    low, high = both.reference, both.current
    shares = [c / max(1, c.sum()) for c in (low, high)]
    order = np.argsort(-(shares[0] + shares[1]), kind="stable")
    rows: list[tuple[Cell, ...]] = [(both.names[i], float(shares[0][i]), float(shares[1][i])) for i in order[:_SHOWN]]
    columns: tuple[str, ...] = ("category", "reference", "current")
    if group:
        columns = (*columns, "group", "rows")
        sizes = [int(high[i] or low[i]) for i in order[:_SHOWN]]
        labels = [group_label((group,), (both.names[i],)) for i in order[:_SHOWN]]
        rows = [(*row, label, size) for row, label, size in zip(rows, labels, sizes, strict=True)]
    rest = order[_SHOWN:]
    if len(rest):
        others = (f"({len(rest)} others)", float(shares[0][rest].sum()), float(shares[1][rest].sum()))
        rows.append((*others, "", None) if group else others)
    return Evidence(name, title, "categories", columns, tuple(rows), {"column": name})

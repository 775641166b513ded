"""How far one distribution of numbers lies from another, as measures: from two count tables, whatever they count."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace

import numpy as np

from workbench.core import distances, rank_tests
from workbench.core.finding import Cell, Evidence, Measure
from workbench.core.intervals import Interval, mean_interval, mover_difference
from workbench.core.numbers import Floats, Ints, NumberCounts, Support, on_one_support
from workbench.core.rates import with_interval
from workbench.core.shape import as_recorded, infinite_note

NAMES = (
    "ks", "mean_difference", "wasserstein_normalised", "wasserstein", "energy", "psi", "kl_divergence", "js_distance",
    "hellinger", "cramer_von_mises", "anderson_darling",
)  # fmt: skip
"""Every distance and statistic, the primary one first."""
_BINNED = "binned: too many distinct values to be exact"
_DRAWN_BINS = 40


@dataclass(frozen=True)
class Numbers:
    """Two tables of finite numbers and infinities, the reference and the current one, on one support."""

    reference: NumberCounts
    current: NumberCounts
    support: Support

    @classmethod
    def of(cls, reference: NumberCounts | None, current: NumberCounts | None) -> Numbers:
        """Join two tables; None is one without values."""
        a, b = reference or NumberCounts(), current or NumberCounts()
        return cls(a, b, on_one_support(a, b))

    @property
    def n(self) -> tuple[int, int]:
        """Return the number of values of the reference and of the current table, infinities included."""
        m, n = (t.n + sum(t.infinite) for t in (self.reference, self.current))
        return m, n

    @property
    def ranked(self) -> tuple[Ints, Ints]:
        """Return the counts in ascending order with both infinities at the ends."""
        tables = (self.reference, self.current)
        low, high = (
            np.concatenate(([t.infinite[0]], c, [t.infinite[1]]))
            for t, c in zip(tables, self.support.counts, strict=True)
        )
        return low, high

    @property
    def how(self) -> str:
        """Return what a method has to say of the tables: nothing when they are exact."""
        return _BINNED if self.support.mixed.any() else ""


_OF_FINITE: tuple[tuple[tuple[str, ...], Callable[[Numbers, int, float], list[Measure]]], ...] = (
    (("mean_difference",), lambda both, bins, level: [_means(both, level)]),
    (("wasserstein_normalised", "wasserstein", "energy"), lambda both, bins, level: _areas(both)),
    (("psi", "kl_divergence"), lambda both, bins, level: _on_quantiles(both, bins)),
    (("js_distance", "hellinger"), lambda both, bins, level: _on_doane(both)),
)
"""Names that are measured together, and what measures them where both sides have finite values."""


def some(both: Numbers, names: Collection[str], *, bins: int = 10, level: float = 0.95) -> list[Measure]:
    """Return only the measures of these names, at the cost of those; undefined where a side has no finite values."""
    if not all(both.n):
        return [Measure(k, None, n=both.n[1], undefined_because="one side has no value") for k in NAMES if k in names]
    found = _ks(both, level) if "ks" in names else []
    if both.reference.n and both.current.n:
        for together, measured in _OF_FINITE:
            found += measured(both, bins, level) if set(together) & set(names) else []
    else:
        found += _not_finite(both)
    if {"cramer_von_mises", "anderson_darling"} & set(names):
        found += _rank_tests(both)
    return [m for m in found if m.name in names]


def measures(
    both: Numbers, *, bins: int = 10, level: float = 0.95, column: str = "", where: str = "", prefix: str = ""
) -> list[Measure]:
    """Return every measure of drift, the primary one (KS) first; undefined with a reason where a side has no values."""
    m, n = both.n
    if not n or not m:
        side = "current data" if m else "reference" if n else "reference and in the current data"
        why = f"there is no value in the {side}"
        found = [Measure(name, None, n=n, undefined_because=why) for name in NAMES]
    else:
        found = _ks(both, level)
        if both.reference.n and both.current.n:
            found += [m for _, measured in _OF_FINITE for m in measured(both, bins, level)]
        else:
            found += _not_finite(both)
        found += _rank_tests(both)
    return [replace(f, name=prefix + f.name, column=column, where=where) for f in found]


def _not_finite(both: Numbers) -> list[Measure]:
    why = "one side has no finite value"
    names = [name for together, _ in _OF_FINITE for name in together]
    return [Measure(name, None, n=both.current.n, undefined_because=why) for name in names]


def _ks(both: Numbers, level: float) -> list[Measure]:
    (m, n), bound = both.n, both.support.bound
    d = distances.ks_from_counts(*both.ranked)
    band = distances.ks_band(n, m, level)
    interval = Interval(max(0.0, d - band), min(1.0, d + band + bound), "kolmogorov band")
    return [
        with_interval(Measure("ks", d, n=n, unit="share", error_bound=bound or None), interval),
        Measure("ks_reference_n", m, n=m, unit="rows"),
        Measure("ks_p_value", distances.ks_p_value(d, n, m), n=n, method="asymptotic"),
    ]


def _means(both: Numbers, level: float) -> Measure:
    ends = []
    for t in (both.current, both.reference):
        interval = None if t.variance is None else mean_interval(t.n, t.mean or 0.0, t.variance, level)
        ends.append((t.mean or 0.0, interval))
    m = Measure("mean_difference", ends[0][0] - ends[1][0], n=both.current.n)
    if ends[0][1] is None or ends[1][1] is None:
        return m
    return with_interval(m, mover_difference(ends[0][0], ends[0][1], ends[1][0], ends[1][1]))


def _areas(both: Numbers) -> list[Measure]:
    values, (low, high), (m, n) = both.support.values, both.support.counts, (both.reference.n, both.current.n)
    with np.errstate(over="ignore", invalid="ignore"):
        area = distances.wasserstein_from_counts(values, low, high)
        energy = distances.energy_from_counts(values, low, high)
        (mean, quantile), (energy_mean, energy_quantile) = distances.area_nulls(values, low + high, n, m)
        area_bound, energy_bound = _moved(both.support)
    sd = both.reference.deviation
    why = "" if sd else "the reference has no spread"
    bound = area_bound / sd if area_bound and sd else None
    return [
        Measure("wasserstein_normalised", area / sd if sd else None, n=n, undefined_because=why, error_bound=bound),
        Measure("wasserstein", area, n=n, error_bound=area_bound, method=both.how),
        Measure("wasserstein_null_mean", mean, n=n),
        Measure("wasserstein_null_quantile", quantile, n=n),
        Measure("energy", energy, n=n, error_bound=energy_bound, method=both.how),
        Measure("energy_null_mean", energy_mean, n=n),
        Measure("energy_null_quantile", energy_quantile, n=n),
    ]


def _moved(support: Support) -> tuple[float | None, float | None]:
    """Return how far the two areas can be off because each mixed bin's values are taken to lie in its middle.

    Both are metrics, so that each side's own distance to itself in bins bounds its share: at most half a bin's width
    for each value of Wasserstein's, sqrt(2 sum of width share^2) of the energy distance.
    """
    mixed = support.mixed
    if not mixed.any():
        return None, None
    width = (support.highs - support.lows)[mixed]
    shares = [c[mixed] / max(1, c.sum()) for c in support.counts]
    energy = sum(math.sqrt(2 * float(np.sum(width * s * s))) for s in shares)
    return sum(float(np.sum(width * s)) / 2 for s in shares), energy


def _on_quantiles(both: Numbers, bins: int) -> list[Measure]:
    a, b = both.reference, both.current
    edges = np.unique([a.quantile(q) or 0.0 for q in np.arange(1, bins) / bins])
    # An edge at the largest reference value would leave the last bin empty by construction.
    edges = edges[edges < (a.maximum or 0.0)] if a.minimum != a.maximum else edges
    reference, current = _cut(a, edges), _cut(b, edges)
    kept = (reference + current) > 0
    reference, current = reference[kept], current[kept]
    psi, added = distances.psi(reference, current)
    divergence, _ = distances.kl_divergence(reference, current)
    method = f"{len(reference)} reference quantile bins" + (", one half added" if added else "")
    mean, quantile = distances.psi_null(len(reference), b.n, a.n)
    return [
        *_bounded("psi", psi, (mean, quantile), b.n, method),
        *_bounded("kl_divergence", divergence, (mean / 2, quantile / 2), b.n, method),
    ]


def _cut(table: NumberCounts, edges: Floats) -> Ints:
    """Return counts in (-inf, e1], (e1, e2], ..., (ek, inf)."""
    at = np.searchsorted(edges, table.values, side="left")
    return np.bincount(at, weights=table.counts, minlength=len(edges) + 1).astype(np.int64)


def _on_doane(both: Numbers) -> list[Measure]:
    a, n = both.reference, both.current.n
    edges = _doane(a)
    if edges is None:
        why = "the reference's values lie too far apart for bins of equal width"
        return [Measure(name, None, n=n, undefined_because=why) for name in ("js_distance", "hellinger")]
    reference, current = _histogram(a, edges), _histogram(both.current, edges)
    filled = int((reference + current > 0).sum())
    method = f"{len(edges) - 1} bins by Doane's rule"
    js = distances.js_distance(reference, current)
    hellinger = distances.hellinger(reference, current)
    return [
        *_bounded("js_distance", js, distances.js_null(filled, n, a.n), n, f"{method}, base 2"),
        *_bounded("hellinger", hellinger, distances.hellinger_null(filled, n, a.n), n, method),
    ]


def _doane(a: NumberCounts) -> Floats | None:
    low, high = a.minimum or 0.0, a.maximum or 0.0
    if not math.isfinite(high - low):
        return None
    deviations = a.values - (a.mean or 0.0)
    # In units of the largest deviation no power of it can overflow or vanish.
    largest = float(np.abs(deviations).max())
    scaled = deviations / largest if largest else deviations
    sd = math.sqrt(float(np.sum(scaled**2 * a.counts)) / a.n)
    skew = float(np.sum((scaled / sd) ** 3 * a.counts)) / a.n if sd else 0.0
    return distances.doane_edges(a.n, low, high, sd * largest, skew, integral=False)


def _histogram(table: NumberCounts, edges: Floats) -> Ints:
    counts = np.histogram(table.values, edges, weights=table.counts)[0].astype(np.int64)
    return np.append(counts, table.n - counts.sum())


def _bounded(name: str, value: float, null: tuple[float, float], n: int, method: str) -> list[Measure]:
    """Return a distance bounded at zero beside the mean and the 95 % quantile it has when nothing differs."""
    return [
        Measure(name, value, n=n, method=method),
        Measure(f"{name}_null_mean", null[0], n=n),
        Measure(f"{name}_null_quantile", null[1], n=n),
    ]


def _rank_tests(both: Numbers) -> list[Measure]:
    reference, current = both.ranked
    mixed = np.concatenate(([False], both.support.mixed, [False]))
    n, found = both.n[1], []
    tests = (
        ("cramer_von_mises", rank_tests.cramer_von_mises(reference, current, mixed), "it needs two values a side"),
        (
            "anderson_darling",
            rank_tests.anderson_darling(reference, current),
            "it needs four values, two of them distinct",
        ),
    )
    for name, test, why in tests:
        if test is None:
            found += [Measure(k, None, n=n, undefined_because=why) for k in (name, f"{name}_p_value")]
            continue
        found.append(Measure(name, test.statistic, n=n, method=both.how, error_bound=test.error_bound))
        found.append(Measure(f"{name}_p_value", test.p_value, n=n, method=test.method))
    return found


def drawing(both: Numbers, name: str, title: str, notes: Mapping[str, Cell]) -> Evidence:
    """Return the two distributions in shared bins: shares of the finite values of each."""
    values, (low, high) = both.support.values, both.support.counts
    pooled = np.cumsum(low + high) / float((low + high).sum())
    # The middle 99 % sets the scale; the outer bins take what lies beyond.
    start, end = (float(values[min(len(values) - 1, int(np.searchsorted(pooled, q)))]) for q in (0.005, 0.995))
    edges = np.array([start, end if end > start else start + 1])
    if math.isfinite(end - start) and end > start:
        edges = as_recorded(np.linspace(start, end, min(_DRAWN_BINS, len(values)) + 1))
    at = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, len(edges) - 2)
    shares = [np.bincount(at, weights=c, minlength=len(edges) - 1) / max(1, c.sum()) for c in (low, high)]
    rows = tuple(
        (float(edges[i]), float(edges[i + 1]), float(shares[0][i]), float(shares[1][i])) for i in range(len(edges) - 1)
    )
    notes = {**notes, **infinite_note(both.reference, both.current)}
    return Evidence(name, title, "distribution", ("low", "high", "reference", "current"), rows, notes)

"""How far the distribution of each number column has moved from the reference."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from workbench.core import distances
from workbench.core.check import NotApplicableError, check
from workbench.core.counts import ColumnCounts
from workbench.core.finding import Evidence, Measure, Result
from workbench.core.intervals import Interval, mean_interval, mover_difference
from workbench.core.numbers import NumberCounts, common_support
from workbench.core.rates import with_interval
from workbench.core.subject import Subject

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
_MOST_DRAWN = 200
_DRAWN_BINS = 40


@check("drift.numeric", "D001", "Drift of number columns", needs=("reference",))
def numeric(subject: Subject, *, bins: int = 10) -> Result:
    """Compare the distribution of every number column with the reference.

    Measures: per column the Kolmogorov-Smirnov distance `ks` with a band and the p of no difference; the population
        stability index `psi` on reference quantile bins; the Jensen-Shannon distance on Doane's bins of the reference
        (values outside form one more bin); the Wasserstein distance in the column's unit and divided by the reference
        standard deviation; the difference of means. For distances bounded at zero, the mean and 95 % quantile they
        have when nothing differs at these sizes.
    Reads well when: both sides have hundreds of values.
    Signs of risk: a distance whose interval lies above the limit in a column the model depends on.
    Limits: a small p with a small distance is a large sample, not a large change. The band of KS is conservative when
        distributions differ. Beyond 131,072 distinct values KS carries an error bound. Missing values are apart
        (quality.missing); infinities enter KS only.
    Reference: Kolmogorov (1933), Smirnov (1939); Lin (1991) for the divergence; Siddiqi (2006) for PSI; Vaserstein
        (1969); Doane (1976) for the bins.
    """
    if subject.reference is None:
        raise NotApplicableError("no reference data was given")
    found: list[Measure] = []
    evidence: list[Evidence] = []
    notes: list[str] = []
    for name in subject.features:
        current, reference = subject.current.columns[name], subject.reference.columns.get(name)
        if reference is None or not (current.numeric or reference.numeric):
            continue
        if current.kind is not reference.kind and current.present and reference.present:
            notes.append(f"column {name!r} holds {reference.kind} in the reference and {current.kind} now")
            found.append(Measure("kind_changed", 1, name, n=current.rows))
            continue
        measures, drawn = _column(current, reference, bins, subject.level)
        found += measures
        evidence += drawn if len(evidence) < _MOST_DRAWN else []
    if not found:
        raise NotApplicableError("no feature column holds numbers in both data sets")
    return Result(found, evidence, notes)


def _column(
    current: ColumnCounts, reference: ColumnCounts, bins: int, level: float
) -> tuple[list[Measure], list[Evidence]]:
    name = current.name
    a = reference.numbers if reference.numbers is not None else NumberCounts()
    b = current.numbers if current.numbers is not None else NumberCounts()
    n, m = b.n + sum(b.infinite), a.n + sum(a.infinite)
    if not n or not m:
        why = "every value is missing in the " + ("current data" if not n else "reference")
        return [Measure(k, None, name, n=n, undefined_because=why) for k in _NAMES], []
    values, low, high, bound = common_support(a, b)
    found = _ks(name, (low, high), (a, b), bound, level)
    if not b.n or not a.n:
        return found, []
    found += _psi(name, a, b, bins) + _js(name, a, b)
    found += [*_wasserstein(name, values, low, high, a), _means(name, a, b, level)]
    return found, [_drawing(current, reference, values, low, high)]


_NAMES = ("ks", "psi", "js_distance", "wasserstein", "wasserstein_normalised", "mean_difference")


def _ks(
    name: str, counts: tuple[Ints, Ints], tables: tuple[NumberCounts, NumberCounts], bound: float, level: float
) -> list[Measure]:
    sides = [np.concatenate(([t.infinite[0]], c, [t.infinite[1]])) for t, c in zip(tables, counts, strict=True)]
    m, n = (int(s.sum()) for s in sides)
    d = distances.ks_from_counts(*sides)
    band = distances.ks_band(n, m, level)
    interval = Interval(max(0.0, d - band), min(1.0, d + band + bound), "kolmogorov band")
    return [
        with_interval(Measure("ks", d, name, n=n, unit="share", error_bound=bound or None), interval),
        Measure("ks_reference_n", m, name, n=m, unit="rows"),
        Measure("ks_p_value", distances.ks_p_value(d, n, m), name, n=n, method="asymptotic"),
    ]


def _cut(table: NumberCounts, edges: Floats) -> Ints:
    """Return counts in (-inf, e1], (e1, e2], ..., (ek, inf)."""
    at = np.searchsorted(edges, table.values, side="left")
    return np.bincount(at, weights=table.counts, minlength=len(edges) + 1).astype(np.int64)


def _psi(name: str, a: NumberCounts, b: NumberCounts, bins: int) -> list[Measure]:
    edges = np.unique([a.quantile(q) or 0.0 for q in np.arange(1, bins) / bins])
    # An edge at the largest reference value would leave the last bin empty by construction.
    edges = edges[edges < (a.maximum or 0.0)] if a.minimum != a.maximum else edges
    reference, current = _cut(a, edges), _cut(b, edges)
    kept = (reference + current) > 0
    value, added = distances.psi(reference[kept], current[kept])
    mean, quantile = distances.psi_null(int(kept.sum()), b.n, a.n)
    method = f"{int(kept.sum())} reference quantile bins" + (", one half added" if added else "")
    return [
        Measure("psi", value, name, n=b.n, method=method),
        Measure("psi_null_mean", mean, name, n=b.n),
        Measure("psi_null_quantile", quantile, name, n=b.n),
    ]


def _js(name: str, a: NumberCounts, b: NumberCounts) -> list[Measure]:
    mean = a.mean or 0.0
    deviations = a.values - mean
    sd = math.sqrt(float(np.sum(deviations**2 * a.counts)) / a.n)
    third = float(np.sum(deviations**3 * a.counts)) / a.n
    edges = distances.doane_edges(a.n, a.minimum or 0.0, a.maximum or 0.0, sd, third, integral=False)
    reference, current = _histogram(a, edges), _histogram(b, edges)
    null_mean, quantile = distances.js_null(int((reference + current > 0).sum()), b.n, a.n)
    method = f"{len(edges) - 1} bins by Doane's rule, base 2"
    return [
        Measure("js_distance", distances.js_distance(reference, current), name, n=b.n, method=method),
        Measure("js_distance_null_mean", null_mean, name, n=b.n),
        Measure("js_distance_null_quantile", quantile, name, n=b.n),
    ]


def _histogram(table: NumberCounts, edges: Floats) -> Ints:
    counts = np.histogram(table.values, edges, weights=table.counts)[0].astype(np.int64)
    return np.append(counts, table.n - counts.sum())


def _wasserstein(name: str, values: Floats, low: Ints, high: Ints, a: NumberCounts) -> list[Measure]:
    n, m = int(high.sum()), int(low.sum())
    with np.errstate(over="ignore"):
        distance = distances.wasserstein_from_counts(values, low, high)
        mean, quantile = distances.wasserstein_null(values, low + high, n, m)
    sd = a.deviation
    why = "" if sd else "the reference has no spread"
    return [
        Measure("wasserstein", distance, name, n=n),
        Measure("wasserstein_normalised", distance / sd if sd else None, name, n=n, undefined_because=why),
        Measure("wasserstein_null_mean", mean, name, n=n),
        Measure("wasserstein_null_quantile", quantile, name, n=n),
    ]


def _means(name: str, a: NumberCounts, b: NumberCounts, level: float) -> Measure:
    ends = []
    for t in (b, a):
        interval = None if t.variance is None else mean_interval(t.n, t.mean or 0.0, t.variance, level)
        ends.append((t.mean or 0.0, interval))
    m = Measure("mean_difference", ends[0][0] - ends[1][0], name, n=b.n)
    if ends[0][1] is None or ends[1][1] is None:
        return m
    return with_interval(m, mover_difference(ends[0][0], ends[0][1], ends[1][0], ends[1][1]))


def _drawing(current: ColumnCounts, reference: ColumnCounts, values: Floats, low: Ints, high: Ints) -> Evidence:
    pooled = np.cumsum(low + high) / float((low + high).sum())
    # The middle 99 % sets the scale; the outer bins take what lies beyond.
    start, end = (float(values[min(len(values) - 1, int(np.searchsorted(pooled, q)))]) for q in (0.005, 0.995))
    distinct = len(values)
    edges = (
        np.linspace(start, end, min(_DRAWN_BINS, max(1, distinct)) + 1) if end > start else np.array([start, start + 1])
    )
    at = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, len(edges) - 2)
    shares = [np.bincount(at, weights=c, minlength=len(edges) - 1) / max(1, c.sum()) for c in (low, high)]
    rows = tuple(
        (float(edges[i]), float(edges[i + 1]), float(shares[0][i]), float(shares[1][i])) for i in range(len(edges) - 1)
    )
    notes = {
        "column": current.name,
        "missing_current": current.missing / current.rows if current.rows else None,
        "missing_reference": reference.missing / reference.rows if reference.rows else None,
    }
    columns = ("low", "high", "reference", "current")
    return Evidence(current.name, f"Distribution of {current.name}", "distribution", columns, rows, notes)

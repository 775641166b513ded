"""How far the shares of each category column have moved from the reference."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from workbench.core import distances
from workbench.core.arrow import Kind
from workbench.core.check import NotApplicableError, check
from workbench.core.counts import ColumnCounts
from workbench.core.finding import Cell, Evidence, Measure, Result, group_label
from workbench.core.intervals import wilson
from workbench.core.rates import measure, with_interval
from workbench.core.subject import Subject
from workbench.core.values import ValueCounts

Ints = NDArray[np.int64]
_MOST_DRAWN = 200
_SHOWN = 20
_NAMES = ("cramers_v", "total_variation", "psi", "js_distance", "unseen_share")


@check("drift.categorical", "D002", "Drift of category columns", needs=("reference",))
def categorical(subject: Subject) -> Result:
    """Compare the shares of categories of every text or boolean column with the reference.

    Measures: per column `cramers_v` with an interval, the chi-square of the 2 x k contingency table and its p of no
        difference; total variation; the population stability index and the Jensen-Shannon distance with the mean and
        95 % quantile they have when nothing differs; `unseen_share`, the share of current values whose category the
        reference does not have, with a Wilson interval; the number of unseen and of vanished categories.
    Reads well when: categories are few and most of them have five expected values or more.
    Signs of risk: categories the model never saw; a shift between categories that it treats differently.
    Limits: a small p with a small V is a large sample. With many rare categories the chi-square is approximate.
        Missing values are left out here, and are never "unseen" (quality.missing counts them). Beyond 131,072
        categories only a hashed sample of them is compared.
    Reference: Pearson (1900); Cramer (1946); Smithson (2003) for the interval of V; Lin (1991); Siddiqi (2006).
    """
    if subject.reference is None:
        raise NotApplicableError("no reference data was given")
    found: list[Measure] = []
    evidence: list[Evidence] = []
    notes: list[str] = []
    for name in subject.features:
        current, reference = subject.current.columns[name], subject.reference.columns.get(name)
        if reference is None or not _categorical(current) or reference.numeric:
            continue
        if current.kind is not reference.kind and current.present and reference.present:
            notes.append(f"column {name!r} holds {reference.kind} in the reference and {current.kind} now")
            found.append(Measure("kind_changed", 1, name, n=current.rows))
            continue
        measures, drawn = _column(current, reference, subject.level, name in subject.roles.sensitive)
        found += measures
        evidence += drawn if len(evidence) < _MOST_DRAWN else []
    if not found:
        raise NotApplicableError("no feature column holds categories in both data sets")
    return Result(found, evidence, notes)


def _categorical(column: ColumnCounts) -> bool:
    return column.kind in (Kind.TEXT, Kind.BOOLEAN)


def _column(
    current: ColumnCounts, reference: ColumnCounts, level: float, is_group: bool
) -> tuple[list[Measure], list[Evidence]]:
    a, b = reference.values or ValueCounts(), current.values or ValueCounts()
    if not a.n or not b.n:
        why = "every value is missing in the " + ("current data" if not b.n else "reference")
        return [Measure(k, None, current.name, n=b.n, undefined_because=why) for k in _NAMES], []
    shared = max(a.level, b.level)
    a, b = a.at_level(shared), b.at_level(shared)
    names = sorted({*a.counts, *b.counts})
    low, high = (np.array([t.counts.get(v, 0) for v in names], np.int64) for t in (a, b))
    if not low.sum() or not high.sum():
        why = "too many distinct values to compare"
        return [Measure("cramers_v", None, current.name, n=b.n, undefined_because=why)], []
    method = "" if shared == 0 else f"sample of 1 in {2**shared} categories"
    found = _distances(current.name, low, high, level, method) + _unseen(current.name, low, high, level, method)
    return found, [_drawing(current.name, names, low, high, is_group)]


def _distances(name: str, low: Ints, high: Ints, level: float, method: str) -> list[Measure]:
    n, m, k = int(high.sum()), int(low.sum()), len(low)
    statistic, p, dof = distances.chi_square_contingency(low, high)
    psi, added = distances.psi(low, high)
    psi_mean, psi_quantile = distances.psi_null(k, n, m)
    js_mean, js_quantile = distances.js_null(k, n, m)
    v = Measure("cramers_v", distances.cramers_v(statistic, n + m), name, n=n)
    if dof:
        v = with_interval(v, distances.cramers_v_interval(statistic, n + m, dof, level))
    return [
        v,
        Measure("cramers_v_reference_n", m, name, n=m, unit="rows"),
        Measure("chi_square", statistic, name, n=n, method=f"contingency table, {dof} degrees of freedom"),
        Measure("chi_square_degrees_of_freedom", dof, name, n=n),
        Measure("chi_square_p_value", p, name, n=n, method="contingency table"),
        Measure("total_variation", distances.total_variation(low, high), name, n=n, unit="share", method=method),
        Measure("psi", psi, name, n=n, method=", ".join(filter(None, [method, "one half added" if added else ""]))),
        Measure("psi_null_mean", psi_mean, name, n=n),
        Measure("psi_null_quantile", psi_quantile, name, n=n),
        Measure("js_distance", distances.js_distance(low, high), name, n=n, method=method or "base 2"),
        Measure("js_distance_null_mean", js_mean, name, n=n),
        Measure("js_distance_null_quantile", js_quantile, name, n=n),
    ]


def _unseen(name: str, low: Ints, high: Ints, level: float, method: str) -> list[Measure]:
    new, n = int(high[low == 0].sum()), int(high.sum())
    share = measure("unseen_share", new, n, wilson(new, n, level), column=name)
    return [
        share,
        Measure("unseen_categories", int(((low == 0) & (high > 0)).sum()), name, n=n, method=method),
        Measure("vanished_categories", int(((high == 0) & (low > 0)).sum()), name, n=int(low.sum()), method=method),
    ]


def _drawing(name: str, names: list[str], low: Ints, high: Ints, is_group: bool) -> Evidence:
    shares = [c / c.sum() for c in (low, high)]
    order = np.argsort(-(shares[0] + shares[1]), kind="stable")
    rows: list[tuple[Cell, ...]] = [(names[i], float(shares[0][i]), float(shares[1][i])) for i in order[:_SHOWN]]
    columns: tuple[str, ...] = ("category", "reference", "current")
    if is_group:
        # A category of a sensitive column is a group: with its size it can be suppressed where people look.
        columns = (*columns, "group", "rows")
        sizes = [int(high[i] or low[i]) for i in order[:_SHOWN]]
        labels = [group_label((name,), (names[i],)) for i in order[:_SHOWN]]
        rows = [(*row, label, size) for row, label, size in zip(rows, labels, sizes, strict=True)]
    rest = order[_SHOWN:]
    if len(rest):
        others = (f"({len(rest)} others)", float(shares[0][rest].sum()), float(shares[1][rest].sum()))
        rows.append((*others, "", None) if is_group else others)
    return Evidence(name, f"Shares of {name}", "categories", columns, tuple(rows), {"column": name})

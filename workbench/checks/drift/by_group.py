"""How far features, scores and predictions have moved within each group and segment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from workbench.core import distances, intervals
from workbench.core.check import NotApplicableError, check
from workbench.core.classes import ClassCounts
from workbench.core.counts import ColumnCounts, Counted
from workbench.core.finding import Cell, Evidence, Measure, Result, group_label
from workbench.core.frame import Kind
from workbench.core.intervals import Interval, mean_interval, mover_difference
from workbench.core.joint import JointCounts
from workbench.core.numbers import Ints, NumberCounts, common_support
from workbench.core.outcome import canonical, texts_and_codes
from workbench.core.rates import with_interval
from workbench.core.rows import as_numbers
from workbench.core.subject import Subject
from workbench.core.two_samples import NUMERIC, Mask, TwoSamples, shared_codes, two_samples

_SHOWN = 30
_LEAST_SAMPLED = 30
_NAMED = 10


@dataclass(frozen=True)
class _Group:
    """A value of a sensitive or segment column, with its rows on both sides."""

    column: str
    value: str | None
    n: int
    m: int

    @property
    def label(self) -> str:
        return group_label((self.column,), (self.value,))


@check("drift.by_group", "D012", "Drift within groups", needs=("reference",), uses=("rows", "prediction"))
def by_group(subject: Subject, *, minimum: int = 100, most_groups: int = 20) -> Result:
    """Compare every feature, and score and prediction, with the reference within each group and segment.

    Measures: by value (`group`) of each sensitive and segment column, for each other feature (`column`) `ks` of
        numbers with a band, or `cramers_v` of categories with an interval, on the sampled rows; from all rows,
        `score_ks` and `mean_score_change` of scores, `selection_rate_change` of predictions, `mean_prediction_change`
        of predicted numbers; `count`, the group's current rows; `excluded_groups`, how many have too few rows.
    Reads well when: each group has some hundreds of rows on both sides.
    Signs of risk: a group that drifts while the whole stays: averages hide it, and the model serves it worse first.
    Limits: groups with fewer than `minimum` rows (or the policy's own minimum) on a side are named and left out, as
        are those beyond the `most_groups` largest. Many comparisons: judge them with a rule, which controls errors over
        the whole audit, not by eye. Missing values are left out of each comparison. Rows without a group are one.
    Reference: Kolmogorov (1933), Smirnov (1939); Cramer (1946), Smithson (2003) for the interval of V; Newcombe
        (1998); Zou and Donner (2008) for differences of means.
    """
    if subject.reference is None:
        raise NotApplicableError("no reference data was given")
    columns = [c for c in dict.fromkeys((*subject.roles.sensitive, *subject.roles.segment)) if _both(c, subject)]
    if not columns:
        raise NotApplicableError("no sensitive or segment column is in both data sets")
    least = max(minimum, subject.minimum_group_size)
    measures: list[Measure] = []
    notes: list[str] = []
    kept: list[_Group] = []
    for column in columns:
        groups = _groups(column, subject, subject.reference)
        chosen = [g for g in groups if min(g.n, g.m) >= least][:most_groups]
        left = [g for g in groups if g not in chosen]
        kept += chosen
        measures += [Measure("count", g.n, column, g.label, n=g.n, unit="rows") for g in chosen]
        measures.append(Measure("excluded_groups", len(left), column, n=len(groups)))
        if left:
            more = f" and {len(left) - _NAMED} more" if len(left) > _NAMED else ""
            named = ", ".join(g.label for g in left[:_NAMED]) + more
            notes.append(f"left out, under {least} rows on a side or beyond the {most_groups} largest: {named}")
    drifts: list[Measure] = []
    if subject.current.sample is not None and subject.reference.sample is not None and kept:
        two = two_samples(subject)
        drifts = _features(subject, two, kept)
        notes += [f"features: {two.words}", *two.notes]
    else:
        notes.append("features: not compared, without rows" if kept else "no group has enough rows on both sides")
    outcomes = _outcomes(subject, subject.reference, kept)
    return Result([*measures, *drifts, *outcomes], _evidence(drifts, outcomes, kept), notes)


def _both(column: str, subject: Subject) -> bool:
    return subject.reference is not None and all(column in c.columns for c in (subject.current, subject.reference))


def _groups(column: str, subject: Subject, reference: Counted) -> list[_Group]:
    """Return the values of a column with their rows on both sides, largest first."""
    now, then = (_sizes(c.columns[column]) for c in (subject.current, reference))
    found = [_Group(column, v, now.get(v, 0), then.get(v, 0)) for v in {*now, *then}]
    return sorted(found, key=lambda g: (-min(g.n, g.m), -max(g.n, g.m), g.value is None, g.value or ""))


def _sizes(column: ColumnCounts) -> dict[str | None, int]:
    found: dict[str | None, int] = {}
    if column.values is not None:
        found.update(column.values.counts)
    elif column.numbers is not None:
        found.update({canonical(float(v)): int(n) for v, n in zip(*_exact(column.numbers), strict=True)})
    if column.missing:
        found[None] = column.missing
    return found


def _exact(table: NumberCounts) -> tuple[Sequence[float], Ints]:
    # Beyond the limit of exact counting a number column has no groups, only bins.
    return (table.values.tolist(), table.counts) if table.exact else ([], np.zeros(0, np.int64))


# ---------------------------------------------------------------------------- features, from rows


def _features(subject: Subject, two: TwoSamples, groups: Sequence[_Group]) -> list[Measure]:
    batches = (two.reference.rows, two.current.rows)
    members = []
    for group in groups:
        then, now = (_members(b.column(group.column), group.value) for b in batches)
        if min(int(then.sum()), int(now.sum())) >= _LEAST_SAMPLED:
            members.append((group, then, now))
    found: list[Measure] = []
    for name in two.columns:
        subject.stop()
        compared = _compared(name, [b.column(name) for b in batches], two.kinds[name], subject.level)
        for group, then, now in members:
            found += compared(group, then, now) if group.column != name else []
    return found


def _members(column: pa.Array, value: str | None) -> Mask:
    values, codes = texts_and_codes(column)
    return np.array([v == value for v in values] or [False], bool)[codes]


def _compared(name: str, arrays: list[pa.Array], kind: Kind, level: float) -> Callable[..., list[Measure]]:
    """Return how the feature is compared between the members of a group in the reference and now."""
    if kind in NUMERIC:
        numbers = [as_numbers(a) for a in arrays]

        def of_numbers(group: _Group, then: Mask, now: Mask) -> list[Measure]:
            one, two = (v[m & ~np.isnan(v)] for v, m in zip(numbers, (then, now), strict=True))
            return _ks("ks", (name, group.label), NumberCounts.of(one), NumberCounts.of(two), level)

        return of_numbers
    values, codes = shared_codes(arrays)
    known = [i for i, v in enumerate(values) if v is not None]

    def of_categories(group: _Group, then: Mask, now: Mask) -> list[Measure]:
        one, two = (np.bincount(c[m], minlength=len(values))[known] for c, m in zip(codes, (then, now), strict=True))
        return _cramers_v((name, group.label), one.astype(np.int64), two.astype(np.int64), level)

    return of_categories


def _ks(name: str, place: tuple[str, str], then: NumberCounts, now: NumberCounts, level: float) -> list[Measure]:
    n, m = now.n, then.n
    if not n or not m:
        return [Measure(name, None, *place, n=n, unit="share", undefined_because="no value on a side")]
    _, low, high, bound = common_support(then, now)
    d, band = distances.ks_from_counts(low, high), distances.ks_band(n, m, level)
    interval = Interval(max(0.0, d - band), min(1.0, d + band + bound), "kolmogorov band")
    return [
        with_interval(Measure(name, d, *place, n=n, unit="share", error_bound=bound or None), interval),
        Measure(f"{name}_reference_n", m, *place, n=m, unit="rows"),
    ]


def _cramers_v(place: tuple[str, str], then: Ints, now: Ints, level: float) -> list[Measure]:
    n, m = int(now.sum()), int(then.sum())
    if not n or not m:
        return [Measure("cramers_v", None, *place, n=n, undefined_because="no value on a side")]
    statistic, _, dof = distances.chi_square_contingency(then, now)
    v = Measure("cramers_v", distances.cramers_v(statistic, n + m), *place, n=n)
    return [
        with_interval(v, distances.cramers_v_interval(statistic, n + m, dof, level)) if dof else v,
        Measure("cramers_v_reference_n", m, *place, n=m, unit="rows"),
        Measure("chi_square_degrees_of_freedom", dof, *place, n=n),
    ]


# ---------------------------------------------------------------------------- outcomes, from counts


def _outcomes(subject: Subject, reference: Counted, groups: Sequence[_Group]) -> list[Measure]:
    found: list[Measure] = []
    for group in groups:
        if group.column not in subject.roles.sensitive:
            continue  # the count tables know the groups of sensitive columns only
        place = (group.column, group.label)
        joint = (subject.current.joint, reference.joint)
        numbers = (subject.current.regression, reference.regression)
        classes = (subject.current.classes, reference.classes)
        if joint[0] is not None and joint[1] is not None:
            found += _binary(joint[0], joint[1], group, place, subject.level)
        if numbers[0] is not None and numbers[1] is not None:
            sides = [c.members([group.column]).get((group.value,)) for c in (numbers[0], numbers[1])]
            tables = [NumberCounts() if s is None else s.table("prediction") for s in sides]
            found += _means("mean_prediction_change", place, tables[1], tables[0], subject.level)
        if classes[0] is not None and classes[1] is not None:
            found += _classes(classes[0], classes[1], group, place, subject.level)
    return found


def _binary(now: JointCounts, then: JointCounts, group: _Group, place: tuple[str, str], level: float) -> list[Measure]:
    cells = [side.members([group.column]).get((group.value,), []) for side in (now, then)]
    found: list[Measure] = []
    if now.has_score and then.has_score:
        tables = [_scores(side, c) for side, c in zip((now, then), cells, strict=True)]
        found += _ks("score_ks", place, tables[1], tables[0], level)
        found += _means("mean_score_change", place, tables[1], tables[0], level)
    if now.has_prediction and then.has_prediction:
        here, there = (side.confusion(c) for side, c in zip((now, then), cells, strict=True))
        found.append(_rates(place, (here.selected, here.predicted), (there.selected, there.predicted), level))
    return found


def _scores(joint: JointCounts, cells: Sequence[int]) -> NumberCounts:
    wanted, whole = set(cells), NumberCounts()
    for (cell, _, _), counts in joint.scores.items():
        whole = whole + counts if cell in wanted else whole
    return whole


def _means(name: str, place: tuple[str, str], then: NumberCounts, now: NumberCounts, level: float) -> list[Measure]:
    if now.mean is None or then.mean is None:
        return [Measure(name, None, *place, n=now.n, undefined_because="no value on a side")]
    m = Measure(name, now.mean - then.mean, *place, n=now.n)
    ends = [None if t.variance is None else mean_interval(t.n, t.mean or 0.0, t.variance, level) for t in (now, then)]
    if ends[0] is None or ends[1] is None:
        return [m]
    return [with_interval(m, mover_difference(now.mean, ends[0], then.mean, ends[1]))]


def _rates(place: tuple[str, str], now: tuple[int, int], then: tuple[int, int], level: float) -> Measure:
    name = "selection_rate_change"
    if not now[1] or not then[1]:
        return Measure(name, None, *place, n=now[1], unit="share", undefined_because="no prediction on a side")
    m = Measure(name, now[0] / now[1] - then[0] / then[1], *place, n=now[1], unit="share")
    return with_interval(m, intervals.newcombe_difference(*now, *then, level))


def _classes(now: ClassCounts, then: ClassCounts, group: _Group, place: tuple[str, str], level: float) -> list[Measure]:
    """Return how far the mix of predicted classes has moved."""
    labels = sorted({*now.labels, *then.labels})
    sides = []
    for counts in (then, now):
        at = counts.sensitive.index(group.column)
        mix = np.zeros(len(labels), np.int64)
        for (cell, _, p), n in counts.rows.items():
            if p is not None and counts.cells[cell][at] == group.value:
                mix[labels.index(p)] += n
        sides.append(mix)
    found = _cramers_v(place, sides[0], sides[1], level)
    return [replace(m, name=m.name.replace("cramers_v", "prediction_cramers_v")) for m in found]


# ---------------------------------------------------------------------------- what is drawn


def _evidence(drifts: Sequence[Measure], outcomes: Sequence[Measure], groups: Sequence[_Group]) -> list[Evidence]:
    rows = {g.label: g.n for g in groups}
    told = [m for m in drifts if m.name in ("ks", "cramers_v") and m.value is not None]
    # By what is certain, not by the value: small groups have the largest values by chance.
    told.sort(key=lambda m: (-(m.low or 0.0), -(m.value or 0.0), m.column, m.group))
    table: list[tuple[Cell, ...]] = [
        (m.group, rows[m.group], m.column, m.name, m.n, m.value, m.low, m.high) for m in told[:_SHOWN]
    ]
    columns = ("group", "rows", "feature", "distance", "n", "value", "low", "high")
    found = [Evidence("drift within groups", "Features that moved most, by group", "table", columns, tuple(table))]
    for name, title in _DRAWN.items():
        drawn: list[tuple[Cell, ...]] = [
            (m.group, m.group, rows[m.group], m.n, m.value, m.low, m.high) for m in outcomes if m.name == name
        ]
        head = ("label", "group", "rows", "n", "value", "low", "high")
        unit = "share" if name == "selection_rate_change" else ""
        notes: dict[str, Cell] = {"measure": name, "overall": 0.0, "overall_is": "no change:", "unit": unit}
        if drawn:
            found.append(Evidence(name, title, "forest", head, tuple(drawn[:_SHOWN]), notes))
    return found


_DRAWN = {
    "mean_score_change": "Change of the mean score, by group",
    "selection_rate_change": "Change of the selection rate, by group",
    "mean_prediction_change": "Change of the mean prediction, by group",
}

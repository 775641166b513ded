"""How far each column lies from the reference, window by window."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from workbench.core import category_drift, number_drift
from workbench.core.category_drift import Categories
from workbench.core.check import NotApplicableError, check
from workbench.core.counts import ColumnCounts, Counted
from workbench.core.errors import ConfigError, unknown
from workbench.core.finding import Evidence, Measure, Result
from workbench.core.number_drift import Numbers
from workbench.core.pairing import CATEGORIES, NUMBERS, changed_count, kind_changes, kind_of_both, pairs
from workbench.core.series import REFERENCE, Point, drawing
from workbench.core.subject import Subject
from workbench.core.windowed import alike, others

_KNOWN = tuple(dict.fromkeys((*number_drift.NAMES, *category_drift.NAMES)))
_NAMES_OF = {
    **dict.fromkeys(NUMBERS, number_drift.NAMES),
    **dict.fromkeys(CATEGORIES, category_drift.NAMES),
}
_MOST_DRAWN = 12


@check("drift.windows", "D014", "Drift over windows", needs=("windows", "reference"))
def windows(
    subject: Subject,
    *,
    measures: tuple[str, ...] = ("ks", "js_distance", "l_infinity", "unseen_share"),
    inside: bool = False,
    columns: tuple[str, ...] = (),
) -> Result:
    """Follow how far each column lies from the reference, from window to window.

    Measures: for each feature and window the chosen `measures` of drift.numeric and drift.categorical against the whole
        reference (with `season`, against its windows of that season): by default the Kolmogorov-Smirnov and
        Jensen-Shannon distance of numbers, Jensen-Shannon, the largest difference of shares and the share of unseen
        values of categories. The same of the reference's own windows (`reference ...`), each against the others, or
        against the whole reference that holds it (`inside`, as NannyML does it), from which rules learn their limits.
        `kind_changed` and `kind_changes` as drift.numeric has them.
    Reads well when: windows have some hundreds of rows and the reference has ten windows or more.
    Signs of risk: a distance beyond the learnt limit that stays; many columns at once.
    Limits: all windows share one reference, so that alarms come together. A distance grows as windows get smaller:
        compare windows of one size; a short one is marked. `inside` makes the reference's distances, and limits
        learnt from them, too small. A window without a value, or with another kind of values, is undefined.
    Reference: as drift.numeric and drift.categorical; a number's Jensen-Shannon distance on Doane's bins of what it is
        compared with. Hahn and Meeker (1991) for prediction limits.
    """
    for name in measures:
        if name not in _KNOWN:
            raise ConfigError("drift.windows: " + unknown("measure", name, _KNOWN))
    for name in columns:
        if name not in subject.features:
            raise ConfigError("drift.windows: " + unknown("column", name, subject.features))
    found, notes = kind_changes(subject)
    found.append(changed_count(found, sum(1 for _ in pairs(subject)) - len(found)))
    points: list[Point] = []
    told = len(found)
    for label, series, counted, base in _compared(subject, inside):
        subject.stop()
        for name in columns or subject.features:
            each = _measured(counted.columns.get(name), base.columns.get(name), measures, subject.level)
            placed = [replace(m, column=name, window=label) for m in each]
            found += placed
            points += [Point(label, series, m) for m in placed]
    if len(found) == told and not notes:
        raise NotApplicableError("no feature column can be compared with the reference")
    short = frozenset(w.label for w in subject.windows if w.short)
    notes += [f"short windows: {', '.join(sorted(short))}"] if short else []
    return Result(found, _drawn(points, measures, short), notes)


def _compared(subject: Subject, inside: bool) -> Iterator[tuple[str, str, Counted, Counted]]:
    """Yield each window's name, series and counts, and the counts that it is compared with."""
    whole = subject.reference
    if whole is None:
        return
    cut = subject.reference_windows
    for window, rest in zip(cut, others(cut), strict=True):
        base = alike(cut, window.season, whole) if inside else rest
        if base is not None:
            yield REFERENCE + window.label, "reference", window.counted, base
    for window in subject.windows:
        yield window.label, "current", window.counted, alike(cut, window.season, whole)


def _measured(
    current: ColumnCounts | None, base: ColumnCounts | None, names: tuple[str, ...], level: float
) -> list[Measure]:
    if current is None or base is None:
        return []
    why = _undefined_because(current, base)
    if why:  # a line over the windows never just ends
        known = _NAMES_OF.get((base if base.present else current).kind, ())
        return [Measure(name, None, n=current.present, undefined_because=why) for name in names if name in known]
    if current.numbers is not None and base.numbers is not None:
        return number_drift.some(Numbers.of(base.numbers, current.numbers), names, level=level)
    if current.values is None or base.values is None:
        return []
    every = category_drift.measures(Categories.of(base.values, current.values), level=level)
    return [m for m in every if m.name in names]


def _undefined_because(current: ColumnCounts, base: ColumnCounts) -> str:
    if not current.present or not base.present:
        return "every value is missing in " + ("the window" if base.present else "what it is compared with")
    if kind_of_both(current, base) is None:
        return f"it holds {base.kind} in the reference and {current.kind} now"
    return ""


def _drawn(points: list[Point], names: tuple[str, ...], short: frozenset[str]) -> list[Evidence]:
    """Return drawings of the columns that moved most, each by its first measure."""
    first: dict[str, str] = {}
    for name in names:
        for p in points:
            if p.measure.name == name:
                first.setdefault(p.measure.column, name)
    kept = [p for p in points if first[p.measure.column] == p.measure.name]
    height = {c: max(abs(float(p.measure.value or 0)) for p in kept if p.measure.column == c) for c in first}
    order = sorted(first, key=lambda c: (-height[c], c))[:_MOST_DRAWN]
    return drawing("drift", [p for c in order for p in kept if p.measure.column == c], short)

"""Which changes of features matter first: how far each moved, times how much the model rests on it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from workbench.core import intervals, means
from workbench.core.check import NotApplicableError, check
from workbench.core.counts import Counted
from workbench.core.effects import Effect, effect_of
from workbench.core.errors import shown, thousands
from workbench.core.finding import Cell, Evidence, Measure, Result
from workbench.core.importance import importances
from workbench.core.numbers import Floats
from workbench.core.rates import with_interval
from workbench.core.reweighting import Shift, binned_categories, binned_numbers, expected_shift
from workbench.core.rows import Reader, rows_of
from workbench.core.sample import Sample
from workbench.core.subject import Subject
from workbench.core.two_samples import NUMERIC, not_compared, outcomes_lacking

_NAMED = 3
_SHOWN = 20


@dataclass(frozen=True)
class _Outcome:
    """What may shift: a name for people and, per side, one column of numbers (for classes one per class) by row."""

    words: str
    reference: Floats
    current: Floats
    labels: tuple[str, ...] = ("",)


@dataclass(frozen=True)
class _Change:
    """One feature: how far it moved, how much rests on it, what its shift alone would do to the outcome, and where."""

    column: str
    effect: Effect
    p: float = 1.0
    importance: float | None = None
    importance_n: int | None = None
    shift: Shift | None = None
    where: str = ""

    @property
    def impact(self) -> float:
        return self.effect.beyond_chance * (1.0 if self.importance is None else self.importance)


@check("drift.ranking", "D013", "The changes that matter first", needs=("reference",), uses=("rows", "model"))
def ranking(subject: Subject, *, bins: int = 10, repeats: int = 1, most_rows: int = 2_000) -> Result:
    """Rank the features by how far they moved, times how much the model or its score rests on them.

    Measures: for each feature `drift`, the larger of the change of its values (Kolmogorov-Smirnov's distance of
        numbers, total variation of categories) and of its missing share, 0 to 1, with the p of no change adjusted for
        the number of features; `importance`, 0 to 1: its share of the model's permutation importance on reference
        rows where there is a model and a truth, else the correlation ratio of the score (or prediction, or truth) on
        its bins; `drift_impact`, importance times the part of the drift that chance does not give; `expected_shift`,
        by how much the reference's mean score would move if this feature alone were distributed as it is now, with
        an interval: in the score's own unit, and the better answer to "does it matter". `actual_shift`, by how much
        the mean score did move.
    Reads well when: the reference is large, and features do not merely repeat each other.
    Signs of risk: a feature at the top whose expected shift is large against the decisions' margin.
    Limits: an expected shift looks at one feature at a time: related features claim the same shift, so they do not
        add up to the actual one; a change of spread may leave the mean where it is and yet cost accuracy. It knows
        nothing of values that the reference lacks (their share is in the table). A relation is not a cause. Importance
        and shifts are measured on the seeded sample, drift on all rows; without rows the ranking is by drift alone.
        For several classes the shift is of the share predicted as the class that moves most, Bonferroni's interval.
    Reference: Breiman (2001) and Fisher, Rudin and Dominici (2019) for permutation importance; Kelley (1935) for the
        corrected correlation ratio; Holt and Smith (1979) for post-stratification; Benjamini and Hochberg (1995).
    """
    if subject.reference is None:
        raise NotApplicableError("no reference data was given")
    notes: list[str] = []
    changes = _moved(subject, subject.reference, notes)
    outcome = _outcome(subject, subject.reference)
    if outcome is not None:
        changes = [_with_shift(c, subject, subject.reference, outcome, bins) for c in changes]
    changes, how = _with_importance(changes, subject, subject.reference, outcome, repeats, most_rows)
    changes.sort(key=lambda c: (-c.impact, -c.effect.beyond_chance, c.column))
    found = [m for c in changes for m in _measures(c)]
    if outcome is not None:
        found.append(_actual(outcome, subject.level))
    evidence = [_table(changes)] + ([_forest(changes, outcome, found[-1])] if outcome is not None else [])
    return Result(found, evidence, [_sentence(changes, outcome, subject.level), how, *notes])


def _moved(subject: Subject, reference: Counted, notes: list[str]) -> list[_Change]:
    found, left_out = [], []
    for name in subject.features:
        current, there = subject.current.columns[name], reference.columns.get(name)
        why = not_compared(current, there)
        effect = None if why or there is None else effect_of(current, there)
        if effect is None:
            left_out.append(f"{shown(name, 40)} ({why})")
        else:
            found.append(_Change(name, effect))
    if not found:
        raise NotApplicableError("no feature can be compared with the reference: " + ", ".join(left_out[:8]))
    if left_out:
        more = f" and {len(left_out) - 8} more" if len(left_out) > 8 else ""
        notes.append("not ranked: " + ", ".join(left_out[:8]) + more)
    _, adjusted = intervals.benjamini_hochberg([c.effect.p_value for c in found])
    return [replace(c, p=p) for c, p in zip(found, adjusted, strict=True)]


# ---------------------------------------------------------------------------- what may shift


def _outcome(subject: Subject, reference: Counted) -> _Outcome | None:
    """Return score, else prediction, else truth of both sides' sampled rows; None without rows or any of them."""
    if subject.current.sample is None or reference.sample is None:
        return None
    sides = []
    for counted in (reference, subject.current):
        try:
            if lacking := outcomes_lacking(subject):
                raise NotApplicableError(lacking)
            rows = rows_of(subject, counted)
            sides.append((rows.score, rows.prediction, rows.truth))
        except NotApplicableError:
            truth = Reader(subject).truth(_sample(counted).rows)
            sides.append((None, np.full(len(truth), np.nan), truth))
    task = subject.roles.kind_of_task
    for at, words in enumerate(("mean score", _PREDICTED[task], _TRUE[task])):
        pair = [side[at] for side in sides]
        if all(p is not None and np.isfinite(p).any() for p in pair):
            there, here = (np.where(np.isfinite(p), p, np.nan) for p in pair if p is not None)
            return (
                _by_class(words, there, here, subject) if task == "multiclass" else _Outcome(words, *_tall(there, here))
            )
    return None


_PREDICTED = {
    "binary": "share predicted positive",
    "multiclass": "share predicted as a class",
    "regression": "mean prediction",
}
_TRUE = {"binary": "share truly positive", "multiclass": "share of a class", "regression": "mean truth"}


def _sample(counted: Counted) -> Sample:
    if counted.sample is None:
        raise NotApplicableError("it needs rows, and only counts are here")
    return counted.sample


def _tall(there: Floats, here: Floats) -> tuple[Floats, Floats]:
    return there[:, None], here[:, None]


def _by_class(words: str, there: Floats, here: Floats, subject: Subject) -> _Outcome:
    named = () if subject.current.classes is None else subject.current.classes.labels
    codes = np.unique(there[~np.isnan(there)]).astype(int).tolist()
    sides = [
        np.where(np.isnan(v)[:, None], np.nan, (v[:, None] == np.array(codes)).astype(float)) for v in (there, here)
    ]
    labels = tuple(named[c] if c < len(named) else "another class" for c in codes)
    return _Outcome(words, sides[0], sides[1], labels)


def _with_shift(change: _Change, subject: Subject, reference: Counted, outcome: _Outcome, bins: int) -> _Change:
    subject.stop()
    arrays = [_sample(c).rows.column(change.column) for c in (reference, subject.current)]
    numeric = subject.current.columns[change.column].kind in NUMERIC
    where = binned_numbers(arrays[0], arrays[1], bins) if numeric else binned_categories(arrays[0], arrays[1])
    level = 1 - (1 - subject.level) / len(outcome.labels)
    with np.errstate(over="ignore", invalid="ignore"):
        answers = [expected_shift(outcome.reference[:, k], where, level) for k in range(len(outcome.labels))]
    known = [(abs(s.value), s, label) for s, label in zip(answers, outcome.labels, strict=True) if s is not None]
    if not known:
        return change
    _, shift, label = max(known, key=lambda item: (item[0], item[2]))
    sensitivity = max(s.sensitivity for _, s, _ in known)
    return replace(change, shift=shift, importance=sensitivity, importance_n=shift.reference_n, where=label)


# ---------------------------------------------------------------------------- how much rests on it


def _with_importance(
    changes: Sequence[_Change],
    subject: Subject,
    reference: Counted,
    outcome: _Outcome | None,
    repeats: int,
    most_rows: int,
) -> tuple[list[_Change], str]:
    if subject.model is not None and reference.sample is not None:
        try:
            found = importances(subject, reference, repeats=repeats, most_rows=most_rows)
        except NotApplicableError:
            pass
        else:
            shares = _shares(found.measures)
            what = f"the model's permutation importance on {thousands(found.n)} reference rows ({found.loss})"
            ranked = [replace(c, importance=shares.get(c.column, 0.0), importance_n=found.n) for c in changes]
            return ranked, f"importance is each feature's share of {what}"
    if outcome is not None:
        return list(changes), f"importance is how much the bins of a feature say of the {outcome.words}"
    return list(changes), "neither a model nor rows with an outcome are here: ranked by drift alone"


def _shares(measures: Sequence[Measure]) -> Mapping[str, float]:
    above = {m.column: max(0.0, float(m.value or 0.0)) for m in measures}
    total = math.fsum(above.values())
    return {name: value / total if total else 0.0 for name, value in above.items()}


# ---------------------------------------------------------------------------- what is told


def _measures(c: _Change) -> list[Measure]:
    found = [
        Measure("drift", c.effect.value, c.column, n=c.effect.n, method=c.effect.name),
        Measure("drift_p_value", c.p, c.column, n=c.effect.n, method="adjusted for the number of features"),
        Measure("drift_impact", c.impact, c.column, n=c.effect.n),
    ]
    if c.importance is not None:
        found.append(Measure("importance", c.importance, c.column, n=c.importance_n))
    if c.shift is not None:
        m = Measure("expected_shift", c.shift.value, c.column, where=c.where, n=c.shift.n)
        found.append(with_interval(m, c.shift.interval))
    return found


def _actual(outcome: _Outcome, level: float) -> Measure:
    # Of several classes the one whose share moved most, as for the features.
    gaps = np.nan_to_num(np.abs(np.nanmean(outcome.current, axis=0) - np.nanmean(outcome.reference, axis=0)))
    k = int(np.argmax(gaps))
    now, then = (side[:, k][~np.isnan(side[:, k])] for side in (outcome.current, outcome.reference))
    answer = means.difference_of(now, then, 1 - (1 - level) / len(outcome.labels))
    where = outcome.labels[k]
    if answer is None:
        why = "under two rows on a side"
        return Measure("actual_shift", None, where=where, n=len(now), undefined_because=why)
    return with_interval(Measure("actual_shift", answer[0], where=where, n=len(now)), answer[1])


def _sentence(changes: Sequence[_Change], outcome: _Outcome | None, level: float) -> str:
    told = [c for c in changes if c.p <= 1 - level and c.impact > 0][:_NAMED]
    if not told:
        return "no change of a feature is told from chance and rests on something that matters"
    head = "the change that matters most" if len(told) == 1 else f"the {_COUNT[len(told)]} changes that matter most"
    return f"{head}: " + "; ".join(_words(c, outcome) for c in told)


_COUNT = {2: "two", 3: "three"}


def _words(c: _Change, outcome: _Outcome | None) -> str:
    text = f"{shown(c.column, 40)} (drift {c.effect.value:.2g}"
    if c.shift is None or outcome is None:
        return text + ")"
    s, of = c.shift, f" {shown(c.where, 40)}" if c.where else ""
    ends = f"[{s.interval.low:+.3g}, {s.interval.high:+.3g}]"
    return f"{text}, by itself {s.value:+.3g} {ends} on the {outcome.words}{of})"


def _table(changes: Sequence[_Change]) -> Evidence:
    rows: list[tuple[Cell, ...]] = []
    for at, c in enumerate(changes[:_SHOWN]):
        s = c.shift
        ends = (None, None, None, None) if s is None else (s.value, s.interval.low, s.interval.high, s.unsupported)
        rows.append((at + 1, c.column, c.effect.value, c.effect.name, c.p, c.importance, c.impact, *ends))
    columns = (
        "rank", "feature", "drift", "of", "adjusted p", "importance", "impact", "expected shift", "low", "high",
        "share not in the reference",
    )  # fmt: skip
    return Evidence("changes", "The changes that matter, first to last", "table", columns, tuple(rows))


def _forest(changes: Sequence[_Change], outcome: _Outcome | None, actual: Measure) -> Evidence:
    rows: list[tuple[Cell, ...]] = []
    for c in changes[:_SHOWN]:
        if c.shift is not None:
            label = f"{c.column}: {c.where}" if c.where else c.column
            rows.append((label, c.shift.n, c.shift.value, c.shift.interval.low, c.shift.interval.high))
    of = "" if outcome is None else f" of the {outcome.words}"
    notes: dict[str, Cell] = {"measure": "expected_shift", "overall": actual.value, "overall_is": "actual:"}
    columns = ("label", "n", "value", "low", "high")
    return Evidence("expected shifts", f"Expected shift{of} by feature", "forest", columns, tuple(rows), notes)

"""The tables of New York City Local Law 144: selection or scoring rates and impact ratios by sex, race and both."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

import numpy as np

from workbench.core import intervals
from workbench.core.check import NotApplicableError, check
from workbench.core.errors import ConfigError, unknown
from workbench.core.favoured import favoured, impact_ratio_measure, most_favoured
from workbench.core.finding import Cell, Evidence, Measure, Result, column_label, group_label
from workbench.core.joint import JointCounts
from workbench.core.numbers import Floats, Ints, NumberCounts, coarser
from workbench.core.rates import Fraction, measure
from workbench.core.subject import Subject

_LIKE = {"sex": {"sex", "gender"}, "race": {"race", "ethnicity", "ethnic", "races", "raceethnicity"}}
_ENDS = (np.iinfo(np.int64).min, np.iinfo(np.int64).max)  # keys of the two infinities
_BINNED = "there are too many distinct scores to tell which equal the median"


@check("bias.local_law_144", "B011", "Impact ratios by NYC Local Law 144", needs=("sensitive",), on_request=True)
def local_law_144(
    subject: Subject,
    *,
    sex: str | None = None,
    race: str | None = None,
    mode: Literal["auto", "selection", "scoring"] = "auto",
    exclude_under_two_percent: bool = False,
    exclusion_reason: str = "",
    data_source: str = "",
    explanation: str = "",
    distribution_date: str = "",
    auditor: str = "",
) -> Result:
    """Draw up the tables that New York City's Local Law 144 asks of a bias audit: by sex, by race, and by both.

    Measures: per category its number of rows, `selection_rate` = selected / applicants, or for a tool that scores
        `scoring_rate` = share of the category's scores strictly above the median of all scores (people of unknown
        category included), with Wilson intervals, and `impact_ratio` = that rate over the highest rate in the same
        table, not rounded before the division, with a MOVER-R interval; per table `unknown_count`, people whose
        category is not known, who are in no rate and no ratio, and `excluded_under_two_percent`; for scores
        `score_median` and `scores_at_median`, the scores equal to it, which are not above it.
    Reads well when: each category has at least some tens of people; a tool's own decisions are given as predictions,
        or its scores as scores.
    Signs of risk: the law sets no limit and neither does this check. A ratio far under 1 whose interval is narrow; many
        people of unknown category; many scores at the median, where a small change of scores moves the rates.
    Limits: no threshold and no p-value; four fifths has a check of its own. mode auto is scoring when there is a
        score and no prediction column, else selection. A category under 2 % of the people in a table's categories may
        be left out of the ratios, for the reason given: its number and rate stay. Small categories stay in the
        tables, as the law asks, and may set the highest rate; what is shown to people suppresses them. Where the
        negative outcome is the favourable one, scores strictly under the median count. Beyond 131,072 distinct
        scores the rates carry an error bound. The interval of a ratio takes the group with the highest rate as given.
        A tool that sorts people into more than two classes needs one audit per class.
    Reference: 6 RCNY 5-300 to 5-304 (New York City Department of Consumer and Worker Protection, final rule 2023):
        definitions of selection rate, scoring rate and impact ratio in 5-300, tables, unknown categories and the 2 %
        rule in 5-301, published summary in 5-303; Wilson (1927); Donner and Zou (2012) Statistical Methods in Medical
        Research 21:347.
    """
    if exclude_under_two_percent and not exclusion_reason.strip():
        raise ConfigError("exclude_under_two_percent: give the auditor's reason in exclusion_reason (6 RCNY 5-301).")
    joint = subject.joint
    columns, notes = _columns(joint.sensitive, sex, race)
    scoring = _is_scoring(subject, joint, mode)
    found, count, about = _scoring(joint) if scoring else _selection(joint)
    notes += about
    evidence = []
    for grouping in _tables(joint, columns):
        rows = _rows(joint, grouping, count)
        kept = _kept(rows, exclude_under_two_percent)
        found += _measures(rows, kept, grouping, subject, scoring)
        evidence.append(_evidence(rows, kept, grouping, scoring, exclusion_reason))
        notes += _remarks(rows, kept, grouping, subject.minimum_group_size, exclusion_reason)
    texts = {
        "data source": data_source,
        "explanation": explanation,
        "distribution date": distribution_date,
        "auditor": auditor,
    }
    return Result(found, evidence, notes + [f"{k}: {v.strip() or 'not stated'}" for k, v in texts.items()])


class _Count(NamedTuple):
    n: int  # people with an outcome
    x: int  # of these, selected or scored above the median
    unsure: int = 0  # of the n, how many are in the median's bin and may be above it


class _Row(NamedTuple):
    category: str
    label: str
    rows: int
    known: bool
    outcome: _Count

    @property
    def fraction(self) -> Fraction:
        return self.outcome.x, self.outcome.n


_Counter = Callable[[Sequence[int]], _Count]


# ---------------------------------------------------------------------------- which columns, which mode


def _columns(sensitive: tuple[str, ...], sex: str | None, race: str | None) -> tuple[dict[str, str], list[str]]:
    if not sensitive:
        raise NotApplicableError("no sensitive column is in the data")
    given = {"sex": sex, "race": race}
    for role, name in given.items():
        if name is not None and name not in sensitive:
            raise ConfigError(f"{role}: " + unknown("sensitive column", name, sensitive))
    if sex is not None and sex == race:
        raise ConfigError("sex and race: the same column was named for both.")
    taken = {role: name for role, name in given.items() if name is not None}
    notes = [f"{role}: column {name}, as named" for role, name in taken.items()]
    for how, allowed in (("by its name", _LIKE), ("in its place, as no column has such a name", None)):
        for role in ("sex", "race"):
            free = [c for c in sensitive if c not in taken.values() and (allowed is None or _is_like(c, allowed[role]))]
            if role not in taken and free:
                taken[role] = free[0]
                notes.append(f"{role}: column {free[0]} was taken {how}")
    notes += [f"{role}: no column is left for this table" for role in ("sex", "race") if role not in taken]
    return taken, notes


def _is_like(column: str, words: set[str]) -> bool:
    return bool(words & set(re.split(r"[^a-z]+", column.lower())))


def _tables(joint: JointCounts, columns: dict[str, str]) -> list[tuple[str, ...]]:
    # In the order of the audit's columns, so that a group has the same label in every check.
    single = [(columns[role],) for role in ("sex", "race") if role in columns]
    both = tuple(c for c in joint.sensitive if c in columns.values())
    return [*single, both] if len(both) > 1 else list(single)


def _is_scoring(subject: Subject, joint: JointCounts, mode: str) -> bool:
    if mode == "auto":
        mode = "scoring" if joint.has_score and subject.roles.prediction is None else "selection"
    if mode == "scoring" and not joint.has_score:
        raise NotApplicableError("there is no score: give a score column, or mode selection")
    if mode == "selection" and not joint.has_prediction:
        raise NotApplicableError("there is neither a prediction nor a score")
    return mode == "scoring"


# ---------------------------------------------------------------------------- selection and scoring


def _selection(joint: JointCounts) -> tuple[list[Measure], _Counter, list[str]]:
    def count(cells: Sequence[int]) -> _Count:
        x, n = favoured(joint.confusion(cells), joint.favourable_is_positive)
        return _Count(n, x)

    whole = joint.confusion()
    lacking = whole.rows - whole.predicted
    notes = ["mode: selection"]
    if lacking:
        notes.append(f"{lacking} rows have no prediction and are in no rate")
    return [], count, notes


class _Median(NamedTuple):
    value: float
    below: int  # key of the bin of the lower middle score
    above: int  # key of the bin of the upper middle score
    shift: int
    mixed: bool  # the median lies inside a bin of several values
    ties: int
    n: int


def _scoring(joint: JointCounts) -> tuple[list[Measure], _Counter, list[str]]:
    median = _median(joint.all_scores)

    def count(cells: Sequence[int]) -> _Count:
        wanted = set(cells)
        tables = [t for (cell, _, _), t in joint.scores.items() if cell in wanted]
        return _Count(*(sum(part) for part in zip((0, 0, 0), *(_beyond(t) for t in tables), strict=True)))

    def _beyond(table: NumberCounts) -> tuple[int, int, int]:
        if median is None:
            return 0, 0, 0
        keys, counts = _line(table, median.shift)
        beyond = keys > median.below if joint.favourable_is_positive else keys < median.above
        inside = int(counts[keys == median.below].sum()) if median.mixed else 0
        return int(counts.sum()), int(counts[beyond].sum()), inside

    return _median_measures(median), count, _median_notes(joint, median)


def _line(table: NumberCounts, shift: int) -> tuple[Ints, Ints]:
    keys = coarser(table.keys, table.shift, shift)
    ends = (np.array([end], np.int64) for end in _ENDS)
    counts = np.concatenate(([table.infinite[0]], table.counts, [table.infinite[1]])).astype(np.int64)
    low, high = ends
    return np.concatenate((low, keys, high)), counts


def _median(table: NumberCounts) -> _Median | None:
    keys, counts = _line(table, table.shift)
    n = int(counts.sum())
    if not n:
        return None
    ends: Ints = np.cumsum(counts)
    at, after = (int(np.searchsorted(ends, position, side="right")) for position in ((n - 1) // 2, n // 2))
    lows, highs = _with_infinities(table.lows), _with_infinities(table.highs)
    mixed = at == after and bool(lows[at] < highs[at])
    value = float(lows[at]) if at == after and not mixed else float(highs[at]) / 2 + float(lows[after]) / 2
    ties = int(counts[at]) if at == after else 0
    return _Median(value, int(keys[at]), int(keys[after]), table.shift, mixed, ties, n)


def _with_infinities(values: Floats) -> Floats:
    return np.concatenate(([-np.inf], values, [np.inf]))


def _median_measures(median: _Median | None) -> list[Measure]:
    if median is None:
        why = "no row has a score"
        return [Measure(name, None, n=0, undefined_because=why) for name in ("score_median", "scores_at_median")]
    ties = Measure("scores_at_median", None if median.mixed else median.ties, n=median.n, unit="rows")
    if median.mixed:
        ties = Measure(ties.name, None, n=median.n, unit="rows", undefined_because=_BINNED)
    return [Measure("score_median", median.value, n=median.n), ties]


def _median_notes(joint: JointCounts, median: _Median | None) -> list[str]:
    side = "above" if joint.favourable_is_positive else "under"
    notes = [f"mode: scoring; the scoring rate is the share strictly {side} the median of all scores"]
    if median is None:
        return notes
    if median.mixed:
        notes.append(f"{_BINNED}: a rate leaves out the scores in the median's bin, which its error bound counts")
    else:
        notes.append(f"{median.ties} of {median.n} scores equal the median and are not {side} it")
    lacking = joint.confusion().rows - median.n
    return notes + ([f"{lacking} rows have no score and are in no rate"] if lacking else [])


# ---------------------------------------------------------------------------- tables


def _rows(joint: JointCounts, columns: tuple[str, ...], count: _Counter) -> list[_Row]:
    return [
        _Row(
            ", ".join("unknown" if v is None else v for v in values),
            group_label(columns, values),
            joint.confusion(cells).rows,
            None not in values,
            count(cells),
        )
        for values, cells in joint.members(columns).items()
    ]


def _kept(rows: Sequence[_Row], exclude: bool) -> list[_Row]:
    known = [r for r in rows if r.known]
    people = sum(r.outcome.n for r in known)
    return [r for r in known if not exclude or r.outcome.n * 50 >= people]


def _measures(
    rows: Sequence[_Row], kept: Sequence[_Row], columns: tuple[str, ...], subject: Subject, scoring: bool
) -> list[Measure]:
    column, level = column_label(columns), subject.level
    best, outcome = most_favoured(r.fraction for r in kept), "score" if scoring else "prediction"
    found = []
    for r in rows:
        if not r.known:
            continue
        found.append(Measure("count", r.rows, column, r.label, n=r.rows, unit="rows"))
        found.append(_rate(r, column, level, scoring))
        if r in kept:
            ratio = impact_ratio_measure(*r.fraction, best, column, r.label, level, outcome)
            found.append(_with_bound(ratio, r, kept))
    whole, left_out = sum(r.rows for r in rows), sum(r.known for r in rows) - len(kept)
    unknown_rows = sum(r.rows for r in rows if not r.known)
    found.append(Measure("unknown_count", unknown_rows, column, n=whole, unit="rows"))
    found.append(Measure("excluded_under_two_percent", left_out, column, n=len(rows)))
    return found


def _rate(r: _Row, column: str, level: float, scoring: bool) -> Measure:
    name, lacking = ("scoring_rate", "score") if scoring else ("selection_rate", "prediction")
    x, n, unsure = r.outcome.x, r.outcome.n, r.outcome.unsure
    why = f"0/0: no row has a {lacking}"
    m = measure(name, x, n, intervals.wilson(x, n, level), column=column, group=r.label, why=why)
    return _bounded(m, unsure / n if n else 0.0)


def _with_bound(m: Measure, r: _Row, kept: Sequence[_Row]) -> Measure:
    if m.value is None or not any(k.outcome.unsure for k in kept):
        return m
    usable = [k.outcome for k in kept if k.outcome.n]
    highest = max(c.x / c.n for c in usable), max((c.x + c.unsure) / c.n for c in usable)
    low = r.outcome.x / r.outcome.n / highest[1]
    high = min(1.0, (r.outcome.x + r.outcome.unsure) / r.outcome.n / highest[0])
    return _bounded(m, max(m.value - low, high - m.value))


def _bounded(m: Measure, bound: float) -> Measure:
    if not bound:
        return m
    head = (m.name, m.value, m.column, m.group, m.window, m.where)
    return Measure(*head, m.low, m.high, m.method, m.n, m.unit, bound, m.undefined_because)


def _evidence(
    rows: Sequence[_Row], kept: Sequence[_Row], columns: tuple[str, ...], scoring: bool, reason: str
) -> Evidence:
    column, best = column_label(columns), most_favoured(r.fraction for r in kept)
    table: list[tuple[Cell, ...]] = []
    for r in rows:
        if r.known:
            x, n = r.fraction
            ratio = (x / n) / (best[0] / best[1]) if r in kept and n and best and best[0] else None
            counts = (n,) if scoring else (n, x)
            table.append((r.category, r.label, r.rows, *counts, x / n if n else None, ratio))
    middle = ("scoring_rate",) if scoring else ("selected", "selection_rate")
    excluded = ", ".join(r.category for r in rows if r.known and r not in kept)
    notes: dict[str, Cell] = {"column": column, "unknown": sum(r.rows for r in rows if not r.known)}
    if excluded:
        notes |= {"excluded": excluded, "reason": reason.strip()}
    return Evidence(
        name=f"local law 144 by {column}",
        title=f"{'Scoring' if scoring else 'Selection'} rates and impact ratios by {column} (6 RCNY 5-301)",
        kind="table",
        columns=("category", "group", "rows", "applicants", *middle, "impact_ratio"),
        rows=tuple(table),
        notes=notes,
    )


def _remarks(
    rows: Sequence[_Row], kept: Sequence[_Row], columns: tuple[str, ...], minimum: int, reason: str
) -> list[str]:
    column, notes = column_label(columns), []
    small = [r.category for r in rows if r.known and r.rows < minimum]
    if small:
        notes.append(
            f"{column}: {len(small)} categories have fewer than {minimum} rows; the law's table lists them all the same"
        )
    notes += [
        f"{column}: {r.category} is under 2 % of the people and left out of the impact ratios: {reason.strip()}"
        for r in rows
        if r.known and r not in kept
    ]
    return notes

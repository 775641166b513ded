"""Regions of the data in which the model does worse than elsewhere: found on one half, confirmed on the other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workbench.core import intervals
from workbench.core.check import NotApplicableError, check
from workbench.core.finding import Evidence, Measure, Result
from workbench.core.means import difference_of, mean_of
from workbench.core.rates import with_interval
from workbench.core.rows import Rows, rows_of
from workbench.core.segments import WRITTEN, Mask, Segment, pairs, segments
from workbench.core.subject import Subject

_SEARCHED = 40  # single segments that are also looked at in pairs


@dataclass(frozen=True)
class _Found:
    segment: Segment
    inside: Mask  # of the half it was found on
    score: float


@check("performance.weak_segments", "P008", "Weak segments", needs=("truth", "rows"), version="2")
def weak_segments(subject: Subject, *, depth: int = 2, most: int = 10, minimum_share: float = 0.02) -> Result:
    """Search bins of one and two features for regions where errors are more frequent or larger than elsewhere.

    Measures: `weak_segments`, the number confirmed; for each candidate, named under `where`, the error rate (or mean
        absolute error) of its rows in the half of the data that was not used to find it, `_against_rest`, its
        difference from the rest of that half, with an interval, and `_p_value`, adjusted for the number of candidates.
    Reads well when: each half has some thousands of rows and errors are not rare.
    Signs of risk: a confirmed segment whose whole interval lies above 0, in a region that matters.
    Limits: bins are fifths of each number and the most frequent categories, so a region of another shape is missed;
        candidates are the strongest few, not every region; a segment under the minimum share is never looked at.
        Nothing confirmed is not evidence that the model does equally well everywhere.
    Reference: halves by the parity of the seeded row hash (honest confirmation as in Athey and Imbens 2016, PNAS
        113:7353); Newcombe (1998) for rates, Welch (1947) for means; Benjamini and Hochberg (1995) over the
        candidates; Wilson (1927).
    """
    rows = rows_of(subject)
    half = _halves(subject, rows)
    first, second = rows.take(half & rows.known), rows.take(~half & rows.known)
    least = max(30, subject.minimum_group_size, int(minimum_share * first.n))
    if min(first.n, second.n) < 2 * least:
        raise NotApplicableError(f"each half needs {2 * least} rows with truth and prediction, and has {second.n}")
    found = _search(subject, first, least, depth, most)
    return _confirmed(found, second, subject, len(found))


def _halves(subject: Subject, rows: Rows) -> Mask:
    del rows
    return subject.sample.first_half


def _search(subject: Subject, rows: Rows, least: int, depth: int, most: int) -> list[_Found]:
    kinds = {name: c.kind for name, c in subject.current.columns.items()}
    singles = segments(rows.batch, subject.features, kinds)
    found = [f for s in singles if (f := _scored(s, s.mask(rows.batch), rows, least)) is not None]
    found.sort(key=lambda f: (-f.score, f.segment.name))
    if depth > 1:
        masks = {f.segment.name: f.inside for f in found[:_SEARCHED]}
        for pair in pairs([f.segment for f in found[:_SEARCHED]]):
            one, two = (masks[c.words] for c in pair.conditions)
            if (f := _scored(pair, one & two, rows, least)) is not None:
                found.append(f)
    return _distinct(sorted(found, key=lambda f: (-f.score, f.segment.name)), most)


def _scored(segment: Segment, inside: Mask, rows: Rows, least: int) -> _Found | None:
    n = int(inside.sum())
    if n < least or rows.n - n < least:
        return None
    loss = rows.loss
    gap = float(loss[inside].mean() - loss[~inside].mean())
    spread = float(np.sqrt(loss[inside].var() / n + loss[~inside].var() / (rows.n - n)))
    return _Found(segment, inside, gap / spread) if gap > 0 and spread > 0 else None


def _distinct(found: list[_Found], most: int) -> list[_Found]:
    kept: list[_Found] = []
    for f in found:
        # The same rows under another name tell nothing new.
        if all((f.inside & k.inside).sum() < 0.7 * (f.inside | k.inside).sum() for k in kept):
            kept.append(f)
        if len(kept) == most:
            break
    return kept


def _confirmed(found: list[_Found], rows: Rows, subject: Subject, tried: int) -> Result:
    answers = []
    for f in found:
        inside = f.segment.mask(rows.batch)
        answer = difference_of(rows.loss[inside], rows.loss[~inside], subject.level)
        if answer is not None and inside.sum() >= subject.minimum_group_size:
            answers.append((f.segment, rows.loss[inside], answer))
    _, adjusted = intervals.benjamini_hochberg([a[2] for _, _, a in answers])
    confirmed = sum(p <= 1 - subject.level for p in adjusted)
    name, unit, measures, table = rows.loss_name, rows.loss_unit, [], []
    measures.append(Measure("weak_segments", confirmed, n=tried, unit="segments"))
    measures.append(mean_of(name, rows.loss, subject.level, unit=unit))
    for (segment, losses, (value, interval, _)), p in zip(answers, adjusted, strict=True):
        own = mean_of(name, losses, subject.level, unit=unit, where=segment.name)
        gap = Measure(f"{name}_against_rest", value, where=segment.name, n=len(losses), unit=unit)
        measures += [own, with_interval(gap, interval)]
        measures.append(Measure(f"{name}_p_value", p, where=segment.name, n=len(losses)))
        told = "confirmed" if p <= 1 - subject.level else "not confirmed"
        head = (segment.name, segment.written, len(losses))
        table.append((*head, own.value, value, interval.low, interval.high, p, told))
    columns = ("segment", WRITTEN, "n", name, "difference", "low", "high", "adjusted p", "second half")
    evidence = Evidence("weak segments", "Regions with the largest errors", "table", columns, tuple(table))
    return Result(measures, [evidence], [f"measured on {subject.sample.words}, found on one half of them"])

"""Rows that reference and current data share."""

from __future__ import annotations

import numpy as np

from workbench.core.check import NotApplicableError, check
from workbench.core.errors import thousands
from workbench.core.finding import Cell, Evidence, Measure, Result
from workbench.core.intervals import wilson
from workbench.core.overlap import Mask, feature_hashes, is_among, repeated, shared_kinds
from workbench.core.rates import measure
from workbench.core.sample import Sample
from workbench.core.subject import Subject
from workbench.core.suspected import MOST_EXAMPLES, row_names


@check("leakage.shared_rows", "L001", "Shared rows", needs=("reference", "rows"))
def shared_rows(subject: Subject) -> Result:
    """Count the current rows that are also in the reference: equal in every column, and equal in their features.

    Measures: `shared_rows` and `shared_row_share` of the rows looked at, with a Wilson interval: equal in all columns;
        `shared_feature_rows` and `shared_feature_share`: equal in all features, whatever their label; beside it
        `repeated_feature_share`, the share of the reference's own rows whose features recur within it.
    Reads well when: the reference is what the model was trained with, and the current data what it is tested on.
    Signs of risk: any share well above how often features recur by themselves: the test measures memory.
    Limits: rows are compared by 128-bit hashes. On samples only those rows are looked at for which both samples are
        complete, so membership is exact (the interval takes rows as drawn one by one); equality in features alone needs
        every row of both (a larger `sample`). With few or coarse features different cases are equal. A shared case
        with one changed cell is not found.
    Reference: train-test contamination as in Kapoor and Narayanan (2023) Patterns 4:100804, type L1.4; bottom-k
        sketches, Cohen and Kaplan (2007) PODC; Wilson (1927).
    """
    current, reference = subject.sample, _reference(subject)
    measures, found = _exact(subject, current, reference)
    more, alike = _of_features(subject, current, reference)
    notes = [f"{_words(current)} are looked up among {_words(reference)} of the reference"]
    return Result([*measures, *more], _examples(subject, found, alike), notes)


def _reference(subject: Subject) -> Sample:
    if subject.reference is None or subject.reference.sample is None:
        raise NotApplicableError("it needs rows of the reference, and only counts are here")
    return subject.reference.sample


def _words(sample: Sample) -> str:
    return f"all {thousands(sample.available)} rows" if sample.complete else sample.words


def _exact(subject: Subject, current: Sample, reference: Sample) -> tuple[list[Measure], Mask]:
    here, there = set(current.rows.schema.names), set(reference.rows.schema.names)
    if here != there:
        why = "the reference does not have the same columns"
        names = (("shared_rows", "rows"), ("shared_row_share", "share"))
        found = [Measure(m, None, n=current.n, unit=u, undefined_because=why) for m, u in names]
        return found, np.zeros(len(current.counts), bool)
    both = shared_kinds(current, reference)
    x, n = (int(current.counts[kinds].sum()) for kinds in (both.found, both.looked))
    return _counted("shared_row", x, n, subject.level), both.found


def _counted(name: str, x: int, n: int, level: float) -> list[Measure]:
    share = measure(f"{name}_share", x, n, wilson(x, n, level), why="no row was looked at")
    return [share, Measure(f"{name}s" if name == "shared_row" else f"{name}_rows", x, n=n, unit="rows")]


def _of_features(subject: Subject, current: Sample, reference: Sample) -> tuple[list[Measure], Mask]:
    names = tuple(c for c in subject.features if c in reference.rows.schema.names)
    none = np.zeros(len(current.counts), bool)
    why = ""
    if not names:
        why = "there is no feature in both"
    elif not (current.complete and reference.complete):
        largest = max(current.available, reference.available)
        most = f"a sample of {thousands(largest)} rows"
        why = f"only a part of the rows is at hand: features alone are compared with {most}"
    if why:
        wanted = (
            ("shared_feature_rows", "rows"),
            ("shared_feature_share", "share"),
            ("repeated_feature_share", "share"),
        )
        return [Measure(m, None, n=current.n, unit=u, undefined_because=why) for m, u in wanted], none
    there = feature_hashes(reference, names)
    found = is_among(feature_hashes(current, names), there)
    again, n = int(reference.counts[repeated(there, reference.counts)].sum()), reference.available
    baseline = measure(
        "repeated_feature_share", again, n, wilson(again, n, subject.level), window="reference", why="no row"
    )
    x = int(current.counts[found].sum())
    return [*_counted("shared_feature", x, current.available, subject.level), baseline], found


def _examples(subject: Subject, found: Mask, alike: Mask) -> list[Evidence]:
    rows: list[tuple[Cell, ...]] = []
    for mask, words in ((found, "every column"), (alike & ~found, "features only")):
        some = np.flatnonzero(mask[subject.sample.drawn])[:MOST_EXAMPLES].tolist()
        rows += [(name, words) for name in row_names(subject, some)]
    table = Evidence(
        "examples", "Current rows that the reference has", "table", ("row", "equal in"), tuple(rows[:MOST_EXAMPLES])
    )
    return [table] if rows else []

"""Rows that are nearly the same."""

from __future__ import annotations

import numpy as np

from workbench.core.check import NotApplicableError, check
from workbench.core.counts import Counted
from workbench.core.finding import Evidence, Measure, Result
from workbench.core.near_rows import Near, near_rows
from workbench.core.sample import Sample
from workbench.core.subject import Subject
from workbench.core.suspected import MOST_EXAMPLES, row_names, suspected


@check("quality.near_duplicates", "Q012", "Near duplicates", needs=("rows",))
def near_duplicates(subject: Subject) -> Result:
    """Find rows of the sample that are equal to another but for case and spaces, or but for a single cell.

    Measures: `suspected_rows`, rows that have such a twin, and `suspected_share` of the sample, with a Wilson
        interval; `near_pairs` by the column they differ in (`column`; under `where` "case or space" for those that
        differ in nothing else), with `near_pairs_by_chance`; the reference's under window "reference".
    Reads well when: rows are meant to be distinct cases, and there are enough columns to tell cases apart.
    Signs of risk: one case entered twice, with a typing error or an updated field in the second entry.
    Limits: only pairs within the sample are seen: of a tenth of the rows, one pair in a hundred. Rows equal in every
        cell belong to quality.duplicates. Pairs that differ in a column are suspected only where chance gives at most
        a tenth as many; chance is an estimate that lets each column depend on one other. Columns in which all values
        differ are not compared, nor the id, nor more than 500 columns.
    Reference: merge/purge as in Hernandez and Stolfo (1995) SIGMOD; Chow and Liu (1968) IEEE TIT 14:462 for chance;
        Wilson (1927).
    """
    sample = subject.sample
    found = _found(subject, subject.current, sample)
    measures = _measures(found, sample.n, subject.level, "")
    if subject.reference is not None and subject.reference.sample is not None:
        other = subject.reference.sample
        measures += _measures(_found(subject, subject.reference, other), other.n, subject.level, "reference")
    return Result(measures, _evidence(found, subject), [f"measured on {sample.words}"])


def _found(subject: Subject, counted: Counted, sample: Sample) -> list[Near]:
    roles = subject.roles
    apart = {roles.id, roles.weight, roles.prediction, roles.score, *roles.ignore, *(c for _, c in roles.probabilities)}
    names = [n for n in sample.rows.schema.names if n not in apart]
    if len(names) < 2:
        raise NotApplicableError("there are fewer than two columns to compare")
    kinds = {name: column.kind for name, column in counted.columns.items()}
    return near_rows(sample.rows, kinds, names, seed=subject.seed, stop=subject.stop)


def _measures(found: list[Near], n: int, level: float, window: str) -> list[Measure]:
    rows = {row for near in found if near.suspected for pair in near.pairs for row in pair}
    measures = suspected(len(rows), n, level, "", window, "rows")
    for near in found:
        where = "" if near.column else "case or space"
        measures.append(
            Measure("near_pairs", len(near.pairs), near.column, window=window, where=where, n=n, unit="pairs")
        )
        if near.column:
            measures.append(
                Measure("near_pairs_by_chance", near.expected, near.column, window=window, n=n, unit="pairs")
            )
    return measures


def _evidence(found: list[Near], subject: Subject) -> list[Evidence]:
    table = [
        (n.column or "case or space only", len(n.pairs), n.expected, "suspected" if n.suspected else "as by chance")
        for n in sorted(found, key=lambda n: -len(n.pairs))
    ]
    head = ("differ in", "pairs", "pairs by chance", "read as")
    pairs = [(n.column or "case or space", *pair) for n in found if n.suspected for pair in n.pairs[:MOST_EXAMPLES]]
    pairs = pairs[:MOST_EXAMPLES]
    names = row_names(subject, list(np.array([p[1:] for p in pairs], int).ravel()))
    rows = tuple((p[0], names[2 * i], names[2 * i + 1]) for i, p in enumerate(pairs))
    evidence = [
        Evidence("columns", "Pairs of rows that differ in one column", "table", head, tuple(table)),
        Evidence("examples", "Near duplicates: examples", "table", ("differ in", "row", "its twin"), rows),
    ]
    return [e for e in evidence if e.rows]

"""Equal features, different labels."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from workbench.core.check import NotApplicableError, check
from workbench.core.finding import Cell, Evidence, Measure, Result
from workbench.core.intervals import wilson
from workbench.core.keys import key_hashes
from workbench.core.numbers import Ints
from workbench.core.outcome import texts_and_codes
from workbench.core.rates import measure
from workbench.core.sample import Sample
from workbench.core.subject import Subject
from workbench.core.suspected import MOST_EXAMPLES, row_names, suspected


@check("quality.conflicting_labels", "Q015", "Conflicting labels", needs=("truth", "rows"))
def conflicting_labels(subject: Subject) -> Result:
    """Find rows whose features are all equal to those of a row with another label.

    Measures: `suspected_rows` with such a row and `suspected_share` of the labelled rows of the sample, with a Wilson
        interval; `conflicting_kinds`, the number of distinct rows of features they form; `least_error_rate`, the
        share of rows that any model on these features must get wrong on these rows (all but the most frequent label
        of each kind); the reference's under window "reference".
    Reads well when: features are fine enough that equal ones mean the same case.
    Signs of risk: labelling errors, or a feature that decides and is not in the data. The least error rate bounds what
        accuracy can be reached.
    Limits: with few or coarse features equal rows are different cases, and conflict without any error. Pairs are seen
        only where both rows are in the sample, so on a part of the rows the numbers are lower bounds.
    Reference: the Bayes error of the empirical distribution, Fukunaga (1990) chapter 3; Wilson (1927).
    """
    measures, sets = _of(subject, subject.sample, "")
    if subject.reference is not None and subject.reference.sample is not None:
        measures += _of(subject, subject.reference.sample, "reference")[0]
    note = f"measured on {subject.sample.words}"
    return Result(measures, _evidence(subject, sets), [note if subject.sample.whole else f"{note}: a lower bound"])


def _of(subject: Subject, sample: Sample, window: str) -> tuple[list[Measure], list[Ints]]:
    target = subject.roles.target
    features = [c for c in subject.features if c in sample.rows.schema.names]
    if target is None or target not in sample.rows.schema.names or not features:
        raise NotApplicableError("there is no target, or no feature")
    values, codes = texts_and_codes(sample.rows.column(target))
    known = np.flatnonzero(np.array([v is not None for v in values] or [False], bool)[codes])
    table = pa.Table.from_batches([sample.rows.take(pa.array(known))])
    keys, _ = key_hashes(table, tuple(features))
    kind = np.unique(keys, axis=0, return_inverse=True)[1].ravel()
    sizes = np.bincount(kind, minlength=1)
    pairs, counts = np.unique(np.stack((kind, codes[known])), axis=1, return_counts=True)
    labels = np.bincount(pairs[0], minlength=len(sizes)) if len(known) else np.zeros(1, int)
    most = np.zeros(len(sizes), np.int64)
    np.maximum.at(most, pairs[0], counts)
    n, wrong = len(known), int((sizes - most).sum()) if len(known) else 0
    rows = int(sizes[labels > 1].sum())
    measures = suspected(rows, n, subject.level, target, window, "rows")
    measures.append(Measure("conflicting_kinds", int((labels > 1).sum()), target, window=window, n=n))
    least = measure(
        "least_error_rate", wrong, n, wilson(wrong, n, subject.level), column=target, window=window, why="no label"
    )
    sets = [known[kind == k] for k in np.flatnonzero(labels > 1)[:MOST_EXAMPLES].tolist()]
    return [*measures, least], sets


def _evidence(subject: Subject, sets: list[Ints]) -> list[Evidence]:
    rows: list[tuple[Cell, ...]] = []
    for at, members in enumerate(sets, 1):
        names = row_names(subject, members[:MOST_EXAMPLES].tolist())
        rows.append((at, len(members), ", ".join(names[:5])))
    head = ("kind", "rows", "examples")
    return (
        [Evidence("examples", "Rows of equal features and different labels", "table", head, tuple(rows))]
        if rows
        else []
    )

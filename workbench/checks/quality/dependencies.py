"""Columns that another column fixes, and the rows where it does not."""

from __future__ import annotations

import numpy as np

from workbench.core.check import NotApplicableError, check
from workbench.core.counts import Counted
from workbench.core.dependencies import CONFIDENCE, LEAST_ROWS, votes_of
from workbench.core.finding import Cell, Evidence, Measure, Result
from workbench.core.sample import Sample
from workbench.core.subject import Subject
from workbench.core.suspected import MOST_EXAMPLES, Example, examples_table, in_turn, may_be_told, suspected, untold
from workbench.core.suspects import MOST_COLUMNS, Fixed, fixed

_MOST_LISTED = 50


@check("quality.dependencies", "Q011", "Violated dependencies", needs=("rows",))
def dependencies(subject: Subject, *, confidence: float = CONFIDENCE, least_rows: int = LEAST_ROWS) -> Result:
    """Find columns whose value another column all but fixes, and the cells that deviate from it.

    Measures: `dependencies`, the number found; for each column that depends on another `suspected_cells` and
        `suspected_share` of the sample's rows, with a Wilson interval: cells that more keys speak against than for,
        where a key speaks when one value holds two thirds of at least `least_rows` of its rows; the reference's under
        window "reference".
    Reads well when: tables hold codes with their names, places with their regions, persons with their attributes.
    Signs of risk: a postal code with two cities, a product with two units: one of the rows is wrong, or two records
        were merged.
    Limits: a dependency in the data need not be one in the world: one person may move, a city may have a namesake.
        Each column depends on one key at a time, among the first 200 columns. Values found odd by format or spelling
        do not count while dependencies are looked for. A key of decimals is no key.
    Reference: approximate functional dependencies, Huhtala et al. (1999) Computer Journal 42:100 (TANE, error g3);
        reliability against chance as in Mandros, Boley and Vreeken (2017) KDD; Wilson (1927).
    """
    sample = subject.sample
    found = _found(subject, subject.current, sample, confidence, least_rows)
    measures = _measures(found, sample.n, subject.level, "")
    if subject.reference is not None and subject.reference.sample is not None:
        other = subject.reference.sample
        there = _found(subject, subject.reference, other, confidence, least_rows)
        measures += _measures(there, other.n, subject.level, "reference")
    notes = [f"measured on {sample.words}"]
    if len(_names(subject, sample)) > MOST_COLUMNS:
        notes.append(f"only the first {MOST_COLUMNS} columns were searched")
    examples = _examples(found, subject)
    evidence = [_table(found, least_rows)]
    evidence += [examples_table(examples, subject, "Cells that deviate")] if examples else []
    return Result(measures, evidence, [*notes, *untold(examples, subject)])


def _names(subject: Subject, sample: Sample) -> list[str]:
    keys = [c for c in (subject.roles.id, subject.roles.entity) if c is not None]
    return [c for c in dict.fromkeys((*keys, *subject.features)) if c in sample.rows.schema.names]


def _found(subject: Subject, counted: Counted, sample: Sample, confidence: float, least_rows: int) -> Fixed:
    names = _names(subject, sample)
    if len(names) < 2:
        raise NotApplicableError("there are fewer than two columns")
    kinds = {name: column.kind for name, column in counted.columns.items()}
    return fixed(
        sample.rows, kinds, names, confidence=confidence, least_rows=least_rows, seed=subject.seed, stop=subject.stop
    )


def _measures(found: Fixed, n: int, level: float, window: str) -> list[Measure]:
    measures = [Measure("dependencies", len(found.found), window=window, n=n)]
    for at in sorted({d.column for d in found.found}):
        cells = int(found.deviations[at].cells.sum())
        measures += suspected(cells, n, level, found.coded.names[at], window)
    return measures


def _table(found: Fixed, least_rows: int) -> Evidence:
    names = found.coded.names
    rows: list[tuple[Cell, ...]] = []
    for d in found.found:
        against = int(votes_of(d, found.coded.codes, least_rows)[0].sum())
        rows.append((names[d.key], names[d.column], d.confidence, d.chance, d.keys, d.rows, against))
    rows.sort(key=lambda r: (-int(r[6] or 0), str(r[0]), str(r[1])))
    head = ("key", "column", "fixed in", "by chance", "keys", "rows", "cells against")
    return Evidence("dependencies", "Columns that another column fixes", "table", head, tuple(rows[:_MOST_LISTED]))


def _examples(found: Fixed, subject: Subject) -> list[Example]:
    lists = []
    for at, deviating in enumerate(found.deviations):
        rows = np.flatnonzero(deviating.cells)[:MOST_EXAMPLES].tolist()
        lists.append([_example(found, subject, at, row) for row in rows])
    return in_turn(lists)


def _example(found: Fixed, subject: Subject, at: int, row: int) -> Example:
    name, codes, values = found.coded.names[at], found.coded.codes[at], found.coded.values[at]
    keys = [found.coded.names[d.key] for d in found.found if d.column == at]

    def told(code: int) -> str | None:
        return None if code < 0 else may_be_told(name, values[code], int((codes == code).sum()), subject)

    why = "against " + ", ".join(keys[:3]) + (f" and {len(keys) - 3} more" if len(keys) > 3 else "")
    return Example(name, row, why, told(int(codes[row])), told(int(found.deviations[at].expected[row])))

"""The counts of groups that a record gives away: rows, and rows by truth and prediction.

Every rate with its n is two counts. What is released of a group is decided on these, level by level.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache
from itertools import product

from workbench.audit.record import Record
from workbench.core.finding import Cell, Evidence, Finding, Measure, group_parts

State = tuple[int, int]
"""Truth and prediction of a row: 1, 0, or `UNKNOWN`."""
Columns = tuple[str, ...]
Group = tuple[str | None, ...]

UNKNOWN = 2
STATES: tuple[State, ...] = tuple((t, p) for t in (1, 0, UNKNOWN) for p in (1, 0, UNKNOWN))

ON_ALL_ROWS = frozenset(
    {
        "bias.group_rates", "bias.impact_ratio", "bias.four_fifths", "bias.calibration_by_group", "bias.inequality",
        "bias.error_parity", "bias.local_law_144", "bias.missing_groups", "optimize.threshold",
        "performance.classification",
    }
)  # fmt: skip
"""Checks whose groups are counted in all rows, so that their numbers are of one table."""


def _states(truths: Iterable[int], predictions: Iterable[int]) -> frozenset[State]:
    return frozenset(product(truths, predictions))


_KNOWN = (1, 0)
_EVERY = (1, 0, UNKNOWN)
_TP, _FP, _FN, _TN = (_states([t], [p]) for t, p in ((1, 1), (0, 1), (1, 0), (0, 0)))
COUNTS: Mapping[str, frozenset[State]] = {
    "count": frozenset(STATES),
    "predicted": _states(_EVERY, _KNOWN),
    "selected": _states(_EVERY, [1]),
    "labelled": _states(_KNOWN, _EVERY),
    "positives": _states([1], _EVERY),
    "true_positives": _TP,
    "false_positives": _FP,
    "false_negatives": _FN,
    "true_negatives": _TN,
}
"""Measure that is a count -> the states that it counts."""
RATES: Mapping[str, tuple[frozenset[State], frozenset[State]]] = {
    "selection_rate": (COUNTS["selected"], COUNTS["predicted"]),
    "prevalence": (COUNTS["positives"], COUNTS["labelled"]),
    "true_positive_rate": (_TP, _TP | _FN),
    "false_positive_rate": (_FP, _FP | _TN),
    "false_negative_rate": (_FN, _TP | _FN),
    "true_negative_rate": (_TN, _FP | _TN),
    "precision": (_TP, _TP | _FP),
    "negative_predictive_value": (_TN, _TN | _FN),
    "false_discovery_rate": (_FP, _TP | _FP),
    "false_omission_rate": (_FN, _TN | _FN),
    "accuracy": (_TP | _TN, _TP | _FP | _FN | _TN),
    "recall": (_TP, _TP | _FN),
    "specificity": (_TN, _FP | _TN),
}
"""Rate -> the states of its numerator and of its denominator."""


class Level(StrEnum):
    """How finely a group is told: its rows, these by prediction, by truth, or by both."""

    ROWS = "rows"
    PREDICTION = "prediction"
    TRUTH = "truth"
    BOTH = "both"


COARSER: Mapping[Level, tuple[Level, ...]] = {
    Level.ROWS: (),
    Level.PREDICTION: (Level.ROWS,),
    Level.TRUTH: (Level.ROWS,),
    Level.BOTH: (Level.ROWS, Level.PREDICTION, Level.TRUTH),
}


@dataclass(frozen=True)
class Cells:
    """What is counted of one group: states -> rows; `reference` is its rows in the reference, where they are told."""

    counts: Mapping[frozenset[State], int]
    reference: int = 0

    @property
    def rows(self) -> int:
        """Return the group's number of rows."""
        return self.counts.get(COUNTS["count"], 0)

    def at(self, level: Level) -> dict[frozenset[State], int] | None:
        """Return the group's cells at a level, or None where the record does not tell them.

        Rows without a truth or a prediction are no cell of their own: that a value is missing is not what is protected.
        """
        if level is Level.ROWS or not self.rows:
            return {COUNTS["count"]: self.rows}
        if level is Level.PREDICTION:
            return self._split("selected", "predicted")
        if level is Level.TRUTH:
            return self._split("positives", "labelled")
        by_prediction, by_truth = self.at(Level.PREDICTION), self.at(Level.TRUTH)
        if by_truth is None or by_prediction is None:
            return by_prediction  # without a target nothing is told by truth
        inner = {states: self.counts[states] for states in (_TP, _FP, _FN, _TN) if states in self.counts}
        return {**by_prediction, **by_truth, **inner} if len(inner) == 4 else None

    def _split(self, inner: str, outer: str) -> dict[frozenset[State], int] | None:
        some, all_ = (self.counts.get(COUNTS[name]) for name in (inner, outer))
        if some is None or all_ is None:
            return None
        return {COUNTS[inner]: some, COUNTS[outer] - COUNTS[inner]: all_ - some}


def counts_of(m: Measure) -> Iterator[tuple[frozenset[State], int]]:
    """Yield what a measure of a group, or of all rows, counts: states and how many rows are in them."""
    if m.name in COUNTS and m.value is not None:
        yield COUNTS[m.name], round(m.value)
    if m.name in RATES and m.n is not None:
        inner, outer = RATES[m.name]
        yield outer, m.n
        if m.value is not None or m.n == 0:
            yield inner, round((m.value or 0) * m.n)


def read_cells(record: Record) -> dict[Columns, dict[Group, Cells]]:
    """Return every group of a record with its cells, by the columns that form it."""
    found: dict[Columns, dict[Group, dict[frozenset[State], int]]] = {}
    for finding, m in record.measures():
        if finding.check in ON_ALL_ROWS and m.group and not (m.window or m.where):
            columns, group = group_of(m.group)
            found.setdefault(columns, {}).setdefault(group, {}).update(counts_of(m))
    tables = {c: {g: Cells(counts) for g, counts in groups.items()} for c, groups in found.items()}
    for finding in record.findings:
        for evidence in finding.evidence:
            if evidence.kind == "categories" and "group" in evidence.columns:
                _add_shares(tables, finding, evidence, record)
    return tables


@lru_cache(maxsize=4096)
def group_of(label: str) -> tuple[Columns, Group]:
    """Read a group's label as its columns and its values."""
    parts = group_parts(label)
    return tuple(c for c, _ in parts), tuple(v for _, v in parts)


def _add_shares(
    tables: dict[Columns, dict[Group, Cells]], finding: Finding, evidence: Evidence, record: Record
) -> None:
    """Add the reference's rows of each group, and its current ones where nothing else counts them."""
    column = str(evidence.notes.get("column") or "")
    n, n_reference = sizes(finding, column)
    counted = (column,) in tables
    groups = tables.setdefault((column,), {})
    for row in as_dicts(evidence):
        if not row["group"]:
            continue
        _, group = group_of(str(row["group"]))
        reference = round(float(row["reference"] or 0) * n_reference)
        if counted and group in groups:
            groups[group] = replace(groups[group], reference=reference)
        else:
            current = round(float(row["current"] or 0) * n)
            groups[group] = Cells({COUNTS["count"]: current}, reference)
    missing = _missing(record, column)
    if not counted and any(missing):
        groups[(None,)] = Cells({COUNTS["count"]: missing[0]}, missing[1])
    elif (None,) in groups:
        groups[(None,)] = replace(groups[(None,)], reference=missing[1])


def sizes(finding: Finding, column: str) -> tuple[int, int]:
    """Return how many current and reference values a drift check compared of a column; 0 where it does not say."""
    named = {m.name: m for m in finding.measures if m.column == column}
    current = next((named[n].n for n in ("unseen_share", "cramers_v", "ks", "residual") if n in named), 0)
    reference = next((m.value for name, m in named.items() if name.endswith("_reference_n")), 0)
    return int(current or 0), int(reference or 0)


def _missing(record: Record, column: str) -> tuple[int, int]:
    found = {"": 0, "reference": 0}
    for _, m in record.measures():
        if m.name == "missing_share" and m.column == column and m.value is not None and m.n is not None:
            found[m.window] = round(m.value * m.n)
    return found[""], found.get("reference", 0)


def as_dicts(evidence: Evidence) -> list[dict[str, Cell]]:
    """Return a table's rows by column name."""
    return [dict(zip(evidence.columns, row, strict=True)) for row in evidence.rows]

"""What a record can answer for at other thresholds: its counts at or above each, overall and by group."""

from __future__ import annotations

from typing import Any

from workbench.audit.record import Record
from workbench.core.finding import Evidence
from workbench.core.joint import Confusion

Row = dict[str, Any]


def counts_at_thresholds(record: Record) -> Evidence | None:
    """Return the record's table of counts at thresholds, the one by group if there is one; None without scores."""
    tables = [e for f in record.findings for e in f.evidence if e.kind == "threshold"]
    return max(tables, key=lambda e: len(e.rows), default=None)


def thresholds(record: Record) -> list[float]:
    """Return the thresholds that the record can answer for, ascending."""
    evidence = counts_at_thresholds(record)
    return [] if evidence is None else sorted({float(row[0] or 0) for row in evidence.rows})


def audited_threshold(record: Record) -> float | None:
    """Return the threshold the audit used."""
    evidence = counts_at_thresholds(record)
    return None if evidence is None else float(evidence.notes["threshold"] or 0)


def nearest(points: list[float], threshold: float) -> float:
    """Return the point that is nearest to a threshold."""
    return min(points, key=lambda t: abs(t - threshold))


def rows_at(evidence: Evidence, threshold: float) -> list[Row]:
    """Return the rows of the table at one of its thresholds: overall first, then the groups."""
    return [dict(zip(evidence.columns, row, strict=True)) for row in evidence.rows if row[0] == threshold]


def confusion_of(row: Row) -> Confusion:
    """Return one row's counts as a confusion table: a row of data is predicted positive at or above the threshold."""
    positives, labelled = int(row["positives"]), int(row["labelled"])
    tp, fp = int(row["true_positives"]), int(row["false_positives"])
    return Confusion(
        tp=tp,
        fp=fp,
        fn=positives - tp,
        tn=labelled - positives - fp,
        rows=int(row["rows"]),
        predicted=int(row["predicted"]),
        selected=int(row["selected"]),
        labelled=labelled,
        positives=positives,
    )

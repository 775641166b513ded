"""Rates and intervals of every group at another threshold, from a record's count table alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from workbench.audit.record import Record
from workbench.core.finding import Evidence
from workbench.core.intervals import wilson
from workbench.core.rates import Fraction, gap_measures

RATES = ("selection_rate", "true_positive_rate", "false_positive_rate", "precision", "accuracy")


def counts_at_thresholds(record: Record) -> Evidence | None:
    """Return the record's table of counts at thresholds, or None when it has no scores by group."""
    for finding in record.findings:
        for evidence in finding.evidence:
            if evidence.kind == "threshold":
                return evidence
    return None


def thresholds(record: Record) -> list[float]:
    """Return the thresholds that the record can answer for, ascending."""
    evidence = counts_at_thresholds(record)
    return [] if evidence is None else sorted({float(row[0] or 0) for row in evidence.rows})


def audited_threshold(record: Record) -> float | None:
    """Return the threshold the audit used."""
    evidence = counts_at_thresholds(record)
    return None if evidence is None else float(evidence.notes["threshold"] or 0)


def rates_at(record: Record, threshold: float) -> dict[str, Any]:
    """Return each group's rates with intervals, and the gaps, at the nearest threshold the record can answer for.

    Groups under the policy's minimum are marked suppressed and hold no numbers.
    """
    evidence = counts_at_thresholds(record)
    if evidence is None:
        return {"threshold": None, "groups": [], "gaps": []}
    nearest = min(thresholds(record), key=lambda t: abs(t - threshold))
    level = float(record.policy.get("level", 0.95))
    rows: list[dict[str, Any]] = [
        dict(zip(evidence.columns, row, strict=True)) for row in evidence.rows if row[0] == nearest
    ]
    small = {str(r["group"]) for r in rows if r["group"] and r["rows"] < record.minimum_group_size}
    groups = [_group(r, str(r["group"]) in small, level) for r in rows]
    return {"threshold": nearest, "groups": groups, "gaps": _gaps(rows, small, level)}


def _group(row: dict[str, Any], suppressed: bool, level: float) -> dict[str, Any]:
    head = {"group": row["group"], "column": row["column"], "suppressed": suppressed}
    if suppressed:
        return {**head, "rows": None, "rates": {}}
    rates = {name: _rate(fraction, level) for name, fraction in _fractions(row).items()}
    return {**head, "rows": row["rows"], "rates": rates}


def _fractions(row: dict[str, Any]) -> dict[str, Fraction]:
    positives, labelled = int(row["positives"]), int(row["labelled"])
    tp, fp, negatives = int(row["true_positives"]), int(row["false_positives"]), labelled - positives
    return {
        "selection_rate": (int(row["selected"]), int(row["predicted"])),
        "true_positive_rate": (tp, positives),
        "false_positive_rate": (fp, negatives),
        "precision": (tp, tp + fp),
        "accuracy": (tp + negatives - fp, labelled),
    }


def _rate(fraction: Fraction, level: float) -> dict[str, Any]:
    x, n = fraction
    interval = wilson(x, n, level)
    if interval is None:
        return {"value": None, "low": None, "high": None, "n": n}
    return {"value": x / n, "low": interval.low, "high": interval.high, "n": n}


def _gaps(rows: Sequence[dict[str, Any]], small: set[str], level: float) -> list[dict[str, Any]]:
    found = []
    columns = dict.fromkeys(str(r["column"]) for r in rows if r["column"])
    for column in columns:
        usable = [
            r for r in rows if r["column"] == column and r["group"] not in small and not _missing(str(r["group"]))
        ]
        for rate in RATES:
            fractions = [f for r in usable if (f := _fractions(r)[rate])[1]]
            found += [
                {"column": column, "name": m.name, "value": m.value, "low": m.low, "high": m.high}
                for m in gap_measures(rate, column, fractions, level)
            ]
    return found


def _missing(label: str) -> bool:
    return label.endswith(r"=\N")

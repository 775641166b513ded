"""Strategies against a gap between groups that were tried, before and after side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from workbench.audit.record import Record
from workbench.core.finding import Finding, Measure, Status
from workbench.report import words

AS_IT_IS = "as it is"
_TRIED = ("accuracy", "selection_rate", "selection_rate_difference", "true_positive_rate_difference")
_HELD_OUT = ("held_out_disparity", "held_out_accuracy_change", "held_out_balanced_accuracy_change")


def strategies(record: Record) -> list[dict[str, Any]]:
    """Return a table for each check of the record that tried some; one that could not says why."""
    by_check = {f.check: f for f in record.findings}
    found = []
    for check, wanted in (("optimize.mitigation", _TRIED), ("optimize.frontier", _HELD_OUT)):
        if check in by_check:
            finding = by_check[check]
            found.append(_table(finding, wanted) if finding.status is Status.MEASURED else _unmeasured(finding))
    return found


def _unmeasured(finding: Finding) -> dict[str, Any]:
    return {"check": finding.check, "why": words.plain(finding.reason, 300), "rows": []}


def _title(finding: Finding) -> str:
    if finding.check == "optimize.frontier":
        return "The best thresholds without more disparity, on rows that did not choose them"
    return words.plain(finding.evidence[0].title, 160) if finding.evidence else "Mitigations compared"


def _table(finding: Finding, wanted: Sequence[str]) -> dict[str, Any]:
    told = [m for m in finding.measures if m.name in wanted and m.where]
    names = [n for n in wanted if any(m.name == n for m in told)]
    return {
        "check": finding.check,
        "title": _title(finding),
        "columns": [{"key": n, "title": words.measure_title(n), **_scale(told, n)} for n in names],
        "rows": [row for column in dict.fromkeys(m.column for m in told) for row in _rows(told, column, names)],
        "notes": [words.plain(note, 300) for note in finding.notes],
        "why": "",
    }


def _rows(told: Sequence[Measure], column: str, names: Sequence[str]) -> list[dict[str, Any]]:
    """Return the strategies tried on the groups of one column, the model as it is first."""
    by_place = {(m.where, m.name): m for m in told if m.column == column}
    tried = list(dict.fromkeys(where for where, _ in by_place))
    return [
        {
            "name": words.plain(where, 60),
            "part": f"groups of {words.plain(column, 60)}" if column and not at else "",
            "before": where == AS_IT_IS,
            "cells": [_cell(by_place.get((where, n)), by_place.get((AS_IT_IS, n))) for n in names],
        }
        for at, where in enumerate(tried)
    ]


def _scale(told: Sequence[Measure], name: str) -> dict[str, float]:
    ends = [v for m in told if m.name == name for v in (m.value, m.low, m.high) if v is not None]
    return {"low": min(0.0, *ends, 0.0), "high": max(0.0, *ends, 0.0)} if ends else {"low": 0.0, "high": 1.0}


def _cell(m: Measure | None, before: Measure | None) -> dict[str, Any]:
    if m is None:
        return {"value": None, "low": None, "high": None, "shown": "", "n_shown": "", "was": None}
    shown = words.value_words(m, m.unit, m.name) if m.value is not None else words.plain(m.undefined_because, 120)
    was = None if before is None or before is m else before.value
    return {"value": m.value, "low": m.low, "high": m.high, "shown": shown, "n_shown": words.number(m.n), "was": was}

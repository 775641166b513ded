"""Two records side by side as plain data for the view: verdicts, what turned, what moved. Nothing is computed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workbench.audit.compare import Change, changes, compare, turned
from workbench.audit.record import Judgement, Record
from workbench.core.finding import Measure
from workbench.report import words

MOST_ROWS = 2000


def comparison(before: Record, after: Record) -> dict[str, Any]:
    """Return both heads, what else differs, judgements that turned and measures that moved, the most first."""
    found = compare(before, after)
    moved = sorted(changes(before, after), key=lambda c: c.order)
    return {
        "same": found.same,
        "before": _head(before),
        "after": _head(after),
        "about": [words.plain(line, 300) for line in (*found.other, *found.data)],
        "turned": [_turned(a, b) for a, b in turned(before, after)][:MOST_ROWS],
        "moved": [_moved(c) for c in moved[:MOST_ROWS]],
        "total": len(moved),
    }


def _head(record: Record) -> dict[str, Any]:
    outcome = record.verdict.outcome
    return {
        "outcome": outcome,
        "word": words.outcome_word(outcome),
        "shape": words.shape(outcome),
        "title": words.subject_title(record),
        "data": words.data_words(record),
        "line": words.counts_line(record),
        "short_digest": words.short_digest(record.digest),
    }


def _turned(a: Judgement | None, b: Judgement | None) -> dict[str, Any]:
    j = b or a
    return {
        "title": "" if j is None else words.judgement_title(j),
        "check": "" if j is None else j.check,
        "before": _outcome(a),
        "after": _outcome(b),
    }


def _outcome(j: Judgement | None) -> Mapping[str, str]:
    if j is None:
        return {"outcome": "", "word": "not judged", "shape": "○"}
    return {"outcome": j.outcome, "word": words.outcome_word(j.outcome), "shape": words.shape(j.outcome)}


def _moved(change: Change) -> dict[str, Any]:
    m = change.measure
    return {
        "check": change.check,
        "title": words.measure_title(m.name),
        "scope": words.scope_words(m),
        "before": _value(change.before, change.hidden),
        "after": _value(change.after, change.hidden),
    }


def _value(m: Measure | None, hidden: bool) -> dict[str, Any]:
    if hidden:
        return {"shown": "suppressed", "n": "", "value": None, "low": None, "high": None}
    if m is None:
        return {"shown": "not measured", "n": "", "value": None, "low": None, "high": None}
    if m.value is None:
        why = words.plain(m.undefined_because or "undefined", 200)
        return {"shown": why, "n": words.number(m.n), "value": None, "low": None, "high": None}
    shown = words.value_words(m, m.unit, m.name)
    return {"shown": shown, "n": words.number(m.n), "value": m.value, "low": m.low, "high": m.high}

"""What changed, as plain data for the view: columns in order, one column, one measure over windows, one window."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from workbench.audit.record import Record
from workbench.core.finding import Cell
from workbench.report import changes, charts, drift_section, words
from workbench.report.captions import chart_sentence
from workbench.report.changes import Change, WindowRow
from workbench.report.drift_charts import cumulative_sentence
from workbench.report.html import evidence_title
from workbench.report.pieces import svg_uri
from workbench.report.shown import Shown, ShownEvidence, ShownJudgement, ShownMeasure, show
from workbench.ui.drilling import NOTHING, Drilling

MOST_COLUMNS = 1000
MOST_VALUES = 1000
_LEFT_OUT = ("_reference_n", "_null_mean", "_null_quantile", "_degrees_of_freedom")


def drift(record: Record) -> dict[str, Any] | None:
    """Return the columns in order, on one scale, and what runs over windows; None where there is neither."""
    shown = show(record)
    every, over_time = changes.changes(shown), changes.series(shown)
    if not every and not over_time:
        return None
    low, high = drift_section.scale(every)
    first = changes.first_series(over_time)
    return {
        "sentence": changes.sentence(shown) if every else "",
        "ranked_by": changes.ranked_by(shown),
        "drawn": drift_section.drawn_title(every),
        "scale": {"low": low, "high": high, "ticks": ticks(low, high, "", 3)},
        "columns": [_change(at, c, every) for at, c in enumerate(every[:MOST_COLUMNS])],
        "total": len(every),
        "series": [{"key": s.key, "family": s.family, "title": s.title, "broken": s.broken} for s in over_time],
        "first": None if first is None else first.key,
    }


def _change(at: int, c: Change, every: Sequence[Change]) -> dict[str, Any]:
    m = drift_section.on_scale(c, every)
    limit = None if m is None or m is c.expected else drift_section.limit_of(c)
    return {
        "rank": at + 1,
        "column": c.column,
        "name": words.plain(c.column, 60),
        **_outcome(c.outcome),
        "value": None if m is None else m.measure.value,
        "low": None if m is None else m.measure.low,
        "high": None if m is None else m.measure.high,
        "limit": limit,
        "on_model": _value(c.expected) if c.expected is not None else "",
        "drift": "" if c.effect is None else f"{words.measure_title(c.effect.measure.name)} {_value(c.effect)}",
        "limit_shown": _limit(c.judged),
        "also": "" if c.also is None else words.title_of(c.also.judgement),
    }


def _outcome(outcome: str) -> dict[str, str]:
    return {"outcome": outcome, "word": words.outcome_word(outcome), "shape": words.shape(outcome)}


def _value(m: ShownMeasure) -> str:
    if m.hidden:
        return words.NOTHING
    if m.measure.value is None:
        return f"undefined: {words.plain(m.measure.undefined_because, 120)}"
    return words.value_words(m.measure, m.measure.unit, m.measure.name)


def _limit(j: ShownJudgement | None) -> str:
    return "" if j is None else words.limit_words(j.judgement.operator, j.judgement.limit, j.unit)


# ---------------------------------------------------------------------------- one column


def column(record: Record, name: str, drilling: Drilling = NOTHING) -> dict[str, Any]:
    """Return one column: its distributions as drawings, its measures of drift, and what follows it over windows.

    Rows of tables have the conditions under `narrow` that the rows behind them meet.
    """
    shown = show(record)
    found = next((c for c in changes.changes(shown) if c.column == name), None)
    if found is None:
        return {"column": name, "missing": True}
    judged = [j for f in shown.findings for j in f.judgements if _about(j, name)]
    judged.sort(key=lambda j: (words.SEVERITY.index(j.judgement.outcome), -j.excess))
    return {
        "column": name,
        "name": words.plain(name, 60),
        **_outcome(found.outcome),
        "charts": [c for table in _drawings(shown, name) for c in _charts(table, shown, drilling)],
        "rules": [rule(j) for j in judged],
        "measures": _measures(shown, name),
        "series": [{"key": s.key, "title": s.title} for s in changes.series(shown) if s.column == name],
    }


def _about(j: ShownJudgement, name: str) -> bool:
    found = j.judgement
    return found.column == name and not found.window and not found.group and found.check.startswith("drift.")


def _drawings(shown: Shown, name: str) -> list[ShownEvidence]:
    found = []
    for finding in shown.findings:
        for table in finding.evidence:
            kind = table.evidence.kind
            if kind in ("distribution", "categories") and table.evidence.notes.get("column") == name:
                found.append(table)
            if kind == "missing" and (one := _missing(table, name)) is not None:
                found.append(one)
    found.sort(key=lambda t: t.evidence.kind == "missing")
    # A distribution has the missing as a bar of its own.
    drawn = any(t.evidence.kind == "distribution" for t in found)
    return [t for t in found if not (drawn and t.evidence.kind == "missing")]


def _missing(table: ShownEvidence, name: str) -> ShownEvidence | None:
    at = table.evidence.columns.index("column")
    rows = tuple(row for row in table.evidence.rows if row[at] == name)
    if not any(isinstance(cell, int | float) and cell for row in rows for cell in row):
        return None
    return replace(table, evidence=replace(table.evidence, title=f"Missing in {name}", rows=rows))


def _charts(table: ShownEvidence, shown: Shown, drilling: Drilling) -> list[dict[str, Any]]:
    svg = charts.chart_svg(table, shown.suppressed_text)
    if svg is None:
        return []
    sentence = chart_sentence(table.drawing)
    title, rows = evidence_title(table), _rows(table, shown, drilling)
    found = [{"tab": "Shares", "title": title, "sentence": sentence, "uri": svg_uri(svg), "table": rows}]
    said = cumulative_sentence(table.evidence) if table.evidence.kind == "distribution" else ""
    more = charts.cumulative_svg(table, said) if said else None
    if more is not None:
        found.append({"tab": "Cumulative", "title": title, "sentence": said, "uri": svg_uri(more), "table": rows})
    return found


def _rows(table: ShownEvidence, shown: Shown, drilling: Drilling) -> dict[str, Any]:
    from workbench.report.marks import cell_text

    kept = [i for i, name in enumerate(table.evidence.columns) if name not in ("group", "rows")]
    every = [at for at in range(len(table.evidence.rows)) if at not in table.hidden]
    rows = [[cell_text(table.evidence, at, i) for i in kept] for at in every]
    narrow = drilling.rows(shown.record.findings[table.place[0]], table.evidence, every)
    columns = [table.evidence.columns[i].replace("_", " ") for i in kept]
    return {"columns": columns, "rows": rows, "narrow": narrow}


def _measures(shown: Shown, name: str) -> list[dict[str, str]]:
    found = []
    for finding in shown.findings:
        if finding.finding.check.split(".")[0] != "drift":
            continue
        for m in finding.measures:
            about = m.measure
            if about.column == name and not about.window and not about.group and not about.name.endswith(_LEFT_OUT):
                found.append(_measure(m))
    return found[:MOST_VALUES]


def _measure(m: ShownMeasure) -> dict[str, str]:
    n = "" if m.hidden or m.measure.n is None else words.number(m.measure.n)
    where = f" · {words.plain(m.measure.where, 60)}" if m.measure.where else ""
    method = words.plain(m.measure.method, 80) if m.measure.method else ""
    return {"title": words.title_of(m.measure) + where, "shown": _value(m), "n": n, "method": method}


def rule(shown: ShownJudgement) -> dict[str, Any]:
    """Return one judgement as a line: outcome, what, value, limit and the reason."""
    j = shown.judgement
    numbers = (
        {"value": None, "low": None, "high": None} if shown.hidden else {"value": j.value, "low": j.low, "high": j.high}
    )
    return {
        **_outcome(j.outcome),
        **numbers,
        "title": words.judgement_title(replace(j, window="")),
        "shown": "" if shown.hidden or j.value is None else words.value_words(j, shown.unit, j.measure),
        "limit": j.limit,
        "limit_shown": _limit(shown),
        "reason": words.plain(j.reason, 400) if j.reason else "",
    }


# ---------------------------------------------------------------------------- over windows


def series(record: Record, key: str, drilling: Drilling = NOTHING) -> dict[str, Any]:
    """Return one measure over the windows: lines with bands, limits, and each window in words."""
    found = next((s for s in changes.series(show(record)) if s.key == key), None)
    if found is None:
        return {"key": key, "missing": True}
    rows = [dict(zip(found.table.columns, row, strict=True)) for row in found.table.rows]
    order = {label: at for at, label in enumerate(dict.fromkeys(str(r["window"]) for r in rows))}
    unit = str(found.table.notes.get("unit") or "")
    names = [name for name in ("reference", "current", "estimated") if any(r["series"] == name for r in rows)]
    both = {"current", "estimated"} <= set(names)
    known = [float(v) for r in rows for k in _ENDS if isinstance(v := r.get(k), int | float)]
    low, high = _ends(known)
    return {
        "key": key,
        "title": found.title,
        "sentence": chart_sentence(found.table),
        "low": low,
        "high": high,
        "ticks": ticks(low, high, unit, 5),
        "windows": [_window(label, [r for r in rows if str(r["window"]) == label], unit, both) for label in order],
        "lines": [_line(name, rows, order, both) for name in names],
        "limits": [
            {"at": order[str(r["window"])], "lower": r.get("lower_limit"), "upper": r.get("limit")}
            for r in rows
            if r.get("limit") is not None or r.get("lower_limit") is not None
        ],
        "short": any(r.get("short") for r in rows),
    }


_ENDS = ("value", "low", "high", "limit", "lower_limit")


def _ends(known: Sequence[float]) -> tuple[float, float]:
    low, high = min(known, default=0.0), max(known, default=1.0)
    room = (high - low) * 0.05 or max(abs(high), 1.0) * 0.05
    # A share or a distance does not reach below 0 or above 1 only because there is room around its line.
    return (0.0 if low >= 0 > low - room else low - room), (1.0 if high <= 1 < high + room else high + room)


def _line(name: str, rows: Sequence[Mapping[str, Cell]], order: Mapping[str, int], both: bool) -> dict[str, Any]:
    points = [
        {
            "at": order[str(r["window"])],
            **{k: r.get(k) for k in ("value", "low", "high")},
            "outcome": r.get("outcome") or "",
            "short": bool(r.get("short")),
        }
        for r in rows
        if r["series"] == name and r["value"] is not None
    ]
    return {"name": name, "said": "realised" if both and name == "current" else name, "points": points}


def _window(label: str, rows: Sequence[Mapping[str, Cell]], unit: str, both: bool) -> dict[str, Any]:
    outcome = words.worst(str(r["outcome"]) for r in rows if r.get("outcome"))
    return {
        "label": label,
        "words": words.window_words(label),
        "axis": words.window_words(label, bare=True),
        **_outcome(outcome),
        "said": "; ".join(_said(r, unit, both) for r in rows),
        "cells": [_cells(r, unit, both) for r in rows],
    }


def _said(r: Mapping[str, Cell], unit: str, both: bool) -> str:
    series, value, interval, limit, outcome, n = _cells(r, unit, both)
    text = f"{series} {value}" + (f" {interval}" if interval else "")
    text += f", limit {limit}" if limit else ""
    text += f", {outcome}" if outcome else ""
    return text + (f", n {n}" if n else "") + (", a short window" if r.get("short") else "")


def _cells(r: Mapping[str, Cell], unit: str, both: bool) -> list[str]:
    name = str(r["series"])
    ends = [words.number(r[k], unit) for k in ("low", "high")] if r.get("low") is not None else []
    limits = [v for k in ("lower_limit", "limit") if isinstance(v := r.get(k), int | float)]
    return [
        "realised" if both and name == "current" else name,
        "undefined" if r["value"] is None else words.number(r["value"], unit),
        f"[{ends[0]}, {ends[1]}]" if ends else "",
        " to ".join(words.number(float(v), unit) for v in limits),
        words.outcome_word(str(r["outcome"])) if r.get("outcome") else "",
        "" if r.get("n") is None else words.number(r["n"]),
    ]


def window(record: Record, label: str, drilling: Drilling = NOTHING) -> dict[str, Any]:
    """Return what is known of one window: its judgements, the worst first, and its values by column.

    `narrow` holds the conditions of its rows, or `fixed` why there are none.
    """
    found: WindowRow | None = next((w for w in changes.windows(show(record)) if w.label == label), None)
    if found is None:
        return {"label": label, "missing": True}
    values = [m for m in found.measures if not m.measure.name.endswith(_LEFT_OUT)]
    by_measure = {j.measure: j.judgement.outcome for j in reversed(found.judgements)}
    narrow, fixed = drilling.window(record, label)
    return {
        "label": label,
        "words": words.window_words(label),
        **_outcome(found.outcome),
        "narrow": narrow,
        "fixed": fixed,
        "said": found.said,
        "rules": [rule(j) for j in found.judgements],
        "values": [_of_window(m, by_measure.get(m.index, "")) for m in values[:MOST_VALUES]],
        "total": len(values),
    }


def _of_window(m: ShownMeasure, outcome: str) -> dict[str, str]:
    about = words.group_words(m.measure.group) or words.plain(m.measure.column or "all columns", 60)
    judged = _outcome(outcome) if outcome else {"outcome": "", "word": "", "shape": ""}
    return {"about": about, **_measure(m), **judged}


# ---------------------------------------------------------------------------- axes


def ticks(low: float, high: float, unit: str, about: int) -> list[dict[str, Any]]:
    """Return round numbers between two ends, about so many, with how they are read."""
    span = high - low
    if not (math.isfinite(span) and span > 0):
        return []
    rough = span / about
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(k * power for k in (1, 2, 5, 10) if k * power >= rough)
    places = max(0, -math.floor(math.log10(step * (100 if unit == "share" else 1)) + 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [{"at": k * step, "shown": words.number(k * step, unit, places)} for k in range(first, last + 1)]

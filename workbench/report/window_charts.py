"""Values over windows: reference, current and estimated lines with bands, limits, and shapes where a rule broke."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from workbench.core.finding import Cell, Evidence
from workbench.report import words
from workbench.report.chart_parts import HUES, Palette, Rows, Spec, as_number, marked

_SHAPES = {"fail": "square", "warn": "triangle-up", "cannot_tell": "diamond"}
_WIDE = 24
_HEIGHT = 190
SERIES = ("reference", "current", "estimated")
ESTIMATED = HUES[3]


def together(realised: Evidence, estimated: Evidence) -> Evidence:
    """Return one table over windows of a metric's realised values, then its estimated ones."""
    rows = [dict(zip(e.columns, row, strict=True)) for e in (realised, estimated) for row in e.rows]
    columns = (*realised.columns, *(c for c in estimated.columns if c not in realised.columns))
    both = tuple(tuple(row.get(c) for c in columns) for row in rows)
    return replace(realised, columns=columns, rows=both, notes={**realised.notes, "both": True})


def windows(rows: Rows, notes: Mapping[str, Cell], c: Palette, _: str) -> Spec:
    """Return the values over the windows, the reference's first, in grey."""
    kept = [r for r in rows if as_number(r.get("value")) is not None]
    order = list(dict.fromkeys(str(r["window"]) for r in rows))
    names = {label: at for at, label in enumerate(order)}
    tones = {"reference": c.reference, "estimated": ESTIMATED}
    for r in kept:
        outcome = str(r.get("outcome") or "")
        r |= {"at": names[str(r["window"])], "shape": _SHAPES.get(outcome, "circle"), "bad": outcome in _SHAPES}
        r["tone"] = tones.get(str(r.get("series")), c.accent)
        r["bad_tone"] = {"fail": c.fail, "warn": c.warn}.get(outcome, c.unsure)
        r["line"] = str(r.get("series"))
    layers = [*_bands(kept, notes, c), *_limits(kept, notes, c), *_lines(kept, notes, c), *_points(kept, notes)]
    return {
        "data": {"values": kept},
        "width": 300 if len(order) <= _WIDE else 620,
        "height": _HEIGHT,
        "encoding": {"x": _x(order)},
        "layer": layers,
    }


def _x(order: list[str]) -> Spec:
    every = len(order) // 10 + 1
    shown = [at for at in range(len(order)) if at % every == 0]
    # The axis is one of places: labels are looked up, never read as a format.
    texts = {str(at): words.window_words(order[at], bare=True) for at in shown}
    pairs = ",".join(f"'{k}':{_quoted(v)}" for k, v in texts.items())
    axis: dict[str, Any] = {"title": None, "labelAngle": -35, "values": shown, "labelLimit": 110, "grid": False}
    axis["labelExpr"] = f"{{{pairs}}}[toString(datum.value)]"
    return {"field": "at", "type": "quantitative", "axis": axis, "scale": {"nice": False, "zero": False, "padding": 8}}


def _quoted(text: str) -> str:
    # Only what is harmless inside a quoted text of an expression is kept.
    return "'" + re.sub(r"[^\w .,:–+\-/\u202f]", "_", text) + "'"


def _y(notes: Mapping[str, Cell]) -> Spec:
    axis: Spec = {"title": None, "tickCount": 5}
    axis |= {"format": "~%"} if notes.get("unit") == "share" else {"format": "~g"}
    return {"type": "quantitative", "axis": axis, "scale": {"zero": False, "nice": True}}


def _tone(c: Palette) -> Spec:
    scale = {"domain": list(SERIES), "range": [c.reference, c.accent, ESTIMATED]}
    return {"field": "line", "type": "nominal", "scale": scale, "legend": None}


def _bands(kept: Rows, notes: Mapping[str, Cell], c: Palette) -> list[Spec]:
    if not any(as_number(r.get("low")) is not None for r in kept):
        return []
    ends = {"y": {**_y(notes), "field": "low"}, "y2": {"field": "high"}, "color": _tone(c)}
    banded = marked({"type": "area", "opacity": 0.14}, ends, transform=[{"filter": "isValid(datum.low)"}])
    return [banded]


def _limits(kept: Rows, notes: Mapping[str, Cell], c: Palette) -> list[Spec]:
    layers = []
    for name in ("lower_limit", "limit"):
        if any(as_number(r.get(name)) is not None for r in kept):
            mark = {"type": "line", "color": c.fail, "strokeWidth": 1.1, "interpolate": "step"}
            keep = [{"filter": f"isValid(datum.{name})"}]
            apart = {"field": "line", "type": "nominal"}
            layers.append(marked(mark, {"y": {**_y(notes), "field": name}, "detail": apart}, transform=keep))
    return layers


def _lines(kept: Rows, notes: Mapping[str, Cell], c: Palette) -> list[Spec]:
    dash: Spec = {"field": "line", "type": "nominal", "legend": None}
    dash["scale"] = {"domain": list(SERIES), "range": [[1, 0], [1, 0], [5, 3]]}
    y = {**_y(notes), "field": "value"}
    found = [marked({"type": "line", "strokeWidth": 1.8}, {"y": y, "color": _tone(c), "strokeDash": dash})]
    series = [name for name in SERIES if any(r["line"] == name for r in kept)]
    return found + (_names(kept, series, c) if len(series) > 1 else [])


def _names(kept: Rows, series: list[str], c: Palette) -> list[Spec]:
    """Name the lines above the plot: the reference where it starts, what follows it at the right end."""
    tones = {"reference": c.reference, "current": c.accent, "estimated": ESTIMATED}
    both = {"current", "estimated"} <= set(series)
    ends = {"reference": min(r["at"] for r in kept), "current": max(r["at"] for r in kept)}
    found: list[Spec] = []
    for name in series:
        first = name == "reference"
        said = "realised" if both and name == "current" else name
        away = -90 if both and name == "current" else 0
        at = ends["reference" if first else "current"]
        sample, wide = "╌╌" if name == "estimated" else "──", 6 * len(said) + 6
        # A sample stands before its name, whichever end of the plot the pair is held to.
        for shown, dx, color in ((sample, 0 if first else -wide, tones[name]), (said, 22 if first else 0, c.muted)):
            text = {"type": "text", "align": "left" if first else "right", "baseline": "bottom", "fontSize": 11}
            text |= {"dx": away + dx, "dy": -4, "color": color}
            place = {"y": {"value": 0}, "text": {"field": "said", "type": "nominal"}}
            found.append(marked(text, place, data={"values": [{"at": at, "said": shown}]}))
    return found


def _points(kept: Rows, notes: Mapping[str, Cell]) -> list[Spec]:
    y, raw = {**_y(notes), "field": "value"}, {"type": "nominal", "scale": None}
    quiet = {"y": y, "color": {"field": "tone", **raw}}
    loud = {"y": y, "color": {"field": "bad_tone", **raw}, "shape": {"field": "shape", **raw}}
    hollow = {"y": y, "stroke": {"field": "tone", **raw}}
    dot, ring = {"type": "point", "filled": True, "opacity": 1}, {"type": "point", "filled": False, "size": 40}
    layers = [marked({**dot, "size": 28}, quiet, transform=[{"filter": "!datum.bad && !datum.short"}])]
    if any(r.get("short") for r in kept):
        layers.append(marked(ring, hollow, transform=[{"filter": "datum.short && !datum.bad"}]))
    if any(r["bad"] for r in kept):
        layers.append(marked({**dot, "size": 90}, loud, transform=[{"filter": "datum.bad"}]))
    return layers

"""Evidence -> Vega-Lite -> SVG or PNG, without a browser or a network; text from data stays data."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from workbench.core.errors import THIN, import_extra
from workbench.core.finding import Cell
from workbench.report import words
from workbench.report.captions import chart_sentence
from workbench.report.chart_parts import (
    FONT,
    LABEL,
    LIGHT,
    Palette,
    Rows,
    Spec,
    as_number,
    as_text,
    as_whole,
    axis_of,
    dark_rules,
    marked,
    padded,
    side_text,
    square,
    unit_axis,
)
from workbench.report.drift_charts import binned, cumulative, shares
from workbench.report.line_charts import confusion, lines
from workbench.report.png import compressed
from workbench.report.profile_charts import associations, missing_sets, profile
from workbench.report.shown import ShownEvidence
from workbench.report.window_charts import windows

MOST_ROWS = 40
_LOCALE = {"decimal": ".", "thousands": THIN, "grouping": [3], "currency": ["", ""]}
"""Axes part thousands as the words do."""


def chart_spec(shown: ShownEvidence, palette: Palette = LIGHT, suppressed: str = "n < 10") -> Spec | None:
    """Return the Vega-Lite spec of a table, or None when it is shown as a table only."""
    draw = _DRAWINGS.get(shown.drawing.kind)
    rows = _rows(shown)
    if draw is None or not rows:
        return None
    body = draw(rows, shown.drawing.notes, palette, suppressed)
    return {"$schema": "https://vega.github.io/schema/vega-lite/v5.json", **body, "config": _config(palette)}


def is_drawn(kind: str) -> bool:
    """Return whether tables of this kind are drawn."""
    return kind in _DRAWINGS


def drawn(body: Spec, title: str, sentence: str) -> str | None:
    """Return a drawing that is of no evidence as SVG in both themes, with its title and its sentence."""
    whole = {"$schema": "https://vega.github.io/schema/vega-lite/v5.json", **body, "config": _config(LIGHT)}
    svg = _converted("vegalite_to_svg", whole)
    return _described(svg, title, sentence) if isinstance(svg, str) else None


def chart_svg(shown: ShownEvidence, suppressed: str = "n < 10") -> str | None:
    """Return the chart as SVG that follows the reader's light or dark theme; None when there is none."""
    svg = _converted("vegalite_to_svg", chart_spec(shown, LIGHT, suppressed))
    if not isinstance(svg, str):
        return None
    return _described(svg, words.plain(shown.evidence.title, 160), chart_sentence(shown.drawing))


def cumulative_svg(shown: ShownEvidence, sentence: str) -> str | None:
    """Return a distribution's cumulated curves as SVG in both themes; None for every other kind of table."""
    body = cumulative(_rows(shown), shown.drawing.notes, LIGHT) if shown.drawing.kind == "distribution" else None
    return None if body is None else drawn(body, words.plain(shown.evidence.title, 160), sentence)


def chart_png(shown: ShownEvidence, suppressed: str = "n < 10", scale: float = 1.5) -> bytes | None:
    """Return the chart as PNG on white, for places that show no SVG."""
    spec = chart_spec(shown, LIGHT, suppressed)
    png = _converted("vegalite_to_png", spec and {**spec, "background": LIGHT.surface}, scale=scale)
    return compressed(png) if isinstance(png, bytes) else None


def _converted(function: str, spec: Spec | None, **options: float) -> Any:
    if spec is None:
        return None
    try:
        convert = import_extra("vl_convert", "notebook", "drawing a chart")
        return getattr(convert, function)(json.dumps(spec), format_locale=_LOCALE, **options)
    except Exception:  # a chart that cannot be drawn must not cost the report its tables
        return None


# ---------------------------------------------------------------------------- drawings


def _forest(rows: Rows, notes: Mapping[str, Cell], c: Palette, suppressed: str) -> Spec:
    unit = str(notes.get("unit") or "")
    for at, row in enumerate(rows):
        row["at"] = at
        row["size"] = suppressed if row["hidden"] else f"n {words.number(as_whole(row.get('n')))}"
    ends = [v for r in rows for k in ("low", "high", "value") if (v := as_number(r.get(k))) is not None]
    ends += [v for key in ("limit", "overall") if (v := as_number(notes.get(key))) is not None]
    low, high = padded(min(ends, default=0.0), max(ends, default=1.0))
    scale = {"domain": [low, high], "nice": False, "zero": False}
    for row in rows:
        row["from"], row["to"] = low, high
    y: Spec = {"field": "at", "type": "ordinal", "axis": None, "scale": {"paddingOuter": 0.6}}
    x: Spec = {"field": "value", "type": "quantitative", "scale": scale, "axis": axis_of(unit, _forest_title(notes))}
    seen, unseen = [{"filter": "isValid(datum.value)"}], [{"filter": "datum.hidden"}]
    hollow = {"type": "rule", "color": c.line, "strokeDash": [2, 3]}
    dot = {"type": "point", "filled": True, "size": 70, "color": c.accent, "opacity": 1}
    whisker = {"type": "rule", "strokeWidth": 2, "color": c.accent}
    layers: list[Spec] = [
        marked(hollow, {"x": {**x, "field": "from"}, "x2": {"field": "to"}}, transform=unseen),
        marked(whisker, {"x": {**x, "field": "low"}, "x2": {"field": "high"}}, transform=seen),
        marked(dot, {"x": x}, transform=seen),
        side_text("label", -12, "right", c.ink),
        side_text("size", 0, "left", c.muted, right=True),
    ]
    layers += _rules(notes, unit, c, scale)
    return {
        "data": {"values": rows},
        "width": 300,
        "height": {"step": 26},
        "encoding": {"y": y},
        "layer": layers,
    }


def _forest_title(notes: Mapping[str, Cell]) -> str:
    return words.measure_title(str(notes.get("measure") or "value"))


def _rules(notes: Mapping[str, Cell], unit: str, c: Palette, scale: Spec) -> list[Spec]:
    layers: list[Spec] = []
    for key, color, dash, lift in (("overall", c.muted, [4, 3], -18), ("limit", c.fail, [1, 0], -4)):
        value = as_number(notes.get(key))
        if value is None:
            continue
        name = words.plain(notes.get(f"{key}_is") or key, 30)
        data = {"values": [{"v": value, "t": f"{name} {words.number(value, unit)}"}]}
        x = {"field": "v", "type": "quantitative", "scale": scale}
        rule = {"type": "rule", "color": color, "strokeDash": dash}
        text = {"type": "text", "color": color, "baseline": "bottom", "dy": lift, "align": "center"}
        tall = {"y": {"value": 0}, "y2": {"value": "height"}}
        above = {"y": {"value": 0}, "text": {"field": "t", "type": "nominal"}}
        layers += [marked(rule, {**tall, "x": x}, data=data), marked(text, {**above, "x": x}, data=data)]
    return layers


def _distribution(rows: Rows, notes: Mapping[str, Cell], c: Palette, _: str) -> Spec:
    if not binned(rows):
        return _bars(rows, notes, c)
    return shares(rows, notes, c, _)


def _bars(rows: Rows, notes: Mapping[str, Cell], c: Palette) -> Spec:
    named = [{**r, "category": f"{words.number(r.get('low'))} – {words.number(r.get('high'))}"} for r in rows]
    return _categories(named, notes, c, "")


def _categories(rows: Rows, notes: Mapping[str, Cell], c: Palette, _: str) -> Spec:
    return _dumbbell(rows, "category", words.plain(notes.get("column") or "", 40), c)


def _missing(rows: Rows, notes: Mapping[str, Cell], c: Palette, _: str) -> Spec:
    del notes
    return _dumbbell(rows, "column", "missing values", c)


def _dumbbell(rows: Rows, name: str, title: str, c: Palette) -> Spec:
    for at, row in enumerate(rows):
        row["at"], row["name"] = at, words.plain(row.get(name), LABEL)
    y = {"field": "at", "type": "ordinal", "axis": None, "scale": {"paddingOuter": 0.6}}
    about = f"share of rows: {title}" if title else "share of rows"
    axis = {"title": about, "format": "~%", "tickCount": 5, "titleLimit": 270}
    known = [v for row in rows for k in ("current", "reference") if (v := as_number(row.get(k))) is not None]
    scale = {"zero": True, "nice": True} if any(known) else {"domain": [0, 1]}
    x: Spec = {"type": "quantitative", "axis": axis, "scale": scale}
    return {
        "data": {"values": rows},
        "width": 270,
        "height": {"step": 22},
        "encoding": {"y": y},
        "layer": [
            side_text("name", -12, "right", c.ink),
            marked({"type": "rule", "color": c.line, "strokeWidth": 2},
                  {"x": {**x, "field": "reference"}, "x2": {"field": "current"}}),
            marked({"type": "point", "color": c.reference, "size": 70, "strokeWidth": 1.8, "fill": c.surface},
                  {"x": {**x, "field": "reference"}}),
            marked({"type": "point", "filled": True, "color": c.accent, "size": 60, "opacity": 1},
                  {"x": {**x, "field": "current"}}),
        ],
    }  # fmt: skip


def _reliability(rows: Rows, notes: Mapping[str, Cell], c: Palette, _: str) -> Spec:
    del notes
    titles = ("predicted probability", "observed rate")
    x = unit_axis("mean_score", titles[0])
    whisker = {"x": x, "y": unit_axis("low", titles[1]), "y2": {"field": "high"}}
    dot = {"x": x, "y": unit_axis("observed", titles[1])}
    marks = [
        marked({"type": "rule", "color": c.accent, "strokeWidth": 1.6}, whisker),
        marked({"type": "point", "filled": True, "color": c.accent, "size": 55, "opacity": 1}, dot),
    ]
    return square(rows, c, titles, marks)


def _curve(rows: Rows, notes: Mapping[str, Cell], c: Palette, _: str) -> Spec:
    for at, row in enumerate(rows):
        row["at"] = at
    titles = [words.plain(notes.get(k) or k, 40) for k in ("x", "y")]
    encoding = {
        "x": unit_axis("x", titles[0]),
        "y": unit_axis("y", titles[1]),
        "order": {"field": "at", "type": "quantitative"},
    }
    band = {"x": encoding["x"], "y": unit_axis("low", titles[1]), "y2": {"field": "high"}}
    layers = [marked({"type": "area", "color": c.accent, "opacity": 0.16}, band)]
    layers.append(marked({"type": "line", "color": c.accent, "strokeWidth": 2}, encoding))
    return square(rows, c, titles, layers, diagonal=notes.get("name") == "roc")


_DRAWINGS: dict[str, Callable[[Rows, Mapping[str, Cell], Palette, str], Spec]] = {
    "forest": _forest,
    "distribution": _distribution,
    "categories": _categories,
    "missing": _missing,
    "reliability": _reliability,
    "curve": _curve,
    "lines": lines,
    "confusion": confusion,
    "windows": windows,
    "profile": profile,
    "missing_sets": missing_sets,
    "associations": associations,
}

# ---------------------------------------------------------------------------- parts


def _rows(shown: ShownEvidence) -> Rows:
    # Fields get our own names from the table's columns; whatever the data says is a value, never a field or a format.
    table = shown.drawing
    rows: Rows = []
    most = 400 if table.kind in _DENSE else MOST_ROWS
    for at, cells in enumerate(table.rows[:most]):
        pairs = zip(table.columns, cells, strict=True)
        row = {k: v if k in _WHOLE else as_text(v) for k, v in pairs if k in _FIELDS}
        rows.append({**row, "hidden": at in shown.hidden})
    return rows


_WHOLE = ("window", "used as")  # our own words, not the data's
_DENSE = ("curve", "distribution", "lines", "confusion", "windows", "missing_sets", "associations")
_FIELDS = frozenset(
    """label n value low high reference current category column mean_score observed x y series truth prediction
    share window short outcome limit lower_limit set rows one two missing pattern shape""".split()  # noqa: SIM905
) | {"used as", "missing in reference", "reference shape"}


def _config(c: Palette) -> Spec:
    text = {"labelColor": c.muted, "titleColor": c.muted, "titleFontWeight": "normal"}
    sizes = {"labelFontSize": 12, "titleFontSize": 12}
    lines = {"domainColor": c.line, "tickColor": c.line, "gridColor": c.line, "gridOpacity": 0.6}
    return {
        "background": None,
        "font": FONT,
        "padding": {"left": 26, "right": 14, "top": 6, "bottom": 6},
        "view": {"stroke": None},
        "text": {"fontSize": 12, "font": FONT},
        "axis": {**text, **sizes, **lines, "labelFont": FONT, "titleFont": FONT},
    }


def _described(svg: str, title: str, description: str) -> str:
    """Give the SVG a title, a description and the dark theme's colours."""
    start = svg.index(">", svg.index("<svg")) + 1
    head = f"<title>{_escaped(title)}</title><desc>{_escaped(description)}</desc><style>{dark_rules()}</style>"
    return svg[:start] + head + svg[start:]


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def whisker_svg(
    value: float | None, low: float | None, high: float | None, limit: float | None, color: str = "fail"
) -> str:
    """Return a small drawing of a value with its interval against its limit."""
    known = [v for v in (value, low, high, limit) if v is not None]
    left, right = padded(min(known, default=0.0), max(known, default=1.0))

    def x(v: float) -> str:
        return f"{4 + 112 * (v - left) / (right - left):.1f}"

    ink = getattr(LIGHT, color)
    parts = [f'<rect x="4" y="8" width="112" height="1" fill="{LIGHT.line}"/>']
    if low is not None or high is not None:
        a, b = x(left if low is None else low), x(right if high is None else high)
        parts.append(f'<path d="M{a} 8.5H{b}" stroke="{ink}" stroke-width="2.5"/>')
    if limit is not None:
        parts.append(f'<path d="M{x(limit)} 1V16" stroke="{LIGHT.ink}" stroke-width="1.5"/>')
    if value is not None:
        parts.append(f'<circle cx="{x(value)}" cy="8.5" r="4" fill="{ink}"/>')
    style = f"<style>{dark_rules()}</style>"
    body = "".join(parts)
    return f'<svg xmlns="http://www.w3.org/2000/svg" width="120" height="17" viewBox="0 0 120 17">{style}{body}</svg>'

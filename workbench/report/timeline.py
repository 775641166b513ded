"""A measure over windows: value with its interval, the limit as a rule, each window's outcome as a shape."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from workbench.report import words
from workbench.report.chart_parts import LIGHT
from workbench.report.charts import drawn
from workbench.report.labels import plain

MOST_WINDOWS = 60
_SHAPES = {"fail": "square", "warn": "triangle-up", "cannot_tell": "diamond", "pass": "circle", "waived": "circle"}
_COLOURS = {"fail": LIGHT.fail, "warn": LIGHT.warn, "cannot_tell": LIGHT.unsure}


def series_title(series: Mapping[str, Any]) -> str:
    """Return what a series is of, in words."""
    place = " ".join(plain(series[k], 40) for k in ("column", "group", "where") if series.get(k))
    return f"{words.measure_title(str(series['measure']))} {place}".strip()


def series_sentence(series: Mapping[str, Any]) -> str:
    """Return a series as one sentence: how many windows broke the rule, and the last value."""
    points = series["points"]
    bad = [p["window"] for p in points if p["outcome"] in ("fail", "warn")]
    last = points[-1]
    value = "undefined" if last["value"] is None else words.number(last["value"])
    since = f", first in {bad[0]}" if bad else ""
    broken = f"{len(bad)} of {len(points)} windows break the rule {plain(series['rule'], 60)}{since}"
    return f"{broken}; {value} in {last['window']}."


def timeline_svg(series: Mapping[str, Any]) -> str | None:
    """Return the drawing of the last windows of a series, or None when nothing in it has a value."""
    points = [_point(p) for p in series["points"][-MOST_WINDOWS:] if p["value"] is not None]
    if not points:
        return None
    return drawn(_body(points), series_title(series), series_sentence(series))


def _point(p: Mapping[str, Any]) -> dict[str, Any]:
    ends = {k: p["value"] if p[k] is None else p[k] for k in ("low", "high")}
    shape, colour = _SHAPES.get(p["outcome"], "cross"), _COLOURS.get(p["outcome"], LIGHT.accent)
    return {"window": p["window"], "value": p["value"], **ends, "limit": p["limit"], "shape": shape, "colour": colour}


def _body(points: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    every = len(points) // 12 + 1
    labels = [p["window"] for i, p in enumerate(points) if i % every == 0]
    axis = {"title": None, "labelAngle": -35, "values": labels, "labelLimit": 160}
    x = {"field": "window", "type": "ordinal", "sort": None, "axis": axis}
    scale = {"zero": False, "nice": True}
    y = {
        "field": "value",
        "type": "quantitative",
        "scale": scale,
        "axis": {"title": None, "format": "~g"},
    }
    raw = {"scale": None, "type": "nominal"}
    layers: list[dict[str, Any]] = [
        {"mark": {"type": "rule", "strokeWidth": 2, "color": LIGHT.accent, "opacity": 0.45},
         "encoding": {"y": {**y, "field": "low"}, "y2": {"field": "high"}}},
        {"mark": {"type": "line", "color": LIGHT.accent, "strokeWidth": 1.5}, "encoding": {"y": y}},
        {"mark": {"type": "line", "color": LIGHT.fail, "strokeDash": [4, 3], "interpolate": "step"},
         "encoding": {"y": {**y, "field": "limit"}}},
        {"mark": {"type": "point", "filled": True, "size": 80, "opacity": 1},
         "encoding": {"y": y, "shape": {"field": "shape", **raw}, "color": {"field": "colour", **raw}}},
    ]  # fmt: skip
    return {"data": {"values": list(points)}, "width": 760, "height": 180, "encoding": {"x": x}, "layer": layers}

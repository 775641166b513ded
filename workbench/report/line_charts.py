"""Lines with bands, one for each series, and confusion tables."""

from __future__ import annotations

from collections.abc import Mapping

from workbench.core.finding import Cell
from workbench.report import words
from workbench.report.chart_parts import HUES, Palette, Rows, Spec, as_number, marked

_MOST_SERIES = 6


def lines(rows: Rows, notes: Mapping[str, Cell], c: Palette, _: str) -> Spec:
    """Return lines of y against x by series, each with its band and its name at its end."""
    kept = [r for r in rows if as_number(r.get("x")) is not None and as_number(r.get("y")) is not None]
    names = list(dict.fromkeys(str(r.get("series") or "") for r in kept))[:_MOST_SERIES]
    kept = [{**r, "series": str(r.get("series") or "")} for r in kept if str(r.get("series") or "") in names]
    hues = [c.accent] if len(names) == 1 else list(HUES[: len(names)])
    color = {"field": "series", "type": "nominal", "scale": {"domain": names, "range": hues}, "legend": None}
    x = {"field": "x", "type": "quantitative", "axis": _axis(notes, "x"), "scale": {"zero": False, "nice": False}}
    y: Spec = {"type": "quantitative", "axis": _axis(notes, "y"), "scale": {"zero": bool(notes.get("zero"))}}
    layers: list[Spec] = []
    if any(as_number(r.get("low")) is not None for r in kept):
        band = {"x": x, "y": {**y, "field": "low"}, "y2": {"field": "high"}, "color": color}
        layers.append(marked({"type": "area", "opacity": 0.16}, band))
    shown = {"x": x, "y": {**y, "field": "y"}, "color": color}
    layers.append(marked({"type": "line", "strokeWidth": 2}, shown))
    if len(kept) <= 40:
        layers.append(marked({"type": "point", "filled": True, "size": 40, "opacity": 1}, shown))
    layers += _names(kept, names, x, y, c, as_number(notes.get("present_y"))) if len(names) > 1 else []
    layers += _diagonal(kept, c, x, y) if notes.get("diagonal") else []
    layers += _present(notes, c, x, y)
    layers += _upright(notes, c, x) if len(kept) else []
    return {"data": {"values": kept}, "width": 300, "height": 210, "layer": layers}


def _axis(notes: Mapping[str, Cell], which: str) -> Spec:
    share = notes.get("unit" if which == "y" else "x_unit") == "share"
    shown = {"format": "~%"} if share else {}
    return {"title": words.plain(notes.get(which) or which, 44), "tickCount": 5, "titlePadding": 14, **shown}


def _names(rows: Rows, names: list[str], x: Spec, y: Spec, c: Palette, also: float | None) -> list[Spec]:
    ends = [max((r for r in rows if r["series"] == name), key=lambda r: float(r["x"])) for name in names]
    ends = _apart(ends, rows, also)
    text = {"type": "text", "align": "left", "dx": 6, "baseline": "middle", "color": c.ink, "limit": 130}
    place = {"x": x, "y": {**y, "field": "y"}, "text": {"field": "series", "type": "nominal"}}
    return [marked(text, place, data={"values": ends})]


def _apart(ends: Rows, rows: Rows, also: float | None = None) -> Rows:
    """Move names that would lie on each other apart; lines may end at one point, and `also` is on the axis too."""
    heights = [float(r[k]) for r in rows for k in ("y", "low", "high") if as_number(r.get(k)) is not None]
    heights += [] if also is None else [also]
    step = (max(heights) - min(heights)) * 0.075
    placed: Rows = []
    for end in sorted(ends, key=lambda r: -float(r["y"])):
        below = min((float(p["y"]) for p in placed), default=float("inf")) - step
        placed.append({**end, "y": min(float(end["y"]), below)})
    return placed


def _present(notes: Mapping[str, Cell], c: Palette, x: Spec, y: Spec) -> list[Spec]:
    """Mark where the audit stands now, when the notes say so."""
    here = as_number(notes.get("present_x")), as_number(notes.get("present_y"))
    if None in here:
        return []
    data = {"values": [{"x": here[0], "y": here[1], "name": "now"}]}
    place = {"x": x, "y": {**y, "field": "y"}}
    mark = {"type": "point", "shape": "diamond", "size": 110, "filled": True, "opacity": 1, "color": c.ink}
    text = {"type": "text", "align": "right", "dx": -10, "baseline": "middle", "color": c.ink}
    named = {**place, "text": {"field": "name", "type": "nominal"}}
    return [marked(mark, place, data=data), marked(text, named, data=data)]


def _upright(notes: Mapping[str, Cell], c: Palette, x: Spec) -> list[Spec]:
    """Mark the audit's own threshold and the one proposed, when the notes name both."""
    now, then = as_number(notes.get("threshold")), as_number(notes.get("proposal"))
    if now is None or then is None:
        return []
    found = []
    for at, name, dash in ((now, "now", [3, 3]), (then, "proposed", [1, 0])):
        data = {"values": [{"x": at, "name": name}]}
        rule = marked({"type": "rule", "color": c.ink, "strokeDash": dash, "strokeWidth": 1}, {"x": x}, data=data)
        side = {"align": "right", "dx": -3} if at < max(now, then) else {"align": "left", "dx": 3}
        text = {"type": "text", "baseline": "bottom", "dy": -2, "color": c.ink, **side}
        place = {"x": x, "y": {"value": 0}, "text": {"field": "name", "type": "nominal"}}
        found += [rule, marked(text, place, data=data)]
    return found


def _diagonal(rows: Rows, c: Palette, x: Spec, y: Spec) -> list[Spec]:
    ends = [float(r[k]) for r in rows for k in ("x", "y")]
    data = {"values": [{"x": v, "y": v} for v in (min(ends), max(ends))]} if ends else {"values": []}
    mark = {"type": "line", "color": c.reference, "strokeDash": [3, 3], "strokeWidth": 1}
    return [marked(mark, {"x": x, "y": {**y, "field": "y"}}, data=data)]


def confusion(rows: Rows, notes: Mapping[str, Cell], c: Palette, _: str) -> Spec:
    """Return a table of truths by predictions: the count in each cell, shaded by its share of the truth's rows."""
    del notes
    for row in rows:
        share = as_number(row.get("share")) or 0.0
        row["text"] = words.number(row.get("n"))
        row["dark"] = share > 0.6
    order = list(dict.fromkeys(str(r["truth"]) for r in rows))
    axis = {"labelAngle": 0, "labelLimit": 90, "domain": False, "ticks": False, "titlePadding": 14}
    x = {
        "field": "prediction",
        "type": "nominal",
        "sort": order,
        "axis": {**axis, "title": "prediction", "orient": "top"},
    }
    y = {"field": "truth", "type": "nominal", "sort": order, "axis": {**axis, "title": "truth"}}
    shade: Spec = {"field": "share", "type": "quantitative", "legend": None}
    # Neither shades nor texts are a theme's own colours: the dark theme, which replaces those, would part them.
    shade["scale"] = {"domain": [0, 1], "range": ["#eef4fb", "#1f6fbf"]}
    cells = marked({"type": "rect", "stroke": c.line}, {"x": x, "y": y, "color": shade})
    placed = {"x": x, "y": y, "text": {"field": "text", "type": "nominal"}}
    # Two layers of text: a colour taken from the row would share the cells' scale.
    on_light = marked({"type": "text", "color": "#1a1e23"}, placed, transform=[{"filter": "!datum.dark"}])
    on_dark = marked({"type": "text", "color": "#fefefe"}, placed, transform=[{"filter": "datum.dark"}])
    step = 64 if len(order) <= 3 else 46 if len(order) <= 8 else 30
    layers = [cells, on_light, on_dark]
    return {"data": {"values": rows}, "width": {"step": step}, "height": {"step": 30}, "layer": layers}

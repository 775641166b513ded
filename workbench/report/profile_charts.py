"""Drawings of data: columns as small multiples, columns missing together, and associations in a table of shades."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workbench.core.finding import Cell
from workbench.core.shape import heights
from workbench.report import words
from workbench.report.chart_parts import Palette, Rows, Spec, as_number, marked

_WIDTH, _ROW, _HEAD = 456, 28, 26  # so narrow that a phone shows its letters at nearly their size
_TYPE, _MISSING, _BAR, _SHAPE = 132, 232, 32, 320
_NAME_LETTERS, _LABEL_LETTERS = 18, 18
_SETS, _SET_COLUMNS = 15, 24
_ROOM = 28  # pixels: the reader's font may be wider than the one that the drawing was measured with
_FAINT, _FULL = 0.05, 0.5  # of the accent: the ink is read on both, on the light theme and on the dark


# ---------------------------------------------------------------------------- columns as small multiples


def profile(rows: Rows, notes: Mapping[str, Cell], c: Palette, _: str) -> Spec:
    """Return one line a column: name, type, what is missing, and the shape of current over reference."""
    del notes
    height = _HEAD + _ROW * len(rows)
    x: Spec = {"type": "quantitative", "axis": None, "scale": {"domain": [0, _WIDTH], "nice": False, "zero": False}}
    y: Spec = {"type": "quantitative", "axis": None, "scale": {"domain": [height, 0], "nice": False, "zero": False}}
    drawn = [{**row, "top": _HEAD + at * _ROW, "middle": _HEAD + (at + 0.5) * _ROW} for at, row in enumerate(rows)]
    layers = [*_heads(x, y, c), *_lines(drawn, x, y, c), *_names(drawn, x, y, c), *_gaps(drawn, x, y, c)]
    layers += _shapes(drawn, x, y, c)
    return {
        "width": _WIDTH,
        "height": height,
        "padding": {"left": 1, "right": 14, "top": 2, "bottom": 4},
        "layer": layers,
    }


def _heads(x: Spec, y: Spec, c: Palette) -> list[Spec]:
    titles = ((0, "column"), (_TYPE, "used as"), (_MISSING, "missing"), (_SHAPE, "shape, or pattern"))
    values = [{"x": at, "y": _HEAD / 2, "text": title} for at, title in titles]
    return [_text(values, x, y, c.muted)]


def _text(values: Rows, x: Spec, y: Spec, color: str, limit: int = 200, **more: Any) -> Spec:
    mark = {"type": "text", "align": "left", "baseline": "middle", "color": color, "limit": limit, **more}
    place = {"x": {**x, "field": "x"}, "y": {**y, "field": "y"}, "text": {"field": "text", "type": "nominal"}}
    return marked(mark, place, data={"values": values})


def _lines(rows: Rows, x: Spec, y: Spec, c: Palette) -> list[Spec]:
    values = [{"y": row["top"], "x": 0, "x2": _WIDTH} for row in rows]
    place = {"x": {**x, "field": "x"}, "x2": {"field": "x2"}, "y": {**y, "field": "y"}}
    return [marked({"type": "rule", "color": c.line, "strokeWidth": 1}, place, data={"values": values})]


def _names(rows: Rows, x: Spec, y: Spec, c: Palette) -> list[Spec]:
    names = [{"x": 0, "y": r["middle"], "text": words.plain(r.get("column"), _NAME_LETTERS)} for r in rows]
    types, before = [], []
    for row in rows:
        use, was, other = str(row.get("used as") or "").partition(", was ")
        types.append({"x": _TYPE, "y": row["middle"] - (5 if was else 0), "text": use})
        before += [{"x": _TYPE, "y": row["middle"] + 7, "text": f"was {other}"}] if was else []
    patterns = [{"x": _SHAPE, "y": r["middle"], "text": _instead(r)} for r in rows if not r.get("shape")]
    return [
        _text(names, x, y, c.ink, _TYPE - 8),
        _text(types, x, y, c.muted, _MISSING - _TYPE - 4),
        _text(before, x, y, c.warn, _MISSING - _TYPE - 4, fontSize=10),
        _text(patterns, x, y, c.muted, _WIDTH - _SHAPE),
    ]


def _instead(row: Mapping[str, Any]) -> str:
    """Return what stands where no shape is drawn."""
    return str(row["pattern"]) if row.get("pattern") else "no values shown"


def _gaps(rows: Rows, x: Spec, y: Spec, c: Palette) -> list[Spec]:
    tracks, bars, ticks, texts = [], [], [], []
    for row in rows:
        share, before = as_number(row.get("missing")), as_number(row.get("missing in reference"))
        middle = row["middle"]
        around = {"y": middle - 4, "y2": middle + 4}
        tracks.append({"x": _MISSING, "x2": _MISSING + _BAR, **around})
        if share:
            bars.append({"x": _MISSING, "x2": _MISSING + max(1.0, _BAR * share), **around})
        if before:
            ticks.append({"x": _MISSING + _BAR * before, "y": middle - 7, "y2": middle + 7})
        texts.append({"x": _MISSING + _BAR + 6, "y": middle, "text": words.number(share, "share")})
    box = {"x": {**x, "field": "x"}, "x2": {"field": "x2"}, "y": {**y, "field": "y"}, "y2": {"field": "y2"}}
    rule = {"x": {**x, "field": "x"}, "y": {**y, "field": "y"}, "y2": {"field": "y2"}}
    return [
        marked({"type": "rect", "color": c.line}, box, data={"values": tracks}),
        marked({"type": "rect", "color": c.accent}, box, data={"values": bars}),
        marked({"type": "rule", "color": c.reference, "strokeWidth": 2}, rule, data={"values": ticks}),
        _text(texts, x, y, c.muted),
    ]


def _shapes(rows: Rows, x: Spec, y: Spec, c: Palette) -> list[Spec]:
    bars: Rows = []
    steps: Rows = []
    for at, row in enumerate(rows):
        base, tall = row["top"] + _ROW - 4, _ROW - 8
        for field, side in (("shape", bars), ("reference shape", steps)):
            levels = heights(str(row.get(field) or ""))
            wide = (_WIDTH - _SHAPE) / max(1, len(levels))
            ends = [_SHAPE + i * wide for i in range(len(levels) + 1)]
            gap = 1.5 if wide > 10 and side is bars else 0.0
            side += [
                {"x": ends[i], "x2": ends[i + 1] - gap, "y": base - tall * level, "y2": base, "row": at}
                for i, level in enumerate(levels)
            ]
            if levels:  # the last step has an end too
                side.append({**side[-1], "x": ends[-1], "x2": ends[-1]})
    box = {"x": {**x, "field": "x"}, "x2": {"field": "x2"}, "y": {**y, "field": "y"}, "y2": {"field": "y2"}}
    line = {"x": {**x, "field": "x"}, "y": {**y, "field": "y"}, "detail": {"field": "row", "type": "nominal"}}
    outline = {"type": "line", "interpolate": "step-after", "color": c.reference, "strokeWidth": 1.4}
    return [
        marked({"type": "rect", "color": c.accent, "opacity": 0.42}, box, data={"values": bars}),
        marked(outline, line, data={"values": steps}),
    ]


# ---------------------------------------------------------------------------- missing together


def missing_sets(rows: Rows, notes: Mapping[str, Cell], c: Palette, _: str) -> Spec:
    """Return one line a set of columns that are missing together: a square under each of them, rows at the right."""
    del notes
    names = list(dict.fromkeys(str(r["column"]) for r in rows if r.get("column") is not None))
    names = names[:_SET_COLUMNS]
    sets = list(dict.fromkeys(str(r.get("set")) for r in rows))[: _SETS + 2]
    of_set = {str(r.get("set")): r for r in rows}
    gone = {(str(r.get("set")), str(r["column"])) for r in rows if r.get("column") is not None}
    cells = [
        {"x": i, "y": j, "gone": (label, name) in gone}
        for j, label in enumerate(sets)
        for i, name in enumerate(names)
        if label != "other sets"
    ]
    x: Spec = {
        "type": "quantitative",
        "axis": None,
        "scale": {"domain": [-0.5, max(3, len(names)) - 0.5], "nice": False},
    }
    y: Spec = {"type": "quantitative", "axis": None, "scale": {"domain": [len(sets) - 0.5, -0.5], "nice": False}}
    place = {"x": {**x, "field": "x"}, "y": {**y, "field": "y"}}
    square = {"type": "square", "size": 150, "opacity": 1}
    layers = [
        marked({**square, "filled": True, "color": c.line, "size": 20}, place, transform=[{"filter": "!datum.gone"}]),
        marked({**square, "filled": True, "color": c.accent}, place, transform=[{"filter": "datum.gone"}]),
        _set_words([(j, _set_name(s), -1) for j, s in enumerate(sets)], y, c.ink, "right"),
        _set_words([(j, _set_rows(of_set[s]), 1) for j, s in enumerate(sets)], y, c.muted, "left"),
        _above(names, x, c),
    ]
    return {
        "data": {"values": cells},
        "width": 20 * max(3, len(names)),
        "height": 22 * len(sets),
        "padding": {"left": _ROOM, "top": _ROOM, "right": 2 * _ROOM, "bottom": 5},
        "layer": layers,
    }


def _set_name(label: str) -> str:
    return {"no cell": "nothing missing", "other sets": "other sets"}.get(label, "")


def _set_rows(row: Mapping[str, Any]) -> str:
    share, before = as_number(row.get("current")), as_number(row.get("reference"))
    text = f"{words.number(row.get('rows'))} rows, {words.number(share, 'share')}"
    return text if before is None else f"{text} (was {words.number(before, 'share')})"


def _set_words(lines: list[tuple[int, str, int]], y: Spec, color: str, align: str) -> Spec:
    values = [{"y": at, "text": text} for at, text, _ in lines]
    side: Spec = {"value": 0} if align == "right" else {"value": "width"}
    mark = {"type": "text", "align": align, "baseline": "middle", "color": color, "dx": -8 if align == "right" else 8}
    place = {"x": side, "y": {**y, "field": "y"}, "text": {"field": "text", "type": "nominal"}}
    return marked(mark, place, data={"values": values})


def _above(names: list[str], x: Spec, c: Palette) -> Spec:
    values = [{"x": i, "text": words.plain(name, _LABEL_LETTERS)} for i, name in enumerate(names)]
    mark = {"type": "text", "align": "left", "baseline": "middle", "angle": 300, "color": c.ink, "dy": 0, "dx": 4}
    place = {"x": {**x, "field": "x"}, "y": {"value": -4}, "text": {"field": "text", "type": "nominal"}}
    return marked(mark, place, data={"values": values})


# ---------------------------------------------------------------------------- associations


def associations(rows: Rows, notes: Mapping[str, Cell], c: Palette, _: str) -> Spec:
    """Return a triangle of columns against columns: each cell's number, shaded by its size."""
    most = int(as_number(notes.get("most_drawn")) or 14)
    names: list[str] = []
    for row in rows:  # the strongest first: their columns are drawn
        for key in ("one", "two"):
            if str(row[key]) not in names and len(names) < most:
                names.append(str(row[key]))
    cells = []
    for row in rows:
        one, two, value = str(row["one"]), str(row["two"]), as_number(row.get("value"))
        if one in names and two in names and one != two and value is not None:
            at, under = sorted((names.index(one), names.index(two)))
            text = words.number(round(value, 2) + 0.0, decimals=2)  # no minus before zero
            cells.append({"x": at, "y": under - 1, "size": abs(value), "text": text})
    n = max(1, len(names) - 1)
    x: Spec = {"type": "ordinal", "field": "x", "axis": None, "scale": {"domain": list(range(n))}}
    y: Spec = {"type": "ordinal", "field": "y", "axis": None, "scale": {"domain": list(range(n))}}
    shade: Spec = {"field": "size", "type": "quantitative", "legend": None}
    shade["scale"] = {"domain": [0, 1], "range": [_FAINT, _FULL]}
    words_of = {"x": x, "y": y, "text": {"field": "text", "type": "nominal"}}
    layers = [
        marked({"type": "rect", "color": c.accent}, {"x": x, "y": y, "opacity": shade}),
        marked({"type": "text", "color": c.ink}, words_of),
        _beside([words.plain(name, _LABEL_LETTERS) for name in names[1:]], y, c),
        _over([words.plain(name, _LABEL_LETTERS) for name in names[:-1]], x, c),
    ]
    padding = {"left": _ROOM, "top": _ROOM, "right": _ROOM, "bottom": 5}
    return {
        "data": {"values": cells},
        "width": {"step": 42},
        "height": {"step": 24},
        "padding": padding,
        "layer": layers,
    }


def _beside(names: list[str], y: Spec, c: Palette) -> Spec:
    values = [{"y": i, "text": name} for i, name in enumerate(names)]
    mark = {"type": "text", "align": "right", "baseline": "middle", "dx": -8, "color": c.ink}
    return marked(
        mark, {"x": {"value": 0}, "y": y, "text": {"field": "text", "type": "nominal"}}, data={"values": values}
    )


def _over(names: list[str], x: Spec, c: Palette) -> Spec:
    values = [{"x": i, "text": name} for i, name in enumerate(names)]
    mark = {"type": "text", "align": "left", "baseline": "middle", "angle": 300, "dx": 4, "color": c.ink}
    place = {"x": x, "y": {"value": -4}, "text": {"field": "text", "type": "nominal"}}
    return marked(mark, place, data={"values": values})

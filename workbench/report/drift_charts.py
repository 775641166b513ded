"""Two distributions: shares in shared bins with the missing beside them, and cumulated with the gap between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from workbench.core.finding import Cell, Evidence
from workbench.report import words
from workbench.report.chart_parts import LIGHT, Palette, Rows, Spec, as_number, dark_rules, marked, padded, wide
from workbench.report.years import like_years

WIDTH, HEIGHT = 300, 160


@dataclass(frozen=True, slots=True)
class Gap:
    """Where two cumulated distributions lie farthest apart, on the bins they are drawn in."""

    at: float
    reference: float
    current: float

    @property
    def size(self) -> float:
        """Return the distance, 0 to 1; never more than Kolmogorov-Smirnov's, which looks between the bins too."""
        return abs(self.current - self.reference)


def binned(rows: Rows) -> Rows:
    """Return the rows that are bins with two ends."""
    return [r for r in rows if as_number(r.get("low")) is not None and as_number(r.get("high")) is not None]


def shares(rows: Rows, notes: Mapping[str, Cell], c: Palette, _: str) -> Spec:
    """Return current filled lightly over reference outlined, in shared bins; missing as a bar of its own."""
    kept = binned(rows)
    heights = [v for r in kept for k in ("current", "reference") if (v := as_number(r.get(k))) is not None]
    gone = [as_number(notes.get(f"missing_{side}")) for side in ("current", "reference")]
    heights += [v for v in gone if v is not None]
    top = {"domain": [0, max(heights, default=1.0) * 1.04 or 1.0], "nice": False}
    tall: Spec = {"type": "quantitative", "scale": top}
    tall["axis"] = {"title": "share", "format": "~%", "tickCount": 4}
    x = _x(kept, notes)
    last = kept[-1]
    steps = [*kept, {**last, "low": last["high"]}]
    main: Spec = {
        "data": {"values": kept},
        "width": WIDTH,
        "height": HEIGHT,
        "layer": [
            {"data": {"values": steps},
             "mark": {"type": "line", "interpolate": "step-after", "color": c.reference, "strokeWidth": 1.8},
             "encoding": {"x": x, "y": {"field": "reference", **tall}}},
            marked({"type": "bar", "color": c.accent, "opacity": 0.32, "binSpacing": 0},
                  {"x": x, "x2": {"field": "high"}, "y": {"field": "current", **tall}, "y2": {"datum": 0}}),
        ],
    }  # fmt: skip
    if not any(gone):
        return main
    return {"hconcat": [main, _missing(gone, top, c)], "spacing": 18}


def _missing(gone: Sequence[float | None], top: Spec, c: Palette) -> Spec:
    now, then = (v or 0.0 for v in gone)
    row = {"x": "missing", "current": now, "reference": then, "said": f"{words.number(now, 'share')}"}
    x = {"field": "x", "type": "nominal", "axis": {"title": None, "labelAngle": 0, "ticks": False}}
    y: Spec = {"type": "quantitative", "scale": top, "axis": None}
    bar = {"type": "bar", "color": c.accent, "opacity": 0.32, "width": 26}
    outline = {"type": "bar", "filled": False, "stroke": c.reference, "strokeWidth": 1.8, "width": 26}
    text = {"type": "text", "color": c.muted, "baseline": "bottom", "dy": -3, "fontSize": 11}
    above = {"field": "top", "type": "quantitative", "scale": top, "axis": None}
    layers = [
        marked(outline, {"x": x, "y": {**y, "field": "reference"}}),
        marked(bar, {"x": x, "y": {**y, "field": "current"}}),
        marked(text, {"x": x, "y": above, "text": {"field": "said", "type": "nominal"}}),
    ]
    return {"data": {"values": [{**row, "top": max(now, then)}]}, "width": 54, "height": HEIGHT, "layer": layers}


def cumulative(rows: Rows, notes: Mapping[str, Cell], c: Palette) -> Spec | None:
    """Return both cumulated distributions with their largest gap as a rule; None where there are no bins."""
    kept, gap = binned(rows), widest(rows)
    if gap is None:
        return None
    x = _x(kept, notes)
    y: Spec = {"type": "quantitative", "scale": {"domain": [0, 1]}}
    y["axis"] = {"title": "share at or below", "format": "~%", "tickCount": 5}
    points = _cumulated(kept)
    both = [("reference", c.reference), ("current", c.accent)]
    line = {"type": "line", "strokeWidth": 1.8}
    layers = [marked({**line, "color": tone}, {"x": x, "y": {**y, "field": name}}) for name, tone in both]
    data = {"values": [{"low": gap.at, "a": gap.reference, "b": gap.current, "said": gap_words(gap)}]}
    rule = {"type": "rule", "color": c.ink, "strokeWidth": 2}
    right = gap.at < _middle(kept)
    text = {"type": "text", "color": c.ink, "align": "left" if right else "right", "dx": 6 if right else -6}
    middle = {**y, "field": "m"}
    data["values"][0]["m"] = (gap.reference + gap.current) / 2
    layers.append(marked(rule, {"x": x, "y": {**y, "field": "a"}, "y2": {"field": "b"}}, data=data))
    layers.append(marked(text, {"x": x, "y": middle, "text": {"field": "said", "type": "nominal"}}, data=data))
    return {"data": {"values": points}, "width": WIDTH, "height": HEIGHT, "layer": layers}


def _middle(kept: Rows) -> float:
    return (float(kept[0]["low"]) + float(kept[-1]["high"])) / 2


def gap_words(gap: Gap) -> str:
    """Return the gap's size in words."""
    return f"gap {words.number(gap.size, 'share')}"


def widest(rows: Rows) -> Gap | None:
    """Return where the cumulated shares lie farthest apart; None where there are no bins of both."""
    kept = binned(rows)
    if not kept or any(as_number(r.get(k)) is None for r in kept for k in ("current", "reference")):
        return None
    far = max(_cumulated(kept), key=lambda p: abs(float(p["current"]) - float(p["reference"])))
    return Gap(float(far["low"]), float(far["reference"]), float(far["current"]))


def _cumulated(kept: Rows) -> Rows:
    found: Rows = [{"low": kept[0]["low"], "reference": 0.0, "current": 0.0}]
    for row in kept:
        before = found[-1]
        sums = {k: min(1.0, float(before[k]) + float(row[k] or 0.0)) for k in ("reference", "current")}
        found.append({"low": row["high"], **sums})
    return found


def cumulative_sentence(table: Evidence) -> str:
    """Return what the cumulated distributions show, in one sentence."""
    gap = widest([dict(zip(table.columns, row, strict=True)) for row in table.rows])
    if gap is None:
        return "There are no bins to cumulate."
    now, then = words.number(gap.current, "share"), words.number(gap.reference, "share")
    where = words.number(gap.at)
    said = f"At or below {where} lie {now} of current values against {then} of the reference"
    return f"{said}: the widest gap on these bins, {words.number(gap.size, 'share')}."


def _x(kept: Rows, notes: Mapping[str, Cell]) -> Spec:
    axis = {"title": words.plain(notes.get("column") or "value", 40), "grid": False, "tickCount": 6}
    if like_years(r[end] for r in kept for end in ("low", "high")):
        axis |= {"format": "d", "tickMinStep": 1}
    axis |= {"format": "~s"} if wide(kept) else {}
    return {"field": "low", "type": "quantitative", "scale": {"zero": False, "nice": False}, "axis": axis}


def interval_svg(
    value: float | None,
    low: float | None,
    high: float | None,
    ends: tuple[float, float],
    rules: Sequence[float],
    color: str,
) -> str:
    """Return a value with its interval on a scale that it shares with others, with rules where limits or zero are."""
    left, right = padded(*ends)

    def x(v: float) -> str:
        return f"{3 + 174 * (min(max(v, left), right) - left) / ((right - left) or 1):.1f}"

    ink = getattr(LIGHT, color)
    parts = [f'<rect x="3" y="8" width="174" height="1" fill="{LIGHT.line}"/>']
    parts += [f'<path d="M{x(r)} 1V16" stroke="{LIGHT.muted}" stroke-width="1"/>' for r in rules]
    if value is not None and (low is not None or high is not None):
        a, b = x(left if low is None else low), x(right if high is None else high)
        parts.append(f'<path d="M{a} 8.5H{b}" stroke="{ink}" stroke-width="2.5"/>')
    if value is not None:
        parts.append(f'<circle cx="{x(value)}" cy="8.5" r="4" fill="{ink}"/>')
    body = f"<style>{dark_rules()}</style>" + "".join(parts)
    return f'<svg xmlns="http://www.w3.org/2000/svg" width="180" height="17" viewBox="0 0 180 17">{body}</svg>'

"""What drawings are put together from: colours, axes, marks and numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from workbench.core.finding import Cell
from workbench.report import words

Spec = dict[str, Any]
Rows = list[dict[str, Any]]
LABEL = 26
HUES = ("#0072B2", "#C47A00", "#00855F", "#B65A8C", "#2A8CC4", "#C65300")


@dataclass(frozen=True, slots=True)
class Palette:
    """The colours of one theme (LOOK, tokens)."""

    surface: str
    line: str
    ink: str
    muted: str
    accent: str
    reference: str
    passes: str
    warn: str
    fail: str
    unsure: str


LIGHT = Palette(
    "#ffffff", "#d0d7de", "#1b1f24", "#57606a", "#0b5cad", "#6b7785", "#116b4a", "#8a5a00", "#b3261e", "#5b4b9a"
)
DARK = Palette(
    "#14171c", "#39424e", "#e6e9ee", "#9aa4b2", "#6cb6ff", "#8c97a6", "#4cc38a", "#e3b341", "#ff8a80", "#b9a7ff"
)
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"


def side_text(field: str, offset: int, align: str, color: str, *, right: bool = False) -> Spec:
    """Return a column of texts left or right of a drawing."""
    place: Spec = {"value": "width"} if right else {"value": 0}
    mark = {"type": "text", "align": align, "dx": 12 if right else offset, "baseline": "middle", "color": color}
    return marked(mark, {"x": place, "text": {"field": field, "type": "nominal"}})


def square(rows: Rows, c: Palette, titles: Sequence[str], layers: Sequence[Spec], *, diagonal: bool = True) -> Spec:
    """Return a square drawing of two shares, with its diagonal."""
    faint = {
        "data": {"values": [{"a": 0, "b": 0}, {"a": 1, "b": 1}]},
        "mark": {"type": "line", "color": c.reference, "strokeDash": [3, 3], "strokeWidth": 1},
        "encoding": {"x": unit_axis("a", titles[0]), "y": unit_axis("b", titles[1])},
    }
    drawn = [faint, *layers] if diagonal else list(layers)
    return {"data": {"values": rows}, "width": 230, "height": 230, "layer": drawn}


def as_text(cell: Cell) -> Cell:
    """Return a cell, text from data made fit to be shown."""
    return words.plain(cell, LABEL) if isinstance(cell, str) else cell


def as_number(cell: object) -> float | None:
    """Return a cell as a number, or None."""
    return float(cell) if isinstance(cell, int | float) and not isinstance(cell, bool) else None


def as_whole(cell: object) -> int | None:
    """Return a cell as a whole number, or None."""
    value = as_number(cell)
    return None if value is None else int(value)


def padded(low: float, high: float) -> tuple[float, float]:
    """Return the ends of an axis with some room."""
    room = (high - low) * 0.06 or max(abs(high), 1.0) * 0.06
    return low - room, high + room


def wide(rows: Rows) -> bool:
    """Say whether numbers are so large that they are abbreviated."""
    return max(abs(float(r["high"])) for r in rows) >= 10_000


def marked(mark: Spec, encoding: Spec, **more: Any) -> Spec:
    """Return a layer: a mark and what it shows."""
    return {"mark": mark, "encoding": encoding, **more}


def axis_of(unit: str, title: str) -> Spec:
    """Return an axis for a unit."""
    number = "~%" if unit == "share" else "~g"
    return {"title": title, "format": number, "tickCount": 6, "titlePadding": 8, "labelOverlap": True}


def unit_axis(field: str, title: str) -> Spec:
    """Return an axis from 0 to 1."""
    axis = {"title": title, "tickCount": 5, "format": "~g", "titlePadding": 14}
    return {"field": field, "type": "quantitative", "scale": {"domain": [0, 1]}, "axis": axis}


def dark_rules() -> str:
    """Return the style that gives a drawing the dark theme's colours where the reader's system is dark."""
    pairs = [(getattr(LIGHT, k), getattr(DARK, k)) for k in Palette.__slots__]
    swaps = "".join(f'[{a}="{x}"]{{{a}:{y}}}' for x, y in pairs for a in ("fill", "stroke"))
    return f"@media screen and (prefers-color-scheme:dark){{{swaps}}}"

"""The page's section on what changed: columns in order, estimated against realised performance, windows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from workbench.report import changes, charts, marks, words
from workbench.report.captions import chart_sentence
from workbench.report.changes import Change, Series, WindowRow
from workbench.report.chart_parts import padded
from workbench.report.drift_charts import interval_svg
from workbench.report.pieces import Chart, Table, svg_uri
from workbench.report.shown import Shown, ShownEvidence, ShownMeasure

MOST_COLUMNS = 50
MOST_WINDOWS = 36
MOST_VALUES = 24
MOST_RULES = 8
MOST_CHARTS = 4
_COLORS = {"pass": "passes", "fail": "fail", "warn": "warn", "cannot_tell": "unsure"}


@dataclass(frozen=True, slots=True)
class ColumnRow:
    """One changed column as a line of the list: its drawing and the change."""

    change: Change
    drawing: str


@dataclass(frozen=True, slots=True)
class Changed:
    """What the section shows."""

    sentence: str
    ranked_by: str
    drawn: str
    columns: tuple[ColumnRow, ...]
    total: int
    charts: tuple[Chart, ...]
    windows: tuple[WindowRow, ...]
    windows_total: int
    most_values: int = MOST_VALUES
    most_rules: int = MOST_RULES

    @property
    def weight(self) -> int:
        """Return how many bytes its drawings take."""
        return sum(len(row.drawing) for row in self.columns) + sum(len(c.uri) for c in self.charts)

    @property
    def on_model(self) -> bool:
        """Say whether effects on the model are known."""
        return any(row.change.expected is not None for row in self.columns)


def changed(shown: Shown) -> Changed | None:
    """Return the section, or None where nothing was compared and nothing runs over windows."""
    every = changes.changes(shown)
    over_time = [w for w in changes.windows(shown) if not w.reference]
    if not every and not over_time:
        return None
    return Changed(
        sentence=changes.sentence(shown) if every else "",
        ranked_by=changes.ranked_by(shown),
        drawn=drawn_title(every),
        columns=tuple(ColumnRow(c, _drawing(c, every)) for c in every[:MOST_COLUMNS]),
        total=len(every),
        charts=tuple(c for one in changes.compared(shown)[:MOST_CHARTS] if (c := _compared(*one)) is not None),
        windows=tuple(over_time[:MOST_WINDOWS]),
        windows_total=len(over_time),
    )


def drawn_title(every: Sequence[Change]) -> str:
    """Return what the list's drawings show."""
    on_model = any(c.expected is not None for c in every)
    return "Expected shift of the mean outcome" if on_model else "How far it moved"


def scale(every: Sequence[Change]) -> tuple[float, float]:
    """Return the ends of the scale that all lines of the list share; zero is on it."""
    ends = [0.0]
    for c in every:
        m = c.drawn
        if m is not None and (m is c.expected) == any(x.expected is not None for x in every):
            ends += [float(v) for v in (m.measure.value, m.measure.low, m.measure.high) if v is not None]
            ends += [] if m is c.expected or (limit := limit_of(c)) is None else [limit]
    return padded(min(ends), max(ends))


def limit_of(c: Change) -> float | None:
    """Return the limit on the effect of a column, where a rule names one."""
    return None if c.judged is None else c.judged.judgement.limit


def on_scale(c: Change, every: Sequence[Change]) -> ShownMeasure | None:
    """Return the measure drawn in the column's line: none where the others show another one."""
    m = c.drawn
    if m is None or m.hidden or m.measure.value is None:
        return None
    return m if (m is c.expected) == any(x.expected is not None for x in every) else None


def _drawing(c: Change, every: Sequence[Change]) -> str:
    m = on_scale(c, every)
    if m is None:
        return ""
    rules = [0.0] if m is c.expected else [v for v in (limit_of(c),) if v is not None]
    about = m.measure
    color = "accent" if m is c.expected else _COLORS.get(c.judged.judgement.outcome if c.judged else "", "accent")
    value = None if about.value is None else float(about.value)
    return svg_uri(interval_svg(value, about.low, about.high, scale(every), rules, color))


def _compared(one: Series, realised: ShownEvidence, estimated: ShownEvidence) -> Chart | None:
    svg = charts.chart_svg(one.shown)
    if svg is None:
        return None
    sentence = chart_sentence(one.table)
    return Chart(
        svg_uri(svg), one.title, sentence, key=False, wide=False, table=_side_by_side(one, realised, estimated)
    )


def _side_by_side(one: Series, realised: ShownEvidence, estimated: ShownEvidence) -> Table:
    columns = ("window", "realised", "low", "high", "estimated", "low", "high", "n")
    places = [_places(realised), _places(estimated)]
    labels = list(dict.fromkeys((*places[0], *places[1])))
    rows = []
    for label in labels:
        cells = [Markup("<bdi>{}</bdi>").format(words.window_words(label))]
        for table, place in zip((realised, estimated), places, strict=True):
            cells += [_cell(table, place.get(label), name) for name in ("value", "low", "high")]
        rows.append((*cells, _cell(realised, places[0].get(label), "n")))
    return Table(one.title, columns, tuple(rows), (False, *[True] * 7), len(rows))


def _places(table: ShownEvidence) -> dict[str, int]:
    at = table.evidence.columns.index("window")
    return {str(row[at]): i for i, row in enumerate(table.evidence.rows)}


def _cell(table: ShownEvidence, row: int | None, name: str) -> Markup:
    if row is None or row in table.hidden:
        return Markup("")
    return marks.cell_mark(table, row, table.evidence.columns.index(name))

"""A monitor's page: open alerts, windows with their verdicts, each judged measure over the windows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from workbench.core.errors import thousands
from workbench.monitor.status import store_status, timeline
from workbench.monitor.store import Store
from workbench.report import words
from workbench.report.timeline import series_sentence, series_title, timeline_svg

MOST_SERIES = 12
_ORDER = ("fail", "warn", "error", "cannot_tell", "pass")


def timeline_html(folder: Path, name: str) -> str:
    """Return the page of the monitor in a folder as HTML; every value is escaped."""
    from jinja2 import Environment

    store = Store(folder, create=False)
    try:
        found = store_status(store)
    finally:
        store.close()
    every = sorted(timeline(folder), key=_rank)
    shown = [_shown(s) for s in every[:MOST_SERIES]]
    opened = [a for a in found["alerts"] if not a["resolved"]]
    closed = [a for a in found["alerts"] if a["resolved"]]
    page = (Path(__file__).parents[1] / "views" / "timeline.html").read_text("utf-8")
    template = Environment(autoescape=True).from_string(page)
    return template.render(
        name="" if name == "." else name,
        bundle="windows/" if name == "." else f"{name}/windows/",
        windows=found["windows"],
        opened=opened,
        closed=closed,
        waiting=found["waiting"],
        series=shown,
        total=len(every),
        shape=words.shape,
        operator=words.operator_words,
        short=words.short_digest,
        thousands=thousands,
    )


def _rank(series: dict[str, Any]) -> tuple[int, int, str]:
    outcomes = [p["outcome"] for p in series["points"]]
    worst = min((_ORDER.index(o) for o in outcomes if o in _ORDER), default=len(_ORDER))
    return worst, -sum(o in ("fail", "warn") for o in outcomes), series_title(series)


def _shown(series: dict[str, Any]) -> dict[str, Any]:
    import base64

    svg = timeline_svg(series)
    data = None if svg is None else "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()
    broken = any(p["outcome"] in ("fail", "warn") for p in series["points"])
    return {**series, "broken": broken, "title": series_title(series), "sentence": series_sentence(series), "svg": data}

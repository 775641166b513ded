"""What the model rests on, as plain data for the view: importance, effects of features, Shapley values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from workbench.audit.record import Record
from workbench.core.finding import Evidence, Finding, Measure, Status
from workbench.report import charts, words
from workbench.report.captions import chart_sentence
from workbench.report.html import evidence_title
from workbench.report.marks import cell_text
from workbench.report.pieces import svg_uri
from workbench.report.shown import ShownEvidence, ShownFinding, show
from workbench.ui.drift_payload import ticks

MOST_FEATURES = 40
REQUESTS = (
    "explain.permutation_importance", "explain.attribution_drift", "explain.partial_dependence", "explain.shap",
)  # fmt: skip
_RANKINGS = {"explain.permutation_importance": "importance", "explain.shap": "mean_absolute_shap"}


def page(record: Record) -> dict[str, Any]:
    """Return a ranking for each check that made one, the effects of features, and what could not be measured."""
    shown = show(record)
    by_check = {f.finding.check: f for f in shown.findings if f.finding.check in REQUESTS}
    there = [f for f in by_check.values() if f.finding.status is Status.MEASURED]
    rankings = [
        _ranking(by_check[check].finding, name, _then(by_check) if name == "importance" else {})
        for check, name in _RANKINGS.items()
        if check in by_check and by_check[check] in there
    ]
    return {
        "rankings": rankings,
        "effects": _effects(by_check.get("explain.partial_dependence"), rankings, shown.suppressed_text),
        "unmeasured": [
            {"check": f.finding.check, "why": words.plain(f.finding.reason, 300)}
            for f in by_check.values()
            if f not in there
        ],
        "requests": [check for check in REQUESTS if check not in by_check],
    }


# ---------------------------------------------------------------------------- rankings


def _then(by_check: dict[str, ShownFinding]) -> dict[str, tuple[float | None, Measure]]:
    """Return, by feature, the importance on the reference and the change since with its interval."""
    found = by_check.get("explain.attribution_drift")
    if found is None or found.finding.status is not Status.MEASURED:
        return {}
    changes = {m.column: m for m in found.finding.measures if m.name == "importance_change"}
    before = {}
    for evidence in found.finding.evidence:
        at = [evidence.columns.index(name) for name in ("feature", "on the reference")]
        before = {str(row[at[0]]): row[at[1]] for row in evidence.rows}
    return {c: (float(v) if isinstance(v := before.get(c), int | float) else None, m) for c, m in changes.items()}


def _ranking(finding: Finding, name: str, then: dict[str, tuple[float | None, Measure]]) -> dict[str, Any]:
    every = [m for m in finding.measures if m.name == name]
    every.sort(key=lambda m: (-(m.value if m.value is not None else float("-inf")), m.column))
    told = every[:MOST_FEATURES]
    rows = [_row(m, *then.get(m.column, (None, None))) for m in told]
    low, high = _ends(rows)
    title = words.plain(finding.evidence[0].title, 160) if finding.evidence else words.measure_title(name)
    return {
        "check": finding.check,
        "title": title,
        "rows": rows,
        "showing": f"showing {len(told)} of {len(every)} features" if len(told) < len(every) else "",
        "compared": any(r["was"] is not None for r in rows),
        "scale": {"low": low, "high": high, "ticks": ticks(low, high, "", 4)},
        "sentence": _sentence(told, name),
        "notes": [words.plain(note, 300) for note in finding.notes],
        "method": next((words.plain(m.method, 80) for m in told if m.method), ""),
    }


def _row(m: Measure, was: float | None, change: Measure | None) -> dict[str, Any]:
    undefined = words.plain(m.undefined_because, 120)
    return {
        "column": m.column,
        "name": words.plain(m.column, 60),
        "value": m.value,
        "low": m.low,
        "high": m.high,
        "shown": undefined if m.value is None else words.value_words(m, m.unit, m.name),
        "n_shown": words.number(m.n),
        "was": was,
        "was_shown": "" if was is None else words.number(was),
        "change": "" if change is None or change.value is None else words.value_words(change, change.unit, change.name),
    }


def _ends(rows: Sequence[dict[str, Any]]) -> tuple[float, float]:
    known = [float(v) for r in rows for v in (r["value"], r["low"], r["high"], r["was"]) if v is not None]
    low, high = min([0.0, *known]), max([0.0, *known])
    return (low, high) if low < high else (low, low + 1.0)


def _sentence(told: Sequence[Measure], name: str) -> str:
    above = [m for m in told if m.low is not None and m.low > 0]
    if not told or told[0].value is None:
        return "No feature's part could be measured."
    what = "Shuffling" if name == "importance" else "On average"
    first = words.plain(told[0].column, 60)
    lead = f"{what} {first} moves the answer most" if name != "importance" else f"Shuffling {first} costs most"
    rest = f"for {len(above)} of {len(told)} features the whole interval is above 0."
    return f"{lead} ({words.value_words(told[0], told[0].unit, told[0].name)}); {rest}"


# ---------------------------------------------------------------------------- effects


def _effects(found: ShownFinding | None, rankings: Sequence[dict[str, Any]], suppressed: str) -> dict[str, Any] | None:
    """Return a drawing for each feature, those that matter most first."""
    if found is None or found.finding.status is not Status.MEASURED:
        return None
    ranges = {m.column: m for m in found.finding.measures if m.name == "effect_range"}
    order = [r["column"] for r in rankings[0]["rows"]] if rankings else []
    drawn = [c for table in found.evidence if (c := _effect(table, ranges, suppressed)) is not None]
    drawn.sort(key=lambda c: order.index(c["feature"]) if c["feature"] in order else len(order))
    return {"charts": drawn, "notes": [words.plain(note, 300) for note in found.finding.notes]}


def _effect(table: ShownEvidence, ranges: dict[str, Measure], suppressed: str) -> dict[str, Any] | None:
    svg = charts.chart_svg(table, suppressed)
    if svg is None:
        return None
    feature = table.evidence.name.removeprefix("effect of ")
    m = ranges.get(feature)
    return {
        "feature": feature,
        "name": words.plain(feature, 60),
        "title": evidence_title(table),
        "sentence": chart_sentence(table.drawing),
        "uri": svg_uri(svg),
        "range": "" if m is None or m.value is None else words.number(m.value),
        "table": _table(table.evidence),
    }


def _table(evidence: Evidence) -> dict[str, Any]:
    kept = [i for i, name in enumerate(evidence.columns) if name not in ("rows", "series", "value of the feature")]
    rows = [[cell_text(evidence, at, i) for i in kept] for at in range(len(evidence.rows))]
    return {"columns": [evidence.columns[i] for i in kept], "rows": rows}

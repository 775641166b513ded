"""Performance as plain data for the view: curves, what a threshold does and costs, and the weak segments."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from workbench.audit.record import Record
from workbench.audit.tradeoffs import Point, Tradeoffs, costs_of
from workbench.core.costs import Costs
from workbench.core.finding import Measure, Status
from workbench.core.rates import COUNTS, RATES, rate_measure, with_interval
from workbench.report import words
from workbench.ui.drift_payload import ticks
from workbench.ui.drilling import NOTHING, Drilling

MOST_SEGMENTS = 50
_RATES = (
    "accuracy", "precision", "true_positive_rate", "true_negative_rate", "false_positive_rate", "false_negative_rate",
    "negative_predictive_value", "selection_rate",
)  # fmt: skip
_OPTIMISTIC = "chosen and judged on the same rows: optimistic"


def page(record: Record, tradeoffs: Tradeoffs, drilling: Drilling = NOTHING) -> dict[str, Any]:
    """Return what does not move with the slider: the two curves, the thresholds and the weak segments."""
    known = tradeoffs.known
    return {
        "why": "" if known else _why(record),
        "grid": [{"at": t, "shown": words.number(t)} for t in tradeoffs.thresholds] if known else [],
        "audited": tradeoffs.audited,
        "curves": [_roc(record, tradeoffs), _precision_recall(record, tradeoffs)] if known else [],
        "weak": weak_segments(record, drilling),
    }


def _why(record: Record) -> str:
    found = next((f for f in record.findings if f.check == "performance.classification"), None)
    if found is None:
        return "The check of classification performance is not in this record."
    if found.status is not Status.MEASURED:
        return f"Classification performance was not measured: {words.plain(found.reason, 300)}."
    return "There is no score, so there is one threshold only: the predictions are what they are."


# ---------------------------------------------------------------------------- curves


def _roc(record: Record, tradeoffs: Tradeoffs) -> dict[str, Any]:
    said = _summary(record, "roc_auc", "Area under the curve")
    names = ("False positive rate", "True positive rate")
    sentence = f"ROC curve: the true positive rate against the false positive rate at each threshold. {said}"
    return _curve("roc", "ROC curve", names, tradeoffs.roc(), sentence, [[0.0, 0.0], [1.0, 1.0]])


def _precision_recall(record: Record, tradeoffs: Tradeoffs) -> dict[str, Any]:
    prevalence = rate_measure("prevalence", tradeoffs.counts(tradeoffs.at(None)), tradeoffs.level).value
    said = _summary(record, "average_precision", "Average precision")
    chance = f" By chance the precision would be {words.number(prevalence, 'share')}." if prevalence is not None else ""
    sentence = f"Precision and recall at each threshold. {said}{chance}"
    faint = [] if prevalence is None else [[0.0, prevalence], [1.0, prevalence]]
    names = ("Recall (true positive rate)", "Precision")
    return _curve("pr", "Precision and recall", names, tradeoffs.precision_recall(), sentence, faint)


def _summary(record: Record, name: str, title: str) -> str:
    found = next((m for f, m in record.measures() if f.check == "performance.classification" and m.name == name), None)
    if found is None or found.window or found.value is None:
        return ""
    return f"{title} {words.value_words(found, found.unit, found.name)}, n {words.number(found.n)}."


def _curve(
    key: str, title: str, names: tuple[str, str], points: Sequence[Point], sentence: str, faint: list[list[float]]
) -> dict[str, Any]:
    drawn = [p for p in points if p.x is not None and p.y is not None]
    return {
        "key": key,
        "title": title,
        "x": names[0],
        "y": names[1],
        "sentence": sentence,
        "faint": faint,
        "points": [[p.x, p.y, p.low, p.high] for p in drawn],
        "table": {
            "columns": ["Threshold", names[0], f"{names[1]} [interval]"],
            "rows": [_curve_row(p) for p in drawn if p.threshold is not None],
        },
    }


def _curve_row(p: Point) -> list[str]:
    y = Measure("", p.y, low=p.low, high=p.high)
    return [words.number(p.threshold), words.number(p.x, "share"), words.value_words(y, "share")]


# ---------------------------------------------------------------------------- at a threshold, and what it costs


def costs(tradeoffs: Tradeoffs, question: Mapping[str, Any]) -> dict[str, Any]:
    """Return counts, rates and cost at a threshold beside those at the audit's, and the cost at every threshold.

    The question holds `at` (a threshold) and the costs `fp`, `fn` and gains `tp`, `tn` of one decision.
    """
    if not tradeoffs.known:
        return {"empty": True}
    at = question.get("at")
    there, here = tradeoffs.at(float(at) if isinstance(at, int | float) else None), tradeoffs.at(None)
    given = costs_of(dict(question))
    return {
        "threshold": there,
        "threshold_shown": words.number(there),
        "audited": there == here,
        "counts": _counts(tradeoffs, here, there),
        "rates": _rates(tradeoffs, here, there),
        "dots": {"roc": _dot(tradeoffs.roc_at(there)), "pr": _dot(tradeoffs.precision_recall_at(there))},
        "audit_dots": {"roc": _dot(tradeoffs.roc_at(here)), "pr": _dot(tradeoffs.precision_recall_at(here))},
        "problem": given if isinstance(given, str) else "",
        "cost": None if isinstance(given, str) else _cost(tradeoffs, given, here, there),
    }


def _dot(p: Point) -> dict[str, Any]:
    shown = "undefined" if p.x is None or p.y is None else f"{words.number(p.x, 'share')}, {words.number(p.y, 'share')}"
    return {"x": p.x, "y": p.y, "shown": shown}


def _counts(tradeoffs: Tradeoffs, here: float, there: float) -> list[dict[str, str]]:
    before, after = tradeoffs.counts(here), tradeoffs.counts(there)
    titles = {
        "true_positives": "positive, predicted positive",
        "false_positives": "negative, predicted positive",
        "false_negatives": "positive, predicted negative",
        "true_negatives": "negative, predicted negative",
    }
    return [
        {
            "title": words.measure_title(name),
            "says": titles[name],
            "before": words.number(count(before)),
            "after": words.number(count(after)),
            "change": _signed(count(after) - count(before)),
        }
        for name, count in COUNTS.items()
    ]


def _signed(change: int) -> str:
    return "0" if not change else f"+{words.number(change)}" if change > 0 else words.number(change)


def _rates(tradeoffs: Tradeoffs, here: float, there: float) -> list[dict[str, Any]]:
    found = []
    for name in (r for r in _RATES if r in RATES):
        before, after = (rate_measure(name, tradeoffs.counts(t), tradeoffs.level) for t in (here, there))
        found.append({"title": words.measure_title(name), "before": _measure(before), "after": _measure(after)})
    return found


def _measure(m: Measure) -> dict[str, Any]:
    shown = words.value_words(m, m.unit, m.name) if m.value is not None else "undefined"
    why = words.plain(m.undefined_because, 120) if m.undefined_because else ""
    return {"value": m.value, "low": m.low, "high": m.high, "shown": shown, "why": why, "n_shown": words.number(m.n)}


def _cost(tradeoffs: Tradeoffs, given: Costs, here: float, there: float) -> dict[str, Any]:
    best = tradeoffs.cheapest(given)
    places = {"before": here, "after": there, "cheapest": best}
    told = {
        name: {"threshold": t, "threshold_shown": words.number(t), **_measure(tradeoffs.cost(t, given))}
        for name, t in places.items()
    }
    saving, corrected = tradeoffs.saving(there, given), tradeoffs.corrected(given)
    honest = with_interval(Measure("saving", corrected.saving, n=saving.n), corrected.saving_interval)
    points = tradeoffs.curve(given)
    low, high = _ends(points)
    return {
        **told,
        "saving": _measure(saving),
        "cheapest_saving": {**_measure(tradeoffs.saving(best, given)), "says": _OPTIMISTIC},
        "corrected_saving": {
            **_measure(honest),
            "says": "each tenth of the rows judged by a threshold chosen on the others",
        },
        "calibrated": words.number(given.calibrated_threshold),
        "curve": {
            "points": [[p.x, p.y, p.low, p.high] for p in points],
            "low": low,
            "high": high,
            "ticks": ticks(low, high, "", 4),
            "x_low": tradeoffs.thresholds[0],
            "x_high": tradeoffs.thresholds[-1],
            "x_ticks": ticks(tradeoffs.thresholds[0], tradeoffs.thresholds[-1], "", 5),
            "table": {
                "columns": ["Threshold", "Cost per row [interval]"],
                "rows": [[words.number(p.threshold), words.value_words(_of(p))] for p in points],
            },
        },
        "sentence": _cost_sentence(told, saving),
        "method": "Cost per row = (cost of a false positive × their number + cost of a false negative × theirs − gains)"
        f" / rows with truth and score (n {words.number(saving.n)}). Intervals: multinomial bootstrap; of the curve: t,"
        " each threshold for itself.",
    }


def _of(p: Point) -> Measure:
    return Measure("", p.y, low=p.low, high=p.high)


def _ends(points: Sequence[Point]) -> tuple[float, float]:
    known = [v for p in points for v in (p.y, p.low, p.high) if v is not None and math.isfinite(v)]
    low, high = min([0.0, *known]), max([0.0, *known])
    return (low, high) if low < high else (low, low + 1.0)


def _cost_sentence(told: Mapping[str, Mapping[str, Any]], saving: Measure) -> str:
    before, after, best = told["before"], told["after"], told["cheapest"]
    moved = ""
    if after["threshold"] != before["threshold"]:
        moved = f" At {after['threshold_shown']} it is {after['shown']}: {_saved(saving)}."
    return (
        f"Expected cost per row at the audit's threshold {before['threshold_shown']}: {before['shown']}.{moved}"
        f" It is least at {best['threshold_shown']}: {best['shown']} ({_OPTIMISTIC})."
    )


def _saved(saving: Measure) -> str:
    if saving.low is not None and saving.low > 0:
        return "less"
    if saving.high is not None and saving.high < 0:
        return "more"
    return "no difference shown"


# ---------------------------------------------------------------------------- weak segments


def weak_segments(record: Record, drilling: Drilling = NOTHING) -> dict[str, Any]:
    """Return the segments with the largest errors against the rest, the largest first; none under the minimum size."""
    finding = next((f for f in record.findings if f.check == "performance.weak_segments"), None)
    if finding is None or finding.status is not Status.MEASURED or not finding.evidence:
        why = "it is not in this record" if finding is None else words.plain(finding.reason or "it found none", 300)
        return {"why": f"No weak segment is shown: {why}.", "rows": [], "title": "", "total": 0}
    table = finding.evidence[0]
    loss = table.columns[table.columns.index("n") + 1]
    unit = next((m.unit for m in finding.measures if m.name == loss), "")
    names = {loss: "own", "difference": "value", "adjusted p": "p", "second half": "told"}
    rows: list[dict[str, Any]] = [
        {names.get(n, n): cell for n, cell in zip(table.columns, row, strict=True)} for row in table.rows
    ]
    for row, narrow in zip(rows, drilling.rows(finding, table, range(len(rows))), strict=False):
        row["narrow"] = narrow
    kept = [r for r in rows if isinstance(r["n"], int) and r["n"] >= record.minimum_group_size]
    kept.sort(key=lambda r: -float(r["value"] or 0))
    whole = next((m for m in finding.measures if m.name == loss and not m.where), None)
    return {
        "why": "" if kept else "No segment was found in which errors are larger than in the rest.",
        "loss": words.measure_title(loss),
        "whole": "" if whole is None else f"all rows {words.value_words(whole, unit, loss)}",
        "rows": [_segment(r, unit, loss) for r in kept[:MOST_SEGMENTS]],
        "total": len(kept),
        "scale": _segment_scale(kept),
        "notes": [words.plain(note, 300) for note in finding.notes],
        "sentence": _weak_sentence(kept, unit, loss),
    }


def _segment(r: Mapping[str, Any], unit: str, loss: str) -> dict[str, Any]:
    gap = Measure(f"{loss}_against_rest", r["value"], low=r["low"], high=r["high"])
    confirmed = r["told"] == "confirmed"
    return {
        "segment": r["segment"],
        "narrow": r.get("narrow"),
        "name": words.plain(r["segment"], 120),
        "n_shown": words.number(r["n"]),
        "own": words.number(r["own"], unit),
        "value": r["value"],
        "low": r["low"],
        "high": r["high"],
        "shown": words.value_words(gap, unit, gap.name),
        "p": words.p_value(r["p"]),
        "word": words.plain(r["told"], 40),
        "shape": words.shape("fail" if confirmed else "cannot_tell"),
        "outcome": "fail" if confirmed else "cannot_tell",
    }


def _segment_scale(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    known = [float(v) for r in rows for v in (r["value"], r["low"], r["high"]) if v is not None]
    low, high = min([0.0, *known]), max([0.0, *known])
    return {"low": low, "high": high if high > low else low + 1.0}


def _weak_sentence(rows: Sequence[Mapping[str, Any]], unit: str, loss: str) -> str:
    if not rows:
        return ""
    first = rows[0]
    confirmed = sum(r["told"] == "confirmed" for r in rows)
    return (
        f"{confirmed} of {len(rows)} segments are confirmed on rows that did not find them. The largest difference:"
        f" {words.plain(first['segment'], 80)}, {words.measure_title(loss).lower()} {words.number(first['own'], unit)}."
    )

"""Charts in words, for those who do not see them."""

from __future__ import annotations

from collections.abc import Callable

from workbench.core.finding import Cell, Evidence
from workbench.report import words
from workbench.report.years import like_years, year

_NOTHING = 0.001  # shares that differ by less read as the same


def chart_sentence(evidence: Evidence) -> str:
    """Return what the chart of a table shows, in one sentence."""
    sentence = _SENTENCES.get(evidence.kind)
    return sentence(evidence) if sentence else f"A table of {len(evidence.rows)} rows."


def _number(cell: object) -> float | None:
    return float(cell) if isinstance(cell, int | float) and not isinstance(cell, bool) else None


def _column(evidence: Evidence, name: str) -> list[Cell]:
    at = evidence.columns.index(name)
    return [row[at] for row in evidence.rows]


def _forest_sentence(e: Evidence) -> str:
    unit = str(e.notes.get("unit") or "")
    pairs = zip(_column(e, "value"), _column(e, "label"), strict=True)
    known = sorted((v, words.plain(label, 40)) for value, label in pairs if (v := _number(value)) is not None)
    title = words.measure_title(str(e.notes.get("measure") or "value"))
    if not known:
        return f"{title}: no group can be shown."
    (low, first), (high, last) = known[0], known[-1]
    unseen = len(e.rows) - len(known)
    rest = f"; {unseen} of {len(e.rows)} groups not shown" if unseen else ""
    return f"{title} from {words.number(low, unit)} for {first} to {words.number(high, unit)} for {last}{rest}."


def _shares_sentence(e: Evidence) -> str:
    gaps = []
    for at, (a, b) in enumerate(zip(_column(e, "current"), _column(e, "reference"), strict=True)):
        if (x := _number(a)) is not None and (y := _number(b)) is not None:
            gaps.append((abs(x - y), at, x, y))
    if not gaps:
        return _alone(e)
    largest, at, x, y = max(gaps)
    if largest < _NOTHING:
        return "No share differs from the reference's by more than 0.1 points."
    now, before = words.number(x, "share"), words.number(y, "share")
    return f"Largest change: {_named(e, at)}, {now} of current rows against {before} of the reference."


def _alone(e: Evidence) -> str:
    """Say what stands out where no reference is."""
    known = [(v, -at) for at, cell in enumerate(_column(e, "current")) if (v := _number(cell)) is not None]
    if not known or max(known)[0] == 0:
        return "No value is missing." if e.kind == "missing" else "Nothing can be shown."
    share, at = max(known)
    what = "Most missing" if e.kind == "missing" else "Largest share"
    why = e.notes.get("not_compared")
    tail = f" Not compared: {words.plain(why, 100)}." if why else ""
    return f"{what}: {_named(e, -at)}, {words.number(share, 'share')} of rows.{tail}"


def _named(e: Evidence, at: int) -> str:
    name = next((c for c in ("category", "column") if c in e.columns), None)
    return words.plain(_column(e, name)[at], 40) if name else _bin_words(e, at)


def _bin_words(e: Evidence, at: int) -> str:
    ends = [_number(v) for k in ("low", "high") for v in _column(e, k)]
    said: Callable[[float | None], str] = year if like_years(ends) else words.number
    low, high = (_number(_column(e, k)[at]) for k in ("low", "high"))
    if low is not None and high is not None and low % 1 == high % 1 == 0.5:  # bins of whole numbers
        low, high = int(low + 0.5), int(high - 0.5)
        if low == high:
            return said(low)
    return f"from {said(low)} to {said(high)}"


def _reliability_sentence(e: Evidence) -> str:
    rows = zip(_column(e, "mean_score"), _column(e, "low"), _column(e, "high"), strict=True)
    known = [(_number(s), _number(a), _number(b)) for s, a, b in rows]
    off = sum(1 for s, a, b in known if s is not None and a is not None and b is not None and not a <= s <= b)
    return f"In {off} of {len(e.rows)} bins the interval of the observed rate misses the predicted probability."


def _curve_sentence(e: Evidence) -> str:
    x, y = (words.plain(e.notes.get(k) or k, 40) for k in ("x", "y"))
    band = f"; the band: {words.plain(e.notes['band'], 120)}" if e.notes.get("band") else ""
    return f"{y[:1].upper()}{y[1:]} against {x}, {len(e.rows)} points{band}."


def _lines_sentence(e: Evidence) -> str:
    x, y = (words.plain(e.notes.get(k) or k, 60) for k in ("x", "y"))
    known = [v for cell in _column(e, "y") if (v := _number(cell)) is not None]
    names = list(dict.fromkeys(str(cell) for cell in _column(e, "series")))
    if not known:
        return f"{y[:1].upper()}{y[1:]} against {x}: nothing can be shown."
    unit = str(e.notes.get("unit") or "")
    ends = f"from {words.number(min(known), unit)} to {words.number(max(known), unit)}"
    series = f", for {', '.join(words.plain(n, 30) for n in names[:6])}" if len(names) > 1 else ""
    return f"{y[:1].upper()}{y[1:]} against {x}: {ends}{series}."


def _confusion_sentence(e: Evidence) -> str:
    rows = [dict(zip(e.columns, row, strict=True)) for row in e.rows]
    wrong = [r for r in rows if r["truth"] != r["prediction"] and _number(r["n"])]
    total = sum(_number(r["n"]) or 0 for r in rows)
    hits = sum(_number(r["n"]) or 0 for r in rows if r["truth"] == r["prediction"])
    if not wrong:
        return f"All {words.number(int(total))} rows are on the diagonal."
    worst = max(wrong, key=lambda r: _number(r["n"]) or 0)
    pair = f"{words.plain(worst['truth'], 30)} taken for {words.plain(worst['prediction'], 30)}"
    often, right = words.number(worst["n"]), f"{words.number(int(hits))} of {words.number(int(total))} rows are right"
    return f"{right}; most often wrong: {pair}, {often} rows."


def _windows_sentence(e: Evidence) -> str:
    rows = [dict(zip(e.columns, row, strict=True)) for row in e.rows]
    both = e.notes.get("both")
    current = [
        r for r in rows if r["series"] not in ("reference", both and "estimated") and _number(r["value"]) is not None
    ]
    unit, title = str(e.notes.get("unit") or ""), words.measure_title(str(e.notes.get("measure") or "value"))
    if not current:
        return f"{title}: no window has a value."
    bad = [r for r in rows if r.get("outcome") in ("fail", "warn")]
    ends = sorted(_number(r["value"]) or 0.0 for r in current)
    what = "realised " if both else ""
    said = f"{title} in {_count(len(current))}: {what}{_span(ends, unit)}"
    said += _estimated_words(rows, unit) if e.notes.get("both") else ""
    if not bad:
        return f"{said}."
    return f"{said}; {len(bad)} beyond the limit, first {words.window_words(str(bad[0]['window']))}."


def _count(windows: int) -> str:
    return f"{windows} window{'' if windows == 1 else 's'}"


def _span(ends: list[float], unit: str) -> str:
    """Return the least and the most of some values, or the one value there is."""
    least, most = words.number(ends[0], unit), words.number(ends[-1], unit)
    return least if len(ends) == 1 else f"from {least} to {most}"


def _estimated_words(rows: list[dict[str, Cell]], unit: str) -> str:
    """Return where the estimate lies, and in how many windows its interval holds what was measured."""
    made = {r["window"]: r for r in rows if r["series"] == "estimated" and _number(r["value"]) is not None}
    known = {r["window"]: v for r in rows if r["series"] == "current" and (v := _number(r["value"])) is not None}
    ends = sorted(_number(r["value"]) or 0.0 for r in made.values())
    if not ends:
        return ""
    said = f"; estimated {_span(ends, unit)}"
    both = [(known[w], _number(r["low"]), _number(r["high"])) for w, r in made.items() if w in known]
    held = sum(1 for v, low, high in both if low is not None and high is not None and low <= v <= high)
    return said + (f", its interval holds the realised value in {held} of {_count(len(both))}" if both else "")


def _profile_sentence(e: Evidence) -> str:
    gaps = [(v, at) for at, cell in enumerate(_column(e, "missing")) if (v := _number(cell))]
    changed = sum(", was " in str(use) for use in _column(e, "used as"))
    parts = [f"{words.number(len(e.rows))} columns"]
    if gaps:
        share, at = max(gaps, key=lambda gap: gap[0])
        name = words.plain(_column(e, "column")[at], 40)
        parts.append(f"most missing: {name}, {words.number(share, 'share')}")
    if changed:
        parts.append(f"{changed} of another type than in the reference")
    return f"{'; '.join(parts)}."


def _missing_sets_sentence(e: Evidence) -> str:
    rows = [dict(zip(e.columns, row, strict=True)) for row in e.rows]
    whole = next((r["current"] for r in rows if r["set"] == "no cell"), None)
    first = [words.plain(r["column"], 30) for r in rows if r["set"] == "set 1"]
    head = f"{words.number(_number(whole), 'share')} of rows miss nothing"
    if not first:
        return f"{head}."
    share = next(r["current"] for r in rows if r["set"] == "set 1")
    return (
        f"{head}; most often missing together: {', '.join(first[:6])}, {words.number(_number(share), 'share')} of rows."
    )


def _associations_sentence(e: Evidence) -> str:
    if not e.rows:
        return "No association is defined."
    one, two, name, value = (_column(e, k)[0] for k in ("one", "two", "measure", "value"))
    pair = f"{words.plain(one, 30)} and {words.plain(two, 30)}"
    return (
        f"The strongest: {pair}, {words.measure_title(str(name))} {words.number(_number(value))}. Two numbers are "
        "compared by rank correlation, a number and a category by the correlation ratio, two categories by Cramér's V; "
        "whole numbers of few values count as categories here."
    )


_SENTENCES: dict[str, Callable[[Evidence], str]] = {
    "forest": _forest_sentence,
    "distribution": _shares_sentence,
    "categories": _shares_sentence,
    "missing": _shares_sentence,
    "reliability": _reliability_sentence,
    "curve": _curve_sentence,
    "lines": _lines_sentence,
    "confusion": _confusion_sentence,
    "windows": _windows_sentence,
    "profile": _profile_sentence,
    "missing_sets": _missing_sets_sentence,
    "associations": _associations_sentence,
}

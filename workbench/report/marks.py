"""Printed numbers that name their place in the record, so that a verifier can compare each of them.

`<data value=RECORDED data-i=MEASURE data-f=FIELD>` is a number of a measure, `data-j` of a judgement, `data-e` a cell
of a table (finding.evidence.row.column), `data-v` a fact of the verdict.
"""

from __future__ import annotations

from collections.abc import Mapping

from markupsafe import Markup

from workbench.audit.record import Record
from workbench.core.finding import Cell, Evidence
from workbench.report import words
from workbench.report.shown import ShownEvidence, ShownJudgement, ShownMeasure
from workbench.report.years import like_years, year

MEASURE, JUDGEMENT, EVIDENCE, VERDICT = "data-i", "data-j", "data-e", "data-v"
_ENDS = ("low", "high")
_SHARES = {
    "distribution": {"reference", "current"},
    "categories": {"reference", "current"},
    "missing": {"reference", "current"},
    "missing_sets": {"reference", "current"},
    "patterns": {"reference", "current"},
    "profile": {"missing", "missing in reference"},
    "contract": {"share"},
}


def measure_mark(shown: ShownMeasure, field: str) -> Markup:
    """Return one field of a measure, marked with its index."""
    m = shown.measure
    text = words.field_text(m, field, m.unit, m.name)
    return _mark(getattr(m, field), text, **{MEASURE: shown.index, "data-f": field})


def judgement_mark(shown: ShownJudgement, field: str) -> Markup:
    """Return one field of a judgement, marked with its index."""
    j = shown.judgement
    return _mark(getattr(j, field), judgement_text(shown, field), **{JUDGEMENT: shown.index, "data-f": field})


def judgement_text(shown: ShownJudgement, field: str) -> str:
    """Return how one field of a judgement is printed."""
    j, value = shown.judgement, getattr(shown.judgement, field)
    if field == "minimum_detectable":
        return words.number(value, shown.unit)
    if field == "limit":
        return words.NOTHING if value is None else words.limit_number(value, shown.unit)
    return words.field_text(j, field, shown.unit, j.measure)


def interval_mark(shown: ShownMeasure | ShownJudgement) -> Markup:
    """Return "[low, high]" with both ends marked, an open end as an infinity; empty when there is no interval."""
    about = shown.measure if isinstance(shown, ShownMeasure) else shown.judgement
    if about.value is None or (about.low is None and about.high is None):
        return Markup("")
    low = Markup("{}∞").format(words.MINUS) if about.low is None else _field(shown, "low")
    high = Markup("∞") if about.high is None else _field(shown, "high")
    return Markup("[{},&nbsp;{}]").format(low, high)


def cell_mark(shown: ShownEvidence, row: int, column: int) -> Markup:
    """Return one cell of a table; numbers are marked with their place, text is escaped."""
    value = shown.evidence.rows[row][column]
    if value is None or isinstance(value, str | bool):
        return Markup("<bdi>{}</bdi>").format(cell_text(shown.evidence, row, column))
    place = ".".join(str(i) for i in (*shown.place, row, column))
    return _mark(value, cell_text(shown.evidence, row, column), **{EVIDENCE: place})


def _ends_of(evidence: Evidence) -> list[object]:
    return [row[evidence.columns.index(end)] for end in _ENDS if end in evidence.columns for row in evidence.rows]


def cell_text(evidence: Evidence, row: int, column: int) -> str:
    """Return how one cell of a table is printed."""
    name, value = evidence.columns[column], evidence.rows[row][column]
    if isinstance(value, str):
        if name == "group":
            return words.group_words(value) or "all rows"
        if name == "window":
            return words.window_words(value, bare=evidence.kind == "windows")
        if evidence.kind == "contract" and (name == "outcome" or not value):
            return f"{words.shape(value)} {words.outcome_word(value)}" if value else ""
        return words.plain(value, 120)
    if value is None or isinstance(value, bool):
        return words.number(value)
    if evidence.kind == "distribution" and name in _ENDS and like_years(_ends_of(evidence)):
        return year(value)
    if evidence.kind == "forest" and name in ("value", "low", "high"):
        return words.number(float(value), str(evidence.notes.get("unit") or ""))
    return words.number(value, "share" if name in _SHARES.get(evidence.kind, ()) else "")


def verdict_mark(record: Record, fact: str) -> Markup:
    """Return a fact of the verdict (outcome, digest, or a count of rules), marked."""
    value = verdict_facts(record)[fact]
    return _mark(value, verdict_text(record, fact), **{VERDICT: fact})


def verdict_text(record: Record, fact: str) -> str:
    """Return how a fact of the verdict is printed."""
    value = verdict_facts(record)[fact]
    if fact == "outcome":
        return words.outcome_word(str(value)).upper()
    if fact == "short":
        return words.short_digest(record.digest)
    return str(value) if isinstance(value, str) else words.number(value)


def verdict_facts(record: Record) -> dict[str, Cell]:
    """Return what is printed of the verdict: outcome, digest in full and short, and the counts of rules."""
    facts: dict[str, Cell] = {"outcome": record.verdict.outcome, "digest": record.digest, "short": record.digest}
    return {**facts, **words.rule_counts(record)}


def _field(shown: ShownMeasure | ShownJudgement, field: str) -> Markup:
    return measure_mark(shown, field) if isinstance(shown, ShownMeasure) else judgement_mark(shown, field)


def _mark(value: Cell, text: str, **attributes: object) -> Markup:
    if value is None:
        return Markup("{}").format(text)
    recorded = value if isinstance(value, str) else repr(value)
    return Markup("<data {}>{}</data>").format(_attributes({"value": recorded, **attributes}), text)


def _attributes(pairs: Mapping[str, object]) -> Markup:
    return Markup(" ").join(Markup('{}="{}"').format(k, v) for k, v in pairs.items())

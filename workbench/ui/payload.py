"""A record as plain data for the views: words, numbers already shown, drawings as inert images. Nothing is computed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from workbench.audit.notes import notes_of
from workbench.audit.record import Record
from workbench.core.errors import WorkbenchError
from workbench.core.finding import Attachment, Finding
from workbench.report import words
from workbench.report.html import Section, section_of, untested
from workbench.report.pieces import Table
from workbench.report.remarks import WHOSE
from workbench.report.shown import Shown, ShownJudgement, ShownMeasure, show
from workbench.ui.board import row
from workbench.ui.drilling import NOTHING, Drilling

MOST_CAUSES = 8
MOST_UNTESTED = 200


def overview(record: Record, shown: Shown | None = None) -> dict[str, Any]:
    """Return the verdict header, the findings and what was not tested; `shown` is what may be shown of the record."""
    shown = show(record) if shown is None else shown
    left = untested(shown)
    return {
        "outcome": record.verdict.outcome,
        "word": words.outcome_word(record.verdict.outcome),
        "shape": words.shape(record.verdict.outcome),
        "line": words.counts_line(record),
        "title": words.subject_title(record),
        "data": words.data_words(record),
        "digest": record.digest,
        "short_digest": words.short_digest(record.digest),
        "causes": [{**row(j), "why": _judged_why(j), "worst_of": j.worst_of} for j in shown.causes[:MOST_CAUSES]],
        "findings": findings(shown),
        "untested": [{"outcome": o, "what": what, "why": why} for o, what, why in left[:MOST_UNTESTED]],
        "untested_total": len(left),
    }


def _judged_why(shown: ShownJudgement) -> str:
    return words.plain(shown.judgement.why, 400) if shown.judgement.why else ""


def findings(shown: Shown) -> list[dict[str, Any]]:
    """Return one row a check, the worst first."""
    rows = []
    for finding in shown.by_severity:
        section = section_of(finding, shown)
        rows.append(
            {
                "check": finding.finding.check,
                "code": finding.finding.code,
                "title": section.title,
                "outcome": finding.outcome,
                "word": words.outcome_word(finding.outcome),
                "shape": words.shape(finding.outcome),
                "summary": section.summary,
            }
        )
    return rows


def detail(record: Record, check: str, drilling: Drilling = NOTHING) -> dict[str, Any]:
    """Return one finding in full: sentence, drawings, tables, how it is computed, parameters and code.

    Rows of tables and measures have the conditions under `narrow` that the rows behind them meet.
    """
    shown = show(record)
    for finding in shown.findings:
        if finding.finding.check == check:
            return _detail(section_of(finding, shown, drawn=True), record, drilling)
    return {"check": check, "missing": True}


def _detail(section: Section, record: Record, drilling: Drilling) -> dict[str, Any]:
    finding, digest = section.shown.finding, record.digest
    narrow = drilling.measures(section.shown, section.measures)
    return {
        "check": finding.check,
        "code": finding.code,
        "title": section.title,
        "summary": section.summary,
        "reason": words.plain(finding.reason, 400) if finding.reason else "",
        "notes": [words.plain(note, 400) for note in finding.notes],
        "note": _note(section, record),
        "charts": [
            {
                "uri": c.uri,
                "title": c.title,
                "sentence": c.sentence,
                "wide": c.wide,
                "key": c.key,
                "table": _table(c.table, record, drilling),
            }
            for c in section.charts
        ],
        "tables": [_table(t, record, drilling) for t in section.tables],
        "attachments": [
            {"name": name, "words": f"{words.number(size)} bytes, SHA-256 {sha256[:16]}"}
            for name, size, sha256 in section.attachments
        ],
        "measures": [
            {
                "title": words.measure_title(m.measure.name),
                "scope": words.scope_words(m.measure),
                "narrow": conditions,
                "shown": words.NOTHING if m.hidden else words.value_words(m.measure, m.measure.unit, m.measure.name),
                "n": "" if m.hidden or m.measure.n is None else words.number(m.measure.n),
                "method": words.plain(m.measure.method, 80) if m.measure.method else "",
                "why": _why(m),
                "copy": _copied(m, finding, digest),
            }
            for m, conditions in zip(section.measures, narrow, strict=True)
        ],
        "total": len(finding.measures),
        "help": dict(section.help),
        "params": {str(k): str(v) for k, v in finding.params.items()},
        "code_text": f'record.to_frame().query("check == {finding.check!r}")',
    }


def _note(section: Section, record: Record) -> dict[str, Any]:
    """Return what a person wrote on a finding: its lines, whose they are, and the text as it was written."""
    note, remark = notes_of(record.beside).get(section.shown.finding.check), section.remark
    if note is None or remark is None:
        return {"lines": [], "said": WHOSE, "text": ""}
    return {"lines": list(remark.lines), "said": remark.said, "text": note.text}


def _copied(m: ShownMeasure, finding: Finding, digest: str) -> str:
    """Return a number with where it is from, as one line to be pasted elsewhere; empty where it is hidden."""
    if m.hidden:
        return ""
    found = m.measure
    scope = f" ({words.scope_words(found)})" if words.scope_words(found) else ""
    value = words.value_words(found, found.unit, found.name) if found.value is not None else "undefined"
    n = "" if found.n is None else f", n = {words.number(found.n)}"
    how = f", {words.plain(found.method, 80)}" if found.method else ""
    return (
        f"{words.measure_title(found.name)}{scope}: {value}{n}{how}; {finding.check} {finding.version}, record {digest}"
    )


def attachment(record: Record, name: str, read: Callable[[str], bytes] | None) -> dict[str, Any]:
    """Return the page that a check attached, for a frame without scripts; or why it is not shown.

    It comes with the record, or from the file beside it, and then only with the digest that the record names.
    """
    about = record.beside.get("attachments", {}).get(name)
    if about is None or about.get("media_type") != "text/html":
        return {"name": name, "page": "", "why": "the record names no such page"}
    known = record.attachments.get(name)
    try:
        found = known or (Attachment(name, "text/html", read(name)) if read is not None else None)
    except (OSError, ValueError, WorkbenchError):
        found = None
    if found is None:
        return {"name": name, "page": "", "why": "the file does not lie beside the record: run the audit again"}
    if found.sha256 != about.get("sha256"):
        return {"name": name, "page": "", "why": "the file beside the record is not the one that the check attached"}
    return {"name": name, "page": found.data.decode("utf-8", "replace"), "why": ""}


def _why(m: ShownMeasure) -> str:
    if m.hidden:
        return "suppressed: too few rows"
    return words.plain(m.measure.undefined_because, 200) if m.measure.undefined_because else ""


def _table(table: Table, record: Record, drilling: Drilling) -> dict[str, Any]:
    rows = [[cell.striptags() for cell in row] for row in table.rows]
    narrow = drilling.table(table, record)
    return {"title": table.title, "columns": list(table.columns), "rows": rows, "total": table.total, "narrow": narrow}

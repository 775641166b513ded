"""A record without script or style, for places that keep neither: saved notebooks, GitHub, a terminal."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from markupsafe import Markup

from workbench.audit.record import Record
from workbench.report import charts, html, marks, words
from workbench.report.captions import chart_sentence
from workbench.report.remarks import remark_of
from workbench.report.shown import Shown, ShownEvidence, ShownFinding, ShownJudgement, ShownMeasure, show

NBSP = "\u00a0"
MOST_BYTES = 64_000
LEAST_DRAWING = 4_000
MOST_CAUSES = 12
MOST_FINDINGS = 60
MOST_MEASURES = 20
Drawing = Callable[[], Markup | None]
_LEFT = Markup(' style="text-align:left"')
_RIGHT = Markup(' style="text-align:right"')


@dataclass(frozen=True)
class Static:
    """What a notebook cell shows: HTML that needs nothing, and the same in plain text."""

    html: str
    text: str

    def _repr_html_(self) -> str:
        return self.html

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/html": self.html, "text/plain": self.text}

    def __repr__(self) -> str:
        return self.text


def static(record: Record) -> Static:
    """Return the verdict and the findings, one line each, for a notebook cell."""
    return Static(static_html(record), static_text(record))


def section(record: Record, family: str) -> Static:
    """Return the findings of one family of checks (quality, drift, performance, bias, optimize) for a notebook cell."""
    shown = show(record)
    chosen = [f for f in shown.by_severity if f.finding.check.split(".")[0] == family]
    if not chosen:
        none = f"No check of the family {words.plain(family)} ran."
        return Static(_within([Markup("<p>{}</p>").format(none), _of_record(record)]), none)
    parts = [part for f in chosen for part in _finding_parts(f, shown)]
    lines = []
    for f in chosen:
        lines.append(f"{words.shape(f.outcome)} {_title(f)}: {_sentence(f)}")
        found = remark_of(record, f.finding.check)
        lines += [] if found is None else [f"  {found.text}"]
    return Static(_within([*parts, _of_record(record)]), "\n".join(lines))


def _of_record(record: Record) -> Markup:
    # Each fragment says which record its numbers are of, so that it can be verified wherever it ends up.
    return Markup("<p><small>record <code>{}</code></small></p>").format(marks.verdict_mark(record, "short"))


def static_text(record: Record) -> str:
    """Return one screen of plain text: the verdict, what made it, and where to look."""
    shown = show(record)
    lines = [f"{words.verdict_line(record)}", f"{words.subject_title(record)} · {words.data_words(record)}"]
    for cause in shown.causes[:MOST_CAUSES]:
        sentence = words.judgement_sentence(cause.judgement, cause.unit)
        sentence += f" (worst of {words.number(cause.worst_of)})" if cause.worst_of > 1 else ""
        lines.append(f"  {words.shape(cause.judgement.outcome)} {sentence}")
    if len(shown.causes) > MOST_CAUSES:
        lines.append(f"  and {words.number(len(shown.causes) - MOST_CAUSES)} more")
    lines += [f"  ◆ required: {words.plain(gap, 300)}" for gap in html.other_gaps(record)[:MOST_CAUSES]]
    return "\n".join([*lines, f"digest {record.digest}"])


def static_html(record: Record) -> str:
    """Return the verdict and the findings as a small fragment of semantic HTML."""
    shown = show(record)
    every = shown.by_severity
    rows = [_finding_row(f, record) for f in every[:MOST_FINDINGS]]
    body = _table(("Outcome", "Finding", "In words"), rows, _cut(len(every), MOST_FINDINGS, "findings"))
    return _within([_verdict_html(shown), body])


def _verdict_html(shown: Shown) -> Markup:
    record = shown.record
    head = Markup("<p><strong>{} {}</strong> · {}<br>{}<br>{}<br>digest <code>{}</code></p>").format(
        words.shape(record.verdict.outcome),
        marks.verdict_mark(record, "outcome"),
        _bdi(words.subject_title(record)),
        _bdi(words.data_words(record)),
        words.counts_line(record),
        marks.verdict_mark(record, "digest"),
    )
    rows = [_judgement_row(j) for j in shown.causes[:MOST_CAUSES]]
    cut = _cut(len(shown.causes), MOST_CAUSES, "rules")
    return head + (_table(("Outcome", "What", "Value", "Limit", "n", "Why"), rows, cut) if rows else Markup(""))


def _judgement_row(shown: ShownJudgement) -> list[Markup]:
    j = shown.judgement
    value, n, limit = Markup(""), Markup(""), Markup("")
    if j.value is not None:
        value = marks.judgement_mark(shown, "value") + NBSP + marks.interval_mark(shown)
    if j.n is not None:
        n = marks.judgement_mark(shown, "n")
    if j.limit is not None:
        limit = Markup("{}&nbsp;{}").format(
            words.operator_words(j.operator).replace(" ", NBSP), marks.judgement_mark(shown, "limit")
        )
    return [_outcome(j.outcome), _bdi(words.judgement_title(j)), value, limit, n, _bdi(words.plain(j.reason, 300))]


def _finding_row(f: ShownFinding, record: Record) -> list[Markup]:
    return [_outcome(f.outcome), _bdi(_title(f)), _bdi(_sentence(f)) + _remark(f, record)]


def _remark(f: ShownFinding, record: Record) -> Markup:
    found = remark_of(record, f.finding.check)
    return Markup("") if found is None else found.markup


def _finding_parts(f: ShownFinding, shown: Shown) -> Iterator[Markup | Drawing]:
    yield _finding_head(f) + _remark(f, shown.record)
    for evidence in f.evidence:
        yield partial(_drawing, evidence, shown)
    first = html.first_measures(f)[:MOST_MEASURES]
    if first:
        cut = _cut(len(f.measures), MOST_MEASURES, "measures")
        yield _table(("Measure", "About", "Value", "n"), [_measure_row(m, shown) for m in first], cut)


def _finding_head(f: ShownFinding) -> Markup:
    head = Markup("<h4>{} {}</h4><p>{}</p>").format(_outcome(f.outcome), _bdi(_title(f)), _bdi(_sentence(f)))
    ranked = sorted(f.judgements, key=lambda j: (words.SEVERITY.index(j.judgement.outcome), -j.excess))
    judged = [_judgement_row(j) for j in ranked[:MOST_CAUSES]]
    if judged:
        cut = _cut(len(ranked), MOST_CAUSES, "judgements")
        head += _table(("Outcome", "What", "Value", "Limit", "n", "Why"), judged, cut)
    return head


def _measure_row(m: ShownMeasure, shown: Shown) -> list[Markup]:
    measure = m.measure
    value = Markup("{}").format(measure.undefined_because if m.hidden else f"undefined: {measure.undefined_because}")
    if measure.value is not None:
        value = marks.measure_mark(m, "value") + NBSP + marks.interval_mark(m)
    n = marks.measure_mark(m, "n") if measure.n is not None else Markup("")
    return [_bdi(words.title_of(measure)), _bdi(words.scope_words(measure) or "all rows"), value, n]


def _drawing(evidence: ShownEvidence, shown: Shown) -> Markup | None:
    png = charts.chart_png(evidence, shown.suppressed_text, scale=1.0)
    if png is None:
        return None
    sentence = chart_sentence(evidence.drawing)
    uri = "data:image/png;base64," + base64.b64encode(png).decode()
    title = html.evidence_title(evidence)
    picture = Markup('<p>{}<br>{}<br><img alt="{}" src="{}"></p>')
    return picture.format(_bdi(title), _bdi(sentence), f"{title}. {sentence}", uri)


def _within(parts: Sequence[Markup | Drawing]) -> str:
    """Join what fits, in order: text first comes into the count, then drawings; say what was left out."""
    room = MOST_BYTES - 500
    found: dict[int, Markup] = {}
    left = 0
    # The last part names the record: it is counted first, and so always kept.
    for at in sorted(range(len(parts)), key=lambda i: (callable(parts[i]), i != len(parts) - 1, i)):
        part = parts[at]
        drawn = part() if not isinstance(part, Markup) and room > LEAST_DRAWING else part
        if drawn is None:  # a table that is not drawn
            continue
        if isinstance(drawn, Markup) and (size := len(drawn.encode())) <= room:
            found[at], room = drawn, room - size
        else:
            left += 1
    kept = [found[at] for at in sorted(found)]
    if left:
        kept.append(Markup("<p>Left out here, and in the report: {}.</p>").format(_things(left)))
    return str(Markup("\n").join(kept))


def _things(left: int) -> str:
    return f"{words.number(left)} chart{'s' if left > 1 else ''} or table{'s' if left > 1 else ''}"


def _table(head: Sequence[str], rows: Sequence[Sequence[Markup]], caption: str = "") -> Markup:
    top = Markup("<caption{}>{}</caption>").format(_LEFT, caption) if caption else Markup("")
    titles = Markup("").join(Markup('<th scope="col"{}>{}</th>').format(_side(t), t) for t in head)
    body = Markup("").join(
        Markup("<tr>{}</tr>").format(
            Markup("").join(Markup("<td{}>{}</td>").format(_side(t), c) for t, c in zip(head, row, strict=True))
        )
        for row in rows
    )
    return Markup("<table>{}<thead><tr>{}</tr></thead><tbody>{}</tbody></table>").format(top, titles, body)


def _side(title: str) -> Markup:
    # JupyterLab aligns every cell to the right by default; text reads from the left.
    return _RIGHT if title in ("Value", "n") else _LEFT


def _cut(total: int, most: int, what: str) -> str:
    return f"showing {most} of {words.number(total)} {what}" if total > most else ""


def _outcome(outcome: str) -> Markup:
    return Markup("{}&nbsp;{}").format(words.shape(outcome), words.outcome_word(outcome).replace(" ", NBSP))


def _title(f: ShownFinding) -> str:
    check = html.check_of(f.finding)
    return check.title if check else words.plain(f.finding.check)


def _sentence(f: ShownFinding) -> str:
    return html.summary(f)


def _bdi(text: str) -> Markup:
    return Markup("<bdi>{}</bdi>").format(text)

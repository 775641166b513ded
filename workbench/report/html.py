"""A record as one self-contained page that needs no script, no network and no style to be read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from workbench.audit.record import Record
from workbench.core.check import HEADINGS, Check, find_check
from workbench.core.finding import Evidence, Finding
from workbench.core.segments import WRITTEN
from workbench.report import charts, drift_section, marks, words
from workbench.report.captions import chart_sentence
from workbench.report.drift_charts import cumulative_sentence
from workbench.report.pieces import Chart, Table, svg_uri
from workbench.report.remarks import Remark, remark_of
from workbench.report.shown import Shown, ShownEvidence, ShownFinding, ShownJudgement, ShownMeasure, show

MOST_ROWS = 50
MOST_CHARTS = 12
MOST_CAUSES = 8
MOST_JUDGEMENTS = 10
MOST_LISTED = 200
BYTES_FOR_CHARTS = 2_500_000
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
_UNANSWERED = frozenset({"cannot_tell", "not_applicable", "error", "cancelled", "waived"})
_OPEN = frozenset({"fail", "error", "cannot_tell", "warn", "cancelled"})


@dataclass(frozen=True, slots=True)
class Section:
    """One finding as the page shows it."""

    shown: ShownFinding
    title: str
    summary: str
    judgements: tuple[ShownJudgement, ...]
    passed: int
    charts: tuple[Chart, ...]
    tables: tuple[Table, ...]
    undrawn: int
    measures: tuple[ShownMeasure, ...]
    help: Mapping[str, str]
    open: bool
    attachments: tuple[tuple[str, int, str], ...] = ()
    remark: Remark | None = None


def render_html(record: Record, *, status: str = "complete", reason: str = "", signed_by: str = "") -> str:
    """Return the report of a record; `status` "incomplete" stamps it, with the reason, before everything else."""
    shown = show(record)
    changed = drift_section.changed(shown)
    spent = 0 if changed is None else changed.weight
    context = {
        "record": record,
        "shown": shown,
        "status": status,
        "reason": reason,
        "signed_by": signed_by,
        "changed": changed,
        "sections": sections(shown, spent),
        "policy": POLICY,
        "css": Markup(_packaged("report.css")),  # noqa: S704 (our own file)
        "causes": shown.causes[:MOST_CAUSES],
        "more_causes": max(0, len(shown.causes) - MOST_CAUSES),
        "untested": untested(shown),
        "most": MOST_LISTED,
    }
    return _environment().get_template("report.html").render(context)


def sections(shown: Shown, spent: int = 0) -> list[Section]:
    """Return the findings as sections, the worst first; charts are drawn until, with those `spent`, they are heavy."""
    found, left = [], BYTES_FOR_CHARTS - spent
    for finding in shown.by_severity:
        section = _section(finding, shown, left)
        left -= sum(len(c.uri) + len(c.more) for c in section.charts)
        found.append(section)
    return found


def section_of(finding: ShownFinding, shown: Shown, *, drawn: bool = False) -> Section:
    """Return one finding as a section, with its charts when `drawn`."""
    return _section(finding, shown, BYTES_FOR_CHARTS if drawn else 0)


def _section(finding: ShownFinding, shown: Shown, budget: int) -> Section:
    check = check_of(finding.finding)
    drawn, tables, undrawn = _evidence(finding, shown, budget)
    judged = sorted(finding.judgements, key=lambda j: (words.SEVERITY.index(j.judgement.outcome), -j.excess))
    listed = tuple(j for j in judged if j.judgement.outcome != "pass")[:MOST_JUDGEMENTS]
    listed = listed or tuple(judged[:1])
    return Section(
        shown=finding,
        title=check.title if check else words.plain(finding.finding.check),
        summary=summary(finding),
        judgements=listed,
        passed=len(judged) - len(listed),
        charts=drawn,
        tables=tables,
        undrawn=undrawn,
        measures=first_measures(finding),
        help=_help(check),
        open=finding.outcome in _OPEN,
        attachments=_attachments(finding, shown.record),
        remark=remark_of(shown.record, finding.finding.check),
    )


def _attachments(finding: ShownFinding, record: Record) -> tuple[tuple[str, int, str], ...]:
    """Return name, size and digest of the files that a check made, which lie beside this page in the bundle."""
    every = record.beside.get("attachments", {})
    mine = {name: about for name, about in every.items() if about.get("check") == finding.finding.check}
    return tuple((name, int(about["bytes"]), str(about["sha256"])) for name, about in sorted(mine.items()))


def summary(finding: ShownFinding) -> str:
    """Return the finding in one sentence, from what may be shown of it."""
    ranked = sorted(finding.judgements, key=lambda j: (words.SEVERITY.index(j.judgement.outcome), -j.excess))
    worst = ranked[0] if ranked else None
    if worst is not None and worst.measure is not None and worst.judgement.outcome in _OPEN:
        by_index = {m.index: m.measure for m in finding.measures}
        return words.measure_sentence(by_index[worst.measure])
    visible = tuple(m.measure for m in finding.measures if not m.hidden)
    plain = finding.finding
    return words.finding_sentence(
        Finding(plain.check, plain.code, plain.version, plain.status, measures=visible, reason=plain.reason)
    )


def first_measures(finding: ShownFinding) -> tuple[ShownMeasure, ...]:
    """Return the measures to print first: those behind a rule that did not pass."""
    judged = {j.measure for j in finding.judgements if j.judgement.outcome != "pass"}
    first = [m for m in finding.measures if m.index in judged]
    rest = [m for m in finding.measures if m.index not in judged]
    rest.sort(
        key=lambda m: m.measure.name == "count" or m.measure.unit == "rows"
    )  # rates before the counts they are made of
    return tuple([*first, *rest][:MOST_ROWS])


def _evidence(finding: ShownFinding, shown: Shown, budget: int) -> tuple[tuple[Chart, ...], tuple[Table, ...], int]:
    drawn: list[Chart] = []
    tables: list[Table] = []
    undrawn = 0
    for evidence in finding.evidence:
        room = len(drawn) < MOST_CHARTS and budget > 0
        svg = charts.chart_svg(evidence, shown.suppressed_text) if room else None
        if svg is not None:
            drawn.append(_chart(evidence, svg))
            budget -= len(drawn[-1].uri) + len(drawn[-1].more)
        elif len(tables) < MOST_CHARTS and (room or not charts.is_drawn(evidence.evidence.kind)):
            tables.append(_table(evidence))
        else:
            undrawn += 1
    return tuple(drawn), tuple(tables), undrawn


def _chart(evidence: ShownEvidence, svg: str) -> Chart:
    kind = evidence.evidence.kind
    said = cumulative_sentence(evidence.evidence) if kind == "distribution" else ""
    more = charts.cumulative_svg(evidence, said) if said else None
    return Chart(
        uri=svg_uri(svg),
        title=evidence_title(evidence),
        sentence=chart_sentence(evidence.drawing),
        key=kind in ("distribution", "categories", "missing", "profile") and _compares(evidence.evidence),
        wide=kind in ("forest", "profile", "missing_sets", "associations"),
        table=_table(evidence),
        more=svg_uri(more) if more else "",
        more_sentence=said,
    )


def _compares(table: Evidence) -> bool:
    at = [i for i, name in enumerate(table.columns) if name in ("reference", "reference shape")]
    return any(row[i] not in (None, "") for row in table.rows for i in at)


def evidence_title(shown: ShownEvidence) -> str:
    """Return a table's title with the measure's name for people."""
    evidence = shown.evidence
    measure = str(evidence.notes.get("measure") or "")
    title = words.plain(evidence.title, 160)
    if measure and title.startswith(measure):
        return words.measure_title(measure) + title.removeprefix(measure)
    if evidence.kind == "threshold" and isinstance(at := evidence.notes.get("threshold"), int | float):
        return f"Counts at or above the threshold of {words.number(float(at))}, by group"
    return title[:1].upper() + title[1:]


def _table(shown: ShownEvidence) -> Table:
    table = shown.evidence
    kept = _columns_to_show(table)
    at = _rows_to_show(shown)
    rows = tuple(tuple(marks.cell_mark(shown, r, c) for c in kept) for r in at[:MOST_ROWS])
    numeric = tuple(not any(isinstance(table.rows[r][c], str) for r in at) for c in kept)
    names = tuple(words.plain(table.columns[c].replace("_", " "), 40) if table.columns[c] else "" for c in kept)
    return Table(evidence_title(shown), names, rows, numeric, len(at), shown.place, tuple(at[:MOST_ROWS]))


def _columns_to_show(table: Evidence) -> list[int]:
    # A group's label says what its key says, and the threshold is in the title.
    left_out = {"threshold", "column"} if table.kind == "threshold" else set()
    left_out |= {"key"} if table.kind == "contract" else set()  # what the measures call the rule
    left_out |= {WRITTEN}  # exact edges, for whoever narrows the rows to a segment
    left_out |= {"group"} if {"label", "category"} & {*table.columns} else set()
    return [i for i, name in enumerate(table.columns) if name not in left_out]


def _rows_to_show(shown: ShownEvidence) -> list[int]:
    table = shown.evidence
    every = [i for i in range(len(table.rows)) if i not in shown.hidden]
    if table.kind != "threshold" or "threshold" not in table.columns:
        return every
    column = table.columns.index("threshold")
    return [i for i in every if table.rows[i][column] == table.notes.get("threshold")]


def check_of(finding: Finding) -> Check | None:
    """Return the check that made a finding, or None when it is not installed here."""
    try:
        return find_check(finding.check)
    except Exception:  # a missing plug-in, or one that cannot be imported, costs the help text and nothing else
        return None


def _help(check: Check | None) -> dict[str, str]:
    if check is None:
        return {}
    texts = check.help
    return {heading: texts[heading] for heading in HEADINGS if texts.get(heading)}


def untested(shown: Shown) -> list[tuple[str, str, str]]:
    """Return (outcome, what, why) for everything that has no answer: gaps, checks, rules and small groups."""
    found = [("incomplete", "Required", words.plain(gap, 300)) for gap in other_gaps(shown.record)]
    for finding in shown.findings:
        if str(finding.finding.status) != "measured":
            why = words.plain(finding.finding.reason or "no reason was recorded", 300)
            check = check_of(finding.finding)
            found.append((finding.outcome, check.title if check else finding.finding.check, why))
    found += [
        (j.judgement.outcome, _rule_words(j), words.plain(j.judgement.reason, 300))
        for j in shown.judgements
        if j.judgement.outcome in _UNANSWERED
    ]
    return found + _small_groups(shown)


def _small_groups(shown: Shown) -> list[tuple[str, str, str]]:
    labels = [words.group_words(label) for label in sorted(shown.small)]
    why = f"fewer than {shown.minimum} rows: in no comparison and no verdict, and no number of it is shown"
    if len(labels) <= MOST_JUDGEMENTS:
        return [("not_applicable", f"Group {label}", why) for label in labels]
    first = "; ".join(labels[:MOST_JUDGEMENTS])
    return [("not_applicable", f"{words.number(len(labels))} groups: {first} and others", why)]


def _rule_words(j: ShownJudgement) -> str:
    title, rule = words.judgement_title(j.judgement), words.plain(j.judgement.rule)
    kind = "Required rule" if j.judgement.required else "Rule"
    return f"{kind} “{rule}”" if title == rule else f"{kind} “{rule}”: {title}"


def other_gaps(record: Record) -> list[str]:
    """Return what made the audit incomplete beside its rules and checks."""
    # The gaps of rules and checks are told with those.
    known = tuple({f"{j.rule}: " for j in record.verdict.judgements} | {f"{f.check}: " for f in record.findings})
    return [gap for gap in record.verdict.gaps if not gap.startswith(known)]


def _whisker(shown: ShownJudgement) -> str:
    j = shown.judgement
    if j.value is None or j.limit is None:
        return ""
    color = {"pass": "passes", "fail": "fail", "warn": "warn"}.get(j.outcome, "unsure")
    return svg_uri(charts.whisker_svg(j.value, j.low, j.high, j.limit, color))


def _bdi(text: object, limit: int = 160) -> Markup:
    return Markup("<bdi>{}</bdi>").format(words.plain(text, limit))


def _rule_text(rule: Mapping[str, Any], *names: str) -> str:
    """Return the first of these fields that a rule has, in words."""
    for name in names:
        value = rule.get(name)
        if value not in (None, "", [], {}):
            return _flat(value)
    return ""


def _rule_limit(rule: Mapping[str, Any]) -> str:
    limit, operator = rule.get("limit"), words.operator_words(_rule_text(rule, "operator"))
    if isinstance(limit, int | float):
        return f"{operator} {words.limit_number(float(limit))}"
    if isinstance(limit, Mapping) and isinstance(change := limit.get("reference"), int | float):
        return f"change from the reference {operator} {words.limit_number(float(change))}"
    if isinstance(limit, list | tuple):
        return f"{operator} {' and '.join(words.limit_number(float(end)) for end in limit)}"
    return _flat(limit)


def _rule_about(rule: Mapping[str, Any]) -> str:
    named = [_rule_text(rule, "measure")]
    named += [f"{k} {_flat(v)}" for k in ("column", "group", "window", "where") if (v := rule.get(k)) not in (None, "")]
    return " · ".join(named).replace("column *", "every column").replace("group *", "every group")


def _flat(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{words.plain(k, 40)} {_flat(v)}" for k, v in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(_flat(v) for v in value)
    return words.plain(value)


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("workbench.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"bdi": _bdi, "flat": _flat, "whisker": _whisker}
    environment.globals |= {
        "words": words,
        "marks": marks,
        "rule_text": _rule_text,
        "rule_limit": _rule_limit,
        "rule_about": _rule_about,
        "measure_mark": marks.measure_mark,
        "judgement_mark": marks.judgement_mark,
        "interval": marks.interval_mark,
        "verdict": marks.verdict_mark,
    }
    return environment


def _packaged(name: str) -> str:
    return files("workbench.report").joinpath("templates", name).read_text("utf-8")

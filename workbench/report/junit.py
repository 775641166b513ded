"""A verdict as JUnit XML, the form that CI systems read: one test case a judgement."""

from __future__ import annotations

import re
from xml.etree.ElementTree import Element, SubElement, tostring

from workbench.audit.record import Record
from workbench.report import words
from workbench.report.shown import ShownJudgement, show

# XML 1.0 forbids these; `words.plain` shows most of them, and this holds for whatever is left.
_ILLEGAL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ELEMENTS = {"fail": "failure", "error": "error", "cancelled": "error"}
_SKIPPED = frozenset({"cannot_tell", "not_applicable", "waived"})


def render_junit(record: Record) -> bytes:
    """Return the verdict as JUnit XML; cannot tell and not applicable are skipped tests with their reason."""
    judgements = show(record).judgements
    outcomes = [j.judgement.outcome for j in judgements]
    totals = {
        "tests": str(len(outcomes)),
        "failures": str(outcomes.count("fail")),
        "errors": str(sum(_ELEMENTS.get(o) == "error" for o in outcomes)),
        "skipped": str(sum(o in _SKIPPED for o in outcomes)),
    }
    suites = Element("testsuites", {"name": "Audit Workbench", **totals})
    suite = SubElement(suites, "testsuite", {"name": _legal(words.subject_title(record)), **totals})
    _properties(suite, record)
    for judgement in judgements:
        _case(suite, judgement)
    return bytes(tostring(suites, encoding="utf-8", xml_declaration=True))


def _properties(suite: Element, record: Record) -> None:
    facts = {"digest": record.digest, "verdict": record.verdict.outcome, "summary": words.verdict_line(record)}
    pairs = [*facts.items(), *(("gap", words.plain(gap, 400)) for gap in record.verdict.gaps)]
    properties = SubElement(suite, "properties")
    for name, value in pairs:
        SubElement(properties, "property", {"name": name, "value": _legal(value)})


def _case(suite: Element, shown: ShownJudgement) -> None:
    j = shown.judgement
    name = f"{words.plain(j.rule)}: {words.judgement_title(j)}"
    case = SubElement(suite, "testcase", {"classname": _legal(j.check or "policy"), "name": _legal(name), "time": "0"})
    sentence = _legal(words.judgement_sentence(j, shown.unit))
    if j.outcome in _ELEMENTS:
        kind = {"message": sentence, "type": words.outcome_word(j.outcome)}
        SubElement(case, _ELEMENTS[j.outcome], kind).text = _legal(words.plain(j.why, 400)) if j.why else None
    elif j.outcome in _SKIPPED:
        SubElement(case, "skipped", {"message": sentence})
    else:
        SubElement(case, "system-out").text = sentence


def _legal(text: str) -> str:
    return _ILLEGAL.sub("\ufffd", text)

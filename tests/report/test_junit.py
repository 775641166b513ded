from xml.etree import ElementTree

from tests.report.records import CONTROL, IMG, record
from workbench.audit.record import Judgement, Verdict
from workbench.report.junit import render_junit


def parsed(found):
    return ElementTree.fromstring(render_junit(found))  # noqa: S314 (our own)


def test_one_case_a_judgement():
    suites = parsed(record())
    cases = suites.findall(".//testcase")
    assert len(cases) == len(record().verdict.judgements) == int(suites.get("tests"))
    kinds = ["".join(child.tag for child in case) for case in cases]
    assert kinds.count("failure") == int(suites.get("failures")) == 2
    assert kinds.count("error") == int(suites.get("errors")) == 1
    assert kinds.count("skipped") == int(suites.get("skipped")) == 3
    assert "0.841" in cases[0][0].get("message")


def test_hostile_text_is_legal_xml():
    base = record(title=IMG + CONTROL)
    judgement = Judgement(CONTROL, "fail", CONTROL + IMG, check="a.b", measure="m", column=IMG, why=CONTROL)
    found = type(base)(base.subject, base.policy, base.findings, Verdict("fail", (judgement,), (CONTROL,)))
    case = parsed(found).find(".//testcase")
    assert IMG[:20] in case.get("name")

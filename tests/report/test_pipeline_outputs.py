"""OpenMetrics and GitLab code quality: parsed by others' parsers, hostile names escaped, small groups left out."""

from __future__ import annotations

import json

from prometheus_client.openmetrics.parser import text_string_to_metric_families

from tests.report.records import CONTROL, IMG, record
from workbench.audit.record import Judgement, Record, Verdict
from workbench.report.codequality import render_codequality
from workbench.report.openmetrics import render_metrics


def hostile() -> Record:
    base = record()
    bad = Judgement('r"\n', "fail", "x", check="a.b", measure="m", column=IMG + CONTROL, value=1.0, limit=0.5)
    return Record(base.subject, base.policy, base.findings, Verdict("fail", (bad,), ()), base.beside)


def samples(found: Record) -> dict[str, list[tuple[dict[str, str], float]]]:
    families: dict[str, list[tuple[dict[str, str], float]]] = {}
    for family in text_string_to_metric_families(render_metrics(found)):
        for sample in family.samples:
            families.setdefault(sample.name, []).append((sample.labels, sample.value))
    return families


def test_metrics_are_read_by_the_reference_parser():
    found = samples(record())
    outcomes = {labels["outcome"]: value for labels, value in found["workbench_verdict"]}
    assert outcomes[record().verdict.outcome] == 1
    assert sum(outcomes.values()) == 1
    judged = [j for j in record().verdict.judgements if j.value is not None and j.group not in record().small_groups]
    assert [v for _, v in found["workbench_rule_value"]] == [float(j.value) for j in judged]
    assert found["workbench_rule_broken"]
    assert samples(hostile())["workbench_rule_value"][0][0]["column"] == IMG + CONTROL


def test_code_quality_has_what_gitlab_asks_for():
    issues = json.loads(render_codequality(record(), "plan.yaml"))
    told = [j for j in record().verdict.judgements if j.outcome in ("fail", "warn", "error", "cannot_tell")]
    assert 0 < len(issues) <= len(told)
    for issue in issues:
        assert set(issue) == {"description", "check_name", "fingerprint", "severity", "location"}
        assert issue["severity"] in {"info", "minor", "major", "critical", "blocker"}
        assert issue["location"] == {"path": "plan.yaml", "lines": {"begin": 1}}
    assert len({i["fingerprint"] for i in issues}) == len(issues)
    assert len(json.loads(render_codequality(hostile()))) == 1


def test_small_groups_are_in_neither():
    base = record()
    small = next(iter(base.small_groups))
    secret = Judgement("r", "fail", "x", check="a.b", measure="m", group=small, value=0.123456)
    found = Record(base.subject, base.policy, base.findings, Verdict("fail", (secret,), ()), base.beside)
    assert small not in render_metrics(found)
    assert json.loads(render_codequality(found)) == []

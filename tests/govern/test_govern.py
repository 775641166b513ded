"""Lineage, data contracts and catalogues: valid to others' models, accepted by stubs of published descriptions."""

from __future__ import annotations

import json

import attr
import jsonschema
import pytest
from openlineage.client.facet_v2 import (
    data_quality_assertions_dataset,
    data_quality_metrics_input_dataset,
    schema_dataset,
)
from openlineage.client.serde import Serde

from tests.report.records import CONTROL, IMG, record
from workbench.audit.record import Judgement, Record, Verdict
from workbench.cli import main
from workbench.core.errors import ConfigError
from workbench.govern.lineage import dataset_name, lineage_event, send_lineage

# What the published specification asks of an event, in our own words.
EVENT = {
    "type": "object",
    "required": ["run", "job", "eventTime", "producer", "schemaURL"],
    "properties": {
        "eventType": {"enum": ["START", "RUNNING", "COMPLETE", "ABORT", "FAIL", "OTHER"]},
        "eventTime": {"type": "string", "format": "date-time"},
        "producer": {"type": "string", "format": "uri"},
        "run": {
            "type": "object",
            "required": ["runId"],
            "properties": {"runId": {"type": "string", "format": "uuid"}, "facets": {"$ref": "#/$defs/facets"}},
        },
        "job": {"type": "object", "required": ["namespace", "name"]},
        "inputs": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["namespace", "name"],
                "properties": {
                    "namespace": {"type": "string"},
                    "name": {"type": "string"},
                    "facets": {
                        "allOf": [{"$ref": "#/$defs/facets"}],
                        "properties": {"schema": {"$ref": "#/$defs/schema"}},
                        "required": ["schema"],
                    },
                    "inputFacets": {
                        "allOf": [{"$ref": "#/$defs/facets"}],
                        "properties": {
                            "dataQualityMetrics": {"$ref": "#/$defs/metrics"},
                            "dataQualityAssertions": {"$ref": "#/$defs/assertions"},
                        },
                        "required": ["dataQualityMetrics"],
                    },
                },
            },
        },
    },
    "$defs": {
        "facets": {
            "type": "object",
            "additionalProperties": {
                "type": "object",
                "required": ["_producer", "_schemaURL"],
                "properties": {
                    "_producer": {"type": "string", "format": "uri"},
                    "_schemaURL": {"type": "string", "format": "uri"},
                },
            },
        },
        "schema": {
            "properties": {
                "fields": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "required": ["name"],
                        "properties": {"name": {"type": "string"}, "type": {"type": "string"}},
                    },
                }
            },
            "required": ["fields"],
        },
        "metrics": {
            "properties": {
                "rowCount": {"type": "integer"},
                "columnMetrics": {
                    "type": "object",
                    "additionalProperties": {
                        "type": "object",
                        "properties": {
                            "nullCount": {"type": "integer"},
                            "distinctCount": {"type": "integer"},
                            "count": {"type": "number"},
                            "min": {"type": "number"},
                            "max": {"type": "number"},
                            "quantiles": {"type": "object", "additionalProperties": {"type": "number"}},
                        },
                    },
                },
            },
            "required": ["columnMetrics"],
        },
        "assertions": {
            "properties": {
                "assertions": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "required": ["assertion", "success"],
                        "properties": {
                            "assertion": {"type": "string"},
                            "success": {"type": "boolean"},
                            "column": {"type": "string"},
                            "severity": {"type": "string"},
                        },
                    },
                }
            },
            "required": ["assertions"],
        },
    },
}


# ---------------------------------------------------------------------------- lineage


def test_the_event_is_what_the_specification_asks_for():
    event = lineage_event(record())
    jsonschema.validate(event, EVENT, format_checker=jsonschema.FormatChecker())
    assert event["eventType"] == "COMPLETE"
    assert event["run"]["facets"]["workbench_verdict"]["recordDigest"] == record().digest
    assert len(event["inputs"]) == 2


def test_the_event_of_a_run_is_valid_and_a_wrong_one_is_not(tmp_path, capsys):
    """From the command line on data with every kind of column; the schema does look into each facet."""
    (tmp_path / "d.csv").write_text("n,t,at,e,y\n1,a,2026-01-01,,0\n2.5,b,2026-01-02,,1\n,a,2026-01-03,,1\n")
    (tmp_path / "plan.yaml").write_text(
        "title: T\ndata: d.csv\nreference: d.csv\ntarget: y\n"
        "checks: [quality.missing, quality.profile, drift.numeric]\n"
        "policy: {rules: [{id: m, measure: missing_share, column: '*', operator: '<=', limit: 0.5, basis: point}]}\n"
    )
    words = ["run", str(tmp_path / "plan.yaml"), "--no-notebook", "--lineage", str(tmp_path / "events.jsonl")]
    main([*words, "-o", str(tmp_path / "bundle")])
    event = json.loads((tmp_path / "events.jsonl").read_text())
    jsonschema.validate(event, EVENT, format_checker=jsonschema.FormatChecker())
    found = event["inputs"][0]
    assert {f["name"] for f in found["facets"]["schema"]["fields"]} == {"n", "t", "at", "e", "y"}
    assert found["inputFacets"]["dataQualityMetrics"]["columnMetrics"]["n"]["nullCount"] == 1
    assert found["inputFacets"]["dataQualityMetrics"]["rowCount"] == 3
    assert found["inputFacets"]["dataQualityAssertions"]["assertions"]
    for path, wrong in (
        (("inputFacets", "dataQualityMetrics", "rowCount"), 3.5),
        (("inputFacets", "dataQualityMetrics", "columnMetrics", "n", "nullCount"), "1"),
        (("inputFacets", "dataQualityAssertions", "assertions", 0, "success"), "yes"),
        (("facets", "schema", "fields", 0, "name"), None),
        (("facets", "schema", "_schemaURL"), 1),
    ):
        broken = json.loads(json.dumps(event))
        place = broken["inputs"][0]
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = wrong
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(broken, EVENT)


def test_the_facets_are_those_of_the_reference_client():
    """Rebuilt with the client's own classes, the facets serialise to what we send."""
    found = lineage_event(record())["inputs"][0]
    mine = {**found["facets"], **found["inputFacets"]}
    fields = [schema_dataset.SchemaDatasetFacetFields(**f) for f in mine["schema"]["fields"]]
    metrics = {
        name: data_quality_metrics_input_dataset.ColumnMetrics(**entry)
        for name, entry in mine["dataQualityMetrics"]["columnMetrics"].items()
    }
    assertions = [data_quality_assertions_dataset.Assertion(**a) for a in mine["dataQualityAssertions"]["assertions"]]
    rows = mine["dataQualityMetrics"]["rowCount"]
    theirs = {
        "schema": schema_dataset.SchemaDatasetFacet(fields=fields),
        "dataQualityMetrics": data_quality_metrics_input_dataset.DataQualityMetricsInputDatasetFacet(metrics, rows),
        "dataQualityAssertions": data_quality_assertions_dataset.DataQualityAssertionsDatasetFacet(assertions),
    }
    for name, facet in theirs.items():
        serialised = json.loads(Serde.to_json(facet))
        assert serialised["_schemaURL"] == mine[name]["_schemaURL"], name
        assert attr.has(type(facet))
        for key in ("fields", "columnMetrics", "rowCount", "assertions"):
            if key in mine[name]:
                assert _without_empty(serialised[key]) == _without_empty(mine[name][key]), name


def _without_empty(value):
    if isinstance(value, dict):
        return {k: _without_empty(v) for k, v in value.items() if v not in (None, {}, [])}
    return [_without_empty(v) for v in value] if isinstance(value, list) else value


def test_the_same_record_has_the_same_run_and_another_has_not():
    assert lineage_event(record())["run"]["runId"] == lineage_event(record())["run"]["runId"]
    assert lineage_event(record())["run"]["runId"] != lineage_event(record(title="other"))["run"]["runId"]


def test_small_groups_credentials_and_folders_are_in_no_event():
    base = record()
    small = next(iter(base.small_groups))
    judgement = Judgement("r", "fail", "x", check="a.b", measure="m", group=small, value=0.123456)
    sources = {"data": "s3://id:topsecret@bucket/a/b.parquet?sig=topsecret", "reference": "/home/somebody/ref.csv"}
    found = Record(base.subject, base.policy, base.findings, Verdict("fail", (judgement,), ()), {"sources": sources})
    text = json.dumps(lineage_event(found))
    assert "topsecret" not in text
    assert "/home" not in text
    assert "0.123456" not in text
    assert [(i["namespace"], i["name"]) for i in lineage_event(found)["inputs"]] == [
        ("s3://bucket", "a/b.parquet"), ("file", "ref.csv"),
    ]  # fmt: skip
    assert dataset_name("hdfs://nn:9000/x") == ("hdfs://nn:9000", "x")


def test_it_arrives_at_a_service_and_in_a_file(stub, tmp_path, monkeypatch):
    event = lineage_event(record(title=IMG + CONTROL))
    monkeypatch.setenv("OPENLINEAGE_API_KEY", "topsecret")

    def service(method, path, headers, body):
        ok = headers.get("authorization") == "Bearer topsecret"
        return (201 if ok and path == "/api/v1/lineage" else 401), {}

    server = stub(service)
    send_lineage(event, server.url)
    assert server.asked[0][3] == json.loads(json.dumps(event))
    monkeypatch.setenv("OPENLINEAGE_API_KEY", "wrong-secret")
    with pytest.raises(ConfigError, match="refused access") as caught:
        send_lineage(event, server.url)
    assert "wrong-secret" not in str(caught.value)
    for _ in range(2):
        send_lineage(event, str(tmp_path / "new" / "events.jsonl"))
    lines = (tmp_path / "new" / "events.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == [json.loads(json.dumps(event))] * 2
    with pytest.raises(ConfigError, match="gave no answer"):
        send_lineage(event, "http://127.0.0.1:9")
    with pytest.raises(ConfigError, match="without credentials"):
        send_lineage(event, "http://u:p@127.0.0.1:9")

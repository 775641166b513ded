"""Lineage, data contracts and catalogues: valid to others' models, accepted by stubs of published descriptions."""

from __future__ import annotations

import base64
import csv
import io
import json
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

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
from workbench.govern.informatica import encoded_id
from workbench.govern.lineage import dataset_name, lineage_event, send_lineage
from workbench.govern.publish import publish

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


class Stub:
    """A server on this computer whose behaviour is a function of (method, path, headers, body)."""

    def __init__(self, behave) -> None:
        self.asked: list[tuple[str, str, dict, object]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def _any(self) -> None:
                size = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(size)) if size else None
                headers = {k.lower(): v for k, v in self.headers.items()}
                outer.asked.append((self.command, self.path, headers, body))
                code, answer = behave(self.command, self.path, headers, body)
                self.send_response(code)
                self.end_headers()
                self.wfile.write(json.dumps(answer).encode())

            do_GET = do_POST = do_PUT = do_PATCH = _any

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def stub() -> Iterator[object]:
    made: list[Stub] = []

    def start(behave):
        made.append(Stub(behave))
        return made[-1]

    yield start
    for one in made:
        one.close()


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


# ---------------------------------------------------------------------------- catalogues


def edc(method, path, headers, body):
    """The catalogue's published behaviour: basic authentication, encoded ids, updates under ETag-less PATCH."""
    if headers.get("authorization") != "Basic " + base64.b64encode(b"me:topsecret").decode():
        return 401, {}
    if method == "GET" and path.startswith("/access/2/catalog/data/objects/"):
        return (200, {"id": "x"}) if "db~3a~~2f~~2f~s~2f~loans" in path else (404, {})
    if method == "PATCH" and path == "/access/1/catalog/data/objects":
        wanted = {"providerId", "modifiedBy", "updates"}
        update = body["updates"][0]
        parts = {"id", "newSourceLinks", "deleteSourceLinks", "newFacts", "deleteFacts"}
        links = all(set(link) == {"objectId", "associationId", "properties"} for link in update["newSourceLinks"])
        facts = all(set(f) == {"attributeId", "value"} for f in update["newFacts"])
        return (200, {}) if set(body) == wanted and set(update) == parts and links and facts else (400, {})
    return 404, {}


@pytest.fixture
def credentials(monkeypatch):
    for name, value in (
        ("INFORMATICA_USER", "me"),
        ("INFORMATICA_PASSWORD", "topsecret"),
        ("TALEND_TOKEN", "topsecret"),
    ):
        monkeypatch.setenv(name, value)


def test_informatica_takes_facts_and_lineage(stub, credentials, monkeypatch):
    server = stub(edc)
    config = {"kind": "informatica-edc", "base_url": server.url, "object_id": "db://s/loans", "source_id": "db://s/ref"}
    assert len(publish(record(), config, dry_run=True)) == 2
    assert server.asked == []
    assert len(publish(record(), config)) == 2
    assert server.asked[1][3]["updates"][0]["newFacts"][1]["value"] == record().digest
    with pytest.raises(ConfigError, match="answered 404"):
        publish(record(), {**config, "object_id": "db://other"})
    monkeypatch.setenv("INFORMATICA_PASSWORD", "expired-secret")
    with pytest.raises(ConfigError, match="wrong or expired") as caught:
        publish(record(), config)
    assert "expired-secret" not in str(caught.value)
    monkeypatch.delenv("INFORMATICA_PASSWORD")
    with pytest.raises(ConfigError, match="INFORMATICA_PASSWORD is not set"):
        publish(record(), config)
    assert encoded_id("a b/ü") == "a~20~b~2f~~c3~~bc~"


def test_informatica_cloud_takes_scores_and_a_busy_one_is_asked_again(stub, credentials):
    busy = [429, 503]

    def cloud(method, path, headers, body):
        if path == "/identity-service/api/v1/Login":
            return (200, {"sessionId": "s1"}) if body == {"username": "me", "password": "topsecret"} else (401, {})
        if path.startswith("/ccgf-ruleautomation/api/v1/dataQuality/publishScore") and method == "PATCH":
            if busy:
                return busy.pop(), {}
            facts = body["scores"][0]["dqscore"]["facts"]
            names = {"value", "totalCount", "exception", "scannedTime"}
            whole = {k.rpartition(".")[2] for k in facts} == names
            return (200, {}) if headers.get("ids-session-id") == "s1" and whole else (400, {})
        return 404, {}

    server = stub(cloud)
    rule = next(j.rule for j in record().verdict.judgements if j.outcome == "fail")
    config = {"kind": "informatica-cloud", "login_url": server.url, "api_url": server.url, "rules": {rule: "asset-1"}}
    assert publish(record(), config, pause=0.01)[0].endswith("1 scores")
    assert len(server.asked) == 4
    with pytest.raises(ConfigError, match="unknown rule"):
        publish(record(), {**config, "rules": {"no such": "a"}}, pause=0.01)
    busy.extend([500] * 5)
    with pytest.raises(ConfigError, match="answered 500"):
        publish(record(), config, pause=0.01)


def test_talend_takes_attributes_and_certification(stub, credentials):
    """The subset of the published OpenAPI: bearer token, a list of values, an enumeration."""

    def talend(method, path, headers, body):
        if headers.get("authorization") != "Bearer topsecret":
            return 401, {}
        if method == "PUT" and path.startswith("/datasets/set%201/attributes/"):
            ok = set(body) == {"values"} and all(isinstance(v, str) for v in body["values"])
            return (200 if ok else 400), {}
        if method == "PUT" and path == "/datasets/set%201/certification":
            return (200 if body.get("currentCertification") in ("none", "pending", "certified") else 400), {}
        return 404, {}

    server = stub(talend)
    config = {
        "kind": "talend", "base_url": server.url, "dataset_id": "set 1", "certify": True,
        "attributes": {"verdict": "a1", "digest": "a2"},
    }  # fmt: skip
    told = publish(record(), config)
    assert len(told) == 3
    assert "topsecret" not in "".join(told)
    assert server.asked[2][3] == {"currentCertification": "none"}
    with pytest.raises(ConfigError, match="unknown value 'verdikt'"):
        publish(record(), {**config, "attributes": {"verdikt": "a1"}})


def test_links_are_a_zip_of_one_table(tmp_path):
    config = {"kind": "informatica-links", "file": str(tmp_path / "links.zip"), "source": "a, b", "target": 'c "d"'}
    publish(record(), config)
    with zipfile.ZipFile(tmp_path / "links.zip") as archive:
        rows = list(csv.reader(io.StringIO(archive.read("links.csv").decode())))
    assert rows == [["Source", "Target", "Association"], ["a, b", 'c "d"', "core.DataSetDataFlow"]]


@pytest.mark.parametrize(
    ("config", "text"),
    [
        ({"kind": "informatic-edc"}, "Did you mean 'informatica-edc'"),
        ({"kind": "talend", "base_url": "x", "dataset_id": "y", "attributes": {}, "token": "secret"}, "unknown key"),
        ({"kind": "talend", "base_url": "x", "dataset_id": "y", "attributes": {}, "token_env": "s3cret!"}, "token_env"),
    ],
)
def test_a_wrong_configuration_is_explained(config, text):
    with pytest.raises(ConfigError, match=text) as caught:
        publish(record(), config)
    assert "s3cret!" not in str(caught.value)

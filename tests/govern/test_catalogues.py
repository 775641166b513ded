"""Findings in catalogues: Informatica, Talend, links as a file."""

from __future__ import annotations

import base64
import csv
import io
import zipfile

import pytest

from tests.report.records import record
from workbench.core.errors import ConfigError
from workbench.govern.informatica import encoded_id
from workbench.govern.publish import publish


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

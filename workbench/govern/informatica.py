"""Informatica: requests to the Enterprise Data Catalog and to the cloud's data quality scores.

Written to the published descriptions and tested against stubs of them; no tenant was at hand. The cloud's score
endpoint was announced to change after July 2026, so its path is a setting.
"""

from __future__ import annotations

import base64
import csv
import io
import re
import zipfile
from collections.abc import Mapping
from typing import Any

from workbench.audit.record import Record
from workbench.core.errors import ConfigError, unknown
from workbench.govern.request import Request

SCORE_PATH = "/ccgf-ruleautomation/api/v1/dataQuality/publishScore?refBy=INTERNAL"
FACTS = {
    "verdict": "com.infa.appmodels.ldm.audit_verdict",
    "digest": "com.infa.appmodels.ldm.audit_digest",
    "when": "com.infa.appmodels.ldm.audit_time",
}
_FLOW = "core.DataSetDataFlow"
_VALUE = "com.infa.ccgf.models.governance"


def basic(user: str, password: str) -> str:
    """Return the header of basic authentication."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def encoded_id(identity: str) -> str:
    """Return an object's id as the catalogue wants it in a path: every special character as ~hex~."""
    return re.sub(r"[^A-Za-z0-9_.-]", lambda m: "".join(f"~{b:02x}~" for b in m[0].encode()), identity)


def edc_requests(
    record: Record, base_url: str, object_id: str, source_id: str | None, provider: str, facts: Mapping[str, str]
) -> list[Request]:
    """Return the requests that look the object up and write facts, and a link from its source, onto it."""
    values = {
        "verdict": record.verdict.outcome,
        "digest": record.digest,
        "when": str(record.beside.get("started", "")),
    }
    for name in facts:
        if name not in values:
            raise ConfigError("publish informatica-edc: facts: " + unknown("value", name, values))
    links = [] if source_id is None else [{"objectId": source_id, "associationId": _FLOW, "properties": []}]
    update = {
        "id": object_id,
        "newSourceLinks": links,
        "deleteSourceLinks": [],
        "newFacts": [{"attributeId": attribute, "value": values[name]} for name, attribute in facts.items()],
        "deleteFacts": [],
    }
    base = f"{base_url.rstrip('/')}/access"
    body = {"providerId": provider, "modifiedBy": provider, "updates": [update]}
    found = f"{base}/2/catalog/data/objects/{encoded_id(object_id)}?includeRefObjects=true"
    return [
        Request("GET", found, None, "the object is there"),
        Request("PATCH", f"{base}/1/catalog/data/objects", body, f"{len(facts)} facts, {len(links)} links"),
    ]


def login_request(login_url: str, user: str, password: str) -> Request:
    """Return the cloud's login; its answer holds a session id that is good for half an hour."""
    body = {"username": user, "password": password}
    return Request("POST", f"{login_url.rstrip('/')}/identity-service/api/v1/Login", body, "login")


def score_requests(record: Record, api_url: str, path: str, rules: Mapping[str, str]) -> list[Request]:
    """Return the upload of a score for each rule: the share of its judgements that hold, in percent."""
    known = {j.rule for j in record.verdict.judgements}
    scores = []
    for rule, asset in rules.items():
        if rule not in known:
            raise ConfigError("publish informatica-cloud: " + unknown("rule", rule, known))
        facts = _score(record, rule)
        if facts is not None:
            scores.append({"assetId": asset, "dqscore": {"facts": facts}})
    url = api_url.rstrip("/") + path
    return [Request("PATCH", url, {"scores": scores}, f"{len(scores)} scores")] if scores else []


def _score(record: Record, rule: str) -> dict[str, Any] | None:
    answered = [
        j for j in record.verdict.judgements if j.rule == rule and j.outcome in ("pass", "waived", "warn", "fail")
    ]
    if not answered:
        return None
    broken = sum(j.outcome in ("warn", "fail") for j in answered)
    values = {
        "value": round(100 * (len(answered) - broken) / len(answered), 2),
        "totalCount": len(answered),
        "exception": broken,
        "scannedTime": str(record.beside.get("started", "")),
    }
    return {f"{_VALUE}.{name}": value for name, value in values.items()}


def links_zip(source: str, target: str) -> bytes:
    """Return a zip with links.csv (Source, Target, Association), which a custom catalogue source reads."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerows([("Source", "Target", "Association"), (source, target, _FLOW)])
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("links.csv", (2020, 1, 1, 0, 0, 0)), text.getvalue())
    return file.getvalue()

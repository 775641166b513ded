"""OpenLineage: one COMPLETE event for each audit, with schema, data quality metrics and assertions as facets.

Source: OpenLineage specification 2-0-2 and its facets (openlineage.io/spec). An audit that fails is a run that
completed.
"""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from workbench.audit.record import Judgement, Record
from workbench.core.errors import ConfigError, import_extra, shown

PRODUCER = "urn:audit-workbench"
KEY = "OPENLINEAGE_API_KEY"
_SPEC = "https://openlineage.io/spec"
_EVENT = f"{_SPEC}/2-0-2/OpenLineage.json#/$defs/RunEvent"
_SCHEMA = f"{_SPEC}/facets/1-2-0/SchemaDatasetFacet.json#/$defs/SchemaDatasetFacet"
_METRICS = f"{_SPEC}/facets/1-0-3/DataQualityMetricsInputDatasetFacet.json#/$defs/DataQualityMetricsInputDatasetFacet"
_ASSERTIONS = f"{_SPEC}/facets/1-1-0/DataQualityAssertionsDatasetFacet.json#/$defs/DataQualityAssertionsDatasetFacet"
_VERDICT = f"{PRODUCER}:schema:verdict:1"
_ANSWERED = {"pass": True, "waived": True, "warn": False, "fail": False}
_SINGLE = {"minimum": "min", "maximum": "max"}
_QUANTILES = {
    "quantile_05": "0.05",
    "quantile_25": "0.25",
    "median": "0.5",
    "quantile_75": "0.75",
    "quantile_95": "0.95",
}


def lineage_event(record: Record, *, job: str = "", namespace: str = "audit-workbench") -> dict[str, Any]:
    """Return the event; the same record gives the same run id, so that sending it again repeats nothing.

    Groups under the minimum are in no assertion, credentials and folders in no data set's name.
    """
    started = str(record.beside.get("started", "1970-01-01T00:00:00+00:00"))
    title = job or str(record.subject.get("title", "audit"))
    return {
        "eventType": "COMPLETE",
        "eventTime": started,
        "producer": PRODUCER,
        "schemaURL": _EVENT,
        "run": {
            "runId": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{record.digest} {started}")),
            "facets": {"workbench_verdict": _verdict(record)},
        },
        "job": {"namespace": namespace, "name": title, "facets": {}},
        "inputs": [_input(record, side, role) for side, role in _SIDES if record.subject.get(side)],
        "outputs": [],
    }


_SIDES = (("current", "data"), ("reference", "reference"))


def _facet(schema: str, **content: Any) -> dict[str, Any]:
    return {"_producer": PRODUCER, "_schemaURL": schema, **content}


def _verdict(record: Record) -> dict[str, Any]:
    gaps = len(record.verdict.gaps)
    return _facet(_VERDICT, outcome=record.verdict.outcome, recordDigest=record.digest, gaps=gaps)


def _input(record: Record, side: str, role: str) -> dict[str, Any]:
    about = record.subject[side]
    namespace, name = dataset_name(str(record.beside.get("sources", {}).get(role, about.get("name", side))))
    schema = (about.get("fingerprint") or {}).get("schema", {})
    fields = [{"name": column, "type": kind} for column, kind in schema.items()]
    inputs = {"dataQualityMetrics": _metrics(record, side, about)}
    if side == "current":
        inputs["dataQualityAssertions"] = _facet(_ASSERTIONS, assertions=_assertions(record))
    facets = {"schema": _facet(_SCHEMA, fields=fields)}
    return {"namespace": namespace, "name": name, "facets": facets, "inputFacets": inputs}


def dataset_name(source: str) -> tuple[str, str]:
    """Return a data set's namespace and name: of a URI its host and path, of a file its name alone."""
    if "://" not in source:
        return "file", PurePosixPath(source.replace("\\", "/")).name or source
    parts = urlsplit(source)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}", parts.path.lstrip("/") or "/"


def _metrics(record: Record, side: str, about: Mapping[str, Any]) -> dict[str, Any]:
    window = "" if side == "current" else "reference"
    columns: dict[str, dict[str, Any]] = {}
    for _, m in record.measures():
        if m.window != window or not m.column or m.group or m.where or m.value is None:
            continue
        entry = columns.setdefault(m.column, {})
        if m.name == "missing_share" and m.n is not None:
            missing = round(float(m.value) * m.n)
            entry |= {"nullCount": missing, "count": m.n - missing}
        elif m.name == "distinct":
            entry["distinctCount"] = int(m.value)
        elif m.name in _SINGLE:
            entry[_SINGLE[m.name]] = m.value
        elif m.name in _QUANTILES:
            entry.setdefault("quantiles", {})[_QUANTILES[m.name]] = m.value
    kept = {name: entry for name, entry in columns.items() if entry}
    rows = {} if about.get("rows") is None else {"rowCount": about["rows"]}
    return _facet(_METRICS, columnMetrics=kept, **rows)


def _assertions(record: Record) -> list[dict[str, Any]]:
    small = record.small_groups
    return [_assertion(j) for j in record.verdict.judgements if j.outcome in _ANSWERED and j.group not in small]


def _assertion(j: Judgement) -> dict[str, Any]:
    name = " ".join(part for part in (j.rule, j.measure, j.group, j.where) if part)
    found: dict[str, Any] = {"assertion": j.rule, "success": _ANSWERED[j.outcome], "name": name}
    found["severity"] = "error" if j.severity == "fail" else "warn"
    if j.column and " & " not in j.column:
        found["column"] = j.column
    if j.limit is not None:
        found["expected"] = f"{j.operator} {j.limit:g}"
    if j.value is not None:
        found["actual"] = f"{j.value:.12g}"
    return found


def send_lineage(event: Mapping[str, Any], target: str, *, seconds: float = 10) -> None:
    """Append the event to a file as one line, or post it to an OpenLineage service.

    A URL without a path gets `/api/v1/lineage`; the environment may hold a bearer token. ConfigError names the host and
    the answer, never the token.
    """
    if "://" not in target:
        _append(Path(target), event)
        return
    parts = urlsplit(target)
    if parts.scheme not in ("http", "https") or "@" in parts.netloc:
        raise ConfigError("lineage: expected a file or an http(s) address without credentials in it.")
    httpx = import_extra("httpx", "governance", "sending lineage")
    url = target if parts.path.strip("/") else f"{target.rstrip('/')}/api/v1/lineage"
    headers = {"Authorization": f"Bearer {os.environ[KEY]}"} if os.environ.get(KEY) else {}
    try:
        answer = httpx.post(url, json=dict(event), headers=headers, timeout=seconds)
    except httpx.HTTPError as error:
        raise ConfigError(f"lineage: {parts.netloc} gave no answer ({type(error).__name__}).") from None
    if answer.status_code in (401, 403):
        raise ConfigError(f"lineage: {parts.netloc} refused access ({answer.status_code}): is {KEY} set and valid?")
    if not answer.is_success:
        raise ConfigError(f"lineage: {parts.netloc} answered {answer.status_code}.")


def _append(file: Path, event: Mapping[str, Any]) -> None:
    line = json.dumps(event, ensure_ascii=False, sort_keys=True) + "\n"
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        # One write of one line in append mode: events of two runs at once do not mix.
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            os.write(handle, line.encode("utf-8", "replace"))
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        raise ConfigError(f"lineage: {shown(file, 200)} cannot be written: {error.strerror}.") from None

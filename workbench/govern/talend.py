"""Talend Cloud: requests of the Dataset API 2021-03 (custom attributes and certification of a dataset).

Written to the published OpenAPI description and tested against a stub of it; no tenant was at hand. The Trust Score is
computed by Talend and cannot be written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from urllib.parse import quote

from workbench.audit.record import Record
from workbench.core.errors import ConfigError, unknown
from workbench.govern.request import Request

VALUES: dict[str, Callable[[Record], str]] = {
    "verdict": lambda r: r.verdict.outcome,
    "digest": lambda r: r.digest,
    "when": lambda r: str(r.beside.get("started", "")),
    "failed_rules": lambda r: str(len({j.rule for j in r.verdict.judgements if j.outcome == "fail"})),
}


def requests(
    record: Record, base_url: str, dataset_id: str, attributes: Mapping[str, str], certify: bool
) -> list[Request]:
    """Return one request for each attribute, and the certification: certified when the audit passes, else none."""
    base = f"{base_url.rstrip('/')}/datasets/{quote(dataset_id, safe='')}"
    found = []
    for name, identity in attributes.items():
        if name not in VALUES:
            raise ConfigError("publish talend: attributes: " + unknown("value", name, VALUES))
        url, value = f"{base}/attributes/{quote(identity, safe='')}", VALUES[name](record)
        found.append(Request("PUT", url, {"values": [value]}, f"{name} = {value}"))
    if certify:
        state = {"pass": "certified", "warn": "pending"}.get(record.verdict.outcome, "none")
        body = {"currentCertification": state}
        found.append(Request("PUT", f"{base}/certification", body, f"certification = {state}"))
    return found

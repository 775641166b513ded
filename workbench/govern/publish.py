"""Publishing an audit to a catalogue: what is sent is made first, so that it can be shown before it is sent."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from workbench.audit.policy import validated
from workbench.audit.record import Record
from workbench.core.errors import ConfigError, import_extra, shown, unknown
from workbench.core.writing import write_whole
from workbench.govern import informatica, talend
from workbench.govern.request import Request

TRIES, PAUSE, SECONDS = 3, 1.0, 15.0
_Variable = Annotated[str, Field(pattern=r"^[A-Z_][A-Z0-9_]*$", description="the NAME of an environment variable")]


class _Sink(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Edc(_Sink):
    """Informatica Enterprise Data Catalog: facts on an object, and lineage from the reference to the data."""

    kind: Literal["informatica-edc"]
    base_url: str
    object_id: str
    source_id: str | None = None
    provider_id: str = "audit-workbench"
    facts: dict[str, str] = Field(default_factory=lambda: dict(informatica.FACTS))
    user_env: _Variable = "INFORMATICA_USER"
    password_env: _Variable = "INFORMATICA_PASSWORD"  # noqa: S105 - the name of a variable


class Cloud(_Sink):
    """Informatica's cloud governance: a data quality score for each rule occurrence."""

    kind: Literal["informatica-cloud"]
    login_url: str
    api_url: str
    rules: dict[str, str] = Field(description="the policy's rule -> the id of its rule occurrence")
    path: str = informatica.SCORE_PATH
    user_env: _Variable = "INFORMATICA_USER"
    password_env: _Variable = "INFORMATICA_PASSWORD"  # noqa: S105 - the name of a variable


class Links(_Sink):
    """Informatica's links file: a zip with the lineage between two assets, to be loaded as a custom source."""

    kind: Literal["informatica-links"]
    file: str
    source: str
    target: str


class Talend(_Sink):
    """Talend Cloud datasets: custom attributes and the certification."""

    kind: Literal["talend"]
    base_url: str
    dataset_id: str
    attributes: dict[str, str] = Field(description=f"one of {', '.join(talend.VALUES)} -> the attribute's id")
    certify: bool = False
    token_env: _Variable = "TALEND_TOKEN"  # noqa: S105 - the name of a variable


SINKS: dict[str, type[_Sink]] = {
    "informatica-edc": Edc,
    "informatica-cloud": Cloud,
    "informatica-links": Links,
    "talend": Talend,
}


def publish(record: Record, config: Mapping[str, Any], *, dry_run: bool = False, pause: float = PAUSE) -> list[str]:
    """Send a record to the catalogue that the configuration names; return what was sent (or, dry, would be)."""
    kind = str(config.get("kind"))
    if kind not in SINKS:
        raise ConfigError("publish: " + unknown("kind", kind, SINKS))
    sink: Any = validated(SINKS[kind], config, f"publish {kind}")
    if isinstance(sink, Links):
        content = informatica.links_zip(sink.source, sink.target)
        if not dry_run:
            write_whole(Path(sink.file), content)
        return [f"wrote {sink.file}: {sink.source} -> {sink.target}"]
    requests = _REQUESTS[kind](record, sink)
    if dry_run:
        return [request.told() for request in requests]
    return _sent(requests, _session(sink), pause)


_REQUESTS: dict[str, Callable[[Record, Any], list[Request]]] = {
    "informatica-edc": lambda record, s: informatica.edc_requests(
        record, s.base_url, s.object_id, s.source_id, s.provider_id, s.facts
    ),
    "informatica-cloud": lambda record, s: informatica.score_requests(record, s.api_url, s.path, s.rules),
    "talend": lambda record, s: talend.requests(record, s.base_url, s.dataset_id, s.attributes, s.certify),
}


def _session(sink: Any) -> Mapping[str, str]:
    """Return the headers that prove who sends; a login, where the catalogue asks for one, happens here."""
    if isinstance(sink, Talend):
        return {"Authorization": f"Bearer {_secret(sink.token_env)}"}
    user, password = _secret(sink.user_env), _secret(sink.password_env)
    if isinstance(sink, Edc):
        return {"Authorization": informatica.basic(user, password)}
    answer = _call(informatica.login_request(sink.login_url, user, password), {}, PAUSE)
    session = answer.json().get("sessionId") if answer.content else None
    if not session:
        raise ConfigError("publish: the login gave no sessionId.")
    return {"IDS-SESSION-ID": str(session), "X-INFA-PRODUCT-ID": "CDGC"}


def _secret(name: str) -> str:
    found = os.environ.get(name)
    if not found:
        raise ConfigError(f"publish: the environment variable {name} is not set.")
    return found


def _sent(requests: Sequence[Request], headers: Mapping[str, str], pause: float) -> list[str]:
    done = []
    for request in requests:
        _call(request, headers, pause)
        done.append(request.told())
    return done


def _call(request: Request, headers: Mapping[str, str], pause: float) -> Any:
    httpx = import_extra("httpx", "governance", "publishing")
    for attempt in range(1, TRIES + 1):
        try:
            answer = httpx.request(
                request.method, request.url, json=request.body, headers=dict(headers), timeout=SECONDS
            )
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            problem = f"no answer ({type(error).__name__})"
        else:
            if answer.is_success:
                return answer
            problem = f"it answered {answer.status_code}"
            if answer.status_code in (401, 403):
                raise ConfigError(f"publish: {request.place} refused access: the credentials are wrong or expired.")
            if answer.status_code != 429 and answer.status_code < 500:
                break
        if attempt < TRIES:
            time.sleep(pause * 2 ** (attempt - 1))
    raise ConfigError(f"publish: {shown(request.place, 200)}: {problem}.")

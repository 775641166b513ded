"""The gateway's HTTP door: batches of records in, what was accepted and why the rest was not out."""

from __future__ import annotations

import hmac
import os
from typing import TYPE_CHECKING, Any

from workbench.core.errors import ConfigError, DataError, WorkbenchError, import_extra, thousands
from workbench.core.records import read_arrow, read_json, read_lines
from workbench.monitor.intake import ConflictError, Intake, Read
from workbench.monitor.metrics import CONTENT_TYPE, store_metrics

if TYPE_CHECKING:
    from fastapi import FastAPI, Request

MOST_BYTES = 32 * 2**20
TOKEN = "WORKBENCH_GATEWAY_TOKEN"  # noqa: S105 - the name of the variable, not what it holds
LOOPBACK = ("127.0.0.1", "::1", "localhost")

READERS: dict[str, Read] = {
    "application/json": read_json,
    "application/x-ndjson": read_lines,
    "application/jsonl": read_lines,
    "application/vnd.apache.arrow.stream": read_arrow,
    "application/vnd.apache.arrow.file": read_arrow,
}


class _Refused(Exception):
    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status, self.why = status, why


def create_app(intake: Intake, *, token: str | None = None) -> FastAPI:
    """Return the application: POST /v1/records, GET /healthz, GET /metrics; all but health ask for the token."""
    fastapi = import_extra("fastapi", "gateway", "the gateway")
    from starlette.concurrency import run_in_threadpool
    from starlette.middleware.trustedhost import TrustedHostMiddleware
    from starlette.responses import JSONResponse, PlainTextResponse

    app: FastAPI = fastapi.FastAPI(title="Audit Workbench gateway", docs_url=None, redoc_url=None, openapi_url=None)
    if token is None:
        # A page of another site must not reach a local gateway by a name that it points here.
        app.add_middleware(TrustedHostMiddleware, allowed_hosts=[*LOOPBACK, "[::1]"])

    async def records(request: Request) -> JSONResponse:
        status, content = await _answered(request, intake, token)
        return JSONResponse(content, status, {"Retry-After": "1"} if status == 503 else None)

    async def health() -> JSONResponse:
        problem = await run_in_threadpool(_problem, intake)
        return JSONResponse(
            {"status": "failing", "why": problem} if problem else {"status": "ok"}, 503 if problem else 200
        )

    async def metrics(request: Request) -> PlainTextResponse:
        if not _may(request, token):
            return PlainTextResponse(_NO_TOKEN, 401)
        text = await run_in_threadpool(store_metrics, intake.monitor.store)
        return PlainTextResponse(text, media_type=CONTENT_TYPE)

    # Type hints of inner functions are texts here, so FastAPI is told what the parameter is.
    for function in (records, metrics):
        function.__annotations__["request"] = fastapi.Request
    app.add_api_route("/v1/records", records, methods=["POST"], response_model=None)
    app.add_api_route("/healthz", health, methods=["GET"], response_model=None)
    app.add_api_route("/metrics", metrics, methods=["GET"], response_model=None)
    return app


_NO_TOKEN = "this gateway asks for a bearer token"  # noqa: S105 - a sentence


async def _answered(request: Request, intake: Intake, token: str | None) -> tuple[int, dict[str, Any]]:
    from starlette.concurrency import run_in_threadpool

    try:
        if not _may(request, token):
            raise _Refused(401, _NO_TOKEN)
        read, identity = _reader(request), _identity(request)
        answer = await run_in_threadpool(intake.take, await _body(request), read, identity)
    except _Refused as refused:
        return refused.status, {"error": refused.why}
    except ConflictError as error:
        return 409, {"error": str(error)}
    except DataError as error:
        return 400, {"error": str(error)}
    except Exception as error:  # noqa: BLE001, RUF100 - whatever it was, the sender must keep its batch and try again
        why = str(error) if isinstance(error, WorkbenchError) else f"not stored ({type(error).__name__})"
        return 503, {"error": f"{why}: send the batch again"}
    return 200, answer.to_dict()


def _may(request: Any, token: str | None) -> bool:
    given = request.headers.get("authorization", "").removeprefix("Bearer ")
    return token is None or hmac.compare_digest(given.encode(), token.encode())


def _reader(request: Any) -> Read:
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind not in READERS:
        raise _Refused(415, f"expected one of the content types {', '.join(READERS)}")
    return READERS[kind]


def _identity(request: Any) -> str | None:
    found = request.headers.get("idempotency-key")
    if found is not None and not 1 <= len(found) <= 200:
        raise _Refused(400, "the header Idempotency-Key must have 1 to 200 characters")
    return None if found is None else f"http:{found}"


async def _body(request: Any) -> bytes:
    parts, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > MOST_BYTES:
            raise _Refused(413, f"the body has more than {thousands(MOST_BYTES)} bytes: send several batches")
        parts.append(chunk)
    return b"".join(parts)


def _problem(intake: Intake) -> str:
    """Return why nothing could be stored, or an empty string."""
    try:
        with intake.monitor.store.writing() as tx:
            intake.monitor.store.set_meta(tx, "touched", True)
    except Exception as error:  # noqa: BLE001, RUF100 - any failure means that nothing could be stored
        return type(error).__name__
    return ""


def serve_gateway(intake: Intake, *, host: str = "127.0.0.1", port: int = 8600) -> None:
    """Serve until stopped; beyond this computer only with a token, which the environment holds."""
    uvicorn = import_extra("uvicorn", "gateway", "the gateway")
    token = os.environ.get(TOKEN) or None
    if host not in LOOPBACK and token is None:
        raise ConfigError(f"the gateway listens beyond this computer only with a token: set {TOKEN}.")
    uvicorn.run(create_app(intake, token=token), host=host, port=port, log_level="warning", server_header=False)

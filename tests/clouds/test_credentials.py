"""Credentials that a store refuses, expired or not enough: named by their variables, never shown; the work is kept."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

import workbench as wb
from tests.clouds.test_clouds import command
from workbench import demo
from workbench.audit.plan import load_plan

CODES = {
    "ExpiredToken": (400, "The provided token has expired."),
    "AccessDenied": (403, "User: arn:aws:iam::1:user/x is not authorized"),
    "InvalidAccessKeyId": (403, "The AWS Access Key Id you provided does not exist in our records."),
    "SignatureDoesNotMatch": (403, "The request signature we calculated does not match."),
    "RequestTimeTooSkewed": (403, "The difference between the request time and the current time is too large."),
}


@contextmanager
def refusing(code: str) -> Iterator[tuple[dict[str, str], list[str]]]:
    """An address that answers every request as S3 does when it refuses; HEAD has no body there."""
    status, message = CODES[code]
    body = f'<?xml version="1.0"?><Error><Code>{code}</Code><Message>{message}</Message></Error>'.encode()
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def _refuse(self) -> None:
            asked.append(self.command)
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.send_response(status)
            self.send_header("Content-Type", "application/xml")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _refuse

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield (
            {
                "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_address[1]}", "AWS_ACCESS_KEY_ID": "AKIASECRETID",
                "AWS_SECRET_ACCESS_KEY": "topsecret", "AWS_SESSION_TOKEN": "old-session-token",
                "AWS_DEFAULT_REGION": "us-east-1",
            },
            asked,
        )  # fmt: skip
    finally:
        server.shutdown()
        server.server_close()


def named_and_not_shown(told: str) -> None:
    assert "access was refused" in told
    assert "AWS_ACCESS_KEY_ID" in told
    assert "expired" in told
    for secret in ("AKIASECRETID", "topsecret", "old-session-token"):
        assert secret not in told


@pytest.mark.parametrize("code", CODES)
def test_reading_with_credentials_that_are_refused(tmp_path: Path, code: str) -> None:
    for data in ("s3://bucket/a.parquet", "s3://bucket/*.csv"):
        (tmp_path / "plan.yaml").write_text(f"data: {data}\nchecks: [quality.missing]\n")
        with refusing(code) as (env, asked):
            named_and_not_shown(command("run", tmp_path / "plan.yaml", "--no-notebook", env=env, code=2))
        assert asked


@pytest.mark.parametrize("code", ["ExpiredToken", "AccessDenied"])
def test_a_bucket_that_takes_nothing_loses_nothing(tmp_path: Path, code: str) -> None:
    """Credentials that expire while the audit runs: the bundle is kept here, whole, and the message says where."""
    plan = load_plan(demo.prepare(tmp_path / "demo"))
    (tmp_path / "plan.yaml").write_text(plan.to_yaml())
    with refusing(code) as (env, asked):
        words = ("run", tmp_path / "plan.yaml", "--no-notebook", "-o", "s3://bucket/audits/one")
        told = command(*words, env=env, code=2)
    assert asked
    named_and_not_shown(told)
    kept = told.rpartition("It is kept in ")[2].strip(" .\n")
    assert wb.verify(kept) == []

"""The gateway as a process: 200,000 records over HTTP, a kill -9 in the middle, each record once."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import yaml

from tests.monitor.streams import (
    CONTRACT,
    bodies,
    each_once_and_judged_as_a_whole,
    kept,
    plan_file,  # noqa: F401
    records,
)
from tests.servers import answers, free_port, wait_until
from workbench.core.contract import Contract, validate_batch

TOTAL, BATCH = 200_000, 2_000


@contextmanager
def gateway(plan: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "workbench", "gateway", plan, "--port", str(port)],
        stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT, env=os.environ,
    )  # fmt: skip
    try:
        wait_until(lambda: answers(port), 30, "the gateway did not start")
        yield process
    finally:
        process.terminate()
        process.wait(30)


def send(port: int, batches: dict[str, bytes]) -> list[str]:
    """Return the ids of the batches that were not answered with 200."""
    left = []
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
        for key, body in batches.items():
            try:
                headers = {"Content-Type": "application/json", "Idempotency-Key": key}
                answer = client.post("/v1/records", content=body, headers=headers)
                if answer.status_code != 200:
                    left.append(key)
            except httpx.HTTPError:
                left.append(key)
    return left


@pytest.mark.tier
@pytest.mark.services
def test_200_000_records_once_each_through_kill_9(plan_file: Path, measured):  # noqa: F811
    rows = records(TOTAL)
    whole = bodies(rows)
    batches = {f"b{at}": b"[" + b",".join(whole[at : at + BATCH]) + b"]" for at in range(0, TOTAL, BATCH)}
    names = list(batches)
    first, rest = names[:60], names[60:]
    begun = time.monotonic()
    port = free_port()
    with gateway(plan_file, port) as process:
        assert send(port, {k: batches[k] for k in first}) == []
        rate = len(first) * BATCH / (time.monotonic() - begun)
        killer = subprocess.Popen(["sh", "-c", f"sleep 0.4; kill -9 {process.pid}"])
        unanswered = send(port, {k: batches[k] for k in rest})
        killer.wait()
    assert unanswered, "the kill came too late to test anything"
    with gateway(plan_file, port):
        # A client that knows nothing of what was stored sends everything again.
        assert send(port, {k: batches[k] for k in [*first[-5:], *rest]}) == []
    seconds = time.monotonic() - begun
    accepted, quarantined = each_once_and_judged_as_a_whole(plan_file, rows)
    measured(
        f"http: {TOTAL:,} records in {seconds:.1f} s with a restart, {rate:,.0f} a second before it: "
        f"{accepted:,} accepted, {quarantined:,} quarantined"
    )
    # One sender, in order: the first of two records with one key is the one that the contract accepts.
    expected = validate_batch(rows, Contract.from_dict(CONTRACT))
    first_ones = rows[expected.accepted]
    assert sorted(kept(plan_file)[0]) == sorted(zip(first_ones["id"].tolist(), first_ones["x"].tolist(), strict=True))


def test_commands_from_contract_to_status(tmp_path: Path, plan_file: Path):  # noqa: F811
    """Infer a contract, check against it, run the monitor twice, look at it."""

    def command(*words: str | Path, code: int = 0) -> str:
        told = subprocess.run(
            [sys.executable, "-m", "workbench", *map(str, words)],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            check=False,
        )
        assert told.returncode == code, told.stderr + told.stdout
        assert "Traceback" not in told.stderr
        return told.stdout + told.stderr

    made = tmp_path / "made.yaml"
    command("contract", "infer", "reference.parquet", "-o", made, "--unique", "id", "--accept")
    rules = {(r["rule"], r.get("column")): r for r in yaml.safe_load(made.read_text())["rules"]}
    assert rules["in_set", "group"]["values"] == ["a", "b"]
    assert "rules hold on 2\u202f000 rows" in command("contract", "check", "reference.parquet", made)
    assert "exists" in command("contract", "infer", "reference.parquet", "-o", made, code=2)
    (tmp_path / "new").mkdir()
    from tests.monitor.conftest import small

    assert "holds no monitor" in command("monitor", "status", plan_file, code=2)
    small(1, rows=4000, shift=1).to_parquet(tmp_path / "new" / "a.parquet")
    worse = command("contract", "check", "new/a.parquet", made, code=1)
    assert "FAIL        x: range" in worse
    assert "ALERT fail: value-drift since 2026-01" in command("monitor", "run", plan_file, code=1)
    assert "0 new sources counted, 1 known before" in command("monitor", "run", plan_file, code=1)
    assert "FAIL" in command("monitor", "status", plan_file).upper()
    assert 'workbench_alert_open{rule="value-drift"' in command("monitor", "metrics", plan_file)
    assert "nothing waits" in command("monitor", "deliver", plan_file)
    assert "wrote 0 records" in command("monitor", "quarantine", plan_file, "-o", "q.jsonl")

"""Records that are sent to a worker through kill -9, and what must be left of them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from tests.monitor.conftest import POLICY, small
from tests.servers import wait_until
from workbench.audit.plan import load_plan
from workbench.core.contract import Contract, validate_batch
from workbench.monitor.run import Monitor

CONTRACT = {
    "columns": {
        "at": {"type": "time", "nullable": False},
        "id": {"type": "integer", "nullable": False},
        "x": {"type": "number", "minimum": -3, "maximum": 3},
        "group": {"type": "text", "allowed": ["a", "b"]},
    },
    "unique": ["id"],
}
FULL, GROUPS = 20_000, "records"


def records(count: int) -> pd.DataFrame:
    """Return records of one month; a tenth has the id of another one, a twentieth a value out of range."""
    rng = np.random.default_rng(7)
    rows = small(1, rows=count)
    return rows.assign(x=rng.normal(0, 1.5, count), id=rng.permutation(np.arange(count)) % (count * 9 // 10))


def bodies(rows: pd.DataFrame) -> list[bytes]:
    plain = rows.assign(at=rows["at"].map(lambda t: t.isoformat())).to_dict("records")
    return [json.dumps(r).encode() for r in plain]


@pytest.fixture
def plan_file(tmp_path: Path) -> Path:
    small(0, rows=2000).to_parquet(tmp_path / "reference.parquet")
    (tmp_path / "contract.yaml").write_text(yaml.safe_dump(CONTRACT))
    plan = {
        "title": "Stream", "data": "new/*.parquet", "reference": "reference.parquet", "time": "at", "id": "id",
        "sensitive": ["group"], "checks": ["drift.numeric"], "policy": POLICY, "contract": "contract.yaml",
        "monitor": {"store": "store", "windows": {"by": "month"}},
    }  # fmt: skip
    (tmp_path / "plan.yaml").write_text(yaml.safe_dump(plan))
    return tmp_path / "plan.yaml"


@contextmanager
def worker(plan: Path, url: str, name: str, env: dict[str, str] | None = None) -> Iterator[subprocess.Popen[str]]:
    command = [
        sys.executable,
        "-m",
        "workbench",
        "gateway",
        plan,
        "--broker",
        url,
        "--stream",
        GROUPS,
        "--consumer",
        name,
    ]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env={**os.environ, **(env or {})}
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "consuming", process.stdout.read()
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(10)
        process.stdout.close()


def state(plan: Path) -> tuple[int, int]:
    monitor = Monitor(load_plan(plan))
    try:
        with monitor.store.writing() as tx:
            pending = tx.exec_driver_sql("SELECT coalesce(sum(rows), 0) FROM accepted").scalar_one()
            quarantined = tx.exec_driver_sql("SELECT count(*) FROM quarantine").scalar_one()
            return pending + monitor.store.arrived(tx), quarantined
    finally:
        monitor.store.close()


Known = dict[tuple[int, float], list[str]]


def kept(plan: Path) -> tuple[list[tuple[int, float]], Known]:
    """Return (id, x) of every accepted record wherever it lies, and of every quarantined one with its reasons."""
    monitor = Monitor(load_plan(plan))
    try:
        with monitor.store.writing() as tx:
            waiting = [bytes(r[0]) for r in tx.exec_driver_sql("SELECT data FROM accepted").fetchall()]
            names = [r[0] for r in tx.exec_driver_sql("SELECT name FROM sources").fetchall()]
            refused = tx.exec_driver_sql("SELECT record, reasons FROM quarantine").fetchall()
        tables = [pa.ipc.open_stream(data).read_all() for data in waiting]
        tables += [pq.read_table(monitor.store.folder / "accepted" / name) for name in names]
    finally:
        monitor.store.close()
    accepted = [pair for t in tables for pair in zip(t["id"].to_pylist(), t["x"].to_pylist(), strict=True)]
    told = [(json.loads(record), json.loads(reasons)) for record, reasons in refused]
    quarantined = {(record["id"], record["x"]): reasons for record, reasons in told}
    assert len(quarantined) == len(told), "a record is in quarantine twice"
    return accepted, quarantined


def each_once_and_judged_as_a_whole(plan: Path, rows: pd.DataFrame) -> tuple[int, int]:
    """Hold every record that is kept against what was sent; return how many were accepted and quarantined.

    Which of two records with one key arrives first is the broker's affair; that one of them is accepted is not.
    """
    accepted, quarantined = kept(plan)
    sent = list(zip(rows["id"].tolist(), rows["x"].tolist(), strict=True))
    assert sorted([*accepted, *quarantined]) == sorted(sent)
    assert len({id_ for id_, _ in accepted}) == len(accepted)
    whole = validate_batch(rows, Contract.from_dict(CONTRACT))
    wrong = {sent[at]: without_key(reasons) for at, reasons in whole.reasons().items()}
    assert {k: without_key(v) for k, v in quarantined.items() if without_key(v)} == {
        k: v for k, v in wrong.items() if v
    }
    assert len(accepted) == int(whole.accepted.sum())
    assert (len(accepted), len(quarantined)) == state(plan)
    return len(accepted), len(quarantined)


def without_key(reasons: list[str]) -> list[str]:
    return sorted(r for r in reasons if r != "id: unique")


def through(plan: Path, url: str, send, rows: pd.DataFrame, measured) -> None:
    """Send everything, kill the first worker with -9 in the middle, and let a second one finish."""
    whole = bodies(rows)
    send(whole[: len(whole) // 4])
    begun = time.monotonic()
    with worker(plan, url, "one") as first:
        wait_until(lambda: sum(state(plan)) > 0, 60, "the first worker took nothing")
        send(whole[len(whole) // 4 :])
        time.sleep(0.3)
        first.kill()
        first.wait()
    before = sum(state(plan))
    with worker(plan, url, "two"):
        again = time.monotonic()
        wait_until(lambda: sum(state(plan)) >= len(whole), 150, f"only {state(plan)} of {len(whole)} arrived")
        seconds, after = time.monotonic() - begun, time.monotonic() - again
        time.sleep(1)  # for what would come twice
    assert 0 < before < len(whole), "the kill came too late to test anything"
    accepted, quarantined = each_once_and_judged_as_a_whole(plan, rows)
    measured(
        f"{url.partition(':')[0]}: {len(whole):,} records in {seconds:.1f} s, {before:,} of them before kill -9: "
        f"{accepted:,} accepted, {quarantined:,} quarantined; {(len(whole) - before) / after:,.0f} a second after it"
    )

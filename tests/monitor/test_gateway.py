"""The HTTP door: accepted and quarantined, each once, durable, counted; hostile bodies; a token."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from starlette.testclient import TestClient

from tests.monitor.conftest import small
from workbench.core.contract import Contract, validate_batch
from workbench.core.errors import ConfigError
from workbench.monitor.gateway import create_app, serve_gateway
from workbench.monitor.intake import Intake
from workbench.monitor.run import Monitor

CONTRACT = Contract.from_dict(
    {
        "columns": {
            "at": {"type": "time", "nullable": False},
            "id": {"type": "integer", "nullable": False},
            "x": {"type": "number", "minimum": -3, "maximum": 3},
            "group": {"type": "text", "allowed": ["a", "b"]},
        },
        "unique": ["id"],
    }
)


@pytest.fixture
def monitor(stream):
    _, plan = stream
    return Monitor(plan())


@pytest.fixture
def client(monitor):
    with TestClient(create_app(Intake(monitor, CONTRACT)), base_url="http://127.0.0.1") as found:
        yield found


def as_json(frame: pd.DataFrame) -> list[dict]:
    rows = frame.assign(at=frame["at"].map(lambda t: t.isoformat())).to_dict("records")
    return json.loads(json.dumps(rows))


def post(client, records, key=None, **headers):
    extra = {} if key is None else {"Idempotency-Key": key}
    return client.post("/v1/records", json=records, headers={**extra, **headers})


def state(monitor):
    with monitor.store.writing() as tx:
        count = {t: tx.exec_driver_sql(f"SELECT count(*) FROM {t}").scalar_one() for t in ("quarantine", "keys")}
        rows = tx.exec_driver_sql("SELECT coalesce(sum(rows), 0) FROM accepted").scalar_one()
        return {**count, "pending": rows, "counted": monitor.store.arrived(tx)}


def test_records_are_accepted_or_quarantined_with_reasons(client, monitor):
    rows = as_json(small(1, rows=50))
    rows[3]["x"] = 99
    rows[4]["group"] = None
    rows[5] = rows[0]
    answer = post(client, rows)
    assert answer.status_code == 200
    assert answer.json() == {
        "accepted": 48, "quarantined": 2, "repeated": False, "reasons": {"3": ["x: maximum 3"], "5": ["id: unique"]},
    }  # fmt: skip
    assert state(monitor) == {"quarantine": 2, "keys": 48, "pending": 48, "counted": 0}


def test_a_batch_that_comes_again_has_no_effect_twice(client, monitor):
    rows = as_json(small(1, rows=20))
    first = post(client, rows, key="one")
    again = post(client, rows, key="one")
    assert first.json()["accepted"] == again.json()["accepted"] == 20
    assert (first.json()["repeated"], again.json()["repeated"]) == (False, True)
    assert state(monitor)["pending"] == 20
    other = post(client, rows[:3], key="one")
    assert other.status_code == 409
    assert "other content" in other.json()["error"]


def test_accepted_records_are_counted_into_their_windows_as_a_file_would_be(client, monitor, stream):
    folder, plan = stream
    rows = pd.concat([small(1, rows=300), small(2, rows=300, start="2026-02-01")]).sample(frac=1, random_state=1)
    rows["x"] = rows["x"].clip(-3, 3)
    for at in range(0, 600, 100):
        assert post(client, as_json(rows[at : at + 100])).json()["accepted"] == 100
    intake = Intake(monitor, CONTRACT)
    assert intake.count_accepted() == 600
    report = monitor.run(close=True)
    rows.to_parquet(folder / "same.parquet")
    twin = Monitor(plan(monitor={"store": str(folder.parent / "other")}))
    assert [w.digest for w in twin.run(close=True).judged] == [w.digest for w in report.judged]
    kept = pd.concat(map(pd.read_parquet, sorted((monitor.store.folder / "accepted").glob("*.parquet"))))
    assert sorted(kept["id"]) == sorted(rows["id"])


def test_verdicts_are_those_of_the_contract_on_the_whole(client, monitor):
    rng = np.random.default_rng(0)
    rows = small(1, rows=3000).assign(x=rng.normal(0, 2, 3000), id=rng.integers(0, 2000, 3000))
    whole = validate_batch(rows, CONTRACT)
    answers = [post(client, as_json(rows[at : at + 250])).json() for at in range(0, 3000, 250)]
    assert sum(a["accepted"] for a in answers) == whole.accepted.sum()
    with monitor.store.writing() as tx:
        reasons = [r[0] for r in tx.exec_driver_sql("SELECT reasons FROM quarantine ORDER BY id").fetchall()]
    assert [json.loads(r) for r in reasons] == list(whole.reasons().values())


def test_json_lines_and_arrow(client):
    rows = small(1, rows=10)
    lines = rows.to_json(orient="records", lines=True, date_format="iso", date_unit="us") + "{broken\n"
    answer = client.post("/v1/records", content=lines, headers={"Content-Type": "application/x-ndjson"})
    assert (answer.json()["accepted"], answer.json()["quarantined"]) == (10, 1)
    table = pa.Table.from_pandas(small(2, rows=10), preserve_index=False)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    kind = {"Content-Type": "application/vnd.apache.arrow.stream"}
    answer = client.post("/v1/records", content=sink.getvalue().to_pybytes(), headers=kind)
    assert answer.json()["accepted"] == 10


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"{", "application/json", 400),
        (b"\xff", "application/json", 400),
        (b"[" * 50_000, "application/json", 400),
        (b'[{"id": NaN}]', "application/json", 400),
        (b"x", "application/vnd.apache.arrow.stream", 400),
        (b"[]", "text/plain", 415),
        (b"[]", "", 415),
        (b" " * (33 * 2**20), "application/json", 413),
    ],
)
def test_hostile_bodies_are_refused_and_leave_nothing(client, monitor, content, kind, status):
    answer = client.post("/v1/records", content=content, headers={"Content-Type": kind})
    assert answer.status_code == status
    assert state(monitor) == {"quarantine": 0, "keys": 0, "pending": 0, "counted": 0}


def test_an_empty_batch_is_well(client):
    assert post(client, []).json()["accepted"] == 0


def test_no_other_site_and_no_one_without_the_token(monitor):
    intake = Intake(monitor, CONTRACT)
    with TestClient(create_app(intake), base_url="http://evil.example.org") as client:
        assert post(client, []).status_code == 400
    with TestClient(create_app(intake, token="secret"), base_url="http://any.example.org") as client:
        assert post(client, []).status_code == 401
        assert post(client, [], Authorization="Bearer wrong").status_code == 401
        assert post(client, [], Authorization="Bearer secret").status_code == 200
        assert client.get("/metrics").status_code == 401
        assert client.get("/healthz").status_code == 200
    with pytest.raises(ConfigError, match="only with a token"):
        serve_gateway(intake, host="0.0.0.0")  # noqa: S104


def test_health_and_metrics(client, monitor):
    post(client, as_json(small(1, rows=10)))
    assert client.get("/healthz").json() == {"status": "ok"}
    text = client.get("/metrics").text
    assert 'workbench_records{state="accepted"} 10.0' in text
    assert text.endswith("# EOF\n")


def test_what_cannot_be_stored_is_to_be_sent_again(client, monitor, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Intake, "_commit", full)
    answer = post(client, as_json(small(1, rows=5)), key="k")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "1"
    monkeypatch.undo()
    assert post(client, as_json(small(1, rows=5)), key="k").json()["repeated"] is False


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"x": None}, "unknown column 'x'"),
        ({"x": {"type": "text"}}, "holds text values, the baseline number"),
        ({"at": {"type": "text"}}, "text values, the baseline time"),
    ],
)
def test_a_contract_that_does_not_fit_the_baseline_is_told_before_serving(monitor, change, text):
    columns = {k: v for k, v in {**CONTRACT.to_dict()["columns"], **change}.items() if v is not None}
    with pytest.raises(ConfigError, match=text):
        Intake(monitor, Contract.from_dict({"columns": columns}))

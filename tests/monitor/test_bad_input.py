"""What goes wrong in operation: a clear error, nothing lost, nothing counted twice."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
import yaml
from starlette.testclient import TestClient

from tests.monitor.conftest import small
from tests.monitor.receivers import Receiver
from tests.monitor.test_gateway import CONTRACT, as_json, client, monitor, post, state  # noqa: F401
from tests.monitor.test_monitor import FEBRUARY, windows
from workbench.core.contract import Contract
from workbench.core.errors import ConfigError, DataError
from workbench.core.records import read_lines
from workbench.monitor.gateway import create_app
from workbench.monitor.intake import Intake
from workbench.monitor.run import Monitor

# ---------------------------------------------------------------------------- malformed and hostile JSON


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{",
        b'{"id": 1',
        b"\xff\xfe{}",
        b"\x00",
        b"[" * 100_000,
        b'{"a":' * 50_000,
        b'{"id": NaN, "at": "2026-01-01", "x": 0, "group": "a"}',
        b'{"id": 1e400, "at": "2026-01-01", "x": 0, "group": "a"}',
        b'{"id": 1, "at": "2026-01-01", "x": 1e999, "group": "a"}',
        b'{"id": ' + b"9" * 5_000 + b', "at": "2026-01-01", "x": 0, "group": "a"}',
        b'{"id": true, "at": "2026-01-01", "x": 0, "group": "a"}',
        b'{"id": 1, "at": "0000-00-00", "x": 0, "group": "a"}',
        b'{"id": 1, "at": "2026-01-01", "x": 0, "group": "\\ud800"}',
        b'{"id": 1, "at": "2026-01-01", "x": 0, "group": {"$where": "1"}}',
        b'{"__proto__": {}, "id": null}',
        b"null",
        b'"text"',
    ],
)
def test_a_line_that_is_no_record_is_quarantined_and_stops_nothing(client, monitor, line):  # noqa: F811
    good = [json.dumps(r).encode() for r in as_json(small(1, rows=2))]
    kind = {"Content-Type": "application/x-ndjson"}
    answer = client.post("/v1/records", content=b"\n".join([good[0], line or b"0", good[1]]), headers=kind)
    assert answer.status_code == 200
    assert (answer.json()["accepted"], answer.json()["quarantined"]) == (2, 1)
    assert list(answer.json()["reasons"]) == ["1"]
    assert state(monitor) == {"quarantine": 1, "keys": 2, "pending": 2, "counted": 0}
    assert Intake(monitor, CONTRACT).count_accepted() == 2
    assert windows(monitor)["2026-01"].rows == 2


# ---------------------------------------------------------------------------- missing id


def test_records_without_their_key_are_quarantined_with_the_reason(client, monitor):  # noqa: F811
    rows = as_json(small(1, rows=4))
    del rows[1]["id"]
    rows[2]["id"] = None
    answer = post(client, rows).json()
    assert (answer["accepted"], answer["quarantined"]) == (2, 2)
    assert answer["reasons"] == {"1": ["id: required", "id: not null"], "2": ["id: not null"]}
    assert state(monitor)["pending"] == 2


def test_a_batch_without_an_id_that_comes_again_is_known_by_its_records(client, monitor):  # noqa: F811
    rows = as_json(small(1, rows=30))
    assert post(client, rows).json()["accepted"] == 30
    again = post(client, rows).json()
    assert (again["accepted"], again["quarantined"], again["repeated"]) == (0, 30, False)
    assert set(map(tuple, again["reasons"].values())) == {("id: unique",)}
    assert Intake(monitor, CONTRACT).count_accepted() == 30


def test_messages_that_a_broker_delivers_again_have_no_effect(monitor):  # noqa: F811
    messages = [(f"redis:s:{i}", json.dumps(r).encode()) for i, r in enumerate(as_json(small(1, rows=20)))]
    messages.append(("redis:s:20", b"{"))
    intake = Intake(monitor, Contract.from_dict({**CONTRACT.to_dict(), "unique": []}))
    assert intake.take_messages(messages[:15], read_lines) == (15, 0, 0)
    assert intake.take_messages(messages[10:], read_lines) == (5, 1, 5)
    assert intake.take_messages(messages, read_lines) == (0, 0, 21)
    assert (state(monitor)["pending"], state(monitor)["quarantine"]) == (20, 1)


def test_files_without_the_id_column_are_refused(stream):
    folder, plan = stream
    small(1).drop(columns="id").to_parquet(folder / "a.parquet")
    with pytest.raises(DataError, match="unknown column 'id'"):
        Monitor(plan()).run(now=FEBRUARY)
    assert windows(Monitor(plan())) == {}


# ---------------------------------------------------------------------------- the schema changes mid-stream


def test_a_schema_that_changes_mid_stream_quarantines_what_no_longer_fits(client, monitor, stream):  # noqa: F811
    """A value's type, a column's name and an Arrow schema change between batches; what fits counts as before."""
    folder, plan = stream
    rows = small(1, rows=60)
    rows["x"] = rows["x"].clip(-3, 3)
    assert post(client, as_json(rows[:20])).json()["accepted"] == 20
    as_text = [{**r, "x": str(r["x"])} for r in as_json(rows[20:30])]
    renamed = [{"amount" if k == "id" else k: v for k, v in r.items()} for r in as_json(rows[20:30])]
    told = [post(client, changed).json() for changed in (as_text, renamed)]
    table = pa.Table.from_pandas(rows[20:30].assign(id=lambda f: f["id"].astype(str)), preserve_index=False)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    kind = {"Content-Type": "application/vnd.apache.arrow.stream"}
    told.append(client.post("/v1/records", content=sink.getvalue().to_pybytes(), headers=kind).json())
    assert [(t["accepted"], t["quarantined"]) for t in told] == [(0, 10)] * 3
    first = [t["reasons"]["0"] for t in told]
    assert first == [["x: type number"], ["id: required", "id: not null"], ["id: type integer", "id: not null"]]
    assert post(client, as_json(rows[20:])).json()["accepted"] == 40
    Intake(monitor, CONTRACT).count_accepted()
    report = monitor.run(now=FEBRUARY)
    rows.to_parquet(folder / "same.parquet")
    twin = Monitor(plan(monitor={"store": str(folder.parent / "other")}))
    assert [w.digest for w in twin.run(now=FEBRUARY).judged] == [w.digest for w in report.judged]


def test_a_file_of_another_schema_among_good_ones_leaves_what_was_counted(stream):
    folder, plan = stream
    small(1).to_parquet(folder / "a.parquet")
    small(2).rename(columns={"x": "amount"}).to_parquet(folder / "b.parquet")
    for _ in range(2):
        with pytest.raises(DataError, match="the schema has changed"):
            Monitor(plan()).run(now=FEBRUARY)
        assert windows(Monitor(plan()))["2026-01"].rows == 400
    small(2).to_parquet(folder / "b.parquet")
    assert Monitor(plan()).run(now=FEBRUARY).counted == ("b.parquet",)
    assert windows(Monitor(plan()))["2026-01"].rows == 800


# ---------------------------------------------------------------------------- windows that overlap


@pytest.mark.parametrize("cut", [{"by": "month"}, {"by": "day"}, {"rows": 150}])
def test_files_whose_rows_overlap_are_refused_and_nothing_is_counted_twice(stream, cut):
    """An export of days 1 to 20 and one of days 10 to 31: the second holds rows of the first."""
    folder, plan = stream
    rows = small(1, rows=600)
    rows[:400].to_parquet(folder / "a.parquet")
    rows[300:].to_parquet(folder / "b.parquet")
    chosen = plan(monitor={"windows": cut})
    for _ in range(2):
        with pytest.raises(DataError, match=r"'b\.parquet' holds 100 rows that came before with the same 'id'"):
            Monitor(chosen).run(now=FEBRUARY)
        assert sum(w.rows for w in windows(Monitor(chosen)).values()) == 400
    rows[400:].to_parquet(folder / "b.parquet")
    Monitor(chosen).run(now=FEBRUARY)
    assert sum(w.rows for w in windows(Monitor(chosen)).values()) == 600


def test_without_an_id_equal_rows_of_two_files_are_duplicates(stream):
    folder, plan = stream
    rows = small(1, rows=300)
    rows[:200].to_parquet(folder / "a.parquet")
    rows[150:].to_parquet(folder / "b.parquet")
    watch = Monitor(plan(id=None))
    (window,) = watch.run(now=FEBRUARY).judged
    with watch.store.writing() as tx:
        found = watch.store.record(tx, window.number).measures()
    repeated = next(m.value for _, m in found if m.name == "duplicate_rows")
    assert (window.rows, repeated) == (350, 50)


@pytest.mark.parametrize("cut", [{"by": "month", "rows": 100}, {}, {"rows": 0}, {"by": "fortnight"}])
def test_windows_that_are_cut_in_no_or_two_ways_are_refused(stream, cut):
    _, plan = stream
    with pytest.raises(ConfigError, match="windows"):
        plan(monitor={"windows": cut})


# ---------------------------------------------------------------------------- a clock that goes backwards


def test_records_from_the_past_and_a_clock_that_went_back(stream, monkeypatch):
    """The gateway's records of an earlier month, after it was judged, are a new revision; nothing reopens."""
    from workbench.monitor import run

    _, plan = stream
    watch = Monitor(plan())
    with TestClient(create_app(Intake(watch, CONTRACT)), base_url="http://127.0.0.1") as door:
        for seed, start in ((1, "2026-01-01"), (2, "2026-02-01")):
            rows = small(seed, rows=100, start=start)
            assert post(door, as_json(rows.assign(x=rows["x"].clip(-3, 3)))).json()["accepted"] == 100
        Intake(watch, CONTRACT).count_accepted()
        assert [w.label for w in watch.run(now=FEBRUARY).judged] == ["2026-01"]
        monkeypatch.setattr(run, "_now", lambda: FEBRUARY.replace(year=2020))
        late = small(3, rows=50)
        assert post(door, as_json(late.assign(x=late["x"].clip(-3, 3)))).json()["accepted"] == 50
        Intake(watch, CONTRACT).count_accepted()
    assert [(w.label, w.rows) for w in watch.run().judged] == [("2026-01", 150)]
    found = windows(watch)
    assert (found["2026-01"].revision, found["2026-01"].closed) == (2, True)
    assert (found["2026-02"].rows, found["2026-02"].closed) == (100, False)
    assert watch.run().judged == ()


def test_a_period_that_was_over_is_over_though_the_clock_went_back(stream):
    folder, plan = stream
    assert Monitor(plan()).run(now=FEBRUARY).judged == ()
    small(1).to_parquet(folder / "a.parquet")
    assert [w.label for w in Monitor(plan()).run(now=FEBRUARY.replace(month=1)).judged] == ["2026-01"]


# ---------------------------------------------------------------------------- two monitors at once


def test_two_monitor_processes_at_once_count_once_and_tell_once(stream, tmp_path: Path):
    folder, plan = stream
    for month in (1, 2):
        for i in range(4):
            rows = small(10 * month + i, rows=1500, shift=1, start=f"2026-{month:02d}-01")
            rows.to_parquet(folder / f"{month}-{i}.parquet")
    receiver = Receiver()
    try:
        channel = {"kind": "webhook", "url": receiver.url}
        content = plan(monitor={"channels": [channel]}).model_dump(mode="json", exclude_none=True)
        (tmp_path / "plan.yaml").write_text(yaml.safe_dump(content))
        command = [sys.executable, "-m", "workbench", "monitor", "run", tmp_path / "plan.yaml", "--close", "--json"]
        processes = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(3)]
        told = [p.communicate(timeout=240) for p in processes]
        assert [p.returncode for p in processes] == [1, 1, 1], told  # an alert is open
        reports = [json.loads(out) for out, _ in told]
        assert sorted(name for r in reports for name in r["counted"]) == sorted(p.name for p in folder.iterdir())
        found = windows(Monitor(plan(monitor={"channels": [channel]})))
        assert {label: w.rows for label, w in found.items()} == {"2026-01": 6000, "2026-02": 6000}
        assert [b["event"] for b in receiver.bodies()] == ["opened"]
    finally:
        receiver.close()


# ---------------------------------------------------------------------------- a place that takes nothing


def test_a_store_that_cannot_be_made_or_read_is_one_sentence(stream, tmp_path: Path):
    _, plan = stream
    (tmp_path / "file").write_text("mine")
    with pytest.raises(ConfigError, match="cannot be made"):
        Monitor(plan(monitor={"store": str(tmp_path / "file" / "store")}))
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "monitor.sqlite").write_bytes(b"nothing of the kind" * 100)
    with pytest.raises(ConfigError, match="cannot be used"):
        Monitor(plan(monitor={"store": str(tmp_path / "broken")}))
    assert (tmp_path / "file").read_text() == "mine"


def test_a_disk_that_is_full_while_counting_loses_nothing(client, monitor, monkeypatch):  # noqa: F811
    """What was accepted stays accepted until its counts and its file are both there."""
    from workbench.monitor import intake

    rows = small(1, rows=40)
    assert post(client, as_json(rows.assign(x=rows["x"].clip(-3, 3)))).json()["accepted"] == 40

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(intake, "write_whole", full)
    with pytest.raises(OSError, match="No space"):
        Intake(monitor, CONTRACT).count_accepted()
    assert (state(monitor)["pending"], state(monitor)["counted"]) == (40, 0)
    monkeypatch.undo()
    assert Intake(monitor, CONTRACT).count_accepted() == 40
    assert (state(monitor)["pending"], state(monitor)["counted"]) == (0, 40)
    kept = pd.concat(map(pd.read_parquet, (monitor.store.folder / "accepted").glob("*.parquet")))
    assert sorted(kept["id"]) == sorted(rows["id"])

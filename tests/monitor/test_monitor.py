"""Windows, baseline, repetition, late rows, alerts."""

from __future__ import annotations

import shutil
import sqlite3
import threading
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from tests.monitor.conftest import POLICY, small
from workbench.audit.plan import plan_of
from workbench.core.errors import ConfigError, DataError
from workbench.core.windowed import to_bytes
from workbench.monitor.recut import take_counts
from workbench.monitor.run import Monitor
from workbench.monitor.store import Store, _engine

FEBRUARY = datetime(2026, 2, 15, tzinfo=UTC)


def windows(monitor: Monitor):
    with monitor.store.writing() as tx:
        return {w.label: w for w in monitor.store.windows(tx)}


def record(monitor: Monitor, label: str):
    with monitor.store.writing() as tx:
        return monitor.store.record(tx, windows_number(monitor, tx, label))


def windows_number(monitor, tx, label):
    return next(w.number for w in monitor.store.windows(tx) if w.label == label)


def test_a_windows_record_is_the_audit_of_its_rows(stream, tmp_path):
    """Cut, counted in parts and added up, a window has the digest of an audit of the same rows."""
    folder, plan = stream
    january, february = small(1), small(2, start="2026-02-01")
    mixed = pd.concat([january, february]).sample(frac=1, random_state=0)
    mixed[:300].to_parquet(folder / "a.parquet")
    mixed[300:].to_parquet(folder / "b.parquet")
    monitor = Monitor(plan())
    report = monitor.run(now=datetime(2026, 3, 1, tzinfo=UTC))
    assert report.counted == ("a.parquet", "b.parquet")
    assert [w.label for w in report.judged] == ["2026-01", "2026-02"]
    for label, rows in (("2026-01", january), ("2026-02", february)):
        content = plan().arguments() | {"data": rows, "reference": str(tmp_path / "reference.parquet")}
        assert wb.Audit(**content).run().digest == record(monitor, label).digest
        assert wb.verify(tmp_path / "store" / "windows" / label) == []


def test_running_again_changes_nothing_and_needs_no_reference(stream, tmp_path):
    folder, plan = stream
    small(1).to_parquet(folder / "a.parquet")
    first = Monitor(plan())
    assert first.run(now=FEBRUARY).judged
    before = windows(first)
    (tmp_path / "reference.parquet").unlink()
    shutil.copy(folder / "a.parquet", folder / "again-under-another-name.parquet")
    second = Monitor(plan())
    report = second.run(now=FEBRUARY)
    assert report.counted == ()
    assert report.skipped == ("a.parquet", "again-under-another-name.parquet")
    assert report.judged == ()
    assert windows(second) == before


def test_an_open_window_waits_and_a_clock_that_goes_back_reopens_nothing(stream):
    folder, plan = stream
    small(1).to_parquet(folder / "a.parquet")
    monitor = Monitor(plan())
    assert monitor.run(now=datetime(2026, 1, 20, tzinfo=UTC)).judged == ()
    assert not windows(monitor)["2026-01"].closed
    assert len(monitor.run(now=FEBRUARY).judged) == 1
    small(2).to_parquet(folder / "late.parquet")
    assert [w.label for w in monitor.run(now=datetime(2025, 6, 1, tzinfo=UTC)).judged] == ["2026-01"]
    late = windows(monitor)["2026-01"]
    assert (late.revision, late.rows, late.closed) == (2, 800, True)


def test_a_later_window_or_asking_closes_one(stream):
    folder, plan = stream
    small(1).to_parquet(folder / "a.parquet")
    small(2, start="2026-02-01").to_parquet(folder / "b.parquet")
    monitor = Monitor(plan())
    assert [w.label for w in monitor.run(now=datetime(2026, 1, 2, tzinfo=UTC)).judged] == ["2026-01"]
    assert [w.label for w in monitor.run(now=datetime(2026, 1, 2, tzinfo=UTC), close=True).judged] == ["2026-02"]


def test_windows_of_rows_are_cut_across_files(stream):
    folder, plan = stream
    rows = small(1, rows=1000)
    rows[:450].to_parquet(folder / "a.parquet")
    rows[450:].to_parquet(folder / "b.parquet")
    monitor = Monitor(plan(monitor={"windows": {"rows": 300}}))
    monitor.run(now=FEBRUARY)
    found = windows(monitor)
    assert [w.rows for w in found.values()] == [300, 300, 300, 100]
    assert [w.closed for w in found.values()] == [True, True, True, False]
    content = plan().arguments() | {"data": rows[300:600]}
    assert wb.Audit(**content).run().digest == found["rows-000000301-000000600"].digest


def test_alert_opens_after_k_windows_is_one_and_resolves(stream):
    folder, plan = stream
    channel = {"kind": "webhook", "url": "http://127.0.0.1:9/"}
    chosen = plan(monitor={"alert_after": 2, "channels": [channel]})
    shifts = [0, 1, 1, 1, 0, 1, 0]
    seen = []
    for month, shift in enumerate(shifts, 1):
        small(month, rows=4000, shift=shift, start=f"2026-{month:02d}-01").to_parquet(folder / f"{month}.parquet")
        report = Monitor(chosen).run(now=datetime(2026, month + 1, 1, tzinfo=UTC))
        seen.append(len(report.open_alerts))
    assert seen == [0, 0, 1, 1, 0, 0, 0]
    (alert,) = report.alerts
    assert (alert.since, alert.opened, alert.last, alert.resolved) == ("2026-02", "2026-03", "2026-04", "2026-05")
    assert (alert.windows, alert.severity) == (3, "fail")
    with Store(chosen.monitor.store).writing() as tx:
        sent = tx.exec_driver_sql("SELECT id, message FROM outbox ORDER BY seq").fetchall()
    assert [i.rsplit("-", 1)[1] for i, _ in sent] == ["opened", "resolved"]
    assert "model card 4.2" in sent[0][1]


def test_late_rows_that_undo_an_alert_withdraw_it(stream):
    folder, plan = stream
    chosen = plan(monitor={"channels": [{"kind": "webhook", "url": "http://127.0.0.1:9/"}]})
    small(1, rows=100, shift=2).to_parquet(folder / "a.parquet")
    assert Monitor(chosen).run(now=FEBRUARY).open_alerts
    small(2, rows=20_000).to_parquet(folder / "b.parquet")
    assert Monitor(chosen).run(now=FEBRUARY).alerts == ()
    with Store(chosen.monitor.store).writing() as tx:
        sent = [r[0] for r in tx.exec_driver_sql("SELECT message FROM outbox ORDER BY seq").fetchall()]
    assert len(sent) == 2
    assert "withdrawn" in sent[1]


def test_another_policy_judges_the_stored_counts_anew(stream):
    folder, plan = stream
    small(1, shift=1).to_parquet(folder / "a.parquet")
    assert Monitor(plan()).run(now=FEBRUARY).judged[0].outcome == "fail"
    (folder / "a.parquet").unlink()
    easy = {**POLICY, "rules": [{**POLICY["rules"][0], "limit": 0.9}]}
    report = Monitor(plan(policy=easy)).run(now=FEBRUARY)
    assert [w.outcome for w in report.judged] == ["pass"]


def test_a_plan_that_counts_otherwise_is_refused(stream):
    folder, plan = stream
    small(1).to_parquet(folder / "a.parquet")
    Monitor(plan()).run(now=FEBRUARY)
    with pytest.raises(ConfigError, match="under other windows"):
        Monitor(plan(monitor={"windows": {"by": "day"}}))
    with pytest.raises(ConfigError, match="under other roles"):
        Monitor(plan(sensitive=[]))


def test_a_schema_change_is_refused_and_nothing_is_counted(stream):
    folder, plan = stream
    small(1).rename(columns={"x": "y"}).to_parquet(folder / "a.parquet")
    with pytest.raises(DataError, match="unknown column 'x'"):
        Monitor(plan()).run(now=FEBRUARY)
    small(1).assign(x="text").to_parquet(folder / "a.parquet")
    with pytest.raises(DataError, match="holds text values, the baseline number"):
        Monitor(plan()).run(now=FEBRUARY)
    assert windows(Monitor(plan())) == {}
    small(1).to_parquet(folder / "a.parquet")
    assert Monitor(plan()).run(now=FEBRUARY).judged


def test_a_file_that_has_grown_is_refused_and_nothing_is_counted_twice(stream):
    folder, plan = stream
    small(1).to_parquet(folder / "a.parquet")
    Monitor(plan()).run(now=FEBRUARY)
    pd.concat([small(1), small(2)]).to_parquet(folder / "a.parquet")
    with pytest.raises(DataError, match="was counted before with other content"):
        Monitor(plan()).run(now=FEBRUARY)
    assert windows(Monitor(plan()))["2026-01"].rows == 400


def test_two_monitors_at_once_count_nothing_twice(stream):
    folder, plan = stream
    for i in range(6):
        small(i, start="2026-01-01").to_parquet(folder / f"{i}.parquet")
    found, failed = [], []

    def work():
        try:
            found.append(Monitor(plan()).run(now=FEBRUARY))
        except Exception as error:  # noqa: BLE001, RUF100 - whatever it was must fail the test
            failed.append(error)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert failed == []
    assert sum(len(r.counted) for r in found) == 6
    assert windows(Monitor(plan()))["2026-01"].rows == 2400


def test_a_new_store_waits_for_who_begins_it_too(tmp_path):
    with closing(sqlite3.connect(tmp_path / "store", isolation_level=None, check_same_thread=False)) as other:
        other.execute("CREATE TABLE begun (x)")
        engine = _engine(tmp_path / "store")
        other.execute("BEGIN IMMEDIATE")
        threading.Timer(0.5, lambda: other.execute("COMMIT")).start()
        with engine.begin() as tx:
            assert tx.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
            assert tx.exec_driver_sql("SELECT count(*) FROM begun").scalar() == 0


def test_rows_without_a_time_are_told_and_never_judged(stream):
    folder, plan = stream
    small(1).assign(at=lambda f: f["at"].where(f.index > 9)).to_parquet(folder / "a.parquet")
    monitor = Monitor(plan())
    report = monitor.run(now=FEBRUARY)
    assert report.notes == ("10 rows have no time and are in no window",)
    assert windows(monitor)["2026-01"].rows == 390
    assert not windows(monitor)["undated"].closed


@pytest.mark.cases
def test_car_loan_alerts_open_at_the_documented_change(shared_data: Path, tmp_path: Path):
    """S07: the change is at analysis row 25,000, chunk 5 of 0 to 9; then the first half comes again."""
    place = shared_data / "car-loan"
    analysis = pd.read_csv(place / "synthetic_car_loan_analysis.csv")
    truth = pd.read_csv(place / "synthetic_car_loan_analysis_target.csv")
    rows = analysis.merge(truth, on="id")
    rows = pd.concat([rows, rows[:15_000].assign(id=lambda f: f["id"] + 10**6)])
    plan = plan_of(
        {
            "title": "Car loans",
            "data": str(tmp_path / "new" / "*.csv"),
            "reference": str(place / "synthetic_car_loan_reference.csv"),
            "target": "repaid", "score": "y_pred_proba", "time": "timestamp", "id": "id", "ignore": ["y_pred"],
            "checks": ["drift.numeric", "performance.classification"],
            "policy": {"rules": [
                {"id": "value-drift", "check": "drift.numeric", "measure": "ks", "column": "car_value",
                 "operator": "<=", "limit": 0.05},
                {"id": "auc", "check": "performance.classification", "measure": "roc_auc",
                 "operator": ">=", "limit": {"reference": -0.005}},
            ]},
            "monitor": {
                "store": str(tmp_path / "store"), "windows": {"rows": 5000}, "alert_after": 2,
                "error_control": "window",
            },
        }
    )  # fmt: skip
    (tmp_path / "new").mkdir()
    opened = []
    for chunk in range(13):
        part = rows[chunk * 5000 : (chunk + 1) * 5000]
        part.to_csv(tmp_path / "new" / f"{chunk:02d}.csv", index=False)
        report = Monitor(plan).run()
        opened.append(sorted(a.rule for a in report.open_alerts))
    assert opened[:6] == [[]] * 6
    assert opened[6:10] == [["auc", "value-drift"]] * 4
    # With 5,000 rows two good windows cannot tell a fall of 0.005 from none: that resolves nothing.
    assert opened[10:] == [["auc"], ["auc"], []]
    assert {(a.rule, a.since, a.windows) for a in report.alerts} == {
        ("auc", "rows-000025001-000030000", 4), ("value-drift", "rows-000025001-000030000", 5),
    }  # fmt: skip


def test_a_bundle_that_keeps_counts_is_a_baseline(stream, tmp_path):
    """The record's stored counts are enough: neither the reference nor the first run's data need to be there."""
    from workbench.work import run_plan

    folder, plan = stream
    small(1).to_parquet(folder / "a.parquet")
    once = plan(data=str(tmp_path / "reference.parquet"), reference=None, monitor={}).model_dump(mode="json")
    (tmp_path / "once.yaml").write_text(plan_of({**once, "monitor": None, "checks": ["quality.missing"]}).to_yaml())
    run_plan(tmp_path / "once.yaml", folder=tmp_path / "kept", with_notebook=False, counts=True)
    run_plan(tmp_path / "once.yaml", folder=tmp_path / "bare", with_notebook=False)
    assert wb.verify(tmp_path / "kept") == []
    usual = Monitor(plan()).run(now=FEBRUARY)
    (tmp_path / "reference.parquet").unlink()
    settings = {"store": str(tmp_path / "second"), "baseline": str(tmp_path / "kept")}
    report = Monitor(plan(reference=None, monitor=settings)).run(now=FEBRUARY)
    assert [w.digest for w in report.judged] == [w.digest for w in usual.judged]
    settings = {"store": str(tmp_path / "third"), "baseline": str(tmp_path / "bare")}
    with pytest.raises(ConfigError, match="keeps no counts"):
        Monitor(plan(reference=None, monitor=settings))
    with pytest.raises(ConfigError, match="no baseline"):
        Monitor(plan(reference=None, monitor={"store": str(tmp_path / "fourth")}))


def test_levels_over_all_windows_decide_what_opens_an_alert(stream):
    """A window that fails by itself opens nothing where, over all windows, a rarer chance is asked for."""
    folder, plan = stream
    for month, shift in enumerate((0.0, 0.6, 0.0, 1.2), 1):
        small(month, rows=400, shift=shift, start=f"2026-{month:02d}-01").to_parquet(folder / f"{month}.parquet")
    opened = {}
    for control in ("window", "online"):
        settings = {"error_control": control, "store": str(folder.parent / control)}
        rule = {**POLICY["rules"][0], "limit": 0.15}
        report = Monitor(plan(monitor=settings, policy={"rules": [rule]})).run(close=True)
        assert [w.outcome for w in report.judged] == ["pass", "fail", "pass", "fail"]
        opened[control] = [a.opened for a in report.alerts]
    assert opened == {"window": ["2026-02", "2026-04"], "online": ["2026-04"]}


def test_a_window_is_followed_beside_those_of_the_baseline(stream):
    """The baseline is cut as new data are: a rule's limit is learnt from its windows, each record shows them."""
    folder, plan = stream
    rng = np.random.default_rng(0)
    reference = small(0, rows=2000, days=140)
    reference["y"] = rng.integers(0, 2, len(reference))
    reference["made"] = np.where(rng.random(len(reference)) < 0.8, reference["y"], 1 - reference["y"])
    reference.to_parquet(folder.parent / "reference.parquet")
    new = small(1, rows=400, start="2026-07-06", days=14)
    new["y"] = rng.integers(0, 2, len(new))
    new["made"] = np.where(rng.random(len(new)) < np.where(np.arange(400) < 200, 0.8, 0.5), new["y"], 1 - new["y"])
    new.to_parquet(folder / "a.parquet")
    rule = {
        "id": "accuracy", "check": "performance.windows", "measure": "accuracy", "window": "*", "operator": ">=",
        "limit": {"windows": "prediction"},
    }  # fmt: skip
    monitor = Monitor(
        plan(
            target="y", prediction="made", checks=["performance.windows"], policy={"rules": [rule]},
            monitor={"windows": {"by": "week"}},
        )
    )  # fmt: skip
    report = monitor.run(close=True)
    assert [(w.label, w.outcome) for w in report.judged] == [("2026-W28", "pass"), ("2026-W29", "fail")]
    again = Monitor(monitor.plan)
    assert to_bytes(again.baseline_windows) == to_bytes(monitor.baseline_windows)
    with again.store.writing() as tx:
        record = again.store.record(tx, report.judged[1].number)
    names = [m.window for _, m in record.measures() if m.name == "accuracy"]
    assert names[-1] == "2026-W29"
    assert sum(n.startswith("reference ") for n in names) == 21


def test_days_become_months_without_their_rows(stream, tmp_path):
    """Counts by day make a store by month, its windows those of the rows; the files are gone by then."""
    folder, plan = stream
    for month in (1, 2):
        small(month, start=f"2026-{month:02d}-01").to_parquet(folder / f"{month}.parquet")
    by_month = Monitor(plan(monitor={"store": str(tmp_path / "months")})).run(close=True)
    Monitor(plan(monitor={"store": str(tmp_path / "days"), "windows": {"by": "day"}})).run(close=True)
    for file in folder.iterdir():
        file.unlink()
    monitor = Monitor(plan(monitor={"store": str(tmp_path / "coarse")}))
    assert take_counts(monitor, Store(tmp_path / "days", create=False)) == 2
    report = monitor.run(close=True)
    assert [(w.label, w.digest) for w in report.judged] == [(w.label, w.digest) for w in by_month.judged]
    with pytest.raises(ConfigError, match="is not empty"):
        take_counts(monitor, Store(tmp_path / "days", create=False))
    weekly = Monitor(plan(monitor={"store": str(tmp_path / "weeks"), "windows": {"by": "week"}}))
    with pytest.raises(ConfigError, match="do not add up to windows of week"):
        take_counts(weekly, Store(tmp_path / "months", create=False))
    other = Monitor(plan(monitor={"store": str(tmp_path / "other")}, sensitive=[]))
    with pytest.raises(ConfigError, match="other roles"):
        take_counts(other, Store(tmp_path / "days", create=False))

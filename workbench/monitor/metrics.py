"""A monitor's state as OpenMetrics text: the last judged window, open alerts, what waits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from workbench.core.errors import import_extra
from workbench.monitor.outbox import waiting
from workbench.monitor.store import Store
from workbench.report.openmetrics import CONTENT_TYPE as CONTENT_TYPE
from workbench.report.openmetrics import exposition, record_families


def store_metrics(store: Store) -> str:
    """Return the monitor's metrics; families of a record are those of the last judged window."""
    return exposition(_families(store))


def _families(store: Store) -> Iterator[Any]:
    gauge = import_extra("prometheus_client.core", "monitor", "metrics").GaugeMetricFamily
    with store.writing() as tx:
        windows = store.windows(tx)
        alerts = store.meta(tx, "alerts") or []
        judged = [w for w in windows if w.outcome]
        record = store.record(tx, judged[-1].number) if judged else None
        counts = [("accepted", _one(tx, "SELECT coalesce(sum(rows), 0) FROM accepted") + store.arrived(tx))]
        counts.append(("quarantined", _one(tx, "SELECT count(*) FROM quarantine")))
    rows = gauge("workbench_window_rows", "Rows of a window.", labels=["window", "closed"])
    for w in windows[-12:]:
        rows.add_metric([w.label, str(w.closed).lower()], float(w.rows))
    yield rows
    opened = gauge("workbench_alert_open", "1 for an alert that is open.", labels=["rule", "severity", "since"])
    for alert in alerts:
        if not alert["resolved"]:
            opened.add_metric([alert["rule"], alert["severity"], alert["since"]], 1.0)
    yield opened
    yield gauge("workbench_outbox_waiting", "Messages not delivered yet.", value=float(len(waiting(store))))
    records = gauge("workbench_records", "Records by what became of them.", labels=["state"])
    for state, count in counts:
        records.add_metric([state], float(count))
    yield records
    if record is not None:
        yield from record_families(record)


def _one(tx: Any, query: str) -> int:
    return int(tx.exec_driver_sql(query).scalar_one())

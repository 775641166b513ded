"""What a store holds, for people: windows, alerts, what waits, the timeline of a rule, quarantined records."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from workbench.audit.plan import Plan
from workbench.core.errors import ConfigError
from workbench.monitor.outbox import waiting
from workbench.monitor.store import Store


def status(plan: Plan) -> dict[str, Any]:
    """Return the windows, alerts and undelivered messages of a plan's monitor."""
    if plan.monitor is None:
        raise ConfigError("the plan has no `monitor` section.")
    return store_status(Store(plan.monitor.store, create=False))


def store_status(store: Store) -> dict[str, Any]:
    """Return the windows, alerts and undelivered messages of a store."""
    with store.writing() as tx:
        windows = [
            {
                "window": w.label,
                "rows": w.rows,
                "closed": w.closed,
                "outcome": w.outcome,
                "digest": w.digest,
                "revision": w.revision,
            }
            for w in store.windows(tx)
        ]
        alerts = store.meta(tx, "alerts") or []
    return {"windows": windows, "alerts": alerts, "waiting": waiting(store)}


def timeline(folder: str | Path) -> list[dict[str, Any]]:
    """Return for each judged series (rule, measure and its place) its value, interval, limit and outcome by window."""
    store = Store(folder, create=False)
    try:
        with store.writing() as tx:
            judged = [w for w in store.windows(tx) if w.outcome]
            records = [(w.label, store.record(tx, w.number)) for w in judged]
    finally:
        store.close()
    series: dict[tuple[str, ...], dict[str, Any]] = {}
    for label, record in records:
        small = record.small_groups
        for j in record.verdict.judgements:
            if j.group in small or not j.check:
                continue
            key = (j.rule, j.check, j.measure, j.column, j.group, j.where)
            names = ("rule", "check", "measure", "column", "group", "where")
            entry = series.setdefault(key, {**dict(zip(names, key, strict=True)), "operator": j.operator, "points": []})
            names = ("value", "low", "high", "n", "limit", "outcome")
            entry["points"].append({"window": label, **{name: getattr(j, name) for name in names}})
    return list(series.values())


def quarantined(store: Store) -> Iterator[dict[str, Any]]:
    """Yield every quarantined record as it came, with its batch, time and reasons."""
    with store.writing() as tx:
        rows = tx.exec_driver_sql("SELECT batch, at, record, reasons FROM quarantine ORDER BY id").fetchall()
    for batch, at, record, reasons in rows:
        yield {"batch": batch, "at": at, "reasons": json.loads(reasons), "record": record}

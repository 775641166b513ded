"""The outbox: what is to be sent stays until its receiver took it; at least once, in order, with growing pauses."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from workbench.audit.operations import Channel
from workbench.core.errors import WorkbenchError
from workbench.monitor.channels import send
from workbench.monitor.store import Store

Send = Callable[[Channel, str, Mapping[str, Any]], None]
FIRST_PAUSE, LONGEST_PAUSE = 5.0, 3600.0
_LEASE = 120.0  # seconds after which a message whose sender died is taken up again


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of one attempt: the channel, and why it failed (empty when it was taken)."""

    channel: str
    alert: str
    error: str = ""


def deliver(
    store: Store, channels: Sequence[Channel], *, now: float | None = None, sender: Send = send
) -> list[Delivery]:
    """Try every message that is due, the earlier ones of an alert first; return what became of each attempt."""
    by_label = {c.label: c for c in channels}
    clock = time.time() if now is None else now
    done: list[Delivery] = []
    while (claimed := _claim(store, clock, tuple(by_label))) is not None:
        seq, identity, label, alert, message, attempts = claimed
        try:
            sender(by_label[label], identity, json.loads(message))
        except WorkbenchError as error:
            _again(store, seq, attempts + 1, clock, str(error))
            done.append(Delivery(label, alert, str(error)))
            continue
        with store.writing() as tx:
            tx.exec_driver_sql("UPDATE outbox SET state = 'sent', error = '' WHERE seq = ?", (seq,))
        done.append(Delivery(label, alert))
    return done


def _claim(store: Store, clock: float, labels: Sequence[str]) -> tuple[int, str, str, str, str, int] | None:
    if not labels:
        return None
    marks = ", ".join("?" * len(labels))
    # A resolution must not overtake its alert, so a message waits for the earlier ones of the same alert and channel.
    query = (
        "SELECT seq, id, channel, alert, message, attempts FROM outbox o WHERE state != 'sent' AND due <= ?"  # noqa: S608
        f" AND channel IN ({marks}) AND NOT EXISTS (SELECT 1 FROM outbox e WHERE e.alert = o.alert"
        " AND e.channel = o.channel AND e.seq < o.seq AND e.state != 'sent') ORDER BY seq LIMIT 1"
    )
    with store.writing() as tx:
        row = tx.exec_driver_sql(query, (clock, *labels)).fetchone()
        if row is None:
            return None
        tx.exec_driver_sql("UPDATE outbox SET state = 'sending', due = ? WHERE seq = ?", (clock + _LEASE, row[0]))
    return (row[0], row[1], row[2], row[3], row[4], row[5])


def _again(store: Store, seq: int, attempts: int, clock: float, error: str) -> None:
    pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (attempts - 1))
    with store.writing() as tx:
        tx.exec_driver_sql(
            "UPDATE outbox SET state = 'waiting', attempts = ?, due = ?, error = ? WHERE seq = ?",
            (attempts, clock + pause, error, seq),
        )


def waiting(store: Store) -> list[tuple[str, int, str]]:
    """Return (channel, attempts, last error) of every message not delivered yet."""
    with store.writing() as tx:
        rows = tx.exec_driver_sql(
            "SELECT channel, attempts, error FROM outbox WHERE state != 'sent' ORDER BY seq"
        ).fetchall()
    return [(r[0], r[1], r[2]) for r in rows]

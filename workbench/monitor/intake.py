"""The gateway's core, whatever the door: a batch is judged, and what it leads to is durable before it is answered.

Accepted records, quarantined records with their reasons, keys taken and the batch's id go into one transaction; a batch
that comes again is known by the id its transport gave it and gets the answer it got the first time.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from workbench.core.contract import Contract, Ints, Mask, Validation, validate_batch
from workbench.core.errors import ConfigError, shown
from workbench.core.fingerprint import Hashes
from workbench.core.frame import BLOCK, wrap
from workbench.core.keys import key_hashes
from workbench.core.parts import PartCounter
from workbench.core.records import Arrived, arrow_type
from workbench.core.windows import WindowCounter
from workbench.core.writing import write_whole
from workbench.monitor.run import Monitor

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

MOST_REASONS = 100
Read = Callable[[bytes, Contract], Arrived]


class ConflictError(ConfigError):
    """A batch came again under the same id with other content."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a batch: counts, and for the first quarantined records, by position, what they broke."""

    accepted: int
    quarantined: int
    reasons: dict[str, list[str]]
    repeated: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return the answer as plain data."""
        return {name: getattr(self, name) for name in self.__slots__}


class Intake:
    """Takes batches for one monitor under one contract; many processes may do so at once."""

    def __init__(self, monitor: Monitor, contract: Contract) -> None:
        self.monitor, self.contract, self._store = monitor, contract, monitor.store
        self._check_fit()

    def _check_fit(self) -> None:
        """Raise ConfigError when what the contract accepts could not be counted beside the baseline."""
        empty = pa.table({name: pa.array([], arrow_type(name, c)) for name, c in self.contract.columns.items()})
        try:
            self.fields = self.monitor.fields(wrap(empty))
        except Exception as error:
            raise ConfigError(f"the contract does not fit the baseline: {error}") from None
        time = self.monitor.cut.time
        if self.monitor.cut.by is not None:
            rule = self.contract.columns.get(str(time))
            if rule is None or rule.type != "time":
                raise ConfigError(f"the contract needs the column {shown(time)} with type time: windows follow it.")

    def take(self, body: bytes, read: Read, identity: str | None = None) -> Answer:
        """Judge one batch and keep what came of it; raise ConflictError for an id that came with other content."""
        arrived = read(body, self.contract)
        digest = hashlib.sha256(body).hexdigest()
        with self._store.writing() as tx:
            if identity is not None and (known := self._known(tx, identity)) is not None:
                if known["digest"] != digest:
                    raise ConflictError(f"the batch {shown(identity)} came before with other content: use another id.")
                return Answer(**{**known["answer"], "repeated": True})
            answer = self._commit(tx, arrived, identity or f"unnamed-{digest[:16]}")
            if identity is not None:
                self._remember(tx, identity, {"digest": digest, "answer": answer.to_dict()})
        self.count_when_full()
        return answer

    def take_messages(self, messages: Sequence[tuple[str, bytes]], read: Read) -> tuple[int, int, int]:
        """Judge messages that a broker delivered, each under its id; return (accepted, quarantined, known before)."""
        with self._store.writing() as tx:
            fresh = {i: body for i, body in messages if self._known(tx, i) is None}
            # A message that is no record must not stop the others: as lines, each is judged by itself.
            lines = b"\n".join(body.replace(b"\n", b" ") or b"null" for body in fresh.values())
            answer = self._commit(tx, read(lines, self.contract), next(iter(fresh), "")) if fresh else Answer(0, 0, {})
            for identity in fresh:
                self._remember(tx, identity, {})
        self.count_when_full()
        return answer.accepted, answer.quarantined, len(messages) - len(fresh)

    def _known(self, tx: Connection, identity: str) -> dict[str, Any] | None:
        row = tx.exec_driver_sql("SELECT answer FROM deliveries WHERE id = ?", (identity,)).fetchone()
        return None if row is None else json.loads(row[0])

    def _remember(self, tx: Connection, identity: str, answer: dict[str, Any]) -> None:
        tx.exec_driver_sql("INSERT INTO deliveries VALUES (?, ?)", (identity, json.dumps(answer)))

    def _commit(self, tx: Connection, arrived: Arrived, batch: str) -> Answer:
        found = self._judged(tx, arrived)
        reasons = found.reasons()
        at = datetime.now(UTC).isoformat(timespec="seconds")
        rows = [(batch, at, arrived.raw[i], json.dumps(why)) for i, why in reasons.items()]
        if rows:
            tx.exec_driver_sql("INSERT INTO quarantine (batch, at, record, reasons) VALUES (?, ?, ?, ?)", rows)
        kept = arrived.table.filter(pa.array(found.accepted))
        if kept.num_rows:
            tx.exec_driver_sql("INSERT INTO accepted (rows, data) VALUES (?, ?)", (kept.num_rows, _ipc(kept)))
        first = {str(i): why for i, why in list(reasons.items())[:MOST_REASONS]}
        return Answer(kept.num_rows, len(reasons), first)

    def _judged(self, tx: Connection, arrived: Arrived) -> Validation:
        given: list[Ints] = []

        def scope(accepted: Mask) -> Ints:
            given.append(self._windows(tx, arrived.table, accepted))
            return given[0]

        def seen(rule: int, windows: Ints, hashes: Hashes) -> Mask:
            return self._taken(tx, rule, windows, hashes)

        found = validate_batch(arrived.table, self.contract, faults=arrived.faults, scope=scope, seen=seen)
        if given and found.accepted.any():
            self._take_keys(tx, arrived.table.filter(pa.array(found.accepted)), given[0][found.accepted])
        return found

    def _take_keys(self, tx: Connection, table: pa.Table, windows: Ints) -> None:
        for rule, key in enumerate(self.contract.unique):
            hashes, complete = key_hashes(table, key)
            both = zip(windows[complete].tolist(), hashes[complete], strict=True)
            rows = [(window, rule, h.tobytes()) for window, h in both]
            if rows:
                tx.exec_driver_sql("INSERT INTO keys VALUES (?, ?, ?)", rows)

    def _windows(self, tx: Connection, table: pa.Table, accepted: Mask) -> Ints:
        if not table.num_rows:
            return np.zeros(0, np.int64)
        batch = table.combine_chunks().to_batches()[0]
        if self.monitor.cut.rows is None:
            return self.monitor.cut.numbers(batch, 0)
        before = self._store.arrived(tx) + self._pending(tx)
        at: Ints = before + np.maximum(0, np.cumsum(accepted) - 1)
        return at // self.monitor.cut.rows

    def _taken(self, tx: Connection, rule: int, windows: Ints, hashes: Hashes) -> Mask:
        query = "SELECT 1 FROM keys WHERE window = ? AND rule = ? AND hash = ?"
        asked = ((int(w), rule, h.tobytes()) for w, h in zip(windows, hashes, strict=True))
        return np.array([tx.exec_driver_sql(query, key).fetchone() is not None for key in asked], np.bool_)

    # ------------------------------------------------------------------ counting

    @staticmethod
    def _pending(tx: Connection) -> int:
        return int(tx.exec_driver_sql("SELECT coalesce(sum(rows), 0) FROM accepted").scalar_one())

    def count_when_full(self) -> None:
        """Count what was accepted once a block of it waits; `count_accepted` does so at once."""
        with self._store.writing() as tx:
            waiting = self._pending(tx)
        if waiting >= BLOCK:
            self.count_accepted()

    def count_accepted(self) -> int:
        """Add accepted records to the counts of their windows, leave them as Parquet files; return how many."""
        total = 0
        while (done := self._count_some()) > 0:
            total += done
        return total

    def _count_some(self) -> int:
        folder = self._store.folder / "accepted"
        with self._store.writing() as tx:  # one at a time: the file and the counts must be of the same rows
            self._remove_orphans(tx)
            rows = tx.exec_driver_sql("SELECT id, rows, data FROM accepted ORDER BY id").fetchmany(1000)
            if not rows:
                return 0
            chosen = [r for i, r in enumerate(rows) if i == 0 or sum(x[1] for x in rows[:i]) < BLOCK]
            table = pa.concat_tables([pa.ipc.open_stream(bytes(r[2])).read_all() for r in chosen])
            name = f"{chosen[0][0]:012d}-{chosen[-1][0]:012d}.parquet"
            write_whole(folder / name, _parquet(table))
            parts = self._parts(table, self._store.arrived(tx))
            at = datetime.now(UTC).isoformat(timespec="seconds")
            self._store.add(tx, f"accepted:{name}", name, parts, self.monitor.cut.label, at)
            tx.exec_driver_sql("DELETE FROM accepted WHERE id <= ?", (chosen[-1][0],))
            return int(table.num_rows)

    def _parts(self, table: pa.Table, start: int) -> Any:
        monitor = self.monitor
        make = partial(PartCounter, self.fields, monitor.roles, monitor.model)
        counter = WindowCounter(monitor.cut, make, start)
        for batch in wrap(table).batches([f.name for f in self.fields]):
            counter.push(batch)
        return dict(counter.done())

    def _remove_orphans(self, tx: Connection) -> None:
        """Remove files of a transaction that did not get to its end."""
        folder = self._store.folder / "accepted"
        if folder.is_dir():
            for file in folder.glob("*.parquet"):
                if not self._store.knows(tx, f"accepted:{file.name}"):
                    file.unlink()


def _ipc(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    found: bytes = sink.getvalue().to_pybytes()
    return found


def _parquet(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink)
    return sink.getvalue()

"""The monitor's store: a folder with an SQLite database; counts, records, alerts, outbox, keys and quarantine in it."""

from __future__ import annotations

import json
import sqlite3
import time
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.audit.record import Record
from workbench.core.errors import ConfigError, EvidenceError, import_extra, shown
from workbench.core.fingerprint import Hashes
from workbench.core.parts import Part

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection, Engine

DATABASE = "monitor.sqlite"
VERSION = "2"
_COMPACT = 16  # parts of a window beyond which they are put together

_TABLES = (
    "meta (name TEXT PRIMARY KEY, value BLOB NOT NULL)",
    "sources (id TEXT PRIMARY KEY, name TEXT NOT NULL, rows INTEGER NOT NULL, at TEXT NOT NULL)",
    "parts (id INTEGER PRIMARY KEY, window INTEGER NOT NULL, source TEXT NOT NULL, rows INTEGER NOT NULL,"
    " tables BLOB NOT NULL, hashes BLOB NOT NULL)",
    "windows (window INTEGER PRIMARY KEY, label TEXT NOT NULL, rows INTEGER NOT NULL, closed INTEGER NOT NULL,"
    " judged_for TEXT NOT NULL DEFAULT '', digest TEXT NOT NULL DEFAULT '', outcome TEXT NOT NULL DEFAULT '',"
    " revision INTEGER NOT NULL DEFAULT 0, record BLOB)",
    "outbox (seq INTEGER PRIMARY KEY, id TEXT NOT NULL, channel TEXT NOT NULL, alert TEXT NOT NULL, message TEXT NOT"
    " NULL, state TEXT NOT NULL DEFAULT 'waiting', attempts INTEGER NOT NULL DEFAULT 0, due REAL NOT NULL DEFAULT 0,"
    " error TEXT NOT NULL DEFAULT '', UNIQUE (id, channel))",
    "keys (window INTEGER NOT NULL, rule INTEGER NOT NULL, hash BLOB NOT NULL, PRIMARY KEY (window, rule, hash))"
    " WITHOUT ROWID",
    "quarantine (id INTEGER PRIMARY KEY, batch TEXT NOT NULL, at TEXT NOT NULL, record TEXT NOT NULL,"
    " reasons TEXT NOT NULL)",
    "accepted (id INTEGER PRIMARY KEY, rows INTEGER NOT NULL, data BLOB NOT NULL)",
    "deliveries (id TEXT PRIMARY KEY, answer TEXT NOT NULL) WITHOUT ROWID",
)


@dataclass(frozen=True, slots=True)
class Window:
    """One window as the store knows it."""

    number: int
    label: str
    rows: int
    closed: bool
    judged_for: str
    digest: str
    outcome: str
    revision: int


class Store:
    """A folder that holds a monitor; writers take turns, so several processes may use it at once."""

    def __init__(self, folder: str | Path, *, create: bool = True) -> None:
        self.folder = Path(folder)
        file = self.folder / DATABASE
        if not create and not file.is_file():
            raise ConfigError(f"{shown(folder, 200)} holds no monitor: run `workbench monitor run PLAN` first.")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(f"the store {shown(folder, 200)} cannot be made: {error.strerror}.") from None
        self._engine = _engine(file)
        self._prepare()

    def _prepare(self) -> None:
        from sqlalchemy.exc import DatabaseError

        try:
            with self.writing() as tx:
                for table in _TABLES:
                    tx.exec_driver_sql(f"CREATE TABLE IF NOT EXISTS {table}")
                found = self.meta(tx, "version")
                if found is None:
                    self.set_meta(tx, "version", VERSION)
        except DatabaseError as error:
            raise ConfigError(f"the store {shown(self.folder, 200)} cannot be used: {error.orig}.") from None
        if found not in (None, VERSION):
            raise EvidenceError(
                f"the store {shown(self.folder, 200)} is of version {found}, this program reads {VERSION}."
            )

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Open a transaction that no other writer runs beside: durable when the block ends, undone on an error."""
        with self._engine.begin() as connection:
            yield connection

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    # ------------------------------------------------------------------ settings

    def meta(self, tx: Connection, name: str) -> Any:
        """Return a stored setting (plain data), or None."""
        row = tx.exec_driver_sql("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return None if row is None else json.loads(row[0])

    def set_meta(self, tx: Connection, name: str, value: Any) -> None:
        """Store a setting."""
        tx.exec_driver_sql("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, json.dumps(value).encode()))

    def blob(self, tx: Connection, name: str) -> bytes | None:
        """Return stored bytes, or None."""
        row = tx.exec_driver_sql("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return None if row is None else bytes(row[0])

    def set_blob(self, tx: Connection, name: str, value: bytes) -> None:
        """Store bytes."""
        tx.exec_driver_sql("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, value))

    # ------------------------------------------------------------------ counts

    def knows(self, tx: Connection, source: str) -> bool:
        """Say whether a source (by the digest of its content, or a batch's id) was counted before."""
        return tx.exec_driver_sql("SELECT 1 FROM sources WHERE id = ?", (source,)).fetchone() is not None

    def knows_name(self, tx: Connection, name: str) -> bool:
        """Say whether a source of that name was counted before, whatever it held."""
        return tx.exec_driver_sql("SELECT 1 FROM sources WHERE name = ?", (name,)).fetchone() is not None

    def arrived(self, tx: Connection) -> int:
        """Return the number of rows counted so far."""
        return int(tx.exec_driver_sql("SELECT coalesce(sum(rows), 0) FROM sources").scalar_one())

    def add(self, tx: Connection, source: str, name: str, parts: Mapping[int, Part], labels: Any, at: str) -> None:
        """Add a source's counts to their windows."""
        rows = sum(p.counted.rows for p in parts.values())
        self.add_source(tx, source, name, rows, at)
        for number, part in parts.items():
            self.add_part(tx, source, number, part, labels)

    def add_part(self, tx: Connection, source: str, number: int, part: Part, labels: Any) -> None:
        """Add one part of a source to its window."""
        self._insert(tx, number, part, source)
        tx.exec_driver_sql(
            "INSERT INTO windows (window, label, rows, closed) VALUES (?, ?, ?, 0)"
            " ON CONFLICT (window) DO UPDATE SET rows = rows + excluded.rows",
            (number, labels(number), part.counted.rows),
        )

    def _insert(self, tx: Connection, number: int, part: Part, source: str) -> None:
        tx.exec_driver_sql(
            "INSERT INTO parts (window, source, rows, tables, hashes) VALUES (?, ?, ?, ?, ?)",
            (number, source, part.counted.rows, part.to_bytes(), np.ascontiguousarray(part.hashes).tobytes()),
        )

    def replace(self, tx: Connection, source: str, parts: Mapping[int, Part]) -> None:
        """Put other counts of the same rows in place of a source's."""
        tx.exec_driver_sql("DELETE FROM parts WHERE source = ?", (source,))
        for number, part in parts.items():
            self._insert(tx, number, part, source)

    def sources(self, tx: Connection) -> list[tuple[str, str, int]]:
        """Return id, name and number of rows of each source, in the order in which they came."""
        rows = tx.exec_driver_sql("SELECT id, name, rows FROM sources ORDER BY rowid").fetchall()
        return [(r[0], r[1], r[2]) for r in rows]

    def add_source(self, tx: Connection, source: str, name: str, rows: int, at: str) -> None:
        """Note a source as counted."""
        tx.exec_driver_sql("INSERT INTO sources VALUES (?, ?, ?, ?)", (source, name, rows, at))

    def parts_of(self, tx: Connection, source: str) -> dict[int, Part]:
        """Return a source's own parts by window; empty once they were put together with others'."""
        rows = tx.exec_driver_sql("SELECT window, tables, hashes FROM parts WHERE source = ?", (source,)).fetchall()
        return {number: Part.from_bytes(bytes(tables), bytes(hashes)) for number, tables, hashes in rows}

    def parts(self, tx: Connection, number: int, *, apart: bool = False) -> list[Part]:
        """Return a window's parts; many are put together into one on the way, unless sources are kept `apart`."""
        rows = tx.exec_driver_sql("SELECT tables, hashes FROM parts WHERE window = ? ORDER BY id", (number,)).fetchall()
        found = [Part.from_bytes(bytes(tables), bytes(hashes)) for tables, hashes in rows]
        if apart or len(found) <= _COMPACT:
            return found
        whole = _sum(found)
        tx.exec_driver_sql("DELETE FROM parts WHERE window = ?", (number,))
        self._insert(tx, number, whole, "")
        return [whole]

    def parts_by_source(self, tx: Connection, number: int) -> list[tuple[str, Part]]:
        """Return a window's parts, each with the source that it is of (empty: of several)."""
        query = "SELECT source, tables, hashes FROM parts WHERE window = ? ORDER BY id"
        rows = tx.exec_driver_sql(query, (number,)).fetchall()
        return [(source, Part.from_bytes(bytes(tables), bytes(hashes))) for source, tables, hashes in rows]

    def counted_before(self, tx: Connection, number: int | None, hashes: Hashes) -> int:
        """Return how many of these rows (by their hashes) a window holds already; None asks all windows."""
        where, values = ("", ()) if number is None else (" WHERE window = ?", (number,))
        found = np.zeros(len(hashes), np.bool_)
        rows = tx.exec_driver_sql(f"SELECT hashes FROM parts{where}", values)  # noqa: S608
        for (stored,) in rows:
            known = np.frombuffer(bytes(stored), np.uint64).reshape(-1, 2)
            maybe = np.flatnonzero(np.isin(hashes[:, 0], known[:, 0]))
            found[maybe[np.isin(hashes[maybe, 1], known[:, 1])]] = True
        return int(found.sum())

    # ------------------------------------------------------------------ windows

    def windows(self, tx: Connection) -> list[Window]:
        """Return every window in order."""
        columns = "window, label, rows, closed, judged_for, digest, outcome, revision"
        rows = tx.exec_driver_sql(f"SELECT {columns} FROM windows ORDER BY window").fetchall()  # noqa: S608
        return [Window(r[0], r[1], r[2], bool(r[3]), *r[4:]) for r in rows]

    def close_window(self, tx: Connection, number: int) -> None:
        """Mark a window as complete."""
        tx.exec_driver_sql("UPDATE windows SET closed = 1 WHERE window = ?", (number,))

    def judged(self, tx: Connection, number: int, judged_for: str, record: Record) -> None:
        """Keep a window's record; an earlier one is replaced and the revision counted up."""
        tx.exec_driver_sql(
            "UPDATE windows SET judged_for = ?, digest = ?, outcome = ?, record = ?, revision = revision + 1"
            " WHERE window = ?",
            (judged_for, record.digest, record.verdict.outcome, zlib.compress(record.to_json()), number),
        )

    def record(self, tx: Connection, number: int) -> Record:
        """Return a judged window's record."""
        row = tx.exec_driver_sql("SELECT record FROM windows WHERE window = ?", (number,)).fetchone()
        if row is None or row[0] is None:
            raise EvidenceError(f"window {number} has no record yet.")
        return Record.from_json(zlib.decompress(bytes(row[0])), trust_digest=True)


def _sum(parts: list[Part]) -> Part:
    whole = parts[0]
    for part in parts[1:]:
        whole = whole + part
    return whole


_PATIENCE = 60
"""Seconds to wait for others who use the store."""


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Turn a new store's log to write-ahead; SQLite refuses at once where others begin the same store, this waits."""
    end = time.monotonic() + _PATIENCE
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > end:
                raise
            time.sleep(0.02)
        else:
            return


def _engine(file: Path) -> Engine:
    sqlalchemy = import_extra("sqlalchemy", "monitor", "the monitor")
    engine: Engine = sqlalchemy.create_engine(
        sqlalchemy.URL.create("sqlite", database=str(file)), connect_args={"timeout": _PATIENCE}
    )

    @sqlalchemy.event.listens_for(engine, "connect")  # type: ignore[untyped-decorator, unused-ignore]
    def _settings(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # transactions are begun below, not by the driver's guesses
        for setting in (f"busy_timeout = {1000 * _PATIENCE}", "synchronous = FULL"):
            connection.execute(f"PRAGMA {setting}")
        _write_ahead(connection)

    @sqlalchemy.event.listens_for(engine, "begin")  # type: ignore[untyped-decorator, unused-ignore]
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine

"""SQL over the rows of a frame, by DuckDB and out of core: what count tables cannot give.

In a query the table `seen` has the columns c0, c1, ... (those opened, in order): integers as BIGINT, other numbers as
DOUBLE with NaN as null, times as BIGINT (UTC micro- or nanoseconds since 1970), text as VARCHAR. Names and values of
the data are never part of a query's text: columns go by number, values by parameter.
"""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import pyarrow as pa

from workbench.core.arrow import Kind
from workbench.core.errors import DataError, shown
from workbench.core.frame import BLOCK, Field, Frame, stopped

_SERIAL = itertools.count()


class Rows:
    """Some columns of a frame, opened to queries; `types` is what DuckDB holds each of them as."""

    def __init__(self, connection: Any, columns: Sequence[str], selected: Sequence[str], source: str) -> None:
        self._connection, self._selected, self._source = connection, list(selected), source
        self._tables: list[str] = []
        self.aliases = {name: f"c{i}" for i, name in enumerate(columns)}
        self.queries = 0
        described = self._run(f"DESCRIBE {self._seen(numbered=False)}")
        self.types = {name: str(row[1]) for name, row in zip(columns, described, strict=True)}

    def ask(self, query: str, params: Mapping[str, Any] | None = None, *, numbered: bool = False) -> list[Any]:
        """Return the rows of a query's answer; with `numbered` the table `seen` has `nth`, each row's number from 1."""
        self.queries += 1
        # Not materialised: each part of a query reads the columns that it needs.
        return self._run(f"WITH seen AS NOT MATERIALIZED ({self._seen(numbered)}) {query}", params)

    def _seen(self, numbered: bool) -> str:
        columns = [f"{s} AS c{i}" for i, s in enumerate(self._selected)]
        columns += ["row_number() OVER () AS nth"] if numbered else []
        return f"SELECT {', '.join(columns) or '1 AS none'} FROM {self._source}"  # noqa: S608

    def add(self, table: str, frame: Frame, column: str) -> str:
        """Make the distinct values of another frame's column a table of one column `v`; return their type."""
        with frame.rows([column]) as rows:
            kind = rows.types[column]
            reader = rows.reader("SELECT DISTINCT c0 AS v FROM seen WHERE c0 IS NOT NULL")
            _make_table(self._connection, table, reader)
            self._tables.append(table)
        return kind

    def reader(self, query: str) -> pa.RecordBatchReader:
        """Return a query's answer as a stream of Arrow batches."""
        found = self._connection.sql(f"WITH seen AS NOT MATERIALIZED ({self._seen(False)}) {query}")
        return found.to_arrow_reader(BLOCK)

    def _run(self, query: str, params: Mapping[str, Any] | None = None) -> list[Any]:
        import duckdb

        try:
            found: list[Any] = self._connection.execute(query, dict(params or {})).fetchall()
        except duckdb.Error as error:
            raise DataError(stopped(error)) from None
        return found

    def close(self) -> None:
        """Remove what was made for the queries."""
        for table in self._tables:
            self._run(f"DROP TABLE IF EXISTS {table}")


@contextmanager
def opened_rows(frame: Frame, columns: Sequence[str]) -> Iterator[Rows]:
    """Open columns of a frame to SQL; DataError where rows stay in Spark."""
    if frame.distributed is not None:
        raise DataError("the rows stay in Spark: write them to Parquet files to query them here.")
    if frame.native is not None:
        yield from _natively(frame, columns, *frame.native)
    else:
        yield from _copied(frame, columns)


def _natively(frame: Frame, columns: Sequence[str], connection: Any, relation: Any) -> Iterator[Rows]:
    places = {name: i for i, name in enumerate(frame.names)}
    native = [str(t) for t in relation.types]
    selected = [_normal(frame.fields[places[n]], native[places[n]], f"k{places[n]}") for n in columns]
    view = f"workbench_rows_{next(_SERIAL)}"
    relation.create_view(view, replace=True)
    aliases = ", ".join(f"k{i}" for i in range(len(native)))
    # Parquet's least and largest value leave NaN out, and DuckDB would decide by them that there is none.
    connection.execute("SET disabled_optimizers = 'statistics_propagation'")
    rows = Rows(connection, columns, selected, f"{view} AS t({aliases})")
    try:
        yield rows
    finally:
        rows.close()
        connection.execute("RESET disabled_optimizers")
        connection.execute(f"DROP VIEW IF EXISTS {view}")


def _normal(field: Field, native: str, column: str) -> str:
    """Return the expression that makes of a column what `arrow.normal` would."""
    if field.kind is Kind.NUMBER:
        if field.integral:
            return column if native == "UBIGINT" else f"CAST({column} AS BIGINT)"
        number = f"CAST({column} AS DOUBLE)"
        return f"CASE WHEN NOT isnan({number}) THEN {number} END" if native in ("FLOAT", "DOUBLE") else number
    if field.kind is Kind.TEXT:
        return f"CAST({column} AS VARCHAR)"
    if field.kind is Kind.TIME:
        if tick_unit(field) == "ns":
            return f"epoch_ns({column})"
        return (
            f"epoch_us({column})" if native.startswith("TIMESTAMP WITH") else f"epoch_us(CAST({column} AS TIMESTAMP))"
        )
    return column


def _copied(frame: Frame, columns: Sequence[str]) -> Iterator[Rows]:
    import duckdb

    with tempfile.TemporaryDirectory(prefix="workbench-") as folder:
        # Nothing outside is reached from here, whatever a query says.
        connection = duckdb.connect(config={"temp_directory": folder})
        connection.execute("SET enable_external_access = false; SET threads = 2")
        try:
            source = _loaded(connection, frame, columns)
            rows = Rows(connection, columns, [f"k{i}" for i in range(len(columns))], source)
            yield rows
        finally:
            connection.close()


def _loaded(connection: Any, frame: Frame, columns: Sequence[str]) -> str:
    """Make a table of the columns k0, k1, ...: rows in memory as they are, others copied (it may spill to disk)."""
    known = {f.name: f for f in frame.fields}
    about = [known[name] for name in columns]
    schema = pa.schema([(f"k{i}", _storage(field)) for i, field in enumerate(about)])
    batches = (_stored(batch, schema, about) for batch in frame.batches(columns))
    if frame.held:
        connection.register("workbench_rows", pa.Table.from_batches(batches, schema))
    else:
        _make_table(connection, "workbench_rows", pa.RecordBatchReader.from_batches(schema, batches))
    return "workbench_rows"


def _make_table(connection: Any, table: str, reader: pa.RecordBatchReader) -> None:
    connection.register("workbench_stream", reader)
    try:
        connection.execute(f"CREATE OR REPLACE TEMP TABLE {table} AS SELECT * FROM workbench_stream")  # noqa: S608
    finally:
        connection.unregister("workbench_stream")


def _storage(field: Field) -> pa.DataType:
    if field.kind is Kind.NUMBER:
        return pa.int64() if field.integral else pa.float64()
    return _STORAGE[field.kind]


_STORAGE = {
    Kind.BOOLEAN: pa.bool_(),
    Kind.TEXT: pa.string(),
    Kind.TIME: pa.int64(),
    Kind.DURATION: pa.int64(),
    Kind.CLOCK: pa.int64(),
    Kind.BINARY: pa.binary(),
    Kind.NESTED: pa.string(),
}


def _stored(batch: pa.RecordBatch, schema: pa.Schema, about: Sequence[Field]) -> pa.RecordBatch:
    arrays = []
    for field, array, kind in zip(about, batch.columns, schema.types, strict=True):
        if field.integral and pa.types.is_floating(array.type):
            raise DataError(f"column {shown(field.name)} holds whole numbers of 2**63 or more: write them as text.")
        if field.kind is Kind.TIME:
            array = array.cast(pa.timestamp(tick_unit(field), "UTC"))
        arrays.append(array if array.type == kind else array.cast(kind))
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def tick_unit(field: Field) -> str:
    """Return the unit of a time column's numbers: "ns" where its source has nanoseconds, else "us"."""
    return "ns" if field.native.startswith("timestamp[ns") else "us"

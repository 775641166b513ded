"""The one door to dataframes: whatever library a frame comes from, out go normalised Arrow batches."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from workbench.core.arrow import Kind as Kind
from workbench.core.arrow import kind_of, normal_batch
from workbench.core.errors import DataError, shown, unknown
from workbench.core.reading import meaning

if TYPE_CHECKING:
    from workbench.core.query import Rows

BLOCK = 65_536
Batches = Callable[[Sequence[str] | None], Iterable[pa.RecordBatch]]


class Engine(StrEnum):
    """Where a frame's rows come from."""

    PANDAS = "pandas"
    POLARS = "polars"
    ARROW = "arrow"
    DUCKDB = "duckdb"
    SPARK = "spark"
    CSV = "csv"
    PARQUET = "parquet"


@dataclass(frozen=True, slots=True)
class Field:
    """A column: its name, logical kind, whether its numbers are whole, and the engine's own name of its type."""

    name: str
    kind: Kind
    integral: bool
    native: str


@dataclass(frozen=True, slots=True)
class Again:
    """How another process opens the same frame: a function by name, what it takes, and the files it reads."""

    function: Callable[..., Frame]
    arguments: tuple[Any, ...]
    files: tuple[str, ...]

    def __call__(self) -> Frame:
        """Return the frame, opened anew."""
        return self.function(*self.arguments)


class Frame:
    """A source of rows that can be read again and again, as Arrow batches of one size in the source's order."""

    def __init__(self, schema: pa.Schema, read: Batches, engine: str, labels: Sequence[object] | None = None) -> None:
        names = _names(schema.names if labels is None else labels)
        self._schema = schema
        self._own = tuple(schema.names)
        self._read = read
        self.engine = engine
        self.distributed: Any = None
        self.held = False  # whether the rows are in memory already
        self.size: int | None = None  # the number of rows, where it is known without reading them
        self.native: tuple[Any, Any] | None = None  # DuckDB's own connection and relation, where this is all it serves
        self.again: Again | None = None
        self.fields = tuple(
            Field(name, kind_of(f.type), pa.types.is_integer(f.type), str(f.type))
            for name, f in zip(names, schema, strict=True)
        )
        self._by_name = {f.name: f for f in self.fields}

    @property
    def names(self) -> tuple[str, ...]:
        """Return the column names in order."""
        return tuple(self._by_name)

    @property
    def own_names(self) -> tuple[str, ...]:
        """Return the source's own column names, as its reader takes them."""
        return self._own

    def narrow(self, how: Callable[[Batches], Batches]) -> None:
        """Put another reader, made of the present one, in its place."""
        self._read = how(self._read)

    def kind(self, name: str) -> Kind:
        """Return a column's logical kind; DataError with near matches when there is no such column."""
        if name not in self._by_name:
            raise DataError(unknown("column", name, self.names))
        return self._by_name[name].kind

    def raw(self) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
        """Return the rows as the engine gives them, so that another process may normalise and cut them alike."""
        return self._schema, iter(self._read(None))

    def batches(self, columns: Sequence[str] | None = None, rows: int = BLOCK) -> Iterator[pa.RecordBatch]:
        """Yield batches of exactly `rows` rows (the last one may be shorter), so that no engine decides the cuts."""
        wanted = self.names if columns is None else tuple(columns)
        for name in wanted:
            self.kind(name)
        own = [self._own[self.names.index(name)] for name in wanted]
        kinds = [self._by_name[name].kind for name in wanted]
        for batch in recut(self._read(None if columns is None else own), rows):
            yield normal_batch(batch, wanted, kinds)

    def rows(self, columns: Sequence[str]) -> AbstractContextManager[Rows]:
        """Open some columns to SQL, out of core, for what count tables cannot give: `with frame.rows(...) as rows`."""
        from workbench.core.query import opened_rows

        for name in columns:
            self.kind(name)
        return opened_rows(self, columns)


def _names(labels: Sequence[object]) -> tuple[str, ...]:
    # Half of a surrogate pair is no character, and no file could hold it.
    names = tuple(str(label).encode("utf-8", "replace").decode() for label in labels)
    for name in names:
        if names.count(name) > 1:
            raise DataError(
                f"two columns are called {shown(name)} (names that are not text are read as text): "
                "rename one, so that results can tell them apart."
            )
    if not names:
        raise DataError("the data has no columns.")
    return names


def recut(batches: Iterable[pa.RecordBatch], rows: int) -> Iterator[pa.RecordBatch]:
    """Yield the same rows in batches of exactly `rows` rows; the last one may be shorter."""
    waiting: list[pa.RecordBatch] = []
    held = 0
    for batch in batches:
        while batch.num_rows:
            part = batch.slice(0, rows - held)
            waiting.append(part)
            held += part.num_rows
            batch = batch.slice(part.num_rows)
            if held == rows:
                yield _joined(waiting)
                waiting, held = [], 0
    if held:
        yield _joined(waiting)


def _joined(parts: list[pa.RecordBatch]) -> pa.RecordBatch:
    return parts[0] if len(parts) == 1 else pa.concat_batches(parts)


def joined(batches: Sequence[pa.RecordBatch]) -> pa.Table:
    """Return normalised batches as one table; a column that differs between them takes the wider type."""
    kinds = [_wider({batch.schema.field(i).type for batch in batches}) for i in range(batches[0].num_columns)]
    schema = pa.schema(list(zip(batches[0].schema.names, kinds, strict=True)))
    return pa.Table.from_batches([b if b.schema == schema else b.cast(schema, safe=False) for b in batches])


def _wider(kinds: set[pa.DataType]) -> pa.DataType:
    if len(kinds) == 1:
        return kinds.pop()
    return pa.float64() if pa.float64() in kinds else pa.timestamp("ns", "UTC")


def wrap(native: Any) -> Frame:
    """Return a Frame over pandas, Polars (eager or lazy), Arrow or DuckDB data; anything else raises DataError."""
    if isinstance(native, Frame):
        return native
    if isinstance(native, pa.RecordBatchReader):
        native = native.read_all()
    if isinstance(native, pa.RecordBatch):
        native = pa.Table.from_batches([native])
    if type(native).__module__.startswith("pyspark.") and hasattr(native, "mapInArrow"):
        from workbench.core.spark import from_spark

        return from_spark(native)
    if type(native).__module__.startswith("pyarrow") and hasattr(native, "scanner"):
        return _from_arrow_dataset(native)
    return _from_library(native)


def _from_library(native: Any) -> Frame:
    import narwhals as nw

    if type(native).__module__.split(".")[0] == "pandas" and hasattr(native, "columns"):
        return _from_pandas(native)  # narwhals refuses duplicate labels before a clear message could
    frame = nw.from_native(native, pass_through=True)
    if not isinstance(frame, nw.DataFrame | nw.LazyFrame):
        raise DataError(
            f"found a {type(native).__module__}.{type(native).__qualname__}, expected a pandas, Polars, Arrow or "
            "DuckDB table, or the path of a CSV or Parquet file."
        )
    if frame.implementation.is_polars():
        return _from_polars(frame.to_native())
    if frame.implementation.is_pyarrow():
        table = frame.to_native()
        return _held(Frame(table.schema, lambda c: _table_batches(table, c), Engine.ARROW), table.num_rows)
    if frame.implementation.is_duckdb():
        return from_duckdb(frame.to_native())
    raise DataError(f"{frame.implementation} frames are not read yet: give a pandas, Polars, Arrow or DuckDB table.")


def _table_batches(table: pa.Table, columns: Sequence[str] | None) -> Iterable[pa.RecordBatch]:
    chosen = table if columns is None else table.select(columns)
    batches: list[pa.RecordBatch] = chosen.to_batches(max_chunksize=BLOCK)
    return batches


def _from_arrow_dataset(dataset: Any) -> Frame:
    def read(columns: Sequence[str] | None) -> Iterable[pa.RecordBatch]:
        chosen = None if columns is None else list(columns)
        return dataset.to_batches(columns=chosen, batch_size=BLOCK)  # type: ignore[no-any-return]

    return Frame(dataset.schema, read, Engine.ARROW)


def _from_polars(frame: Any) -> Frame:
    eager = frame.collect() if hasattr(frame, "collect") else frame
    table = eager.to_arrow()
    return _held(Frame(table.schema, lambda c: _table_batches(table, c), Engine.POLARS), table.num_rows)


def _from_pandas(frame: Any) -> Frame:
    from workbench.core.arrow import from_pandas_series

    _names(list(frame.columns))
    # By position: labels may be numbers or tuples. The index is not data.
    arrays = {str(i): from_pandas_series(frame.iloc[:, i]) for i in range(frame.shape[1])}
    schema, rows = pa.schema([(name, array.type) for name, array in arrays.items()]), len(frame)

    def read(columns: Sequence[str] | None) -> Iterator[pa.RecordBatch]:
        chosen = {name: arrays[name] for name in (arrays if columns is None else columns)}
        for start in range(0, rows, BLOCK):
            yield _batch(chosen, start, min(BLOCK, rows - start))

    return _held(Frame(schema, read, Engine.PANDAS, list(frame.columns)), rows)


def _batch(arrays: Mapping[str, Any], start: int, rows: int) -> pa.RecordBatch:
    pieces = [array.slice(start, rows) for array in arrays.values()]
    whole = [p.combine_chunks() if isinstance(p, pa.ChunkedArray) else p for p in pieces]
    return pa.RecordBatch.from_arrays(whole, names=list(arrays))


def _held(frame: Frame, rows: int) -> Frame:
    frame.held, frame.size = True, rows
    return frame


def from_duckdb(relation: Any, engine: str = Engine.DUCKDB, connection: Any = None) -> Frame:
    """Return a Frame over a DuckDB relation, run afresh and streamed at each reading.

    Given a `connection` that serves nothing else, queries run in it rather than on a copy of the rows.
    """
    schema = relation.limit(0).to_arrow_table().schema

    def read(columns: Sequence[str] | None) -> Iterator[pa.RecordBatch]:
        import duckdb

        chosen = relation if columns is None else relation.project(", ".join(quoted(c) for c in columns))
        try:
            reader = chosen.to_arrow_reader(BLOCK)
            try:
                yield from reader
            finally:
                reader.close()  # a reader left open keeps its connection busy
        except duckdb.Error as error:
            raise DataError(stopped(error)) from None
        except (pa.ArrowException, OSError) as error:
            raise DataError(stopped(error)) from None

    frame = Frame(schema, read, engine)
    frame.native = None if connection is None else (connection, relation)
    return frame


def stopped(error: Exception) -> str:
    """Say that reading ended early, without the engine's message: it may hold values of rows."""
    if "open result" in str(error):
        return "the DuckDB connection is busy with another result: finish that one, or give each data set its own."
    # The engine's own message may hold values of rows.
    return f"reading the data stopped{meaning(error)}"


def quoted(name: str) -> str:
    """Return a name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'

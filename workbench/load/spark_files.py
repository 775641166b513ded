"""CSV and Parquet files read by Spark where they lie; text is given the types that the local reader would give it.

A difference is left in dates alone: those not written year first stay text here, where the local reader finds their
format.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from workbench.core.errors import DataError, import_extra, shown
from workbench.core.frame import Frame, quoted
from workbench.core.spark import from_spark, ship_package
from workbench.load.remote import checked, is_remote

Source = str | Path | Sequence[str | Path]

# The order in which the local reader tries them: the first that fits every value wins.
_TYPES = ("BIGINT", "DOUBLE", "TIME", "DATE", "TIMESTAMP", "BOOLEAN")
# A cast alone takes more than the local reader does: +1 and 007 for numbers, a date for a time of day or an instant.
_DATE = "[0-9]{1,5}[-/][0-9]{1,2}[-/][0-9]{1,2}"
_SHAPES = {
    "BIGINT": " *-?(0|[1-9][0-9]*) *|0x[0-9a-fA-F]+",
    "DOUBLE": " *-?((0|[1-9][0-9]*)?([.][0-9]*)?([eE][-+]?[0-9]+)?|(?i:nan|inf|infinity)) ?| *0x[0-9a-fA-F]+",
    "TIME": "[0-9]{1,2}:[0-9]{2}(:[0-9]{2}([.][0-9]+)?)?",
    "DATE": _DATE,
    "TIMESTAMP": _DATE + "[ T][0-9]{1,2}:[0-9]{2}(:[0-9]{2}([.][0-9]+)?)?",
    "BOOLEAN": "(?i)true|false",
}
_SUFFIXES = {".csv": "csv", ".tsv": "csv", ".csv.gz": "csv", ".parquet": "parquet", ".pq": "parquet"}


def spark_session() -> Any:
    """Return the running Spark session, or start one: local, or the one that SPARK_REMOTE names."""
    sql = import_extra("pyspark.sql", "spark", "the engine spark")
    # Otherwise workers take the PATH's Python, which need not have the same packages.
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    return sql.SparkSession.builder.getOrCreate()


def open_with_spark(source: Source, *, null_values: Sequence[str] = ()) -> Frame:
    """Open files or globs of one kind with Spark; a field of text is missing when empty or in `null_values`."""
    session = spark_session()
    names = [str(s) for s in source] if isinstance(source, list | tuple) else [str(source)]
    kind = _kind_of(names)
    for name in filter(is_remote, names):
        checked(name)
    # Spark knows Amazon's store by its own connector's name.
    names = ["s3a://" + n[5:] if n.startswith("s3://") else n for n in names]
    try:
        if kind == "parquet":
            return from_spark(session.read.option("mergeSchema", "true").parquet(*names))
        return _typed(session, _text(session, names), tuple(dict.fromkeys(("", *null_values))))
    except Exception as error:
        if type(error).__module__.split(".")[0] != "pyspark":
            raise
        name = getattr(error, "getCondition", lambda: None)() or type(error).__name__
        raise DataError(
            f"data {shown(source, 200)} cannot be read by Spark ({name}): check that it is there and whole."
        ) from None


def _kind_of(names: Sequence[str]) -> str:
    kinds = set()
    for name in names:
        lower = name.lower().rstrip("/")
        suffix = next((s for s in sorted(_SUFFIXES, key=len, reverse=True) if lower.endswith(s)), None)
        if suffix is None:
            raise DataError(f"{shown(name, 200)} is of no kind that is read: expected {', '.join(_SUFFIXES)}.")
        kinds.add(_SUFFIXES[suffix])
    if len(kinds) > 1:
        raise DataError(f"files of different kinds: {', '.join(sorted(kinds))}. Give files of one kind.")
    return kinds.pop()


def _text(session: Any, names: Sequence[str]) -> Any:
    options = {"header": True, "quote": '"', "escape": '"', "mode": "FAILFAST", "multiLine": True}
    separator = _separator(session, names[0])
    return session.read.options(**options, inferSchema=False, sep=separator).csv(list(names))


def _separator(session: Any, name: str) -> str:
    rows = session.read.text(name).limit(1).collect()
    if not rows:
        raise DataError(f"{shown(Path(name).name)} is empty: expected at least a line of column names.")
    return max(",;\t|", key=str(rows[0][0]).count)


def _typed(session: Any, df: Any, nulls: tuple[str, ...]) -> Frame:
    ship_package(session)
    names = tuple(df.columns)
    answers = df.mapInArrow(_Guess(names, nulls), "fits string").toArrow()["fits"].to_pylist()
    said = [json.loads(a) for a in answers]
    cast = _Cast(names, tuple(_chosen([s[i] for s in said if s[i] is not None]) for i in range(len(names))), nulls)
    empty = pa.RecordBatch.from_arrays([pa.array([], pa.string()) for _ in names], names=list(names))
    return from_spark(df, cast, cast(empty).schema)


def _chosen(fitting: Sequence[Sequence[str]]) -> str:
    # A part in which the column is empty has no say; when it is empty everywhere it is text, as in the local reader.
    return next((t for t in _TYPES if fitting and all(t in fits for fits in fitting)), "VARCHAR")


def _missing(column: str, nulls: tuple[str, ...]) -> str:
    tokens = ", ".join("'" + n.replace("'", "''") + "'" for n in nulls)
    return f"CASE WHEN {quoted(column)} IN ({tokens}) THEN NULL ELSE {quoted(column)} END"


@dataclass(frozen=True)
class _Guess:
    """Says which types fit every value of a part of the rows; runs in an executor."""

    names: tuple[str, ...]
    nulls: tuple[str, ...]

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        fits = [list(_TYPES) for _ in self.names]
        present = [False] * len(self.names)
        for batch in batches:
            for i, name in enumerate(self.names):
                fits[i], some = self._fitting(batch, name, fits[i])
                present[i] |= some
        said = [f if some else None for f, some in zip(fits, present, strict=True)]
        yield pa.RecordBatch.from_arrays([pa.array([json.dumps(said)])], names=["fits"])

    def _fitting(self, batch: pa.RecordBatch, name: str, candidates: list[str]) -> tuple[list[str], bool]:
        import duckdb

        value = _missing(name, self.nulls)
        tests = [f"TRY_CAST(v AS {t}) IS NOT NULL AND regexp_full_match(v, '{_SHAPES[t]}')" for t in candidates]
        sums = ", ".join(f"bool_and({test})" for test in ("true", *tests))
        with duckdb.connect() as con:
            con.register("batch", pa.table({name: batch.column(batch.schema.get_field_index(name))}))
            query = f"SELECT {sums} FROM (SELECT {value} AS v FROM batch) WHERE v IS NOT NULL"  # noqa: S608
            row = con.sql(query).fetchall()[0]
        if row[0] is None:
            return candidates, False
        return [t for t, ok in zip(candidates, row[1:], strict=True) if ok], True


@dataclass(frozen=True)
class _Cast:
    """Gives a batch of text its types; runs in an executor."""

    names: tuple[str, ...]
    types: tuple[str, ...]
    nulls: tuple[str, ...]

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        import duckdb

        columns = [
            f"CAST({_missing(name, self.nulls)} AS {kind}) AS {quoted(name)}"
            for name, kind in zip(self.names, self.types, strict=True)
        ]
        with duckdb.connect() as con:
            con.execute("SET threads = 1")
            con.register("batch", pa.Table.from_batches([batch]))
            table = con.sql(f"SELECT {', '.join(columns)} FROM batch").to_arrow_table()  # noqa: S608
        merged = table.combine_chunks().to_batches()
        return merged[0] if merged else pa.RecordBatch.from_pylist([], schema=table.schema)

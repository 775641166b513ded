"""Counting where the rows are: the kernels run in Spark's executors, only count tables come back.

One pass over the data and one shuffle, whatever the number of columns. DataFrame API only, so classic Spark and Spark
Connect take the same way. The package travels to the executors by itself; NumPy and Arrow must be there.
"""

from __future__ import annotations

import hashlib
import io
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from operator import add
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from workbench.core import errors
from workbench.core.arrow import normal_batch
from workbench.core.counts import Counted
from workbench.core.dataset import Dataset, Roles
from workbench.core.duplicates import DuplicateBuilder, DuplicateCounts
from workbench.core.errors import ConfigError, DataError, WorkbenchError
from workbench.core.fingerprint import Hashes
from workbench.core.frame import BLOCK, Engine, Field, Frame, recut
from workbench.core.outcome import Predictor, check_labels
from workbench.core.parts import Part, PartCounter
from workbench.core.sample import SampleBuilder, SampleOf, from_bytes, to_bytes

Prepare = Callable[[pa.RecordBatch], pa.RecordBatch]

_BUCKETS = 64
_TABLES, _FAILED, _SAMPLE = -1, -2, -3
_SCHEMA = "key int, payload binary"
_ARROW = pa.schema([("key", pa.int32()), ("payload", pa.binary())])


@dataclass(frozen=True, slots=True)
class SparkRows:
    """A Spark data frame and what is done to its batches before they are counted (types of text files)."""

    df: Any
    prepare: Prepare | None = None


def from_spark(df: Any, prepare: Prepare | None = None, schema: pa.Schema | None = None) -> Frame:
    """Return a Frame over a Spark data frame (classic or Connect); its rows stay where they are."""
    found = df.limit(0).toArrow().schema if schema is None else schema
    frame = Frame(found, _stay, Engine.SPARK)
    frame.distributed = SparkRows(df, prepare)
    return frame


def _stay(_columns: Sequence[str] | None) -> Iterable[pa.RecordBatch]:
    raise DataError(
        "rows of a Spark data frame stay in Spark: only counts come back. Save them as Parquet to read them here."
    )


def count_on_spark(dataset: Dataset, model: Predictor | None, sampling: SampleOf | None = None) -> Counted:
    """Count a data set in its executors: one pass, one shuffle; the same counts as of the same rows anywhere else."""
    rows: SparkRows = dataset.frame.distributed
    fields, roles = dataset.frame.fields, dataset.roles
    if roles.entity is not None:
        raise ConfigError("entity: rows grouped in entities are not counted on Spark yet. Use engine='local'.")
    ship_package(rows.df.sparkSession)
    counting = _Counting(fields, roles, model, rows.prepare, dataset.name, sampling)
    merged = _Merging(sampling or SampleOf())
    grouped = rows.df.mapInArrow(counting, _SCHEMA).groupBy("key")
    partial = grouped.applyInArrow(lambda group: merged(group), _SCHEMA)  # Spark counts a function's own arguments
    answers = [(r["key"], r["payload"]) for r in _collected(partial).to_pylist()]
    _raise_failed(payload for key, payload in answers if key == _FAILED)
    tables = [Part.from_bytes(payload) for key, payload in answers if key == _TABLES]
    whole = reduce(add, tables) if tables else PartCounter(fields, roles, model, dataset.name).done()
    check_labels(fields, roles, whole.seen)
    repeats = [np.frombuffer(payload, np.int64) for key, payload in answers if key >= 0]
    repeated, kinds = (int(sum(r[i] for r in repeats)) for i in (0, 1))
    sample = next((from_bytes(payload) for key, payload in answers if key == _SAMPLE), None)
    return replace(whole.counted, duplicates=DuplicateCounts(whole.counted.rows, repeated, kinds), sample=sample)


def _collected(df: Any) -> Any:
    from pyspark.errors import PySparkException

    try:
        return df.toArrow()
    except PySparkException as error:
        # Spark's own text may quote values of rows.
        name = getattr(error, "getCondition", lambda: None)() or type(error).__name__
        raise DataError(f"Spark could not count the data ({name}): look into the log of its executors.") from None


def _raise_failed(payloads: Iterable[bytes]) -> None:
    for payload in payloads:
        kind, _, text = payload.decode().partition(":")
        raise getattr(errors, kind, DataError)(text)


@dataclass(frozen=True)
class _Counting:
    """What an executor does with its rows; sent there by value, so it holds nothing of the session."""

    fields: tuple[Field, ...]
    roles: Roles
    model: Predictor | None
    prepare: Prepare | None
    name: str
    sampling: SampleOf | None

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        try:
            part = self._part(batches)
        except WorkbenchError as error:
            # An exception would come back as a traceback of the executor: the sentence is what the user needs.
            yield _answer([(_FAILED, f"{type(error).__name__}:{error}".encode())])
            return
        yield _answer([(_TABLES, replace(part, hashes=part.hashes[:0]).to_bytes())])
        if part.counted.sample is not None:
            yield _answer([(_SAMPLE, to_bytes(part.counted.sample))])
        for key, chunk in _buckets(part.hashes):
            yield _answer([(key, chunk.tobytes())])

    def _part(self, batches: Iterator[pa.RecordBatch]) -> Part:
        counter = PartCounter(self.fields, self.roles, self.model, self.name, self.sampling)
        names, kinds = [f.name for f in self.fields], [f.kind for f in self.fields]
        for batch in recut(batches if self.prepare is None else map(self.prepare, batches), BLOCK):
            counter.push(normal_batch(batch, names, kinds))
        return counter.done()


def _answer(rows: Sequence[tuple[int, bytes]]) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([pa.array([r[i] for r in rows], _ARROW.types[i]) for i in (0, 1)], schema=_ARROW)


def _buckets(hashes: Hashes) -> Iterator[tuple[int, Hashes]]:
    # Equal rows have equal hashes, so they meet in one bucket, wherever they were counted.
    bucket = hashes[:, 0] % np.uint64(_BUCKETS)
    for key in range(_BUCKETS):
        chunk = hashes[bucket == key]
        if len(chunk):
            yield key, chunk


@dataclass(frozen=True)
class _Merging:
    """What an executor does with the answers of one key; sent there by value."""

    sampling: SampleOf

    def __call__(self, group: pa.Table) -> pa.Table:
        key = group["key"][0].as_py()
        merge: Any = {_FAILED: next, _TABLES: _one_part, _SAMPLE: self._one_sample}.get(key, _repeats)
        payload = merge(p.as_py() for p in group["payload"])
        return pa.table({"key": [key], "payload": [payload]}, schema=_ARROW)

    def _one_sample(self, payloads: Iterable[bytes]) -> bytes:
        samples = SampleBuilder(self.sampling)
        for payload in payloads:
            samples.add(from_bytes(payload))
        found = samples.done()
        return b"" if found is None else to_bytes(found)


def _one_part(payloads: Iterable[bytes]) -> bytes:
    return reduce(add, map(Part.from_bytes, payloads)).to_bytes()


def _repeats(payloads: Iterable[bytes]) -> bytes:
    repeats = DuplicateBuilder()
    for chunk in payloads:
        rows = np.frombuffer(chunk, np.uint64).reshape(-1, 2)
        repeats.push(rows[:, 0], rows[:, 1])
    found = repeats.done()
    return np.array([found.repeated, found.kinds], np.int64).tobytes()


def ship_package(session: Any) -> None:
    """Send this package to the executors, unless the session has this very version of it already."""
    data = _package()
    name = f"workbench-{hashlib.sha256(data).hexdigest()[:16]}.zip"
    sent: frozenset[str] = getattr(session, "_workbench_sent", frozenset())
    if name in sent:
        return
    folder = Path(tempfile.mkdtemp(prefix="workbench-"))  # kept: Spark serves the file for as long as it runs
    (folder / name).write_bytes(data)
    session.addArtifacts(str(folder / name), pyfile=True)
    session._workbench_sent = sent | {name}


def _package() -> bytes:
    root = Path(__file__).parents[1]
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(root.rglob("*.py")):
            # A fixed date, so that equal packages are equal bytes.
            info = zipfile.ZipInfo(f"workbench/{path.relative_to(root).as_posix()}", (2020, 1, 1, 0, 0, 0))
            archive.writestr(info, path.read_bytes())
    return file.getvalue()

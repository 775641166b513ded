"""Labels that come later and apart, joined to their rows by an identifier."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from workbench.core.errors import ConfigError, DataError, shown, thousands
from workbench.core.frame import Again, Frame, Kind


def with_labels(frame: Frame, labels: Frame, id: str, target: str) -> Frame:
    """Return the frame with the target of each row that `labels` knows by its id; a label that is there stays.

    Raises DataError when the ids are of another kind, or when one id has several labels that differ.
    """
    if frame.distributed is not None or labels.distributed is not None:
        raise ConfigError("labels are joined on this computer only: leave `engine: spark` out, or join them before.")
    kinds = frame.kind(id), labels.kind(id)
    labels.kind(target)
    if kinds[0] is not kinds[1]:
        raise DataError(
            f"id column {shown(id)} holds {kinds[0].value} values in the data and {kinds[1].value} in the labels: "
            "write both alike, so that rows and labels find each other."
        )
    ids, values = _known(labels, id, target)
    schema = _schema(frame)
    if target not in frame.names:
        schema = schema.append(pa.field(target, values.type))
    elif frame.kind(target) is not labels.kind(target) and schema.field(target).type != pa.null():
        raise DataError(
            f"target column {shown(target)} holds {frame.kind(target).value} values in the data and "
            f"{labels.kind(target).value} in the labels: write both alike."
        )

    def read(columns: Sequence[str] | None) -> Iterator[pa.RecordBatch]:
        wanted = list(schema.names if columns is None else columns)
        inner = [c for c in dict.fromkeys([*wanted, id]) if c in frame.names]
        for batch in frame.batches(inner):
            place = pc.index_in(_comparable(batch.column(inner.index(id))), value_set=ids)
            late = values.take(place)
            if target in inner:
                late = pc.coalesce(batch.column(inner.index(target)).cast(late.type, safe=False), late)
            arrays = [late if c == target else batch.column(inner.index(c)) for c in wanted]
            yield pa.RecordBatch.from_arrays(arrays, names=wanted)

    joined = Frame(schema, read, frame.engine)
    if frame.again is not None and labels.again is not None:
        files = (*frame.again.files, *labels.again.files)
        joined.again = Again(_opened, (frame.again, labels.again, id, target), files)
    return joined


def _opened(frame: Again, labels: Again, id: str, target: str) -> Frame:
    return with_labels(frame(), labels(), id, target)


def _known(labels: Frame, id: str, target: str) -> tuple[pa.Array, pa.Array]:
    batches = list(labels.batches([id, target]))
    if not batches:
        raise DataError("the labels have no rows.")
    table = pa.Table.from_batches(batches)
    ids, values = (_comparable(table.column(0).combine_chunks()), table.column(1).combine_chunks())
    known = pc.and_(ids.is_valid(), values.is_valid())
    ids, values = ids.filter(known), values.filter(known)
    pairs = pa.table({"id": ids, "label": values}).group_by(["id", "label"]).aggregate([])
    twice = pairs.num_rows - len(pairs.column("id").unique())
    if twice:
        raise DataError(
            f"{thousands(twice)} ids of the labels come with more than one label: give each id one label, its last one."
        )
    return pairs.column("id").combine_chunks(), pairs.column("label").combine_chunks()


def _comparable(column: pa.Array) -> pa.Array:
    """Return ids in one type per kind: whole numbers as int64 where they are, others as float64, text as text."""
    if pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
        try:
            return column.cast(pa.int64())
        except pa.ArrowInvalid:
            return column.cast(pa.float64(), safe=False)
    return column


def _schema(frame: Frame) -> pa.Schema:
    first = next(iter(frame.batches()), None)
    if first is not None:
        return first.schema
    types = {Kind.NUMBER: pa.float64(), Kind.BOOLEAN: pa.bool_(), Kind.TIME: pa.timestamp("us", "UTC")}
    return pa.schema([(f.name, types.get(f.kind, pa.string())) for f in frame.fields])

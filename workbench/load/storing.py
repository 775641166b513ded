"""Data and models held in memory, written to files that a plan can name; those that are files keep their place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from workbench.core.frame import Frame
from workbench.load.models import Model


def is_source(data: object) -> bool:
    """Say whether data is named by a file, a glob or a list of files."""
    if isinstance(data, list | tuple):
        return bool(data) and all(isinstance(part, str | Path) for part in data)
    return isinstance(data, str | Path)


def stored_data(given: Any, frame: Frame, folder: Path, name: str) -> Any:
    """Return the place of data: its own files, absolute, or a Parquet file in the folder, which is made for it."""
    if is_source(given):
        return [_absolute(str(g)) for g in given] if isinstance(given, list | tuple) else _absolute(str(given))
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder.mkdir(parents=True, exist_ok=True)
    file, batches = folder / f"{name}.parquet", list(frame.batches())
    table = pa.Table.from_batches(batches) if batches else pa.table({n: pa.array([], pa.string()) for n in frame.names})
    pq.write_table(table, file)
    return str(file.absolute())


def stored_model(given: Any, model: Model | None, folder: Path, name: str = "model") -> str | None:
    """Return the place of a model: its own file, absolute, or a .skops file in the folder; None for none."""
    if model is None:
        return None
    if isinstance(given, str | Path):
        return _absolute(str(given))
    import skops.io

    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{name}.skops"
    skops.io.dump(model.predictor, file)
    return str(file.absolute())


def _absolute(uri: str) -> str:
    return uri if "://" in uri else str(Path(uri).absolute())

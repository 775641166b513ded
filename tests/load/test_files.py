"""Reading files leaves standard output to the caller."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import workbench as wb


def test_long_readings_draw_no_progress(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """However long DuckDB reads, it draws no bar into what a command prints."""
    import duckdb

    connect = duckdb.connect

    def at_once(*args: Any, **about: Any) -> Any:
        connection = connect(*args, **about)
        connection.execute("SET progress_bar_time = 0")  # as if every reading took over two seconds
        return connection

    monkeypatch.setattr(duckdb, "connect", at_once)
    pq.write_table(pa.table({"x": np.random.default_rng(0).random(3_000_000)}), tmp_path / "many.parquet")
    frame = wb.open_data(tmp_path / "many.parquet")
    capfd.readouterr()  # the setting just made shows itself
    assert sum(batch.num_rows for batch in frame.batches()) == 3_000_000
    assert capfd.readouterr().out == ""

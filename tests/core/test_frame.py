"""The one door: the same logical data from every library, the engine traps, and blocks of one size."""

from __future__ import annotations

import datetime as dt
import decimal
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from workbench.core.arrow import Kind
from workbench.core.errors import DataError
from workbench.core.frame import BLOCK, wrap
from workbench.load import open_frame


def table(frame: Any) -> dict[str, list[Any]]:
    """Return everything a frame hands out, by column."""
    batches = list(wrap(frame).batches())
    return {n: [v for b in batches for v in b.column(n).to_pylist()] for n in wrap(frame).names}


@pytest.fixture(scope="module")
def data() -> pa.Table:
    """Return a table of every plain type, with nulls."""
    return pa.table(
        {
            "whole": pa.array([1, None, -3], pa.int64()),
            "real": pa.array([0.5, None, -0.0], pa.float64()),
            "flag": pa.array([True, None, False]),
            "text": pa.array(["a", None, "ü"]),
            "when": pa.array([dt.datetime(2026, 1, 1, 5), None, dt.datetime(1969, 7, 20)], pa.timestamp("us", "UTC")),
        }
    )


ENGINES: dict[str, Callable[[pa.Table, Path], Any]] = {
    "arrow": lambda t, p: t,
    "batch": lambda t, p: t.to_batches()[0],
    "reader": lambda t, p: t.to_reader(),
    "dataset": lambda t, p: ds.dataset(t),
    "polars": lambda t, p: pl.from_arrow(t),
    "lazy": lambda t, p: pl.from_arrow(t).lazy(),
    "pandas nullable": lambda t, p: t.to_pandas(types_mapper=pd.ArrowDtype),
    "duckdb": lambda t, p: duckdb.connect().from_arrow(t),
    "parquet": lambda t, p: (pq.write_table(t, p / "t.parquet"), open_frame(p / "t.parquet"))[1],
}


@pytest.mark.parametrize("engine", ENGINES)
def test_every_engine_gives_the_same(engine: str, data: pa.Table, tmp_path: Path) -> None:
    """Values, nulls and kinds agree with Arrow's."""
    frame = wrap(ENGINES[engine](data, tmp_path))
    utc = [v and v.replace(tzinfo=dt.UTC) for v in table(data)["when"]]

    assert [f.kind for f in frame.fields] == [Kind.NUMBER, Kind.NUMBER, Kind.BOOLEAN, Kind.TEXT, Kind.TIME]
    found = table(frame)
    assert [v and v.replace(tzinfo=dt.UTC) for v in found.pop("when")] == utc
    assert found == {k: v for k, v in table(data).items() if k != "when"}


def one(values: Any, dtype: Any = None) -> tuple[Kind, list[Any]]:
    """Return kind and values of a pandas column."""
    frame = wrap(pd.DataFrame({"c": pd.Series(values, dtype=dtype)}))
    return frame.kind("c"), table(frame)["c"]


@pytest.mark.parametrize(
    ("values", "dtype", "kind", "expected"),
    [
        ([1.0, float("nan")], None, Kind.NUMBER, [1.0, None]),
        ([1, None], "Int64", Kind.NUMBER, [1, None]),
        ([1, 2], "uint8", Kind.NUMBER, [1, 2]),
        ([1, 2**64 - 1], "uint64", Kind.NUMBER, [1.0, float(2**64 - 1)]),
        ([1.5], "float32", Kind.NUMBER, [1.5]),
        ([decimal.Decimal("1.25"), None], object, Kind.NUMBER, [1.25, None]),
        ([True, None], object, Kind.BOOLEAN, [True, None]),
        (["a", None, float("nan"), pd.NA], object, Kind.TEXT, ["a", None, None, None]),
        (["a", 1, 2.5], object, Kind.TEXT, ["a", "1", "2.5"]),
        ([b"a", "b"], object, Kind.TEXT, ["b'a'", "b"]),
        ([2**70, 1], object, Kind.TEXT, [str(2**70), "1"]),
        (["a", "b", "a"], "category", Kind.TEXT, ["a", "b", "a"]),
        ([3, 1], "category", Kind.NUMBER, [3, 1]),
        ([None, None], object, Kind.NUMBER, [None, None]),
        ([uuid.UUID(int=1)], object, Kind.TEXT, [str(uuid.UUID(int=1))]),
        ([[1, 2], None], object, Kind.NESTED, ["[1, 2]", None]),
        ([{"a": 1}], object, Kind.NESTED, ['{"a": 1}']),
        ([dt.time(1, 2)], object, Kind.CLOCK, [3_720_000_000]),
        ([pd.Timedelta("1s")], None, Kind.DURATION, [1_000_000]),
        ([pd.Period("2026-01")], None, Kind.TEXT, ["2026-01"]),
        ([1 + 2j], None, Kind.TEXT, ["(1+2j)"]),
        (["\ud800"], object, Kind.TEXT, ["?"]),
    ],
)
def test_pandas_columns(values: Any, dtype: Any, kind: Kind, expected: list[Any]) -> None:
    """Every dtype has one logical reading; none crashes."""
    assert one(values, dtype) == (kind, expected)


def test_times_of_any_zone_are_instants() -> None:
    """Zones are converted, naive times are UTC, dates are midnights, nanoseconds stay."""
    berlin = pd.Series(pd.to_datetime(["2026-07-01 14:00"]).tz_localize("Europe/Berlin"))
    naive = pd.Series(pd.to_datetime(["2026-07-01 12:00"]))
    date = pd.Series([dt.date(2026, 7, 1)], dtype=object)
    fine = pd.Series(pd.to_datetime(["2026-07-01 12:00:00.000000001"]))
    frame = wrap(pd.DataFrame({"berlin": berlin, "naive": naive, "date": date, "fine": fine}))
    batch = next(frame.batches())

    assert batch.column("berlin").equals(batch.column("naive"))
    assert batch.column("date")[0].as_py() == dt.datetime(2026, 7, 1, tzinfo=dt.UTC)
    assert batch.column("fine").type.unit == "ns"


def test_pandas_index_and_labels() -> None:
    """The index is not data; labels that are no text become text; two of one name are refused by name."""
    data = pd.DataFrame([[1, 2]], index=["x"], columns=[0, ("a", "b")])
    assert wrap(data).names == ("0", "('a', 'b')")
    for labels in (["c", "c"], [1, "1"]):
        with pytest.raises(DataError, match="two columns"):
            wrap(pd.DataFrame([[1, 2]], columns=labels))


def test_strange_names_pass_through_duckdb(tmp_path: Path) -> None:
    """Names are identifiers, whatever they hold."""
    names = ['a"b', " ", "$$", "<img src=x>", "ا", "x" * 10_000, "select"]
    data = pa.table({n: [i] for i, n in enumerate(names)})
    relation = wrap(duckdb.connect().from_arrow(data))

    assert relation.names == tuple(names)
    assert [b.column(0).to_pylist() for b in relation.batches([names[0]])] == [[0]]
    assert [b.schema.names for b in relation.batches([names[6], names[2]])] == [["select", "$$"]]


@pytest.mark.parametrize("engine", ["pandas", "polars", "arrow", "duckdb"])
def test_blocks_do_not_depend_on_the_engine(engine: str) -> None:
    """Every block but the last has exactly the size asked for, in the source's order."""
    data = pd.DataFrame({"i": np.arange(10_001)})
    convert: dict[str, Callable[[], Any]] = {
        "pandas": lambda: data,
        "polars": lambda: pl.concat([pl.from_pandas(data[:37]), pl.from_pandas(data[37:])], rechunk=False),
        "arrow": lambda: pa.concat_tables([pa.Table.from_pandas(data[:5000]), pa.Table.from_pandas(data[5000:])]),
        "duckdb": lambda: duckdb.connect().from_arrow(pa.Table.from_pandas(data)),
    }
    batches = list(wrap(convert[engine]()).batches(["i"], rows=1000))

    assert [b.num_rows for b in batches] == [1000] * 10 + [1]
    assert [v for b in batches for v in b.column(0).to_pylist()] == list(range(10_001))


def test_duckdb_relations_can_be_read_side_by_side() -> None:
    """A reading left half-way frees its connection; one begun meanwhile says what is the matter."""
    con = duckdb.connect()
    frame = wrap(con.sql("SELECT i FROM range(200000) t(i)"))
    first = frame.batches()
    next(first)
    with pytest.raises(DataError, match="busy"):
        next(frame.batches())
    first.close()

    assert sum(b.num_rows for b in frame.batches()) == 200_000


def test_csv_types_and_missing(tmp_path: Path) -> None:
    """Yes/No stays text, true/false is boolean, only the empty field and declared tokens are missing."""
    (tmp_path / "a.csv").write_text(
        "yes,t,flag,n,when,q\nYes,t,true,1,2026-01-01,?\nNo,f,FALSE,2.5,2026-01-02,NA\n,,,,,\n"
    )
    frame = open_frame(tmp_path / "a.csv", null_values=["?"])
    kinds = {f.name: f.kind for f in frame.fields}
    found = table(frame)

    assert kinds == {
        "yes": Kind.TEXT, "t": Kind.TEXT, "flag": Kind.BOOLEAN, "n": Kind.NUMBER, "when": Kind.TIME, "q": Kind.TEXT,
    }  # fmt: skip
    assert found["yes"] == ["Yes", "No", None]
    assert found["flag"] == [True, False, None]
    assert found["q"] == [None, "NA", None]
    everything = table(open_frame(tmp_path / "a.csv", text_columns=True))
    assert everything["n"] == ["1", "2.5", ""]


def test_several_files_and_globs(tmp_path: Path) -> None:
    """A glob and a list read in sorted and given order; a mistyped name has near matches."""
    for i in (2, 1):
        (tmp_path / f"part-{i}.csv").write_text(f"a\n{i}\n")

    assert table(open_frame(str(tmp_path / "part-*.csv")))["a"] == [1, 2]
    assert table(open_frame([tmp_path / "part-2.csv", tmp_path / "part-1.csv"]))["a"] == [2, 1]
    with pytest.raises(DataError, match=r"part-1\.csv"):
        open_frame(tmp_path / "prt-1.csv")


def test_nothing_given_is_modified() -> None:
    """Wrapping and reading leave a frame as it was."""
    data = pd.DataFrame({"a": pd.Categorical(["x", "y"]), "b": [1.0, np.nan]})
    before = data.copy(deep=True)
    table(data)

    pd.testing.assert_frame_equal(data, before)


def test_texts_are_those_of_the_moment_they_were_given() -> None:
    """They become Arrow when they are read, piece by piece; what is written over them since is not seen."""
    data = pd.DataFrame({"a": ["x", None, "\ud800"] * (BLOCK // 3 + 1) + ["z"], "b": ["x"] * (BLOCK + 3)})
    frame = wrap(data)
    data.loc[:, "b"] = "y"
    data.loc[1, "a"] = "y"

    for _ in range(2):  # read anew, and from what was made the first time
        batches = list(frame.batches())
        assert [b.num_rows for b in batches] == [BLOCK, 3]
        table = pa.Table.from_batches(batches)
        assert table["a"].slice(0, 3).to_pylist() == ["x", None, "?"]
        assert table["a"].to_pylist()[-2:] == ["?", "z"]
        assert set(table["b"].to_pylist()) == {"x"}
        assert next(iter(frame.batches(["b"]))).num_columns == 1

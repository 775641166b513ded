"""Conditions keep the rows that DuckDB's SQL keeps, on every engine, and never run anything."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.audit.where import conditions
from workbench.core.errors import ConfigError, DataError
from workbench.core.filter import OPERATORS, Condition, filtered, of_group
from workbench.core.finding import group_label
from workbench.core.frame import Frame, wrap

HOSTILE = ("a\"b'; drop table t; --", "", "naïve \u202e=", "x" * 300)
TABLE = pa.table(
    {
        "at": pa.array(range(8), pa.int64()),
        "n": pa.array([1.5, None, -3.0, float("nan"), float("inf"), 0.0, -0.0, 2.0]),
        "i": pa.array([2**60, 2**60 + 1, None, -5, 0, 7, 7, 2**62], pa.int64()),
        "t": ["F", None, "M", "", "F", HOSTILE[0], HOSTILE[2], "f"],
        "b": [True, None, False, True, None, False, True, True],
        "time": pa.array([None, *(datetime(2026, m, 1, tzinfo=UTC) for m in range(1, 8))], pa.timestamp("us", "UTC")),
        "day": pa.array([date(2026, 1, d) for d in range(1, 9)]),
        "price": pa.array([Decimal("1.10"), None, *(Decimal(i) for i in range(6))], pa.decimal128(10, 2)),
        HOSTILE[0]: pa.array(["x", "y"] * 4),
    }
)


def rows(frame: Frame, *found: Condition) -> list[int]:
    """Return the numbers of the rows that are kept, read by one column only."""
    return [v for batch in filtered(frame, found).batches(["at"]) for v in batch.column(0).to_pylist()]


@pytest.mark.parametrize(
    ("column", "operator", "value", "expected"),
    [
        ("n", ">", 0, [0, 4, 7]), ("n", "<=", 0, [2, 5, 6]), ("n", "==", 0, [5, 6]), ("n", "missing", None, [1, 3]),
        ("n", "!=", 1.5, [1, 2, 3, 4, 5, 6, 7]), ("n", "present", None, [0, 2, 4, 5, 6, 7]),
        ("n", ">=", math.inf, [4]), ("i", "==", 2**60 + 1, [1]), ("i", "in", (7, -5), [3, 5, 6]),
        ("i", "not in", (7, -5), [0, 1, 2, 4, 7]), ("i", ">", 6.5, [0, 1, 5, 6, 7]),
        ("i", "<", 10**40, [0, 1, 3, 4, 5, 6, 7]), ("i", "<=", 2.0**60, [0, 3, 4, 5, 6]),
        ("i", ">", -math.inf, [0, 1, 3, 4, 5, 6, 7]),
        ("t", "==", "F", [0, 4]), ("t", "==", "", [3]), ("t", "in", (HOSTILE[0], "M"), [2, 5]),
        ("t", "missing", None, [1]),
        ("t", "in", (), []), ("t", "not in", (), list(range(8))),
        ("b", "==", True, [0, 3, 6, 7]), ("b", "!=", True, [1, 2, 4, 5]),
        ("time", ">=", "2026-05-01", [5, 6, 7]), ("time", "<", "2026-02-01T01:00:00+02:00", [1]),
        ("day", "<=", "2026-01-03", [0, 1, 2]), ("price", "==", 1, [3]), ("price", "<", 1.2, [0, 2, 3]),
        (HOSTILE[0], "==", "y", [1, 3, 5, 7]),
    ],
)  # fmt: skip
def test_by_hand(column: str, operator: str, value: Any, expected: list[int]) -> None:
    """Missing values meet `missing`, `!=` and `not in` alone; NaN is missing; times are UTC."""
    assert rows(wrap(TABLE), Condition(column, operator, value)) == expected


SQL = {"==": "=", "!=": "IS DISTINCT FROM", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
numbers = st.one_of(st.none(), st.integers(-5, 5), st.floats(-5, 5, allow_nan=False))


@given(
    st.lists(st.tuples(numbers, st.sampled_from(["a", "b", "A", " ", None])), min_size=1, max_size=30),
    st.lists(st.tuples(st.sampled_from(sorted(SQL)), st.integers(-5, 5)), max_size=3),
    st.sampled_from(["==", "!="]),
    st.sampled_from(["a", "b", "z"]),
)
def test_random_conditions_keep_what_sql_keeps(
    data: list[tuple[Any, Any]], tests: list[tuple[str, int]], of_text: str, text: str
) -> None:
    """DuckDB is the oracle; conditions hold together."""
    n, t = zip(*data, strict=True)
    data_rows = pa.table({"at": range(len(n)), "n": pa.array(n, pa.float64()), "t": pa.array(t, pa.string())})
    where = " AND ".join([*(f"n {SQL[o]} {v}" for o, v in tests), f"t {SQL[of_text]} '{text}'"])
    expected = duckdb.sql(f'SELECT "at" FROM data_rows WHERE {where} ORDER BY "at"').fetchall()
    found = rows(wrap(data_rows), *(Condition("n", o, v) for o, v in tests), Condition("t", of_text, text))
    assert found == [r[0] for r in expected]


FRAMES: dict[str, Callable[[], Any]] = {
    "pandas": lambda: TABLE.to_pandas(),
    "polars": lambda: pl.from_arrow(TABLE),
    "lazy": lambda: pl.from_arrow(TABLE).lazy(),  # type: ignore[union-attr]
    "duckdb": lambda: duckdb.connect().from_arrow(TABLE),
    "arrow": lambda: TABLE,
}


@pytest.mark.parametrize("engine", FRAMES)
def test_every_engine_keeps_the_same(engine: str) -> None:
    """Two columns filtered on, others read, in the source's order and in batches of one size."""
    given = [Condition("t", "!=", "M"), Condition("time", ">", "2026-01-15")]
    frame = filtered(wrap(FRAMES[engine]()), given)
    assert [b.num_rows for b in frame.batches(["b", "at"], rows=2)] == [2, 2, 1]
    assert rows(frame) == [3, 4, 5, 6, 7]
    assert rows(frame) == [3, 4, 5, 6, 7]
    whole = next(frame.batches())
    assert tuple(whole.schema.names) == frame.names == tuple(TABLE.column_names)
    assert rows(filtered(frame, [Condition("b", "==", True)])) == [3, 6, 7]


@pytest.mark.parametrize(
    ("column", "operator", "value", "told"),
    [
        ("n", "==", "1", "expected a number"), ("n", "==", True, "expected a number"), ("t", "==", 1, "expected text"),
        ("b", "==", 1, "expected true or false"), ("time", ">", "soon", "ISO 8601"), ("time", ">", 3, "ISO 8601"),
        ("t", "<", "x", "no order"), ("b", ">=", True, "no order"), ("n", "==", float("nan"), "expected a number"),
        ("n", "==", 10**400, "expected a number"),
    ],
)  # fmt: skip
def test_values_that_do_not_fit(column: str, operator: str, value: Any, told: str) -> None:
    """The column is named, and what was expected."""
    with pytest.raises(ConfigError, match=told) as caught:
        filtered(wrap(TABLE), [Condition(column, operator, value)])
    assert repr(column) in str(caught.value)


def test_mistakes_are_told() -> None:
    """Unknown columns and operators with near matches; values that an operator does not take; no code."""
    with pytest.raises(DataError, match="'price'"):
        filtered(wrap(TABLE), [Condition("prise", "missing")])
    with pytest.raises(ConfigError, match="not in"):
        Condition("t", "not  in", ("x",))
    for operator, value in (("in", "x"), ("missing", 1), ("==", ("x",)), ("==", None)):
        with pytest.raises(ConfigError, match="takes"):
            Condition("t", operator, value)
    for text in ("__import__('os').system('x')", "t == 'F'"):
        with pytest.raises(ConfigError):
            conditions(text)
    with pytest.raises(ConfigError, match="operator"):
        conditions([{"column": "t", "operator": "; drop", "value": "x"}])
    nested = wrap(pa.table({"l": [[1], None]}))
    with pytest.raises(ConfigError, match="only missing and present"):
        filtered(nested, [Condition("l", "==", "[1]")])
    assert [b.num_rows for b in filtered(nested, [Condition("l", "missing")]).batches()] == [1]


def test_short_ways_to_write_them() -> None:
    """A mapping means equal, one of, or missing; what is written reads back."""
    found = conditions({"t": "F", "i": [7, 8], "n": None})
    assert found == (Condition("t", "==", "F"), Condition("i", "in", (7, 8)), Condition("n", "missing"))
    assert conditions([c.to_dict() for c in found]) == found
    assert {c.operator for c in found} <= set(OPERATORS)


@given(st.sampled_from(["t", "b", "i", HOSTILE[0]]), st.integers(0, 7))
def test_a_groups_label_stands_for_its_rows(column: str, row: int) -> None:
    """The label of any row's value keeps the rows with that value."""
    values = TABLE[column].to_pylist()
    text = None if values[row] is None else str(values[row])
    found = rows(wrap(TABLE), *of_group(group_label([column], [text]), wrap(TABLE)))
    assert found == [i for i, v in enumerate(values) if v == values[row]]


def test_a_group_of_numbers_has_numbers() -> None:
    """`i=abc` is no group of a column of numbers."""
    with pytest.raises(ConfigError, match="holds numbers"):
        of_group("i=abc", wrap(TABLE))
    assert of_group("n=1.5 & t=F", wrap(TABLE)) == [Condition("n", "==", 1.5), Condition("t", "==", "F")]


def test_an_empty_frame_stays_one() -> None:
    """No rows, and none met."""
    for frame in (wrap(TABLE.slice(0, 0)), filtered(wrap(TABLE), [Condition("t", "==", "nobody")])):
        assert rows(frame, Condition("n", ">", 0)) == []
    assert filtered(wrap(pd.DataFrame({"a": [1]})), []).names == ("a",)

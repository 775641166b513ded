"""Contracts: every rule, columnar against row by row, hostile records."""

from __future__ import annotations

import json
import math
import operator as op
import re
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.core.contract import Column, Contract, validate_batch
from workbench.core.contract_rules import InSet, NotNull, Pattern, Range
from workbench.core.contract_whole import Unique
from workbench.core.errors import ConfigError, DataError
from workbench.core.records import read_arrow, read_json, read_lines

CONTRACT = Contract.from_dict(
    {
        "name": "loans",
        "columns": {
            "id": {"type": "integer", "nullable": False},
            "age": {"type": "integer", "minimum": 18, "maximum": 120},
            "rate": {"type": "number", "minimum": 0},
            "state": {"type": "text", "allowed": ["A", "B"], "nullable": False},
            "code": {"type": "text", "pattern": "[A-Z]{2}[0-9]+", "required": False},
            "ok": {"type": "boolean", "required": False},
            "at": {"type": "time", "minimum": "2026-01-01", "required": False},
        },
        "unique": ["id"],
    }
)

GOOD = {"id": 1, "age": 30, "rate": 0.5, "state": "A", "code": "AB1", "ok": True, "at": "2026-02-01T00:00:00Z"}


def judged(*records, contract=CONTRACT, **options):
    arrived = read_json(json.dumps(list(records)).encode(), contract)
    return validate_batch(arrived.table, contract, faults=arrived.faults, **options)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"id": None}, "id: not null"),
        ({"id": "1"}, "id: type integer"),
        ({"id": True}, "id: type integer"),
        ({"id": 1.5}, "id: type integer"),
        ({"id": 2**70}, "id: type integer"),
        ({"age": 17}, "age: minimum 18"),
        ({"age": 121}, "age: maximum 120"),
        ({"rate": -1e-9}, "rate: minimum 0"),
        ({"rate": "0.5"}, "rate: type number"),
        ({"rate": False}, "rate: type number"),
        ({"state": "C"}, "state: allowed values"),
        ({"state": ""}, "state: allowed values"),
        ({"state": None}, "state: not null"),
        ({"state": ["A"]}, "state: type text"),
        ({"state": "\ud800"}, "state: type text"),
        ({"code": "AB"}, "code: pattern"),
        ({"code": "xAB1"}, "code: pattern"),
        ({"code": "AB1\n"}, "code: pattern"),
        ({"ok": 1}, "ok: type boolean"),
        ({"at": "yesterday"}, "at: type time"),
        ({"at": 5}, "at: type time"),
        ({"at": "2025-12-31T23:59:59Z"}, "at: minimum 2026-01-01"),
        ({"at": "2026-01-01T00:30:00+01:00"}, "at: minimum 2026-01-01"),
    ],
)
def test_each_rule_has_its_reason(change, reason):
    found = judged(GOOD, {**GOOD, "id": 2, **change})
    assert found.accepted.tolist() == [True, False]
    assert reason in found.reasons()[1]
    assert 0 not in found.reasons()


def test_a_missing_key_is_required_or_null():
    without = {k: v for k, v in GOOD.items() if k not in ("code", "ok", "at")}
    assert judged(without).accepted.all()
    assert judged({k: v for k, v in GOOD.items() if k != "age"}).reasons() == {0: ["age: required"]}


def test_limits_are_inside():
    assert judged({**GOOD, "age": 18}, {**GOOD, "id": 2, "age": 120.0}, {**GOOD, "id": 3, "rate": 0}).accepted.all()


def test_the_first_arrival_that_is_accepted_takes_the_key():
    found = judged({**GOOD, "age": 5}, GOOD, {**GOOD, "rate": 0.7}, {**GOOD, "id": 9})
    assert found.accepted.tolist() == [False, True, False, True]
    assert found.reasons() == {0: ["age: minimum 18"], 2: ["id: unique"]}


def test_keys_taken_by_earlier_batches_are_refused():
    asked = []

    def seen(rule, windows, hashes):
        asked.append((rule, windows.tolist(), hashes.shape))
        return np.array([False, True])

    found = judged(GOOD, {**GOOD, "id": 2}, seen=seen)
    assert found.reasons() == {1: ["id: unique"]}
    assert asked == [(0, [0, 0], (2, 2))]


def test_a_key_is_unique_within_its_window():
    found = judged(GOOD, GOOD, GOOD, {**GOOD, "age": 1}, scope=lambda ok: np.array([1, 2, 1, 2]) + 0 * ok)
    assert found.reasons() == {2: ["id: unique"], 3: ["age: minimum 18"]}


def test_a_key_of_two_columns_with_a_null_is_no_key():
    columns = {"a": Column("integer"), "b": Column("text")}
    contract = Contract("c", columns, (Unique(columns=("a", "b")),))
    rows = [(1, "x"), (1, "y"), (1, "x"), (None, "x"), (None, "x")]
    found = judged(*[{"a": a, "b": b} for a, b in rows], contract=contract)
    assert found.reasons() == {2: ["a & b: unique"]}


def test_a_closed_contract_refuses_other_columns():
    contract = Contract("c", {"a": Column("integer")}, closed=True)
    assert judged({"a": 1}, {"a": 2, "b": 3}, contract=contract).accepted.tolist() == [True, False]
    assert not validate_batch(pd.DataFrame({"a": [1], "b": [2]}), contract).accepted.any()


@pytest.mark.parametrize("body", [b"", b"{", b"[1,", b"\xff\xfe", b'{"id": NaN}', b"[" * 100_000, b"1" * 5000])
def test_what_is_no_json_is_refused_without_a_quote(body):
    with pytest.raises(DataError, match="no JSON") as caught:
        read_json(body, CONTRACT)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("body", [b"null", b"3", b'"text"', b"[[1]]", b"[null]"])
def test_json_that_is_no_record_is_a_fault(body):
    arrived = read_json(body, CONTRACT)
    assert not validate_batch(arrived.table, CONTRACT, faults=arrived.faults).accepted.any()


def test_one_broken_line_does_not_spoil_the_others():
    lines = b"\n".join([json.dumps(GOOD).encode(), b"{broken", b"", json.dumps({**GOOD, "id": 2}).encode()])
    arrived = read_lines(lines, CONTRACT)
    found = validate_batch(arrived.table, CONTRACT, faults=arrived.faults)
    assert found.accepted.tolist() == [True, False, True]
    assert "not a JSON object" in found.reasons()[1]


def test_arrow_and_json_are_judged_alike():
    rows = [GOOD, {**GOOD, "id": 2, "age": 3}, {**GOOD, "id": 3, "state": None}]
    table = pa.Table.from_pylist([{**r, "at": datetime(2026, 2, 1, tzinfo=UTC)} for r in rows])
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    arrived = read_arrow(sink.getvalue().to_pybytes(), CONTRACT)
    found = validate_batch(arrived.table, CONTRACT, faults=arrived.faults)
    assert found.reasons() == judged(*rows).reasons()
    assert validate_batch(table, CONTRACT).reasons() == found.reasons()
    with pytest.raises(DataError, match="neither an Arrow stream nor an Arrow file"):
        read_arrow(b"garbage", CONTRACT)


def test_a_frame_of_the_wrong_type_says_so_and_an_empty_one_passes():
    assert validate_batch(pd.DataFrame({"id": ["x"]}), Contract("c", {"id": Column("integer")})).reasons() == {
        0: ["id: type integer"]
    }
    assert validate_batch(pd.DataFrame({"id": []}), Contract("c", {"id": Column("integer")})).rows == 0


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ({"columns": {}}, "at least one column"),
        ({"columns": {"a": {"type": "int"}}}, "Did you mean 'integer'"),
        ({"columns": {"a": {"typ": "integer"}}}, "Did you mean 'type'"),
        ({"columns": {"a": {"type": "text", "minimum": 1}}}, "not text"),
        ({"columns": {"a": {"type": "integer", "minimum": "1"}}}, "expected a number"),
        ({"columns": {"a": {"type": "text", "pattern": "("}}}, "RE2"),
        ({"columns": {"a": {"type": "text", "pattern": "(?=x)"}}}, "RE2"),
        ({"columns": {"a": {"type": "time", "minimum": "soon"}}}, "no time"),
        ({"columns": {"a": {}}, "unique": ["b"]}, "unknown column 'b'"),
        ({"columns": {"a": 3}}, "expected rules"),
        ({"column": {}}, "Did you mean 'columns'"),
    ],
)
def test_a_wrong_contract_is_explained(data, text):
    with pytest.raises(ConfigError, match=re.escape(text)):
        Contract.from_dict(data)


def test_round_trip():
    assert Contract.from_dict(CONTRACT.to_dict()) == CONTRACT
    assert Contract.from_dict(json.loads(json.dumps(CONTRACT.to_dict()))) == CONTRACT


def plainly(record, column, rules):
    """One value by one column and its rules, written the slow way."""
    if "v" not in record and column.required:
        return False
    value = record.get("v")  # what is absent is null, as it would be in a file
    if value is None:
        return not any(isinstance(r, NotNull) for r in rules)
    fits = {
        "integer": lambda v: type(v) in (int, float) and math.isfinite(v) and v == int(v) and -(2**63) <= v < 2**63,
        "number": lambda v: type(v) in (int, float),
        "text": lambda v: type(v) is str,
        "boolean": lambda v: type(v) is bool,
    }[column.type]
    return fits(value) and all(kept(value, r) for r in rules)


def kept(value, rule):
    if isinstance(rule, Range):
        compare = {"minimum": op.ge, "maximum": op.le, "above": op.gt, "below": op.lt}
        return all(compare[name](value, limit) for name, limit in rule.bounds.items())
    if isinstance(rule, InSet):
        return value in rule.values
    return not isinstance(rule, Pattern) or re.fullmatch(rule.pattern, value) is not None


VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 5), st.integers(), st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["a", "b", "ab", "A1", ""]), st.text(st.characters(codec="utf-8"), max_size=5), st.just([1]),
)  # fmt: skip
NUMERIC = st.one_of(
    st.builds(Range, column=st.just("v"), minimum=st.integers(-3, 0) | st.just(-0.5), maximum=st.just(2**70)),
    st.builds(Range, column=st.just("v"), above=st.integers(-3, 0), below=st.none() | st.integers(1, 3)),
    st.builds(InSet, column=st.just("v"), values=st.just((1, 2)) | st.just((0, 2.5))),
)
TEXTUAL = st.one_of(
    st.builds(InSet, column=st.just("v"), values=st.just(("a", "b"))),
    st.builds(Pattern, column=st.just("v"), pattern=st.just("[a-z]+")),
)
COLUMNS = st.one_of(
    st.tuples(st.builds(Column, st.sampled_from(["integer", "number"]), st.booleans()), st.none() | NUMERIC),
    st.tuples(st.builds(Column, st.just("text"), st.booleans()), st.none() | TEXTUAL),
    st.tuples(st.builds(Column, st.just("boolean"), st.booleans()), st.none()),
)


@given(COLUMNS, st.booleans(), st.lists(st.one_of(st.just({}), st.fixed_dictionaries({"v": VALUES})), max_size=12))
def test_by_column_is_as_by_row(given_, there, records):
    column, rule = given_
    rules = (*([NotNull(column="v")] if there else []), *([] if rule is None else [rule]))
    contract = Contract("c", {"v": column}, rules)
    arrived = read_json(json.dumps(records).encode(), contract)
    found = validate_batch(arrived.table, contract, faults=arrived.faults)
    assert found.accepted.tolist() == [plainly(r, column, rules) for r in records]

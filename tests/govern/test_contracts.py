"""Contracts of others: there and back through the standard, and what each tool's own rules become here."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib.resources import files

import jsonschema
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from open_data_contract_standard.model import OpenDataContractStandard

from workbench.core.contract import Column, Contract
from workbench.core.contract_judge import Naming, judge_data
from workbench.core.contract_kinds import KINDS, rule_of
from workbench.core.contract_values import Grounds
from workbench.core.errors import ConfigError
from workbench.core.frame import wrap
from workbench.govern.expectations_import import from_expectations
from workbench.govern.odcs import from_odcs, to_odcs
from workbench.govern.pandera_import import from_pandera

# ---------------------------------------------------------------------------- the Open Data Contract Standard

EVERY_KIND = [
    {"rule": "not_null", "column": "i"},
    {"rule": "not_null", "column": "t", "mostly": 0.9},
    {"rule": "in_set", "column": "t", "values": ["a", "=1+1"], "when": {"column": "b", "values": [True]}},
    {"rule": "range", "column": "i", "minimum": 0, "below": 10},
    {"rule": "range", "column": "d", "minimum": "2026-01-01"},
    {"rule": "length", "column": "t", "minimum": 1, "maximum": 3},
    {"rule": "pattern", "column": "t", "pattern": "[a-z]+"},
    {"rule": "compare", "column": "i", "operator": "<=", "other": "x"},
    {"rule": "unique", "columns": ["i"]},
    {"rule": "unique", "columns": ["i", "t"]},
    {"rule": "monotone", "column": "d", "strict": True},
    {"rule": "determines", "columns": ["i"], "determined": "t"},
    {"rule": "refers", "column": "i", "data": "other.csv", "to": "id"},
    {"rule": "row_count", "minimum": 1, "maximum": 9},
    {"rule": "mean", "column": "x", "minimum": 0.5},
    {"rule": "sum", "column": "x", "maximum": 9},
    {"rule": "quantile", "column": "x", "q": 0.9, "maximum": 5},
    {"rule": "distinct", "column": "t", "maximum": 4},
    {"rule": "freshness", "column": "d", "within": "2 days"},
]
STANDARD = jsonschema.Draft201909Validator(
    json.loads(files("open_data_contract_standard").joinpath("schema.json").read_text())
)
TYPES = {"i": "integer", "x": "number", "t": "text", "b": "boolean", "d": "time", "any": "any"}
STATES = st.sampled_from(["proposed", "accepted", "rejected"])
GROUNDS = st.none() | st.builds(Grounds, st.integers(0, 9), st.none() | st.just(0.5), st.sampled_from(["", "seen: '"]))


def test_every_kind_of_rule_is_here():
    assert {r["rule"] for r in EVERY_KIND} == set(KINDS)


@st.composite
def contracts(draw):
    columns = {
        name: Column(type_, draw(st.booleans()), draw(st.booleans()), draw(STATES), draw(GROUNDS))
        for name, type_ in TYPES.items()
    }
    chosen = draw(st.lists(st.sampled_from(EVERY_KIND), unique_by=json.dumps))
    rules = [replace(rule_of(r), state=draw(STATES), evidence=draw(GROUNDS)) for r in chosen]
    return Contract("orders", columns, tuple(rules), draw(st.booleans()), "2.1.0")


def unordered(contract):
    found = contract.to_dict()
    return {**found, "rules": sorted(found["rules"], key=json.dumps)}


@given(contracts())
def test_a_contract_survives_the_standard(contract):
    document = json.loads(json.dumps(to_odcs(contract)))
    OpenDataContractStandard(**document)
    STANDARD.validate(document)
    again, left = from_odcs(document)
    assert unordered(again) == unordered(contract)
    assert left == []


def test_every_kind_is_valid_to_the_standards_own_schema():
    columns = {name: Column(type_) for name, type_ in TYPES.items()}
    limits = ({"rule": "range", "minimum": 1}, {"rule": "length", "minimum": 1}, {"rule": "pattern", "pattern": "a"})
    rules = [*EVERY_KIND, *({**limit, "column": "any"} for limit in limits)]
    contract = Contract("orders", columns, tuple(map(rule_of, rules)), closed=True)
    document = to_odcs(contract)
    STANDARD.validate(document)
    assert unordered(from_odcs(document)[0]) == unordered(contract)
    untyped = json.loads(json.dumps(document))
    del untyped["schema"][0]["properties"][0]["logicalType"]
    assert not STANDARD.is_valid(untyped)  # why a column of no type is written as text


def test_what_is_not_taken_over_of_the_standard_is_listed():
    document = to_odcs(Contract("orders", {"a": Column("integer")}))
    document["schema"][0]["properties"][0] |= {
        "logicalType": "array", "classification": "made up", "logicalTypeOptions": {"multipleOf": 5},
        "quality": [{"type": "sql", "name": "no orphans", "query": "select 1", "mustBe": 0}],
    }  # fmt: skip
    document["slaProperties"] = [{"property": "latency", "value": 4}]
    _, left = from_odcs(document)
    text = "\n".join(left)
    for part in ("array", "multipleOf", "no orphans", "slaProperties"):
        assert part in text
    with pytest.raises(ConfigError, match="no Open Data Contract"):
        from_odcs({"schema": "x"})
    with pytest.raises(ConfigError, match="no schema"):
        from_odcs({"kind": "DataContract"})


# ---------------------------------------------------------------------------- Great Expectations

N = {"x": [1.0, None, 3.0, 9.0]}
T = {"x": ["a", "b", None, "c"]}
AB = {"x": ["a1", "xa1", None, "b"]}
PAIRS = {"a": [2.0, 1.0, None, None, 3.0], "b": [1.0, 1.0, 1.0, None, None]}
EITHER = "either_value_is_missing"
EXPECTED = [
    # what, its arguments, the data -> success, rows that break it (from 0); as Great Expectations 1.24.1 answers
    ("values_to_not_be_null", {}, N, False, [1]),
    ("values_to_not_be_null", {"mostly": 0.75}, N, True, [1]),
    ("values_to_not_be_null", {"mostly": 0.76}, N, False, [1]),
    ("values_to_be_between", {"min_value": 1, "max_value": 3}, N, False, [3]),
    ("values_to_be_between", {"min_value": 1, "max_value": 9, "strict_min": True, "strict_max": True}, N,
     False, [0, 3]),
    ("values_to_be_between", {"max_value": 3, "mostly": 0.66}, N, True, [3]),
    ("values_to_be_between", {"max_value": 3, "mostly": 0.67}, N, False, [3]),
    ("values_to_be_in_set", {"value_set": ["a", "b"]}, T, False, [3]),
    ("values_to_be_in_set", {"value_set": ["a", "b"], "mostly": 0.6}, T, True, [3]),
    ("values_to_match_regex", {"regex": "a[0-9]"}, AB, False, [3]),
    ("values_to_match_regex", {"regex": "^a[0-9]$"}, AB, False, [1, 3]),
    ("values_to_match_regex_list", {"regex_list": ["a", "b"]}, {"x": ["a1", "b2", None, "c"]}, False, [3]),
    ("values_to_match_regex_list", {"regex_list": ["a", "b"], "match_on": "all"}, {"x": ["ab", "b2", None, "c"]},
     False, [1, 3]),
    ("value_lengths_to_be_between", {"min_value": 1, "max_value": 2}, {"x": ["a", "abc", None, ""]}, False, [1, 3]),
    ("value_lengths_to_equal", {"value": 2}, {"x": ["ab", "abc", None]}, False, [1]),
    ("values_to_be_unique", {}, {"x": ["a", "b", None, None]}, True, []),
    ("values_to_be_increasing", {}, {"x": [1.0, None, 2.0, 2.0, 1.0]}, False, [4]),
    ("values_to_be_increasing", {"strictly": True}, {"x": [1.0, None, 2.0, 2.0, 3.0]}, False, [3]),
    ("values_to_be_decreasing", {}, {"x": [3.0, None, 2.0]}, True, []),
    ("mean_to_be_between", {"min_value": 4, "max_value": 5}, N, True, None),
    ("mean_to_be_between", {"min_value": 4.4, "max_value": 5}, N, False, None),
    ("sum_to_be_between", {"min_value": 13, "max_value": 13}, N, True, None),
    ("median_to_be_between", {"min_value": 3.5, "max_value": 3.5}, {"x": [1.0, None, 2.0, 5.0, 9.0]}, True, None),
    ("unique_value_count_to_be_between", {"min_value": 2, "max_value": 2}, {"x": ["a", "b", "a", None]}, True, None),
    ("values_to_be_between", {"min_value": 1}, {"x": [None, None]}, True, []),
    ("values_to_be_in_set", {"value_set": ["a"]}, {"x": [None, None]}, True, []),
]  # fmt: skip
WHOLE = [
    ("expect_table_row_count_to_be_between", {"min_value": 1, "max_value": 4}, N, True, None),
    ("expect_table_row_count_to_equal", {"value": 5}, N, False, None),
    ("expect_compound_columns_to_be_unique", {"column_list": ["x", "y"], "ignore_row_if": "any_value_is_missing"},
     {"x": [1.0, 1.0, 2.0, None, None], "y": ["a", "b", "a", "c", "c"]}, True, []),
    ("expect_column_pair_values_a_to_be_greater_than_b",
     {"column_A": "a", "column_B": "b", "or_equal": True, "ignore_row_if": EITHER}, PAIRS, True, []),
    ("expect_column_pair_values_to_be_equal", {"column_A": "a", "column_B": "b", "ignore_row_if": EITHER},
     {"a": ["x", "y", None], "b": ["x", "z", None]}, False, [1]),
    ("expect_table_columns_to_match_set", {"column_set": ["x"], "exact_match": True}, N, True, None),
]  # fmt: skip
VECTORS = [*((f"expect_column_{k}", {"column": "x", **g}, d, s, r) for k, g, d, s, r in EXPECTED), *WHOLE]


def taken(kind, given, data):
    """Take one expectation over, and judge its data: (what was not taken over, the judgements)."""
    there = [{"type": "expect_column_to_exist", "kwargs": {"column": name}} for name in data]
    contract, left = from_expectations({"name": "s", "expectations": [*there, {"type": kind, "kwargs": given}]})
    frame = pd.DataFrame({k: pd.Series(v, dtype=kind_of(v)) for k, v in data.items()})
    return left, judge_data(wrap(frame), contract, naming=Naming())


def kind_of(values):
    return "float64" if all(v is None or isinstance(v, float) for v in values) else object


@pytest.mark.parametrize(("kind", "given", "data", "success", "broken"), VECTORS)
def test_what_is_taken_over_answers_as_great_expectations_does(kind, given, data, success, broken):
    left, found = taken(kind, given, data)
    assert left == []
    assert (found.outcome == "pass") is success
    if broken is not None:
        assert {at - 1 for r in found.rules for at, _ in r.rows} == set(broken)


@pytest.mark.parametrize(
    ("kind", "given", "data", "there", "here", "said"),
    [
        # A repeated key: every row of it there, those after the first here; the outcome is the same.
        ("expect_column_values_to_be_unique", {"column": "x"}, {"x": ["a", "b", "a"]}, [0, 2], [2], ""),
        ("expect_compound_columns_to_be_unique", {"column_list": ["x", "y"]},
         {"x": [1.0, None, None], "y": ["a", "c", "c"]}, [1, 2], [], "part of its key is not judged"),
        ("expect_column_pair_values_a_to_be_greater_than_b", {"column_A": "a", "column_B": "b"}, PAIRS,
         [1, 2, 4], [1], "one of both is missing"),
        ("expect_column_quantile_values_to_be_between",
         {"column": "x", "quantile_ranges": {"quantiles": [0.5], "value_ranges": [[2.5, 2.5]]}},
         {"x": [1.0, 2.0, 3.0, 4.0, None]}, "3.0", "2.5", "interpolated one here"),
    ],
)  # fmt: skip
def test_where_great_expectations_differs_it_is_said(kind, given, data, there, here, said):
    left, found = taken(kind, given, data)
    assert said in " ".join(left)
    assert bool(left) is bool(said)
    if isinstance(here, list):
        assert [at - 1 for r in found.rules for at, _ in r.rows] == here != there
    else:
        assert [r.value for r in found.rules if r.kind == "quantile"] == [float(here)]


def test_what_is_not_taken_over_of_a_suite_is_listed():
    suite = {
        "expectation_suite_name": "old",
        "expectations": [
            {"expectation_type": "expect_column_values_to_be_between", "kwargs": {"column": "x", "min_value": 0},
             "severity": "warning"},
            {"type": "expect_column_kl_divergence_to_be_less_than", "kwargs": {"column": "x"}},
            {"type": "expect_column_values_to_not_be_null",
             "kwargs": {"column": "x", "row_condition": "__import__('os').system('true')"}},
            {"type": "expect_column_values_to_be_unique", "kwargs": {"column": "x", "mostly": 0.9}},
            {"type": "expect_column_values_to_match_regex", "kwargs": {"column": "x", "regex": "(?<=a)b"}},
            {"type": "expect_column_values_to_be_between", "kwargs": {"column": 7, "min_value": [1]}},
            "not one",
        ],
    }  # fmt: skip
    contract, left = from_expectations(suite)
    assert (contract.name, [(r.key, r.state) for r in contract.rules]) == ("old", [("x: range", "proposed")])
    assert len(left) == 6
    for part in ("kl_divergence", "row_condition is code", "mostly", "regex", "expectation 7"):
        assert part in "\n".join(left)
    with pytest.raises(ConfigError, match="no list of expectations"):
        from_expectations({"a": 1})


# ---------------------------------------------------------------------------- pandera

SCHEMA = {
    "schema_type": "dataframe", "name": "loans", "strict": True, "unique": ["id", "kind"],
    "columns": {
        "id": {"dtype": "int64", "nullable": False, "unique": True, "checks": None},
        "age": {"dtype": "Int64", "nullable": True, "checks": {
            "greater_than_or_equal_to": {"value": 18, "options": {"check_name": "greater_than_or_equal_to",
                                                                    "raise_warning": False, "ignore_na": True}},
            "less_than": 120}},
        "rate": {"dtype": "float64", "nullable": True, "checks": [
            {"min_value": 0, "max_value": 1, "include_min": True, "include_max": False,
             "options": {"check_name": "in_range"}}]},
        "kind": {"dtype": "str", "nullable": True, "checks": {"isin": ["a", "b"]}},
        "code": {"dtype": "str", "nullable": True, "required": False, "coerce": True, "checks": {
            "str_matches": "[A-Z]+", "str_length": {"min_value": 1, "max_value": 3}, "mine": None}},
        "warned": {"dtype": "float64", "nullable": True, "checks": {
            "greater_than": {"value": 0, "options": {"raise_warning": True, "ignore_na": False}}}},
        "^z.*": {"dtype": "float64", "regex": True},
    },
}  # fmt: skip


def test_a_pandera_schema_is_taken_over_and_the_rest_listed():
    contract, left = from_pandera(SCHEMA)
    found = {r.key: r for r in contract.rules}
    assert (contract.name, contract.closed) == ("loans", True)
    assert contract.types == {
        "id": "integer", "age": "integer", "rate": "number", "kind": "text", "code": "text", "warned": "number",
    }  # fmt: skip
    assert not contract.columns["code"].required
    assert found["rate: range"].bounds == {"minimum": 0, "below": 1}
    assert found["warned: range"].state == "proposed"
    assert {"id: not null", "id: unique", "id & kind: unique", "kind: allowed values", "code: length"} <= found.keys()
    assert not any(k.endswith("not null") and k != "id: not null" for k in found)
    text = "\n".join(left)
    for part in ("^z.*", "coerce", "mine", "ignore_na"):
        assert part in text
    assert len(left) == 4
    with pytest.raises(ConfigError, match="no columns"):
        from_pandera({"a": 1})
    with pytest.raises(ConfigError, match="found a int"):
        from_pandera(3)


@pytest.mark.parametrize(
    ("about", "values", "broken"),
    [
        # As pandera 0.35 answers: checks pass over missing values, `nullable: false` refuses them.
        ({"nullable": True, "checks": {"isin": ["x"]}}, ["x", None, "y"], [2]),
        ({"nullable": False, "checks": {"isin": ["x"]}}, ["x", None, "y"], [1, 2]),
        ({"nullable": True, "checks": {"in_range": {"min_value": 0, "max_value": 1}}}, [0.5, None, 2.0], [2]),
        ({"nullable": True, "checks": {"str_length": {"min_value": 1, "max_value": 2}}}, ["a", None, "abc"], [2]),
        ({"nullable": True, "checks": {"str_matches": "a"}}, ["ab", None, "ba"], [2]),
        ({"nullable": True, "checks": {"str_contains": "b"}}, ["ab", None, "ca"], [2]),
        ({"nullable": True, "checks": {"str_startswith": "a."}}, ["a.b", None, "ab"], [2]),
        ({"nullable": True, "checks": {"str_endswith": "b"}}, ["ab", None, "ba"], [2]),
        ({"nullable": True, "checks": {"isin": ["x"]}}, [None, None], []),
        ({"nullable": True, "checks": {"ge": 1}}, [1.0, None, 0.0], [2]),
    ],
)
def test_missing_values_mean_what_they_mean_in_pandera(about, values, broken):
    contract, left = from_pandera({"columns": {"v": about}})
    frame = pd.DataFrame({"v": pd.Series(values, dtype=kind_of(values))})
    found = judge_data(wrap(frame), contract, naming=Naming())
    assert sorted({at - 1 for r in found.rules for at, _ in r.rows}) == broken
    assert left == []


def test_missing_keys_differ_from_pandera_as_documented():
    """pandera 0.35 refuses both rows of two missing keys; here a row without a key is not judged."""
    contract, _ = from_pandera({"columns": {"v": {"nullable": True, "unique": True}}})
    assert judge_data(wrap(pd.DataFrame({"v": ["x", None, None]})), contract).outcome == "pass"


CHOSEN = {
    "n": [("in_range", {"min_value": 0, "max_value": 2}), ("gt", {"min_value": 0}), ("ge", {"min_value": 1}),
          ("lt", {"max_value": 2}), ("le", {"max_value": 0}), ("isin", {"allowed_values": [0.0, 1.0]}),
          ("eq", {"value": 1.0}), ("in_range", {"min_value": 0, "max_value": 2, "include_max": False})],
    "t": [("isin", {"allowed_values": ["a", "b c"]}), ("str_length", {"min_value": 1, "max_value": 2}),
          ("str_matches", {"pattern": "a|b"}), ("str_contains", {"pattern": "[bc]$"}),
          ("str_startswith", {"string": "a."}), ("str_endswith", {"string": "c"}), ("eq", {"value": "a"})],
}  # fmt: skip


DATA = pd.DataFrame(
    {
        "n": [None, np.nan, np.inf, -np.inf, -1.0, 0.0, 0.5, 1.0, 2.0],
        "t": pd.Series([None, "", "a", "b c", "a.", "xa", "aa", "c", "aé"], dtype=object),
    }
)
ONE_BY_ONE = [(c, name, given, nullable) for c in CHOSEN for name, given in CHOSEN[c] for nullable in (True, False)]


@pytest.mark.parametrize(("column", "name", "about", "nullable"), ONE_BY_ONE)
def test_pandera_itself_refuses_the_same_rows(column, name, about, nullable):
    """Not recorded: pandera judges the same frame, taken over as an object and as the YAML that it writes."""
    pa = pytest.importorskip("pandera.pandas", reason="pandera is not installed (pip install pandera)")
    schema = pa.DataFrameSchema({column: pa.Column(None, getattr(pa.Check, name)(**about), nullable=nullable)})
    try:
        schema.validate(DATA, lazy=True)
        theirs = set()
    except pa.errors.SchemaErrors as error:
        theirs = set(error.failure_cases["index"])
    as_written = {"columns": {column: {"dtype": None, "nullable": nullable, name: about}}}
    for contract, left in (from_pandera(schema), from_pandera(as_written)):
        found = judge_data(wrap(DATA), contract, naming=Naming())
        assert {at - 1 for r in found.rules for at, _ in r.rows} == theirs
        assert left == []

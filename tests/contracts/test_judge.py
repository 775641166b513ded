"""A contract on whole data: every rule by hand, and the query against the gateway's kernels on random frames."""

from __future__ import annotations

import itertools
import math
from datetime import UTC, datetime, timedelta

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from workbench.core.contract import Column, Contract
from workbench.core.contract_judge import Naming, judge_data
from workbench.core.errors import ConfigError, DataError
from workbench.core.frame import wrap
from workbench.load import open_frame

ALL = Naming(most=100_000)


def judged(data, rules, columns=None, **options):
    """Judge rules given as plain data on a frame; columns of any type unless said."""
    frame = wrap(data)
    contract = Contract.from_dict({"columns": columns or {n: {} for n in frame.names}, "rules": list(rules)})
    found = judge_data(frame, contract, **{"naming": ALL, **options})
    return {r.key: r for r in found.rules} | {"": found}


def rows(found, key):
    return [at for at, _ in found[key].rows]


# ---------------------------------------------------------------------------- rules by hand


@pytest.mark.parametrize(
    ("values", "rule", "n", "broken"),
    [
        ([1, None, 3], {"rule": "not_null"}, 3, [2]),
        ([1, 5, None, 9], {"rule": "range", "minimum": 2, "maximum": 8}, 3, [1, 4]),
        ([1, 2, 3], {"rule": "range", "above": 1, "below": 3}, 3, [1, 3]),
        ([0.1, math.nan, math.inf], {"rule": "range", "maximum": 1e308}, 2, [3]),
        (["a", "b", None, "A"], {"rule": "in_set", "values": ["a", "b"]}, 3, [4]),
        ([1.0, 2.5, -0.0], {"rule": "in_set", "values": [0, 1]}, 3, [2]),
        ([1, None], {"rule": "in_set", "values": ["a"]}, 1, [1]),
        ([True, False, None], {"rule": "in_set", "values": [True]}, 2, [2]),
        (["", "ab", "äöü", "\U0001f986", None], {"rule": "length", "minimum": 1, "maximum": 2}, 4, [1, 3]),
        (["a1", "a1\n", "xa1", None], {"rule": "pattern", "pattern": "[a-z][0-9]"}, 3, [2, 3]),
        (["a\nb", "a.b"], {"rule": "pattern", "pattern": "a.b"}, 2, [1]),
        ([3, 1, 3, None, None, 3], {"rule": "unique"}, 4, [3, 6]),
        ([1, 2, None, 2, 1, 5], {"rule": "monotone"}, 4, [5]),
        ([1, 2, None, 2, 1, 5], {"rule": "monotone", "strict": True}, 4, [4, 5]),
        ([3, 2, 4], {"rule": "monotone", "direction": "decreasing"}, 2, [3]),
        ([2**53, 2**53 + 1], {"rule": "range", "maximum": 2**53}, 2, [2]),
        ([2**53, 2**53 + 1], {"rule": "in_set", "values": [2**53]}, 2, [2]),
        ([2**53, 2**53 + 1], {"rule": "unique"}, 2, []),
        ([1, 2], {"rule": "range", "maximum": 2**70}, 2, []),
        ([1, 2], {"rule": "range", "maximum": -(2**70)}, 2, [1, 2]),
    ],
)
def test_each_rule_on_one_column(values, rule, n, broken):
    whole = "columns" if rule["rule"] == "unique" else "column"
    found = judged(pa.table({"v": values}), [{**rule, whole: "v", "name": "r"}])
    assert (found["r"].n, found["r"].failing, rows(found, "r")) == (n, len(broken), broken)
    assert found["r"].outcome == ("fail" if broken else "pass")


def test_whole_and_broken_limits_of_one_rule():
    """A minimum that is whole and a maximum that is not are asked as two types, each once."""
    found = judged(
        pd.DataFrame({"i": [-2, -1, 0, 1, 2]}), [{"rule": "range", "column": "i", "minimum": -1, "maximum": 1.5}]
    )
    assert rows(found, "i: range") == [1, 5]


def test_times_are_compared_as_moments():
    at = pd.to_datetime(["2026-01-01T00:30+01:00", "2026-01-01T00:00Z", None], utc=True)
    data = pd.DataFrame({"at": at, "day": pd.to_datetime(["2025-12-31", "2026-01-01", "2026-01-02"])})
    found = judged(data, [{"rule": "range", "column": "at", "minimum": "2026-01-01"}])
    assert rows(found, "at: range") == [1]
    nano = data.assign(day=data.day + pd.Timedelta(1, "ns"))
    limit = {"rule": "range", "column": "day", "maximum": "2026-01-01"}
    assert rows(judged(data, [limit]), "day: range") == [3]
    assert rows(judged(nano, [limit]), "day: range") == [2, 3]
    far = {"rule": "range", "column": "day", "maximum": "9999-12-31"}
    assert judged(nano, [far])["day: range"].outcome == "pass"
    some = {"rule": "in_set", "column": "day", "values": ["2025-12-31", "9999-12-31"]}
    assert rows(judged(data, [some]), "day: allowed values") == [2, 3]
    assert rows(judged(nano, [some]), "day: allowed values") == [1, 2, 3]


def test_two_columns_are_compared_where_both_are_there():
    data = pa.table({"a": [1, 5, None, 4], "b": [2.0, 2.0, 1.0, None]})
    found = judged(data, [{"rule": "compare", "column": "a", "operator": "<=", "other": "b"}])
    assert (found["a <= b"].n, rows(found, "a <= b")) == (2, [2])


def test_a_condition_selects_the_rows_judged():
    data = pa.table({"kind": ["loan", "gift", None, "loan"], "amount": [1, None, None, None]})
    rule = {"rule": "not_null", "column": "amount", "when": {"column": "kind", "values": ["loan", "lease"]}}
    found = judged(data, [rule])
    assert (found["amount: not null when kind is loan, lease"].n) == 2
    assert rows(found, "amount: not null when kind is loan, lease") == [4]


def test_a_key_of_two_columns_needs_both():
    data = pa.table({"a": [1, 1, 1, None, None], "b": ["x", "y", "x", "x", "x"]})
    found = judged(data, [{"rule": "unique", "columns": ["a", "b"]}])
    assert (found["a & b: unique"].n, rows(found, "a & b: unique")) == (3, [3])


def test_a_dependency_is_broken_by_the_fewest_rows():
    data = pa.table({"zip": ["1", "1", "1", "2", "2", None], "city": ["A", "B", "A", "D", "C", "E"]})
    found = judged(data, [{"rule": "determines", "columns": ["zip"], "determined": "city"}])
    key = "zip determines city"
    # Of 1 the row B; of 2 the row D, for C comes first where both are as frequent.
    assert (found[key].n, found[key].failing, rows(found, key)) == (5, 2, [2, 4])
    lenient = judged(data, [{"rule": "determines", "columns": ["zip"], "determined": "city", "mostly": 0.6}])
    assert lenient[key].outcome == "pass"


def test_values_are_looked_up_in_another_file(tmp_path):
    pq.write_table(pa.table({"id": [1, 2, 2, None]}), tmp_path / "customers.parquet")
    other = open_frame(tmp_path / "customers.parquet")
    data = pa.table({"customer": [1, 3, None, 2, 3]})
    rule = {"rule": "refers", "column": "customer", "data": "customers.parquet", "to": "id"}
    key = "customer: refers to id"
    for here in (data, duckdb.connect().from_arrow(data)):
        found = judged(here, [rule], others={"customers.parquet": other})
        assert (found[key].n, found[key].failing, rows(found, key)) == (4, 2, [2, 5])
    itself = wrap(data)
    assert (
        judged(itself, [{**rule, "to": "customer"}], others={"customers.parquet": itself})[
            "customer: refers to customer"
        ].outcome
        == "pass"
    )
    assert "was not given" in judged(data, [rule])[key].reason
    texts = wrap(pa.table({"id": ["1"]}))
    assert "holds int64" in judged(data, [rule], others={"customers.parquet": texts})[key].reason
    assert (
        "no column"
        in judged(data, [{**rule, "to": "no"}], others={"customers.parquet": other})["customer: refers to no"].reason
    )


NUMBERS = [1.5, 2.5, 4.0, None, 4.0, 10.25]
PRESENT = [v for v in NUMBERS if v is not None]


@pytest.mark.parametrize(
    ("rule", "value"),
    [
        ({"rule": "mean"}, np.mean(PRESENT)),
        ({"rule": "sum"}, np.sum(PRESENT)),
        ({"rule": "distinct"}, 4),
        ({"rule": "quantile", "q": 0.3}, np.quantile(PRESENT, 0.3)),
        ({"rule": "quantile", "q": 1}, 10.25),
    ],
)
def test_numbers_of_all_rows(rule, value):
    data, at = pa.table({"v": NUMBERS}), {**rule, "column": "v", "name": "r"}
    found = judged(data, [{**at, "minimum": math.floor(value), "maximum": math.ceil(value)}])["r"]
    assert (found.outcome, found.n) == ("pass", 5)
    assert found.value == pytest.approx(value, rel=1e-15)
    assert judged(data, [{**at, "minimum": math.ceil(value) + 1}])["r"].outcome == "fail"
    if value:
        assert judged(data, [{**at, "maximum": math.ceil(value) - 1}])["r"].outcome == "fail"


def test_sums_of_integers_are_exact_and_limits_lie_inside():
    data = pa.table({"v": [2**62, 2**62, 1]})
    found = judged(data, [{"rule": "sum", "column": "v", "minimum": 2**63 + 1, "maximum": 2**63 + 1}])
    assert found["v: sum"].outcome == "pass"
    assert judged(data, [{"rule": "row_count", "minimum": 3, "maximum": 3}])["row count"].outcome == "pass"
    assert judged(data, [{"rule": "row_count", "minimum": 4}])["row count"].outcome == "fail"


def test_what_has_no_value_has_no_number():
    data = pa.table({"v": pa.array([None, None], pa.float64()), "w": [math.inf, -math.inf]})
    found = judged(data, [{"rule": r, "column": c, "minimum": 0} for r in ("mean", "quantile") for c in "v"])
    assert {(r.outcome, r.reason) for k, r in found.items() if ":" in k} == {("cannot_tell", "no row has a value")}
    assert found[""].exit_code() == 3
    assert judged(data, [{"rule": "mean", "column": "w", "minimum": 0}])["w: mean"].outcome == "cannot_tell"
    assert judged(data, [{"rule": "sum", "column": "v", "minimum": 0}])["v: sum"].value == 0


def test_freshness_is_seen_from_a_moment():
    now = datetime(2026, 3, 1, tzinfo=UTC)
    rule = {"rule": "freshness", "column": "at", "within": "36 hours"}
    for hours, outcome in ((35, "pass"), (36, "pass"), (37, "fail")):
        data = pa.table({"at": [now - timedelta(hours=hours), now - timedelta(days=9), None]})
        found = judged(data, [rule], as_of=now)["at: freshness"]
        assert (found.outcome, found.value, found.n) == (outcome, hours * 3600, 2)
    assert "name it" in judged(data, [rule])["at: freshness"].reason
    nano = pd.DataFrame({"at": pd.to_datetime([now - timedelta(hours=1)]) + pd.Timedelta(1, "ns")})
    assert judged(nano, [rule], as_of=now)["at: freshness"].value == pytest.approx(3600)


# ---------------------------------------------------------------------------- states, types, columns


def test_a_proposal_warns_and_what_was_rejected_is_not_checked():
    data = pa.table({"v": [1, 50]})
    rules = [
        {"rule": "range", "column": "v", "maximum": 9, "state": state, "name": state}
        for state in ("proposed", "rejected", "accepted")
    ]
    warned = judged(data, rules[:2])
    assert {k: r.outcome for k, r in warned.items() if k in ("proposed", "rejected")} == {"proposed": "warn"}
    assert (warned[""].outcome, warned[""].exit_code(), warned[""].exit_code(strict=True)) == ("warn", 0, 1)
    assert (judged(data, rules)[""].outcome, judged(data, rules)[""].exit_code()) == ("fail", 1)


def test_mostly_permits_a_share():
    data = pa.table({"v": [None, *range(9)]})
    for mostly, outcome in ((0.9, "pass"), (0.91, "fail")):
        assert judged(data, [{"rule": "not_null", "column": "v", "mostly": mostly}])["v: not null"].outcome == outcome


def test_types():
    data = pa.table({"n": [1.0, 2.5, math.inf], "t": ["1", None, "3"], "e": pa.nulls(3)})
    columns = {"n": {"type": "integer"}, "t": {"type": "number"}, "e": {"type": "text"}}
    rules = [
        {"rule": "range", "column": "t", "minimum": 2},
        {"rule": "not_null", "column": "t"},
        {"rule": "pattern", "column": "e", "pattern": "x"},
        {"rule": "not_null", "column": "e"},
    ]
    found = judged(data, rules, columns)
    assert (found["n"].n, rows(found, "n")) == (3, [2, 3])
    assert (found["t"].n, rows(found, "t")) == (2, [1, 3])
    assert found["t: range"].outcome == "cannot_tell"
    assert "holds text, not number" in found["t: range"].reason
    assert rows(found, "t: not null") == [2]
    assert (found["e"].n, found["e"].outcome, found["e: pattern"].outcome) == (0, "pass", "pass")
    assert rows(found, "e: not null") == [1, 2, 3]
    assert found[""].outcome == "fail"


def test_a_column_that_is_not_there():
    data = pa.table({"Age": [1]})
    rule = {"rule": "range", "column": "age", "minimum": 0}
    found = judged(data, [rule], {"age": {"type": "integer"}})
    assert (found["age"].outcome, found["age: range"].outcome) == ("fail", "cannot_tell")
    assert "'Age'" in found["age"].reason
    optional = judged(data, [rule], {"age": {"type": "integer", "required": False}})
    assert (optional["age"].outcome, optional["age: range"].outcome, optional[""].outcome) == ("pass",) * 3
    closed = Contract.from_dict({"columns": {"x": {"required": False}}, "closed": True})
    assert [r.key for r in judge_data(wrap(data), closed).rules if r.outcome == "fail"] == ["Age"]


def test_rules_on_columns_of_no_said_type_judge_what_they_can():
    data = pa.table({"t": ["a"], "n": [1], "b": [b"x"], "l": [[1]]})
    rules = [
        {"rule": "range", "column": "t", "minimum": 1},
        {"rule": "range", "column": "n", "minimum": "2026-01-01"},
        {"rule": "compare", "column": "t", "operator": "==", "other": "n"},
        {"rule": "compare", "column": "t", "operator": "<", "other": "t"},
        {"rule": "in_set", "column": "b", "values": ["x"]},
        {"rule": "not_null", "column": "n", "when": {"column": "l", "values": ["x"]}},
        {"rule": "not_null", "column": "l"},
        {"rule": "unique", "columns": ["b", "l"]},
    ]
    found = judged(data, rules)
    assert [r.outcome for k, r in found.items() if k not in ("", *"tnbl")] == ["cannot_tell"] * 6 + ["pass"] * 2
    assert all(r.reason for r in found[""].rules if r.outcome == "cannot_tell")


def test_ids_are_named_unless_they_are_sensitive():
    data = pa.table({"id": ["=1+1", "b", "c"], "v": [9, 1, 9]})
    contract = {"columns": {"id": {"type": "text"}, "v": {"maximum": 5}}}
    found = judge_data(wrap(data), Contract.from_dict(contract), naming=Naming(id="id", most=1))
    assert found.rules[-1].rows == ((1, "=1+1"),)
    contract["columns"]["id"]["sensitive"] = True
    hidden = judge_data(wrap(data), Contract.from_dict(contract), naming=Naming(id="id"))
    assert hidden.rules[-1].rows == ((1, None), (3, None))
    with pytest.raises(ConfigError, match="Did you mean 'id'"):
        judge_data(wrap(data), Contract.from_dict(contract), naming=Naming(id="idd"))


def test_rows_named_by_id_are_the_same_in_any_order():
    data = pd.DataFrame(
        {"id": ["d", "a", "c", "b", None], "v": [9, 9, 9, 1, 9], "g": [1, 1, 1, 1, 1], "h": list("xxyxx")}
    )
    rules = [{"rule": "range", "column": "v", "maximum": 5}, {"rule": "unique", "columns": ["v"]},
             {"rule": "determines", "columns": ["g"], "determined": "h"}]  # fmt: skip
    contract = Contract.from_dict({"columns": {c: {} for c in data.columns}, "rules": rules})

    def ids(frame):
        found = judge_data(wrap(frame), contract, naming=Naming(id="id", most=2, by_id=True))
        return {r.key: [who for _, who in r.rows] for r in found.rules if r.rows}

    expected = {"v: range": ["a", "c"], "v: unique": ["c", "d"], "g determines h": ["c"]}
    assert ids(data) == ids(data.iloc[::-1]) == ids(data.sort_values("v")) == expected
    in_place = judge_data(wrap(data), contract, naming=Naming(id="id", most=2))
    assert [r.rows for r in in_place.rules if r.key == "v: range"] == [((1, "d"), (2, "a"))]


# ---------------------------------------------------------------------------- the same on every engine


MIXED = pd.DataFrame(
    {
        "i": [1, 2, 3, 4],
        "f": [0.5, np.nan, -0.0, np.inf],
        "t": ["a", None, "b\n", "=cmd|' /C calc'!A0"],
        "b": [True, False, None, True],
        "d": pd.to_datetime(["2026-01-01", None, "2026-01-03", "2026-01-02"]),
        "z": pd.to_datetime(["2026-01-01", None, "2026-01-03", "2026-01-02"]).tz_localize("Europe/Berlin"),
        "k": [np.uint64(2**63 - 1), np.uint64(1), np.uint64(2), np.uint64(1)],
    }
)
MIXED_RULES = [
    *({"rule": "not_null", "column": c} for c in "iftbdzk"),
    *({"rule": "unique", "columns": [c]} for c in "iftbdzk"),
    *({"rule": "monotone", "column": c} for c in "ifdzk"),
    *({"rule": "distinct", "column": c, "maximum": 2} for c in "iftbdzk"),
    {"rule": "in_set", "column": "f", "values": [0, 0.5]},
    {"rule": "range", "column": "z", "maximum": "2026-01-02T12:00:00Z"},
    {"rule": "range", "column": "k", "maximum": 2**62},
    {"rule": "pattern", "column": "t", "pattern": "[a-z]"},
    {"rule": "compare", "column": "d", "operator": ">", "other": "z"},
    {"rule": "determines", "columns": ["b"], "determined": "t"},
]  # fmt: skip


def parquet(data, tmp_path):
    pq.write_table(pa.Table.from_pandas(data, preserve_index=False), tmp_path / "d.parquet")
    return open_frame(tmp_path / "d.parquet")


ENGINES = {
    "polars": lambda d, _: pl.from_pandas(d),
    "lazy": lambda d, _: pl.from_pandas(d).lazy(),
    "arrow": lambda d, _: pa.Table.from_pandas(d, preserve_index=False),
    "duckdb": lambda d, _: duckdb.connect().from_arrow(pa.Table.from_pandas(d, preserve_index=False)),
    "parquet": parquet,
    "dataset": lambda d, _: pa.dataset.dataset(pa.Table.from_pandas(d, preserve_index=False)),
    "categories": lambda d, _: d.astype({"t": "category"}),
}


@pytest.mark.parametrize("engine", ENGINES)
def test_every_engine_answers_alike(engine, tmp_path):
    import pyarrow.dataset  # noqa: F401

    expected = judged(MIXED, MIXED_RULES)[""]
    found = judged(ENGINES[engine](MIXED, tmp_path), MIXED_RULES)[""]
    assert [r.to_dict() for r in found.rules] == [r.to_dict() for r in expected.rules]
    assert {r.outcome for r in expected.rules} == {"pass", "fail"}


@pytest.mark.parametrize("shape", ["one", "many", "csv"])
def test_rows_are_numbered_in_the_order_of_the_files(shape, tmp_path):
    """Also where several threads read many row groups, and over several files."""
    n = 300_000
    table = pa.table({"v": np.arange(n), "bad": (np.arange(n) % 50_000) == 49_999})
    if shape == "csv":
        table.to_pandas().to_csv(tmp_path / "a.csv", index=False)
        source = open_frame(tmp_path / "a.csv")
    else:
        cuts = [0, n] if shape == "one" else [0, 70_000, 70_001, 200_000, n]
        for i, (a, b) in enumerate(itertools.pairwise(cuts)):
            pq.write_table(table.slice(a, b - a), tmp_path / f"{i}.parquet", row_group_size=10_000)
        source = open_frame(tmp_path / "*.parquet")
    rules = [
        {"rule": "in_set", "column": "bad", "values": [False]},
        {"rule": "monotone", "column": "v", "strict": True},
        {"rule": "unique", "columns": ["bad"]},
    ]
    found = judged(source, rules, naming=Naming(most=4))
    assert rows(found, "bad: allowed values") == [50_000, 100_000, 150_000, 200_000]
    assert found["v: increasing"].failing == 0
    assert rows(found, "bad: unique") == [2, 3, 4, 5]
    assert found[""].queries == 2


def test_rows_in_spark_are_not_queried():
    frame = wrap(pa.table({"a": [1]}))
    frame.distributed = object()
    with pytest.raises(DataError, match="stay in Spark"):
        judge_data(frame, Contract("c", {"a": Column()}))


def test_nan_in_a_file_is_missing_whatever_its_statistics_say(tmp_path):
    """A Parquet file's least and largest value leave NaN out; a query engine may decide by them alone."""
    pq.write_table(pa.table({"f": [None, None, 0.0, math.nan]}), tmp_path / "d.parquet")
    found = judged(open_frame(tmp_path / "d.parquet"), [{"rule": "not_null", "column": "f"}])
    assert rows(found, "f: not null") == [1, 2, 4]
    pq.write_table(pa.table({"i": pa.array([0, None], pa.int64()), "f": [math.nan, 0.0]}), tmp_path / "d.parquet")
    compare = {"rule": "compare", "column": "i", "operator": "<", "other": "f"}
    (only,) = judged(open_frame(tmp_path / "d.parquet"), [compare])[""].rules[-1:]
    assert (only.n, only.failing) == (0, 0)

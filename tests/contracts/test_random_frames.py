"""The query, the gateway's kernels and a slow way by hand agree on random frames and rules."""

from __future__ import annotations

import math
import operator as op
import re
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.contracts.test_judge import ALL
from workbench.core.contract import Column, Contract, validate_batch
from workbench.core.contract_judge import judge_data
from workbench.core.contract_rules import Compare, InSet, Length, NotNull, Pattern, Range
from workbench.core.contract_values import OPERATORS, When
from workbench.core.contract_whole import Unique
from workbench.core.frame import wrap
from workbench.load import open_frame

TEXT = st.sampled_from(["", "a", "ab", "AB1", "b\n", "\u202ea", "ä", "'; DROP", "=1+1"]) | st.text(max_size=3)
COLUMNS = {
    "i": (pa.int64(), st.integers(-3, 3) | st.sampled_from([2**53, 2**53 + 1, -(2**63), 2**63 - 1])),
    "f": (pa.float64(), st.sampled_from([0.0, -0.0, 1.0, 2.5, -3.0, math.nan, math.inf, -math.inf, 2.0**53, 1e300])),
    "t": (pa.string(), TEXT.map(lambda t: t.encode("utf-8", "replace").decode())),
    "b": (pa.bool_(), st.booleans()),
    "d": (pa.timestamp("us"), st.datetimes(datetime(2026, 1, 1), datetime(2026, 1, 4))),
    "n": (pa.timestamp("ns"), st.sampled_from([datetime(2026, 1, 1), datetime(2026, 1, 2)])),
}
TYPE_OF = {"i": "integer", "f": "number", "t": "text", "b": "boolean", "d": "time", "n": "time"}
DAYS = ["2026-01-01", "2026-01-02T12:00:00Z", "2026-01-03T00:00:00+01:00"]
LIMITS = {"i": [-1, 0, 1.5, 2**53, 2**70], "f": [-1, 0, 2, 2.5, 1e300], "d": DAYS, "n": DAYS}
SETS = {
    "i": [(0, 1), (2**53,), (1.5, 2.0)], "f": [(0,), (1, 2.5)], "t": [("a", "ä"), ("b\n", "=1+1", "'; DROP")],
    "b": [(True,), (True, False)], "d": [tuple(DAYS)], "n": [("2026-01-02", "9999-01-01")],
}  # fmt: skip
PATTERNS = ["[a-z]*", "a|ab", ".", "(a|b)+\\n?", "\\p{L}+", "(?i)ab1?", "=.*", "(a*)*b"]


@st.composite
def row_rules(draw):
    column = draw(st.sampled_from("iftbdn"))
    condition = draw(st.none() | st.sampled_from("iftbdn"))
    when = None if condition is None else When(condition, draw(st.sampled_from(SETS[condition])))
    kinds = ["not_null", "in_set", "compare"]
    kinds += ["range"] if column in LIMITS else []
    kinds += ["length", "pattern"] if column == "t" else []
    kind = draw(st.sampled_from(kinds))
    if kind == "range":
        low, high = draw(st.sampled_from([("minimum", "below"), ("above", "maximum"), ("minimum", "maximum")]))
        ends = sorted(draw(st.sampled_from(LIMITS[column])) for _ in range(2))
        return Range(column=column, when=when, **{low: ends[0], high: ends[1]})
    if kind == "compare":
        pairs = {"i": "if", "f": "if", "d": "dn", "n": "dn"}.get(column, column)
        signs = list(OPERATORS) if column in LIMITS else ["==", "!="]
        return Compare(
            column=column, when=when, operator=draw(st.sampled_from(signs)), other=draw(st.sampled_from(pairs))
        )
    return {
        "not_null": lambda: NotNull(column=column, when=when),
        "in_set": lambda: InSet(column=column, values=draw(st.sampled_from(SETS[column])), when=when),
        "length": lambda: Length(column=column, minimum=1, maximum=draw(st.integers(1, 3)), when=when),
        "pattern": lambda: Pattern(column=column, pattern=draw(st.sampled_from(PATTERNS)), when=when),
    }[kind]()


@st.composite
def tables(draw):
    n = draw(st.integers(0, 8))
    drawn = {c: draw(st.lists(st.none() | v, min_size=n, max_size=n)) for c, (_, v) in COLUMNS.items()}
    return pa.table({c: pa.array(drawn[c], kind) for c, (kind, _) in COLUMNS.items()})


def kept(row, rule):
    """One rule on one row, the slow way: True, False, or None where there is nothing to judge."""
    if rule.when is not None and not one_of(row[rule.when.column], rule.when.values):
        return None
    value = row[rule.column]
    if isinstance(rule, NotNull):
        return value is not None
    if value is None:
        return None
    if isinstance(rule, InSet):
        return one_of(value, rule.values)
    if isinstance(rule, Length):
        return rule.minimum <= len(value) <= rule.maximum
    if isinstance(rule, Pattern):
        return re.fullmatch(rule.pattern.replace("\\p{L}", "[^\\W\\d_]"), value) is not None
    if isinstance(rule, Compare):
        signs = {"<": op.lt, "<=": op.le, "==": op.eq, "!=": op.ne, ">=": op.ge, ">": op.gt}
        other = row[rule.other]
        if isinstance(value, float) or isinstance(other, float):  # as every engine here compares them
            value, other = (None if v is None else float(v) for v in (value, other))
        return None if other is None else signs[rule.operator](value, other)
    signs = {"minimum": op.ge, "maximum": op.le, "above": op.gt, "below": op.lt}
    return all(
        signs[name](value, moment(limit) if isinstance(limit, str) else limit) for name, limit in rule.bounds.items()
    )


def moment(text):
    found = datetime.fromisoformat(text)
    return found if found.tzinfo is None else found.astimezone(UTC).replace(tzinfo=None)


def one_of(value, values):
    fits = {bool: bool, str: str, datetime: str}.get(type(value), (int, float))
    alike = [v for v in values if isinstance(v, fits) and (fits is bool or not isinstance(v, bool))]
    return value is not None and value in [moment(v) if isinstance(value, datetime) else v for v in alike]


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tables(), st.lists(row_rules(), min_size=1, max_size=5), st.booleans())
def test_the_query_the_kernels_and_the_slow_way_agree(tmp_path, table, rules, from_file):
    named = tuple(replace(r, name=str(i)) for i, r in enumerate(rules))
    contract = Contract("c", {c: Column(t) for c, t in TYPE_OF.items()}, named)
    if from_file:
        pq.write_table(table, tmp_path / "d.parquet")
    frame = open_frame(tmp_path / "d.parquet") if from_file else wrap(table)
    whole = {r.key: r for r in judge_data(frame, contract, naming=ALL).rules}
    batch = validate_batch(table, contract)
    kernels = {}
    for fault in batch.faults:
        kernels.setdefault(fault.key, set()).update((fault.rows + 1).tolist())
    plain = [
        {k: None if isinstance(v, float) and v != v else v for k, v in r.items()} for r in naive(table).to_pylist()
    ]
    for rule in named:
        answers = [kept(row, rule) for row in plain]
        expected = [i for i, kept_ in enumerate(answers, 1) if kept_ is False]
        assert [at for at, _ in whole[rule.key].rows] == expected, rule
        assert whole[rule.key].n == sum(a is not None for a in answers), rule
        assert sorted(kernels.get(rule.key, ())) == expected, rule


def naive(table):
    """The table with nanoseconds as microseconds: they are whole, and Python has no others."""
    return table.set_column(table.column_names.index("n"), "n", table["n"].cast(pa.timestamp("us")))


@settings(max_examples=40)
@given(tables(), st.lists(st.sampled_from("iftbdn"), min_size=1, max_size=2, unique=True))
def test_keys_repeat_alike(table, key):
    """Where no other rule refuses a row, both take the same rows for repetitions."""
    contract = Contract("c", {c: Column() for c in COLUMNS}, (Unique(columns=tuple(key)),))
    whole = judge_data(wrap(table), contract, naming=ALL).rules[-1]
    batch = validate_batch(table, contract)
    assert [at - 1 for at, _ in whole.rows] == [i for f in batch.faults for i in f.rows.tolist()]
    values = [tuple(None if v != v else v for v in r.values()) for r in naive(table).select(key).to_pylist()]
    counts = Counter(v for v in values if None not in v)
    assert whole.failing == sum(c - 1 for c in counts.values())


@settings(max_examples=40)
@given(tables(), st.sampled_from("ift"), st.sampled_from("ifb"))
def test_dependencies_are_as_by_hand(table, one, two):
    if one == two:
        two = "t"
    contract = {"columns": {c: {} for c in COLUMNS}}
    contract["rules"] = [{"rule": "determines", "columns": [one], "determined": two}]
    found = judge_data(wrap(table), Contract.from_dict(contract), naming=ALL).rules[-1]
    pairs = [(r[one], r[two]) for r in table.select([one, two]).to_pylist()]
    pairs = [p for p in pairs if None not in p and p[0] == p[0] and p[1] == p[1]]
    groups = {}
    for a, b in pairs:
        groups.setdefault(a, Counter())[b] += 1
    assert found.failing == sum(sum(c.values()) - max(c.values()) for c in groups.values())
    assert found.n == len(pairs)
    assert len(found.rows) == found.failing

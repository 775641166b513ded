"""What a column is: types by their rules, moments, histograms, texts and times, each against an independent oracle."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from workbench.core import numbers, values
from workbench.core.column_types import RULES, distinct_of, used_as
from workbench.core.counts import ColumnCounts, count
from workbench.core.dataset import Dataset, Roles
from workbench.core.frame import wrap
from workbench.core.numbers import NumberCounts
from workbench.core.shape import BLOCKS, edges_for, heights, histogram, kurtosis, skewness, sparkline
from workbench.core.text_shape import text_shape
from workbench.core.times import instant, span, steps
from workbench.core.values import ValueCounts

DAY = 86_400 * 10**6


def column(cells: Any, dtype: Any = None) -> ColumnCounts:
    """Count one column called c."""
    data = pd.DataFrame({"c": pd.Series(cells, dtype=dtype), "other": range(len(cells))})
    return count(Dataset(wrap(data), Roles())).columns["c"]


# ---------------------------------------------------------------------------- types


TYPES: dict[str, tuple[Any, str]] = {
    "nothing": ([None] * 30, "empty"),
    "one number": ([3.5] * 30, "constant"),
    "one text": (["a"] * 30, "constant"),
    "one value and gaps": ([None, "a"] * 15, "constant"),
    "a running number": (list(range(40)), "identifier"),
    "codes, each once": ([f"X{i}" for i in range(40)], "identifier"),
    "few codes, each once": ([f"X{i}" for i in range(15)], "category"),
    "0 and 1": ([0, 1] * 20, "boolean"),
    "0.0 and 1.0 and gaps": ([0.0, 1.0, None] * 20, "boolean"),
    "1 and 2": ([1, 2] * 20, "category"),
    "yes and no": (["Yes", "no"] * 20, "boolean"),
    "true and false": ([True, False] * 20, "boolean"),
    "yes and maybe": (["yes", "maybe"] * 20, "category"),
    "three codes": ([1, 2, 3] * 20, "category"),
    "whole numbers, few rows": ([1, 5, 9, 12], "number"),
    "ages": ([18 + i % 60 for i in range(200)], "count"),
    "degrees below zero": ([i % 60 - 30 for i in range(200)], "number"),
    "prices": ([i % 97 + 0.5 for i in range(200)], "number"),
    "reals, each once": (np.random.default_rng(0).random(200), "number"),
    "a number and infinities": ([1.0, 2.0, np.inf] * 30, "number"),
    "infinity alone": ([np.inf] * 30, "constant"),
    "names": ([f"name {i % 150}" for i in range(300)], "text"),
    "towns": ([f"town {i % 50}" for i in range(2000)], "category"),
    "days": (pd.date_range("2026-01-01", periods=40), "time"),
    "waits": (pd.to_timedelta(np.arange(40), "s"), "duration"),
    "opening hours": ([dt.time(i % 24) for i in range(48)], "clock"),
    "bytes": ([b"a", b"b"] * 20, "binary"),
    "lists": ([[1], [2]] * 20, "nested"),
}


@pytest.mark.parametrize("name", TYPES)
def test_types_follow_their_rules(name: str) -> None:
    """Every type is told, and every type has its rule in words."""
    cells, expected = TYPES[name]

    assert used_as(column(cells), Roles()) == expected
    assert expected in RULES
    assert {t for _, t in TYPES.values()} == set(RULES)


def test_the_roles_decide_first() -> None:
    """A column with the role id or entity is an identifier whatever it holds."""
    ages = column([18 + i % 60 for i in range(200)])

    assert [used_as(ages, r) for r in (Roles(), Roles(id="c"), Roles(entity="c"))] == ["count", *["identifier"] * 2]


def test_identifiers_beyond_exact_counting(monkeypatch: pytest.MonkeyPatch) -> None:
    """A running number and texts that never repeat are told from bins and a hashed sample; others are not."""
    monkeypatch.setattr(numbers, "LIMIT", 64)
    monkeypatch.setattr(values, "LIMIT", 64)
    rng = np.random.default_rng(0)
    running, spread = column(np.arange(1000)), column(rng.integers(0, 10**9, 1000))
    codes, words = column([f"X{i}" for i in range(1000)]), column([f"X{i % 500}" for i in range(1000)])

    assert not running.numbers.exact
    assert not codes.values.exact
    uses = [used_as(c, Roles()) for c in (running, spread, codes, words)]
    assert uses == ["identifier", "count", "identifier", "text"]


# ---------------------------------------------------------------------------- moments


plain = st.lists(st.floats(-1e6, 1e6).map(lambda x: round(x, 3)), min_size=4, max_size=60)


@given(plain)
def test_skewness_and_kurtosis_are_scipys(xs: list[float]) -> None:
    """From an exact table: the adjusted ones, as pandas and SciPy (bias=False) have them."""
    x = np.array(xs)
    found = skewness(NumberCounts.of(x)), kurtosis(NumberCounts.of(x))
    if np.ptp(x) == 0:
        assert [m.value for m in found] == [None, None]
        assert {m.undefined_because for m in found} == {"there is no spread"}
        return
    expected = stats.skew(x, bias=False), stats.kurtosis(x, bias=False)
    assert [m.value for m in found] == [pytest.approx(e, rel=1e-6, abs=1e-8) for e in expected]
    assert [m.error_bound for m in found] == [None, None]


@settings(max_examples=60)
@given(st.integers(0, 2**32), st.sampled_from(["normal", "lognormal", "t"]), st.integers(500, 3000))
def test_binned_moments_stay_within_their_bound(seed: int, kind: str, n: int) -> None:
    """Past the limit of distinct values the bound covers what bins took away, and is small."""
    rng = np.random.default_rng(seed)
    x = {"normal": rng.standard_normal(n) + 3, "lognormal": rng.lognormal(0, 1, n), "t": rng.standard_t(3, n)}[kind]
    limit, numbers.LIMIT = numbers.LIMIT, 256
    try:
        table = NumberCounts.of(x)
        assert not table.exact
        for found, expected in ((skewness(table), stats.skew(x, bias=False)), (kurtosis(table), pd.Series(x).kurt())):
            assert abs(found.value - expected) <= found.error_bound
            assert found.error_bound < 1 + 0.2 * abs(expected)
    finally:
        numbers.LIMIT = limit


@pytest.mark.parametrize(
    ("xs", "why"),
    [
        ([], "it needs 3 finite values"),
        ([1.0, 2.0], "it needs 3 finite values"),
        ([1.7e308, -1.7e308, -1.7e308], "the values are too far apart"),
        ([2.0, 2.0, 2.0], "there is no spread"),
    ],
)
def test_undefined_moments_have_a_reason(xs: list[float], why: str) -> None:
    """They are None, never 0."""
    found = skewness(NumberCounts.of(np.array(xs)))

    assert (found.value, found.undefined_because) == (None, why)


# ---------------------------------------------------------------------------- histograms


@given(plain, plain, st.integers(2, 30), st.booleans())
def test_histograms_count_everything_on_shared_edges(a: list[float], b: list[float], bins: int, whole: bool) -> None:
    """Edges ascend; counts are NumPy's, what lies outside being in the outer bins."""
    sides = [np.round(x) if whole else np.array(x) for x in (a, b)]
    tables = [NumberCounts.of(np.asarray(x, float)) for x in sides]
    edges = edges_for(tables, bins, whole=whole)

    assert (np.diff(edges) > 0).all()
    assert len(edges) <= bins + 2
    for x, table in zip(sides, tables, strict=True):
        counts = histogram(table, edges)
        inside = np.clip(x, edges[0], np.nextafter(edges[-1], -np.inf))
        assert counts.tolist() == np.histogram(inside, edges)[0].tolist()
        assert counts.sum() == len(x)
    assert not whole or (edges % 1 == 0.5).all()


@pytest.mark.parametrize("xs", [[], [0.0], [5.0, 5.0], [1e308, -1e308], [2.0**60] * 3, [1e-320, 2e-320]])
def test_edges_of_strange_numbers(xs: list[float]) -> None:
    """None, one, huge and tiny values have edges that hold them."""
    table = NumberCounts.of(np.array(xs))
    edges = edges_for([table], 24, whole=False)

    assert np.isfinite(edges).all()
    assert (np.diff(edges) > 0).all()
    assert histogram(table, edges).sum() == len(xs)


def test_sparklines_keep_heights_to_an_eighth() -> None:
    """The highest bin is a full block, a bin of one row is not nothing, and an empty one is."""
    line = sparkline([0, 1, 500, 1000], 1000)

    assert line == f"_{BLOCKS[0]}{BLOCKS[3]}{BLOCKS[7]}"
    assert heights(line) == [0, 0.125, 0.5, 1]
    assert sparkline([0, 0], 0) == ""


# ---------------------------------------------------------------------------- texts


def by_hand(text: str) -> str:
    """Return a text's pattern letter by letter, from Unicode's own categories."""
    kinds = {"Lu": "A", "Ll": "a", "Lt": "a", "Lm": "a", "Lo": "a", "Nd": "9"}
    found = []
    for c in text[:40]:
        kind = unicodedata.category(c)
        found.append(kinds.get(kind) or (" " if c in " \t\n\r\f" or kind[0] == "Z" else c if " " <= c <= "~" else "*"))
    return "".join(found)


@given(
    st.lists(st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "Z", "S", "C"]), max_size=60), min_size=1)
)
def test_patterns_are_told_letter_by_letter(texts: list[str]) -> None:
    """Letters, digits, marks and spaces of any script; lengths are Python's."""
    known = [t for t in texts if all(unicodedata.category(c) != "Cn" for c in t)] or ["a"]
    found = text_shape(ValueCounts.of(known), runs=False)

    assert dict(found.patterns) == pd.Series([by_hand(t) for t in known]).value_counts().to_dict()
    lengths = [len(t) for t in known]
    assert (found.shortest, found.longest, found.n) == (min(lengths), max(lengths), len(known))
    assert found.mean == pytest.approx(np.mean(lengths))


def test_runs_are_written_with_a_plus_where_nothing_dominates() -> None:
    """Codes keep their lengths; names do not have one."""
    codes = text_shape(ValueCounts.of(["AB-12", "CD-34", "x"]))
    names = text_shape(ValueCounts.of(["Rosa Lee", "Ann Miller", "Bo Diddley"]))

    assert (codes.top(1), codes.runs) == ([("AA-99", 2)], False)
    assert (names.top(1), names.runs) == ([("A+a+ A+a+", 3)], True)
    assert text_shape(ValueCounts()).n == 0


# ---------------------------------------------------------------------------- times


def instants(texts: Any) -> NumberCounts:
    """Return the table of instants given as texts or an index."""
    micros = pd.DatetimeIndex(texts).as_unit("us").asi8
    return NumberCounts.of(micros.astype(float))


@pytest.mark.parametrize(
    ("frequency", "name"),
    [
        ("s", "every second"), ("min", "every minute"), ("h", "hourly"), ("D", "daily"), ("W", "weekly"),
        ("MS", "monthly"), ("QS", "quarterly"), ("YS", "yearly"), ("7min", "every 7 minutes"),
    ],
)  # fmt: skip
def test_regular_times_have_a_name(frequency: str, name: str) -> None:
    """Calendar months of 28 to 31 days are alike; nothing is a gap."""
    table = instants(pd.date_range("2023-01-01", periods=25, freq=frequency))
    found = steps(table)

    assert (found.name, found.alike, found.n, found.gaps, found.regular) == (name, 24, 24, 0, True)


def test_gaps_are_counted_and_the_largest_is_placed() -> None:
    """Two days of three are missing, then nine: two gaps."""
    days = pd.date_range("2026-01-01", "2026-02-28")
    kept = days.delete([10, 11, *range(30, 39)])
    found = steps(instants(kept))

    assert (found.name, found.gaps, found.largest / DAY) == ("daily", 2, 10)
    assert instant(found.largest_from) == "2026-01-30T00:00:00+00:00"
    expected = pd.Series(kept).diff().dt.days.value_counts()
    assert found.alike == expected[1]


def test_irregular_times_have_no_gaps_and_a_median_step() -> None:
    """Where no step is shared by half of them, what a gap is cannot be said."""
    times = pd.Timestamp("2026-01-01") + pd.to_timedelta(np.cumsum([0, 5, 60, 7, 3000, 12]), "s")
    found = steps(instants(times))

    assert (found.name, found.gaps, found.regular, found.typical) == ("irregular", None, False, 12e6)
    assert steps(instants(["2026-01-01"] * 3)) is None


def test_lengths_and_instants_in_words() -> None:
    """Units fit the size; years that no calendar has are said so."""
    assert [span(x) for x in (250_000, 90e6, 5.4e9, 3 * DAY)] == ["250 ms", "1.5 minutes", "1.5 hours", "3 days"]
    assert instant(9e18) == "outside the years 1 to 9999"
    assert re.fullmatch(r"1969-12-31T23:59:59\+00:00", instant(-1e6))


def test_distinct_counts_infinities() -> None:
    """An infinity is a value too."""
    assert distinct_of(column([1.0, np.inf, -np.inf, np.inf])) == 3

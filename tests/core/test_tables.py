"""Count tables and fingerprints: exact sums, nested grids, honest bounds, names of what changed."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ks_2samp

from workbench.core import numbers, values
from workbench.core.counts import count
from workbench.core.dataset import Dataset, Roles
from workbench.core.distances import ks_from_counts
from workbench.core.duplicates import DuplicateBuilder
from workbench.core.exact import exact_sum, exact_to_float
from workbench.core.fingerprint import number_hashes
from workbench.core.frame import wrap
from workbench.core.numbers import NumberCounts, common_support
from workbench.core.values import ValueCounts

floats = st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=80)


@given(floats)
def test_sums_are_exact(xs: list[float]) -> None:
    """The integer sum is the sum of fractions, whatever the order."""
    x = np.array(xs)
    exact = sum(map(Fraction, xs))

    assert Fraction(exact_sum(np.sort(x)), 2**1200) == exact
    assert exact_sum(x) == exact_sum(x[::-1]) == exact_sum(np.repeat(x, 1))
    twice = np.full(len(x), 3)
    assert Fraction(exact_sum(x, twice), 2**1200) == 3 * exact
    if abs(exact) < 1e308:
        assert exact_to_float(exact_sum(x)) == float(exact)


@given(st.lists(st.floats(-1e9, 1e9), min_size=2, max_size=80), st.floats(0, 1))
def test_moments_and_quantiles_are_numpys(xs: list[float], q: float) -> None:
    """From an exact table: mean, sample variance and linear quantiles."""
    table, x = NumberCounts.of(np.array(xs)), np.array(xs)

    assert table.mean == pytest.approx(math.fsum(xs) / len(xs), rel=1e-12, abs=1e-300)
    assert table.variance == pytest.approx(np.var(x, ddof=1), rel=1e-9, abs=1e-6)
    assert table.quantile(q) == pytest.approx(np.quantile(x, q), rel=1e-12, abs=1e-6)
    assert (table.minimum, table.maximum) == (x.min(), x.max())


@given(st.integers(0, 2**32), st.integers(2, 400), st.integers(0, 400))
def test_binned_tables_add_to_the_same_bits(seed: int, n: int, cut: int) -> None:
    """Past the limit the grid depends on the values alone: any order and any cut give one table."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(n) * rng.choice([1e-3, 1, 1e6], n)
    limit, numbers.LIMIT = numbers.LIMIT, 32
    try:
        whole = NumberCounts.of(x)
        parts = NumberCounts.of(x[::-1][:cut]) + NumberCounts.of(x[::-1][cut:])
    finally:
        numbers.LIMIT = limit

    assert len(whole.keys) <= 32
    assert parts.to_dict() == whole.to_dict() or (parts.shift == whole.shift == 0)
    assert whole.mean == pytest.approx(x.mean(), rel=1e-9, abs=1e-12)
    if n > 2:
        assert whole.variance == pytest.approx(np.var(x, ddof=1), rel=1e-6)


@pytest.mark.parametrize("atom", [0.0, 1.0, 0.1, 19.99])
def test_ks_of_binned_tables_is_within_its_bound(atom: float) -> None:
    """With heavy atoms among 400,000 values the true distance lies within the bound, which knows the mixed bins."""
    rng = np.random.default_rng(5)
    a = np.where(rng.random(400_000) < 0.3, atom, rng.lognormal(0, 1, 400_000))
    b = np.where(rng.random(400_000) < 0.35, atom, rng.lognormal(0.02, 1, 400_000))
    values_, low, high, bound = common_support(NumberCounts.of(a), NumberCounts.of(b))
    found, true = ks_from_counts(low, high), ks_2samp(a, b, method="asymp").statistic

    assert bound > 0
    assert found <= true + 1e-12
    assert true <= found + bound + 1e-12
    if atom in (0.0, 1.0):
        assert bound < 0.001  # a round atom has a bin of its own
    assert len(values_) == len(low)


def test_values_beyond_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Past the limit a hashed sample stays: the same whatever the order, with a fair estimate of the number."""
    monkeypatch.setattr(values, "LIMIT", 500)
    texts = [f"v{i}" for i in range(20_000)]
    whole = ValueCounts.of(texts)
    parts = ValueCounts.of(texts[7_000:]) + ValueCounts.of(texts[:7_000])

    assert whole.to_dict() == parts.to_dict()
    assert whole.n == 20_000
    assert not whole.exact
    assert 14_000 < whole.distinct < 27_000


def test_numbers_hash_by_value() -> None:
    """Integers and floats that are equal hash alike; those beyond 2**53 that are not, do not."""
    small = np.array([-3, 0, 1, 2**53], np.int64)
    assert (number_hashes(small) == number_hashes(small.astype(float))).all()
    assert number_hashes(np.array([0.0]))[0] == number_hashes(np.array([-0.0]))[0]
    large = np.array([2**53, 2**53 + 1, 2**63 - 1, 2**63 - 2], np.int64)
    assert len(set(number_hashes(large).tolist())) == 4


def counted(data: object) -> object:
    """Count a frame without roles."""
    return count(Dataset(wrap(data), Roles()))


def test_fingerprints_name_the_column_and_ignore_order() -> None:
    """One cell, one column; row order, column order and engine do not matter; exchanged cells do."""
    rng = np.random.default_rng(0)
    data = pd.DataFrame({"a": rng.random(5000), "b": rng.choice(["x", "y"], 5000), "c": rng.integers(0, 9, 5000)})
    base = count(Dataset(wrap(data), Roles())).fingerprint
    changed = data.copy()
    changed.loc[77, "b"] = "z"
    swapped = data.copy()
    swapped.loc[[0, 1], "a"] = swapped.loc[[1, 0], "a"].to_numpy()

    def of(frame: object) -> object:
        return count(Dataset(wrap(frame), Roles())).fingerprint

    assert of(data.sample(frac=1, random_state=0)) == base
    assert of(data[["c", "a", "b"]]).table == base.table  # type: ignore[attr-defined]
    assert of(pl.from_pandas(data)) == base
    assert base.differences(of(changed)) == ["column 'b' changed"]  # type: ignore[arg-type]
    assert base.differences(of(swapped))[0].startswith("each column holds the same values")  # type: ignore[arg-type]
    assert base.differences(of(data.head(4999)))[0] == "5\u202f000 rows became 4\u202f999"  # type: ignore[arg-type]
    assert "column 'a' is gone" in base.differences(of(data.rename(columns={"a": "z"})))  # type: ignore[arg-type]


@pytest.mark.parametrize("in_memory", [10, 10**6])
def test_duplicates_are_pandass(in_memory: int) -> None:
    """Rows beyond the first of their kind, in memory and spilled to disk."""
    rng = np.random.default_rng(1)
    data = pd.DataFrame({"a": rng.integers(0, 20, 3000), "b": rng.choice(["x", "y", None], 3000)})
    found = count(Dataset(wrap(data), Roles())).duplicates
    builder = DuplicateBuilder(in_memory)
    for part in np.array_split(data.a.to_numpy().astype(np.uint64), 30):
        builder.push(part * np.uint64(0x9E3779B97F4A7C15), part)
    spilled = builder.done()

    assert found is not None
    assert found.repeated == int(data.duplicated().sum())
    assert found.kinds == int((data.value_counts(dropna=False) > 1).sum())
    assert (spilled.repeated, spilled.kinds) == (2980, 20)


def test_rows_that_share_half_a_hash_are_no_duplicates() -> None:
    """Both halves of a row's hash decide."""
    builder = DuplicateBuilder()
    builder.push(np.array([7, 7, 7, 8], np.uint64), np.array([1, 2, 1, 1], np.uint64))
    found = builder.done()

    assert (found.repeated, found.kinds) == (1, 1)

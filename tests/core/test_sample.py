"""The sample of rows: the same from any order or cut, and rows that repeat do not come in clusters."""

from __future__ import annotations

import numpy as np
import pytest

from workbench.core.fingerprint import number_hashes
from workbench.core.sample import SampleBuilder, SampleOf, from_bytes, to_bytes


def test_the_sample_does_not_depend_on_order_or_cuts() -> None:
    import pyarrow as pa

    values = np.random.default_rng(1).normal(0, 1, 5000)
    hashes = number_hashes(values)
    batch = pa.RecordBatch.from_arrays([pa.array(values)], names=["v"])

    def drawn(*cuts: slice, seed: int = 0) -> list[float]:
        parts = []
        for cut in cuts:
            one = SampleBuilder(SampleOf(300, seed))
            at = np.arange(5000)[cut]
            one.push(batch.take(pa.array(at)), hashes[at], hashes[at] ^ np.uint64(7))
            parts.append(one.done())
        whole = SampleBuilder(SampleOf(300, seed))
        for part in parts:
            whole.add(from_bytes(to_bytes(part)))
        found = whole.done()
        assert found.available == 5000
        return found.rows.column(0).to_pylist()

    first = drawn(slice(None))
    assert len(first) == 300
    assert first == drawn(slice(None, None, -1)) == drawn(slice(0, 17), slice(17, 4000), slice(4000, None))
    assert first != drawn(slice(None), seed=1)


@pytest.mark.parametrize("kinds", [7, 3000])
def test_equal_rows_are_drawn_one_by_one(kinds: int) -> None:
    """Few kinds of rows, each many times over: each row is as likely as any other, whatever the cut."""
    import pyarrow as pa

    kind = np.repeat(np.arange(kinds), np.arange(kinds) % 7 * 10 + 5)
    values = np.random.default_rng(2).permutation(kind).astype(float)
    shares = []
    for seed in range(300 if kinds == 7 else 20):
        one, two, whole = (SampleBuilder(SampleOf(100, seed)) for _ in range(3))
        for builder, part in ((one, values[:90]), (two, values[90:]), (whole, values[::-1])):
            hashes = number_hashes(part)
            builder.push(pa.RecordBatch.from_arrays([pa.array(part)], names=["v"]), hashes, hashes ^ np.uint64(7))
        one.add(from_bytes(to_bytes(two.done())))
        sample, other = one.done(), whole.done()
        assert sample.rows.equals(other.rows)
        assert (sample.n, sample.rows.num_rows, sample.available) == (100, 100, len(values))
        assert len(np.unique(sample.hashes[:, 0])) == 100
        assert 25 < sample.first_half.sum() < 75
        shares.append((sample.rows.column(0).to_numpy() == 6).mean())
    if kinds == 7:
        expected = (kind == 6).mean()
        spread = np.sqrt(expected * (1 - expected) / 100 * (len(values) - 100) / (len(values) - 1))
        assert np.mean(shares) == pytest.approx(expected, abs=4 * spread / np.sqrt(300))
        assert np.std(shares) == pytest.approx(spread, rel=0.2)

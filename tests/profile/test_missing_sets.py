"""Which columns are missing together: pandas' counts, in any order of rows, columns and parts."""

from __future__ import annotations

import json
from collections import Counter

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import workbench as wb
from workbench.core import missing
from workbench.core.counts import count
from workbench.core.dataset import Dataset, Roles
from workbench.core.frame import wrap
from workbench.core.missing import MissingBuilder, MissingCounts

NAMES = ["a", "b", "c", "d", "e", "f", "g", "h", "i"]
masks = st.lists(st.lists(st.booleans(), min_size=9, max_size=9), min_size=1, max_size=60)


def built(mask: list[list[bool]], names: list[str] = NAMES) -> MissingCounts:
    """Count a table whose cells are missing where the mask says so."""
    columns = [pa.array([None if gone else 1 for gone in column], pa.int64()) for column in zip(*mask, strict=True)]
    builder = MissingBuilder(names)
    builder.push(pa.RecordBatch.from_arrays(columns, names=names))
    return builder.done()


def sets_of(table: MissingCounts) -> dict[tuple[str, ...], int]:
    """Return every set with its rows."""
    return {tuple(sorted(table.columns_of(bits))): n for bits, n in table.counts.items()}


@given(masks)
def test_sets_are_counted_as_by_hand(mask: list[list[bool]]) -> None:
    """Each row's set of missing columns, counted one by one."""
    expected = Counter(tuple(n for n, gone in zip(NAMES, row, strict=True) if gone) for row in mask)
    table = built(mask)

    assert sets_of(table) == expected
    assert (table.complete, table.rows) == (expected[()], len(mask))
    assert all(table.of(columns) == n for columns, n in expected.items())
    assert [n for _, n in table.top(99)] == sorted((n for c, n in expected.items() if c), reverse=True)


@given(masks, masks, st.permutations(range(9)), st.sampled_from([3, 4_096]))
def test_parts_add_in_any_order_of_columns(
    one: list[list[bool]], two: list[list[bool]], order: list[int], limit: int
) -> None:
    """Also where more sets occur than are kept, and complete rows are never lost."""
    kept, missing.LIMIT = missing.LIMIT, limit
    try:
        moved = built([[row[i] for i in order] for row in two], [NAMES[i] for i in order])
        whole, added = built([*one, *two]), built(one) + moved
        assert added.to_dict() == whole.to_dict()
        assert (built(two) + built(one)).to_dict() == whole.to_dict()
        assert whole.rows == len(one) + len(two)
        assert whole.complete == sum(not any(row) for row in [*one, *two])
        assert len(whole.counts) <= limit + 1
        assert MissingCounts.from_dict(json.loads(json.dumps(whole.to_dict()))).to_dict() == whole.to_dict()
    finally:
        missing.LIMIT = kept


def test_many_sets_and_many_columns() -> None:
    """As many sets as rows: bounded, and the rows that miss nothing are exact."""
    rng = np.random.default_rng(0)
    mask = rng.random((6000, 300)) < 0.02
    mask[:50] = False
    table = built(mask.tolist(), [f"c{i}" for i in range(300)])

    assert (table.complete, table.rows) == (int((~mask.any(axis=1)).sum()), 6000)
    assert len(table.counts) <= 4_096
    assert not table.exact


def gaps() -> pd.DataFrame:
    """Return 200 rows: address and town are missing together in 40, age alone in 20, everything once."""
    data = pd.DataFrame({"age": np.arange(200.0), "address": "x", "town": "y", "id": np.arange(200)})
    data.loc[:39, ["address", "town"]] = None
    data.loc[40:59, "age"] = np.nan
    data.loc[60, ["age", "address", "town"]] = [np.nan, None, None]
    return data


def test_the_check_tells_sets_and_complete_rows() -> None:
    """Sets of fewer rows than may be shown are one; the reference's share stands beside."""
    audit = wb.Audit(gaps(), reference=gaps().iloc[60:], checks=["quality.missing"], policy={"rules": []})
    finding = audit.run().finding("quality.missing")
    value = {(m.name, m.column, m.window): m for m in finding.measures}
    table = next(e for e in finding.evidence if e.name == "sets")

    assert value[("missing_cells", "", "")].value == 2 * 40 + 20 + 3
    complete = value[("complete_row_share", "", "")]
    assert (complete.value, complete.n) == (139 / 200, 200)
    assert value[("missing_sets", "", "")].value == 3
    assert table.rows == (
        ("no cell", None, 139, 139 / 200, pytest.approx(139 / 140)),
        ("set 1", "address", 40, 0.2, 0.0),
        ("set 1", "town", 40, 0.2, 0.0),
        ("set 2", "age", 20, 0.1, 0.0),
        ("other sets", None, 1, 1 / 200, None),
    )


def test_weights_count_rows() -> None:
    """A row of weight 3 misses its cells three times."""
    data = pd.DataFrame({"a": [1.0, None, None], "w": [1, 3, 0]})
    table = count(Dataset(wrap(data), Roles(weight="w"))).missing

    assert (table.complete, table.of(["a"])) == (1, 3)

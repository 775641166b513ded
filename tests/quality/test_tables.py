"""What is looked for among rows: dependencies and deviations, near rows, labels that others speak against."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.core import dependencies as deps
from workbench.core.arrow import Kind
from workbench.core.label_noise import confident, held_out
from workbench.core.near_rows import near_rows
from workbench.core.suspects import suspects


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 300)), min_size=1, max_size=60), st.booleans())
def test_grouped_counts_are_those_of_pandas(pairs: list[tuple[int, int]], coarse: bool) -> None:
    key, value = (np.array(x, np.int64) for x in zip(*pairs, strict=True))
    value = value % 3 if coarse else value
    found = deps.grouped(key, value)
    table = pd.DataFrame({"k": key, "v": value})
    counts = table.value_counts().reset_index().sort_values(["k", "count", "v"], ascending=[True, False, True])
    first = counts.drop_duplicates("k").set_index("k")

    assert found.size.tolist() == table.groupby("k").v.transform("size").tolist()
    assert found.most.tolist() == [first["count"][k] for k in key]
    assert found.majority.tolist() == [first.v[k] for k in key]


def coded(*columns: object) -> list[np.ndarray]:
    """Return columns as codes, None as -1."""
    return [pd.factorize(pd.Series(c, dtype=object))[0].astype(np.int64) for c in columns]


def test_a_dependency_with_exceptions_is_found_with_its_confidence() -> None:
    key = np.repeat(np.arange(20), 10)
    value = key * 7
    value[[3, 55, 120]] = 1
    (found,) = deps.dependencies(coded(key, value), [0])

    assert (found.key, found.column, found.rows, found.keys) == (0, 1, 200, 20)
    assert found.confidence == pytest.approx(1 - 3 / 200)
    expected = pd.Series(value).groupby(key).agg(lambda v: v.value_counts().max() / len(v)).mean()
    assert found.confidence == pytest.approx(expected)
    assert found.chance < 0.3


@pytest.mark.parametrize("seed", range(5))
def test_independent_columns_depend_on_nothing(seed: int) -> None:
    rng = np.random.default_rng(seed)
    columns = [rng.integers(0, k, 1_000) for k in (2, 5, 20, 100)] + [(rng.random(1_000) < 0.03).astype(int)]

    assert deps.dependencies(coded(*columns), range(5)) == []


def test_a_column_that_hardly_varies_depends_on_nothing() -> None:
    key = np.repeat(np.arange(50), 10)
    value = np.zeros(500, int)
    value[:9] = 1  # nine in ten rows of one key, but only one key

    assert deps.dependencies(coded(key, value), [0]) == []


def test_a_column_fixed_only_where_it_is_usual_depends_on_nothing() -> None:
    key = np.repeat(np.arange(50), 10)
    value = np.where((key >= 45) & (np.arange(500) % 10 < 7), key, 0)  # five keys have another value in seven of ten

    assert deps.dependencies(coded(key, value), [0]) == []


def test_one_key_in_two_hundred_that_stands_out_is_no_dependency() -> None:
    key = np.repeat(np.arange(200), 10)

    assert deps.dependencies(coded(key, (key == 0).astype(int)), [0]) == []


def test_the_usual_value_must_be_fixed_too() -> None:
    key = np.repeat(np.arange(20), 10)
    value = np.where(key < 10, key + 1, np.where(np.arange(200) % 10 < 7, 0, 99))  # kept in 170 of 200 rows

    assert deps.dependencies(coded(key, value), [0]) == []
    assert len(deps.dependencies(coded(key, value), [0], confidence=0.8)) == 1


def test_a_tendency_is_no_dependency() -> None:
    rng = np.random.default_rng(0)
    key = rng.integers(0, 30, 3_000)
    value = np.where(rng.random(3_000) < 0.75, key % 7, rng.integers(0, 7, 3_000))

    assert deps.dependencies(coded(key, value), [0]) == []
    assert len(deps.dependencies(coded(key, value), [0], confidence=0.7)) == 1


def test_the_cell_is_accused_that_more_keys_speak_against() -> None:
    key = np.repeat(np.arange(20), 10)
    name, place, area = key + 100, key + 200, key + 300
    name[13] = 105  # one cell of a row whose other cells agree
    columns = coded(key, name, place, area)
    found = deps.deviations(columns, deps.dependencies(columns, range(4)))

    assert [np.flatnonzero(d.cells).tolist() for d in found] == [[], [13], [], []]
    assert found[1].expected[13] == columns[1][12]


def test_a_missing_cell_whose_key_tells_its_value_deviates() -> None:
    key = np.repeat(np.arange(20), 10)
    value: list[object] = (key + 100).tolist()
    value[4] = value[44] = None
    columns = coded(key, value)
    found = deps.deviations(columns, deps.dependencies(columns, [0]))

    assert np.flatnonzero(found[1].cells).tolist() == [4, 44]


def test_a_key_whose_rows_are_mostly_empty_speaks_against_nothing() -> None:
    key = np.repeat(np.arange(20), 10)
    value: list[object] = (key + 100).tolist()
    value[50:58] = [None] * 8
    columns = coded(key, value)
    found = deps.deviations(columns, deps.dependencies(columns, [0]))

    assert not found[1].cells.any()


def batch_of(frame: pd.DataFrame) -> tuple[pa.RecordBatch, dict[str, Kind]]:
    """Return a frame of texts as a batch, and the kinds of its columns."""
    arrays = [pa.array(frame[c].tolist(), pa.string()) for c in frame]
    return pa.RecordBatch.from_arrays(arrays, names=list(frame)), dict.fromkeys(frame, Kind.TEXT)


def test_suspects_name_the_cells_and_why() -> None:
    n = 200
    frame = pd.DataFrame(
        {
            "row": [str(i) for i in range(n)],
            "city": [["springfield", "riverside", "fairview", "georgetown"][i // 10 % 4] for i in range(n)],
            "zip": [f"{10_000 + i // 10}" for i in range(n)],
            "weight": [f"{50 + i % 37}" for i in range(n)],
            "seen": [f"2021-{1 + i % 12:02}-{1 + i % 28:02}" for i in range(n)],
        }
    )
    wrong = {"city": {4: "sprimgfield", 50: "fairview"}, "zip": {77: "1000x"},
             "weight": {9: "N/A", 10: "60 kg", 11: "51000"}, "seen": {12: "2021-02-30"}}  # fmt: skip
    for column, cells in wrong.items():
        for row, value in cells.items():
            frame.loc[row, column] = value
    found = suspects(*batch_of(frame))

    assert {c: np.flatnonzero(m).tolist() for c, m in found.cells().items()} == {c: sorted(v) for c, v in wrong.items()}
    kinds = {(c, k): np.flatnonzero(m).tolist() for (c, k), m in found.found.items()}
    assert kinds["city", "spelling"] == [4]
    assert kinds["city", "dependency"] == [4, 50]
    assert kinds["weight", "placeholder"] == [9]
    assert kinds["weight", "format"] == [10]
    assert kinds["weight", "outlier"] == [11]
    assert kinds["seen", "date"] == [12]


@given(st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(random) -> None:  # type: ignore[no-untyped-def]
    city = ["springfield"] * 30 + ["riverside"] * 30 + ["sprimgfield", "N/A", "riversid3"]
    order = list(range(len(city)))
    random.shuffle(order)
    frame = pd.DataFrame({"city": city, "zip": [c[:3] for c in city]})
    plain, mixed = suspects(*batch_of(frame)).cells(), suspects(*batch_of(frame.iloc[order])).cells()

    assert plain.keys() == mixed.keys()
    for column, mask in plain.items():
        assert mask[order].tolist() == mixed[column].tolist()


# ---------------------------------------------------------------------------- near rows


def brute(rows: list[tuple[str, ...]]) -> set[tuple[int, tuple[int, int]]]:
    """Return all pairs of rows that differ in one column alone, with the column."""
    found = set()
    for i, one in enumerate(rows):
        for j in range(i + 1, len(rows)):
            apart = [k for k, (a, b) in enumerate(zip(one, rows[j], strict=True)) if a != b]
            if len(apart) == 1:
                found.add((apart[0], (i, j)))
    return found


@given(st.lists(st.tuples(*[st.sampled_from("pqr")] * 4), min_size=3, max_size=12))
def test_every_pair_found_differs_in_one_cell_and_every_row_with_a_twin_is_found(rows: list[tuple[str, ...]]) -> None:
    frame = pd.DataFrame(rows, columns=list("abcd")).map(lambda v: v)
    batch, kinds = batch_of(pd.concat([frame, frame.iloc[:1]]))  # no column of distinct values
    rows = [*rows, rows[0]]
    found = near_rows(batch, kinds, list("abcd"))
    pairs = {("abcd".index(n.column), pair) for n in found for pair in n.pairs if n.column}
    every = brute(rows)

    assert pairs <= every
    assert {(c, row) for c, pair in pairs for row in pair} >= {
        (c, row) for c, pair in every for row in pair if rows.count(rows[row]) == 1
    }


def test_rows_equal_but_for_case_and_one_with_a_changed_cell() -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({f"c{i}": rng.choice(["ant", "bee", "cow", "dog", "elk"], 300) for i in range(20)})
    frame.iloc[10] = frame.iloc[20].str.upper()
    frame.iloc[30] = frame.iloc[40]
    frame.loc[30, "c7"] = "fox"
    found = {n.column: n for n in near_rows(*batch_of(frame), list(frame))}

    assert {name: n.pairs for name, n in found.items()} == {"": ((10, 20),), "c7": ((30, 40),)}
    assert all(n.suspected for n in found.values())


def test_what_few_columns_give_by_chance_is_not_suspected() -> None:
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({f"c{i}": rng.choice(list("abcd"), 400) for i in range(5)})
    found = near_rows(*batch_of(frame), list(frame))
    rows = [tuple(r) for r in frame.itertuples(index=False)]
    pairs = brute(rows)

    assert found
    assert not any(n.suspected for n in found if n.column)
    for n in found:
        every = sum(c == list(frame).index(n.column) for c, _ in pairs)
        agree = every + sum(rows[i] == rows[j] for i in range(400) for j in range(i))
        assert n.expected == pytest.approx(agree, rel=0.3)


# ---------------------------------------------------------------------------- labels


def test_confident_joint_by_hand() -> None:
    # Means of own class: for 0 (0.9 + 0.8 + 0.2) / 3 = 0.6333, for 1 (0.9 + 0.7 + 0.4) / 3 = 0.6667.
    labels = np.array([0, 0, 0, 1, 1, 1])
    of_one = np.array([0.1, 0.2, 0.8, 0.9, 0.7, 0.4])
    found = confident(labels, np.stack((1 - of_one, of_one), axis=1))

    assert found.suspected.tolist() == [False, False, True, False, False, False]
    assert found.seems.tolist() == [0, 0, 1, 1, 1, 1]
    assert found.joint.tolist() == [[2, 1], [0, 2]]  # the last row reaches neither mean


@pytest.mark.parametrize("learner", ["linear", "trees"])
def test_flipped_labels_are_found(learner: str) -> None:
    rng = np.random.default_rng(0)
    matrix = rng.normal(size=(600, 3))
    truth = (matrix.sum(axis=1) > 0).astype(np.int64)
    clear = np.abs(matrix.sum(axis=1)) > 1
    flipped = rng.choice(np.flatnonzero(clear), 20, replace=False)
    labels = truth.copy()
    labels[flipped] = 1 - labels[flipped]
    found = confident(labels, held_out(matrix, labels, 5, 0, learner)).suspected

    assert found[flipped].mean() > 0.8
    assert found.sum() < 60

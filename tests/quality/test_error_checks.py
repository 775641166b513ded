"""Error checks on frames with planted errors: counted, named by the id of their row, told only where they may be."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest

from workbench.core.check import find_check
from workbench.core.counts import count
from workbench.core.dataset import Dataset, Roles
from workbench.core.finding import Finding, Measure, Status
from workbench.core.frame import wrap
from workbench.core.sample import SampleOf
from workbench.core.subject import Subject

CANARY = "canary.person@example.org"


def subject(current: pd.DataFrame, reference: pd.DataFrame | None = None, rows: int = 20_000, **roles: Any) -> Subject:
    """Return a subject of frames, with a sample of `rows` rows (none for 0)."""
    given = Roles(**roles)
    sampling = SampleOf(rows) if rows else None
    counted = [
        None if frame is None else count(Dataset(wrap(frame), given, name), sampling=sampling)
        for frame, name in ((current, "current"), (reference, "reference"))
    ]
    assert counted[0] is not None
    return Subject(counted[0], given, reference=counted[1])


def run(check: str, *args: Any, params: dict[str, Any] | None = None, **kwargs: Any) -> Finding:
    """Run one check on frames; it must have measured."""
    finding = find_check(check).run(subject(*args, **kwargs), params)
    assert finding.status is Status.MEASURED, finding.reason
    return finding


def measure(finding: Finding, name: str, column: str = "", where: str = "", window: str = "") -> Measure:
    """Return one measure."""
    (found,) = [m for m in finding.measures if (m.name, m.column, m.where, m.window) == (name, column, where, window)]
    return found


def table(finding: Finding, name: str = "examples") -> list[dict[str, Any]]:
    """Return a table of evidence as one mapping a row."""
    found = [e for e in finding.evidence if e.name == name]
    return [dict(zip(e.columns, row, strict=True)) for e in found for row in e.rows]


def people(n: int = 300) -> pd.DataFrame:
    """Return a frame without errors."""
    rng = np.random.default_rng(0)
    places = np.array(["springfield", "riverside", "fairview"])
    return pd.DataFrame(
        {
            "id": [f"p{i}" for i in range(n)],
            "age": rng.integers(20, 80, n).astype(float),
            "city": places[np.arange(n) % 3],
            "area": np.array(["N", "S", "W"])[np.arange(n) % 3],
            "sex": rng.choice(["female", "male"], n),
            "since": [f"20{rng.integers(10, 22)}-{rng.integers(1, 13):02}-{rng.integers(1, 29):02}" for _ in range(n)],
            "y": rng.integers(0, 2, n),
        }
    )


PLANTED: dict[str, tuple[str, dict[int, Any], str]] = {
    "quality.placeholders": ("city", {3: "N/A", 9: "?"}, "word or sign"),
    "quality.spellings": ("city", {4: "sprimgfield", 8: "Fairview "}, "letters"),
    "quality.outliers": ("age", {5: 4_000.0, 6: -90_000.0}, ""),
    "quality.impossible_dates": ("since", {2: "2015-02-30", 7: "2015-13-01", 11: "1015-01-01"}, "no such day"),
    "quality.dependencies": ("area", {12: "S", 15: "W"}, ""),
}


@pytest.mark.parametrize("check", PLANTED)
def test_planted_errors_are_counted_and_named_by_id(check: str) -> None:
    column, cells, why = PLANTED[check]
    clean, spoilt = people(), people()
    for row, value in cells.items():
        spoilt.loc[row, column] = value
    finding = run(check, spoilt, clean, id="id", sensitive=("sex",))
    share = measure(finding, "suspected_share", column)
    expected = binomtest(len(cells), 300).proportion_ci(method="wilson")

    assert measure(finding, "suspected_cells", column).value == len(cells)
    assert (share.value, share.n) == (pytest.approx(len(cells) / 300), 300)
    assert (share.low, share.high) == (pytest.approx(expected.low), pytest.approx(expected.high))
    assert measure(finding, "suspected_cells", column, window="reference").value == 0
    assert {r["row"] for r in table(finding) if r["column"] == column} == {f"p{row}" for row in cells}
    if why:
        assert measure(finding, "suspected_cells", column, why).value is not None


@pytest.mark.parametrize("check", PLANTED)
def test_a_clean_frame_has_nothing_suspected(check: str) -> None:
    finding = run(check, people(), id="id", sensitive=("sex",))

    assert {m.value for m in finding.measures if m.name == "suspected_cells" and m.value is not None} <= {0}
    assert table(finding) == []


def test_units_are_counted_by_kind_with_the_writing_that_many_rows_have() -> None:
    frame = people().assign(size=[f"{12 + i % 7}{[' oz', ' oz.', ' OZ'][i % 3]}" for i in range(300)])
    frame.loc[[1, 2], "size"] = ["some", "12 oz"]
    finding = run("quality.mixed_types", frame, id="id")

    assert measure(finding, "suspected_cells", "size").value == 300
    assert measure(finding, "suspected_cells", "size", "unit").value == 299
    assert measure(finding, "suspected_cells", "size", "not a number").value == 1
    kinds = {r["what"]: r for r in table(finding, "kinds")}
    assert kinds["unit"]["most frequent"].startswith("1")
    assert kinds["not a number"]["most frequent"] is None


def test_without_an_id_rows_go_by_a_short_hash_that_finds_them_again() -> None:
    frame = people().drop(columns="id")
    frame.loc[17, "city"] = "N/A"
    there = subject(frame)
    (row,) = table(find_check("quality.placeholders").run(there))

    sample = there.sample
    at = sample.rows.column("city").to_pylist().index("N/A")
    assert row["row"] == f"#{int(sample.hashes[at, 0]):016x}"[:13]


def test_ids_that_are_sensitive_are_not_told_and_held_back_values_are_said_to_be() -> None:
    frame = people()
    frame.loc[17, "city"] = "N/A"
    finding = run("quality.placeholders", frame, id="id", sensitive=("id",))

    assert [r["row"][0] for r in table(finding)] == ["#"]
    assert "p17" not in json.dumps(finding.to_dict())
    assert (
        finding.notes[-1]
        == "values that fewer than 10 rows hold, long ones and those of sensitive columns are not shown"
    )
    assert run("quality.placeholders", people(), id="id").notes == ()


def test_an_endless_or_empty_id_is_replaced_by_the_hash() -> None:
    frame = people()
    frame.loc[[17, 18], "id"] = ["i" * 5_000_000, ""]
    frame.loc[[17, 18], "city"] = "N/A"

    assert [r["row"][0] for r in table(run("quality.placeholders", frame, id="id"))] == ["#", "#"]


def test_counts_without_rows_give_the_numbers_without_examples() -> None:
    frame = people()
    frame.loc[[3, 9], "city"] = ["N/A", "sprimgfield"]
    for check, value in (("quality.placeholders", 1), ("quality.spellings", 1), ("quality.outliers", 0)):
        finding = run(check, frame, rows=0)
        assert table(finding) == []
        assert measure(finding, "suspected_cells", "age" if "outl" in check else "city").value == value


def test_examples_are_at_most_twenty_and_take_turns_between_columns() -> None:
    frame = people()
    frame.loc[:99, "city"] = "?"
    frame.loc[150:152, "since"] = "?"
    rows = table(run("quality.placeholders", frame, id="id"))

    assert len(rows) == 20
    assert sum(r["column"] == "since" for r in rows) == 3


@pytest.mark.parametrize("check", [*PLANTED, "quality.mixed_types", "quality.out_of_domain"])
def test_no_rare_value_and_no_value_of_a_sensitive_column_is_told(check: str) -> None:
    frame = people()
    frame["code"] = [f"{i % 9}-A" for i in range(300)]
    frame["sex"] = ["femme fatale"] * 12 + frame.sex.tolist()[12:]
    for column in ("city", "since", "area", "code"):
        frame.loc[[20, 21], column] = CANARY
    frame.loc[33, "area"] = CANARY
    column, cells, _ = PLANTED.get(check, ("code", {30: "secret"}, ""))
    for row, value in cells.items():
        frame.loc[row, column] = value
    domains = {"city": frame.city[:3].tolist(), "sex": ["male"], "code": [f"{i}-A" for i in range(9)]}
    params = {"domains": domains} if "domain" in check else None
    finding = run(check, frame, frame, id="id", sensitive=("sex",), params=params)
    written = json.dumps(finding.to_dict())

    assert "canary" not in written
    assert "femme" not in written
    assert not [v for v in cells.values() if len(str(v)) > 3 and str(v) in written]
    assert {r["row"] for r in table(finding)} >= {f"p{row}" for row in cells}


def test_a_value_that_ten_rows_hold_is_told_and_one_of_nine_is_not() -> None:
    frame = people()
    frame.loc[:9, "area"], frame.loc[20:28, "area"] = "X", "Z"
    finding = run("quality.out_of_domain", frame, id="id", params={"domains": {"area": ["N", "S", "W"]}})

    assert measure(finding, "suspected_cells", "area", "X").value == 10
    assert measure(finding, "suspected_cells", "area", "other values").value == 9
    assert measure(finding, "suspected_cells", "area").value == 19
    assert "Z" not in {m.where for m in finding.measures}


def test_a_value_too_long_to_be_read_is_not_told() -> None:
    frame = people()
    frame.loc[:20, "area"] = "X" * 10_000_000
    finding = run("quality.out_of_domain", frame, id="id", params={"domains": {"area": ["N", "S", "W"]}})

    assert measure(finding, "suspected_cells", "area", "other values").value == 21
    assert len(json.dumps(finding.to_dict())) < 20_000


def test_domains_compare_numbers_by_value_and_name_an_unknown_column() -> None:
    frame = pd.DataFrame({"code": [1.0, 2.0, 7.0, np.nan], "flag": [True, False, True, None]})
    finding = run("quality.out_of_domain", frame, params={"domains": {"code": [1, 2.0], "flag": [True]}})

    assert (measure(finding, "suspected_cells", "code").value, measure(finding, "suspected_cells", "code").n) == (1, 3)
    assert measure(finding, "suspected_cells", "flag").value == 1
    wrong = find_check("quality.out_of_domain").run(subject(frame), {"domains": {"kode": [1]}})
    assert wrong.status is Status.ERROR
    assert "Did you mean 'code'" in wrong.reason


def test_own_tokens_are_placeholders() -> None:
    frame = people()
    frame.loc[:4, "city"] = "to be filled"
    finding = run("quality.placeholders", frame, params={"tokens": ["To be filled"]})

    assert measure(finding, "suspected_cells", "city").value == 5


def test_a_value_usual_overall_may_be_far_within_its_group() -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"kind": ["mouse", "horse"] * 200, "weight": np.tile([0.03, 500.0], 200)})
    frame["weight"] *= rng.normal(1, 0.05, 400)
    frame.loc[0, "weight"], frame.loc[1, "weight"] = 480.0, 1e30
    finding = run("quality.outliers", frame, params={"by": ["kind"]})

    assert measure(finding, "suspected_cells", "weight").value == 1
    assert measure(finding, "suspected_cells", "weight", "within kind").value == 1
    assert {r["why"] for r in table(finding)} == {"far from the rest", "far from the rest of its kind"}


def test_outliers_of_more_numbers_than_are_counted_exactly_carry_an_error_bound() -> None:
    x = np.random.default_rng(0).normal(1e6, 1e4, 150_000)
    x[:7] = 9e9
    finding = run("quality.outliers", pd.DataFrame({"x": x}), rows=1_000)
    share = measure(finding, "suspected_share", "x")

    assert measure(finding, "suspected_cells", "x").value == 7
    assert share.n == 150_000
    assert share.error_bound is not None


def test_columns_with_too_many_values_are_measured_on_the_sample_and_say_so() -> None:
    frame = pd.DataFrame({"name": [f"name {i}" for i in range(140_000)]})
    finding = run("quality.mixed_types", frame, rows=500)

    assert measure(finding, "suspected_share", "name").n == 500
    assert finding.notes == ("column 'name' is measured on a seeded sample of 500 of 140\u202f000 rows",)


def test_dependencies_are_listed_with_key_and_expected_value() -> None:
    frame = people()
    frame.loc[12, "area"] = "W"
    finding = run("quality.dependencies", frame, id="id")
    listed = {(r["key"], r["column"]): r for r in table(finding, "dependencies")}
    examples = {r["column"]: r for r in table(finding)}

    assert measure(finding, "dependencies").value == 2
    assert listed["city", "area"]["cells against"] == 1
    # Two columns that fix each other accuse each other: which of the two cells is wrong they cannot tell.
    assert examples["area"] == {
        "column": "area", "row": "p12", "why": "against city", "value": "W", "meant": "N",
    }  # fmt: skip
    assert examples["city"]["meant"] == "fairview"


def test_near_duplicates_by_id() -> None:
    frame = people()
    more = frame.loc[[40, 60]].assign(id=["twin40", "twin60"])
    more.loc[40, "city"] = "Springfield" if frame.city[40] == "springfield" else frame.city[40].upper()
    more.loc[60, "age"] += 1
    frame = pd.concat([frame, more], ignore_index=True)
    wide = frame.assign(**{f"c{i}": np.random.default_rng(i).integers(0, 50, 302) for i in range(6)})
    for i in range(6):
        wide.loc[[300, 301], f"c{i}"] = wide.loc[[40, 60], f"c{i}"].to_numpy()
    finding = run("quality.near_duplicates", wide, id="id", target="y")
    pairs = {(r["differ in"], frozenset((r["row"], r["its twin"]))) for r in table(finding)}

    assert measure(finding, "suspected_rows").value == 4
    assert pairs == {("case or space", frozenset(("p40", "twin40"))), ("age", frozenset(("p60", "twin60")))}


def test_conflicting_labels_by_hand() -> None:
    frame = pd.DataFrame({"a": [1, 1, 1, 2, 2, 3], "b": list("xxxyyz"), "y": [0, 0, 1, 1, 1, 0], "id": range(6)})
    finding = run("quality.conflicting_labels", frame, target="y", id="id")

    assert measure(finding, "suspected_rows", "y").value == 3
    assert measure(finding, "conflicting_kinds", "y").value == 1
    assert measure(finding, "least_error_rate", "y").value == pytest.approx(1 / 6)
    assert set(table(finding)[0]["examples"].split(", ")) == {"0", "1", "2"}


def test_conflicting_labels_are_those_of_a_group_by() -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.integers(0, 9, 500), "b": rng.integers(0, 9, 500), "y": rng.integers(0, 2, 500)})
    finding = run("quality.conflicting_labels", frame, target="y")
    groups = frame.groupby(["a", "b"]).y

    assert measure(finding, "suspected_rows", "y").value == int((groups.transform("nunique") > 1).sum())
    wrong = (groups.size() - groups.agg(lambda v: v.value_counts().max())).sum()
    assert measure(finding, "least_error_rate", "y").value == pytest.approx(wrong / 500)


def test_conflicts_on_a_part_of_the_rows_are_called_a_lower_bound() -> None:
    frame = pd.DataFrame({"a": range(300), "y": [0, 1] * 150})
    finding = run("quality.conflicting_labels", frame, target="y", rows=100)

    assert finding.notes == ("measured on a seeded sample of 100 of 300 rows: a lower bound",)


def test_label_issues_name_the_flipped_rows_and_their_classes() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=400)
    label = np.where(x > 0, "yes", "no")
    flipped = np.flatnonzero(x > 1.2)[:8]
    label[flipped] = "no"
    frame = pd.DataFrame({"id": range(400), "x": x, "y": label})
    finding = run("quality.label_issues", frame, target="y", positive="yes", id="id")
    rows = {int(r["row"]) for r in table(finding)}

    assert set(flipped.tolist()) <= rows
    assert measure(finding, "suspected_rows", "y", "no -> yes").value >= 8
    assert measure(finding, "held_out_accuracy", "y").value > 0.9
    assert table(finding)[0]["label"] == "no"


def test_reversed_times_are_counted_in_rows_that_have_both() -> None:
    start = pd.Timestamp("2021-01-01") + pd.to_timedelta(np.arange(200), "h")
    frame = pd.DataFrame({"id": range(200), "start": start, "end": start + pd.Timedelta("2h")})
    frame.loc[5, "end"] = frame.start[5] - pd.Timedelta("1D")
    frame.loc[6, "end"], frame.loc[7, "end"] = pd.NaT, frame.start[7]
    finding = run("quality.impossible_dates", frame, id="id")

    found = measure(finding, "suspected_rows", "start & end", "reversed")
    assert (found.value, found.n) == (1, 199)
    assert [r["row"] for r in table(finding)] == ["5"]


@pytest.mark.parametrize("text", ["yesterday", "2021-02-30"])
def test_a_limit_that_is_no_day_is_an_error_that_says_so(text: str) -> None:
    finding = find_check("quality.impossible_dates").run(subject(people()), {"latest": text})

    assert finding.status is Status.ERROR
    assert "expected a day like" in finding.reason

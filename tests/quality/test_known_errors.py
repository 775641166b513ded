"""Published data with known faults: S09 (wrong cells of two pairs) and S14 (codes nobody documented)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from tests.bench.known_errors import PRECISION, RECALL, lines_of, pair, suspected, tally, type_of

pytestmark = pytest.mark.cases

WRONG_CELLS = {"hospital": (1_000, 20, 509), "beers": (2_410, 11, 4_362)}
COLUMNS = {
    "beers": {"ounces": 2410, "ibu": 1005, "abv": 693, "city": 127, "state": 127},
    "hospital": {"index": 0, "Address2": 0, "Address3": 0, "Score": 23, "CountyName": 39},
}


@pytest.mark.parametrize("name", WRONG_CELLS)
def test_s09_known_wrong_cells(shared_data: Path, name: str) -> None:
    """S09: the pairs have the published number of wrong cells; precision and recall of the error checks over them."""
    dirty, clean = pair(shared_data, name)
    wrong = dirty != clean
    assert (*wrong.shape, int(wrong.to_numpy().sum())) == WRONG_CELLS[name]
    assert {c: int(wrong[c].sum()) for c in COLUMNS[name]} == COLUMNS[name]
    print("", *lines_of(name, dirty, clean), sep="\n")
    found = tally(suspected(dirty).cells(), wrong)

    assert found.wrong == WRONG_CELLS[name][2]
    assert (found.precision or 0.0) >= PRECISION
    assert (found.recall or 0.0) >= RECALL


@pytest.mark.parametrize("name", WRONG_CELLS)
def test_few_cells_of_the_clean_twins_are_suspected(shared_data: Path, name: str) -> None:
    """Where nothing is wrong, few cells are suspected: at most one in a hundred."""
    _, clean = pair(shared_data, name)
    found = tally(suspected(clean).cells(), clean != clean)

    assert found.wrong == 0
    assert found.suspected <= 0.01 * clean.size


CHECKS = {
    "placeholder": "quality.placeholders",
    "format": "quality.mixed_types",
    "spelling": "quality.spellings",
    "outlier": "quality.outliers",
    "date": "quality.impossible_dates",
    "dependency": "quality.dependencies",
}


@pytest.mark.parametrize("name", WRONG_CELLS)
def test_the_audit_says_what_is_scored_here(shared_data: Path, name: str) -> None:
    """The cells that are scored are those the checks count, column by column, through the public door."""
    dirty, _ = pair(shared_data, name)
    scored = suspected(dirty)
    expected = {(CHECKS[kind], c): int(mask.sum()) for (c, kind), mask in scored.found.items()}
    frame = wb.Audit(dirty, checks=list(CHECKS.values()), policy={"rules": []}).run().to_frame()
    cells = frame[(frame.measure == "suspected_cells") & (frame["where"] == "") & (frame.value > 0)]

    assert {(r["check"], r["column"]): int(r["value"]) for _, r in cells.iterrows()} == expected


def test_a_tally_is_counted_by_hand() -> None:
    """The measuring itself: three cells suspected, of which one of two wrong ones."""
    wrong = pd.DataFrame({"a": [True, False, False], "b": [False, True, False]})
    found = tally({"a": np.array([True, True, False]), "b": np.array([False, False, True])}, wrong)

    assert (found.suspected, found.right, found.wrong) == (3, 1, 2)
    assert (found.precision, found.recall) == (pytest.approx(1 / 3), 0.5)


@pytest.mark.parametrize(
    ("dirty", "clean", "kind"),
    [
        ("", "4", "no value"),
        ("N/A", "x", "no value"),
        ("12.0 oz", "12", "way of writing"),
        ("Ohio ", "ohio", "case or space"),
        ("birminghxm", "birmingham", "letters"),
        ("OR", "Portland", "another value"),
    ],
)
def test_errors_are_told_apart_by_what_the_value_ought_to_be(dirty: str, clean: str, kind: str) -> None:
    """The types under which the bench prints recall."""
    assert type_of(dirty, clean) == kind


def test_s14_undocumented_codes(shared_data: Path) -> None:
    """S14: codes outside the documented ones, each counted over every row through the public door; exact duplicates."""
    clients = shared_data / "credit-card-default" / "credit-card-clients.csv"
    checks = {
        "quality.out_of_domain": {"domains": {"EDUCATION": [1, 2, 3, 4], "MARRIAGE": [1, 2, 3]}},
        "quality.duplicates": {},
    }
    frame = wb.Audit(str(clients), checks=checks, policy={"rules": []}).run().to_frame()
    cells = frame[frame.measure == "suspected_cells"]
    found = {(r["column"], r["where"]): r["value"] for _, r in cells.iterrows()}

    assert found == {
        ("EDUCATION", ""): 345, ("EDUCATION", "5"): 280, ("EDUCATION", "6"): 51, ("EDUCATION", "0"): 14,
        ("MARRIAGE", ""): 54, ("MARRIAGE", "0"): 54,
    }  # fmt: skip
    assert cells.n.unique().tolist() == [30_000]
    assert frame[frame.measure == "duplicate_rows"].value.tolist() == [35]

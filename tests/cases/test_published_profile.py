"""Published cases S02, S05, S14 and S15 as far as the profile answers them; the rest where errors and drift are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import workbench as wb
from workbench.audit.record import Record

CHECKS = ["quality.profile", "quality.missing"]


def audit(data: Any, **about: Any) -> Record:
    """Profile data, nothing judged."""
    return wb.Audit(data, checks=CHECKS, policy={"rules": []}, **about).run()


def measures(record: Record, check: str, name: str) -> dict[str, float]:
    """Return one measure by column."""
    return {m.column: m.value for m in record.finding(check).measures if m.name == name and not m.window}


def categories(record: Record, column: str, rows: int) -> dict[str, int]:
    """Return the rows of each category that is drawn of a column."""
    table = next(e for e in record.finding("quality.profile").evidence if e.name == column)
    at = table.columns.index("current")
    return {str(row[0]): round(float(row[at] or 0) * rows) for row in table.rows}


def test_s02_missing_cells_of_compas(shared_data: Path) -> None:
    """S02: three columns have gaps, two of them only together, and no other column has any."""
    record = audit(str(shared_data / "compas" / "compas-two-years-noid.csv"))
    gaps = {c: round(v * 7214) for c, v in measures(record, "quality.missing", "missing_share").items() if v}
    uses = {row[0]: row[1] for row in next(iter(record.finding("quality.profile").evidence)).rows}

    assert record.subject["current"]["rows"] == 7214
    assert gaps == {"days_b_screening_arrest": 307, "c_days_from_compas": 22, "length_of_stay": 307}
    assert measures(record, "quality.missing", "missing_cells") == {"": 636}
    assert uses["row"] == "identifier"
    assert uses["two_year_recid"] == "boolean"
    assert [uses[c] for c in ("race", "sex", "score_text", "priors_count")] == ["category"] * 3 + ["count"]


def test_s02_the_analysis_set_of_compas(shared_data: Path) -> None:
    """S02: the 6,172 rows of the published filter, by race, age, score and sex."""
    data = pd.read_csv(shared_data / "compas" / "compas-two-years-noid.csv", keep_default_na=False, na_values=[""])
    kept = data[
        data.days_b_screening_arrest.between(-30, 30)
        & (data.is_recid != -1)
        & (data.c_charge_degree != "O")
        & (data.score_text != "N/A")
    ]
    record = wb.Audit(kept, checks=[*CHECKS, "quality.associations"], policy={"rules": []}).run()

    assert record.subject["current"]["rows"] == 6172
    assert categories(record, "race", 6172) == {
        "African-American": 3175, "Caucasian": 2103, "Hispanic": 509, "Other": 343, "Asian": 31, "Native American": 11,
    }  # fmt: skip
    assert categories(record, "age_cat", 6172) == {"25 - 45": 3532, "Greater than 45": 1293, "Less than 25": 1347}
    assert categories(record, "score_text", 6172) == {"Low": 3421, "Medium": 1607, "High": 1144}
    assert categories(record, "sex", 6172) == {"Male": 4997, "Female": 1175}
    assert measures(record, "quality.profile", "mean")["two_year_recid"] == pytest.approx(0.4551199, abs=1e-7)
    pairs = [m for m in record.finding("quality.associations").measures if m.name == "pearson"]
    stay = [m for m in pairs if "length_of_stay" in m.column and "decile_score" in m.column.replace("v_decile", "")]
    assert [m.value for m in stay] == [pytest.approx(0.2073297, abs=1e-6)]


def test_s05_rows_of_adult_that_miss_nothing(shared_data: Path) -> None:
    """S05: 45,222 of 48,842 rows, and the labels of those."""
    files = [shared_data / "adult" / name for name in ("adult.csv", "adult.test.csv")]
    record = audit([str(f) for f in files], null_values=["?"])
    whole = next(m for m in record.finding("quality.missing").measures if m.name == "complete_row_share")

    assert (round(float(whole.value or 0) * 48_842), whole.n) == (45_222, 48_842)
    assert measures(record, "quality.missing", "missing_cells") == {"": 2799 + 2809 + 857}
    data = pd.concat([pd.read_csv(f, na_values=["?"]) for f in files]).dropna()
    labels = categories(audit(data), "income-per-year", 45_222)
    assert labels[">50K"] / 45_222 == pytest.approx(0.2478, abs=5e-5)
    assert sum(labels.values()) == 45_222


def test_s14_codes_that_nobody_documented(shared_data: Path) -> None:
    """S14: the profile shows each code with its rows, and tells repeated rows and the rate of default."""
    path = shared_data / "credit-card-default" / "credit-card-clients.csv"
    record = wb.Audit(str(path), checks=[*CHECKS, "quality.duplicates"], policy={"rules": []}).run()
    columns = {row[0]: row[1] for row in next(iter(record.finding("quality.profile").evidence)).rows}

    assert [columns[c] for c in ("SEX", "EDUCATION", "MARRIAGE")] == ["category"] * 3
    assert {k: codes(record, "EDUCATION")[k] for k in (0, 5, 6)} == {0: 14, 5: 280, 6: 51}
    assert codes(record, "MARRIAGE")[0] == 54
    assert measures(record, "quality.duplicates", "duplicate_rows") == {"": 35}
    means = measures(record, "quality.profile", "mean")
    assert means[next(c for c in means if c.lower().startswith("default"))] == pytest.approx(0.2212, abs=5e-5)


def codes(record: Record, column: str) -> dict[int, int]:
    """Return the rows of each whole number that is drawn of a column."""
    table = next(e for e in record.finding("quality.profile").evidence if e.name == column)
    rows = record.subject["current"]["rows"]
    assert all(high - low == 1 for low, high, *_ in table.rows)
    return {round(low + 0.5): round(float(row_now or 0) * rows) for low, _, _, row_now in table.rows}


def test_s15_the_first_rows_of_elec2_are_constant(shared_data: Path) -> None:
    """S15: three columns are told constant up to row 17,423, as another type from there on, and end in numbers."""
    data = pd.read_csv(shared_data / "electricity" / "electricity.csv")
    late = ["vicprice", "vicdemand", "transfer"]
    early = audit(data.iloc[:17_424])
    uses = {row[0]: row[1] for row in next(iter(early.finding("quality.profile").evidence)).rows}
    then = audit(data.iloc[17_424:], reference=data.iloc[:17_424])

    assert [name for name, use in uses.items() if use == "constant"] == late
    changed = measures(then, "quality.profile", "type_changed")
    assert [name for name, value in changed.items() if value] == late
    distinct = measures(then, "quality.profile", "distinct")
    assert [distinct[name] for name in late] == [3798, 2846, 1878]

"""Published group-fairness tables come out to the digits given, through the public door."""

from __future__ import annotations

import math
from pathlib import Path

import pandas as pd
import pytest

import workbench as wb

pytestmark = pytest.mark.cases

EVERYONE = {"minimum_group_size": 1, "rules": []}
PLANS = Path(__file__).parents[1] / "plans"


def measure(frame: pd.DataFrame, check: str, name: str, *, column: str = "", group: str = "") -> pd.Series:
    """Return the one row of `to_frame()` that the words name."""
    found = frame[
        (frame.check == check)
        & (frame.measure == name)
        & (frame.column == column)
        & (frame.group == group)
        & (frame.window == "")
    ]
    assert len(found) == 1, (name, column, group, len(found))
    return found.iloc[0]


def value(frame: pd.DataFrame, name: str, column: str = "", group: str = "", check: str = "bias.group_rates") -> float:
    """Return the value of one measure."""
    return float(measure(frame, check, name, column=column, group=group).value)


@pytest.fixture(scope="module")
def compas(shared_data: Path) -> pd.DataFrame:
    """Audit COMPAS from its plan file."""
    assert shared_data.exists()
    return wb.Audit.from_plan(PLANS / "compas.yaml").run().to_frame()


RACES = {
    "African-American": (1369, 805, 532, 990),
    "Asian": (6, 2, 3, 21),
    "Caucasian": (505, 349, 461, 1139),
    "Hispanic": (103, 87, 129, 318),
    "Native American": (9, 3, 1, 5),
    "Other": (43, 36, 90, 208),
}
COUNTS = ("true_positives", "false_positives", "false_negatives", "true_negatives")


@pytest.mark.parametrize(("race", "expected"), RACES.items())
def test_s01_confusion_by_race(compas: pd.DataFrame, race: str, expected: tuple[int, ...]) -> None:
    """S01: the confusion table of each race, ProPublica's notebook."""
    found = tuple(value(compas, name, "race", f"race={race}") for name in COUNTS)

    assert expected == found


def test_s01_by_sex_and_age(compas: pd.DataFrame) -> None:
    """S01: confusion tables by sex and by age category."""
    sexes = {"Female": (303, 288, 195, 609), "Male": (1732, 994, 1021, 2072)}
    ages = {
        "25 - 45": (1183, 741, 706, 1479),
        "Greater than 45": (213, 181, 285, 897),
        "Less than 25": (639, 360, 225, 305),
    }
    for column, groups in (("sex", sexes), ("age_cat", ages)):
        for name, expected in groups.items():
            assert expected == tuple(value(compas, m, column, f"{column}={name}") for m in COUNTS)


def test_s01_rates(compas: pd.DataFrame) -> None:
    """S01: published percentages, overall and for the two largest groups."""
    rows = {
        "": (32.35, 37.40, None, None, None),
        "race=African-American": (44.85, 27.99, 0.63, 0.65, 0.51),
        "race=Caucasian": (23.45, 47.72, 0.59, 0.71, 0.39),
    }
    for group, (fpr, fnr, ppv, npv, prevalence) in rows.items():
        column = "race" if group else ""
        assert fpr == round(100 * value(compas, "false_positive_rate", column, group), 2)
        assert fnr == round(100 * value(compas, "false_negative_rate", column, group), 2)
        if ppv is not None:
            assert ppv == round(value(compas, "precision", column, group), 2)
            assert npv == round(value(compas, "negative_predictive_value", column, group), 2)
            assert prevalence == round(value(compas, "prevalence", column, group), 2)


def test_s01_disparity_to_the_largest_group(compas: pd.DataFrame) -> None:
    """S01: ratios to a named reference group."""
    expected = {
        ("false_positive_rate", "Caucasian"): 0.522987,
        ("false_positive_rate", "Hispanic"): 0.478997,
        ("false_negative_rate", "Caucasian"): 1.705274,
        ("false_negative_rate", "Other"): 2.418028,
        ("selection_rate", "Caucasian"): 0.591638,
        ("selection_rate", "Native American"): 1.133395,
    }
    for (rate, race), ratio in expected.items():
        found = value(compas, f"{rate}_to_reference_ratio", "race", f"race={race}")
        assert ratio == pytest.approx(found, abs=5e-7)


def _applicants(table: dict[str, tuple[int, int]], column: str, unknown: int = 0) -> pd.DataFrame:
    parts = [
        pd.DataFrame({column: name, "selected": [1] * chosen + [0] * (n - chosen)})
        for name, (n, chosen) in table.items()
    ]
    if unknown:
        parts.append(pd.DataFrame({column: [None] * unknown, "selected": [1, 0] * (unknown // 2)}))
    return pd.concat(parts, ignore_index=True)


SEX = {"Male": (1390, 667, 0.48, 1.0), "Female": (1181, 555, 0.47, 0.979)}
RACE = {
    "Hispanic or Latino": (408, 204, 0.50, 0.97),
    "White": (797, 412, 0.52, 1.00),
    "Black or African American": (390, 170, 0.44, 0.84),
    "Native Hawaiian or Pacific Islander": (119, 52, 0.44, 0.85),
    "Asian": (616, 302, 0.49, 0.95),
    "Native American or Alaska Native": (41, 18, 0.44, 0.85),
    "Two or more races": (213, 96, 0.45, 0.87),
}


@pytest.mark.parametrize(("column", "table", "digits"), [("sex", SEX, 3), ("race", RACE, 2)])
def test_s03_local_law_144_example(column: str, table: dict[str, tuple[int, int, float, float]], digits: int) -> None:
    """S03: impact ratios of the rule's worked example; 250 unknown people are counted and enter no ratio."""
    data = _applicants({k: v[:2] for k, v in table.items()}, column, unknown=250)

    frame = wb.Audit(data, prediction="selected", sensitive=[column], policy=EVERYONE).run().to_frame()

    for name, (n, _, rate, ratio) in table.items():
        group = f"{column}={name}"
        shown = measure(frame, "bias.impact_ratio", "selection_rate", column=column, group=group)
        assert (n, rate) == (shown.n, round(shown.value, 2))
        assert ratio == round(value(frame, "impact_ratio", column, group, "bias.impact_ratio"), digits)
    assert value(frame, "unknown_count", column, check="bias.impact_ratio") == 250
    unknown = frame[(frame.measure == "impact_ratio") & (frame.group == rf"{column}=\N")]
    assert unknown.empty


def test_s05_adult_selection_rates(shared_data: Path) -> None:
    """S05: on the 45,222 complete rows the share above 50K is 0.2478, and by sex 0.113576 and 0.312477."""
    parts = [
        pd.read_csv(shared_data / "adult" / f, na_values="?", skipinitialspace=True)
        for f in ("adult.csv", "adult.test.csv")
    ]
    data = pd.concat(parts, ignore_index=True).dropna()
    assert len(data) == 45_222

    audit = wb.Audit(
        data, prediction="income-per-year", positive=">50K", sensitive=["sex"], checks=["bias.group_rates"]
    )
    frame = audit.run().to_frame()

    assert value(frame, "selection_rate") == pytest.approx(0.2478, abs=5e-5)
    assert value(frame, "selection_rate", "sex", "sex=Female") == pytest.approx(0.113576, abs=5e-7)
    assert value(frame, "selection_rate", "sex", "sex=Male") == pytest.approx(0.312477, abs=5e-7)
    assert value(frame, "demographic_parity_ratio", "sex") == pytest.approx(0.363470, abs=5e-7)
    assert value(frame, "demographic_parity_difference", "sex") == pytest.approx(0.198901, abs=5e-7)


TRUTH = [0, 1, 1, 1, 1, 0, 1, 0, 1, 0, 0, 0, 1, 1, 1, 1, 1, 1]
GUESS = [0, 0, 1, 0, 1, 1, 1, 0, 0, 1, 1, 1, 1, 0, 0, 1, 1, 0]
GROUP = list("bbabbcccaacabccbcc")


@pytest.fixture(scope="module")
def eighteen() -> pd.DataFrame:
    """Audit fairlearn's 18-row example with the minimum group size at 1."""
    data = pd.DataFrame({"y": TRUTH, "guess": GUESS, "g": GROUP})
    return wb.Audit(data, target="y", prediction="guess", sensitive=["g"], policy=EVERYONE).run().to_frame()


def test_s10_rates(eighteen: pd.DataFrame) -> None:
    """S10: overall and group rates of fairlearn's user guide."""
    rows = {"": (0.5, 2 / 3, 5 / 9), "a": (0.5, 1.0, 0.75), "b": (0.6, 0, 0.5), "c": (0.4, 2 / 3, 0.5)}
    for group, expected in rows.items():
        label, column = (f"g={group}", "g") if group else ("", "")
        names = ("true_positive_rate", "false_positive_rate", "selection_rate")
        assert expected == pytest.approx(tuple(value(eighteen, n, column, label) for n in names))


def test_s10_gaps(eighteen: pd.DataFrame) -> None:
    """S10: differences and ratios between groups and to overall, demographic parity and equalised odds."""
    expected = {
        "true_positive_rate": (0.2, 2 / 3, 0.1, 0.8),
        "false_positive_rate": (1.0, 0, 2 / 3, 0),
        "selection_rate": (0.25, 2 / 3, 7 / 36, 20 / 27),
    }
    suffixes = ("difference", "ratio", "to_overall_difference", "to_overall_ratio")
    for rate, wanted in expected.items():
        assert wanted == pytest.approx(tuple(value(eighteen, f"{rate}_{s}", "g") for s in suffixes))
    named = {"demographic_parity": (0.25, 2 / 3), "equalized_odds": (1.0, 0)}
    for name, pair in named.items():
        assert pair == pytest.approx(
            (value(eighteen, f"{name}_difference", "g"), value(eighteen, f"{name}_ratio", "g"))
        )


AEQUITAS = {  # their column -> our measure
    "fpr": "false_positive_rate",
    "fnr": "false_negative_rate",
    "for": "false_omission_rate",
    "fdr": "false_discovery_rate",
    "pprev": "selection_rate",
}


def _aequitas(folder: Path, number: int, references: dict[str, str]) -> pd.DataFrame:
    data = pd.read_csv(folder / f"test_{number}.csv")
    checks = {"bias.group_rates": {"reference_groups": references, "depth": 1}}
    audit = wb.Audit(
        data, target="label_value", prediction="score", sensitive=list(references), checks=checks, policy=EVERYONE
    )
    return audit.run().to_frame()


def _same(found: float, expected: float) -> bool:
    return (math.isnan(found) and math.isnan(expected)) or found == pytest.approx(expected, abs=1e-9)


def test_s13_aequitas_groups_and_disparities(shared_data: Path) -> None:
    """S13: Aequitas's own vectors: rates, disparities and parity flags of test 1."""
    folder = shared_data / "aequitas-bias-report"
    frame = _aequitas(folder, 1, {"class": "High"})

    groups = pd.read_csv(folder / "expected_output_group_test_1.csv")
    bias = pd.read_csv(folder / "expected_output_bias_test_1.csv")
    flags = pd.read_csv(folder / "expected_output_fairness_test_1.csv")
    for table in (groups, bias):
        for _, row in table.iterrows():
            label = f"class={row.attribute_value}"
            for theirs, ours in AEQUITAS.items():
                assert _same(value(frame, ours, "class", label), row[theirs]), (label, ours)
            counts = [value(frame, m, "class", label) for m in COUNTS]
            assert counts == [row.tp, row.fp, row.fn, row.tn]
            assert row.group_size == value(frame, "count", "class", label)
    for _, row in flags.iterrows():
        label = f"class={row.attribute_value}"
        for theirs, flag in (
            ("fpr", "FPR Parity"),
            ("fnr", "FNR Parity"),
            ("for", "FOR Parity"),
            ("fdr", "FDR Parity"),
        ):
            ratio = value(frame, f"{AEQUITAS[theirs]}_to_reference_ratio", "class", label)
            assert _same(ratio, row[f"{theirs}_disparity"]), (label, theirs)
            assert row[flag] == (0.8 <= ratio <= 1.25)


def test_s13_second_attribute(shared_data: Path) -> None:
    """S13: test 2 adds a second attribute with its own reference group."""
    folder = shared_data / "aequitas-bias-report"
    frame = _aequitas(folder, 2, {"class": "High", "not_class": "Low"})

    for _, row in pd.read_csv(folder / "expected_output_test_2.csv").iterrows():
        label = f"{row.attribute_name}={row.attribute_value}"
        for theirs, ours in AEQUITAS.items():
            if theirs in row:
                assert _same(value(frame, ours, row.attribute_name, label), row[theirs])
            if f"{theirs}_disparity" in row:
                found = value(frame, f"{ours}_to_reference_ratio", row.attribute_name, label)
                assert _same(found, row[f"{theirs}_disparity"])

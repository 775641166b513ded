"""The tables of New York City Local Law 144, to the letter of the rule and its worked example."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

import workbench as wb
from workbench.core.finding import Evidence, Finding, Measure, Status
from workbench.core.numbers import LIMIT

CHECK = "bias.local_law_144"
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
OTHERS = {k: v for k, v in RACE.items() if k != "Native American or Alaska Native"}


def law(
    data: Any, *, sensitive: list[str], minimum: int = 1, roles: dict[str, Any] | None = None, **params: Any
) -> Any:
    """Return the finding of the check on a frame, run through the public door."""
    policy = {"minimum_group_size": minimum, "rules": []}
    audit = wb.Audit(data, sensitive=sensitive, checks={CHECK: params}, policy=policy, **(roles or {}))
    return audit.run().findings[0]


def get(finding: Finding, name: str, column: str = "", group: str = "") -> Measure:
    """Return the one measure of that name and place."""
    found = [m for m in finding.measures if (m.name, m.column, m.group) == (name, column, group)]
    assert len(found) == 1, (name, column, group, len(found))
    return found[0]


def table(finding: Finding, column: str) -> Evidence:
    """Return the law's table of a column."""
    return next(e for e in finding.evidence if e.notes["column"] == column)


def applicants(counts: dict[str, Any], column: str, unknown: int = 0) -> pd.DataFrame:
    """Return one row a person from applicants and selected by category."""
    parts = [pd.DataFrame({column: k, "selected": [1] * v[1] + [0] * (v[0] - v[1])}) for k, v in counts.items()]
    parts.append(pd.DataFrame({column: [None] * unknown, "selected": [1] * unknown}))
    return pd.concat(parts, ignore_index=True)


@pytest.mark.parametrize(("column", "counts", "digits"), [("sex", SEX, 3), ("race", RACE, 2)])
def test_the_rules_worked_example(column: str, counts: dict[str, Any], digits: int) -> None:
    """S03: rates and ratios of 6 RCNY 5-301, with 250 people of unknown category counted and in no rate."""
    finding = law(applicants(counts, column, 250), sensitive=[column], roles={"prediction": "selected"})

    shown = table(finding, column)
    assert shown.kind == "table"
    assert shown.columns == (
        "category",
        "group",
        "rows",
        "applicants",
        "selected",
        "selection_rate",
        "impact_ratio",
    )
    rows = {row[0]: row for row in shown.rows}
    assert set(rows) == set(counts)
    for name, (n, x, rate, ratio) in counts.items():
        _, group, size, number, selected, share, impact = rows[name]
        assert (group, size, number, selected) == (f"{column}={name}", n, n, x)
        assert (round(share, 2), round(impact, digits)) == (rate, ratio)
        m = get(finding, "selection_rate", column, group)
        ends = binomtest(x, n).proportion_ci(method="wilson")
        assert (m.value, m.low, m.high, m.n) == pytest.approx((x / n, ends.low, ends.high, n), abs=1e-9)
        assert get(finding, "impact_ratio", column, group).value == pytest.approx(impact, abs=1e-9)
    assert get(finding, "unknown_count", column).value == 250
    assert shown.notes["unknown"] == 250
    assert not any(r"\N" in m.group for m in finding.measures)


def test_ratios_are_taken_inside_each_table() -> None:
    """Sex, race and sex by race each have a table of their own whose best category has ratio 1."""
    data = pd.DataFrame(
        [("F", "a", 1)] * 30 + [("F", "a", 0)] * 10 + [("F", "b", 1)] * 10 + [("F", "b", 0)] * 10
        + [("M", "a", 1)] * 20 + [("M", "a", 0)] * 20 + [("M", "b", 1)] * 5 + [("M", "b", 0)] * 15
        + [(None, "a", 1)] * 7 + [("M", None, 0)] * 3,
        columns=["gender", "ethnicity", "guess"],
    )  # fmt: skip
    finding = law(data, sensitive=["ethnicity", "gender"], roles={"prediction": "guess"})

    assert [e.notes["column"] for e in finding.evidence] == ["gender", "ethnicity", "ethnicity & gender"]
    by_sex = {r[0]: (r[3], r[4], r[6]) for r in table(finding, "gender").rows}
    assert by_sex == {"F": (60, 40, 1.0), "M": (63, 25, pytest.approx((25 / 63) / (40 / 60), abs=1e-9))}
    by_race = {r[0]: (r[3], r[4], r[6]) for r in table(finding, "ethnicity").rows}
    assert by_race == {"a": (87, 57, 1.0), "b": (40, 15, pytest.approx((15 / 40) / (57 / 87), abs=1e-9))}
    both = {r[0]: r[6] for r in table(finding, "ethnicity & gender").rows}
    expected = {"a, F": 1.0, "a, M": 0.5 / 0.75, "b, F": 0.5 / 0.75, "b, M": 0.25 / 0.75}
    assert both == pytest.approx(expected, abs=1e-9)
    assert [get(finding, "unknown_count", c).value for c in ("gender", "ethnicity", "ethnicity & gender")] == [7, 3, 10]
    assert "sex: column gender was taken by its name" in finding.notes
    assert "race: column ethnicity was taken by its name" in finding.notes


def test_a_category_under_two_percent_may_be_left_out() -> None:
    """When asked, with a reason: its count and rate stay, it has no ratio and never sets the highest rate."""
    counts = {**OTHERS, "Native American or Alaska Native": (41, 41, 1.0, None)}
    data = applicants(counts, "race", 250)
    roles = {"prediction": "selected"}
    whole = law(data, sensitive=["race"], roles=roles)
    finding = law(
        data, sensitive=["race"], roles=roles, exclude_under_two_percent=True, exclusion_reason="41 of 2584 people"
    )

    group = "race=Native American or Alaska Native"
    assert get(whole, "impact_ratio", "race", group).value == 1
    assert get(whole, "impact_ratio", "race", "race=White").value == pytest.approx(412 / 797, abs=1e-9)
    assert get(whole, "excluded_under_two_percent", "race").value == 0
    rows = {r[1]: r for r in table(finding, "race").rows}
    assert rows[group][3:] == (41, 41, 1.0, None)
    assert not [m for m in finding.measures if m.group == group and m.name == "impact_ratio"]
    assert get(finding, "impact_ratio", "race", "race=White").value == 1
    assert get(finding, "excluded_under_two_percent", "race").value == 1
    assert any("41 of 2584 people" in note for note in finding.notes)
    assert table(finding, "race").notes["excluded"] == "Native American or Alaska Native"


@pytest.mark.parametrize(("size", "left_out"), [(19, 1), (20, 0)])
def test_two_percent_itself_stays(size: int, left_out: int) -> None:
    """Only a category under 2 % of the people whose category is known may go, not one of exactly 2 %."""
    counts = {"a": (1000 - size, 500), "b": (size, 5)}
    data = applicants(counts, "sex", 100)
    params = {"exclude_under_two_percent": True, "exclusion_reason": "few"}
    finding = law(data, sensitive=["sex"], roles={"prediction": "selected"}, **params)

    assert get(finding, "excluded_under_two_percent", "sex").value == left_out


def test_an_exclusion_without_a_reason_is_refused() -> None:
    """The rule asks for the auditor's justification."""
    finding = law(
        applicants(SEX, "sex"), sensitive=["sex"], roles={"prediction": "selected"}, exclude_under_two_percent=True
    )

    assert finding.status is Status.ERROR
    assert "exclusion_reason" in finding.reason


def scored(scores: Any, groups: Any, **roles: Any) -> Finding:
    """Return the finding on scores by sex."""
    return law(pd.DataFrame({"sex": groups, "score": scores}), sensitive=["sex"], roles={"score": "score", **roles})


def test_scoring_rate_is_strictly_above_the_median_of_everyone() -> None:
    """Hand-worked: the median 3 counts the unknown person, three scores equal it and none of them is above it."""
    finding = scored([1, 2, 3, 3, 3, 4, 5], ["F", "M", "F", "M", None, "F", "M"])

    assert get(finding, "score_median").value == 3
    assert (get(finding, "scores_at_median").value, get(finding, "scores_at_median").n) == (3, 7)
    assert table(finding, "sex").columns == ("category", "group", "rows", "applicants", "scoring_rate", "impact_ratio")
    assert [r[3:] for r in table(finding, "sex").rows] == [(3, pytest.approx(1 / 3), 1.0), (3, pytest.approx(1 / 3), 1)]
    assert any("3 of 7 scores equal the median" in note for note in finding.notes)


def test_without_the_unknown_the_median_would_differ() -> None:
    """The people of unknown category move the median, though they are in no rate."""
    finding = scored([1, 2, 3, 4, 9, 9, 9, 9], ["F", "M", "F", "M", None, None, None, None])

    assert get(finding, "score_median").value == 6.5
    assert [r[4:] for r in table(finding, "sex").rows] == [(0.0, None), (0.0, None)]
    why = get(finding, "impact_ratio", "sex", "sex=F").undefined_because
    assert why == "no group has the favourable outcome"


def test_where_a_low_score_is_favourable_scores_under_the_median_count() -> None:
    """With the negative outcome favourable the same people are counted as with the scores turned round."""
    rng = np.random.default_rng(4)
    data = pd.DataFrame({"sex": rng.choice(["F", "M"], 200), "score": rng.integers(0, 9, 200), "y": 1})
    roles = {"score": "score", "target": "y", "positive": 1}
    low = law(data, sensitive=["sex"], roles={**roles, "favourable": 0})
    turned = law(data.assign(score=-data.score), sensitive=["sex"], roles=roles)

    assert table(low, "sex").rows == table(turned, "sex").rows


people = st.lists(
    st.tuples(
        st.sampled_from(["F", "M", "X", None]),
        st.one_of(st.integers(-3, 3).map(float), st.floats(allow_nan=False, width=32), st.just(float("nan"))),
    ),
    min_size=1,
    max_size=40,
)


@settings(max_examples=60)
@given(people)
def test_scoring_rates_against_numpy(rows: list[tuple[str | None, float]]) -> None:
    """Rates and ratios equal those of NumPy's median over the rows, with infinities and ties."""
    data = pd.DataFrame(rows, columns=["sex", "score"]).astype({"sex": object})
    finding = law(data, sensitive=["sex"], roles={"score": "score"}, mode="scoring")

    known = data.dropna(subset="score")
    scores = np.sort(known.score.to_numpy())
    if not len(scores):
        assert get(finding, "score_median").value is None
        return
    low, high = scores[(len(scores) - 1) // 2], scores[len(scores) // 2]
    with np.errstate(invalid="ignore"):
        median = low / 2 + high / 2
    found = get(finding, "score_median").value
    assert found == pytest.approx(median, rel=1e-9) if np.isfinite(median) else found is None
    # Between two different middle scores every score from the upper one on is above the median.
    above = known.score > low
    rates = above.groupby(known.sex).mean()
    for row in table(finding, "sex").rows:
        if row[3]:
            assert row[4] == pytest.approx(rates[row[0]], abs=1e-9)
            assert row[5] == (pytest.approx(rates[row[0]] / rates.max(), abs=1e-9) if rates.max() else None)


def test_binned_scores_say_how_far_off_a_rate_can_be() -> None:
    """Beyond the number of distinct scores that are kept, the true rate and ratio lie within the error bound."""
    rng = np.random.default_rng(3)
    n = LIMIT + 40_001
    # Squeezed into few bins around the median, so that the bound is not nothing.
    data = pd.DataFrame({"sex": rng.choice(["F", "M"], n, p=[0.4, 0.6]), "score": 1 + rng.random(n) * 1e-11})
    data.loc[0, "score"], data.loc[1, "score"] = -1e300, 1e300
    data["score"] += np.where(data.sex == "F", 1e-12, 0)
    extra = pd.DataFrame({"sex": None, "score": rng.lognormal(0, 30, LIMIT) * rng.choice([-1, 1], LIMIT)})
    data = pd.concat([data, extra], ignore_index=True)
    finding = scored(data.score, data.sex)

    median = np.median(data.score)
    rates = (data.score > median).groupby(data.sex).mean()
    for sex in ("F", "M"):
        rate, ratio = (get(finding, name, "sex", f"sex={sex}") for name in ("scoring_rate", "impact_ratio"))
        assert rate.error_bound
        assert ratio.error_bound
        assert abs(rate.value - rates[sex]) <= rate.error_bound + 1e-12
        assert abs(ratio.value - rates[sex] / rates.max()) <= ratio.error_bound + 1e-12
    assert get(finding, "scores_at_median").value is None


def test_modes() -> None:
    """Auto takes scores unless decisions are given; a mode whose column is absent is not applicable."""
    data = pd.DataFrame({"sex": ["F", "M"] * 10, "score": np.linspace(0, 1, 20), "guess": [0, 1] * 10})
    both = {"score": "score", "prediction": "guess"}

    assert "mode: selection" in law(data, sensitive=["sex"], roles=both).notes
    assert law(data, sensitive=["sex"], roles=both, mode="scoring").notes[2].startswith("mode: scoring")
    selected = law(data, sensitive=["sex"], roles={"score": "score"}, mode="selection")
    assert get(selected, "selection_rate", "sex", "sex=M").value == 0.5
    nothing = law(data, sensitive=["sex"], roles={"prediction": "guess"}, mode="scoring")
    assert (nothing.status, nothing.reason[:17]) == (Status.NOT_APPLICABLE, "there is no score")
    assert law(data, sensitive=["sex"]).status is Status.NOT_APPLICABLE


def test_which_columns() -> None:
    """Columns are those named, else those of such a name, else the first two; what was taken is said."""
    data = pd.DataFrame({"age": ["o", "y"] * 9, "Gender_2": ["F", "M"] * 9, "p": [1, 0] * 9, "land": list("abc") * 6})
    roles = {"prediction": "p"}

    finding = law(data, sensitive=["age", "Gender_2"], roles=roles)
    assert [e.notes["column"] for e in finding.evidence] == ["Gender_2", "age", "age & Gender_2"]
    assert "race: column age was taken in its place, as no column has such a name" in finding.notes
    finding = law(data, sensitive=["age", "land", "Gender_2"], roles=roles, race="land")
    assert [e.notes["column"] for e in finding.evidence] == ["Gender_2", "land", "land & Gender_2"]
    finding = law(data, sensitive=["age"], roles=roles)
    assert [e.notes["column"] for e in finding.evidence] == ["age"]
    assert "race: no column is left for this table" in finding.notes
    wrong = law(data, sensitive=["age", "land"], roles=roles, sex="lnd")
    assert wrong.status is Status.ERROR
    assert "land" in wrong.reason
    assert law(data, sensitive=["age"], roles=roles, sex="age", race="age").status is Status.ERROR


def test_small_categories_stay_in_the_tables() -> None:
    """The law lists every category; those under the minimum are noted, their numbers are hidden where shown."""
    data = applicants({"a": (50, 25), "b": (40, 10), "c": (1, 1)}, "sex")
    finding = law(data, sensitive=["sex"], minimum=10, roles={"prediction": "selected"})

    assert [r[0] for r in table(finding, "sex").rows] == ["a", "b", "c"]
    assert get(finding, "impact_ratio", "sex", "sex=a").value == 0.5
    assert any(note.startswith("sex: 1 categories have fewer than 10 rows") for note in finding.notes)


def test_rows_without_a_decision_and_the_auditors_texts() -> None:
    """Rows without a prediction are in no rate; the texts that the rule asks for are carried as they are."""
    data = pd.DataFrame({"sex": ["F"] * 10 + ["M"] * 10, "p": [1.0] * 5 + [None] * 5 + [0.0] * 10})
    finding = law(data, sensitive=["sex"], roles={"prediction": "p"}, auditor="A. Auditor", data_source="2025 hires")

    assert [r[2:] for r in table(finding, "sex").rows] == [(10, 5, 5, 1.0, 1.0), (10, 10, 0, 0.0, 0.0)]
    assert "5 rows have no prediction and are in no rate" in finding.notes
    assert "auditor: A. Auditor" in finding.notes
    assert "data source: 2025 hires" in finding.notes
    assert "explanation: not stated" in finding.notes
    nobody = law(data.assign(p=np.nan), sensitive=["sex"], roles={"prediction": "p"})
    assert get(nobody, "selection_rate", "sex", "sex=F").undefined_because == "0/0: no row has a prediction"

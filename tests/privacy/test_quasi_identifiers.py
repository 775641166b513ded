"""k-anonymity and l-diversity are those of published tables and of a plain group-by."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import workbench as wb
from workbench.core.finding import Finding, Status

H, V, C = "Heart Disease", "Viral Infection", "Cancer"
INPATIENTS = pd.DataFrame(  # Machanavajjhala et al. (2007), figure 2: 4-anonymous inpatients
    {
        "zip": ["130**"] * 4 + ["1485*"] * 4 + ["130**"] * 4,
        "age": ["< 30"] * 4 + [">= 40"] * 4 + ["3*"] * 4,
        "condition": [H, H, V, V, C, H, V, V, C, C, C, C],
    }
)
DIVERSE = pd.DataFrame(  # figure 3 of the same: 3-diverse
    {
        "zip": ["1305*"] * 4 + ["1485*"] * 4 + ["1306*"] * 4,
        "age": ["<= 40"] * 4 + ["> 40"] * 4 + ["<= 40"] * 4,
        "condition": [H, V, C, C, C, H, V, V, H, V, C, C],
    }
)


def run(data: pd.DataFrame, sample: int = 20_000, roles: dict[str, object] | None = None, **params: object) -> Finding:
    """Run the check alone."""
    checks = {"privacy.quasi_identifiers": params}
    return wb.Audit(data, checks=checks, policy={"rules": []}, sample=sample, **(roles or {})).run().findings[0]  # type: ignore[arg-type]


def values(finding: Finding) -> dict[str, float | None]:
    """Return the measures that are about no single column but the sensitive one."""
    return {m.name: m.value for m in finding.measures if m.name != "unique_share_without"}


@pytest.mark.parametrize(("data", "diversity", "uniform"), [(INPATIENTS, 1, 4 / 12), (DIVERSE, 3, 0)])
def test_published_tables(data: pd.DataFrame, diversity: int, uniform: float) -> None:
    """Both tables are 4-anonymous; the first has a class of cancer alone, the second is 3-diverse."""
    found = values(run(data, columns=["zip", "age"], sensitive="condition"))

    assert found["smallest_class"] == 4
    assert found["classes"] == 3
    assert found["unique_share"] == 0
    assert found["small_class_share"] == 1  # all are under the default k of 5
    assert found["smallest_diversity"] == diversity
    assert found["uniform_share"] == pytest.approx(uniform)


person = st.tuples(st.integers(0, 3), st.sampled_from("ab"), st.none() | st.just("x"), st.integers(0, 1))
people = st.lists(person, min_size=1, max_size=60)


@settings(max_examples=40)
@given(people, st.integers(2, 6))
def test_counts_are_those_of_a_group_by(rows: list[tuple[int, str, str | None, int]], k: int) -> None:
    """Every measure and table row is what pandas' group-by says; a missing value is a value of its own."""
    data = pd.DataFrame(rows, columns=["age", "sex", "city", "ill"])
    finding = run(data, columns=["age", "sex", "city"], sensitive="ill", k=k)
    sizes = data.groupby(["age", "sex", "city"], dropna=False).ill.agg(["size", "nunique"])
    n, size, kinds = len(data), sizes["size"], sizes["nunique"]
    found = values(finding)

    assert found["smallest_class"] == size.min()
    assert found["classes"] == len(size)
    assert found["unique_share"] == pytest.approx(size[size == 1].sum() / n)
    assert found["small_class_share"] == pytest.approx(size[size < k].sum() / n)
    assert found["smallest_diversity"] == kinds.min()
    assert found["uniform_share"] == pytest.approx(size[kinds == 1].sum() / n)
    without = {m.column: m.value for m in finding.measures if m.name == "unique_share_without"}
    rest = data.groupby(["age", "sex"], dropna=False).size()
    assert without["city"] == pytest.approx(rest[rest == 1].sum() / n)
    table = finding.evidence[0].rows
    assert [r[2] for r in table] == [
        size[(size >= low) & (size <= high)].sum() for low, high in ((1, 1), (2, 4), (5, 9), (10, 19), (20, 10**9))
    ]
    assert sum(r[2] for r in table) == n


def test_a_sample_says_how_many_rows_it_used() -> None:
    """On 500 of 3,000 rows the note says so, and that shares are upper bounds."""
    rng = np.random.default_rng(0)
    data = pd.DataFrame({"age": rng.integers(18, 90, 3000), "sex": rng.choice(["F", "M"], 3000), "i": range(3000)})
    small, whole = run(data, sample=500), run(data)

    assert small.measures[0].n == 500
    assert any("500 of 3\u202f000 rows" in note for note in small.notes)
    assert any("upper bound" in note for note in small.notes)
    assert not any("upper bound" in note for note in whole.notes)
    assert values(small)["small_class_share"] >= values(whole)["small_class_share"]  # type: ignore[operator]


def test_a_crowd_is_counted_in_people() -> None:
    """Five rows of one person are a class of one."""
    data = pd.DataFrame({"age": [30] * 5 + [40] * 5, "who": ["a"] * 5 + list("bcdef")})
    found = run(data, columns=["age"], roles={"entity": "who"})
    assert values(found)["smallest_class"] == 1
    assert values(found)["unique_share"] == 0.5


def test_columns_are_proposed_by_name_and_role() -> None:
    """Sensitive columns and usual names are taken; ids, targets and columns that name nobody are not."""
    data = pd.DataFrame(
        {"id": range(30), "Postcode": ["a", "b"] * 15, "age": [30, 31, 32] * 10, "price": 1.5, "g": ["x", "y"] * 15}
    ).assign(y=[0, 1] * 15)
    found = run(data, roles={"target": "y", "sensitive": ["g"], "id": "id"})
    assert {m.column for m in found.measures if m.name == "unique_share_without"} == {"g", "Postcode", "age"}
    assert {m.column for m in found.measures if m.name == "smallest_diversity"} == {"y"}


def test_mistakes_are_named() -> None:
    """An unknown column has near matches; nothing to propose is not applicable; k of 1 means nothing."""
    data = pd.DataFrame({"age": [1, 2], "b": [1, 2]})
    wrong = run(data, columns=["agee"])
    assert wrong.status is Status.ERROR
    assert "'age'" in wrong.reason
    assert run(data[["b"]]).status is Status.NOT_APPLICABLE
    assert run(data, k=1).status is Status.ERROR

"""Groups under the slider: fairlearn's and statsmodels's numbers, and no small group can be read or worked out."""

from __future__ import annotations

import json
from functools import partial
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import pytest
from fairlearn.metrics import MetricFrame, count, false_positive_rate, selection_rate, true_positive_rate
from sklearn.metrics import accuracy_score, precision_score
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from tests.ui.explored import people, record_of
from workbench.audit.against import within
from workbench.audit.groups import WITHHELD, Groups
from workbench.core.finding import Measure
from workbench.core.rates import RATES
from workbench.ui import bias_payload

DATA = people()
RECORD = record_of(DATA)
ORACLES = {
    "selection_rate": selection_rate,
    "true_positive_rate": true_positive_rate,
    "false_positive_rate": false_positive_rate,
    "precision": partial(precision_score, zero_division=0),
    "accuracy": accuracy_score,
}


def asked(groups: Groups, **question: Any) -> dict[str, Any]:
    """Return the answer to a question, its groups by label."""
    answer = bias_payload.rates(groups, question)
    return {**answer, "by": {g["group"]: g for g in answer["groups"]}}


@pytest.mark.parametrize("at", [0.2, 0.5, 0.81])
def test_rates_are_fairlearns_at_every_threshold(at: float) -> None:
    """Values, and n of the rate's own denominator, of every group told; an analyst is told all but small ones."""
    groups = Groups(RECORD, complement=False)
    threshold = groups.nearest(at)
    frame = MetricFrame(
        metrics={**ORACLES, "count": count},
        y_true=DATA.y,
        y_pred=(DATA.score >= threshold).astype(int),
        sensitive_features=DATA.group,
    ).by_group
    for rate in ORACLES:
        found = asked(groups, at=at, rate=rate, columns="group")
        for name in ("A", "B", "C"):
            assert found["by"][f"group={name}"]["after"]["value"] == pytest.approx(frame.loc[name, rate], abs=1e-12)
    assert found["by"]["group=A"]["rows"] == str(int(frame.loc["A", "count"]))


def test_the_intervals_are_statsmodels() -> None:
    """Rates by Wilson; differences from a named group by Newcombe at the Sidak level of two comparisons."""
    found = asked(Groups(RECORD, complement=False), at=0.3, columns="group", reference="group=B")
    picked = (DATA.score >= found["threshold"]).groupby(DATA.group).agg(["sum", "size"])
    low, high = proportion_confint(*picked.loc["C"], method="wilson")
    assert (found["by"]["group=C"]["after"]["low"], found["by"]["group=C"]["after"]["high"]) == pytest.approx(
        (low, high)
    )
    level = 0.95 ** (1 / 2)
    for name in ("A", "C"):
        pair = (*picked.loc[name], *picked.loc["B"])
        ends = confint_proportions_2indep(*pair, method="newcomb", compare="diff", alpha=1 - level)
        shown = found["by"][f"group={name}"]["difference"]
        assert (shown["low"], shown["high"]) == pytest.approx(ends, abs=1e-9)
        assert shown["value"] == pytest.approx(pair[0] / pair[1] - pair[2] / pair[3])
    assert found["by"]["group=B"]["is_reference"]
    assert found["by"]["group=B"]["difference"] is None
    assert "Šidák" in found["method"]


def test_the_reference_is_the_largest_group_unless_another_is_named() -> None:
    """All rows are a reference too: each group is held against them, none of them is it."""
    groups = Groups(RECORD, complement=False)
    assert asked(groups, columns="group")["reference"] == "group=A"
    whole = asked(groups, columns="group", reference="overall")
    assert whole["reference"] == "overall"
    overall = (DATA.score >= 0.5).mean()
    own = (DATA.score[DATA.group == "A"] >= 0.5).mean()
    assert whole["by"]["group=A"]["difference"]["value"] == pytest.approx(own - overall)
    assert asked(groups, columns="group", reference="group=tiny")["reference"] == "group=A"
    assert [r["key"] for r in whole["references"]] == ["largest", "overall", "group=A", "group=B", "group=C"]


def test_a_limit_is_held_against_whole_intervals() -> None:
    """Within is within on both sides; an interval over the limit's end says nothing."""
    assert within(Measure("d", 0.0, low=-0.05, high=0.05), 0.1) == "pass"
    assert within(Measure("d", -0.3, low=-0.4, high=-0.2), 0.1) == "fail"
    assert within(Measure("d", 0.1, low=0.05, high=0.15), 0.1) == "cannot_tell"
    assert within(Measure("d", None), 0.1) == "cannot_tell"


def test_intersections_are_a_table_of_the_same_counts() -> None:
    """Each cell is fairlearn's rate of the intersection, with its n; a small one is a word without a number."""
    found = asked(Groups(RECORD), columns="group & sex", pair="group & sex")["heat"]
    frame = MetricFrame(
        metrics={"rate": selection_rate, "n": count},
        y_true=DATA.y, y_pred=(DATA.score >= 0.5).astype(int), sensitive_features=DATA[["group", "sex"]],
    ).by_group  # fmt: skip
    seen = 0
    for row in found["rows"]:
        for head, cell in zip(found["heads"], row["cells"], strict=True):
            if row["name"] == "tiny":
                assert cell["kind"] == "suppressed"
                assert cell["shown"] == "n < 10"
                assert not {"value", "low", "high", "n_shown"} & set(cell)
                continue
            seen += 1
            assert cell["value"] == pytest.approx(frame.loc[(row["name"], head), "rate"])
            assert cell["n_shown"] == f"{int(frame.loc[(row['name'], head), 'n'])}"
    assert seen == 6


# ---------------------------------------------------------------------------- what is not told


def everything(groups: Groups) -> list[dict[str, Any]]:
    """Return the page and every answer there is: rates x groupings x references, at each threshold of the record."""
    single, both = [k for k, c in groups.columns.items() if len(c) == 1], list(groups.columns)
    asked_of = [*product(groups.thresholds, single), *((None, k) for k in both)]
    answers = [
        bias_payload.rates(groups, {"at": at, "rate": rate, "columns": key, "reference": reference})
        for rate in RATES
        for reference in ("largest", "overall")
        for at, key in asked_of
    ]
    return [bias_payload.page(groups), *answers]


def entries(value: Any, label: str) -> list[dict[str, Any]]:
    """Return every mapping about a group in nested data."""
    found = []
    if isinstance(value, dict):
        if value.get("group") == label:
            found.append(value)
        for inner in value.values():
            found += entries(inner, label)
    elif isinstance(value, list):
        for inner in value:
            found += entries(inner, label)
    return found


@pytest.mark.parametrize("complement", [True, False])
def test_no_payload_holds_a_number_of_a_small_group(complement: bool) -> None:
    """Not its n, its rates nor its differences, in any answer to any question."""
    told = everything(Groups(RECORD, complement=complement))
    about = entries(told, "group=tiny")
    assert len(about) > 100
    for one in about:
        assert one["suppressed"] == "n < 10"
        assert not [v for k, v in one.items() if isinstance(v, int | float) and not isinstance(v, bool)]
        for name in ("before", "after", "difference", "ratio", "rows", "n_shown"):
            assert not one.get(name)
    assert "group tiny" not in json.dumps([t.get("sentence", "") for t in told])


def test_a_small_group_cannot_be_worked_out_at_other_thresholds() -> None:
    """Who only reads the record: all rows less the groups told is more than the small group, at every threshold."""
    groups = Groups(RECORD)
    for at in groups.thresholds:
        if at == groups.audited:
            continue
        answer = bias_payload.rates(groups, {"at": at, "columns": "group"})
        hidden = [g["group"] for g in answer["groups"] if g["suppressed"] or g.get("withheld")]
        assert "group=tiny" in hidden
        assert len(hidden) > 1
        assert sum(DATA.group.eq(h.removeprefix("group=")).sum() for h in hidden) >= 10
        withheld = [g for g in answer["groups"] if g.get("withheld")]
        assert all(g["withheld"] == WITHHELD and g["after"] is None and g["difference"] is None for g in withheld)


def test_who_has_the_rows_is_told_every_group_that_is_not_small() -> None:
    """An analyst can count them: only the small group is left out."""
    answer = bias_payload.rates(Groups(RECORD, complement=False), {"at": 0.3, "columns": "group"})
    assert [g["group"] for g in answer["groups"] if g["after"] is None] == ["group=tiny"]


# ---------------------------------------------------------------------------- hostile records


def test_three_hundred_groups_are_cut_and_it_is_said() -> None:
    """The reference and those farthest from it are shown; the tree is cut too."""
    data = people(1, {f"g{i:03}": 12 for i in range(300)})
    groups = Groups(record_of(data, ["bias.group_rates"]))
    answer = bias_payload.rates(groups, {"at": 0.4, "columns": "group"})
    assert len(answer["groups"]) == bias_payload.MOST_GROUPS
    assert answer["showing"].startswith("showing 40 of 300 groups")
    assert any(g["is_reference"] for g in answer["groups"])
    rates = {n: (d.score >= 0.5).mean() for n, d in data.groupby("group")}
    reference = rates[answer["reference"].removeprefix("group=")]
    far = sorted(rates, key=lambda n: -abs(rates[n] - reference))[:20]
    assert {f"group={n}" for n in far} <= {g["group"] for g in answer["groups"]}
    page = bias_payload.page(groups)
    assert page["tree"][0]["showing"] == "showing 60 of 300 groups"
    assert len(json.dumps(answer)) < 200_000


def test_missing_groups_markup_and_no_groups() -> None:
    """A missing value is a group of its own; a name is text; without groups the answer is that there is none."""
    data = people()
    data.loc[:39, "group"] = None
    data["group"] = data.group.replace("B", "<img src=x onerror=alert(1)>")
    answer = bias_payload.rates(Groups(record_of(data)), {"columns": "group"})
    missing = next(g for g in answer["groups"] if g["missing"])
    assert (missing["label"], missing["difference"]) == ("missing", None)
    assert any(g["label"].startswith("<img") for g in answer["groups"])
    none = Groups(record_of(people(), ["performance.classification"], sensitive=[]))
    assert bias_payload.rates(none, {}) == {"empty": True}
    assert bias_payload.page(none)["tree"] == []


def test_without_a_score_groups_are_told_as_measured() -> None:
    """Predictions that are given have one threshold: the same rates, and nothing moves."""
    data = people().assign(prediction=lambda d: (d.score >= 0.7).astype(int)).drop(columns="score")
    groups = Groups(record_of(data, score=None, prediction="prediction"))
    answer = asked(groups, at=0.1, columns="group")
    assert not answer["moves"]
    assert groups.thresholds == []
    own = data.prediction[data.group == "A"].mean()
    assert answer["by"]["group=A"]["after"]["value"] == pytest.approx(own)


def test_strategies_stand_beside_the_model_as_it_is() -> None:
    """Mitigation and frontier when they ran, each strategy with what it is compared with; else nothing."""
    assert bias_payload.page(Groups(RECORD))["strategies"] == []
    data = pd.concat([people(s, {"A": 400, "B": 300}) for s in (1, 2)], ignore_index=True)
    data["x"] = np.where(data.y == 1, data.x + 1, data.x)
    record = record_of(data, ["bias.group_rates", "optimize.mitigation", "optimize.frontier"])
    tried, frontier = bias_payload.page(Groups(record))["strategies"]
    assert tried["rows"][0]["name"] == "as it is"
    for at, name in enumerate(c["key"] for c in tried["columns"]):
        own = next(m for m in record.finding("optimize.mitigation").measures if m.name == name)
        assert tried["rows"][0]["cells"][at]["value"] == own.value
        assert all(r["cells"][at]["was"] == own.value for r in tried["rows"][1:])
    assert [c["key"] for c in tried["columns"]][1:3] == ["selection_rate", "selection_rate_difference"]
    assert {r["part"] for r in frontier["rows"]} >= {"groups of group", "groups of sex"}

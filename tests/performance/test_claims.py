"""Declared metrics are refuted, borne out or left open by hand-worked and scikit-learn's numbers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from sklearn import metrics

import workbench as wb
from tests.performance.measured import one, run, scored, table, value
from workbench.core.finding import Status
from workbench.core.intervals import wilson

CHECK = "performance.claims"
COUNTS = {(1, 0.9): 40, (0, 0.9): 10, (1, 0.1): 10, (0, 0.1): 40}
HUNDRED = pd.DataFrame([(y, s) for (y, s), n in COUNTS.items() for _ in range(n)], columns=["y", "score"])
# Wilson: accuracy 80 of 100 [0.711, 0.867]; false positive rate 10 of 50 [0.112, 0.330]; prevalence [0.404, 0.596]


def answers(**params: object) -> dict[str, str]:
    """Return the answer to each claim on the hundred rows."""
    shown = table(run(CHECK, HUNDRED, **params), "claims")
    return dict(zip(shown.metric, shown.answer, strict=True))


@pytest.mark.parametrize(
    ("declared", "tolerance", "answer"),
    [
        ({"accuracy": 0.9}, 0.0, "refuted"),
        ({"accuracy": 0.9}, 0.04, "undecided"),
        ({"accuracy": 0.8}, 0.0, "undecided"),
        ({"accuracy": 0.7}, 0.0, "supported"),
        ({"accuracy": 0.74}, 0.03, "supported"),
        ({"accuracy": 0.1}, 0.0, "supported"),
        ({"false_positive_rate": 0.1}, 0.0, "refuted"),
        ({"false_positive_rate": 0.1}, 0.02, "undecided"),
        ({"false_positive_rate": 0.4}, 0.0, "supported"),
        ({"prevalence": 0.3}, 0.0, "refuted"),
        ({"prevalence": 0.7}, 0.0, "refuted"),
        ({"prevalence": 0.5}, 0.0, "undecided"),
        ({"prevalence": 0.5}, 0.1, "supported"),
    ],
)
def test_answers(declared: dict[str, float], tolerance: float, answer: str) -> None:
    """Each answer by the Wilson interval worked by hand; the four counts add to the number of claims."""
    finding = run(CHECK, HUNDRED, declared=declared, tolerance=tolerance)
    counts = {a: value(finding, f"claims_{a}") for a in ("refuted", "supported", "undecided", "untested")}

    assert answers(declared=declared, tolerance=tolerance) == {next(iter(declared)): answer}
    assert counts[answer] == 1
    assert sum(counts.values()) == 1


def test_difference_and_its_interval() -> None:
    """Measured minus declared, and Wilson's interval less the declared value."""
    m, ends = (
        one(run(CHECK, HUNDRED, declared={"accuracy": 0.91}), "claim_difference", where="accuracy"),
        wilson(80, 100),
    )
    assert ends is not None

    assert (m.value, m.low, m.high) == pytest.approx((0.8 - 0.91, ends.low - 0.91, ends.high - 0.91), abs=1e-9)
    assert (m.n, m.method, m.unit) == (100, "wilson", "share")


@settings(max_examples=60)
@given(scored())
def test_measured_as_scikit_learn(data: pd.DataFrame) -> None:
    """The measured side is scikit-learn's metric on random frames; undefined ones are counted as untested."""
    names = ("accuracy", "recall", "roc_auc", "brier_score")
    finding = run(CHECK, data, declared=dict.fromkeys(names, 0.5))
    known = data.dropna(subset=["y"])
    y, s = known.y.to_numpy(), known.score.to_numpy()
    both, some = len(set(y)) == 2, len(y) > 0
    expected = {
        "accuracy": metrics.accuracy_score(y, s >= 0.5) if some else np.nan,
        "recall": metrics.recall_score(y, s >= 0.5) if y.sum() else np.nan,
        "roc_auc": metrics.roc_auc_score(y, s) if both else np.nan,
        "brier_score": metrics.brier_score_loss(y, s, pos_label=1) if some else np.nan,
    }

    for name, number in expected.items():
        found = value(finding, "claim_difference", where=name)
        assert found == pytest.approx(number - 0.5, abs=1e-9, nan_ok=True), name
    assert value(finding, "claims_untested") == sum(np.isnan(v) for v in expected.values())


def test_f_beta_is_declared_with_its_beta() -> None:
    """A declared F-beta is measured at the beta given, and needs one."""
    finding = run(CHECK, HUNDRED, declared={"f_beta": 0.5}, beta=2.0)

    expected = metrics.fbeta_score(HUNDRED.y, HUNDRED.score >= 0.5, beta=2.0) - 0.5
    assert value(finding, "claim_difference", where="f_beta") == pytest.approx(expected, abs=1e-9)
    assert "beta" in run(CHECK, HUNDRED, declared={"f_beta": 0.5}).reason


def test_what_cannot_be_claimed() -> None:
    """Nothing declared is not applicable; an unknown metric names near ones; a tolerance below 0 is refused."""
    nothing = run(CHECK, HUNDRED)
    assert (nothing.status, nothing.reason) == (Status.NOT_APPLICABLE, "no metric is declared")
    misspelt = run(CHECK, HUNDRED, declared={"acuracy": 0.9})
    assert misspelt.status is Status.ERROR
    assert "Did you mean 'accuracy'" in misspelt.reason
    assert run(CHECK, HUNDRED, declared={"accuracy": 0.9}, tolerance=-0.1).status is Status.ERROR
    assert run(CHECK, HUNDRED, declared={"accuracy": float("nan")}).status is Status.ERROR


def test_a_rule_judges_the_claims() -> None:
    """Through the public door: a plan declares, a policy allows no refuted claim and names one by `where`."""
    rules = [
        {"id": "claims", "check": CHECK, "measure": "claims_refuted", "operator": "<=", "limit": 0, "basis": "point"},
        {"id": "one", "check": CHECK, "measure": "claim_difference", "where": "acc*", "operator": ">=", "limit": 0},
    ]
    checks = {CHECK: {"declared": {"accuracy": 0.95, "roc_auc": 0.5}}}
    record = wb.Audit(HUNDRED, target="y", score="score", checks=checks, policy={"rules": rules}).run()

    assert {j.rule: j.outcome for j in record.verdict.judgements} == {"claims": "fail", "one": "fail"}

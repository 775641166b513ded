"""Several classes: every measure against scikit-learn, on random frames with ties, missing values and odd labels."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk
from sklearn.datasets import load_wine
from sklearn.linear_model import LogisticRegression

import workbench as wb

ALONE = {"checks": ["performance.multiclass"], "policy": {"rules": []}}


def measures(data: pd.DataFrame, **roles: object) -> pd.DataFrame:
    frame = wb.Audit(data, **{**ALONE, **roles}).run().to_frame()
    return frame[frame.window == ""].set_index(["measure", "where"])


def value(frame: pd.DataFrame, name: str, where: str = "") -> float:
    return float(frame.loc[(name, where), "value"])


@settings(max_examples=60)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(12, 120), k=st.integers(3, 5), ties=st.booleans())
def test_labels_and_scores_as_scikit_learn(seed: int, n: int, k: int, ties: bool) -> None:
    rng = np.random.default_rng(seed)
    names = [f"c{i}" for i in range(k)]
    scores = rng.dirichlet(np.ones(k), n)
    if ties:
        scores = np.round(scores, 1)
        scores[:, -1] = 1 - scores[:, :-1].sum(axis=1)
    truth = np.array(names)[rng.integers(0, k, n)]
    truth[:k] = names  # each class is true at least once
    data = pd.DataFrame(scores, columns=[f"p_{c}" for c in names]).assign(y=truth)
    found = measures(data, target="y", probabilities={c: f"p_{c}" for c in names})
    made = np.array(names)[scores.argmax(axis=1)]

    expected = {
        "accuracy": sk.accuracy_score(truth, made),
        "balanced_accuracy": sk.balanced_accuracy_score(truth, made),
        "macro_recall": sk.recall_score(truth, made, average="macro", zero_division=np.nan),
        "weighted_recall": sk.recall_score(truth, made, average="weighted"),
        "cohen_kappa": sk.cohen_kappa_score(truth, made),
        "macro_f1": sk.f1_score(truth, made, average="macro"),
        "weighted_f1": sk.f1_score(truth, made, average="weighted"),
    }
    if len(set(made)) > 1:
        expected["matthews_corrcoef"] = sk.matthews_corrcoef(truth, made)
    if (scores >= 0).all():
        expected["top_2_accuracy"] = sk.top_k_accuracy_score(truth, scores, k=2, labels=names)
        expected["log_loss"] = sk.log_loss(truth, scores, labels=names)
        expected["macro_roc_auc"] = sk.roc_auc_score(truth, scores, multi_class="ovr", labels=names)
        one_hot = truth[:, None] == np.array(names)[None, :]
        expected["brier_score"] = float(((scores - one_hot) ** 2).sum(axis=1).mean())
    for name, number in expected.items():
        assert value(found, name) == pytest.approx(number, abs=1e-9), name
    inside = found[found.low.notna()]
    assert ((inside.low <= inside.value + 1e-9) & (inside.value <= inside.high + 1e-9)).all()


def test_a_class_never_true_has_no_recall() -> None:
    data = pd.DataFrame({"y": ["a", "b", "a", "b", None], "p": ["a", "c", "a", "b", "a"]})
    found = measures(data, target="y", prediction="p", task="multiclass")

    assert value(found, "accuracy") == 0.75
    assert np.isnan(value(found, "recall", "class=c"))
    assert "0/0" in found.loc[("recall", "class=c"), "undefined_because"]
    assert np.isnan(value(found, "macro_recall"))
    assert value(found, "weighted_recall") == 0.75


def test_scores_that_are_no_probabilities_have_no_log_loss_and_are_told() -> None:
    data = pd.DataFrame({"y": list("abcabc"), "a": 2.0, "b": [-1, 1, 0, 0, 2, 5.0], "c": [0, 1, 4, 0, 0, 1.0]})
    audit = wb.Audit(data, target="y", probabilities={"a": "a", "b": "b", "c": "c"}, **ALONE)
    (finding,) = audit.run().findings
    (loss,) = (m for m in finding.measures if m.name == "log_loss")

    assert loss.value is None
    assert "no probabilities" in loss.undefined_because
    assert any("scores of 6 rows" in note for note in finding.notes)


@pytest.mark.parametrize("labels", [[0, 1, 2], ["no", "maybe", "yes"], [1.5, 2.5, 3.5]])
def test_a_model_in_memory_predicts_and_its_task_is_recognised(labels: list[object]) -> None:
    x, y = load_wine(return_X_y=True, as_frame=True)
    x = x[x.columns[:3]]
    y = np.array(labels, object if isinstance(labels[0], str) else None)[y]
    y = y if isinstance(labels[0], str) else y.astype(float if isinstance(labels[0], float) else int)
    try:
        model = LogisticRegression(max_iter=5000).fit(x, y)
    except ValueError:
        pytest.skip("scikit-learn takes numbers with fractions for a regression")
    audit = wb.Audit(x.assign(y=y), model=model, target="y", **ALONE)
    found = audit.run().to_frame().set_index(["measure", "where"])

    assert audit.roles.task == "multiclass"
    assert value(found, "log_loss") == pytest.approx(sk.log_loss(y, model.predict_proba(x)), abs=1e-9)
    assert value(found, "accuracy") == pytest.approx(model.score(x, y), abs=1e-9)

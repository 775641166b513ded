"""Hostile outcomes through the public door: groups, labels, probabilities and models as they should not be."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression

import workbench as wb
from workbench.core.errors import DataError
from workbench.core.finding import Finding, Measure

FREE = {"rules": []}
BINARY = ["performance.classification", "performance.calibration", "performance.lift", "bias.group_rates"]


def people(n: int = 300, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    score = rng.random(n).round(3)
    y = (rng.random(n) < score).astype(int)
    return pd.DataFrame({"y": y, "score": score, "g": rng.choice(["a", "b"], n), "x": rng.normal(0, 1, n)})


def findings(data: pd.DataFrame, checks: Any = None, **roles: Any) -> dict[str, Finding]:
    roles = {"target": "y", "score": "score", "sensitive": ["g"], "policy": FREE, **roles}
    record = wb.Audit(data, checks=BINARY if checks is None else checks, **roles).run()
    return {f.check: f for f in record.findings}


def one(finding: Finding, name: str, group: str = "", where: str = "") -> Measure:
    found = [m for m in finding.measures if (m.name, m.group, m.where, m.window) == (name, group, where, "")]
    assert len(found) >= 1, (name, group, finding.reason)
    return found[0]


def test_a_group_with_one_row() -> None:
    """It is counted and listed as excluded, and no gap knows it."""
    data = people()
    data.loc[0, "g"] = "alone"
    finding = findings(data)["bias.group_rates"]
    without = findings(data.iloc[1:])["bias.group_rates"]

    assert one(finding, "count", "g=alone").value == 1
    assert one(finding, "excluded_groups").value == 1
    for name in ("selection_rate_difference", "equalized_odds_difference", "accuracy_ratio"):
        assert one(finding, name).value == one(without, name).value


def test_ten_thousand_groups_are_refused_by_name() -> None:
    """More groups than can be counted are an error that names the column and what to do."""
    data = people(20_000).assign(g=lambda d: d.index % 10_000)
    with pytest.raises(DataError, match=r"'g' has more than 3000 distinct values: bin it into groups first"):
        findings(data)
    two = people(40_000).assign(g=lambda d: d.index % 100, h=lambda d: d.index // 100)
    with pytest.raises(DataError, match="'g', 'h' form more than 3000 groups"):
        findings(two, sensitive=["g", "h"])


LABELS: dict[str, tuple[Any, Any]] = {
    "words": (["no", "yes"], "yes"),
    "booleans": ([False, True], None),
    "whole numbers": ([0, 1], None),
    "floats": ([0.0, 1.0], None),
    "other floats": ([-1.5, 2.5], 2.5),
    "numbers as words": (["0", "1"], "1"),
}


@pytest.mark.parametrize("kind", LABELS)
def test_labels_of_every_kind_give_the_same(kind: str) -> None:
    """Words, booleans and floats are labels like 0 and 1, in target and prediction."""
    (low, high), positive = LABELS[kind]
    data = people()
    named = data.assign(y=np.where(data.y == 1, high, low), p=np.where(data.score >= 0.5, high, low))
    if kind in ("words", "numbers as words"):
        named = named.astype({"y": object, "p": object})
    plain = findings(data)
    for roles in ({"score": "score"}, {"score": None, "prediction": "p"}):
        found = findings(named, ["performance.classification", "bias.group_rates"], positive=positive, **roles)
        for check, names in (
            ("performance.classification", ("accuracy", "recall", "cohen_kappa")),
            ("bias.group_rates", ("equalized_odds_difference", "selection_rate_ratio")),
        ):
            for name in names:
                assert one(found[check], name).value == one(plain[check], name).value, (kind, name)


@pytest.mark.parametrize("spoil", [lambda s: s * 5 - 2, lambda s: s + 1e-9, lambda s: np.where(s > 0.9, np.inf, s)])
def test_scores_outside_0_to_1_rank_and_are_no_probabilities(spoil: Any) -> None:
    """AUC is that of the ranks; what needs probabilities is undefined or does not apply, with the reason."""
    data = people()
    data.loc[0, "score"] = 1.0
    found = findings(data.assign(score=spoil(data.score)))
    plain = findings(data)["performance.classification"]

    auc = one(found["performance.classification"], "roc_auc").value
    if np.isfinite(spoil(data.score)).all():
        assert auc == one(plain, "roc_auc").value
    for name in ("brier_score", "log_loss"):
        assert "not probabilities" in one(found["performance.classification"], name).undefined_because
    assert str(found["performance.calibration"].status) == "not_applicable"
    assert "outside 0..1" in found["performance.calibration"].reason


def test_probabilities_that_do_not_add_up() -> None:
    """They rank and predict; losses are undefined, and how many rows they are is said."""
    rng = np.random.default_rng(1)
    p = rng.dirichlet([1, 1, 1], 90)
    data = pd.DataFrame(p, columns=list("uvw")).assign(y=np.array(list("uvw"))[rng.integers(0, 3, 90)], g="a")
    data.loc[:9, ["u", "v", "w"]] *= 2
    given = {"probabilities": {c: c for c in "uvw"}, "score": None, "task": "multiclass"}
    finding = findings(data, ["performance.multiclass"], **given)["performance.multiclass"]

    right = (np.array(list("uvw"))[p.argmax(axis=1)] == data.y).mean()
    assert one(finding, "accuracy").value == pytest.approx(right)
    assert one(finding, "log_loss").value is None
    assert any("scores of 10 rows" in note for note in finding.notes)


def test_a_predicted_class_that_is_never_true() -> None:
    """It is told, has a precision of 0 and no recall, in the binary task an error that names it."""
    data = pd.DataFrame({"y": list("abab") * 20, "p": list("abcb") * 20, "g": list("xy") * 40})
    given = {"score": None, "prediction": "p", "task": "multiclass"}
    found = findings(data, ["performance.multiclass", "bias.class_rates"], **given)
    assert any("never true: c" in note for note in found["performance.multiclass"].notes)
    assert one(found["performance.multiclass"], "precision", where="class=c").value == 0
    assert "0/0" in one(found["performance.multiclass"], "recall", where="class=c").undefined_because
    rates = [m for m in found["bias.class_rates"].measures if m.name == "true_positive_rate" and m.where == "class=c"]
    assert rates
    assert all(m.value is None for m in rates)


def test_all_scores_tied() -> None:
    """AUC is one half, KS 0, slope undefined with a reason; nothing is ranked."""
    found = findings(people().assign(score=0.5))
    assert one(found["performance.classification"], "roc_auc").value == 0.5
    assert one(found["performance.lift"], "ks").value == 0
    assert one(found["performance.calibration"], "calibration_slope").undefined_because


class Picky:
    """A model that raises on rows with x above 1.5."""

    def __init__(self, inner: Any) -> None:
        self.inner, self.feature_names_in_ = inner, np.array(["x"], object)
        if hasattr(inner, "classes_"):
            self.classes_ = inner.classes_
            self.predict_proba = lambda rows: self._checked(rows, inner.predict_proba)

    def _checked(self, rows: Any, answer: Any) -> Any:
        if (np.asarray(rows)[:, 0].astype(float) > 1.5).any():
            raise OverflowError("too large")
        return answer(rows)

    def predict(self, rows: Any) -> Any:
        return self._checked(rows, self.inner.predict)


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_a_model_that_raises_on_some_rows(task: str) -> None:
    """The others are kept, and how many rows failed with what is said."""
    data = people(400, 5)
    x, many = data[["x"]], np.array(list("uvw"))[(data.x > 0).astype(int) + (data.x > 1)]
    truth = {"binary": data.y, "multiclass": many, "regression": data.x * 2 + 1}[task]
    model = (LinearRegression() if task == "regression" else LogisticRegression()).fit(x, truth)
    check = {"binary": "classification", "multiclass": "multiclass", "regression": "regression"}[task]
    failed = int((data.x > 1.5).sum())
    assert failed > 10
    frame = data.assign(y=truth).drop(columns="score")
    finding = findings(frame, [f"performance.{check}"], score=None, task=task, model=Picky(model))[
        f"performance.{check}"
    ]

    name = "mean_absolute_error" if task == "regression" else "accuracy"
    assert one(finding, name).n == len(data) - failed
    assert any(f"{failed} rows with OverflowError" in note for note in finding.notes), finding.notes

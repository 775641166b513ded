"""Drift of labels, predictions and scores for each task, by hand and against SciPy."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.spatial.distance import jensenshannon

from tests.performance.measured import one, run, scored, value
from workbench.core.check import find_check
from workbench.core.counts import count
from workbench.core.dataset import Dataset, Roles
from workbench.core.finding import Finding, Status
from workbench.core.frame import wrap
from workbench.core.intervals import newcombe_difference
from workbench.core.subject import Subject

BINARY = Roles(target="y", score="score", positive=1)
CLASSES = Roles(target="y", prediction="made", probabilities=(("a", "p_a"), ("b", "p_b")), task="multiclass")
NUMBERS = Roles(target="y", prediction="made", task="regression")


def drift(current: pd.DataFrame, reference: pd.DataFrame, roles: Roles = BINARY) -> Finding:
    """Compare two frames."""
    return run("drift.outcome", current, reference, roles)


@given(scored(least=2), scored(least=2))
def test_binary_is_newcombes_and_scipys(a: pd.DataFrame, b: pd.DataFrame) -> None:
    """Rates of label and prediction with Newcombe's interval; scores as SciPy compares them, unlabelled rows too."""
    found = drift(b, a)
    sides = {"label": [d.y.dropna() == 1 for d in (a, b)], "prediction": [d.score >= 0.5 for d in (a, b)]}
    for where, (then, now) in sides.items():
        m = [x for x in found.measures if x.name == "positive_rate_change" and x.where == where]
        if not len(then) or not len(now):
            assert m[0].value is None
            assert f"no row has a {where}" in m[0].undefined_because
            continue
        expected = newcombe_difference(int(now.sum()), len(now), int(then.sum()), len(then))
        assert expected is not None
        assert (m[0].value, m[0].low, m[0].high) == pytest.approx(
            (now.mean() - then.mean(), expected.low, expected.high), abs=1e-9
        )
        p, q = (np.array([1 - s.mean(), s.mean()]) for s in (then, now))
        js = next(x for x in found.measures if x.name == "js_distance" and x.where == where)
        assert js.value == pytest.approx(float(np.nan_to_num(jensenshannon(p, q, base=2))), abs=1e-7)
    ks = stats.ks_2samp(a.score, b.score, method="asymp").statistic
    assert value(found, "ks", column="score", where="score") == pytest.approx(ks, abs=1e-9)
    area = stats.wasserstein_distance(a.score, b.score)
    assert value(found, "wasserstein", column="score", where="score") == pytest.approx(area, abs=1e-9)


def test_two_by_two_by_hand() -> None:
    """30 of 100 against 20 of 100: chi-square with and without Yates's correction, as SciPy."""
    frames = [pd.DataFrame({"y": np.arange(100) < k, "score": 0.5}) for k in (30, 20)]
    found = drift(*frames, Roles(target="y", score="score"))
    table = [[80, 20], [70, 30]]

    for name, correction in (("chi_square", False), ("chi_square_yates", True)):
        expected = stats.chi2_contingency(table, correction=correction)
        assert value(found, name, column="y", where="label") == pytest.approx(expected.statistic)
        assert value(found, f"{name}_p_value", column="y", where="label") == pytest.approx(expected.pvalue)
    assert value(found, "l_infinity", column="y", where="label") == pytest.approx(0.1)
    assert found.evidence[0].rows[0] == ("not True", 0.8, 0.7)


def test_unlabelled_on_one_side() -> None:
    """Labels that are not in yet: scores are compared all the same, and the label says why it is not."""
    rng = np.random.default_rng(1)
    reference = pd.DataFrame({"y": rng.random(50) < 0.5, "score": rng.random(50)})
    late = drift(reference.assign(y=None), reference, Roles(target="y", score="score", positive=True))
    m = one(late, "positive_rate_change", column="y", where="label")

    assert m.undefined_because == "no row has a label in the current data"
    assert value(late, "ks", column="score", where="score") == 0.0
    absent = Subject(
        count(Dataset(wrap(reference[["score"]]), BINARY, "now")), BINARY,
        reference=count(Dataset(wrap(reference), BINARY, "then")),
    )  # fmt: skip
    found = find_check("drift.outcome").run(absent)
    assert found.notes == ("there is no label in the current data",)
    assert {m.where for m in found.measures} == {"prediction", "score"}


labels = st.lists(st.sampled_from(["a", "b", "c", None]), min_size=1, max_size=40)


@given(labels, labels)
def test_classes_are_scipys(a: list[str | None], b: list[str | None]) -> None:
    """Shares of classes of label and prediction; probabilities of each class from their columns, all rows."""
    frames = [pd.DataFrame({"y": x, "made": x[::-1], "p_a": 0.25, "p_b": 0.5}, dtype=object) for x in (a, b)]
    frames = [f.astype({"p_a": float, "p_b": float}) for f in frames]
    found = drift(frames[1], frames[0], CLASSES)
    known = [[v for v in x if v is not None] for x in (a, b)]
    for where, column in (("label", "y"), ("prediction", "made")):
        v = one(found, "cramers_v", column=column, where=where)
        if not all(known):
            assert v.undefined_because
            continue
        names = sorted({*known[0], *known[1]})
        low, high = (np.array([k.count(n) for n in names]) for k in known)
        if len(names) > 1:
            table = np.stack((low, high))
            assert v.value == pytest.approx(stats.contingency.association(table, method="cramer"), abs=1e-9)
        gap = np.abs(low / low.sum() - high / high.sum()).max()
        assert value(found, "l_infinity", column=column, where=where) == pytest.approx(gap, abs=1e-9)
        new = sum(n not in known[0] for n in known[1]) / len(known[1])
        assert value(found, "unseen_share", column=column, where=where) == pytest.approx(new, abs=1e-9)
    for label in "ab":
        m = one(found, "ks", column=f"p_{label}", where=f"class score '{label}'")
        assert (m.value, m.n) == (0.0, len(b))


class Third:
    """A model of two classes, of numbers, that answers alike for every row."""

    feature_names = ("x",)
    failures: dict[str, int] = {}  # noqa: RUF012

    def probabilities(self, batch: object) -> tuple[list[str], np.ndarray]:
        return ["a", "b"], np.full((batch.num_rows, 2), 0.5)  # type: ignore[attr-defined]

    def predictions(self, batch: object) -> list[str]:
        return ["a"] * batch.num_rows  # type: ignore[attr-defined]

    def numbers(self, batch: object) -> np.ndarray:
        return batch.column("x").to_numpy() * 2.0  # type: ignore[attr-defined]


@pytest.mark.parametrize("task", ["multiclass", "regression"])
def test_what_a_model_gives_is_known_of_labelled_rows_only(task: str) -> None:
    """Where the tables hold no more, it is said in a note, and n says of how many rows."""
    roles = Roles(target="y", task=task)
    labels = ["a", "b", None, "a"] if task == "multiclass" else [1.0, 2.0, np.nan, 1.0]
    data = pd.DataFrame({"x": [1.0, 2.0, 3.0, 4.0], "y": labels})
    table = count(Dataset(wrap(data), roles, "data"), model=Third())  # type: ignore[arg-type]
    found = find_check("drift.outcome").run(Subject(table, roles, reference=table, model=Third()))  # type: ignore[arg-type]
    where = "class score 'a'" if task == "multiclass" else "prediction"

    assert one(found, "ks", where=where).n == 3
    assert any("rows with a label only" in n for n in found.notes)
    name = "cramers_v" if task == "multiclass" else "ks"
    assert one(found, name, column="y", where="label").n == 3


@given(st.lists(st.integers(-5, 5).map(float), min_size=2, max_size=40),
       st.lists(st.integers(-5, 5).map(float), min_size=2, max_size=40))  # fmt: skip
def test_numbers_are_scipys(a: list[float], b: list[float]) -> None:
    """Targets and predictions of a regression from their columns, rows without the other included."""
    frames = [pd.DataFrame({"y": x, "made": [v * 2 for v in x]}) for x in (a, b)]
    frames[1].loc[0, "made"] = np.nan
    found = drift(frames[1], frames[0], NUMBERS)

    for where, column in (("label", "y"), ("prediction", "made")):
        then, now = (f[column].dropna() for f in frames)
        ks, area = stats.ks_2samp(then, now, method="asymp").statistic, stats.wasserstein_distance(then, now)
        assert value(found, "ks", column=column, where=where) == pytest.approx(ks, abs=1e-9)
        assert value(found, "wasserstein", column=column, where=where) == pytest.approx(area, abs=1e-9)
        assert value(found, "mean_difference", column=column, where=where) == pytest.approx(now.mean() - then.mean())
        assert one(found, "ks", column=column, where=where).n == len(now)


def test_infinite_scores_and_new_classes() -> None:
    """Infinities enter the ranks; a class that is new or gone is counted."""
    frames = [pd.DataFrame({"y": [0, 1, 1], "score": s}) for s in ([0.1, np.inf, np.inf], [0.1, 0.5, 0.9])]
    found = drift(*frames)
    assert value(found, "ks", column="score", where="score") == pytest.approx(2 / 3)
    assert math.isfinite(value(found, "wasserstein", column="score", where="score"))

    frames = [pd.DataFrame({"y": y, "made": y}) for y in (["a", "new"], ["a", "gone"])]
    found = drift(*frames, Roles(target="y", prediction="made", task="multiclass"))
    names = ("unseen_categories", "vanished_categories", "unseen_share")
    assert [value(found, n, column="y", where="label") for n in names] == [1, 1, 0.5]


def test_nothing_to_compare() -> None:
    """Neither a label nor a prediction nor a score: not applicable, with the reason."""
    found = drift(pd.DataFrame({"x": [1]}), pd.DataFrame({"x": [1]}), Roles())

    assert (found.status, found.reason) == (Status.NOT_APPLICABLE, "no label, prediction or score was given")

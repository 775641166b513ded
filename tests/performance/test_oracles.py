"""Every metric against scikit-learn or fairlearn on 200 random frames: weights, ties, missing, single classes."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
from fairlearn import metrics as fl
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from tests.performance.measured import one, run, scored, value
from workbench.core.dataset import Roles
from workbench.core.finding import Status

RATES = (
    "selection_rate", "true_positive_rate", "false_positive_rate", "false_negative_rate", "true_negative_rate",
    "precision", "negative_predictive_value", "false_discovery_rate", "false_omission_rate", "accuracy", "prevalence",
)  # fmt: skip


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """Scikit-learn warns of what is undefined, and that is looked at here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@st.composite
def weighted(draw: st.DrawFn, frames: st.SearchStrategy[pd.DataFrame]) -> pd.DataFrame:
    """Draw how often each row counts: once, or 0 to 4 times."""
    data = draw(frames)
    counts = st.integers(0, 4) if draw(st.booleans()) else st.just(1)
    data["w"] = draw(st.lists(counts, min_size=len(data), max_size=len(data)))
    return data


def defined(function: Callable[..., Any], *args: Any, **more: Any) -> float:
    """Return what a library says, NaN where it refuses."""
    try:
        return float(function(*args, **more))
    except (ValueError, ZeroDivisionError):
        return math.nan


def agree(found: float, expected: float, name: str, scale: float = 1.0) -> None:
    """Assert equality at 1e-9, both NaN included."""
    assert found == pytest.approx(expected, rel=1e-9, abs=1e-9 * scale, nan_ok=True), name


def known(data: pd.DataFrame) -> pd.DataFrame:
    """Return the rows with a truth that count."""
    return data[data.y.notna() & (data.w > 0)]


def confusion(y: np.ndarray, p: np.ndarray, w: np.ndarray) -> tuple[float, float, float, float]:
    """Return true negatives, false positives, false negatives and true positives."""
    if not len(y):
        return 0.0, 0.0, 0.0, 0.0
    return tuple(sk.confusion_matrix(y, p, labels=[0, 1], sample_weight=w).ravel().tolist())


def over(x: float, n: float) -> float:
    """Return x / n, NaN for 0/0."""
    return x / n if n else math.nan


@settings(max_examples=200)
@given(weighted(scored()))
def test_binary(data: pd.DataFrame) -> None:
    """Everything at the threshold and over all thresholds, as scikit-learn with sample weights."""
    roles = Roles(target="y", score="score", weight="w", positive=1)
    if not data.w.sum():
        return
    finding, ranked = (
        run("performance.classification", data, roles=roles, beta=2.0),
        run("performance.lift", data, roles=roles),
    )
    rows = known(data)
    y, s, w = rows.y.to_numpy(int), rows.score.to_numpy(), rows.w.to_numpy()
    p, both = (s >= 0.5).astype(int), len(set(y)) == 2
    tn, fp, fn, tp = confusion(y, p, w)
    more: dict[str, Any] = {"sample_weight": w}
    nan = {"zero_division": np.nan, **more}
    expected = {
        "accuracy": over(tp + tn, tp + tn + fp + fn),
        "balanced_accuracy": defined(sk.balanced_accuracy_score, y, p, **more) if both else math.nan,
        "precision": defined(sk.precision_score, y, p, **nan),
        "recall": defined(sk.recall_score, y, p, **nan),
        "specificity": defined(sk.recall_score, y, p, pos_label=0, **nan),
        "f1": defined(sk.f1_score, y, p, **nan),
        "f_beta": defined(sk.fbeta_score, y, p, beta=2.0, **nan),
        "matthews_corrcoef": defined(sk.matthews_corrcoef, y, p, **more) if both and len(set(p)) == 2 else math.nan,
        "cohen_kappa": defined(sk.cohen_kappa_score, y, p, labels=[0, 1], **more),
        "prevalence": over(tp + fn, w.sum()),
        "selection_rate": over(float(data.w[data.score >= 0.5].sum()), float(data.w.sum())),
        "roc_auc": defined(sk.roc_auc_score, y, s, **more) if both else math.nan,
        "average_precision": defined(sk.average_precision_score, y, s, **more) if y.any() else math.nan,
        "brier_score": defined(sk.brier_score_loss, y, s, pos_label=1, **more),
        "log_loss": defined(sk.log_loss, y, s, labels=[0, 1], **more),
    }
    for name, number in expected.items():
        agree(value(finding, name), number, name)
    agree(value(ranked, "gini"), 2 * expected["roc_auc"] - 1, "gini")
    if both:
        false, true, _ = sk.roc_curve(y, s, drop_intermediate=False, **more)
        agree(value(ranked, "ks"), float(np.abs(true - false).max()), "ks")


@settings(max_examples=200)
@given(weighted(scored(groups=4)))
def test_groups(data: pd.DataFrame) -> None:
    """Rates of every group, gaps, ratios, to overall: scikit-learn's confusion tables and fairlearn's MetricFrame."""
    if not data.w.sum():
        return
    roles = Roles(target="y", score="score", weight="w", sensitive=("g",), positive=1)
    finding = run("bias.group_rates", data, roles=roles, minimum=1)
    counted = data[data.w > 0]
    tables = {g: _rates(counted[counted.g == g]) for g in sorted(counted.g.dropna().unique())}
    for g, rates in tables.items():
        for name in RATES:
            agree(value(finding, name, column="g", group=f"g={g}"), rates[name], f"{name} of {g}")
    overall = _rates(counted)
    for name in RATES:
        agree(value(finding, name), overall[name], name)
        values = [t[name] for t in tables.values() if not math.isnan(t[name])]
        enough = len(values) > 1
        agree(value(finding, f"{name}_difference", column="g"), max(values) - min(values) if enough else math.nan, name)
        ratio = min(values) / max(values) if enough and max(values) else math.nan
        agree(value(finding, f"{name}_ratio", column="g"), ratio, name)
    _as_fairlearn(finding, known(data[data.g.notna()]), overall)


def _rates(rows: pd.DataFrame) -> dict[str, float]:
    some = known(rows)
    tn, fp, fn, tp = confusion(some.y.to_numpy(int), (some.score >= 0.5).to_numpy(int), some.w.to_numpy())
    pairs = {
        "selection_rate": (float(rows.w[rows.score >= 0.5].sum()), float(rows.w.sum())),
        "true_positive_rate": (tp, tp + fn), "false_positive_rate": (fp, fp + tn),
        "false_negative_rate": (fn, tp + fn), "true_negative_rate": (tn, fp + tn),
        "precision": (tp, tp + fp), "negative_predictive_value": (tn, tn + fn),
        "false_discovery_rate": (fp, tp + fp), "false_omission_rate": (fn, tn + fn),
        "accuracy": (tp + tn, tp + tn + fp + fn), "prevalence": (tp + fn, tp + tn + fp + fn),
    }  # fmt: skip
    return {name: over(*pair) for name, pair in pairs.items()}


def _as_fairlearn(finding: Any, rows: pd.DataFrame, overall: dict[str, float]) -> None:
    """Compare with fairlearn where it has an answer: every group with rows of both classes."""
    if rows.g.nunique() < 2 or not rows.groupby("g").y.nunique().eq(2).all():
        return
    given = {"sensitive_features": rows.g, "sample_weight": rows.w}
    y, p = rows.y.astype(int), (rows.score >= 0.5).astype(int)
    for name, function in (
        ("equalized_odds_difference", fl.equalized_odds_difference),
        ("equal_opportunity_difference", fl.equal_opportunity_difference),
    ):
        agree(value(finding, name, column="g"), function(y, p, **given), name)
    frame = fl.MetricFrame(
        metrics=fl.true_positive_rate,
        y_true=y,
        y_pred=p,
        sensitive_features=rows.g,
        sample_params={"sample_weight": rows.w},
    )
    for g, number in frame.by_group.items():
        m = one(finding, "true_positive_rate_to_overall_difference", column="g", group=f"g={g}")
        agree(float(m.value), number - overall["true_positive_rate"], "to overall")


@st.composite
def classified(draw: st.DrawFn) -> pd.DataFrame:
    """Draw truths of up to four classes (some missing, often one only) and scores that add up to 1, often tied."""
    n, k = draw(st.integers(1, 40)), draw(st.integers(3, 4))
    names = "abcd"[:k]
    pool = draw(st.sampled_from([[*names], [*names, None], ["a"], ["a", "b"]]))
    parts = st.lists(st.integers(0, 4 if draw(st.booleans()) else 512), min_size=k, max_size=k).filter(any)
    rows = np.array(draw(st.lists(parts, min_size=n, max_size=n)), float)
    scores = rows / rows.sum(axis=1, keepdims=True)
    truth = pd.Series(draw(st.lists(st.sampled_from(pool), min_size=n, max_size=n)), dtype=object)
    return pd.DataFrame({c: scores[:, i] for i, c in enumerate(names)}).assign(y=truth)


@settings(max_examples=200)
@given(weighted(classified()))
def test_classes(data: pd.DataFrame) -> None:
    """Macro, weighted and one-against-rest values, top-k, AUC and losses of several classes, with sample weights."""
    if not known(data).w.sum():
        return
    names = [c for c in "abcd" if c in data.columns]
    roles = Roles(target="y", task="multiclass", weight="w", probabilities=tuple((c, c) for c in names))
    finding = run("performance.multiclass", data, roles=roles)
    rows = known(data)
    y, s, w = rows.y.to_numpy(str), rows[names].to_numpy(), rows.w.to_numpy()
    p = np.array(names)[s.argmax(axis=1)]
    more: dict[str, Any] = {"sample_weight": w}
    every = {"labels": names, "zero_division": np.nan, **more}
    table = sk.confusion_matrix(y, p, labels=names, sample_weight=w)
    one_hot = y[:, None] == np.array(names)[None, :]
    expected = {
        "accuracy": sk.accuracy_score(y, p, **more),
        "cohen_kappa": defined(sk.cohen_kappa_score, y, p, labels=names, **more),
        "log_loss": sk.log_loss(y, s, labels=names, **more),
        "brier_score": float(np.average(((s - one_hot) ** 2).sum(axis=1), weights=w)),
        "weighted_recall": sk.recall_score(y, p, average="weighted", labels=names, **more),
        "top_2_accuracy": sk.top_k_accuracy_score(y, s, k=2, labels=names, **more),
    }
    if len(set(p)) > 1 and len(set(y)) > 1:
        expected["matthews_corrcoef"] = sk.matthews_corrcoef(y, p, **more)
    if (table.sum(axis=1) > 0).all():
        expected["balanced_accuracy"] = sk.balanced_accuracy_score(y, p, **more)
        expected["macro_f1"] = sk.f1_score(y, p, average="macro", labels=names, **more)
        areas = [sk.roc_auc_score(one_hot[:, i], s[:, i], **more) for i in range(len(names))]
        expected["macro_roc_auc"] = float(np.mean(areas))
    for name, number in expected.items():
        agree(value(finding, name), number, name)
    precision, recall = (f(y, p, average=None, **every) for f in (sk.precision_score, sk.recall_score))
    for i, c in enumerate(names):
        agree(value(finding, "precision", where=f"class={c}"), precision[i], f"precision of {c}")
        agree(value(finding, "recall", where=f"class={c}"), recall[i], f"recall of {c}")


@st.composite
def numbered(draw: st.DrawFn) -> pd.DataFrame:
    """Draw true and predicted numbers, some missing, often tied, sometimes all alike, and groups, some missing."""
    n = draw(st.integers(1, 40))
    numbers = st.sampled_from([-2.0, 0.5, 1.0, 1.0, 3.0]) if draw(st.booleans()) else st.floats(-1e6, 1e6)
    if draw(st.integers(0, 9)) == 0:
        numbers = st.just(4.0)
    columns = {c: draw(st.lists(numbers | st.none(), min_size=n, max_size=n)) for c in ("y", "p")}
    groups = draw(st.lists(st.sampled_from(["a", "b", "c", None]), min_size=n, max_size=n))
    return pd.DataFrame({c: np.array(v, float) for c, v in columns.items()}).assign(g=pd.Series(groups, dtype=object))


@settings(max_examples=200)
@given(weighted(numbered()))
def test_numbers(data: pd.DataFrame) -> None:
    """Errors over all rows and by group, as scikit-learn with sample weights."""
    if not data.w.sum():
        return
    roles = Roles(target="y", prediction="p", weight="w", task="regression", sensitive=("g",))
    rows = known(data)
    rows = rows[rows.p.notna()]
    finding = run("bias.error_parity", data, roles=roles, minimum=1)
    whole = run("performance.regression", data, roles=roles)
    if not len(rows):
        assert (whole.status, whole.reason) == (Status.NOT_APPLICABLE, "no row has a finite truth and prediction")
        return
    for name, number in _errors(rows).items():
        scale = max(1.0, float(np.abs(rows[["y", "p"]]).to_numpy().max()))
        agree(value(whole, name), number, name, scale)
    for g, part in rows.dropna(subset=["g"]).groupby("g"):
        for name in ("bias", "mean_absolute_error", "root_mean_squared_error"):
            agree(value(finding, name, column="g", group=f"g={g}"), _errors(part)[name], f"{name} of {g}", scale)


def _errors(rows: pd.DataFrame) -> dict[str, float]:
    y, p, w = rows.y.to_numpy(), rows.p.to_numpy(), rows.w.to_numpy()
    more = {"sample_weight": w}
    found = {
        "mean_absolute_error": sk.mean_absolute_error(y, p, **more),
        "root_mean_squared_error": sk.root_mean_squared_error(y, p, **more),
        "bias": float(np.average(p - y, weights=w)),
        "max_error": sk.max_error(y, p),
        "median_absolute_error": float(np.median(np.repeat(np.abs(p - y), w))),
        "pinball_0.1": sk.mean_pinball_loss(y, p, alpha=0.1, **more),
    }
    if (y != 0).all() and np.abs(y).min() > 1e-9:
        found["mean_absolute_percentage_error"] = sk.mean_absolute_percentage_error(y, p, **more)
    spread = float(np.average((y - np.average(y, weights=w)) ** 2, weights=w))
    if spread > 1e-6 * max(1.0, float(np.abs(y).max())) ** 2:
        found["r_squared"] = sk.r2_score(y, p, **more)
    return found

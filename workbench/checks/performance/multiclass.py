"""How well a classifier of several classes predicts, overall and class by class."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from workbench.core import intervals, stats
from workbench.core.check import NotApplicableError, check
from workbench.core.classes import ClassCounts
from workbench.core.finding import Evidence, Measure, Result, group_label
from workbench.core.intervals import Interval
from workbench.core.numbers import NumberCounts, common_support
from workbench.core.rates import rate_measure, with_interval
from workbench.core.subject import Subject

_Tables = NDArray[np.float64]  # draws x classes x classes, truth by prediction
_MOST_SHOWN = 20


@check("performance.multiclass", "P003", "Performance over several classes", needs=("classes",))
def multiclass(subject: Subject, *, top: tuple[int, ...] = (2, 3)) -> Result:
    """Measure how well predicted classes agree with the truth, overall and for each class against the rest.

    Measures: accuracy; top-k accuracy (the truth is among the k highest scores); macro (plain mean over classes) and
        weighted (by how often each is true) precision, recall and F1; balanced accuracy (macro recall), Cohen's
        kappa and Matthews correlation; macro ROC AUC of each class against the rest; log loss and Brier score (sum
        over classes) when scores are probabilities. By class, under `where`: precision, recall, F1, prevalence,
        selection rate and ROC AUC. Each with n and an interval; the reference's under window "reference".
    Reads well when: every class occurs at least some hundreds of times.
    Signs of risk: macro far below weighted values: a rare class is lost; a class whose recall interval reaches the
        rate of guessing.
    Limits: a class that is predicted and never true has no recall, and macro values that need it are undefined
        rather than counted as 0. Macro AUC's interval takes the classes' intervals at once (Bonferroni) and is wide.
    Reference: definitions as scikit-learn 1.x (macro over the labels that occur as truth or prediction); Gorodkin
        (2004) Computational Biology and Chemistry 28:367 for Matthews over classes; Cohen (1960); Brier (1950);
        Wilson (1927); seeded multinomial bootstrap of the table; Newcombe (2006) for one AUC.
    """
    found: list[Measure] = []
    evidence: list[Evidence] = []
    for window, classes in _windows(subject):
        table = classes.table()
        found.append(Measure("count", classes.total, window=window, n=classes.total, unit="rows"))
        found += _overall(table, window, subject) + _ranked(classes, window, subject.level, top)
        found += _losses(classes, window, subject.level) + _by_class(classes, table, window, subject)
        evidence.append(_confusion(classes.labels, table, window))
    return Result(found, evidence, _notes(subject.classes))


def _windows(subject: Subject) -> Iterator[tuple[str, ClassCounts]]:
    if not subject.classes.table().sum():
        raise NotApplicableError("no row has a truth and a prediction")
    yield "", subject.classes
    other = None if subject.reference is None else subject.reference.classes
    if other is not None and other.has_truth and other.has_prediction:
        yield "reference", other


def _notes(classes: ClassCounts) -> list[str]:
    notes: list[str] = []
    if classes.improper:
        notes.append(f"scores of {classes.improper} rows are no probabilities: negative, or not adding up to 1")
    true = {t for _, t, _ in classes.rows if t is not None}
    never = sorted({p for _, _, p in classes.rows if p is not None} - true)
    return [*notes, f"predicted and never true: {', '.join(never[:10])}"] if never else notes


def _overall(table: NDArray[np.int64], window: str, subject: Subject) -> list[Measure]:
    n, hits = int(table.sum()), int(np.trace(table))
    why = "" if n else "no row has a truth and a prediction"
    accuracy = Measure("accuracy", hits / n if n else None, window=window, n=n, unit="share", undefined_because=why)
    found = [with_interval(accuracy, intervals.wilson(hits, n, subject.level))]
    return found + [_composed(name, f, table, window, subject) for name, f in _COMPOSED.items()]


def _composed(
    name: str, metric: Callable[[_Tables], NDArray[np.float64]], table: NDArray[np.int64], window: str, subject: Subject
) -> Measure:
    size, n = len(table), int(table.sum())

    def of_draws(draws: NDArray[np.float64]) -> NDArray[np.float64]:
        return metric(draws.reshape(len(draws), size, size))

    with np.errstate(divide="ignore", invalid="ignore"):
        value = float(of_draws(table.reshape(1, -1).astype(np.float64))[0]) if n else math.nan
    if not math.isfinite(value):
        why = "0/0: a class that it divides by is never true or never predicted"
        return Measure(name, None, window=window, n=n, undefined_because=why)
    interval = intervals.bootstrap_counts(table.reshape(-1), of_draws, seed=subject.seed, level=subject.level)
    return with_interval(Measure(name, value, window=window, n=n), interval)


def _parts(t: _Tables) -> tuple[_Tables, _Tables, _Tables]:
    return np.diagonal(t, axis1=1, axis2=2), t.sum(axis=2), t.sum(axis=1)  # hits, true, predicted


def _macro(of: Callable[[_Tables, _Tables, _Tables], _Tables]) -> Callable[[_Tables], _Tables]:
    return lambda t: np.asarray(of(*_parts(t)).mean(axis=1))


def _weighted(of: Callable[[_Tables, _Tables, _Tables], _Tables]) -> Callable[[_Tables], _Tables]:
    def metric(t: _Tables) -> _Tables:
        hits, true, predicted = _parts(t)
        each = of(hits, true, predicted)
        # A class that is never true weighs nothing, also where its own value is undefined.
        return np.asarray(np.where(true > 0, each * true, 0.0).sum(axis=1) / true.sum(axis=1))

    return metric


def _precision(hits: _Tables, true: _Tables, predicted: _Tables) -> _Tables:
    del true
    return hits / predicted


def _recall(hits: _Tables, true: _Tables, predicted: _Tables) -> _Tables:
    del predicted
    return hits / true


def _f1(hits: _Tables, true: _Tables, predicted: _Tables) -> _Tables:
    return 2 * hits / (true + predicted)


def _kappa(t: _Tables) -> _Tables:
    hits, true, predicted = _parts(t)
    n = t.sum(axis=(1, 2))
    chance = (true * predicted).sum(axis=1) / n**2
    return np.asarray((hits.sum(axis=1) / n - chance) / (1 - chance))


def _matthews(t: _Tables) -> _Tables:
    hits, true, predicted = _parts(t)
    n = t.sum(axis=(1, 2))
    over = hits.sum(axis=1) * n - (true * predicted).sum(axis=1)
    under = np.sqrt(n**2 - (predicted**2).sum(axis=1)) * np.sqrt(n**2 - (true**2).sum(axis=1))
    return np.asarray(over / under)


_COMPOSED: dict[str, Callable[[_Tables], _Tables]] = {
    "balanced_accuracy": _macro(_recall),
    "macro_precision": _macro(_precision),
    "macro_recall": _macro(_recall),
    "macro_f1": _macro(_f1),
    "weighted_precision": _weighted(_precision),
    "weighted_recall": _weighted(_recall),
    "weighted_f1": _weighted(_f1),
    "cohen_kappa": _kappa,
    "matthews_corrcoef": _matthews,
}


def _ranked(classes: ClassCounts, window: str, level: float, top: tuple[int, ...]) -> list[Measure]:
    ranks = classes.rank_counts()
    n, found = sum(ranks.values()), []
    for k in top:
        if k >= len(classes.labels):
            continue
        hits = sum(count for rank, count in ranks.items() if rank <= k)
        why = "" if n else "there are no scores by class"
        m = Measure(f"top_{k}_accuracy", hits / n if n else None, window=window, n=n, unit="share")
        found.append(with_interval(m, intervals.wilson(hits, n, level)) if n else _undefined(m, why))
    return found


def _undefined(m: Measure, why: str) -> Measure:
    return Measure(m.name, None, window=m.window, where=m.where, n=m.n, unit=m.unit, undefined_because=why)


def _losses(classes: ClassCounts, window: str, level: float) -> list[Measure]:
    found, sums = [], classes.losses
    for name, key in (("log_loss", "log"), ("brier_score", "brier")):
        m = Measure(name, None, window=window, n=sums.n)
        if not sums.n or classes.improper:
            why = "there are no scores by class" if not sums.n else "scores are no probabilities in every row"
            found.append(_undefined(m, why))
            continue
        mean = sums.mean(key)
        # The term's own square was summed beside it.
        spread = sums.covariance(key, key, f"{key}2")
        interval = intervals.mean_interval(sums.n, mean, max(0.0, spread), level)
        found.append(with_interval(Measure(name, mean, window=window, n=sums.n), interval))
    return found


def _by_class(classes: ClassCounts, table: NDArray[np.int64], window: str, subject: Subject) -> list[Measure]:
    found: list[Measure] = []
    aucs: list[Measure] = []
    each = 1 - (1 - subject.level) / max(1, len(classes.labels))
    for at, label in enumerate(classes.labels):
        where = group_label(("class",), (label,))
        counts = classes.one_against_rest(label).confusion()
        for name, rate in _RATES.items():
            m = rate_measure(rate, counts, subject.level, window=window)
            found.append(_at(m, name, where))
        found.append(_at(_composed("f1", _f1_of(at), table, window, subject), "f1", where))
        if classes.has_score:
            auc = _auc(classes, label, window, subject.level)
            found.append(_at(auc, "roc_auc", where))
            aucs.append(_auc(classes, label, window, each))
    return found + _macro_auc(aucs, window)


_RATES = {
    "precision": "precision",
    "recall": "true_positive_rate",
    "prevalence": "prevalence",
    "selection_rate": "selection_rate",
}


def _f1_of(at: int) -> Callable[[_Tables], _Tables]:
    return lambda t: np.asarray(_f1(*_parts(t))[:, at])


def _at(m: Measure, name: str, where: str) -> Measure:
    head = (name, m.value, m.column, m.group, m.window, where, m.low, m.high, m.method, m.n, m.unit)
    return Measure(*head, m.error_bound, m.undefined_because)


def _auc(classes: ClassCounts, label: str, window: str, level: float) -> Measure:
    sides = [classes.scores.get((label, own), NumberCounts()) for own in (True, False)]
    _, positive, negative, bound = common_support(*sides)
    sizes = int(positive.sum()), int(negative.sum())
    m = Measure("roc_auc", None, window=window, n=sum(sizes))
    if not all(sizes):
        return _undefined(m, "the class is true in all rows with scores, or in none")
    value = stats.auc_from_counts(positive, negative)
    error = float((positive / sizes[0] * negative / sizes[1]).sum()) / 2 if bound else None
    m = Measure("roc_auc", value, window=window, n=sum(sizes), error_bound=error)
    return with_interval(m, intervals.auc_interval(value, *sizes, level))


def _macro_auc(aucs: list[Measure], window: str) -> list[Measure]:
    if not aucs:
        return []
    n, name = max(m.n or 0 for m in aucs), "macro_roc_auc"
    if any(m.value is None for m in aucs):
        why = "a class is true in all rows with scores, or in none"
        return [Measure(name, None, window=window, n=n, undefined_because=why)]
    value, low, high = (
        float(np.mean([getattr(m, end) if getattr(m, end) is not None else fall for m in aucs]))
        for end, fall in (("value", 0.0), ("low", 0.0), ("high", 1.0))
    )
    interval = Interval(low, high, "mean of the classes' intervals, bonferroni")
    return [with_interval(Measure(name, value, window=window, n=n), interval)]


def _confusion(labels: tuple[str, ...], table: NDArray[np.int64], window: str) -> Evidence:
    suffix = f" ({window})" if window else ""
    shown = labels[:_MOST_SHOWN]
    rows = [
        (truth, label, int(table[i, j]), float(table[i, j] / total) if (total := table[i].sum()) else None)
        for i, truth in enumerate(shown)
        for j, label in enumerate(shown)
    ]
    columns = ("truth", "prediction", "n", "share")
    notes = {"cut": len(labels) - len(shown)} if len(labels) > len(shown) else {}
    return Evidence(f"confusion{suffix}", f"Confusion table{suffix}", "confusion", columns, tuple(rows), notes)

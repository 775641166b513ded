"""Whether the model beats what needs no model: the commonest class, a guess, a constant probability."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from workbench.core import intervals
from workbench.core.check import check
from workbench.core.finding import Cell, Evidence, Measure, Result
from workbench.core.intervals import Interval
from workbench.core.joint import Confusion, JointCounts
from workbench.core.rates import measure, with_interval
from workbench.core.subject import Subject

Floats = NDArray[np.float64]


class _Guess(Protocol):
    def __call__(self, t: Floats, prevalence: float | None) -> Floats: ...


_LOSSES = {"brier": ("no_skill_brier", "brier_skill_score"), "log": ("no_skill_log_loss", "log_loss_skill")}


@dataclass(frozen=True)
class _Known:
    """What a baseline knows: the prevalence in the reference, or (None) that of the very rows it is judged on."""

    prevalence: float | None
    source: str


@check("performance.baseline", "P005", "Against simple baselines", needs=("target", "prediction"))
def baseline(subject: Subject) -> Result:
    """Compare the model with baselines that look at no feature.

    Measures: `majority_accuracy`, of always predicting the commoner class, and `accuracy_over_majority`, the model's
        accuracy minus it on the same rows; `random_guess_accuracy`, expected of guessing positive with the prevalence
        as probability, and `accuracy_over_random`; when scores are probabilities `no_skill_brier` and
        `no_skill_log_loss`, of always forecasting the prevalence, and the skill against them, `brier_skill_score` and
        `log_loss_skill` = 1 - loss / no-skill loss (1 is perfect, 0 no better, negative worse).
    Reads well when: both classes occur at least some tens of times.
    Signs of risk: a difference or a skill whose interval reaches 0: nobody would miss the model.
    Limits: a baseline learns the commoner class and the prevalence from the reference when it has a truth, and takes
        them as given; else from the current rows themselves, which flatters the baseline a little (a note says which).
        With one rare class, accuracy over the majority is close to 0 for good models too: read the skills.
    Reference: Brier (1950); Murphy (1973) Journal of Applied Meteorology 12:595 for the skill score; Bradley, Schwartz
        and Hashino (2008) Weather and Forecasting 23:992 for its sampling variance (delta method, t); seeded
        multinomial bootstrap of the four cells for differences of accuracy; Wilson (1927); names of the baselines as
        scikit-learn's DummyClassifier: most_frequent, stratified (its expectation), prior.
    """
    joint = subject.joint
    known = _known(subject)
    counts = joint.confusion()
    found = _accuracies(counts, known, subject)
    if joint.has_score:
        found += _skills(joint, known, subject.level)
    return Result(found, [_table(found, counts)], [f"the baselines learn from the {known.source}"])


def _known(subject: Subject) -> _Known:
    reference = None if subject.reference is None else subject.reference.joint
    if reference is not None and reference.has_truth:
        counts = reference.confusion()
        if counts.labelled:
            return _Known(counts.positives / counts.labelled, "reference")
    return _Known(None, "current data: they are chosen and judged on the same rows")


def _accuracies(c: Confusion, known: _Known, subject: Subject) -> list[Measure]:
    n = c.tp + c.fp + c.fn + c.tn
    names = ("majority_accuracy", "accuracy_over_majority", "random_guess_accuracy", "accuracy_over_random")
    if not n:
        why = "0/0: no row has truth and prediction"
        return [Measure(name, None, n=0, unit="share", undefined_because=why) for name in names]
    table = np.array([c.tp, c.fp, c.fn, c.tn], np.int64)
    right = round(float(_majority(table[None, :].astype(np.float64), known.prevalence)[0]) * n)
    found = [measure(names[0], right, n, intervals.wilson(right, n, subject.level))]
    for name, guess, minus in zip(names[1:], (_majority, _random, _random), (True, False, True), strict=True):
        metric = _against(guess, known.prevalence) if minus else partial(guess, prevalence=known.prevalence)
        value = float(metric(table[None, :].astype(np.float64))[0])
        interval = intervals.bootstrap_counts(table, metric, seed=subject.seed, level=subject.level)
        found.append(with_interval(Measure(name, value, n=n, unit="share"), _around(value, interval)))
    return found


def _against(guess: _Guess, prevalence: float | None) -> Callable[[Floats], Floats]:
    """Return the accuracy of the model minus that of the guess, as a function of the four cells."""
    return lambda t: np.asarray((t[:, 0] + t[:, 3]) / t.sum(axis=1) - guess(t, prevalence=prevalence))


def _majority(t: Floats, prevalence: float | None) -> Floats:
    share = (t[:, 0] + t[:, 2]) / t.sum(axis=1)
    if prevalence is None:
        return np.asarray(np.maximum(share, 1 - share))
    return np.asarray(share if prevalence > 0.5 else 1 - share)


def _random(t: Floats, prevalence: float | None) -> Floats:
    share = (t[:, 0] + t[:, 2]) / t.sum(axis=1)
    guess = share if prevalence is None else prevalence
    return np.asarray(share * guess + (1 - share) * (1 - guess))


def _around(value: float, interval: Interval | None) -> Interval | None:
    # The half added to each cell moves the draws inwards: with few rows they may miss an extreme value.
    if interval is None:
        return None
    return Interval(min(value, interval.low), max(value, interval.high), interval.method)


def _skills(joint: JointCounts, known: _Known, level: float) -> list[Measure]:
    values, positive, negative, _ = joint.score_table()
    n = int(positive.sum() + negative.sum())
    why = "" if n else "no row has truth and score"
    if n and not joint.scores_are_probabilities:
        why = "scores are not probabilities (some lie outside 0..1)"
    if why:
        return [Measure(m, None, n=n, undefined_because=why) for pair in _LOSSES.values() for m in pair]
    share = float(positive.sum()) / n if known.prevalence is None else known.prevalence
    found = []
    for kind, names in _LOSSES.items():
        model = _losses(kind, values)
        constant = _losses(kind, np.array([share]))
        found += _skill(names, model, (constant[0][0], constant[1][0]), (positive, negative), level, share)
    return found


def _losses(kind: str, p: Floats) -> tuple[Floats, Floats]:
    """Return the loss of forecasting p when the truth is positive, and when it is negative."""
    if kind == "brier":
        return (1 - p) ** 2, p**2
    eps = np.finfo(np.float64).eps
    kept = np.clip(p, eps, 1 - eps)
    return -np.log(kept), -np.log1p(-kept)


def _skill(
    names: tuple[str, str],
    model: tuple[Floats, Floats],
    constant: tuple[float, float],
    counts: tuple[NDArray[np.int64], NDArray[np.int64]],
    level: float,
    share: float,
) -> list[Measure]:
    weights, n = np.concatenate(counts), int(counts[0].sum() + counts[1].sum())
    loss = np.concatenate(model)
    base = np.concatenate([np.full(len(c), b) for c, b in zip(counts, constant, strict=True)])
    mean, mean_base = (math.fsum(v * weights) / n for v in (loss, base))
    spread = math.fsum((base - mean_base) ** 2 * weights) / (n - 1) if n > 1 else math.nan
    no_skill = Measure(names[0], mean_base, n=n)
    if share in (0, 1):
        why = "only one class occurs in what the baseline learns from: it forecasts a certainty"
        return [Measure(name, None, n=n, undefined_because=why) for name in names]
    ratio = mean / mean_base
    # The rows' own prevalence is the constant of least loss: that it is estimated costs nothing at first order.
    rest = math.fsum((loss - ratio * base) ** 2 * weights) / (n - 1) if n > 1 else math.nan
    interval = intervals.mean_interval(n, 1 - ratio, rest / mean_base**2, level)
    if interval is not None:
        interval = Interval(interval.low, interval.high, "t, delta method")
    return [
        with_interval(no_skill, intervals.mean_interval(n, mean_base, spread, level)),
        with_interval(Measure(names[1], 1 - ratio, n=n), interval),
    ]


def _table(found: list[Measure], c: Confusion) -> Evidence:
    values = {m.name: m.value for m in found}
    n = c.tp + c.fp + c.fn + c.tn
    model = (c.tp + c.tn) / n if n else None
    rows: list[tuple[Cell, ...]] = [
        ("the model", model, _loss_of_model(values, "brier"), _loss_of_model(values, "log")),
        ("always the commoner class", values["majority_accuracy"], None, None),
        ("a guess at the prevalence", values["random_guess_accuracy"], None, None),
        ("always the prevalence", None, values.get("no_skill_brier"), values.get("no_skill_log_loss")),
    ]
    columns = ("what", "accuracy", "brier score", "log loss")
    return Evidence("baselines", "The model and what needs no model", "table", columns, tuple(rows))


def _loss_of_model(values: dict[str, float | int | None], kind: str) -> float | None:
    base, skill = (values.get(name) for name in _LOSSES[kind])
    return None if base is None or skill is None else float(base) * (1 - float(skill))

"""Fairness mitigations tried on one half of the rows and compared, before and after, on the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from workbench.core import intervals
from workbench.core.check import NotApplicableError, check
from workbench.core.errors import ConfigError, import_extra, thousands, unknown
from workbench.core.finding import Evidence, Measure, Result
from workbench.core.means import mean_of
from workbench.core.numbers import Floats
from workbench.core.outcome import texts_and_codes
from workbench.core.rates import with_interval
from workbench.core.rows import Rows, design, rows_of
from workbench.core.subject import Subject

_Constraint = Literal["demographic_parity", "equalized_odds", "true_positive_rate_parity"]
_Decide = Callable[[], Floats]


@dataclass(frozen=True)
class _Halves:
    """Features, truth, score and group of the rows that mitigations learn from and of those they are measured on."""

    matrices: tuple[Floats, Floats]
    truths: tuple[Floats, Floats]
    scores: tuple[Floats, Floats] | None
    groups: tuple[Any, Any]
    decided: Floats


@check(
    "optimize.mitigation",
    "O003",
    "Mitigation compared",
    needs=("target", "prediction", "sensitive", "rows"),
    version="2",
    on_request=True,
)
def mitigation(subject: Subject, *, column: str = "", constraint: _Constraint = "demographic_parity") -> Result:
    """Try fairlearn's mitigations on one half of the rows and measure each on the other half.

    Measures: by method (`where`): accuracy, selection rate, and the largest minus the smallest selection rate and true
        positive rate of the groups of one sensitive column (the first unless named), with intervals; the model as
        it is beside thresholds by group (ThresholdOptimizer on its score), a plain logistic regression on the features,
        the same under the constraint (exponentiated gradient), and the same after removing linear correlation with the
        column.
    Reads well when: each half has some thousands of rows and every group some hundreds.
    Signs of risk: a gap that closes because everybody is selected, or nobody: see the selection rate, and the notes.
        Else none by itself: it is evidence for a decision. Nothing is changed in the model that is audited.
    Limits: thresholds by group treat people differently by group, which the law may forbid; predictions of the first
        two are random near the threshold (seeded). The learners are simple: they show what is possible, not the best.
    Reference: Hardt, Price and Srebro (2016) for thresholds; Agarwal et al. (2018) for the reductions; Bird et al.
        (2020), Fairlearn; halves by the seeded row hash; Newcombe (1998) and Tukey for gaps, Wilson (1927).
    """
    name = column or subject.roles.sensitive[0]
    if name not in subject.roles.sensitive:
        raise ConfigError("column: " + unknown("sensitive column", name, subject.roles.sensitive))
    halves = _halves(subject, name)
    limits = import_extra("threadpoolctl", "model", "mitigation").threadpool_limits
    learnt, measured = (thousands(len(truth)) for truth in halves.truths)
    measures: list[Measure] = []
    table, notes = [], [f"learnt on {learnt} rows, measured on {measured}"]
    for method, decide in _methods(subject, halves, constraint):
        subject.stop()
        with limits(1):  # one thread: how work is split between threads changes the last bits of sums
            decided = decide()
        found = _measured(decided, halves.truths[1], halves.groups[1], method, subject.level)
        measures += found
        notes += _alike(decided, method)
        table.append((method, *(v for m in found for v in (m.value, m.low, m.high))))
    told = ("accuracy", "selection rate", "selection gap", "TPR gap")
    columns = ("method", *(f"{m}{end}" for m in told for end in ("", " low", " high")))
    title = f"Mitigations compared on held-out rows, by {name}"
    return Result(measures, [Evidence("mitigation", title, "table", columns, tuple(table))], notes)


def _alike(decided: Floats, method: str) -> list[str]:
    """Say where a method decides alike for all, which closes every gap."""
    if len(np.unique(decided)) > 1:
        return []
    whom = "every row" if decided[0] else "no row"
    return [f"{method}: {whom} is selected, so no gap can open: it treats all alike by telling nobody apart"]


def _halves(subject: Subject, name: str) -> _Halves:
    rows = rows_of(subject)
    values, codes = texts_and_codes(rows.batch.column(name))
    usable = rows.known & np.array([v is not None for v in values] or [False])[codes]
    first = subject.sample.first_half
    counts = [np.bincount(codes[usable & side], minlength=len(values)) for side in (first, ~first)]
    least = max(20, subject.minimum_group_size)
    kept = [i for i in range(len(values)) if values[i] is not None and min(c[i] for c in counts) >= least]
    if len(kept) < 2:
        raise NotApplicableError(f"fewer than two groups of {name} have {least} rows in each half")
    usable &= np.isin(codes, kept)
    sides = [usable & first, usable & ~first]
    if any(len(np.unique(rows.truth[s & (codes == k)])) < 2 for s in sides for k in kept):
        raise NotApplicableError("a group has only one class in a half of the rows")
    return _cut(subject, rows, codes, sides, name)


def _cut(subject: Subject, rows: Rows, codes: Any, sides: list[Any], name: str) -> _Halves:
    kinds = {n: c.kind for n, c in subject.current.columns.items()}
    features = [c for c in subject.features if c != name]
    parts = [rows.take(side) for side in sides]
    one, two = design([p.batch for p in parts], features, kinds)
    scored = rows.score is not None
    return _Halves(
        (one.matrix, two.matrix),
        (parts[0].truth, parts[1].truth),
        (parts[0].score, parts[1].score) if scored else None,  # type: ignore[arg-type]
        (codes[sides[0]], codes[sides[1]]),
        parts[1].prediction,
    )


def _methods(subject: Subject, halves: _Halves, constraint: _Constraint) -> Iterator[tuple[str, _Decide]]:
    yield "as it is", lambda: halves.decided
    if halves.scores is not None:
        yield "thresholds by group", lambda: _thresholds(halves, constraint, subject.seed)
    if halves.matrices[0].shape[1]:
        yield "logistic regression", lambda: _plain(halves, halves.matrices)
        yield "under the constraint", lambda: _reduced(halves, constraint, subject.seed)
        yield "correlation removed", lambda: _plain(halves, _removed(halves))


def _thresholds(halves: _Halves, constraint: _Constraint, seed: int) -> Floats:
    fair = import_extra("fairlearn.postprocessing", "fairness", "mitigation")
    base = import_extra("sklearn.base", "model", "mitigation")
    if halves.scores is None:
        raise NotApplicableError("there is no score")
    optimizer = fair.ThresholdOptimizer(
        estimator=_given(base.ClassifierMixin, base.BaseEstimator),
        constraints=constraint,
        prefit=True,
        predict_method="predict",
    )
    first, second = (s[:, None] for s in halves.scores)
    optimizer.fit(first, halves.truths[0], sensitive_features=halves.groups[0])
    decided = optimizer.predict(second, sensitive_features=halves.groups[1], random_state=seed % 2**32)
    return np.asarray(decided, np.float64)


def _given(mixin: Any, estimator: Any) -> Any:
    """Return a fitted classifier whose rows are the scores themselves."""

    class Given(mixin, estimator):  # type: ignore[misc]
        classes_ = np.array([0, 1])

        def fit(self, rows: Any, truth: Any) -> Any:
            return self

        def predict(self, rows: Any) -> Any:
            return np.asarray(rows)[:, 0]

        def __sklearn_is_fitted__(self) -> bool:
            return True

    return Given()


def _plain(halves: _Halves, matrices: tuple[Floats, Floats]) -> Floats:
    linear = import_extra("sklearn.linear_model", "model", "mitigation")
    fitted = linear.LogisticRegression(max_iter=300).fit(matrices[0], halves.truths[0])
    return np.asarray(fitted.predict(matrices[1]), np.float64)


def _reduced(halves: _Halves, constraint: _Constraint, seed: int) -> Floats:
    fair = import_extra("fairlearn.reductions", "fairness", "mitigation")
    linear = import_extra("sklearn.linear_model", "model", "mitigation")
    wanted = {
        "demographic_parity": fair.DemographicParity,
        "equalized_odds": fair.EqualizedOdds,
        "true_positive_rate_parity": fair.TruePositiveRateParity,
    }[constraint]
    learner = fair.ExponentiatedGradient(linear.LogisticRegression(max_iter=300), wanted(), max_iter=20)
    learner.fit(halves.matrices[0], halves.truths[0], sensitive_features=halves.groups[0])
    return np.asarray(learner.predict(halves.matrices[1], random_state=seed % 2**32), np.float64)


def _removed(halves: _Halves) -> tuple[Floats, Floats]:
    fair = import_extra("fairlearn.preprocessing", "fairness", "mitigation")
    kinds = np.unique(halves.groups[0])[1:]  # one of the groups is what the others say together
    joined = [
        np.hstack([m, (g[:, None] == kinds[None, :]).astype(float)])
        for m, g in zip(halves.matrices, halves.groups, strict=True)
    ]
    width = halves.matrices[0].shape[1]
    remover = fair.CorrelationRemover(sensitive_feature_ids=list(range(width, width + len(kinds))))
    first = remover.fit_transform(joined[0])
    return np.asarray(first, np.float64), np.asarray(remover.transform(joined[1]), np.float64)


def _measured(decided: Floats, truth: Floats, groups: Any, method: str, level: float) -> list[Measure]:
    right = (decided == truth).astype(float)
    found = [
        mean_of(n, v, level, unit="share", where=method) for n, v in (("accuracy", right), ("selection_rate", decided))
    ]
    for name, among in (("selection_rate", np.ones(len(truth), bool)), ("true_positive_rate", truth == 1)):
        counts = [
            (int(decided[among & (groups == g)].sum()), int((among & (groups == g)).sum())) for g in np.unique(groups)
        ]
        answer = intervals.gap_difference(counts, level)
        n = sum(c[1] for c in counts)
        m = Measure(f"{name}_difference", None if answer is None else answer[0], where=method, n=n, unit="share")
        found.append(with_interval(m, None if answer is None else answer[1]))
    return found

"""How well the other features give a sensitive column away, and which of them do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from workbench.core import intervals, stats
from workbench.core.check import NotApplicableError, check
from workbench.core.errors import import_extra
from workbench.core.finding import Evidence, Measure, Result
from workbench.core.numbers import Floats, Ints, NumberCounts, common_support
from workbench.core.outcome import texts_and_codes
from workbench.core.rates import with_interval
from workbench.core.rows import Design, design
from workbench.core.subject import Subject

_MOST_VALUES = 6
_Table = list[tuple[str | float | int | None, ...]]


@check("bias.proxies", "B009", "Proxies", needs=("sensitive", "rows"), on_request=True)
def proxies(subject: Subject, *, folds: int = 5, most_rows: int = 5_000, top: int = 8) -> Result:
    """Predict each sensitive column from the features and report how well that works.

    Measures: `proxy_auc` for each value of each sensitive column (`where`): held-out ROC AUC of predicting it from
        all other features, with an interval, 0.5 being no information; `single_feature_auc` of the features that do
        best alone; `largest_proxy_auc` of the column.
    Reads well when: each value has some hundreds of rows.
    Signs of risk: an AUC far above 0.5: leaving the column out of the model does not hide it.
    Limits: a lower bound: a stronger learner may find more. Logistic regression on standardised features, categories
        as 0/1 columns; the interval treats held-out scores of the folds as one. An AUC says how well, not that the
        model uses it.
    Reference: scikit-learn's LogisticRegression and StratifiedKFold, seeded; Newcombe (2006) for the interval of AUC;
        the idea as in Feldman et al. (2015) KDD, predictability of the protected attribute.
    """
    batch = subject.sample.rows.slice(0, most_rows)
    columns = [c for c in subject.features if c not in subject.roles.sensitive]
    if not columns:
        raise NotApplicableError("there is no feature besides the sensitive columns")
    kinds = {name: c.kind for name, c in subject.current.columns.items()}
    (features,) = design([batch], columns, kinds)
    measures: list[Measure] = []
    table: _Table = []
    for column in subject.roles.sensitive:
        if column in kinds:
            values, codes = texts_and_codes(batch.column(column))
            measures += _of_column(subject, features, column, values, codes, folds, top, table)
    if not measures:
        raise NotApplicableError("no sensitive column has two values with enough rows")
    head = ("column", "value", "n", "auc", "low", "high", "best single features")
    evidence = Evidence("proxies", "How well features predict the sensitive columns", "table", head, tuple(table))
    return Result(measures, [evidence], [subject.sample.measured(batch.num_rows)])


def _of_column(
    subject: Subject,
    features: Design,
    column: str,
    values: Sequence[str | None],
    codes: Ints,
    folds: int,
    top: int,
    table: _Table,
) -> list[Measure]:
    least = max(subject.minimum_group_size, 2 * folds)
    counts = np.bincount(codes, minlength=len(values)) if len(values) else np.zeros(0, int)
    known = np.isin(codes, [i for i, v in enumerate(values) if v is not None])
    kept = [i for i in np.argsort(-counts, kind="stable") if values[i] is not None and counts[i] >= least]
    if len(kept) < 2:
        return []
    kept = kept[:1] if len(kept) == 2 else kept[:_MOST_VALUES]  # of two values one says it all
    found = []
    for code in kept:
        subject.stop()
        own = (codes == code)[known]
        m = _auc(_held_out(features.matrix[known], own, folds, subject.seed), own, subject.level)
        label = f"{column}={values[code]}"
        singles = _singles(features, features.matrix[known], own, subject.level)[:top]
        found.append(_named(m, "proxy_auc", column, label))
        found += [_named(s, "single_feature_auc", s.column, label) for s in singles]
        best = ", ".join(f"{s.column} {s.value:.2f}" for s in singles[:3])
        table.append((column, values[code], int(own.sum()), m.value, m.low, m.high, best))
    largest = max((f for f in found if f.name == "proxy_auc"), key=lambda f: f.value or 0.0)
    return [_named(largest, "largest_proxy_auc", column, ""), *found]


def _named(m: Measure, name: str, column: str, where: str) -> Measure:
    return Measure(name, m.value, column, "", "", where, m.low, m.high, m.method, m.n)


def _held_out(matrix: Floats, own: Any, folds: int, seed: int) -> Floats:
    linear = import_extra("sklearn.linear_model", "model", "predicting a sensitive column")
    selection = import_extra("sklearn.model_selection", "model", "predicting a sensitive column")
    scores = np.zeros(len(own))
    splits = selection.StratifiedKFold(folds, shuffle=True, random_state=seed % 2**32)
    for train, test in splits.split(matrix, own):
        model = linear.LogisticRegression(max_iter=200, C=1.0).fit(matrix[train], own[train])
        scores[test] = model.decision_function(matrix[test])
    return scores


def _auc(scores: Floats, own: Any, level: float) -> Measure:
    _, positive, negative, _ = common_support(NumberCounts.of(scores[own]), NumberCounts.of(scores[~own]))
    value, sizes = stats.auc_from_counts(positive, negative), (int(own.sum()), int((~own).sum()))
    return with_interval(Measure("auc", value, n=sum(sizes)), intervals.auc_interval(value, *sizes, level))


def _singles(features: Design, matrix: Floats, own: Any, level: float) -> list[Measure]:
    best: dict[str, Measure] = {}
    for at, column in enumerate(features.column):
        m = _auc(matrix[:, at], own, level)
        if (m.value or 0.0) < 0.5:
            m = _auc(-matrix[:, at], own, level)
        if column not in best or (m.value or 0) > (best[column].value or 0):
            best[column] = Measure("auc", m.value, column, "", "", "", m.low, m.high, m.method, m.n)
    return sorted(best.values(), key=lambda m: (-(m.value or 0.0), m.column))

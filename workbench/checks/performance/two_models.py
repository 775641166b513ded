"""Two models on the same rows: which is better, by how much and how sure."""

from __future__ import annotations

import math

import numpy as np

from workbench.core import intervals, paired_auc
from workbench.core.check import NotApplicableError, check
from workbench.core.finding import Cell, Evidence, Measure, Result
from workbench.core.means import mean_of, paired
from workbench.core.rates import with_interval
from workbench.core.rows import Rows, rows_of
from workbench.core.subject import Subject


@check("performance.two_models", "P012", "Two models compared", needs=("truth", "rows", "challenger"))
def two_models(subject: Subject) -> Result:
    """Compare the challenger with the audited model on the same rows; differences are challenger minus model.

    Measures: accuracy of both and their difference with a paired interval, McNemar's exact p, counts of rows that
        only one gets right; for scores the difference of ROC AUC by paired DeLong and of the squared error; for
        numbers the difference of the mean absolute and mean squared error; each by the pairs.
    Reads well when: both models were fitted on other rows than these.
    Signs of risk: a difference whose interval excludes 0 in the wrong direction.
    Limits: measured on the seeded sample (it says how many rows). Tuning the challenger on these rows flatters it.
    Reference: McNemar (1947), exact binomial; Tango (1998) Statistics in Medicine 17:891 score interval for paired
        proportions; DeLong, DeLong and Clarke-Pearson (1988) Biometrics 44:837; paired t for means.
    """
    one, two = rows_of(subject), rows_of(subject, model=subject.challenger)
    both = one.known & two.known
    one, two = one.take(both), two.take(both)
    if not one.n:
        raise NotApplicableError("no row has a truth and a prediction of both models")
    found = _numbers(one, two, subject.level) if one.task == "regression" else _labels(one, two, subject)
    changes = [m for m in found if m.name.endswith("_change") and m.low is not None]
    table = [(m.name.removesuffix("_change").replace("_", " "), m.n, m.value, m.low, m.high) for m in changes]
    columns = ("label", "n", "value", "low", "high")
    about: dict[str, Cell] = {"measure": "challenger minus model", "overall": 0.0, "overall_is": "no change:"}
    evidence = (
        [Evidence("two models", "Challenger minus model", "forest", columns, tuple(table), about)] if table else []
    )
    return Result(found, evidence, [subject.sample.measured(one.n)])


def _numbers(one: Rows, two: Rows, level: float) -> list[Measure]:
    return [
        mean_of("mean_absolute_error", one.loss, level),
        mean_of("mean_absolute_error", two.loss, level, where="challenger"),
        paired("mean_absolute_error_change", two.loss - one.loss, level),
        paired("mean_squared_error_change", two.loss**2 - one.loss**2, level),
    ]


def _labels(one: Rows, two: Rows, subject: Subject) -> list[Measure]:
    level, right = subject.level, (one.loss == 0, two.loss == 0)
    only = [int((right[0] & ~right[1]).sum()), int((right[1] & ~right[0]).sum())]
    n, value = one.n, (only[1] - only[0]) / one.n
    interval = intervals.paired_difference(only[1], only[0], n, level)
    found = [
        mean_of("accuracy", right[0].astype(float), level, unit="share"),
        mean_of("accuracy", right[1].astype(float), level, unit="share", where="challenger"),
        with_interval(Measure("accuracy_change", value, n=n, unit="share"), interval),
        Measure("mcnemar_p_value", _mcnemar(*only), n=sum(only)),
        Measure("only_model_right", only[0], n=n, unit="rows"),
        Measure("only_challenger_right", only[1], n=n, unit="rows"),
    ]
    return found + _scores(one, two, level)


def _mcnemar(b: int, c: int) -> float:
    from scipy.stats import binomtest

    return 1.0 if b + c == 0 else float(binomtest(min(b, c), b + c).pvalue)


def _scores(one: Rows, two: Rows, level: float) -> list[Measure]:
    if one.score is None or two.score is None:
        return []
    n = one.n
    found = paired_auc.difference(one.truth, one.score, two.score, level)
    if found is None:
        why = "DeLong's interval needs two rows of each class"
        auc = Measure("roc_auc_change", None, n=n, undefined_because=why)
    else:
        auc = with_interval(Measure("roc_auc_change", found[0], n=n), found[1])
    proper = all(((s >= 0) & (s <= 1)).all() for s in (one.score, two.score))
    if not proper:
        return [auc]
    losses = [(s - one.truth) ** 2 for s in (one.score, two.score)]
    change = paired("brier_score_change", np.asarray(losses[1] - losses[0]), level)
    return [auc, change] if not math.isnan(float(change.value or 0)) else [auc]

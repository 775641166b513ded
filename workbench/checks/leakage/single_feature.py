"""One feature that foretells the target alone."""

from __future__ import annotations

import numpy as np

from workbench.core.alone import NAMES, Strength, strength
from workbench.core.check import NotApplicableError, check
from workbench.core.finding import Evidence, Measure, Result
from workbench.core.rates import with_interval
from workbench.core.rows import Reader
from workbench.core.subject import Subject

_MOST_LISTED = 50


@check("leakage.single_feature", "L002", "Single-feature prediction", needs=("truth", "rows"))
def single_feature(subject: Subject) -> Result:
    """Measure how well each feature alone foretells the target.

    Measures: per feature `single_feature_auc` (binary target, 0.5 is no information), `single_feature_accuracy`
        (several classes) or `single_feature_r_squared` (numbers), with an interval; for several classes also
        `majority_share`, the accuracy of always saying the commonest.
    Reads well when: the target is hard to foretell, as most worth a model are.
    Signs of risk: a value near 1, far above the other features: the column was filled in after the outcome, or is the
        outcome under another name.
    Limits: the better of two ways is reported: the number itself, and the mean target of its twentieth or category,
        learnt on the other half of the rows; the interval treats the halves as one and the choice as given. A strong
        feature may be honest. Leaks that take two features together are not seen.
    Reference: target leakage, Kaufman et al. (2012) ACM TKDD 6:15; Newcombe (2006) for the interval of AUC, Fisher
        (1915) for that of a correlation, Wilson (1927) for accuracy; halves in turn, in the order of the seeded
        row hash.
    """
    sample, task = subject.sample, subject.roles.kind_of_task
    truth = Reader(subject).truth(sample.rows)
    half = sample.first_half
    found: dict[str, Strength] = {}
    for name in subject.features:
        subject.stop()
        s = strength(sample.rows.column(name), subject.current.columns[name].kind, truth, half, task, subject.level)
        if s is not None:
            found[name] = s
    if not found:
        raise NotApplicableError("no feature varies, or the target is one value")
    measures = [
        with_interval(
            Measure(NAMES[task], s.value, name, n=s.n, unit="share" if task == "multiclass" else ""), s.interval
        )
        for name, s in found.items()
    ]
    if task == "multiclass":
        known = truth[~np.isnan(truth)]
        share = float(np.unique(known, return_counts=True)[1].max() / len(known))
        measures.append(Measure("majority_share", share, n=len(known), unit="share"))
    return Result(measures, [_table(found, task)], [f"measured on {sample.words}"])


def _table(found: dict[str, Strength], task: str) -> Evidence:
    order = sorted(found, key=lambda name: (-found[name].value, name))[:_MOST_LISTED]
    rows = []
    for name in order:
        s = found[name]
        ends = (None, None) if s.interval is None else (s.interval.low, s.interval.high)
        rows.append((name, s.n, s.value, *ends, s.by))
    head = ("feature", "n", NAMES[task].removeprefix("single_feature_"), "low", "high", "by")
    return Evidence("features", "What each feature tells alone", "table", head, tuple(rows))

"""How well a classifier tells current rows from those of the reference, and by which features."""

from __future__ import annotations

import math

import numpy as np

from workbench.core import intervals, paired_auc, stats
from workbench.core.boosting import Boosted, boosted
from workbench.core.check import NotApplicableError, check
from workbench.core.errors import MissingExtraError, thousands
from workbench.core.finding import Cell, Evidence, Measure, Result
from workbench.core.numbers import Floats, NumberCounts, common_support
from workbench.core.rates import measure, with_interval
from workbench.core.subject import Subject
from workbench.core.two_samples import Encoded, Mask, TwoSamples, encoded, two_samples

_LEAST = 20
_SHUFFLED_CELLS = 150_000
_POWER = 0.8
_OUTSIDE = 0.99


@check("drift.domain_classifier", "D008", "Telling current rows from the reference", needs=("reference", "rows"))
def domain_classifier(subject: Subject, *, most_rows: int = 20_000, iterations: int = 50, top: int = 20) -> Result:
    """Train a classifier to tell current rows from reference rows, and measure it on rows it has not seen.

    Measures: `domain_auc`, the area under the ROC curve on the held-out half, with an interval: 0.5 when nothing
        differs, 1 when every row gives itself away; the p of "not above 0.5"; `domain_auc_minimum_detectable`, the
        smallest true area that an interval would set apart from 0.5 with probability 0.8 at these sizes;
        `current_share`, the class balance; `separating_importance` of each feature, the area lost when its values are
        shuffled among held-out rows; `outside_reference_share`, the share of current rows that score higher than 99 %
        of the reference's rows do (about 1 % when nothing differs).
    Reads well when: each side has some thousands of rows.
    Signs of risk: an area whose whole interval lies above the limit: the features together differ, in their joint
        distribution too, which looking at one column at a time can miss.
    Limits: half of the rows train, the other half is measured, and the interval holds for this one trained
        classifier, its held-out rows taken as independent. (Cross-validated scores share training rows: where nothing
        differs their area varies 1.4 times as much as the interval allows.) A lower bound of what can be told. It says
        that rows differ, not that it matters to the model. Of features that carry the same information each seems
        unimportant. Times are left out, since any two periods differ in them.
    Reference: Lopez-Paz and Oquab (2017) for the classifier two-sample test; Rabanser, Gunnemann and Lipton (2019);
        scikit-learn's HistGradientBoostingClassifier; Newcombe (2006), method 5, for the interval; Mann and Whitney
        (1947) for p; Breiman (2001) for shuffling, DeLong et al. (1988) for its interval; Nadeau and Bengio (2003) on
        cross-validated intervals.
    """
    two = two_samples(subject, most_rows)
    if not two.columns:
        raise NotApplicableError("; ".join(("no feature can be compared row by row", *two.notes)))
    features, halves = encoded(two), two.halves()
    training, held = _labelled(features, halves, first=True), _labelled(features, halves, first=False)
    if min(side.sum() for side in (training[1], ~training[1], held[1], ~held[1])) < _LEAST:
        raise NotApplicableError(f"each half of each side needs {_LEAST} rows")
    try:
        model = boosted(
            training[0],
            training[1].astype(np.float64),
            features.categorical,
            purpose="telling current rows from the reference",
            iterations=iterations,
            seed=subject.seed,
        )
    except MissingExtraError as missing:
        raise NotApplicableError(str(missing)) from None
    scores = model.scores(held[0])
    found = _separation(scores, held[1], subject.level)
    used, importance = _importance(model, two, held, subject)
    found += importance
    held_words = f"{thousands(len(training[1]))} rows trained, {thousands(len(scores))} others measured"
    notes = [f"{two.words}: {held_words}", f"features shuffled among {thousands(used)} held-out rows", *two.notes]
    if (found[0].high or 1.0) < 0.5:
        notes.append("an area under 0.5: rows are alike across the sides beyond chance; do the data sets share rows?")
    return Result(found, [_drawing(importance, top)], notes)


def _labelled(features: Encoded, halves: tuple[Mask, Mask], *, first: bool) -> tuple[Floats, Mask]:
    """Return the rows of one half and which of them are current."""
    chosen = [half if first else ~half for half in halves]
    parts = (features.reference[chosen[0]], features.current[chosen[1]])
    return np.concatenate(parts), np.repeat([False, True], [len(p) for p in parts])


def _separation(scores: Floats, current: Mask, level: float) -> list[Measure]:
    n, m = int(current.sum()), int((~current).sum())
    value = _auc(scores, current)
    error = math.sqrt((n + m + 1) / (12 * n * m))
    reach = (intervals.normal_quantile(level) + intervals.normal_quantile(2 * _POWER - 1)) * error
    auc = with_interval(Measure("domain_auc", value, n=n), intervals.auc_interval(value, n, m, level))
    limit = float(np.quantile(scores[~current], _OUTSIDE, method="higher"))
    outside = int((scores[current] > limit).sum())
    return [
        auc,
        Measure("domain_auc_reference_n", m, n=m, unit="rows"),
        Measure("domain_auc_p_value", _tail((value - 0.5) / error), n=n, method="mann-whitney, one-sided"),
        Measure("domain_auc_minimum_detectable", min(1.0, 0.5 + reach), n=n),
        measure("current_share", n, n + m, intervals.wilson(n, n + m, level)),
        measure("outside_reference_share", outside, n, intervals.wilson(outside, n, level)),
    ]


def _auc(scores: Floats, positive: Mask) -> float:
    tables = [NumberCounts.of(scores[rows]) for rows in (positive, ~positive)]
    _, above, below, _ = common_support(*tables)
    return stats.auc_from_counts(above, below)


def _tail(z: float) -> float:
    from scipy.special import ndtr

    return float(ndtr(-z))


def _importance(
    model: Boosted, two: TwoSamples, held: tuple[Floats, Mask], subject: Subject
) -> tuple[int, list[Measure]]:
    """Return how many held-out rows were shuffled, and what each feature's shuffling costs."""
    rng = np.random.default_rng((subject.seed, 1))
    most = max(500, _SHUFFLED_CELLS // len(two.columns))
    rows = rng.permutation(len(held[1]))[:most]
    matrix, current = held[0][rows], held[1][rows]
    before, found = model.scores(matrix), []
    for at, name in enumerate(two.columns):
        subject.stop()
        changed = matrix.copy()
        changed[:, at] = rng.permutation(matrix[:, at])
        answer = paired_auc.difference(current.astype(np.float64), model.scores(changed), before, subject.level)
        if answer is None:
            why = "under two held-out rows of a side"
            found.append(Measure("separating_importance", None, name, n=len(rows), undefined_because=why))
            continue
        found.append(with_interval(Measure("separating_importance", answer[0], name, n=len(rows)), answer[1]))
    return len(rows), found


def _drawing(importance: list[Measure], top: int) -> Evidence:
    ranked = sorted(importance, key=lambda m: (-(m.value if m.value is not None else -math.inf), m.column))
    rows: list[tuple[Cell, ...]] = [(m.column, m.n, m.value, m.low, m.high) for m in ranked[:top]]
    return Evidence(
        "separating features",
        "What tells current rows from the reference",
        "forest",
        ("label", "n", "value", "low", "high"),
        tuple(rows),
        {"measure": "separating_importance", "overall": 0.0, "overall_is": "no effect:"},
    )

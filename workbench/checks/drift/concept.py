"""Whether the truth still goes with the score, or the prediction, as it did in the reference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from workbench.core import challenger, intervals, means, regions, strata
from workbench.core.check import NotApplicableError, check
from workbench.core.classes import ClassCounts
from workbench.core.counts import Counted
from workbench.core.distances import chi_square_contingency
from workbench.core.errors import MissingExtraError
from workbench.core.errors_of import mean_measure
from workbench.core.finding import Cell, Evidence, Measure, Result
from workbench.core.importance import loss_words
from workbench.core.intervals import Interval, mover_difference
from workbench.core.joint import JointCounts
from workbench.core.numbers import Floats, Ints
from workbench.core.rates import measure, with_interval
from workbench.core.rows import Rows, rows_of
from workbench.core.strata import Scores, Stratum
from workbench.core.subject import Subject
from workbench.core.two_samples import TwoSamples, encoded, outcomes_lacking, two_samples

_WIDE = 0.05
_NO_TRUTH = "the reference has no truth to compare with"


@check("drift.concept", "D011", "Concept drift", needs=("reference", "truth"), uses=("rows", "prediction"))
def concept(
    subject: Subject, *, bins: int = 10, least: int = 30, most_regions: int = 10, iterations: int = 50
) -> Result:
    """Compare what is true of rows with like scores, now and in the reference.

    Measures: `truth_rate_change` by bin of the score (`where`), how much more often the truth is positive now than in
        the reference at such scores, with an interval, and over all bins at the present mix of scores; a chi-square
        over the bins with its p of no change; for scores that are probabilities the changes of mean score minus
        observed rate, and of the calibration slope. For several classes, or without a score, `precision_change` by
        predicted class; for numbers `bias_change` by tenth of the prediction. With rows: `changed_regions`, bins of
        features in which the truth has moved away from what the score says, found on one half of the rows and
        confirmed on the other (`region_change`), and `challenger_gain`, how much smaller the loss of a small model
        refitted on half of the rows is than that of the present predictions, on the other half.
    Reads well when: each side has some thousands of rows with truth.
    Signs of risk: a change whose whole interval lies away from 0: the same score means something else than it did. A
        gain now that the reference does not show: refitting would pay.
    Limits: rows whose truth is not known yet are left out, and may differ. A bin's change is less what the reference's
        own logistic line of truth on score expects from where the scores lie within the bin now; where the scores of
        the two sides hardly overlap, bins are wide and rest on that line (a note says so). A feature that the score
        leaves out can move the truth at every score without the relation having changed. Regions are bins of one
        feature; the strongest candidates are tried. The gain on a reference that trained the model is too small.
    Reference: Newcombe (1998) for differences; Zou and Donner (2008) for their weighted mean; Pearson (1900) summed
        over the bins (test of conditional independence, Bishop, Fienberg and Holland 1975); Cox (1958) for the
        calibration line; Welch (1947); Benjamini and Hochberg (1995) over regions; scikit-learn's
        HistGradientBosting learners for the challenger.
    """
    if subject.reference is None:
        raise NotApplicableError("no reference data was given")
    part = {"binary": _binary, "multiclass": _classes, "regression": _numbers}[subject.roles.kind_of_task]
    found, evidence, notes = part(subject, subject.reference, bins, least)
    if subject.current.sample is None or subject.reference.sample is None:
        notes.append("without rows: no regions of features, no challenger")
        return Result(found, evidence, notes)
    more = _on_rows(subject, subject.reference, most_regions, iterations)
    return Result([*found, *more[0]], [*evidence, *more[1]], [*notes, *more[2]])


_Parts = tuple[list[Measure], list[Evidence], list[str]]


# ---------------------------------------------------------------------------- from counts: binary


def _binary(subject: Subject, reference: Counted, bins: int, least: int) -> _Parts:
    now, then = subject.joint, reference.joint
    if then is None or not then.confusion().labelled:
        raise NotApplicableError(_NO_TRUTH)
    if not now.confusion().labelled:
        raise NotApplicableError("no current row has a truth")
    if not (now.has_score and then.has_score):
        found = _predicted(now, then)
        if not found:
            raise NotApplicableError("no prediction has rows with truth on both sides")
        return (*_of_strata(found, subject.level, "prediction"), [])
    tables = [(t[0], t[1], t[2]) for t in (now.score_table(), then.score_table())]
    if not len(tables[0][0]) or not len(tables[1][0]):
        raise NotApplicableError("a side has no row with truth and score")
    found = strata.score_strata(tables[0], tables[1], bins, least)
    measures, evidence = _of_strata(found, subject.level, "score")
    measures.append(_outside(tables[0], tables[1], subject.level))
    if now.scores_are_probabilities and then.scores_are_probabilities:
        measures += _calibration(tables[0], tables[1], subject.level)
    notes = []
    if any(abs(s.expected) > _WIDE for s in found):
        notes.append(
            "scores lie elsewhere within some bins now: there the change rests on the reference's logistic line"
        )
    return measures, evidence, notes


def _predicted(now: JointCounts, then: JointCounts) -> list[Stratum]:
    found = []
    for label, hits, misses in (("predicted positive", "tp", "fp"), ("predicted negative", "fn", "tn")):
        (x, n), (y, m) = (
            (getattr(c, hits), getattr(c, hits) + getattr(c, misses)) for c in (now.confusion(), then.confusion())
        )
        if n and m:
            found.append(Stratum(label, n, x, m, y))
    return found


def _of_strata(found: Sequence[Stratum], level: float, kind: str) -> tuple[list[Measure], list[Evidence]]:
    name = "truth_rate_change"
    overall = strata.standardised(found, level)
    if overall is None:
        why = "no bin holds rows with truth of both sides"
        return [Measure(name, None, n=0, unit="share", undefined_because=why)], []
    n = sum(s.n for s in found)
    measures = [with_interval(Measure(name, overall[0], n=n, unit="share"), overall[1])]
    measures += _test([s.square for s in found], n)
    table: list[tuple[Cell, ...]] = []
    for s in found:
        value, interval = s.change(level)
        measures.append(with_interval(Measure(name, value, where=s.label, n=s.n, unit="share"), interval))
        table.append((s.label, s.n, s.m, s.x / s.n, s.y / s.m, s.expected, value, interval.low, interval.high))
    columns = ("where", "n", "reference n", "truth now", "truth in the reference", "expected", "change", "low", "high")
    evidence = [
        Evidence("truth by score", f"Truth by {kind}, now and in the reference", "table", columns, tuple(table))
    ]
    return measures, ([_lines(found, level)] if kind == "score" else []) + evidence


def _test(squares: Sequence[float | None], n: int) -> list[Measure]:
    statistic, dof, p = strata.chi_square(squares)
    told = f"chi-square summed over bins, {dof} degrees of freedom"
    return [
        Measure("relation_change_chi_square", statistic, n=n, method=told),
        Measure("relation_change_p_value", p, n=n, method=told),
    ]


def _lines(found: Sequence[Stratum], level: float) -> Evidence:
    rows: list[tuple[Cell, ...]] = []
    for series in ("reference", "current"):
        for s in found:
            x, n, score = (s.x, s.n, s.score) if series == "current" else (s.y, s.m, s.reference_score)
            rate = intervals.wilson(x, n, level)
            rows.append((score, x / n, None if rate is None else rate.low, None if rate is None else rate.high, series))
    about: dict[str, Cell] = {"x": "mean score", "y": "share truly positive", "unit": "share"}
    columns = ("x", "y", "low", "high", "series")
    return Evidence(
        "truth along the score", "Share truly positive along the score", "lines", columns, tuple(rows), about
    )


def _outside(now: Scores, then: Scores, level: float) -> Measure:
    inside = strata.within(now, float(then[0][0]), float(then[0][-1]))
    n = int(now[1].sum() + now[2].sum())
    x = n - int(inside[1].sum() + inside[2].sum())
    return measure("outside_reference_score_share", x, n, intervals.wilson(x, n, level))


def _calibration(now: Scores, then: Scores, level: float) -> list[Measure]:
    n = int(now[1].sum() + now[2].sum())
    ends = [_too_high(t, level) for t in (now, then)]
    large = Measure("mean_score_difference_change", ends[0][0] - ends[1][0], n=n, unit="share")
    if ends[0][1] is not None and ends[1][1] is not None:
        large = with_interval(large, mover_difference(ends[0][0], ends[0][1], ends[1][0], ends[1][1]))
    fits = [strata.slope_of(t) for t in (now, then)]
    if fits[0] is None or fits[1] is None:
        why = "a logistic fit has no finite solution (one class, one score value, or perfect separation)"
        return [large, Measure("calibration_slope_change", None, n=n, undefined_because=why)]
    value = fits[0][0] - fits[1][0]
    half = intervals.normal_quantile(level) * float(np.hypot(fits[0][1], fits[1][1]))
    slope = Measure("calibration_slope_change", value, n=n)
    return [large, with_interval(slope, Interval(value - half, value + half, "wald, robust"))]


def _too_high(table: Scores, level: float) -> tuple[float, Interval | None]:
    """Return the mean of score minus truth with its t interval."""
    values, positive, negative = table
    residuals, counts = np.concatenate((values - 1, values)), np.concatenate((positive, negative))
    n = int(counts.sum())
    mean = float(residuals @ counts) / n
    variance = float((residuals - mean) ** 2 @ counts) / (n - 1) if n > 1 else float("nan")
    return mean, intervals.mean_interval(n, mean, variance, level)


# ---------------------------------------------------------------------------- from counts: classes and numbers


def _classes(subject: Subject, reference: Counted, bins: int, least: int) -> _Parts:
    del bins
    now, then = subject.classes, reference.classes
    if then is None or not then.has_truth or not then.has_prediction:
        raise NotApplicableError(_NO_TRUTH)
    labels = sorted({*now.labels, *then.labels})
    sides = [_square(c, labels) for c in (now, then)]
    found, squares, dof = [], [], 0
    for at, label in enumerate(labels):
        column = [side[:, at] for side in sides]
        n, m = (int(c.sum()) for c in column)
        if min(n, m) < least:
            continue
        found.append(Stratum(f"predicted {label}", n, int(column[0][at]), m, int(column[1][at])))
        statistic, _, freedom = chi_square_contingency(column[1], column[0])
        squares.append(statistic)
        dof += freedom
    measures, evidence = _of_strata(found, subject.level, "prediction")
    left = len(labels) - len(found)
    notes = [f"{left} classes predicted under {least} times on a side are left out"] if left else []
    renamed = [replace(m, name=m.name.replace("truth_rate", "precision")) for m in measures]
    return [_joined(m, squares, dof) for m in renamed], evidence, notes


def _joined(m: Measure, squares: Sequence[float], dof: int) -> Measure:
    """Return the test of the truth's whole distribution in each predicted class in place of right or wrong alone."""
    from scipy.special import chdtrc

    told = f"chi-square summed over predicted classes, {dof} degrees of freedom"
    if m.name == "relation_change_chi_square":
        return replace(m, value=sum(squares), method=told)
    if m.name == "relation_change_p_value":
        return replace(m, value=float(chdtrc(dof, sum(squares))) if dof else 1.0, method=told)
    return m


def _square(counts: ClassCounts, labels: Sequence[str]) -> Ints:
    place = [labels.index(label) for label in counts.labels]
    found = np.zeros((len(labels), len(labels)), np.int64)
    found[np.ix_(place, place)] = counts.table()
    return found


def _numbers(subject: Subject, reference: Counted, bins: int, least: int) -> _Parts:
    now, then = subject.regression, reference.regression
    if then is None or not then.overall.n:
        raise NotApplicableError(_NO_TRUTH)
    ends = [mean_measure("bias", side.overall, subject.level) for side in (now, then)]
    if ends[0].value is None or ends[1].value is None:
        raise NotApplicableError("no current row has a finite truth and prediction")
    change = Measure("bias_change", ends[0].value - ends[1].value, n=ends[0].n)
    pairs = [None if m.low is None or m.high is None else Interval(m.low, m.high, m.method) for m in ends]
    if pairs[0] is not None and pairs[1] is not None:
        change = with_interval(change, mover_difference(ends[0].value, pairs[0], ends[1].value, pairs[1]))
    if subject.current.sample is None or reference.sample is None:
        return [change], [], []
    more, evidence = _tenths(*_known(subject, reference), bins, least, subject.level)
    return [change, *more], evidence, []


def _known(subject: Subject, reference: Counted) -> tuple[Rows, Rows]:
    both = rows_of(subject), rows_of(subject, reference)
    return both[0].take(both[0].known), both[1].take(both[1].known)


def _tenths(now: Rows, then: Rows, bins: int, least: int, level: float) -> tuple[list[Measure], list[Evidence]]:
    if not now.n or not then.n:
        return [], []
    pooled = np.concatenate((now.prediction, then.prediction))
    inner = np.unique(np.quantile(pooled, np.arange(1, bins) / bins, method="higher"))
    edges = [-np.inf, *inner[inner > pooled.min()].tolist()]
    at = [np.searchsorted(edges, r.prediction, side="right") - 1 for r in (now, then)]
    measures: list[Measure] = []
    table: list[tuple[Cell, ...]] = []
    squares = []
    for k in range(len(edges)):
        parts = [(r.prediction - r.truth)[a == k] for r, a in zip((now, then), at, strict=True)]
        answer = means.difference_of(parts[0], parts[1], level) if min(map(len, parts)) >= least else None
        if answer is None:
            continue
        where = strata.bin_words("prediction", edges, k)
        value, interval, _ = answer
        measures.append(with_interval(Measure("bias_change", value, where=where, n=len(parts[0])), interval))
        error = sum(float(p.var(ddof=1)) / len(p) for p in parts)
        squares.append(value * value / error if error > 0 else None)
        rates = (float(parts[0].mean()), float(parts[1].mean()))
        table.append((where, len(parts[0]), len(parts[1]), *rates, value, interval.low, interval.high))
    columns = ("where", "n", "reference n", "bias now", "bias in the reference", "change", "low", "high")
    evidence = [Evidence("bias by prediction", "Bias by prediction, now and before", "table", columns, tuple(table))]
    return [*_test(squares, now.n), *measures], evidence if table else []


# ---------------------------------------------------------------------------- from rows


def _on_rows(subject: Subject, reference: Counted, most_regions: int, iterations: int) -> _Parts:
    two = two_samples(subject)
    lacking = outcomes_lacking(subject)
    if lacking or not two.columns:
        return [], [], [*([lacking] if lacking else []), *two.notes]
    now, then = rows_of(subject), rows_of(subject, reference)
    if not now.known.any() or not then.known.any():
        return [], [], ["no sampled row of a side has truth and prediction"]
    measures, evidence, what = _regions(subject, two, now, then, most_regions)
    gains, why = _gains(subject, two, now, then, iterations)
    notes = [two.words, what, *why, *two.notes]
    return [*measures, *gains], evidence, notes


def _regions(subject: Subject, two: TwoSamples, now: Rows, then: Rows, most: int) -> _Parts2:
    halves = two.halves()
    values = _residuals(now, then)
    sides = []
    for rows, half, residual in zip((now, then), (halves[1], halves[0]), values, strict=True):
        known = np.isfinite(residual)
        sides.append(regions.Side(rows.take(known).batch, residual[known], half[known]))
    found = regions.search(sides[0], sides[1], two.columns, two.kinds, subject.level, most)
    alpha = 1 - subject.level
    confirmed = sum(r.p_value <= alpha for r in found.regions)
    why = "" if found.tried else f"no bin of a feature holds {regions.LEAST} rows with truth on each side"
    count = Measure(
        "changed_regions", confirmed if found.tried else None, n=found.tried, unit="regions", undefined_because=why
    )
    measures, table = [count], []
    for r in found.regions:
        measures.append(with_interval(Measure("region_change", r.value, where=r.name, n=r.n), r.interval))
        measures.append(Measure("region_change_p_value", r.p_value, where=r.name, n=r.n))
        told = "confirmed" if r.p_value <= alpha else "not confirmed"
        table.append((r.name, r.n, r.reference_n, r.value, r.interval.low, r.interval.high, r.p_value, told))
    columns = ("region", "n", "reference n", "change", "low", "high", "adjusted p", "second half")
    title = "Regions where the truth moved away from what is predicted"
    evidence = [Evidence("changed regions", title, "table", columns, tuple(table))] if table else []
    return measures, evidence, f"a region's change is of {_RESIDUAL[now.task]}; found on one half of the rows"


_Parts2 = tuple[list[Measure], list[Evidence], str]
_RESIDUAL = {
    "binary": "the truth minus what the reference leads one to expect at that score or prediction",
    "multiclass": "the error rate minus the reference's for the same predicted class",
    "regression": "the mean of truth minus prediction",
}


def _residuals(now: Rows, then: Rows) -> list[Floats]:
    """Return, per row, the outcome minus what the reference leads one to expect; NaN where either is unknown."""
    if now.task == "regression":
        return [r.truth - r.prediction for r in (now, then)]
    scored = now.task == "binary" and now.score is not None and then.score is not None
    outcomes = [r.truth if now.task == "binary" else r.loss for r in (now, then)]
    given = [r.score if scored and r.score is not None else r.prediction for r in (now, then)]
    known = [np.isfinite(o) & np.isfinite(g) for o, g in zip(outcomes, given, strict=True)]
    if not known[1].any():
        return [np.full(r.n, np.nan) for r in (now, then)]
    learn = strata.calibrated if scored else strata.by_value
    expected = learn(given[1][known[1]], outcomes[1][known[1]])
    found = []
    for outcome, by, both in zip(outcomes, given, known, strict=True):
        residual = np.full(len(outcome), np.nan)
        residual[both] = outcome[both] - expected(by[both])
        found.append(residual)
    return found


def _gains(
    subject: Subject, two: TwoSamples, now: Rows, then: Rows, iterations: int
) -> tuple[list[Measure], list[str]]:
    subject.stop()
    features, halves = encoded(two), two.halves()
    gain = partial(
        challenger.gain,
        categorical=features.categorical,
        level=subject.level,
        iterations=iterations,
        seed=subject.seed,
    )
    try:
        # As many rows train both: a learner gains with rows, whatever the data.
        most = min(int((now.known & halves[1]).sum()), int((then.known & halves[0]).sum()))
        own = gain(now, features.current, half=halves[1], most=most)
        before = gain(then, features.reference, half=halves[0], most=most)
    except MissingExtraError as missing:
        return [Measure("challenger_gain", None, n=0, undefined_because=str(missing))], []
    found = [own, replace(before, window="reference")]
    ends = [None if m.low is None or m.high is None else Interval(m.low, m.high, m.method) for m in (own, before)]
    if own.value is not None and before.value is not None and ends[0] is not None and ends[1] is not None:
        change = Measure("challenger_gain_change", own.value - before.value, n=own.n)
        found.append(with_interval(change, mover_difference(own.value, ends[0], before.value, ends[1])))
    return found, [f"a challenger's gain is in {loss_words(now.take(now.known))}"]

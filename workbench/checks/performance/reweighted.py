"""How wrong the model would be if the reference's labelled rows were distributed as the current ones."""

from __future__ import annotations

import math

import numpy as np

from workbench.core.check import NotApplicableError, check
from workbench.core.errors import thousands
from workbench.core.estimates import features_and_outcome, left_out, likeness
from workbench.core.finding import Measure, Result
from workbench.core.intervals import Interval, normal_quantile, wilson_ends
from workbench.core.numbers import Floats
from workbench.core.rates import with_interval
from workbench.core.rows import Reader, Rows
from workbench.core.sample import Sample
from workbench.core.series import Point, drawing, spans
from workbench.core.subject import Subject

_LEAST = 100
_FEW = 0.1


@check("performance.reweighted", "P020", "Performance by reweighting", needs=("reference", "rows"), on_request=True)
def reweighted(subject: Subject, *, most_rows: int = 20_000) -> Result:
    """Weight the labelled rows of the reference to be like the current rows, and measure the model on them.

    Measures: `reweighted_error_rate` of decisions, or `reweighted_mean_absolute_error` of predicted numbers, of all
        current rows and of each window, with the interval of what will be measured once labels are there;
        `effective_share`, what the weights leave of the reference's rows (Kish); `reweighted_miss`, realised minus
        reweighted, where labels are there.
    Reads well when: the reference has some thousands of labelled rows and holds rows like the current ones.
    Signs of risk: a value far from the one that `performance.estimated` gives: the two rest on different assumptions;
        an effective share under a tenth: few rows speak for all.
    Limits: it assumes that the truth depends on the features as on the reference (covariate shift): a change of concept
        stays unseen. Weights are estimated and cut at 50; rows unlike all of the reference's are not spoken for.
    Reference: Shimodaira (2000) Journal of Statistical Planning and Inference 90:227; weights as odds of a cross-fitted
        classifier, Sugiyama, Suzuki and Kanamori (2012), chapter 4; Kish (1965) for the effective share; the ratio
        estimator's variance, Hajek (1971).
    """
    known, words = _reference(subject, most_rows)
    reader = Reader(subject)
    each = [(label, c.sample) for label, c in spans(subject) if c.sample is not None]
    others = [reader.read(sample.rows.slice(0, most_rows)) for _, sample in each]
    matrices = features_and_outcome(subject, [known, *others])
    found: list[Measure] = []
    points: list[Point] = []
    notes = [f"measured on {thousands(known.n)} labelled rows of the reference ({words})"]
    for (label, sample), rows, matrix in zip(each, others, matrices[1:], strict=True):
        subject.stop()
        measures = _of_window(subject, known, likeness(matrices[0], matrix, subject.seed), rows, label)
        found += measures
        points += [Point(label, "estimated", measures[0])] if label else []
        notes += [_said(sample, measures[1])] if not label else []
    return Result(found, drawing("reweighted", points), [*notes, *left_out(subject)])


def _reference(subject: Subject, most_rows: int) -> tuple[Rows, str]:
    if subject.reference is None or subject.reference.sample is None:
        raise NotApplicableError("it needs rows of the reference, and only counts are here")
    if subject.roles.target not in subject.reference.columns:
        raise NotApplicableError("the reference has no truth to measure the model on")
    rows = Reader(subject).read(subject.reference.sample.rows.slice(0, most_rows))
    rows = rows.take(rows.known)
    if rows.n < _LEAST:
        raise NotApplicableError(f"the reference has under {_LEAST} rows with truth and prediction")
    return rows, subject.reference.sample.words


def _of_window(subject: Subject, known: Rows, weights: Floats, rows: Rows, window: str) -> list[Measure]:
    name, unit = f"reweighted_{known.loss_name}", known.loss_unit
    n = int((~np.isnan(rows.prediction)).sum())
    share = float(weights.sum()) ** 2 / float((weights**2).sum()) / known.n
    effective = Measure("effective_share", share, window=window, n=known.n, unit="share")
    if not n:
        why = "no row has a prediction"
        return [Measure(name, None, window=window, n=0, unit=unit, undefined_because=why), effective]
    value, interval = _weighted(known.loss, weights, n, subject.level, share=unit == "share")
    measures = [with_interval(Measure(name, value, window=window, n=n, unit=unit), interval), effective]
    realised = rows.loss[rows.known]
    if len(realised) == n:
        ends = Interval(float(realised.mean()) - interval.high, float(realised.mean()) - interval.low, interval.method)
        miss = Measure("reweighted_miss", float(realised.mean()) - value, window=window, n=n, unit=unit)
        measures.append(with_interval(miss, ends))
    return measures


def _weighted(loss: Floats, weights: Floats, n: int, level: float, *, share: bool) -> tuple[float, Interval]:
    """Return the weighted mean loss with the interval of the mean that `n` rows will show.

    The variance of a ratio of sums plus that of `n` new rows; for shares Wilson's interval at the effective number.
    """
    total = float(weights.sum())
    value = float(weights @ loss) / total
    learnt = float((weights**2) @ (loss - value) ** 2) / total**2
    within = float(weights @ (loss - value) ** 2) / total
    z = normal_quantile(level)
    if share:
        spread = value * (1 - value)
        effective = spread / learnt if learnt > 0 and spread > 0 else total**2 / float((weights**2).sum())
        size = 1 / (1 / effective + 1 / n)
        low, high = wilson_ends(value * size, size, z)
        return value, Interval(low, high, "wilson at the effective rows, prediction")
    half = z * math.sqrt(learnt + within / n)
    return value, Interval(max(0.0, value - half), value + half, "weighted mean, prediction")


def _said(sample: Sample, effective: Measure) -> str:
    few = effective.value is not None and effective.value < _FEW
    said = f"{effective.value:.0%} of the reference's rows remain in effect" if effective.value is not None else ""
    return f"weighted to be like {sample.words}: {said}" + (": few rows speak for all" if few else "")

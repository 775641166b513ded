"""Whether current rows keep to the relations between features that the reference has."""

from __future__ import annotations

import numpy as np

from workbench.core import means
from workbench.core.check import NotApplicableError, check
from workbench.core.errors import thousands
from workbench.core.finding import Cell, Evidence, Measure, Result
from workbench.core.intervals import Interval
from workbench.core.numbers import Floats, Ints
from workbench.core.rates import with_interval
from workbench.core.reconstruction import Columns, columns_of, fitted, held_out_residuals
from workbench.core.sample import Sample
from workbench.core.subject import Subject
from workbench.core.two_samples import TwoSamples, two_samples

_LEAST = 10
_SHOWN = 20


@check("drift.reconstruction", "D009", "Relations between features", needs=("reference", "rows"))
def reconstruction(subject: Subject, *, variance: float = 0.65, folds: int = 10) -> Result:
    """Rebuild rows from the main directions of the reference, and compare how far off that is now and there.

    Measures: `reconstruction_error`, the mean over rows of the Euclidean distance between a row and its
        reconstruction, with a t interval, for the current rows (components of all reference rows) and for the
        reference (`window`; each tenth rebuilt from the others'); `reconstruction_error_change`, current minus
        reference, with an interval and the p of no change; the same of each feature's mean absolute residual
        (`column`); `components` kept and the share of variance they explain.
    Reads well when: features are related to each other, and the reference has some times more rows than features.
    Signs of risk: an error that has grown: relations that the model may rest on no longer hold. One that has fallen
        is a change too: rows have become more alike.
    Limits: linear relations only, of the sample; an error can stay the same while all features move along the kept
        directions. Numbers are standardised by the reference, missing ones are its mean; a category counts as its
        share in the reference (the commonest for the missing, 0 for one that the reference does not have). The
        interval takes the components as given. Times are left out.
    Reference: Pearson (1901) and Jolliffe (2002) for principal components; the measure of NannyML's
        DataReconstructionDriftCalculator, by whose definition the current value is computed; Welch (1947).
    """
    if not 0 < variance < 1:
        raise NotApplicableError(f"variance is a share between 0 and 1, not {variance:g}")
    two = two_samples(subject)
    sides, names = columns_of((two.reference.rows, two.current.rows), two.columns, two.kinds)
    if len(names) < 2 or min(s.n for s in sides) < _LEAST:
        raise _nothing(f"it needs two features and {_LEAST} rows on each side", two)
    reference, current = sides
    levels = np.maximum(*(s.codes.max(axis=0, initial=0) + 1 for s in sides))
    whole = fitted(reference, variance, levels=levels)
    if not whole.kept:
        raise _nothing("no feature varies in the reference", two)
    if whole.kept == len(names):
        raise _nothing("every direction is needed to explain that much variance: nothing is left to compare", two)
    subject.stop()
    before = held_out_residuals(reference, _folds(two.reference, folds), variance, whole.kept, levels)
    after = whole.residuals(current)
    found = _measures(_distances(after), _distances(before), subject.level)
    found += [
        Measure("components", whole.kept, n=reference.n),
        Measure("explained_variance_share", whole.explained, n=reference.n, unit="share"),
    ]
    columns = [_of_column(n, after[:, i], before[:, i], subject.level) for i, n in enumerate(names)]
    return Result([*found, *columns], [_table(columns, after, before, names)], _notes(two, current))


def _nothing(why: str, two: TwoSamples) -> NotApplicableError:
    return NotApplicableError("; ".join((why, *two.notes)))


def _folds(sample: Sample, folds: int) -> Ints:
    return (sample.hashes[:, 1] % np.uint64(max(2, folds))).astype(np.int64)


def _distances(residuals: Floats) -> Floats:
    with np.errstate(over="ignore"):
        return np.asarray(np.linalg.norm(residuals, axis=1), np.float64)


def _measures(now: Floats, then: Floats, level: float) -> list[Measure]:
    name = "reconstruction_error"
    own = means.mean_of(name, now, level)
    there = means.mean_of(name, then, level)
    twin = Measure(name, there.value, "", "", "reference", "", there.low, there.high, there.method, there.n)
    change, p = _change(f"{name}_change", "", now, then, level)
    return [own, twin, change, Measure(f"{name}_change_p_value", p, n=len(now), method="welch, two-sided")]


def _change(name: str, column: str, now: Floats, then: Floats, level: float) -> tuple[Measure, float | None]:
    answer = means.difference_of(now, then, level)
    if answer is None:
        return Measure(name, None, column, n=len(now), undefined_because="under two rows on a side"), None
    value, interval, p = answer
    ends = Interval(interval.low, interval.high, interval.method)
    return with_interval(Measure(name, value, column, n=len(now)), ends), min(1.0, 2 * min(p, 1 - p))


def _of_column(name: str, now: Floats, then: Floats, level: float) -> Measure:
    return _change("feature_residual_change", name, np.abs(now), np.abs(then), level)[0]


def _table(changes: list[Measure], after: Floats, before: Floats, names: tuple[str, ...]) -> Evidence:
    sizes = {n: (float(np.abs(after[:, i]).mean()), float(np.abs(before[:, i]).mean())) for i, n in enumerate(names)}
    ranked = sorted(changes, key=lambda m: (-abs(m.value or 0.0), m.column))
    rows: list[tuple[Cell, ...]] = [(m.column, *sizes[m.column], m.value, m.low, m.high) for m in ranked[:_SHOWN]]
    columns = ("feature", "residual now", "in the reference", "change", "low", "high")
    return Evidence("residuals", "Mean absolute residual of each feature", "table", columns, tuple(rows))


def _notes(two: TwoSamples, current: Columns) -> list[str]:
    notes = [two.words, *two.notes]
    missing = int((np.isnan(current.numbers).any(axis=1) | (current.codes < 0).any(axis=1)).sum())
    if missing:
        notes.append(
            f"{thousands(missing)} current rows have missing values, taken as the reference's mean or commonest value"
        )
    return notes

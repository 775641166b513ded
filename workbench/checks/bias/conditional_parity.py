"""Whether groups are treated alike once what ought to matter is held equal."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from workbench.core import intervals
from workbench.core.check import NotApplicableError, check
from workbench.core.errors import ConfigError, unknown
from workbench.core.finding import Evidence, Measure, Result, group_label
from workbench.core.frame import Kind
from workbench.core.intervals import Interval
from workbench.core.logistic import fit_logistic
from workbench.core.numbers import Floats, Ints
from workbench.core.outcome import texts_and_codes
from workbench.core.rates import with_interval
from workbench.core.rows import Rows, as_numbers, rows_of
from workbench.core.subject import Subject

_MOST_LEVELS = 15


_Fitted = dict[tuple[str, str], Measure]


class _Columns(NamedTuple):
    owners: list[str]
    values: list[str]
    matrix: list[Floats]

    def add(self, owner: str, value: str, numbers: Floats) -> None:
        """Take one more column of the design: of which data column, and which of its values it marks."""
        self.owners.append(owner)
        self.values.append(value)
        self.matrix.append(numbers)


@check("bias.conditional_parity", "B003", "Conditional parity", needs=("sensitive", "rows"))
def conditional_parity(
    subject: Subject, *, controls: tuple[str, ...] = (), base: dict[str, str] | None = None
) -> Result:
    """Compare decisions between groups with other columns held equal.

    Measures: for each group against the base group of its column (the largest unless named): `adjusted_log_odds`, its
        coefficient in a logistic regression of the decision on all sensitive columns and the controls, with a Wald
        interval (those of the controls as `control_log_odds`, the value under `where`, and `intercept`);
        `adjusted_odds_ratio` = e to that; `mantel_haenszel_difference`, the difference of selection rates
        within the strata that the controls form, weighted over strata; `aic` of the regression.
    Reads well when: the controls are what may lawfully matter, and every stratum holds both groups.
    Signs of risk: an odds ratio whose interval excludes 1 after the controls.
    Limits: controls that carry the bias hide it; those left out show it as the group's. Numbers enter the regression
        as they are and are cut into fifths for the strata; categories beyond the 15 most frequent share one level.
        Rows with a missing value in what is used are left out. Measured on the seeded sample.
    Reference: Kamiran, Zliobaite and Calders (2013) for conditional parity; logistic regression by maximum
        likelihood, McCullagh and Nelder (1989); Mantel and Haenszel (1959), risk difference with Sato's (1989)
        variance; Wald interval.
    """
    used = _used(subject, controls)
    rows = rows_of(subject)
    if rows.task != "binary":
        raise NotApplicableError("the decision is not binary")
    rows = rows.take(~np.isnan(rows.prediction) & _whole(rows.batch, used))
    if rows.n < 2 or len(np.unique(rows.prediction)) < 2:
        raise NotApplicableError("all rows are decided alike, or under two have every value")
    measures, table = [], []
    bases = _bases(subject, rows.batch, base or {})
    fit = _regression(subject, rows, used, bases)
    strata = _strata(rows.batch, controls, subject)
    for column in subject.roles.sensitive:
        measures += _of_column(column, rows, bases[column], fit, strata, subject)
        table += [_row(m) for m in measures if m.column == column and m.name == "adjusted_log_odds"]
    measures += [m for m in fit.values() if m.name != "adjusted_log_odds"]
    columns = ("group", "rows", "log odds", "low", "high", "odds ratio")
    evidence = Evidence(
        "conditional parity", "Log odds of selection, controls held equal", "table", columns, tuple(table)
    )
    base_words = ", ".join(group_label((c,), (v,)) for c, v in bases.items())
    return Result(
        measures,
        [evidence],
        [f"{subject.sample.measured(rows.n)}; against {base_words}"],
    )


def _used(subject: Subject, controls: Sequence[str]) -> list[str]:
    names = list(subject.current.columns)
    for name in controls:
        if name not in names:
            raise ConfigError("controls: " + unknown("column", name, names))
        if name in subject.roles.sensitive:
            raise ConfigError(f"controls: {name!r} is a sensitive column: the groups of it are what is compared.")
    return [*subject.roles.sensitive, *controls]


def _whole(batch: pa.RecordBatch, columns: Sequence[str]) -> NDArray[np.bool_]:
    found = np.ones(batch.num_rows, bool)
    for column in columns:
        found &= batch.column(column).is_valid().to_numpy(zero_copy_only=False)
    return found


def _bases(subject: Subject, batch: pa.RecordBatch, wanted: dict[str, str]) -> dict[str, str]:
    found = {}
    for column in subject.roles.sensitive:
        values, codes = texts_and_codes(batch.column(column))
        counts = np.bincount(codes, minlength=len(values))
        named = [v for v in values if v is not None]
        if column in wanted and wanted[column] not in named:
            raise ConfigError(f"base: {column}: " + unknown("group", wanted[column], named))
        largest = min((-int(n), v) for v, n in zip(values, counts, strict=True) if v is not None)
        found[column] = wanted.get(column, largest[1])
    return found


def _regression(subject: Subject, rows: Rows, used: Sequence[str], bases: dict[str, str]) -> _Fitted:
    columns = _Columns([""], [""], [np.ones(rows.n)])
    for name in used:
        _add(columns, name, rows.batch.column(name), subject.current.columns[name].kind, bases.get(name))
    fit = fit_logistic(np.stack(columns.matrix, axis=1), rows.prediction)
    why = "the logistic fit has no finite solution (a group or level decides alone, or columns repeat each other)"
    found: _Fitted = {}
    z = intervals.normal_quantile(subject.level)
    for at, (column, value, dummy) in enumerate(zip(columns.owners, columns.values, columns.matrix, strict=True)):
        n = int(dummy.sum()) if value else rows.n
        name = (
            "adjusted_log_odds" if column in subject.roles.sensitive else "control_log_odds" if column else "intercept"
        )
        where = "" if name == "adjusted_log_odds" else value
        if fit is None:
            found[column, value] = Measure(name, None, column, where=where, n=n, undefined_because=why)
            continue
        b, se = float(fit.coefficients[at]), float(fit.errors[at])
        m = Measure(name, b, column, where=where, n=n)
        found[column, value] = with_interval(m, Interval(b - z * se, b + z * se, "wald"))
    aic = Measure("aic", None if fit is None else fit.aic, n=rows.n, undefined_because=why if fit is None else "")
    return {**found, ("aic", ""): aic}


def _add(columns: _Columns, name: str, array: pa.Array, kind: Kind, base: str | None) -> None:
    if kind is Kind.NUMBER and base is None:
        columns.add(name, "", as_numbers(array))
        return
    values, codes = texts_and_codes(array)
    counts = np.bincount(codes, minlength=len(values))
    order = sorted(range(len(values)), key=lambda i: (-counts[i], values[i] or ""))
    kept = [i for i in order if values[i] != base][:_MOST_LEVELS] if base is not None else order[1 : _MOST_LEVELS + 1]
    for i in kept:
        columns.add(name, str(values[i]), (codes == i).astype(float))


def _strata(batch: pa.RecordBatch, controls: Sequence[str], subject: Subject) -> Ints:
    found = np.zeros(batch.num_rows, np.int64)
    for name in controls:
        if subject.current.columns[name].kind is Kind.NUMBER:
            numbers = as_numbers(batch.column(name))
            codes = np.searchsorted(np.unique(np.quantile(numbers, (0.2, 0.4, 0.6, 0.8))), numbers, side="right")
        else:
            _, codes = texts_and_codes(batch.column(name))
        found = np.unique(found * (int(codes.max()) + 1) + codes, return_inverse=True)[1]
    return found


def _of_column(
    column: str,
    rows: Rows,
    base: str,
    fit: _Fitted,
    strata: Ints,
    subject: Subject,
) -> list[Measure]:
    values, codes = texts_and_codes(rows.batch.column(column))
    found: list[Measure] = []
    for value, code in sorted((v, i) for i, v in enumerate(values) if v is not None):
        label, n = group_label((column,), (value,)), int((codes == code).sum())
        found.append(Measure("count", n, column, label, n=n))
        if value == base or (column, value) not in fit or n < subject.minimum_group_size:
            continue
        odds = _at(fit[column, value], label)
        found += [odds, _ratio(odds)]
        other = codes == values.index(base)
        found.append(_mantel_haenszel(rows.prediction, codes == code, other, strata, (column, label), subject.level))
    return found


def _at(m: Measure, label: str) -> Measure:
    return Measure(
        m.name, m.value, m.column, label, "", "", m.low, m.high, m.method, m.n, "", None, m.undefined_because
    )


def _ratio(m: Measure) -> Measure:
    value, low, high = (None if v is None else math.exp(v) for v in (m.value, m.low, m.high))
    name = "adjusted_odds_ratio"
    return Measure(name, value, m.column, m.group, "", "", low, high, m.method, m.n, "ratio", None, m.undefined_because)


def _mantel_haenszel(
    decided: Floats, one: NDArray[np.bool_], two: NDArray[np.bool_], strata: Ints, place: tuple[str, str], level: float
) -> Measure:
    n1, n0 = (np.bincount(strata[g], minlength=strata.max() + 1).astype(float) for g in (one, two))
    x1, x0 = (np.bincount(strata[g], weights=decided[g], minlength=strata.max() + 1) for g in (one, two))
    both = (n1 > 0) & (n0 > 0)
    n1, n0, x1, x0 = n1[both], n0[both], x1[both], x0[both]
    m = Measure("mantel_haenszel_difference", None, *place, n=int(n1.sum()), unit="share")
    if not len(n1):
        return Measure(m.name, None, *place, n=0, unit="share", undefined_because="no stratum holds both groups")
    n, weight = n1 + n0, n1 * n0 / (n1 + n0)
    value = float((weight * (x1 / n1 - x0 / n0)).sum() / weight.sum())
    # Sato (1989) Biometrics 45:1323, consistent for few large and for many small strata.
    p = (n1**2 * x0 - n0**2 * x1 + n1 * n0 * (n0 - n1) / 2) / n**2
    q = (x1 * (n0 - x0) + x0 * (n1 - x1)) / (2 * n)
    variance = float((value * p.sum() + q.sum()) / weight.sum() ** 2)
    half = intervals.normal_quantile(level) * math.sqrt(max(0.0, variance))
    ends = Interval(max(-1.0, value - half), min(1.0, value + half), "mantel-haenszel, sato")
    return with_interval(Measure(m.name, value, *place, n=int(n1.sum()), unit="share"), ends)


def _row(m: Measure) -> tuple[str | float | int | None, ...]:
    return (m.group, m.n, m.value, m.low, m.high, None if m.value is None else math.exp(m.value))

"""Whether outcomes have had the time to come about."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from workbench.core import intervals
from workbench.core.check import NotApplicableError, check
from workbench.core.errors import ConfigError, shown, thousands
from workbench.core.finding import Cell, Evidence, Measure, Result
from workbench.core.means import difference_of, mean_of
from workbench.core.numbers import Floats
from workbench.core.rates import with_interval
from workbench.core.rows import Reader, as_numbers
from workbench.core.subject import Subject

_MICROSECONDS_A_DAY = 86_400_000_000.0
_SIDES = ("mature", "immature")


@check("performance.label_maturity", "P017", "Label maturity", needs=("target", "rows"), on_request=True)
def label_maturity(subject: Subject, *, horizon_days: float | None = None, as_of: str = "", parts: int = 10) -> Result:
    """Compare rows whose outcome is final with those that are too young for it.

    Measures: `mature_share`, the share of rows at least `horizon_days` old at `as_of` (the latest time in the data
        unless given); for mature and immature rows (`where`) `labelled_share`, `prevalence` and, where there is a
        prediction, `error_rate`; `prevalence_change` and `error_rate_change`, immature minus mature; with intervals.
    Reads well when: the horizon is how long an outcome takes to become final, and the time is when the row was decided.
    Signs of risk: many immature rows that carry an outcome: negatives among them may still turn positive, and a low
        prevalence there flatters the model or hides its misses.
    Limits: it shows that young outcomes differ, not what they will become: audit mature rows alone. The world may have
        changed as well: a change of prevalence is no proof of immaturity. Measured on the seeded sample.
    Reference: performance window of credit scoring, Siddiqi (2006), chapter 3; Wilson (1927) for shares; Newcombe
        (1998) for differences.
    """
    if horizon_days is None:
        raise NotApplicableError("say after how many days an outcome is final: `horizon_days`")
    if not horizon_days > 0 or parts < 1:
        raise ConfigError("performance.label_maturity: horizon_days must be above 0, and parts 1 or more.")
    age, truth, loss = _rows(subject, as_of)
    mature = age >= horizon_days
    if not len(age):
        raise NotApplicableError("no row has a time")
    level = subject.level
    found = [mean_of("mature_share", mature.astype(float), level, unit="share")]
    values = {"labelled_share": (~np.isnan(truth)).astype(float), "prevalence": truth, "error_rate": loss}
    for name, of_rows in values.items():
        if name == "error_rate" and np.isnan(of_rows).all():
            continue
        for where, side in zip(_SIDES, (mature, ~mature), strict=True):
            found.append(mean_of(name, of_rows[side], level, unit="share", where=where))
        if name != "labelled_share":
            found.append(_change(name, of_rows, mature, level))
    young = int((~mature & ~np.isnan(truth)).sum())
    notes = [f"measured on {subject.sample.words}"]
    notes += [f"{thousands(young)} rows have an outcome before it is {horizon_days:g} days old"] if young else []
    return Result(found, [_drawn(age, values, parts, horizon_days, level)], notes)


def _rows(subject: Subject, as_of: str) -> tuple[Floats, Floats, Floats]:
    """Return age in days, truth and loss (NaN for missing) of the sample's rows that have a time."""
    column, batch = subject.roles.time, subject.sample.rows
    if column is None or column not in batch.schema.names:
        raise NotApplicableError("no time column was given")
    times, counted = as_numbers(batch.column(column)), subject.current.columns[column]
    latest = None if counted.numbers is None else counted.numbers.maximum
    end = _moment(as_of) if as_of else latest
    if end is None:
        raise NotApplicableError("no row has a time")
    reader = Reader(subject, subject.model)
    truth = reader.truth(batch)
    loss = np.full(len(truth), np.nan)
    if subject.joint.has_prediction:
        loss = reader.read(batch).loss
    known = ~np.isnan(times)
    return (end - times[known]) / _MICROSECONDS_A_DAY, truth[known], loss[known]


def _moment(text: str) -> float:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigError(
            f"performance.label_maturity: as_of is {shown(text)}, not a date such as 2026-03-31."
        ) from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1e6


def _change(name: str, values: Floats, mature: NDArray[np.bool_], level: float) -> Measure:
    sides = [values[side & ~np.isnan(values)] for side in (~mature, mature)]
    answer = difference_of(sides[0], sides[1], level)
    n = len(sides[0]) + len(sides[1])
    if answer is None:
        why = "mature or immature rows with an outcome are under two"
        return Measure(f"{name}_change", None, n=n, unit="share", undefined_because=why)
    return with_interval(Measure(f"{name}_change", answer[0], n=n, unit="share"), answer[1])


def _drawn(age: Floats, values: dict[str, Floats], parts: int, horizon: float, level: float) -> Evidence:
    """Return labelled share and prevalence by tenth of age."""
    edges = np.unique(np.quantile(age, np.arange(1, parts) / parts))
    part, rows = np.searchsorted(edges, age, side="right"), []
    for name in ("labelled_share", "prevalence"):
        for k in range(len(edges) + 1):
            inside = (part == k) & ~np.isnan(values[name])
            ends = intervals.wilson(int(values[name][inside].sum()), int(inside.sum()), level)
            if ends is not None:
                x, y = float(age[part == k].mean()), float(values[name][inside].mean())
                rows.append((x, y, ends.low, ends.high, name.replace("_", " ")))
    notes: dict[str, Cell] = {"x": "age in days", "y": "share of rows", "unit": "share", "horizon": horizon}
    title = "Known outcomes and their rate by age"
    return Evidence("maturity", title, "lines", ("x", "y", "low", "high", "series"), tuple(rows), notes)

"""Measures of predicted numbers from the exact sums of one group, with their intervals (STATISTICS section 3)."""

from __future__ import annotations

import math

from workbench.core import intervals
from workbench.core.finding import Measure
from workbench.core.intervals import Interval
from workbench.core.rates import with_interval
from workbench.core.regression import CellErrors


def measures(errors: CellErrors, level: float, *, window: str = "", column: str = "", group: str = "") -> list[Measure]:
    """Return every measure of a group's errors; undefined ones with their reason."""
    found = [
        Measure("count", errors.rows, n=errors.rows, unit="rows"),
        mean_measure("bias", errors, level),
        mean_measure("mean_absolute_error", errors, level),
        rmse(errors, level),
        r2(errors, level),
        *_percentages(errors, level),
        *_extremes(errors),
        mean_measure("mean_truth", errors, level),
        mean_measure("mean_prediction", errors, level),
    ]
    return [_placed(m, window, column, group) for m in found]


def _placed(m: Measure, window: str, column: str, group: str) -> Measure:
    head = (m.name, m.value, column, group, window, m.where, m.low, m.high, m.method, m.n, m.unit)
    return Measure(*head, m.error_bound, m.undefined_because)


def with_t(m: Measure, variance: float, level: float) -> Measure:
    """Return the measure of a mean with the t interval from its sample variance."""
    value = float(m.value or 0.0)
    interval = intervals.mean_interval(m.n or 0, value, max(0.0, variance), level) if not math.isnan(variance) else None
    return with_interval(m, interval)


def moments(name: str, errors: CellErrors) -> tuple[float, float]:
    """Return the mean and the sample variance of what a mean measure averages; NaN where undefined."""
    if not errors.n:
        return math.nan, math.nan
    tables = {"bias": "residual", "mean_truth": "truth", "mean_prediction": "prediction"}
    if name in tables:
        table = errors.table(tables[name])
        return float(table.mean or 0.0), math.nan if table.variance is None else table.variance
    key, square = {"mean_absolute_error": ("abs", "e2"), "mean_squared_error": ("e2", "e4")}[name]
    return errors.sums.mean(key), errors.sums.covariance(key, key, square)


def mean_measure(name: str, errors: CellErrors, level: float) -> Measure:
    """Return a mean measure with its t interval."""
    mean, variance = moments(name, errors)
    if math.isnan(mean):
        return Measure(name, None, n=0, undefined_because=_NOTHING)
    return with_t(Measure(name, mean, n=errors.n), variance, level)


_NOTHING = "no row has a finite truth and prediction"


def rmse(errors: CellErrors, level: float) -> Measure:
    """Return the root of the mean squared error with the root of Bonett's interval of the mean of e^2."""
    name = "root_mean_squared_error"
    mean, variance = moments("mean_squared_error", errors)
    if math.isnan(mean):
        return Measure(name, None, n=0, undefined_because=_NOTHING)
    inner = None if math.isnan(variance) else _bonett(errors.n, mean, errors.sums.mean("e4"), level)
    interval = None if inner is None else Interval(math.sqrt(inner.low), math.sqrt(inner.high), inner.method)
    return with_interval(Measure(name, math.sqrt(mean), n=errors.n), interval)


def _bonett(n: int, mean: float, fourth: float, level: float) -> Interval | None:
    """Return the interval of a mean square from the mean fourth power, on the log scale.

    Formula: c m exp(-+ t c sqrt((g - 1) / (n - 1))), c = n / (n - z), g = mean e^4 / m^2, the value never outside.
    Source: Bonett (2006) Computational Statistics and Data Analysis 50:775, about 0 and with t for z. A t interval of
    e^2 covers 80 to 90 % where 30 errors are skewed or heavy-tailed.
    """
    kurtosis = fourth / mean / mean if mean > 0 else 0.0
    if n < 2 or kurtosis < 1 - 1e-9:  # no distribution has less: the fourth powers were too small to be summed
        return None
    c = n / (n - intervals.normal_quantile(level))
    half = _student(n, level) * c * math.sqrt(max(0.0, kurtosis - 1) / (n - 1))
    if not math.isfinite(half) or c < 1:
        return None
    return Interval(mean * min(1.0, c * math.exp(-half)), mean * c * math.exp(min(half, 700.0)), "bonett, log e^2")


def r2(errors: CellErrors, level: float) -> Measure:
    """Return R squared, 1 - sum e^2 / sum (y - mean y)^2; the delta method's interval of log(1 - R squared), with t.

    Its influence function is (-(e^2 - a) + (a / b) ((y - mean)^2 - b)) / b with a = mean e^2 and b = variance of y.
    """
    n, truth = errors.n, errors.table("truth")
    b = (truth.variance or 0.0) * (n - 1) / n if n > 1 else 0.0
    if b <= 0:
        return Measure("r_squared", None, n=n, undefined_because="the truth does not vary" if n else _NOTHING)
    a = errors.sums.mean("e2")
    ratio = a / b
    value = 1 - ratio
    spread = _r2_variance(errors, a, b) if all(_SQUARABLE < x < 1 / _SQUARABLE for x in (b, ratio)) else math.nan
    if not math.isfinite(spread):
        return Measure("r_squared", value, n=n)
    reach = _student(n, level) * math.sqrt(max(0.0, spread) / (n - 1)) / ratio
    ends = Interval(1 - ratio * math.exp(min(reach, 700.0)), 1 - ratio * math.exp(-reach), "delta, log scale")
    return with_interval(Measure("r_squared", value, n=n), ends)


_SQUARABLE = 1e-150
"""What is smaller, or larger than one over it, has no square in a float64."""


def _student(n: int, level: float) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(n - 1, (1 + level) / 2))


def _r2_variance(errors: CellErrors, a: float, b: float) -> float:
    s, mean = errors.sums, float(errors.table("truth").mean or 0.0)
    # Central moments from raw ones.
    e2_d2 = s.mean("e2y2") - 2 * mean * s.mean("e2y") + mean**2 * a
    d4 = s.mean("y4") - 4 * mean * s.mean("y3") + 6 * mean**2 * s.mean("y2") - 3 * mean**4
    variance_e2, variance_d2, covariance = s.mean("e4") - a * a, d4 - b * b, e2_d2 - a * b
    ratio = a / b
    return (variance_e2 + ratio**2 * variance_d2 - 2 * ratio * covariance) / b**2


def _percentages(errors: CellErrors, level: float) -> list[Measure]:
    found = []
    for name, key in (("mean_absolute_percentage_error", "ape"), ("symmetric_mape", "sape")):
        if not errors.n or (key == "ape" and errors.zeros):
            why = f"the truth is 0 in {errors.zeros} rows" if errors.n else _NOTHING
            found.append(Measure(name, None, n=errors.n, undefined_because=why))
            continue
        m = Measure(name, errors.sums.mean(key), n=errors.n)
        found.append(with_t(m, errors.sums.covariance(key, key, f"{key}2"), level))
    return found


def _extremes(errors: CellErrors) -> list[Measure]:
    table = errors.table("residual")
    if not errors.n:
        names = ("median_absolute_error", "max_error")
        return [Measure(name, None, n=0, undefined_because=_NOTHING) for name in names]
    largest = max(abs(float(table.lows[0])), abs(float(table.highs[-1])))
    return [
        Measure("median_absolute_error", table.absolute_quantile(0.5), n=errors.n, method="no interval"),
        Measure("max_error", largest, n=errors.n, method="no interval"),
    ]

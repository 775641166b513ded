"""Limits learnt from the windows of the reference, for rules that follow a measure over windows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workbench.audit.policy import Learnt
from workbench.core.finding import Finding, Measure
from workbench.core.series import REFERENCE

LEAST_WINDOWS = 4
"""Windows of the reference under which nothing is learnt."""
_SHORT = 0.5


@dataclass(frozen=True, slots=True)
class Limits:
    """The range that a window's value is expected in; `error` and `freedom` make a t of a value (0: no test)."""

    low: float
    high: float
    centre: float
    error: float = 0.0
    freedom: int = 0

    def p_value(self, value: float, operator: str) -> float | None:
        """Return the p of H0 "the value is drawn as those of the reference's windows", on the rule's side or both."""
        from scipy.special import stdtr

        if not self.freedom:
            return None
        if self.error == 0:
            return 1.0 if value == self.centre else 0.0
        t = (value - self.centre) / self.error
        above, below = float(stdtr(self.freedom, -t)), float(stdtr(self.freedom, t))
        return {"<": above, ">": below}.get(operator[0], min(1.0, 2 * min(above, below)))

    def reach(self, alpha: float, power: float, operator: str) -> float:
        """Return the smallest true value that would fail with the given power, above the centre (or below it)."""
        from scipy.special import stdtrit

        away = float(stdtrit(self.freedom, 1 - alpha) + stdtrit(self.freedom, power)) * self.error
        return self.centre - away if operator[0] == ">" else self.centre + away


def learn(values: Sequence[float], how: Learnt, operator: str, level: float) -> Limits | None:
    """Return the limits from the reference windows' values; None from fewer than `LEAST_WINDOWS`.

    `prediction`: mean -+ t(n - 1) s sqrt(1 + 1 / n), the range of one more window (Hahn and Meeker 1991). `nannyml`:
    mean -+ k population standard deviations, to compare with published tables; no test follows from it.
    """
    from scipy.special import stdtrit

    n = len(values)
    if n < LEAST_WINDOWS:
        return None
    x = np.asarray(values, np.float64)
    centre = float(x.mean())
    if how.windows == "nannyml":
        half = how.deviations * float(x.std())
        return Limits(*_sided(centre, half, operator), centre)
    error = float(x.std(ddof=1)) * math.sqrt(1 + 1 / n)
    tail = (1 - level) / (2 if operator == "between" else 1)
    return Limits(*_sided(centre, float(stdtrit(n - 1, 1 - tail)) * error, operator), centre, error, n - 1)


def _sided(centre: float, half: float, operator: str) -> tuple[float, float]:
    low = -math.inf if operator[0] == "<" else centre - half
    return low, math.inf if operator[0] == ">" else centre + half


def reference_values(finding: Finding, like: Measure) -> list[float]:
    """Return a measure's values in the windows of the reference that have at least half the usual n."""
    place = (like.name, like.column, like.group, like.where)
    found = [
        m
        for m in finding.measures
        if m.window.startswith(REFERENCE) and m.value is not None and (m.name, m.column, m.group, m.where) == place
    ]
    usual = float(np.median([m.n or 0 for m in found])) if found else 0.0
    return [float(m.value or 0.0) for m in found if (m.n or 0) >= _SHORT * usual]

"""Named exact sums of functions of rows, that add in any order to the same bits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from workbench.core.exact import exact_sum, exact_to_float
from workbench.core.numbers import Floats


@dataclass(frozen=True)
class Sums:
    """Exact sums in units of 2**-1200, by name, over `n` rows; infinite terms are clipped to the largest float."""

    n: int = 0
    totals: Mapping[str, int] = field(default_factory=dict)

    def __add__(self, other: Sums) -> Sums:
        names = sorted({*self.totals, *other.totals})
        return Sums(self.n + other.n, {k: self.totals.get(k, 0) + other.totals.get(k, 0) for k in names})

    @classmethod
    def of(cls, terms: Mapping[str, Floats]) -> Sums:
        """Sum arrays of one length, without NaN."""
        most = np.finfo(np.float64).max
        totals = {k: exact_sum(np.sort(np.clip(x, -most, most))) for k, x in sorted(terms.items())}
        return cls(len(next(iter(terms.values()), ())), totals)

    def mean(self, name: str) -> float:
        """Return the mean of a term, correctly rounded; NaN without rows."""
        return exact_to_float(self.totals[name], self.n) if self.n else float("nan")

    def covariance(self, one: str, two: str, product: str) -> float:
        """Return the sample covariance (divisor n - 1) of two terms whose product is summed too; NaN under two rows."""
        if self.n < 2:
            return float("nan")
        spread = self.n * (self.totals[product] << 1200) - self.totals[one] * self.totals[two]
        # Each square is rounded once, so the spread of equal values can come out a hair under nothing.
        found = exact_to_float(spread >> 1200, self.n * (self.n - 1))
        return max(0.0, found) if one == two else found

    def to_dict(self) -> dict[str, object]:
        """Return the sums as JSON data."""
        return {"n": self.n, "totals": {k: str(v) for k, v in self.totals.items()}}

    @classmethod
    def from_dict(cls, data: Mapping[str, object]) -> Sums:
        """Read what `to_dict` wrote."""
        totals: Mapping[str, str] = data["totals"]  # type: ignore[assignment]
        return cls(int(str(data["n"])), {k: int(v) for k, v in totals.items()})

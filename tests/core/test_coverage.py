"""The coverage study (STATISTICS section 5): how often intervals hold the truth; printed with `pytest -m slow -s`."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.stats import binom, norm

from workbench.core import distances, intervals, stats
from workbench.core.intervals import Interval

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def covered(
    name: str, draw: Callable[[np.random.Generator], tuple[Interval | None, float]], times: int = 1500
) -> float:
    """Return and print the share of seeded replicates whose interval holds the truth."""
    rng = np.random.default_rng(20261123)
    hits = tried = 0
    for _ in range(times):
        interval, truth = draw(rng)
        if interval is not None:
            tried += 1
            hits += interval.low - 1e-12 <= truth <= interval.high + 1e-12
    print(f"{name}: {hits / tried:.3f} of {tried}")
    return hits / tried


def test_wilson_by_enumeration() -> None:
    """Exact binomial coverage: the mean over p +- 20 % between 94.5 and 96.5 %, nowhere under 91 %."""
    for n in (10, 20, 50, 200, 1000):
        ends = [intervals.wilson(x, n) for x in range(n + 1)]
        low, high = (np.array([getattr(e, k) for e in ends]) for k in ("low", "high"))
        means, least = [], 1.0
        for p in np.linspace(1 / n, 1 - 1 / n, 60):
            near = np.linspace(max(1 / n, 0.8 * p), min(1 - 1 / n, 1.2 * p), 81)
            each = np.array([binom.pmf(np.arange(n + 1), n, q)[(low <= q) & (q <= high)].sum() for q in near])
            means.append(each.mean())
            least = min(least, each.min())
        print(f"wilson n={n}: least {least:.3f}, local means {min(means):.3f} to {max(means):.3f}")
        assert least >= 0.91
        assert min(means) >= 0.944
        assert max(means) <= 0.968


CASES = [(30, 0.3, 50, 0.5), (100, 0.05, 80, 0.1), (400, 0.5, 20, 0.5), (200, 0.9, 200, 0.9)]


@pytest.mark.parametrize(("n1", "p1", "n2", "p2"), CASES)
def test_two_rates(n1: int, p1: float, n2: int, p2: float) -> None:
    """Difference by Newcombe and ratio by MOVER-R cover at least 93 %."""
    for name, function, truth in (
        ("difference", intervals.newcombe_difference, p1 - p2),
        ("ratio", intervals.ratio_mover_r, p1 / p2),
    ):

        def draw(
            rng: np.random.Generator, f: Callable[..., Interval | None] = function, t: float = truth
        ) -> tuple[Interval | None, float]:
            return f(int(rng.binomial(n1, p1)), n1, int(rng.binomial(n2, p2)), n2), t

        assert covered(f"{name} {n1, p1, n2, p2}", draw) >= 0.93


@pytest.mark.parametrize("rates", [[0.4] * 5, [0.2, 0.3, 0.35], [0.1, 0.1, 0.6], [0.05] * 12])
def test_gaps_over_groups(rates: list[float]) -> None:
    """Largest minus smallest and smallest over largest, with and without a true gap, cover at least 93 %."""
    n = 80
    for name, function, truth in (
        ("gap difference", intervals.gap_difference, max(rates) - min(rates)),
        ("gap ratio", intervals.gap_ratio, min(rates) / max(rates)),
    ):

        def draw(
            rng: np.random.Generator, f: Callable[..., tuple[float, Interval] | None] = function, t: float = truth
        ) -> tuple[Interval | None, float]:
            answer = f([(int(rng.binomial(n, p)), n) for p in rates])
            return (None if answer is None else answer[1]), t

        assert covered(f"{name} {rates}", draw) >= 0.93


@pytest.mark.parametrize(("positives", "negatives", "shift"), [(20, 80, 1.0), (100, 100, 0.2), (15, 15, 2.0)])
def test_scores(positives: int, negatives: int, shift: float) -> None:
    """AUC by Newcombe's method 5 covers at least 93 % on binormal scores."""
    truth = float(norm.cdf(shift / np.sqrt(2)))

    def draw(rng: np.random.Generator) -> tuple[Interval | None, float]:
        a, b = rng.normal(shift, 1, positives), rng.normal(0, 1, negatives)
        values, at = np.unique(np.concatenate((a, b)), return_inverse=True)
        pos = np.bincount(at[:positives], minlength=len(values))
        neg = np.bincount(at[positives:], minlength=len(values))
        return intervals.auc_interval(stats.auc_from_counts(pos, neg), positives, negatives), truth

    assert covered(f"auc {positives, negatives, shift}", draw) >= 0.93


def test_f1_bootstrap() -> None:
    """F1 by the multinomial bootstrap covers at least 93 %."""
    shares = np.array([0.2, 0.1, 0.15, 0.55])
    truth = 2 * 0.2 / (2 * 0.2 + 0.1 + 0.15)

    def draw(rng: np.random.Generator) -> tuple[Interval | None, float]:
        counts = rng.multinomial(150, shares)
        return intervals.bootstrap_counts(counts, lambda t: 2 * t[:, 0] / (2 * t[:, 0] + t[:, 1] + t[:, 2])), truth

    assert covered("f1", draw, 800) >= 0.93


def test_distances_have_honest_intervals() -> None:
    """The KS band and Cramer's V interval cover at least 93 %."""
    truth = float(norm.cdf(0.15) - norm.cdf(-0.15))

    def ks(rng: np.random.Generator) -> tuple[Interval | None, float]:
        a, b = rng.normal(0, 1, 300), rng.normal(0.3, 1, 400)
        values = np.sort(np.concatenate((a, b)))
        d = np.abs(
            np.searchsorted(np.sort(a), values, "right") / 300 - np.searchsorted(np.sort(b), values, "right") / 400
        ).max()
        band = distances.ks_band(300, 400)
        return Interval(max(0, d - band), d + band, "kolmogorov band"), truth

    one, two, n, m = np.array([0.5, 0.3, 0.2]), np.array([0.4, 0.3, 0.3]), 300, 400
    pooled = (n * one + m * two) / (n + m)
    expected = float(sum((k * (p - pooled) ** 2 / pooled).sum() for k, p in ((n, one), (m, two))))
    v = float(np.sqrt(expected / (n + m)))

    def cramer(rng: np.random.Generator) -> tuple[Interval | None, float]:
        statistic, _, dof = distances.chi_square_contingency(rng.multinomial(n, one), rng.multinomial(m, two))
        return distances.cramers_v_interval(statistic, n + m, dof), v

    assert covered("ks band", ks) >= 0.93
    assert covered("cramer's v", cramer) >= 0.93

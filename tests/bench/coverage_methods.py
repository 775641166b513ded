"""How often each interval method holds the truth: exact by enumeration for one and two rates, else by simulation."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

import numpy as np
from scipy.special import expit
from scipy.stats import binom, norm

from tests.bench.coverage_table import Line
from workbench.core import distances, gaps, intervals, means, paired_auc, rates, stats, treatment
from workbench.core.intervals import Interval
from workbench.core.joint import Confusion
from workbench.core.rates import GroupCounts, Grouping

RARE, COMMON = 0.02, 0.3
Draw = Callable[[np.random.Generator], Interval | None]
Pair = tuple[float, float]


def every(times: int, seed: int) -> Iterator[Line]:
    """Yield a line for each method at each of its denominators and rates."""
    yield from one_rate()
    yield from two_rates()
    for number, case in enumerate((*groups(), *scores(), *tables(), *averages(), *paired(), *associations())):
        yield simulated(case, times, [seed, number])


class Case(NamedTuple):
    """A quantity with a known truth: how to draw an interval for it; `cost` divides the number of replicates."""

    method: str
    what: str
    sizes: str
    truth: float
    draw: Draw
    cost: int = 1


def simulated(case: Case, times: int, seed: list[int]) -> Line:
    """Return how often the intervals drawn hold the truth; those undefined are counted apart."""
    rng = np.random.default_rng(seed)
    tried = max(200, times // case.cost)
    drawn = [case.draw(rng) for _ in range(tried)]
    kept = [i for i in drawn if i is not None]
    hits = sum(i.low - 1e-12 <= case.truth <= i.high + 1e-12 for i in kept)
    return Line(case.method, case.what, case.sizes, len(kept), hits / max(1, len(kept)), undefined=tried - len(kept))


# ---------------------------------------------------------------------------- one and two rates, exact


def _enumerated(n: int, p: float) -> np.ndarray:
    """Return the counts that are not out of the question."""
    return np.arange(int(binom.ppf(1e-9, n, p)), int(binom.ppf(1 - 1e-9, n, p)) + 1)


def one_rate() -> Iterator[Line]:
    """Wilson's interval: the mean coverage over p +- 20 % and the least of it (STATISTICS section 5)."""
    for n in (10, 20, 50, 100, 200, 500, 1000, 5000):
        ends = [intervals.wilson(x, n) for x in range(n + 1)]
        low, high = (np.array([getattr(e, k) for e in ends]) for k in ("low", "high"))
        for p in (RARE, 0.1, COMMON, 0.5, 0.9, 1 - RARE):
            near = np.linspace(0.8 * p, min(1.2 * p, 1 - 1 / n), 81)
            near = near[(near * n >= 1) & ((1 - near) * n >= 1)]
            if n * p < 1 or n * (1 - p) < 1 or not len(near):
                continue
            x = np.arange(n + 1)
            each = np.array([binom.pmf(x, n, q)[(low <= q) & (q <= high)].sum() for q in near])
            yield Line("wilson", "a rate, mean over p +- 20 %", f"n {n}, p {p:g}", 0, float(each.mean()), each.min())


_PAIRS: tuple[Pair, ...] = (
    (RARE, RARE), (RARE, 0.06), (RARE, COMMON), (COMMON, COMMON), (COMMON, 0.5), (0.9, 0.7), (0.98, 0.98)
)  # fmt: skip
_SIZES = ((50, 50), (30, 200), (100, 400), (200, 200), (1000, 250))


def two_rates() -> Iterator[Line]:
    """Newcombe's difference and the MOVER-R ratio of two rates, and of a group against all rows."""
    functions: dict[str, tuple[str, Callable[..., Interval | None], Callable[[float, float, float], float]]] = {
        "difference": ("newcombe", intervals.newcombe_difference, lambda p, q, _: p - q),
        "ratio": ("mover-r", intervals.ratio_mover_r, lambda p, q, _: p / q),
        "to overall, difference": ("newcombe, scaled", _of_all_difference, lambda p, q, w: (1 - w) * (p - q)),
        "to overall, ratio": ("mover-r, scaled", _of_all_ratio, lambda p, q, w: p / (w * p + (1 - w) * q)),
    }
    for what, (method, function, truth_of) in functions.items():
        for n1, n2 in _SIZES:
            for p1, p2 in _PAIRS:
                if min(n1 * min(p1, 1 - p1), n2 * min(p2, 1 - p2)) < 1:
                    continue
                share = _exactly(function, (n1, p1), (n2, p2), truth_of(p1, p2, n1 / (n1 + n2)))
                yield Line(method, f"two rates, {what}", f"n {n1}, {n2}; p {p1:g}, {p2:g}", 0, share)


def _exactly(function: Callable[..., Interval | None], one: Pair, two: Pair, truth: float) -> float:
    (n1, p1), (n2, p2) = one, two
    hit = defined = 0.0
    second = [(int(b), float(binom.pmf(b, n2, p2))) for b in _enumerated(int(n2), p2)]
    for a in _enumerated(int(n1), p1):
        chance = float(binom.pmf(a, n1, p1))
        for b, other in second:
            found = function(int(a), int(n1), b, int(n2))
            if found is not None:
                defined += chance * other
                hit += chance * other * (found.low - 1e-12 <= truth <= found.high + 1e-12)
    return hit / defined


def _of_all_difference(a: int, n1: int, b: int, n2: int) -> Interval | None:
    return intervals.group_to_overall_difference(a, n1, a + b, n1 + n2)


def _of_all_ratio(a: int, n1: int, b: int, n2: int) -> Interval | None:
    return intervals.group_to_overall_ratio(a, n1, a + b, n1 + n2)


# ---------------------------------------------------------------------------- gaps over 2, 5 and 10 groups


def _cases_of_groups() -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    for k in (2, 5, 10):
        for base in (RARE, COMMON):
            shapes = {
                "no gap": np.full(k, base),
                "spread": np.linspace(base, 2 * base, k),
                "one apart": np.where(np.arange(k) == 0, 2.5 * base, base),
            }
            for shape, p in shapes.items():
                small = 100 if base == RARE else 40
                for name, n in (("alike", np.full(k, 200)), ("unlike", np.linspace(small, 600, k).astype(int))):
                    yield f"{k} groups of {n.min()} to {n.max()} ({name}), p {base:g}, {shape}", n, p


def groups() -> Iterator[Case]:
    """Largest minus smallest, smallest over largest, equalised odds and worst to overall, simultaneous."""
    for sizes, n, p in _cases_of_groups():
        low, high = float(p.min()), float(p.max())
        all_of = float((n * p).sum() / n.sum())
        folded = float(np.minimum(p / all_of, all_of / p).min())
        yield Case("newcombe-tukey", "largest minus smallest", sizes, high - low, partial(_gap, n, p, 0))
        yield Case("mover-r-tukey", "smallest over largest", sizes, low / high, partial(_gap, n, p, 1))
        both = partial(_odds_gap, n, p)
        yield Case("newcombe-tukey, sidak", "equalised odds difference", sizes, high - low, partial(both, 0), 2)
        yield Case("mover-r-tukey, sidak", "equalised odds ratio", sizes, low / high, partial(both, 1), 2)
        far = float(np.abs(p - all_of).max())
        yield Case("bonferroni", "worst difference to overall", sizes, far, partial(_worst, n, p, 0), 4)
        yield Case("bonferroni", "worst folded ratio to overall", sizes, folded, partial(_worst, n, p, 1), 4)
    yield from _treatment_and_means()


def _gap(n: np.ndarray, p: np.ndarray, ratio: int, rng: np.random.Generator) -> Interval | None:
    function = intervals.gap_ratio if ratio else intervals.gap_difference
    answer = function(list(zip(rng.binomial(n, p).tolist(), n.tolist(), strict=True)))
    return None if answer is None else answer[1]


def _odds_gap(n: np.ndarray, p: np.ndarray, ratio: int, rng: np.random.Generator) -> Interval | None:
    families = [list(zip(rng.binomial(n, p).tolist(), n.tolist(), strict=True)) for _ in range(2)]
    answer = intervals.combine_gaps(families, kind="ratio" if ratio else "difference")
    return None if answer is None else answer[1]


def _worst(n: np.ndarray, p: np.ndarray, ratio: int, rng: np.random.Generator) -> Interval | None:
    counts = [Confusion(0, 0, 0, 0, int(m), int(m), int(x), 0, 0) for x, m in zip(rng.binomial(n, p), n, strict=True)]
    every = Confusion(*(sum(c[i] for c in counts) for i in range(len(Confusion._fields))))
    found = tuple(GroupCounts((str(i),), str(i), c, True) for i, c in enumerate(counts))
    m = rates.worst_to_overall("selection_rate", Grouping(("g",), found, every), 0.95)[ratio]
    return None if m.value is None else Interval(float(m.low or 0), math.inf if m.high is None else m.high, m.method)


def _treatment_and_means() -> Iterator[Case]:
    for k in (2, 5, 10):
        for errors in (30, 200):
            share = np.linspace(0.4, 0.6, k)
            odds = share / (1 - share)
            case = f"{k} groups of {errors} errors"
            truth = float(odds.max() - odds.min())
            yield Case(
                "wilson odds, mover-d-tukey", "treatment equality", case, truth, partial(_treated, errors, share)
            )
        for n in (50, 300):
            for name, of in (("bias", normal), ("absolute error", skewed)):
                true = np.linspace(1.0, 1.5, k)
                gap, ratio = float(true.max() - true.min()), float(true.min() / true.max())
                case = f"{k} groups of {n}, {name}"
                yield Case("welch-tukey", "gap of means", case, gap, partial(_means_gap, of, n, true, 0))
                yield Case("mover-r-tukey", "ratio of means", case, ratio, partial(_means_gap, of, n, true, 1))


def _treated(errors: int, share: np.ndarray, rng: np.random.Generator) -> Interval | None:
    missed = rng.binomial(errors, share).tolist()
    m = treatment.treatment_gap([Confusion(0, errors - x, x, 0, 0, 0, 0, 0, 0) for x in missed], "g", 0.95)
    return None if m.low is None else Interval(m.low, math.inf if m.high is None else m.high, m.method)


def normal(rng: np.random.Generator, mean: float, n: int) -> np.ndarray:
    """Draw numbers about a mean, of standard deviation 1."""
    return rng.normal(mean, 1, n)


def skewed(rng: np.random.Generator, mean: float, n: int) -> np.ndarray:
    """Draw absolute values of normal numbers, whose mean is `mean`."""
    return np.abs(rng.normal(0, mean * math.sqrt(math.pi / 2), n))


def _means_gap(
    of: Callable[..., np.ndarray], n: int, true: np.ndarray, ratio: int, rng: np.random.Generator
) -> Interval | None:
    drawn = [of(rng, float(m), n) for m in true]
    moments = [(float(v.mean()), float(v.var(ddof=1)), n) for v in drawn]
    answer = gaps.ratio_of_means(moments) if ratio else gaps.of_means(moments)
    return None if answer is None else answer[1]


# ---------------------------------------------------------------------------- scores


def scores() -> Iterator[Case]:
    """AUC, average precision, KS and calibration line, with rare and common positives."""
    for n_pos, n_neg, shift in ((20, 80, 1.0), (15, 15, 2.0), (100, 100, 0.2), (10, 490, 1.0), (40, 1960, 1.5)):
        case, auc = f"{n_pos} positive, {n_neg} negative, shift {shift:g}", float(norm.cdf(shift / math.sqrt(2)))
        yield Case("newcombe 2006, method 5", "area under ROC", case, auc, partial(_auc, n_pos, n_neg, shift), 4)
        precision = _true_precision(n_pos / (n_pos + n_neg), shift)
        yield Case("logit", "average precision", case, precision, partial(_precision, n_pos, n_neg, shift), 2)
        distance = float(2 * norm.cdf(shift / 2) - 1)
        yield Case("kolmogorov band", "KS of two classes", case, distance, partial(_ks, n_pos, n_neg, shift), 4)
    for n, offset in ((300, 0.0), (300, -2.0), (2000, -4.0)):
        for k, what in ((0, "calibration slope"), (1, "calibration intercept")):
            rate = float(expit(offset + np.random.default_rng(1).normal(0, 1, 100_000)).mean())
            case = f"n {n}, p {rate:.2g}"
            yield Case("wald", what, case, 1.0 - k, partial(_line, n, offset, k), 20)


def associations() -> Iterator[Case]:
    """Cramer's V between two samples of categories."""
    one, two = np.array([0.5, 0.3, 0.2]), np.array([0.4, 0.3, 0.3])
    for n, m in ((300, 400), (3000, 1000)):
        pooled = (n * one + m * two) / (n + m)
        expected = sum(float((k * (p - pooled) ** 2 / pooled).sum()) for k, p in ((n, one), (m, two)))
        truth = math.sqrt(expected / (n + m))
        draw = partial(_cramer, (n, one), (m, two))
        yield Case("noncentral chi-square", "Cramer's V", f"n {n}, {m}", truth, draw, 20)


def _cramer(one: tuple[int, np.ndarray], two: tuple[int, np.ndarray], rng: np.random.Generator) -> Interval | None:
    statistic, _, freedom = distances.chi_square_contingency(rng.multinomial(*one), rng.multinomial(*two))
    return distances.cramers_v_interval(statistic, one[0] + two[0], freedom)


def _drawn(rng: np.random.Generator, n_pos: int, n_neg: int, shift: float) -> tuple[np.ndarray, np.ndarray]:
    scores = np.concatenate((rng.normal(shift, 1, n_pos), rng.normal(0, 1, n_neg)))
    order = np.argsort(scores)
    positive = (order < n_pos).astype(np.int64)
    return positive, 1 - positive


def _auc(n_pos: int, n_neg: int, shift: float, rng: np.random.Generator) -> Interval | None:
    return intervals.auc_interval(stats.auc_from_counts(*_drawn(rng, n_pos, n_neg, shift)), n_pos, n_neg)


def _precision(n_pos: int, n_neg: int, shift: float, rng: np.random.Generator) -> Interval | None:
    value = stats.average_precision_from_counts(*_drawn(rng, n_pos, n_neg, shift))
    return intervals.average_precision_interval(value, n_pos)


def _true_precision(share: float, shift: float) -> float:
    """Return the integral over the positives' scores of the precision at each."""
    at = norm.ppf(np.linspace(0.5e-6, 1 - 0.5e-6, 200_001)) + shift
    hits, false = share * norm.sf(at - shift), (1 - share) * norm.sf(at)
    return float(np.mean(hits / (hits + false)))


def _ks(n_pos: int, n_neg: int, shift: float, rng: np.random.Generator) -> Interval | None:
    positive, negative = _drawn(rng, n_pos, n_neg, shift)
    value = float(np.abs(np.cumsum(positive) / n_pos - np.cumsum(negative) / n_neg).max())
    band = distances.ks_band(n_pos, n_neg)
    return Interval(max(0.0, value - band), min(1.0, value + band), "kolmogorov band")


def _line(n: int, offset: float, k: int, rng: np.random.Generator) -> Interval | None:
    values = np.sort(expit(offset + rng.normal(0, 1, n)))
    positive = (rng.random(n) < values).astype(np.int64)
    fit = stats.calibration_slope_intercept(values, positive, 1 - positive)
    if fit is None:
        return None
    half = 1.959964 * fit[2 + k]
    return Interval(fit[k] - half, fit[k] + half, "wald")


# ---------------------------------------------------------------------------- metrics composed of several cells


def _f1(t: np.ndarray) -> np.ndarray:
    return np.asarray(2 * t[:, 0] / (2 * t[:, 0] + t[:, 1] + t[:, 2]))


def _balanced(t: np.ndarray) -> np.ndarray:
    return np.asarray((t[:, 0] / (t[:, 0] + t[:, 2]) + t[:, 3] / (t[:, 1] + t[:, 3])) / 2)


def _matthews(t: np.ndarray) -> np.ndarray:
    tp, fp, fn, tn = t.T
    return np.asarray((tp * tn - fp * fn) / np.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)))


def _kappa(t: np.ndarray) -> np.ndarray:
    tp, fp, fn, tn = t.T
    n = t.sum(axis=1)
    chance = ((tp + fp) * (tp + fn) + (tn + fp) * (tn + fn)) / n**2
    return np.asarray(((tp + tn) / n - chance) / (1 - chance))


def tables() -> Iterator[Case]:
    """The multinomial bootstrap of metrics that several cells of the confusion table make."""
    metrics = {"F1": _f1, "balanced accuracy": _balanced, "Matthews": _matthews, "kappa": _kappa}
    for share, n in ((COMMON, 50), (COMMON, 200), (COMMON, 1000), (RARE, 500), (RARE, 2000)):
        cells = np.array([0.7 * share, 0.1 * (1 - share), 0.3 * share, 0.9 * (1 - share)])
        for name, metric in metrics.items():
            truth = float(metric(cells[None, :])[0])
            draw = partial(_bootstrapped, n, cells, metric)
            yield Case("multinomial bootstrap", name, f"n {n}, positives {n * share:g}", truth, draw, 10)


def _bootstrapped(
    n: int, cells: np.ndarray, metric: Callable[[np.ndarray], np.ndarray], rng: np.random.Generator
) -> Interval | None:
    return intervals.bootstrap_counts(rng.multinomial(n, cells), metric, seed=int(rng.integers(2**31)))


# ---------------------------------------------------------------------------- means


def averages() -> Iterator[Case]:
    """t and Welch intervals of losses: normal and absolute errors, and log losses of scores."""
    for n in (30, 200, 1000):
        for name, of, truth in (
            ("error", normal, 1.0),
            ("absolute error", skewed, 1.0),
            ("log loss", _log_loss, _LOG_LOSS),
        ):
            yield Case("t", f"mean {name}", f"n {n}", truth, partial(_mean, of, n))
            yield Case("welch", f"difference of mean {name}", f"n {n}, {3 * n}", 0.0, partial(_welch, of, n))


def _log_loss(rng: np.random.Generator, mean: float, n: int) -> np.ndarray:
    del mean
    p = expit(rng.normal(-1, 1.5, n))
    return -np.log(np.where(rng.random(n) < p, p, 1 - p))


_LOG_LOSS = float(_log_loss(np.random.default_rng(3), 0, 4_000_000).mean())


def _mean(of: Callable[..., np.ndarray], n: int, rng: np.random.Generator) -> Interval | None:
    values = of(rng, 1.0, n)
    return intervals.mean_interval(n, float(values.mean()), float(values.var(ddof=1)))


def _welch(of: Callable[..., np.ndarray], n: int, rng: np.random.Generator) -> Interval | None:
    answer = means.difference_of(of(rng, 1.0, n), of(rng, 1.0, 3 * n), 0.95)
    return None if answer is None else answer[1]


# ---------------------------------------------------------------------------- two models on the same rows


def paired() -> Iterator[Case]:
    """Tango's interval of paired shares and DeLong's of two areas on the same rows."""
    for n, b, c in ((50, 0.1, 0.1), (200, 0.02, 0.02), (200, 0.1, 0.05), (1000, 0.02, 0.01)):
        yield Case("tango", "paired difference of shares", f"n {n}, p {b:g}, {c:g}", b - c, partial(_tango, n, b, c), 4)
    for n_pos, n_neg in ((50, 50), (20, 980), (200, 200)):
        one, two = norm.cdf(1 / math.sqrt(2)), norm.cdf(0.7 / math.sqrt(2))
        case = f"{n_pos} positive, {n_neg} negative"
        yield Case(
            "delong, paired", "difference of two AUC", case, float(two - one), partial(_delong, n_pos, n_neg), 10
        )


def _tango(n: int, b: float, c: float, rng: np.random.Generator) -> Interval | None:
    first, second, _ = rng.multinomial(n, [b, c, 1 - b - c]).tolist()
    return intervals.paired_difference(first, second, n)


def _delong(n_pos: int, n_neg: int, rng: np.random.Generator) -> Interval | None:
    truth = np.repeat([1.0, 0.0], [n_pos, n_neg])
    shared = rng.normal(0, 1, n_pos + n_neg)
    one = truth + 0.8 * shared + 0.6 * rng.normal(0, 1, len(truth))
    two = 0.7 * truth + 0.8 * shared + 0.6 * rng.normal(0, 1, len(truth))
    answer = paired_auc.difference(truth, one, two)
    return None if answer is None else answer[1]

"""How well scores rank: separation of the classes, cumulative gain, and rate and lift by decile of score."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workbench.core import distances, intervals, stats
from workbench.core.check import check
from workbench.core.finding import Cell, Evidence, Measure, Result
from workbench.core.intervals import Interval
from workbench.core.joint import JointCounts
from workbench.core.numbers import Floats, Ints
from workbench.core.rates import measure, with_interval
from workbench.core.scoring import MOST_POINTS, windows
from workbench.core.subject import Subject

_PARTS = 10
_COLUMNS = ("decile", "lowest score", "highest score", "mean score", "n", "positives", "positive rate", "low", "high")
_MORE = ("lift", "lift low", "lift high", "cumulative gain", "cumulative lift", "jeffreys p")


@dataclass(frozen=True)
class _Ranked:
    """Scores from the highest down, with positives and negatives at each."""

    values: Floats
    positive: Ints
    negative: Ints
    bound: float
    probabilities: bool

    @property
    def sizes(self) -> Ints:
        return self.positive + self.negative


@dataclass(frozen=True)
class _Decile:
    """One tenth of the rows by score: its rows and positives, those down to its end, and its scores."""

    name: str
    n: int
    hits: int
    depth: int
    gained: int
    lowest: float
    highest: float
    mean: float


@check("performance.lift", "P006", "Lift and separation", needs=("target", "score"))
def lift(subject: Subject) -> Result:
    """Rank the rows by score and count the outcome from the top.

    Measures: `ks`, the largest distance between the score distributions of the two classes, with a band and the p of no
        separation; `gini` = 2 AUC - 1; per decile of score (1 is the highest) `decile_positive_rate` with its Wilson
        interval, `lift` = that rate over the overall rate, `cumulative_gain` = share of all positives found down to
        its end and `cumulative_lift` = the rate down to its end over the overall rate; when scores are probabilities
        `jeffreys_p_value`, over all rows and per decile, the one-sided p of "the true rate is not above the mean
        score": a small one says that the scores are too low. A decile is named in `where`.
    Reads well when: each decile has some tens of rows and the outcome is not rare in the upper ones.
    Signs of risk: a first decile whose lift's interval reaches 1; rates that rise again further down; a decile whose
        interval misses its mean score; a small Jeffreys p where decisions are taken.
    Limits: rows with one score are never split: a decile ends at the first score value at which its tenth of the rows
        is reached, so deciles differ in size, and where a value fills several they are one ("decile 3-5"). The interval
        of a gain takes the depth as given. The band of `ks` is conservative; its p is asymptotic. Beyond 131,072
        distinct scores `ks` carries an error bound. Ten p-values of deciles are not corrected for being ten.
    Reference: Kolmogorov (1933), Smirnov (1939) for `ks`; Somers (1962) for Gini's relation to AUC; Newcombe (2006)
        method 5 for its interval; Wilson (1927); Donner and Zou (2012) MOVER-R of the decile against the rest; ECB
        (2019) Instructions for reporting the validation results of internal models, section 2.5.3.1, for Jeffreys'
        test: p = Beta(k + 1/2, n - k + 1/2) distribution function at the mean score, k positives of n.
    """
    found: list[Measure] = []
    evidence: list[Evidence] = []
    for window, joint in windows(subject):
        if not joint.has_score:
            continue
        ranked = _ranked(joint)
        found += _separation(ranked, window, subject.level)
        deciles = _deciles(ranked)
        found += _overall_jeffreys(ranked, window)
        for decile in deciles:
            found += _of_decile(decile, deciles[-1], ranked.probabilities, window, subject.level)
        if not window and deciles:
            evidence += [_gain(ranked, subject.level), _table(deciles, ranked.probabilities, subject.level)]
    return Result(found, evidence)


def _ranked(joint: JointCounts) -> _Ranked:
    values, positive, negative, bound = joint.score_table()
    ends = np.zeros((2, 2), np.int64)  # truth x (minus, plus) infinity: apart in the table, but they have a rank
    for (_, truth, _), table in joint.scores.items():
        if truth < 2:
            ends[truth] += table.infinite
    values = np.concatenate(([-np.inf], values, [np.inf]))
    negative, positive = (np.concatenate(([e[0]], c, [e[1]])) for e, c in zip(ends, (negative, positive), strict=True))
    kept = (positive + negative) > 0
    down = (values[kept][::-1], positive[kept][::-1], negative[kept][::-1])
    return _Ranked(*down, bound, joint.scores_are_probabilities)


def _separation(r: _Ranked, window: str, level: float) -> list[Measure]:
    n_pos, n_neg = int(r.positive.sum()), int(r.negative.sum())
    n = n_pos + n_neg
    if not n_pos or not n_neg:
        why = "only one class occurs among the rows with truth and score" if n else "no row has truth and score"
        names = ("ks", "ks_p_value", "gini")
        return [Measure(name, None, window=window, n=n, undefined_because=why) for name in names]
    ks, band = distances.ks_from_counts(r.positive, r.negative), distances.ks_band(n_pos, n_neg, level)
    interval = Interval(max(0.0, ks - band), min(1.0, ks + band + r.bound), "kolmogorov band")
    p = distances.ks_p_value(ks, n_pos, n_neg)
    return [
        with_interval(Measure("ks", ks, window=window, n=n, unit="share", error_bound=r.bound or None), interval),
        Measure("ks_p_value", p, window=window, n=n, method="asymptotic"),
        _gini(r, (n_pos, n_neg), window, level),
    ]


def _gini(r: _Ranked, sizes: tuple[int, int], window: str, level: float) -> Measure:
    auc = stats.auc_from_counts(r.positive[::-1], r.negative[::-1])
    # Pairs inside one bin of several values count one half each; doubled with the area.
    mixed = float((r.positive / sizes[0] * r.negative / sizes[1]).sum()) if r.bound else None
    m = Measure("gini", 2 * auc - 1, window=window, n=sum(sizes), error_bound=mixed)
    ends = intervals.auc_interval(auc, *sizes, level)
    return m if ends is None else with_interval(m, Interval(2 * ends.low - 1, 2 * ends.high - 1, ends.method))


def _deciles(r: _Ranked) -> list[_Decile]:
    depth, gained = np.cumsum(r.sizes), np.cumsum(r.positive)
    if not len(depth):
        return []
    # In whole numbers: decile k ends at the first value down to which there are k / 10 of the rows.
    reached = [int(np.searchsorted(depth * _PARTS, k * int(depth[-1]))) for k in range(1, _PARTS + 1)]
    found, start = [], 0
    for end in sorted(set(reached)):
        numbers = [k for k, at in enumerate(reached, 1) if at == end]
        name = f"decile {numbers[0]}" + (f"-{numbers[-1]}" if len(numbers) > 1 else "")
        part = slice(start, end + 1)
        n, hits = int(r.sizes[part].sum()), int(r.positive[part].sum())
        scores = (float(r.values[end]), float(r.values[start]), float(np.sum(r.values[part] * r.sizes[part])) / n)
        found.append(_Decile(name, n, hits, int(depth[end]), int(gained[end]), *scores))
        start = end + 1
    return found


def _overall_jeffreys(r: _Ranked, window: str) -> list[Measure]:
    n = int(r.sizes.sum())
    if not n or not r.probabilities:
        why = "scores are not probabilities: some lie outside 0..1" if n else "no row has truth and score"
        return [Measure("jeffreys_p_value", None, window=window, n=n, undefined_because=why)]
    mean = float(np.sum(r.values * r.sizes)) / n
    return [Measure("jeffreys_p_value", stats.jeffreys_p_value(int(r.positive.sum()), n, mean), window=window, n=n)]


def _of_decile(d: _Decile, last: _Decile, probabilities: bool, window: str, level: float) -> list[Measure]:
    rate = measure("decile_positive_rate", d.hits, d.n, intervals.wilson(d.hits, d.n, level), window=window)
    positives = last.gained
    gain = intervals.wilson(d.gained, positives, level)
    why = "" if positives else "0/0: no row with truth and score is positive"
    found = [
        rate,
        _lift("lift", d.hits, d.n, last, window, level),
        measure("cumulative_gain", d.gained, positives, gain, window=window, why=why),
        _lift("cumulative_lift", d.gained, d.depth, last, window, level),
    ]
    if probabilities:
        found.append(Measure("jeffreys_p_value", stats.jeffreys_p_value(d.hits, d.n, d.mean), window=window, n=d.n))
    return [_at(m, d.name) for m in found]


def _at(m: Measure, where: str) -> Measure:
    tail = (m.low, m.high, m.method, m.n, m.unit, m.error_bound, m.undefined_because)
    return Measure(m.name, m.value, m.column, m.group, m.window, where, *tail)


def _lift(name: str, hits: int, n: int, last: _Decile, window: str, level: float) -> Measure:
    if not last.gained:
        why = "0/0: no row with truth and score is positive"
        return Measure(name, None, window=window, n=n, unit="ratio", undefined_because=why)
    value = (hits / n) / (last.gained / last.depth)
    interval = intervals.group_to_overall_ratio(hits, n, last.gained, last.depth, level)
    return with_interval(Measure(name, value, window=window, n=n, unit="ratio"), interval)


def _gain(r: _Ranked, level: float) -> Evidence:
    depth, gained = np.cumsum(r.sizes), np.cumsum(r.positive)
    n, positives = int(depth[-1]), int(gained[-1])
    rows: list[tuple[Cell, ...]] = []
    if positives:
        rows.append((0.0, 0.0, None, None, "model"))
        for i in np.unique(np.linspace(0, len(depth) - 1, min(len(depth), MOST_POINTS)).astype(int)):
            ends = intervals.wilson(int(gained[i]), positives, level)
            band = (None, None) if ends is None else (ends.low, ends.high)
            rows.append((float(depth[i] / n), float(gained[i] / positives), *band, "model"))
    notes: dict[str, Cell] = {
        "x": "share of rows, highest scores first",
        "y": "share of positives found",
        "unit": "share",
        "x_unit": "share",
        "diagonal": True,
    }
    return Evidence("gain", "Cumulative gain", "lines", ("x", "y", "low", "high", "series"), tuple(rows), notes)


def _table(deciles: list[_Decile], probabilities: bool, level: float) -> Evidence:
    rows = []
    for d in deciles:
        found = {m.name: m for m in _of_decile(d, deciles[-1], probabilities, "", level)}
        rate, ratio = found["decile_positive_rate"], found["lift"]
        head = (d.name.removeprefix("decile "), d.lowest, d.highest, d.mean, d.n, d.hits)
        more = (found["cumulative_gain"].value, found["cumulative_lift"].value)
        p = found["jeffreys_p_value"].value if probabilities else None
        rows.append((*head, rate.value, rate.low, rate.high, ratio.value, ratio.low, ratio.high, *more, p))
    return Evidence("deciles", "Rate and lift by decile of score", "table", (*_COLUMNS, *_MORE), tuple(rows))

"""Between which ends a gap between groups lies when some people's group is not known."""

from __future__ import annotations

import math
from collections.abc import Sequence

from workbench.core import intervals
from workbench.core.intervals import Fraction, Interval

Bound = tuple[float, float]


def difference_bounds(known: Sequence[Fraction], unknown: Fraction) -> Bound:
    """Return the smallest and the largest difference (largest minus smallest rate) over all memberships of the unknown.

    `known` holds successes and n per group, `unknown` those of the people without a group. Largest: over ordered pairs,
    one group takes all unknown successes and the other all unknown failures. Smallest: see `closest`.
    """
    high, low = _farthest(known, unknown, "difference")
    top, bottom = closest(known, unknown)
    return max(0.0, _share(top) - _share(bottom)), _share(high) - _share(low)


def ratio_bounds(known: Sequence[Fraction], unknown: Fraction) -> Bound | None:
    """Return the smallest and the largest ratio (smallest over largest rate), as `difference_bounds`; 0/0 is None."""
    if not unknown[0] and not any(x for x, _ in known):
        return None
    high, low = _farthest(known, unknown, "ratio")
    top, bottom = closest(known, unknown)
    return _share(low) / _share(high), min(1.0, _share(bottom) / _share(top)) if top[0] else 1.0


def _share(fraction: Fraction) -> float:
    return fraction[0] / fraction[1]


def _farthest(known: Sequence[Fraction], unknown: Fraction, kind: str) -> tuple[Fraction, Fraction]:
    a, b = unknown[0], unknown[1] - unknown[0]
    highs, lows = [(x + a, n + a) for x, n in known], [(x, n + b) for x, n in known]
    pairs = ((highs[i], lows[j]) for i in range(len(known)) for j in range(len(known)) if i != j)
    if kind == "difference":
        return max(pairs, key=lambda pair: _share(pair[0]) - _share(pair[1]))
    return min((p for p in pairs if p[0][0]), key=lambda pair: _share(pair[1]) / _share(pair[0]))


def closest(known: Sequence[Fraction], unknown: Fraction) -> tuple[Fraction, Fraction]:
    """Return the fractions at the top and the bottom of the rates brought as near to each other as the unknown allow.

    With a unknown successes the k lowest groups together reach at most (a + their successes) / (a + their n), so the
    lowest rate is at most the smallest of these over k; likewise the highest rate is at least the largest of (their
    successes) / (b + their n) over the k highest. Both are reached at once when people may be divided: the memberships
    that keep all rates within two limits are those that meet these needs (supporting lines of a sum of plane
    polyhedra), and the overall rate lies between the two ends, or the gap closes. Top at or under bottom: it closes.
    Unknown people may then also belong to groups that are not compared: that brings the rates no nearer.
    """
    a, b = unknown[0], unknown[1] - unknown[0]
    ordered = sorted(known, key=_share)
    bottom = min(_pooled(ordered, (a, a)), key=_share)
    top = max(_pooled(ordered[::-1], (0, b)), key=_share)
    return top, bottom


def _pooled(ordered: Sequence[Fraction], added: Fraction) -> list[Fraction]:
    found, (x, n) = [], added
    for successes, size in ordered:
        x, n = x + successes, n + size
        found.append((x, n))
    return found


def imbens_manski(wide: float, spread: float, level: float = 0.95) -> float:
    """Return c so that Phi(c + width / spread) - Phi(-c) = level: between the one-sided and the two-sided quantile.

    Source: Imbens and Manski (2004) Econometrica 72:1845.
    """
    from scipy.optimize import brentq
    from scipy.special import ndtr, ndtri

    one_sided, two_sided = float(ndtri(level)), intervals.normal_quantile(level)
    if spread <= 0 or wide / spread > 40:
        return one_sided

    def short(c: float) -> float:
        return float(ndtr(c + wide / spread) - ndtr(-c)) - level

    return float(brentq(short, one_sided - 1e-9, two_sided + 1e-9))


def gap_interval(known: Sequence[Fraction], unknown: Fraction, kind: str, level: float = 0.95) -> Interval | None:
    """Return an interval of the gap itself, wherever it lies between the bounds: both bounds, each moved outwards.

    Each bound compares two shares, each of the people of some groups with the unknown successes or with the unknown
    failures. These do not overlap, so it has the hybrid score ends of two independent shares: at the Tukey quantile
    of all pairs for the far bound, at the Scheffe quantile of all contrasts for the near one, which pools groups. The
    way outwards is shortened by c / z after Imbens and Manski; it is conservative beyond two groups.
    """
    if not unknown[1]:
        answer = (intervals.gap_difference if kind == "difference" else intervals.gap_ratio)(list(known), level)
        return None if answer is None else answer[1]
    bounds = (difference_bounds if kind == "difference" else ratio_bounds)(known, unknown)
    if bounds is None:
        return None
    outer = _outer_ends(known, unknown, kind, level)
    out = (max(0.0, bounds[0] - outer[0]), max(0.0, min(1.0, outer[1]) - bounds[1]))
    z = intervals.normal_quantile(level)
    scale = imbens_manski(bounds[1] - bounds[0], max(out) / z, level) / z
    return Interval(max(0.0, bounds[0] - scale * out[0]), min(1.0, bounds[1] + scale * out[1]), "imbens-manski")


def _outer_ends(known: Sequence[Fraction], unknown: Fraction, kind: str, level: float) -> Bound:
    tukey, scheffe = intervals.tukey_z(len(known), level), _scheffe(len(known), level)
    a, b = unknown[0], unknown[1] - unknown[0]
    highs, lows = [(x + a, n + a) for x, n in known], [(x, n + b) for x, n in known]
    pairs = [(highs[i], lows[j]) for i in range(len(known)) for j in range(len(known)) if i != j]
    top, bottom = closest(known, unknown)
    apart = _share(top) > _share(bottom)
    if kind == "difference":
        far = [intervals.newcombe_difference(*high, *low, level, tukey) for high, low in pairs]
        near = intervals.newcombe_difference(*top, *bottom, level, scheffe) if apart else None
        return near.low if near else 0.0, max(f.high for f in far if f)
    small = [intervals.ratio_mover_r(*low, *high, level, tukey) for high, low in pairs]
    close = intervals.ratio_mover_r(*bottom, *top, level, scheffe) if apart else None
    return min((s.low for s in small if s), default=0.0), close.high if close else 1.0


def _scheffe(k: int, level: float) -> float:
    from scipy.special import chdtri

    return math.sqrt(float(chdtri(k - 1, 1 - level)))

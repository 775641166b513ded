"""How the values of a text column are written: numbers, numbers with units, shapes; and the few written otherwise."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from workbench.core.numbers import Ints

Mask = NDArray[np.bool_]

DOMINATING = 0.95
"""Patterns dominate a column where the three most frequent of them take this share of its values."""
NUMERIC = 0.9
"""A text column is read as numbers where this share of its values begins with one."""
_FIXED = 0.99
_LEAST = 20
_MOST_PATTERNS = 3
_MOST_UNITS = 30
_RUNS = 24
_LONGEST = 100
_CODE = 4
_UNITS = frozenset(
    {
        "%", "‰", "$", "€", "£", "¥", "usd", "eur", "gbp", "°", "°c", "°f", "mg", "g", "kg", "t", "lb", "lbs", "oz",
        "mm", "cm", "m", "km", "in", "ft", "yd", "mi", "ml", "cl", "l", "gal", "ms", "s", "sec", "min", "h", "hr",
        "hrs", "day", "days", "kb", "mb", "gb", "k", "hz", "w", "kw", "kwh", "v", "pct", "percent",
    }
)  # fmt: skip
_NUMBER = re.compile(
    r"([$€£¥])?\s?([-+]?(?:(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?)"
    r"\s?([%‰°$€£¥\"']|[^\W\d_][^\d]{0,19})?"
)


def number_and_unit(text: str) -> tuple[float, str] | None:
    """Return the number that a text is and what stands around it ("" for nothing); None when it is no number."""
    text = text.strip()
    found = _NUMBER.fullmatch(text) if len(text) <= _LONGEST else None
    if found is None:
        return None
    unit = (found[1] or "") + (found[3] or "").strip()
    return float(found[2].replace(",", "")), unit


def shape_of(text: str) -> str:
    """Return a text's shape: runs of digits as 9, of small letters as a, of capitals as A, of spaces as one space.

    Texts of over 200 letters or 24 runs have the shape "text".
    """
    if len(text) > 2 * _LONGEST:
        return "text"
    runs: list[str] = []
    for c in text:
        mark = "9" if c.isdigit() else "A" if c.isupper() else "a" if c.isalpha() else " " if c.isspace() else c
        if not runs or runs[-1] != mark:
            runs.append(mark)
            if len(runs) > _RUNS:
                return "text"
    return "".join(runs)


def written_otherwise(
    values: Sequence[str], counts: Ints, read: Sequence[tuple[float, str] | None] | None = None
) -> dict[str, Mask]:
    """Return which distinct values (of those that occur) are written otherwise than their column, by what is odd.

    Kinds: "not a number", "unit" and "length" in a column of numbers, "shape" in any other. `read` is what
    `number_and_unit` says of each value.
    """
    n, occurs = int(counts.sum()), counts > 0
    if n < _LEAST or occurs.sum() < 2:
        return {}
    read = [number_and_unit(v) for v in values] if read is None else read
    units = ["" if r is None else r[1] for r in read]
    is_number = np.array([r is not None for r in read], bool) & occurs
    if counts[is_number].sum() >= NUMERIC * n and _are_units(units, is_number):
        found = {"unit": odd_units(units, np.where(is_number, counts, 0)), "length": odd_lengths(values, counts)}
        return {"not a number": ~is_number & occurs, **found}
    return {"shape": odd_shapes(values, counts)}


def _are_units(units: Sequence[str], is_number: Mask) -> bool:
    # Street names after house numbers are no units: nearly each value has its own.
    kinds = len({u for u, yes in zip(units, is_number, strict=True) if yes})
    return kinds <= _MOST_UNITS and (kinds <= 2 or kinds <= max(3, int(is_number.sum()) // 2))


def odd_units(units: Sequence[str], counts: Ints) -> Mask:
    """Return which values have a unit that is not the column's: all but the dominating one, or every one when mixed.

    Mixed: no way of writing takes 90 % of the values, and one unit is written in several ways or all are known units.
    """
    n = int(counts.sum())
    totals: dict[str, int] = {}
    for unit, count in zip(units, counts.tolist(), strict=True):
        totals[unit] = totals.get(unit, 0) + count
    present = {u: c for u, c in totals.items() if c}
    if len(present) < 2:
        return np.zeros(len(units), bool)
    top = max(present, key=lambda u: (present[u], u))
    if present[top] >= NUMERIC * n:
        return np.array([u != top for u in units], bool) & (counts > 0)
    folded = {_folded(u) for u in present if u}
    if len(folded) < len([u for u in present if u]) or folded <= _UNITS:
        return np.array([u != "" for u in units], bool) & (counts > 0)
    return np.zeros(len(units), bool)


def _folded(unit: str) -> str:
    return unit.casefold().rstrip(".").split(" ")[0].rstrip(".")


def fixed_length(values: Sequence[str], counts: Ints) -> int:
    """Return how many digits the values have, where 99 % of the runs of digits have as many, four or more; else 0.

    Such values are codes, not quantities: most of the column must be runs of digits.
    """
    lengths = [min(len(v), _LONGEST) if v.isdigit() else 0 for v in values]
    totals = np.bincount(lengths, weights=counts, minlength=2)
    digits = float(totals[1:].sum())
    top = 1 + int(np.argmax(totals[1:]))
    are_codes = top >= _CODE and digits >= NUMERIC * counts.sum() > 0 and totals[top] >= _FIXED * digits
    return top if are_codes else 0


def odd_lengths(values: Sequence[str], counts: Ints) -> Mask:
    """Return which runs of digits are shorter or longer than those of a column of codes of one length."""
    lengths = np.array([min(len(v), _LONGEST) if v.isdigit() else 0 for v in values])
    top = fixed_length(values, counts)
    if not top:
        return np.zeros(len(values), bool)
    return np.asarray((lengths != top) & (lengths > 0) & (counts > 0), bool)


def odd_shapes(values: Sequence[str], counts: Ints) -> Mask:
    """Return which values have another shape than the (at most three) that dominate the column.

    Where the dominating shapes hold only letters, just the values with a digit in them are odd.
    """
    shapes = [shape_of(v) for v in values]
    totals: dict[str, int] = {}
    for shape, count in zip(shapes, counts.tolist(), strict=True):
        totals[shape] = totals.get(shape, 0) + count
    order = sorted(totals, key=lambda s: (-totals[s], s))
    n, taken, kept = int(counts.sum()), 0, set()
    for shape in order[:_MOST_PATTERNS]:
        kept.add(shape)
        taken += totals[shape]
        if taken >= DOMINATING * n:
            break
    none = np.zeros(len(values), bool)
    if "text" in kept or taken == n:
        return none
    if taken < DOMINATING * n:
        return _digits_in_words(shapes, counts)
    with_digits = sum(totals[s] for s in kept if "9" in s)
    if with_digits < n / 2:
        return _digits_in_words(shapes, counts)
    return np.array([s not in kept for s in shapes], bool) & (counts > 0)


def _digits_in_words(shapes: Sequence[str], counts: Ints) -> Mask:
    odd = np.array(["9" in s for s in shapes], bool) & (counts > 0)
    few = counts[odd].sum() <= (1 - _FIXED) * counts.sum()
    return odd if few else np.zeros(len(shapes), bool)

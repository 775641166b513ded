"""Lengths and words of a text column, from the table of its values; no row is read again."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from workbench.core.counts import ColumnCounts
from workbench.core.intervals import Interval, normal_quantile, wilson_ends
from workbench.core.numbers import NumberCounts
from workbench.core.values import ValueCounts

_WORD = re.compile(r"\w+")
_FEW = 20
_SHARE = 20


def is_free_text(column: ColumnCounts) -> bool:
    """Say whether a text column has too many distinct values to be categories: over 20 and over 1 in 20 values."""
    return column.values is not None and column.values.distinct > max(_FEW, column.present // _SHARE)


def words(text: str) -> list[str]:
    """Return the words of a text: runs of letters, digits and underscores of any script, case folded."""
    return _WORD.findall(text.casefold())


def lengths(values: ValueCounts) -> NumberCounts:
    """Return the table of the values' lengths in characters; of a sample of values, that of the sample."""
    by_length: dict[int, int] = {}
    for text, count in values.counts.items():
        by_length[len(text)] = by_length.get(len(text), 0) + count
    at = sorted(by_length)
    # Lengths are few: an exact table of them never needs bins.
    table = NumberCounts.of(np.array(at, np.float64))
    return replace(table, counts=np.array([by_length[n] for n in at], np.int64))


def vocabulary(values: ValueCounts) -> dict[str, int]:
    """Return how often each word occurs."""
    found: dict[str, int] = {}
    for text, count in values.counts.items():
        for word in words(text):
            found[word] = found.get(word, 0) + count
    return found


@dataclass(frozen=True)
class Unseen:
    """Words that a vocabulary lacks: occurrences, of how many words in all, how many distinct, and the interval."""

    x: int
    n: int
    distinct: int
    interval: Interval | None


def unseen_words(values: ValueCounts, known: Mapping[str, int], level: float = 0.95) -> Unseen:
    """Return the share of word occurrences that `known` lacks, with an interval that allows for words of one text.

    The variance of the ratio of two totals over texts gives an effective number of words; Wilson's interval at it.
    Source: Cochran (1977) Sampling Techniques, section 2.11, 6.4.
    """
    new: set[str] = set()
    rows = []
    for text, count in values.counts.items():
        found = words(text)
        strange = [w for w in found if w not in known]
        new.update(strange)
        rows.append((count, len(strange), len(found)))
    counts, x, n = (
        (np.array(v, np.int64) for v in zip(*sorted(rows), strict=True)) if rows else (np.zeros(0, np.int64),) * 3
    )
    total, hits, texts = int((counts * n).sum()), int((counts * x).sum()), int(counts.sum())
    if not total:
        return Unseen(0, 0, 0, None)
    share = hits / total
    spread = float((counts * (x - share * n) ** 2).sum()) * texts / max(1, texts - 1)
    variance = spread / total**2
    least = min(texts, total)
    effective = share * (1 - share) / variance if variance > 0 else float(least)
    effective = min(float(total), max(1.0, effective))
    ends = wilson_ends(share * effective, effective, normal_quantile(level))
    return Unseen(
        hits, total, len(new), Interval(*ends, f"wilson, {math.floor(effective)} words counted as independent")
    )


def chance_of_unseen(known: Mapping[str, int]) -> tuple[int, int]:
    """Return how many words occur once, of how many in all: the share of unseen words to expect (Good and Turing)."""
    return sum(c == 1 for c in known.values()), sum(known.values())

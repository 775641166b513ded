"""Spellings of one category: equal but for case and spaces, or a rare value within a few letters of a frequent one."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from workbench.core.numbers import Ints

Links = dict[int, int]
"""The index of a suspected value -> the index of the value it seems to be."""

TIMES = 5
"""How many times as frequent the value must be that a rare one is taken for."""
_SHARE = 0.2
"""Letters that may differ, as a share of the length."""
_LEAST_LETTERS = 4
_MOST_FREQUENT = 2_000
_MOST_RARE = 5_000
_MOST_CANDIDATES = 25
_MOST_LETTERS = 500
_MOST_WORK = 20_000_000
"""Cells of tables of distances that may be filled for one column: some seconds."""
_CHANCE = 0.25
"""Near values are not suspected where frequent values are near each other this often, relative to rare ones."""
_ALPHABET = 64
_SPACES = re.compile(r"[\s_]+")
_WORDS = re.compile(r"[^\W_]+")


def folded(text: str) -> str:
    """Return a text without case, runs of spaces (or underscores) as one, and stops or commas at the end."""
    return _SPACES.sub(" ", unicodedata.normalize("NFKC", text).casefold()).strip(" .,;:")


def variants(values: Sequence[str], counts: Ints) -> Links:
    """Return the values equal to a more frequent one but for case, spaces and stops at the end."""
    best: dict[str, int] = {}
    order = sorted(range(len(values)), key=lambda i: (-int(counts[i]), values[i]))
    found: Links = {}
    for i in order:
        key = folded(values[i]) if counts[i] and len(values[i]) <= _MOST_LETTERS else ""
        if not key:
            continue
        first = best.setdefault(key, i)
        if first != i and counts[first] > counts[i]:
            found[i] = first
    return found


def near_spellings(values: Sequence[str], counts: Ints) -> Links:
    """Return the rare values within a few letters of a value at least `TIMES` as frequent.

    At most a fifth of the letters may differ, other digits never do (codes count), nor words of under four letters.
    Nothing is suspected in a column whose frequent values are near each other nearly as often: names, codes; nor in
    one whose values are too many, too long and too alike to be compared.
    """
    words = [folded(v) if n and len(v) <= _MOST_LETTERS else "" for v, n in zip(values, counts.tolist(), strict=True)]
    usable = np.array([len(w) >= _LEAST_LETTERS and any(c.isalpha() for c in w) for w in words], bool)
    order = [i for i in np.argsort(-counts, kind="stable").tolist() if usable[i]]
    frequent = [i for i in order if counts[i] >= TIMES][:_MOST_FREQUENT]
    rare = [i for i in order if TIMES * counts[i] <= (counts[frequent[0]] if frequent else 0)]
    if not frequent or not rare or len(rare) > _MOST_RARE:
        return {}
    nearest = _nearest(words, counts, rare, frequent)
    among = None if not nearest else _nearest(words, np.where(counts > 0, 1, 0), frequent, frequent, times=1)
    if nearest is None or among is None:
        return {}
    found = {i: j for i, j in nearest.items() if words[i] != words[j]}
    chance = len([1 for i, j in among.items() if i != j and i not in found]) / len(frequent)
    return found if chance <= _CHANCE * len(found) / len(rare) or not chance else {}


def _nearest(
    words: Sequence[str], counts: Ints, some: Sequence[int], others: Sequence[int], times: int = TIMES
) -> Links | None:
    bags = _bags([words[i] for i in others])
    lengths = np.array([len(words[i]) for i in others])
    weights = counts[np.array(others)]
    found: Links = {}
    work = 0
    for i in some:
        word = words[i]
        most = max(1, int(_SHARE * len(word)))
        near = (np.abs(lengths - len(word)) <= most) & (weights >= times * counts[i])
        at = np.flatnonzero(near)
        if not len(at):
            continue
        # Two texts k edits apart differ by at most 2k in the letters they hold.
        apart = np.abs(bags[at].astype(np.int16) - _bags([word])[0]).sum(axis=1)
        best: tuple[int, int] | None = None
        likely = np.argsort(apart, kind="stable")[:_MOST_CANDIDATES]
        for j in at[likely[apart[likely] <= 2 * most]].tolist():
            other = words[others[j]]
            if others[j] == i or not plausible(word, other):
                continue
            work += len(word) * (2 * most + 1)
            if work > _MOST_WORK:
                return None
            distance = edit_distance(word, other, most)
            if distance is not None and (best is None or (distance, j) < best):
                best = (distance, j)
        if best is not None:
            found[i] = others[best[1]]
    return found


def _bags(words: Sequence[str]) -> NDArray[np.uint8]:
    bags = np.zeros((len(words), _ALPHABET), np.uint8)
    for row, word in zip(bags, words, strict=True):
        codes = np.frombuffer(word.encode("utf-32-le", "surrogatepass"), np.uint32) % _ALPHABET
        row += np.minimum(np.bincount(codes, minlength=_ALPHABET), 255).astype(np.uint8)
    return bags


def plausible(word: str, other: str) -> bool:
    """Say whether `word` may be `other` misspelt: no other digits, no short word exchanged, no whole part added."""
    mine, theirs = (re.sub(r"\D", "", t) for t in (word, other))
    if mine != theirs and (len(mine) >= len(theirs) or len(word) != len(other)):
        return False
    if word in other or other in word:
        return abs(len(word) - len(other)) == 1 and mine == theirs
    one, two = _WORDS.findall(word), _WORDS.findall(other)
    if len(one) != len(two):
        return True
    changed = [b for a, b in zip(one, two, strict=True) if a != b]
    return all(len(b) >= _LEAST_LETTERS or (mine != theirs and any(c.isdigit() for c in b)) for b in changed)


def edit_distance(one: str, two: str, most: int) -> int | None:
    """Return the Levenshtein distance of two texts, None where it is over `most` (a band of the table is filled)."""
    if abs(len(one) - len(two)) > most:
        return None
    if len(one) == len(two):
        swaps = sum(a != b for a, b in zip(one, two, strict=True))
        if swaps <= 1:
            return swaps if swaps <= most else None
    before = list(range(len(two) + 1))
    far = most + 1
    for i, a in enumerate(one, 1):
        low, high = max(1, i - most), min(len(two), i + most)
        row = [far] * (len(two) + 1)
        row[0] = i if i <= most else far
        for j in range(low, high + 1):
            change = before[j - 1] + (a != two[j - 1])
            row[j] = min(change, before[j] + 1, row[j - 1] + 1)
        if min(row[low - 1 : high + 1]) > most:
            return None
        before = row
    return before[-1] if before[-1] <= most else None

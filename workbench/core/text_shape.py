"""How texts are built: their lengths, and the pattern of letters, digits and marks that most of them follow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from workbench.core.values import ValueCounts, length_of

DOMINATES = 0.5
"""Share of the texts that must follow one pattern before runs of a letter are told apart by length."""

_LOOKED_AT = 40
_STEPS = (
    (r"\p{Lu}", "A"),
    (r"[\p{Ll}\p{Lt}\p{Lm}\p{Lo}]", "a"),
    (r"\p{Nd}", "9"),
    (r"[\s\p{Z}]", " "),
    (r"[^\x20-\x7e]", "*"),
)
_RUNS = ((r"A+", "A+"), (r"a+", "a+"), (r"9+", "9+"), (r"\*+", "*+"), (r" +", " "))


@dataclass(frozen=True, slots=True)
class TextShape:
    """Lengths in characters over all values counted, and how many values follow each pattern.

    A pattern writes an upper-case letter as A, another letter as a, a digit as 9, other signs beyond ASCII as *;
    `runs` says that one or more of them are written once, with a plus.
    """

    n: int
    shortest: int = 0
    longest: int = 0
    mean: float = 0.0
    patterns: Mapping[str, int] = field(default_factory=dict)
    runs: bool = False

    def top(self, most: int) -> list[tuple[str, int]]:
        """Return the most frequent patterns with their counts, ties in text order."""
        return sorted(self.patterns.items(), key=lambda item: (-item[1], item[0]))[:most]


def text_shape(table: ValueCounts, *, runs: bool | None = None) -> TextShape:
    """Return lengths and patterns of a table of texts; `runs` None writes them with a plus if nothing dominates."""
    if not table.counts:
        return TextShape(0)
    keys = list(table.counts)
    counts = np.fromiter(table.counts.values(), np.int64, len(keys))
    lengths = np.fromiter(map(length_of, keys), np.int64, len(keys))
    n = int(counts.sum())
    exact = _patterns(keys, counts, _STEPS) if runs is not True else {}
    with_runs = runs is True or (runs is None and max(exact.values()) < DOMINATES * n)
    patterns = _patterns(keys, counts, _STEPS + _RUNS) if with_runs else exact
    mean = float(lengths @ counts) / n
    return TextShape(n, int(lengths.min()), int(lengths.max()), mean, patterns, with_runs)


def _patterns(keys: list[str], counts: np.ndarray, steps: tuple[tuple[str, str], ...]) -> dict[str, int]:
    texts = pc.utf8_slice_codeunits(pa.array([_legal(k[: _LOOKED_AT + 1]) for k in keys], pa.string()), 0, _LOOKED_AT)
    for sign, written in steps:
        texts = pc.replace_substring_regex(texts, sign, written)
    coded = texts.dictionary_encode()
    sums = np.bincount(coded.indices.to_numpy(zero_copy_only=False), weights=counts).astype(np.int64).tolist()
    return dict(zip(coded.dictionary.to_pylist(), sums, strict=True))


def _legal(text: str) -> str:
    return text if text.isascii() else text.encode("utf-8", "replace").decode()

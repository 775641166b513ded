"""Rows of the current data and of the reference side by side, with the features that both have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from workbench.core.check import NotApplicableError
from workbench.core.counts import ColumnCounts
from workbench.core.errors import shown
from workbench.core.frame import Kind
from workbench.core.keys import key_hashes
from workbench.core.numbers import Floats, Ints
from workbench.core.outcome import texts_and_codes
from workbench.core.rows import as_numbers
from workbench.core.sample import Sample
from workbench.core.subject import Subject

NUMERIC = (Kind.NUMBER, Kind.DURATION, Kind.CLOCK)
"""Kinds whose values are taken as numbers."""

_LISTED = 8
_FREE_TEXT = 0.5
_FEW = 50

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class TwoSamples:
    """Seeded samples of the reference and of the current rows; `columns` are the features to be compared in them."""

    reference: Sample
    current: Sample
    columns: tuple[str, ...]
    kinds: dict[str, Kind]
    notes: tuple[str, ...]
    entity: str | None = None

    @property
    def words(self) -> str:
        """Return how many rows of how many were taken on each side."""
        return f"measured on {self.current.words} now and {self.reference.words} of the reference"

    def halves(self) -> tuple[Mask, Mask]:
        """Return which rows of the reference and of the current sample are in the first half.

        By one bit of the row's hash, or of its entity's where entities are named, so that equal rows, and all rows of
        an entity, stay together.
        """
        return self._half(self.reference), self._half(self.current)

    def _half(self, sample: Sample) -> Mask:
        hashes = sample.hashes[:, 1]
        if self.entity is not None:
            own, known = key_hashes(pa.Table.from_batches([sample.rows]), (self.entity,))
            hashes = np.where(known, own[:, 1], hashes)
        return np.asarray(hashes >> np.uint64(63) == 1, bool)


def two_samples(subject: Subject, most_rows: int | None = None) -> TwoSamples:
    """Return the samples of both sides, cut to `most_rows` each; NotApplicableError when a side has no rows.

    Left out, and noted: features that are not on both sides, change their kind, or are empty on one side; times, which
    differ between any two periods; free text and identifiers, whose values nearly all differ.
    """
    if subject.reference is None:
        raise NotApplicableError("no reference data was given")
    if subject.reference.sample is None:
        raise NotApplicableError("it needs rows of the reference, and only counts are here")
    current, reference = subject.current.columns, subject.reference.columns
    left_out: dict[str, list[str]] = {}
    kept = []
    for name in subject.features:
        why = not_compared(current[name], reference.get(name))
        if why:
            left_out.setdefault(why, []).append(name)
        else:
            kept.append(name)
    entity = subject.roles.entity
    return TwoSamples(
        _cut(subject.reference.sample, most_rows),
        _cut(subject.sample, most_rows),
        tuple(kept),
        {name: current[name].kind for name in kept},
        tuple(left_out_notes(left_out)),
        entity if entity in current and entity in reference else None,
    )


def left_out_notes(reasons: Mapping[str, Sequence[str]]) -> list[str]:
    """Return a note on each reason for which some features are not used."""
    return [f"left out, {why}: {_listed(names)}" for why, names in sorted(reasons.items())]


def outcomes_lacking(subject: Subject) -> str:
    """Return which columns of predictions the reference lacks and the current data have, in words, or nothing."""
    roles = subject.roles
    named = [roles.score, roles.prediction, *(column for _, column in roles.probabilities)]
    reference = {} if subject.reference is None else subject.reference.columns
    lacking = [c for c in named if c is not None and c in subject.current.columns and c not in reference]
    return f"the reference does not have the predictions' columns {_listed(lacking)}" if lacking else ""


def _cut(sample: Sample, most: int | None) -> Sample:
    if most is None or sample.n <= most:
        return sample
    return replace(sample, of=sample.of._replace(size=most))


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return ", ".join(shown(n, 40) for n in names[:_LISTED]) + more


def not_compared(current: ColumnCounts, reference: ColumnCounts | None) -> str:
    """Return why a feature is not compared between the two sides row by row, or an empty string."""
    why = unlike(current, reference)
    if why or reference is None:
        return why
    if current.kind is Kind.TIME:
        return "times, which differ between any two periods"
    if current.kind in (Kind.BINARY, Kind.NESTED):
        return f"{current.kind} values"
    if current.kind is Kind.TEXT and any(map(_free_text, (current, reference))):
        return "text whose values nearly all differ"
    return ""


def unlike(current: ColumnCounts, reference: ColumnCounts | None) -> str:
    """Return why a feature has no values of one kind on both sides, or an empty string."""
    if reference is None:
        return "not in the reference"
    for side, words in ((current, "now"), (reference, "in the reference")):
        if not side.present:
            return f"every value is missing {words}"
    if current.kind is not reference.kind:
        return f"{reference.kind} in the reference and {current.kind} now"
    return ""


def _free_text(column: ColumnCounts) -> bool:
    return column.values is not None and column.present > _FEW and column.values.distinct > _FREE_TEXT * column.present


def together(batches: Sequence[pa.RecordBatch], columns: Sequence[str], kinds: dict[str, Kind]) -> pa.RecordBatch:
    """Return the rows of several batches one after another, numbers as float64: whole ones may meet others."""
    arrays = []
    for name in columns:
        parts = [b.column(name) for b in batches]
        if kinds[name] in NUMERIC:
            parts = [pa.array(as_numbers(p), pa.float64(), from_pandas=True) for p in parts]
        arrays.append(pa.concat_arrays(parts))
    return pa.RecordBatch.from_arrays(arrays, names=list(columns))


@dataclass(frozen=True)
class Encoded:
    """Features of some rows as numbers (NaN for missing); those marked `categorical` hold codes, not amounts."""

    reference: Floats
    current: Floats
    categorical: Mask

    @property
    def pooled(self) -> Floats:
        """Return the rows of the reference, then the current ones."""
        return np.concatenate((self.reference, self.current))


def encoded(two: TwoSamples, most_codes: int = 254) -> Encoded:
    """Return the features for trees: numbers as they are, categories as codes in order of their frequency.

    The `most_codes` most frequent categories of both sides together have a code of their own, all others share one.
    """
    batches = (two.reference.rows, two.current.rows)
    columns: list[tuple[Floats, ...]] = []
    for name in two.columns:
        arrays = [b.column(name) for b in batches]
        numeric = two.kinds[name] in NUMERIC
        columns.append(tuple(_amounts(a) for a in arrays) if numeric else _codes(arrays, most_codes))
    sides = [
        np.stack([c[i] for c in columns], axis=1) if columns else np.zeros((b.num_rows, 0))
        for i, b in enumerate(batches)
    ]
    return Encoded(sides[0], sides[1], np.array([two.kinds[n] not in NUMERIC for n in two.columns], bool))


def _amounts(array: pa.Array) -> Floats:
    # Trees average neighbouring values: the largest ones must not overflow.
    return np.clip(as_numbers(array), -8e307, 8e307)


def shared_codes(arrays: Sequence[pa.Array]) -> tuple[list[str | None], list[Ints]]:
    """Return the values of several arrays, most frequent first (ties by text, missing last), and each one's codes."""
    values, codes = texts_and_codes(pa.concat_arrays(arrays))
    counts = np.bincount(codes, minlength=len(values)) if len(values) else np.zeros(0, int)
    order = sorted(range(len(values)), key=lambda i: (values[i] is None, -int(counts[i]), values[i] or ""))
    place = np.empty(len(values), np.int64)
    place[order] = np.arange(len(values))
    cuts = np.cumsum([len(a) for a in arrays])[:-1]
    return [values[i] for i in order], np.split(place[codes] if len(values) else codes, cuts)


def _codes(arrays: Sequence[pa.Array], most: int) -> tuple[Floats, ...]:
    values, codes = shared_codes(arrays)
    missing = values.index(None) if None in values else -1
    return tuple(np.where(c == missing, np.nan, np.minimum(c, most)) for c in codes)

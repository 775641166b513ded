"""Rows and ids that two data sets share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from workbench.core.counts import ColumnCounts
from workbench.core.fingerprint import Hashes
from workbench.core.keys import key_hashes
from workbench.core.numbers import Ints
from workbench.core.sample import Sample, keys_of
from workbench.core.values import ValueCounts

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Shared:
    """Which kinds of rows of the current sample were looked at, and which of those the reference has too."""

    looked: Mask
    found: Mask


def shared_kinds(current: Sample, reference: Sample) -> Shared:
    """Return which kinds of rows of the current sample are also in the reference, by 128-bit hashes of all columns.

    Both samples, of one seed, keep the kinds with the smallest keys: under the smaller of their two largest keys each
    holds all kinds of its data with their numbers, so membership there is exact (the bottom-k sketch of Cohen and
    Kaplan 2007, PODC).
    """
    looked = np.ones(len(current.counts), bool)
    own = keys_of(current.kind_hashes, current.of)
    for sample in (current, reference):
        if not sample.complete:
            looked &= own < keys_of(sample.kind_hashes, sample.of).max(initial=0)
    return Shared(looked, looked & is_among(current.kind_hashes, reference.kind_hashes))


def feature_hashes(sample: Sample, names: tuple[str, ...]) -> Hashes:
    """Return two 64-bit hashes of each of the sample's kinds of rows, of these columns alone."""
    return key_hashes(pa.Table.from_batches([sample.kinds]), names)[0]


def is_among(rows: Hashes, others: Hashes) -> Mask:
    """Return which rows' hashes occur among the others'."""
    return np.isin(_joined(rows), _joined(others))


def repeated(rows: Hashes, counts: Ints) -> Mask:
    """Return which rows' hashes occur more than once; `counts` says how many rows each stands for."""
    _, inverse = np.unique(_joined(rows), return_inverse=True)
    return np.asarray(np.bincount(inverse, weights=counts)[inverse] > 1, bool)


def _joined(rows: Hashes) -> NDArray[np.complex128]:
    # Both halves side by side in one sortable word; the bits are only compared.
    return np.ascontiguousarray(rows).view([("a", np.uint64), ("b", np.uint64)]).ravel()


@dataclass(frozen=True, slots=True)
class SharedIds:
    """Distinct ids of the current data and its rows that have one, and how many of both the reference has too."""

    ids: int
    shared: int
    rows: int
    shared_rows: int
    method: str = ""


def shared_ids(current: ColumnCounts, reference: ColumnCounts) -> SharedIds | None:
    """Return the ids that two columns share; None where they are too many to be counted exactly, or of two kinds.

    Of texts beyond the limit of exact counting those with the smallest hashes are compared, in both alike.
    """
    if current.kind is not reference.kind:
        return None
    if current.values is not None and reference.values is not None:
        return _shared_values(current.values, reference.values)
    here, there = current.numbers, reference.numbers
    if here is None or there is None or not (here.exact and there.exact):
        return None
    both = np.isin(here.values, there.values)
    return SharedIds(len(both), int(both.sum()), here.n, int(here.counts[both].sum()))


def _shared_values(here: ValueCounts, there: ValueCounts) -> SharedIds:
    level = max(here.level, there.level)
    here, there = here.at_level(level), there.at_level(level)
    both = [count for value, count in here.counts.items() if value in there.counts]
    method = "" if level == 0 else f"sample of 1 in {2**level} ids"
    return SharedIds(len(here.counts), len(both), sum(here.counts.values()), sum(both), method)

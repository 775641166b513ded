"""Which columns of the current data and of the reference can be compared, and where one column holds another kind."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from workbench.core.arrow import Kind
from workbench.core.counts import ColumnCounts
from workbench.core.errors import shown
from workbench.core.finding import Measure
from workbench.core.subject import Subject

Pair = tuple[ColumnCounts, ColumnCounts]  # current, reference

NUMBERS = frozenset({Kind.NUMBER, Kind.DURATION, Kind.CLOCK})
CATEGORIES = frozenset({Kind.TEXT, Kind.BOOLEAN})
TIMES = frozenset({Kind.TIME})
_TELLS = (NUMBERS, CATEGORIES, TIMES)


def pairs(subject: Subject) -> Iterator[Pair]:
    """Yield every feature that both data sets have, as (current, reference)."""
    for name in subject.features:
        reference = None if subject.reference is None else subject.reference.columns.get(name)
        if reference is not None:
            yield subject.current.columns[name], reference


def kind_of_both(current: ColumnCounts, reference: ColumnCounts) -> Kind | None:
    """Return the kind that both columns hold, or None; a side without any value has no say in it."""
    if not current.present:
        return reference.kind
    if not reference.present or current.kind is reference.kind:
        return current.kind
    return None


def of_kind(subject: Subject, kinds: Collection[Kind]) -> list[Pair]:
    """Return the features that hold one of the kinds in both data sets."""
    return [pair for pair in pairs(subject) if kind_of_both(*pair) in kinds]


def kind_changes(subject: Subject, kinds: Collection[Kind] | None = None) -> tuple[list[Measure], list[str]]:
    """Return `kind_changed` 1 for each feature that holds another kind now, and a note on each.

    Each change is told once: by the check of numbers where either side holds numbers, else by that of categories, else
    by that of times; `kinds` says which check asks, None tells every one.
    """
    found, notes = [], []
    for current, reference in pairs(subject):
        if kind_of_both(current, reference) is None and kinds in (None, _teller(current, reference)):
            found.append(Measure("kind_changed", 1, current.name, n=current.present))
            notes.append(f"column {shown(current.name)} holds {reference.kind} in the reference and {current.kind} now")
    return found, notes


def _teller(current: ColumnCounts, reference: ColumnCounts) -> Collection[Kind]:
    both = {current.kind, reference.kind}
    return next((kinds for kinds in _TELLS if both & kinds), CATEGORIES)


def changed_count(changes: list[Measure], compared: int) -> Measure:
    """Return how many of the columns looked at hold another kind than in the reference."""
    return Measure("kind_changes", len(changes), n=compared + len(changes), unit="columns")


def is_all_missing(current: ColumnCounts, reference: ColumnCounts) -> str:
    """Return why nothing can be compared where one side has no value, or an empty text."""
    if current.present and reference.present:
        return ""
    if not current.present and not reference.present:
        return "every value is missing in both data sets"
    return "every value is missing in the " + ("reference" if current.present else "current data")

"""One column beside its reference: shared bins or categories, what is shown of its values, and how far it moved."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from workbench.core.arrow import Kind
from workbench.core.column_types import used_as, used_as_on_both
from workbench.core.counts import ColumnCounts
from workbench.core.dataset import Roles
from workbench.core.finding import Cell
from workbench.core.numbers import Floats, Ints, NumberCounts
from workbench.core.shape import edges_for, histogram, sparkline
from workbench.core.text_shape import TextShape, text_shape
from workbench.core.times import instant
from workbench.core.values import ValueCounts

BINS = 24
CATEGORIES = 12
_WITHOUT_SHAPE = ("identifier", "text", "empty", "nested", "binary")


@dataclass(frozen=True)
class ColumnView:
    """A column of the current data and its namesake of the reference; values of few rows stay unnamed."""

    current: ColumnCounts
    reference: ColumnCounts | None
    roles: Roles
    minimum: int

    @property
    def used_as(self) -> str:
        """Return the type that the column is used as."""
        return self._types[0]

    @property
    def used_as_in_reference(self) -> str:
        """Return the type that the reference's column is used as; "" without one."""
        return self._types[1]

    @cached_property
    def _types(self) -> tuple[str, str]:
        if self.reference is None:
            return used_as(self.current, self.roles), ""
        return used_as_on_both(self.current, self.reference, self.roles)

    @property
    def both(self) -> tuple[ColumnCounts, ...]:
        """Return the current column and, where it is of the same kind, the reference's."""
        same = self.reference is not None and self.reference.kind is self.current.kind
        return (self.current, self.reference) if same and self.reference is not None else (self.current,)

    @property
    def named(self) -> bool:
        """Say whether single values of the column may be named: not of identifiers, long text, bytes or records."""
        return self.used_as not in _WITHOUT_SHAPE

    @cached_property
    def edges(self) -> Floats:
        """Return bin edges shared with the reference."""
        whole = all(c.integral for c in self.both) and self.current.numeric
        edges = edges_for([c.numbers for c in self.both if c.numbers is not None], BINS, whole=whole)
        # Times are whole microseconds: an edge that is one can be written as a time.
        return edges if self.current.numeric else np.unique(np.floor(edges))

    @cached_property
    def bins(self) -> tuple[Ints, ...]:
        """Return the counts in the bins, of the current column and of the reference where there is one."""
        return tuple(histogram(c.numbers or NumberCounts(), self.edges) for c in self.both)

    @cached_property
    def categories(self) -> tuple[str, ...]:
        """Return the most frequent values with enough rows to be named, by their shares on both sides."""
        tables = [c.values or ValueCounts() for c in self.both]
        known = [t for t in tables if t.n]
        shares: dict[str, float] = {}
        for t in known:
            for value, count in t.counts.items():
                if count >= self.minimum:
                    shares[value] = shares.get(value, 0.0) + count / t.n
        return tuple(sorted(shares, key=lambda v: (-shares[v], v))[:CATEGORIES])

    @cached_property
    def counts(self) -> tuple[Ints, ...]:
        """Return the counts that a drawing shows: by bin, or by category with all others last."""
        if not self.named:
            return ()
        if self.current.numbers is not None:
            return self.bins
        found = []
        for column in self.both:
            t = column.values or ValueCounts()
            named = [t.counts.get(v, 0) for v in self.categories]
            found.append(np.array([*named, t.n - sum(named)], np.int64))
        return tuple(found)

    @cached_property
    def shares(self) -> tuple[Floats, ...]:
        """Return the counts as shares of the values present."""
        return tuple(c / max(1, c.sum()) for c in self.counts)

    @property
    def sparklines(self) -> tuple[str, str]:
        """Return the shapes of current and reference as blocks, to one scale."""
        top = max((float(s.max(initial=0.0)) for s in self.shares), default=0.0)
        others = self.current.numbers is None and not any(s[-1] for s in self.shares if len(s))
        lines = [sparkline(s[:-1].tolist() if others else s.tolist(), top) for s in self.shares]
        return (lines[0] if lines else "", lines[1] if len(lines) > 1 else "")

    @property
    def moved(self) -> float:
        """Return how far the column differs from the reference, 0..1: in its type, what is missing, or its shape."""
        if self.reference is None:
            return self.current.missing / max(1, self.current.rows)
        if self.used_as != self.used_as_in_reference:
            return 1.0
        gaps = [c.missing / max(1, c.rows) for c in (self.current, self.reference)]
        shape = 0.0 if len(self.shares) < 2 else float(np.abs(self.shares[0] - self.shares[1]).sum() / 2)
        return max(abs(gaps[0] - gaps[1]), shape)

    @cached_property
    def texts(self) -> tuple[TextShape, ...]:
        """Return how texts are built, of both sides in one way of writing patterns; empty for other columns."""
        if self.current.kind is not Kind.TEXT or self.used_as in ("empty", "boolean"):
            return ()
        last = text_shape(self.both[-1].values or ValueCounts())
        if len(self.both) == 1:
            return (last,)
        return text_shape(self.current.values or ValueCounts(), runs=last.runs), last

    @property
    def pattern(self) -> str:
        """Return the pattern that most texts follow, where enough rows do."""
        top = self.texts[0].top(1) if self.texts else []
        return top[0][0] if top and top[0][1] >= self.minimum else ""

    @property
    def most_frequent(self) -> str | None:
        """Return the most frequent value, where it may be named."""
        return self.categories[0] if self.named and self.current.numbers is None and self.categories else None

    def quantile(self, q: float) -> Cell:
        """Return a quantile (0 and 1 the extremes) as it is shown; None where values may not be named."""
        table = self.current.numbers
        value = None if table is None or not self.named else table.quantile(q)
        if value is None or self.current.numeric:
            return value
        return instant(value) if self.current.kind is Kind.TIME else value / 1e6

"""The tables of a profile: columns as small multiples, one column beside its reference, times, patterns, types."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from workbench.core.arrow import Kind
from workbench.core.column_types import RULES, distinct_of
from workbench.core.column_view import ColumnView
from workbench.core.finding import Cell, Evidence, group_label
from workbench.core.shape import infinite_note
from workbench.core.times import Steps, instant, span, steps

MOST_IN_ORDER = 40
"""Columns up to which tables keep the order of the data; beyond, those that differ most come first."""

MOST_DRAWN = 100
_PATTERNS = 5


def in_order(views: Sequence[ColumnView]) -> list[ColumnView]:
    """Return the columns in the order in which tables have them."""
    if len(views) <= MOST_IN_ORDER:
        return list(views)
    return sorted(views, key=lambda v: -v.moved)


def columns_table(views: Sequence[ColumnView]) -> Evidence:
    """Return one row a column: type, missing, distinct, range, most frequent value or pattern, and its shape."""
    columns = (
        "column", "used as", "missing", "missing in reference", "distinct", "minimum", "median", "maximum",
        "most frequent", "pattern", "shape", "reference shape",
    )  # fmt: skip
    title = "Columns of the current data"
    if len(views) > MOST_IN_ORDER:
        why = "that differ most from the reference" if any(v.reference for v in views) else "with most missing"
        title += f", those {why} first"
    return Evidence("columns", title, "profile", columns, tuple(_column_row(v) for v in views))


def _column_row(view: ColumnView) -> tuple[Cell, ...]:
    c, r = view.current, view.reference
    gaps = [None if s is None or not s.rows else s.missing / s.rows for s in (c, r)]
    now, before = view.sparklines
    middle = [view.quantile(q) for q in (0.0, 0.5, 1.0)]
    return (
        c.name,
        _use(view),
        *gaps,
        distinct_of(c),
        *middle,
        view.most_frequent,
        view.pattern or None,
        now or None,
        before or None,
    )


def _use(view: ColumnView) -> str:
    """Return the type as used, with the reference's where it is another or holds another kind of values."""
    now, before = view.used_as, view.used_as_in_reference
    if view.reference is None or (now == before and len(view.both) > 1):
        return now
    if now != before:
        return f"{now}, was {before}"
    return f"{now} as {view.current.kind}, was as {view.reference.kind}"


def types_table(views: Sequence[ColumnView]) -> Evidence:
    """Return the types that occur, how many columns have each, and the rule by which they have it."""
    uses = [v.used_as for v in views]
    rows = tuple((t, uses.count(t), rule) for t, rule in RULES.items() if t in uses)
    return Evidence("types", "Types as used, and their rules in order", "table", ("type", "columns", "rule"), rows)


def drawing(view: ColumnView) -> Evidence | None:
    """Return one column beside its reference: a histogram on shared bins, or shares of its categories."""
    if not view.named or not view.current.present:
        return None
    name = view.current.name
    notes: dict[str, Cell] = {"column": name}
    for side, column in (("current", view.current), ("reference", view.reference)):
        notes[f"missing_{side}"] = column.missing / column.rows if column is not None and column.rows else None
    if view.reference is not None and len(view.both) == 1:
        notes["not_compared"] = f"the reference holds another kind of values ({view.reference.kind})"
    if view.used_as == "boolean" and view.current.numeric and len(view.edges) == 3:
        return Evidence(name, f"Shares of {name}", "categories", _SHARES, _zero_and_one(view), notes)
    if view.current.numeric:
        notes |= infinite_note(*(c.numbers for c in view.both))
        return Evidence(name, f"Distribution of {name}", "distribution", _BINNED, _bin_rows(view), notes)
    if view.current.numbers is not None:
        zone = ", UTC" if view.current.kind is Kind.TIME else ""
        notes["edges"] = " ".join(str(int(view.edges[some[0]])) for some in _in_a_dozen(view)[1:])
        return Evidence(name, f"{name} over time{zone}", "categories", _SHARES, _time_rows(view), notes)
    columns, rows = _category_rows(view)
    return Evidence(name, f"Shares of {name}", "categories", columns, rows, notes)


_BINNED = ("low", "high", "reference", "current")
_SHARES = ("category", "reference", "current")


def _sides(view: ColumnView, at: int) -> tuple[float | None, float | None]:
    reference = float(view.shares[1][at]) if len(view.shares) > 1 else None
    return reference, float(view.shares[0][at])


def _bin_rows(view: ColumnView) -> tuple[tuple[Cell, ...], ...]:
    edges = view.edges.tolist()
    return tuple((low, high, *_sides(view, i)) for i, (low, high) in enumerate(pairwise(edges)))


def _zero_and_one(view: ColumnView) -> tuple[tuple[Cell, ...], ...]:
    return tuple((str(i), *_sides(view, i)) for i in (0, 1))


def _time_rows(view: ColumnView) -> tuple[tuple[Cell, ...], ...]:
    write, under = (_in_utc, "before") if view.current.kind is Kind.TIME else (span, "below")
    edges = view.edges.tolist()
    found: list[tuple[Cell, ...]] = []
    for some in _in_a_dozen(view):
        sides = [_sides(view, i) for i in some]
        before = None if sides[0][0] is None else sum(s[0] or 0.0 for s in sides)
        # The edges hold the middle 99 %; what is earlier is in the first bin.
        label = f"from {write(edges[some[0]])}" if some[0] else f"{under} {write(edges[some[-1] + 1])}"
        found.append((label, before, sum(s[1] or 0.0 for s in sides)))
    return tuple(found)


def _in_a_dozen(view: ColumnView) -> list[range]:
    """Return the bins that each row of a table over time adds up: a dozen rows are read more easily than two."""
    n = len(view.edges) - 1
    step = max(1, (n + 1) // 12)
    return [range(start, min(start + step, n)) for start in range(0, n, step)]


def _in_utc(micros: float) -> str:
    return instant(micros).removesuffix("+00:00").replace("T", " ")


def _category_rows(view: ColumnView) -> tuple[tuple[str, ...], tuple[tuple[Cell, ...], ...]]:
    name, is_group = view.current.name, view.current.name in view.roles.sensitive
    columns = (*_SHARES, "group", "rows") if is_group else _SHARES
    rows: list[tuple[Cell, ...]] = []
    for i, value in enumerate(view.categories):
        size = int(view.counts[0][i] or view.counts[-1][i])
        rows.append((value, *_sides(view, i), *((group_label((name,), (value,)), size) if is_group else ())))
    others = distinct_of(view.current) - sum(1 for i in range(len(view.categories)) if view.counts[0][i])
    if any(c[-1] for c in view.counts):
        rows.append(
            (
                f"({others} other{'s' if others != 1 else ''})" if others > 0 else "(others)",
                *_sides(view, -1),
                *(("", None) if is_group else ()),
            )
        )
    return columns, tuple(rows)


def times_table(views: Sequence[ColumnView]) -> Evidence | None:
    """Return range, step and gaps of every time column on both sides; None without one."""
    rows: list[tuple[Cell, ...]] = []
    for view in views:
        if view.current.kind is Kind.TIME and view.current.present:
            rows += [_time_row(view, i) for i in range(len(view.both))]
    columns = (
        "column", "data", "earliest", "latest", "frequency", "alike", "gaps", "largest gap", "after",
    )  # fmt: skip
    title = "Times: range, frequency and gaps (UTC)"
    return Evidence("times", title, "table", columns, tuple(rows)) if rows else None


def _time_row(view: ColumnView, side: int) -> tuple[Cell, ...]:
    column = view.both[side]
    table = column.numbers
    head: tuple[Cell, ...] = (column.name, ("current", "reference")[side])
    if table is None or not table.n or table.minimum is None or table.maximum is None:
        return (*head, *(None,) * 7)
    ends = (_in_utc(table.minimum), _in_utc(table.maximum))
    found: Steps | None = steps(table)
    if found is None:
        why = "one instant" if table.exact else "too many distinct times to tell"
        return (*head, *ends, why, None, None, None, None)
    gap = span(found.largest), _in_utc(found.largest_from)
    return (*head, *ends, found.name, f"{found.alike} of {found.n} steps", found.gaps, *gap)


def patterns_table(views: Sequence[ColumnView]) -> Evidence | None:
    """Return the patterns that enough texts of each column follow, most frequent first; None without one."""
    rows: list[tuple[Cell, ...]] = []
    for view in views:
        if not view.texts:
            continue
        shape = view.texts[0]
        before = view.texts[1] if len(view.texts) > 1 else None
        for pattern, count in shape.top(_PATTERNS):
            if count >= view.minimum:
                there = before.patterns.get(pattern, 0) / before.n if before is not None and before.n else None
                rows.append((view.current.name, pattern, count, count / shape.n, there))
    columns = ("column", "pattern", "values", "current", "reference")
    title = "Patterns of texts: A and a letters, 9 digits, + one or more"
    return Evidence("patterns", title, "patterns", columns, tuple(rows)) if rows else None

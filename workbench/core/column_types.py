"""What a column is used as, told from its count table by one rule for each type."""

from __future__ import annotations

import numpy as np

from workbench.core.arrow import Kind
from workbench.core.counts import ColumnCounts
from workbench.core.dataset import Roles
from workbench.core.numbers import NumberCounts
from workbench.core.values import ValueCounts

FEW = 20
"""Distinct values up to which whole numbers and text are taken for categories."""

_ROWS_A_CATEGORY = 20

RULES = {
    "empty": "every value is missing",
    "constant": "one distinct value",
    "identifier": f"has the role id or entity; or text or whole numbers, more than {FEW} values, no value twice",
    "boolean": "true and false; or two values that are 0 and 1, yes and no, y and n, or t and f",
    "category": f"at most {FEW} distinct values, whole numbers each twice on average; text also one for every "
    f"{_ROWS_A_CATEGORY} rows",
    "count": f"whole numbers, none negative, more than {FEW} distinct values",
    "number": "any other numbers",
    "time": "dates, or dates with a time of day",
    "duration": "lengths of time",
    "clock": "times of day without a date",
    "text": "any other text",
    "binary": "bytes",
    "nested": "lists, maps or records, compared as JSON text",
}
"""Type -> the rule by which a column has it, in the order in which the rules are tried."""

_PAIRS = ({"0", "1"}, {"yes", "no"}, {"y", "n"}, {"true", "false"}, {"t", "f"})


def used_as(column: ColumnCounts, roles: Roles) -> str:
    """Return the type that a column is used as, one of `RULES`."""
    distinct = distinct_of(column)
    if not column.present:
        return "empty"
    if distinct == 1:
        return "constant"
    if column.name in (roles.id, roles.entity) or _unique(column, distinct):
        return "identifier"
    if column.kind is Kind.BOOLEAN or _two_words(column):
        return "boolean"
    if column.numeric:
        return _number_type(column, distinct)
    if column.kind is Kind.TEXT:
        return "category" if distinct <= max(FEW, column.present // _ROWS_A_CATEGORY) else "text"
    return str(column.kind)


def used_as_on_both(column: ColumnCounts, reference: ColumnCounts, roles: Roles) -> tuple[str, str]:
    """Return the types of a column and of its reference; near the border of a category the reference's holds.

    Twenty values on one side and twenty-one on the other are chance, no other type: up to twice the border they agree.
    """
    now, then = used_as(column, roles), used_as(reference, roles)
    for one, other, use in ((now, then, reference), (then, now, column)):
        if one == "category" and other in ("count", "number", "text") and column.kind is reference.kind and _near(use):
            return then, then
    return now, then


def _near(column: ColumnCounts) -> bool:
    if column.numeric:
        return column.integral and is_exact(column) and distinct_of(column) <= 2 * FEW
    return distinct_of(column) <= 2 * max(FEW, column.present // _ROWS_A_CATEGORY)


def distinct_of(column: ColumnCounts) -> int:
    """Return the number of distinct values, infinities counted; a bound or an estimate where the table is not exact."""
    if column.numbers is not None:
        return column.numbers.distinct + sum(side > 0 for side in column.numbers.infinite)
    return 0 if column.values is None else column.values.distinct


def is_exact(column: ColumnCounts) -> bool:
    """Say whether every distinct value of the column is counted by itself."""
    table = column.numbers if column.numbers is not None else column.values
    return table is not None and table.exact


def _number_type(column: ColumnCounts, distinct: int) -> str:
    least = None if column.numbers is None else column.numbers.minimum
    whole = column.integral and not sum(column.numbers.infinite if column.numbers is not None else ())
    if whole and distinct <= FEW and 2 * distinct <= column.present:
        return "category"
    return "count" if whole and distinct > FEW and least is not None and least >= 0 else "number"


def _unique(column: ColumnCounts, distinct: int) -> bool:
    if column.present <= FEW:
        return False
    if column.numbers is not None:
        return column.numeric and column.integral and _numbers_differ(column.numbers, column.present)
    return column.kind is Kind.TEXT and column.values is not None and _texts_differ(column.values, distinct)


def _numbers_differ(table: NumberCounts, present: int) -> bool:
    if table.exact:
        return len(table.keys) == present
    # Beyond exact counting only a running number can be told: every bin holds as many values as fit between its ends.
    return bool(np.array_equal(table.counts, table.highs - table.lows + 1))


def _texts_differ(table: ValueCounts, distinct: int) -> bool:
    if table.exact:
        return distinct == table.n
    return all(count == 1 for count in table.counts.values())


def _two_words(column: ColumnCounts) -> bool:
    if column.numbers is not None:
        two = column.numeric and column.numbers.exact and not sum(column.numbers.infinite)
        return two and column.numbers.values.tolist() == [0.0, 1.0]
    if column.kind is not Kind.TEXT or column.values is None or len(column.values.counts) > len(_PAIRS):
        return False
    words = {v.strip().lower() for v in column.values.counts}
    return words in _PAIRS and len(column.values.counts) >= len(words)

"""The attacker finds what brute force finds, and the range of a published example."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.audit.attack import Attacker, Part, Range
from workbench.audit.cells import COUNTS, RATES
from workbench.audit.record import Record, Verdict
from workbench.core.finding import Finding, Measure, Status, group_label

GROUPS = {("a",): [("0",), ("1",)], ("b",): [("0",), ("1",), ("2",)], ("a", "b"): [*product("01", "012")]}


def record(measures: list[Measure], rows: int) -> Record:
    """Return a record with one finding of group rates."""
    finding = Finding("bias.group_rates", "B001", "1", Status.MEASURED, measures=tuple(measures))
    return Record({"current": {"rows": rows}, "roles": {}}, {}, (finding,), Verdict("pass"))


def count(columns: tuple[str, ...], group: tuple[str, ...], n: int) -> Measure:
    """Return the number of rows of a group."""
    return Measure("count", n, " & ".join(columns), group_label(columns, group), n=n)


tables = st.lists(st.sampled_from([0, 0, 1, 2, 4]), min_size=6, max_size=6)
told = st.sets(st.sampled_from([(c, g) for c, gs in GROUPS.items() for g in gs]))


@settings(max_examples=25)
@given(tables, told)
def test_ranges_are_those_of_all_tables(values: list[int], told: set[Any]) -> None:
    """Every cell's range is that of the tables that fit, enumerated: in programs, and in whole numbers."""
    table = np.array(values).reshape(2, 3)

    def at(columns: tuple[str, ...], group: tuple[str, ...], of: np.ndarray) -> int:
        chosen = of
        for column, value in sorted(zip(columns, group, strict=True), reverse=True):
            chosen = chosen.take(int(value), axis="ab".index(column))
        return int(chosen.sum())

    measures = [count(c, g, at(c, g, table)) for c, g in told]
    known = record(measures, int(table.sum()))
    fits = None
    if table.sum() <= 5:
        every = (np.array(v).reshape(2, 3) for v in product(range(table.sum() + 1), repeat=6) if sum(v) == table.sum())
        fits = [t for t in every if all(at(c, g, t) == at(c, g, table) for c, g in told)]
    for exact in (False, True):
        attacker = Attacker(known, GROUPS, exact=exact)
        for group in GROUPS["a", "b"]:
            found = attacker.range(Part(("a", "b"), group))
            assert found.low <= at(("a", "b"), group, table) <= found.high
            if fits is not None:
                each = [at(("a", "b"), group, t) for t in fits]
                assert (found.low, found.high) == (min(each), max(each))


def test_published_example() -> None:
    """Fischetti and Salazar (2001), investment by activity and region: four cells suppressed, that of 22 is 5 to 30."""
    table = {"I": (20, 50, 10), "II": (8, 19, 22), "III": (17, 32, 12)}
    hidden = {("II", "A"), ("II", "C"), ("III", "A"), ("III", "C")}
    cells = {(i, r): n for i, row in table.items() for r, n in zip("ABC", row, strict=True)}
    measures = [count(("i",), (i,), sum(row)) for i, row in table.items()]
    measures += [count(("r",), (r,), sum(n for (_, at), n in cells.items() if at == r)) for r in "ABC"]
    measures += [count(("i", "r"), place, n) for place, n in cells.items() if place not in hidden]
    groups = {("i",): [(i,) for i in table], ("r",): [(r,) for r in "ABC"], ("i", "r"): list(cells)}
    attacker = Attacker(record(measures, sum(cells.values())), groups)

    assert attacker.range(Part(("i", "r"), ("II", "C"))) == Range(5, 30)
    assert attacker.range(Part(("i", "r"), ("I", "C"))) == Range(10, 10)


def test_rates_and_differences_are_read_as_counts() -> None:
    """A rate with its n is two counts; a difference to the overall rate gives the numerator away."""
    overall = Measure("selection_rate", 0.25, n=200, unit="share")
    difference = Measure("selection_rate_to_overall_difference", 0.05, "a", "a=0", n=40, unit="share")
    attacker = Attacker(record([overall, difference], 200), {("a",): [("0",), ("1",)]})

    selected, predicted = RATES["selection_rate"]
    assert attacker.range(Part(("a",), ("0",), selected)) == Range(12, 12)
    assert attacker.range(Part(("a",), ("1",), selected)) == Range(38, 38)
    assert attacker.range(Part(("a",), ("1",), predicted)) == Range(160, 160)
    assert attacker.range(Part(("a",), ("1",), COUNTS["true_positives"])) == Range(0, 38)


@pytest.mark.parametrize(
    ("low", "high", "total", "given"),
    [
        (3, 3, None, True), (0, 0, None, False), (12, 12, None, False), (0, 9, None, True), (0, 10, None, False),
        (1, 10, None, False), (5, 13, None, True), (10, 11, None, False), (0, 4, 4, False), (1, 4, 4, True),
        (0, 3, 4, True),
    ],
)  # fmt: skip
def test_what_gives_away_a_small_number(low: int, high: int, total: int | None, given: bool) -> None:
    """Known to be small, or one of fewer than ten values; where all rows have four, any of these is as good."""
    assert Range(low, high).gives_away(10, total) is given


def test_equations_that_contradict_each_other_protect_nothing() -> None:
    """No table fits: the attacker does not report that all is well."""
    attacker = Attacker(record([count(("a",), ("0",), 9), count(("a",), ("1",), 9)], 10), {("a",): [("0",), ("1",)]})
    assert attacker.given_away([Part(("a",), ("0",))], 10)


def test_reasons_are_what_holds_a_cell() -> None:
    """The other group's rows tell a group's; what no group says has no reason."""
    groups = {("a",): [("0",), ("1",)], ("b",): [("0",), ("1",)]}
    attacker = Attacker(record([count(("a",), ("0",), 20), count(("b",), ("0",), 15)], 25), groups)

    assert attacker.reasons(Part(("a",), ("1",))) == [Part(("a",), ("0",))]
    assert Attacker(record([], 25), groups).reasons(Part(("a",), ("1",))) == []

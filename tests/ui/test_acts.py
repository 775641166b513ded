"""A view's acts reach Python once each and in order, whatever a host merges."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from workbench.ui.acts import MOST_VIEWS, Heard


def message(view: str, *numbers: int) -> dict[str, Any]:
    """Return a message that holds acts with these numbers."""
    return {"from": view, "acts": [{"n": n, "name": f"{view}{n}"} for n in numbers]}


@given(st.integers(1, 60), st.data())
def test_of_merged_messages_no_act_is_lost_or_done_twice(acts: int, data: st.DataObject) -> None:
    """A host drops messages before one that comes: what they held is in that one."""
    heard, found = Heard(), []
    for n in range(1, acts + 1):
        last = n == acts
        if last or n % 15 == 0 or data.draw(st.booleans()):  # the others never arrive; never 20 in a row
            found += heard.new(message("v", *range(max(1, n - 19), n + 1)))
    assert [a["name"] for a in found] == [f"v{n}" for n in range(1, acts + 1)]


def test_views_of_one_widget_are_told_apart_and_a_new_page_begins_again() -> None:
    """Numbers are a view's own; what is no act is nothing; old views are forgotten."""
    heard = Heard()
    assert len(heard.new(message("a", 1, 2))) == 2
    assert len(heard.new(message("b", 1))) == 1
    assert heard.new(message("a", 1, 2)) == []
    assert heard.new({}) == []
    assert heard.new({"name": "run"}) == [{"name": "run"}]
    assert heard.new({"from": "a", "acts": ["x", {"n": "3", "name": "y"}]}) == []
    for i in range(MOST_VIEWS + 5):
        heard.new(message(f"view{i}", 1))
    assert len(heard._last) == MOST_VIEWS

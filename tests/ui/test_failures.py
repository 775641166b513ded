"""What is told of an answer that could not be made, and what is not."""

from __future__ import annotations

from typing import Any

from workbench.core.errors import DataError
from workbench.ui.failures import answer


def own() -> dict[str, Any]:
    raise DataError("no column 'x': choose another.")


def foreign() -> dict[str, Any]:
    raise KeyError("Jane Doe, 41")


def test_an_own_error_says_by_itself_what_to_do() -> None:
    told = answer("the column", own, column="x")
    assert told["column"] == "x"
    assert told["failed"]["what"] == "The column could not be opened"
    assert told["failed"]["why"] == "no column 'x': choose another."
    assert "send the copied id" not in told["failed"]["next"]


def test_of_any_other_error_no_value_is_told_and_the_same_fault_has_the_same_id() -> None:
    first, again, other = (answer(what, foreign)["failed"] for what in ("the costs", "the costs", "the groups"))
    assert "Jane" not in str(first)
    assert "KeyError at test_failures.py:" in first["why"]
    assert first["id"] == again["id"] != other["id"]
    assert first["copy"].startswith(f"{first['id']} · The costs could not be opened · KeyError at test_failures.py:")
    assert "send the copied id" in first["next"]


def test_an_answer_that_is_there_is_given_as_it_is() -> None:
    assert answer("the costs", lambda: {"a": 1}, column="x") == {"a": 1}

"""Narrowing rows step by step: undo, redo, chips, and records that are kept."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import workbench as wb
from workbench.core.errors import ConfigError, DataError
from workbench.core.filter import Condition
from workbench.ui.narrowing import MOST_KEPT, Narrowing

DATA = pd.DataFrame({"sex": ["F", "M"] * 60, "age": [20 + i % 40 for i in range(120)], "y": [0, 1, 1] * 40})
F, OLD, YOUNG = Condition("sex", "==", "F"), Condition("age", ">=", 40), Condition("age", "<", 40)


def narrowing(**more: object) -> Narrowing:
    """Return the steps over a small audit."""
    return Narrowing(wb.Audit(DATA, target="y", checks=["quality.profile"], **more))


def test_steps_are_undone_and_done_again() -> None:
    """Each step is an audit of the rows that meet the conditions; a new step forgets those taken back."""
    steps = narrowing()
    whole = steps.audit
    steps.add([F])
    steps.add([OLD])
    assert steps.audit.run().subject["current"]["rows"] == int(((DATA.sex == "F") & (DATA.age >= 40)).sum())
    assert [c["words"] for c in steps.chips()] == ["sex is F", "age at least 40"]
    steps.remove(0)
    assert steps.where == (OLD,)
    steps.undo()
    assert steps.where == (F, OLD)
    assert steps.audit.record is not None  # nothing has to run again
    steps.undo()
    steps.undo()
    steps.undo()
    assert steps.audit is whole
    assert (steps.can_undo, steps.can_redo) == (False, True)
    steps.redo()
    steps.add([YOUNG])
    assert steps.where == (F, YOUNG)
    assert not steps.can_redo
    steps.clear()
    assert steps.audit is whole
    assert steps.can_undo


def test_the_audits_own_conditions_stay() -> None:
    """They are shown, but no act on the screen takes them away."""
    steps = narrowing(where={"sex": "F"})
    steps.add([OLD])
    assert [c["own"] for c in steps.chips()] == [True, False]
    with pytest.raises(ConfigError, match="part of the audit"):
        steps.remove(0)
    steps.remove(1)
    steps.clear()
    assert steps.where == (F,)


def test_a_mistake_moves_nothing() -> None:
    """An unknown column, a value of another kind, a position that is not there."""
    steps = narrowing()
    steps.add([F])
    for conditions in ([Condition("sx", "==", "F")], [Condition("age", "==", "old")]):
        with pytest.raises((ConfigError, DataError)):
            steps.add(conditions)
    for position in (-1, 1, 99):
        with pytest.raises(ConfigError):
            steps.remove(position)
    assert steps.where == (F,)
    steps.add([F])
    steps.undo()
    assert steps.where == ()  # the same condition again was no step


@given(st.lists(st.sampled_from(["F", "old", "young", "clear", "remove", "undo", "redo"]), max_size=60))
def test_any_walk_ends_where_it_says(walk: list[str]) -> None:
    """Whatever is done: the audit's conditions are those of the chips, and undo and redo are each other's opposite."""
    steps = narrowing()
    for act in walk:
        if act in ("undo", "redo", "clear"):
            getattr(steps, act)()
        elif act == "remove":
            if steps.where:
                steps.remove(len(steps.where) - 1)
        else:
            steps.add([{"F": F, "old": OLD, "young": YOUNG}[act]])
        assert steps.audit.prepared.where == steps.where
        assert len(steps.chips()) == len(steps.where)
        assert len(steps._past) <= MOST_KEPT
        if steps.can_undo:
            here = steps.where
            steps.undo()
            steps.redo()
            assert steps.where == here

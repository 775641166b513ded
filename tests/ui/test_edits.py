"""Editing an audit step by step: rows, threshold, checks; undo, redo, chips, and records that are kept."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import workbench as wb
from workbench.core.errors import ConfigError, DataError
from workbench.core.filter import Condition
from workbench.ui.edits import MOST_KEPT, Edits

DATA = pd.DataFrame(
    {
        "sex": ["F", "M"] * 60,
        "age": [20 + i % 40 for i in range(120)],
        "score": [i % 10 / 10 for i in range(120)],
        "y": [0, 1, 1] * 40,
    }
)
F, OLD, YOUNG = Condition("sex", "==", "F"), Condition("age", ">=", 40), Condition("age", "<", 40)


def edits(**more: object) -> Edits:
    """Return the steps over a small audit."""
    return Edits(wb.Audit(DATA, target="y", score="score", checks=["quality.profile", "quality.missing"], **more))


def test_steps_are_undone_and_done_again() -> None:
    """Each step is an audit of the rows that meet the conditions; a new step forgets those taken back."""
    steps = edits()
    whole = steps.audit
    steps.narrow([F])
    steps.narrow([OLD])
    assert steps.audit.run().subject["current"]["rows"] == int(((DATA.sex == "F") & (DATA.age >= 40)).sum())
    assert [c["words"] for c in steps.chips()] == ["sex is F", "age at least 40"]
    steps.remove(0)
    assert steps.now.where == (OLD,)
    steps.undo()
    assert steps.now.where == (F, OLD)
    assert steps.audit.record is not None  # nothing has to run again
    steps.undo()
    steps.undo()
    steps.undo()
    assert steps.audit is whole
    assert (steps.can_undo, steps.can_redo) == (False, True)
    steps.redo()
    steps.narrow([YOUNG])
    assert steps.now.where == (F, YOUNG)
    assert not steps.can_redo
    steps.clear()
    assert steps.audit is whole
    assert steps.can_undo


def test_the_audits_own_conditions_stay() -> None:
    """They are shown, but no act on the screen takes them away."""
    steps = edits(where={"sex": "F"})
    steps.narrow([OLD])
    assert [c["own"] for c in steps.chips()] == [True, False]
    with pytest.raises(ConfigError, match="part of the audit"):
        steps.remove(0)
    steps.remove(1)
    steps.clear()
    assert steps.now.where == (F,)


def test_a_mistake_moves_nothing() -> None:
    """An unknown column, a value of another kind, a position that is not there."""
    steps = edits()
    steps.narrow([F])
    for conditions in ([Condition("sx", "==", "F")], [Condition("age", "==", "old")]):
        with pytest.raises((ConfigError, DataError)):
            steps.narrow(conditions)
    for position in (-1, 1, 99):
        with pytest.raises(ConfigError):
            steps.remove(position)
    assert steps.now.where == (F,)
    steps.narrow([F])
    steps.undo()
    assert steps.now.where == ()  # the same condition again was no step


def test_the_threshold_is_a_step_like_any_other() -> None:
    """It is a chip that can be taken away; going back to the audit's own makes no other audit."""
    steps = edits(threshold=0.3)
    whole = steps.audit
    steps.cut_at(0.6)
    assert steps.audit.roles.threshold == 0.6
    assert steps.chips() == [{"id": "threshold", "words": "threshold 0.60 instead of 0.30", "own": False}]
    steps.narrow([F])
    assert (steps.audit.roles.threshold, steps.audit.prepared.where) == (0.6, (F,))
    steps.remove("threshold")
    assert (steps.audit.roles.threshold, steps.audit.prepared.where) == (0.3, (F,))
    steps.undo()
    assert [c["id"] for c in steps.chips()] == [0, "threshold"]
    steps.clear()
    assert steps.audit is whole
    steps.undo()
    steps.undo()
    steps.cut_at(0.3)
    assert steps.audit is whole
    for wrong in ("0.5", True, float("nan"), None):
        with pytest.raises(ConfigError, match="threshold"):
            steps.cut_at(wrong)


def test_nothing_is_cut_without_scores() -> None:
    """A decision in the data has no threshold: the sentence says what to name."""
    steps = Edits(wb.Audit(DATA.assign(sex=DATA.y), target="y", prediction="sex", checks=["quality.profile"]))
    with pytest.raises(ConfigError, match="name a `score`"):
        steps.cut_at(0.9)
    assert steps.chips() == []


def test_a_choice_of_checks_is_undone_too() -> None:
    """It is of the same audit: nothing has to run again for it."""
    steps = edits()
    audit = steps.audit
    steps.choose(["quality.profile", "nonsense"])
    assert [c.id for c in steps.chosen.checks] == ["quality.profile"]
    assert steps.audit is audit
    steps.narrow([F])
    assert [c.id for c in steps.chosen.checks] == ["quality.profile"]
    steps.clear()
    assert steps.now.checks == ("quality.profile",)
    for _ in range(3):
        steps.undo()
    assert len(steps.chosen.checks) == 2


@given(st.lists(st.sampled_from(["F", "old", "young", "cut", "clear", "remove", "undo", "redo"]), max_size=60))
def test_any_walk_ends_where_it_says(walk: list[str]) -> None:
    """Whatever is done: the audit is what the chips say, and undo and redo are each other's opposite."""
    steps = edits()
    for act in walk:
        if act in ("undo", "redo", "clear"):
            getattr(steps, act)()
        elif act == "remove":
            if steps.chips():
                steps.remove(steps.chips()[-1]["id"])
        elif act == "cut":
            steps.cut_at(0.8)
        else:
            steps.narrow([{"F": F, "old": OLD, "young": YOUNG}[act]])
        assert (steps.audit.prepared.where, steps.audit.roles.threshold) == steps.now.measured
        assert len(steps.chips()) == len(steps.now.where) + (steps.now.threshold == 0.8)
        assert len(steps._past) <= MOST_KEPT
        if steps.can_undo:
            here = steps.now
            steps.undo()
            steps.redo()
            assert steps.now == here

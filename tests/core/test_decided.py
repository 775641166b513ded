"""Tables of one threshold give those of another, to the last bit, or say that they cannot."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.core.counts import count
from workbench.core.dataset import Dataset, Roles
from workbench.core.decided import decided_at
from workbench.core.frame import wrap
from workbench.core.numbers import LIMIT
from workbench.core.subject import Subject

SCORES = st.one_of(st.sampled_from([0.0, 0.25, 0.5, 1.0, np.nan, np.inf, -np.inf, -0.0]), st.floats(0, 1, width=32))


def counted(rows: pd.DataFrame, **roles: Any) -> Subject:
    """Return the rows counted, twice: as current and as reference data."""
    about = Roles(target="y", positive=1, sensitive=("g",), **roles)
    return Subject(count(Dataset(wrap(rows), about, "current")), about, count(Dataset(wrap(rows), about, "reference")))


def tables(subject: Subject) -> list[Any]:
    """Return everything that was counted, as plain data."""
    sides = [subject.current, subject.reference]
    slices = [t.to_dict() for s in sides if s and s.slices for t in s.slices.tables]
    return [subject.roles, *(s.to_dict() for s in sides if s), slices]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from([0, 1, None]), SCORES, st.sampled_from(["a", "b", None])), min_size=1),
    st.one_of(st.sampled_from([0.0, 0.25, 0.5, 1.0, -1.0, 2.0]), st.floats(0, 1, width=32)),
    st.one_of(st.sampled_from([0.0, 0.25, 0.5, 1.0, -1.0, 2.0]), st.floats(0, 1, width=32)),
    st.booleans(),
)
def test_decided_anew_is_counted_anew(rows: list[Any], one: float, other: float, persons: bool) -> None:
    """Ties, infinities, missing scores and truths, groups and slices of entities: the same tables as another count."""
    frame = pd.DataFrame(rows, columns=["y", "score", "g"]).astype({"y": "Int64", "g": object})
    frame["who"] = np.arange(len(frame)) // 2
    more: dict[str, Any] = {"entity": "who"} if persons else {}
    decided = decided_at(counted(frame, score="score", threshold=one, **more), other)

    assert decided is not None
    assert tables(decided) == tables(counted(frame, score="score", threshold=other, **more))


def test_a_prediction_of_the_data_stays() -> None:
    """A column of predictions is no question of a threshold."""
    rows = pd.DataFrame({"y": [0, 1, 1], "score": [0.2, 0.4, 0.9], "made": [1, 0, 1], "g": ["a", "b", "a"]})
    subject = counted(rows, score="score", prediction="made", threshold=0.5)
    decided = decided_at(subject, 0.3)
    assert decided is not None
    assert decided.roles.threshold == 0.3
    assert tables(decided)[1:] == tables(subject)[1:]


def test_scores_that_share_bins_are_counted_again() -> None:
    """With more distinct scores than a table holds one by one, nobody knows on which side of an edge each lies."""
    rows = pd.DataFrame({"y": 1, "score": np.linspace(0, 1, 2 * LIMIT + 10), "g": "a"})
    assert decided_at(counted(rows, score="score", threshold=0.0), 0.3) is None


@pytest.mark.parametrize("threshold", [float("inf"), float("-inf"), float("nan")])
def test_no_threshold_is_counted_again(threshold: float) -> None:
    """What is no number to cut at is left to a count."""
    rows = pd.DataFrame({"y": [0, 1], "score": [0.2, 0.9], "g": ["a", "b"]})
    assert decided_at(counted(rows, score="score"), threshold) is None

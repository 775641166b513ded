"""Run one check on a frame and find one of its measures."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from hypothesis import strategies as st

from workbench.core.check import find_check
from workbench.core.counts import Counted, count
from workbench.core.dataset import Dataset, Roles
from workbench.core.finding import Finding, Measure
from workbench.core.frame import wrap
from workbench.core.subject import Subject

ROLES = Roles(target="y", score="score", positive=1)
GROUPED = Roles(target="y", score="score", sensitive=("g",), positive=1)


def counted(data: pd.DataFrame, roles: Roles) -> Counted:
    """Count a frame."""
    return count(Dataset(wrap(data), roles, "data"))


def subject(
    current: pd.DataFrame, reference: pd.DataFrame | None = None, roles: Roles = ROLES, minimum: int = 10
) -> Subject:
    """Return a subject of frames."""
    other = None if reference is None else counted(reference, roles)
    return Subject(counted(current, roles), roles, reference=other, minimum_group_size=minimum)


def run(
    check: str,
    current: pd.DataFrame,
    reference: pd.DataFrame | None = None,
    roles: Roles = ROLES,
    minimum: int = 10,
    **params: Any,
) -> Finding:
    """Run one check on frames."""
    return find_check(check).run(subject(current, reference, roles, minimum), params)


def one(
    finding: Finding, name: str, *, column: str = "", group: str = "", window: str = "", where: str = ""
) -> Measure:
    """Return the one measure that the words name."""
    wanted = (name, column, group, window, where)
    found = [m for m in finding.measures if (m.name, m.column, m.group, m.window, m.where) == wanted]
    assert len(found) == 1, (wanted, len(found), finding.reason)
    return found[0]


def value(finding: Finding, name: str, **place: str) -> float:
    """Return the value of one measure; NaN when it is undefined, which must have a reason."""
    m = one(finding, name, **place)
    assert m.value is not None or m.undefined_because
    return float("nan") if m.value is None else float(m.value)


def table(finding: Finding, name: str) -> pd.DataFrame:
    """Return one evidence table as a frame."""
    found = [e for e in finding.evidence if e.name == name]
    assert len(found) == 1, (name, [e.name for e in finding.evidence])
    return pd.DataFrame(list(found[0].rows), columns=list(found[0].columns))


@st.composite
def scored(draw: st.DrawFn, least: int = 1, most: int = 60, groups: int = 0) -> pd.DataFrame:
    """Draw truths (some missing, often of one class) and scores (often tied); groups, some missing, when wanted."""
    n = draw(st.integers(least, most))
    values = st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.5, 0.75, 0.9, 1.0]) if draw(st.booleans()) else st.floats(0, 1)
    truths = draw(st.sampled_from([[0.0, 1.0], [0.0, 1.0, np.nan], [0.0, 0.0, 0.0, 1.0], [1.0], [0.0]]))
    frame = {
        "y": draw(st.lists(st.sampled_from(truths), min_size=n, max_size=n)),
        "score": draw(st.lists(values, min_size=n, max_size=n)),
    }
    if groups:
        names = [*"abcdefgh"[:groups], None]
        frame["g"] = draw(st.lists(st.sampled_from(names), min_size=n, max_size=n))
    data = pd.DataFrame(frame)
    return data.astype({"g": "object"}) if groups else data

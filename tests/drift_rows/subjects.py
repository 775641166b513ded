"""Subjects with a reference and sampled rows, from frames."""

from __future__ import annotations

from typing import Any

import pandas as pd

from workbench.core.check import find_check
from workbench.core.counts import Counted, count
from workbench.core.dataset import Dataset, Roles
from workbench.core.finding import Finding
from workbench.core.frame import wrap
from workbench.core.sample import SampleOf
from workbench.core.subject import Subject

FEATURES = Roles()
SCORED = Roles(target="y", score="s", positive=1)


def counted(data: pd.DataFrame, roles: Roles = FEATURES, rows: int | None = 20_000) -> Counted:
    """Count a frame, keeping a sample of its rows unless `rows` is None."""
    return count(Dataset(wrap(data), roles, "data"), sampling=None if rows is None else SampleOf(rows))


def subject(
    current: pd.DataFrame,
    reference: pd.DataFrame,
    roles: Roles = FEATURES,
    rows: int | None = 20_000,
    **about: Any,
) -> Subject:
    """Return a subject of two frames."""
    return Subject(counted(current, roles, rows), roles, reference=counted(reference, roles, rows), **about)


def run(check: str, there: Subject, **params: Any) -> Finding:
    """Run a check that has something to measure."""
    finding = find_check(check).run(there, params)
    assert str(finding.status) == "measured", finding.reason
    return finding

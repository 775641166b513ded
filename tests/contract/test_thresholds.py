"""Another threshold gives every check's finding from the tables of the first; what it cannot change stays."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.contract.every import (
    PARAMS,
    ROLES,
    every_check,
    in_windows,
    is_windowed,
    on_pandas,
    people,
    run_on,
    subject,
    task_of,
)
from workbench.core.check import Check
from workbench.core.decided import decided_at
from workbench.core.subject import Subject

__all__ = ["on_pandas"]  # a fixture


@pytest.fixture(scope="module")
def at_another(on_pandas: dict[str, Subject]) -> dict[str, tuple[Subject, Subject]]:
    """Return the subjects at another threshold: counted, and decided from what was counted at the first one."""
    roles = replace(ROLES, threshold=0.3)
    fresh = {
        "binary": subject(people(), people(seed=1), roles),
        "windows": in_windows(people(), people(seed=1), roles),
    }
    found = {}
    for name, there in fresh.items():
        decided = decided_at(on_pandas[name], 0.3)
        assert decided is not None
        found[name] = there, decided
    return found


@every_check
def test_another_threshold_needs_no_other_count(
    check: Check, on_pandas: dict[str, Subject], at_another: dict[str, tuple[Subject, Subject]]
) -> None:
    """From the tables of one threshold comes the finding at another; what it cannot change, it does not change."""
    name = "windows" if is_windowed(check) else task_of(check)
    fresh, decided = at_another.get(name, (on_pandas[name], on_pandas[name]))
    params = PARAMS.get(check.id)
    found = check.run(decided, params).to_dict()

    assert found == check.run(fresh, params).to_dict()
    if not check.of_decisions:
        assert found == run_on(on_pandas, check).to_dict()

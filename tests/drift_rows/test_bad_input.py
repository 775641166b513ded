"""Bad input for the checks over rows: nothing fails, what cannot be compared is named."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from tests.drift_rows.subjects import subject
from workbench.core.check import find_check
from workbench.core.dataset import Roles
from workbench.core.finding import Finding, Status

CHECKS = ("domain_classifier", "reconstruction", "mmd", "concept", "by_group", "ranking")
ROLES = Roles(target="y", score="s", positive=1, sensitive=("g",))
Pair = tuple[pd.DataFrame, pd.DataFrame]


def rows(n: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"a": rng.normal(0, 1, n), "k": rng.integers(0, 9, n), "w": rng.choice(list("xyz"), n)})
    frame = frame.assign(g=rng.choice(list("pq"), n), s=rng.random(n))
    return frame.assign(y=(rng.random(n) < frame.s).astype(int))


BAD: dict[str, Callable[[pd.DataFrame, pd.DataFrame], Pair]] = {
    "text against numbers": lambda c, r: (c.assign(a=c.a.astype(str)), r),
    "numbers against text": lambda c, r: (c, r.assign(k=r.k.astype(str))),
    "whole against other numbers": lambda c, r: (c.assign(k=c.k + 0.5), r),
    "all new categories": lambda c, r: (c.assign(w="new " + c.w), r),
    "all missing now": lambda c, r: (c.assign(a=np.nan, w=None), r),
    "all missing in the reference": lambda c, r: (c, r.assign(a=np.nan, w=None)),
    "constant now": lambda c, r: (c.assign(a=1.0, w="x"), r),
    "constant in the reference": lambda c, r: (c, r.assign(a=1.0, w="x")),
    "constant on both sides": lambda c, r: (c.assign(a=1.0, k=2, w="x"), r.assign(a=1.0, k=2, w="x")),
    "one row now": lambda c, r: (c.head(1), r),
    "one row in the reference": lambda c, r: (c, r.head(1)),
    "infinite": lambda c, r: (c.assign(a=np.where(c.a > 0, np.inf, -np.inf)), r),
    "largest numbers": lambda c, r: (c.assign(a=c.a * 1e308), r.assign(a=r.a * 1e308)),
    "disjoint numbers": lambda c, r: (c.assign(a=c.a + 1e6), r),
    "disjoint scores": lambda c, r: (c.assign(s=0.9 + c.s / 10), r.assign(s=r.s / 10)),
    "missing scores": lambda c, r: (c.assign(s=c.s.where(c.a > 0)), r.assign(s=r.s.where(r.a > 0))),
    "one truth": lambda c, r: (c.assign(y=0), r.assign(y=1)),
    "other groups": lambda c, r: (c.assign(g="z"), r),
    "free text": lambda c, r: (
        c.assign(w=[f"n{i}" for i in range(len(c))]),
        r.assign(w=[f"r{i}" for i in range(len(r))]),
    ),
    "disjoint columns": lambda c, r: (c.rename(columns={"a": "a1", "k": "k1", "w": "w1"}), r),
    "times of other zones": lambda c, r: (
        c.assign(a=pd.Timestamp("2026-01-01", tz="Asia/Tokyo") + pd.to_timedelta(range(len(c)), "h")),
        r.assign(a=pd.Timestamp("2026-01-01") + pd.to_timedelta(range(len(r)), "h")),
    ),
    "lists": lambda c, r: (c.assign(a=[[1, 2]] * len(c)), r.assign(a=[[1]] * len(r))),
}


def measured(check: str, kind: str) -> Finding:
    current, reference = BAD[kind](rows(300, 1), rows(500, 0))
    return find_check(f"drift.{check}").run(subject(current, reference, ROLES))


@pytest.mark.parametrize("kind", BAD)
@pytest.mark.parametrize("check", CHECKS)
def test_bad_input_is_measured_or_refused_with_a_reason(check: str, kind: str) -> None:
    finding = measured(check, kind)

    assert finding.status in (Status.MEASURED, Status.NOT_APPLICABLE), finding.reason
    assert finding.measures or finding.reason
    for m in finding.measures:
        assert m.value is not None or m.undefined_because, m
        assert m.value is None or np.isfinite(m.value), m


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("text against numbers", "number in the reference and text now: 'a'"),
        ("numbers against text", "text in the reference and number now: 'k'"),
        ("all missing now", "every value is missing now: 'a', 'w'"),
        ("all missing in the reference", "every value is missing in the reference: 'a', 'w'"),
        ("free text", "text whose values nearly all differ: 'w'"),
        ("disjoint columns", "not in the reference: 'a1', 'k1', 'w1'"),
    ],
)
@pytest.mark.parametrize("check", ["domain_classifier", "reconstruction", "mmd", "concept", "by_group"])
def test_what_is_left_out_is_named(check: str, kind: str, told: str) -> None:
    finding = measured(check, kind)
    assert told in " ".join([*finding.notes, finding.reason])


def test_changes_that_no_row_can_miss_are_told() -> None:
    """New categories, other ranges and infinities separate the sides as far as can be."""
    for kind in ("all new categories", "disjoint numbers"):
        auc = next(m for m in measured("domain_classifier", kind).measures if m.name == "domain_auc")
        assert auc.value == 1.0
        assert auc.low > 0.95
    shift = next(m for m in measured("ranking", "all new categories").measures if m.name == "drift" and m.column == "w")
    assert shift.value == 1.0


def test_scores_that_nowhere_meet_are_not_compared() -> None:
    finding = measured("concept", "disjoint scores")
    outside = next(m for m in finding.measures if m.name == "outside_reference_score_share")
    change = next(m for m in finding.measures if m.name == "truth_rate_change")

    assert outside.value == 1.0
    assert change.value is None
    assert change.undefined_because

"""Young outcomes are told from final ones."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tests.performance.measured import one, table, value
from workbench.core.check import find_check
from workbench.core.counts import count
from workbench.core.dataset import Dataset, Roles
from workbench.core.finding import Finding, Status
from workbench.core.frame import wrap
from workbench.core.intervals import newcombe_difference, wilson
from workbench.core.sample import SampleOf
from workbench.core.subject import Subject

ROLES = Roles(target="y", score="score", time="at", positive=1)


def loans() -> pd.DataFrame:
    """200 loans, one a day: the oldest 140 have 42 defaults, of the youngest 60 half have an outcome, 3 a default."""
    y = np.array([1.0] * 42 + [0.0] * 98 + [1.0] * 3 + [0.0] * 27 + [np.nan] * 30)
    at = pd.Timestamp("2026-06-30", tz="UTC") - pd.to_timedelta(np.arange(199, -1, -1), "D")
    return pd.DataFrame({"y": y, "at": at, "score": np.where(y == 1, 0.9, 0.1)})


def run(data: pd.DataFrame, roles: Roles = ROLES, **params: object) -> Finding:
    counted = count(Dataset(wrap(data), roles, "current"), sampling=SampleOf())
    return find_check("performance.label_maturity").run(Subject(counted, roles), params)


def test_by_hand() -> None:
    finding = run(loans(), horizon_days=60)
    assert value(finding, "mature_share") == 0.7
    assert value(finding, "labelled_share", where="immature") == 0.5
    mature, young = wilson(42, 140), one(finding, "prevalence", where="immature")
    assert mature is not None
    m = one(finding, "prevalence", where="mature")
    assert (m.value, m.low, m.high, m.n) == pytest.approx((0.3, mature.low, mature.high, 140))
    assert (young.value, young.n) == (0.1, 30)
    change, ends = one(finding, "prevalence_change"), newcombe_difference(3, 30, 42, 140)
    assert ends is not None
    assert (change.value, change.low, change.high) == pytest.approx((-0.2, ends.low, ends.high))
    assert value(finding, "error_rate_change") == 0
    assert any("30 rows have an outcome before it is 60 days old" in note for note in finding.notes)
    drawn = table(finding, "maturity")
    assert set(drawn.series) == {"labelled share", "prevalence"}
    assert drawn[drawn.series == "labelled share"].y.min() == 0


def test_another_day() -> None:
    """A hundred days later all are mature; the changes are undefined with a reason."""
    finding = run(loans(), horizon_days=60, as_of="2026-10-08")
    assert value(finding, "mature_share") == 1
    assert "under two" in one(finding, "prevalence_change").undefined_because


def test_what_is_lacking_is_said() -> None:
    assert "horizon_days" in run(loans()).reason
    assert (
        run(loans(), Roles(target="y", score="score", ignore=("at",)), horizon_days=9).status is Status.NOT_APPLICABLE
    )
    wrong = run(loans(), horizon_days=9, as_of="the ides of March")
    assert (wrong.status, "not a date" in wrong.reason) == (Status.ERROR, True)
    assert run(loans(), horizon_days=-1).status is Status.ERROR
    assert run(loans().assign(at=pd.NaT), horizon_days=9).status is Status.NOT_APPLICABLE

"""Data cut into windows: sums, numbers, what is short, seasons, coarser cuts, plans."""

from __future__ import annotations

from functools import reduce
from operator import add
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import workbench as wb
from workbench.core.counts import count
from workbench.core.dataset import Dataset, Roles
from workbench.core.errors import ConfigError, DataError
from workbench.core.frame import wrap
from workbench.core.sample import SampleOf
from workbench.core.windowed import Window, alike, count_windows, others, recut
from workbench.core.windows import Cut

ROLES = Roles(target="y", score="score", sensitive=("sex",), time="when")


def frame(n: int = 500, seed: int = 0, days: int = 40) -> pd.DataFrame:
    """Return rows with a time, a score, a label and a group, in no order of time."""
    rng = np.random.default_rng(seed)
    score = rng.random(n).round(3)
    return pd.DataFrame(
        {
            "when": pd.Timestamp("2026-01-05", tz="UTC") + pd.to_timedelta(rng.integers(0, days * 86400, n), "s"),
            "x": rng.normal(size=n),
            "word": rng.choice(["a", "b", None], n),
            "sex": rng.choice(["F", "M"], n),
            "score": score,
            "y": (rng.random(n) < score).astype(int),
        }
    )


def cut(data: pd.DataFrame, how: Cut, sampling: SampleOf | None = None) -> tuple[Any, tuple[Window, ...]]:
    """Return the counts of all rows and of the windows."""
    return count_windows(Dataset(wrap(data), ROLES, "current"), how, sampling=sampling)


@settings(max_examples=15)
@given(st.integers(0, 10_000), st.sampled_from([Cut(by="day", time="when"), Cut(by="week", time="when"), Cut(rows=70)]))
def test_windows_add_up_to_all_rows(seed: int, how: Cut) -> None:
    """The whole is what a pass without windows counts, sample and duplicates included; so is the sum of the windows."""
    data = frame(200, seed)
    whole, windows = cut(data, how, SampleOf(50, seed))
    plain = count(Dataset(wrap(data), ROLES, "current"), sampling=SampleOf(50, seed))
    assert whole.to_dict() == plain.to_dict()
    assert whole.sample is not None
    assert plain.sample is not None
    assert whole.sample.rows.equals(plain.sample.rows)
    total = reduce(add, (w.counted for w in windows))
    assert {k: v for k, v in total.to_dict().items() if k != "duplicates"} == {
        k: v for k, v in plain.to_dict().items() if k != "duplicates"
    }


def test_a_window_counts_as_its_rows_alone() -> None:
    """Each window's tables are those of a data set that holds its rows only."""
    data = frame()
    _, windows = cut(data, Cut(by="week", time="when"))
    assert [w.label for w in windows] == ["2026-W02", "2026-W03", "2026-W04", "2026-W05", "2026-W06", "2026-W07"]
    week = data["when"].dt.isocalendar().week
    for window, number in zip(windows, range(2, 8), strict=True):
        alone = count(Dataset(wrap(data[week == number]), ROLES, "current"))
        assert window.counted.columns["x"].to_dict() == alone.columns["x"].to_dict()
        assert window.counted.fingerprint == alone.fingerprint


def test_rows_without_a_time_are_in_the_whole_only() -> None:
    """They are in no window and still counted."""
    data = frame(100)
    data.loc[:9, "when"] = pd.NaT
    whole, windows = cut(data, Cut(by="month", time="when"))
    assert whole.rows == 100
    assert sum(w.counted.rows for w in windows) == 90


def test_the_last_window_of_rows_is_short() -> None:
    """130 rows in windows of 50: the third holds 30 and is marked."""
    _, windows = cut(frame(130), Cut(rows=50))
    assert [(w.counted.rows, w.short) for w in windows] == [(50, False), (50, False), (30, True)]


def test_a_month_that_just_began_is_short() -> None:
    """The first month is whole; the second holds its first days only."""
    data = frame(400, days=200)
    data = data[(data["when"] >= "2026-02-01") & (data["when"] < "2026-04-09")]
    _, windows = cut(data, Cut(by="month", time="when"))
    assert [(w.label, w.short) for w in windows] == [("2026-02", False), ("2026-03", False), ("2026-04", True)]


@pytest.mark.parametrize("coarse", ["week", "month", "quarter", "year"])
def test_coarser_windows_are_sums_of_days(coarse: str) -> None:
    """Days put together are what the coarser cut counts, and no row is read again."""
    data = frame(300)
    _, days = cut(data, Cut(by="day", time="when"))
    _, wanted = cut(data, Cut(by=coarse, time="when"))
    found = recut(days, Cut(by="day", time="when"), Cut(by=coarse, time="when"))
    assert [(w.label, w.counted.columns["x"].to_dict()) for w in found] == [
        (w.label, w.counted.columns["x"].to_dict()) for w in wanted
    ]


def test_windows_that_do_not_nest_are_refused() -> None:
    """Weeks make no months, and 30 rows no 50."""
    _, weeks = cut(frame(100), Cut(by="week", time="when"))
    with pytest.raises(ConfigError, match="windows of week do not add up to windows of month"):
        recut(weeks, Cut(by="week", time="when"), Cut(by="month", time="when"))
    _, thirty = cut(frame(100), Cut(rows=30))
    with pytest.raises(ConfigError, match="windows of 30 rows do not add up to windows of 50 rows"):
        recut(thirty, Cut(rows=30), Cut(rows=50))


def test_seasons_compare_like_with_like() -> None:
    """With seasons of weekdays a Monday's others are the other Mondays, and its reference all of them."""
    data = frame(800)
    whole, days = cut(data, Cut(by="day", time="when", season="weekday"))
    assert {d.season for d in days} == {"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"}
    mondays = sum(d.counted.rows for d in days if d.season == "Monday")
    assert alike(days, "Monday", whole).rows == mondays
    left = others(days)
    for day, rest in zip(days, left, strict=True):
        same = sum(d.counted.rows for d in days if d.season == day.season)
        assert rest is not None
        assert rest.rows == same - day.counted.rows
    assert alike(days, "", whole) is whole


def test_one_window_has_no_others() -> None:
    """Nothing is left when the only window is left out."""
    _, windows = cut(frame(20), Cut(rows=50))
    assert others(windows) == [None]


def test_a_number_of_windows() -> None:
    """Ten windows of 500 rows hold 50 each; of 505 rows there is one more, which is short."""
    for rows, sizes in ((500, [50] * 10), (505, [50] * 10 + [5])):
        audit = wb.Audit(
            frame(rows), target="y", score="score", time="when", windows={"number": 10}, checks=["performance.windows"]
        )
        finding = audit.run().findings[0]
        assert [m.n for m in finding.measures if m.name == "labelled_share"] == sizes


@pytest.mark.parametrize(
    ("windows", "message"),
    [
        ({"by": "month", "rows": 5}, "give one of `by`"),
        ({}, "give one of `by`"),
        ({"by": "fortnight"}, "by"),
        ({"rows": 0}, "greater than or equal to 1"),
        ({"by": "year", "season": "weekday"}, "season weekday needs `by` hour or day"),
        ({"every": 5}, "unknown key 'every'"),
    ],
)
def test_wrong_windows_are_told(windows: dict[str, Any], message: str) -> None:
    """One sentence says what is wrong, before anything is counted."""
    with pytest.raises(ConfigError, match=message):
        wb.Audit(frame(20), target="y", score="score", time="when", windows=windows)


def test_windows_of_the_calendar_need_a_time() -> None:
    """Without the role, or with a column of numbers in it, there is nothing to cut by."""
    with pytest.raises(ConfigError, match="need the role `time`"):
        wb.Audit(frame(20), target="y", score="score", windows={"by": "month"}).run()
    with pytest.raises(ConfigError, match="holds numbers, expected times"):
        wb.Audit(frame(20), target="y", score="score", time="x", windows={"by": "month"}).run()


def test_too_many_windows_are_refused() -> None:
    """A window of one row each is no window."""
    with pytest.raises(ConfigError, match="more than 2\u202f000 windows"):
        cut(frame(2_100), Cut(rows=1))


def test_no_rows_are_told() -> None:
    """An empty frame has no windows."""
    with pytest.raises(DataError, match="has no rows"):
        cut(frame(5).iloc[:0], Cut(rows=10))


def test_one_digest_however_the_rows_come() -> None:
    """Engines agree: windows of the calendar do not depend on the order of rows or on the library."""
    import polars as pl

    data = frame(300)
    about: dict[str, Any] = {"target": "y", "score": "score", "time": "when", "windows": {"by": "week"}}
    checks = ["performance.windows", "quality.missing"]
    digests = {
        wb.Audit(native, checks=checks, **about).run().digest
        for native in (data, data.sample(frac=1, random_state=1), pl.from_pandas(data))
    }
    assert len(digests) == 1

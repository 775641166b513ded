"""Dates that no calendar has, or that nobody can have meant."""

from __future__ import annotations

from datetime import date

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tests.quality.test_values import distinct, held
from workbench.core import dates


def impossible(values: list[str], **about: date) -> dict[str, set[str]]:
    """Return the impossible dates of a column, by kind."""
    d = distinct(values)
    found = dates.impossible_texts(d.texts or (), d.counts, **about)
    return {why: held(d, mask) for why, mask in found.items() if mask.any()}


ISO = [f"2021-{m:02}-{d:02}" for m in range(1, 13) for d in (1, 15, 28)]


def test_days_no_calendar_has() -> None:
    assert impossible([*ISO, "2021-02-30", "2021-13-01", "2020-02-29"]) == {"no such day": {"2021-02-30", "2021-13-01"}}


def test_days_outside_the_years_meant() -> None:
    assert impossible([*ISO, "0203-05-01", "2999-01-01"]) == {"outside the years": {"0203-05-01", "2999-01-01"}}
    assert impossible([*ISO, "2022-06-01"], latest=date(2021, 12, 31)) == {"outside the years": {"2022-06-01"}}


def test_the_last_day_ends_at_midnight() -> None:
    times = np.array(["2100-12-31T23:59:59", "2101-01-01T00:00:00", "1900-01-01", "1899-12-31T23:59"], "datetime64[us]")

    assert dates.impossible_times(times.astype(np.int64).astype(float)).tolist() == [False, True, False, True]


def test_the_column_decides_whether_day_or_month_comes_first() -> None:
    german = [f"{d:02}.{m:02}.2021" for m in range(1, 13) for d in (1, 15, 28)]
    american = [f"{m}/{d}/21" for m in range(1, 13) for d in (1, 15, 28)]

    assert impossible([*german, "02.15.2021"]) == {"no such day": {"02.15.2021"}}
    assert impossible([*american, "15/2/21"]) == {"no such day": {"15/2/21"}}


def test_a_column_that_is_not_of_dates_has_none() -> None:
    assert impossible([*ISO[:10], *["word"] * 40, "2021-02-30"]) == {}


@given(st.dates(date(1900, 1, 1), date(2100, 12, 31)))
def test_no_day_of_the_calendar_is_impossible(day: date) -> None:
    assert impossible([*ISO, day.isoformat(), f"{day:%Y/%m/%d}"]) == {}


@given(st.dates())
def test_times_outside_are_those_before_the_first_or_after_the_last_day(day: date) -> None:
    noon = np.array([np.datetime64(day.isoformat()).astype("datetime64[us]").astype(np.int64) + 43_200_000_000], float)

    assert dates.impossible_times(noon)[0] == (not date(1900, 1, 1) <= day <= date(2100, 12, 31))


def test_ends_before_their_beginnings() -> None:
    start = np.arange(200, dtype=float)
    end = start + 5
    end[7] = 1.0
    found = list(dates.reversed_pairs({"start": start, "end": end, "other": start[::-1].copy()}))

    assert [(a, b, np.flatnonzero(m).tolist()) for a, b, m in found] == [("start", "end", [7])]

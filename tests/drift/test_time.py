"""Times by hand and by pandas: range, freshness, gaps, overlap, zones."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.performance.measured import one, run, value
from workbench.core.dataset import Roles
from workbench.core.finding import Finding, Status
from workbench.core.intervals import wilson
from workbench.core.numbers import LIMIT

TIMED = Roles(time="at")
START = pd.Timestamp("2026-01-01")
seconds = st.lists(st.integers(0, 500), min_size=1, max_size=40)


def frame(offsets: list[int] | np.ndarray, zone: str | None = None) -> pd.DataFrame:
    """Return times that many seconds after the start of 2026."""
    return pd.DataFrame({"at": (START + pd.to_timedelta(np.asarray(offsets), unit="s")).tz_localize(zone)})


def drift(current: pd.DataFrame, reference: pd.DataFrame, roles: Roles = TIMED, **params: object) -> Finding:
    """Compare two frames."""
    return run("drift.time", current, reference, roles, **params)


def of(finding: Finding, name: str, window: str = "") -> float:
    """Return a measure of the time column."""
    return value(finding, name, column="at", window=window)


@given(seconds, seconds)
def test_times_are_as_pandas_has_them(b: list[int], a: list[int]) -> None:
    """Freshness, span, gaps of distinct times and overlap; unsorted and repeated times make no difference."""
    found = drift(frame(b), frame(a))

    assert of(found, "freshness") == max(b) - max(a)
    for side, window in ((b, ""), (a, "reference")):
        assert of(found, "span", window) == max(side) - min(side)
        gaps = pd.Series(sorted(set(side))).diff().dropna()
        if len(gaps):
            assert (of(found, "largest_gap", window), of(found, "median_gap", window)) == (gaps.max(), gaps.median())
        else:
            assert "two distinct times" in one(found, "median_gap", column="at", window=window).undefined_because
    share = one(found, "before_reference_end_share", column="at")
    before = sum(t < max(a) for t in b)
    expected = wilson(before, len(b))
    assert expected is not None
    assert (share.value, share.n) == (pytest.approx(before / len(b)), len(b))
    assert (share.low, share.high) == pytest.approx((expected.low, expected.high))


def test_a_feed_that_pauses() -> None:
    """Every minute, then two hours of nothing: the gap, its ratio to the reference's, and the steady median."""
    current = [60 * i for i in range(100)] + [60 * 99 + 7200 + 60 * i for i in range(100)]
    found = drift(frame(current), frame([60 * i for i in range(100)]))

    assert (of(found, "largest_gap"), of(found, "largest_gap_to_reference")) == (7200, 120)
    assert (of(found, "median_gap"), of(found, "median_gap_to_reference")) == (60, 1)
    assert one(found, "largest_gap", column="at").unit == "seconds"


def test_lag_to_a_named_moment() -> None:
    """No clock is read: the lag is to `as_of`, with or without a zone; later times are counted."""
    current, reference = frame([0, 3600]), frame([-50])
    for text in ("2026-01-01T02:00:00", "2026-01-01 03:00:00+01:00", "2026-01-01T02:00:00Z"):
        found = drift(current, reference, as_of=text)
        assert (of(found, "lag"), of(found, "after_as_of_share")) == (3600, 0.0)
    assert of(drift(current, reference, as_of="2026-01-01T00:30"), "after_as_of_share") == 0.5
    assert not [m for m in drift(current, reference).measures if m.name == "lag"]
    wrong = drift(current, reference, as_of="yesterday")
    assert (wrong.status, "'yesterday'" in wrong.reason, "2026-05-31" in wrong.reason) == (Status.ERROR, True, True)


@pytest.mark.parametrize("ignored", ["0", "1"])
def test_zones_are_one_time_line(ignored: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same moments in other zones, also mixed in one column, are the same times; the table shows them in UTC.

    Also where another library has told Arrow to ignore zones.
    """
    monkeypatch.setenv("PYARROW_IGNORE_TIMEZONE", ignored)
    utc = frame([0, 3600, 7200], "UTC")
    berlin = utc.assign(at=utc["at"].dt.tz_convert("Europe/Berlin"))
    zones = [UTC, timezone(timedelta(hours=5)), timezone(timedelta(hours=-8))]
    moments = [datetime(2026, 1, 1, h, tzinfo=UTC).astimezone(z) for h, z in zip(range(3), zones, strict=True)]
    mixed = pd.DataFrame({"at": pd.Series(moments, dtype=object)})

    for other in (berlin, mixed):
        found = drift(other, utc)
        assert (of(found, "freshness"), of(found, "span"), of(found, "largest_gap")) == (0, 7200, 3600)
        assert found.evidence[0].rows[1][2] == "2026-01-01T00:00:00+00:00"


def test_features_of_times_and_a_role_that_holds_none() -> None:
    """Features of times are compared too, the role's column first; one of texts is told, not read."""
    both = frame([0, 60]).assign(seen=frame([5, 9])["at"])
    found = drift(both, both)
    assert list(dict.fromkeys(m.column for m in found.measures if m.column)) == ["at", "seen"]

    texts = both.assign(at=["2026-01-01", "2026-01-02"])
    found = drift(texts, texts)
    assert found.notes == ("the time column 'at' holds text values, not times",)
    assert {m.column for m in found.measures if m.column} == {"seen"}
    alone = drift(texts[["at"]], texts[["at"]])
    assert (alone.status, alone.reason) == (Status.NOT_APPLICABLE, "the time column 'at' holds text values, not times")
    odd = drift(both.rename(columns={"seen": "x"}), both.assign(x=[b"1", b"2"]).drop(columns="seen"), TIMED)
    assert value(odd, "kind_changed", column="x") == 1


def test_many_times_fall_into_bins() -> None:
    """Beyond the exact table the largest gap carries its bound and the median is undefined."""
    offsets = np.arange(LIMIT + 40_000) * 7
    offsets[-1000:] += 90_000
    found = drift(frame(offsets), frame([0, 60]))
    gap = one(found, "largest_gap", column="at")

    assert gap.error_bound is None or gap.error_bound < 90_007
    assert gap.value is not None
    assert gap.value <= 90_007 <= gap.value + (gap.error_bound or 0.0) + 1e-6
    assert "bins" in one(found, "median_gap", column="at").undefined_because
    end = one(drift(frame(offsets), frame([700_003])), "before_reference_end_share", column="at")
    exact = float(np.mean(offsets < 700_003))
    assert (end.value or 0) <= exact <= (end.value or 0) + (end.error_bound or 0)


@pytest.mark.parametrize("side", ["current", "reference"])
def test_no_times_on_one_side(side: str) -> None:
    """Undefined with a reason; one row is a time without gaps."""
    nothing = pd.DataFrame({"at": pd.to_datetime([None, None])})
    order = (nothing, frame([1])) if side == "current" else (frame([1]), nothing)
    found = drift(*order)

    where = "current data" if side == "current" else "reference"
    assert {m.undefined_because for m in found.measures if m.column} == {f"every value is missing in the {where}"}
    assert of(drift(frame([9]), frame([1])), "freshness") == 8

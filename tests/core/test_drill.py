"""What is clicked narrows to exactly the rows that were counted in it: bins, categories, times, segments, windows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import workbench as wb
from workbench.core import drill
from workbench.core.dataset import Dataset, Roles
from workbench.core.errors import ConfigError
from workbench.core.filter import Condition, filtered
from workbench.core.finding import Evidence, Finding
from workbench.core.frame import Frame, wrap
from workbench.core.segments import read
from workbench.core.windowed import count_windows
from workbench.core.windows import Cut
from workbench.report import words

N = 3000


def data(seed: int = 0) -> pd.DataFrame:
    """Return numbers with ties, gaps and tenths, categories, texts that look like marks, times, and a truth."""
    rng = np.random.default_rng(seed)
    age = rng.integers(18, 90, N).astype(float)
    age[::11] = np.nan
    rate = rng.integers(0, 40, N) / 10 + 0.2  # tenths: edges and values meet, and their last bits do not
    score = rng.random(N).round(3)
    wrong = (rate > 3) & (rng.random(N) < 0.5)
    return pd.DataFrame(
        {
            "age": age,
            "rate": rate,
            "income": rng.lognormal(10, 1, N),
            "flag": rng.integers(0, 2, N),
            "ok": rng.random(N) < 0.3,
            "region": rng.choice(["north", "a=b & c", "\\N", "(2 others)", None], N),
            "many": rng.choice([f"v{i}" for i in range(40)], N),
            "at": pd.to_datetime("2026-01-30") + pd.to_timedelta(rng.integers(0, 40 * 86_400_000_000, N), "us"),
            "score": score,
            "y": ((score > 0.5) ^ wrong).astype(int),
        }
    )


def rows(frame: Frame, conditions: list[Condition]) -> int:
    """Count the rows that meet the conditions."""
    return sum(b.num_rows for b in filtered(frame, conditions).batches())


@pytest.fixture(scope="module")
def record() -> wb.Record:
    """An audit of the data against other data of the same make, with every table that is clicked on."""
    checks = [
        "quality.profile", "quality.missing", "drift.numeric", "drift.categorical", "bias.group_rates",
        "performance.weak_segments", "performance.overfit_segments",
    ]  # fmt: skip
    roles: dict[str, Any] = {"target": "y", "score": "score", "sensitive": ["region", "ok"], "time": "at"}
    return wb.Audit(data(), reference=data(1), checks=checks, **roles).run()


def test_a_bin_and_a_category_hold_the_rows_that_their_share_says(record: wb.Record) -> None:
    """The share of the values present, in whole rows, by every drawing of every column."""
    frame, whole, tried = wrap(data()), data(), 0
    for finding in record.findings:
        for table in finding.evidence:
            if table.kind not in ("distribution", "categories") or finding.check not in drill.OF_COLUMNS:
                continue
            present = int(whole[str(table.notes["column"])].notna().sum())
            for at, row in enumerate(table.rows):
                conditions = drill.of_row(finding, table, at, frame)
                about = dict(zip(table.columns, row, strict=True))
                if conditions is None:
                    assert str(about["category"]).endswith("others)"), (table.name, about)
                    continue
                tried += 1
                assert rows(frame, conditions) == round(float(about["current"] or 0) * present), (table.name, about)
    assert tried > 150


def test_missing_values_and_groups(record: wb.Record) -> None:
    """A group and an intersection are their rows, whatever marks their values hold; missing is no text."""
    frame, whole = wrap(data()), data()
    missing = record.finding("quality.missing").evidence[0]
    at = [row[0] for row in missing.rows].index("age")
    found = drill.of_row(record.finding("quality.missing"), missing, at, frame)
    assert found is not None
    assert rows(frame, found) == int(whole.age.isna().sum())
    sizes = {m.group: m.value for m in record.finding("bias.group_rates").measures if m.name == "count" and m.group}
    assert len([g for g in sizes if " & ok=" in g or " & region=" in g]) >= 8
    table = Evidence("t", "t", "table", ("group",), tuple((g,) for g in sizes))
    for at, (group, n) in enumerate(sizes.items()):
        found = drill.of_row(record.finding("bias.group_rates"), table, at, frame)
        assert found is not None
        assert rows(frame, found) == n, group


def test_a_segment_is_its_exact_edges(record: wb.Record) -> None:
    """As many rows as the table says where it counted all of them, and the rows that NumPy finds by the same edges."""
    frame = wrap(data())
    batch = pa.Table.from_batches(list(frame.batches())).combine_chunks().to_batches()[0]
    for check in ("performance.overfit_segments", "performance.weak_segments"):
        finding = record.finding(check)
        table = finding.evidence[0]
        by_name = drill.of_segments(finding, frame)
        assert len(by_name) == len(table.rows) > 2
        for at, row in enumerate(table.rows):
            about = dict(zip(table.columns, row, strict=True))
            found = drill.of_row(finding, table, at, frame)
            assert found == by_name[str(about["segment"])]
            masks = [one.holds(batch) for one in read(str(about["conditions"]))]
            assert rows(frame, found or []) == int(np.logical_and.reduce(masks).sum())
            if check == "performance.overfit_segments":
                assert rows(frame, found or []) == about["n"]


def test_a_narrowed_audit_has_the_rows_of_the_segment(record: wb.Record) -> None:
    """Through the door: the audit of a clicked segment counts exactly them."""
    finding = record.finding("performance.overfit_segments")
    table = finding.evidence[0]
    whole = wb.Audit(data(), target="y", score="score", checks=["performance.classification"])
    found = drill.of_row(finding, table, 0, whole.prepared.current.frame)
    narrowed = whole.where(drill.as_data(found) or []).run()
    assert narrowed.subject["current"]["rows"] == table.rows[0][table.columns.index("n")]


@pytest.mark.parametrize("by", ["hour", "day", "week", "month", "quarter", "year"])
def test_a_window_is_from_its_start_to_before_the_next(by: str) -> None:
    """Every window has the rows that were counted in it; those without a time are apart."""
    table = data()
    table.loc[::50, "at"] = pd.NaT
    if by == "hour":
        table = table[:1200]
    table.loc[1, "at"] = pd.Timestamp("2026-02-01")  # the first instant of its window
    table.loc[2, "at"] = pd.Timestamp("2026-01-31 23:59:59.999999")
    table.loc[3, "at"] = pd.Timestamp("1969-12-31 23:00")
    frame = wrap(table)
    cut = Cut(by=by, time="at")
    counted, windows = count_windows(Dataset(frame, Roles(time="at"), "current"), cut)
    told = {"by": by}
    for window in windows:
        assert cut.number_of(window.label) == window.number
        assert rows(frame, drill.of_window(window.label, told, "at")) == window.counted.rows
    undated = rows(frame, drill.of_window("undated", told, "at"))
    assert undated == int(table["at"].isna().sum())
    assert sum(w.counted.rows for w in windows) + undated == counted.rows == len(table)


def test_the_reference_keeps_its_rows(tmp_path: Path) -> None:
    """A window is compared with what was before it; a group is compared with the same group."""
    audit = wb.Audit(data(), reference=data(1), time="at", checks=["drift.numeric"], windows={"by": "month"})
    window = audit.where(drill.of_window("2026-02", {"by": "month"}, "at"))
    record = window.run()
    assert record.subject["current"]["rows"] == int((data()["at"].dt.month == 2).sum())
    assert record.subject["reference"]["rows"] == N
    assert wb.Audit.from_plan(window.plan(tmp_path)).run().digest == record.digest
    assert "at at least 2026-02-01 in the current data" in words.data_words(record)
    group = audit.where({"region": "north"}).run()
    assert group.subject["reference"]["rows"] == int((data(1).region == "north").sum())
    with pytest.raises(ConfigError, match="'both' or 'current'"):
        audit.where([{"column": "at", "operator": "missing", "data": "reference"}])


def test_windows_that_cannot_be_told_say_why() -> None:
    """By rows there is no column; a label of another calendar is none; years beyond 9999 are no conditions."""
    with pytest.raises(ConfigError, match="no column tells it"):
        drill.of_window("rows-000000001-000000500", {"rows": 500}, "at")
    for label in ("2026-13", "2026-01-01", "", "2026", "x", "2026-1"):
        with pytest.raises(ConfigError, match="no window"):
            drill.of_window(label, {"by": "month"}, "at")
    with pytest.raises(ConfigError, match="of the reference"):
        drill.of_window("reference 2026-01", {"by": "month"}, "at")
    for label in ("2026-W54", "2026-W00", "W1", "2026-Wx"):
        with pytest.raises(ConfigError, match="no window"):
            drill.of_window(label, {"by": "week"}, "at")
    with pytest.raises(ConfigError):
        drill.of_window("12026", {"by": "year"}, "at")


FINDING = Finding("drift.numeric", "D001", "1", "measured")  # type: ignore[arg-type]


@given(
    st.one_of(
        hnp.arrays(np.float64, st.integers(1, 60), elements=st.floats(-1e12, 1e12)),
        hnp.arrays(np.float64, st.integers(1, 60), elements=st.sampled_from([0.1 * i for i in range(30)])),
        hnp.arrays(np.int64, st.integers(1, 60), elements=st.integers(-(10**15), 10**15)),
        hnp.arrays(np.int64, st.integers(1, 60), elements=st.integers(10**13, 10**13 + 9)),
    )
)
def test_whatever_the_numbers_a_bin_is_exact_or_not_told(values: Any) -> None:
    """Edges and values meet, lie close together or far apart: the rows are those of the share, or there is no click."""
    frame = pd.DataFrame({"x": values, "y": np.arange(len(values)) % 2})
    found = wb.Audit(frame, reference=frame[: max(1, len(frame) // 2)], checks=["drift.numeric", "quality.profile"])
    record = found.run()
    for finding in record.findings:
        for table in finding.evidence:
            if table.kind != "distribution" or table.notes.get("column") != "x":
                continue
            for at, row in enumerate(table.rows):
                conditions = drill.of_row(finding, table, at, wrap(frame))
                if conditions is not None:
                    share = float(dict(zip(table.columns, row, strict=True))["current"] or 0)
                    assert rows(wrap(frame), conditions) == round(share * len(frame))


def test_what_cannot_be_told_exactly_has_no_click() -> None:
    """Infinities are in no bin, so an outer one has no end; edges of the same digits; a drawing of no column."""
    frame = wrap(pd.DataFrame({"x": [1.0, 2.0, np.inf] * 20, "residual": [0.0, 1.0, 2.0] * 20}))
    columns = ("low", "high", "reference", "current")
    bins = ((0.0, 1.0, 0.1, 0.1), (1.0, 2.0, 0.4, 0.4), (2.0, 3.0, 0.5, 0.5))
    open_ended = Evidence("x", "x", "distribution", columns, bins, {"column": "x", "infinite": 20})
    assert [drill.of_row(FINDING, open_ended, at, frame) is None for at in range(3)] == [True, False, True]
    alike = Evidence("x", "x", "distribution", columns, ((1.0, 1.0, 0.5, 0.5), (1.0, 1.0, 0.5, 0.5)), {"column": "x"})
    assert drill.of_row(FINDING, alike, 0, frame) is None
    other = Finding("performance.regression", "P003", "1", "measured")  # type: ignore[arg-type]
    residual = Evidence("residuals", "r", "distribution", columns, bins, {"column": "residual"})
    assert drill.of_row(other, residual, 1, frame) is None
    for written in ("[", "{}", '[{"column": "gone", "value": "a"}]', '[{"nonsense": 1}]', "3"):
        broken = Evidence("s", "s", "table", ("segment", "conditions"), (("s", written),))
        assert drill.of_row(FINDING, broken, 0, frame) is None

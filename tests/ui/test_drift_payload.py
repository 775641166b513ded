"""What the view on drift is given: the record's own numbers, in words, in order; nothing of small groups."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import replace
from typing import Any

import pandas as pd
import pytest

import workbench as wb
from tests.report.records import record as by_hand
from tests.ui.moved import HOSTILE, moved
from workbench.audit.record import Record
from workbench.core.finding import Evidence, Finding, Measure, Status
from workbench.report import changes, words
from workbench.report.captions import chart_sentence
from workbench.report.drift_charts import widest
from workbench.report.shown import show
from workbench.ui import drift_payload
from workbench.ui.session import SHOWN, Session


@pytest.fixture(scope="module")
def record() -> Record:
    arguments = moved()
    return wb.Audit(arguments.pop("data"), **arguments).run()


def test_columns_come_by_how_far_they_lie_beyond_their_limit(record: Record) -> None:
    """The value, its interval and its limit are those of the record; a column without a value is last."""
    found = drift_payload.drift(record)
    assert found is not None
    frame = record.to_frame()
    ks = frame[(frame.measure == "ks") & (frame.window == "")].set_index("column")
    assert [c["column"] for c in found["columns"]][:2] == ["other", "x"]  # 10 % missing, limit 2 %; KS 0.37, limit 0.1
    x = found["columns"][1]
    assert (x["value"], x["low"], x["high"]) == tuple(ks.loc["x", ["value", "low", "high"]])
    assert (x["outcome"], x["limit"], x["shape"]) == ("fail", 0.1, "■")
    assert found["columns"][0]["also"] == "Missing share, now minus reference"
    assert found["scale"]["low"] <= 0 <= x["high"] <= found["scale"]["high"]
    assert found["sentence"].startswith(
        "Of 3 columns compared, 2 fail. First: Missing share, now minus reference · other"
    )
    assert json.loads(json.dumps(found)) == found


def test_a_ranking_in_the_record_decides_the_order(record: Record) -> None:
    """With drift.ranking, impact orders the columns and the expected shift is what is drawn, on one scale."""
    impact = {"x": 0.01, "other": 0.002, HOSTILE: 0.3}
    measures = [Measure("drift_impact", v, c, n=2000) for c, v in impact.items()]
    measures += [Measure("expected_shift", -v, c, low=-v - 0.01, high=-v + 0.01, n=2000) for c, v in impact.items()]
    note = "the change that matters most: 'x'"
    ranking = Finding("drift.ranking", "D013", "1", Status.MEASURED, measures=tuple(measures), notes=(note,))
    found = drift_payload.drift(replace(record, findings=(*record.findings, ranking)))
    assert found is not None
    assert [c["column"] for c in found["columns"]] == [HOSTILE, "x", "other"]
    assert [c["value"] for c in found["columns"]] == [-0.3, -0.01, -0.002]
    assert [c["limit"] for c in found["columns"]] == [None] * 3
    assert found["scale"]["low"] <= -0.31
    assert found["sentence"] == "The change that matters most: 'x'."


def test_one_column_has_both_distributions_and_the_gap(record: Record) -> None:
    """Shares and the cumulated curves; the drawn gap is the largest on the bins and never above the recorded KS."""
    found = drift_payload.column(record, "x")
    assert [c["tab"] for c in found["charts"]] == ["Shares", "Cumulative"]
    table = next(e for f in record.findings for e in f.evidence if e.kind == "distribution" and e.name == "x")
    rows = [dict(zip(table.columns, row, strict=True)) for row in table.rows]
    frame = pd.DataFrame(rows)
    gap = widest(rows)
    assert gap is not None
    assert gap.size == pytest.approx((frame.current.cumsum() - frame.reference.cumsum()).abs().max(), abs=1e-12)
    ks = record.to_frame().query("measure == 'ks' and column == 'x' and window == ''").value.iloc[0]
    assert 0.3 < gap.size <= ks + 1e-9
    assert words.number(gap.size, "share") in found["charts"][1]["sentence"]
    assert {s["title"] for s in found["series"]} == {"KS · x", "Mean · x"}


def test_missing_values_are_a_bar_of_their_own(record: Record) -> None:
    """A tenth is missing now: in a number's drawing as a bar, of a category beside the shares."""

    def drawing(name: str) -> str:
        uri = drift_payload.column(record, name)["charts"][0]["uri"]
        return base64.b64decode(uri.partition(",")[2]).decode()

    assert ">missing<" in drawing("other")
    assert ">missing<" not in drawing("x")


def test_names_from_data_stay_text(record: Record) -> None:
    """A column called like markup is a plain string, and no drawing holds an element of it."""
    found = drift_payload.column(record, HOSTILE)
    assert found["name"] == HOSTILE
    for chart in found["charts"]:
        assert "<img" not in base64.b64decode(chart["uri"].partition(",")[2]).decode()


def test_realised_and_estimated_are_one_series(record: Record) -> None:
    """Points are the record's; limits stand where a rule judged; the sentence counts what the intervals hold."""
    found = drift_payload.drift(record)
    assert found is not None
    key = next(s["key"] for s in found["series"] if s["title"] == "Accuracy, realised and estimated")
    one = drift_payload.series(record, key)
    assert [line["said"] for line in one["lines"]] == ["reference", "realised", "estimated"]
    frame = record.to_frame()
    for name, line in (("accuracy", one["lines"][1]), ("estimated_accuracy", one["lines"][2])):
        own = frame[(frame.measure == name) & frame.window.str.match("rows-") & (frame.group == "")]
        assert [p["value"] for p in line["points"]] == own.value.tolist()
        assert [p["low"] for p in line["points"]] == own.low.tolist()
    judged = [j for j in record.verdict.judgements if j.rule == "accuracy-window"]
    assert [(limit["lower"], limit["upper"]) for limit in one["limits"]] == [(j.lower_limit, j.limit) for j in judged]
    assert [p["outcome"] for p in one["lines"][1]["points"]] == [j.outcome for j in judged]
    pairs = zip(one["lines"][1]["points"], one["lines"][2]["points"], strict=True)
    held = sum(e["low"] <= r["value"] <= e["high"] for r, e in pairs)
    assert f"holds the realised value in {held} of 8 windows" in one["sentence"]
    assert one["low"] <= min(p["low"] for line in one["lines"] for p in line["points"])


def test_a_window_tells_its_judgements_and_its_values(record: Record) -> None:
    """Everything measured on the window is there, and everything judged, the worst first."""
    label = "rows-000001251-000001500"
    found = drift_payload.window(record, label)
    judged = [j for j in record.verdict.judgements if j.window == label]
    assert len(found["rules"]) == len(judged)
    assert found["rules"][0]["outcome"] == found["outcome"] == "fail"
    assert found["words"] == "rows 1\u202f251–1\u202f500"
    frame = record.to_frame()
    assert found["total"] == int((frame.window == label).sum())
    mean = frame[(frame.window == label) & (frame.measure == "mean") & (frame.column == "x")].iloc[0]
    line = next(v for v in found["values"] if v["about"] == "x" and v["title"] == "Mean")
    assert line["shown"].startswith(words.number(mean.value)[:4])
    assert all("rows 1" not in r["title"] for r in found["rules"])


def test_what_is_not_there_is_said(record: Record) -> None:
    """Unknown columns, series and windows, whatever a page asks for; a record without either has no page."""
    for look in (drift_payload.column, drift_payload.series, drift_payload.window):
        assert look(record, "no such thing")["missing"] is True
    kept = tuple(f for f in record.findings if f.check == "drift.missing")
    bare = replace(record, findings=kept, verdict=replace(record.verdict, judgements=()))
    assert drift_payload.drift(bare) is None


def test_small_groups_stay_hidden() -> None:
    """The hand-made record's group of seven rows is in no drawing and no table of its column."""
    secret = re.compile(r"0\.42857|42\.[89]%")
    record = by_hand()
    found = drift_payload.drift(record)
    assert found is not None
    texts = [json.dumps(drift_payload.column(record, c["column"])) for c in found["columns"]]
    assert texts
    assert not any(secret.search(text) for text in [json.dumps(found), *texts])


def test_windows_keep_their_time_when_a_series_lacks_some() -> None:
    """The longest series gives the order; one row windows and undefined values have a place."""
    columns = ("window", "series", "value", "low", "high", "n", "short")
    rows = [(w, "current", None if w == "b" else 0.5, None, None, 1, w == "c") for w in ("a", "b", "c")]
    notes = {"measure": "ks", "column": "x", "unit": "share"}
    tables = tuple(Evidence(f"t{i}", "t", "windows", columns, tuple(rows[i:]), notes) for i in (1, 0))
    made = Finding("drift.windows", "D014", "1", Status.MEASURED, evidence=tables)
    record = replace(by_hand(), findings=(made,))
    assert [w.label for w in changes.windows(show(record))] == ["a", "b", "c"]
    one = drift_payload.series(record, changes.series(show(record))[0].key)
    assert [w["label"] for w in one["windows"]] == ["a", "b", "c"]
    assert one["windows"][1]["said"].startswith("current undefined")
    assert [p["at"] for p in one["lines"][0]["points"]] == [0, 2]
    assert one["short"] is True


@pytest.mark.parametrize(
    ("low", "high", "unit", "expected"),
    [
        (0.0, 1.0, "share", ["0%", "20%", "40%", "60%", "80%", "100%"]),
        (0.951, 0.982, "", ["0.96", "0.97", "0.98"]),
        (-2.0, 3.0, "", ["−2", "−1", "0", "1", "2", "3"]),
        (1.0, 1.0, "", []),
        (float("-inf"), 1.0, "", []),
    ],
)
def test_ticks_are_round(low: float, high: float, unit: str, expected: list[str]) -> None:
    assert [t["shown"] for t in drift_payload.ticks(low, high, unit, 5)] == expected


def test_a_session_tells_what_is_looked_at_once(record: Record) -> None:
    """Each look is told with its own name, again only when it is another one; nonsense is not heard."""
    told: list[tuple[str, Any]] = []
    session = Session(record=record)
    session.subscribe(lambda name, value: told.append((name, value)))
    for value in ({"column": "x"}, {"column": "x", "window": "rows-000001251-000001500"}, {"column": 3}, ["x"], None):
        session._do({"name": "look", "value": value})
    assert [name for name, _ in told] == ["column", "window"]
    assert told[0][1]["column"] == "x"
    assert {name for name, _ in told} <= set(SHOWN)
    session.close()


def test_one_window_is_said_as_one() -> None:
    columns = ("series", "window", "value", "low", "high", "outcome")
    rows = (("current", "rows 1-9", 0.75, 0.7, 0.8, None), ("estimated", "rows 1-9", 0.76, 0.7, 0.8, None))
    notes = {"unit": "share", "measure": "accuracy", "both": True}
    table = Evidence(name="a", kind="windows", title="Accuracy", columns=columns, rows=rows, notes=notes)
    said = "Accuracy in 1 window: realised 75%; estimated 76%, its interval holds the realised value in 1 of 1 window."
    assert chart_sentence(table).replace(".0%", "%") == said

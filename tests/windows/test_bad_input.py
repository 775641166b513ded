"""Bad input for drift and label-free checks, through the command line: told in words, never a crash or a silent 0."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from workbench.audit.bundle import open_bundle
from workbench.audit.record import Record
from workbench.cli import main

PLAIN = """[drift.numeric, drift.categorical, drift.missing, drift.range, drift.text, drift.time, drift.outcome,
  drift.concept, drift.ranking, performance.estimated, performance.reweighted]
"""
WINDOWED = "[drift.windows, quality.windows, performance.windows, performance.estimated]\n"
Pair = tuple[pd.DataFrame, pd.DataFrame]


def rows(n: int, seed: int) -> pd.DataFrame:
    """Return rows of an hour each with an id, features of three kinds, a group, a score and its label."""
    rng = np.random.default_rng(seed)
    score = rng.random(n).round(3)
    return pd.DataFrame(
        {
            "id": np.arange(n) + 10_000 * seed,
            "at": pd.Timestamp("2026-01-01") + pd.to_timedelta(np.arange(n), "h"),
            "a": rng.normal(size=n),
            "k": rng.integers(0, 9, n),
            "w": rng.choice(list("xyz"), n),
            "g": rng.choice(list("pq"), n),
            "score": score,
            "y": (rng.random(n) < score).astype(int),
        }
    )


def audited(
    pair: Pair, checks: str, more: str = "", code: tuple[int, ...] = (0, 1, 3), kind: str = "parquet"
) -> Record | None:
    """Run a plan over two files by the command line; return its record, or None where it was refused."""
    for name, frame in zip(("current", "reference"), pair, strict=True):
        path = f"{name}.{kind}"
        frame.to_parquet(path, index=False) if kind == "parquet" else frame.to_csv(path, index=False)
    plan = f"data: current.{kind}\nreference: reference.{kind}\ntarget: y\nscore: score\nid: id\ntime: at\n"
    Path("plan.yaml").write_text(f"{plan}sensitive: [g]\nchecks: {checks}{more}")
    assert main(["run", "plan.yaml", "--no-notebook", "-o", "bundle"]) in code
    return None if code == (2,) else open_bundle("bundle").record


def told(record: Record) -> str:
    """Return all that the findings say in words, after a look that nothing failed and nothing is silently missing."""
    said = []
    for finding in record.findings:
        assert str(finding.status) in ("measured", "not_applicable"), (finding.check, finding.reason)
        assert finding.measures or finding.reason, finding.check
        said += [finding.reason, *finding.notes]
        for m in finding.measures:
            assert m.value is not None or m.undefined_because, m
            assert m.value is None or math.isfinite(m.value), m
            said.append(f"{m.column}: {m.undefined_because}")
    return " | ".join(said)


NO_VALUE = {"a": np.nan, "w": None}
Bad = Callable[[pd.DataFrame, pd.DataFrame], Pair]
BAD: dict[str, tuple[Bad, str, str]] = {
    "text for numbers": (
        lambda c, r: (c.assign(a="v" + c.a.astype(str)), r),
        "column 'a' holds number in the reference and text now",
        "a: it holds number in the reference and text now",
    ),
    "numbers for text": (
        lambda c, r: (c, r.assign(k="v" + r.k.astype(str))),
        "left out, text in the reference and number now: 'k'",
        "lie outside what the reference covers in 'k'",
    ),
    "all new categories": (lambda c, r: (c.assign(w="new " + c.w), r), "in 'w'", "in 'w'"),
    "constant now": (lambda c, r: (c.assign(a=1.0, w="x"), r), "", ""),
    "constant in the reference": (
        lambda c, r: (c, r.assign(a=1.0, w="x")),
        "a: the reference has no spread",
        "in 'a'",
    ),
    "missing now": (
        lambda c, r: (c.assign(**NO_VALUE), r),
        "left out, every value is missing now: 'a', 'w'",
        "a: every value is missing in the window",
    ),
    "missing in the reference": (
        lambda c, r: (c, r.assign(**NO_VALUE)),
        "left out, every value is missing in the reference: 'a', 'w'",
        "w: every value is missing in what it is compared with",
    ),
    "infinite": (
        lambda c, r: (c.assign(a=np.where(c.a > 0, np.inf, -np.inf)), r),
        "a: one side has no finite value",
        "a: one side has no finite value",
    ),
    "infinite scores": (
        lambda c, r: (c.assign(score=np.inf), r),
        "no row is expected in what the metric divides by",
        "no row is expected in what the metric divides by",
    ),
}


@pytest.mark.parametrize("kind", BAD)
def test_it_is_measured_or_named(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With and without windows: what can be compared is, and what cannot is named."""
    monkeypatch.chdir(tmp_path)
    spoil, words, over_windows = BAD[kind]
    pair = spoil(rows(300, 1), rows(500, 2))
    whole = audited(pair, PLAIN)
    windows = audited(pair, WINDOWED, "windows: {by: week}\n")
    assert whole is not None
    assert windows is not None
    assert words in told(whole)
    assert over_windows in told(windows)


@pytest.mark.parametrize("checks", [PLAIN, WINDOWED + "windows: {rows: 100}\n"])
def test_a_changed_kind_fails_and_is_no_drift_of_0(
    checks: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Text where numbers were fails by the packaged policy, over windows too; whole numbers for others do not."""
    monkeypatch.chdir(tmp_path)
    current, reference = rows(300, 1), rows(500, 2)
    record = audited((current.assign(a="v" + current.a.astype(str)), reference), checks, code=(1,))
    assert record is not None
    failed = {j.rule for j in record.verdict.judgements if j.outcome == "fail"}
    assert failed == {"kind-of-column"}
    same = audited((current.assign(k=current.k + 0.0), reference), checks, code=(0, 3))
    assert same is not None
    assert "kind-of-column" not in {j.rule for j in same.verdict.judgements if j.outcome == "fail"}
    frame = record.to_frame()
    now = frame[(frame.column == "a") & ~frame.window.str.startswith("reference") & (frame.measure == "ks")]
    assert now.value.isna().all()


REFUSED: dict[str, tuple[Bad, str, str]] = {
    "disjoint features": (
        lambda c, r: (c.rename(columns={"a": "a1", "k": "k1", "w": "w1"}), r),
        "",
        "the reference has no column 'a1', which the current data has. Did you mean 'a'?",
    ),
    "disjoint columns": (lambda c, r: (c, r.add_suffix("1")), "", "the reference has no column 'a'"),
    "no rows": (lambda c, r: (c.head(0), r), "", "the current data has no rows"),
    "no rows, by week": (lambda c, r: (c.head(0), r), "windows: {by: week}\n", "the current data has no rows"),
    "no rows in the reference": (lambda c, r: (c, r.head(0)), "", "the reference has no rows"),
    "no time": (lambda c, r: (c.assign(at=None), r), "windows: {by: week}\n", "(or no value at all), expected times"),
    "times of several zones": (
        lambda c, r: (c.assign(at=[f"{t}+0{i % 3}:00" for i, t in enumerate(c["at"])]), r),
        "windows: {by: week}\n",
        "expected times, all with a zone or all without",
    ),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_cannot_be_audited_is_refused_in_one_line(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2, one line on what was found, and no bundle."""
    monkeypatch.chdir(tmp_path)
    spoil, more, words = REFUSED[kind]
    audited(spoil(rows(60, 1), rows(80, 2)), WINDOWED if more else PLAIN, more, code=(2,), kind="csv")
    error = capsys.readouterr().err.strip()
    assert words in error
    assert error.count("\n") == 0
    assert not Path("bundle").exists()


def test_rows_out_of_order_are_the_same_audit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows of the calendar do not ask in which order rows come, nor in which zone a moment is written."""
    monkeypatch.chdir(tmp_path)
    current, reference = rows(300, 1), rows(500, 2)
    shuffled = tuple(side.sample(frac=1, random_state=1) for side in (current, reference))
    elsewhere = tuple(
        side.assign(at=side["at"].dt.tz_localize("UTC").dt.tz_convert("Asia/Tokyo")) for side in (current, reference)
    )
    found = [
        audited(pair, WINDOWED, "windows: {by: week}\n")  # type: ignore[arg-type]
        for pair in ((current, reference), shuffled, elsewhere)
    ]
    measures = [[] if r is None else [(f.check, m) for f in r.findings for m in f.measures] for r in found]
    assert measures[0]
    assert measures[0] == measures[1] == measures[2]


def test_windows_of_one_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each row is a window: measured where one row is enough, undefined with a reason where not."""
    monkeypatch.chdir(tmp_path)
    record = audited((rows(12, 1), rows(60, 2)), WINDOWED, "windows: {rows: 1}\n")
    assert record is not None
    assert "0/0" in told(record)
    frame = record.to_frame()
    ks = frame[(frame.measure == "ks") & (frame.column == "a") & ~frame.window.str.startswith("reference")]
    assert len(ks) == 12
    assert (ks.high - ks.low > 0.9).all()
    assert {j.outcome for j in record.verdict.judgements} <= {"pass", "cannot_tell", "not_applicable"}


def test_labels_that_come_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same label twice is one; two labels for one id are refused, with their number and no id."""
    monkeypatch.chdir(tmp_path)
    current, reference = rows(60, 1), rows(200, 2)
    labels = current[["id", "y"]]
    pd.concat([labels, labels.head(3)]).to_csv("labels.csv", index=False)
    pair, more = (current.drop(columns="y"), reference), "windows: {rows: 20}\nlabels: labels.csv\n"
    record = audited(pair, WINDOWED, more)
    assert record is not None
    frame = record.to_frame()
    assert (frame[(frame.measure == "labelled_share") & ~frame.window.str.startswith("reference")].value == 1).all()
    pd.concat([labels, labels.head(3).assign(y=1 - labels.y)]).to_csv("labels.csv", index=False)
    audited(pair, WINDOWED, more, code=(2,))
    error = capsys.readouterr().err
    assert "3 ids of the labels come with more than one label" in error
    assert "10000" not in error

"""Two records side by side: what turned, what moved most, and nothing of small groups."""

from __future__ import annotations

import json
from dataclasses import replace

from tests.report.records import IMG, SMALL_SECRET, record
from workbench.audit.compare import changes, turned
from workbench.audit.record import Record, Verdict
from workbench.core.finding import Finding, Measure, Status
from workbench.ui.compare_payload import MOST_ROWS, comparison


def of(*measures: Measure) -> Record:
    """Return a record of one finding."""
    return Record(
        {}, {}, (Finding("quality.missing", "Q002", "1", Status.MEASURED, measures=measures),), Verdict("pass")
    )


def share(name: str, value: float | None, low: float | None = None, high: float | None = None) -> Measure:
    """Return a share with n of 100."""
    why = "" if value is not None else "no rows"
    return Measure("missing_share", value, name, low=low, high=high, n=100, unit="share", undefined_because=why)


def test_the_same_record_says_so() -> None:
    """One digest, and nothing else."""
    found = comparison(record(), record())
    assert found["same"]
    assert (found["turned"], found["moved"]) == ([], [])


def test_what_moved_most_beside_its_interval_is_first() -> None:
    """A small move of a sure number outranks a large one of an unsure number; gone, new and undefined ones are last."""
    before = of(
        share("sure", 0.1, 0.099, 0.101),
        share("unsure", 0.1, 0.0, 0.9),
        share("bare", 0.1),
        share("gone", 0.2),
        share("same", 0.5),
    )
    after = of(
        share("sure", 0.12, 0.119, 0.121),
        share("unsure", 0.3, 0.0, 0.9),
        share("bare", 0.2),
        share("new", 0.2),
        share("same", 0.5),
    )
    found = comparison(before, after)
    assert [m["scope"] for m in found["moved"]] == ["sure", "unsure", "bare", "gone", "new"]
    assert found["moved"][0]["before"]["shown"] == "10.0% [9.9, 10.1]"
    assert found["moved"][3]["after"]["shown"] == found["moved"][4]["before"]["shown"] == "not measured"
    undefined = comparison(before, of(share("sure", None)))["moved"]
    assert next(m for m in undefined if m["scope"] == "sure")["after"]["shown"] == "no rows"
    assert len(changes(before, after)) == found["total"] == 5


def test_judgements_that_turned() -> None:
    """Earlier and later outcome, and rules that only one record has."""
    one = record()
    first, *rest = one.verdict.judgements
    other = replace(first, outcome="pass" if first.outcome != "pass" else "fail")
    two = Record(one.subject, one.policy, one.findings, Verdict(one.verdict.outcome, (other, *rest[1:])))
    found = comparison(one, two)
    assert len(found["turned"]) == len(turned(one, two)) == 2
    assert {t["after"]["word"] for t in found["turned"]} == {"not judged", other.outcome}


def test_judgements_of_windows_are_told_apart() -> None:
    """Two windows under one rule are two judgements: the one that turned is told, whichever comes last."""
    one = record()
    first = replace(one.verdict.judgements[0], window="2026-01", outcome="pass")
    second = replace(first, window="2026-02")
    before, after = (first, second), (replace(first, outcome="fail"), second)
    pair = [Record(one.subject, one.policy, one.findings, Verdict("pass", j)) for j in (before, after)]
    assert [(a.window, a.outcome, b.outcome) for a, b in turned(*pair) if a and b] == [("2026-01", "pass", "fail")]


def test_small_groups_and_markup_stay_hidden() -> None:
    """A number of a small group is suppressed on both sides; names are plain text for the view to put in."""
    one = record()
    moved = tuple(
        replace(
            f,
            measures=tuple(
                replace(m, value=0.9) if m.value is not None and m.unit == "share" else m for m in f.measures
            ),
        )
        for f in one.findings
    )
    found = comparison(one, Record(one.subject, one.policy, moved, one.verdict))
    text = json.dumps(found)
    assert str(SMALL_SECRET)[:6] not in text
    assert any(m["after"]["shown"] == "suppressed" for m in found["moved"])
    assert any(IMG in m["scope"] for m in found["moved"])


def test_thousands_of_changes_are_capped_and_counted() -> None:
    """The page holds the first, and says of how many."""
    many = [share(f"c{i}", i / 10_000) for i in range(MOST_ROWS + 50)]
    found = comparison(of(*many), of(*(share(m.column, (m.value or 0) + 0.1) for m in many)))
    assert (len(found["moved"]), found["total"]) == (MOST_ROWS, MOST_ROWS + 50)

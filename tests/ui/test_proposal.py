"""What a session proposes before a run: total, families, what is ruled out; gone once there is a record."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from workbench.audit import estimate
from workbench.ui.edits import Edits
from workbench.ui.proposal import Proposals
from workbench.ui.session import Session

RNG = np.random.default_rng(3)
DATA = pd.DataFrame(
    {
        "x": RNG.normal(size=300),
        "sex": RNG.choice(["F", "M"], 300),
        "score": RNG.random(300),
        "y": RNG.integers(0, 2, 300),
    }
)
CHECKS = ["quality.missing", "quality.outliers", "bias.group_rates", "drift.numeric"]


def audit(**more: Any) -> wb.Audit:
    return wb.Audit(DATA, **{"target": "y", "score": "score", "sensitive": "sex", "checks": CHECKS, **more})


def test_the_plan_comes_by_family_with_reading_first_and_a_total() -> None:
    told = Session(audit()).state()["proposal"]
    assert told["line"].startswith("3 checks of 4 can be made: ")
    assert told["task"] == "binary outcome"
    assert told["sizes"] == ["current 300 rows × 4 columns from pandas"]
    assert [(f["title"], f["n"]) for f in told["families"]] == [
        ("Reading and counting", ""),
        ("Bias", "1"),
        ("Quality", "2"),
    ]
    assert told["families"][0]["work"] == "300 rows × 4 columns, once"
    assert told["families"][2]["work"] == "what was counted; 1 on sampled rows"
    assert told["others"][-1]["what"] == "Left out of this plan"


def test_what_is_missing_says_what_it_rules_out_and_how_it_is_given() -> None:
    told = {m["thing"]: m for m in Session(audit()).state()["proposal"]["missing"]}
    assert "target" not in told
    drift = [c["title"] for c in told["reference"]["checks"]]
    assert told["reference"]["what"] == "No reference"
    assert told["reference"]["give"] == "reference=…"
    assert "Drift of number columns" in drift
    assert told["reference"]["n"].startswith(f"{len(drift)} checks")
    assert "on request" in told["reference"]["n"]
    assert 'with time="…"' in told["windows"]["give"]
    assert {"title": "Drift over windows", "code": "D014", "also": "also without windows"} in told["reference"][
        "checks"
    ]


def test_a_choice_of_checks_is_proposed_anew_and_a_record_ends_the_proposal() -> None:
    audited = audit(reference=DATA)
    edits, proposals = Edits(audited), Proposals()
    assert proposals.of(edits)["line"].startswith("4 checks: ")
    edits.choose(["quality.missing"])
    assert proposals.of(edits)["line"].startswith("1 check: ")
    record = audited.run()
    assert Session(audited).state()["proposal"] is None
    assert Session(record=record).state()["proposal"] is None
    assert proposals.of(None) is None


def test_speed_is_learnt_once_and_only_when_something_is_proposed(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    monkeypatch.setattr("workbench.ui.proposal.speed", lambda prepared: asked.append(prepared) or 1e6)
    session = Session(audit())
    assert asked == []
    assert session.state()["proposal"] == session.state()["proposal"]
    assert len(asked) == 1


def test_times_grow_with_the_rows_and_shrink_with_the_speed() -> None:
    few, many = (audit(reference=pd.concat([DATA] * n)).prepared for n in (1, 400))
    cells = [sum(estimate.cost_of(check, p).cells for check in estimate.outlook(p).planned) for p in (few, many)]
    assert cells[0] < cells[1]
    assert estimate.reading(many).cells == 400 * 1200 + 1200  # type: ignore[union-attr]


def test_the_summary_and_the_copy_without_a_kernel_say_what_is_ruled_out() -> None:
    text = audit().summary()
    assert "a run reads 300 rows × 4 columns, once" in text
    assert "No reference: drift, and leakage from the reference, are not measured (" in text
    html, plain = Session(audit()).static()
    assert "give reference=…" in html
    assert "give reference=…" in plain

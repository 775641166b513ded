"""The board of judgements: sent once a record, its first page as it is, the rest packed into a small message."""

from __future__ import annotations

import base64
import json
import zlib
from typing import Any

from workbench.report import words
from workbench.report.shown import Shown, ShownJudgement

PAGE = 200
"""Rows that are sent as they are, and that a view shows at once."""
MOST_ROWS = 20_000
"""Rows that are sent at all, the worst first: the servers of notebooks drop what is over some megabytes."""
_DIGITS = 6


def board(shown: Shown) -> dict[str, Any]:
    """Return one row a judgement, the worst first: how many there are, a first page, the rest packed.

    `rest` is empty or base64 of zlib of JSON: an object of columns with the rows after the first page.
    """
    order = words.SEVERITY
    judged = sorted(shown.judgements, key=lambda j: order.index(j.judgement.outcome))
    rows = [row(j) for j in judged[:MOST_ROWS]]
    outcomes = list(dict.fromkeys(j.judgement.outcome for j in judged))
    total, rest = len(judged), packed(rows[PAGE:])
    return {"digest": shown.record.digest, "total": total, "outcomes": outcomes, "rows": rows[:PAGE], "rest": rest}


def row(shown: ShownJudgement) -> dict[str, Any]:
    """Return a judgement's words, and the numbers that a view draws and sorts by, to six digits."""
    j = shown.judgement
    numbers: dict[str, Any] = {"value": None, "low": None, "high": None}
    if not shown.hidden:
        numbers = {"value": _drawn(j.value), "low": _drawn(j.low), "high": _drawn(j.high)}
    return {
        "outcome": j.outcome,
        "word": words.outcome_word(j.outcome),
        "shape": words.shape(j.outcome),
        "title": words.judgement_title(j),
        "reason": words.plain(j.reason, 400) if j.reason else "",
        "check": j.check,
        "shown": "" if shown.hidden or j.value is None else words.value_words(j, shown.unit, j.measure),
        "limit_shown": words.limit_words(j.operator, j.limit, shown.unit),
        "limit": _drawn(j.limit),
        "n_shown": "" if shown.hidden or j.n is None else words.number(j.n),
        **numbers,
    }


def packed(rows: list[dict[str, Any]]) -> str:
    """Return rows by columns as base64 of zlib of JSON; empty when there are none."""
    if not rows:
        return ""
    columns = {name: [r[name] for r in rows] for name in rows[0]}
    text = json.dumps(columns, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    return base64.b64encode(zlib.compress(text)).decode("ascii")


def _drawn(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.{_DIGITS}g}")

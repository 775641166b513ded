"""A contract's rules as plain data for the view: sentences, what they rest on, what became of them. No values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from workbench.audit.record import Record
from workbench.core.contract import Column, Contract
from workbench.core.contract_edit import parts_of
from workbench.core.contract_judge import Judged, Judgements
from workbench.core.contract_rules import Rule
from workbench.core.contract_types import TYPE_WORDS
from workbench.core.contract_values import Grounds
from workbench.core.errors import thousands
from workbench.core.finding import Cell, Evidence, Measure
from workbench.report import words
from workbench.report.shown import ShownMeasure, show

CHECK = "quality.contract"
MOST_LETTERS, MOST_NAMED = 400, 5


@dataclass(frozen=True, slots=True)
class Here:
    """What became of one rule on the data at hand, in words; `outcome` is that of the state it was judged in."""

    outcome: str
    count: str = ""
    shown: str = ""
    rows: str = ""
    reason: str = ""

    def under(self, state: str) -> Here:
        """Return what it is when the rule is in another state: a broken proposal warns, what is agreed fails."""
        broken = {"accepted": "fail", "proposed": "warn"}
        return replace(self, outcome=broken[state]) if self.outcome in broken.values() and state in broken else self

    def to_dict(self) -> dict[str, str]:
        """Return it as plain data."""
        looks = {"word": words.outcome_word(self.outcome), "shape": words.shape(self.outcome)}
        told = {"count": self.count, "shown": self.shown, "rows": self.rows, "reason": self.reason}
        return {"outcome": self.outcome, **looks, **told}


# ---------------------------------------------------------------------------- what became of the rules


def of_judgements(found: Judgements) -> dict[str, Here]:
    """Return what became of each rule, by its key."""
    return {judged.key: _of_judged(judged) for judged in found.rules}


def _of_judged(judged: Judged) -> Here:
    ends = judged.interval()
    value = words.NOTHING if judged.value is None else words.number(judged.value)
    if judged.kind == "freshness" and judged.value is not None:
        value = f"{words.number(judged.value / 3600)} hours old"
    if ends is not None:
        value = _interval(Measure("failing_share", judged.share, low=ends.low, high=ends.high, n=judged.n))
    reason = words.plain(judged.reason, MOST_LETTERS) if judged.reason else ""
    return Here(judged.outcome, _of(judged.failing, judged.n), value, _named(judged), reason)


def _interval(share: Measure) -> str:
    if share.value or share.high is None:
        return words.value_words(share, "share")
    return f"0% [0, {words.number(share.high, 'share').removesuffix('%')}]"


def _of(failing: Cell, n: Cell) -> str:
    return "" if failing is None or n is None else f"{words.number(failing)} of {words.number(n)}"


def _named(judged: Judged) -> str:
    names = [words.number(at) if who is None else words.plain(who, 60) for at, who in judged.rows[:MOST_NAMED]]
    more = (judged.failing or 0) - len(names)
    return ", ".join(names) + (f" and {words.number(more)} more" if names and more > 0 else "")


def of_record(record: Record) -> tuple[Evidence, dict[str, Here]] | None:
    """Return the table of a record's contract and what became of each rule; None without one."""
    for finding in show(record).findings:
        if finding.finding.check == CHECK and finding.evidence:
            table = finding.evidence[0].evidence
            shares = {m.measure.where: m for m in finding.measures if m.measure.where}
            rows = [dict(zip(table.columns, row, strict=True)) for row in table.rows]
            return table, {str(r["key"]): _of_row(r, shares.get(str(r["key"]))) for r in rows}
    return None


def _of_row(row: Mapping[str, Cell], measure: ShownMeasure | None) -> Here:
    value = ""
    if measure is not None and not measure.hidden and measure.measure.value is not None:
        m = measure.measure
        value = _interval(m) if m.unit == "share" else words.value_words(m, m.unit, m.name)
    told = {name: words.plain(row[name], MOST_LETTERS) if row.get(name) else "" for name in ("rows", "reason")}
    return Here(str(row["outcome"]), _of(row["failing"], row["judged"]), value, **told)


# ---------------------------------------------------------------------------- the rules


def of_contract(contract: Contract, here: Mapping[str, Here], fields: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return one row a rule, by column in the contract's order; `fields` are what may be edited, by key."""
    return [_row(key, part, here.get(key), fields.get(key)) for key, part in parts_of(contract)]


def _row(key: str, part: Column | Rule, here: Here | None, fields: str | None) -> dict[str, Any]:
    asks = f"{key} {TYPE_WORDS[part.type]}" if isinstance(part, Column) else part.sentence
    return {
        "key": key,
        "rule": words.plain(asks, MOST_LETTERS),
        "evidence": _rests_on(part.evidence),
        "state": part.state,
        "fields": fields,
        "here": None if here is None or part.state == "rejected" else here.under(part.state).to_dict(),
    }


def _rests_on(grounds: Grounds | None) -> str:
    if grounds is None:
        return ""
    share = "" if grounds.share is None or grounds.share == 1 else f"{words.number(grounds.share, 'share')} of "
    seen = [words.plain(grounds.seen, MOST_LETTERS)] if grounds.seen else []
    return "; ".join([*seen, f"{share}{words.number(grounds.n)} rows"])


def of_finished(record: Record) -> dict[str, Any] | None:
    """Return what the view shows of a record's contract, on which nobody decides here; None without one."""
    found = of_record(record)
    if found is None:
        return None
    table, here = found
    rows = [dict(zip(table.columns, row, strict=True)) for row in table.rows]
    told = [
        {"key": str(r["key"]), "rule": words.plain(r["rule"], MOST_LETTERS), "evidence": "", "state": str(r["state"]),
         "fields": None, "here": here[str(r["key"])].to_dict()}
        for r in rows
    ]  # fmt: skip
    named = f" Rows are named by {words.plain(table.notes['rows'])}." if table.notes.get("rows") else ""
    return view(words.plain(table.title, 160), f"{sentence(told)}{named}", told)


def sentence(rows: Iterable[Mapping[str, Any]]) -> str:
    """Return how many rules there are, how many are proposed, and what the states mean."""
    states = [row["state"] for row in rows]
    rules = "rule" if len(states) == 1 else "rules"
    count = f"{thousands(len(states))} {rules}, {thousands(states.count('proposed'))} of them proposed"
    return f"{count}: a proposed rule warns where it is broken, an accepted one fails, a rejected one is not checked."


def view(title: str, told: str, rows: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    """Return the whole of what the view reads."""
    empty = {"decide": False, "can_check": False, "file": "", "unsaved": False, "message": "", "problem": False}
    return {"title": title, "sentence": told, "rows": rows, **empty, **more}

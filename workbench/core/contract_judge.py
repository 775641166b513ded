"""A contract judged on a whole file or frame, out of core: one query, and a second one for the rows that break it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from math import isfinite, isnan
from typing import Any

from workbench.core import contract_sql as sql
from workbench.core.contract import Column, Contract
from workbench.core.contract_rules import Counting, RowRule, Rule
from workbench.core.contract_types import TYPE_WORDS, TYPES, absent, unjudged
from workbench.core.contract_whole import Freshness, Refers
from workbench.core.errors import ConfigError, shown, unknown
from workbench.core.frame import Field, Frame, Kind
from workbench.core.intervals import Interval, wilson
from workbench.core.query import Rows, tick_unit

MOST_ROWS = 20
"""Rows named of each rule that is broken, unless told otherwise."""

AT_ONCE = 400
"""Rules asked in one query."""


@dataclass(frozen=True, slots=True)
class Judged:
    """One rule judged: `failing` of `n` rows, or a `value`; outcome pass, fail, warn (a proposal) or cannot_tell.

    `sentence` is what the rule asks, with its subject; without limits and values where a column of it is sensitive.
    `condition` is the column that chooses the rows judged; `rows` are the first that break the rule: (number of the
    row from 1, its id where one was asked for).
    """

    key: str
    kind: str
    column: str
    state: str
    words: str
    sentence: str
    outcome: str
    n: int | None = None
    failing: int | None = None
    value: float | None = None
    reason: str = ""
    condition: str = ""
    rows: tuple[tuple[int, str | None], ...] = ()

    @property
    def share(self) -> float | None:
        """Return the share of the rows judged that break the rule."""
        return self.failing / self.n if self.failing is not None and self.n else None

    def interval(self, level: float = 0.95) -> Interval | None:
        """Return the interval of the failing share."""
        return wilson(self.failing, self.n, level) if self.failing is not None and self.n else None

    def to_dict(self) -> dict[str, Any]:
        """Return the judgement as plain data, empty fields left out."""
        found = {name: getattr(self, name) for name in self.__slots__ if name != "rows"}
        ends = self.interval()
        more = {} if ends is None else {"share": self.share, "low": ends.low, "high": ends.high}
        rows = [{"row": at} if who is None else {"row": at, "id": who} for at, who in self.rows]
        found = {k: v for k, v in found.items() if v not in (None, "") and (k != "value" or isfinite(v))}
        return {**found, **more, **({"rows": rows} if rows else {})}


@dataclass(frozen=True, slots=True)
class Judgements:
    """Every rule of a contract judged on data of `rows` rows."""

    contract: str
    version: str
    rows: int
    rules: tuple[Judged, ...]
    queries: int = 0

    @property
    def outcome(self) -> str:
        """Return fail over incomplete over warn over pass."""
        found = {r.outcome for r in self.rules}
        doubtful = any(r.outcome == "cannot_tell" and r.state == "accepted" for r in self.rules)
        return "fail" if "fail" in found else "incomplete" if doubtful else "warn" if "warn" in found else "pass"

    def exit_code(self, *, strict: bool = False) -> int:
        """Return 0 pass or warn, 1 fail (and warn when strict), 3 incomplete."""
        return {"fail": 1, "incomplete": 3, "warn": int(strict)}.get(self.outcome, 0)

    def to_dict(self) -> dict[str, Any]:
        """Return the judgements as plain data."""
        about = {"contract": self.contract, "version": self.version, "rows": self.rows, "outcome": self.outcome}
        return {**about, "rules": [rule.to_dict() for rule in self.rules]}


@dataclass(frozen=True, slots=True)
class Naming:
    """How rows that break a rule are named: by number, and by the column `id` unless that is sensitive; `most` each.

    The first are named: in the order of the rows, or `by_id`, which no order of the rows changes.
    """

    id: str | None = None
    most: int = MOST_ROWS
    by_id: bool = False


def judge_data(
    frame: Frame,
    contract: Contract,
    *,
    others: Mapping[str, Frame] | None = None,
    as_of: datetime | None = None,
    naming: Naming | None = None,
) -> Judgements:
    """Judge every rule that is not rejected on all rows of a frame.

    `others` are the files that rules refer to, by the path the contract gives; `as_of` is when freshness is seen from
    (without it a freshness rule cannot tell); `naming` asks which rows break a rule, none by default.
    """
    return _Judging(frame, contract, others or {}, as_of).run(naming)


class _Judging:
    """One judging: what is asked of the rows, and what becomes of the answers."""

    def __init__(self, frame: Frame, contract: Contract, others: Mapping[str, Frame], as_of: datetime | None) -> None:
        self.frame, self.contract, self.others, self.as_of = frame, contract, others, as_of
        self.fields: dict[str, Field] = {f.name: f for f in frame.fields}
        self.kinds: dict[str, Kind | None] = {f.name: f.kind for f in frame.fields}
        self.live = [r for r in contract.rules if r.live]
        self.why = {r.key: unjudged(r, self.kinds, contract.types) for r in self.live}
        self.tables: dict[str, str] = {}
        self.unanswered: set[str] = set()

    def run(self, naming: Naming | None) -> Judgements:
        columns = [c for c in self.contract.columns if c in self.fields] or list(self.frame.names[:1])
        shown_id = None if naming is None else self._id(naming.id)
        with self.frame.rows(list(dict.fromkeys([*columns, *([shown_id] if shown_id else [])]))) as rows:
            self._add_others(rows)
            answers = self._asked(rows)
            total = int(answers[_ROWS]["n"])
            found = [*self._columns(answers, total), *(self._judged(r, answers) for r in self.live)]
            if naming is not None:
                found = self._named(rows, found, replace(naming, id=shown_id))
        return Judgements(self.contract.name, self.contract.version, total, tuple(found), rows.queries)

    # ------------------------------------------------------------------ asking

    def _asked(self, rows: Rows) -> dict[sql.Key, sql.Answer]:
        found: dict[sql.Key, sql.Answer] = {}
        self.unanswered = {column for r in self.live if self.why[r.key] for column in r.about}
        wants: list[str | Rule] = [c for c in self.contract.columns if c in self.fields]
        wants += [r for r in self.live if not self.why[r.key]]
        for start in range(0, max(1, len(wants)), AT_ONCE):
            statement = self._statement(rows)
            statement.want(_ROWS, n="count(*)")
            for want in wants[start : start + AT_ONCE]:
                self._ask_type(want, statement) if isinstance(want, str) else sql.ask(want, statement)
            found |= statement.answers()
        return found

    def _statement(self, rows: Rows) -> sql.Statement:
        return sql.Statement(rows, self.fields, self.tables)

    def _ask_type(self, name: str, statement: sql.Statement) -> None:
        column = self.contract.columns[name]
        wanted = TYPES[column.type] if column.live else None
        test = sql.not_of_type(name, column.type, statement, fits=wanted in (None, self.kinds[name]))
        # That a column is there is true of every row; how many have a value is asked where that is of use.
        needed = wanted is not None or name in self.unanswered
        present = f"count({statement.column(name)})" if needed else "count(*)"
        statement.want(("type", name), failing=sql.counted(test), n=present)

    def _add_others(self, rows: Rows) -> None:
        """Open the columns that rules refer to; one that is not there is a reason why the rule cannot be judged."""
        for number, rule in enumerate(self.live):
            if isinstance(rule, Refers) and not self.why[rule.key]:
                other = self.others.get(rule.data)
                self.why[rule.key] = self._unreferable(rule, other)
                if other is not None and not self.why[rule.key]:
                    self.tables[rule.key] = f"other{number}"
                    rows.add(f"other{number}", other, rule.to)

    def _unreferable(self, rule: Refers, other: Frame | None) -> str:
        if other is None:
            return f"the file {shown(rule.data)} was not given"
        if rule.to not in other.names:
            return f"in {shown(rule.data)}: " + absent(rule.to, dict.fromkeys(other.names))
        here, there = self.fields[rule.column], next(f for f in other.fields if f.name == rule.to)
        if here.kind is not there.kind or tick_unit(here) != tick_unit(there):
            return f"column {shown(rule.column)} holds {here.native}, {shown(rule.to)} there {there.native}"
        return ""

    # ------------------------------------------------------------------ judging

    def _columns(self, answers: Mapping[sql.Key, sql.Answer], total: int) -> Iterator[Judged]:
        for name, column in self.contract.columns.items():
            if column.live:
                about = _type(name, column)
                yield (
                    self._absent(about, column, total)
                    if name not in self.fields
                    else _of_counts(about, answers["type", name], 1.0)
                )
        for name in self.frame.names if self.contract.closed else ():
            if name not in self.contract.columns:
                words = "is not in the contract"
                yield Judged(name, "closed", name, "accepted", words, f"{name} {words}", "fail", total, total)

    def _absent(self, about: Judged, column: Column, total: int) -> Judged:
        reason = absent(about.key, self.fields)
        if not column.required:
            return replace(about, reason=f"{reason}, and need not")
        return replace(about, outcome=_broken(about.state), n=total, failing=total, reason=reason)

    def _judged(self, rule: Rule, answers: Mapping[sql.Key, sql.Answer]) -> Judged:
        column = rule.about[0] if rule.about else ""
        condition = rule.when.column if isinstance(rule, RowRule) and rule.when is not None else ""
        hidden = any(self.contract.columns[c].sensitive for c in rule.about)
        sentence = rule.key if hidden else rule.sentence
        about = Judged(rule.key, rule.kind, column, rule.state, rule.words, sentence, "pass", condition=condition)
        if self.why[rule.key]:
            return self._without_answer(about, rule, answers)
        answer = answers[rule.key]
        if isinstance(rule, Counting):
            return _of_counts(about, answer, rule.mostly)
        if isinstance(rule, Freshness):
            return self._fresh(about, answer, rule)
        return _of_value(about, answer, rule)

    def _without_answer(self, about: Judged, rule: Rule, answers: Mapping[sql.Key, sql.Answer]) -> Judged:
        optional = [c for c in rule.about if c not in self.fields and not self.contract.columns[c].required]
        empty = [c for c in rule.about if c in self.fields and not answers["type", c]["n"]]
        if isinstance(rule, Counting) and (optional or empty):
            return replace(about, n=0, failing=0, reason="" if empty else self.why[rule.key])
        return replace(about, outcome="cannot_tell", reason=self.why[rule.key])

    def _fresh(self, about: Judged, answer: sql.Answer, rule: Freshness) -> Judged:
        if answer["value"] is None:
            return replace(about, outcome="cannot_tell", n=0, reason=_NO_VALUE)
        if self.as_of is None:
            reason = "freshness is seen from a moment: name it (as_of)"
            return replace(about, outcome="cannot_tell", n=answer["n"], reason=reason)
        scale = {"us": 1, "ns": 1000}[tick_unit(self.fields[rule.column])]
        newest = _EPOCH + timedelta(microseconds=answer["value"] // scale)
        age = self.as_of - newest
        outcome = "pass" if age <= rule.allowed else _broken(about.state)
        return replace(about, outcome=outcome, n=answer["n"], value=age.total_seconds())

    # ------------------------------------------------------------------ naming rows

    def _id(self, name: str | None) -> str | None:
        if name is None:
            return None
        if name not in self.fields:
            raise ConfigError("id: " + unknown("column", name, self.fields))
        column = self.contract.columns.get(name)
        return None if column is not None and column.sensitive else name

    def _named(self, rows: Rows, found: Sequence[Judged], naming: Naming) -> list[Judged]:
        statement = self._statement(rows)
        who, most = _who(rows, naming), naming.most
        rules = {r.key: r for r in self.live}
        broken = [j for j in found if j.failing and not j.reason and j.kind != "closed"]
        for judged in broken:
            if judged.kind == "type":
                column = self.contract.columns[judged.column]
                fits = self.kinds[judged.column] is TYPES[column.type]
                test = sql.not_of_type(judged.column, column.type, statement, fits=fits)
                statement.want(("type", judged.column), rows=sql.first_rows(test, who, most))
            else:
                sql.ask_rows(rules[judged.key], statement, who, most)
        answers = statement.answers() if broken else {}
        places = {id(j): ("type", j.column) if j.kind == "type" else j.key for j in broken}
        named = {id(j): _identified(answers[places[id(j)]]["rows"]) for j in broken}
        return [replace(j, rows=named[id(j)]) if id(j) in named else j for j in found]


_ROWS: sql.Key = ("rows", "")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NO_VALUE = "no row has a value"


def _type(name: str, column: Column) -> Judged:
    words = TYPE_WORDS[column.type]
    return Judged(name, "type", name, column.state, words, f"{name} {words}", "pass")


def _broken(state: str) -> str:
    return "fail" if state == "accepted" else "warn"


def _of_counts(about: Judged, answer: sql.Answer, mostly: float) -> Judged:
    failing, n = int(answer["failing"]), int(answer["n"])
    held = n == 0 or (n - failing) / n >= mostly
    return replace(about, outcome="pass" if held else _broken(about.state), n=n, failing=failing)


def _of_value(about: Judged, answer: sql.Answer, rule: Rule) -> Judged:
    value, n = answer["value"], int(answer["n"])
    if value is None or isnan(value):
        reason = _NO_VALUE if value is None else "there are infinities of both signs"
        return replace(about, outcome="cannot_tell", n=n, reason=reason)
    low, high = rule.bounds.get("minimum", value), rule.bounds.get("maximum", value)
    return replace(about, outcome="pass" if low <= value <= high else _broken(about.state), n=n, value=value)


def _who(rows: Rows, naming: Naming) -> str:
    """Return the expression that identifies a row, and by which rows are ordered."""
    if naming.id is None:
        return "nth"
    parts = ["nth := nth", f"id := CAST({rows.aliases[naming.id]} AS VARCHAR)"]
    return f"struct_pack({', '.join(reversed(parts) if naming.by_id else parts)})"


def _identified(found: Sequence[Any] | None) -> tuple[tuple[int, str | None], ...]:
    return tuple((w["nth"], w["id"]) if isinstance(w, dict) else (w, None) for w in found or ())

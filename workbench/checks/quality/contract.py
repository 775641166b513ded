"""The plan's contract, rule by rule."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from workbench.core.check import NotApplicableError, check
from workbench.core.contract_judge import Judged, Judgements, Naming
from workbench.core.contract_values import as_time
from workbench.core.exact import exact_to_float
from workbench.core.finding import Cell, Evidence, Measure, Result
from workbench.core.rates import measure
from workbench.core.subject import Subject


@check("quality.contract", "Q005", "Data contract", needs=("contract",))
def contract(subject: Subject, *, as_of: str | None = None) -> Result:
    """Hold every row of the current data to the plan's contract.

    Measures: `failing_share`, one a rule that rows break by themselves: rows that break it over rows judged, with a
        Wilson interval; the number itself (`mean`, `sum`, `quantile`, `distinct`, `row_count`, and `age` in seconds)
        for a rule on a number of all rows; `where` names the rule. `broken_rules`, accepted rules that do not hold;
        `broken_proposals`, proposed ones; `undecided_rules`, accepted ones that could not be judged. Rows that break
        a rule are named where there is an id that the contract does not hide: the first few by it.
    Reads well when: somebody who knows the data accepted the rules. What was only inferred from a reference describes
        that reference.
    Signs of risk: any accepted rule that is broken: the model is fed what was agreed not to come.
    Limits: a missing value breaks no rule but the one that asks for it. A range or set that was seen is not one that
        is right. Order in time (`monotone`) is the order of the rows in the file. Frequency weights are not used: rows
        are judged as they are. Freshness needs `as_of`, a time, so that an audit gives the same answer on any day.
    Reference: the rules are those of the Open Data Contract Standard 3, pandera and Great Expectations where these have
        them; functional dependencies by g3 of Kivinen and Mannila (1995) TCS 149:129; Wilson (1927) JASA 22:209.
    """
    if subject.contract is None:
        raise NotApplicableError("no contract was given")
    naming = Naming(subject.roles.id, _MOST_ROWS, by_id=True)
    found = subject.contract(None if as_of is None else as_time(as_of), naming)
    measures = [*_totals(found), *(_measure(judged, subject) for judged in found.rules)]
    table = _table(found, subject)
    unnamed = "rows" not in table.columns and any(r.failing for r in found.rules)
    return Result(measures, [table], [_UNNAMED] if unnamed else [])


_MOST_ROWS, _LONGEST = 5, 60
"""Rows named of each rule, and characters of an id."""

_UNNAMED = "rows are not named here: name an `id`, or look with `workbench contract check`, which tells their numbers"


def _totals(found: Judgements) -> Iterator[Measure]:
    accepted = [r for r in found.rules if r.state == "accepted"]
    proposed = [r for r in found.rules if r.state == "proposed"]
    yield Measure("broken_rules", sum(r.outcome == "fail" for r in accepted), n=len(accepted), unit="rules")
    yield Measure("broken_proposals", sum(r.outcome == "warn" for r in proposed), n=len(proposed), unit="rules")
    yield Measure("undecided_rules", sum(r.outcome == "cannot_tell" for r in accepted), n=len(accepted), unit="rules")


_UNITS = {"row_count": "rows", "freshness": "s"}


def _measure(judged: Judged, subject: Subject) -> Measure:
    if _small(judged, subject):
        why = f"fewer than {subject.minimum_group_size} rows are judged, chosen by a sensitive column"
        return Measure("failing_share", None, judged.column, where=judged.key, undefined_because=why)
    if judged.kind in _NUMBERS:
        name, unit = {"freshness": "age"}.get(judged.kind, judged.kind), _UNITS.get(judged.kind, "")
        value, why = _value(judged, subject), judged.reason
        return Measure(name, value, judged.column, where=judged.key, n=judged.n, unit=unit, undefined_because=why)
    ends, why = judged.interval(subject.level), judged.reason or "no row is judged by it"
    share = measure("failing_share", judged.failing or 0, judged.n or 0, ends, column=judged.column, why=why)
    return replace(share, where=judged.key)


_NUMBERS = ("mean", "sum", "quantile", "distinct", "row_count", "freshness")


def _small(judged: Judged, subject: Subject) -> bool:
    """Say whether a rule looks at so few rows of a group that it would tell about single people."""
    return judged.condition in subject.roles.sensitive and (judged.n or 0) < subject.minimum_group_size


def _value(judged: Judged, subject: Subject) -> float | None:
    """Return a rule's number; sums and means from the exact tables, which no order of the rows changes."""
    column = subject.current.columns.get(judged.column)
    numbers = None if column is None else column.numbers
    if judged.value is None or numbers is None or subject.roles.weight is not None or any(numbers.infinite):
        return judged.value
    if judged.kind == "mean":
        return numbers.mean
    return exact_to_float(numbers.moments()[0], 1) if judged.kind == "sum" else judged.value


_COLUMNS = ("key", "rule", "state", "outcome", "failing", "judged", "share", "value", "rows", "reason")
_SELDOM = ("value", "rows", "reason")


def _table(found: Judgements, subject: Subject) -> Evidence:
    """Return the rules, the gravest first, with the rows that break them by id or number."""
    rules = sorted(found.rules, key=lambda r: _ORDER.index(r.outcome))
    told = [_row(judged, subject) for judged in rules]
    kept = [i for i, name in enumerate(_COLUMNS) if name not in _SELDOM or any(r[i] not in (None, "") for r in told)]
    columns, rows = tuple(_COLUMNS[i] for i in kept), tuple(tuple(row[i] for i in kept) for row in told)
    title = f"Contract {found.contract}, version {found.version}"
    return Evidence(
        "contract", title, "contract", columns, rows, {"rows": subject.roles.id} if "rows" in columns else {}
    )


_ORDER = ("fail", "cannot_tell", "warn", "pass")


def _row(judged: Judged, subject: Subject) -> tuple[Cell, ...]:
    about = (judged.key, judged.sentence, judged.state, judged.outcome)
    if _small(judged, subject):
        return (*about, None, None, None, None, "", "few rows, chosen by a sensitive column")
    value = _value(judged, subject)
    return (*about, judged.failing, judged.n, judged.share, value, _named(judged), judged.reason)


def _named(judged: Judged) -> str:
    """Return the first ids of the rows that break a rule: a row's number would depend on the order of the rows."""
    names = [who if len(who) <= _LONGEST else f"{who[:_LONGEST]}…" for _, who in judged.rows if who is not None]
    more = (judged.failing or 0) - len(names)
    return ", ".join(names) + (f" and {more} more" if names and more > 0 else "")

"""Proposing a contract from a reference: each rule with what it rests on, for a person to accept, edit or reject."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import combinations, groupby

from workbench.core.contract import Column, Contract
from workbench.core.contract_judge import judge_data
from workbench.core.contract_rules import Compare, InSet, Length, NotNull, Pattern, Range, Rule
from workbench.core.contract_values import Grounds
from workbench.core.contract_whole import Monotone, Unique
from workbench.core.counts import ColumnCounts, Counted
from workbench.core.errors import DataError, thousands, unknown
from workbench.core.frame import Frame, Kind
from workbench.core.intervals import wilson

MOST_ALLOWED = 50
"""Distinct texts up to which a set of allowed values is proposed."""

FEW = 20
"""Values under which a key, an order or a form says nothing."""

_TYPES = {Kind.BOOLEAN: "boolean", Kind.TIME: "time", Kind.TEXT: "text"}
_MOST_PAIRS = 45
_MOST_PARTS, _LONGEST_RUN = 12, 100


def infer_contract(
    counted: Counted,
    frame: Frame | None = None,
    *,
    name: str = "contract",
    unique: Sequence[str] = (),
    sensitive: Sequence[str] = (),
    accept: bool = False,
) -> Contract:
    """Return the rules that a reference keeps, as proposals (`accept`: as accepted rules).

    From its counts: types, missing values, ranges seen, sets of up to 50 texts, forms and lengths of others. With the
    `frame` too: keys, orders and pairs of times, judged on every row. `unique` names columns that are keys; of a
    `sensitive` column no value is written into the contract. DataError names a column that is not there.
    """
    for column in (*unique, *sensitive):
        if column not in counted.columns:
            raise DataError(unknown("column", column, counted.columns))
    state = "accepted" if accept else "proposed"
    columns = {n: replace(_column(c), sensitive=n in sensitive, state=state) for n, c in counted.columns.items()}
    rules = [replace(r, state=state) for n, c in counted.columns.items() for r in _rules(c, hidden=n in sensitive)]
    rules += [Unique(columns=(column,), state="accepted") for column in unique]
    if frame is not None and frame.distributed is None:
        known = {r.key for r in rules}
        rules += [replace(r, state=state) for r in _holding(frame, columns, counted) if r.key not in known]
    return Contract(name, columns, tuple(rules))


def _column(column: ColumnCounts) -> Column:
    kind = _TYPES.get(column.kind, "any")
    if column.kind is Kind.NUMBER:
        kind = "integer" if column.integral and not (column.numbers and sum(column.numbers.infinite)) else "number"
    if not column.present:
        return Column("any", evidence=Grounds(0, seen="every value is missing"))
    return Column(kind, evidence=Grounds(column.present, 1.0, f"{column.kind} values"))


def _rules(column: ColumnCounts, *, hidden: bool) -> Iterator[Rule]:
    yield from _presence(column)
    if column.numeric and not hidden:
        yield from _range(column)
    if column.kind is Kind.TEXT and column.present:
        yield from _texts(column, hidden=hidden)


def _presence(column: ColumnCounts) -> Iterator[Rule]:
    """Propose no missing values where there was none, else at most what the interval of their share allows."""
    share = wilson(column.present, column.rows)
    if share is None:
        return
    seen = f"{thousands(column.missing)} of {thousands(column.rows)} missing" if column.missing else "none missing"
    mostly = math.floor(100 * share.low) / 100 if column.missing else 1.0
    if mostly > 0:
        grounds = Grounds(column.rows, column.present / column.rows, seen)
        yield NotNull(column=column.name, mostly=mostly, evidence=grounds)


def _range(column: ColumnCounts) -> Iterator[Rule]:
    numbers = column.numbers
    if numbers is None or numbers.minimum is None or numbers.maximum is None or _is_key(column):
        return
    ends = (numbers.minimum, numbers.maximum)
    low, high = (int(e) if column.integral else e for e in ends)
    quarters = [numbers.quantile(q) or 0.0 for q in (0.25, 0.75)]
    distinct = f"{'' if numbers.exact else 'over '}{thousands(numbers.distinct)} distinct values"
    seen = f"{ends[0]:g} to {ends[1]:g}, half of them {quarters[0]:g} to {quarters[1]:g}, {distinct}"
    if not sum(numbers.infinite):
        yield Range(column=column.name, minimum=low, maximum=high, evidence=Grounds(numbers.n, 1.0, seen))


def _is_key(column: ColumnCounts, *, surely: bool = True) -> bool:
    """Say whether texts or whole numbers are all different; with too many to count exactly, `surely` decides."""
    table = column.numbers if column.values is None else column.values
    fits = column.kind is Kind.TEXT or (column.numeric and column.integral)
    if not fits or table is None or column.present < FEW:
        return False
    return table.distinct == column.present if table.exact else not surely


def _texts(column: ColumnCounts, *, hidden: bool) -> Iterator[Rule]:
    values = column.values
    if values is None or not values.exact:
        return
    texts, name = sorted(values.counts), column.name
    if not hidden and values.distinct <= MOST_ALLOWED and values.distinct < column.present:
        once = sum(c == 1 for c in values.counts.values())
        # Good (1953): the share of values not seen yet is about that of the values seen once.
        new = f"{thousands(once)} of them once: a new one in about {once / column.present:.2g} of rows"
        seen = f"{thousands(values.distinct)} values, {new if once else 'each more than once'}"
        yield InSet(column=name, values=tuple(texts), evidence=Grounds(column.present, 1.0, seen))
        return
    form = "" if hidden or len(texts) < FEW else form_of(texts)
    if form:
        yield Pattern(column=name, pattern=form, evidence=Grounds(column.present, 1.0, "every text has this form"))
        return
    lengths = [len(t) for t in texts]
    grounds = Grounds(column.present, 1.0, f"{thousands(min(lengths))} to {thousands(max(lengths))} characters")
    yield Length(column=name, minimum=min(lengths), maximum=max(lengths), evidence=grounds)


# ---------------------------------------------------------------------------- forms of texts


def form_of(texts: Sequence[str]) -> str:
    """Return the pattern that all texts have, as runs of digits, of ASCII letters by case, and the same signs between.

    An empty string when they have no form in common, or only that of one run of letters: a word is no form.
    """
    first = _form(texts[0])
    kinds = [kind for kind, _ in first]
    if not 1 < len(kinds) <= _MOST_PARTS and kinds != ["[0-9]"]:
        return ""
    low, high = ([size for _, size in first] for _ in range(2))
    for text in texts:
        form = _form(text)
        if [kind for kind, _ in form] != kinds:
            return ""
        low = [min(a, b) for a, (_, b) in zip(low, form, strict=True)]
        high = [max(a, b) for a, (_, b) in zip(high, form, strict=True)]
    if max(high) > _LONGEST_RUN:
        return ""
    return "".join(map(_run, kinds, low, high))


def _form(text: str) -> list[tuple[str, int]]:
    return [(kind, len(list(run))) for kind, run in groupby(text, _class)]


def _class(letter: str) -> str:
    for kind in ("[0-9]", "[A-Z]", "[a-z]"):
        if kind[1] <= letter <= kind[3]:
            return kind
    return re.escape(letter)


def _run(kind: str, least: int, most: int) -> str:
    often = "" if least == most == 1 else f"{{{least}}}" if least == most else f"{{{least},{most}}}"
    return kind + often


# ---------------------------------------------------------------------------- what only rows can tell


def _candidates(counted: Counted) -> Iterator[Rule]:
    columns = [c for c in counted.columns.values() if c.present >= FEW]
    for column in columns:
        if _is_key(column, surely=False):
            yield Unique(columns=(column.name,))
    times = [c.name for c in columns if c.kind is Kind.TIME]
    yield from (Monotone(column=time) for time in times)
    for one, two in list(combinations(times, 2))[:_MOST_PAIRS]:
        yield Compare(column=one, operator="<=", other=two)
        yield Compare(column=two, operator="<=", other=one)


def _holding(frame: Frame, columns: Mapping[str, Column], counted: Counted) -> Iterator[Rule]:
    """Yield the candidates that every row keeps."""
    candidates = tuple(_candidates(counted))
    found = judge_data(frame, Contract("candidates", columns, candidates)) if candidates else None
    judged = {} if found is None else {j.key: j for j in found.rules}
    for rule in candidates:
        n = judged[rule.key].n or 0
        if judged[rule.key].outcome == "pass" and n >= FEW:
            yield replace(rule, evidence=Grounds(n, 1.0, "no row breaks it"))

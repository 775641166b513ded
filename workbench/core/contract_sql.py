"""A contract's rules as one SQL query: how many rows were judged, how many break each rule, and numbers of all rows.

`contract_arrow` says the same of rows to Arrow; a test holds both equal on random frames. Columns go by number and
values by parameter, so no text of a contract or of the data is ever part of the query.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import singledispatch
from typing import Any

from workbench.core.arrow import Kind
from workbench.core.contract_arrow import exact, fitting, ticks
from workbench.core.contract_rules import Compare, InSet, Length, NotNull, Pattern, Range, RowRule, Rule
from workbench.core.contract_values import Limit, Scalar, whole_pattern
from workbench.core.contract_whole import (
    Determines,
    Distinct,
    Freshness,
    Mean,
    Monotone,
    Quantile,
    Refers,
    RowCount,
    Sum,
    Unique,
)
from workbench.core.frame import Field
from workbench.core.query import Rows, tick_unit

Key = str | tuple[str, str]
"""What an answer is filed under: a rule's key, or ("type", column)."""

Answer = Mapping[str, Any]
"""What the query found of one rule: `failing` and `n`, or `value` and `n`."""


_MOST_SETS, _FIRST = 6, 20_000
_NUMBERED, _SET = re.compile(r"\bnth\b"), re.compile(r"\bs\d+\b")


class Statement:
    """Collects what is asked of the rows and asks it at once: each aggregate one time, whichever rules need it."""

    def __init__(self, rows: Rows, fields: Mapping[str, Field], others: Mapping[str, str]) -> None:
        self._rows, self._fields, self.others = rows, fields, others
        self._params: list[Any] = []
        self._sets: dict[tuple[str, tuple[Any, ...]], str] = {}
        self._main: dict[str, str] = {}
        self._apart: list[str] = []
        self._wanted: dict[Key, dict[str, str]] = {}

    def want(self, key: Key, **expressions: str) -> None:
        """Ask for aggregates over all rows, under a key."""
        self._wanted[key] = {name: self._main.setdefault(e, f"m{len(self._main)}") for name, e in expressions.items()}

    def want_apart(self, key: Key, query: str, *names: str) -> None:
        """Ask for a query of its own that gives one row, its columns called `names`, under a key."""
        number = len(self._apart)
        aliases = [f"a{number}_{i}" for i in range(len(names))]
        self._apart.append(f"({query}) AS apart{number}({', '.join(aliases)})")
        self._wanted[key] = dict(zip(names, aliases, strict=True))

    def answers(self) -> dict[Key, Answer]:
        """Ask everything in one query and return what was found, by key."""
        aliases = dict.fromkeys(alias for wanted in self._wanted.values() for alias in wanted.values())
        query = f"SELECT {', '.join(aliases)} FROM {', '.join([*self._parts(), *self._apart])}"  # noqa: S608
        given = {f"p{i}": p for i, p in enumerate(self._params)}
        row = self._rows.ask(query, given, numbered=bool(_NUMBERED.search(query)))[0]
        found = dict(zip(aliases, row, strict=True))
        return {key: {name: found[a] for name, a in wanted.items()} for key, wanted in self._wanted.items()}

    def _parts(self) -> Iterator[str]:
        """Yield the queries of aggregates: a test of a set is a join, which nothing else must pass through."""
        tests = {f"s{i}": test for i, test in enumerate(self._sets.values())}
        groups: list[tuple[set[str], list[str]]] = [(set(), [])]
        for expression, alias in sorted(self._main.items(), key=lambda pair: bool(_SET.search(pair[0]))):
            needed = set(_SET.findall(expression))
            sets, texts = groups[-1]
            if (needed and not sets) or len(needed | sets) > _MOST_SETS:
                sets, texts = set(), []
                groups.append((sets, texts))
            sets |= needed
            texts.append(f"{expression} AS {alias}")
        for sets, texts in groups:
            columns = "".join(f", {tests[name]} AS {name}" for name in sorted(sets))
            source = f"(SELECT *{columns} FROM seen)" if sets else "seen"  # noqa: S608
            if texts:
                yield f"(SELECT {', '.join(texts)} FROM {source})"  # noqa: S608

    # ------------------------------------------------------------------ columns and values

    def column(self, name: str) -> str:
        """Return a column as the query calls it."""
        return self._rows.aliases[name]

    def type(self, name: str) -> str:
        """Return what DuckDB holds a column as."""
        return self._rows.types[name]

    def unit(self, name: str) -> str:
        """Return the unit of a time column's numbers."""
        return tick_unit(self._fields[name])

    def kind(self, name: str) -> Kind:
        """Return the kind of a column."""
        return self._fields[name].kind

    def value(self, value: Any, type_: str) -> str:
        """Return a value as the query calls it."""
        self._params.append(value)
        return f"CAST($p{len(self._params) - 1} AS {type_})"

    def limit(self, name: str, limit: Limit) -> tuple[str, str]:
        """Return a column and a limit to compare it with, both of one type."""
        column = self.column(name)
        if isinstance(limit, str):
            return column, self.value(ticks(limit, self.unit(name)), "BIGINT")
        if self._fields[name].integral and exact(limit):
            return column, self.value(limit, "BIGINT")
        return f"CAST({column} AS DOUBLE)", self.value(float(limit), "DOUBLE")

    def is_in(self, name: str, values: Sequence[Scalar]) -> str:
        """Return the test whether a column is in a set: a join with it, at one cost for any number of values."""
        field = self._fields[name]
        found = fitting(values, field.kind, self.unit(name), whole=field.integral)
        place = (name, tuple((type(v).__name__, v) for v in found))
        return self._set(place, lambda: self._in(name, found))

    def matches(self, name: str, pattern: str) -> str:
        """Return the test whether RE2 finds a pattern: once for each value of the first rows, then for new ones.

        A third of the cost where values repeat, one and a half times where each is another.
        """
        column, given = self.column(name), self.value(pattern, "VARCHAR")
        first = f"SELECT DISTINCT {column} AS v FROM (SELECT {column} FROM seen LIMIT {_FIRST})"  # noqa: S608
        known = f"{column} IN (SELECT v FROM ({first}) WHERE regexp_matches(v, {given}))"  # noqa: S608
        met = self._set((name, ("matches", pattern)), lambda: known)
        return f"CASE WHEN {met} THEN true ELSE regexp_matches({column}, {given}) END"

    def _set(self, place: tuple[str, tuple[Any, ...]], test: Callable[[], str]) -> str:
        if place not in self._sets:
            self._sets[place] = test()
        return f"s{list(self._sets).index(place)}"

    def _in(self, name: str, values: Sequence[Scalar]) -> str:
        if not values:  # SQL says that a missing value is not in an empty set; here it is not judged
            return f"CASE WHEN {self.column(name)} IS NOT NULL THEN false END"
        held = {"UBIGINT": "BIGINT"}.get(self.type(name), self.type(name))
        return f"{self.column(name)} IN (SELECT unnest({self.value(values, f'{held}[]')}))"


# ---------------------------------------------------------------------------- one row at a time


def broken(rule: RowRule, s: Statement) -> str:
    """Return the test whether a row breaks a rule: not true where there is nothing to judge."""
    test = f"NOT ({_kept(rule, s)})"
    return test if rule.when is None else f"{s.is_in(rule.when.column, rule.when.values)} AND {test}"


def not_of_type(name: str, type_: str, s: Statement, *, fits: bool) -> str:
    """Return the test whether a value is not of its column's type; `fits`: the column's kind is that of the type."""
    column = s.column(name)
    if not fits:
        return f"{column} IS NOT NULL"
    if type_ == "integer" and s.type(name) == "DOUBLE":
        return f"NOT (isfinite({column}) AND floor({column}) = {column})"
    return "false"


def counted(test: str) -> str:
    """Return the number of rows of which a test is true."""
    # Half the cost of count(*) FILTER; null, not 0, where no test has an answer.
    return "0" if test == "false" else f"coalesce(count_if({test}), 0)"


@singledispatch
def _kept(rule: RowRule, s: Statement) -> str:
    raise NotImplementedError(rule.kind)


@_kept.register
def _(rule: NotNull, s: Statement) -> str:
    return f"{s.column(rule.column)} IS NOT NULL"


@_kept.register
def _(rule: InSet, s: Statement) -> str:
    return s.is_in(rule.column, rule.values)


@_kept.register
def _(rule: Range, s: Statement) -> str:
    limits = {name: s.limit(rule.column, limit) for name, limit in rule.bounds.items()}
    if list(limits) == ["minimum", "maximum"]:
        (column, low), (same, high) = limits.values()
        if column == same:  # one comparison of both costs less than two
            return f"{column} BETWEEN {low} AND {high}"
    return " AND ".join(f"{column} {_SIGNS[name]} {given}" for name, (column, given) in limits.items())


_SIGNS = {"minimum": ">=", "maximum": "<=", "above": ">", "below": "<"}


@_kept.register
def _(rule: Length, s: Statement) -> str:
    length = f"length({s.column(rule.column)})"
    return " AND ".join(f"{length} {_SIGNS[name]} {s.value(limit, 'BIGINT')}" for name, limit in rule.bounds.items())


@_kept.register
def _(rule: Pattern, s: Statement) -> str:
    return s.matches(rule.column, whole_pattern(rule.pattern))


@_kept.register
def _(rule: Compare, s: Statement) -> str:
    one, two = s.column(rule.column), s.column(rule.other)
    if s.kind(rule.column) is Kind.TIME and s.unit(rule.column) != s.unit(rule.other):
        one, two = (f"CAST({s.column(n)} AS HUGEINT) * {_NANOSECONDS[s.unit(n)]}" for n in (rule.column, rule.other))
    return f"{one} {'=' if rule.operator == '==' else rule.operator} {two}"


_NANOSECONDS = {"us": 1000, "ns": 1}


# ---------------------------------------------------------------------------- asking


@singledispatch
def ask(rule: Rule, s: Statement) -> None:
    """Ask what decides a rule: `failing` of `n` rows, or a `value` of `n`."""
    raise NotImplementedError(rule.kind)


@ask.register
def _(rule: RowRule, s: Statement) -> None:
    if rule.when is None and isinstance(rule, NotNull):
        s.want(rule.key, failing=f"count(*) - count({s.column(rule.column)})", n="count(*)")
    else:
        s.want(rule.key, failing=counted(broken(rule, s)), n=_number_judged(rule, s))


def _number_judged(rule: RowRule, s: Statement) -> str:
    present = [] if isinstance(rule, NotNull) else [rule.column]
    present += [rule.other] if isinstance(rule, Compare) else []
    if rule.when is None and len(present) == 1:
        return f"count({s.column(rule.column)})"  # a tenth of the cost of the filter
    tests = [f"{s.column(c)} IS NOT NULL" for c in present]
    tests += [] if rule.when is None else [s.is_in(rule.when.column, rule.when.values)]
    return counted(" AND ".join(tests))


@ask.register
def _(rule: Unique, s: Statement) -> None:
    columns, complete = _key(rule.columns, s)
    groups = f"SELECT count(*) AS n FROM seen WHERE {complete} GROUP BY {columns}"  # noqa: S608
    s.want_apart(rule.key, f"SELECT coalesce(sum(n - 1), 0), coalesce(sum(n), 0) FROM ({groups})", "failing", "n")  # noqa: S608


def _key(names: Sequence[str], s: Statement) -> tuple[str, str]:
    columns = [s.column(n) for n in names]
    return ", ".join(columns), " AND ".join(f"{c} IS NOT NULL" for c in columns)


@ask.register
def _(rule: Monotone, s: Statement) -> None:
    query = f"SELECT {counted(_falls(rule))}, count(before) FROM {_before(rule, s)}"  # noqa: S608
    s.want_apart(rule.key, query, "failing", "n")


def _before(rule: Monotone, s: Statement) -> str:
    column = s.column(rule.column)
    before = f"lag({column}) OVER (ORDER BY nth)"
    return f"(SELECT nth, {column} AS now, {before} AS before FROM seen WHERE {column} IS NOT NULL)"  # noqa: S608


def _falls(rule: Monotone) -> str:
    sign = "<" if rule.direction == "increasing" else ">"
    return f"now {sign}{'=' if rule.strict else ''} before"


@ask.register
def _(rule: Determines, s: Statement) -> None:
    columns = _key(rule.columns, s)[0]
    totals = f"SELECT sum(n) AS n, max(n) AS most FROM {_pairs(rule, s)} GROUP BY {columns}"  # noqa: S608
    query = f"SELECT coalesce(sum(n - most), 0), coalesce(sum(n), 0) FROM ({totals})"  # noqa: S608
    s.want_apart(rule.key, query, "failing", "n")


def _pairs(rule: Determines, s: Statement) -> str:
    columns, complete = _key((*rule.columns, rule.determined), s)
    return f"(SELECT {columns}, count(*) AS n FROM seen WHERE {complete} GROUP BY {columns})"  # noqa: S608


@ask.register
def _(rule: Refers, s: Statement) -> None:
    query = f"SELECT {counted('v IS NULL')}, count(*) FROM {_referred(rule, s)}"  # noqa: S608
    s.want_apart(rule.key, query, "failing", "n")


def _referred(rule: Refers, s: Statement) -> str:
    column = s.column(rule.column)
    return f"seen LEFT JOIN {s.others[rule.key]} ON {column} = v WHERE {column} IS NOT NULL"


@ask.register
def _(rule: RowCount, s: Statement) -> None:
    s.want(rule.key, value="count(*)", n="count(*)")


@ask.register
def _(rule: Mean, s: Statement) -> None:
    column = s.column(rule.column)
    # Sums of integers are exact, others compensated: no order of the rows changes what is shown.
    total = f"favg({column})" if s.type(rule.column) == "DOUBLE" else f"sum({column}) / count({column})"
    s.want(rule.key, value=total, n=f"count({column})")


@ask.register
def _(rule: Sum, s: Statement) -> None:
    column = s.column(rule.column)
    total = f"fsum({column})" if s.type(rule.column) == "DOUBLE" else f"sum({column})"
    s.want(rule.key, value=f"coalesce({total}, 0)", n=f"count({column})")


@ask.register
def _(rule: Quantile, s: Statement) -> None:
    column = s.column(rule.column)
    s.want(rule.key, value=f"quantile_cont({column}, {rule.q!r})", n=f"count({column})")


@ask.register
def _(rule: Distinct, s: Statement) -> None:
    column = s.column(rule.column)
    groups = f"SELECT count(*) AS n FROM seen WHERE {column} IS NOT NULL GROUP BY {column}"  # noqa: S608
    s.want_apart(rule.key, f"SELECT count(*), coalesce(sum(n), 0) FROM ({groups})", "value", "n")  # noqa: S608


@ask.register
def _(rule: Freshness, s: Statement) -> None:
    column = s.column(rule.column)
    s.want(rule.key, value=f"max({column})", n=f"count({column})")


# ---------------------------------------------------------------------------- which rows


@singledispatch
def ask_rows(rule: Rule, s: Statement, who: str, most: int) -> None:
    """Ask for the first rows that break a rule, as `who` identifies and orders them, under `rows`."""
    raise NotImplementedError(rule.kind)


@ask_rows.register
def _(rule: RowRule, s: Statement, who: str, most: int) -> None:
    s.want(rule.key, rows=first_rows(broken(rule, s), who, most))


def first_rows(test: str, who: str, most: int) -> str:
    """Return the first rows of which a test is true."""
    return f"min({who}, {most}) FILTER (WHERE {test})"


def _listed(s: Statement, key: Key, query: str, most: int) -> None:
    s.want_apart(key, f"SELECT list(who ORDER BY who) FROM ({query} ORDER BY who LIMIT {most})", "rows")  # noqa: S608


@ask_rows.register
def _(rule: Unique, s: Statement, who: str, most: int) -> None:
    columns, complete = _key(rule.columns, s)
    place = f"row_number() OVER (PARTITION BY {columns} ORDER BY {who})"
    inner = f"SELECT {who} AS who, {place} AS place FROM seen WHERE {complete}"  # noqa: S608
    _listed(s, rule.key, f"SELECT who FROM ({inner}) WHERE place > 1", most)  # noqa: S608


@ask_rows.register
def _(rule: Monotone, s: Statement, who: str, most: int) -> None:
    falls = f"SELECT nth FROM {_before(rule, s)} WHERE {_falls(rule)}"  # noqa: S608
    _listed(s, rule.key, f"SELECT {who} AS who FROM seen WHERE nth IN ({falls})", most)  # noqa: S608


@ask_rows.register
def _(rule: Determines, s: Statement, who: str, most: int) -> None:
    columns, by = (_key(names, s)[0] for names in ((*rule.columns, rule.determined), rule.columns))
    determined = s.column(rule.determined)
    place = f"row_number() OVER (PARTITION BY {by} ORDER BY n DESC, {determined})"
    rest = f"SELECT {columns} FROM (SELECT *, {place} AS place FROM {_pairs(rule, s)}) WHERE place > 1"  # noqa: S608
    _listed(s, rule.key, f"SELECT {who} AS who FROM seen WHERE ({columns}) IN ({rest})", most)  # noqa: S608


@ask_rows.register
def _(rule: Refers, s: Statement, who: str, most: int) -> None:
    _listed(s, rule.key, f"SELECT {who} AS who FROM {_referred(rule, s)} AND v IS NULL", most)  # noqa: S608

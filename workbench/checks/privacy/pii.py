"""Which columns hold personal data or secrets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from workbench.core.arrow import Kind
from workbench.core.check import check
from workbench.core.counts import ColumnCounts
from workbench.core.finding import Cell, Evidence, Measure, Result
from workbench.core.intervals import wilson
from workbench.core.national_ids import best_match, validators
from workbench.core.personal import VALUE_KINDS, WORDS, kind_by_name, kinds_of, looks_random
from workbench.core.rates import measure
from workbench.core.subject import Subject

MOST_VALUES = 10_000
"""Distinct values of a column that are looked at; of more, those with the smallest hashes."""

_WEAK = 0.5  # share of a column's values from which a shape that others share too counts
_NO_STDNUM = "national ids were not looked for: pip install 'audit-workbench[privacy]'"
_LEAST_LONG = 10**7  # shorter whole numbers are no card, phone or national id
_FITS: Mapping[str, Sequence[Kind]] = {
    "name": (Kind.TEXT,),
    "address": (Kind.TEXT,),
    "email": (Kind.TEXT,),
    "ip": (Kind.TEXT,),
    "iban": (Kind.TEXT,),
    "secret": (Kind.TEXT,),
    "phone": (Kind.TEXT, Kind.NUMBER),
    "card": (Kind.TEXT, Kind.NUMBER),
    "national_id": (Kind.TEXT, Kind.NUMBER),
    "location": (Kind.TEXT, Kind.NUMBER),
    "date_of_birth": (Kind.TEXT, Kind.NUMBER, Kind.TIME),
}


@dataclass(frozen=True)
class _Found:
    """One column: how many of n values looked at are of each kind, of any, and why it is flagged."""

    column: str
    n: int
    kinds: Mapping[str, int]
    any: int
    why: Mapping[str, str]
    method: str


@check("privacy.pii", "Y001", "Personal data and secrets")
def pii(subject: Subject, *, minimum_share: float = 0.01) -> Result:
    """Find columns whose values or names say that they hold personal data or secrets; no value is kept.

    Measures: for each column `flagged` (1 or 0); for columns of text and of long whole numbers `pii_share`, the share
        of values that look like any of the kinds below, and, where it is not 0, the share of each kind, with Wilson
        intervals: `email_share`, `phone_share`, `iban_share`, `card_share`, `ip_share`, `secret_share` (prefixes that
        issuers of keys publish, private keys, passwords in addresses), `national_id_share` and `random_token_share`
        (tokens of high entropy), the last two only where half of the values or more are one. Overall
        `flagged_columns`, and `columns_with_secrets`, in which one value or more is a secret by its prefix.
    Reads well when: columns are typed, and free text is its own column.
    Signs of risk: a flagged column that the model or the report does not need; any secret at all.
    Limits: names, addresses and dates of birth have no shape and are told by the column's name alone; a name in a
        column called otherwise is missed, and so are phone numbers without a country code. A column is flagged by its
        values from `minimum_share` of them on. Of more than 10,000 distinct values those with the smallest hashes are
        looked at, and the share is of their rows. Only the current data is looked at.
    Reference: ISO/IEC 7812-1 (Luhn's check digit); ISO 13616 (IBAN); ITU-T E.164; RFC 5322; python-stdnum for the
        checksums of national ids; Shannon (1948) for entropy; GDPR (EU) 2016/679 Art. 4(1); Wilson (1927).
    """
    found, measures = [], []
    for column in subject.current.columns.values():
        one = _looked_at(column, minimum_share)
        found.append(one)
        measures += _measures(one, subject.level, looked=one.method != "name only")
    flagged = [f for f in found if f.why]
    total = Measure("flagged_columns", len(flagged), n=len(found), unit="columns")
    secret = Measure("columns_with_secrets", sum("secret" in f.kinds for f in found), n=len(found), unit="columns")
    notes = [] if validators() else [_NO_STDNUM]
    told = [f for f in found if f.why or "secret" in f.kinds]
    return Result([total, secret, *measures], [_table(told)] if told else [], notes)


def _looked_at(column: ColumnCounts, least: float) -> _Found:
    values, method = _texts(column)
    n = sum(values.values())
    kinds: dict[str, int] = {}
    each = {value: kinds_of(value) for value in values}
    for value, of in each.items():
        for kind in of:
            kinds[kind] = kinds.get(kind, 0) + values[value]
    touched = {value for value, of in each.items() if of}
    name, passed = best_match(values, _WEAK)
    if passed:
        kinds["national_id"] = passed
        touched |= {v for v in values if validators()[name](v)}
    tokens = {v for v in values if v not in touched and looks_random(v)}
    if tokens and sum(values[v] for v in tokens) >= _WEAK * n:
        kinds["random_token"] = sum(values[v] for v in tokens)
        touched |= tokens
    every = (*VALUE_KINDS, "national_id", "random_token")
    why = {kind: "values" for kind in every if kinds.get(kind) and kinds[kind] >= least * n}
    told = kind_by_name(column.name)
    if told and column.present and column.kind in _FITS[told]:
        why = {**why, told: "name and values" if told in why else "name"}
    return _Found(column.name, n, kinds, sum(values[v] for v in touched), why, method)


def _texts(column: ColumnCounts) -> tuple[dict[str, int], str]:
    """Return the values that are looked at with their counts, and how they were taken."""
    if column.kind is Kind.TEXT and column.values is not None:
        table = column.values
        while len(table.counts) > MOST_VALUES:
            table = table.at_level(table.level + 1)
        return dict(table.counts), "wilson" if table.exact else f"wilson, 1 in {2**table.level} distinct values"
    if column.numeric and column.integral and column.numbers is not None and column.numbers.exact:
        numbers = column.numbers
        pairs = zip(numbers.values.tolist(), numbers.counts.tolist(), strict=True)
        # Beyond 2**53 a float64 has lost the last digits.
        long = int(numbers.counts[(numbers.values >= _LEAST_LONG) & (numbers.values < 2**53)].sum())
        if long and long >= _WEAK * numbers.n:
            step = -(-len(numbers.values) // MOST_VALUES)
            # Ids often run on without gaps: every step-th of them is as good as any.
            some = {str(int(v)): c for v, c in list(pairs)[::step]}
            return some, "wilson" if step == 1 else f"wilson, every {step}th distinct value"
    return {}, "name only"


def _measures(f: _Found, level: float, *, looked: bool) -> list[Measure]:
    found = [Measure("flagged", int(bool(f.why)), f.column, n=f.n if looked else None, method=" and ".join(f.why))]
    if not looked:
        return found
    why = "the column has no value"
    shares = {"pii_share": f.any} | {f"{kind}_share": count for kind, count in sorted(f.kinds.items())}
    for name, x in shares.items():
        m = measure(name, x, f.n, wilson(x, f.n, level), column=f.column, why=why)
        found.append(_by(m, f.method))
    return found


def _by(m: Measure, method: str) -> Measure:
    head = (m.name, m.value, m.column, m.group, m.window, m.where)
    return Measure(*head, m.low, m.high, method, m.n, m.unit, m.error_bound, m.undefined_because)


def _table(flagged: Sequence[_Found]) -> Evidence:
    rows: list[tuple[Cell, ...]] = []
    for f in flagged:
        for kind, why in {**({"secret": "values"} if "secret" in f.kinds else {}), **f.why}.items():
            share = f.kinds.get(kind, 0) / f.n if f.n and "values" in why else None
            rows.append((f.column, WORDS[kind], why, share, f.n or None))
    columns = ("column", "kind", "told by", "share", "n")
    return Evidence("flagged columns", "Columns with personal data or secrets", "table", columns, tuple(rows))

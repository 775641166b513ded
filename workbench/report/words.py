"""Plain words for measures, judgements, findings and verdicts; every rendering takes its sentences from here."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from workbench.audit.record import Judgement, Record
from workbench.audit.suppressed import DISCLOSED
from workbench.core.errors import THIN
from workbench.core.finding import Finding, Measure, Status
from workbench.report import titles
from workbench.report.labels import group_parts as group_parts
from workbench.report.labels import group_values as group_values
from workbench.report.labels import group_words as group_words
from workbench.report.labels import plain as plain
from workbench.report.labels import window_words as window_words

MINUS = "\u2212"
NOTHING = "\u2013"

SHAPES = {
    "pass": "●",
    "warn": "▲",
    "fail": "■",
    "cannot_tell": "◆",
    "incomplete": "◆",
    "not_applicable": "○",
    "waived": "◇",
    "error": "✕",
    "cancelled": "✕",
    "measured": "·",
}
SEVERITY = (
    "fail",
    "error",
    "cannot_tell",
    "warn",
    "cancelled",
    "waived",
    "pass",
    "measured",
    "not_applicable",
)
_OUTCOMES = {
    "cannot_tell": "cannot tell",
    "not_applicable": "not applicable",
    "measured": "no rule on it",
}
_CONDITIONS = {
    "==": "is",
    "!=": "is not",
    "in": "is one of",
    "not in": "is none of",
    "missing": "is missing",
    "present": "is present",
    "<": "below",
    "<=": "at most",
    ">": "above",
    ">=": "at least",
}
_OPERATORS = {
    ">=": "at least",
    ">": "over",
    "<=": "at most",
    "<": "under",
    "==": "exactly",
    "between": "between",
}


class Interval(Protocol):
    """Anything that has a value, its interval and its denominator: a measure or a judgement."""

    @property
    def value(self) -> float | int | None: ...  # noqa: D102
    @property
    def low(self) -> float | None: ...  # noqa: D102
    @property
    def high(self) -> float | None: ...  # noqa: D102
    @property
    def n(self) -> int | None: ...  # noqa: D102


# ---------------------------------------------------------------------------- numbers


def number(value: float | int | bool | str | None, unit: str = "", decimals: int | None = None) -> str:
    """Return a number with three significant digits (or `decimals`), percent for a share; integers whole."""
    if value is None:
        return NOTHING
    if isinstance(value, bool | str):
        return plain(value)
    if isinstance(value, int) and unit != "share":
        return _signed(f"{value:,}")
    scaled = float(value) * (100 if unit == "share" else 1)
    places = _places(scaled, unit) if decimals is None else decimals
    if scaled and (abs(scaled) < 1e-5 or abs(scaled) >= 1e15):
        return _signed(f"{scaled:.2e}")
    return _signed(f"{scaled:,.{places}f}") + ("%" if unit == "share" else "")


def p_value(value: float | None) -> str:
    """Return a p-value for reading; very small ones as "< 0.0001"."""
    return "< 0.0001" if value is not None and value < 0.0001 else number(value)


def field_text(m: Interval, field: str, unit: str = "", name: str = "") -> str:
    """Return how one field (value, low, high, n) of a measure or judgement is printed everywhere."""
    value = getattr(m, field)
    if field == "n" or value is None:
        return number(value)
    if name.endswith("p_value"):
        return p_value(value)
    text = number(value, unit, _shared_places(m, unit))
    return text if field == "value" else text.removesuffix("%")


def value_words(m: Interval, unit: str = "", name: str = "") -> str:
    """Return "0.84 [0.79, 0.88]"; an open end of an interval reads as an infinity."""
    value = field_text(m, "value", unit, name)
    if m.value is None or (m.low is None and m.high is None):
        return value
    low = f"{MINUS}∞" if m.low is None else field_text(m, "low", unit, name)
    high = "∞" if m.high is None else field_text(m, "high", unit, name)
    return f"{value} [{low}, {high}]"


def _shared_places(m: Interval, unit: str) -> int | None:
    if m.low is None or m.high is None or m.value is None:
        return None
    # Value and ends share their decimals; a value near 0 takes them from the interval's width.
    scale = max(abs(m.value), (m.high - m.low) / 2) * (100 if unit == "share" else 1)
    return _places(scale, unit)


def _places(scaled: float, unit: str) -> int:
    least = 1 if unit == "share" else 0
    if scaled == 0:
        return least
    return min(6, max(least, 2 - math.floor(math.log10(abs(scaled)))))


def _signed(text: str) -> str:
    return text.replace(",", THIN).replace("-", MINUS)


# ---------------------------------------------------------------------------- names


def outcome_word(outcome: str) -> str:
    """Return an outcome in words."""
    return _OUTCOMES.get(outcome, outcome.replace("_", " "))


def shape(outcome: str) -> str:
    """Return the shape that stands for an outcome, also without colour."""
    return SHAPES.get(outcome, "·")


def worst(outcomes: Iterable[str], default: str = "measured") -> str:
    """Return the outcome a reader must see first."""
    found = sorted(outcomes, key=lambda o: SEVERITY.index(o) if o in SEVERITY else 0)
    return found[0] if found else default


def measure_title(name: str) -> str:
    """Return a measure's name for people: `selection_rate` is "Selection rate"."""
    if name in titles.TITLES:
        return titles.TITLES[name]
    for suffix, words in titles.SUFFIXES:
        if name.endswith(suffix) and len(name) > len(suffix):
            return measure_title(name.removesuffix(suffix)) + words
    tokens = [titles.TOKENS.get(t, t) for t in name.split("_")]
    text = plain(" ".join(tokens))
    return text[:1].upper() + text[1:]


def title_of(m: Measure | Judgement) -> str:
    """Return a measure's title, told apart from its namesake of all groups together."""
    name = m.name if isinstance(m, Measure) else m.measure
    if not m.group and "_to_overall_" in name:
        base, _, kind = name.partition("_to_overall_")
        farthest = "largest distance of a group from overall" if kind == "difference" else "group farthest from overall"
        return f"{measure_title(base)}, {farthest}"
    return measure_title(name)


def scope_words(m: Measure | Judgement) -> str:
    """Return what a measure is about: its group, else its column; then its window and where."""
    subject = group_words(m.group) if m.group else plain(m.column, 60) if m.column else ""
    rest = [window_words(m.window)] if m.window else []
    rest += [plain(m.where, 60)] if m.where else []
    return " · ".join([part for part in (subject, *rest) if part])


def limit_words(operator: str, limit: float | None, unit: str = "") -> str:
    """Return a rule's limit: "at least 0.80"."""
    if limit is None:
        return ""
    lower = _BETWEEN.fullmatch(operator.removeprefix("change "))
    head = f"between {limit_number(float(lower[1]), unit)} and" if lower else operator_words(operator)
    return f"{head} {limit_number(limit, unit)}".strip()


_BETWEEN = re.compile(r"between (-?[0-9][0-9.e+-]*) and")


def operator_words(operator: str) -> str:
    """Return a comparison in words: "at least"."""
    bare = operator.removeprefix("change ")
    return _OPERATORS.get(bare, plain(bare) if bare else "")


def limit_number(limit: float, unit: str = "") -> str:
    """Return a limit as it was set: no more digits than it was given; one that was learnt in four digits."""
    scaled = limit * 100 if unit == "share" else limit
    digits, sign = f"{scaled:.6g}", "%" if unit == "share" else ""
    given = len(digits.split("e")[0].strip("-").replace(".", "").strip("0"))
    if given > _GIVEN and not math.isinf(scaled) and limit != int(limit):
        digits = f"{scaled:,.{max(0, 3 - math.floor(math.log10(abs(scaled))))}f}"
    elif 10_000 <= abs(limit) < math.inf and limit == int(limit):
        digits = f"{int(scaled):,}"
    elif unit != "share" and "." in digits and len(digits.split(".")[1]) == 1:
        digits += "0"
    return _signed(digits) + sign


_GIVEN = 4
"""Significant digits that limits are set in; more come from reference windows."""


# ---------------------------------------------------------------------------- sentences


def counts_line(record: Record) -> str:
    """Return "2 of 31 rules fail, 3 cannot tell, 1 not tested"; a rule counts once, by its worst judgement."""
    counts = rule_counts(record)
    if not counts["rules"]:
        return "no rule was judged"
    total, failed = counts["rules"], counts["fail"]
    verb = "fails" if failed == 1 else "fail"
    parts = [f"{number(failed)} of {number(total)} {'rule' if total == 1 else 'rules'} {verb}"]
    more = (("warn", "warn"), ("cannot_tell", "cannot tell"), ("not_tested", "not tested"))
    parts += [f"{number(counts[key])} {words}" for key, words in more if counts[key]]
    return ", ".join(parts)


def rule_counts(record: Record) -> dict[str, int]:
    """Return how many rules there are and how many fail, warn, cannot tell and were not tested."""
    outcomes: dict[str, list[str]] = {}
    for j in record.verdict.judgements:
        outcomes.setdefault(j.rule, []).append(j.outcome)
    each = [worst(found) for found in outcomes.values()]
    untested = each.count("not_applicable") + each.count("error") + each.count("cancelled")
    counts = {key: each.count(key) for key in ("fail", "warn", "cannot_tell", "waived", "pass")}
    return {"rules": len(each), "not_tested": untested, **counts}


def verdict_word(record: Record) -> str:
    """Return the verdict's shape and word: "■ FAIL"."""
    outcome = record.verdict.outcome
    return f"{shape(outcome)} {outcome_word(outcome).upper()}"


def verdict_line(record: Record) -> str:
    """Return the audit's verdict in one line."""
    return f"{verdict_word(record)}: {counts_line(record)}"


def judgement_title(j: Judgement) -> str:
    """Return what was judged: "Selection rate, smallest over largest group · race"."""
    if not j.measure:
        return plain(j.rule)
    change = ", change from the reference" if j.operator.startswith("change ") else ""
    return " · ".join(part for part in (title_of(j) + change, scope_words(j)) if part)


def judgement_sentence(j: Judgement, unit: str = "") -> str:
    """Return one judgement as a sentence: what, value with interval, limit, outcome and its reason."""
    head = judgement_title(j)
    if j.value is not None:
        head += f": {value_words(j, unit, j.measure)}"
    limit = limit_words(j.operator, j.limit, unit)
    parts = [head, f"limit {limit}" if limit else "", outcome_word(j.outcome)]
    sentence = ", ".join(part for part in parts if part)
    return f"{sentence}: {plain(j.reason, 400)}" if j.reason else sentence


def finding_sentence(finding: Finding) -> str:
    """Return what a finding says in one sentence, before any rule is applied."""
    if finding.status is not Status.MEASURED:
        why = plain(finding.reason.rstrip("."), 400) if finding.reason else "no reason was recorded"
        return f"Not measured ({outcome_word(str(finding.status))}): {why}."
    if finding.check == "quality.profile":
        return f"{number(len({m.column for m in finding.measures if m.column}))} columns profiled."
    m = headline(finding)
    return measure_sentence(m) if m else "Measured, but no value is defined."


def measure_sentence(m: Measure) -> str:
    """Return one measure as a sentence."""
    about = " · ".join(part for part in (title_of(m), scope_words(m)) if part)
    size = f", n = {number(m.n)}" if m.n is not None else ""
    return f"{about}: {value_words(m, m.unit, m.name)}{size}{_no_difference(m)}."


def headline(finding: Finding) -> Measure | None:
    """Return the measure that speaks for the finding: the largest of its best-known kind, the smallest of a ratio."""
    defined = [m for m in finding.measures if m.value is not None and not m.window and not m.group]
    named = [[m for m in defined if m.name == name] for name in titles.HEADLINES.get(finding.check, ())]
    same = next((found for found in named if found), [m for m in defined if m.name == defined[0].name])
    if not same:
        return None
    sign = -1 if same[0].name.endswith("_ratio") else 1
    return max(same, key=lambda m: sign * abs(float(m.value or 0)))


def _no_difference(m: Measure) -> str:
    if m.low is None or m.high is None:
        return ""
    none = 1.0 if m.name.endswith("_ratio") else 0.0 if m.name.endswith("_difference") else None
    return " (no difference shown)" if none is not None and m.low <= none <= m.high else ""


def short_digest(digest: str) -> str:
    """Return the first eight hex digits of a digest in two groups: "8f3a c21d"."""
    digits = digest.rpartition(":")[2]
    return f"{digits[:4]} {digits[4:8]}"


def subject_title(record: Record) -> str:
    """Return the audit's title."""
    return plain(record.subject.get("title") or "Audit", 160)


def data_words(record: Record) -> str:
    """Return the names of current and reference data with their rows."""
    parts = []
    for key in ("current", "reference"):
        data = record.subject.get(key)
        if isinstance(data, dict):
            parts.append(_data_name(key, data))
    if len(parts) < 2:
        parts.append("no reference")
    return " · ".join([*parts, *where_words(record), *shared_words(record)])


def where_words(record: Record) -> list[str]:
    """Return the conditions that the audited rows meet: ["only rows where sex is F"], or [] for all rows."""
    conditions = [condition_words(c) for c in record.subject.get("where") or ()]
    return ["only rows where " + " and ".join(conditions)] if conditions else []


def condition_words(condition: Mapping[str, Any]) -> str:
    """Return a condition in words: "age at least 30"."""
    operator, value = str(condition.get("operator")), condition.get("value")
    told = ", ".join(_value_words(v) for v in (value if isinstance(value, list) else [value]))
    tail = "" if operator in ("missing", "present") else f" {told}"
    tail += " in the current data" if condition.get("data") == "current" else ""
    return f"{plain(condition.get('column'), 60)} {_CONDITIONS.get(operator, plain(operator, 20))}{tail}"


def _value_words(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    # A day's first instant is read as the day.
    return limit_number(value) if isinstance(value, int | float) else plain(value, 60).removesuffix("T00:00:00+00:00")


def shared_words(record: Record) -> list[str]:
    """Return that a record is a shareable derivative, of which and with what minimum; [] for any other."""
    about = record.subject.get(DISCLOSED)
    if not isinstance(about, Mapping):
        return []
    return [f"shareable: groups under {number(about.get('minimum'))} rows and what gives them away are withheld"]


def _data_name(key: str, data: dict[str, object]) -> str:
    rows = data.get("rows")
    size = f"{number(rows)} rows" if isinstance(rows, int) else "rows unknown"
    name = data.get("name")
    if not name or name == key:
        return f"{key} data, {size}"
    return f"{plain(name, 60)}, {size}" if key == "current" else f"reference {plain(name, 60)} ({size})"

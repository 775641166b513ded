"""Groups as plain data for the view: the tree, one rate of every group against a reference, intersections, mitigation.

No number of a group that is not told is in any of it, and none can be worked out from what is told elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from workbench.audit.against import LARGEST, OVERALL, Against, against, farthest, within
from workbench.audit.groups import WITHHELD, Groups
from workbench.core.finding import Measure
from workbench.core.rates import RATES, WITHOUT_TRUTH, GroupCounts, Grouping, compared, gap_measures, rate_measure
from workbench.report import words
from workbench.ui.drift_payload import ticks
from workbench.ui.strategies import strategies

MOST_GROUPS = 40
MOST_IN_TREE = 60
MOST_CELLS = 12
REQUESTS = ("optimize.mitigation", "optimize.frontier")


def page(groups: Groups) -> dict[str, Any]:
    """Return what does not move: the tree of groups, what can be chosen, and the strategies that were tried."""
    single = [label for label, columns in groups.columns.items() if len(columns) == 1]
    return {
        "tree": [_branch(groups, label) for label in single],
        "groupings": [
            {"key": label, "name": words.plain(label, 80), "columns": list(c), "moves": groups.moves(label)}
            for label, c in groups.columns.items()
        ],
        "rates": [{"key": r, "title": words.measure_title(r)} for r in _rates(groups)],
        "grid": [{"at": t, "shown": words.number(t)} for t in groups.thresholds],
        "audited": groups.audited,
        "strategies": strategies(groups.record),
        "requests": list(REQUESTS),
    }


def _rates(groups: Groups) -> list[str]:
    whole = groups.overall()
    return [r for r in RATES if r in WITHOUT_TRUTH or (whole is not None and whole.labelled)]


# ---------------------------------------------------------------------------- the tree


def _branch(groups: Groups, label: str) -> dict[str, Any]:
    grouping = groups.grouping(label)
    every = () if grouping is None else grouping.groups
    return {
        "key": label,
        "name": words.plain(label, 60),
        "groups": [{**_leaf(groups, g), "inner": _inner(groups, g)} for g in every[:MOST_IN_TREE]],
        "showing": f"showing {MOST_IN_TREE} of {len(every)} groups" if len(every) > MOST_IN_TREE else "",
    }


def _leaf(groups: Groups, g: GroupCounts) -> dict[str, Any]:
    why = groups.untold.get(g.label, "")
    n = "" if why else words.number(g.counts.rows)
    return {"group": g.label, "name": words.group_values(g.label), "suppressed": why, "n_shown": n}


def _inner(groups: Groups, g: GroupCounts) -> list[dict[str, Any]]:
    found = []
    for label, columns in groups.columns.items():
        if len(columns) != 2 or not g.label.startswith(tuple(f"{c}=" for c in columns)):
            continue
        grouping = groups.grouping(label)
        for inner in () if grouping is None else grouping.groups:
            parts = dict(zip(columns, inner.values, strict=True))
            own = words.group_parts(g.label)[0]
            if parts.get(own[0]) == own[1]:
                other = next(v for c, v in parts.items() if c != own[0])
                column = next(c for c in columns if c != own[0])
                found.append({**_leaf(groups, inner), "name": f"{words.plain(column, 40)} {_value(other)}"})
    return found[:MOST_IN_TREE]


def _value(value: str | None) -> str:
    return "missing" if value is None else words.plain(value, 40)


# ---------------------------------------------------------------------------- one rate, before and after


def rates(groups: Groups, question: Mapping[str, Any]) -> dict[str, Any]:
    """Return the groups of some columns against a reference, before and after a threshold was moved.

    The question holds `at` (a threshold), `rate`, `columns` (a grouping), `reference` ("largest", "overall" or a
    group) and `pair` (a grouping of two columns for the table of intersections); what it does not hold is chosen.
    """
    keys = list(groups.columns)
    if not keys:
        return {"empty": True}
    rate = _one_of(question.get("rate"), _rates(groups), "selection_rate")
    key = _one_of(question.get("columns"), keys, keys[0])
    pairs = [k for k, c in groups.columns.items() if len(c) == 2]
    at = question.get("at")
    threshold = groups.nearest(float(at) if isinstance(at, int | float) else None)
    wanted = str(question.get("reference") or LARGEST)
    pair = _one_of(question.get("pair"), pairs, pairs[0]) if pairs else ""
    return {
        "rate": rate,
        "columns": key,
        "threshold": threshold,
        "threshold_shown": words.number(threshold),
        "audited": threshold == groups.audited,
        "moves": groups.moves(key),
        **_forest(groups, key, rate, wanted, threshold),
        "pair": pair,
        "heat": _heat(groups, pair, rate, wanted) if pair else None,
    }


def _one_of(wanted: object, known: Sequence[str], default: str) -> str:
    return str(wanted) if wanted in known else default


def _forest(groups: Groups, key: str, rate: str, wanted: str, threshold: float | None) -> dict[str, Any]:
    before = groups.grouping(key)
    after = groups.grouping(key, threshold)
    if before is None or after is None:
        return {"groups": [], "total": 0}
    held, now = against(before, rate, wanted, groups.level), against(after, rate, wanted, groups.level)
    limit = _limit(groups, rate, key)
    shown = before.groups[:MOST_GROUPS] if held is None else farthest(held, before, rate, MOST_GROUPS)
    later = {g.label: g for g in after.groups}
    hidden = groups.hidden(threshold if groups.moves(key) else None)
    rows = [_row(g, later[g.label], rate, (held, now), limit, groups, hidden) for g in shown if g.label in later]
    return {
        "groups": rows,
        "total": len(before.groups),
        "showing": _showing(len(rows), len(before.groups)),
        "references": _references(groups, before, rate),
        "reference": _reference_key(now or held),
        "reference_words": _reference_words(now, rate, groups),
        "rules": _rules(now, after, rate, limit, groups),
        "method": ""
        if now is None
        else f"{now.method}. Rates: Wilson. Largest difference: Newcombe at Tukey's quantile.",
        "gaps": _gaps(before, after, rate, limit, groups.level),
        "limit": "" if limit is None else f"limit {_points(limit)}",
        "scale": {"low": 0.0, "high": 1.0, "ticks": ticks(0.0, 1.0, "share", 5)},
        "sentence": _sentence(after, rate, key, groups, threshold),
    }


def _showing(n: int, total: int) -> str:
    return (
        f"showing {n} of {total} groups: those farthest from the reference at the audit's threshold"
        if n < total
        else ""
    )


def _row(
    g: GroupCounts,
    later: GroupCounts,
    rate: str,
    held: tuple[Against | None, Against | None],
    limit: float | None,
    groups: Groups,
    hidden: Mapping[str, str],
) -> dict[str, Any]:
    head = {"group": g.label, "label": words.group_values(g.label), "missing": None in g.values}
    why = groups.untold.get(g.label, "")
    if why:
        return {**head, "suppressed": why, "before": None, "after": None}
    now = held[1]
    pair = now.pairs.get(g.label) if now is not None else None
    later_why = hidden.get(g.label, "")
    is_reference = now is not None and now.reference is not None and now.reference.label == g.label
    return {
        **head,
        "suppressed": "",
        "withheld": later_why,
        "rows": words.number(g.counts.rows),
        "before": _rate(rate, g, groups.level),
        "after": None if later_why else _rate(rate, later, groups.level),
        "is_reference": is_reference,
        "difference": None if pair is None or later_why or is_reference else _measure(pair[0]),
        "ratio": None if pair is None or later_why or is_reference else _measure(pair[1]),
        **(
            _outcome(within(pair[0], limit))
            if pair and limit is not None and not is_reference and not later_why
            else _NO_WORD
        ),
    }


_NO_WORD = {"outcome": "", "word": "", "shape": ""}
_WORDS = {"pass": "within the limit", "fail": "beyond the limit", "cannot_tell": "cannot tell"}


def _outcome(outcome: str) -> dict[str, str]:
    return {"outcome": outcome, "word": _WORDS[outcome], "shape": words.shape(outcome)}


def _rate(rate: str, g: GroupCounts, level: float) -> dict[str, Any]:
    return _measure(rate_measure(rate, g.counts, level))


def _measure(m: Measure) -> dict[str, Any]:
    if m.value is None:
        why = words.plain(m.undefined_because, 120)
        return {
            "value": None,
            "low": None,
            "high": None,
            "shown": "undefined",
            "why": why,
            "n_shown": words.number(m.n),
        }
    high = None if m.high is None or m.high == float("inf") else m.high
    ends = {"low": m.low, "high": high}
    shown = words.value_words(Measure(m.name, m.value, n=m.n, unit=m.unit, low=m.low, high=high), m.unit, m.name)
    return {"value": m.value, **ends, "shown": shown, "why": "", "n_shown": words.number(m.n)}


def _references(groups: Groups, grouping: Grouping, rate: str) -> list[dict[str, str]]:
    named = [{"key": g.label, "name": words.group_words(g.label)} for g, _ in compared(grouping, rate)]
    return [
        {"key": LARGEST, "name": "the largest group"},
        {"key": OVERALL, "name": "all rows"},
        *named[:MOST_IN_TREE],
    ]


def _reference_key(found: Against | None) -> str:
    return "" if found is None else OVERALL if found.reference is None else found.reference.label


def _reference_words(found: Against | None, rate: str, groups: Groups) -> str:
    if found is None:
        return "fewer than two groups can be compared"
    name = "all rows" if found.reference is None else words.group_words(found.reference.label)
    return f"{name}: {words.value_words(found.rate, 'share')}, n {words.number(found.rate.n)}"


def _rules(
    found: Against | None, grouping: Grouping, rate: str, limit: float | None, groups: Groups
) -> list[dict[str, Any]]:
    whole = rate_measure(rate, grouping.overall, groups.level)
    rules = []
    if whole.value is not None:
        rules.append({"at": whole.value, "kind": "overall", "label": f"all rows {words.number(whole.value, 'share')}"})
    if found is None or found.rate.value is None:
        return rules
    at = float(found.rate.value)
    if found.reference is not None:
        name = words.group_values(found.reference.label)
        rules.append({"at": at, "kind": "reference", "label": f"reference {name} {words.number(at, 'share')}"})
    ends = () if limit is None else (at - limit, at + limit)
    told = [{"at": v, "kind": "limit", "label": f"limit {words.number(v, 'share')}"} for v in ends if 0 <= v <= 1]
    return rules + told


def _limit(groups: Groups, rate: str, column: str) -> float | None:
    """Return the policy's limit on the difference of a rate between groups, or None when it has none."""
    name = f"{rate}_difference"
    for j in groups.record.verdict.judgements:
        if (j.measure, j.column, j.group) == (name, column, "") and j.limit is not None and "<" in j.operator:
            return float(j.limit)
    return None


def _points(limit: float) -> str:
    return f"{words.limit_number(100 * limit)} percentage points"


def _gaps(before: Grouping, after: Grouping, rate: str, limit: float | None, level: float) -> list[dict[str, Any]]:
    found = []
    sides = [gap_measures(rate, g.column, [f for _, f in compared(g, rate)], level) for g in (before, after)]
    for was, now in zip(*sides, strict=True):
        told = (
            f"at most {words.limit_number(limit, 'share')}"
            if limit is not None and now.name.endswith("_difference")
            else ""
        )
        found.append(
            {"title": words.measure_title(now.name), "before": _measure(was), "after": _measure(now), "limit": told}
        )
    return found


def _sentence(grouping: Grouping, rate: str, key: str, groups: Groups, threshold: float | None) -> str:
    usable = sorted(compared(grouping, rate), key=lambda pair: pair[1][0] / pair[1][1])
    where = f" at threshold {words.number(threshold)}" if groups.moves(key) and threshold is not None else ""
    head = f"{words.measure_title(rate)} by {words.plain(key, 60)}{where}"
    if len(usable) < 2:
        return f"{head}: fewer than two groups can be compared."
    ends = [
        f"{words.number(x / n, 'share')} ({words.group_values(g.label)}, n {words.number(n)})"
        for g, (x, n) in (usable[0], usable[-1])
    ]
    x, n = RATES[rate][0](grouping.overall), RATES[rate][1](grouping.overall)
    return f"{head}: from {ends[0]} to {ends[1]}; all rows {words.number(x / n if n else None, 'share')}."


# ---------------------------------------------------------------------------- intersections


def _heat(groups: Groups, key: str, rate: str, wanted: str) -> dict[str, Any] | None:
    """Return two columns' groups as rows and columns of cells, at the audit's threshold."""
    grouping = groups.grouping(key)
    if grouping is None:
        return None
    held, limit = against(grouping, rate, wanted, groups.level), _limit(groups, rate, key)
    names = [list(dict.fromkeys(g.values[i] for g in grouping.groups)) for i in (0, 1)]
    by_values = {g.values: g for g in grouping.groups}
    rows, heads = (side[:MOST_CELLS] for side in names)
    return {
        "title": f"{words.measure_title(rate)} by {words.plain(key, 80)}",
        "row_name": words.plain(grouping.columns[0], 40),
        "column_name": words.plain(grouping.columns[1], 40),
        "heads": [_value(v) for v in heads],
        "rows": [
            {"name": _value(v), "cells": [_cell(by_values.get((v, w)), rate, held, limit, groups) for w in heads]}
            for v in rows
        ],
        "limit": "" if limit is None else _points(limit),
        "reference": _reference_words(held, rate, groups),
        "showing": _left_out(names),
    }


def _left_out(names: Sequence[Sequence[str | None]]) -> str:
    total, told = len(names[0]) * len(names[1]), min(MOST_CELLS, len(names[0])) * min(MOST_CELLS, len(names[1]))
    return f"showing {told} of {total} cells; the others are in the forest when both are chosen" if told < total else ""


def _cell(
    g: GroupCounts | None, rate: str, held: Against | None, limit: float | None, groups: Groups
) -> dict[str, Any]:
    if g is None:
        return {"kind": "none", "shown": "no rows"}
    if why := groups.untold.get(g.label):
        return {"kind": "suppressed", "shown": why, "label": words.group_words(g.label)}
    m = _rate(rate, g, groups.level)
    pair = held.pairs.get(g.label) if held is not None else None
    itself = held is not None and held.reference is not None and held.reference.label == g.label
    outcome = _outcome(within(pair[0], limit)) if pair and limit is not None and not itself else _NO_WORD
    told = {**_NO_WORD, "word": "the reference"} if itself else outcome
    difference = "" if pair is None or itself else _measure(pair[0])["shown"]
    return {
        "kind": "told",
        "group": g.label,
        "label": words.group_words(g.label),
        **m,
        "difference": difference,
        **told,
    }


__all__ = ["WITHHELD", "page", "rates"]

"""What an audit proposes before it is run: its checks by family with about what they cost, and what is ruled out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from workbench.audit.estimate import (
    STARTING,
    Cost,
    Missing,
    about,
    columns_of,
    cost_of,
    outlook,
    reading,
    rows_of_sides,
    sides,
    speed,
)
from workbench.core.errors import thousands
from workbench.report import words

if TYPE_CHECKING:
    from workbench.audit.estimate import Outlook
    from workbench.audit.run import Prepared
    from workbench.core.check import Check
    from workbench.ui.edits import Edits

UNKNOWN = "not known yet"
_THINGS: Mapping[str, tuple[str, str, str]] = {
    "target": ("No target", "errors, calibration and leakage into features are not measured", 'target="…"'),
    "prediction": (
        "No prediction",
        "how good the model is and whom it chooses are not measured",
        'prediction="…", score="…" or model=…',
    ),
    "score": (
        "No score",
        "ranking, calibration and other thresholds are not measured",
        'score="…", or a model that scores',
    ),
    "sensitive": ("No sensitive column", "differences between groups of people are not measured", 'sensitive=["…"]'),
    "reference": ("No reference", "drift, and leakage from the reference, are not measured", "reference=…"),
    "model": ("No model", "what the model rests on, and how it takes changed inputs, are not measured", "model=…"),
    "windows": (
        "No windows",
        "changes over time are not measured",
        'windows={"rows": 5000}, or {"by": "month"}',
    ),
    "challenger": ("No second model", "whether another model does better is not measured", "challenger=…"),
    "contract": ("No contract", "the data is not held to what was agreed", "contract=…"),
}
"""Thing -> that it is not there, what is not measured for it, how it is given."""
_LATE = ("No target in the current data", "nothing is held against the truth until labels come", "labels=…")
_TASKS = {"binary": "binary outcome", "multiclass": "several classes", "regression": "predicted numbers"}
HOW = (
    "Nothing was run for this. The rows are those that files and frames tell of themselves, a check's work is reckoned "
    "from what it needs, and the times from counting a few rows a moment ago: right within about three times for a "
    "whole audit, much less for a single check; the total holds what starting a process takes. How long a model takes "
    "to predict is not tried before you say Run. A check may still find nothing to measure, such as no text to "
    "compare; it then says so."
)


class Proposals:
    """What is proposed of an audit as it is edited; how fast this computer counts is learnt once, and when asked."""

    def __init__(self) -> None:
        self._speed: tuple[float | None] | None = None

    def of(self, edits: Edits | None) -> dict[str, Any] | None:
        """Return the proposal of the checks that are chosen, or None where nothing can be run."""
        if edits is None:
            return None
        if self._speed is None:
            self._speed = (speed(edits.audit.prepared),)
        return proposal(edits.chosen.prepared, *self._speed)


def proposal(prepared: Prepared, rate: float | None) -> dict[str, Any]:
    """Return the plan by family with its cost, the total first, what is ruled out; `rate`: cells counted a second."""
    found = outlook(prepared)
    costs = {check.id: cost_of(check, prepared) for check in found.planned}
    read = reading(prepared)
    return {
        "line": _line(found, len(prepared.checks), costs.values(), read, rate),
        "task": _TASKS[prepared.current.roles.kind_of_task],
        "sizes": sizes(prepared),
        "families": [_reading(prepared, read, rate), *_families(found.planned, costs, rate)],
        "missing": [_missing(m, prepared) for m in found.missing],
        "others": _others(found, prepared),
        "how": HOW,
    }


def lines(prepared: Prepared) -> list[str]:
    """Return the same in lines of text, without times: what is read, and what is ruled out."""
    found = outlook(prepared)
    read = _reading(prepared, reading(prepared), None)
    asked = f"; {read['predictions']} predictions" if read["predictions"] else ""
    ruled = (_missing(m, prepared) for m in found.missing)
    return [
        f"a run reads {read['work']}{asked}",
        *(f"{r['what']}: {r['rules_out']} ({r['n']}); give {r['give']}" for r in ruled),
    ]


def sizes(prepared: Prepared) -> list[str]:
    """Return rows, columns and engine of each data set in words."""
    return [
        f"{side.name} {_rows(side.frame.size)} × {thousands(len(side.frame.names))} columns from {side.frame.engine}"
        for side in sides(prepared)
    ]


def _rows(size: int | None) -> str:
    return "rows not counted yet" if size is None else f"{words.number(size)} row{'' if size == 1 else 's'}"


def _line(found: Outlook, chosen: int, costs: Iterable[Cost], read: Cost | None, rate: float | None) -> str:
    among = f" of {words.number(chosen)} can be made" if chosen > len(found.planned) else ""
    every = [*costs, *([read] if read is not None else [])]
    asked = sum(cost.predictions for cost in every)
    time = UNKNOWN if rate is None else about(STARTING + sum(cost.cells for cost in every) / rate)
    if read is None and rate is not None:
        time += " besides reading, for rows that are not counted yet"
    predictions = f", and {_approximately(asked)} predictions of the model, which are not timed" if asked else ""
    return f"{_checks(len(found.planned))}{among}: {time}{predictions}"


def _reading(prepared: Prepared, read: Cost | None, rate: float | None) -> dict[str, Any]:
    rows = rows_of_sides(prepared)
    work = f"{_rows(rows)} × {thousands(columns_of(prepared))} columns, once"
    line = {"title": "Reading and counting", "n": "", "work": work, "checks": []}
    if read is None:
        return {**line, "predictions": "one each row" if _asks(prepared) else "", "time": UNKNOWN}
    return {**line, "predictions": _asked(read.predictions), "time": _time(read.cells, rate)}


def _asks(prepared: Prepared) -> bool:
    return prepared.model is not None and prepared.current.roles.score is None


def _families(checks: Iterable[Check], costs: Mapping[str, Cost], rate: float | None) -> list[dict[str, Any]]:
    by_family: dict[str, list[Check]] = {}
    for check in checks:
        by_family.setdefault(check.family, []).append(check)
    return [
        {
            "title": words.plain(family, 40).capitalize(),
            "n": words.number(len(own)),
            "work": _work(own, costs),
            "predictions": _asked(sum(costs[c.id].predictions for c in own)),
            "time": _time(sum(costs[c.id].cells for c in own), rate),
            "checks": [{"title": c.title, "code": c.code, "work": _work([c], costs)} for c in own],
        }
        for family, own in sorted(by_family.items())
    ]


def _work(checks: list[Check], costs: Mapping[str, Cost]) -> str:
    sampled = sum(costs[c.id].sampled > 0 for c in checks)
    if not sampled:
        return "what was counted"
    return "sampled rows" if sampled == len(checks) else f"what was counted; {sampled} on sampled rows"


def _missing(missing: Missing, prepared: Prepared) -> dict[str, Any]:
    what, rules_out, give = _THINGS[missing.thing]
    target = prepared.current.roles.target
    if missing.thing == "target" and target is not None:
        what, rules_out, give = _LATE
    if missing.thing == "windows" and prepared.current.roles.time is None:
        give += ' with time="…"'
    asked = sum(check.on_request for check in missing.checks)
    every = asked == len(missing.checks)
    return {
        "thing": missing.thing,
        "what": what,
        "rules_out": rules_out,
        "n": _checks(len(missing.checks)) + (f", {'all' if every else f'{asked} of them'} on request" if asked else ""),
        "give": give,
        "checks": [{"title": c.title, "code": c.code, "also": _also(c, missing)} for c in missing.checks],
    }


def _also(check: Check, missing: Missing) -> str:
    more = [_THINGS[thing][0].removeprefix("No ") for thing in missing.also.get(check.id, ())]
    return " and ".join(
        [*([f"also without {' and '.join(more)}"] if more else []), *(["on request"] * check.on_request)]
    )


def _others(found: Outlook, prepared: Prepared) -> list[dict[str, Any]]:
    task = _TASKS[prepared.current.roles.kind_of_task]
    named = (
        (f"For other tasks than this one ({task})", found.other_task),
        ("Only on request: name them in checks=…, or ask on their page after a run", found.on_request),
        ("Left out of this plan", found.left_out),
    )
    return [
        {"what": what, "n": _checks(len(checks)), "checks": [{"title": c.title, "code": c.code} for c in checks]}
        for what, checks in named
        if checks
    ]


def _checks(n: int) -> str:
    return f"{words.number(n)} check{'' if n == 1 else 's'}"


def _time(cells: float, rate: float | None) -> str:
    return UNKNOWN if rate is None else about(cells / rate)


def _asked(n: int) -> str:
    return _approximately(n) if n else ""


def _approximately(n: int) -> str:
    """Return a number with two digits that count."""
    size = max(0, len(str(n)) - 2)
    return f"about {words.number(round(n, -size))}"

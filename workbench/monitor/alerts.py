"""Alerts: what a rule's outcomes over the windows amount to; a fold, so that running it twice changes nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from workbench.audit.record import Record
from workbench.core.online import lord_levels

_WORST = ("fail", "warn", "error", "cannot_tell", "pass", "waived", "not_applicable")
_BAD = ("fail", "warn")
_GOOD = ("pass", "waived")
MOST_CAUSES = 5


@dataclass(frozen=True, slots=True)
class Alert:
    """One rule that failed: `since` the first failing window, `opened` the one that opened it, `last` the last."""

    rule: str
    since: str
    opened: str
    last: str
    windows: int
    severity: str
    resolved: str = ""

    def key(self, monitor: str) -> str:
        """Return the alert's identity; receivers fold repeats by it."""
        return hashlib.sha256("\0".join((monitor, self.rule, self.opened)).encode()).hexdigest()[:32]


def outcomes(record: Record, level: float | None = None) -> dict[str, str]:
    """Return the worst outcome of each rule of a record; a test that does not reject at `level` cannot tell."""
    found: dict[str, str] = {}
    for j in record.verdict.judgements:
        unsure = level is not None and j.adjusted_p_value is not None and j.adjusted_p_value > level
        outcome = "cannot_tell" if unsure and j.outcome in _BAD else j.outcome
        before = found.get(j.rule)
        found[j.rule] = outcome if before is None else min(before, outcome, key=_WORST.index)
    return found


def confirming_levels(records: Sequence[Record]) -> list[float]:
    """Return the level at which each window's tests count, so that over all windows the false discovery rate holds.

    A window's p-value is the smallest after Benjamini and Hochberg's correction (Simes 1986); levels by LORD++.
    """
    tested = [[j.adjusted_p_value for j in r.verdict.judgements if j.adjusted_p_value is not None] for r in records]
    rates = [float(r.policy.get("false_discovery_rate", 0.05)) for r in records]
    return lord_levels([min(p, default=1.0) for p in tested], rates[-1]) if records else []


def alerts(history: Iterable[tuple[str, Mapping[str, str]]], *, after: int = 1, resolve_after: int = 1) -> list[Alert]:
    """Return every alert of a history of (window, outcome by rule), in the order in which they opened.

    `after` failing windows in a row open an alert, `resolve_after` passing ones resolve it. A window that cannot tell
    is neither: it breaks no row and resolves nothing.
    """
    by_rule: dict[str, list[tuple[str, str]]] = {}
    order: dict[str, int] = {}
    for window, found in history:
        order[window] = len(order)
        for rule, outcome in found.items():
            by_rule.setdefault(rule, []).append((window, outcome))
    every = [a for rule, steps in by_rule.items() for a in _of_rule(rule, steps, after, resolve_after)]
    return sorted(every, key=lambda a: (order[a.opened], a.rule))


def _of_rule(rule: str, steps: Sequence[tuple[str, str]], after: int, resolve_after: int) -> Iterator[Alert]:
    alert: Alert | None = None
    failing: list[tuple[str, str]] = []
    passing = 0
    for window, outcome in steps:
        if outcome in _BAD:
            failing.append((window, outcome))
            passing = 0
            alert = _raised(rule, failing, alert, after)
        elif outcome in _GOOD:
            passing += 1
            failing = []
            if alert is not None and passing >= resolve_after:
                yield replace(alert, resolved=window)
                alert = None
    if alert is not None:
        yield alert


def _raised(rule: str, failing: Sequence[tuple[str, str]], alert: Alert | None, after: int) -> Alert | None:
    window, outcome = failing[-1]
    if alert is not None:
        severity = min(alert.severity, outcome, key=_WORST.index)
        return replace(alert, last=window, windows=alert.windows + 1, severity=severity)
    if len(failing) < after:
        return None
    worst = min((o for _, o in failing), key=_WORST.index)
    return Alert(rule, failing[0][0], window, window, len(failing), worst)


def message(alert: Alert, monitor: str, event: str, record: Record | None) -> dict[str, Any]:
    """Return what is sent of an alert: plain data without rows, and without groups under the minimum."""
    causes = [] if record is None else _causes(record, alert.rule)
    first = causes[0] if causes else {}
    title = "" if record is None else str(record.subject.get("title", ""))
    return {
        "event": event,
        "alert": alert.key(monitor),
        "title": title,
        "rule": alert.rule,
        "severity": alert.severity,
        "since": alert.since,
        "window": alert.resolved or alert.last,
        "windows": alert.windows,
        "causes": causes,
        "requirement": first.get("requirement", ""),
        "owner": first.get("owner", ""),
        "record": "" if record is None else record.digest,
        "text": sentence(alert, event, title, causes),
    }


def _causes(record: Record, rule: str) -> list[dict[str, Any]]:
    small = record.small_groups
    found = [j for j in record.verdict.judgements if j.rule == rule and j.outcome in _BAD and j.group not in small]
    found.sort(key=lambda j: (_WORST.index(j.outcome), j.p_value if j.p_value is not None else 1.0))
    return [j.to_dict() for j in found[:MOST_CAUSES]]


def sentence(alert: Alert, event: str, title: str, causes: Sequence[Mapping[str, Any]]) -> str:
    """Return an alert as one sentence for people."""
    head = f"{title}: rule {alert.rule}"
    if event == "resolved":
        return f"{head} is within its limit again in window {alert.resolved or alert.last}."
    since = f" since {alert.since}" if alert.since != alert.last else ""
    because = "; ".join(_cause(c) for c in causes[:3])
    return f"{head} {'fails' if alert.severity == 'fail' else 'warns'} in window {alert.last}{since}: {because}."


def _cause(cause: Mapping[str, Any]) -> str:
    place = " ".join(str(cause[k]) for k in ("column", "group") if cause.get(k))
    value = "undefined" if cause.get("value") is None else f"{cause['value']:.4g}"
    ends = [cause.get("low"), cause.get("high")]
    between = (
        f" [{', '.join('unbounded' if e is None else f'{e:.4g}' for e in ends)}]"
        if any(e is not None for e in ends)
        else ""
    )
    limit = "" if cause.get("limit") is None else f", limit {cause.get('operator', '')} {cause['limit']:g}"
    return f"{cause.get('measure', '')} {place} {value}{between}{limit}".replace("  ", " ")

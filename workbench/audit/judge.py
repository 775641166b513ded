"""Judging: measures against rules, with error control over the whole audit (STATISTICS section 2)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from fnmatch import fnmatchcase
from typing import Any

from workbench.audit.learnt import LEAST_WINDOWS, Limits, learn, reference_values
from workbench.audit.policy import Learnt, Policy, Relative, Rule
from workbench.audit.record import Judgement, Verdict
from workbench.core import distances, extremes, intervals
from workbench.core.finding import Finding, Measure, Status
from workbench.core.intervals import Interval

_GAPS = ("_difference", "_ratio")


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """One rule on one measure: the value and interval judged (of the change, for relative rules) and its finding."""

    rule: Rule
    measure: Measure
    finding: Finding
    value: float
    interval: Interval | None
    relative: bool = False
    learnt: Limits | None = None

    @property
    def ends(self) -> tuple[float, float]:
        """Return the permitted range."""
        limit = self.rule.limit
        if self.learnt is not None:
            return self.learnt.low, self.learnt.high
        if isinstance(limit, tuple):
            return limit
        number = _number(limit)
        return (-math.inf, number) if self.rule.operator in ("<=", "<") else (number, math.inf)


def judge(findings: Sequence[Finding], policy: Policy, today: date) -> Verdict:
    """Return the verdict: each rule on each measure it selects, then the audit's outcome and its gaps."""
    small = _small(findings, policy.minimum_group_size)
    answered: list[Judgement] = []
    hypotheses: list[Hypothesis] = []
    for rule in policy.rules:
        for item in _selected(rule, findings, small, policy):
            if isinstance(item, Hypothesis):
                hypotheses.append(item)
            else:
                answered.append(item)
    answered += _decided(hypotheses, policy)
    order = {rule.id: i for i, rule in enumerate(policy.rules)}
    answered.sort(key=lambda j: (order[j.rule], j.check, j.column, j.group, j.measure))
    waived = [_waived(j, policy, today) for j in answered]
    return verdict_of(waived, findings, any_rules=bool(policy.rules))


def _small(findings: Sequence[Finding], minimum: int) -> frozenset[str]:
    counts = (m for f in findings for m in f.measures if m.name == "count" and m.group)
    return frozenset(m.group for m in counts if (m.value or 0) < minimum)


def _selected(
    rule: Rule, findings: Sequence[Finding], small: frozenset[str], policy: Policy
) -> Iterator[Judgement | Hypothesis]:
    found = hidden = 0
    matching = [f for f in findings if fnmatchcase(f.check, rule.check) or f.code == rule.check]
    for finding in matching:
        for measure in finding.measures:
            if not _matches(rule, measure):
                continue
            found += 1
            if measure.group in small:
                hidden += 1
                continue
            yield _hypothesis(rule, measure, finding, policy)
    if hidden:
        yield _answer(rule, "cannot_tell", f"{hidden} measures are of groups under {policy.minimum_group_size} rows")
    if not found:
        yield _unanswered(rule, matching)


def _matches(rule: Rule, m: Measure) -> bool:
    if m.window.startswith("reference") and rule.window.startswith("*"):
        return False  # what the reference holds is what others are judged against
    wanted = ((rule.measure, m.name), (rule.column, m.column), (rule.group, m.group))
    more = ((rule.window, m.window), (rule.where, m.where))
    return all(value == pattern or (pattern and fnmatchcase(value, pattern)) for pattern, value in (*wanted, *more))


def _unanswered(rule: Rule, findings: Sequence[Finding]) -> Judgement:
    if not findings:
        return _answer(rule, "not_applicable", "the check was not part of the plan")
    for status, outcome in (
        (Status.ERROR, "error"),
        (Status.CANCELLED, "not_applicable"),
        (Status.NOT_APPLICABLE, "not_applicable"),
    ):
        for finding in findings:
            if finding.status is status:
                return replace(_answer(rule, outcome, f"{finding.check}: {finding.reason}"), check=finding.check)
    return _answer(rule, "not_applicable", "no measure has this name, column and group")


def _hypothesis(rule: Rule, measure: Measure, finding: Finding, policy: Policy) -> Judgement | Hypothesis:
    about = _about(_answer(rule, "cannot_tell", ""), finding, measure)
    if measure.value is None:
        return replace(about, reason=f"undefined: {measure.undefined_because}")
    interval = _interval(measure)
    if isinstance(rule.limit, Learnt):
        limits = learn(reference_values(finding, measure), rule.limit, rule.operator, policy.level)
        if limits is None:
            why = f"under {LEAST_WINDOWS} windows of the reference have this measure: nothing to learn a limit from"
            return replace(about, reason=why)
        return Hypothesis(rule, measure, finding, measure.value, interval, learnt=limits)
    if not isinstance(rule.limit, Relative):
        return Hypothesis(rule, measure, finding, measure.value, interval)
    twin = _sibling(finding, measure.name, measure, window="reference")
    if twin is None or twin.value is None:
        return replace(about, outcome="not_applicable", reason="the reference has no such measure")
    other, change = _interval(twin), float(measure.value) - float(twin.value)
    both = interval is not None and other is not None
    between = intervals.mover_difference(measure.value, interval, twin.value, other) if both else None  # type: ignore[arg-type]
    return Hypothesis(rule, measure, finding, change, between, relative=True)


def _interval(m: Measure) -> Interval | None:
    if m.low is None and m.high is None:
        return None
    return Interval(-math.inf if m.low is None else m.low, math.inf if m.high is None else m.high, m.method)


def _sibling(finding: Finding, name: str, like: Measure, window: str = "") -> Measure | None:
    return finding.measure(name, like, window)


def _decided(hypotheses: Sequence[Hypothesis], policy: Policy) -> list[Judgement]:
    tested = [h for h in hypotheses if h.rule.basis == "interval" and (h.interval is not None or h.learnt is not None)]
    family = [h for h in tested if h.learnt is None or h.learnt.freedom]
    p_values = [_p_value(h, policy.level) for h in family]
    rejected, adjusted = intervals.benjamini_hochberg(p_values, policy.false_discovery_rate)
    alpha = policy.false_discovery_rate / max(1, len(family))
    found = [
        _by_interval(h, *t, policy, alpha)
        for h, t in zip(family, zip(p_values, adjusted, rejected, strict=True), strict=True)
    ]
    for h in hypotheses:
        if h.rule.basis == "point" or (h.learnt is not None and not h.learnt.freedom):
            found.append(_by_point(h))
        elif h.learnt is not None:
            continue
        elif h.interval is None:
            why = "the measure has no interval: give the rule `basis: point` to judge the value alone"
            found.append(replace(_judgement(h), outcome="cannot_tell", reason=why))
    return found


def _by_point(h: Hypothesis) -> Judgement:
    low, high = h.ends
    strict = h.rule.operator in ("<", ">")
    inside = low < h.value < high if strict else low <= h.value <= high
    reason = "within the limit" if inside else "beyond the limit"
    outcome = "pass" if inside else h.rule.severity
    return replace(_judgement(h), outcome=outcome, reason=f"{reason} (sampling error ignored)")


def _by_interval(h: Hypothesis, p: float, adjusted: float, reject: bool, policy: Policy, alpha: float) -> Judgement:
    low, high = h.ends
    j = replace(_judgement(h), p_value=float(f"{p:.6g}"), adjusted_p_value=float(f"{adjusted:.6g}"))
    if reject:
        return replace(j, outcome=h.rule.severity, reason="beyond the limit by more than sampling error explains")
    if h.learnt is not None and low <= h.value <= high:
        return replace(j, outcome="pass", reason="within what the windows of the reference let one expect")
    if h.learnt is None and h.interval is not None and low <= h.interval.low and h.interval.high <= high:
        excluded = _excluded(h)
        if not excluded:
            return replace(j, outcome="pass", reason="the whole interval is within the limit")
        why = f"within the limit, but {excluded} groups with rows could not be compared"
        return replace(j, outcome="cannot_tell", reason=why)
    least = _minimum_detectable(h, policy, alpha)
    why = "the interval reaches across the limit"
    if h.learnt is not None:
        why = "beyond the limit of one window, but not beyond what this many windows and columns let one expect"
    return replace(j, outcome="cannot_tell", reason=why, minimum_detectable=least)


def _excluded(h: Hypothesis) -> int:
    base = next((h.measure.name.removesuffix(s) for s in _GAPS if h.measure.name.endswith(s)), None)
    if base is None or h.measure.group:
        return 0
    names = ("excluded_groups", f"{base}_excluded_groups")
    siblings = (_sibling(h.finding, name, h.measure, h.measure.window) for name in names)
    return int(sum(s.value or 0 for s in siblings if s is not None))


def _p_value(h: Hypothesis, level: float) -> float:
    if h.learnt is not None:
        p = h.learnt.p_value(h.value, h.rule.operator)
        return 1.0 if p is None else p
    low, high = h.ends
    sides = [(limit, side) for limit, side in ((high, "above"), (low, "below")) if math.isfinite(limit)]
    # Leaving a range on either side is two hypotheses.
    return min(1.0, len(sides) * min(_one_sided(h, limit, side, level) for limit, side in sides))


def _one_sided(h: Hypothesis, limit: float, side: str, level: float) -> float:
    m, interval = h.measure, h.interval
    if interval is None:
        return 1.0
    if not h.relative and interval.method == "wilson" and m.n:
        return intervals.wilson_p_value(round(h.value * m.n), m.n, limit, side)
    if not h.relative and side == "above" and interval.method == "kolmogorov band":
        other = _sibling(h.finding, f"{m.name}_reference_n", m)
        if other is not None and other.value and m.n:
            return distances.ks_p_value(h.value, m.n, int(other.value), limit)
    if not h.relative and side == "above" and interval.method == "noncentral chi-square":
        dof = _sibling(h.finding, "chi_square_degrees_of_freedom", m)
        other = _sibling(h.finding, f"{m.name}_reference_n", m)
        if dof is not None and dof.value and other is not None and m.n:
            return distances.cramers_v_p_value(h.value, m.n + int(other.value or 0), int(dof.value), limit)
    if not h.relative and interval.method == extremes.METHOD and m.n:
        other = _sibling(h.finding, f"{m.name}_reference_n", m)
        if other is not None and other.value:
            outside = round((h.value + 2 / (other.value + 1)) * m.n)
            return extremes.outside_p_value(outside, m.n, int(other.value), limit, side)
    return intervals.side_p_value(h.value, interval, limit, side, level)


def _minimum_detectable(h: Hypothesis, policy: Policy, alpha: float) -> float | None:
    low, high = h.ends
    if h.learnt is not None:
        return float(f"{h.learnt.reach(alpha, 0.8, h.rule.operator):.6g}")
    limit, side = (high, "above") if math.isfinite(high) else (low, "below")
    if h.interval is None:
        return None
    if not h.relative and h.interval.method == "wilson" and h.measure.n:
        return intervals.minimum_detectable_rate(h.measure.n, limit, side, alpha)
    half = h.value - h.interval.low if side == "above" else h.interval.high - h.value
    if not math.isfinite(half) or half <= 0:
        return None
    found = intervals.minimum_detectable(half / intervals.normal_quantile(policy.level), limit, side, alpha)
    if h.measure.unit == "share" and abs(found) > 1:
        return None  # no share is that large: at this size nothing would be found
    return float(f"{found:.6g}")


def _answer(rule: Rule, outcome: str, reason: str) -> Judgement:
    return Judgement(
        rule=rule.id,
        outcome=outcome,
        reason=reason,
        measure=rule.measure,
        operator=_operator(rule),
        limit=None if isinstance(rule.limit, Learnt) else _number(rule.limit),
        lower_limit=rule.limit[0] if isinstance(rule.limit, tuple) else None,
        severity=rule.severity,
        required=rule.required,
        basis=rule.basis,
        why=rule.reason,
        requirement=rule.requirement,
        owner=rule.owner,
    )


def _number(limit: float | Relative | Learnt | tuple[float, float]) -> float:
    if isinstance(limit, Learnt):
        return math.nan
    return limit.reference if isinstance(limit, Relative) else limit[1] if isinstance(limit, tuple) else float(limit)


def _operator(rule: Rule) -> str:
    if isinstance(rule.limit, tuple):
        return f"between {rule.limit[0]:g} and"
    return f"change {rule.operator}" if isinstance(rule.limit, Relative) else rule.operator


def _about(j: Judgement, finding: Finding, m: Measure) -> Judgement:
    return replace(
        j,
        check=finding.check,
        measure=m.name,
        column=m.column,
        group=m.group,
        window=m.window,
        where=m.where,
        n=m.n,
    )


def _judgement(h: Hypothesis) -> Judgement:
    from workbench.core.finding import rounded

    j = _about(_answer(h.rule, "", ""), h.finding, h.measure)
    ends = (None, None) if h.interval is None else (h.interval.low, h.interval.high)
    low, high = (None if e is None or math.isinf(e) else rounded(e) for e in ends)
    if h.learnt is not None:
        j = replace(j, **_learnt_words(h.learnt, h.rule.operator))
    return replace(j, value=rounded(h.value), low=low, high=high)


def _learnt_words(limits: Limits, operator: str) -> dict[str, Any]:
    from workbench.core.finding import rounded

    if operator == "between":
        ends = {"lower_limit": rounded(limits.low), "limit": rounded(limits.high)}
        return {"operator": f"between {limits.low:.6g} and", **ends}
    return {"limit": rounded(limits.low if operator[0] == ">" else limits.high)}


def _waived(j: Judgement, policy: Policy, today: date) -> Judgement:
    if j.outcome not in ("fail", "warn"):
        return j
    for w in policy.waivers:
        if w.rule == j.rule and fnmatchcase(j.column, w.column) and fnmatchcase(j.group, w.group):
            if w.expires < today:
                return replace(j, reason=f"{j.reason}; its waiver by {w.owner} expired on {w.expires}")
            return replace(j, outcome="waived", reason=f"{j.reason}; {w.reason}", waived_by=w.owner)
    return j


def _place(j: Judgement) -> str:
    return " ".join(part for part in (j.column, j.group) if part) or j.measure


def verdict_of(judgements: Sequence[Judgement], findings: Sequence[Finding], *, any_rules: bool) -> Verdict:
    """Return the audit's outcome and its gaps from judgements and findings."""
    open_outcomes = ("cannot_tell", "not_applicable", "error")
    gaps = [
        f"{j.rule}: {_place(j)}: {j.outcome.replace('_', ' ')}: {j.reason}"
        for j in judgements
        if j.required and j.outcome in open_outcomes
    ]
    stopped = (Status.ERROR, Status.CANCELLED)
    gaps += [f"{f.check}: {f.status}: {f.reason}" for f in findings if f.status in stopped]
    if not any_rules:
        gaps.append("the policy has no rule: nothing was judged")
    outcomes = {j.outcome for j in judgements}
    outcome = "fail" if "fail" in outcomes else "incomplete" if gaps else "warn" if "warn" in outcomes else "pass"
    return Verdict(outcome, tuple(judgements), tuple(gaps))

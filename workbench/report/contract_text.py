"""A judged contract and the difference of two contracts as text for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from workbench.core.contract_diff import Change
from workbench.core.contract_judge import Judged, Judgements
from workbench.core.errors import thousands
from workbench.report.labels import plain
from workbench.report.words import number

_ORDER = ("fail", "cannot_tell", "warn", "pass")
_MARKS = {"fail": "FAIL", "cannot_tell": "CANNOT TELL", "warn": "WARN", "pass": "pass"}
_WIDTH, _MOST_NAMED = 400, 10


def judgements_text(found: Judgements, *, every: bool = False) -> str:
    """Return what became of each rule that does not hold (`every`: of each), the gravest first."""
    held = sum(r.outcome == "pass" for r in found.rules)
    lines = [
        f"{found.outcome.upper()}: {thousands(held)} of {thousands(len(found.rules))} rules hold "
        f"on {thousands(found.rows)} rows"
    ]
    told = [r for r in found.rules if every or r.outcome != "pass"]
    for judged in sorted(told, key=lambda r: _ORDER.index(r.outcome)):
        lines += [f"  {_MARKS[judged.outcome]:11} {plain(judged.key, _WIDTH)}: {_said(judged)}"]
    return "\n".join(lines)


def _said(judged: Judged) -> str:
    parts = [plain(judged.words, _WIDTH)]
    ends = judged.interval()
    if judged.failing and ends is not None:
        share = f"{100 * judged.failing / (judged.n or 1):.3g} % [{100 * ends.low:.3g}, {100 * ends.high:.3g}]"
        parts.append(f"broken by {thousands(judged.failing)} of {thousands(judged.n or 0)} rows ({share})")
    if judged.value is not None and judged.kind == "freshness":
        parts.append(f"it is {number(judged.value / 3600, decimals=1)} hours old")
    elif judged.value is not None:
        parts.append(f"it is {judged.value:.10g}")
    if judged.reason:
        parts.append(plain(judged.reason, _WIDTH))
    if judged.rows:
        named = ", ".join(thousands(at) if who is None else plain(who, 40) for at, who in judged.rows[:_MOST_NAMED])
        more = (judged.failing or 0) - min(len(judged.rows), _MOST_NAMED)
        parts.append(
            f"{'rows' if judged.rows[0][1] is None else 'ids'} {named}"
            f"{f' and {thousands(more)} more' if more > 0 else ''}"
        )
    return "; ".join(parts)


def changes_text(changes: Sequence[Change], *, readers: bool = False) -> str:
    """Return each change with its mark, the breaking ones first."""
    if not changes:
        return "no change"
    return "\n".join(_changes(sorted(changes, key=lambda c: not c.breaks(readers)), readers))


def _changes(changes: Iterable[Change], readers: bool) -> Iterable[str]:
    for change in changes:
        mark = "breaking" if change.breaks(readers) else "compatible"
        yield f"{mark:11} {plain(change.key, _WIDTH)}: {plain(change.words, _WIDTH)}"

"""What may be shown of a record: groups under the minimum size without their numbers, and what was withheld as such."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from workbench.audit.record import Judgement, Record
from workbench.audit.suppressed import WITHHELD, judgement_without_numbers, rows_without_numbers, without_numbers
from workbench.core.finding import Evidence, Finding, Measure
from workbench.report import words

_CAUSES = ("fail", "error", "cannot_tell", "warn", "not_applicable")


@dataclass(frozen=True, slots=True)
class ShownMeasure:
    """A measure with its index in `record.measures()`; `hidden` means that its numbers were taken out."""

    index: int
    measure: Measure
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class ShownEvidence:
    """A table with its place in the record (finding, evidence); the rows in `hidden` hold no numbers."""

    place: tuple[int, int]
    evidence: Evidence
    hidden: frozenset[int] = frozenset()
    judged: Evidence | None = None

    @property
    def drawing(self) -> Evidence:
        """Return what is drawn: the table, with outcomes and limits beside its values where windows were judged."""
        return self.judged or self.evidence


@dataclass(frozen=True, slots=True)
class ShownJudgement:
    """A judgement with its index in the verdict, the index of the measure it is about (or None) and its unit.

    `worst_of` says of how many judgements of its rule it is the worst, where it stands for them all.
    """

    index: int
    judgement: Judgement
    measure: int | None = None
    unit: str = ""
    hidden: bool = False
    worst_of: int = 1

    @property
    def excess(self) -> float:
        """Return how far, relative to its limit, the judged value lies from it."""
        return _excess(self.judgement)


@dataclass(frozen=True, slots=True)
class ShownFinding:
    """A finding with what may be shown of its measures, evidence and judgements, and its worst outcome."""

    index: int
    finding: Finding
    measures: tuple[ShownMeasure, ...]
    evidence: tuple[ShownEvidence, ...]
    judgements: tuple[ShownJudgement, ...]

    @property
    def outcome(self) -> str:
        """Return the worst outcome of the rules on it, else its own status."""
        if str(self.finding.status) != "measured":
            return str(self.finding.status)
        # A measured finding whose every rule is not applicable was measured all the same.
        return words.worst([*(j.judgement.outcome for j in self.judgements), "measured"])

    @property
    def excess(self) -> float:
        """Return how far, relative to its limit, the worst judged value lies from it."""
        return max((j.excess for j in self.judgements), default=0.0)


@dataclass(frozen=True)
class Shown:
    """A record as it may be shown; `minimum` is the number of rows under which a group is suppressed."""

    record: Record
    minimum: int
    findings: tuple[ShownFinding, ...]
    judgements: tuple[ShownJudgement, ...]
    small: frozenset[str]

    @cached_property
    def by_severity(self) -> tuple[ShownFinding, ...]:
        """Return the findings, the worst first, then by how far their values lie from the limit."""

        def order(f: ShownFinding) -> tuple[int, float, int]:
            return (words.SEVERITY.index(f.outcome), -f.excess, f.index)

        return tuple(sorted(self.findings, key=order))

    @cached_property
    def causes(self) -> tuple[ShownJudgement, ...]:
        """Return what made the verdict: for each rule that did not pass its worst judgement, the worst rule first."""
        by_rule: dict[str, list[ShownJudgement]] = {}
        for j in self.judgements:
            by_rule.setdefault(j.judgement.rule, []).append(j)
        worst = [_worst(of_rule) for of_rule in by_rule.values()]
        kept = [w for w in worst if w.judgement.outcome in _CAUSES]
        needed = [w for w in kept if w.judgement.required or w.judgement.outcome != "not_applicable"]
        return tuple(sorted(needed, key=lambda w: _CAUSES.index(w.judgement.outcome)))

    @property
    def suppressed_text(self) -> str:
        """Return what stands in place of a suppressed number."""
        return f"n < {self.minimum}"


def show(record: Record) -> Shown:
    """Return the record as it may be shown: no number of a group with fewer rows than the policy's minimum."""
    small = record.small_groups
    places = _places(record)
    judgements = tuple(_judgement(i, j, places, small, record) for i, j in enumerate(record.verdict.judgements))
    findings, start = [], 0
    for at, finding in enumerate(record.findings):
        findings.append(_finding(at, start, finding, judgements, small, record.minimum_group_size))
        start += len(finding.measures)
    return Shown(record, record.minimum_group_size, tuple(findings), judgements, small)


def shown_evidence(evidence: Evidence, small: frozenset[str], place: tuple[int, int] = (0, 0)) -> ShownEvidence:
    """Return the table without the numbers of its small groups' rows."""
    return ShownEvidence(place, *rows_without_numbers(evidence, small))


def _finding(
    at: int,
    start: int,
    finding: Finding,
    judgements: tuple[ShownJudgement, ...],
    small: frozenset[str],
    minimum: int,
) -> ShownFinding:
    measures = tuple(_measure(start + i, m, small, minimum) for i, m in enumerate(finding.measures))
    mine = tuple(j for j in judgements if j.judgement.check in (finding.check, finding.code))
    evidence = tuple(
        replace(shown_evidence(e, small, (at, i)), judged=_judged_windows(e, mine) if e.kind == "windows" else None)
        for i, e in enumerate(finding.evidence)
    )
    return ShownFinding(at, finding, measures, evidence, mine)


def _judged_windows(evidence: Evidence, judgements: Sequence[ShownJudgement]) -> Evidence | None:
    """Return a table over windows with each window's outcome and limits beside its values."""
    name, column = evidence.notes.get("measure"), evidence.notes.get("column")
    about = [s.judgement for s in judgements if s.judgement.measure == name and s.judgement.column == column]
    found = {j.window: j for j in about if not j.group and not j.where}
    if not found:
        return None
    at = evidence.columns.index("window")
    rows = []
    for row in evidence.rows:
        j = found.get(str(row[at]))
        rows.append((*row, *((None, None, None) if j is None else (j.outcome, j.lower_limit, j.limit))))
    return replace(evidence, columns=(*evidence.columns, "outcome", "lower_limit", "limit"), rows=tuple(rows))


def _measure(index: int, m: Measure, small: frozenset[str], minimum: int) -> ShownMeasure:
    if m.undefined_because == WITHHELD:
        return ShownMeasure(index, m, hidden=True)
    if not m.group or m.group not in small:
        return ShownMeasure(index, m)
    return ShownMeasure(index, without_numbers(m, f"n < {minimum}"), hidden=True)


_Key = tuple[str, str, str, str, str, str]


def _places(record: Record) -> dict[_Key, tuple[int, str]]:
    return {
        (f.check, m.name, m.column, m.group, m.window, m.where): (i, m.unit)
        for i, (f, m) in enumerate(record.measures())
    }


def _judgement(
    index: int, j: Judgement, places: dict[_Key, tuple[int, str]], small: frozenset[str], record: Record
) -> ShownJudgement:
    check = next((f.check for f in record.findings if j.check in (f.check, f.code)), j.check)
    place, unit = places.get((check, j.measure, j.column, j.group, j.window, j.where), (None, ""))
    if not j.group or j.group not in small:
        return ShownJudgement(index, j, place, unit)
    reason = f"suppressed: the group has fewer than {record.minimum_group_size} rows"
    return ShownJudgement(index, judgement_without_numbers(j, reason), place, unit, hidden=True)


def _worst(of_rule: Sequence[ShownJudgement]) -> ShownJudgement:
    outcome = words.worst(j.judgement.outcome for j in of_rule)
    alike = [j for j in of_rule if j.judgement.outcome == outcome]
    return replace(max(alike, key=lambda j: j.excess), worst_of=len(of_rule))


def _excess(j: Judgement) -> float:
    if j.value is None or j.limit is None:
        return 0.0
    beyond = j.limit - j.value if ">" in j.operator else j.value - j.limit
    return beyond / max(abs(j.limit), 1e-9)

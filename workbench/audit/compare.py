"""Two records side by side: which data changed, which measures moved, which judgements turned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.audit.bundle import Bundle, open_bundle
from workbench.audit.record import Judgement, Record
from workbench.core.finding import Finding, Measure
from workbench.core.fingerprint import Fingerprint


@dataclass(frozen=True, slots=True)
class Comparison:
    """What differs between two records; empty tuples mean no difference."""

    same: bool
    data: tuple[str, ...]
    measures: tuple[str, ...]
    judgements: tuple[str, ...]
    other: tuple[str, ...]

    def __str__(self) -> str:
        if self.same:
            return "the same record: one digest"
        lines = [line for part in (self.data, self.other, self.judgements, self.measures) for line in part]
        return "\n".join(lines) or "the records differ in nothing that is compared"


@dataclass(frozen=True, slots=True)
class Change:
    """A measure that two records give differently; None where a record has no such measure."""

    check: str
    before: Measure | None
    after: Measure | None
    hidden: bool = False

    @property
    def measure(self) -> Measure:
        """Return the later measure, or the earlier one where it is gone."""
        found = self.after or self.before
        if found is None:
            raise ValueError("a change has a measure before or after")
        return found

    @property
    def order(self) -> tuple[int, float]:
        """Return a key that sorts large changes first: by distance in widths of the intervals, those without last."""
        a, b = self.before, self.after
        if self.hidden or a is None or b is None or a.value is None or b.value is None:
            return (2, 0.0)
        widths = [m.high - m.low for m in (a, b) if m.low is not None and m.high is not None]
        if len(widths) < 2 or sum(widths) <= 0:
            return (1, -abs(b.value - a.value) / (abs(a.value) or 1.0))
        return (0, -abs(b.value - a.value) / sum(widths))


def changes(one: Record, two: Record) -> list[Change]:
    """Return every measure whose value or n differs; `hidden` where its group is small in either record."""
    before, after = ({_key(f, m): m for f, m in r.measures()} for r in (one, two))
    small = one.small_groups | two.small_groups
    found = []
    for key in (*before, *(k for k in after if k not in before)):
        a, b = before.get(key), after.get(key)
        if a is None or b is None or (a.value, a.n) != (b.value, b.n):
            found.append(Change(key[0], a, b, key[3] in small))
    return found


def turned(one: Record, two: Record) -> list[tuple[Judgement | None, Judgement | None]]:
    """Return the judgements whose outcome differs, earlier and later; None where there is no such judgement."""
    before, after = ({_judged(j): j for j in r.verdict.judgements} for r in (one, two))
    pairs = [(before.get(k), after.get(k)) for k in (*before, *(k for k in after if k not in before))]
    return [(a, b) for a, b in pairs if a is None or b is None or a.outcome != b.outcome]


def _judged(j: Judgement) -> tuple[str, ...]:
    return (j.rule, j.check, j.measure, j.column, j.group, j.window, j.where)


def compare(a: Record | Bundle | str | Path, b: Record | Bundle | str | Path) -> Comparison:
    """Compare two records or bundles; the first is the earlier one."""
    one, two = _record(a), _record(b)
    return Comparison(
        same=one.digest == two.digest,
        data=tuple(_data(one, two)),
        measures=tuple(_measures(one, two)),
        judgements=tuple(_judgements(one, two)),
        other=tuple(_other(one, two)),
    )


def _record(source: Record | Bundle | str | Path) -> Record:
    if isinstance(source, Record):
        return source
    return (source if isinstance(source, Bundle) else open_bundle(source)).record


def _data(one: Record, two: Record) -> list[str]:
    found = []
    for side in ("current", "reference"):
        a, b = (_print(r.subject.get(side)) for r in (one, two))
        if a is not None and b is not None:
            found += [f"{side}: {difference}" for difference in a.differences(b)]
        elif a is not b:
            found.append(f"{side}: {'is new' if a is None else 'is gone'}")
    return found


def _print(side: Mapping[str, Any] | None) -> Fingerprint | None:
    return Fingerprint.from_dict(side["fingerprint"]) if side and side.get("fingerprint") else None


def _other(one: Record, two: Record) -> list[str]:
    found = [
        f"{key} changed"
        for key in ("title", "roles", "model", "seed", "features", "where")
        if one.content["subject"].get(key) != two.content["subject"].get(key)
    ]
    found += ["the policy changed"] if one.content["policy"] != two.content["policy"] else []
    versions = [{f.check: (f.version, dict(f.params)) for f in r.findings} for r in (one, two)]
    both = sorted({*versions[0], *versions[1]})
    return found + [f"check {c} changed" for c in both if versions[0].get(c) != versions[1].get(c)]


def _key(finding: Finding, m: Measure) -> tuple[str, ...]:
    return (finding.check, m.name, m.column, m.group, m.window, m.where)


def _measures(one: Record, two: Record) -> list[str]:
    found = []
    for change in changes(one, two):
        m = change.measure
        name = " ".join(p for p in (change.check, m.name, m.column, m.group, m.window, m.where) if p)
        if change.hidden:
            found.append(f"{name}: changed (suppressed: a small group)")
        else:
            found.append(f"{name}: {_shown(change.before)} -> {_shown(change.after)}")
    return found


def _shown(m: Measure | None) -> str:
    if m is None:
        return "not measured"
    return f"undefined ({m.undefined_because})" if m.value is None else f"{m.value:.6g}"


def _judgements(one: Record, two: Record) -> list[str]:
    found = []
    if one.verdict.outcome != two.verdict.outcome:
        found.append(f"verdict: {one.verdict.outcome} -> {two.verdict.outcome}")
    for a, b in turned(one, two):
        key = _judged(b or a)  # type: ignore[arg-type]
        outcomes = ["not judged" if j is None else j.outcome for j in (a, b)]
        found.append(f"rule {' '.join(p for p in key if p)}: {outcomes[0]} -> {outcomes[1]}")
    return found

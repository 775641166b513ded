"""Two records side by side: which data changed, which measures moved, which judgements turned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.audit.bundle import Bundle, open_bundle
from workbench.audit.record import Record
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
        for key in ("title", "roles", "model", "seed", "features")
        if one.content["subject"].get(key) != two.content["subject"].get(key)
    ]
    found += ["the policy changed"] if one.content["policy"] != two.content["policy"] else []
    versions = [{f.check: (f.version, dict(f.params)) for f in r.findings} for r in (one, two)]
    both = sorted({*versions[0], *versions[1]})
    return found + [f"check {c} changed" for c in both if versions[0].get(c) != versions[1].get(c)]


def _key(finding: Finding, m: Measure) -> tuple[str, ...]:
    return (finding.check, m.name, m.column, m.group, m.window, m.where)


def _measures(one: Record, two: Record) -> list[str]:
    before, after = ({_key(f, m): m for f, m in r.measures()} for r in (one, two))
    hidden = one.small_groups | two.small_groups
    found = []
    for key in (*before, *(k for k in after if k not in before)):
        a, b = before.get(key), after.get(key)
        if a is not None and b is not None and (a.value, a.n) == (b.value, b.n):
            continue
        name = " ".join(part for part in key if part)
        if key[3] in hidden:
            found.append(f"{name}: changed (suppressed: a small group)")
        else:
            found.append(f"{name}: {_shown(a)} -> {_shown(b)}")
    return found


def _shown(m: Measure | None) -> str:
    if m is None:
        return "not measured"
    return f"undefined ({m.undefined_because})" if m.value is None else f"{m.value:.6g}"


def _judgements(one: Record, two: Record) -> list[str]:
    before, after = (
        {(j.rule, j.check, j.measure, j.column, j.group): j.outcome for j in r.verdict.judgements} for r in (one, two)
    )
    found = (
        [f"verdict: {one.verdict.outcome} -> {two.verdict.outcome}"]
        if one.verdict.outcome != two.verdict.outcome
        else []
    )
    for key in (*before, *(k for k in after if k not in before)):
        a, b = before.get(key, "not judged"), after.get(key, "not judged")
        if a != b:
            found.append(f"rule {' '.join(p for p in key if p)}: {a} -> {b}")
    return found

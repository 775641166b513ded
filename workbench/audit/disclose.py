"""The shareable derivative of a record: what may be told without giving a small group away (STATISTICS section 4).

This is the one place that decides what leaves: every shareable rendering and export is made from what `disclose`
returns.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from workbench.audit.attack import MOST_UNKNOWNS, Attacker, Part, TooLargeError
from workbench.audit.cells import COUNTS, Columns, Group, Level, read_cells
from workbench.audit.judge import verdict_of
from workbench.audit.record import Judgement, Record, Verdict
from workbench.audit.released import Release
from workbench.audit.released_tables import tables
from workbench.audit.suppressed import DISCLOSED, WITHHELD, holds_personal_data, judgement_without_numbers
from workbench.audit.withheld import Tables, choose, cost
from workbench.core.errors import ConfigError
from workbench.core.finding import Finding, Measure, group_label
from workbench.core.personal import redacted

MOST_ROUNDS = 40
_SAMPLED = re.compile(r"^(?:measured|learnt|explained)[^\d]{0,40}[\d,]+(?: of [\d,]+)? rows")
_PLAIN = re.compile(r"(?:[A-Za-z ,;:.'()/-]|0/0)*")
# Notes of people are not among them: free text may say anything of anyone.
_KEPT_BESIDE = ("environment", "started", "judged_on")
_WORST = ("fail", "error", "cannot_tell", "warn", "cancelled", "waived", "pass", "not_applicable")

More = tuple[Columns, Level, Group]


def disclose(record: Record, *, minimum: int | None = None) -> Record:
    """Return the record that may be shared: small groups withheld with what would give them away, score bins merged.

    `minimum` is the number of rows that a cell of a group has at least, the policy's unless given. The derivative has
    its own digest and names its parent's. It is attacked before it is returned: a linear program over everything in it
    recovers no withheld cell. ConfigError when the record is a derivative already or has too few rows.
    """
    least = record.minimum_group_size if minimum is None else minimum
    _refuse(record, least)
    cells = read_cells(record)
    more = set(_personal(record, cells))
    for _ in range(MOST_ROUNDS):
        release = Release(record, cells, choose(cells, least, more), least)
        found = _derived(release)
        given_away = _given_away(found, release)
        if not given_away:
            return _scrubbed(found, release)
        more |= set(given_away)
    release = Release(record, cells, choose(cells, least, _all(cells)), least)
    return _scrubbed(_derived(release), release)


def parent_of(record: Record) -> str:
    """Return the digest of the record that this one was derived from, or an empty string."""
    about = record.subject.get(DISCLOSED)
    return str(about.get("parent", "")) if isinstance(about, Mapping) else ""


def _refuse(record: Record, least: int) -> None:
    if parent_of(record):
        raise ConfigError("the record is a shareable derivative already: disclose its parent.")
    if least < 1:
        raise ConfigError(f"minimum: found {least}, expected 1 or more rows.")
    rows = (record.subject.get("current") or {}).get("rows")
    if rows is not None and rows < least:
        raise ConfigError(f"the data has {rows} rows, fewer than the minimum of {least}: nothing of it can be shared.")


# ---------------------------------------------------------------------------- the attack on the derivative


def _given_away(found: Record, release: Release) -> list[More]:
    """Return what to withhold besides, because the derivative tells a small cell all the same."""
    wanted = list(targets(release))
    several = _tells_intersections(release)
    if not several:  # of intersections of which nothing is told, margins of the minimum leave as many values
        wanted = [part for part in wanted if len(part.columns) == 1]
    attacker = Attacker(found, release.tables)
    try:
        cracked = attacker.given_away(wanted, release.minimum)
    except TooLargeError:
        return [m for m in _all(release.tables) if len(m[0]) > 1 or not several]
    return list(dict.fromkeys(m for part in cracked for m in _more(attacker.reasons(part), release)))


def targets(release: Release) -> Iterator[Part]:
    """Yield every small cell that is withheld: of the current data by level, of the reference by rows."""
    for (columns, level), groups in release.withheld.groups.items():
        for group in sorted(groups, key=str):
            cells = release.tables[columns][group]
            for states, count in (cells.at(level) or {}).items():
                if 0 < count < release.minimum:
                    yield Part(columns, group, states)
            if level is Level.ROWS and 0 < cells.reference < release.minimum:
                yield Part(columns, group, window="reference")


def _more(reasons: Sequence[Part], release: Release) -> list[More]:
    """Return what to withhold besides: of what holds a small cell in its range, that which costs least."""
    found = [(part.columns, _level(part), part.group) for part in reasons if part.columns in release.tables]
    found = [m for m in found if m[2] in release.tables[m[0]] and m[2] not in release.withheld.at(m[0], m[1])]
    finest = list(reversed(Level))
    found.sort(key=lambda m: (-len(m[0]), finest.index(m[1]), cost(m[2], release.tables[m[0]][m[2]])))
    return found[:1]


def _level(part: Part) -> Level:
    if part.truths:
        return Level.BOTH
    for level, names in ((Level.ROWS, ("count",)), (Level.PREDICTION, ("predicted", "selected"))):
        if part.states in {COUNTS[name] for name in names}:
            return level
    return Level.TRUTH if part.states in (COUNTS["labelled"], COUNTS["positives"]) else Level.BOTH


def _personal(record: Record, cells: Tables) -> list[More]:
    """Return every group of columns that hold personal data: each value is a person's, however often it is there."""
    personal = {c for columns in cells for c in columns if holds_personal_data(record, c)}
    return [m for m in _all(cells) if personal.intersection(m[0])]


def _all(cells: Tables) -> list[More]:
    return [(columns, level, group) for columns, groups in cells.items() for level in Level for group in groups]


# ---------------------------------------------------------------------------- the derivative


def _derived(release: Release) -> Record:
    findings = tuple(_finding(release, f) for f in release.record.findings)
    beside = {k: release.record.beside[k] for k in _KEPT_BESIDE if k in release.record.beside}
    subject = _subject(release.record, release.minimum)
    return Record(subject, release.record.policy, findings, _verdict(release, findings), beside)


def _subject(record: Record, minimum: int) -> dict[str, Any]:
    found = dict(record.content["subject"])
    for side in ("current", "reference"):
        if found.get(side) is not None:
            # A column's fingerprint is a sum over its cells: of few categories it tells how many there are of each.
            found[side] = {"name": found[side].get("name"), "rows": found[side].get("rows"), "fingerprint": None}
    return {**found, DISCLOSED: {"parent": record.digest, "minimum": minimum}}


def _finding(release: Release, finding: Finding) -> Finding:
    notes = [m.group() for note in finding.notes if (m := _SAMPLED.match(note))]
    left = len(finding.notes) - len(notes)
    told = [*notes, *(["other remarks are withheld"] if left else [])]
    return replace(
        finding,
        measures=tuple(release.measures(finding)),
        evidence=tuple(tables(release, finding, _most_edges(release))),
        notes=tuple(dict.fromkeys(told)),
        reason=_plain(finding.reason),
        seconds=0.0,
    )


def _plain(text: str) -> str:
    """Return a reason when it holds words alone; numbers and quoted text may be of rows."""
    return text if _PLAIN.fullmatch(text) else "withheld: the reason holds more than words"


def _most_edges(release: Release) -> int:
    """Return how many score edges the attacker can still take on."""
    values: dict[str, set[str | None]] = {}
    for columns, groups in release.tables.items():
        for i, column in enumerate(columns):
            values.setdefault(column, set()).update(g[i] for g in groups)
    sizes = [len(v) for v in values.values()] or [1]
    return MOST_UNKNOWNS // (3 * (math.prod(sizes) if _tells_intersections(release) else max(sizes))) - 2


def _tells_intersections(release: Release) -> bool:
    several = ((c, g) for c, groups in release.tables.items() if len(c) > 1 for g in groups)
    return any(release.shows(columns, group, Level.ROWS) for columns, group in several)


# ---------------------------------------------------------------------------- the verdict


def _verdict(release: Release, findings: Sequence[Finding]) -> Verdict:
    """Return the same outcomes; numbers stay where their measure does, what is left out is told once a rule."""
    released = {_place(f, m): m for f in findings for m in f.measures}
    before = {_place(f, m): m for f, m in release.record.measures()}
    codes = {f.code: f.check for f in findings}
    kept: list[Judgement] = []
    merged: dict[str, list[Judgement]] = {}
    for j in release.record.verdict.judgements:
        place = (codes.get(j.check, j.check), j.measure, j.column, j.group, j.window, j.where)
        if place in before and place not in released:
            merged.setdefault(j.rule, []).append(j)
        elif place in before and released[place] != before[place]:
            # Whether one group keeps a limit tells something of its rate.
            if j.group:
                merged.setdefault(j.rule, []).append(j)
            else:
                kept.append(judgement_without_numbers(j, WITHHELD))
        else:
            kept.append(replace(j, reason=_plain(j.reason)))
    kept += [_merged(of_rule) for of_rule in merged.values()]
    order = {j.rule: i for i, j in reversed([*enumerate(release.record.verdict.judgements)])}
    kept.sort(key=lambda j: order[j.rule])
    gaps = verdict_of(kept, findings, any_rules=bool(release.record.policy.get("rules"))).gaps
    return Verdict(release.record.verdict.outcome, tuple(kept), gaps)


def _place(finding: Finding, m: Measure) -> tuple[str, ...]:
    return (finding.check, m.name, m.column, m.group, m.window, m.where)


def _merged(judgements: Sequence[Judgement]) -> Judgement:
    worst = min(judgements, key=lambda j: _WORST.index(j.outcome) if j.outcome in _WORST else 0)
    bare = judgement_without_numbers(worst, "the worst of what is withheld")
    return replace(bare, column="", group="", window="", where="")


# ---------------------------------------------------------------------------- text


def _scrubbed(found: Record, release: Release) -> Record:
    clean = _Scrubber(release).clean({k: v for k, v in found.content.items() if k != "schema"})
    findings = tuple(Finding.from_dict(f) for f in clean["findings"])
    return Record(clean["subject"], clean["policy"], findings, Verdict.from_dict(clean["verdict"]), found.beside)


@dataclass
class _Scrubber:
    """Takes personal data, secrets, paths and the names of hidden groups out of every text."""

    release: Release

    def __post_init__(self) -> None:
        hidden = list(self.release.withheld.hidden())
        self._labels = {group_label(columns, group) for columns, group in hidden}
        self._values = {value for _, group in hidden for value in group if value}
        self._told = {
            group_label(columns, group)
            for columns, groups in self.release.tables.items()
            for group in groups
            if self.release.shows(columns, group, Level.ROWS)
        }

    def clean(self, value: Any, given: bool = False) -> Any:
        """Return plain data with every text cleaned, names of mappings too; `given` is what people wrote in a plan."""
        if isinstance(value, str):
            return self._text(value, given)
        if isinstance(value, Mapping):
            written = {k: given or k in ("params", "policy", "where") for k in value}
            return {self._text(str(k), given): self.clean(v, written[k]) for k, v in value.items()}
        if isinstance(value, list | tuple):
            return [self.clean(v, given) for v in value]
        return value

    def _text(self, text: str, given: bool) -> str:
        if text in self._told:
            return redacted(text)
        if any(label in text for label in self._labels) or (given and text in self._values):
            return "[withheld]"
        return redacted(text)

"""What changed, put in order: columns by their effect on the model, windows in time, performance over them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from workbench.core.finding import Evidence
from workbench.report import words
from workbench.report.shown import Shown, ShownEvidence, ShownFinding, ShownJudgement, ShownMeasure
from workbench.report.window_charts import together

RANKING = "drift.ranking"
PRIMARY = {"drift.numeric": "ks", "drift.categorical": "cramers_v"}
WINDOWED = ("performance.windows", "performance.estimated", "drift.windows", "quality.windows")
_BROKEN = ("fail", "warn")
_COUNTED = (("fail", "fail"), ("warn", "warn"), ("cannot_tell", "cannot tell"))
_ASKED = ("fail", "error", "cannot_tell", "warn")


@dataclass(frozen=True, slots=True)
class Change:
    """One column: how far it moved, what a rule says of that, what else broke on it, and what it does to the model."""

    column: str
    effect: ShownMeasure | None
    judged: ShownJudgement | None
    also: ShownJudgement | None
    expected: ShownMeasure | None
    impact: ShownMeasure | None

    @property
    def outcome(self) -> str:
        """Return the worst outcome of a rule on the column."""
        return words.worst(s.judgement.outcome for s in (self.judged, self.also) if s is not None)

    @property
    def drawn(self) -> ShownMeasure | None:
        """Return the measure that is drawn with its interval: the effect on the model where it is known."""
        return self.expected or self.effect


@dataclass(frozen=True, slots=True)
class Series:
    """One measure over the windows: its key, what family it is of, its title, and the table that is drawn."""

    key: str
    family: str
    column: str
    title: str
    shown: ShownEvidence

    @property
    def table(self) -> Evidence:
        """Return the values with outcomes and limits."""
        return self.shown.drawing

    @property
    def broken(self) -> int:
        """Return in how many windows a rule broke."""
        if "outcome" not in self.table.columns:
            return 0
        at = self.table.columns.index("outcome")
        return sum(1 for row in self.table.rows if row[at] in _BROKEN)


@dataclass(frozen=True, slots=True)
class WindowRow:
    """One window: its judgements, the worst first, and every measure on it."""

    label: str
    reference: bool
    judgements: tuple[ShownJudgement, ...]
    measures: tuple[ShownMeasure, ...]

    @property
    def outcome(self) -> str:
        """Return the worst outcome of a rule on it."""
        return words.worst(j.judgement.outcome for j in self.judgements)

    @property
    def said(self) -> str:
        """Return how many of its rules broke, and the first of them."""
        outcomes = [j.judgement.outcome for j in self.judgements]
        if not outcomes:
            return "no rule on it"
        known = [(outcomes.count(k), word) for k, word in _COUNTED if k in outcomes]
        head = f"{', '.join(f'{n} {word}' for n, word in known) or 'none breaks'} of {words.number(len(outcomes))}"
        named = [j for j in self.judgements if j.judgement.outcome in _ASKED][:3]
        titles = [words.judgement_title(replace(j.judgement, window="")) for j in named]
        return f"{head}: {'; '.join(titles)}" if titles else head

    def values(self, most: int) -> tuple[ShownMeasure, ...]:
        """Return its first values: those that rules judged, then one or more of each column."""
        judged = {j.measure for j in self.judgements}
        known = [m for m in self.measures if not m.hidden and m.measure.value is not None]
        return tuple([m for m in known if m.index in judged] + [m for m in known if m.index not in judged])[:most]


# ---------------------------------------------------------------------------- columns


def changes(shown: Shown) -> list[Change]:
    """Return the columns, those first whose change matters most to the model.

    By drift.ranking where it ran, else by how far the effect lies beyond its rule's limit, else by the effect.
    """
    effects = _effects(shown)
    ranked = _by_column(shown, RANKING, "expected_shift"), _by_column(shown, RANKING, "drift_impact")
    judged = _judged(shown)
    found = []
    for column in dict.fromkeys((*effects, *ranked[1], *judged)):
        effect = effects.get(column)
        on_it = judged.get(column, [])
        same = [j for j in on_it if effect is not None and j.measure == effect.index]
        other = [j for j in on_it if j not in same and j.judgement.outcome in _ASKED]
        if effect is None and column not in ranked[1] and not other:
            continue
        parts = (_worst(same), _worst(other), ranked[0].get(column), ranked[1].get(column))
        found.append(Change(column, effect, *parts))
    return sorted(found, key=_order)


def ranked_by(shown: Shown) -> str:
    """Return in words what the order of the columns is by."""
    if _finding(shown, RANKING) is not None:
        return "by what moved, times how much the model rests on it"
    return "by how far the change lies beyond its limit: what the model rests on was not measured (drift.ranking)"


def sentence(shown: Shown) -> str:
    """Return what changed, in one sentence."""
    ranking = _finding(shown, RANKING)
    if ranking is not None and ranking.finding.notes:
        text = words.plain(ranking.finding.notes[0], 600)
        return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")
    every = changes(shown)
    outcomes = [c.outcome for c in every]
    counts = [(outcomes.count(k), word) for k, word in _COUNTED]
    told = ", ".join(f"{n} {word}" for n, word in counts if n) or "none breaks a rule"
    head = f"Of {words.number(len(every))} columns compared, {told}."
    first = [j for c in every[:1] for j in (c.judged, c.also) if j is not None]
    worst = _worst(first)
    if worst is not None:
        return f"{head} First: {words.judgement_sentence(worst.judgement, worst.unit)}."
    effect = every[0].effect if every else None
    return head if effect is None else f"{head} First: {words.measure_sentence(effect.measure)}"


def _effects(shown: Shown) -> dict[str, ShownMeasure]:
    found: dict[str, ShownMeasure] = {}
    for check, name in PRIMARY.items():
        found |= _by_column(shown, check, name)
    return found


def _by_column(shown: Shown, check: str, name: str) -> dict[str, ShownMeasure]:
    finding = _finding(shown, check)
    measures = () if finding is None else finding.measures
    return {m.measure.column: m for m in measures if m.measure.name == name and _whole(m.measure)}


def _whole(about: object) -> bool:
    return bool(getattr(about, "column", "")) and not getattr(about, "group", "") and not getattr(about, "window", "")


def _judged(shown: Shown) -> dict[str, list[ShownJudgement]]:
    found: dict[str, list[ShownJudgement]] = {}
    for finding in shown.findings:
        if finding.finding.check.split(".")[0] == "drift":
            for j in finding.judgements:
                if _whole(j.judgement):
                    found.setdefault(j.judgement.column, []).append(j)
    return found


def _worst(of_column: Sequence[ShownJudgement]) -> ShownJudgement | None:
    order = words.SEVERITY.index
    return min(of_column, key=lambda j: (order(j.judgement.outcome), -j.excess), default=None)


def _order(c: Change) -> tuple[float, float, float]:
    impact = c.impact.measure.value if c.impact is not None else None
    value = c.effect.measure.value if c.effect is not None else None
    excess = max((j.excess for j in (c.judged, c.also) if j is not None), default=float("-inf"))
    return (-_size(impact), 0.0 if impact is not None else -excess, -_size(value))


def _size(value: float | int | None) -> float:
    return 0.0 if value is None else abs(float(value))


def _finding(shown: Shown, check: str) -> ShownFinding | None:
    return next((f for f in shown.findings if f.finding.check == check and str(f.finding.status) == "measured"), None)


# ---------------------------------------------------------------------------- windows


def series(shown: Shown) -> list[Series]:
    """Return every measure that is drawn over windows: performance first, the realised and estimated in one."""
    tables = {check: _tables(shown, check) for check in WINDOWED}
    estimated = dict(tables["performance.estimated"])
    found = []
    for name, table in tables["performance.windows"].items():
        other = estimated.pop(name, None)
        drawn = table if other is None else _joined(table, other)
        found.append(_series("Performance", drawn))
    found += [_series("Performance", table) for table in estimated.values()]
    found += [_series("Drift", table) for table in tables["drift.windows"].values()]
    return found + [_series("Columns", table) for table in tables["quality.windows"].values()]


def first_series(every: Sequence[Series]) -> Series | None:
    """Return the series to show first: performance where a rule broke, else where most windows broke one."""
    broken = [s for s in every if s.family == "Performance" and s.broken]
    return max(broken or every, key=lambda s: s.broken, default=None)


def compared(shown: Shown) -> list[tuple[Series, ShownEvidence, ShownEvidence]]:
    """Return each metric that is both realised and estimated, with the two tables, judged ones first."""
    estimated, realised = _tables(shown, "performance.estimated"), _tables(shown, "performance.windows")
    shared = [(t, estimated[n]) for n, t in realised.items() if n in estimated]
    both = [(_series("Performance", _joined(t, other)), t, other) for t, other in shared]
    return sorted(both, key=lambda item: -int("outcome" in item[0].table.columns))


def _tables(shown: Shown, check: str) -> dict[tuple[str, str], ShownEvidence]:
    finding = _finding(shown, check)
    found = {}
    for table in () if finding is None else finding.evidence:
        if table.evidence.kind == "windows":
            name = str(table.evidence.notes.get("measure") or table.evidence.name)
            found[name.removeprefix("estimated_"), str(table.evidence.notes.get("column") or "")] = table
    return found


def _joined(realised: ShownEvidence, estimated: ShownEvidence) -> ShownEvidence:
    return ShownEvidence(realised.place, realised.evidence, judged=together(realised.drawing, estimated.drawing))


def _series(family: str, table: ShownEvidence) -> Series:
    notes: Mapping[str, object] = table.drawing.notes
    title = words.measure_title(str(notes.get("measure") or table.evidence.title))
    column = str(notes.get("column") or "")
    named = f"{title} · {words.plain(column, 60)}" if column else title
    named += ", realised and estimated" if notes.get("both") else ""
    return Series(".".join(map(str, table.place)), family, column, named, table)


def windows(shown: Shown) -> list[WindowRow]:
    """Return every window in time, those of the reference first."""
    order = _labels(shown)
    judgements: dict[str, list[ShownJudgement]] = {}
    for j in shown.judgements:
        judgements.setdefault(j.judgement.window, []).append(j)
    measures: dict[str, list[ShownMeasure]] = {}
    for finding in shown.findings:
        for m in finding.measures:
            measures.setdefault(m.measure.window, []).append(m)
    severity = words.SEVERITY.index
    found = []
    for label, reference in order.items():
        on_it = sorted(judgements.get(label, ()), key=lambda j: (severity(j.judgement.outcome), -j.excess))
        values = sorted(measures.get(label, ()), key=lambda m: (m.measure.column != "", m.measure.column))
        found.append(WindowRow(label, reference, tuple(on_it), tuple(values)))
    return found


def _labels(shown: Shown) -> dict[str, bool]:
    """Return the windows' labels, in time, and whether each is of the reference."""
    longest: dict[bool, list[str]] = {True: [], False: []}
    for table in _every_table(shown):
        at, of = table.columns.index("window"), table.columns.index("series")
        for reference in (True, False):
            rows = [r for r in table.rows if (r[of] == "reference") == reference]
            labels = list(dict.fromkeys(str(r[at]) for r in rows))
            longest[reference] = max(longest[reference], labels, key=len)
    return {label: reference for reference, labels in longest.items() for label in labels}


def _every_table(shown: Shown) -> Iterator[Evidence]:
    for finding in shown.findings:
        for table in finding.evidence:
            if table.evidence.kind == "windows":
                yield table.evidence

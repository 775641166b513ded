"""Whether a verdict is the same under other seeds: of the sample, of bootstrap draws and of simulated nulls."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from workbench.audit.record import Judgement, Record
from workbench.audit.run import Prepared, run
from workbench.core.errors import ConfigError

_Place = tuple[str, str, str, str, str, str, str]


@dataclass(frozen=True, slots=True)
class Turned:
    """One judgement that is not the same under every seed: its rule, its measure and place, its outcome by seed."""

    rule: str
    measure: str
    place: str
    outcomes: Mapping[int, str]


@dataclass(frozen=True, slots=True)
class Stability:
    """The audit's outcome by seed, and the judgements that turned."""

    outcomes: Mapping[int, str]
    turned: tuple[Turned, ...]

    @property
    def stable(self) -> bool:
        """Say whether the audit's outcome is the same under every seed."""
        return len({*self.outcomes.values()}) == 1

    def __str__(self) -> str:
        seeds = len(self.outcomes)
        head = "the verdict is the same" if self.stable else "the verdict is NOT the same"
        lines = [f"{head} under {seeds} seeds: " + ", ".join(f"{s}: {o}" for s, o in self.outcomes.items())]
        for t in self.turned:
            each = ", ".join(f"{seed}: {outcome}" for seed, outcome in t.outcomes.items())
            lines.append(f"{t.rule}: {t.measure} {t.place}".rstrip() + f": {each}")
        return "\n".join(lines if self.turned else [*lines, "no judgement turned"])


def stability(prepared: Prepared, seeds: Sequence[int]) -> Stability:
    """Run an audit once for each seed and compare the judgements; two seeds or more, else ConfigError."""
    wanted = list(dict.fromkeys(seeds))
    if len(wanted) < 2:
        raise ConfigError(f"seeds: found {len(wanted)}, expected two or more different ones to compare.")
    records = {seed: run(replace(prepared, seed=seed)) for seed in wanted}
    return Stability({s: r.verdict.outcome for s, r in records.items()}, tuple(_turned(records)))


def _turned(records: Mapping[int, Record]) -> Iterator[Turned]:
    by_seed = {seed: {_place(j): j.outcome for j in record.verdict.judgements} for seed, record in records.items()}
    places = sorted({place for outcomes in by_seed.values() for place in outcomes})
    for place in places:
        outcomes = {seed: found.get(place, "not judged") for seed, found in by_seed.items()}
        if len({*outcomes.values()}) > 1:
            yield Turned(place[0], place[2], " ".join(p for p in place[3:] if p), outcomes)


def _place(j: Judgement) -> _Place:
    return j.rule, j.check, j.measure, j.column, j.group, j.window, j.where

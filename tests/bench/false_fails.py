"""How often the packaged policy fails an audit of data that did not change and whose groups do not differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

import numpy as np
import pyarrow as pa
from scipy.stats import binom

import workbench as wb

LEVEL = 0.05


@dataclass(frozen=True)
class Fails:
    """Of how many audits, how many failed, warned, passed or were incomplete, and by which rules they failed."""

    name: str
    rows: int
    groups: int
    audits: int
    outcomes: dict[str, int]
    rules: dict[str, int]

    @property
    def failed(self) -> int:
        """Return how many audits failed."""
        return self.outcomes.get("fail", 0)

    @property
    def most(self) -> int:
        """Return how many fails are not significantly more than one in twenty: 64 of 1,000."""
        return int(binom.ppf(0.975, self.audits, LEVEL))

    @property
    def met(self) -> bool:
        """Say whether no more failed than that."""
        return self.failed <= self.most


def people(rows: int, groups: int, gap: float, rng: np.random.Generator) -> pa.Table:
    """Return rows with groups in two columns, six features, a truth and a calibrated score.

    With a gap the first group's rates of selection, recall and false alarms lie that far over the others': decisions
    are then drawn, not made by the score.
    """
    group = rng.integers(0, groups, rows)
    z = rng.normal(0, 1, (rows, 3))
    score = 1 / (1 + np.exp(-(z.sum(axis=1) * 0.8 - 0.3)))
    truth = rng.random(rows) < score
    chance = np.where(truth, 0.7, 0.2) + np.where(group == 0, gap, 0.0)
    table = {
        "y": truth.astype(np.int8),
        "region": np.array([f"r{i}" for i in range(groups)])[group],
        "sex": np.array(["x", "y"])[rng.integers(0, 2, rows)],
        "a": z[:, 0], "b": z[:, 1], "c": np.exp(z[:, 2]), "d": rng.poisson(3, rows).astype(float),
        "job": np.array(list("klmnop"))[rng.choice(6, rows, p=[0.4, 0.25, 0.15, 0.1, 0.06, 0.04])],
        "town": np.array([f"t{i}" for i in range(12)])[rng.integers(0, 12, rows)],
    }  # fmt: skip
    decided = {"decided": (rng.random(rows) < chance).astype(np.int8)} if gap else {"score": score}
    return pa.table(table | decided)


def audits(name: str, times: int, seed: list[int], *, rows: int, groups: int, gap: float) -> Fails:
    """Return the outcomes of audits by the packaged policy, current and reference drawn from one population."""
    outcomes: dict[str, int] = {}
    rules: dict[str, int] = {}
    role = {"prediction": "decided"} if gap else {"score": "score"}
    for k in range(times):
        rng = np.random.default_rng([*seed, k])
        data, before = (people(rows, groups, gap, rng) for _ in range(2))
        record = wb.Audit(
            data, reference=before, target="y", sensitive=["region", "sex"], checks=_judged(), **role
        ).run()
        outcome = record.verdict.outcome
        outcomes[outcome] = outcomes.get(outcome, 0) + 1
        for rule in {j.rule for j in record.verdict.judgements if j.outcome == "fail"}:
            rules[rule] = rules.get(rule, 0) + 1
    return Fails(name, rows, groups, times, outcomes, rules)


def _judged() -> list[str]:
    """Return the checks that the packaged policy speaks of; the others change no verdict."""
    from workbench.audit.policy import load_policy
    from workbench.core.check import all_checks

    named = [rule.check for rule in load_policy(None).rules]
    checks = (c for c in all_checks().values() if not c.on_request and "windows" not in c.needs)
    return sorted(c.id for c in checks if any(fnmatchcase(c.id, name) for name in named))


def every(times: int, seed: int) -> list[Fails]:
    """Return the outcomes without a gap, and with gaps that lie exactly on the limit, where nulls are hardest."""
    found = []
    for number, (rows, groups, gap) in enumerate(((600, 5, 0.0), (3000, 2, 0.0), (3000, 10, 0.0), (3000, 2, 0.1))):
        name = "no gap" if not gap else "a gap of ten points, as much as the limit allows"
        found.append(audits(name, times, [seed, number], rows=rows, groups=groups, gap=gap))
    return found


def page(answers: Sequence[Fails]) -> str:
    """Return the answers as Markdown."""
    lines = [
        "# False fails of the packaged policy",
        "",
        "Current and reference are drawn from one population. Nominal 5 %; the target is that no significantly larger "
        "share fails (at most 64 of 1,000).",
        "",
        "| truth | rows | groups | audits | fail | allowed | warn | incomplete | pass | rules that failed | |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for a in answers:
        rules = ", ".join(f"{rule} {count}" for rule, count in sorted(a.rules.items())) or "none"
        rest = " | ".join(str(a.outcomes.get(o, 0)) for o in ("warn", "incomplete", "pass"))
        head = f"| {a.name} | {a.rows:,} | {a.groups} | {a.audits:,} | {a.failed} | {a.most} | {rest}"
        lines.append(f"{head} | {rules} | {'met' if a.met else 'missed'} |")
    return "\n".join(lines)

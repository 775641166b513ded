"""How often the interval of every measure of every check holds what four million rows measure, over whole audits."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from scipy.special import expit

from tests.bench.coverage_table import Line
from workbench.core.check import Check, all_checks
from workbench.core.counts import count
from workbench.core.dataset import Dataset, Roles
from workbench.core.finding import Measure
from workbench.core.frame import wrap
from workbench.core.sample import SampleOf
from workbench.core.subject import Subject

TRUTH_ROWS, TRUTH_SAMPLE = 4_000_000, 400_000
_FAMILIES = ("performance", "bias", "optimize")

NOT_HERE = {
    "bias.consistency": "its value depends on how many rows there are to be neighbours",
    "bias.missing_groups": "intervals of bounds: tests/bias/test_missing_groups.py covers them",
    "optimize.frontier": "beside intervals that are studied here it has none",
    "optimize.mitigation": "fits models to the rows: its intervals are Wilson's and Newcombe's",
    "performance.claims": "the intervals of performance.classification, moved",
    "performance.overfit_segments": "segments depend on the rows: Newcombe's and Welch's intervals",
    "performance.reliability": "the coverage of the sets fitted to half of the rows: Wilson's interval",
    "performance.resilience": "the farthest rows depend on the rows: Newcombe's and Welch's intervals",
    "performance.residuals": "tenths depend on the rows: t intervals",
    "performance.robustness": "changes rows at random from a seed: paired t intervals",
    "performance.weak_segments": "segments depend on the rows and are confirmed on others",
    "performance.selective_labels": "every outcome is known here: Wilson's interval",
    "bias.proxies": "a value that depends on how many rows there are to learn from",
    "bias.counterfactual_flip": "needs a model that sees the column: Wilson's and paired t intervals",
}
"""Checks that are not simulated as a whole, and where their intervals are studied instead."""

PARAMS: Mapping[str, Mapping[str, Any]] = {
    "bias.conditional_parity": {"controls": ["skill"], "base": {"region": "a", "sex": "x"}},
    "bias.group_rates": {"reference_groups": {"region": "a"}},
    "optimize.threshold": {"per_group": False},
}
_CHOSEN = ("proposed", "proposal", "saving", "equal_")
_Key = tuple[str, str, str, str, str]


@dataclass(frozen=True)
class Scenario:
    """A population: how to draw rows of it, their roles, and of how many rows an audit is."""

    name: str
    draw: Callable[[int, np.random.Generator], dict[str, Any]]
    roles: Roles
    rows: int


def _groups(n: int, rng: np.random.Generator) -> dict[str, Any]:
    region = rng.choice(5, n, p=[0.32, 0.26, 0.2, 0.12, 0.1])
    return {"region": region, "sex": rng.integers(0, 2, n), "skill": rng.integers(0, 4, n).astype(float)}


def _named(d: dict[str, Any]) -> dict[str, Any]:
    return {**d, "region": np.array(list("abcde"))[d["region"]], "sex": np.array(["x", "y"])[d["sex"]]}


def binary(offset: float) -> Callable[[int, np.random.Generator], dict[str, Any]]:
    """Return a population whose truth follows groups and skill, and whose score, often tied, lies about it."""

    def draw(n: int, rng: np.random.Generator) -> dict[str, Any]:
        d = _groups(n, rng)
        linear = offset + 0.7 * (d["skill"] - 1.5) + 0.2 * d["region"] + 0.3 * d["sex"] + rng.normal(0, 0.8, n)
        score = expit(np.round(linear + rng.normal(0, 0.4, n) - 0.15 * d["region"], 2))
        d |= {"y": (rng.random(n) < expit(linear)).astype(np.int8), "score": score}
        return _named(d)

    return draw


def classes(n: int, rng: np.random.Generator) -> dict[str, Any]:
    """Draw truths of three classes, one of them of one row in twelve, and probabilities about them."""
    d = _groups(n, rng)
    z = rng.normal(0, 1, (n, 3)) + np.array([0.6, 0.3, -1.2]) + 0.2 * d["skill"][:, None] * np.array([1, 0, -1])
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    truth = (p.cumsum(axis=1) > rng.random(n)[:, None]).argmax(axis=1)
    kept = np.round(p[:, :2] * 256) / 256
    d |= {"kind": np.array(["u", "v", "w"])[truth], "u": kept[:, 0], "v": kept[:, 1]}
    d["w"] = np.maximum(0.0, 1 - d["u"] - d["v"])
    return _named(d)


def numbers(n: int, rng: np.random.Generator) -> dict[str, Any]:
    """Draw truths and predictions with skewed errors that grow with the truth and differ by group."""
    d = _groups(n, rng)
    truth = 20 + 5 * d["skill"] + rng.gamma(2.0, 2.0, n)
    error = (rng.gamma(2.0, 1.0, n) - 1.8 - 0.2 * d["region"]) * truth / 25
    d |= {"amount": np.round(truth, 2), "made": np.round(truth + error, 2)}
    return _named(d)


_GROUPED = {"sensitive": ("region", "sex")}
SCENARIOS = (
    Scenario("common outcome", binary(-0.8), Roles("y", score="score", threshold=0.5, **_GROUPED), 800),
    Scenario("rare outcome", binary(-4.8), Roles("y", score="score", threshold=0.06, **_GROUPED), 4000),
    Scenario(
        "three classes", classes,
        Roles("kind", task="multiclass", probabilities=(("u", "u"), ("v", "v"), ("w", "w")), **_GROUPED), 600,
    ),
    Scenario("numbers", numbers, Roles("amount", prediction="made", task="regression", **_GROUPED), 600),
)  # fmt: skip


def every(times: int, seed: int) -> tuple[list[Line], dict[str, str]]:
    """Return a line for each measure with an interval in each scenario, and the checks left out, with the reason."""
    found: list[Line] = []
    for number, scenario in enumerate(SCENARIOS):
        found += list(_of(scenario, times, [seed, number]))
    return found, NOT_HERE


def _of(scenario: Scenario, times: int, seed: list[int]) -> Iterator[Line]:
    checks = [c for c in all_checks().values() if _applies(c, scenario)]
    truth = _measured(scenario, TRUTH_ROWS, TRUTH_SAMPLE, checks, np.random.default_rng([*seed, 0]))
    hits: dict[_Key, list[int]] = {}
    methods: dict[_Key, str] = {}
    for k in range(times):
        here = _measured(scenario, scenario.rows, scenario.rows, checks, np.random.default_rng([*seed, 1, k]))
        for key, m in here.items():
            ends = truth.get(key)
            if (m.low is None and m.high is None) or ends is None or ends.value is None:
                continue
            methods[key] = m.method
            low, high = (-np.inf if m.low is None else m.low), (np.inf if m.high is None else m.high)
            hits.setdefault(key, []).append(int(low - 1e-9 <= ends.value <= high + 1e-9))
    yield from _lines(scenario, hits, methods, times)


def _applies(check: Check, scenario: Scenario) -> bool:
    lacking = {"reference", "model", "challenger"}
    return check.family in _FAMILIES and check.id not in NOT_HERE and not lacking & set(check.needs) and bool(
        check.is_for(scenario.roles.kind_of_task) or check.on_request
    )  # fmt: skip


def _measured(
    scenario: Scenario, rows: int, sample: int, checks: list[Check], rng: np.random.Generator
) -> dict[_Key, Measure]:
    table = pa.table(scenario.draw(rows, rng))
    counted = count(Dataset(wrap(table), scenario.roles, "current"), sampling=SampleOf(sample, 0))
    subject = Subject(counted, scenario.roles)
    found: dict[_Key, Measure] = {}
    for check in checks:
        finding = check.run(subject, PARAMS.get(check.id))
        if str(finding.status) == "error":
            raise RuntimeError(f"{check.id}: {finding.reason}")
        # What is chosen on the rows has no one truth.
        kept = (m for m in finding.measures if not m.name.startswith(_CHOSEN) and "proposal" not in m.name)
        # A shortfall is a number of people: it grows with the rows.
        kept = (m for m in kept if m.name != "shortfall")
        found |= {(check.id, m.name, m.column, m.group, m.where): m for m in kept}
    return found


def _lines(
    scenario: Scenario, hits: Mapping[_Key, list[int]], methods: Mapping[_Key, str], times: int
) -> Iterator[Line]:
    """Yield a line for each measure over all rows, and one for all groups or places of a measure together."""
    joined: dict[tuple[str, str, str, str], list[list[int]]] = {}
    for (check, name, column, group, where), held in hits.items():
        place = "by group" if group else "by place" if where else f"by {column}" if column else ""
        joined.setdefault((methods[check, name, column, group, where], check, name, place), []).append(held)
    for (method, check, name, place), runs in sorted(joined.items()):
        # Places that few audits had say little; together they are one line with its least.
        held = [h for h in runs if len(h) >= times / 2]
        if held:
            share = float(np.mean([np.mean(h) for h in held]))
            what = f"{check}: {name} {place}".rstrip() + (f" ({len(held)})" if len(held) > 1 else "")
            missing = sum(times - len(h) for h in held)
            sizes = f"{scenario.name}, {scenario.rows} rows; least {min(np.mean(h) for h in held):.3f}"
            yield Line(method or "?", what, sizes, sum(map(len, held)), share, undefined=missing)


def told(left_out: Mapping[str, str]) -> str:
    """Return the checks left out, with the reason, as Markdown."""
    return "## Not simulated as a whole\n\n" + "\n".join(f"* `{name}`: {why}" for name, why in left_out.items())

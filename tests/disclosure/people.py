"""Frames with small groups, and everything an attacker may want of a record of them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pandas as pd

import workbench as wb
from workbench.audit.attack import Attacker, Part
from workbench.audit.cells import Columns, Group, Level, as_dicts, group_of, read_cells
from workbench.audit.edges import tails_of
from workbench.audit.record import Record

CHECKS = (
    "bias.group_rates", "bias.impact_ratio", "bias.four_fifths", "bias.missing_groups", "bias.inequality",
    "bias.calibration_by_group", "drift.categorical", "drift.numeric", "quality.missing", "quality.profile",
    "performance.classification", "privacy.pii",
)  # fmt: skip


def people(seed: int, n: int = 300, columns: int = 2, missing: float = 0.0, truth: bool = True) -> pd.DataFrame:
    """Return rows with a score, a target and sensitive columns of uneven groups, some of them small."""
    rng = np.random.default_rng(seed)
    score = np.round(rng.random(n), 2)
    frame = pd.DataFrame({"score": score, "x": rng.normal(size=n)})
    if truth:
        frame["y"] = (rng.random(n) < score).astype("float64")
        frame.loc[rng.random(n) < missing / 2, "y"] = np.nan
        frame["y"] = frame["y"].astype("Int64")
    for i in range(columns):
        levels = int(rng.integers(2, 6 if i == 0 else 4))
        shares = rng.dirichlet(np.full(levels, 0.6))
        values = rng.choice([f"{'abc'[i]}{k}" for k in range(levels)], n, p=shares).astype(object)
        values[rng.random(n) < missing] = None
        frame[f"g{i}"] = values
    return frame


def audited(data: pd.DataFrame, reference: pd.DataFrame | None = None, **more: object) -> Record:
    """Return the record of an audit of such rows."""
    sensitive = [c for c in data.columns if c.startswith("g")]
    target = {"target": "y"} if "y" in data else {}
    checks = [c for c in CHECKS if reference is not None or not c.startswith("drift")]
    if not target:
        checks = [
            c for c in checks if c not in ("bias.calibration_by_group", "bias.inequality", "performance.classification")
        ]
    policy = {"rules": [], "minimum_group_size": 10}
    roles = {"score": "score", "sensitive": sensitive, "checks": checks, "policy": policy, **target, **more}
    return wb.Audit(data, reference=reference, **roles).run()  # type: ignore[arg-type]


def secrets(parent: Record, released: Record, minimum: int = 10) -> Iterator[tuple[Part, int]]:
    """Yield every cell of a group that is small in the parent: by rows, truth, prediction, and score bin."""
    cells = read_cells(parent)
    for columns, groups in cells.items():
        for group, own in groups.items():
            for level in Level:
                for states, count in (own.at(level) or {}).items():
                    if 0 < count < minimum:
                        yield Part(columns, group, states), count
            if 0 < own.reference < minimum:
                yield Part(columns, group, window="reference"), own.reference
    yield from _bins(parent, released, minimum)


def _bins(parent: Record, released: Record, minimum: int) -> Iterator[tuple[Part, int]]:
    parents = {e.title: e for e in _thresholds(parent)}
    assert bool(parents) == bool(_thresholds(released))
    for told in _thresholds(released):
        table = parents[told.title]
        edges = sorted({float(r["threshold"] or 0) for r in as_dicts(told)})
        points = list(dict.fromkeys(float(r["threshold"] or 0) for r in as_dicts(table)))
        for label, tails in tails_of(table).items():
            if not label:
                continue
            place: tuple[Columns, Group] = group_of(label)
            for truth, at in ((1, 0), (0, 1)):
                ends = [tails.whole[at], *(tails.above[points.index(e), at] for e in edges), 0]
                for (low, high), (some, rest) in zip(pairwise([-np.inf, *edges, np.inf]), pairwise(ends), strict=True):
                    if 0 < some - rest < minimum:
                        yield Part(*place, truths=(truth,), low=low, high=high), int(some - rest)


def _thresholds(record: Record) -> list:
    return [e for f in record.findings for e in f.evidence if e.kind == "threshold"]


def cracked(parent: Record, released: Record, minimum: int = 10, exact: bool = False) -> list[tuple[Part, int, object]]:
    """Return the small cells of the parent that the released record gives away, with what is known of each."""
    attacker = Attacker(released, read_cells(parent), exact=exact)
    wanted = dict(secrets(parent, released, minimum))
    return [(part, wanted[part], attacker.range(part)) for part in attacker.given_away(wanted, minimum)]

"""Before a run: which checks it makes and at about what cost, and which are ruled out by what was not given."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from workbench.audit.run import Prepared, chosen_checks, judge_of
from workbench.core.check import TASK_OF_NEED, Check, all_checks
from workbench.core.counts import Counter
from workbench.core.dataset import Dataset, Roles
from workbench.core.frame import Frame, Kind
from workbench.core.subject import lacking

THINGS = (
    "target", "prediction", "score", "sensitive", "reference", "model", "windows", "challenger", "contract",
)  # fmt: skip
"""What a check may lack, in the order in which people give it."""
TRIED = 4096
"""Rows that are counted to learn how fast this computer counts."""
TRIES, MOST_TRYING = 3, 0.1
"""Times that they are, and seconds after which no more: the fastest shows least of what else is going on."""
EACH, SAMPLED, COLUMN, TABLED = 300_000, 4.0, 5_000, 0.3
"""Counted cells that take as long as any check; its work on a sampled cell; on a column's counts; on a row of them.

Measured on 2,000 to 400,000 rows of 6 to 36 columns: sums over an audit's checks were right within about three times,
single checks within about ten.
"""
STARTING = 2.0
"""Seconds in which a process for the first run starts, more or less."""
MOST_TABLED = 100_000
"""Rows after which a column's counts get no larger, as a rule."""


class Cost(NamedTuple):
    """What a check takes: sampled cells it looks at, rows a model is asked about, and its work in counted cells."""

    sampled: int = 0
    predictions: int = 0
    cells: float = 0.0


@dataclass(frozen=True, slots=True)
class Missing:
    """A thing that was not given, and the checks that cannot do without it; `also` says what else each lacks."""

    thing: str
    checks: tuple[Check, ...]
    also: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Outlook:
    """Every registered check once: those a run makes, those ruled out, and those that nobody asked for."""

    planned: tuple[Check, ...]
    missing: tuple[Missing, ...]
    other_task: tuple[Check, ...]
    on_request: tuple[Check, ...]
    left_out: tuple[Check, ...]


# ---------------------------------------------------------------------------- what can run


def met(prepared: Prepared) -> dict[str, bool]:
    """Return which needs of checks this audit meets, as far as it is known before anything is read."""
    roles, model, names = prepared.current.roles, prepared.model, prepared.current.frame.names
    truth, score, own = (getattr(roles, role) in names for role in ("target", "score", "prediction"))
    probabilities = any(column in names for _, column in roles.probabilities)
    return {
        "reference": prepared.reference is not None,
        "target": truth,
        "truth": truth,
        "prediction": own or score or model is not None,
        "score": score or (model is not None and model.has_scores),
        "sensitive": bool(roles.sensitive),
        "classes": truth and (own or probabilities or model is not None),
        "regression": truth and (own or model is not None),
        "rows": True,
        "model": model is not None,
        "challenger": prepared.challenger is not None,
        "windows": prepared.windows is not None,
        "contract": judge_of(prepared) is not None,
    }


def lacks(check: Check, prepared: Prepared) -> list[str]:
    """Return why the check cannot run in this audit, in the words of its finding; nothing where it can."""
    task, known = prepared.current.roles.kind_of_task, met(prepared)
    return list(dict.fromkeys(why for need in check.needs if (why := lacking(need, task, known))))


def outlook(prepared: Prepared) -> Outlook:
    """Return what becomes of each registered check if this audit runs as it is."""
    task, known = prepared.current.roles.kind_of_task, met(prepared)
    chosen = {check.id for check, _ in prepared.checks}
    unasked = {check.id for check, _ in chosen_checks(None, task, given=("challenger", "contract", "windows"))}
    found: dict[str, list[Check]] = {name: [] for name in ("planned", "other_task", "on_request", "left_out")}
    without: dict[str, list[tuple[Check, tuple[str, ...]]]] = {}
    for check in {**all_checks(), **{check.id: check for check, _ in prepared.checks}}.values():
        things = _things(check, task, known)
        if any(TASK_OF_NEED.get(need, task) != task for need in check.needs):
            found["other_task"].append(check)
        elif things:
            without.setdefault(things[0], []).append((check, things[1:]))
        elif check.id in chosen:
            found["planned"].append(check)
        else:
            found["left_out" if check.id in unasked else "on_request"].append(check)
    missing = [
        Missing(thing, tuple(check for check, _ in without[thing]), {c.id: also for c, also in without[thing] if also})
        for thing in THINGS
        if thing in without
    ]
    return Outlook(missing=tuple(missing), **{name: tuple(checks) for name, checks in found.items()})


def _things(check: Check, task: str, known: Mapping[str, bool]) -> tuple[str, ...]:
    needs = [need for need in check.needs if lacking(need, task, known)]
    if {"classes", "regression"} & {*needs}:
        needs.append("prediction" if known["truth"] else "target")
    things = {"target" if need == "truth" else need for need in needs}
    return tuple(thing for thing in THINGS if thing in things)


# ---------------------------------------------------------------------------- what it takes


def columns_of(prepared: Prepared) -> int:
    """Return the number of columns that a run reads."""
    return len(prepared.current.frame.names)


def sides(prepared: Prepared) -> list[Dataset]:
    """Return the data sets that a run reads, once each."""
    return [side for side in (prepared.current, prepared.reference) if side is not None]


def rows_of_sides(prepared: Prepared) -> int | None:
    """Return the rows of all data sets together, or None where that is not known without reading."""
    sizes = [side.frame.size for side in sides(prepared)]
    return None if None in sizes else sum(size for size in sizes if size is not None)


def reading(prepared: Prepared) -> Cost | None:
    """Return what reading and counting take, or None where the number of rows is not known."""
    rows = rows_of_sides(prepared)
    if rows is None:
        return None
    return Cost(0, rows if _model_predicts(prepared) else 0, float(rows * columns_of(prepared)))


def cost_of(check: Check, prepared: Prepared) -> Cost:
    """Return about what a check takes with its parameters in this audit, reading aside."""
    columns, asked = columns_of(prepared), _ASKED.get(check.id)
    draws = _Draws.of(prepared)
    rows = draws.both if "reference" in check.needs else draws.current
    sampled = rows * columns if "rows" in {*check.needs, *check.uses} else 0
    params = next((params for other, params in prepared.checks if other.id == check.id), None)
    predictions = 0 if asked is None else asked(draws, check.bind({}) if params is None else params)
    tabled = COLUMN + TABLED * min(rows_of_sides(prepared) or draws.both, MOST_TABLED)
    return Cost(sampled, predictions, EACH + (SAMPLED * sampled if sampled else tabled * columns))


class _Draws(NamedTuple):
    """Sampled rows of each side, whether predictions are a model's, its features, the task, and what else is there."""

    current: int
    reference: int
    predicted: bool
    features: int
    task: str
    has_model: bool
    truth: bool

    @property
    def both(self) -> int:
        return self.current + self.reference

    @classmethod
    def of(cls, prepared: Prepared) -> _Draws:
        current, model = prepared.current, prepared.model
        there = prepared.reference
        features = len((model and model.feature_names) or current.roles.features(current.frame.names))
        return cls(
            _drawn(current.frame, prepared.sample),
            0 if there is None else _drawn(there.frame, prepared.sample),
            _model_predicts(prepared),
            features,
            current.roles.kind_of_task,
            model is not None,
            current.roles.target in (*current.frame.names, *(there.frame.names if there else ())),
        )


def _drawn(frame: Frame, most: int) -> int:
    return most if frame.size is None else min(most, frame.size)


def _model_predicts(prepared: Prepared) -> bool:
    """Say whether predictions are the model's: it is asked only where no column holds them."""
    roles, names = prepared.current.roles, prepared.current.frame.names
    if prepared.model is None:
        return False
    if roles.kind_of_task == "binary":
        return roles.score not in names
    return roles.prediction not in names and not any(column in names for _, column in roles.probabilities)


_Asked = Callable[[_Draws, Mapping[str, object]], int]


def _whole(params: Mapping[str, object], name: str) -> int:
    value = params.get(name)
    return value if isinstance(value, int) else 0


def _current(d: _Draws, params: Mapping[str, object]) -> int:
    return d.current if d.predicted else 0


def _both(d: _Draws, params: Mapping[str, object]) -> int:
    return d.both if d.predicted else 0


def _estimated(d: _Draws) -> int:
    return 0 if d.task == "binary" else d.both + (d.reference if d.task == "multiclass" else 0)


def _most(d: _Draws, params: Mapping[str, object]) -> int:
    return min(d.current, _whole(params, "most_rows") or d.current)


_ASKED: Mapping[str, _Asked] = {
    "bias.conditional_parity": _current,
    "drift.concept": lambda d, p: _both(d, p) * (2 if d.task == "regression" else 1),
    "drift.ranking": lambda d, p: _both(d, p) + (d.reference * (1 + d.features * d.truth) if d.has_model else 0),
    "explain.attribution_drift": lambda d, p: 2 * _most(d, p) * (1 + d.features * _whole(p, "repeats")),
    "explain.partial_dependence": lambda d, p: (
        _most(d, p) * min(d.features, _whole(p, "most_features")) * _whole(p, "points")
    ),
    "explain.permutation_importance": lambda d, p: _most(d, p) * (1 + d.features * _whole(p, "repeats")),
    "explain.shap": lambda d, p: _most(d, p) * (2 * d.features + 1) * _whole(p, "background"),
    "performance.estimated": lambda d, p: _estimated(d) if d.predicted and d.truth else 0,
    "performance.overfit_segments": _both,
    "performance.residuals": _current,
    "performance.two_models": lambda d, p: d.current + _current(d, p),
    "performance.weak_segments": _current,
}
"""Rows that a check asks a model about, at most; the samples of a check that is not here hold predictions already."""


# ---------------------------------------------------------------------------- how long that is


def speed(prepared: Prepared) -> float | None:
    """Return the cells that this computer counts in a second, by counting a few rows; None where they are elsewhere.

    Rows in memory are tried themselves, those of files by made-up ones of the same kinds: nothing is read for it,
    and no model is asked.
    """
    frame = prepared.current.frame
    if frame.distributed is not None:
        return None
    batch = next(iter(frame.batches(rows=TRIED)), None) if frame.held and frame.size else made_up(frame)
    if batch is None or not batch.num_rows:
        return None
    seconds: list[float] = []
    begun = time.perf_counter()
    while len(seconds) < 2 or (len(seconds) < TRIES and time.perf_counter() - begun < MOST_TRYING):
        counter = Counter(frame.fields, Roles(), None, lambda first, second: None)
        started = time.perf_counter()
        counter.push(batch)
        counter.done()
        seconds.append(time.perf_counter() - started)
    return float(batch.num_rows * batch.num_columns / max(min(seconds), 1e-6))


def made_up(frame: Frame) -> pa.RecordBatch:
    """Return rows of the frame's kinds of columns that say nothing of its own."""
    rng = np.random.default_rng(0)
    whole = rng.integers(0, 1000, TRIED)
    made: dict[Kind, pa.Array] = {
        Kind.NUMBER: pa.array(rng.normal(size=TRIED)),
        Kind.BOOLEAN: pa.array(whole % 2 == 0),
        Kind.TIME: pa.array(whole).cast(pa.timestamp("us", "UTC")),
        Kind.DURATION: pa.array(whole).cast(pa.duration("us")),
        Kind.CLOCK: pa.array(whole).cast(pa.time64("us")),
        Kind.TEXT: pa.array([f"value {v}" for v in whole]),
    }
    arrays = [made.get(f.kind, made[Kind.TEXT]) for f in frame.fields]
    return pa.RecordBatch.from_arrays(arrays, names=list(frame.names))


_TIMES: Sequence[tuple[float, str]] = (
    (1, "under a second"),
    (7, "a few seconds"),
    (20, "about 10 s"),
    (45, "about half a minute"),
    (100, "about a minute"),
    (600, "some minutes"),
    (3600, "over 10 minutes"),
)


def about(seconds: float) -> str:
    """Return a time in words that claim no more than is known."""
    return next((words for most, words in _TIMES if seconds < most), "over an hour")

"""Data with roles: which column is the target, which the score, which are sensitive."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

from workbench.core.errors import ConfigError, DataError, shown, unknown
from workbench.core.frame import Frame

Scalar = str | int | float | bool


@dataclass(frozen=True, slots=True)
class Roles:
    """The part each column plays; a name appears in one role only, features are all columns without one.

    `task` is binary (None), multiclass or regression; `probabilities` pairs each class with the column of its score;
    `entity` says whose row it is (a person, an account) where one may have several.
    """

    target: str | None = None
    prediction: str | None = None
    score: str | None = None
    sensitive: tuple[str, ...] = ()
    segment: tuple[str, ...] = ()
    time: str | None = None
    id: str | None = None
    weight: str | None = None
    ignore: tuple[str, ...] = ()
    positive: Scalar | None = None
    favourable: Scalar | None = None
    threshold: float = 0.5
    task: str | None = None
    probabilities: tuple[tuple[str, str], ...] = ()
    entity: str | None = None

    @property
    def kind_of_task(self) -> str:
        """Return "binary", "multiclass" or "regression"."""
        return self.task or "binary"

    def named(self) -> Iterator[tuple[str, str]]:
        """Yield (role, column) for every column that has a role."""
        for role in ("target", "prediction", "score", "time", "id", "weight", "entity"):
            column = getattr(self, role)
            if column is not None:
                yield role, column
        for role in ("sensitive", "segment", "ignore"):
            for column in getattr(self, role):
                yield role, column
        for _, column in self.probabilities:
            yield "probabilities", column

    def features(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """Return the columns that drift and profile look at: all but outcomes, id, entity, time, weight, ignored."""
        apart = {c for role, c in self.named() if role not in {"sensitive", "segment"}}
        return tuple(n for n in names if n not in apart)

    def to_dict(self) -> dict[str, Any]:
        """Return the roles as plain data, unset ones left out."""
        found = {f.name: getattr(self, f.name) for f in fields(self)}
        found["probabilities"] = dict(self.probabilities) or None
        return {k: list(v) if isinstance(v, tuple) else v for k, v in found.items() if v not in (None, ())}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Roles:
        """Read what `to_dict` wrote; an unknown role raises ConfigError with near matches."""
        known = [f.name for f in fields(cls)]
        for key in data:
            if key not in known:
                raise ConfigError(unknown("role", key, known))
        given: dict[str, Any] = {k: tuple(v) if isinstance(v, list | tuple) else v for k, v in data.items()}
        return cls(**{**given, "probabilities": pairs(data.get("probabilities"))})


def pairs(probabilities: object) -> tuple[tuple[str, str], ...]:
    """Return the probability columns by class as pairs of texts; ConfigError when they are no mapping."""
    if not probabilities:
        return ()
    if not isinstance(probabilities, Mapping):
        raise ConfigError("probabilities: expected a mapping of each class to the column of its probability.")
    return tuple((str(label), str(column)) for label, column in probabilities.items())


@dataclass(frozen=True, slots=True)
class Dataset:
    """A lazy frame, the roles of its columns and a name for people."""

    frame: Frame
    roles: Roles
    name: str = "data"

    def check_roles(self, optional: frozenset[str] = frozenset()) -> None:
        """Raise DataError when a role names a column that is not there; roles in `optional` may be absent."""
        names = self.frame.names
        seen: dict[str, str] = {}
        for role, column in self.roles.named():
            if column not in names and role not in optional:
                raise DataError(f"{self.name}: {role}: " + unknown("column", column, names))
            if seen.get(column, role) != role and {role, seen[column]} - {"sensitive", "segment"}:
                raise ConfigError(f"{shown(column)} has two roles, {seen[column]} and {role}: give it one.")
            seen[column] = role

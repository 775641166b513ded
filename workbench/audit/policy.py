"""The policy: which measures are judged, against which limits, and why."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from workbench.audit.text import parse_yaml
from workbench.core.errors import ConfigError, shown, unknown

M = TypeVar("M", bound=BaseModel)


class Relative(BaseModel):
    """A limit on the change from the reference: current minus reference."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    reference: float


class Learnt(BaseModel):
    """A limit learnt from the reference's windows: t prediction limits, or mean -+ `deviations` as NannyML has it."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    windows: Literal["prediction", "nannyml"]
    deviations: float = Field(3.0, gt=0)


class Rule(BaseModel):
    """One rule: the measures it selects (wildcards allowed), the limit, what a breach means and who asked for it."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    id: str = Field(min_length=1)
    check: str = "*"
    measure: str
    column: str = "*"
    group: str = ""
    window: str = ""
    where: str = ""
    operator: Literal["<=", "<", ">=", ">", "between"]
    limit: float | Relative | Learnt | tuple[float, float]
    severity: Literal["fail", "warn"] = "fail"
    required: bool = True
    basis: Literal["interval", "point"] = "interval"
    reason: str = ""
    requirement: str = ""
    owner: str = ""
    retention: str = Field(
        "", pattern=r"^(P(\d+Y)?(\d+M)?(\d+W)?(\d+D)?)?$", description="how long its evidence is kept"
    )
    source: str = ""

    @model_validator(mode="after")
    def _limit_fits(self) -> Rule:
        pair = isinstance(self.limit, tuple)
        if pair != (self.operator == "between") and not isinstance(self.limit, Learnt):
            raise ValueError("operator `between` takes limit [low, high]; every other one a number")
        if isinstance(self.limit, tuple) and self.limit[0] > self.limit[1]:
            raise ValueError("limit [low, high] is upside down")
        return self


class Waiver(BaseModel):
    """An accepted breach of one rule: why, by whom and until when."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    rule: str
    reason: str = Field(min_length=1)
    owner: str = Field(min_length=1)
    expires: date
    column: str = "*"
    group: str = "*"


class Policy(BaseModel):
    """Rules, the group size under which nothing is shown or judged, the level of intervals, the error rate."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: str = "policy"
    minimum_group_size: int = Field(10, ge=1)
    level: float = Field(0.95, gt=0.5, lt=1)
    false_discovery_rate: float = Field(0.05, gt=0, lt=1)
    rules: tuple[Rule, ...] = ()
    waivers: tuple[Waiver, ...] = ()

    @model_validator(mode="after")
    def _names_fit(self) -> Policy:
        ids = [r.id for r in self.rules]
        for name in ids:
            if ids.count(name) > 1:
                raise ValueError(f"two rules are called {shown(name)}")
        for waiver in self.waivers:
            if waiver.rule not in ids:
                raise ValueError("waiver: " + unknown("rule", waiver.rule, ids))
        return self

    def to_dict(self) -> dict[str, Any]:
        """Return the policy as plain data, dates as text."""
        return self.model_dump(mode="json")


def load_policy(source: Policy | Mapping[str, Any] | str | Path | None) -> Policy:
    """Return a policy from a file, a mapping, or the packaged default (None); ConfigError says what is wrong."""
    if isinstance(source, Policy):
        return source
    if source is None:
        return _packaged()
    if isinstance(source, Mapping):
        return validated(Policy, dict(source), "policy")
    path = Path(source)
    try:
        text = path.read_text("utf-8")
    except OSError as error:
        raise ConfigError(f"policy {shown(source, 200)} cannot be read: {error.strerror}.") from None
    return validated(Policy, parse_yaml(text, path.name), path.name)


@lru_cache(maxsize=1)
def _packaged() -> Policy:
    text = files("workbench.audit").joinpath("default_policy.yaml").read_text("utf-8")
    return validated(Policy, parse_yaml(text, "the packaged policy"), "the packaged policy")


def validated(model: type[M], data: Any, what: str) -> M:
    """Return the pydantic model of plain data; the first problem is told as one ConfigError with near matches."""
    if not isinstance(data, Mapping):
        raise ConfigError(f"{what}: found {type(data).__name__}, expected a mapping of names to values.")
    try:
        return model(**data)
    except ValidationError as error:
        problems = error.errors()
        extra = [p for p in problems if p["type"] == "extra_forbidden"]
        first = (extra or problems)[0]
        where = ".".join(str(part) for part in first["loc"])
        if extra:
            known = _fields_at(model, first["loc"])
            raise ConfigError(f"{what}: {where}: " + unknown("key", first["loc"][-1], known)) from None
        problem = str(first["msg"]).removeprefix("Value error, ")
        raise ConfigError(f"{what}: {where or 'content'}: {problem}.") from None
    except TypeError:
        raise ConfigError(f"{what}: every key must be a name.") from None


def _fields_at(model: type[BaseModel], place: tuple[Any, ...]) -> list[str]:
    inner: dict[Any, type[BaseModel]] = {"rules": Rule, "waivers": Waiver, "policy": Policy}
    for part in place[:-1]:
        model = inner.get(part, model)
    return list(model.model_fields)

"""Conditions on rows as people write them: in a plan, in a call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, StrictBool, StrictFloat, StrictInt, StrictStr

from workbench.audit.policy import validated
from workbench.core.errors import ConfigError, shown
from workbench.core.filter import Condition

Conditions = Sequence[Condition | Mapping[str, Any]] | Mapping[str, Any]
StrictScalar = StrictBool | StrictInt | StrictFloat | StrictStr


class Where(BaseModel):
    """A condition that a row meets to be part of the audit; several conditions are met together."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    column: str
    operator: Literal["==", "!=", "<", "<=", ">", ">=", "in", "not in", "missing", "present"] = "=="
    value: StrictScalar | list[StrictScalar] | None = None
    data: Literal["both", "current"] = "both"

    def condition(self) -> Condition:
        """Return the condition; ConfigError when the value does not go with the operator."""
        value = tuple(self.value) if isinstance(self.value, list) else self.value
        return Condition(self.column, self.operator, value, self.data)


def conditions(where: Any) -> tuple[Condition, ...]:
    """Return conditions from {column: value or list of values}, or from a list of mappings with an operator each.

    None as a value means missing. ConfigError when it is neither.
    """
    if isinstance(where, Mapping):
        where = [_equal(str(column), value) for column, value in where.items()]
    if isinstance(where, str) or not isinstance(where, Sequence):
        raise ConfigError(f"where: found {shown(where)}, expected conditions such as {{'sex': 'F'}}.")
    return tuple(c if isinstance(c, Condition) else validated(Where, c, "where").condition() for c in where)


def _equal(column: str, value: Any) -> Mapping[str, Any]:
    if isinstance(value, list | tuple | set | frozenset):
        return {"column": column, "operator": "in", "value": list(value)}
    if value is None:
        return {"column": column, "operator": "missing"}
    return {"column": column, "value": value}

"""Every kind of rule by its name, and the reading of a rule from plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Any

from workbench.core.contract_rules import Compare, InSet, Length, NotNull, Pattern, Range, Rule
from workbench.core.contract_values import READERS
from workbench.core.contract_whole import (
    Determines,
    Distinct,
    Freshness,
    Mean,
    Monotone,
    Quantile,
    Refers,
    RowCount,
    Sum,
    Total,
    Unique,
)
from workbench.core.errors import ConfigError, unknown

KINDS: dict[str, type[Rule]] = {
    k.kind: k
    for k in (
        NotNull, InSet, Range, Length, Pattern, Compare, Unique, Monotone, Determines, Refers,
        RowCount, Mean, Sum, Distinct, Quantile, Freshness,
    )
}  # fmt: skip


def rule_of(data: Any, where: str = "contract: rules") -> Rule:
    """Read what `to_dict` wrote, or what a person wrote; ConfigError says which field is wrong."""
    if not isinstance(data, Mapping):
        raise ConfigError(f"{where}: found {type(data).__name__}, expected a mapping such as {{rule: not_null, ...}}.")
    kind = data.get("rule")
    if not isinstance(kind, str) or kind not in KINDS:
        raise ConfigError(f"{where}: " + unknown("rule", kind, KINDS))
    known = {f.name: f for f in fields(KINDS[kind])}
    given = {}
    for field, value in data.items():
        if field == "rule":
            continue
        if field not in known:
            raise ConfigError(f"{where}: {kind}: " + unknown("field", field, known))
        try:
            given[field] = READERS[_read_as(KINDS[kind], field)](value)
        except ConfigError as error:
            raise ConfigError(f"{where}: {kind}: {field}: {error}") from None
    for name, field in known.items():
        if name not in given and field.default is MISSING:
            raise ConfigError(f"{where}: {kind}: expected `{name}` too.")
    return KINDS[kind](**given)


def _read_as(cls: type[Rule], field: str) -> str:
    if field in ("minimum", "maximum"):
        return "count" if cls in (Length, RowCount, Distinct) else "bound" if issubclass(cls, Total) else field
    return field

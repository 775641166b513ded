"""What a person does to a proposed contract, rule by rule (accept, edit, reject), and the rules in order."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from workbench.core.contract import Column, Contract
from workbench.core.contract_kinds import rule_of
from workbench.core.contract_rules import Rule
from workbench.core.errors import ConfigError, unknown


def accept(contract: Contract, keys: Iterable[str] | None = None) -> Contract:
    """Return the contract with some rules accepted, or every proposed one; ConfigError for a key it does not have."""
    return _decided(contract, "accepted", keys)


def reject(contract: Contract, keys: Iterable[str]) -> Contract:
    """Return the contract with some rules rejected: they stay in it and are not checked."""
    return _decided(contract, "rejected", keys)


def propose(contract: Contract, keys: Iterable[str]) -> Contract:
    """Return the contract with some rules proposed again, as they were before a decision."""
    return _decided(contract, "proposed", keys)


def edit(contract: Contract, key: str, **changes: Any) -> Contract:
    """Return the contract with fields of one rule changed, and the rule accepted unless `state` says otherwise.

    The fields are those of the YAML (`minimum=18`, `mostly=0.99`); a column's own key takes `type`, `required` and
    `sensitive`. ConfigError says which field is wrong, and leaves the contract as it was.
    """
    _known(contract, [key])
    decided = {"state": "accepted", **changes}
    if key not in {r.key for r in contract.rules}:
        data = contract.to_dict()
        data["columns"][key] |= decided
        return Contract.from_dict(data)
    rules = (rule_of({**r.to_dict(), **decided}, key) if r.key == key else r for r in contract.rules)
    return replace(contract, rules=tuple(rules))


def _decided(contract: Contract, state: str, keys: Iterable[str] | None) -> Contract:
    wanted = {key for key, part in parts_of(contract) if part.state == "proposed"} if keys is None else {*keys}
    _known(contract, wanted)
    taken = {r.key for r in contract.rules}
    rules = tuple(replace(r, state=state) if r.key in wanted else r for r in contract.rules)
    columns = {
        name: replace(column, state=state) if name in wanted and name not in taken else column
        for name, column in contract.columns.items()
    }
    return replace(contract, columns=columns, rules=rules)


def _known(contract: Contract, keys: Iterable[str]) -> None:
    known = [key for key, _ in parts_of(contract)]
    for key in keys:
        if key not in known:
            raise ConfigError("contract: " + unknown("rule", key, known))


def parts_of(contract: Contract) -> list[tuple[str, Column | Rule]]:
    """Return each rule under its key and each column (its type is a rule) under its name, by column.

    Columns are in the contract's order, each followed by the rules whose first column it is; then rules of no column.
    """
    by_column: dict[str, list[tuple[str, Column | Rule]]] = {name: [] for name in contract.columns}
    whole: list[tuple[str, Column | Rule]] = []
    for rule in contract.rules:
        (by_column[rule.about[0]] if rule.about else whole).append((rule.key, rule))
    taken = {rule.key for rule in contract.rules}
    types = {name: [(name, column)] if name not in taken else [] for name, column in contract.columns.items()}
    return [part for name in contract.columns for part in (*types[name], *by_column[name])] + whole

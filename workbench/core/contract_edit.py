"""What a person does to a proposed contract, rule by rule (accept, edit, reject), and the rules as a table."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from workbench.core.contract import Column, Contract
from workbench.core.contract_kinds import rule_of
from workbench.core.contract_rules import Rule
from workbench.core.contract_types import TYPES
from workbench.core.contract_values import STATES, Grounds
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
    wanted = {key for key, part in _parts(contract) if part.state == "proposed"} if keys is None else {*keys}
    _known(contract, wanted)
    taken = {r.key for r in contract.rules}
    rules = tuple(replace(r, state=state) if r.key in wanted else r for r in contract.rules)
    columns = {
        name: replace(column, state=state) if name in wanted and name not in taken else column
        for name, column in contract.columns.items()
    }
    return replace(contract, columns=columns, rules=rules)


def _known(contract: Contract, keys: Iterable[str]) -> None:
    known = [key for key, _ in _parts(contract)]
    for key in keys:
        if key not in known:
            raise ConfigError("contract: " + unknown("rule", key, known))


def _parts(contract: Contract) -> list[tuple[str, Column | Rule]]:
    """Return each rule under its key, and each column (its type is a rule) under its name."""
    rules: list[tuple[str, Column | Rule]] = [(r.key, r) for r in contract.rules]
    taken = {key for key, _ in rules}
    return [*((n, c) for n, c in contract.columns.items() if n not in taken), *rules]


def listed(contract: Contract) -> list[dict[str, Any]]:
    """Return the rules as rows of a table: key, column, kind, words, state, n, share and seen of the evidence."""
    rows = []
    for key, part in _parts(contract):
        grounds = part.evidence or Grounds(0)
        if isinstance(part, Column):
            about = {"column": key, "kind": "type", "words": f"is {part.type}" if part.type in TYPES else ""}
        else:
            about = {"column": ", ".join(part.about), "kind": part.kind, "words": part.words}
        evidence = {"n": grounds.n or None, "share": grounds.share, "seen": grounds.seen}
        rows.append({"key": key, **about, "state": part.state, **evidence})
    order = {state: i for i, state in enumerate(STATES)}
    return sorted(rows, key=lambda row: order[str(row["state"])])

"""A contract that a person decides on, rule by rule: what the view shows, and what its acts do; knows no toolkit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.audit.contracts import contract_yaml
from workbench.audit.run import Prepared
from workbench.audit.text import dump_line, parse_yaml
from workbench.core.contract import Column, Contract
from workbench.core.contract_edit import accept, edit, parts_of, propose, reject
from workbench.core.contract_infer import infer_contract
from workbench.core.contract_judge import Judgements
from workbench.core.contract_rules import Rule
from workbench.core.counts import count
from workbench.core.dataset import Dataset, Roles
from workbench.core.errors import ConfigError, WorkbenchError, shown, thousands
from workbench.core.writing import write_whole
from workbench.report.labels import plain
from workbench.ui import contract_payload as payload
from workbench.ui.contract_payload import Here

if TYPE_CHECKING:
    from workbench.door import Audit

Judge = Callable[[Contract], Judgements]
_DECISIONS: Mapping[str, tuple[Callable[..., Contract], str]] = {
    "accept": (accept, "accepted"),
    "reject": (reject, "rejected: not checked"),
    "propose": (propose, "proposed again"),
}
_HEADS = ("Rule", "What it rests on", "State", "On the data", "Broken by", "Rows")
_MOST_CHARACTERS = 20_000
_MOST_COPIED = 200
_FIXED = ("contract", "key", "rule")


class ContractBoard:
    """The contract as decided so far; an act that cannot be done leaves it as it was and says why.

    `here` is what became of its rules on the data; `judge` asks that anew; `path` is the file that `save` writes.
    """

    def __init__(
        self,
        contract: Contract,
        *,
        here: Mapping[str, Here] | None = None,
        judge: Judge | None = None,
        path: Path | None = None,
    ) -> None:
        self.contract, self._saved = contract, contract
        self.here = dict(here or {})
        self._judge, self._path = judge, path
        self._message, self._problem = "", False

    def act(self, given: Mapping[str, Any]) -> None:
        """Accept, reject or propose some `keys`, edit one `key` with a `text` of fields, check the data, or save."""
        try:
            self._message, self._problem = self._done(given), False
        except (WorkbenchError, OSError) as error:
            why = f"it cannot be written: {error.strerror}." if isinstance(error, OSError) else str(error)
            self._message, self._problem = why[:2000], True

    def _done(self, given: Mapping[str, Any]) -> str:
        name = given.get("name")
        if name in _DECISIONS:
            return self._decided(str(name), [str(k) for k in given.get("keys") or ()])
        does = {"edit": lambda: self._edited(given), "check": self.check, "save": self._written}
        if name not in does:
            raise ConfigError("that is nothing that can be done to a rule.")
        return does[str(name)]()

    def _decided(self, name: str, keys: list[str]) -> str:
        decide, word = _DECISIONS[name]
        self.contract = decide(self.contract, keys)
        return f"{shown(keys[0], 80)} is {word}." if len(keys) == 1 else f"{thousands(len(keys))} rules are {word}."

    def _edited(self, given: Mapping[str, Any]) -> str:
        fields = parse_yaml(str(given.get("text")), "the rule's fields", _MOST_CHARACTERS)
        if not isinstance(fields, Mapping) or not all(isinstance(k, str) and k not in _FIXED for k in fields):
            raise ConfigError("expected fields such as {minimum: 18, maximum: 99}.")
        key, before = str(given.get("key")), dict(parts_of(self.contract))
        self.contract = edit(self.contract, key, **fields)
        for changed, part in parts_of(self.contract):
            if before.get(changed) != part:
                self.here.pop(changed, None)
        return f"{shown(key, 80)} is edited and accepted."

    def check(self) -> str:
        """Judge the data by the contract as it is decided."""
        if self._judge is None:
            raise ConfigError("no data was given to check.")
        found = self._judge(self.contract)
        self.here = payload.of_judgements(found)
        held = sum(rule.outcome == "pass" for rule in found.rules)
        return f"{thousands(held)} of {thousands(len(found.rules))} rules hold on {thousands(found.rows)} rows."

    def _written(self) -> str:
        if self._path is None:
            raise ConfigError("the contract was not opened from a file: call save(path).")
        self.save(self._path)
        return f"{self._path.name} is written."

    def save(self, path: str | Path) -> None:
        """Write the contract as YAML: the file is there in full or as it was."""
        write_whole(Path(path), contract_yaml(self.contract).encode())
        self._saved = self.contract

    def state(self) -> dict[str, Any]:
        """Return what the view shows."""
        rows = payload.of_contract(self.contract, self.here, dict(map(_fields, parts_of(self.contract))))
        named = "Contract" if self.contract.name == "contract" else f"Contract {self.contract.name}"  # of contract.yaml
        title = plain(f"{named}, version {self.contract.version}", 160)
        told = f"{payload.sentence(rows)} What was seen in a reference is not by that what is right."
        about = {"decide": True, "can_check": self._judge is not None, "unsaved": self.contract != self._saved}
        file = "" if self._path is None else self._path.name
        return payload.view(title, told, rows, **about, file=file, message=self._message, problem=self._problem)

    def static(self) -> tuple[str, str]:
        """Return the table as HTML and as text, which need no kernel; every value is escaped."""
        return static(self.state())


def proposed(prepared: Prepared) -> Contract:
    """Return rules that the reference keeps (without one: the data), as proposals; no value of a sensitive column."""
    kept = prepared.reference or prepared.current
    roles = kept.roles
    unique = [roles.id] if roles.id else []
    return infer_contract(count(Dataset(kept.frame, Roles())), kept.frame, unique=unique, sensitive=roles.sensitive)


def _fields(about: tuple[str, Column | Rule]) -> tuple[str, str]:
    """Return what of a rule can be edited, as one line of YAML under its key."""
    key, part = about
    plain = part.to_dict()
    if isinstance(part, Column):
        plain = {"type": part.type, "required": part.required, "sensitive": part.sensitive}
    return key, dump_line({k: v for k, v in plain.items() if k not in ("rule", "state", "evidence", "name")})


def static(state: Mapping[str, Any]) -> tuple[str, str]:
    """Return the view's table as HTML without scripts and as text; every value is escaped."""
    lines = [_line(row) for row in state["rows"][:_MOST_COPIED]]
    head = "".join(f'<th scope="col">{name}</th>' for name in _HEADS)
    body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in line)}</tr>" for line in lines)
    title = f"<caption>{escape(state['title'])}</caption>"
    table = f"<table>{title}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    said = f"{state['sentence']} Showing {thousands(len(lines))} of {thousands(len(state['rows']))}."
    text = "\n".join([state["title"], said, *("  ".join(filter(None, line)) for line in lines)])
    return f"<p>{escape(said)}</p>{table}", text


def _line(row: Mapping[str, Any]) -> list[str]:
    here = row["here"] or dict.fromkeys(("shape", "word", "count", "shown", "rows", "reason"), "")
    broken = " · ".join(filter(None, (here["count"], here["shown"])))
    outcome = f"{here['shape']} {here['word']}".strip()
    return [row["rule"], row["evidence"], row["state"], outcome, broken, here["rows"] or here["reason"]]


def board_of(audit: Audit) -> ContractBoard | None:
    """Return the board of an audit's contract with what was found of it, or None where it has none."""
    contract = audit.prepared.contract
    if contract is None:
        return None
    found = None if audit.record is None else payload.of_record(audit.record)
    return ContractBoard(contract.contract, here=None if found is None else found[1], path=contract.path)

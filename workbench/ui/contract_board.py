"""A contract that a person decides on, rule by rule: what the view shows, and what its acts do; knows no toolkit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from html import escape
from pathlib import Path
from typing import Any

from workbench.audit.contracts import contract_yaml
from workbench.audit.text import dump_line, parse_yaml
from workbench.core.contract import Contract
from workbench.core.contract_edit import accept, edit, listed, propose, reject
from workbench.core.errors import ConfigError
from workbench.core.writing import write_whole

_DECISIONS: Mapping[str, Callable[..., Contract]] = {"accept": accept, "reject": reject, "propose": propose}
_HEADS = ("Rule", "Asks that it", "What it rests on", "State")
_MOST_CHARACTERS = 20_000


class ContractBoard:
    """The contract as decided so far; an act that cannot be done leaves it as it was and says why."""

    def __init__(self, contract: Contract) -> None:
        self.contract, self.message = contract, ""

    def act(self, given: Mapping[str, Any]) -> None:
        """Do what the view asks: accept, reject or propose some `keys`, or edit one `key` with a `text` of fields."""
        try:
            self.contract = self._done(given)
            self.message = ""
        except ConfigError as error:
            self.message = str(error)

    def _done(self, given: Mapping[str, Any]) -> Contract:
        name = given.get("name")
        if name in _DECISIONS:
            return _DECISIONS[str(name)](self.contract, [str(k) for k in given.get("keys") or ()])
        if name != "edit":
            raise ConfigError("that is nothing that can be done to a rule.")
        fields = parse_yaml(str(given.get("text")), "the rule's fields", _MOST_CHARACTERS)
        if not isinstance(fields, Mapping) or not all(isinstance(k, str) for k in fields):
            raise ConfigError("expected fields such as {minimum: 18, maximum: 99}.")
        return edit(self.contract, str(given.get("key")), **{k: v for k, v in fields.items() if k != "key"})

    def state(self) -> dict[str, Any]:
        """Return what the view shows."""
        fields = self._fields()
        rows = [{**row, "seen": row["seen"] or "", "fields": fields.get(row["key"])} for row in listed(self.contract)]
        rows = [{k: row[k] for k in ("key", "words", "seen", "state", "fields")} for row in rows]
        left = sum(row["state"] == "proposed" for row in rows)
        title = f"Contract {self.contract.name}, version {self.contract.version}"
        sentence = (
            f"{len(rows):,} rules, {left:,} of them proposed: a proposed rule warns, an accepted one fails, a rejected "
            "one is not checked. What was seen in a reference is not by that what is right."
        )
        return {"title": title, "sentence": sentence, "open": left, "rows": rows, "message": self.message}

    def _fields(self) -> dict[str, str]:
        """Return the fields of each rule that can be edited, as one line of YAML."""
        found = {}
        for rule in self.contract.rules:
            plain = {k: v for k, v in rule.to_dict().items() if k not in ("rule", "state", "evidence", "name")}
            found[rule.key] = dump_line(plain)
        return found

    def save(self, path: str | Path) -> None:
        """Write the contract as YAML."""
        write_whole(Path(path), contract_yaml(self.contract).encode())

    def static(self) -> tuple[str, str]:
        """Return the table as HTML and as text, which need no kernel; every value is escaped."""
        state = self.state()
        lines = [[row[k] for k in ("key", "words", "seen", "state")] for row in state["rows"]]
        head = "".join(f'<th scope="col">{name}</th>' for name in _HEADS)
        body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in line)}</tr>" for line in lines)
        title = f"<caption>{escape(state['title'])}</caption>"
        table = f"<table>{title}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        text = "\n".join([state["title"], state["sentence"], *("  ".join(map(ascii, line)) for line in lines)])
        return f"<p>{escape(state['sentence'])}</p>{table}", text

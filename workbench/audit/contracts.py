"""Contract files: YAML that people write and review."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from workbench.audit.text import dump_yaml, parse_yaml
from workbench.core.contract import Contract
from workbench.core.contract_judge import Judgements, Naming, judge_data
from workbench.core.contract_whole import Refers
from workbench.core.errors import ConfigError, shown
from workbench.core.frame import Frame
from workbench.core.writing import write_whole
from workbench.load import open_frame
from workbench.load.remote import is_remote

MOST_CHARACTERS = 20_000_000
"""Length of a contract's file: a proposal for 5,000 columns has some 4 million characters."""


@dataclass(frozen=True)
class Held:
    """A contract that data is held to, with the files that its rules refer to and the file that it is from."""

    contract: Contract
    others: Mapping[str, Frame]
    path: Path | None = None

    @property
    def about(self) -> dict[str, str]:
        """Return what an audit's record says of the contract: what was seen when it was proposed is not part of it."""
        asked = self.contract.to_dict()
        asked["rules"] = [{k: v for k, v in rule.items() if k != "evidence"} for rule in asked["rules"]]
        asked["columns"] = {n: {k: v for k, v in c.items() if k != "evidence"} for n, c in asked["columns"].items()}
        # Not canonical JSON: limits may be integers beyond what that can hold.
        text = json.dumps(asked, sort_keys=True, separators=(",", ":"))
        digest = "sha256:" + hashlib.sha256(text.encode()).hexdigest()
        return {"name": self.contract.name, "version": self.contract.version, "digest": digest}

    def judge(self, frame: Frame, as_of: datetime | None, naming: Naming | None = None) -> Judgements:
        """Judge every row of a frame."""
        return judge_data(frame, self.contract, others=self.others, as_of=as_of, naming=naming)


Given = Contract | Mapping[str, Any] | str | Path


def contract_at(given: Given) -> Held:
    """Return a contract given as a file, as plain data or as itself; files that it refers to are not opened."""
    if isinstance(given, str | Path):
        return Held(load_contract(given), {}, Path(given).absolute())
    return Held(given if isinstance(given, Contract) else Contract.from_dict(given), {})


def held(given: Given) -> Held:
    """Return a contract given as a file, as plain data or as itself, ready to be judged."""
    found = contract_at(given)
    return reopened(found.contract, found.path)


def reopened(contract: Contract, path: Path | None) -> Held:
    """Return a contract with the files that it refers to, from beside the file that it is from."""
    return Held(contract, open_referred(contract, "." if path is None else path.parent), path)


def stored(given: Given | None, contract: Held | None, folder: Path) -> str | None:
    """Return the path of an audit's contract: the file it was given as, else one written into the folder."""
    if contract is None or isinstance(given, str | Path):
        return None if given is None else str(Path(str(given)).absolute())
    file = folder / "contract.yaml"
    write_whole(file, contract_yaml(contract.contract).encode())
    return str(file.absolute())


def load_contract(path: str | Path) -> Contract:
    """Read a contract file; ConfigError says what is wrong in it."""
    try:
        text = Path(path).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise ConfigError(f"contract {shown(path, 200)} cannot be read: {why}.") from None
    data = parse_yaml(text, Path(path).name, MOST_CHARACTERS)
    if not isinstance(data, Mapping):
        raise ConfigError(f"{Path(path).name}: found {type(data).__name__}, expected a mapping with `columns`.")
    return Contract.from_dict(data)


def contract_yaml(contract: Contract) -> str:
    """Return a contract as the YAML that `load_contract` reads."""
    return dump_yaml(contract.to_dict(), compact=True)


def open_referred(contract: Contract, folder: str | Path) -> dict[str, Frame]:
    """Open the files that the contract's rules refer to, by the path that it gives: relative to `folder`, its own."""
    names = {r.data for r in contract.rules if isinstance(r, Refers) and r.live}
    return {name: open_frame(name if is_remote(name) else Path(folder) / name) for name in sorted(names)}

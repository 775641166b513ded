"""Contract files: YAML that people write and review."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from workbench.audit.text import dump_yaml, parse_yaml
from workbench.core.contract import Contract
from workbench.core.errors import ConfigError, shown


def load_contract(path: str | Path) -> Contract:
    """Read a contract file; ConfigError says what is wrong in it."""
    try:
        text = Path(path).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise ConfigError(f"contract {shown(path, 200)} cannot be read: {why}.") from None
    data = parse_yaml(text, Path(path).name)
    if not isinstance(data, Mapping):
        raise ConfigError(f"{Path(path).name}: found {type(data).__name__}, expected a mapping with `columns`.")
    return Contract.from_dict(data)


def contract_yaml(contract: Contract) -> str:
    """Return a contract as the YAML that `load_contract` reads."""
    return dump_yaml(contract.to_dict())

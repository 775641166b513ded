"""Reading the YAML that people write, with errors they can act on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from workbench.core.errors import ConfigError, shown, thousands

MOST_CHARACTERS = 2_000_000


class _Loader(yaml.SafeLoader):
    """A safe loader that refuses a key given twice and unfolds no aliases."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.composer.ComposerError(None, None, "aliases are not allowed", parent and parent.start_mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for i, key in enumerate(keys):
            if key in keys[:i]:
                mark = node.value[i][0].start_mark
                raise yaml.constructor.ConstructorError(None, None, f"the key {shown(key)} is given twice", mark)
        return super().construct_mapping(node, deep=deep)


def parse_yaml(text: str, what: str, most: int = MOST_CHARACTERS) -> Any:
    """Return the plain data of a YAML text; ConfigError names the line of a mistake."""
    if len(text) > most:
        raise ConfigError(f"{what} has {thousands(len(text))} characters: expected at most {thousands(most)}.")
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506  a SafeLoader
    except yaml.MarkedYAMLError as error:
        line = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise ConfigError(f"{what}{line}: {error.problem or 'not valid YAML'}.") from None
    except RecursionError:
        raise ConfigError(f"{what}: not valid YAML (nested too deeply).") from None
    except (yaml.YAMLError, ValueError, TypeError) as error:
        raise ConfigError(f"{what}: not valid YAML ({type(error).__name__}).") from None


def read_mapping(path: str | Path) -> dict[str, Any]:
    """Return the mapping in a YAML or (by its name) JSON file; ConfigError says what is wrong with it."""
    try:
        text = Path(path).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{shown(path, 200)} cannot be read ({type(error).__name__}).") from None
    found = _json(text, path) if str(path).lower().endswith(".json") else parse_yaml(text, Path(path).name)
    if not isinstance(found, dict):
        raise ConfigError(f"{shown(path, 200)}: expected a mapping of names to values.")
    return found


def _json(text: str, path: str | Path) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        line = f", line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise ConfigError(f"{shown(path, 200)}{line}: not valid JSON.") from None


def dump_yaml(data: Any, *, compact: bool = False) -> str:
    """Return plain data as YAML, keys in the order given; `compact`: mappings and lists of plain values in one line."""
    style = None if compact else False
    return yaml.safe_dump(data, sort_keys=False, allow_unicode=True, default_flow_style=style, width=100)


def dump_line(data: Any) -> str:
    """Return plain data as one line of YAML."""
    return str(yaml.safe_dump(data, sort_keys=False, allow_unicode=True, default_flow_style=True, width=10**9)).strip()

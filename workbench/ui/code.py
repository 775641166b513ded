"""The Python of what is on the screen: one expression that makes the same audit, for a cell."""

from __future__ import annotations

import ast
import inspect
import pprint
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from workbench.audit.policy import load_policy
from workbench.audit.run import chosen_checks
from workbench.core.contract import Contract
from workbench.core.errors import ConfigError
from workbench.load.storing import is_source

if TYPE_CHECKING:
    from workbench.core.check import Check
    from workbench.door import Audit

GIVEN = ("data", "reference", "labels", "model", "challenger")
"""What an audit is of: named by a file, or by a variable of the notebook."""


def code_of(audit: Audit, names: Mapping[str, Any]) -> str:
    """Return the Python that makes the audit again and runs it.

    `names` are the notebook's variables: what was held in memory is named by one of them. ConfigError when it has no
    name any more, or something given cannot be written.
    """
    given = [text for what in GIVEN for text in _given(what, audit, names)]
    settings = [f"{name}={_written(name, value)}" for name, value in _settings(audit).items()]
    arguments = ",\n    ".join([*given, *settings])
    return f"import workbench as wb\n\naudit = wb.Audit(\n    {arguments},\n)\nrecord = audit.run()\nrecord.digest"


def _given(what: str, audit: Audit, names: Mapping[str, Any]) -> Iterator[str]:
    value = audit.given[what]
    if value is None:
        return
    head = "" if what == "data" else f"{what}="
    if is_source(value):
        places = [str(v) for v in value] if isinstance(value, list | tuple) else str(value)
        yield f"{head}{places!r}"
        return
    usable = {n: v for n, v in names.items() if n.isidentifier() and not n.startswith("_")}
    name = next((n for n, v in usable.items() if v is value), None)
    if name is None:
        holder = next((n for n, v in usable.items() if isinstance(v, type(audit)) and v.given.get(what) is value), None)
        if holder is None:
            raise ConfigError(
                f"the {what} has no name in this notebook any more: give it one and make the audit of that, or export "
                "the notebook, which writes it to a file."
            )
        name = f"{holder}.given[{what!r}]"
    yield f"{head}{name}"


def _settings(audit: Audit) -> dict[str, Any]:
    """Return what differs from the defaults of `Audit`, in the order of its arguments, without notes."""
    p = audit.prepared
    every = audit.settings() | {"checks": _checks(audit), "policy": p.policy.to_dict(), "contract": _contract(audit)}
    every["notes"] = None
    if every["policy"] == load_policy(None).to_dict():
        every["policy"] = None
    found = {}
    for name, parameter in inspect.signature(type(audit).__init__).parameters.items():
        value, default = every.get(name), parameter.default
        value = list(value) if isinstance(value, tuple) else value
        if value not in (None, [], {}, "") and value != default:
            found[name] = value
    return found


def _checks(audit: Audit) -> list[str] | dict[str, dict[str, Any]] | None:
    p = audit.prepared
    rare = {"challenger": p.challenger, "windows": p.windows, "contract": p.contract}
    usual = chosen_checks(None, audit.roles.kind_of_task, given=[n for n, it in rare.items() if it is not None])
    if p.checks == usual:
        return None
    changed = {check.id: _changed(check, params) for check, params in p.checks}
    return changed if any(changed.values()) else list(changed)


def _changed(check: Check, params: Mapping[str, Any]) -> dict[str, Any]:
    usual = check.bind({})
    return {k: v for k, v in params.items() if usual.get(k) != v}


def _contract(audit: Audit) -> Any:
    given = audit.given["contract"]
    return given.to_dict() if isinstance(given, Contract) else given


def _written(name: str, value: Any) -> str:
    value = str(value) if name == "contract" and is_source(value) else value
    text = repr(value)
    if len(text) > 90:
        text = pprint.pformat(value, width=100, sort_dicts=False).replace("\n", "\n    ")
    try:
        same = ast.literal_eval(text.strip()) == value
    except (ValueError, SyntaxError):
        same = False
    if not same:
        raise ConfigError(f"{name}: {type(value).__name__} cannot be written as Python: export the notebook instead.")
    return text

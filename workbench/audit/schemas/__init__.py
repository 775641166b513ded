"""The published JSON Schemas of plan, policy and record."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

NAMES = ("plan", "policy", "record")


def schema(name: str) -> dict[str, Any]:
    """Return a published schema: of a plan, a policy or a record."""
    text = files("workbench.audit.schemas").joinpath(f"{name}.schema.json").read_text("utf-8")
    found: dict[str, Any] = json.loads(text)
    return found

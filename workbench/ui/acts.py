"""What a view did, taken from its messages: each act once, in order, though a host may merge messages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MOST_VIEWS = 200
"""Views of one widget whose last act is remembered."""


class Heard:
    """The acts of every view of one widget; a message holds a view's last acts, numbered from 1."""

    def __init__(self) -> None:
        self._last: dict[str, int] = {}

    def new(self, message: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        """Return the acts that were not heard before; a message that is an act by itself is that act."""
        if "acts" not in message:
            return [message] if message.get("name") else []
        view = str(message.get("from"))
        last = self._last.pop(view, 0)
        found = [act for act in message["acts"] if isinstance(act, Mapping) and _number(act) > last]
        self._last[view] = max([last, *map(_number, found)])
        while len(self._last) > MOST_VIEWS:
            del self._last[next(iter(self._last))]
        return found


def _number(act: Mapping[str, Any]) -> int:
    n = act.get("n")
    return n if isinstance(n, int) else 0

"""Whether the notebook's variables still hold what an audit was made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any


class Variables:
    """The variables that hold an audit's data or model; after each cell those that hold something else are told."""

    def __init__(self, given: Mapping[str, Any], tell: Callable[[list[str]], None]) -> None:
        self._tell = tell
        self._shell = _shell()
        every = names()
        held = [value for value in given.values() if value is not None and not isinstance(value, str)]
        # A name of one letter and underscore (`_`, `_3`) is IPython's own memory of outputs.
        self._names = {
            name: value for name, value in every.items() if not name.startswith("_") and any(value is v for v in held)
        }
        self._told: list[str] = []
        if self._shell is not None and self._names:
            self._shell.events.register("post_run_cell", self._look)

    def close(self) -> None:
        """Look no more."""
        if self._shell is not None and self._names:
            self._shell.events.unregister("post_run_cell", self._look)
            self._names = {}

    def _look(self, *_: Any) -> None:
        now = self._shell.user_ns if self._shell is not None else {}
        changed = sorted(name for name, value in self._names.items() if now.get(name, value) is not value)
        if changed != self._told:
            self._told = changed
            self._tell(changed)


def names() -> Mapping[str, Any]:
    """Return the notebook's variables."""
    shell = _shell()
    return {} if shell is None else dict(shell.user_ns)


def _shell() -> Any:
    from IPython import get_ipython

    return get_ipython()

"""Screens that want to hear of a record, for as long as they live."""

from __future__ import annotations

from collections.abc import Callable
from weakref import WeakMethod

from workbench.audit.record import Record


class Watchers:
    """Methods that are called with each record; an object that nobody else holds is let go."""

    def __init__(self) -> None:
        self._held: list[WeakMethod[Callable[[Record], None]]] = []

    def add(self, method: Callable[[Record], None]) -> None:
        """Call a bound method with every record from now on."""
        self._held.append(WeakMethod(method))

    def tell(self, record: Record) -> Record:
        """Call every method whose object lives, and return the record."""
        self._held = [held for held in self._held if held() is not None]
        for method in [held() for held in self._held]:
            if method is not None:
                method(record)
        return record

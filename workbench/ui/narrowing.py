"""The rows on screen: conditions that are added and taken away, every step of which can be undone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from workbench.core.errors import ConfigError
from workbench.report import words

if TYPE_CHECKING:
    from workbench.core.filter import Condition
    from workbench.door import Audit

MOST_KEPT = 32
"""Narrowed audits, with their records, that are kept to go back to."""

Where = tuple["Condition", ...]


class Narrowing:
    """An audit and the audits of fewer of its rows that were looked at; going back to one runs nothing again."""

    def __init__(self, audit: Audit) -> None:
        self._whole = audit
        self._own = audit.prepared.where
        self._past: list[Where] = [self._own]
        self._at = 0
        self._audits: dict[Where, Audit] = {self._own: audit}

    @property
    def audit(self) -> Audit:
        """Return the audit of the rows on screen."""
        return self._audits[self._past[self._at]]

    @property
    def audits(self) -> list[Audit]:
        """Return every audit that is kept, of all rows and of fewer."""
        return list(self._audits.values())

    @property
    def where(self) -> Where:
        """Return the conditions that the rows on screen meet."""
        return self._past[self._at]

    def chips(self) -> list[dict[str, Any]]:
        """Return every condition in words, and whether it can be taken away (the audit's own cannot)."""
        own = len(self._own)
        return [{"words": words.condition_words(c.to_dict()), "own": i < own} for i, c in enumerate(self.where)]

    @property
    def can_undo(self) -> bool:
        """Say whether there is a step to take back."""
        return self._at > 0

    @property
    def can_redo(self) -> bool:
        """Say whether there is a step that was taken back."""
        return self._at + 1 < len(self._past)

    def add(self, conditions: Sequence[Condition]) -> None:
        """Narrow the rows by more conditions; those that hold already are not doubled."""
        self._go((*self.where, *(c for c in conditions if c not in self.where)))

    def remove(self, position: int) -> None:
        """Take one condition away; ConfigError for one of the audit's own."""
        if not len(self._own) <= position < len(self.where):
            raise ConfigError("this condition is part of the audit: it cannot be taken away here.")
        self._go((*self.where[:position], *self.where[position + 1 :]))

    def clear(self) -> None:
        """Go back to all rows of the audit."""
        self._go(self._own)

    def undo(self) -> None:
        """Take the last step back, if there is one."""
        self._at = max(0, self._at - 1)

    def redo(self) -> None:
        """Take a step again that was taken back, if there is one."""
        self._at = min(len(self._past) - 1, self._at + 1)

    def _go(self, where: Where) -> None:
        if where == self.where:
            return
        if where not in self._audits:  # a mistake in the conditions is told here, and nothing has moved
            self._audits[where] = self._whole.where(where[len(self._own) :])
        self._past = [*self._past[: self._at + 1], where]
        self._at += 1
        self._forget()

    def _forget(self) -> None:
        needed = set(self._past)
        for where in [w for w in self._audits if w not in needed and w != self._own]:
            del self._audits[where]
        while len(self._past) > MOST_KEPT:  # the first step goes; what it led to stays
            self._past.pop(0)
            self._at -= 1

"""What was done on the screen to an audit: its rows, its threshold, its checks; every step of it can be undone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from workbench.core.errors import ConfigError, shown
from workbench.report import words

if TYPE_CHECKING:
    from workbench.core.filter import Condition
    from workbench.door import Audit

MOST_KEPT = 32
"""Edited audits, with their records, that are kept to go back to."""
THRESHOLD = "threshold"
"""What the chip of the threshold goes by; those of conditions go by their position."""


@dataclass(frozen=True, slots=True)
class Edit:
    """The audit as edited so far: conditions on rows, threshold, and which of its checks run."""

    where: tuple[Condition, ...]
    threshold: float
    checks: tuple[str, ...]

    @property
    def measured(self) -> tuple[tuple[Condition, ...], float]:
        """Return what another audit is made for; a choice of checks is of the same audit's next run."""
        return self.where, self.threshold


class Edits:
    """An audit, what was edited of it step by step, and the audit of each step; going back to one runs nothing."""

    def __init__(self, audit: Audit) -> None:
        self._whole = audit
        self._own = Edit(audit.prepared.where, audit.roles.threshold, tuple(check.id for check in audit.checks))
        self._past = [self._own]
        self._at = 0
        self._audits = {self._own.measured: audit}

    @property
    def now(self) -> Edit:
        """Return the edits that the screen shows."""
        return self._past[self._at]

    @property
    def audit(self) -> Audit:
        """Return the audit that the screen shows, with all of its checks."""
        return self._audits[self.now.measured]

    @property
    def audits(self) -> list[Audit]:
        """Return every audit that is kept, of other rows and thresholds too."""
        return list(self._audits.values())

    @property
    def chosen(self) -> Audit:
        """Return the audit that the screen shows, with the checks that are chosen."""
        return self.audit.with_checks(self.now.checks)

    def listed(self) -> list[dict[str, Any]]:
        """Return every check of the audit, and whether it is chosen."""
        chosen = self.now.checks
        return [{"id": c.id, "code": c.code, "title": c.title, "chosen": c.id in chosen} for c in self.audit.checks]

    def chips(self) -> list[dict[str, Any]]:
        """Return each condition and the threshold in words, what it is taken away by, and whether it can be."""
        own = len(self._own.where)
        found: list[dict[str, Any]] = [
            {"id": i, "words": words.condition_words(c.to_dict()), "own": i < own} for i, c in enumerate(self.now.where)
        ]
        if self.now.threshold != self._own.threshold:
            before, now = (words.limit_number(t) for t in (self._own.threshold, self.now.threshold))
            found.append({"id": THRESHOLD, "words": f"threshold {now} instead of {before}", "own": False})
        return found

    @property
    def can_undo(self) -> bool:
        """Say whether there is a step to take back."""
        return self._at > 0

    @property
    def can_redo(self) -> bool:
        """Say whether there is a step that was taken back."""
        return self._at + 1 < len(self._past)

    def narrow(self, conditions: Sequence[Condition]) -> None:
        """Narrow the rows by more conditions; those that hold already are not doubled."""
        new = tuple(c for c in dict.fromkeys(conditions) if c not in self.now.where)
        self._go(replace(self.now, where=(*self.now.where, *new)))

    def cut_at(self, threshold: object) -> None:
        """Make the audit at another threshold; ConfigError when it is no number, or nothing is cut at one."""
        if isinstance(threshold, bool) or not isinstance(threshold, int | float) or threshold != threshold:
            raise ConfigError(f"threshold: found {shown(threshold)}, expected a number.")
        self._go(replace(self.now, threshold=float(threshold)))

    def choose(self, checks: Sequence[str]) -> None:
        """Choose which of the audit's checks run next."""
        self._go(replace(self.now, checks=tuple(c.id for c in self.audit.checks if c.id in checks)))

    def remove(self, chip: object) -> None:
        """Take one chip away; ConfigError for one of the audit's own, or none."""
        if chip == THRESHOLD:
            return self._go(replace(self.now, threshold=self._own.threshold))
        where = self.now.where
        if not isinstance(chip, int) or not len(self._own.where) <= chip < len(where):
            raise ConfigError("this condition is part of the audit: it cannot be taken away here.")
        return self._go(replace(self.now, where=(*where[:chip], *where[chip + 1 :])))

    def clear(self) -> None:
        """Go back to all rows of the audit and its own threshold."""
        self._go(replace(self._own, checks=self.now.checks))

    def undo(self) -> None:
        """Take the last step back, if there is one."""
        self._at = max(0, self._at - 1)

    def redo(self) -> None:
        """Take a step again that was taken back, if there is one."""
        self._at = min(len(self._past) - 1, self._at + 1)

    def _go(self, edit: Edit) -> None:
        if edit == self.now:
            return
        if edit.measured not in self._audits:  # a mistake is told here, and nothing has moved
            more = edit.where[len(self._own.where) :]
            self._audits[edit.measured] = self._whole.edited(where=more, threshold=edit.threshold)
        self._past = [*self._past[: self._at + 1], edit]
        self._at += 1
        self._forget()

    def _forget(self) -> None:
        while len(self._past) > MOST_KEPT:  # the first step goes; what it led to stays
            self._past.pop(0)
            self._at -= 1
        needed = {edit.measured for edit in (*self._past, self._own)}
        for key in [k for k in self._audits if k not in needed]:
            del self._audits[key]

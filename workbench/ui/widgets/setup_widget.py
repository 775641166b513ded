"""The notebook's way to set an audit up by clicking."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from workbench.ui.setup import Setup
from workbench.ui.widgets.audit_widget import AuditWidget
from workbench.ui.widgets.variables import Variables, names

if TYPE_CHECKING:
    from workbench.door import Audit


class SetupWidget(AuditWidget):
    """Asks for data, model and roles, and then is the workbench of that audit."""

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        self._setup = setup

    def _told(self, name: str, value: Any) -> None:
        super()._told(name, value)
        if self._variables is None and self._setup.audit is not None:
            self.watch(Variables(self._setup.audit.given, self._setup.stale))

    @property
    def audit(self) -> Audit | None:
        """Return the audit that was set up, or None before Start."""
        return self._setup.audit


def setup(build: Callable[..., Audit]) -> SetupWidget:
    """Return a screen that sets up an audit of what this notebook's variables hold, or of files."""
    return SetupWidget(Setup(build, names))

"""The notebook widget in which a person accepts, edits and rejects a contract's rules."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anywidget
import traitlets

from workbench.core.contract import Contract
from workbench.ui import view
from workbench.ui.acts import Heard
from workbench.ui.contract_board import ContractBoard


class ContractWidget(anywidget.AnyWidget):
    """Hands a board's state to the view and the user's acts to the board; `contract` is what was decided."""

    _esm = view.module(view.CONTRACT_ALONE)
    _css = view.styles(("audit.css", "contract.css"))
    state = traitlets.Dict().tag(sync=True)
    act = traitlets.Dict().tag(sync=True)

    def __init__(self, board: ContractBoard) -> None:
        self._board, self._heard = board, Heard()
        super().__init__(state=board.state())
        self.observe(self._acted, names="act")

    def _acted(self, change: Any) -> None:
        for act in self._heard.new(change["new"]):
            self._board.act(act.get("value") or {})
        self.state = self._board.state()

    @property
    def contract(self) -> Contract:
        """Return the contract as decided so far."""
        return self._board.contract

    def save(self, path: str | Path) -> None:
        """Write the contract as YAML."""
        self._board.save(path)
        self.state = self._board.state()

    def _repr_mimebundle_(self, **options: Any) -> Any:
        bundle = super()._repr_mimebundle_(**options)
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
        html, text = self._board.static()
        return {**(data or {}), "text/html": html, "text/plain": text}, metadata

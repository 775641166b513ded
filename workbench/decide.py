"""The door to a contract's table, in which a person decides on its rules."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from workbench.audit.contracts import Given, contract_at, held
from workbench.core.contract import Contract
from workbench.core.contract_judge import Judgements, Naming
from workbench.core.errors import import_extra
from workbench.core.frame import wrap
from workbench.load import open_frame


def open_contract(contract: Given, data: Any = None, *, id: str | None = None) -> Any:
    """Return the table in which a contract's rules are accepted, edited and rejected; its `contract` is the result.

    With `data` (a frame, file, list of files or glob) each rule shows what becomes of it there, now; rows that break it
    are named by the column `id` unless its values are sensitive, else by number. A contract given as a file is saved to
    that file; `save(path)` writes any other.
    """
    import_extra("anywidget", "jupyter", "the contract's table")
    from workbench.ui.contract_board import ContractBoard
    from workbench.ui.widgets.contract_widget import ContractWidget

    given = contract_at(contract) if data is None else held(contract)
    if data is None:
        return ContractWidget(ContractBoard(given.contract, path=given.path))
    files = isinstance(data, str | Path) or (isinstance(data, list) and all(isinstance(d, str | Path) for d in data))
    frame = open_frame(data) if files else wrap(data)

    def judge(decided: Contract) -> Judgements:
        return replace(given, contract=decided).judge(frame, datetime.now(UTC), Naming(id))

    board = ContractBoard(given.contract, judge=judge, path=given.path)
    board.act({"name": "check"})
    return ContractWidget(board)


__all__ = ["open_contract"]

"""What the view shows of a finished record at once: made once a record, however often the state is told."""

from __future__ import annotations

from typing import Any

from workbench.audit.record import Record
from workbench.report.shown import show
from workbench.ui import drift_payload, payload
from workbench.ui.board import board


class Finished:
    """The overview, the drift page and the board of the record on screen."""

    def __init__(self) -> None:
        self._record: Record | None = None
        self._shown: dict[str, Any] = {"overview": None, "drift": None}
        self._board: dict[str, Any] = {}
        self._told = ""

    def of(self, record: Record | None) -> dict[str, Any]:
        """Return `overview` and `drift`, each None without a record."""
        self._look(record)
        return dict(self._shown)

    def board(self, record: Record | None) -> dict[str, Any]:
        """Return the board, the same object as long as it says the same; empty without a record."""
        self._look(record)
        self._told = str(self._board.get("digest", ""))
        return self._board

    def news(self, overview: Any) -> dict[str, Any] | None:
        """Return the board when it is another than was told last; a view that has it is not sent it again."""
        if self._told == (overview or {}).get("digest", ""):
            return None
        self._told = str(self._board.get("digest", ""))
        return self._board

    def _look(self, record: Record | None) -> None:
        if record is self._record:
            return
        self._record = record
        if record is None:
            self._shown, self._board = {"overview": None, "drift": None}, {}
            return
        shown = show(record)
        self._shown = {"overview": payload.overview(record, shown), "drift": drift_payload.drift(record)}
        if self._board.get("digest") != record.digest:
            self._board = board(shown)

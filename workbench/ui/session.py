"""A session: one audit on one screen. It knows no toolkit; a shell subscribes, and hands in what the user does."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from html import escape
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from workbench.audit.kept import resumable
from workbench.audit.record import Record
from workbench.audit.runner import Limits
from workbench.audit.where import conditions
from workbench.core.errors import ConfigError, WorkbenchError, shown
from workbench.core.filter import Condition, of_group
from workbench.report import words
from workbench.report.static import static_html
from workbench.ui import contract_payload, payload, requests
from workbench.ui.about import about
from workbench.ui.compare_payload import comparison
from workbench.ui.contract_board import ContractBoard, board_of, proposed
from workbench.ui.downloads import file_of
from workbench.ui.drilling import Drilling
from workbench.ui.earlier import Earlier
from workbench.ui.edits import Edits
from workbench.ui.explorer import EXPLORED, Explorer
from workbench.ui.failures import answer, failed
from workbench.ui.finished import Finished
from workbench.ui.leaving import code, export
from workbench.ui.proposal import Proposals
from workbench.ui.running import Running, was_cancelled

if TYPE_CHECKING:
    from workbench.door import Audit

Listener = Callable[[str, Any], None]
SHOWN = (
    "state", "board", "progress", "detail", "rates", "costs", "bias", "performance", "explained", "column", "series",
    "window", "log", "attachment", "comparison", "file", "code",
)  # fmt: skip
"""What a session tells the view; a shell holds one value of each."""
_LOOKING = ("open", "look", "threshold", "costs", "attachment", "log", "code")


class Session:
    """State of one screen over an audit that can run, or over a finished record that is only read.

    Acts are queued and done one after another on a thread of the session, so a callback returns at once, whatever
    thread it comes on; a run is made beside them, in a worker process where that can be. Listeners are told
    (name, value) for each of `SHOWN`, one at a time; progress is told at most four times a second. `read` gives a file
    that lies beside a record that was opened; `names` gives the notebook's variables each time it is asked.
    """

    def __init__(
        self,
        audit: Audit | None = None,
        record: Record | None = None,
        read: Callable[[str], bytes] | None = None,
        *,
        limits: Limits | None = None,
        earlier: Earlier | None = None,
        names: Callable[[], Mapping[str, Any]] = dict,
    ) -> None:
        self._edits = None if audit is None else Edits(audit)
        self._names = names
        self._earlier = earlier or Earlier(paths=audit is not None)
        self._read = read
        self._record = record if audit is None else audit.record
        self._lock = threading.RLock()
        self._listeners: list[Listener] = []
        self._acts: SimpleQueue[Mapping[str, Any] | None] = SimpleQueue()
        self._telling = threading.RLock()
        self._running = Running(self._on_progress, self._on_end, limits)
        self._resumable = "" if audit is None or self._record is not None else resumable(audit.prepared)
        self._phase = "done" if self._record is not None else "idle"
        self._message: dict[str, Any] = {}
        self._progress: dict[str, Any] = {}
        self._stale: list[str] = []
        self._finished = Finished()
        self._board = None if audit is None else board_of(audit)
        self._explorer = Explorer(reader=audit is None)
        self._worker: threading.Thread | None = None
        self._proposals = Proposals()
        if audit is not None:
            audit.watchers.add(self._was_run)

    @property
    def _audit(self) -> Audit | None:
        return None if self._edits is None else self._edits.audit

    @property
    def _drilling(self) -> Drilling:
        return Drilling() if self._audit is None else Drilling(self._audit.prepared.current.frame)

    @property
    def record(self) -> Record | None:
        """Return the record on screen, or None before the first run."""
        return self._record

    def subscribe(self, listener: Listener) -> None:
        """Tell `listener` of every change from now on."""
        self._listeners.append(listener)

    def act(self, act: Mapping[str, Any]) -> None:
        """Take what the user did and return at once; `cancel` is heard at once, everything else in its turn."""
        if act.get("name") == "cancel":
            self._running.cancel()
            return
        if act.get("name") in ("run", "resume"):
            self._running.expect()
        self._acts.put(dict(act))
        with self._lock:
            if self._worker is None or not self._worker.is_alive():
                self._worker = threading.Thread(target=self._work, name="workbench-session", daemon=True)
                self._worker.start()

    def close(self) -> None:
        """Stop a running audit, end its worker and let go of listeners."""
        self._listeners.clear()
        self._acts.put(None)
        self._running.close()

    def state(self) -> dict[str, Any]:
        """Return everything the view shows besides an opened finding and the rates at a threshold."""
        with self._lock:
            record = self._record
            return {
                "phase": self._phase,
                "can_run": self._audit is not None,
                "about": {} if self._audit is None else about(self._audit),
                "proposal": None if record or self._phase == "running" else self._proposals.of(self._edits),
                "rows": self._rows(),
                "earlier": self._earlier.listed(record),
                "checks": [] if self._edits is None else self._edits.listed(),
                "progress": self._progress,
                "message": self._message,
                "run": self._running.about,
                "partial": record is not None and was_cancelled(record),
                "resumable": self._resumable,
                "stale": self._stale,
                **self._finished.of(record),
                "contract": self._contract(),
                "requests": [] if self._audit is None else requests.offered(self._audit.prepared),
            }

    def parts(self) -> dict[str, Any]:
        """Return what a shell begins with: the state, and the board, which is told again only where it is another."""
        with self._lock:
            return {"state": self.state(), "board": self._finished.board(self._record)}

    def static(self) -> tuple[str, str]:
        """Return the screen as script-free HTML and as text, for places where nothing runs."""
        if self._record is not None:
            return static_html(self._record), words.verdict_line(self._record)
        text = self._audit.summary() if self._audit is not None else "nothing to show"
        return f"<pre>{escape(text, quote=False)}</pre>", text

    def _contract(self) -> dict[str, Any] | None:
        if self._board is not None:
            return self._board.state()
        return None if self._record is None else contract_payload.of_finished(self._record)

    def _decide(self, value: Any) -> None:
        """Decide on rules of the audit's contract: the next run holds the data to what was decided."""
        if self._audit is None or self._board is None or not isinstance(value, Mapping):
            return
        with self._lock:
            self._board.act(value)
            self._audit.hold(self._board.contract)
        self._tell("state")

    def _propose(self, _: Any) -> None:
        """Propose a contract for the audit that has none; the next run holds the data to it."""
        if self._edits is None or self._audit is None or self._board is not None:
            return
        contract = proposed(self._audit.prepared)
        with self._lock:
            self._audit.hold(contract)
            self._board = ContractBoard(contract)
            self._edits.choose((*self._edits.now.checks, "quality.contract"))
        self._tell("state")

    def _rows(self) -> dict[str, Any]:
        e = self._edits
        return {} if e is None else {"chips": e.chips(), "undo": e.can_undo, "redo": e.can_redo}

    def _work(self) -> None:
        while True:
            act = self._acts.get()
            if act is None:
                return
            try:
                self._do(act)
            except WorkbenchError as error:
                self._say("error", str(error))
            except Exception as error:  # the screen says what happened; a thread has nobody to raise to
                told = failed(f"{act.get('name')!r} could not be done", error)
                self._say("error", f"{told['what']}: {told['why']}", told)

    def _do(self, act: Mapping[str, Any]) -> None:
        does: dict[str, Callable[[Any], None]] = {
            "run": self._run,
            "resume": lambda run: self._run(None, str(run or self._resumable)),
            "log": lambda _: self._tell("log", {"text": self._running.log}),
            "choose": lambda value: self._step(lambda e: e.choose(value)) if isinstance(value, list) else None,
            "open": self._open,
            "threshold": lambda value: self._move("threshold", value),
            "costs": lambda value: self._move("costs", value),
            "add": self._add,
            "look": self._look,
            "attachment": self._attachment,
            "narrow": lambda value: self._step(lambda e: e.narrow(self._conditions(value))),
            "cut": lambda value: self._step(lambda e: e.cut_at(value)),
            "widen": lambda chip: self._step(lambda e: e.remove(chip)),
            "clear": lambda _: self._step(Edits.clear),
            "undo": lambda _: self._step(Edits.undo),
            "redo": lambda _: self._step(Edits.redo),
            "note": self._note,
            "code": self._code,
            "compare": self._compare,
            "download": self._download,
            "export": self._export,
            "decide": self._decide,
            "propose": self._propose,
        }
        name, before = str(act.get("name")), self._message
        if name not in does:
            return
        does[name](act.get("value"))
        if name not in _LOOKING and self._message is before and before.get("kind") == "error":
            self._say("", "")  # what went wrong before is not wrong any more

    def _conditions(self, value: Any) -> Sequence[Condition]:
        if self._audit is not None and isinstance(value, Mapping) and isinstance(value.get("group"), str):
            return of_group(value["group"], self._audit.prepared.current.frame)
        return conditions(value)

    def _step(self, step: Callable[[Edits], None]) -> None:
        """Edit the audit on screen; what was not measured yet is, where what was there before had been."""
        if self._edits is None:
            return
        if self._running.busy:
            raise ConfigError("a run is on: cancel it before you look at other rows or another threshold.")
        before, had = self._audit, self._record is not None
        step(self._edits)
        audit = self._edits.audit
        if audit is before:
            self._tell("state")
            return
        if self._board is not None:
            audit.hold(self._board.contract)  # what was decided is decided of any rows
        with self._lock:
            self._record, self._message = audit.record, {}
            self._phase = "idle" if audit.record is None else "partial" if was_cancelled(audit.record) else "done"
        self._forget_looks()
        if had and audit.record is None:
            self._run(None)
        else:
            self._tell("state")

    def stale(self, names: Sequence[str]) -> None:
        """Say on screen that these variables hold something else than what the audit is of."""
        with self._lock:
            self._stale = [words.plain(name, 60) for name in names]
        self._tell("state")

    def _download(self, value: Any) -> None:
        record = self._record or self._running.so_far()
        if record is not None:
            self._tell("file", file_of(record, value))

    def _compare(self, value: Any) -> None:
        if self._record is not None:
            self._tell("comparison", comparison(self._earlier.find(value), self._record))

    def _run(self, _: Any, resume: str = "") -> None:
        if self._edits is None or self._running.busy:
            return
        if not self._edits.now.checks:
            self._say("error", "no check is chosen: tick at least one")
            return
        with self._lock:
            before = self._phase
            self._phase, self._message, self._progress = "running", {}, {"step": 0, "steps": 1, "label": "starting"}
        self._tell("state")
        try:
            self._running.start(self._edits.chosen, resume)
        except WorkbenchError:
            with self._lock:
                self._phase = before
            raise

    def _on_end(self, record: Record | None, said: str) -> None:
        if record is None or self._audit is None:
            with self._lock:
                self._phase = "error"
            self._say("error", said)
            return
        self._audit.record = record
        self._take(record, self._running.note)

    def _was_run(self, record: Record) -> None:
        """Show what `audit.run()` in a cell found, unless the screen has gone on to other rows or runs itself."""
        if self._audit is not None and self._audit.record is record and not self._running.busy:
            self._take(record, "")

    def _take(self, record: Record, note: str) -> None:
        with self._lock:
            self._record = record
            self._earlier.keep(record)
            self._progress, self._resumable = {}, ""
            if self._board is not None and (found := contract_payload.of_record(record)) is not None:
                self._board.here = found[1]
            self._phase = "partial" if was_cancelled(record) else "done"
            self._message = {"kind": "note", "text": note} if note else {}
        self._forget_looks()
        self._tell("state")
        self._tell("finished")

    def _forget_looks(self) -> None:
        """Take away what was opened of another record: the view asks again for what it shows."""
        for name in ("detail", "attachment", "comparison", *EXPLORED):
            self._tell(name, {})

    def _on_progress(self, progress: dict[str, Any]) -> None:
        with self._lock:
            self._progress = progress
        self._tell("progress")

    def _open(self, value: Any) -> None:
        record = self._record or self._running.so_far()
        if record is not None and isinstance(value, str):
            make = partial(payload.detail, record, value, self._drilling)
            self._tell("detail", answer("the finding", make, check=value))

    def _attachment(self, value: Any) -> None:
        if self._record is not None and isinstance(value, str):
            self._tell("attachment", payload.attachment(self._record, value, self._read))

    def _look(self, value: Any) -> None:
        """Tell the pages that the view looks at, and the column, the series and the window where they are others."""
        if self._record is not None and isinstance(value, Mapping):
            for name, told in self._explorer.pages(self._record, value, self._drilling):
                self._tell(name, told)

    def _move(self, act: str, value: Any) -> None:
        if self._record is not None:
            self._tell(*self._explorer.moved(self._record, act, value, self._acts))

    def _add(self, value: Any) -> None:
        """Make checks that run only on request part of the audit, and run what is new of it."""
        if self._edits is None or self._running.busy:
            return
        more = requests.add(value, self._edits.audits)
        self._edits.choose((*self._edits.now.checks, *more))
        self._run(None, str(self._running.about["id"]))

    def _export(self, name: Any) -> None:
        if self._edits is not None:
            self._say("done", export(self._edits.chosen, name, self._record))

    def _code(self, _: Any) -> None:
        if self._edits is not None:
            self._tell("code", code(self._edits.chosen, self._names()))

    def _note(self, value: Any) -> None:
        """Write a person's note on a finding; an empty text takes it away."""
        audit = self._audit
        if audit is None or not isinstance(value, Mapping):
            return
        if self._running.busy:
            raise ConfigError("a run is on: write the note when it has ended.")
        check = str(value.get("check"))
        audit.note(check, str(value.get("text") or ""), str(value.get("by") or ""))
        with self._lock:
            self._record = audit.record
        self._open(check)
        self._say("done", "the note is kept beside the record, outside its digest")
        self._tell("finished")  # the copy that needs no kernel has it too

    def _say(self, kind: str, text: str, failure: Mapping[str, str] | None = None) -> None:
        said = {"kind": kind, "text": shown(text, 2000)[1:-1] if len(text) > 2000 else text}
        with self._lock:
            self._message = {**said, "failed": failure} if failure else said
        self._tell("state")

    def _tell(self, name: str, value: Any = None) -> None:
        if name == "state":
            value = self.state()
        elif name == "progress":
            value = dict(self._progress)
        with self._telling:  # acts and the run are on two threads, and a shell need not know
            board = self._finished.news(value["overview"]) if name == "state" else None
            for listener in list(self._listeners):
                if board is not None:
                    listener("board", board)
                listener(name, value)

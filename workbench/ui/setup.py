"""Setting an audit up by clicking: data, model and roles from what the session already holds, or from files."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from workbench.audit.guess import guessed, values_of
from workbench.core.errors import WorkbenchError, thousands
from workbench.core.frame import Frame, wrap
from workbench.load import open_frame
from workbench.report.labels import plain
from workbench.ui.session import Session

if TYPE_CHECKING:
    from workbench.audit.record import Record
    from workbench.door import Audit

Listener = Callable[[str, Any], None]
MOST_LISTED = 200
PICKED = ("data", "reference", "model", "challenger", "contract")
"""What an audit is made of besides roles."""
ONE = ("target", "prediction", "score", "time", "id", "weight", "entity")
MANY = ("sensitive", "segment", "ignore")
ROLES = ("feature", *ONE, *MANY)
_FRAMES = {
    "pandas": ("DataFrame",),
    "polars": ("DataFrame", "LazyFrame"),
    "pyarrow": ("Table", "RecordBatch"),
    "duckdb": ("DuckDBPyRelation",),
    "_duckdb": ("DuckDBPyRelation",),
    "pyspark": ("DataFrame",),
}


class Setup:
    """What a screen shows until an audit is there; from then on it is that audit's session.

    It has a session's doors (`subscribe`, `act`, `state`, `static`, `record`), so a shell shows either alike. `build`
    makes the audit; `names` gives the session's variables each time it is asked. `audit` is what was built, or None.
    """

    def __init__(self, build: Callable[..., Audit], names: Callable[[], Mapping[str, Any]]) -> None:
        self._build = build
        self._names = names
        self._lock = threading.RLock()
        self._listeners: list[Listener] = []
        self._acts = ThreadPoolExecutor(1, "workbench-setup")
        self._session: Session | None = None
        self._chosen = dict.fromkeys(PICKED, "")
        self._frame: Frame | None = None
        self._roles: dict[str, str] = {}
        self._positive = ""
        self._guessed: frozenset[str] = frozenset()
        self._message = ""
        self.audit: Audit | None = None

    @property
    def record(self) -> Record | None:
        """Return the record of the audit, once there is one."""
        return None if self._session is None else self._session.record

    def subscribe(self, listener: Listener) -> None:
        """Tell `listener` of every change from now on."""
        self._listeners.append(listener)

    def stale(self, names: Sequence[str]) -> None:
        """Say on the audit's screen that these variables hold something else now."""
        if self._session is not None:
            self._session.stale(names)

    def close(self) -> None:
        """Let go of listeners, and of the audit's session."""
        self._listeners.clear()
        self._acts.shutdown(wait=False)
        if self._session is not None:
            self._session.close()

    def static(self) -> tuple[str, str]:
        """Return the screen as script-free HTML and as text."""
        if self._session is not None:
            return self._session.static()
        text = "No audit yet: choose data and press Start, or write wb.Audit(data, target=...)."
        return f"<p>{text}</p>", text

    def state(self) -> dict[str, Any]:
        """Return everything that the view shows."""
        if self._session is not None:
            return self._session.state()
        with self._lock:
            return {
                "setup": {
                    "chosen": dict(self._chosen),
                    "frames": list(self._found(_is_frame)),
                    "models": list(self._found(_is_model)),
                    "columns": list(self._columns()),
                    "roles": list(ROLES),
                    "positive": self._positive,
                    "values": self._values(),
                    "missing": self._lacking(),
                    "code": self.code(),
                    "message": self._message,
                }
            }

    def parts(self) -> dict[str, Any]:
        """Return what a shell begins with."""
        return {"state": self.state()} if self._session is None else self._session.parts()

    def act(self, act: Mapping[str, Any]) -> None:
        """Take what the user did and return at once; acts are done one after another."""
        if self._session is not None:
            self._session.act(act)
        else:
            self._acts.submit(self._do, dict(act))

    def _do(self, act: Mapping[str, Any]) -> None:
        """Do what the user did; mistakes are told on the screen and change nothing else."""
        does: dict[str, Callable[[Any], None]] = {
            "pick": self._pick,
            "role": self._role,
            "positive": self._set_positive,
            "start": self._start,
            "refresh": lambda _: None,
        }
        with self._lock:
            self._message = ""
            try:
                does.get(str(act.get("name")), lambda _: None)(act.get("value"))
            except WorkbenchError as error:
                self._message = str(error)
            except Exception as error:  # a foreign frame or model may raise anything; the screen says what
                self._message = f"{type(error).__name__} while reading what was chosen: look at it in a cell."
        for listener in list(self._listeners):
            for name, value in reversed(self.parts().items()):
                listener(name, value)

    def code(self) -> str:
        """Return the Python that builds the same audit."""
        if not self._chosen["data"]:
            return ""
        given = [self._expression("data")]
        given += [f"{what}={self._expression(what)}" for what in PICKED[1:] if self._chosen[what]]
        given += [f"{name}={value!r}" for name, value in self._arguments().items()]
        return "wb.Audit(\n    " + ",\n    ".join(given) + ",\n)"

    # ------------------------------------------------------------------------ acts

    def _pick(self, value: Any) -> None:
        what, name = str(value.get("what")), str(value.get("name") or "").strip()
        if what not in self._chosen:
            return
        before = self._chosen[what]
        self._chosen[what] = name
        try:
            if what == "data":
                self._look(None if not name else _frame(self._object("data")))
            elif what == "reference" and name:
                _frame(self._object("reference"))  # what cannot be read is told here, where it is clear which it is
        except Exception as error:
            self._chosen[what] = before
            if isinstance(error, WorkbenchError) and what in ("data", "reference"):
                raise type(error)(f"{plain(name, 60)!r} was not chosen: {error}") from error
            raise

    def _look(self, frame: Frame | None) -> None:
        self._frame, self._positive, self._roles, self._guessed = frame, "", {}, frozenset()
        if frame is None:
            return
        for role, found in guessed(frame).items():
            if role == "positive":
                self._positive = str(found or "")
            elif found:
                self._roles |= dict.fromkeys(found if isinstance(found, list) else [found], role)
        self._guessed = frozenset(self._roles)

    def _role(self, value: Any) -> None:
        column, role = str(value.get("column")), str(value.get("role"))
        if self._frame is None or column not in self._frame.names or role not in ROLES:
            return
        before = self._target()
        if role in ONE:  # the column that had it is a feature again
            self._roles = {c: r for c, r in self._roles.items() if r != role}
        self._roles.pop(column, None)
        if role != "feature":
            self._roles[column] = role
        self._guessed -= {column}
        if self._target() != before:
            self._positive = ""

    def _set_positive(self, value: Any) -> None:
        self._positive = str(value or "")

    def _start(self, _: Any) -> None:
        if not self._chosen["data"]:
            self._message = "Nothing to audit yet: choose data first."
            return
        if self._values() and not self._positive:
            self._message = "Say first which value of the target is positive."
            return
        given = {what: self._object(what) for what in PICKED[1:] if self._chosen[what]}
        self.audit = self._build(self._object("data"), **given, **self._arguments())
        self._session = Session(self.audit, names=self._names)
        for listener in self._listeners:
            self._session.subscribe(listener)

    # ------------------------------------------------------------------------ what is shown

    def _found(self, fits: Callable[[Any], bool]) -> Iterator[dict[str, str]]:
        listed = 0
        for name, value in list(self._names().items()):
            if name.startswith("_") or listed == MOST_LISTED or not fits(value):
                continue
            listed += 1
            shape = getattr(value, "shape", None) if _is_frame(value) else None
            size = (
                f", {thousands(shape[0])} × {thousands(shape[1])}"
                if isinstance(shape, tuple) and len(shape) == 2
                else ""
            )
            yield {"name": name, "words": f"{name} ({type(value).__name__}{size})"}

    def _columns(self) -> Iterator[dict[str, Any]]:
        for field in () if self._frame is None else self._frame.fields:
            role = self._roles.get(field.name, "feature")
            guess = field.name in self._guessed
            yield {"name": field.name, "shown": plain(field.name, 60), "kind": field.kind, "role": role, "guess": guess}

    def _target(self) -> str:
        return next((c for c, r in self._roles.items() if r == "target"), "")

    def _values(self) -> list[str]:
        """Return the target's values when they are two that are not 0 and 1: then one of them has to be positive."""
        if self._frame is None or not self._target():
            return []
        values = list(values_of(self._frame, self._target()))
        return values if len(values) == 2 and not set(values) <= {"0", "1", "True", "False"} else []

    def _lacking(self) -> list[str]:
        roles = set(self._roles.values())
        said = []
        if self._chosen["data"]:
            if "target" not in roles:
                said.append("no target: performance is not measured")
            if not roles & {"score", "prediction"} and not self._chosen["model"]:
                said.append("no score, prediction or model: neither performance nor decisions by group")
            if "sensitive" not in roles:
                said.append("no sensitive column: groups are not compared")
            if not self._chosen["reference"]:
                said.append("no reference: drift is not measured")
            if self._values() and not self._positive:
                said.append("say which value of the target is positive")
        return said

    def _arguments(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for column, role in self._roles.items():
            if role in MANY:
                found.setdefault(role, []).append(column)
            else:
                found[role] = column
        if self._positive and self._values():
            found["positive"] = self._positive
        return found

    def _object(self, what: str) -> Any:
        name = self._chosen[what]
        return self._names().get(name, name)

    def _expression(self, what: str) -> str:
        name = self._chosen[what]
        return name if name in self._names() and name.isidentifier() else repr(name)


def _frame(data: Any) -> Frame:
    return open_frame(data) if isinstance(data, str) else wrap(data)


def _is_frame(value: Any) -> bool:
    kind = type(value)
    return kind.__name__ in _FRAMES.get(kind.__module__.split(".")[0], ())


def _is_model(value: Any) -> bool:
    return callable(getattr(type(value), "predict", None)) and not isinstance(value, type)

"""The notebook widget: the shared view over a session, with a static twin that outlives the kernel."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import anywidget
import traitlets

from workbench.audit.runner import Limits
from workbench.report import words
from workbench.ui import view
from workbench.ui.acts import Heard
from workbench.ui.session import SHOWN, Session
from workbench.ui.widgets.variables import Variables, names

if TYPE_CHECKING:
    from workbench.door import Audit
    from workbench.ui.setup import Setup


class AuditWidget(anywidget.AnyWidget):
    """Hands the session's state to the view and the user's acts to the session; holds no logic."""

    _esm = view.module()
    _css = view.styles()
    state = traitlets.Dict().tag(sync=True)
    board = traitlets.Dict().tag(sync=True)
    progress = traitlets.Dict().tag(sync=True)
    detail = traitlets.Dict().tag(sync=True)
    rates = traitlets.Dict().tag(sync=True)
    costs = traitlets.Dict().tag(sync=True)
    bias = traitlets.Dict().tag(sync=True)
    performance = traitlets.Dict().tag(sync=True)
    explained = traitlets.Dict().tag(sync=True)
    column = traitlets.Dict().tag(sync=True)
    series = traitlets.Dict().tag(sync=True)
    window = traitlets.Dict().tag(sync=True)
    attachment = traitlets.Dict().tag(sync=True)
    log = traitlets.Dict().tag(sync=True)
    comparison = traitlets.Dict().tag(sync=True)
    file = traitlets.Dict().tag(sync=True)
    code = traitlets.Dict().tag(sync=True)
    act = traitlets.Dict().tag(sync=True)

    def __init__(self, session: Session | Setup) -> None:
        super().__init__(**session.parts())
        self._session = session
        self._heard = Heard()
        self._variables: Variables | None = None
        session.subscribe(self._told)
        self.observe(self._acted, names="act")

    def _told(self, name: str, value: Any) -> None:
        if name in SHOWN:
            setattr(self, name, value)

    def _acted(self, change: Any) -> None:
        for act in self._heard.new(change["new"]):
            self._session.act(act)

    def watch(self, variables: Variables) -> None:
        """Keep what looks after the notebook's variables, to end with the widget."""
        self._variables = variables

    def close(self) -> None:
        """Take the widget off the page; its run and its worker end."""
        if self._variables is not None:
            self._variables.close()
        self._session.close()
        super().close()

    def _repr_mimebundle_(self, **options: Any) -> Any:
        bundle = super()._repr_mimebundle_(**options)
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
        html, text = self._session.static()
        return {**(data or {}), "text/html": html, "text/plain": text}, metadata


def show(audit: Audit, limits: Limits | None = None) -> AuditWidget:
    """Display the workbench of an audit and, below it, a static copy that is renewed when a run ends."""
    from IPython.display import HTML, display

    session = Session(audit, limits=limits, names=names)
    widget = AuditWidget(session)
    name = f"workbench-{uuid.uuid4().hex}"
    display(widget)
    display(HTML(twin(session)), display_id=name)

    def renew(event: str, _: Any) -> None:
        if event == "finished":
            display(HTML(twin(session)), display_id=name, update=True)

    session.subscribe(renew)
    widget.watch(Variables(audit.given, session.stale))
    return widget


def twin(session: Session) -> str:
    """Return the static copy, folded under its verdict so that it takes one line beside the live view."""
    html, _ = session.static()
    line = "not run yet" if session.record is None else words.verdict_line(session.record)
    return f"<details><summary>{line} (copy that needs no kernel)</summary>{html}</details>"

"""The app's pages in Panel: a list of bundles, and one bundle through the view that the notebook shows too."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import panel as pn
import param

from workbench.audit.record import Record
from workbench.core.errors import ConfigError, WorkbenchError, thousands
from workbench.report import words
from workbench.ui import view
from workbench.ui.acts import Heard
from workbench.ui.app.library import Entry, entries, monitors, open_listed
from workbench.ui.app.timeline import timeline_html
from workbench.ui.earlier import Earlier
from workbench.ui.session import SHOWN, Session

# The shared view speaks to a model with get, set, save_changes and on; this gives it one over Panel's. The address
# keeps what is looked at, so that a page loaded anew, or sent to another reviewer, shows the same.
_ADAPTER = """
export function render({ model, el }) {
  const heard = {};
  const names = NAMES;
  for (const name of names) model.on(name, () => (heard["change:" + name] || []).forEach((f) => f()));
  const host = {
    get: (name) => model[name],
    set: (name, value) => { model[name] = value; },
    save_changes: () => {},
    on: (name, f) => { (heard[name] = heard[name] || []).push(f); },
    off: () => {},
    place: {
      get: (name) => new URLSearchParams(location.search).get(name) || "",
      set: (name, value) => {
        const url = new URL(location.href);
        if (value) url.searchParams.set(name, value);
        else url.searchParams.delete(name);
        if (url.href !== location.href) history.replaceState(history.state, "", url);
      },
    },
  };
  const box = document.createElement("main");
  box.style.width = "100%";
  whenServerEnds(model, (lost) => box.classList.toggle("wb-gone", lost));
  view.render({ model: host, el: box });
  return box;
}
"""


def _module() -> str:
    """Return the shared view's source with the adapter behind it, as one module."""
    source = view.module((*view.PARTS, "served.js")).replace("export default", "const view =", 1)
    return source + _ADAPTER.replace("NAMES", json.dumps(SHOWN))


class Served(pn.custom.JSComponent):
    """The banner of a page whose server has ended; it stays in view however far the page is scrolled."""

    _esm = view.module(view.SERVED) + "\nexport const render = ({ model }) => servedPart(model);"
    _stylesheets = [view.styles(("audit.css",)), ":host { position: sticky; top: 0; z-index: 10; }"]


class AuditView(pn.custom.JSComponent):
    """The shared view in the app."""

    state = param.Dict(default={})
    board = param.Dict(default={})
    progress = param.Dict(default={})
    detail = param.Dict(default={})
    rates = param.Dict(default={})
    costs = param.Dict(default={})
    bias = param.Dict(default={})
    performance = param.Dict(default={})
    explained = param.Dict(default={})
    column = param.Dict(default={})
    series = param.Dict(default={})
    window = param.Dict(default={})
    log = param.Dict(default={})
    attachment = param.Dict(default={})
    comparison = param.Dict(default={})
    file = param.Dict(default={})
    code = param.Dict(default={})
    act = param.Dict(default={})

    _esm = _module()
    _stylesheets = [view.styles()]

    def __init__(self, session: Session, **params: Any) -> None:
        super().__init__(**session.parts(), sizing_mode="stretch_width", **params)
        self._session, self._heard = session, Heard()
        session.subscribe(self._told)

    @param.depends("act", watch=True)
    def _acted(self) -> None:
        for act in self._heard.new(self.act):
            self._session.act(act)

    def _set(self, name: str, value: Any) -> None:
        self.param.update(**{name: value})

    def _told(self, name: str, value: Any) -> None:
        if name in SHOWN:
            pn.state.execute(lambda: self._set(name, value))


def page(folder: Path) -> Any:
    """Return what a visitor sees: the list, or the bundle that the address names."""
    wanted = pn.state.location.query_params.get("bundle") if pn.state.location else None
    store = pn.state.location.query_params.get("monitor") if pn.state.location else None
    body = _bundle(folder, str(wanted)) if wanted else _timeline(folder, str(store)) if store else _list(folder)
    return pn.Column(
        Served(sizing_mode="stretch_width", margin=0),
        *body,
        sizing_mode="stretch_width",
        max_width=1200,
        styles={"margin": "0 auto", "padding": "clamp(8px, 3vw, 24px)"},
    )


def _list(folder: Path) -> list[Any]:
    found = entries(folder)
    stores = [_markup(_STORES.render(stores=monitors(folder)))]
    return [
        *(stores if monitors(folder) else []),
        _markup(_LIST.render(entries=found, folder=folder.name, shapes=words.SHAPES, thousands=thousands)),
    ]


def _bundle(folder: Path, name: str) -> list[Any]:
    back = _markup(_BACK.render(name=words.plain(name, 80)))
    try:
        bundle = open_listed(folder, name)
        record = None if bundle is None else bundle.record
    except WorkbenchError as error:
        return [back, _markup(_PROBLEM.render(text=str(error)))]
    if bundle is None or record is None:
        return [back, _markup(_PROBLEM.render(text=f"there is no bundle called {name!r} in this folder"))]
    others = {e.name: partial(_opened, folder, e.name) for e in entries(folder) if not e.problem and e.name != name}
    session = Session(record=record, read=bundle.read, earlier=Earlier(others))
    pn.state.on_session_destroyed(lambda _: session.close())
    return [back, AuditView(session)]


def _opened(folder: Path, name: str) -> Record:
    bundle = open_listed(folder, name)
    if bundle is None:
        raise ConfigError(f"there is no bundle called {name!r} in this folder any more.")
    return bundle.record


def _timeline(folder: Path, name: str) -> list[Any]:
    named = _markup(_BACK.render(name=words.plain(name, 80)))  # the monitor's own page has its name as its heading
    if name not in monitors(folder):
        return [named, _markup(_PROBLEM.render(text=f"there is no monitor called {name!r} in this folder"))]
    try:
        return [_markup(_BACK.render()), _markup(timeline_html(folder / name, name))]
    except WorkbenchError as error:
        return [named, _markup(_PROBLEM.render(text=str(error)))]


def _markup(html: str) -> Any:
    # Rendered by templates that escape every value.
    return pn.pane.HTML(html, sizing_mode="stretch_width", margin=0, stylesheets=[view.styles()])


def _template(source: str) -> Any:
    from jinja2 import Environment

    return Environment(autoescape=True).from_string(source)


_BACK = _template(
    """<header class="wb wb-trail"><a href="?">All audits</a>
{% if name %}<span aria-hidden="true">›</span> <h1>{{ name }}</h1>{% endif %}</header>"""
)
_PROBLEM = _template('<main class="wb"><p class="wb-message wb-error" role="alert">✕ {{ text }}</p></main>')
_STORES = _template(
    """<nav class="wb" aria-labelledby="monitors"><h2 id="monitors">Monitors</h2><ul class="wb-chips">
{% for name in stores %}<li class="wb-chip">
<a href="?monitor={{ name|urlencode }}">{{ "here" if name == "." else name }}</a></li>
{% endfor %}</ul></nav>"""
)
_LIST = _template(
    """<main class="wb">
<h1>Audits</h1>
{% if not entries %}<p class="wb-empty">No bundle is under {{ folder }} yet. Run <code>workbench run plan.yaml</code>
and reload this page.</p>{% else %}
<p class="wb-muted">showing {{ entries|length }} of {{ entries|length }}</p>
<table class="wb-table"><thead><tr><th scope="col">Verdict</th><th scope="col">Audit</th><th scope="col">When (UTC)</th>
<th scope="col" class="wb-number">Rows</th><th scope="col">Digest</th></tr></thead><tbody>
{% for e in entries %}<tr><td class="wb-{{ e.outcome }}">{{ shapes.get(e.outcome, "✕") }} {{ e.outcome }}</td>
<td>{% if e.problem %}{{ e.title }}<br><span class="wb-muted">{{ e.problem }}</span>{% else %}
<a href="?bundle={{ e.name|urlencode }}">{{ e.title }}</a><br>
<span class="wb-muted">{{ e.line.partition(": ")[2] or e.line }}</span>{% endif %}</td>
<td>{{ e.when[:16]|replace("T", " ") }}</td>
<td class="wb-number">{{ thousands(e.rows) if e.rows is not none else "" }}</td>
<td><code>{{ e.digest }}</code></td></tr>
{% endfor %}</tbody></table>{% endif %}</main>"""
)


def serve_pages(folder: Path, *, port: int, prefix: str, behind_proxy: bool, address: str) -> Any:
    """Start the server and stay in it."""
    if not folder.is_dir():
        from workbench.core.errors import ConfigError, shown

        raise ConfigError(f"{shown(folder, 200)} is not a folder: name the one that holds bundles.")
    pn.extension(inline=True)  # nothing is fetched from another host
    pn.config.raw_css = ["@media (prefers-color-scheme: dark) { body { background: #14171c; } }"]
    return pn.serve(
        {"/": lambda: page(folder)},
        title="Audit Workbench",
        port=port,
        address=address,
        prefix=prefix,
        websocket_origin=["*"] if behind_proxy else [f"127.0.0.1:{port}", f"localhost:{port}"],
        show=False,
    )


__all__ = ["AuditView", "Entry", "page", "serve_pages"]

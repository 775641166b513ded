"""A page of another maker, kept so that nothing in it can run: in a frame without scripts, forms, network or origin."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:; base-uri 'none'; form-action 'none'"
)
_OPENED = (
    "<style>.collapse{display:block!important;visibility:visible!important}"
    ".tab-content>.tab-pane{display:block!important;opacity:1!important}"
    ".navbar,.dropdown{display:none!important}</style>"
)
_STYLE = (
    ":root{color-scheme:light dark}body{margin:0;font:14px/1.45 system-ui,sans-serif;background:#fff;color:#1b1f24}"
    "header{padding:16px 24px}h1{font-size:20px;margin:0 0 8px}p{margin:4px 0;max-width:80ch}"
    "table{border-collapse:collapse;font-size:13px}td,th{text-align:left;padding:2px 12px 2px 0}"
    "iframe{display:block;width:100%;height:80vh;border:0;border-top:1px solid #d0d7de;background:#fff}"
    "@media(prefers-color-scheme:dark){body{background:#14171c;color:#e6e9ee}}"
)


def framed(
    page: str, title: str, sentences: Iterable[str], head: tuple[str, str], names: Iterable[tuple[str, str]]
) -> bytes:
    """Return a page that shows `page` in a sandboxed frame, below its title, sentences and a table of names.

    Everything given is text and is escaped; parts of `page` that scripts would open are open from the start.
    """
    rows = "".join(f"<tr><td>{_text(a)}</td><td><bdi>{_text(b)}</bdi></td></tr>" for a, b in names)
    told = "".join(f"<p>{_text(s)}</p>" for s in sentences)
    heads = "".join(f"<th scope=col>{_text(h)}</th>" for h in head)
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(POLICY)}">'
        f'<meta name="referrer" content="no-referrer"><meta name="viewport" content="width=device-width">'
        f"<title>{_text(title)}</title><style>{_STYLE}</style></head><body><header><h1>{_text(title)}</h1>{told}"
        f"<details><summary>Names of the columns</summary><table><thead><tr>{heads}</tr></thead>"
        f"<tbody>{rows}</tbody></table></details></header>"
        f'<iframe title="{_text(title)}" sandbox referrerpolicy="no-referrer" srcdoc="{escape(page + _OPENED)}">'
        "</iframe></body></html>\n"
    ).encode("utf-8", "replace")


def _text(text: str) -> str:
    # Letters that turn the direction of what follows are shown by their numbers.
    shown = "".join(f"\\u{ord(c):04x}" if c in _TURNING else c for c in text)
    return escape(shown)


_TURNING = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\x00\x1b")

"""What pages are put together from: drawings with their words, and tables whose numbers name their place."""

from __future__ import annotations

import base64
from dataclasses import dataclass

from markupsafe import Markup


@dataclass(frozen=True, slots=True)
class Table:
    """The first rows of a table of the record, and how many there are; `place` and `at` say where they are in it."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Markup, ...], ...]
    numeric: tuple[bool, ...]
    total: int
    place: tuple[int, int] | None = None
    at: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawing as a data URI with its text alternative, and the table it was drawn from.

    `more` is a second drawing of the same rows, for those who open it, with its own sentence.
    """

    uri: str
    title: str
    sentence: str
    key: bool
    wide: bool
    table: Table
    more: str = ""
    more_sentence: str = ""


def svg_uri(svg: str) -> str:
    """Return an SVG as a data URI, inert in an `img`."""
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode("utf-8", "replace")).decode()

"""The text that a reader may get out of a rendered file: entities, escapes, tags and data URIs undone."""

from __future__ import annotations

import base64
import binascii
import csv
import io
import json
import math
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import PurePath
from typing import Any
from urllib.parse import unquote_to_bytes

MOST_DEPTH = 4
MOST_UNPACKED = 256 << 20
"""Bytes of a part of a workbook that is read; the format allows a small file to hold any number."""
_DATA_URI = re.compile(r"data:([\w/+.-]*)((?:;[\w=.-]+)*),([^\"'\s<>)\\]*)")
_NUMBERS = frozenset({"d", "points", "transform", "viewbox", "data-e"})
"""Attributes of drawings and of numbers' places: so many digits look like anything."""
_TEXTS = {"": "txt", "plain": "txt", "svg+xml": "html", "xml": "html", "html": "html", "json": "json"}
_INLINE = "a abbr b bdi bdo code del em i ins mark q s small span strong sub sup tspan u wbr"
_PICTURES = ("image/png", "image/jpeg", "image/gif", "image/webp")


@dataclass
class Readable:
    """The texts of a file, each once, and what of it cannot be read."""

    parts: dict[str, None] = field(default_factory=dict)
    unread: list[str] = field(default_factory=list)

    def add(self, text: str) -> None:
        """Keep a text."""
        if text.strip():
            self.parts[text] = None


def readable(name: str, data: bytes) -> Readable:
    """Return the texts of a file by the ending of its name; of an unknown kind, whatever is UTF-8."""
    found = Readable()
    kind = PurePath(name).suffix.lower().removeprefix(".")
    if kind == "parquet":
        _parquet(data, found)
        return found
    if kind == "xlsx":
        _workbook(data, found)
        return found
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        if kind not in _READERS:
            found.unread.append("no text")
            return found
        text = data.decode("utf-8", "replace")
    _READERS.get(kind, _plain)(text, found, 0)
    return found


def _plain(text: str, found: Readable, depth: int) -> None:
    found.add(text)
    _uris(text, found, depth)
    if "<" in text and depth < MOST_DEPTH:
        _html(text, found, depth + 1)


def _uris(text: str, found: Readable, depth: int) -> None:
    for uri in _DATA_URI.finditer(text):
        kind, options, content = uri.groups()
        if kind in _PICTURES:
            if (note := f"a picture ({kind})") not in found.unread:
                found.unread.append(note)
            continue
        try:
            raw = unquote_to_bytes(content)
            data = base64.b64decode(raw + b"==") if ";base64" in options else raw
        except (binascii.Error, ValueError):
            data = content.encode()
        if depth < MOST_DEPTH:
            reader = _READERS.get(_TEXTS.get(kind.partition("/")[2], ""), _plain)
            reader(data.decode("utf-8", "replace"), found, depth + 1)


# ---------------------------------------------------------------------------- pages


class _Page(HTMLParser):
    """Gathers the text of a page, words over several inline tags put together, and every attribute and comment."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.text: list[str] = []
        self.others: list[str] = []

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.others += [value for name, value in attrs if value and name not in _NUMBERS]
        self.others += [name for name, _ in attrs]
        self._end(tag)

    def handle_endtag(self, tag: str) -> None:
        self._end(tag)

    def _end(self, tag: str) -> None:
        if tag not in _INLINE.split():
            self.text.append("\n")

    def handle_comment(self, data: str) -> None:
        self.others.append(data)

    def handle_decl(self, decl: str) -> None:
        self.others.append(decl)

    def handle_pi(self, data: str) -> None:
        self.others.append(data)

    def unknown_decl(self, data: str) -> None:
        self.others.append(data)


def _html(text: str, found: Readable, depth: int) -> None:
    page = _Page()
    page.feed(text)
    page.close()
    found.add("".join(page.text))
    for other in page.others:
        if other.startswith("data:"):
            _uris(other, found, depth)
        else:
            found.add(other)
            _uris(other, found, depth)
    for style in re.findall(r"url\(([^)]*)\)", text):
        _uris(style, found, depth)


# ---------------------------------------------------------------------------- data


def _json(text: str, found: Readable, depth: int) -> None:
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError):
        _plain(text, found, depth)
        return
    for part in _strings(whole):
        _plain(part, found, depth)


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield str(key)
            yield from _strings(inner)
    elif isinstance(value, list):
        if value and all(isinstance(v, str) for v in value):
            yield "".join(value)  # notebooks keep a text as its lines
        for inner in value:
            yield from _strings(inner)
    elif isinstance(value, int) or (isinstance(value, float) and math.isfinite(value) and value.is_integer()):
        yield str(int(value))


def _csv(text: str, found: Readable, depth: int) -> None:
    _plain(text, found, depth)
    try:
        for row in csv.reader(io.StringIO(text)):
            for cell in row:
                found.add(cell)
    except csv.Error:
        return


def _yaml(text: str, found: Readable, depth: int) -> None:
    from workbench.audit.text import parse_yaml
    from workbench.core.errors import ConfigError

    _plain(text, found, depth)
    try:
        whole = parse_yaml(text, "the file")
    except (ConfigError, RecursionError):
        return
    for part in _strings(whole):
        found.add(part)


def _parquet(data: bytes, found: Readable) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(io.BytesIO(data))
    except (pa.ArrowException, OSError):
        found.unread.append("no readable Parquet")
        return
    for key, value in (table.schema.metadata or {}).items():
        _json(value.decode("utf-8", "replace"), found, 0)
        found.add(key.decode("utf-8", "replace"))
    for name, column in zip(table.column_names, table.columns, strict=True):
        found.add(name)
        for value in column.unique().to_pylist():
            for part in _strings(value):
                _plain(part, found, 0)


def _workbook(data: bytes, found: Readable) -> None:
    """Read every part of a workbook as the XML that it is."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as parts:
            for part in parts.infolist():
                if part.file_size > MOST_UNPACKED:
                    found.unread.append("a part of the workbook that is too large")
                    continue
                found.add(part.filename)
                _html(parts.read(part).decode("utf-8", "replace"), found, 0)
    except (zipfile.BadZipFile, OSError, NotImplementedError, RuntimeError):
        found.unread.append("no readable workbook")


_READERS = {
    "html": _html,
    "htm": _html,
    "svg": _html,
    "xml": _html,
    "json": _json,
    "ipynb": _json,
    "csv": _csv,
    "yaml": _yaml,
    "yml": _yaml,
    "txt": _plain,
}

"""The files or objects that a plan's data names, and by what each is known when it comes again."""

from __future__ import annotations

import glob
import hashlib
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from workbench.core.errors import DataError, shown
from workbench.load.remote import found as found_remotely
from workbench.load.remote import identity, is_remote


def sources(data: str | Sequence[str]) -> Iterator[str]:
    """Yield the files that a plan's data names, each once, in the order of their names."""
    given = [data] if isinstance(data, str) else list(data)
    seen: set[str] = set()
    for part in given:
        found = _named(part)
        for name in found:
            if name not in seen:
                seen.add(name)
                yield name


def place_of(name: str) -> str:
    """Return where a source is, by which its name is known."""
    return name if is_remote(name) else str(Path(name).absolute())


def _named(part: str) -> list[str]:
    if not re.search(r"[*?\[]", part):
        return [part]
    return found_remotely(part) if is_remote(part) else sorted(glob.glob(part, recursive=True))


def content_digest(name: str) -> str:
    """Return the SHA-256 of a file's content, by which it is known when it comes again under any name.

    Of an object in a store it is a digest of what the store says of it (tag, size, time), under its name.
    """
    if is_remote(name):
        return identity(name)
    digest = hashlib.sha256()
    try:
        with Path(name).open("rb") as file:
            while block := file.read(2**20):
                digest.update(block)
    except OSError as error:
        raise DataError(f"{shown(Path(name).name)} cannot be read: {error.strerror}.") from None
    return f"sha256:{digest.hexdigest()}"

"""Records to compare with: those of this session's runs, bundles of a folder, and a bundle that is named."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from workbench.audit.bundle import open_bundle
from workbench.audit.record import Record
from workbench.core.errors import ConfigError
from workbench.report import words

MOST_KEPT = 20
"""Records of this session's runs that are kept."""


class Earlier:
    """What the record on screen can be compared with; bundles of a folder are opened when they are wanted.

    With `paths`, for an analyst's own session only, any bundle that its path names.
    """

    def __init__(self, bundles: Mapping[str, Callable[[], Record]] | None = None, *, paths: bool = False) -> None:
        self._bundles = dict(bundles or {})
        self._paths = paths
        self._records: dict[str, tuple[str, Record]] = {}

    def keep(self, record: Record) -> None:
        """Keep a record of a run; the same one again only becomes the newest."""
        self._records.pop(record.digest, None)
        self._records[record.digest] = (words.verdict_word(record), record)
        while len(self._records) > MOST_KEPT:
            self._records.pop(next(iter(self._records)))

    def listed(self, shown: Record | None) -> list[dict[str, str]]:
        """Return id and words of each record but the one on screen, the newest run first, then bundles."""
        own = "" if shown is None else shown.digest
        runs = [
            {"id": digest, "words": f"{word}, {words.data_words(record)} ({words.short_digest(digest)})"}
            for digest, (word, record) in reversed(self._records.items())
            if digest != own
        ]
        return [*runs, *({"id": name, "words": f"bundle {words.plain(name, 80)}"} for name in self._bundles)]

    def find(self, wanted: Any) -> Record:
        """Return the record of an id or of a bundle's path; ConfigError when there is none."""
        name = str(wanted or "").strip()
        if name in self._records:
            return self._records[name][1]
        if name in self._bundles:
            return self._bundles[name]()
        if not name or not self._paths:
            raise ConfigError("compare: choose a record of the list" + (", or name a bundle." if self._paths else "."))
        return open_bundle(name).record

"""The bundles under a folder, found by their manifests; a bundle is opened by the name in this list only."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from workbench.audit.bundle import MANIFEST, Bundle, open_bundle
from workbench.core.errors import WorkbenchError
from workbench.monitor.store import DATABASE
from workbench.report import words

DEPTH = 4
MOST = 1000


@dataclass(frozen=True, slots=True)
class Entry:
    """One bundle of the list; `name` is its folder relative to the library's."""

    name: str
    title: str
    outcome: str
    line: str
    when: str
    rows: int | None
    digest: str
    problem: str = ""


def entries(folder: Path) -> list[Entry]:
    """Return the bundles under a folder, the latest first."""
    found = [_entry(folder, path.parent) for path in _manifests(folder)]
    return sorted(found, key=lambda e: e.when, reverse=True)


def _manifests(folder: Path) -> list[Path]:
    found: list[Path] = []
    for depth in range(DEPTH):
        pattern = "/".join(["*"] * depth + [MANIFEST])
        found += [p for p in folder.glob(pattern) if not p.is_symlink() and _inside(p, folder)]
    return sorted(found)[:MOST]


def _inside(path: Path, folder: Path) -> bool:
    return path.resolve().is_relative_to(folder.resolve())


def _entry(folder: Path, place: Path) -> Entry:
    name = place.relative_to(folder).as_posix()
    try:
        record = open_bundle(place).record
    except (WorkbenchError, json.JSONDecodeError, OSError) as error:
        return Entry(name, name, "error", "cannot be opened", "", None, "", str(error))
    side = record.subject.get("current") or {}
    return Entry(
        name=name,
        title=" · ".join(part for part in (words.subject_title(record), str(record.beside.get("window", ""))) if part),
        outcome=record.verdict.outcome,
        line=words.verdict_line(record),
        when=str(record.beside.get("started", "")),
        rows=side.get("rows"),
        digest=words.short_digest(record.digest),
    )


def monitors(folder: Path) -> list[str]:
    """Return the stores of monitors under a folder, by their folder relative to it."""
    found: list[Path] = []
    for depth in range(DEPTH - 1):
        pattern = "/".join(["*"] * depth + [DATABASE])
        found += [p.parent for p in folder.glob(pattern) if not p.is_symlink() and _inside(p, folder)]
    return sorted(p.relative_to(folder).as_posix() for p in found)


def open_listed(folder: Path, name: str) -> Bundle | None:
    """Return a bundle that is in the list; None for any other name."""
    for path in _manifests(folder):
        if path.parent.relative_to(folder).as_posix() == name:
            return open_bundle(path.parent)
    return None

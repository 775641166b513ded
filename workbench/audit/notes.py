"""Notes of people on findings: kept beside what is digested, and never a measurement."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from workbench.audit.record import Record
from workbench.core.check import find_check
from workbench.core.errors import ConfigError, shown, thousands

NOTES = "notes"
"""Where a record keeps them, of what is beside its content; a plan calls them the same."""
MOST_LETTERS = 4_000
MOST_NOTES = 1_000


class Note(BaseModel):
    """What a person wrote on a finding, when, and on which record; `by` is empty unless it was given."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    text: str = Field(min_length=1, max_length=MOST_LETTERS)
    when: str = Field(default="", max_length=40)
    by: str = Field(default="", max_length=200)
    record: str = Field(default="", max_length=80)


def given_notes(notes: Mapping[str, Any] | None) -> dict[str, Note]:
    """Return notes by the id of their check, from plain texts or mappings; ConfigError for what is no note."""
    if not isinstance(notes or {}, Mapping):
        raise ConfigError(f"notes: found {shown(notes)}, expected a mapping of checks to what was noted on them.")
    found = {}
    for check, note in (notes or {}).items():
        about = {"text": note} if isinstance(note, str) else note.model_dump() if isinstance(note, Note) else note
        try:
            found[find_check(str(check)).id] = Note.model_validate(about)
        except ValidationError:
            what = f"a text of at most {thousands(MOST_LETTERS)} letters, or a mapping of text, when, by and record"
            raise ConfigError(f"notes: {shown(check)}: expected {what}.") from None
    return found


def as_data(notes: Mapping[str, Note]) -> dict[str, dict[str, str]]:
    """Return notes as plain data, empty fields left out."""
    return {check: note.model_dump(exclude_defaults=True) for check, note in notes.items()}


def notes_of(beside: Mapping[str, Any]) -> dict[str, Note]:
    """Return the notes beside a record; what is none, of a file that anybody may have changed, is left out."""
    every = beside.get(NOTES)
    found: dict[str, Note] = {}
    for check, note in list(every.items())[:MOST_NOTES] if isinstance(every, Mapping) else ():
        with suppress(ValidationError):
            found[str(check)] = Note.model_validate(note)
    return found


def noted(notes: Mapping[str, Note], check: str, text: str, record: Record, by: str = "") -> dict[str, Note]:
    """Return the notes with one on a finding of the record; an empty text takes it away.

    KeyError when the record has no such finding, ConfigError when the text is too long.
    """
    id = record.finding(check).check
    rest = {c: n for c, n in notes.items() if c != id}
    if not text.strip():
        return rest
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return {**rest, **given_notes({id: {"text": text, "when": now, "by": by, "record": record.digest}})}


def with_notes(record: Record, notes: Mapping[str, Note]) -> Record:
    """Return the same record with these notes in place of its own; its digest stays."""
    rest = {k: v for k, v in record.beside.items() if k != NOTES}
    found = replace(record, beside={**rest, **beside_of(notes)})
    # What is known of the content stays known: a digest of a wide record takes long.
    found.__dict__.update({k: v for k, v in record.__dict__.items() if k in ("content", "digest", "small_groups")})
    return found


def beside_of(notes: Mapping[str, Note]) -> dict[str, Any]:
    """Return what a run keeps of an audit's notes beside its content."""
    return {NOTES: as_data(notes)} if notes else {}

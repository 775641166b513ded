"""A person's note on a finding as it is shown: marked as one, never as a measurement."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from workbench.audit.notes import Note, notes_of
from workbench.audit.record import Record
from workbench.report import words

WHOSE = "Note of a person, not a measurement"


@dataclass(frozen=True, slots=True)
class Remark:
    """A note's lines, fit to be shown, and whose it is: by whom and when, and whether it was on another result."""

    lines: tuple[str, ...]
    said: str

    @property
    def markup(self) -> Markup:
        """Return the note as HTML that needs no style."""
        lines = Markup("<br>").join(Markup("<bdi>{}</bdi>").format(line) for line in self.lines)
        return Markup("<blockquote><small>{}:</small><br>{}</blockquote>").format(self.said, lines)

    @property
    def text(self) -> str:
        """Return the note as one line of plain text."""
        return f"{self.said}: {' / '.join(self.lines)}"


def remark_of(record: Record, check: str) -> Remark | None:
    """Return the note on a finding of a record, or None without one."""
    note = notes_of(record.beside).get(check)
    return None if note is None else _remark(note, record)


def _remark(note: Note, record: Record) -> Remark:
    said = [WHOSE]
    said += [f"by {words.plain(note.by, 80)}"] if note.by else []
    said += [f"written {words.plain(note.when[:16].replace('T', ' '), 20)} UTC"] if note.when else []
    # A note outlives the numbers that it was written on: the same audit may run on other data.
    said += ["on another result than this one"] if note.record and note.record != record.digest else []
    lines = tuple(words.plain(line, 4000) for line in note.text.strip().splitlines() if line.strip())
    return Remark(lines, ", ".join(said))

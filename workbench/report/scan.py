"""What rendered files give away: raw values of flagged columns, personal data, secrets, paths of a computer.

The scanner reads files as their readers do (entities, escapes, tags and data URIs undone) and knows nothing of how they
were made: it notices a renderer that is broken. It never tells what it found, only of what kind it is and where.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from workbench.audit.record import Record
from workbench.audit.suppressed import personal_by_values
from workbench.core.check import all_checks
from workbench.core.errors import shown, thousands
from workbench.core.finding import group_label
from workbench.core.frame import Frame
from workbench.core.personal import WORDS, kind_by_name, spans
from workbench.report.labels import plain
from workbench.report.readable import readable

LEAST_LETTERS = 3
LEAST_DIGITS = 6
"""Raw values with fewer letters (numbers: digits) are not looked for: they stand in any text."""
MOST_LETTERS = 24
"""Of a longer value this much is looked for, since what is shown may be cut."""
_START = 3


@dataclass(frozen=True, slots=True, order=True)
class Leak:
    """Something that must not be in a file: its kind, for a raw value its column, and how often it is there."""

    file: str
    kind: str
    column: str = ""
    times: int = 1

    def __str__(self) -> str:
        what = f"raw value of column {shown(self.column, 60)}" if self.column else WORDS.get(self.kind, self.kind)
        return f"{self.file}: {what}, {thousands(self.times)} time{'s' if self.times > 1 else ''}"


@dataclass(frozen=True, slots=True)
class Scan:
    """What was found in files, and the files (or pictures in them) that cannot be read."""

    leaks: tuple[Leak, ...]
    unread: tuple[str, ...] = ()


class RawValues:
    """The values of flagged columns, found in a text wherever they stand as whole words, in the case they have."""

    def __init__(self, by_column: Mapping[str, Iterable[object]]) -> None:
        self._by_length: dict[int, dict[str, tuple[str, bool]]] = {}
        self._starts: set[str] = set()
        for column, values in by_column.items():
            for value in values:
                for form in _forms(value):
                    self._add(form, column)

    def _add(self, form: str, column: str) -> None:
        stem, whole = form[:MOST_LETTERS], len(form) <= MOST_LETTERS
        self._by_length.setdefault(len(stem), {})[stem] = (column, whole)
        self._starts.add(stem[:_START])

    def __bool__(self) -> bool:
        return bool(self._by_length)

    def found(self, text: str) -> Counter[str]:
        """Return, for each column that a value is there of, how many are."""
        text = " ".join(text.split())
        found: Counter[str] = Counter()
        for word in re.finditer(r"\w+", text):
            at = word.start()
            if text[at : at + _START] in self._starts:
                found.update(self._at(text, at))
        return found

    def _at(self, text: str, at: int) -> Iterator[str]:
        for length, stems in self._by_length.items():
            hit = stems.get(text[at : at + length])
            if hit is not None:
                column, whole = hit
                end = text[at + length - 1 : at + length + 1]
                if not whole or not re.fullmatch(r"\w\w", end):
                    yield column
                    return


def _forms(value: object) -> set[str]:
    """Return what a value may look like: as it is, with control letters made visible, and as part of a label."""
    if isinstance(value, bool) or value is None:
        return set()
    if isinstance(value, float) and not math.isfinite(value):
        return set()
    number = isinstance(value, int | float)
    text = f"{value:.0f}" if isinstance(value, float) and value.is_integer() else str(value)
    if number and sum(c.isdigit() for c in text) < LEAST_DIGITS:
        return set()
    label = group_label(("",), (text,)).removeprefix("=")
    words = (" ".join(form.split()) for form in (text, plain(text, 10 * len(text) + 1), label))
    cores = (form[first.start() :] for form in words if (first := re.search(r"\w", form)))
    return {core for core in cores if len(core) >= LEAST_LETTERS}


def flagged_columns(record: Record, names: Iterable[str]) -> list[str]:
    """Return the columns that hold personal data or secrets, by their names and by what the audit found."""
    found = personal_by_values(record)
    return [name for name in names if name in found or kind_by_name(name)]


def raw_values(frame: Frame, columns: Iterable[str]) -> RawValues:
    """Return the distinct values of these columns of the data."""
    found: dict[str, set[object]] = {column: set() for column in columns}
    if found:
        for batch in frame.batches(list(found)):
            for column, values in found.items():
                values.update(batch.column(column).unique().to_pylist())
    return RawValues(found)


@lru_cache(maxsize=1)
def own_words() -> frozenset[str]:
    """Return what has such a shape in the packaged help of checks: `section 2.5.3.1` looks like an address."""
    texts = [text for check in all_checks().values() for text in check.help.values()]
    return frozenset(text[span.start : span.end] for text in texts for span in spans(text))


def scan(files: Mapping[str, bytes], values: RawValues | None = None) -> Scan:
    """Return what these files (name -> content) give away; without `values` only what has a shape is noticed."""
    leaks: list[Leak] = []
    unread: list[str] = []
    for name, data in sorted(files.items()):
        text = readable(name, data)
        unread += [f"{name}: {what}" for what in text.unread]
        found: Counter[tuple[str, str]] = Counter()
        for part in text.parts:
            told = ((span.kind, part[span.start : span.end]) for span in spans(part))
            found.update((kind, "") for kind, what in told if what not in own_words())
            if values:
                found.update({("value", column): n for column, n in values.found(part).items()})
        leaks += [Leak(name, kind, column, times) for (kind, column), times in found.items()]
    return Scan(tuple(sorted(leaks)), tuple(unread))

"""Text from data made fit to be shown; column names, categories and titles are data, whatever they look like."""

from __future__ import annotations

import re
import unicodedata

from workbench.core.errors import thousands
from workbench.core.finding import group_parts as group_parts

MOST_LETTERS = 80
# Letters and digits of scripts that run from right to left, and words of them with nothing but blanks or marks between.
_RIGHT = "[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff]"
_WORDS = f"{_RIGHT}+(?:[\\s_\\-'\u2019.\u200c\u200d]{{1,3}}{_RIGHT}+)*"
_FOUND, _ISOLATED = re.compile(_WORDS), re.compile(f"\u2068({_WORDS})\u2069")


def plain(text: object, limit: int = MOST_LETTERS) -> str:
    """Return text from data fit to be shown: control and direction characters made visible, cut to `limit`.

    Words that run from right to left are isolated (U+2068, U+2069, which do not count), so that what stands around
    them keeps its order; text that went through here once comes out as it is. UAX #9, section 6.
    """
    before = _ISOLATED.sub(r"\1", str(text)[: 3 * limit + 3])
    letters = "".join(_visible(c) for c in before[: limit + 1])
    if not letters.strip():
        return "(empty)" if not letters else "(blank)"
    return isolated(letters if len(letters) <= limit else letters[: limit - 1] + "…")


def isolated(text: str) -> str:
    """Return text whose words from right to left reorder nothing around them."""
    return text if text.isascii() else _FOUND.sub("\u2068\\g<0>\u2069", text)


def _visible(letter: str) -> str:
    category = unicodedata.category(letter)
    if category in ("Cs", "Cn"):
        return "\ufffd"
    if category in ("Cc", "Cf", "Zl", "Zp") and letter not in "\u200d\u200c":
        return " " if letter in "\t\n\r" else f"\\u{ord(letter):04x}"
    return letter


_ROWS = re.compile(r"(reference )?rows-0*(\d+)-0*(\d+)")


def window_words(label: str, *, bare: bool = False) -> str:
    """Return a window's name for reading: `2026-01`, or `rows 5 001–10 000`; `bare` leaves out what kind it is."""
    found = _ROWS.fullmatch(label)
    if found is None:
        return plain(label.removeprefix("reference ") if bare else label, 60)
    ends = "\u2013".join(thousands(int(end)) for end in found.groups()[1:])
    return ends if bare else f"{found[1] or ''}rows {ends}"


def group_words(label: str) -> str:
    """Return a group's label for reading: `race Asian, sex missing`."""
    if not label:
        return ""
    pairs = group_parts(label)
    return ", ".join(f"{plain(c, 40)} {'missing' if v is None else plain(v, 40)}" for c, v in pairs)


def group_values(label: str) -> str:
    """Return only the values of a group's label: `Asian, Female`."""
    values = [v for _, v in group_parts(label)]
    return ", ".join("missing" if v is None else plain(v, 40) for v in values)

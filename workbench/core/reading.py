"""What an engine's error means, in words that repeat nothing of the data."""

from __future__ import annotations

import re

MOST_IN_A_LINE = 32 * 2**20
"""Bytes that one line of a text file may have."""


def meaning(error: Exception) -> str:
    """Return " (line 3): what is wrong and what to do" of an engine's error; the line where the engine names one."""
    text = str(error)
    line = re.search(r"[Ll]ine:? (\d+)", text)
    at = f" (line {line[1]})" if line else ""
    for pattern, found in _MEANINGS:
        if re.search(pattern, text, re.IGNORECASE):
            return f"{at}: {found}"
    return f"{at}: DuckDB reports {type(error).__name__}. Check that the file is whole."


_MEANINGS = (
    (r"file is encrypted but", "it is encrypted Parquet. Decrypt it first."),
    (
        r"maximum line size of",
        f"a line is longer than {MOST_IN_A_LINE // 2**20} MiB. Is a quote left open? Else write it as Parquet.",
    ),
    (r"unterminated quote", "a quote is opened and not closed, or closed before its field ends. Repair it."),
    (
        r"invalid unicode|not utf-?8|byte sequence|not valid utf",
        "it is not valid UTF-8. Save it as UTF-8, or repair that line.",
    ),
    (
        r"(expected|found).*(columns|values)|too many columns|sniff",
        "lines have different numbers of fields. Repair it.",
    ),
    (r"magic|footer|metadata|too small|truncated|thrift", "the file is cut off or no Parquet file. Write it anew."),
    (r"mismatch|union|schema|not found in (the )?file", "the files have different columns or types. Make them agree."),
    (r"memory", "there is not enough memory for it."),
    (r"conver|cast|could not parse", "a value does not fit its column's type."),
)

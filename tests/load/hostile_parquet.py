"""Parquet files written by hand, field by field, to claim what they do not hold (Thrift compact protocol)."""

from __future__ import annotations

import struct

I32, I64, BINARY, LIST, STRUCT = 5, 6, 8, 9, 12
GIB = 2**30
Field = tuple[int, int, bytes]


def varint(n: int) -> bytes:
    """Return an unsigned number in groups of seven bits."""
    out = b""
    while n > 0x7F:
        out, n = out + bytes([n & 0x7F | 0x80]), n >> 7
    return out + bytes([n])


def number(n: int) -> bytes:
    """Return a signed number."""
    return varint(n << 1 if n >= 0 else -2 * n - 1)


def text(content: bytes, claimed: int | None = None) -> bytes:
    """Return a text with its length, or with a length that it does not have."""
    return varint(len(content) if claimed is None else claimed) + content


def record(*fields: Field) -> bytes:
    """Return a struct of (id, type, value) in ascending order of ids."""
    out, last = b"", 0
    for id, kind, value in fields:
        out, last = out + bytes([(id - last) << 4 | kind]) + value, id
    return out + b"\0"


def listed(kind: int, items: list[bytes], claimed: int | None = None) -> bytes:
    """Return a list, or one that claims another size."""
    n = len(items) if claimed is None else claimed
    head = bytes([n << 4 | kind]) if n < 15 else bytes([0xF0 | kind]) + varint(n)
    return head + b"".join(items)


ROOT = record((4, BINARY, text(b"schema")), (5, I32, number(1)))
COLUMN = record((1, I32, number(2)), (3, I32, number(0)), (4, BINARY, text(b"a")))  # int64, required


def file(meta: bytes, body: bytes = b"") -> bytes:
    """Return a file of a body and a footer."""
    return b"PAR1" + body + meta + struct.pack("<I", len(meta)) + b"PAR1"


def footer(rows: int, groups: list[bytes], schema: bytes | None = None) -> bytes:
    """Return a footer with its number of rows and row groups."""
    listing = listed(STRUCT, [ROOT, COLUMN]) if schema is None else schema
    return record((1, I32, number(1)), (2, LIST, listing), (3, I64, number(rows)), (4, LIST, listed(STRUCT, groups)))


def group(rows: int, uncompressed: int, compressed: int, codec: int = 0) -> bytes:
    """Return a row group of the one column, its page right after the file's beginning."""
    about = record(
        (1, I32, number(2)), (2, LIST, listed(I32, [number(0)])), (3, LIST, listed(BINARY, [text(b"a")])),
        (4, I32, number(codec)), (5, I64, number(rows)), (6, I64, number(uncompressed)), (7, I64, number(compressed)),
        (9, I64, number(4)),
    )  # fmt: skip
    chunk = record((2, I64, number(4)), (3, STRUCT, about))
    return record((1, LIST, listed(STRUCT, [chunk])), (2, I64, number(uncompressed)), (3, I64, number(rows)))


def page(uncompressed: int, compressed: int, values: int, content: bytes) -> bytes:
    """Return a page of plain values with its header."""
    about = record((1, I32, number(values)), (2, I32, number(0)), (3, I32, number(3)), (4, I32, number(3)))
    head = record((1, I32, number(0)), (2, I32, number(uncompressed)), (3, I32, number(compressed)), (5, STRUCT, about))
    return head + content


HONEST = file(footer(2, [group(2, 40, 40)]), page(16, 16, 2, struct.pack("<qq", 7, 8)))
LIARS = {
    "a schema of 2**28 columns": file(footer(1, [], listed(STRUCT, [ROOT, COLUMN], 2**28))),
    "a schema of 2**31 - 1 columns": file(footer(1, [], listed(STRUCT, [ROOT, COLUMN], 2**31 - 1))),
    "a name of 2 GiB": file(
        record((1, I32, number(1)), (2, LIST, listed(STRUCT, [record((4, BINARY, text(b"x" * 50, 2**31 - 1)))])))
    ),
    "rows without parts": file(footer(4 * GIB, [])),
    "4 GiB in a part": file(footer(4 * GIB, [group(4 * GIB, 4 * GIB, 4 * GIB)])),
    "a page of 2 GiB": file(footer(1000, [group(1000, 2**31 - 1, 200)]), page(2**31 - 1, 200, 1000, bytes(100))),
    "a page that swells to 2 GiB": file(
        footer(1000, [group(1000, 2**31 - 1, 60, codec=1)]),
        page(2**31 - 1, 40, 1000, varint(2**31 - 1) + bytes(40)),
    ),
}
"""What is claimed -> a file of at most 300 bytes that claims it."""

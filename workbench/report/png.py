"""PNG files made small: the chart library compresses for speed, and a notebook cell has little room."""

from __future__ import annotations

import struct
import zlib

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def compressed(png: bytes) -> bytes:
    """Return the same picture with its pixels compressed as far as zlib can."""
    chunks, pixels = [], b""
    at = len(SIGNATURE)
    while at + 12 <= len(png):
        (size,) = struct.unpack(">I", png[at : at + 4])
        kind, content = png[at + 4 : at + 8], png[at + 8 : at + 8 + size]
        if kind == b"IDAT":
            pixels += content
        else:
            chunks.append((kind, content))
        at += 12 + size
    chunks.insert(-1, (b"IDAT", zlib.compress(zlib.decompress(pixels), 9)))  # before the closing chunk
    small = SIGNATURE + b"".join(_chunk(kind, content) for kind, content in chunks)
    return small if len(small) < len(png) else png


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

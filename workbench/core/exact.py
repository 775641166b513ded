"""Sums that come out the same bits in any order: exact integer accumulators per exponent."""

from __future__ import annotations

import base64
import zlib
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

UNIT_BITS = 1200
"""An exact sum is an integer in units of 2**-1200: every float64 is a whole number of them."""

_EXPONENT_OFFSET = UNIT_BITS - 1075
_CHUNK = 1 << 20


def exact_sum(x: NDArray[np.float64], counts: NDArray[np.int64] | None = None) -> int:
    """Return the exact sum of finite float64 values, each `counts` times, as an integer in units of 2**-1200.

    Mantissas are summed as integers per exponent, which no order of addition can change. Sorted input is fastest.
    """
    if counts is not None and len(counts) and counts.max() > 1:
        return _weighted(x, counts)
    return sum(_run_sum(x[i : i + _CHUNK]) for i in range(0, len(x), _CHUNK))


def _weighted(x: NDArray[np.float64], counts: NDArray[np.int64]) -> int:
    # Bit b of every count at once: the values whose count has that bit, times 2**b.
    whole = 0
    for bit in range(int(counts.max()).bit_length()):
        whole += exact_sum(x[(counts >> bit) & 1 == 1]) << bit
    return whole


def _run_sum(x: NDArray[np.float64]) -> int:
    if not len(x):
        return 0
    bits = np.ascontiguousarray(x).view(np.int64)
    head = bits >> 52  # sign and exponent; equal ones lie together in sorted input
    starts = np.concatenate(([0], np.flatnonzero(head[1:] != head[:-1]) + 1))
    mantissa = bits & ((1 << 52) - 1)
    low = np.add.reduceat(mantissa & ((1 << 26) - 1), starts).tolist()
    high = np.add.reduceat(mantissa >> 26, starts).tolist()
    sizes = np.diff(np.append(starts, len(x))).tolist()
    whole = 0
    for h, lo, hi, size in zip(head[starts].tolist(), low, high, sizes, strict=True):
        exponent, negative = h & 0x7FF, h < 0
        part = lo + (hi << 26) + (size << 52 if exponent else 0)
        part <<= max(exponent, 1) + _EXPONENT_OFFSET
        whole += -part if negative else part
    return whole


def exact_to_float(total: int, divisor: int = 1) -> float:
    """Return total * 2**-1200 / divisor, correctly rounded; infinite when it exceeds float64."""
    try:
        return float(Fraction(total, divisor << UNIT_BITS))
    except OverflowError:
        return float("inf") if total > 0 else float("-inf")


def encode_array(array: NDArray[Any]) -> str:
    """Return an array as base64 of its compressed little-endian bytes."""
    little = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
    return base64.b64encode(zlib.compress(little.tobytes(), 6)).decode("ascii")


def decode_array(text: str, dtype: Any) -> NDArray[Any]:
    """Read what `encode_array` wrote."""
    raw = zlib.decompress(base64.b64decode(text))
    return np.frombuffer(raw, dtype=np.dtype(dtype).newbyteorder("<")).astype(dtype)

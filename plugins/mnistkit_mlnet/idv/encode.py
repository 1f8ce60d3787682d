"""Turns numbers, texts and types into the bytes of a binary data view."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from itertools import accumulate

import numpy as np

from mnistkit.dataset import Array
from mnistkit_mlnet.idv.kinds import Kind


def leb128(number: int) -> bytes:
    """Return a whole number from 0, seven bits a byte, lowest first."""
    coded = bytearray()
    while number >= 0x80:
        coded.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes((*coded, number))


def int64(number: int) -> bytes:
    """Return a place in the file."""
    return struct.pack("<q", number)


def string(text: str) -> bytes:
    """Return a text as its length in bytes and UTF-8."""
    coded = text.encode()
    return leb128(len(coded)) + coded


def codec(kind: Kind) -> bytes:
    """Return the name of a type and its parameters."""
    parameters = codec(kind.items) if kind.items else b""
    if kind.name == "Key2":
        parameters += struct.pack("<Q", kind.count)
    elif kind.is_vector:
        parameters += struct.pack(f"<{1 + len(kind.dimensions)}i", len(kind.dimensions), *kind.dimensions)
    return string(kind.name) + leb128(len(parameters)) + parameters


def rows(values: Array, kind: Kind) -> tuple[bytes, memoryview]:
    """Return the block of some rows in two pieces: what stands before the values, and the values.

    Args:
        values: (n, …): numbers that the type can hold.
        kind: A type of numbers, a key, or a vector of numbers.
    """
    head = _dense(len(values), kind.size) if kind.is_vector else b""
    if kind.dtype == np.bool_:
        return head, np.packbits(values.reshape(-1), bitorder="little").data
    return head, np.ascontiguousarray(values, kind.dtype).reshape(-1).view(np.uint8).data


def _dense(rows: int, size: int) -> bytes:
    """Return what says that all vectors are dense: a count of -1 for each, and no indices."""
    return struct.pack("<ii", rows, size) + b"\xff" * (4 * rows) + struct.pack("<i", 0)


def texts(values: Sequence[str]) -> bytes:
    """Return a block of texts, whose ends are counted in UTF-16 code units."""
    ends = accumulate(map(_code_units, values))
    return struct.pack(f"<{1 + len(values)}i", len(values), *ends) + string("".join(values))


def text_vector(values: Sequence[str]) -> bytes:
    """Return a block of one vector of texts, as annotations hold it."""
    return _dense(1, len(values)) + texts(values)


def _code_units(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-16-le")) // 2
